#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: admin_consent
short_description: Tenant-wide consent for an Entra application, limited to what is listed
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Grants an application the listed permissions for the whole tenant, as I(Grant admin consent) does in the portal.
    Application permissions become app role assignments, delegated ones a grant for all users of the API.
  - Unlike the portal's button it grants what the user listed and nothing that the application asks for beyond it,
    unless O(include_unlisted=true), and it takes nothing away unless O(purge=true).
  - Grants that single users gave are shown and never touched.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._attributes.application
options:
  permissions:
    description:
      - What may be granted, by API. Needed if O(state=present), unless O(include_unlisted=true).
      - Left out with O(state=absent), everything that was granted for the whole tenant is revoked.
    type: list
    elements: dict
    suboptions:
      resource:
        description: The API, as V(Office 365 Exchange Online), V(Microsoft Graph) or an app id.
        type: str
        required: true
      application:
        description: Names of application permissions. Left out, none.
        type: list
        elements: str
      delegated:
        description: Names of delegated permissions. Left out, none.
        type: list
        elements: str
  include_unlisted:
    description:
      - Whether everything that the application asks for is granted too.
    type: bool
    default: false
  purge:
    description:
      - Whether tenant-wide grants are revoked that are neither listed nor asked for by the application.
    type: bool
    default: false
  state:
    description:
      - Whether the listed permissions are granted.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Least rights of the admin identity are the Microsoft Graph application permissions
    C(AppRoleAssignment.ReadWrite.All) for application permissions, C(DelegatedPermissionGrant.ReadWrite.All) for
    delegated ones, and C(Application.Read.All). The first lets its holder grant itself anything.
  - A token that was issued before does not gain the permission; the next one does.
seealso:
  - module: webex_connect.office365.exchange_app_permission
"""

EXAMPLES = r"""
- name: Consent to what Cisco's guide and Webex Connect's sign-in need
  webex_connect.office365.admin_consent:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    permissions:
      - resource: Office 365 Exchange Online
        application: [Mail.Send]
        delegated: [SMTP.Send]
      - resource: Microsoft Graph
        delegated: [offline_access]

- name: Take back one permission
  webex_connect.office365.admin_consent:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    permissions:
      - resource: Office 365 Exchange Online
        application: [Mail.Send]
    state: absent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
consent:
  description: What was granted, after the task.
  returned: success
  type: dict
  contains:
    app_id:
      description: The application, null in check mode for one that is yet to be made.
      type: str
    service_principal_id:
      description: Object id of its service principal, null in check mode for one that is yet to be made.
      type: str
    granted:
      description: Tenant-wide grants, in the form of O(permissions).
      type: list
      elements: dict
    asked_but_not_listed:
      description: What the application asks for and O(permissions) does not list. Some of it may have been granted by others.
      type: list
      elements: dict
    granted_but_not_asked:
      description: Tenant-wide grants that the application does not ask for.
      type: list
      elements: dict
    granted_to_single_users:
      description: Delegated permissions that one user gave, with the user's object id as C(principal_id).
      type: list
      elements: dict
  sample:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    service_principal_id: 6e1b7d0e-9a1d-4f3a-9b47-53f1c2f0a0d1
    granted:
      - resource: Office 365 Exchange Online
        application: [Mail.Send]
        delegated: [SMTP.Send]
    asked_but_not_listed: []
    granted_but_not_asked: []
    granted_to_single_users: []
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, find_application_with, run_module
from ..module_utils._graph_objects import WELL_KNOWN_RESOURCES
from ..module_utils._planning import admin_consent as planning

OPTIONS = {
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "permissions": {
        "type": "list",
        "elements": "dict",
        "options": {
            "resource": {"type": "str", "required": True},
            "application": {"type": "list", "elements": "str"},
            "delegated": {"type": "list", "elements": "str"},
        },
    },
    "include_unlisted": {"type": "bool", "default": False},
    "purge": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def read(tenant, options):
    app_ids = {*planning.resource_app_ids(None, options), *WELL_KNOWN_RESOURCES.values()}
    application, principal, resources = find_application_with(tenant, options, sorted(app_ids))
    asked_too = set(planning.resource_app_ids(application, options)) - app_ids
    if asked_too:
        resources.update(tenant.consent.resources(sorted(asked_too)))
    if principal is None:
        return planning.Current(application, None, resources)
    assignments, grants = tenant.consent.consents_of(principal)
    known = {resource.object_id.lower() for resource in resources.values() if resource}
    others = {item.resource_id for item in [*assignments, *grants]} - known
    found = tenant.consent.resources_by_object_id(sorted(others)) if others else {}
    resources.update({resource.app_id: resource for resource in found.values()})
    return planning.Current(application, principal, resources, assignments, grants)


def apply(tenant, options, plan):
    learnt, principal = {}, None
    for name, arguments in plan.steps:
        principal = arguments.get("principal") or principal
        if name == "create_service_principal":
            principal = tenant.graph.create_service_principal(arguments["application"].app_id, young=False)
            learnt.update(service_principal_id=principal.object_id)
        elif name == "assign":
            tenant.consent.assign_role(principal, arguments["resource"].object_id, arguments["permission"].id)
        elif name == "unassign":
            tenant.consent.unassign_role(**arguments)
        elif name == "grant":
            tenant.consent.grant_delegated(principal, arguments["resource"].object_id, arguments["names"])
        elif name == "set_grant":
            tenant.consent.set_grant(**arguments)
    tenant.consent.settle()
    return learnt


RESOURCE = Resource(
    key="consent",
    options=OPTIONS,
    of_application=True,
    check=planning.check,
    read=read,
    plan=planning.plan_consent,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
