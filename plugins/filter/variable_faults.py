# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: variable_faults
short_description: What is wrong with the variables of a tenant
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Looks at variables of the role P(webex_connect.office365.connect_email#role) as far as it can be done without asking the
    tenant. All faults are told at once, each in a sentence with the name and the value of the variable.
  - The role does this before anything else. One task is cheaper than one for each variable, and a host with two faults
    is told of both.
options:
  _input:
    description:
      - A dictionary of the variables by their names. All that are looked at have to be in it, blank where they are not given.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: The variables can be used
  ansible.builtin.assert:
    that: variables | webex_connect.office365.variable_faults | length == 0
    fail_msg: "{{ variables | webex_connect.office365.variable_faults | join(' ') }}"
  vars:
    variables:
      connect_email_tenant_id: contoso.example
      connect_email_app_name: WebexConnect
      connect_email_secret_name: webex-connect
      connect_email_callback_url: https://contoso.us.webexconnect.io/callback
      connect_email_sign_in_audience: AzureADMyOrg
      connect_email_secret_adopt: keep
      connect_email_cloud: public
      connect_email_user_consent:
      connect_email_external_forwarding: scoped
      connect_email_verify_fail_on: never
      connect_email_secret_valid_days: 180
      connect_email_secret_rotate_before_days: 30
      connect_email_secret_grace_days: 7
      connect_email_secret_prove_timeout: 120
      connect_email_smtp_port:
      connect_email_issue_access_tokens: true
      connect_email_app_adopt_by_name: false
      connect_email_secret_rotate_now: false
      connect_email_mailbox_scope: false
      connect_email_offboard_permanent: false
      connect_email_offboard_foreign_application: false
      connect_email_verify_login: false
      connect_email_secret_store: {type: file}
      connect_email_permissions:
        - {resource: Microsoft Graph, delegated: [offline_access]}
      connect_email_assets: []
"""

RETURN = r"""
_value:
  description: A sentence for each fault; empty where there is none.
  type: list
  elements: str
"""

from ..module_utils._planning.variables import faults


class FilterModule:
    def filters(self):
        return {"variable_faults": faults}
