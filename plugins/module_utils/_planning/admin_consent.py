# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The tenant-wide grant: application permissions become role assignments, delegated ones one grant per API.

Granted is what the user listed, whether or not the application asks for it yet; what it asks for beyond
the list is shown, and granted only if ``include_unlisted`` says so. Grants of single users are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set

from .._errors import InvalidInput
from .._graph_objects import Application, Grant, Permission, Resource, RoleAssignment, ServicePrincipal
from .permissions import (
    GRAPH_KINDS,
    KINDS,
    Resources,
    listing,
    present,
    resolve,
    resource_app_id,
    resource_name,
    split_names,
)
from .plan import Plan, Step

Names = Dict[str, Dict[str, Set[str]]]  # permission names by resource app id and kind


@dataclass(frozen=True)
class Current:
    application: Optional[Application]
    """None for one that is yet to be made."""
    principal: Optional[ServicePrincipal]
    resources: Resources
    """By app id: what is listed, what is asked for, and what was granted on."""
    assignments: List[RoleAssignment] = field(default_factory=list)
    grants: List[Grant] = field(default_factory=list)


def check(options: Dict[str, Any]) -> None:
    """Adds ``listed``: names by resource app id and kind. At least something must say what may be granted."""
    if options["permissions"] is None and not options["include_unlisted"] and options["state"] == "present":
        raise InvalidInput(
            "permissions is not given.",
            "List what may be granted, or set include_unlisted to true to grant whatever the application asks for.",
        )
    listed: Dict[str, Dict[str, List[str]]] = {}
    for entry in options["permissions"] or []:
        if not entry.get("resource"):
            raise InvalidInput("permissions holds an entry without a resource.")
        kinds = listed.setdefault(resource_app_id(entry["resource"]), {kind: [] for kind in KINDS})
        for kind in KINDS:
            kinds[kind].extend(split_names(entry.get(kind)))
    options["listed"] = listed


def resource_app_ids(application: Optional[Application], wanted: Dict[str, Any]) -> List[str]:
    """The APIs that have to be known for a plan."""
    return sorted(set(wanted["listed"]) | set(application.requested if application else ()))


def plan_consent(current: Current, wanted: Dict[str, Any]) -> Plan:
    listed = _listed(current.resources, wanted)
    asked = _asked(current)
    granted = _granted(current)
    target = _target(granted, listed, asked, wanted)
    steps = _steps(current, granted, target)
    unlisted = _minus(asked, listed)
    return Plan(
        before={"permissions": listing(granted, current.resources)},
        after={"permissions": listing(target, current.resources)},
        result={
            "app_id": current.application.app_id if current.application else None,
            "service_principal_id": current.principal.object_id if current.principal else None,
            "granted": listing(target, current.resources),
            "asked_but_not_listed": listing(unlisted, current.resources),
            "granted_but_not_asked": listing(_minus(target, asked) if current.application else {}, current.resources),
            "granted_to_single_users": _of_users(current),
        },
        steps=steps,
    )


def _listed(resources: Resources, wanted: Dict[str, Any]) -> Names:
    names: Names = {}
    for app_id, kinds in wanted["listed"].items():
        resource = present(app_id, resources)
        names[app_id] = {kind: {p.value for p in resolve(kinds[kind], kind, resource, resources)} for kind in KINDS}
    return names


def _asked(current: Current) -> Names:
    names: Names = {}
    for app_id, kinds in (current.application.requested if current.application else {}).items():
        resource = current.resources.get(app_id)
        names[app_id] = {
            kind: {resource.value_of(i, kind) if resource else i for i in kinds.get(GRAPH_KINDS[kind], ())}
            for kind in KINDS
        }
    return names


def _granted(current: Current) -> Names:
    names: Names = {}
    by_object_id = {r.object_id.lower(): r for r in current.resources.values() if r}
    for assignment in current.assignments:
        resource = by_object_id.get(assignment.resource_id)
        if resource:
            _kinds(names, resource)["application"].add(resource.value_of(assignment.role_id, "application"))
    for grant in current.grants:
        resource = by_object_id.get(grant.resource_id)
        if resource and grant.principal_id is None:
            _kinds(names, resource)["delegated"].update(_spelt_by(resource, grant.names))
    return names


