# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The directory of one tenant, in our words: applications, secrets, service principals, consent.

Replication, lost answers and duplicates stay inside: see Microsoft Graph "application", "servicePrincipal",
"appRoleAssignment" and "oAuth2PermissionGrant", and on eventual consistency Microsoft Entra's developer blog.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Tuple

from ._errors import AnswerLost, NotFound, Refused, UnexpectedReply
from ._graph_calls import GraphCalls, application_path, quoted, service_principal_path
from ._graph_consent import resource_path
from ._graph_objects import (
    APPLICATION_PROPERTIES,
    COLLECTIONS,
    Application,
    Resource,
    Secret,
    ServicePrincipal,
    application_to_graph,
    comparable,
)
from ._graph_replication import GRACE, LOOKING_BACK, YOUTH, lagging, once
from ._planning.rights import READ_APPLICATIONS, WRITE_APPLICATIONS
from ._rows import Row, parse_time, precise_time
from ._service import Patience
from ._stores.record import Record


class Graph:
    def __init__(self, calls: GraphCalls, patience: Patience) -> None:
        self._calls = calls
        self._transport = calls.service.transport
        self._patience = patience

    # Applications

    def application(
        self, app_id: Optional[str] = None, object_id: Optional[str] = None, unique_name: Optional[str] = None
    ) -> Optional[Application]:
        """The application with this exact id or unique name, None if there is none."""
        row = self._calls.object(
            application_path(app_id, object_id, unique_name),
            "read application {0}".format(app_id or object_id or unique_name),
            READ_APPLICATIONS,
        )
        return Application.from_graph(row) if row else None

    def existing_application(self, app_id: Optional[str] = None, object_id: Optional[str] = None) -> Application:
        """As ``application``, but an absent one raises NotFound, after a short grace for replication."""
        found = self._patience.until(
            lambda: self.application(app_id, object_id), "application {0}".format(app_id or object_id), GRACE
        )
        if found is None:
            raise NotFound(
                "There is no application with {0} {1}.".format(
                    "app_id" if app_id else "object_id", app_id or object_id
                ),
                "Check the id; app_id is the portal's Application (client) ID, object_id its Object ID.",
            )
        return found

    def applications_named(self, display_name: str, recorded: Iterable[str] = ()) -> List[Application]:
        """Every application with exactly this display name. Where a lagging list has none, those that were
        ``recorded`` are looked at by their app ids: a second one of this name would be the worse mistake."""
        rows = self._calls.list(
            "/applications?$filter=displayName%20eq%20'{0}'&$select={1}".format(
                quoted(display_name), APPLICATION_PROPERTIES
            ),
            "look for applications named {0!r}".format(display_name),
            READ_APPLICATIONS,
        )
        named = [app for app in map(Application.from_graph, rows) if app.display_name == display_name]
        known = [] if named else [self.application(app_id=app_id) for app_id in sorted(recorded)]
        return named + [app for app in known if app and app.display_name == display_name]

    def owners_of(self, application: Application) -> List[str]:
        """Names of the owners, for a person to read."""
        rows = self._calls.list(
            "/applications/{0}/owners".format(quoted(application.object_id)),
            "read the owners of application {0}".format(application.app_id),
            READ_APPLICATIONS,
        )
        return [row.text("userPrincipalName") or row.text("displayName") or row.required_text("id") for row in rows]

    def create_application(self, properties: Mapping[str, Any], created_by: str) -> Application:
        """A new application; an answer that was lost is looked for before anything is tried again."""
        body = application_to_graph(properties)
        name = properties["display_name"]
        doing = "create application {0!r}".format(name)
        if properties.get("unique_name"):
            return self._upsert(properties["unique_name"], body, doing)
        started = self._transport.now() - timedelta(seconds=60)

        def lost_one() -> Optional[Application]:
            mine = [
                app
                for app in self.applications_named(name)
                if app.created_by_app_id == created_by and app.created and app.created >= started
            ]
            return max(mine, key=lambda app: (app.created, app.app_id)) if mine else None

        def create() -> Application:
            answer = self._calls.call("POST", "/applications", doing, WRITE_APPLICATIONS, body)
            return Application.from_graph(self._calls.row(answer, doing))

        return once(self._patience, create, lost_one, "application {0!r}".format(name))

    def _upsert(self, unique_name: str, body: Dict[str, Any], doing: str) -> Application:
        key = "/applications(uniqueName='{0}')".format(quoted(unique_name))
        headers = {"Prefer": "create-if-missing"}
        without_key = {name: value for name, value in body.items() if name != "uniqueName"}
        try:
            answer = self._calls.call("PATCH", key, doing, WRITE_APPLICATIONS, without_key, headers, repeatable=True)
        except Refused as refusal:
            if "uniquename" in str(refusal.facts.get("text", "")).lower():
                refusal.advice = (
                    "A deleted application keeps its unique name for 30 days:"
                    " restore it, or delete it permanently, under App registrations > Deleted applications."
                )
            raise
        if answer.object():
            return Application.from_graph(self._calls.row(answer, doing))
        return self._patience.require(lambda: self.application(unique_name=unique_name), "application " + unique_name)

    def update_application(self, application: Application, changes: Mapping[str, Any]) -> None:
        doing = "update application {0} ({1})".format(application.app_id, ", ".join(sorted(changes)))
        path = "/applications/{0}".format(quoted(application.object_id))
        body = application_to_graph(changes)
        lagging(
            self._patience,
            lambda: self._calls.call("PATCH", path, doing, WRITE_APPLICATIONS, body),
            "application {0} to accept changes".format(application.app_id),
            self._is_young(application),
        )
        whole = {name: comparable(name, value) for name, value in changes.items() if name in COLLECTIONS}
        if whole:
            # These are written whole, so a next task that read one from a lagging replica would drop this change.
            self._await(
                application,
                lambda seen: all(
                    app and comparable(name, getattr(app, name)) == whole[name] for name in whole for app in seen
                ),
                "the changes of application {0} to be visible".format(application.app_id),
            )

    def _await(self, application: Application, holds: Callable[[List[Optional[Application]]], bool], what: str) -> None:
        """Waits until it holds of the application as it is read by its id and by its app id, in one request."""
        paths = {
            "object_id": application_path(object_id=application.object_id),
            "app_id": application_path(app_id=application.app_id),
        }
        doing = "read application {0}".format(application.app_id)

        def look() -> Optional[bool]:
            rows = self._calls.objects(paths, doing, READ_APPLICATIONS).values()
            return True if holds([Application.from_graph(row) if row else None for row in rows]) else None

        self._patience.until(look, what, steady=True)

    def _is_young(self, application: Application) -> bool:
        return application.created is not None and self._transport.now() - application.created < timedelta(
            seconds=YOUTH
        )

    def delete_application(self, application: Application, permanent: bool) -> None:
        """Moves it to the deleted items (30 days), and empties it from there if asked to."""
        what = "application {0}".format(application.app_id)
        principal = self.service_principal(application.app_id)
        self._delete("/applications/" + quoted(application.object_id), "delete " + what)
        deleted = {application.object_id: what}
        if principal is not None:
            # Whether deleting by API takes the service principal along is told both ways, so it may be gone by now.
            deleted[principal.object_id] = "the service principal of " + what
            path = "/servicePrincipals/" + quoted(principal.object_id)
            self._delete(path, "delete " + deleted[principal.object_id])
        for object_id, what in deleted.items() if permanent else ():
            self._purge(object_id, what)
        self._await(application, lambda seen: not any(seen), "application {0} to be gone".format(application.app_id))

    def _purge(self, object_id: str, what: str) -> None:
        path = "/directory/deletedItems/" + quoted(object_id)
        self._patience.until(
            lambda: self._delete(path, "purge " + what) or None, what + " to be among the deleted items", LOOKING_BACK
        )

    def deleted_application(
        self, app_id: Optional[str] = None, object_id: Optional[str] = None
    ) -> Optional[Application]:
        """The application with this id if it is among the deleted items, where it stays for 30 days."""
        for row in self._deleted("application", APPLICATION_PROPERTIES):
            found = Application.from_graph(row)
            if (app_id or "").lower() == found.app_id.lower() or (object_id or "").lower() == found.object_id.lower():
                return found
        return None

    def _deleted(self, kind: str, properties: str) -> List[Row]:
        path = "/directory/deletedItems/microsoft.graph.{0}?$select={1}".format(kind, properties)
        return self._calls.list(path, "read the deleted items", READ_APPLICATIONS)

    def restore_application(self, application: Application) -> ServicePrincipal:
        """Takes it back from the deleted items. Its service principal does not come with it, but lies there too."""
        self._restore(application.object_id, "application {0}".format(application.app_id))
        what = "the service principal of application {0}".format(application.app_id)
        deleted = [
            row.required_text("id")
            for row in self._deleted("servicePrincipal", "id,appId")
            if (row.text("appId") or "").lower() == application.app_id.lower()
        ]
        for object_id in deleted:
            self._restore(object_id, what)
        if not deleted:
            self.create_service_principal(application.app_id, young=True)
        self.wait_until_visible(application)
        return self._patience.require(lambda: self.service_principal(application.app_id), what)

    def _restore(self, object_id: str, what: str) -> None:
        """One that is back already is as good: a second call finds nothing among the deleted items."""
        path = "/directory/deletedItems/{0}/restore".format(quoted(object_id))
        try:
            self._calls.call("POST", path, "restore {0}".format(what), WRITE_APPLICATIONS, repeatable=True)
        except NotFound:
            pass

    def _delete(self, path: str, doing: str) -> bool:
        """Whether there was something to delete."""
        try:
            self._calls.call("DELETE", path, doing, WRITE_APPLICATIONS)
        except NotFound:
            return False
        return True

    # Service principals and resources

    def service_principal(self, app_id: str) -> Optional[ServicePrincipal]:
        row = self._calls.object(
            service_principal_path(app_id), "read the service principal of {0}".format(app_id), READ_APPLICATIONS
        )
        return ServicePrincipal.from_graph(row) if row else None

    def application_and_principal(self, app_id: str) -> Tuple[Optional[Application], Optional[ServicePrincipal]]:
        """Both in one request."""
        application, principal, _resources = self.application_with(app_id)
        return application, principal

    def application_with(
        self, app_id: str, resource_app_ids: Iterable[str] = (), principal: bool = True
    ) -> Tuple[Optional[Application], Optional[ServicePrincipal], Dict[str, Optional[Resource]]]:
        """The application, its service principal unless that is not wanted, and APIs by app id, in one request."""
        paths = {"application": application_path(app_id)}
        if principal:
            paths["principal"] = service_principal_path(app_id)
        paths.update({"resource " + item: resource_path(item) for item in resource_app_ids})
        found = self._calls.objects(
            paths, "read application {0} and what belongs to it".format(app_id), READ_APPLICATIONS
        )
        application, service_principal = found["application"], found.get("principal")
        return (
            Application.from_graph(application) if application else None,
            ServicePrincipal.from_graph(service_principal) if service_principal else None,
            {
                name.split(" ", 1)[1]: Resource.from_graph(row) if row else None
                for name, row in found.items()
                if name.startswith("resource ")
            },
        )

    def create_service_principal(self, app_id: str, young: bool) -> ServicePrincipal:
        """The service principal of an application; one that is there already is as good.

        ``young``: the application was made moments ago, so a bare 403 may be lag.
        """
        doing = "create the service principal of application {0}".format(app_id)

        def create() -> ServicePrincipal:
            try:
                answer = self._calls.call(
                    "POST", "/servicePrincipals", doing, WRITE_APPLICATIONS, {"appId": app_id}, repeatable=True
                )
                return ServicePrincipal.from_graph(self._calls.row(answer, doing))
            except Refused as refusal:
                if refusal.facts.get("status") != 409:
                    raise
            return self._patience.require(
                lambda: self.service_principal(app_id), "the service principal of application {0}".format(app_id)
            )

        what = "the service principal endpoint to know application {0}".format(app_id)
        return lagging(self._patience, create, what, young)

    def wait_until_visible(self, made: Application) -> List[Application]:
        """After a creation: until it answers to every look-up that follows, by id and by name. The others of that name.

        A next run that missed it by name would make a second one.
        """

        def look() -> Optional[List[Application]]:
            if not all(self.application_and_principal(made.app_id)):
                return None
            named = self.applications_named(made.display_name)
            others = [app for app in named if app.app_id != made.app_id]
            return others if len(others) < len(named) else None

        what = "application {0} to be visible by id and by name".format(made.app_id)
        return self._patience.require(look, what, steady=True)

    def only_one_of(self, made: Application, others: Iterable[Application]) -> Application:
        """The one that stays of several that runs of one identity have made because none saw another's: the oldest.

        Each run takes back only what it has just made itself, which nobody can be using yet.
        """

        def age(application: Application) -> Tuple[datetime, str]:
            return application.created or self._transport.now(), application.app_id

        ours = [app for app in others if app.created_by_app_id == made.created_by_app_id]
        oldest = min([made, *ours], key=age)
        if oldest is not made:
            self.delete_application(made, permanent=True)
        return oldest

    # Secrets

    def with_recent_secret(self, application: Application, record: Record) -> Application:
        """The application as a replica sees it that knows what was made minutes ago; after a short wait as it is.

        Waited for are the secret of the record, and one that a run announced and may have made before it ended.
        """
        recent = {
            moment
            for moment in (parse_time(text or "") for text in (record.start, record.announced))
            if moment and self._transport.now() - moment < timedelta(seconds=YOUTH)
        }

        def look(seen: Optional[Application]) -> Optional[Application]:
            starts = {secret.start for secret in seen.secrets} if seen else set()
            return seen if recent <= starts else None

        if look(application):
            return application
        found = self._patience.until(
            lambda: look(self.application(object_id=application.object_id)), "a recent secret to be visible", 12.0
        )
        return found or application

    def start_of_a_secret(self) -> datetime:
        """Just past, with a fraction that marks the credential as one call's, should its answer be lost."""
        return self._transport.now().replace(microsecond=random.randrange(1000, 1000000)) - timedelta(seconds=1)

    def add_secret(
        self, application: Application, display_name: str, start: datetime, end: datetime
    ) -> Tuple[Secret, str]:
        """(the secret, its text). A credential whose text was lost with its answer is removed again."""
        for attempt in range(3):
            try:
                return self._add_secret_once(application, display_name, start, end)
            except AnswerLost:
                self._remove_lost_secret(application, display_name, start)
                if attempt == 2:
                    raise
        raise UnexpectedReply("Could not add a secret to application {0}.".format(application.app_id))

    def _add_secret_once(
        self, application: Application, display_name: str, start: datetime, end: datetime
    ) -> Tuple[Secret, str]:
        doing = "add the secret {0!r} to application {1}".format(display_name, application.app_id)
        path = "/applications/{0}/addPassword".format(quoted(application.object_id))
        wish = {"displayName": display_name, "startDateTime": precise_time(start), "endDateTime": precise_time(end)}
        answer = lagging(
            self._patience,
            lambda: self._calls.call("POST", path, doing, WRITE_APPLICATIONS, {"passwordCredential": wish}),
            "application {0} to accept a secret".format(application.app_id),
            self._is_young(application),
        )
        row = self._calls.row(answer, doing)
        return Secret.from_graph(row), row.required_text("secretText")

    def see_secret(self, application: Application, key_id: str) -> None:
        """Waits until a new secret is read back. One that stays unseen is there all the same."""
        what = "secret {0} to be visible".format(key_id)
        self._await(application, lambda seen: all(app and app.has_secret(key_id) for app in seen), what)

    def _remove_lost_secret(self, application: Application, display_name: str, start: datetime) -> None:
        def look() -> Optional[Secret]:
            current = self.application(object_id=application.object_id)
            for secret in current.secrets if current else []:
                if secret.display_name == display_name and secret.start == start:
                    return secret
            return None

        lost = self._patience.until(look, "a secret whose answer was lost", LOOKING_BACK)
        if lost is not None:
            self.remove_secret(application, lost.key_id)

    def remove_secret(self, application: Application, key_id: str) -> None:
        """Removes one credential; one that is gone already is as good."""
        doing = "remove the secret with key id {0} from application {1}".format(key_id, application.app_id)
        path = "/applications/{0}/removePassword".format(quoted(application.object_id))

        def remove() -> Optional[bool]:
            try:
                self._calls.call("POST", path, doing, WRITE_APPLICATIONS, {"keyId": key_id}, repeatable=True)
                return True
            except (Refused, NotFound) as refusal:
                if "no password credential found" not in str(refusal.facts.get("text", "")).lower():
                    raise
            # The same is said of a credential that a lagging replica does not know yet, so look before believing it.
            current = self.application(object_id=application.object_id)
            return None if current and current.has_secret(key_id) else True

        self._patience.require(remove, "secret {0} to be removable".format(key_id))

    def miss_secret(self, application: Application, key_id: str) -> None:
        """Waits until a removed secret is read no more, so that the next run does not remove it again."""
        what = "secret {0} to be gone".format(key_id)
        self._await(application, lambda seen: not any(app and app.has_secret(key_id) for app in seen), what)
