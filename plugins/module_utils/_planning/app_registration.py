# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The application and its service principal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Collection, Dict, List, NoReturn, Optional

from .._errors import InvalidInput, NotFound
from .._graph_objects import Application, ServicePrincipal
from .application_lookup import choose_by_name
from .checks import (
    PERSONAL_AUDIENCES,
    checked_redirect_uris,
    refuse_control_characters,
    refuse_long_name,
    refuse_non_guid,
)
from .plan import Plan, Step

SIMPLE = ("display_name", "unique_name", "sign_in_audience", "notes", "service_management_reference")
SWITCHES = ("issue_access_tokens", "issue_id_tokens")
COLLECTIONS = ("redirect_uris", "tags")


@dataclass(frozen=True)
class Current:
    admin_client_id: str
    exact: Optional[Application] = None
    """What app_id, object_id or unique_name found."""
    named: List[Application] = field(default_factory=list)
    """What has the display name, where no exact name was given."""
    owners: Optional[List[str]] = None
    recorded: Collection[str] = ()
    """App ids that records of earlier runs name."""
    principal: Optional[ServicePrincipal] = None
    """Of the one application that was found."""
    deleted: Optional[Application] = None
    """What has the id among the deleted items, where restoring it was asked for."""


def check(options: Dict[str, Any]) -> None:
    if not any(options[name] for name in ("app_id", "object_id", "unique_name", "display_name")):
        raise InvalidInput("Give display_name, unique_name, app_id or object_id.")
    audience = options["sign_in_audience"]
    refuse_long_name(options["display_name"], audience)
    for name in ("app_id", "object_id"):
        refuse_non_guid(options[name], name)
    if options["restore_deleted"] and not (options["app_id"] or options["object_id"]):
        raise InvalidInput(
            "restore_deleted is true, but no id says which application is meant.", "Give app_id or object_id."
        )
    refuse_control_characters(options["unique_name"], "unique_name")
    if options["redirect_uris"] is not None:
        options["redirect_uris"] = checked_redirect_uris(options["redirect_uris"], audience)
    for tag in options["tags"] or ():
        if len(tag) > 256 or len(tag.split()) != 1:
            raise InvalidInput("tags holds {0!r}; a tag has 1 to 256 characters and no blanks.".format(tag))


def plan_app_registration(current: Current, wanted: Dict[str, Any]) -> Plan:
    application = _ours(current, wanted)
    if wanted["state"] == "absent":
        return _plan_absent(application, current, wanted)
    if application is None:
        return _plan_creation(current, wanted)
    plan = _plan_update(application, current, wanted)
    if application is current.deleted:
        changes = [step for step in plan.steps if step[0] == "update"]
        return replace(plan, before={"state": "absent"}, steps=[("restore", {"application": application}), *changes])
    return plan


def _ours(current: Current, wanted: Dict[str, Any]) -> Optional[Application]:
    if wanted["app_id"] or wanted["object_id"]:
        if current.exact is None and wanted["state"] == "present":
            return current.deleted or _refuse_unknown(wanted)
        return current.exact
    if wanted["unique_name"]:
        return current.exact or _ours_without_unique_name(current)
    return choose_by_name(
        current.named,
        wanted["display_name"],
        current.admin_client_id,
        current.recorded,
        wanted["adopt_by_name"],
        current.owners,
    )


def _refuse_unknown(wanted: Dict[str, Any]) -> NoReturn:
    name = "app_id" if wanted["app_id"] else "object_id"
    if wanted["restore_deleted"]:
        raise NotFound(
            "There is no application with {0} {1}, and none among the deleted items either.".format(name, wanted[name]),
            "It was deleted for good, or more than 30 days ago, and cannot be brought back; a new one has another app_id,"
            " which Webex Connect has to be given.",
        )
    raise NotFound(
        "There is no application with {0} {1}.".format(name, wanted[name]),
        "Leave {0} out to have one made, or check it: app_id is the portal's Application (client) ID.".format(name),
    )


def _ours_without_unique_name(current: Current) -> Optional[Application]:
    """One of an earlier run, made before it was given a unique name; it takes the name instead of being doubled."""
    ours = [
        app
        for app in current.named
        if app.unique_name is None
        and (app.created_by_app_id == current.admin_client_id or app.app_id.lower() in current.recorded)
    ]
    return ours[0] if len(ours) == 1 else None


def _plan_absent(application: Optional[Application], current: Current, wanted: Dict[str, Any]) -> Plan:
    after = {"state": "absent"}
    if application is None:
        return Plan(before=after, after=after, result=_result(None, None, current))
    return Plan(
        before={"state": "present", **_shown(application)},
        after=after,
        result=_result(application, current.principal, current),
        steps=[("delete", {"application": application, "permanent": wanted["permanent"]})],
    )


