#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: exchange_app_permission
short_description: Permissions that an Entra application asks for on one API
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Adds permissions to, or removes them from, what an application asks for on one API, by default on
    Office 365 Exchange Online. In the portal it is I(API permissions), before the consent is granted.
  - Names are looked up in the tenant's own service principal of the API, separately for application and delegated
    permissions. An unknown name, or one of the other kind or of another API, fails before any write.
  - What the application asks for on other APIs is never touched.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._attributes.application
options:
  resource:
    description:
      - The API, as V(Office 365 Exchange Online), V(Microsoft Graph) or an app id.
    type: str
    default: Office 365 Exchange Online
  application_permissions:
    description:
      - Names of application permissions, such as V(Mail.Send).
      - Left out together with O(delegated_permissions), and with O(resource) being Office 365 Exchange Online, it is
        V([Mail.Send]), which is what Cisco's guide asks for. Left out otherwise, application permissions are not
        looked at.
      - An empty list is a wish, which matters with O(purge=true).
    type: list
    elements: str
  delegated_permissions:
    description:
      - Names of delegated permissions (scopes), such as V(SMTP.Send).
      - Left out, delegated permissions are not looked at.
    type: list
    elements: str
  purge:
    description:
      - Whether permissions of the given kinds on this API that are not listed are removed.
    type: bool
    default: false
  state:
    description:
      - Whether the listed permissions are asked for.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Asking for a permission grants nothing; M(webex_connect.office365.admin_consent) does.
  - Least right of the admin identity is the Microsoft Graph application permission C(Application.ReadWrite.All), or
    C(Application.ReadWrite.OwnedBy) for an application that it owns together with C(Application.Read.All).
seealso:
  - module: webex_connect.office365.azure_app_registration
  - module: webex_connect.office365.admin_consent
"""

EXAMPLES = r"""
- name: Ask for what Cisco's guide asks for
  webex_connect.office365.exchange_app_permission:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10

- name: Ask for what Webex Connect's sign-in uses
  webex_connect.office365.exchange_app_permission:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    delegated_permissions: [SMTP.Send]

- name: Ask for a refresh token, which is a permission of Microsoft Graph
  webex_connect.office365.exchange_app_permission:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    resource: Microsoft Graph
    delegated_permissions: [offline_access]
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
permissions:
  description: What the application asks for on this API after the task.
  returned: success
  type: dict
  contains:
    app_id:
      description: The application, null in check mode for one that is yet to be made.
      type: str
    object_id:
      description: Its object id, null in check mode for one that is yet to be made.
      type: str
    resource:
      description: Name of the API.
      type: str
    resource_app_id:
      description: App id of the API.
      type: str
    application:
      description: Names of application permissions; an id where the API does not name it.
      type: list
      elements: str
    delegated:
      description: Names of delegated permissions; an id where the API does not name it.
      type: list
      elements: str
  sample:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    object_id: 9a0e2f6d-2d39-4a4d-8d0e-4a54c3f6a8b7
    resource: Office 365 Exchange Online
    resource_app_id: 00000002-0000-0ff1-ce00-000000000000
    application: [Mail.Send]
    delegated: [SMTP.Send]
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, find_application_with, run_module
from ..module_utils._graph_objects import WELL_KNOWN_RESOURCES
from ..module_utils._planning import app_permission as planning

OPTIONS = {
    "app_id": {"type": "str"},
    "object_id": {"type": "str"},
    "resource": {"type": "str", "default": "Office 365 Exchange Online"},
    "application_permissions": {"type": "list", "elements": "str"},
    "delegated_permissions": {"type": "list", "elements": "str"},
    "purge": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def read(tenant, options):
    # Both well-known APIs are read along, so that a wrong name can be told where it belongs.
    app_ids = sorted({options["resource_app_id"], *WELL_KNOWN_RESOURCES.values()})
    application, _none, resources = find_application_with(tenant, options, app_ids, principal=False)
    return planning.Current(application, resources)


def apply(tenant, options, plan):
    for _name, arguments in plan.steps:
        tenant.graph.update_application(**arguments)
    return {}


RESOURCE = Resource(
    key="permissions",
    options=OPTIONS,
    of_application=True,
    check=planning.check,
    read=read,
    plan=planning.plan_permissions,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
