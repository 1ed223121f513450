# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Names of permissions, resolved against what the APIs of the tenant itself offer."""

from __future__ import annotations

import difflib
import re
from typing import Dict, Iterable, List, Mapping, Optional, Sequence

from .._errors import InvalidInput, NotFound
from .._graph_objects import WELL_KNOWN_RESOURCES, Permission, Resource
from .._login import GUID

Resources = Mapping[str, Optional[Resource]]
KINDS = ("application", "delegated")
GRAPH_KINDS = {"application": "Role", "delegated": "Scope"}


def resource_app_id(name: str) -> str:
    """The app id of an API that is given by its well-known name or by its app id."""
    for known, app_id in WELL_KNOWN_RESOURCES.items():
        if name.lower() == known.lower():
            return app_id
    if GUID.match(name):
        return name.lower()
    close = difflib.get_close_matches(name, list(WELL_KNOWN_RESOURCES), 1, 0.5)
    raise InvalidInput(
        "resource is {0!r}; it must be {1} or the app id of an API.".format(name, " or ".join(WELL_KNOWN_RESOURCES)),
        "Did you mean {0!r}?".format(close[0]) if close else "",
    )


def resource_name(app_id: str, resource: Optional[Resource] = None) -> str:
    for known, known_id in WELL_KNOWN_RESOURCES.items():
        if app_id.lower() == known_id:
            return known
    return resource.display_name if resource and resource.display_name else app_id


def split_names(names: Optional[Iterable[str]]) -> List[str]:
    """Each name by itself, once: names that came as one text are taken apart."""
    return list(dict.fromkeys(name for text in names or () for name in re.split(r"[\s,;]+", text) if name))


def present(app_id: str, resources: Resources) -> Resource:
    resource = resources.get(app_id)
    if resource is None:
        raise NotFound(
            "The tenant has no service principal of {0}.".format(resource_name(app_id)),
            "For Office 365 Exchange Online the tenant needs an Exchange plan; for another API an"
            " administrator has to consent to it once.",
        )
    return resource


def resolve(names: Sequence[str], kind: str, resource: Resource, resources: Resources) -> List[Permission]:
    """The permissions of these names. Raises InvalidInput for a name that this API does not offer in this kind."""
    found = []
    for name in names:
        permission = resource.named(name, kind)
        if permission is None or not permission.value:
            raise InvalidInput(
                "{0!r} is no {1} permission of {2}.".format(name, kind, resource_name(resource.app_id, resource)),
                _hint(name, kind, resource, resources),
            )
        found.append(permission)
    return found


def _hint(name: str, kind: str, resource: Resource, resources: Resources) -> str:
    other_kind = KINDS[1 - KINDS.index(kind)]
    if resource.named(name, other_kind):
        return "It exists there as {0} permission.".format(
            "a delegated" if other_kind == "delegated" else "an application"
        )
    for other in resources.values():
        if other and other.app_id != resource.app_id:
            for offered in (kind, other_kind):
                if other.named(name, offered):
                    return "{0} offers it as {1} permission.".format(
                        resource_name(other.app_id, other),
                        "a delegated" if offered == "delegated" else "an application",
                    )
    offers = sorted(p.value for p in resource.permissions if p.kind == kind and p.value)
    close = (
        difflib.get_close_matches(name, offers, 3, 0.6)
        or [o for o in offers if o.lower().startswith(name.lower()[:5])][:3]
    )
    return (
        "Close to it: {0}.".format(", ".join(close))
        if close
        else "It offers {0}.".format(", ".join(offers[:20]) or "none")
    )


def names_of(ids: Iterable[str], kind: str, resource: Optional[Resource]) -> List[str]:
    return sorted(resource.value_of(item, kind) if resource else item for item in ids)


def listing(by_resource: Mapping[str, Mapping[str, Iterable[str]]], resources: Resources) -> List[Dict[str, object]]:
    """Permission names by resource in the form of the option ``permissions``, sorted, without empty entries."""
    entries: List[Dict[str, object]] = []
    for app_id in sorted(by_resource, key=lambda item: resource_name(item, resources.get(item))):
        kinds = {kind: sorted(set(by_resource[app_id].get(kind, ()))) for kind in KINDS}
        if any(kinds.values()):
            entries.append({"resource": resource_name(app_id, resources.get(app_id)), **kinds})
    return entries
