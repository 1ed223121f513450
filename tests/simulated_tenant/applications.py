# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The applications of the Graph door.

https://learn.microsoft.com/graph/api/resources/application,
https://learn.microsoft.com/graph/api/application-upsert.
"""

from __future__ import annotations

from typing import Any

from . import new_objects, passwords
from .application_rules import changed, check_application, check_body, copy_to_service_principal
from .graph_call import Call, Segment, no_content
from .graph_errors import GraphError, bad_request, denied, no_segment, not_found
from .messages import Reply
from .new_objects import Object

READ = ("Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
WRITE = ("Application.ReadWrite.All", "Directory.ReadWrite.All")
OWNED = "Application.ReadWrite.OwnedBy"
CREATE_EXTRA = frozenset({"owners@odata.bind"})


def handle(call: Call) -> Reply:
    """/applications and everything below it."""
    first, rest = call.segments[0], call.segments[1:]
    if first.key is None and not rest:
        return _collection(call)
    if first.key is None:
        key, rest = rest[0], rest[1:]
    else:
        key = first
    if not rest:
        return _single(call, key)
    return _below(call, key, rest)


def _collection(call: Call) -> Reply:
    if call.method == "GET":
        if not call.may(*READ) and not (call.may(OWNED) and call.tenant.settings.owned_by_may_list):
            raise denied()
        lag = call.tenant.lag
        seen = [shown(call, app, "list") for app in call.tenant.applications if not lag.misses(app["id"], "list")]
        return call.many(seen, "application", "applications")
    if call.method == "POST":
        return call.one(shown(call, create(call, call.body_object(), None)), "application", "applications", 201)
    raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def create(call: Call, body: Object, unique_name: str | None) -> Object:
    """Makes an application; the service sets who made it."""
    call.need(*WRITE, OWNED)
    check_body(body, CREATE_EXTRA)
    if not body.get("displayName"):
        raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
    if body.get("uniqueName") not in (None, unique_name):
        raise bad_request("Property 'uniqueName' is read-only and cannot be set.")
    only_owned = not call.may(*WRITE)
    if only_owned and (body.get("api") or {}).get("acceptMappedClaims") is not None:
        raise denied()
    tenant = call.tenant
    fresh = new_objects.application(body["displayName"], tenant.now(), tenant.domain, call.token.app_id)
    fresh["signInAudience"] = tenant.settings.post_audience
    if fresh["signInAudience"] != "AzureADMyOrg" and "signInAudience" not in body:
        fresh["api"]["requestedAccessTokenVersion"] = 2
    app = changed(tenant, fresh, {k: v for k, v in body.items() if k not in CREATE_EXTRA})
    app["uniqueName"] = unique_name
    check_application(tenant, app)
    owners = _bound_owners(call, body.get("owners@odata.bind") or [])
    tenant.applications.append(app)
    tenant.owners[app["id"]] = owners + ([call.token.object_id] if only_owned else [])
    tenant.lag.made(app["id"], tenant.now())
    return app


def _bound_owners(call: Call, links: Any) -> list[str]:
    if not isinstance(links, list) or len(links) > 20:
        raise bad_request("Invalid value specified for 'owners@odata.bind'.")
    ids = [str(link).rstrip("/").rsplit("/", 1)[-1] for link in links]
    if len(call.directory_objects(ids)) != len(ids):
        raise bad_request("One or more added object references are invalid.")
    return ids


def find(call: Call, key: Segment, reader: str | None = None) -> Object:
    """The application that a path names, if this reader sees it yet."""
    tenant = call.tenant
    name, value = ("id", key.name) if key.key is None else (key.key, key.value or "")
    if name not in ("id", "appId", "uniqueName"):
        raise no_segment(f"applications({name}='{value}')")
    seen_by = reader or ("id" if name == "id" else "key")
    for app in tenant.applications:
        if str(app.get(name) or "").lower() == value.lower() and value:
            if tenant.lag.misses(app["id"], seen_by):
                break
            return app
    for app in tenant.deleted_applications:
        if str(app.get(name) or "").lower() == value.lower() and call.method == "GET" and value:
            still_seen = tenant.lag.misses(app["id"], "deleted", tenant.lag.deleted)
            if still_seen:
                return app
    raise not_found(value)


def owned_or(call: Call, app: Object, *roles: str) -> None:
    """Raises 403 unless the caller has one of the roles, or owns the application and may use that."""
    if call.may(*roles):
        return
    if not (call.may(OWNED) and call.token.object_id in call.tenant.owners.get(app["id"], [])):
        raise denied()


def shown(call: Call, app: Object, reader: str | None = None) -> Object:
    """The application as a reader sees it now, or as an answer to a change: secrets and changes come and go with lag."""
    lag, tenant = call.tenant.lag, call.tenant
    live = [s for s in app["passwordCredentials"] if not lag.misses(s["keyId"], "read", lag.secrets)]
    gone = tenant.removed_secrets.get(app["id"], [])
    live += [s for s in gone if lag.misses(s["keyId"], "removed", lag.removed_secrets)]
    return {**(lag.as_seen(app, reader) if reader else app), "passwordCredentials": live}


def _single(call: Call, key: Segment) -> Reply:
    if call.method == "GET":
        call.need(*READ, OWNED)
        app = find(call, key)
        owned_or(call, app, *READ)
        return call.one(shown(call, app, key.key or "id"), "application", "applications")
    if call.method == "PATCH":
        return _patch(call, key)
    if call.method == "DELETE":
        app = find(call, key)
        owned_or(call, app, *WRITE)
        call.tenant.delete_application(app)
        call.tenant.lag.made(app["id"], call.tenant.now())
        return no_content()
    raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def _patch(call: Call, key: Segment) -> Reply:
    body = call.body_object()
    upsert = "create-if-missing" in (call.headers.get("Prefer") or "").lower()
    if key.key == "uniqueName" and upsert:
        if not body.get("displayName"):
            raise bad_request("A value is required for property 'displayName' of resource 'Application'.")
        try:
            app = find(call, key)
        except GraphError as missing:
            if missing.status != 404:
                raise
            made = create(call, body, key.value or None)
            return call.one(shown(call, made), "application", "applications", 201)
    else:
        app = find(call, key)
    update(call, app, body)
    return no_content()


def update(call: Call, app: Object, body: Object) -> None:
    """Changes an application in place."""
    owned_or(call, app, *WRITE)
    check_body(body)
    call.tenant.lag.changes(app, call.tenant.now())
    app.update(changed(call.tenant, app, body))
    copy_to_service_principal(call.tenant, app)


def _below(call: Call, key: Segment, rest: list[Segment]) -> Reply:
    action = rest[0].name
    if action == "owners":
        return _owners(call, find(call, key), rest[1:])
    if action in ("addPassword", "removePassword") and len(rest) == 1 and call.method == "POST":
        reader = "add_password" if action == "addPassword" else None
        app = find(call, key, reader)
        owned_or(call, app, *WRITE)
        return passwords.add(call, app) if action == "addPassword" else passwords.remove(call, app)
    if action == "appManagementPolicies" and call.method == "GET":
        call.need("Policy.Read.All", "Application.ReadWrite.All")
        return call.many([], "appManagementPolicy", "policies/appManagementPolicies")
    if action == "federatedIdentityCredentials" and call.method == "GET":
        owned_or(call, find(call, key), *READ)
        return call.many([], "entity", "federatedIdentityCredentials")
    raise no_segment(action)


def _owners(call: Call, app: Object, rest: list[Segment]) -> Reply:
    owners = call.tenant.owners.setdefault(app["id"], [])
    if call.method == "GET" and not rest:
        owned_or(call, app, *READ)
        return call.many(call.directory_objects(owners), "directoryObject", "directoryObjects")
    call.need("Application.ReadWrite.All", "Directory.ReadWrite.All")
    if call.method == "POST" and [s.name for s in rest] == ["$ref"]:
        ids = _bound_owners(call, [call.body_object().get("@odata.id", "")])
        if ids[0] in owners:
            text = "One or more added object references already exist for the following modified properties: 'owners'."
            raise bad_request(text)
        owners.append(ids[0])
        return no_content()
    if call.method == "DELETE" and len(rest) == 2 and rest[0].name in owners:
        owners.remove(rest[0].name)
        return no_content()
    raise not_found(rest[0].name if rest else "owners")
