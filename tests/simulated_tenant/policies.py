# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies, the organization, users, and deleted items of the Graph door.

https://learn.microsoft.com/graph/api/authorizationpolicy-update,
https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent,
https://learn.microsoft.com/graph/api/directory-deleteditems-list.
"""

from __future__ import annotations

import copy

from . import graph_types
from .applications import OWNED, READ, WRITE, owned_or
from .graph_call import Call, Segment, no_content
from .graph_errors import GraphError, bad_request, denied, invalid_value, no_segment, not_found
from .messages import Reply
from .new_objects import Object

TYPES = {
    "authorizationPolicy": "authorizationPolicy",
    "defaultAppManagementPolicy": "tenantAppManagementPolicy",
    "identitySecurityDefaultsEnforcementPolicy": "identitySecurityDefaultsEnforcementPolicy",
}
WRITERS = {
    "authorizationPolicy": ("Policy.ReadWrite.Authorization",),
    "defaultAppManagementPolicy": ("Policy.ReadWrite.ApplicationConfiguration",),
    "identitySecurityDefaultsEnforcementPolicy": ("Policy.ReadWrite.SecurityDefaults",),
}
READ_USERS = ("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
READ_MEMBERSHIPS = (*READ_USERS, "GroupMember.Read.All", "Group.Read.All")
READ_ORGANIZATION = ("Organization.Read.All", "Organization.ReadWrite.All", "Directory.Read.All")
OWN_PREFIX = "managepermissiongrantsforself."
WRONG_METHOD = "Specified HTTP method is not allowed for the request target."


def handle_policies(call: Call) -> Reply:
    """/policies/…"""
    if len(call.segments) < 2:
        raise no_segment("policies")
    name = call.segments[1].name
    if name == "permissionGrantPolicies":
        return _grant_policies(call, call.segments[2:])
    if name == "appManagementPolicies" and call.method == "GET" and len(call.segments) == 2:
        call.need("Policy.Read.All", "Policy.Read.ApplicationConfiguration")
        return call.many([], "appManagementPolicy", "policies/appManagementPolicies")
    if name not in TYPES or len(call.segments) > 2:
        raise no_segment(name)
    policy = call.tenant.policies[name]
    if call.method == "GET":
        call.need("Policy.Read.All", *WRITERS[name])
        return call.one(policy, TYPES[name], f"policies/{name}")
    if call.method != "PATCH":
        raise GraphError(405, "Request_BadRequest", WRONG_METHOD)
    call.need(*WRITERS[name])
    _patch_policy(call, name, policy, call.body_object())
    return no_content()


def _patch_policy(call: Call, name: str, policy: Object, body: Object) -> None:
    graph_types.check(TYPES[name], body, name[0].upper() + name[1:])
    for read_only in ("id", "deletedDateTime"):
        if read_only in body:
            raise bad_request(f"Property '{read_only}' is read-only and cannot be set.")
    if name == "authorizationPolicy":
        _check_consent_list(call, body)
        if call.tenant.settings.ignore_consent_changes:
            body = copy.deepcopy(body)
            (body.get("defaultUserRolePermissions") or {}).pop("permissionGrantPoliciesAssigned", None)
    graph_types.merge(policy, body)


def _check_consent_list(call: Call, body: Object) -> None:
    wanted = (body.get("defaultUserRolePermissions") or {}).get("permissionGrantPoliciesAssigned")
    if wanted is None:
        return
    known = {policy["id"].lower() for policy in call.tenant.grant_policies}
    lowered = [str(entry).lower() for entry in wanted]
    if len(set(lowered)) != len(lowered):
        raise invalid_value("permissionGrantPoliciesAssigned", "AuthorizationPolicy")
    for entry in lowered:
        prefix, dot, policy_id = entry.partition(".")
        if not dot or not prefix.startswith("managepermissiongrantsfor"):
            raise invalid_value("permissionGrantPoliciesAssigned", "AuthorizationPolicy")
        if entry.startswith(OWN_PREFIX) and policy_id not in known:
            raise bad_request(f"Permission grant policy '{policy_id}' does not exist.")


def _grant_policies(call: Call, rest: list[Segment]) -> Reply:
    call.need("Policy.Read.All", "Policy.Read.PermissionGrant", "Policy.ReadWrite.PermissionGrant")
    if call.method != "GET":
        raise GraphError(405, "Request_BadRequest", WRONG_METHOD)
    listed = call.tenant.grant_policies
    if not rest:
        return call.many(listed, "permissionGrantPolicy", "policies/permissionGrantPolicies")
    chosen = next((policy for policy in listed if policy["id"] == rest[0].name), None)
    if chosen is None:
        raise not_found(rest[0].name)
    return call.one(chosen, "permissionGrantPolicy", "policies/permissionGrantPolicies")


def handle_organization(call: Call) -> Reply:
    """/organization."""
    call.need(*READ_ORGANIZATION)
    if call.method != "GET":
        raise GraphError(405, "Request_BadRequest", WRONG_METHOD)
    if len(call.segments) == 1:
        return call.many([call.tenant.organization], "organization", "organization")
    if not call.tenant.tenant_id == call.segments[1].name.lower():
        raise not_found(call.segments[1].name)
    return call.one(call.tenant.organization, "organization", "organization")


def handle_users(call: Call) -> Reply:
    """/users (reading only), and what a user is a member of.

    https://learn.microsoft.com/graph/api/user-list-transitivememberof
    """
    if call.method != "GET" or len(call.segments) > 3:
        raise GraphError(405, "Request_BadRequest", WRONG_METHOD)
    if len(call.segments) == 3:
        return _memberships(call, call.segments[2].name)
    call.need(*READ_USERS)
    if len(call.segments) == 1:
        return call.many(call.tenant.users, "user", "users")
    return call.one(_user(call), "user", "users")


def _user(call: Call) -> Object:
    wanted = call.segments[1].name.lower()
    for user in call.tenant.users:
        if wanted in (user["id"].lower(), user["userPrincipalName"].lower()):
            return user
    raise not_found(call.segments[1].name)


def _memberships(call: Call, name: str) -> Reply:
    if name not in ("memberOf", "transitiveMemberOf"):
        raise no_segment(name)
    call.need(*READ_MEMBERSHIPS)
    groups = call.tenant.groups
    held = {group for group, members in groups.items() if _user(call)["id"] in members}
    while name == "transitiveMemberOf":
        around = {group for group, members in groups.items() if members & held} - held
        if not around:
            break
        held |= around
    rows: list[Object] = [{"@odata.type": "#microsoft.graph.group", "id": group} for group in sorted(held)]
    return call.many(rows, "directoryObject", "directoryObjects")


def handle_directory(call: Call) -> Reply:
    """/directory/deletedItems/…"""
    names = [segment.name for segment in call.segments]
    if names[:2] != ["directory", "deletedItems"] or len(names) < 3:
        raise no_segment(names[-1])
    tenant = call.tenant
    tenant.drop_expired_deletions()
    piles = {
        "microsoft.graph.application": (tenant.deleted_applications, "application"),
        "microsoft.graph.servicePrincipal": (tenant.deleted_service_principals, "servicePrincipal"),
    }
    if names[2] in piles and len(names) == 3:
        if call.method != "GET":
            raise GraphError(405, "Request_BadRequest", WRONG_METHOD)
        call.need(*READ)
        pile, type_name = piles[names[2]]
        return call.many(list(pile), type_name, "directoryObjects")
    for pile, type_name in piles.values():
        for item in pile:
            if item["id"] == names[2]:
                return _deleted_item(call, item, pile, type_name, names[3:])
    if names[2].startswith("microsoft.graph."):
        raise no_segment(names[2])
    raise not_found(names[2])


def _deleted_item(call: Call, item: Object, pile: list[Object], type_name: str, rest: list[str]) -> Reply:
    if call.method == "GET" and not rest:
        call.need(*READ, OWNED)
        return call.one({"@odata.type": f"#microsoft.graph.{type_name}", **item}, type_name, "directoryObjects")
    owned_or(call, item, *WRITE)
    if call.method == "DELETE" and not rest:
        pile.remove(item)
        return no_content()
    if call.method == "POST" and rest == ["restore"]:
        return _restore(call, item, pile, type_name)
    raise denied() if rest == [] else no_segment(rest[0])


def _restore(call: Call, item: Object, pile: list[Object], type_name: str) -> Reply:
    """Restoring an application does not restore its service principal."""
    live = call.tenant.applications if type_name == "application" else call.tenant.service_principals
    if any(other["appId"] == item["appId"] for other in live):
        text = "The object cannot be restored because its name is already in use."
        raise GraphError(409, "Request_MultipleObjectsWithSameKeyValue", text)
    pile.remove(item)
    item["deletedDateTime"] = None
    live.append(item)
    return call.one({"@odata.type": f"#microsoft.graph.{type_name}", **item}, type_name, "directoryObjects")
