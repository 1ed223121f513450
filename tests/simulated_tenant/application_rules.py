# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application may look like.

https://learn.microsoft.com/entra/identity-platform/supported-accounts-validation,
https://learn.microsoft.com/entra/identity-platform/reply-url and
https://learn.microsoft.com/graph/api/application-update.
"""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import urlsplit

from . import graph_types
from .graph_errors import GraphError, bad_request, invalid_value
from .new_objects import Object
from .tenant import Tenant, redirect_settings

AUDIENCES = (
    "AzureADMyOrg",
    "AzureADMultipleOrgs",
    "AzureADandPersonalMicrosoftAccount",
    "PersonalMicrosoftAccount",
)
PERSONAL = AUDIENCES[2:]
READ_ONLY = frozenset(
    [
        "id",
        "appId",
        "createdByAppId",
        "createdDateTime",
        "deletedDateTime",
        "publisherDomain",
        "verifiedPublisher",
        "disabledByMicrosoftStatus",
        "applicationTemplateId",
        "certification",
        "managerApplications",
    ]
)
NEW_PASSWORDS = "New password credentials must be generated with service actions."
UNSUPPORTED_CHARACTERS = set("!$'(),;")


def check_body(body: Object, allowed: frozenset[str] = frozenset()) -> None:
    """Names, types and read-only properties."""
    graph_types.check("application", body, "Application", allowed)
    for name in body:
        if name in READ_ONLY:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    if body.get("passwordCredentials"):
        raise bad_request(NEW_PASSWORDS)
    if "passwordCredentials" in body:
        raise bad_request(f"Update to existing credential is not allowed. {NEW_PASSWORDS}")
    for name in ("web", "api", "spa", "publicClient", "info"):
        if name in body and body[name] is None:
            raise invalid_value(name, "Application")


def changed(tenant: Tenant, app: Object, body: Object) -> Object:
    """The application after a PATCH, checked; the given one is left alone."""
    after = copy.deepcopy(app)
    if body.get("uniqueName") not in (None, app["uniqueName"]) and app["uniqueName"]:
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")
    _check_disabled_first(app, body)
    graph_types.merge(after, {name: value for name, value in body.items() if "@" not in name})
    _settle_redirects(app, after, body)
    check_application(tenant, after)
    return after


def _settle_redirects(before: Object, after: Object, body: Object) -> None:
    web = body.get("web") or {}
    uris = after["web"]["redirectUris"]
    settings = [entry.get("uri") for entry in after["web"].get("redirectUriSettings") or []]
    if "redirectUriSettings" in web and "redirectUris" in web and sorted(map(str, settings)) != sorted(uris):
        raise invalid_value("web", "Application")
    if "redirectUriSettings" in web and "redirectUris" not in web:
        after["web"]["redirectUris"] = [str(uri) for uri in settings]
    elif uris != before["web"]["redirectUris"]:
        after["web"]["redirectUriSettings"] = redirect_settings(uris)


def _check_disabled_first(app: Object, body: Object) -> None:
    pairs = []
    if "appRoles" in body:
        pairs.append((app["appRoles"], body["appRoles"]))
    if isinstance(body.get("api"), dict) and "oauth2PermissionScopes" in body["api"]:
        pairs.append((app["api"]["oauth2PermissionScopes"], body["api"]["oauth2PermissionScopes"]))
    for before, after in pairs:
        kept = {entry.get("id"): entry for entry in after}
        for entry in before:
            new = kept.get(entry["id"])
            same = new is not None and {**new, "isEnabled": True} == {**entry, "isEnabled": True}
            if entry.get("isEnabled") and not same:
                text = "Permission (scope or role) cannot be deleted or updated unless disabled first."
                raise GraphError(400, "CannotDeleteOrUpdateEnabledEntitlement", text)


def check_application(tenant: Tenant, app: Object) -> None:
    """The whole application's rules: lengths, audiences, redirect URIs, limits."""
    personal = app["signInAudience"] in PERSONAL
    if app["signInAudience"] not in AUDIENCES:
        raise invalid_value("signInAudience", "Application")
    _check_texts(app, personal)
    _check_tags(app["tags"])
    _check_permissions(app["requiredResourceAccess"], personal)
    _check_redirects(app, personal)
    _check_identifier_uris(tenant, app)
    if personal and app["api"].get("requestedAccessTokenVersion") != 2:
        text = "The value of requestedAccessTokenVersion must be 2 for this signInAudience."
        target = {"code": "InvalidAccessTokenVersion", "message": text, "target": "api.requestedAccessTokenVersion"}
        raise GraphError(400, "InvalidAccessTokenVersion", text, [target])
    if personal and len(app["passwordCredentials"]) > 2:
        raise GraphError(400, "TooManyAppPasswords", "Not allowed to have more than 2 password credentials.")
    if tenant.settings.service_reference_required and not app.get("serviceManagementReference"):
        text = "ServiceManagementReference field is required for Create, but is missing in the request."
        raise GraphError(400, "ServiceTreeValueMissing", text)
    _check_unique_name(tenant, app)


