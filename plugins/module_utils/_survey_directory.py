# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Reads what an audit needs of one tenant's directory, in two batches of GETs (a third for APIs that nobody listed).

Every part is read by itself, so that a right that is missing hides only what it is needed for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from ._errors import PermissionMissing, TenantError, UnexpectedReply
from ._graph_calls import quoted
from ._graph_objects import (
    APPLICATION_PROPERTIES,
    RESOURCE_PROPERTIES,
    SERVICE_PRINCIPAL_PROPERTIES,
    WELL_KNOWN_RESOURCES,
    Application,
    Grant,
    Resource,
    RoleAssignment,
    ServicePrincipal,
)
from ._graph_policies import ASSIGNED, POLICY, ConsentPolicies
from ._planning import user_consent_policy
from ._planning.audit_seen import Assignee, Directory
from ._planning.audit_wishes import Wishes
from ._planning.rights import READ_APPLICATIONS, READ_DIRECTORY, READ_POLICIES
from ._rows import Row
from ._stores.record import Record
from ._stores.store import Store
from ._tenant import Tenant

SECURITY_DEFAULTS = "/policies/identitySecurityDefaultsEnforcementPolicy?$select=isEnabled"
SELECT = "?$select="
APPLICATION = SELECT + APPLICATION_PROPERTIES + ",isDisabled,disabledByMicrosoftStatus"
LISTS = ("named", "owners", "assigned", "assignments", "grants")
Answers = Dict[str, Union[Row, List[Row], TenantError, None]]


@dataclass
class _Reading:
    """Parts by name; each failed one is noted once, under the part that the report knows it by."""

    answers: Answers = field(default_factory=dict)
    unread: Dict[str, TenantError] = field(default_factory=dict)

    def row(self, name: str, part: str) -> Optional[Row]:
        answer = self._answer(name, part)
        return answer if isinstance(answer, Row) else None

    def rows(self, name: str, part: str) -> List[Row]:
        answer = self._answer(name, part)
        return answer if isinstance(answer, list) else []

    def _answer(self, name: str, part: str) -> Union[Row, List[Row], None]:
        answer = self.answers.get(name)
        if isinstance(answer, TenantError):
            self.unread.setdefault(part, answer)
            return None
        return answer


def read_directory(tenant: Tenant, wishes: Wishes, store: Optional[Store]) -> Directory:
    """Raises only what concerns all of it: no sign-in, no answer."""
    reading = _Reading()
    _ask(tenant, reading, _first_paths(wishes))
    exact, named = _found(reading)
    only = exact or (named[0] if len(named) == 1 else None)
    policies = _consent_policies(reading)
    _ask(tenant, reading, _second_paths(tenant, wishes, exact, only, policies))
    principal_row = reading.row("principal", "principal")
    principal = ServicePrincipal.from_graph(principal_row) if principal_row else None
    if principal:
        _ask_again_by_id(tenant, reading, principal)
    record, recorded = _records(tenant, store, only, wishes, reading)
    resources = _resources(reading, wishes)
    assignments = [RoleAssignment.from_graph(row) for row in reading.rows("assignments", "assignments")]
    grants = [Grant.from_graph(row) for row in reading.rows("grants", "grants")]
    _add_others(tenant, reading, resources, [*assignments, *grants])
    application_row = reading.answers.get("application")
    if isinstance(application_row, list) or application_row is None:
        application_row = next(iter(reading.rows("named", "application")), None) if only else None
    assigned = None
    if principal and "assigned" not in reading.unread:
        assigned = [_assignee(row) for row in reading.rows("assigned", "assigned")]
    owners = None
    if "owners" in reading.answers:
        owners = [
            row.text("userPrincipalName") or row.text("displayName") or row.required_text("id")
            for row in reading.rows("owners", "owners")
        ]
    return Directory(
        exact=exact,
        named=named,
        owners=owners,
        recorded=recorded,
        principal=principal,
        disabled=_disabled(application_row) if isinstance(application_row, Row) else None,
        enabled=principal_row.flag("accountEnabled") if principal_row else None,
        assignment_required=bool(principal_row.flag("appRoleAssignmentRequired")) if principal_row else None,
        assigned=None if "assigned" in reading.unread else assigned,
        resources=resources,
        assignments=assignments,
        grants=grants,
        consent_policies=policies,
        low_impact=_low_impact(reading),
        security_defaults=_security_defaults(reading),
        has_store=store is not None,
        record=record,
        place=store.place if store else None,
        unread=reading.unread,
    )


