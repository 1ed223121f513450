#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: external_forwarding_policy
short_description: Whether mail of mailboxes in Exchange Online may be forwarded outside
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Allows automatic forwarding to addresses outside the organization, for single mailboxes by an outbound spam policy
    and its rule, or for the whole organization in the default policy. Without it, mail that a mailbox forwards to its
    Webex Connect asset comes back with 550 5.7.520.
  - The policy for single mailboxes is new, and copies the limits and notifications of the one that has governed the
    mailboxes, so that nothing but forwarding is loosened.
  - The result tells for each mailbox whether its mail may be forwarded, and because of which facts. Outbound spam
    policies and their rules, remote domains and transport rules are looked at. Where something blocks or cannot be told,
    a warning says what.
  - Policies, rules, their order and remote domains of others are never changed. The new rule comes after all that are
    there and is not moved in front of them, as that would undo a block that somebody made on purpose for the mailbox.
    Where such a block is to be lifted, its owner has to do it.
  - Forwarding itself is set up by M(webex_connect.office365.mailbox_forwarding).
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
options:
  mailboxes:
    description:
      - The mailboxes, best by their primary addresses or object ids, which name one mailbox for certain. The rule holds
        primary addresses.
      - Each that is missing in the rule is added. Others in it stay, unless O(purge_mailboxes=true).
      - If O(state=absent), these leave the rule, which goes with its policy when none remains. Left out, all do.
      - If O(organization=true) or O(state=gathered), they are only judged.
    type: list
    elements: str
  purge_mailboxes:
    description:
      - Whether mailboxes that the rule holds and O(mailboxes) does not name leave it.
    type: bool
    default: false
  organization:
    description:
      - Whether forwarding is allowed for everybody, by setting automatic forwarding of the default policy to C(On), in
        place of a policy for O(mailboxes). Nothing else of it is changed.
      - If O(state=absent), it is set from C(On) back to C(Automatic).
    type: bool
    default: false
  policy_name:
    description:
      - Name of the policy for O(mailboxes), and of its rule where that is new.
      - A policy of this name is taken for ours. If its rule has groups, domains or exceptions, which this module never
        sets, the task fails before any write.
    type: str
    default: Webex Connect forwarding
  forwarding_address:
    description:
      - The address outside that mail is forwarded to, which decides over the remote domain that applies.
      - Left out, it is the external address that each mailbox forwards to now.
    type: str
  forwarding_addresses:
    description:
      - The same by mailbox, as named in O(mailboxes), where it is not one for all.
    type: dict
  state:
    description:
      - V(present) allows forwarding, V(absent) takes back what this module allows.
      - V(gathered) changes nothing and only judges, also as an admin identity that may not read all of it.
    type: str
    choices: [present, absent, gathered]
    default: present
notes:
  - Least rights of the admin identity are the application permission C(Exchange.ManageAsApp) and the management roles
    C(Transport Hygiene) and C(View-Only Recipients) of Exchange Online. With View-Only Configuration beside them, remote
    domains and transport rules are judged as well; the directory role Exchange Administrator brings all of them along. For
    O(state=gathered), Global Reader is enough.
  - An organization that was never customized refuses such changes. The task then fails, in check mode too, until an
    Exchange administrator has run C(Enable-OrganizationCustomization). That is permanent and takes up to an hour to work,
    so this module never does it. Where it was done minutes ago, a write is tried again for O(replication_timeout)
    seconds.
  - Judged is mail that somebody outside writes and the mailbox forwards by its own setting. Whoever is in a group is not
    read. C(Automatic) counts as blocked, as Microsoft describes it.
seealso:
  - module: webex_connect.office365.mailbox_forwarding
  - name: Control automatic external email forwarding in Microsoft 365
    description: Microsoft's page on what decides.
    link: https://learn.microsoft.com/defender-office-365/outbound-spam-policies-external-email-forwarding
"""

EXAMPLES = r"""
- name: Let the hotline's mail be forwarded to its asset
  webex_connect.office365.external_forwarding_policy:
    mailboxes: [support@contoso.example]
    forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io

- name: See what decides, and change nothing
  webex_connect.office365.external_forwarding_policy:
    mailboxes: [support@contoso.example]
    state: gathered
  register: forwarding

- name: One mailbox is no longer forwarded
  webex_connect.office365.external_forwarding_policy:
    mailboxes: [support@contoso.example]
    state: absent

- name: Let everybody forward outside
  webex_connect.office365.external_forwarding_policy:
    organization: true
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
external_forwarding:
  description: What applies after the task.
  returned: success
  type: dict
  contains:
    policy_name:
      description: The policy that the task is about.
      type: str
    organization_mode:
      description:
        - Automatic forwarding in the default policy, V(On), V(Off) or V(Automatic). Null if it was not read.
      type: str
    mailboxes:
      description: The mailboxes that O(mailboxes) names.
      type: list
      elements: dict
      contains:
        mailbox:
          description: The primary address.
          type: str
        target:
          description: The address outside that was judged, null if none is known.
          type: str
        effective:
          description: Whether its mail may be forwarded there, V(allowed), V(blocked) or V(unknown).
          type: str
        because:
          description: The facts that make it so.
          type: list
          elements: str
    unread:
      description: What could not be read, and the right that is missing.
      type: list
      elements: str
  sample:
    policy_name: Webex Connect forwarding
    organization_mode: Automatic
    mailboxes:
      - mailbox: support@contoso.example
        target: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
        effective: allowed
        because:
          - >-
            the outbound spam policy 'Webex Connect forwarding' applies by the rule 'Webex Connect forwarding'
            (priority 0), and allows automatic forwarding (On)
          - the remote domain 'Default' (*) lets automatic forwards through
          - no transport rule stops it
    unread: []
waited:
  description: What was waited for, for how many seconds, and whether it was seen.
  returned: success
  type: list
  elements: dict
"""

from dataclasses import replace

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning import external_forwarding as planning

OPTIONS = {
    "mailboxes": {"type": "list", "elements": "str"},
    "purge_mailboxes": {"type": "bool", "default": False},
    "organization": {"type": "bool", "default": False},
    "policy_name": {"type": "str", "default": "Webex Connect forwarding"},
    "forwarding_address": {"type": "str"},
    "forwarding_addresses": {"type": "dict"},
    "state": {"type": "str", "choices": ["present", "absent", "gathered"], "default": "present"},
}


def read(tenant, options):
    flow, mailboxes = tenant.external_forwarding.read(options["mailboxes"])
    current = planning.Current(flow, list(zip(options["mailboxes"], mailboxes)))
    if not planning.plan_external_forwarding(current, options).changed:
        return current
    # Asked only where something is to be written, as nothing else depends on it.
    return replace(current, dehydrated=tenant.external_forwarding.is_dehydrated())


def apply(tenant, options, plan):
    for name, arguments in plan.steps:
        getattr(tenant.external_forwarding, name)(**arguments)
    return {}


RESOURCE = Resource(
    key="external_forwarding",
    options=OPTIONS,
    check=planning.check,
    read=read,
    plan=planning.plan_external_forwarding,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
