# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""APIs in a tenant, what they offer, and what an application was granted on them.

See Microsoft Graph "servicePrincipal", "appRoleAssignment" and "oAuth2PermissionGrant".
"""

from __future__ import annotations

from typing import Callable, Dict, Iterable, List, Optional, Tuple

from ._errors import NotFound, Refused
from ._graph_calls import GraphCalls, quoted
from ._graph_objects import RESOURCE_PROPERTIES, Grant, Resource, RoleAssignment, ServicePrincipal
from ._graph_replication import is_duplicate, lagging
from ._planning.rights import ASSIGN_ROLES, GRANT_DELEGATED, READ_APPLICATIONS
from ._service import Patience


def resource_path(app_id: str) -> str:
    """The API with this app id, as far as ``Resource`` needs it."""
    return "/servicePrincipals(appId='{0}')?$select={1}".format(quoted(app_id), RESOURCE_PROPERTIES)


class Consent:
    def __init__(self, calls: GraphCalls, patience: Patience) -> None:
        self._calls = calls
        self._patience = patience
        self._principal: Optional[ServicePrincipal] = None  # whose consents were read or changed
        self._awaited: List[Callable[[List[RoleAssignment], List[Grant]], bool]] = []

    def resources(self, app_ids: Iterable[str]) -> Dict[str, Optional[Resource]]:
        """APIs in this tenant by app id, each with what it offers; None where the tenant does not have it."""
        paths = {app_id: resource_path(app_id) for app_id in app_ids}
        rows = self._calls.objects(
            paths, "read the permissions that {0} offer".format(", ".join(paths)), READ_APPLICATIONS
        )
        return {app_id: Resource.from_graph(row) if row else None for app_id, row in rows.items()}

    def resources_by_object_id(self, object_ids: Iterable[str]) -> Dict[str, Resource]:
        paths = {
            item: "/servicePrincipals/{0}?$select={1}".format(quoted(item), RESOURCE_PROPERTIES) for item in object_ids
        }
        rows = self._calls.objects(paths, "read the APIs that permissions were granted on", READ_APPLICATIONS)
        return {item: Resource.from_graph(row) for item, row in rows.items() if row}

    def consents_of(self, principal: ServicePrincipal) -> Tuple[List[RoleAssignment], List[Grant]]:
        """What the application was granted: application permissions, and delegated ones of everybody and of users."""
        self._principal = principal
        object_id = quoted(principal.object_id)
        doing = "read what application {0} was granted".format(principal.app_id)
        paths = {
            "assignments": ("/servicePrincipals/{0}/appRoleAssignments".format(object_id), READ_APPLICATIONS),
            "grants": ("/oauth2PermissionGrants?$filter=clientId%20eq%20'{0}'".format(object_id), GRANT_DELEGATED),
        }
        found = lagging(
            self._patience,
            lambda: self._calls.lists(paths, doing),
            "what application {0} was granted to be readable".format(principal.app_id),
        )
        return (
            [RoleAssignment.from_graph(row) for row in found["assignments"]],
            [Grant.from_graph(row) for row in found["grants"]],
        )

    def roles_of(self, principal: ServicePrincipal) -> List[RoleAssignment]:
        """The application permissions that were granted for the whole tenant."""
        path = "/servicePrincipals/{0}/appRoleAssignments".format(quoted(principal.object_id))
        doing = "read what application {0} was granted".format(principal.app_id)
        return [RoleAssignment.from_graph(row) for row in self._calls.list(path, doing, READ_APPLICATIONS)]

    def assign_role(self, principal: ServicePrincipal, resource_id: str, role_id: str) -> None:
        self._principal = principal
        doing = "grant application permission {0} to application {1}".format(role_id, principal.app_id)
        path = "/servicePrincipals/{0}/appRoleAssignedTo".format(quoted(resource_id))
        body = {"principalId": principal.object_id, "resourceId": resource_id, "appRoleId": role_id}

        def assign() -> bool:
            try:
                self._calls.call("POST", path, doing, ASSIGN_ROLES, body, repeatable=True)
            except Refused as refusal:
                if not is_duplicate(refusal):
                    raise
            return True

        lagging(self._patience, assign, "the service principal of {0} to accept permissions".format(principal.app_id))
        wanted = (resource_id.lower(), role_id.lower())
        self._awaited.append(lambda roles, grants: wanted in [(role.resource_id, role.role_id) for role in roles])

    def unassign_role(self, assignment: RoleAssignment) -> None:
        path = "/servicePrincipals/{0}/appRoleAssignedTo/{1}".format(
            quoted(assignment.resource_id), quoted(assignment.assignment_id)
        )
        self._delete(path, "revoke application permission " + assignment.role_id, ASSIGN_ROLES)
        self._awaited.append(lambda roles, grants: assignment.assignment_id not in [r.assignment_id for r in roles])

    def grant_delegated(self, principal: ServicePrincipal, resource_id: str, names: List[str]) -> None:
        """A tenant-wide grant that holds at least these names; one that turns up meanwhile is extended."""
        self._principal = principal
        doing = "grant {0} to application {1} for all users".format(" ".join(names), principal.app_id)
        body = {
            "clientId": principal.object_id,
            "consentType": "AllPrincipals",
            "resourceId": resource_id,
            "scope": " ".join(names),
        }

        def grant() -> bool:
            try:
                self._calls.call("POST", "/oauth2PermissionGrants", doing, GRANT_DELEGATED, body, repeatable=True)
                return True
            except Refused as refusal:
                if not is_duplicate(refusal):
                    raise
            existing = self._patience.require(
                lambda: self._grant_for_all(principal, resource_id), "the grant that is there"
            )
            missing = [name for name in names if name not in existing.names]
            if missing:
                self.set_grant(existing, existing.names + missing)
            return True

        lagging(self._patience, grant, "the service principal of {0} to accept grants".format(principal.app_id))
        self._awaited.append(
            lambda roles, grants: any(
                held.resource_id == resource_id.lower() and held.principal_id is None and set(names) <= set(held.names)
                for held in grants
            )
        )

    def _grant_for_all(self, principal: ServicePrincipal, resource_id: str) -> Optional[Grant]:
        _assignments, grants = self.consents_of(principal)
        return next((g for g in grants if g.resource_id == resource_id.lower() and g.principal_id is None), None)

    def set_grant(self, grant: Grant, names: List[str]) -> None:
        """Sends only the scope text: no other member of a grant can be updated. An empty grant is deleted."""
        path = "/oauth2PermissionGrants/{0}".format(quoted(grant.grant_id))
        doing = "set the tenant-wide delegated permissions to {0}".format(" ".join(names) or "none")
        if names:
            self._calls.call("PATCH", path, doing, GRANT_DELEGATED, {"scope": " ".join(names)})
        else:
            self._delete(path, doing, GRANT_DELEGATED)
        left = [sorted(names)] if names else []
        self._awaited.append(
            lambda roles, grants: [sorted(held.names) for held in grants if held.grant_id == grant.grant_id] == left
        )

    def settle(self) -> None:
        """Waits until all that was changed is read back: the next run would do it again or undo it."""
        principal = self._principal
        if principal is None or not self._awaited:
            return

        def look() -> Optional[bool]:
            roles, grants = self.consents_of(principal)
            return True if all(holds(roles, grants) for holds in self._awaited) else None

        what = "the changed permissions of application {0} to be visible".format(principal.app_id)
        self._patience.until(look, what, steady=True)

    def _delete(self, path: str, doing: str, right: str) -> None:
        try:
            self._calls.call("DELETE", path, doing, right)
        except NotFound:
            pass
