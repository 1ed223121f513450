#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: app_secret
short_description: One named client secret of an Entra application, kept in a store
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Makes a client secret of a name, renews it before it ends, and removes it. The service tells the text of a secret
    only once, so the store is checked for writing before anything is made, and if the text cannot be stored the new
    credential is removed again.
  - Only secrets named O(display_name) count. Those of others, and certificates, are neither counted nor touched.
  - With a store, the current secret is the one that the store's entry names, as long as it is live and does not end
    within O(rotate_before_days). If the entry is missing while a live secret of the name exists, that one is left and
    reported, unless O(adopt=replace) or O(rotate=true). Without a store, any live secret of the name is current.
  - The text is in the result only if O(return_secret_text=true).
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._attributes.application
attributes:
  idempotent:
    support: partial
    details:
      - With O(rotate=true) each run makes a new secret.
options:
  display_name:
    description:
      - Name of the secret, which the portal calls description.
    type: str
    required: true
  valid_days:
    description:
      - Days until a new secret ends. It is never shortened silently; a tenant whose policy allows less refuses it.
      - Ignored if O(end_date) is given.
    type: int
    default: 180
  end_date:
    description:
      - Day or moment (UTC) at which a new secret ends, such as V(2027-03-31) or V(2027-03-31T12:00:00Z).
    type: str
  rotate_before_days:
    description:
      - A secret that ends within this many days is succeeded by a new one. The old one stays valid.
    type: int
    default: 30
  rotate:
    description:
      - Whether a new secret is made in any case. It makes one at each run, so set it for one run only.
    type: bool
    default: false
  known_key_id:
    description:
      - Key id of the secret that Webex Connect is known to hold. It stands for the store's entry.
    type: str
  retire_superseded:
    description:
      - Whether secrets of the name that end before the current one are removed, valid ones too. A run that makes a
        secret removes none, so that Webex Connect can be given the new one first.
    type: bool
    default: false
  key_id:
    description:
      - With O(state=absent), the one secret to remove, which must have the name. Left out, all of the name are removed.
    type: str
  store:
    description:
      - Where the text of a new secret is put. Needed if O(state=present), unless O(return_secret_text=true).
    type: dict
    suboptions:
      type:
        description:
          - V(file) is a YAML file that only its owner can read, replaced in one step. Beside the text it remembers
            the application, the key id, start and end.
        type: str
        choices: [file]
        default: file
      path:
        description:
          - The file, for O(store.type=file). In an execution environment it must lie on a mounted volume.
        type: path
  adopt:
    description:
      - What happens to a live secret of the name that the store knows nothing of. V(keep) leaves it and reports it.
        V(replace) makes a new one beside it, once.
    type: str
    choices: [keep, replace]
    default: keep
  return_secret_text:
    description:
      - Whether RV(secret.secret_text) holds the text of a secret that this run made. Whoever can see the task's
        result can see it then; set C(no_log) on the task.
    type: bool
    default: false
  state:
    description:
      - V(absent) removes the secrets of the name, or the one of O(key_id), and their entry in the store.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Least right of the admin identity is the Microsoft Graph application permission C(Application.ReadWrite.All), or
    C(Application.ReadWrite.OwnedBy) for an application that it owns together with C(Application.Read.All).
  - O(store.type=file) needs PyYAML, which comes with ansible-core.
seealso:
  - module: webex_connect.office365.azure_app_registration
"""

EXAMPLES = r"""
- name: Keep a secret that is always good for another month
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    store:
      path: /var/lib/webex-connect/contoso.yml

- name: Remove one secret by its key id
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    key_id: 0c9c1e64-0f1c-4a35-9a36-0a4c1f6c6f01
    state: absent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
secret:
  description: The current secret after the task. With O(state=absent) its values are null.
  returned: success
  type: dict
  contains:
    app_id:
      description: The application, null in check mode for one that is yet to be made.
      type: str
    display_name:
      description: Name of the secret.
      type: str
    key_id:
      description: Its key id, null in check mode for one that is yet to be made.
      type: str
    start:
      description: Start (UTC), null in check mode for one that is yet to be made.
      type: str
    end:
      description: End (UTC), null in check mode for one that is yet to be made.
      type: str
    other_live_key_ids:
      description: Key ids of other live secrets of this name.
      type: list
      elements: str
    stored_in:
      description: Where the text lies, null if no store was given or it does not hold the current secret.
      type: str
    secret_text:
      description: The text of a secret that this run made, if O(return_secret_text=true), otherwise null.
      type: str
  sample:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    key_id: 0c9c1e64-0f1c-4a35-9a36-0a4c1f6c6f01
    start: '2026-11-25T08:00:00Z'
    end: '2027-05-24T08:00:00Z'
    other_live_key_ids: []
    stored_in: /var/lib/webex-connect/contoso.yml
    secret_text: null
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, find_application, run_module
from ..module_utils._planning import app_secret as planning
from ..module_utils._stores.keeping import keep_new_secret
from ..module_utils._stores.store import STORE_OPTIONS, open_store

OPTIONS = {
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "display_name": {"type": "str", "required": True},
    "valid_days": {"type": "int", "default": 180},
    "end_date": {"type": "str"},
    "rotate_before_days": {"type": "int", "default": 30},
    "rotate": {"type": "bool", "default": False},
    "known_key_id": {"type": "str", "no_log": False},
    "retire_superseded": {"type": "bool", "default": False},
    "key_id": {"type": "str", "no_log": False},
    "store": {"type": "dict", "options": STORE_OPTIONS},
    "adopt": {"type": "str", "choices": ["keep", "replace"], "default": "keep"},
    "return_secret_text": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def check(options):
    planning.check(options)
    if options["store"]:
        options["opened_store"] = open_store(options["store"])
        options["opened_store"].refuse_unusable()


def read(tenant, options):
    application, _principal = find_application(tenant, options)
    record, store = None, options.get("opened_store")
    if store and application:
        record = store.record_of(tenant.tenant_id, application.app_id, options["display_name"])
    if record:
        application = tenant.graph.with_recent_secret(application, record)
    return planning.Current(application, record, tenant.now(), store.place if store else None)


def apply(tenant, options, plan):
    store, name, removed = options.get("opened_store"), options["display_name"], set()
    for step, arguments in plan.steps:  # removals come before an addition
        if step == "add":
            return keep_new_secret(tenant, store, name, return_text=options["return_secret_text"], **arguments)
        tenant.graph.remove_secret(**arguments)
        removed.add(arguments["key_id"])
        if store:
            app_id = arguments["application"].app_id
            store.forget(tenant.tenant_id, app_id, name, frozenset(removed))
    return {}


RESOURCE = Resource(
    key="secret",
    options=OPTIONS,
    of_application=True,
    check=check,
    read=read,
    plan=planning.plan_secret,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
