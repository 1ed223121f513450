# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The least that each module needs the admin identity to be allowed, and what is known of an identity's rights.

An identity gets some management roles of Exchange Online by a directory role, others by a role group or an assignment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Collection, Dict, Optional, Tuple

from .rights import (
    ASSIGN_ROLES,
    GRANT_DELEGATED,
    MAIL_RECIPIENTS,
    MANAGE_AS_APP,
    OWN_APPLICATIONS,
    READ_APPLICATIONS,
    READ_DIRECTORY,
    READ_POLICIES,
    ROLE_MANAGEMENT,
    TRANSPORT_HYGIENE,
    VIEW_CONFIGURATION,
    VIEW_RECIPIENTS,
    WRITE_APPLICATIONS,
    WRITE_AUTHORIZATION,
    WRITE_DIRECTORY,
    management_role_for,
)

# What does as well.
AS_GOOD = {
    READ_APPLICATIONS: (WRITE_APPLICATIONS, READ_DIRECTORY, WRITE_DIRECTORY),
    WRITE_APPLICATIONS: (WRITE_DIRECTORY,),
    GRANT_DELEGATED: (WRITE_DIRECTORY,),
}
# What is enough to look at what these change.
_TO_LOOK = {
    WRITE_APPLICATIONS: READ_APPLICATIONS,
    ASSIGN_ROLES: READ_APPLICATIONS,
    GRANT_DELEGATED: READ_DIRECTORY,
    WRITE_AUTHORIZATION: READ_POLICIES,
}
# The least directory role that brings a management role along.
_DIRECTORY_ROLES = {
    VIEW_RECIPIENTS: "Global Reader",
    VIEW_CONFIGURATION: "Global Reader",
    MAIL_RECIPIENTS: "Exchange Recipient Administrator",
}
# Directory roles by their template ids, which a token names in its claim wids. Whoever has another one may do in the
# directory what no permission tells; the first of these stands in the token of every application.
EXCHANGE_ADMINISTRATOR = "29232cdf-9323-42fd-ade2-1d097af3e4de"
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
NOTHING_IN_DIRECTORY = (
    "0997a1d0-0d1d-4acb-b408-d5ca73121e90",
    "31392ffb-586c-42d1-9346-e59415a2cc4e",  # Exchange Recipient Administrator
    EXCHANGE_ADMINISTRATOR,
)


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

    @property
    def grant(self) -> str:
        """How and where it is given."""
        if self.cmdlets:
            return "by a role group of Exchange Online, or with the directory role {0}".format(
                _DIRECTORY_ROLES.get(self.right, "Exchange Administrator")
            )
        return "as {0} (not as a delegated one) with admin consent, at App registrations > API permissions".format(
            self.kind
        )

    @property
    def to_look(self) -> Need:
        """What is enough to see what this one is there to change."""
        if not self.to_write:
            return self
        if not self.cmdlets:
            return Need(_TO_LOOK[self.right])
        reads = tuple(cmdlet for cmdlet in self.cmdlets if cmdlet.startswith(("Get-", "Test-")))
        return Need(management_role_for(reads[0]) or self.right, False, reads)


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


@dataclass(frozen=True)
class Identity:
    """What is known of the admin identity's rights: application permissions by API, directory roles by template id.

    ``cmdlets`` are those that it may run, and None where that could not be read.
    """

    graph: Collection[str]
    exchange: Collection[str]
    directory_roles: Collection[str]
    cmdlets: Optional[Collection[str]] = None

    def holds(self, need: Need) -> Tuple[Optional[bool], str]:
        """(whether it has the right, and where nobody can tell: why not)"""
        if need.cmdlets:
            return self._runs(need.cmdlets)
        if need.right == MANAGE_AS_APP:
            return need.right in self.exchange, ""
        if any(right in self.graph for right in (need.right, *AS_GOOD.get(need.right, ()))):
            return True, ""
        harmless = NOTHING_IN_DIRECTORY if not need.to_write else (*NOTHING_IN_DIRECTORY, GLOBAL_READER)
        if any(role not in harmless for role in self.directory_roles):
            return None, "a directory role of the identity may stand for it"
        if need.right == WRITE_APPLICATIONS and OWN_APPLICATIONS in self.graph and self.holds(need.to_look)[0]:
            return None, "{0} is enough for applications that the identity owns".format(OWN_APPLICATIONS)
        return False, ""

    def _runs(self, cmdlets: Collection[str]) -> Tuple[Optional[bool], str]:
        if MANAGE_AS_APP not in self.exchange:
            return None, "without {0} Exchange Online does not tell".format(MANAGE_AS_APP)
        if self.cmdlets is not None:
            known = {cmdlet.lower() for cmdlet in self.cmdlets}
            return all(cmdlet.lower() in known for cmdlet in cmdlets), ""
        if any(role in self.directory_roles for role in (EXCHANGE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR)):
            return True, ""
        return None, "Exchange Online did not tell which cmdlets the identity may run"
