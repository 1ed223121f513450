# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Whether users of a tenant may consent to applications.

See Microsoft Graph "authorizationPolicy" and "delegatedPermissionClassification". The list of consent policies
also says who may consent for teams and chats, and is only ever written whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from ._errors import NotReplicated, PermissionMissing, UnexpectedReply
from ._graph_calls import GraphCalls, quoted
from ._planning.rights import READ_APPLICATIONS, READ_POLICIES, WRITE_AUTHORIZATION
from ._service import Patience

POLICY = "/policies/authorizationPolicy"
ASSIGNED = "permissionGrantPoliciesAssigned"
SETTLING = 30.0  # seconds in which a change that was accepted has to be read back


@dataclass(frozen=True)
class ConsentPolicies:
    """The entries as the service spells them; None where the admin identity may not read them, and why."""

    entries: Optional[List[str]]
    refusal: Optional[PermissionMissing] = None


class Policies:
    def __init__(self, calls: GraphCalls, patience: Patience) -> None:
        self._calls = calls
        self._patience = patience

    def consent_policies(self) -> ConsentPolicies:
        try:
            return ConsentPolicies(self._assigned())
        except PermissionMissing as refusal:
            return ConsentPolicies(None, refusal)

    def _assigned(self) -> List[str]:
        doing = "read who may consent to applications"
        answer = self._calls.call("GET", POLICY + "?$select=defaultUserRolePermissions", doing, READ_POLICIES)
        permissions = self._calls.row(answer, doing).row("defaultUserRolePermissions")
        if ASSIGNED not in permissions:
            raise UnexpectedReply("Could not {0}: the answer lacks {1}.".format(doing, ASSIGNED))
        return permissions.texts(ASSIGNED)

    def set_consent_policies(self, entries: List[str]) -> None:
        """Replaces the list and nothing else, and waits until it is read back: some tenants ignore the change."""
        doing = "change who may consent to applications"
        body = {"defaultUserRolePermissions": {ASSIGNED: entries}}
        self._calls.call("PATCH", POLICY, doing, WRITE_AUTHORIZATION, body)
        wanted = {entry.lower() for entry in entries}
        seen: List[str] = []

        def look() -> Optional[bool]:
            seen[:] = self._assigned()
            return True if {entry.lower() for entry in seen} == wanted else None

        if self._patience.until(look, "the consent policies to be as they were set", SETTLING) is None:
            raise NotReplicated(
                "Microsoft Graph accepted the change of the consent policies, and does not show it: asked for were"
                " {0}, and it still answers {1}.".format(", ".join(entries) or "none", ", ".join(seen) or "none"),
                "Look at Consent and permissions in the Entra admin center; if it is unchanged there, set it there.",
            )

    def low_impact_permissions(self, app_ids: Iterable[str]) -> Optional[Dict[str, List[str]]]:
        """Delegated permissions classified as low impact, by the API's app id. None where this may not be read."""
        doing = "read which permissions are classified as low impact"
        paths = {
            app_id: "/servicePrincipals(appId='{0}')/delegatedPermissionClassifications".format(quoted(app_id))
            for app_id in app_ids
        }
        found: Dict[str, List[str]] = {}
        try:
            for app_id, page in self._calls.objects(paths, doing, READ_APPLICATIONS).items():
                rows = page.rows("value") if page else []
                if page and page.text("@odata.nextLink"):
                    rows = self._calls.list(paths[app_id], doing, READ_APPLICATIONS)
                found[app_id] = [
                    row.text("permissionName") or row.required_text("permissionId")
                    for row in rows
                    if (row.text("classification") or "").lower() == "low"
                ]
        except PermissionMissing:
            return None
        return found
