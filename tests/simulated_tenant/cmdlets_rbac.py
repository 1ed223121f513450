# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RBAC for Applications: service principals, management scopes, role assignments, mailbox permissions.

https://learn.microsoft.com/exchange/permissions-exo/application-rbac
"""

from __future__ import annotations

import re
from typing import Any

from .binding import Parameters
from .cmdlets import Cmdlet, Outcome, changed
from .cmdlets_mail_flow import listed
from .cmdlets_policies import needs_hydration
from .exchange_errors import invalid, object_exists, object_missing
from .graph_types import GUID
from .identities import named, one, opath, properties_of
from .new_objects import new_id
from .tenant import Tenant
from .tenant_mail import Row, mailbox_row

APPLICATION_ROLES = {
    f"Application {name}": name
    for name in (
        "Mail.Read", "Mail.ReadBasic", "Mail.ReadWrite", "Mail.Send", "MailboxSettings.Read",
        "MailboxSettings.ReadWrite", "Calendars.Read", "Calendars.ReadWrite", "Contacts.Read",
        "Contacts.ReadWrite", "EWS.AccessAsApp", "SMTP.SendAsApp",
    )
}  # fmt: skip
SCOPES = ("CustomResourceScope", "CustomRecipientWriteScope")
KINDS_OF_SCOPE = {
    "CustomResourceScope": "CustomRecipientScope",
    "RecipientGroupScope": "Group",
    "RecipientAdministrativeUnitScope": "AdministrativeUnit",
}
COMPARISON = re.compile(r"\w+ -\w+ (?:'(?:[^']|'')*'|\S+)")


def service_principal(tenant: Tenant, identity: str) -> Row:
    """The service principal that this id or name means."""
    for row in tenant.exchange_service_principals:
        if identity and identity.lower() in {str(row[key]).lower() for key in ("AppId", "ObjectId", "DisplayName")}:
            return row
    raise object_missing(identity, tenant.settings.exchange_status_for_not_found)


def get_service_principal(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-serviceprincipal"""
    if bound.get("Identity") is not None:
        return Outcome([dict(service_principal(tenant, bound["Identity"]))])
    return Outcome([dict(row) for row in tenant.exchange_service_principals])


