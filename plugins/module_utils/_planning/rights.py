# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The least that each module needs the admin identity to be allowed.

Microsoft Graph's rights are application permissions. Exchange Online's are an application permission and management
roles, of which the identity gets some by a directory role, others by a role group or an assignment. See Microsoft's
"App-only authentication for unattended scripts in Exchange Online", and the permissions of each Graph page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

MANAGE_AS_APP = "Exchange.ManageAsApp"
READ_APPLICATIONS = "Application.Read.All"
WRITE_APPLICATIONS = "Application.ReadWrite.All"
READ_DIRECTORY = "Directory.Read.All"
ASSIGN_ROLES = "AppRoleAssignment.ReadWrite.All"
GRANT_DELEGATED = "DelegatedPermissionGrant.ReadWrite.All"
READ_POLICIES = "Policy.Read.All"
WRITE_AUTHORIZATION = "Policy.ReadWrite.Authorization"

VIEW_RECIPIENTS, VIEW_CONFIGURATION = "View-Only Recipients", "View-Only Configuration"
MAIL_RECIPIENTS, TRANSPORT_HYGIENE, ROLE_MANAGEMENT = "Mail Recipients", "Transport Hygiene", "Role Management"

# The management role to ask for, by what a cmdlet is about: to read it, to write it.
_ROLES = {
    "Mailbox": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "CASMailbox": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "User": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "Recipient": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "InboxRule": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "MailboxPermission": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "RecipientPermission": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "DistributionGroupMember": (VIEW_RECIPIENTS, MAIL_RECIPIENTS),
    "OrganizationConfig": (VIEW_CONFIGURATION, "Organization Configuration"),
    "TransportConfig": (VIEW_CONFIGURATION, "Organization Transport Settings"),
    "HostedOutboundSpamFilterPolicy": (VIEW_CONFIGURATION, TRANSPORT_HYGIENE),
    "HostedOutboundSpamFilterRule": (VIEW_CONFIGURATION, TRANSPORT_HYGIENE),
    "RemoteDomain": (VIEW_CONFIGURATION, "Remote and Accepted Domains"),
    "TransportRule": (VIEW_CONFIGURATION, "Transport Rules"),
    "AuthenticationPolicy": (VIEW_CONFIGURATION, "Organization Configuration"),
    "ServicePrincipal": (VIEW_CONFIGURATION, ROLE_MANAGEMENT),
    "ManagementScope": (VIEW_CONFIGURATION, ROLE_MANAGEMENT),
    "ManagementRoleAssignment": (VIEW_CONFIGURATION, ROLE_MANAGEMENT),
    "ServicePrincipalAuthorization": (VIEW_CONFIGURATION, ROLE_MANAGEMENT),
}


def management_role_for(cmdlet: str) -> Optional[str]:
    """The least management role that holds a cmdlet."""
    verb, _hyphen, noun = cmdlet.partition("-")
    roles = _ROLES.get(noun)
    return roles[0 if verb in ("Get", "Test") else 1] if roles else None


@dataclass(frozen=True)
class Need:
    """One right. ``cmdlets`` are what a management role is needed for, and empty for a permission."""

    right: str
    to_write: bool = False
    cmdlets: Tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        if self.cmdlets:
            return "management role of Exchange Online"
        api = "Office 365 Exchange Online" if self.right == MANAGE_AS_APP else "Microsoft Graph"
        return "application permission of {0}".format(api)


def _to_read(right: str, *cmdlets: str) -> Need:
    return Need(right, False, cmdlets)


def _to_write(right: str, *cmdlets: str) -> Need:
    return Need(right, True, cmdlets)


_EXCHANGE = _to_read(MANAGE_AS_APP)
_MAILBOX = "Get-Mailbox"
_POLICY, _RULE = "HostedOutboundSpamFilterPolicy", "HostedOutboundSpamFilterRule"
MODULES: Dict[str, Tuple[Need, ...]] = {
    "azure_app_registration": (_to_write(WRITE_APPLICATIONS),),
    "app_secret": (_to_write(WRITE_APPLICATIONS),),
    "exchange_app_permission": (_to_write(WRITE_APPLICATIONS),),
    "admin_consent": (_to_read(READ_APPLICATIONS), _to_write(ASSIGN_ROLES), _to_write(GRANT_DELEGATED)),
    "user_consent_policy": (_to_write(WRITE_AUTHORIZATION),),
    "mailbox_smtp_auth": (
        _EXCHANGE,
        _to_read(VIEW_CONFIGURATION, "Get-TransportConfig"),
        _to_write(MAIL_RECIPIENTS, _MAILBOX, "Get-CASMailbox", "Set-CASMailbox"),
    ),
    "mailbox_forwarding": (_EXCHANGE, _to_write(MAIL_RECIPIENTS, _MAILBOX, "Set-Mailbox")),
    "external_forwarding_policy": (
        _EXCHANGE,
        _to_read(VIEW_RECIPIENTS, _MAILBOX),
        _to_write(
            TRANSPORT_HYGIENE,
            "Get-" + _POLICY,
            "Get-" + _RULE,
            "New-" + _POLICY,
            "New-" + _RULE,
            "Set-" + _POLICY,
            "Set-" + _RULE,
            "Enable-" + _RULE,
            "Remove-" + _POLICY,
            "Remove-" + _RULE,
        ),
    ),
    "app_mailbox_scope": (
        _to_read(READ_APPLICATIONS),
        _EXCHANGE,
        _to_read(VIEW_RECIPIENTS, _MAILBOX),
        _to_write(
            ROLE_MANAGEMENT,
            "Get-ServicePrincipal",
            "Get-ManagementScope",
            "Get-ManagementRoleAssignment",
            "Test-ServicePrincipalAuthorization",
            "New-ServicePrincipal",
            "New-ManagementScope",
            "Set-ManagementScope",
            "New-ManagementRoleAssignment",
            "Remove-ManagementRoleAssignment",
            "Remove-ManagementScope",
            "Remove-ServicePrincipal",
        ),
    ),
    # These tell what they could not read, and fail for none of it.
    "connect_email_info": (
        _to_read(READ_DIRECTORY),
        _to_read(READ_POLICIES),
        _EXCHANGE,
        _to_read(VIEW_RECIPIENTS, _MAILBOX, "Get-CASMailbox", "Get-User"),
        _to_read(
            VIEW_CONFIGURATION,
            "Get-OrganizationConfig",
            "Get-TransportConfig",
            "Get-AuthenticationPolicy",
            "Get-" + _POLICY,
            "Get-" + _RULE,
            "Get-RemoteDomain",
            "Get-TransportRule",
            "Get-ManagementRoleAssignment",
        ),
    ),
    "smtp_oauth_info": (_to_read(READ_DIRECTORY), _to_read(READ_POLICIES)),
    "handoff_sheet": (),
    "readiness_page": (),
    "connect_report_files": (),
}