def _assignee(row: Row) -> Assignee:
    object_id = row.required_text("principalId").lower()
    return Assignee(row.text("principalDisplayName") or object_id, object_id, row.text("principalType") == "Group")


def _ask(tenant: Tenant, reading: _Reading, paths: Mapping[str, Tuple[str, str]]) -> None:
    if paths:
        doing = "read the directory of tenant {0}".format(tenant.tenant_id)
        reading.answers.update(tenant.graph_calls.each(paths, LISTS, doing))


def _principal_path(app_id: str) -> str:
    return "/servicePrincipals(appId='{0}')".format(quoted(app_id))


def _first_paths(wishes: Wishes) -> Dict[str, Tuple[str, str]]:
    options = wishes.application
    if options["app_id"]:
        look_up = {"application": "/applications(appId='{0}'){1}".format(quoted(options["app_id"]), APPLICATION)}
    elif options["unique_name"]:
        look_up = {
            "application": "/applications(uniqueName='{0}'){1}".format(quoted(options["unique_name"]), APPLICATION)
        }
    else:
        name = quoted(options["display_name"])
        look_up = {"named": "/applications{0}&$filter=displayName%20eq%20'{1}'".format(APPLICATION, name)}
    paths = {name: (path, READ_APPLICATIONS) for name, path in look_up.items()}
    for app_id in sorted({*wishes.resource_app_ids, *WELL_KNOWN_RESOURCES.values()}):
        paths["resource " + app_id] = (_principal_path(app_id) + SELECT + RESOURCE_PROPERTIES, READ_APPLICATIONS)
    paths["user_consent"] = (POLICY + SELECT + "defaultUserRolePermissions", READ_POLICIES)
    paths["security_defaults"] = (SECURITY_DEFAULTS, READ_POLICIES)
    return paths


def _second_paths(
    tenant: Tenant, wishes: Wishes, exact: Optional[Application], only: Optional[Application], policies: ConsentPolicies
) -> Dict[str, Tuple[str, str]]:
    paths: Dict[str, Tuple[str, str]] = {}
    if only is not None:
        principal = _principal_path(only.app_id)
        paths["principal"] = (principal + SELECT + SERVICE_PRINCIPAL_PROPERTIES, READ_APPLICATIONS)
        paths["assignments"] = (principal + "/appRoleAssignments", READ_APPLICATIONS)
        paths["grants"] = (principal + "/oauth2PermissionGrants", READ_DIRECTORY)
        paths["assigned"] = (principal + "/appRoleAssignedTo", READ_APPLICATIONS)
        if exact is None and only.created_by_app_id != tenant.admin_client_id:
            paths["owners"] = ("/applications/{0}/owners".format(quoted(only.object_id)), READ_APPLICATIONS)
        known = {*wishes.resource_app_ids, *WELL_KNOWN_RESOURCES.values()}
        for app_id in sorted(set(only.requested) - known):
            paths["resource " + app_id] = (_principal_path(app_id) + SELECT + RESOURCE_PROPERTIES, READ_APPLICATIONS)
    if user_consent_policy.needs_classifications(policies, wishes.user_consent):
        for app_id in user_consent_policy.CLASSIFIED:
            path = _principal_path(app_id) + "/delegatedPermissionClassifications"
            paths["classified " + app_id] = (path, READ_APPLICATIONS)
    return paths


