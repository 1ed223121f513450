#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: user_consent_policy
short_description: Whether users of a tenant may consent to applications
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Sets whether users may let applications reach their data without an administrator. In the Entra admin center it is
    I(User consent settings) under I(Enterprise applications), I(Consent and permissions).
  - Only the consent policies of users are replaced. Those of owners of teams and chats, and every other setting of the
    tenant's authorization policy, stay as they are.
  - It affects future consents only. Consent that was given is not withdrawn, and the consent for the organization that
    M(webex_connect.office365.admin_consent) gives does not depend on it.
  - The setting is read back after a change, and the task fails if the service did not take it.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
options:
  user_consent:
    description:
      - V(disabled) lets users consent to nothing, so that an administrator has to.
      - V(verified_publishers) lets them consent to permissions that are classified as low impact, for applications of
        verified publishers and of the own organization. A warning is drawn where no permission is classified so, as
        users can then consent to nothing.
      - V(all) lets them consent to any application, for all permissions that need no administrator.
      - V(microsoft_managed) leaves it to Microsoft's recommendation, which changes with time. Where popular mail clients
        are let in beside it, that stays.
      - Left out, nothing is changed, and the result tells what is set.
    type: str
    choices: [disabled, verified_publishers, all, microsoft_managed]
notes:
  - Least rights of the admin identity are the Microsoft Graph application permission C(Policy.Read.All) for reading, and
    C(Policy.ReadWrite.Authorization) beside it for changing.
  - For V(verified_publishers), the classifications of Microsoft Graph and Office 365 Exchange Online are read with
    C(Application.Read.All). What could not be read is listed in the result.
seealso:
  - module: webex_connect.office365.admin_consent
  - name: Configure how users consent to applications
    description: Microsoft's page on the setting.
    link: https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent
"""

EXAMPLES = r"""
- name: Leave consent to administrators
  webex_connect.office365.user_consent_policy:
    user_consent: disabled

- name: See what is set
  webex_connect.office365.user_consent_policy:
  register: consent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
user_consent:
  description: The setting, as it is after the task.
  returned: success
  type: dict
  contains:
    user_consent:
      description: One of the choices of O(user_consent), V(custom) for any other policy, null if it was not read.
      type: str
    policies:
      description: The consent policies of users, as the service spells them. Null if they were not read.
      type: list
      elements: str
    kept:
      description: The other entries of the list, which are never touched. Null if they were not read.
      type: list
      elements: str
    low_impact_permissions:
      description:
        - The delegated permissions that are classified as low impact, by API.
        - Null where the setting is not V(verified_publishers), or where they were not read.
      type: dict
    unread:
      description: What the admin identity may not read.
      type: list
      elements: str
  sample:
    user_consent: microsoft_managed
    policies:
      - ManagePermissionGrantsForSelf.microsoft-user-default-recommended
    kept:
      - ManagePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team
    low_impact_permissions: null
    unread: []
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning import user_consent_policy as planning

OPTIONS = {
    "user_consent": {"type": "str", "choices": ["disabled", "verified_publishers", "all", "microsoft_managed"]},
}


def read(tenant, options):
    policies = tenant.policies.consent_policies()
    if not planning.needs_classifications(policies, options):
        return planning.Current(policies)
    return planning.Current(policies, tenant.policies.low_impact_permissions(planning.CLASSIFIED))


def apply(tenant, options, plan):
    for _name, arguments in plan.steps:
        tenant.policies.set_consent_policies(**arguments)
    return {}


RESOURCE = Resource(key="user_consent", options=OPTIONS, read=read, plan=planning.plan_user_consent, apply=apply)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
