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
  - webex_connect.office365._stores
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
  rotate_after_days:
    description:
      - A secret that is older than this many days is succeeded by a new one, however long it would last. The old one
        stays valid. Unlike O(rotate), a second run makes no further secret. At least 1.
    type: int
  known_key_id:
    description:
      - Key id of the secret that Webex Connect is known to hold. It stands for the store's entry.
    type: str
  retire_superseded:
    description:
      - Whether secrets of the name that are older than the current one are removed, valid ones too, once
        O(grace_days) are over or O(confirmed_key_id) names the current one. A run that makes a secret removes none, so
        that Webex Connect can be given the new one first.
      - None is removed while the store does not hold the current secret, unless O(known_key_id) or O(confirmed_key_id)
        names it, nor where O(prove=true) and the proof failed.
    type: bool
    default: false
  grace_days:
    description:
      - Days since the start of the current secret after which O(retire_superseded) may remove older ones.
    type: int
    default: 0
  confirmed_key_id:
    description:
      - Key id of the secret that somebody has confirmed Webex Connect to send with. If it is the current one, older
        ones may be removed before O(grace_days) are over. One that is no longer current has no effect.
    type: str
  prove:
    description:
      - Whether a token is taken from the tenant's sign-in with the application's id and the secret's own text, which
        proves that the text in the store is right and works. The token is thrown away.
      - A store of type V(sealed) cannot be read back, so there it is done only by the task that makes the secret.
      - A proof that fails is reported and does not make the task fail.
    type: bool
    default: false
  prove_timeout:
    description:
      - Seconds to wait for the sign-in to accept a secret that was made moments ago, at most O(replication_timeout).
        V(0) tries once.
    type: int
    default: 120
  key_id:
    description:
      - With O(state=absent), the one secret to remove, which must have the name. Left out, all of the name are removed.
    type: str
  adopt:
    description:
      - What happens to a live secret of the name that the store knows nothing of. V(keep) leaves it and reports it.
        V(replace) makes a new one beside it, once.
    type: str
    choices: [keep, replace]
    default: keep
  return_secret_text:
    description:
      - Whether RV(secret.secret_text) holds the text of a secret that this run made. The task's result is then hidden
        from display as by C(no_log). Whatever uses the text after that needs C(no_log) itself, and so does this task
        where it is C(async), because there it is the task that fetches the result which shows it.
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
    C(Application.ReadWrite.OwnedBy) for an application that it owns together with C(Application.Read.All). With
    C(Policy.Read.All), check mode tells beforehand that the tenant's app management policy forbids or caps secrets.
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

- name: Retire what it supersedes, once Webex Connect is known to have sent with it
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    store:
      path: /var/lib/webex-connect/contoso.yml
    prove: true
    retire_superseded: true
    grace_days: 7
    confirmed_key_id: 0c9c1e64-0f1c-4a35-9a36-0a4c1f6c6f01

- name: Keep it in a file that ansible-vault view opens
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    store:
      path: /var/lib/webex-connect/contoso.yml
      vault: true

- name: Keep it in an Azure Key Vault of the tenant
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    store:
      type: azure_key_vault
      vault_url: https://contoso.vault.azure.net

- name: Keep it in HashiCorp Vault
  webex_connect.office365.app_secret:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    display_name: webex-connect
    store:
      type: hashi_vault
      url: https://vault.contoso.example:8200
      namespace: mail
      role_id: "{{ vault_role_id }}"
      secret_id: "{{ vault_secret_id }}"

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
    proved:
      description: Whether the sign-in gave a token for the secret's text, null if that was not asked for or not found out.
      type: bool
    proof:
      description:
        - RV(secret.proof.outcome) is V(proved), V(refused), V(undecided) (the sign-in said something that is not about
          the secret, or nothing), V(not_readable) (no store tells the text), V(pending) (in check mode, for a secret
          that is yet to be made) or V(not_asked).
        - RV(secret.proof.reason) says why it is not proved.
      type: dict
      contains:
        outcome:
          description: One of the words above.
          type: str
        reason:
          description: Why it is not proved, null if it is or if nobody asked.
          type: str
    rotation:
      description: Where the secret stands in its rotation.
      type: dict
      contains:
        step:
          description:
            - The step that this task carried out, V(add) or V(retire), or else the one that comes next. V(add), if a new
              secret is due; V(prove), if O(prove=true) and the current one is not accepted; V(hand_over), while Webex
              Connect may still use an older one; V(retire), if the older ones may be removed; null, if there are none.
          type: str
        since:
          description: Start of the current secret while older ones are left, otherwise null.
          type: str
        old_key_ids:
          description: Key ids of the older secrets of this name that are left.
          type: list
          elements: str
        retire_after:
          description: When O(grace_days) are over.
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
    proved: null
    proof: {outcome: not_asked, reason: null}
    rotation: {step: null, since: null, old_key_ids: [], retire_after: null}
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, find_application, run_module
from ..module_utils._planning import app_secret as planning
from ..module_utils._planning.secret_rotation import NOT_READABLE, Proof
from ..module_utils._proof import prove
from ..module_utils._rows import parse_time
from ..module_utils._stores.keeping import keep_new_secret
from ..module_utils._stores.store import STORE_OPTIONS, StoreFailed

