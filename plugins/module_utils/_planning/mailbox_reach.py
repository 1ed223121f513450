# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What lets an application reach mailboxes by itself: roles in Exchange, and permissions for the whole tenant."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from .._graph_objects import RoleAssignment
from .permissions import Resources, resource_name

# Microsoft's "Role Based Access Control for Applications in Exchange Online", without what their names begin with.
ROLES = (
    "Mail.Read",
    "Mail.ReadBasic",
    "Mail.ReadWrite",
    "Mail.Send",
    "MailboxSettings.Read",
    "MailboxSettings.ReadWrite",
    "Calendars.Read",
    "Calendars.ReadWrite",
    "Contacts.Read",
    "Contacts.ReadWrite",
    "EWS.AccessAsApp",
    "SMTP.SendAsApp",
)
FULL_ACCESS = "full_access_as_app"
CONNECT_NEEDS = [
    "Webex Connect signs in as a user, with the delegated permissions SMTP.Send of Office 365 Exchange Online and"
    " offline_access of Microsoft Graph. A scope neither grants nor narrows what the application does as a user.",
    "Whoever signs in must be the mailbox itself or have the right to send as it, and authenticated SMTP must be enabled"
    " for the mailbox.",
]


def tenant_wide(resources: Resources, assignments: Sequence[RoleAssignment]) -> List[Tuple[str, str]]:
    """(API, permission) of what is granted for the whole tenant and reaches mailboxes."""
    by_id = {resource.object_id.lower(): resource for resource in resources.values() if resource}
    granted = [
        (resource_name(by_id[item.resource_id].app_id), by_id[item.resource_id].value_of(item.role_id, "application"))
        for item in assignments
        if item.resource_id in by_id
    ]
    return sorted({pair for pair in granted if any(undoes(pair[1], role) for role in ROLES)})


def undoes(permission: str, role: str) -> bool:
    """Whether a permission for the whole tenant lets the application do everywhere what the role lets it do."""
    if permission in (role, FULL_ACCESS):
        return role != "SMTP.SendAsApp" or permission == role
    of, what = (permission + ".").split(".")[:2]  # Mail.ReadBasic.All is Mail.ReadBasic
    role_of, role_what = role.split(".")
    if of != role_of or not role_what.startswith("Read"):
        return False
    return what in ("ReadWrite", role_what) or (role_what, what) == ("ReadBasic", "Read")


def warning_about(api: str, permission: str, roles: Sequence[str]) -> str:
    undone = [role for role in roles if undoes(permission, role)]
    said = "The application permission {0} of {1} is granted for the whole tenant".format(permission, api)
    if undone == ["SMTP.SendAsApp"] and permission == "SMTP.SendAsApp":
        return (
            said
            + ", and while it is, Exchange asks each mailbox for a permission of its own instead of the scope. Revoke"
            " it: the role needs none."
        )
    if undone:
        return (
            said
            + ", so the scope is worthless for {0}: what is granted in Entra and in Exchange adds up, and nothing"
            " narrows it. Revoke it with the module admin_consent; in the role, leave it out of"
            " connect_email_permissions.".format(", ".join(undone))
        )
    return said + ", so by it the application reaches every mailbox, whatever the scope says."
