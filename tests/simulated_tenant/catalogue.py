# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is the same in every tenant: clouds, well-known applications, permissions and roles.

Sources: https://learn.microsoft.com/graph/deployments (clouds),
https://learn.microsoft.com/graph/permissions-reference (permissions).
"""

from __future__ import annotations

import json
import uuid
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
GRAPH = "00000003-0000-0000-c000-000000000000"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT = "00000003-0000-0ff1-ce00-000000000000"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
KEY_VAULT = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
FIRST_PARTY = {
    GRAPH: "Microsoft Graph",
    EXCHANGE: "Office 365 Exchange Online",
    SHAREPOINT: "Office 365 SharePoint Online",
    KEY_VAULT: "Azure Key Vault",
}

# cloud -> audience roots of Graph, audience roots of Exchange Online
CLOUDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "public": (("https://graph.microsoft.com",), ("https://outlook.office365.com", "https://outlook.office.com")),
    "usgov_high": (("https://graph.microsoft.us",), ("https://outlook.office365.us",)),
    "usgov_dod": (
        ("https://dod-graph.microsoft.us",),
        ("https://outlook-dod.office365.us", "https://outlook.office365.us"),
    ),
    "china": (
        ("https://microsoftgraph.chinacloudapi.cn",),
        ("https://outlook.office365.cn", "https://partner.outlook.cn"),
    ),
}
# cloud -> audience root of Key Vault
VAULTS = {
    "public": "https://vault.azure.net",
    "usgov_high": "https://vault.usgovcloudapi.net",
    "usgov_dod": "https://vault.usgovcloudapi.net",
    "china": "https://vault.azure.cn",
}
LOGIN_HOSTS = (
    "login.microsoftonline.com",
    "login.windows.net",
    "login.microsoft.com",
    "sts.windows.net",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
)

GRAPH_ROLES = {
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "Application.ReadWrite.OwnedBy": "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "DelegatedPermissionGrant.ReadWrite.All": "8e8e4742-1d95-4f68-9d56-6ee75648c72a",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Policy.Read.All": "246dd0d5-5bd0-4def-940b-0421030a5b68",
    "Policy.ReadWrite.Authorization": "fb221be6-99f2-473f-bd32-01c6a0e9ca3b",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
}
ADMIN_GRAPH_ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Policy.ReadWrite.Authorization",
    "Policy.Read.All",
    "Organization.Read.All",
    "Directory.Read.All",
)
DIRECTORY_ROLES = {
    "Global Administrator": "62e90394-69f5-4237-9190-012177145e10",
    "Compliance Administrator": "17315797-102d-40b4-93e0-432062caca18",
    "Helpdesk Administrator": "729827e3-9c14-49f7-bb1b-9608f156bbb8",
}
GRANT_POLICIES = (
    "microsoft-all-application-permissions",
    "microsoft-application-admin",
    "microsoft-company-admin",
    "microsoft-dynamically-managed-permissions-for-chat",
    "microsoft-dynamically-managed-permissions-for-team",
    "microsoft-user-default-allow-consent-apps",
    "microsoft-user-default-legacy",
    "microsoft-user-default-low",
    "microsoft-user-default-recommended",
)


@cache
def load(name: str) -> Any:
    """One of the JSON tables beside this package."""
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@cache
def directory_roles() -> dict[str, str]:
    """Directory role name -> template id."""
    listed = load("exchange-permissions.json")["directory_roles"]
    return {**DIRECTORY_ROLES, **{role["name"]: role["template_id"] for role in listed}}


def _role(value: str, role_id: str) -> dict[str, Any]:
    return {
        "allowedMemberTypes": ["Application"],
        "description": f"Allows the app to use {value} without a signed-in user.",
        "displayName": value,
        "id": role_id,
        "isEnabled": True,
        "origin": "Application",
        "value": value,
    }


def _scope(value: str, scope_id: str) -> dict[str, Any]:
    return {
        "adminConsentDescription": f"Allows the app to use {value} on behalf of users.",
        "adminConsentDisplayName": value,
        "id": scope_id,
        "isEnabled": True,
        "type": "User",
        "userConsentDescription": f"Allows the app to use {value} on your behalf.",
        "userConsentDisplayName": value,
        "value": value,
    }


@cache
def _published(app_id: str) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    table = load("exchange-permissions.json")
    rows = [row for row in table["permissions"] + table["unresolved"] if row["resource_app_id"] == app_id]
    found: dict[str, list[tuple[str, str]]] = {"role": [], "scope": []}
    for row in rows:
        made_up = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{app_id}/{row['value']}"))
        found[row["kind"]].append((row["value"], row["id"] or made_up))
    if app_id == GRAPH:
        found["role"] += list(GRAPH_ROLES.items())
    return tuple(found["role"]), tuple(found["scope"])


def app_roles(app_id: str) -> list[dict[str, Any]]:
    """The appRoles that a well-known application publishes."""
    return [_role(*row) for row in _published(app_id)[0]]


def permission_scopes(app_id: str) -> list[dict[str, Any]]:
    """The oauth2PermissionScopes that a well-known application publishes."""
    return [_scope(*row) for row in _published(app_id)[1]]


def resource_of(text: str, cloud: str) -> tuple[str | None, bool]:
    """The well-known application that a resource text names in this cloud.

    The second value is true where the text belongs to another cloud's list.
    """
    wanted = text.rstrip("/").lower()
    if wanted in FIRST_PARTY:
        return wanted, False
    if wanted in VAULTS.values():
        return (KEY_VAULT, False) if wanted == VAULTS[cloud] else (None, True)
    for name, (graph, exchange) in CLOUDS.items():
        app_id = GRAPH if wanted in graph else EXCHANGE if wanted in exchange else None
        if app_id and wanted in sum(CLOUDS[cloud], ()):
            return app_id, False
        if app_id and name != cloud:
            return None, True
    return None, False
