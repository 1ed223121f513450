# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Graph v1.0 door: tokens, routing, $batch.

https://learn.microsoft.com/graph/use-the-api, https://learn.microsoft.com/graph/json-batching.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import applications, catalogue, grants, policies, service_principals
from .faults import answer_of
from .graph_call import Call, segments_of
from .graph_errors import GraphError, error_reply, no_segment
from .messages import Headers, LogEntry, Reply, Request, json_reply
from .tokens import Token

if TYPE_CHECKING:
    from .world import World

ROOT = "/v1.0/"
DOORS: dict[str, Callable[[Call], Reply]] = {
    "applications": applications.handle,
    "servicePrincipals": service_principals.handle,
    "oauth2PermissionGrants": grants.handle,
    "policies": policies.handle_policies,
    "organization": policies.handle_organization,
    "users": policies.handle_users,
    "directory": policies.handle_directory,
}


def is_graph(path: str) -> bool:
    """Whether this path belongs to the Graph door."""
    return path.startswith((ROOT, "/beta/"))


def judge_graph(entry: LogEntry) -> None:
    """Says what of a request is a write: every method but GET; a batch by its items."""
    if entry.path != ROOT + "$batch":
        entry.is_write = entry.method != "GET"
        return
    listed = entry.body.get("requests") if isinstance(entry.body, dict) else None
    for item in listed if isinstance(listed, list) else []:
        if isinstance(item, dict):
            entry.inner.append(_inner_entry(entry, item))
    entry.is_write = any(inner.is_write for inner in entry.inner)


def _inner_entry(outer: LogEntry, item: dict[str, Any]) -> LogEntry:
    parts = urlsplit(str(item.get("url", "")))
    method = str(item.get("method", "")).upper()
    return LogEntry(
        outer.number,
        outer.time,
        outer.door,
        outer.host,
        outer.tenant_id,
        method,
        ROOT + unquote(parts.path).lstrip("/"),
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        item["headers"] if isinstance(item.get("headers"), dict) else {},
        item.get("body"),
        is_write=method != "GET",
    )


class GraphDoor:
    """Answers Graph requests of the whole world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def handle(self, request: Request, entry: LogEntry) -> Reply:
        """Answers one request."""
        token, why = self.world.tokens.check(request.bearer, catalogue.GRAPH)
        if token is None:
            return self._unauthorized(request, why)
        if request.path.startswith("/beta/"):
            return self._refuse(request, GraphError(400, "BadRequest", "Invalid version: beta."))
        if request.body_is_broken:
            text = "Unable to read JSON request payload. Please ensure Content-Type header is set."
            return self._refuse(request, GraphError(400, "BadRequest", text))
        if request.path == ROOT + "$batch":
            return self._batch(request, entry, token)
        return self._call(token, request.method, request.path, request.query, request.headers, request.body, request)

    def _unauthorized(self, request: Request, why: str) -> Reply:
        reply = self._refuse(request, GraphError(401, "InvalidAuthenticationToken", why))
        reply.headers["WWW-Authenticate"] = (
            'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
            f'client_id="{catalogue.GRAPH}"'
        )
        return reply

    def _refuse(self, request: Request, error: GraphError) -> Reply:
        return error_reply(error, self.world.now(), request.headers.get("client-request-id"))

    def _call(
        self,
        token: Token,
        method: str,
        path: str,
        query: dict[str, str],
        headers: Headers,
        body: Any,
        request: Request,
    ) -> Reply:
        try:
            segments = segments_of(path[len(ROOT) :])
            door = DOORS.get(segments[0].name) if segments else None
            if door is None:
                raise no_segment(segments[0].name if segments else "")
            call = Call(token.tenant, token, method, path, segments, query, headers, body, request.root)
            reply = door(call)
        except GraphError as error:
            return self._refuse(request, error)
        known = request.headers.get("client-request-id")
        reply.headers.setdefault("request-id", str(uuid.uuid4()))
        reply.headers.setdefault("client-request-id", known or reply.headers["request-id"])
        return reply

    # $batch -------------------------------------------------------------------------------

    def _batch(self, request: Request, entry: LogEntry, token: Token) -> Reply:
        listed = request.body.get("requests") if isinstance(request.body, dict) else None
        problem = _batch_problem(listed) if request.method == "POST" else "Only POST is served."
        if problem or not isinstance(listed, list):
            return self._refuse(request, GraphError(400, "BadRequest", problem or "Invalid batch payload format."))
        statuses: dict[str, int] = {}
        answers = []
        for item, inner in zip(listed, entry.inner, strict=True):
            answer = self._item(request, token, item, inner, statuses)
            inner.status = answer["status"]
            statuses[item["id"].lower()] = answer["status"]
            answers.append(answer)
        # Answers come in any order: here the odd ones first.
        return json_reply(200, {"responses": answers[1::2] + answers[::2]})

    def _item(
        self, request: Request, token: Token, item: dict[str, Any], inner: LogEntry, statuses: dict[str, int]
    ) -> dict[str, Any]:
        parents = [statuses.get(str(parent).lower(), 424) for parent in item.get("dependsOn") or []]
        if any(status >= 400 for status in parents):
            error = {"code": "FailedDependency", "message": "The request that this one depends on failed."}
            return {"id": item["id"], "status": 424, "headers": {}, "body": {"error": error}}
        fault = self.world.faults.strike(inner, inner=True)
        reply = answer_of(fault, inner) if fault else self.world.throttled(inner)
        if reply is None:
            reply = self._run_item(request, token, item, inner)
        answer = {"id": item["id"], "status": reply.status, "headers": reply.headers}
        try:
            return {**answer, "body": json.loads(reply.body)} if reply.body else answer
        except ValueError:  # a fault's plain text
            return {**answer, "body": reply.body.decode()}

    def _run_item(self, request: Request, token: Token, item: dict[str, Any], inner: LogEntry) -> Reply:
        headers = Headers(inner.headers)
        if item.get("body") is not None and not headers.get("Content-Type"):
            text = "Write request id : {} does not contain Content-Type header or body.".format(item["id"])
            return self._refuse(request, GraphError(400, "BadRequest", text))
        return self._call(token, inner.method, inner.path, inner.query, headers, item.get("body"), request)


def _batch_problem(listed: Any) -> str | None:
    if not isinstance(listed, list) or not listed:
        return "Invalid batch payload format."
    if len(listed) > 20:
        return "Number of batch request steps exceeds the maximum value of 20."
    seen: set[str] = set()
    for item in listed:
        if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
            return "Invalid batch payload format: an id is missing."
        if item["id"].lower() in seen:
            return f"Request id '{item['id']}' is not unique."
        wanted = item.get("dependsOn") or []
        if any(str(parent).lower() not in seen for parent in wanted):
            return f"Request '{item['id']}' depends on one that does not come before it."
        seen.add(item["id"].lower())
        if not isinstance(item.get("method"), str) or not isinstance(item.get("url"), str):
            return "Invalid batch payload format: method or url is missing."
        if item["url"].startswith(("http:", "https:")):
            return "Invalid batch payload format: urls are relative."
    return None
