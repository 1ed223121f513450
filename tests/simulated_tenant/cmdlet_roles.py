# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may run which cmdlet.

https://learn.microsoft.com/powershell/exchange/app-only-auth-powershell-v2 (directory roles) and
https://learn.microsoft.com/exchange/permissions-exo (management roles).
"""

from __future__ import annotations

RECIPIENTS, CONFIGURATION, HYGIENE = "View-Only Recipients", "View-Only Configuration", "Transport Hygiene"
MAIL, TRANSPORT, DOMAINS = "Mail Recipients", "Organization Transport Settings", "Remote and Accepted Domains"
ORGANIZATION, HYGIENE_VIEW = "Organization Configuration", "Security Reader"
ROLE_MANAGEMENT, RULES = "Role Management", "Transport Rules"
EVERYTHING = "*"

# Management roles that a directory role brings along.
BROUGHT: dict[str, set[str]] = {
    "Global Administrator": {EVERYTHING},
    "Exchange Administrator": {EVERYTHING},
    "Exchange Recipient Administrator": {MAIL, RECIPIENTS},
    "Global Reader": {RECIPIENTS, CONFIGURATION, HYGIENE_VIEW},
    "Helpdesk Administrator": {RECIPIENTS},
    "Security Administrator": {HYGIENE_VIEW},
    "Security Reader": {HYGIENE_VIEW},
    "Compliance Administrator": {HYGIENE_VIEW},
}
READ: dict[str, set[str]] = {
    "Mailbox": {RECIPIENTS, MAIL},
    "CASMailbox": {RECIPIENTS, MAIL},
    "User": {RECIPIENTS, MAIL},
    "Recipient": {RECIPIENTS, MAIL},
    "InboxRule": {RECIPIENTS, MAIL},
    "MailboxPermission": {RECIPIENTS, MAIL},
    "RecipientPermission": {RECIPIENTS, MAIL},
    "OrganizationConfig": {CONFIGURATION, RECIPIENTS, MAIL, ORGANIZATION},
    "AcceptedDomain": {CONFIGURATION, RECIPIENTS, MAIL, DOMAINS},
    "TransportConfig": {CONFIGURATION, TRANSPORT},
    "HostedOutboundSpamFilterPolicy": {CONFIGURATION, HYGIENE, HYGIENE_VIEW},
    "HostedOutboundSpamFilterRule": {CONFIGURATION, HYGIENE, HYGIENE_VIEW},
    "RemoteDomain": {CONFIGURATION, DOMAINS},
    "TransportRule": {CONFIGURATION, RULES},
    "AuthenticationPolicy": {CONFIGURATION, ORGANIZATION},
    "ServicePrincipal": {CONFIGURATION, ROLE_MANAGEMENT},
    "ManagementScope": {CONFIGURATION, ROLE_MANAGEMENT},
    "ManagementRoleAssignment": {CONFIGURATION, ROLE_MANAGEMENT},
    "ServicePrincipalAuthorization": {CONFIGURATION, ROLE_MANAGEMENT},
}
WRITE: dict[str, set[str]] = {
    "Mailbox": {MAIL},
    "CASMailbox": {MAIL},
    "MailboxPermission": {MAIL},
    "TransportConfig": {TRANSPORT},
    "HostedOutboundSpamFilterPolicy": {HYGIENE},
    "HostedOutboundSpamFilterRule": {HYGIENE},
    "RemoteDomain": {DOMAINS},
    "OrganizationCustomization": {ORGANIZATION},
}


def is_read(cmdlet: str) -> bool:
    """Get- and Test- cmdlets change nothing."""
    return cmdlet.lower().startswith(("get-", "test-"))


def may_run(directory_roles: frozenset[str], management_roles: set[str], cmdlet: str) -> bool:
    """Whether these roles, taken together, show the caller this cmdlet."""
    held = set(management_roles)
    for role in directory_roles:
        held |= BROUGHT.get(role, set())
    noun = cmdlet.split("-", 1)[1]
    table = READ if is_read(cmdlet) else WRITE
    return EVERYTHING in held or bool(held & table.get(noun, {ROLE_MANAGEMENT}))
