# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call to Microsoft Graph: who calls, with which rights, and how it is answered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from . import graph_query
from .graph_errors import GraphError, bad_request, denied, error_reply
from .graph_types import navigation_of
from .messages import Headers, Reply, json_reply
from .new_objects import Object
from .tenant import Tenant
from .tokens import Token

SEGMENT = re.compile(r"^(?P<name>[^(]+?)(?:\((?P<key>\w+)='(?P<value>(?:[^']|'')*)'\)|\('(?P<id>(?:[^']|'')*)'\))?$")

EXPANSION = re.compile(r"(\w+)(?:\(([^)]*)\))?")


@dataclass
class Segment:
    """One step of a path: a name or id, perhaps with an alternate key."""

    name: str
    key: str | None = None
    value: str | None = None


def segments_of(path: str) -> list[Segment]:
    """Takes a path apart; a slash inside a quoted key does not end a segment."""
    parts = re.findall(r"(?:[^/']|'(?:[^']|'')*')+", path)
    return [segment for part in parts for segment in _segment(part)]


def _segment(part: str) -> list[Segment]:
    match = SEGMENT.match(part)
    if match is None:
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{part}'.")
    if match["id"] is not None:
        return [Segment(match["name"]), Segment(match["id"].replace("''", "'"))]
    value = match["value"]
    return [Segment(match["name"], match["key"], value.replace("''", "'") if value is not None else None)]


@dataclass
class Call:
    """A checked request with the tenant and the caller's token."""

    tenant: Tenant
    token: Token
    method: str
    path: str
    segments: list[Segment]
    query: dict[str, str]
    headers: Headers
    body: Any
    root: str

    # Rights -------------------------------------------------------------------------------

    def may(self, *roles: str) -> bool:
        """Whether the token carries one of these application permissions."""
        return any(role in self.token.roles for role in roles)

    def need(self, *roles: str) -> None:
        """Raises 403 unless the token carries one of these application permissions."""
        if not self.may(*roles):
            raise denied()

    # Answers ------------------------------------------------------------------------------

    def context(self, name: str) -> str:
        """The @odata.context of an answer."""
        return f"{self.root}/v1.0/$metadata#{name}"

    def one(self, item: Object, type_name: str, set_name: str, status: int = 200) -> Reply:
        """An answer that carries one object."""
        graph_query.check_options(self.query)
        shown = graph_query.selected(item, self.query, type_name)
        self._expand(shown, item, type_name)
        return json_reply(status, {"@odata.context": self.context(f"{set_name}/$entity"), **shown})

    def many(self, items: list[Object], type_name: str, set_name: str) -> Reply:
        """An answer that carries a page of objects."""
        graph_query.check_options(self.query)
        eventual = (self.headers.get("ConsistencyLevel") or "").lower() == "eventual"
        left = graph_query.filtered(items, self.query, type_name, eventual)
        left = graph_query.ordered(left, self.query, type_name)
        page, following = graph_query.page_of(left, self.query, self.tenant.settings.page_size)
        body: Object = {"@odata.context": self.context(set_name)}
        if self.query.get("$count", "").lower() == "true" and eventual:
            body["@odata.count"] = len(left)
        if following is not None:
            body["@odata.nextLink"] = graph_query.next_link(f"{self.root}{self.path}", self.query, following)
        body["value"] = []
        for item in page:
            shown = graph_query.selected(item, self.query, type_name)
            self._expand(shown, item, type_name)
            body["value"].append(shown)
        return json_reply(200, body)

    def _expand(self, shown: Object, item: Object, type_name: str) -> None:
        for bare, options in EXPANSION.findall(self.query.get("$expand", "")):
            if bare not in navigation_of(type_name):
                text = f"Could not find a property named '{bare}' on type 'microsoft.graph.{type_name}'."
                raise GraphError(400, "BadRequest", f"Parsing OData Select and Expand failed: {text}")
            if bare != "owners":
                raise graph_query.unsupported(f"Expanding '{bare}' is not simulated.")
            owners = self.directory_objects(self.tenant.owners.get(item["id"], []))
            chosen = dict(part.split("=", 1) for part in options.split(";") if "=" in part)
            shown[bare] = [graph_query.selected(owner, chosen, "directoryObject") for owner in owners]

    def directory_objects(self, ids: list[str]) -> list[Object]:
        """Users and service principals by id, each with its type."""
        found = []
        for object_id in ids:
            for pile, name in ((self.tenant.users, "user"), (self.tenant.service_principals, "servicePrincipal")):
                found += [{"@odata.type": f"#microsoft.graph.{name}", **i} for i in pile if i["id"] == object_id]
        return found

    def body_object(self) -> Object:
        """The body, which has to be a JSON object sent as JSON."""
        if not isinstance(self.body, dict):
            raise bad_request("Invalid request body: an object was expected.")
        if "json" not in (self.headers.get("Content-Type") or ""):
            text = "Write requests (excluding DELETE) must contain the Content-Type header declaration."
            raise GraphError(400, "RequestBodyRead", text)
        return self.body

    def refused(self, error: GraphError) -> Reply:
        """The answer that carries an error."""
        return error_reply(error, self.tenant.now(), self.headers.get("client-request-id"))


def no_content() -> Reply:
    """204."""
    return Reply(204, {}, b"")
