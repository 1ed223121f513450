#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: azure_app_registration
short_description: Entra application registration and its service principal
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Registers the application that Webex Connect signs in with, and its service principal (enterprise application), or
    completes, changes or deletes an existing one.
  - O(app_id), O(object_id) and O(unique_name) name one application for certain. A O(display_name) is matched whole.
    Several applications of that name make the task fail with a list of them.
  - One application of that name is taken for ours only if this admin identity created it (the service records that
    and nobody can forge it), if a record of an earlier run in O(store) names it, or if O(adopt_by_name=true). Any
    other makes the task fail, shows what it holds, and asks for its O(app_id). In most tenants any user can register
    an application of any name, and consenting to a planted one hands over the tenant's mail.
  - Only what is given is compared and changed. Redirect URIs and tags of others stay, unless a purge option says so.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._stores
options:
  display_name:
    description:
      - Name of the application, at most 120 characters (90 with personal accounts). Needed to make one.
      - Beside O(app_id), O(object_id) or O(unique_name) it is the name that the application shall have.
      - At least one of O(display_name), O(unique_name), O(app_id) and O(object_id) is needed.
    type: str
  unique_name:
    description:
      - A key of your choice, unique in the tenant, that can be set once and never changed. It makes the creation
        itself safe against a second application.
      - A deleted application keeps its key until it is deleted permanently.
      - Left out, none is set.
    type: str
  app_id:
    description:
      - Application (client) ID. Giving it confirms that this application is the right one.
    type: str
  object_id:
    description:
      - Object ID of the application (not of its service principal).
    type: str
  adopt_by_name:
    description:
      - Whether a single application that has O(display_name) is taken for ours whoever made it. Read the description
        before you set this.
    type: bool
    default: false
  sign_in_audience:
    description:
      - Who may sign in; the four values of Microsoft Graph. For Webex Connect a single tenant is enough.
    type: str
    choices: [AzureADMyOrg, AzureADMultipleOrgs, AzureADandPersonalMicrosoftAccount, PersonalMicrosoftAccount]
    default: AzureADMyOrg
  redirect_uris:
    description:
      - Redirect URIs of the platform Web, such as the asset's Call Back URL from Webex Connect. Repeats are collapsed.
      - They must be https (http only for localhost and 127.0.0.1), and are checked before anything is sent.
      - Left out, redirect URIs are not touched.
    type: list
    elements: str
  purge_redirect_uris:
    description:
      - Whether other redirect URIs of the platform Web are removed, and those of O(redirect_uris) from the other
        platforms.
    type: bool
    default: false
  issue_access_tokens:
    description:
      - The box I(Access tokens) under I(Implicit grant and hybrid flows). Cisco's guide ticks it.
      - Left out, it is not touched.
    type: bool
  issue_id_tokens:
    description:
      - The box I(ID tokens) under I(Implicit grant and hybrid flows). Left out, it is not touched.
    type: bool
  notes:
    description:
      - Internal notes. Left out, they are not touched.
    type: str
  tags:
    description:
      - Tags that the application shall have beside those it has; 1 to 256 characters each, without blanks.
    type: list
    elements: str
  service_management_reference:
    description:
      - Reference to a service or asset management database, which some tenants demand. Left out, it is not touched.
    type: str
  state:
    description:
      - V(absent) deletes the application with its service principal. It can be restored for 30 days, unless
        O(permanent=true).
    type: str
    choices: [present, absent]
    default: present
  restore_deleted:
    description:
      - Whether an application that O(app_id) or O(object_id) names is taken back from the deleted items, with its
        service principal, if it is there. What was granted to it has to be granted again.
    type: bool
    default: false
  permanent:
    description:
      - Whether O(state=absent) also deletes it and its service principal from the deleted items, for good.
    type: bool
    default: false
notes:
  - Least right of the admin identity is the Microsoft Graph application permission C(Application.ReadWrite.All).
    C(Application.ReadWrite.OwnedBy) together with C(Application.Read.All) does for applications that it made itself.
seealso:
  - module: webex_connect.office365.app_secret
  - module: webex_connect.office365.exchange_app_permission
  - name: Redirect URI (reply URL) outline and restrictions
    description: Microsoft's rules for redirect URIs.
    link: https://learn.microsoft.com/entra/identity-platform/reply-url
"""

EXAMPLES = r"""
- name: Register the application of a Webex Connect asset
  webex_connect.office365.azure_app_registration:
    display_name: WebexConnect
    redirect_uris:
      - https://contoso.us.webexconnect.io/callback
    issue_access_tokens: true
  register: registration

- name: Complete an application that was made by hand, confirmed by its id
  webex_connect.office365.azure_app_registration:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    redirect_uris:
      - https://contoso.us.webexconnect.io/callback

- name: Delete it (it can be restored for 30 days)
  webex_connect.office365.azure_app_registration:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    state: absent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
