# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each cmdlet does. ``run`` is the only entry; every cmdlet is one function.

Each group of cmdlets is a table like RECIPIENT_CMDLETS and is listed in ``tables``. A cmdlet that is in
no table is answered as one that the caller may not run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .binding import Parameters, changed_list
from .cmdlet_roles import may_run
from .exchange_errors import NotAllowed, object_missing
from .identities import anr, matches, one, opath
from .tenant import Tenant
from .tenant_mail import Row

NO_CHANGE = "The command completed successfully but no settings of '{}' have been modified."
MAILBOX_ONLY = ("SmtpClientAuthenticationDisabled", "ImapEnabled", "PopEnabled", "ActiveSyncEnabled", "OWAEnabled",
                "MAPIEnabled", "EwsEnabled", "AuthenticationPolicy")  # fmt: skip
CAS_KEYS = ("Identity", "Id", "Guid", "ExternalDirectoryObjectId", "Name", "DisplayName", "PrimarySmtpAddress",
            *MAILBOX_ONLY[:-1])  # fmt: skip
USER_KEYS = ("Identity", "Id", "Guid", "ExternalDirectoryObjectId", "Name", "DisplayName", "UserPrincipalName",
             "WindowsLiveID", "RecipientType", "RecipientTypeDetails", "AuthenticationPolicy", "IsDirSynced",
             "AccountDisabled")  # fmt: skip
RECIPIENT_KEYS = ("Identity", "Id", "Guid", "ExternalDirectoryObjectId", "ExchangeGuid", "Name", "DisplayName",
                  "Alias", "PrimarySmtpAddress", "EmailAddresses", "RecipientType", "RecipientTypeDetails",
                  "WindowsLiveID")  # fmt: skip


@dataclass
class Outcome:
    """Rows and warnings of a cmdlet."""

    rows: list[Row] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


Cmdlet = Callable[[Tenant, Parameters], Outcome]


def run(tenant: Tenant, caller: str, directory_roles: frozenset[str], cmdlet: str, bound: Parameters) -> Outcome:
    """Runs a cmdlet for a caller, or raises."""
    for table in tables():
        if cmdlet in table:
            if bound.get("WhatIf"):
                return Outcome(warnings=[f"What if: {cmdlet}"])
            return table[cmdlet](tenant, bound)
    raise NotAllowed(cmdlet)


def tables() -> tuple[dict[str, Cmdlet], ...]:
    """All groups of cmdlets."""
    from .cmdlets_mail_flow import MAIL_FLOW_CMDLETS
    from .cmdlets_policies import POLICY_CMDLETS
    from .cmdlets_rbac import RBAC_CMDLETS

    return RECIPIENT_CMDLETS, MAIL_FLOW_CMDLETS, POLICY_CMDLETS, RBAC_CMDLETS


def allowed(tenant: Tenant, caller: str, directory_roles: frozenset[str], cmdlet: str) -> bool:
    """Whether the caller knows this cmdlet at all."""
    return any(cmdlet in table for table in tables()) and may_run(
        directory_roles, tenant.management_roles.get(caller, set()), cmdlet
    )


def chosen(tenant: Tenant, rows: list[Row], bound: Parameters) -> list[Row]:
    """What a Get- cmdlet on recipients returns. Without an Identity (or with a null one): everything."""
    kinds = [kind.lower() for kind in bound.get("RecipientTypeDetails") or []]
    if bound.get("Identity") is not None:
        rows = [one(tenant, rows, bound["Identity"])]
    if kinds:
        rows = [row for row in rows if row["RecipientTypeDetails"].lower() in kinds]
    if bound.get("Anr"):
        rows = anr(rows, bound["Anr"])
    if bound.get("Filter"):
        test = opath(bound["Filter"])
        rows = [row for row in rows if test(row)]
    return rows


