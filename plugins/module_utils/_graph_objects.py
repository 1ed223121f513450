# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Directory objects in our words, and their conversion from and to Microsoft Graph v1.0."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Set

from ._rows import Row

EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000"
WELL_KNOWN_RESOURCES = {"Office 365 Exchange Online": EXCHANGE_ONLINE, "Microsoft Graph": MICROSOFT_GRAPH}

APPLICATION_PROPERTIES = (
    "id,appId,displayName,uniqueName,signInAudience,web,spa,publicClient,notes,tags,serviceManagementReference,"
    "createdDateTime,createdByAppId,passwordCredentials,keyCredentials,requiredResourceAccess,api"
)
SERVICE_PRINCIPAL_PROPERTIES = "id,appId,displayName,accountEnabled,appRoleAssignmentRequired"
COLLECTIONS = ("redirect_uris", "spa_redirect_uris", "public_redirect_uris", "tags", "requested")  # written whole
RESOURCE_PROPERTIES = "id,appId,displayName,appRoles,oauth2PermissionScopes"


@dataclass(frozen=True)
class Secret:
    key_id: str
    display_name: Optional[str]
    start: Optional[datetime]
    end: Optional[datetime]

    @classmethod
    def from_graph(cls, row: Row) -> Secret:
        return cls(
            row.required_text("keyId").lower(),
            row.text("displayName"),
            row.time("startDateTime"),
            row.time("endDateTime"),
        )


@dataclass(frozen=True)
class Application:
    object_id: str
    app_id: str
    display_name: str
    unique_name: Optional[str] = None
    sign_in_audience: Optional[str] = None
    redirect_uris: List[str] = field(default_factory=list)
    spa_redirect_uris: List[str] = field(default_factory=list)
    public_redirect_uris: List[str] = field(default_factory=list)
    issue_access_tokens: bool = False
    issue_id_tokens: bool = False
    notes: Optional[str] = None
    tags: List[str] = field(default_factory=list)
    service_management_reference: Optional[str] = None
    token_version: Optional[int] = None
    created: Optional[datetime] = None
    created_by_app_id: Optional[str] = None
    secrets: List[Secret] = field(default_factory=list)
    certificates: int = 0
    requested: Dict[str, Dict[str, Set[str]]] = field(default_factory=dict)
    """Permission ids by resource app id and kind (``Role``, ``Scope``), in lower case."""

    @classmethod
    def from_graph(cls, row: Row) -> Application:
        web = row.row("web")
        implicit = web.row("implicitGrantSettings")
        created_by = row.text("createdByAppId")
        return cls(
            object_id=row.required_text("id"),
            app_id=row.required_text("appId"),
            display_name=row.text("displayName") or "",
            unique_name=row.text("uniqueName"),
            sign_in_audience=row.text("signInAudience"),
            redirect_uris=web.texts("redirectUris"),
            spa_redirect_uris=row.row("spa").texts("redirectUris"),
            public_redirect_uris=row.row("publicClient").texts("redirectUris"),
            issue_access_tokens=bool(implicit.flag("enableAccessTokenIssuance")),
            issue_id_tokens=bool(implicit.flag("enableIdTokenIssuance")),
            notes=row.text("notes") or None,
            tags=row.texts("tags"),
            service_management_reference=row.text("serviceManagementReference") or None,
            token_version=row.row("api").number("requestedAccessTokenVersion"),
            created=row.time("createdDateTime"),
            created_by_app_id=created_by.lower() if created_by else None,
            secrets=[Secret.from_graph(item) for item in row.rows("passwordCredentials")],
            certificates=len(row.rows("keyCredentials")),
            requested=_requested(row),
        )

    def has_secret(self, key_id: str) -> bool:
        return any(secret.key_id == key_id for secret in self.secrets)


def comparable(name: str, value: Any) -> Any:
    """Of one of COLLECTIONS, whose order means nothing."""
    return requested_to_graph(value) if name == "requested" else sorted(value)


def _requested(row: Row) -> Dict[str, Dict[str, Set[str]]]:
    requested: Dict[str, Dict[str, Set[str]]] = {}
    for entry in row.rows("requiredResourceAccess"):
        kinds = requested.setdefault(entry.required_text("resourceAppId").lower(), {"Role": set(), "Scope": set()})
        for access in entry.rows("resourceAccess"):
            kinds.setdefault(access.required_text("type"), set()).add(access.required_text("id").lower())
    return requested


