# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The names of the rights that single calls need. What each module needs of them is in ``least_rights.py``.

Microsoft Graph's rights are application permissions. Exchange Online's are an application permission and management
roles. See Microsoft's "App-only authentication for unattended scripts in Exchange Online", and the permissions of each
Graph page.
"""

from __future__ import annotations

from typing import Optional

MANAGE_AS_APP = "Exchange.ManageAsApp"
READ_APPLICATIONS = "Application.Read.All"
WRITE_APPLICATIONS = "Application.ReadWrite.All"
OWN_APPLICATIONS = "Application.ReadWrite.OwnedBy"
READ_DIRECTORY = "Directory.Read.All"
WRITE_DIRECTORY = "Directory.ReadWrite.All"
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