application:
  description:
    - The application after the task. With O(state=absent), the one that was deleted, as it was; every value is null if
      there was none.
  returned: success
  type: dict
  contains:
    app_id:
      description: Application (client) ID, null in check mode for one that is yet to be made.
      type: str
    object_id:
      description: Object ID, null in check mode for one that is yet to be made.
      type: str
    service_principal_id:
      description: Object ID of the service principal, null in check mode for one that is yet to be made.
      type: str
    created_by_us:
      description: Whether the admin identity itself made it, as the service tells.
      type: bool
    display_name:
      description: The name.
      type: str
    unique_name:
      description: The unique name, null if it has none.
      type: str
    sign_in_audience:
      description: Who may sign in.
      type: str
    redirect_uris:
      description: Redirect URIs of the platform Web, sorted.
      type: list
      elements: str
    issue_access_tokens:
      description: Whether the implicit grant issues access tokens.
      type: bool
    issue_id_tokens:
      description: Whether the implicit grant issues ID tokens.
      type: bool
    notes:
      description: Internal notes.
      type: str
    tags:
      description: Tags, sorted.
      type: list
      elements: str
    service_management_reference:
      description: Reference to a service management database.
      type: str
  sample:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    object_id: 9a0e2f6d-2d39-4a4d-8d0e-4a54c3f6a8b7
    service_principal_id: 6e1b7d0e-9a1d-4f3a-9b47-53f1c2f0a0d1
    created_by_us: true
    display_name: WebexConnect
    unique_name: null
    sign_in_audience: AzureADMyOrg
    redirect_uris: ["https://contoso.us.webexconnect.io/callback"]
    issue_access_tokens: true
    issue_id_tokens: false
    notes: null
    tags: []
    service_management_reference: null
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning import app_registration as planning
from ..module_utils._stores.store import STORE_OPTIONS

OPTIONS = {
    "display_name": {"type": "str"},
    "unique_name": {"type": "str"},
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "adopt_by_name": {"type": "bool", "default": False},
    "store": {"type": "dict", "options": STORE_OPTIONS},
    "sign_in_audience": {
        "type": "str",
        "choices": [
            "AzureADMyOrg",
            "AzureADMultipleOrgs",
            "AzureADandPersonalMicrosoftAccount",
            "PersonalMicrosoftAccount",
        ],
        "default": "AzureADMyOrg",
    },
    "redirect_uris": {"type": "list", "elements": "str"},
    "purge_redirect_uris": {"type": "bool", "default": False},
    "issue_access_tokens": {"type": "bool"},
    "issue_id_tokens": {"type": "bool"},
    "notes": {"type": "str"},
    "tags": {"type": "list", "elements": "str"},
    "service_management_reference": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "restore_deleted": {"type": "bool", "default": False},
    "permanent": {"type": "bool", "default": False},
}


def read(tenant, options):
    graph, store = tenant.graph, options["opened_store"]
    if options["app_id"]:
        exact, principal = graph.application_and_principal(options["app_id"])
        return planning.Current(
            tenant.admin_client_id, exact, principal=principal, deleted=deleted(graph, options, exact)
        )
    if options["object_id"] or options["unique_name"]:
        exact = graph.application(object_id=options["object_id"], unique_name=options["unique_name"])
        if exact or options["object_id"] or not options["display_name"]:
            principal = graph.service_principal(exact.app_id) if exact else None
            return planning.Current(
                tenant.admin_client_id, exact, principal=principal, deleted=deleted(graph, options, exact)
            )
    recorded = store.app_ids(tenant.tenant_id) if store else ()
    named = graph.applications_named(options["display_name"], recorded)
    only = named[0] if len(named) == 1 else None
    return planning.Current(
        tenant.admin_client_id,
        named=named,
        owners=graph.owners_of(only) if only and only.created_by_app_id != tenant.admin_client_id else None,
        recorded=recorded,
        principal=graph.service_principal(only.app_id) if only else None,
    )


def deleted(graph, options, exact):
    if exact or not options["restore_deleted"] or options["state"] == "absent":
        return None
    return graph.deleted_application(options["app_id"], options["object_id"])


def apply(tenant, options, plan):
    graph, learnt = tenant.graph, {}
    for name, arguments in plan.steps:
        if name == "create":
            application = graph.create_application(arguments["properties"], tenant.admin_client_id)
            principal = graph.create_service_principal(application.app_id, young=True)
            others = graph.wait_until_visible(application)
            if not arguments["properties"].get("unique_name"):
                kept = graph.only_one_of(application, others)
                if kept is not application:
                    application, principal = kept, graph.create_service_principal(kept.app_id, young=True)
            learnt.update(app_id=application.app_id, object_id=application.object_id)
            learnt.update(service_principal_id=principal.object_id)
        elif name == "restore":
            learnt.update(service_principal_id=graph.restore_application(arguments["application"]).object_id)
        elif name == "create_service_principal":
            principal = graph.create_service_principal(arguments["application"].app_id, young=False)
            learnt.update(service_principal_id=principal.object_id)
        elif name == "update":
            graph.update_application(**arguments)
        elif name == "delete":
            graph.delete_application(**arguments)
    return learnt


RESOURCE = Resource(
    key="application",
    options=OPTIONS,
    stores=("store",),
    constraints={
        "required_one_of": [("display_name", "unique_name", "app_id", "object_id")],
        "mutually_exclusive": [("app_id", "object_id")],
    },
    check=planning.check,
    read=read,
    plan=planning.plan_app_registration,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