def get_mailbox(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-mailbox"""
    if any(bound.get(name) for name in ("SoftDeletedMailbox", "InactiveMailboxOnly", "GroupMailbox", "PublicFolder")):
        return Outcome()
    rows = chosen(tenant, tenant.mailboxes, bound)
    return Outcome([{k: v for k, v in row.items() if k not in MAILBOX_ONLY} for row in rows])


def set_mailbox(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-mailbox"""
    row = one(tenant, tenant.mailboxes, bound["Identity"])
    wanted: dict[str, Any] = {}
    if "ForwardingSmtpAddress" in bound:
        address = bound["ForwardingSmtpAddress"]
        bare = address.split(":", 1)[-1] if address else None
        wanted["ForwardingSmtpAddress"] = f"smtp:{bare}" if bare else None
    if "ForwardingAddress" in bound:
        wanted["ForwardingAddress"] = _recipient_name(tenant, bound["ForwardingAddress"])
    for name, value in bound.items():
        if name in ("Identity", "Confirm", "Force", "WhatIf", *wanted):
            continue
        if name in row:
            wanted[name] = changed_list(row[name], value) if isinstance(row[name], list) else value
        else:
            wanted[name] = value
    return changed(row, wanted)


def _recipient_name(tenant: Tenant, identity: str | None) -> str | None:
    """The internal forwarding target is stored by name."""
    if identity is None:
        return None
    return str(one(tenant, tenant.mailboxes + tenant.other_recipients, identity)["Name"])


def changed(row: Row, wanted: dict[str, Any]) -> Outcome:
    """Stores what differs; warns where nothing does."""
    different = {name: value for name, value in wanted.items() if row.get(name) != value or name not in row}
    row.update(different)
    return Outcome() if different else Outcome(warnings=[NO_CHANGE.format(row["Identity"])])


def get_cas_mailbox(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-casmailbox"""
    rows = chosen(tenant, tenant.mailboxes, bound)
    return Outcome([{name: row.get(name) for name in CAS_KEYS} for row in rows])


def set_cas_mailbox(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-casmailbox: null means inherit."""
    row = one(tenant, tenant.mailboxes, bound["Identity"])
    wanted = {name: value for name, value in bound.items() if name not in ("Identity", "Confirm", "WhatIf")}
    return changed(row, wanted)


def get_user(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-user"""
    rows = chosen(tenant, tenant.mailboxes, bound)
    return Outcome([{name: row.get(name) for name in USER_KEYS} for row in rows])


def get_recipient(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-recipient"""
    rows = chosen(tenant, tenant.mailboxes + tenant.other_recipients, bound)
    return Outcome([{name: row.get(name) for name in RECIPIENT_KEYS} for row in rows])


def get_inbox_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-inboxrule"""
    if not bound.get("Mailbox"):
        raise object_missing("", tenant.settings.exchange_status_for_not_found)
    owner = one(tenant, tenant.mailboxes, bound["Mailbox"])
    return Outcome([_public(row) for row in tenant.inbox_rules if row["_mailbox"] == owner["Guid"]])


def get_mailbox_permission(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-mailboxpermission"""
    owner = one(tenant, tenant.mailboxes, bound["Identity"])
    itself: Row = {"Identity": owner["Identity"], "User": "NT AUTHORITY\\SELF", "UserSid": "S-1-5-10"}
    itself.update({"AccessRights": ["FullAccess, ReadPermission"], "Deny": False, "IsInherited": False})
    rows = [itself] + [r for r in tenant.mailbox_permissions if r["_mailbox"] == owner["Guid"]]
    wanted = bound.get("User")
    return Outcome([_public(r) for r in rows if wanted is None or r["User"].lower() == wanted.lower()])


def get_recipient_permission(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-recipientpermission"""
    everybody = tenant.mailboxes + tenant.other_recipients
    rows = tenant.recipient_permissions
    if bound.get("Identity") is not None:
        owner = one(tenant, everybody, bound["Identity"])
        rows = [row for row in rows if matches([owner], str(row["Identity"]))]
    wanted = bound.get("Trustee")
    return Outcome([_public(r) for r in rows if wanted is None or r["Trustee"].lower() == wanted.lower()])


def _public(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("_")}


RECIPIENT_CMDLETS: dict[str, Cmdlet] = {
    "Get-Mailbox": get_mailbox,
    "Set-Mailbox": set_mailbox,
    "Get-CASMailbox": get_cas_mailbox,
    "Set-CASMailbox": set_cas_mailbox,
    "Get-User": get_user,
    "Get-Recipient": get_recipient,
    "Get-InboxRule": get_inbox_rule,
    "Get-MailboxPermission": get_mailbox_permission,
    "Get-RecipientPermission": get_recipient_permission,
}
