# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The permissions that an application asks for on one API (its requiredResourceAccess)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Set

from .._graph_objects import EXCHANGE_ONLINE, Application, Resource
from .permissions import (
    GRAPH_KINDS,
    KINDS,
    Resources,
    names_of,
    present,
    resolve,
    resource_app_id,
    resource_name,
    split_names,
)
from .plan import Plan

DEFAULT_APPLICATION_PERMISSIONS = ["Mail.Send"]  # what Cisco's guide asks for


@dataclass(frozen=True)
class Current:
    application: Optional[Application]
    """None for one that is yet to be made."""
    resources: Resources


def check(options: Dict[str, Any]) -> None:
    """Adds ``resource_app_id`` and settles the lists: None stays "not given", an empty list is a wish."""
    options["resource_app_id"] = resource_app_id(options["resource"])
    given = [options[kind + "_permissions"] for kind in KINDS]
    if options["resource_app_id"] == EXCHANGE_ONLINE and given == [None, None]:
        options["application_permissions"] = list(DEFAULT_APPLICATION_PERMISSIONS)
    for kind in KINDS:
        names = options[kind + "_permissions"]
        options[kind + "_permissions"] = None if names is None else split_names(names)


def plan_permissions(current: Current, wanted: Dict[str, Any]) -> Plan:
    app_id = wanted["resource_app_id"]
    resource = present(app_id, current.resources)
    application = current.application
    requested = application.requested if application else {}
    before = {kind: set(requested.get(app_id, {}).get(GRAPH_KINDS[kind], ())) for kind in KINDS}
    after = {kind: _wanted_ids(kind, before[kind], resource, current.resources, wanted) for kind in KINDS}
    steps = []
    if after != before:
        kinds = dict(requested.get(app_id, {}))
        kinds.update({GRAPH_KINDS[kind]: ids for kind, ids in after.items()})
        steps = [("update", {"application": application, "changes": {"requested": {**requested, app_id: kinds}}})]
    shown = {"resource": resource_name(app_id, resource)}
    return Plan(
        before={**shown, **_shown(before, resource)},
        after={**shown, **_shown(after, resource)},
        result={
            "app_id": application.app_id if application else None,
            "object_id": application.object_id if application else None,
            "resource_app_id": app_id,
            **shown,
            **{kind: names_of(after[kind], kind, resource) for kind in KINDS},
        },
        steps=steps,
    )


def _wanted_ids(
    kind: str, before: Set[str], resource: Resource, resources: Resources, wanted: Dict[str, Any]
) -> Set[str]:
    names: Optional[List[str]] = wanted[kind + "_permissions"]
    if names is None:
        return before
    ids = {permission.id for permission in resolve(names, kind, resource, resources)}
    if wanted["state"] == "absent":
        return before - ids
    return ids if wanted["purge"] else before | ids


def _shown(ids: Dict[str, Set[str]], resource: Resource) -> Dict[str, Any]:
    return {kind + "_permissions": names_of(ids[kind], kind, resource) for kind in KINDS}