def requested_to_graph(requested: Mapping[str, Mapping[str, Set[str]]]) -> List[Dict[str, Any]]:
    entries = []
    for resource_app_id, kinds in sorted(requested.items()):
        access = [{"id": item, "type": kind} for kind, ids in sorted(kinds.items()) for item in sorted(ids)]
        if access:
            entries.append({"resourceAppId": resource_app_id, "resourceAccess": access})
    return entries


def application_to_graph(changes: Mapping[str, Any]) -> Dict[str, Any]:
    """The body of a create or update: only what is named, since Graph merges members and replaces collections."""
    simple = {
        "display_name": "displayName",
        "unique_name": "uniqueName",
        "sign_in_audience": "signInAudience",
        "notes": "notes",
        "tags": "tags",
        "service_management_reference": "serviceManagementReference",
    }
    body: Dict[str, Any] = {simple[name]: value for name, value in changes.items() if name in simple}
    web: Dict[str, Any] = {}
    if "redirect_uris" in changes:
        web["redirectUris"] = list(changes["redirect_uris"])
    implicit = {
        theirs: changes[ours]
        for ours, theirs in (
            ("issue_access_tokens", "enableAccessTokenIssuance"),
            ("issue_id_tokens", "enableIdTokenIssuance"),
        )
        if ours in changes
    }
    if implicit:
        web["implicitGrantSettings"] = implicit
    if web:
        body["web"] = web
    if "spa_redirect_uris" in changes:
        body["spa"] = {"redirectUris": list(changes["spa_redirect_uris"])}
    if "public_redirect_uris" in changes:
        body["publicClient"] = {"redirectUris": list(changes["public_redirect_uris"])}
    if "token_version" in changes:
        body["api"] = {"requestedAccessTokenVersion": changes["token_version"]}
    if "requested" in changes:
        body["requiredResourceAccess"] = requested_to_graph(changes["requested"])
    return body


@dataclass(frozen=True)
class ServicePrincipal:
    object_id: str
    app_id: str

    @classmethod
    def from_graph(cls, row: Row) -> ServicePrincipal:
        return cls(row.required_text("id"), row.required_text("appId"))


@dataclass(frozen=True)
class Permission:
    id: str
    value: str
    kind: str  # application or delegated


@dataclass(frozen=True)
class Resource:
    """An API in this tenant, and the permissions that it offers."""

    object_id: str
    app_id: str
    display_name: str
    permissions: List[Permission]

    @classmethod
    def from_graph(cls, row: Row) -> Resource:
        offered = [
            Permission(item.required_text("id").lower(), item.text("value") or "", "application")
            for item in row.rows("appRoles")
            if "Application" in item.texts("allowedMemberTypes")
        ] + [
            Permission(item.required_text("id").lower(), item.text("value") or "", "delegated")
            for item in row.rows("oauth2PermissionScopes")
        ]
        return cls(row.required_text("id"), row.required_text("appId").lower(), row.text("displayName") or "", offered)

    def named(self, value: str, kind: str) -> Optional[Permission]:
        wanted = value.lower()
        return next((p for p in self.permissions if p.kind == kind and wanted in (p.value.lower(), p.id)), None)

    def value_of(self, permission_id: str, kind: str) -> str:
        """The name of a permission, or its id where the resource does not offer it."""
        found = next((p for p in self.permissions if p.kind == kind and p.id == permission_id.lower()), None)
        return found.value if found and found.value else permission_id


@dataclass(frozen=True)
class RoleAssignment:
    assignment_id: str
    resource_id: str
    role_id: str

    @classmethod
    def from_graph(cls, row: Row) -> RoleAssignment:
        return cls(
            row.required_text("id"), row.required_text("resourceId").lower(), row.required_text("appRoleId").lower()
        )


@dataclass(frozen=True)
class Grant:
    """Delegated permissions, for everybody (``principal_id`` None) or for one user."""

    grant_id: str
    resource_id: str
    principal_id: Optional[str]
    scope: str

    @property
    def names(self) -> List[str]:
        """Without the odd spaces and repeats that portals leave behind."""
        return list(dict.fromkeys(self.scope.split()))

    @classmethod
    def from_graph(cls, row: Row) -> Grant:
        principal = row.text("principalId")
        if row.text("consentType") != "AllPrincipals" and principal is None:
            principal = "(unknown)"
        return cls(
            row.required_text("id"),
            row.required_text("resourceId").lower(),
            None if row.text("consentType") == "AllPrincipals" else principal,
            row.text("scope") or "",
        )
