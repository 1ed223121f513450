#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: app_mailbox_scope
short_description: Which mailboxes an Entra application may reach in Exchange Online
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Lets an application reach named mailboxes and no others by itself, with Role Based Access Control for Applications.
    The application is registered in Exchange, a management scope holds the mailboxes, and each role is assigned to the
    application for that scope. It takes the place of an application permission such as C(Mail.Send), by which an
    application can send as anybody in the tenant.
  - What is granted in Entra and in Exchange adds up, and neither narrows the other. A permission for the whole tenant that
    stands beside the scope makes it worthless; each one is in the result, with a warning, and is left as it is.
  - Whether it works is what C(Test-ServicePrincipalAuthorization) says for each mailbox, after a change as well. Mail
    services can take up to two hours longer, because they remember what was allowed.
  - A scope that holds anything but primary addresses of mailboxes, or that other role assignments use, is somebody else's,
    and fails before any write. Role assignments, scopes and registrations of others are never touched.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._attributes.application
options:
  mailboxes:
    description:
      - The mailboxes, best by their primary addresses or object ids, which name one mailbox for certain. The scope holds
        primary addresses.
      - Each that is missing in the scope is added. Others in it stay, unless O(purge=true).
      - If O(state=absent), these leave the scope. When none remains, the scope goes, and all that was made with it.
      - Needed if O(state=present).
    type: list
    elements: str
  roles:
    description:
      - What the application may do there, by the names of Exchange's roles for applications, with or without
        C(Application) in front, such as V(Mail.Send) or V(Mail.Read).
      - Each that is missing is assigned. Others for this scope stay, unless O(purge=true).
      - If O(state=absent), these are taken back. When none remains, the scope goes, and all that was made with it.
      - Left out, it is V([Mail.Send]) if O(state=present).
    type: list
    elements: str
  purge:
    description:
      - Whether mailboxes and roles of this scope that are not listed are taken back.
    type: bool
    default: false
  scope_name:
    description:
      - Name of the management scope. The names of the role assignments begin with it, so it has at most 36 characters.
      - Each application needs a scope of its own.
    type: str
    default: Webex Connect mailboxes
  state:
    description:
      - V(present) lets the application reach the mailboxes, V(absent) takes back what this module allows.
      - With neither O(mailboxes) nor O(roles), V(absent) takes back all of it. The registration in Exchange goes as well
        if this module made it, and the application has no other role or permission on a mailbox of the scope.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Least rights of the admin identity are the Microsoft Graph application permission C(Application.Read.All), the
    application permission C(Exchange.ManageAsApp), and the management roles C(Role Management) and C(View-Only Recipients)
    of Exchange Online. The directory role Exchange Administrator brings both along.
  - An organization that was never customized refuses scopes and role assignments. The task then fails, in check mode too,
    until an Exchange administrator has run C(Enable-OrganizationCustomization), which is permanent.
  - The sign-in of Webex Connect is that of a user, with the delegated permission C(SMTP.Send). It needs none of these roles
    and is not narrowed by the scope. RV(mailbox_scope.connect_needs) says what it does need.
seealso:
  - module: webex_connect.office365.exchange_app_permission
  - module: webex_connect.office365.admin_consent
  - name: Role Based Access Control for Applications in Exchange Online
    description: Microsoft's page on scopes and roles of applications.
    link: https://learn.microsoft.com/exchange/permissions-exo/application-rbac
"""

EXAMPLES = r"""
- name: Let the application send as the hotline's mailbox only
  webex_connect.office365.app_mailbox_scope:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    mailboxes: [support@contoso.example]

- name: Two mailboxes and no others, to be read as well
  webex_connect.office365.app_mailbox_scope:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    mailboxes: [support@contoso.example, orders@contoso.example]
    roles: [Mail.Send, Mail.Read]
    purge: true

- name: Take it all back
  webex_connect.office365.app_mailbox_scope:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    state: absent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
mailbox_scope:
  description: What the application may reach after the task.
  returned: success
  type: dict
  contains:
    app_id:
      description: The application, null in check mode for one that is yet to be made.
      type: str
    service_principal_id:
      description: Object id of its service principal, null in check mode for one that is yet to be made.
      type: str
    scope_name:
      description: The management scope.
      type: str
    registered:
      description: Whether Exchange knows the application.
      type: bool
    roles:
      description: The roles that it has for the scope.
      type: list
      elements: str
    mailboxes:
      description: The mailboxes in the scope.
      type: list
      elements: dict
      contains:
        mailbox:
          description: The primary address.
          type: str
        in_scope:
          description:
            - Whether Exchange says that it can be reached by each of the roles. Null in check mode if something would
              change, and for a mailbox that O(mailboxes) does not name.
          type: bool
    tenant_wide:
      description: Application permissions that let the application reach every mailbox, whatever the scope says.
      type: list
      elements: dict
    other_assignments:
      description: What else the application may do in Exchange, by role assignments that are not of this task.
      type: list
      elements: dict
    connect_needs:
      description: What Webex Connect needs and a scope does not give.
      type: list
      elements: str
  sample:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    service_principal_id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
    scope_name: Webex Connect mailboxes
    registered: true
    roles: [Mail.Send]
    mailboxes:
      - mailbox: support@contoso.example
        in_scope: true
    tenant_wide: []
    other_assignments: []
    connect_needs:
      - >-
        Whoever signs in must be the mailbox itself or have the right to send as it, and authenticated SMTP must be enabled
        for the mailbox.
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from dataclasses import replace

from ..module_utils._converge import Resource, find_application_with, run_module
from ..module_utils._graph_objects import WELL_KNOWN_RESOURCES
from ..module_utils._planning import mailbox_scope as planning

OPTIONS = {
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "mailboxes": {"type": "list", "elements": "str"},
    "roles": {"type": "list", "elements": "str"},
    "purge": {"type": "bool", "default": False},
    "scope_name": {"type": "str", "default": "Webex Connect mailboxes"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def read(tenant, options):
    application, principal, resources = find_application_with(tenant, options, sorted(WELL_KNOWN_RESOURCES.values()))
    granted = tenant.consent.roles_of(principal) if principal else []
    app_id = application.app_id if application else None
    absent = options["state"] == "absent"
    found, mailboxes = tenant.mailbox_scopes.read(app_id, options["scope_name"], options["mailboxes"], absent)
    named = list(zip(options["mailboxes"], mailboxes))
    current = planning.Current(application, principal, resources, granted, found, named)
    if not planning.plan_mailbox_scope(current, options).changed:
        return current
    # Asked only where something is to be written, as nothing else depends on it.
    return replace(current, dehydrated=tenant.mailbox_scopes.is_dehydrated())


def apply(tenant, options, plan):
    learnt = {}
    for name, arguments in plan.steps:
        learnt.update(getattr(tenant.mailbox_scopes, name)(**arguments) or {})
    return learnt


RESOURCE = Resource(
    key="mailbox_scope",
    options=OPTIONS,
    of_application=True,
    check=planning.check,
    read=read,
    plan=planning.plan_mailbox_scope,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