def new_service_principal(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/new-serviceprincipal

    The object id is not compared with the directory; a wrong one only fails later.
    """
    app_id, object_id = bound["AppId"], bound["ObjectId"]
    for name, value in (("AppId", app_id), ("ObjectId", object_id)):
        if not GUID.match(value):
            raise invalid(f"The {name} '{value}' isn't a GUID.")
    for row in tenant.exchange_service_principals:
        if app_id.lower() == row["AppId"].lower() or object_id.lower() == row["ObjectId"].lower():
            raise object_exists(app_id)
    made: Row = {
        "AppId": app_id,
        "ObjectId": object_id,
        "DisplayName": bound.get("DisplayName") or "",
        "Identity": object_id,
        "Name": object_id,
        "Guid": new_id(),
    }
    tenant.exchange_service_principals.append(made)
    return Outcome([dict(made)])


def set_service_principal(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-serviceprincipal"""
    row = service_principal(tenant, bound["Identity"])
    return changed(row, {"DisplayName": bound.get("DisplayName", row["DisplayName"])})


def remove_service_principal(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/remove-serviceprincipal"""
    row = service_principal(tenant, bound["Identity"])
    if any(a["RoleAssigneeName"] == row["ObjectId"] for a in tenant.management_role_assignments):
        raise invalid("The service principal still has role assignments. Remove them first.")
    tenant.exchange_service_principals.remove(row)
    return Outcome()


def get_scope(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-managementscope"""
    return listed(tenant, tenant.management_scopes, bound)


@needs_hydration
def new_scope(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/new-managementscope"""
    name, text = bound["Name"], bound.get("RecipientRestrictionFilter") or ""
    _check_name(name, tenant.management_scopes)
    check_filter(text)
    made: Row = {
        "Name": name,
        "Identity": name,
        "Guid": new_id(),
        "RecipientFilter": reformatted(text),
        "RecipientRoot": "",
        "ScopeRestrictionType": "RecipientScope",
        "Exclusive": bool(bound.get("Exclusive")),
    }
    tenant.management_scopes.append(made)
    return Outcome([dict(made)])


@needs_hydration
def set_scope(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-managementscope"""
    row = named(tenant, tenant.management_scopes, bound["Identity"])
    wanted: Row = {}
    if "RecipientRestrictionFilter" in bound:
        check_filter(bound["RecipientRestrictionFilter"] or "")
        wanted["RecipientFilter"] = reformatted(bound["RecipientRestrictionFilter"])
    if bound.get("Name") and bound["Name"] != row["Name"]:
        _check_name(bound["Name"], tenant.management_scopes)
        wanted.update(Name=bound["Name"], Identity=bound["Name"])
    return changed(row, wanted)


def check_filter(text: str) -> None:
    """A filter is understood, down to its properties, before it is kept."""
    known = {name.lower() for name in mailbox_row("", "", "", "", "", "")} | {"memberofgroup"}
    for name in properties_of(text):
        if name.lower() not in known:
            raise invalid(f'"{name}" isn\'t a recognized filterable property.')


def reformatted(text: str) -> str:
    """The filter as the service gives it back: every comparison in parentheses of its own."""
    bare = re.sub(r"\s+", " ", text.strip())
    return f"({COMPARISON.sub(lambda match: f'({match[0]})', bare)})"


@needs_hydration
def remove_scope(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/remove-managementscope"""
    row = named(tenant, tenant.management_scopes, bound["Identity"])
    if any(row["Name"] in (a[one] for one in SCOPES) for a in tenant.management_role_assignments):
        raise invalid(f"The management scope '{row['Name']}' is used by a role assignment.")
    tenant.management_scopes.remove(row)
    return Outcome()


def get_assignment(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-managementroleassignment"""
    rows = tenant.management_role_assignments
    if bound.get("Identity") is not None:
        rows = [named(tenant, rows, bound["Identity"])]
    if bound.get("RoleAssignee"):
        assignee = service_principal(tenant, bound["RoleAssignee"])
        rows = [row for row in rows if row["RoleAssigneeName"] == assignee["ObjectId"]]
    for name in ("Role", "RoleAssigneeType", "Enabled", "CustomRecipientWriteScope"):
        if bound.get(name) is not None:
            rows = [row for row in rows if str(row[name]).lower() == str(bound[name]).lower()]
    return Outcome([dict(row) for row in rows])


@needs_hydration
def new_assignment(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/new-managementroleassignment (-App only)"""
    if not bound.get("App"):
        raise invalid("Only assignments to applications are simulated.")
    app = service_principal(tenant, bound["App"])
    known = {role.lower(): role for role in APPLICATION_ROLES}
    role = known.get(bound["Role"].lower())
    if role is None:
        raise object_missing(bound["Role"], tenant.settings.exchange_status_for_not_found)
    scope = None
    if len([name for name in KINDS_OF_SCOPE if bound.get(name)]) > 1:
        raise invalid("An assignment takes one scope.")
    if bound.get("CustomResourceScope"):
        scope = named(tenant, tenant.management_scopes, bound["CustomResourceScope"])["Name"]
    name = bound.get("Name") or f"{role}-{app['ObjectId'][:8]}"
    _check_name(name, tenant.management_role_assignments)
    made = tenant.add_role_assignment(
        name,
        role,
        app["ObjectId"],
        CustomResourceScope=scope,
        RecipientWriteScope=next((kind for one, kind in KINDS_OF_SCOPE.items() if bound.get(one)), "Organization"),
        RecipientGroupScope=bound.get("RecipientGroupScope"),
        RecipientAdministrativeUnitScope=bound.get("RecipientAdministrativeUnitScope"),
    )
    return Outcome([dict(made)])


@needs_hydration
def remove_assignment(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/remove-managementroleassignment"""
    row = named(tenant, tenant.management_role_assignments, bound["Identity"])
    tenant.management_role_assignments.remove(row)
    return Outcome()


def test_authorization(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/test-serviceprincipalauthorization"""
    app = service_principal(tenant, bound["Identity"])
    resource = bound.get("Resource")
    mailbox = one(tenant, tenant.mailboxes, resource) if resource else None
    rows = [
        {
            "RoleName": assignment["Role"],
            "GrantedPermissions": APPLICATION_ROLES[assignment["Role"]],
            "AllowedResourceScope": next((assignment[n] for n in KINDS_OF_SCOPE if assignment[n]), "Organization"),
            "ScopeType": assignment["RecipientWriteScope"],
            "InScope": "Not Run" if mailbox is None else _covers(tenant, assignment, mailbox),
        }
        for assignment in tenant.management_role_assignments
        if assignment["RoleAssigneeName"] == app["ObjectId"] and assignment["Enabled"]
    ]
    return Outcome(rows)


def _covers(tenant: Tenant, assignment: Row, mailbox: Row) -> bool:
    """Who is in a group or an administrative unit is not simulated: nobody is."""
    if not assignment["CustomResourceScope"]:
        return assignment["RecipientWriteScope"] == "Organization"
    scope = named(tenant, tenant.management_scopes, assignment["CustomResourceScope"])
    return opath(scope["RecipientFilter"])(mailbox)


def _check_name(name: str, rows: list[Row]) -> None:
    if not name or len(name) > 64:
        raise invalid("The Name has 1 to 64 characters.")
    if any(row["Name"].lower() == name.lower() for row in rows):
        raise object_exists(name)


def add_mailbox_permission(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/add-mailboxpermission"""
    owner = _plain_permission(tenant, bound)
    user, rights = _trustee(tenant, bound["User"]), bound["AccessRights"]
    if _permission(tenant, owner, user, rights) is not None:
        text = f"The appropriate access control entry is already present on the object for account '{user}'."
        return Outcome(warnings=[text])
    made = tenant.add_mailbox_permission(owner["PrimarySmtpAddress"], user, rights)
    return Outcome([{name: value for name, value in made.items() if not name.startswith("_")}])


def remove_mailbox_permission(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/remove-mailboxpermission"""
    owner = _plain_permission(tenant, bound)
    user = _trustee(tenant, bound["User"])
    held = _permission(tenant, owner, user, bound["AccessRights"])
    if held is None:
        return Outcome(warnings=[f"Can't remove the access control entry for '{user}': it isn't present."])
    tenant.mailbox_permissions.remove(held)
    return Outcome()


def _plain_permission(tenant: Tenant, bound: Parameters) -> Row:
    if not bound.get("User") or not bound.get("AccessRights") or not bound.get("Identity"):
        raise invalid("Only Identity, User and AccessRights are simulated.")
    return one(tenant, tenant.mailboxes, bound["Identity"])


def _trustee(tenant: Tenant, identity: str) -> str:
    for row in tenant.exchange_service_principals:
        if identity.lower() in {str(row[key]).lower() for key in ("AppId", "ObjectId", "DisplayName")}:
            return str(row["DisplayName"] or row["ObjectId"])
    return str(one(tenant, tenant.mailboxes + tenant.other_recipients, identity)["PrimarySmtpAddress"])


def _permission(tenant: Tenant, owner: Row, user: str, rights: Any) -> Row | None:
    for row in tenant.mailbox_permissions:
        if row["_mailbox"] == owner["Guid"] and row["User"] == user and row["AccessRights"] == [", ".join(rights)]:
            return row
    return None


RBAC_CMDLETS: dict[str, Cmdlet] = {
    "Get-ServicePrincipal": get_service_principal,
    "New-ServicePrincipal": new_service_principal,
    "Set-ServicePrincipal": set_service_principal,
    "Remove-ServicePrincipal": remove_service_principal,
    "Get-ManagementScope": get_scope,
    "New-ManagementScope": new_scope,
    "Set-ManagementScope": set_scope,
    "Remove-ManagementScope": remove_scope,
    "Get-ManagementRoleAssignment": get_assignment,
    "New-ManagementRoleAssignment": new_assignment,
    "Remove-ManagementRoleAssignment": remove_assignment,
    "Test-ServicePrincipalAuthorization": test_authorization,
    "Add-MailboxPermission": add_mailbox_permission,
    "Remove-MailboxPermission": remove_mailbox_permission,
}