def _spelt_by(resource: Resource, names: List[str]) -> List[str]:
    """Names as the API spells them; scope texts are stored as somebody once wrote them."""
    spelt = (getattr(resource.named(name, "delegated"), "value", None) or name for name in names)
    return list(dict.fromkeys(spelt))


def _kinds(names: Names, resource: Resource) -> Dict[str, Set[str]]:
    return names.setdefault(resource.app_id, {kind: set() for kind in KINDS})


def _target(granted: Names, listed: Names, asked: Names, wanted: Dict[str, Any]) -> Names:
    if wanted["state"] == "absent":
        return {} if wanted["permissions"] is None else _minus(granted, listed)
    wishes = _plus(listed, asked) if wanted["include_unlisted"] else listed
    if not wanted["purge"]:
        return _plus(granted, wishes)
    # What the application asks for and somebody granted by hand is not purged: it is neither new nor unasked.
    return _plus(wishes, _minus(granted, _minus(granted, asked)))


def _plus(one: Names, other: Names) -> Names:
    return {
        app_id: {kind: one.get(app_id, {}).get(kind, set()) | other.get(app_id, {}).get(kind, set()) for kind in KINDS}
        for app_id in {*one, *other}
    }


def _minus(one: Names, other: Names) -> Names:
    return {
        app_id: {kind: kinds.get(kind, set()) - other.get(app_id, {}).get(kind, set()) for kind in KINDS}
        for app_id, kinds in one.items()
    }


def _steps(current: Current, granted: Names, target: Names) -> List[Step]:
    steps: List[Step] = []
    for app_id in sorted({*granted, *target}):
        resource = present(app_id, current.resources)
        old, new = ({kind: names.get(app_id, {}).get(kind, set()) for kind in KINDS} for names in (granted, target))
        for name in sorted(new["application"] - old["application"]):
            steps.append(
                (
                    "assign",
                    {
                        "principal": current.principal,
                        "resource": resource,
                        "permission": _offered(resource, name, "application"),
                    },
                )
            )
        for name in sorted(old["application"] - new["application"]):
            steps.extend(_unassign(current, resource, name))
        for name in sorted(new["delegated"] - old["delegated"]):
            _offered(resource, name, "delegated")  # the service would store any text as a scope
        if old["delegated"] != new["delegated"]:
            steps.append(_grant(current, resource, new["delegated"]))
    if steps and current.principal is None:
        steps.insert(0, ("create_service_principal", {"application": current.application}))
    return steps


def _offered(resource: Resource, name: str, kind: str) -> Permission:
    permission = resource.named(name, kind)
    if permission is None:
        raise InvalidInput(
            "The application asks for the {0} permission {1}, which {2} does not offer.".format(
                kind, name, resource_name(resource.app_id, resource)
            ),
            "Remove it from the application, or leave include_unlisted off.",
        )
    return permission


def _unassign(current: Current, resource: Resource, name: str) -> List[Step]:
    return [
        ("unassign", {"assignment": assignment})
        for assignment in current.assignments
        if assignment.resource_id == resource.object_id.lower()
        and resource.value_of(assignment.role_id, "application") == name
    ]


def _grant(current: Current, resource: Resource, names: Set[str]) -> Step:
    existing = next(
        (g for g in current.grants if g.principal_id is None and g.resource_id == resource.object_id.lower()), None
    )
    if existing is None:
        return ("grant", {"principal": current.principal, "resource": resource, "names": sorted(names)})
    kept = [name for name in _spelt_by(resource, existing.names) if name in names]
    return ("set_grant", {"grant": existing, "names": kept + sorted(names - set(kept))})


def _of_users(current: Current) -> List[Dict[str, Any]]:
    by_object_id = {r.object_id.lower(): r for r in current.resources.values() if r}
    return [
        {
            "resource": resource_name(resource.app_id, resource) if resource else grant.resource_id,
            "principal_id": grant.principal_id,
            "delegated": sorted(grant.names),
        }
        for grant in current.grants
        if grant.principal_id is not None
        for resource in [by_object_id.get(grant.resource_id)]
    ]