def _plan_creation(current: Current, wanted: Dict[str, Any]) -> Plan:
    if not wanted["display_name"]:
        raise InvalidInput("display_name is needed to make an application.")
    properties = {
        name: wanted[name]
        for name in (*SIMPLE, *SWITCHES, *COLLECTIONS)
        if wanted[name] is not None and wanted[name] != []
    }
    if wanted["sign_in_audience"] in PERSONAL_AUDIENCES:
        properties["token_version"] = 2
    made = Application(
        object_id="", app_id="", created_by_app_id=current.admin_client_id, **_without(properties, "token_version")
    )
    return Plan(
        before={"state": "absent"},
        after={"state": "present", **_shown(made), "service_principal": "present"},
        result=_result(made, None, current),
        steps=[("create", {"properties": properties})],
    )


def _plan_update(application: Application, current: Current, wanted: Dict[str, Any]) -> Plan:
    changes = {**_simple_changes(application, wanted), **_collection_changes(application, wanted)}
    if changes.get("sign_in_audience") in PERSONAL_AUDIENCES and application.token_version != 2:
        changes["token_version"] = 2
    principal = current.principal
    steps: List[Step] = []
    if changes:
        steps.append(("update", {"application": application, "changes": changes}))
    if principal is None:
        steps.append(("create_service_principal", {"application": application}))
    updated = _replaced(application, changes)
    return Plan(
        before={"state": "present", **_shown(application), "service_principal": "present" if principal else "absent"},
        after={"state": "present", **_shown(updated), "service_principal": "present"},
        result=_result(updated, principal, current),
        steps=steps,
        warnings=_warnings(updated, wanted),
    )


def _simple_changes(application: Application, wanted: Dict[str, Any]) -> Dict[str, Any]:
    changes = {
        name: wanted[name]
        for name in (*SIMPLE, *SWITCHES)
        if wanted[name] is not None and wanted[name] != getattr(application, name)
    }
    if "unique_name" in changes and application.unique_name is not None:
        raise InvalidInput(
            "Application {0} has the unique name {1!r}, which can never be changed.".format(
                application.app_id, application.unique_name
            ),
            "Give that as unique_name, or leave it out.",
        )
    return changes


def _collection_changes(application: Application, wanted: Dict[str, Any]) -> Dict[str, Any]:
    changes: Dict[str, Any] = {}
    if wanted["redirect_uris"] is not None:
        kept = [] if wanted["purge_redirect_uris"] else application.redirect_uris
        uris = [*kept, *(uri for uri in wanted["redirect_uris"] if uri not in kept)]
        if set(uris) != set(application.redirect_uris):
            changes["redirect_uris"] = uris
        if wanted["purge_redirect_uris"]:
            # A web address that is also one of a single-page app would get refresh tokens that die after a day.
            for name in ("spa_redirect_uris", "public_redirect_uris"):
                others = [uri for uri in getattr(application, name) if uri not in wanted["redirect_uris"]]
                if others != getattr(application, name):
                    changes[name] = others
    if wanted["tags"] is not None:
        missing = [tag for tag in dict.fromkeys(wanted["tags"]) if tag not in application.tags]
        if missing:
            changes["tags"] = application.tags + missing
    return changes


def _warnings(application: Application, wanted: Dict[str, Any]) -> List[str]:
    return [
        "{0} is registered for the {1} platform too. If that one is used, refresh tokens end after 24 hours;"
        " purge_redirect_uris removes it there.".format(uri, platform)
        for platform, uris in (
            ("single-page application", application.spa_redirect_uris),
            ("mobile and desktop", application.public_redirect_uris),
        )
        for uri in uris
        if uri in (wanted["redirect_uris"] or ())
    ]


def _replaced(application: Application, changes: Dict[str, Any]) -> Application:
    return Application(**{**application.__dict__, **changes})


def _without(values: Dict[str, Any], name: str) -> Dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def _shown(application: Application) -> Dict[str, Any]:
    return {
        **{name: getattr(application, name) for name in (*SIMPLE, *SWITCHES)},
        **{name: sorted(getattr(application, name)) for name in COLLECTIONS},
    }


def _result(
    application: Optional[Application], principal: Optional[ServicePrincipal], current: Current
) -> Dict[str, Any]:
    shown = _shown(application) if application else dict.fromkeys((*SIMPLE, *SWITCHES, *COLLECTIONS))
    return {
        "app_id": (application.app_id or None) if application else None,
        "object_id": (application.object_id or None) if application else None,
        "service_principal_id": principal.object_id if principal else None,
        "created_by_us": application.created_by_app_id == current.admin_client_id if application else None,
        **shown,
    }