def _ask_again_by_id(tenant: Tenant, reading: _Reading, principal: ServicePrincipal) -> None:
    """A list of an object that is there is never absent; where its name was not understood, its id is."""
    paths = {"assignments": "appRoleAssignments", "grants": "oauth2PermissionGrants", "assigned": "appRoleAssignedTo"}
    rights = {"grants": READ_DIRECTORY}
    absent = [name for name in paths if reading.answers.get(name) is None]
    base = "/servicePrincipals/{0}/".format(quoted(principal.object_id))
    _ask(tenant, reading, {name: (base + paths[name], rights.get(name, READ_APPLICATIONS)) for name in absent})
    for name in absent:
        if reading.answers.get(name) is None:
            reading.unread[name] = UnexpectedReply("Microsoft Graph does not know {0}{1}.".format(base, paths[name]))


def _found(reading: _Reading) -> Tuple[Optional[Application], List[Application]]:
    row = reading.row("application", "application")
    named = [Application.from_graph(item) for item in reading.rows("named", "application")]
    return (Application.from_graph(row) if row else None), named


def _consent_policies(reading: _Reading) -> ConsentPolicies:
    row = reading.row("user_consent", "user_consent")
    refusal = reading.unread.get("user_consent")
    permissions = row.row("defaultUserRolePermissions") if row else None
    if permissions is None or ASSIGNED not in permissions:
        if refusal is None:
            reading.unread["user_consent"] = UnexpectedReply(
                "The answer about user consent lacks {0}.".format(ASSIGNED)
            )
        return ConsentPolicies(None, refusal if isinstance(refusal, PermissionMissing) else None)
    return ConsentPolicies(permissions.texts(ASSIGNED))


def _security_defaults(reading: _Reading) -> Optional[bool]:
    row = reading.row("security_defaults", "security_defaults")
    return row.flag("isEnabled") if row else None


def _disabled(row: Row) -> bool:
    by_microsoft = row.text("disabledByMicrosoftStatus") or "NotDisabled"
    return bool(row.flag("isDisabled")) or by_microsoft != "NotDisabled"


def _resources(reading: _Reading, wishes: Wishes) -> Dict[str, Optional[Resource]]:
    resources: Dict[str, Optional[Resource]] = {}
    for name in list(reading.answers):
        kind, _blank, app_id = name.partition(" ")
        if kind == "resource":
            row = reading.row(name, "resources")
            resources[app_id] = Resource.from_graph(row) if row else None
    return resources


def _add_others(
    tenant: Tenant, reading: _Reading, resources: Dict[str, Optional[Resource]], granted: List[Any]
) -> None:
    """APIs that something was granted on although nobody listed or asked for them."""
    known = {resource.object_id.lower() for resource in resources.values() if resource}
    others = sorted({item.resource_id for item in granted} - known)
    paths = {
        "other " + item: (
            "/servicePrincipals/{0}".format(quoted(item)) + SELECT + RESOURCE_PROPERTIES,
            READ_APPLICATIONS,
        )
        for item in others
    }
    _ask(tenant, reading, paths)
    for name in paths:
        row = reading.row(name, "resources")
        if row:
            resource = Resource.from_graph(row)
            resources[resource.app_id] = resource


def _low_impact(reading: _Reading) -> Optional[Dict[str, List[str]]]:
    found: Dict[str, List[str]] = {}
    for app_id in user_consent_policy.CLASSIFIED:
        row = reading.row("classified " + app_id, "classifications")
        if row is None:
            return None
        found[app_id] = [
            item.text("permissionName") or item.required_text("permissionId")
            for item in row.rows("value")
            if (item.text("classification") or "").lower() == "low"
        ]
    return found


def _records(
    tenant: Tenant, store: Optional[Store], only: Optional[Application], wishes: Wishes, reading: _Reading
) -> Tuple[Optional[Record], Tuple[str, ...]]:
    if store is None:
        return None, ()
    try:
        store.bind(tenant)
        recorded = () if wishes.application["app_id"] else tuple(store.app_ids(tenant.tenant_id))
        name = wishes.secret["display_name"]
        return (store.record_of(tenant.tenant_id, only.app_id, name) if only else None), recorded
    except TenantError as failure:  # of the store alone, also where it is a service that does not answer
        reading.unread["store"] = failure
    return None, ()