def _check_texts(app: Object, personal: bool) -> None:
    shown = app["displayName"]
    if not shown or not str(shown).strip() or len(shown) > (90 if personal else 256):
        raise invalid_value("displayName", "Application")
    if len(app.get("description") or "") > 1024:
        raise invalid_value("description", "Application")
    logout = app["web"].get("logoutUrl") or ""
    if len(logout) > 255 or logout.startswith("http:"):
        raise invalid_value("web.logoutUrl", "Application")


def duplicate(name: str) -> GraphError:
    """400 DuplicateValue, with the property as target."""
    text = f"Request contains a property with duplicate values: {name}."
    return GraphError(400, "DuplicateValue", text, [{"code": "DuplicateValue", "message": text, "target": name}])


def _check_tags(tags: list[str]) -> None:
    if len(set(tags)) != len(tags):
        raise duplicate("tags")
    for tag in tags:
        if not 1 <= len(tag) <= 256 or any(character.isspace() for character in tag):
            raise invalid_value("tags", "Application")


def _check_permissions(entries: list[Object], personal: bool) -> None:
    apis = [entry.get("resourceAppId") for entry in entries]
    if len({str(api).lower() for api in apis}) != len(apis):
        raise duplicate("requiredResourceAccess")
    for entry in entries:
        wanted = entry.get("resourceAccess") or []
        if not graph_types.GUID.match(str(entry.get("resourceAppId"))):
            raise invalid_value("requiredResourceAccess", "Application")
        if not wanted or any(item.get("type") not in ("Scope", "Role") for item in wanted):
            raise invalid_value("requiredResourceAccess", "Application")
        if any(not item.get("id") for item in wanted):
            raise invalid_value("requiredResourceAccess", "Application")
        pairs = [(str(item["id"]).lower(), item["type"]) for item in wanted]
        if len(set(pairs)) != len(pairs):
            raise duplicate("requiredResourceAccess.resourceAccess")
        if personal and len(pairs) > 30:
            raise invalid_value("requiredResourceAccess", "Application")
    total = sum(len(entry["resourceAccess"]) for entry in entries)
    if len(entries) > 50 or total > (200 if personal else 400):
        raise invalid_value("requiredResourceAccess", "Application")


def _check_redirects(app: Object, personal: bool) -> None:
    everything = []
    for platform in ("web", "spa", "publicClient"):
        uris = app[platform]["redirectUris"]
        if len(set(uris)) != len(uris):
            raise duplicate(f"{platform}.redirectUris")
        everything += uris
        for uri in uris:
            if not redirect_is_good(uri, platform, personal):
                raise invalid_value(f"{platform}.redirectUris", "Application")
    if len(everything) > (100 if personal else 256):
        raise invalid_value("redirectUris", "Application")


def redirect_is_good(uri: str, platform: str, personal: bool) -> bool:
    """https, or http for localhost only; no odd characters; no fragment; 256 characters at most."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if platform == "publicClient" and parts.scheme not in ("http", "https"):
        return bool(parts.scheme)
    local = host in ("localhost", "127.0.0.1")
    if not (parts.scheme == "https" or (parts.scheme == "http" and local)) or not host:
        return False
    if len(uri) > 256 or set(uri) & UNSUPPORTED_CHARACTERS or parts.fragment or "[" in parts.netloc:
        return False
    if any(character.isspace() for character in uri) or parts.username:
        return False
    return not (personal and ("*" in uri or parts.query))


def _check_identifier_uris(tenant: Tenant, app: Object) -> None:
    uris = app["identifierUris"]
    if len(set(uris)) != len(uris):
        raise duplicate("identifierUris")
    for uri in uris:
        host = urlsplit(uri).hostname or ""
        known = host == app["appId"] or any(
            host == domain["name"] or host.endswith("." + domain["name"]) for domain in tenant.verified_domains
        )
        if app["signInAudience"] != "AzureADMyOrg" and not known:
            text = "Values of identifierUris property must use a verified domain of the organization."
            raise GraphError(400, "HostNameNotOnVerifiedDomain", text)


def _check_unique_name(tenant: Tenant, app: Object) -> None:
    """A soft-deleted application still holds its unique name."""
    if not app["uniqueName"]:
        return
    for other in tenant.applications + tenant.deleted_applications:
        if other["id"] != app["id"] and other["uniqueName"] == app["uniqueName"]:
            text = "Another object with the same value for property uniqueName already exists."
            raise bad_request(text, [{"code": "ObjectConflict", "message": text, "target": "uniqueName"}])


def copy_to_service_principal(tenant: Tenant, app: Object) -> None:
    """What a service principal takes over from its application."""
    for sp in tenant.service_principals:
        if sp["appId"] == app["appId"]:
            taken: dict[str, Any] = {
                "appDisplayName": app["displayName"],
                "displayName": app["displayName"],
                "signInAudience": app["signInAudience"],
                "appRoles": app["appRoles"],
                "oauth2PermissionScopes": app["api"]["oauth2PermissionScopes"],
                "tags": list(app["tags"]),
                "replyUrls": app["web"]["redirectUris"] + app["spa"]["redirectUris"],
                "servicePrincipalNames": [app["appId"], *app["identifierUris"]],
            }
            sp.update(taken)
