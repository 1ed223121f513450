# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Which of the applications of a name is ours.

In most tenants any user can register an application of any name, and consenting to a planted one hands
over the tenant's mail. So a name alone proves nothing: the service's own record of the creator does
(``createdByAppId``), or our own record of an earlier run, or a person who confirms the ``app_id``.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Optional

from .._errors import Conflict
from .._graph_objects import Application
from .._rows import format_time
from .permissions import resource_name


def choose_by_name(
    candidates: List[Application],
    name: str,
    admin_client_id: str,
    recorded: Collection[str],
    adopt_by_name: bool,
    owners: Optional[List[str]],
) -> Optional[Application]:
    """The one application that may be taken for ours, None if there is none of that name. Raises Conflict."""
    if len(candidates) > 1:
        raise Conflict(
            "{0} applications are named {1!r}: {2}.".format(
                len(candidates), name, "; ".join(_identified(app) for app in sorted(candidates, key=lambda a: a.app_id))
            ),
            "Give app_id to say which one is meant. Nothing was changed.",
            candidates=[_described(app) for app in candidates],
        )
    if not candidates:
        return None
    (found,) = candidates
    if found.created_by_app_id == admin_client_id or found.app_id.lower() in recorded or adopt_by_name:
        return found
    raise Conflict(
        "An application named {0!r} exists, but neither did this admin identity create it nor does a record of an"
        " earlier run name it. It is {1}; owners: {2}; secrets: {3}; certificates: {4}; it asks for: {5}.".format(
            name,
            _identified(found),
            ", ".join(owners or []) or "none",
            ", ".join("{0!r} until {1}".format(s.display_name, _day(s.end)) for s in found.secrets) or "none",
            found.certificates,
            _asked_for(found),
        ),
        "If it is the right one, give its app_id, which confirms it; any user can register an application of any name."
        " Nothing was changed.",
        candidates=[{**_described(found), "owners": owners or []}],
    )


def _identified(app: Application) -> str:
    return "app_id {0}, created {1} by {2}, redirect URIs {3}".format(
        app.app_id,
        format_time(app.created) if app.created else "at an unknown time",
        "application " + app.created_by_app_id if app.created_by_app_id else "a person or an unknown application",
        ", ".join(app.redirect_uris + app.spa_redirect_uris + app.public_redirect_uris) or "none",
    )


def _described(app: Application) -> Dict[str, Any]:
    return {
        "app_id": app.app_id,
        "object_id": app.object_id,
        "created": format_time(app.created) if app.created else None,
        "created_by_app_id": app.created_by_app_id,
        "redirect_uris": app.redirect_uris,
        "secrets": [{"key_id": s.key_id, "display_name": s.display_name, "end": _day(s.end)} for s in app.secrets],
        "permissions": _asked_for(app),
    }


def _asked_for(app: Application) -> str:
    return (
        "; ".join(
            "{0}: {1} application and {2} delegated permissions ({3})".format(
                resource_name(resource),
                len(kinds["Role"]),
                len(kinds["Scope"]),
                ", ".join(sorted(kinds["Role"] | kinds["Scope"])),
            )
            for resource, kinds in sorted(app.requested.items())
        )
        or "nothing"
    )


def _day(moment: Any) -> str:
    return moment.strftime("%Y-%m-%d") if moment else "an unknown day"
