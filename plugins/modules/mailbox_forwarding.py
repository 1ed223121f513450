#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: mailbox_forwarding
short_description: Forwarding of one mailbox in Exchange Online to a Webex Connect asset
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Forwards every mail of a mailbox to the forwarding address that Webex Connect gives an email asset, or ends that. In
    the Microsoft 365 admin center it is I(Manage email forwarding).
  - Exchange holds an external and an internal target. While both are set the internal one wins, so an internal forward
    is never left beside the external one. It is replaced only if O(replace_internal=true).
  - A different external target is replaced, with a warning that names it.
  - Inbox rules are another mechanism and are not looked at.
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
  forwarding_address:
    description:
      - The Forwarding Address of the asset in Webex Connect, one plain address. Needed if O(state=present).
      - If O(state=absent), only a forward to this address is ended. Left out, any external forward is.
    type: str
  keep_copy:
    description:
      - Whether a copy of each forwarded mail stays in the mailbox.
      - Left out, the setting is not touched where the mailbox forwards already, and is off where forwarding is new.
    type: bool
  replace_internal:
    description:
      - Whether a forward to an internal recipient may be ended. If not, it makes the task fail before any write when
        O(state=present), and is left and reported when O(state=absent).
    type: bool
    default: false
  state:
    description:
      - Whether the mailbox forwards.
    type: str
    choices: [present, absent]
    default: present
notes:
  - Least rights of the admin identity are the application permission C(Exchange.ManageAsApp) and the management role
    C(Mail Recipients) of Exchange Online, which the directory role Exchange Recipient Administrator brings along.
  - Whether the organization lets mail be forwarded outside is decided elsewhere, by outbound spam policies, remote
    domains and transport rules.
seealso:
  - module: webex_connect.office365.mailbox_smtp_auth
  - name: Set-Mailbox
    description: Microsoft's page on the cmdlet, which also tells that the internal target wins.
    link: https://learn.microsoft.com/powershell/module/exchangepowershell/set-mailbox
"""

EXAMPLES = r"""
- name: Forward the hotline's mailbox to its asset, and keep a copy
  webex_connect.office365.mailbox_forwarding:
    mailbox: support@contoso.example
    forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
    keep_copy: true

- name: End the forward to the asset, and no other
  webex_connect.office365.mailbox_forwarding:
    mailbox: support@contoso.example
    forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
    state: absent
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
forwarding:
  description: The forwarding, as it is after the task.
  returned: success
  type: dict
  contains:
    mailbox:
      description: The primary address.
      type: str
    mailbox_id:
      description: The mailbox's immutable id, which all reads and writes used.
      type: str
    forwarding_address:
      description: The external target, null if there is none.
      type: str
    internal_forward:
      description: The internal target as Exchange stores it (an address or a name), null if there is none.
      type: str
    keep_copy:
      description: Whether a copy stays in the mailbox.
      type: bool
    effective_target:
      description: Where mail really goes, which is the internal target if there is one.
      type: str
  sample:
    mailbox: support@contoso.example
    mailbox_id: 5a1a9f0c-7b6b-4a57-8f0c-1c9a8f7a2b11
    forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
    internal_forward: null
    keep_copy: true
    effective_target: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning import mailbox_forwarding as planning
from ..module_utils._planning.checks import refuse_loose_identity

OPTIONS = {
    "mailbox": {"type": "str", "required": True},
    "forwarding_address": {"type": "str"},
    "keep_copy": {"type": "bool"},
    "replace_internal": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def check(options):
    refuse_loose_identity(options["mailbox"], "mailbox")
    planning.check(options)


def read(tenant, options):
    return tenant.exchange.mailbox(options["mailbox"])


def apply(tenant, options, plan):
    for _name, arguments in plan.steps:
        tenant.exchange.set_forwarding(**arguments)
    return {}


RESOURCE = Resource(
    key="forwarding",
    options=OPTIONS,
    constraints={"required_if": [("state", "present", ["forwarding_address"])]},
    check=check,
    read=read,
    plan=planning.plan_forwarding,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
