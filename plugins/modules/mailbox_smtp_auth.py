#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mailbox_smtp_auth
short_description: Authenticated SMTP for one mailbox in Exchange Online
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Opens, closes or hands back the setting of authenticated client SMTP submission (SMTP AUTH) of one mailbox. In the
    Microsoft 365 admin center it is the box I(Authenticated SMTP) under I(Manage email apps).
  - Webex Connect needs it open although it signs in with OAuth.
  - Only this setting of this mailbox is written. The organization's setting, and the other email apps, stay as they are.
  - The result tells what is configured and what is effective, and why.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
options:
  mailbox:
    description:
      - The mailbox, best by its primary address or its object id, which name one mailbox for certain.
      - A sign-in name, alias, display name or secondary address is accepted if exactly one mailbox is called that;
        several matches fail and are listed.
    type: str
    required: true
  smtp_auth:
    description:
      - V(enabled) and V(disabled) set the mailbox's own setting, which overrides the organization's.
      - V(inherit) removes it, so that the organization's setting applies.
    type: str
    choices: [enabled, disabled, inherit]
    default: enabled
notes:
  - Least rights of the admin identity are the application permission C(Exchange.ManageAsApp) and the management roles
    C(Mail Recipients) and C(View-Only Configuration) of Exchange Online, which the directory roles Exchange Recipient
    Administrator together with Global Reader bring along, or Exchange Administrator alone.
  - Authentication policies are read where the role allows it. What could not be read is listed in the result, and
    nothing is claimed about it.
seealso:
  - module: webex_connect.office365.mailbox_forwarding
  - name: Enable or disable authenticated client SMTP submission
    description: Microsoft's page on the setting.
    link: https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
"""

EXAMPLES = r"""
- name: Open authenticated SMTP for the hotline's mailbox
  webex_connect.office365.mailbox_smtp_auth:
    mailbox: support@contoso.example

- name: Let the organization's setting apply again
  webex_connect.office365.mailbox_smtp_auth:
    mailbox: support@contoso.example
    smtp_auth: inherit
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
smtp_auth:
  description: The setting, as it is after the task.
  returned: success
  type: dict
  contains:
    mailbox:
      description: The primary address.
      type: str
    mailbox_id:
      description: The mailbox's immutable id, which all reads and writes used.
      type: str
    configured:
      description: The mailbox's own setting, V(enabled), V(disabled) or V(inherit).
      type: str
    organization:
      description: The organization's setting, V(enabled) or V(disabled).
      type: str
    effective:
      description: What applies to the mailbox, V(enabled) or V(disabled).
      type: str
    because:
      description: The facts that make it so.
      type: list
      elements: str
    authentication_policy:
      description: The authentication policy of the user, else of the organization, null if there is none or it was not read.
      type: str
    unread:
      description: What the admin identity may not read.
      type: list
      elements: str
  sample:
    mailbox: support@contoso.example
    mailbox_id: 5a1a9f0c-7b6b-4a57-8f0c-1c9a8f7a2b11
    configured: enabled
    organization: disabled
    effective: enabled
    because: ["the mailbox's own setting says enabled"]
    authentication_policy: null
    unread: []
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning.checks import refuse_loose_identity
from ..module_utils._planning.mailbox_smtp_auth import Current, plan_smtp_auth

OPTIONS = {
    "mailbox": {"type": "str", "required": True},
    "smtp_auth": {"type": "str", "choices": ["enabled", "disabled", "inherit"], "default": "enabled"},
}


def check(options):
    refuse_loose_identity(options["mailbox"], "mailbox")


def read(tenant, options):
    mailbox = tenant.exchange.mailbox(options["mailbox"])
    return Current(mailbox, tenant.exchange.smtp_auth_of(mailbox))


def apply(tenant, options, plan):
    for _name, arguments in plan.steps:
        tenant.exchange.set_smtp_auth(**arguments)
    return {}


RESOURCE = Resource(key="smtp_auth", options=OPTIONS, check=check, read=read, plan=plan_smtp_auth, apply=apply)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
