# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service principals of the Graph door, and the app roles assigned to them.

https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals,
https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments,
https://learn.microsoft.com/graph/api/serviceprincipal-list-oauth2permissiongrants.
"""

from __future__ import annotations

from . import catalogue, graph_types
from .applications import OWNED, READ, WRITE, owned_or
from .grants import READ as READ_GRANTS
from .graph_call import Call, Segment, no_content
from .graph_errors import GraphError, bad_request, denied, invalid_value, no_segment, not_found
from .messages import Reply
from .new_objects import Object

READ_ONLY = frozenset(
    [
        "id",
        "appId",
        "appDisplayName",
        "appDescription",
        "appOwnerOrganizationId",
        "applicationTemplateId",
        "createdByAppId",
        "deletedDateTime",
        "disabledByMicrosoftStatus",
        "servicePrincipalType",
        "signInAudience",
        "verifiedPublisher",
        "resourceSpecificApplicationPermissions",
        "appRoles",
        "oauth2PermissionScopes",
    ]
)
NOT_LOCAL = (
    "When using this permission, the backing application of the service principal being created must in the "
    "local tenant"
)


def handle(call: Call) -> Reply:
    """/servicePrincipals and everything below it."""
    first, rest = call.segments[0], call.segments[1:]
    if first.key is None and not rest:
        return _collection(call)
    key, rest = (rest[0], rest[1:]) if first.key is None else (first, rest)
    if not rest:
        return _single(call, key)
    return _below(call, find(call, key), rest)


def _collection(call: Call) -> Reply:
    if call.method == "GET":
        call.need(*READ)
        lag = call.tenant.lag
        seen = [sp for sp in call.tenant.service_principals if not lag.misses(sp["id"], "list")]
        return call.many(seen, "servicePrincipal", "servicePrincipals")
    if call.method == "POST":
        return call.one(_create(call, call.body_object()), "servicePrincipal", "servicePrincipals", 201)
    raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")


def _create(call: Call, body: Object) -> Object:
    call.need(*WRITE, OWNED)
    graph_types.check("servicePrincipal", body, "ServicePrincipal")
    for name in body:
        if name in READ_ONLY - {"appId"}:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    app_id = str(body.get("appId") or "")
    if not app_id:
        raise bad_request("A value is required for property 'appId' of resource 'ServicePrincipal'.")
    made = _instantiate(call, app_id)
    graph_types.merge(made, {k: v for k, v in body.items() if k != "appId" and "@" not in k})
    call.tenant.lag.made(made["id"], call.tenant.now())
    return made


def _instantiate(call: Call, app_id: str) -> Object:
    tenant = call.tenant
    app = next((a for a in tenant.applications if a["appId"].lower() == app_id.lower()), None)
    if app is None or tenant.lag.misses(app["id"], "service_principal"):
        if app is None and app_id.lower() in catalogue.FIRST_PARTY:
            return _first_party(call, app_id.lower())
        raise _no_backing_application(call, app_id)
    if not call.may(*WRITE) and call.token.object_id not in tenant.owners.get(app["id"], []):
        raise denied()
    _refuse_second(call, app["appId"])
    sp = tenant.add_service_principal(app, call.token.app_id)
    if not call.may(*WRITE):
        tenant.owners[sp["id"]] = [call.token.object_id]
    return sp


def _no_backing_application(call: Call, app_id: str) -> GraphError:
    if call.tenant.lag.misleading_403 or not call.may(*WRITE):
        return GraphError(403, "Authorization_RequestDenied", NOT_LOCAL)
    text = f"The appId '{app_id}' of the service principal does not reference a valid application object."
    return bad_request(text, [{"code": "NoBackingApplicationObject", "message": text, "target": "appId"}])


def _first_party(call: Call, app_id: str) -> Object:
    if not call.may(*WRITE):
        raise GraphError(403, "Authorization_RequestDenied", NOT_LOCAL)
    _refuse_second(call, app_id)
    return call.tenant.add_first_party(app_id)


def _refuse_second(call: Call, app_id: str) -> None:
    held = call.tenant.service_principals + call.tenant.deleted_service_principals
    if any(sp["appId"].lower() == app_id.lower() for sp in held):
        text = (
            "The service principal cannot be created, updated, or restored because the service principal name "
            f"{app_id} is already in use."
        )
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text)


def find(call: Call, key: Segment) -> Object:
    """The service principal that a path names, if it is seen yet."""
    name, value = ("id", key.name) if key.key is None else (key.key, key.value or "")
    if name not in ("id", "appId"):
        raise no_segment(f"servicePrincipals({name}='{value}')")
    lag = call.tenant.lag
    for sp in call.tenant.service_principals:
        if sp[name].lower() == value.lower() and not lag.misses(sp["id"], "id" if name == "id" else "key"):
            return sp
    raise not_found(value)


def _single(call: Call, key: Segment) -> Reply:
    sp = find(call, key)
    if call.method == "GET":
        owned_or(call, sp, *READ)
        return call.one(sp, "servicePrincipal", "servicePrincipals")
    owned_or(call, sp, *WRITE)
    if call.method == "DELETE":
        call.tenant.delete_service_principal(sp)
        return no_content()
    if call.method != "PATCH":
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    body = call.body_object()
    graph_types.check("servicePrincipal", body, "ServicePrincipal")
    for name in body:
        if name in READ_ONLY or name == "passwordCredentials":
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    graph_types.merge(sp, body)
    return no_content()


def _below(call: Call, sp: Object, rest: list[Segment]) -> Reply:
    tenant, name = call.tenant, rest[0].name
    if name in ("appRoleAssignments", "appRoleAssignedTo"):
        return _assignments(call, sp, name, rest[1:])
    if call.method != "GET" or len(rest) != 1:
        raise no_segment(name)
    owned_or(call, sp, *READ)
    if name == "oauth2PermissionGrants":
        call.need(*READ_GRANTS)
        mine = [grant for grant in tenant.grants if grant["clientId"] == sp["id"]]
        return call.many(_seen(call, mine), "oAuth2PermissionGrant", "oauth2PermissionGrants")
    if name == "owners":
        owners = call.directory_objects(tenant.owners.get(sp["id"], []))
        return call.many(owners, "directoryObject", "directoryObjects")
    if name == "ownedObjects":
        everything = tenant.applications + tenant.service_principals
        owned = [item for item in everything if sp["id"] in tenant.owners.get(item["id"], [])]
        return call.many(owned, "directoryObject", "directoryObjects")
    if name == "delegatedPermissionClassifications":
        listed = tenant.classifications.get(sp["id"], [])
        return call.many(listed, "delegatedPermissionClassification", name)
    raise no_segment(name)


def _seen(call: Call, items: list[Object]) -> list[Object]:
    lag = call.tenant.lag
    return [item for item in items if not lag.misses(item["id"], "list", lag.grants)]


def _assignments(call: Call, sp: Object, side: str, rest: list[Segment]) -> Reply:
    mine = "principalId" if side == "appRoleAssignments" else "resourceId"
    listed = [a for a in call.tenant.role_assignments if a[mine] == sp["id"]]
    if call.method == "GET" and not rest:
        call.need(*READ, "AppRoleAssignment.ReadWrite.All")
        return call.many(_seen(call, listed), "appRoleAssignment", side)
    call.need("AppRoleAssignment.ReadWrite.All")
    call.need(*READ)
    if call.method == "POST" and not rest:
        made = _assign(call, sp, mine, call.body_object())
        return call.one(made, "appRoleAssignment", side, 201)
    chosen = [a for a in listed if rest and a["id"] == rest[0].name]
    if call.method == "GET" and chosen:
        return call.one(chosen[0], "appRoleAssignment", side)
    if call.method == "DELETE" and chosen:
        call.tenant.role_assignments.remove(chosen[0])
        return no_content()
    raise not_found(rest[0].name if rest else side)


def _assign(call: Call, sp: Object, mine: str, body: Object) -> Object:
    graph_types.check("appRoleAssignment", body, "AppRoleAssignment")
    for name in ("principalId", "resourceId", "appRoleId"):
        if not body.get(name):
            raise invalid_value(name, "AppRoleAssignment")
    if body[mine].lower() != sp["id"].lower():
        raise bad_request("Not a valid reference update.")
    principal, kind = _principal(call, body["principalId"])
    resource = _referenced(call, body["resourceId"])
    if principal is None or resource is None:
        raise bad_request("Not a valid reference update.")
    role_id = body["appRoleId"].lower()
    if not any(role["id"].lower() == role_id and role["isEnabled"] for role in resource["appRoles"]):
        raise bad_request("Permission being assigned was not found on application")
    for held in call.tenant.role_assignments:
        same_pair = (held["principalId"], held["resourceId"]) == (principal["id"], resource["id"])
        if same_pair and held["appRoleId"].lower() == role_id:
            raise _already_assigned(call)
    made = call.tenant.record_assignment(principal, kind, resource, role_id)
    call.tenant.lag.made(made["id"], call.tenant.now())
    return made


def _already_assigned(call: Call) -> GraphError:
    kind = call.tenant.settings.duplicate_assignment
    if kind == "request":
        return bad_request("Permission being assigned already exists on the object")
    status = 409 if kind == "entitlement_409" else 400
    return GraphError(status, "Request_MultipleObjectsWithSameKeyValue", "EntitlementGrant entry already exists.")


def _principal(call: Call, object_id: str) -> tuple[Object | None, str]:
    for user in call.tenant.users:
        if user["id"].lower() == object_id.lower():
            return user, "User"
    return _referenced(call, object_id), "ServicePrincipal"


def _referenced(call: Call, object_id: str) -> Object | None:
    for sp in call.tenant.service_principals:
        if sp["id"].lower() == object_id.lower() and not call.tenant.lag.misses(sp["id"], "role"):
            return sp
    return None
