# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delegated permission grants.

https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
"""

from __future__ import annotations

from . import graph_types
from .graph_call import Call, no_content
from .graph_errors import GraphError, bad_request, invalid_value, not_found
from .messages import Reply
from .new_objects import Object

WRITE = ("DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All")
READ = (*WRITE, "Directory.Read.All")


def handle(call: Call) -> Reply:
    """/oauth2PermissionGrants."""
    rest = call.segments[1:]
    if not rest:
        if call.method == "GET":
            call.need(*READ)
            lag = call.tenant.lag
            seen = [lag.as_seen(g, "list") for g in call.tenant.grants if not lag.misses(g["id"], "list", lag.grants)]
            return call.many(seen, "oAuth2PermissionGrant", "oauth2PermissionGrants")
        if call.method == "POST":
            call.need(*WRITE)
            made = _create(call, call.body_object())
            return call.one(made, "oAuth2PermissionGrant", "oauth2PermissionGrants", 201)
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    grant = next((g for g in call.tenant.grants if g["id"] == rest[0].name), None)
    if grant is None or len(rest) > 1:
        raise not_found(rest[0].name)
    return _single(call, grant)


def _single(call: Call, grant: Object) -> Reply:
    if call.method == "GET":
        call.need(*READ)
        return call.one(grant, "oAuth2PermissionGrant", "oauth2PermissionGrants")
    call.need(*WRITE)
    if call.method == "DELETE":
        call.tenant.grants.remove(grant)
        return no_content()
    body = call.body_object()
    graph_types.check("oAuth2PermissionGrant", body, "OAuth2PermissionGrant")
    for name in body:
        if name != "scope" and not name.startswith("@"):
            raise bad_request(f"Property cannot be updated: {name}")
    _check_scope(body.get("scope"))
    call.tenant.lag.changes(grant, call.tenant.now())
    grant["scope"] = body["scope"]
    return no_content()


def _check_scope(scope: object) -> None:
    if not isinstance(scope, str) or len(scope) > 3850:
        raise invalid_value("scope", "OAuth2PermissionGrant")


def _create(call: Call, body: Object) -> Object:
    graph_types.check("oAuth2PermissionGrant", body, "OAuth2PermissionGrant")
    kind, principal = body.get("consentType"), body.get("principalId")
    if kind not in ("AllPrincipals", "Principal"):
        raise invalid_value("consentType", "OAuth2PermissionGrant")
    if (kind == "Principal") != bool(principal):
        raise invalid_value("principalId", "OAuth2PermissionGrant")
    _check_scope(body.get("scope"))
    for name in ("clientId", "resourceId"):
        _check_reference(call, name, str(body.get(name) or ""))
    if principal and not any(user["id"] == principal for user in call.tenant.users):
        raise not_found(principal)
    key = (body["clientId"], body["resourceId"], kind, principal)
    for grant in call.tenant.grants:
        if (grant["clientId"], grant["resourceId"], grant["consentType"], grant["principalId"]) == key:
            text = "Permission entry already exists."
            raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text)
    client = next(sp for sp in call.tenant.service_principals if sp["id"] == body["clientId"])
    resource = next(sp for sp in call.tenant.service_principals if sp["id"] == body["resourceId"])
    made = call.tenant.grant_delegated(client, resource["appId"], body["scope"], principal)
    call.tenant.lag.made(made["id"], call.tenant.now())
    return made


def _check_reference(call: Call, name: str, object_id: str) -> None:
    lag = call.tenant.lag
    known = any(sp["id"] == object_id for sp in call.tenant.service_principals)
    if known and lag.misses(object_id, "grant"):
        missing = not_found(object_id)
        early = lag._looks.get((object_id, "grant"), 0) % 2 == 1
        raise missing if early else GraphError(400, "Request_BadRequest", missing.message)
    if not known:
        raise GraphError(400, "Request_BadRequest", not_found(object_id or name).message)
