# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the words of Microsoft Graph: https://learn.microsoft.com/graph/errors."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from .messages import Reply, json_reply


class GraphError(Exception):
    """A refusal."""

    def __init__(self, status: int, code: str, message: str, details: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details


def bad_request(message: str, details: list[dict[str, str]] | None = None) -> GraphError:
    """400 Request_BadRequest, the directory's catch-all."""
    return GraphError(400, "Request_BadRequest", message, details)


def not_found(object_id: str) -> GraphError:
    """404 Request_ResourceNotFound."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{object_id}' does not exist or one of its queried reference-property objects are not present.",
    )


def denied() -> GraphError:
    """403 Authorization_RequestDenied."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def no_segment(name: str) -> GraphError:
    """400: the path names something that does not exist."""
    return GraphError(400, "BadRequest", f"Resource not found for the segment '{name}'.")


def invalid_value(name: str, resource: str) -> GraphError:
    """400: a value that the property does not take."""
    message = f"Invalid value specified for property '{name}' of resource '{resource}'."
    return bad_request(message, [{"code": "InvalidValue", "message": message, "target": name}])


def error_reply(error: GraphError, now: datetime, client_request_id: str | None) -> Reply:
    """The answer that carries an error."""
    request_id = str(uuid.uuid4())
    body: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "innerError": {
            "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        },
    }
    if error.details:
        body["details"] = error.details
    return json_reply(
        error.status, {"error": body}, request_id=request_id, client_request_id=client_request_id or request_id
    )