OPTIONS = {
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "display_name": {"type": "str", "required": True},
    "valid_days": {"type": "int", "default": 180},
    "end_date": {"type": "str"},
    "rotate_before_days": {"type": "int", "default": 30},
    "rotate": {"type": "bool", "default": False},
    "rotate_after_days": {"type": "int"},
    "known_key_id": {"type": "str", "no_log": False},
    "retire_superseded": {"type": "bool", "default": False},
    "grace_days": {"type": "int", "default": 0},
    "confirmed_key_id": {"type": "str", "no_log": False},
    "prove": {"type": "bool", "default": False},
    "prove_timeout": {"type": "int", "default": 120},
    "key_id": {"type": "str", "no_log": False},
    "store": {"type": "dict", "options": STORE_OPTIONS},
    "adopt": {"type": "str", "choices": ["keep", "replace"], "default": "keep"},
    "return_secret_text": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def check(options):
    planning.check(options)
    if options["opened_store"]:
        options["opened_store"].refuse_unusable(new_text=options["state"] == "present")


def read(tenant, options):
    application, _principal = find_application(tenant, options)
    record, store, name = None, options["opened_store"], options["display_name"]
    if store and options["state"] == "present":
        store.refuse_unwritable(tenant.tenant_id, application.app_id if application else None, name)
    if store and application:
        record = store.record_of(tenant.tenant_id, application.app_id, name)
    if record:
        application = tenant.graph.with_recent_secret(application, record)
    proof = read_back(tenant, options, application, record) if record and options["prove"] else None
    return planning.Current(application, record, tenant.now(), store.place if store else None, proof)


def read_back(tenant, options, application, record):
    """What the sign-in says to the text in the store, None where the record is of no secret of the application."""
    held = next((secret for secret in application.secrets if secret.key_id == record.key_id), None)
    if held is None:
        return None
    try:
        text = options["opened_store"].text_of(tenant.tenant_id, application.app_id, options["display_name"])
    except StoreFailed as failure:
        return Proof(NOT_READABLE, failure.message, held.key_id)
    if not text:
        return Proof(NOT_READABLE, "the store holds no text of it", held.key_id)
    return prove(tenant, application.app_id, held.key_id, text, held.start, options["prove_timeout"])


def apply(tenant, options, plan):
    store, name, removed = options["opened_store"], options["display_name"], set()
    for step, arguments in plan.steps:  # removals come before an addition
        if step == "add":
            returns_text = options["return_secret_text"]
            made = keep_new_secret(tenant, store, name, return_text=returns_text or options["prove"], **arguments)
            start, text = parse_time(made["start"] or ""), made["secret_text"]
            if options["prove"]:
                app_id, limit = arguments["application"].app_id, options["prove_timeout"]
                made.update(prove(tenant, app_id, made["key_id"], text, start, limit).shown)
            made["secret_text"] = text if returns_text else None
            return {**made, "rotation": planning.with_start(plan.result["rotation"], start, options["grace_days"])}
        tenant.graph.remove_secret(**arguments)
        tenant.graph.miss_secret(**arguments)
        removed.add(arguments["key_id"])
        if store:
            app_id = arguments["application"].app_id
            store.forget(tenant.tenant_id, app_id, name, frozenset(removed))
    return {}


def rehearse(tenant, options, plan):
    for step, arguments in plan.steps:
        if step == "add":
            tenant.secret_limits.refuse(arguments["application"], options["display_name"], arguments["valid_days"])


RESOURCE = Resource(
    key="secret",
    options=OPTIONS,
    stores=("store",),
    of_application=True,
    check=check,
    read=read,
    plan=planning.plan_secret,
    apply=apply,
    rehearse=rehearse,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
