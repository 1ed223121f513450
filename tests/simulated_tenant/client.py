# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock that moves when told to, and a small client for the doors."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from .messages import Reply
from .new_objects import UTC
from .world import World

TENANT = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
ADMIN = "c0000001-0000-4000-8000-000000000001"
SECRET = "not-a-real-secret"
GRAPH = "https://graph.microsoft.com"
EXCHANGE = "https://outlook.office365.com"
LOGIN = "https://login.microsoftonline.com"


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **span: float) -> None:
        self.time += timedelta(**span)


class Client:
    """Asks the doors of a world as one identity."""

    def __init__(self, world: World, client_id: str = ADMIN, secret: str = SECRET, tenant: str = TENANT) -> None:
        self.world, self.client_id, self.secret, self.tenant = world, client_id, secret, tenant
        self.tokens: dict[str, str] = {}

    def sign_in(self, scope: str, **form: str) -> Reply:
        fields = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret,
            "scope": scope,
            **form,
        }
        kept = {name: value for name, value in fields.items() if value != ""}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        url = f"{LOGIN}/{self.tenant}/oauth2/v2.0/token"
        return self.world.handle("POST", url, headers, urlencode(kept).encode())

    def token(self, root: str) -> str:
        if root not in self.tokens:
            self.tokens[root] = self.sign_in(f"{root}/.default").json()["access_token"]
        return self.tokens[root]

    def graph(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        sent = {"Authorization": f"Bearer {self.token(GRAPH)}", "Content-Type": "application/json"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        data = None if body is None else json.dumps(body).encode()
        return self.world.handle(method, f"{GRAPH}/v1.0{path}", sent, data)

    def get(self, path: str, **options: str) -> Reply:
        query = "&".join(f"${name}={quote(value)}" for name, value in options.items())
        return self.graph("GET", f"{path}?{query}" if query else path)

    def exchange(self, cmdlet: str, query: str = "", prefer: str = "", /, **parameters: Any) -> Reply:
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        headers = {"Authorization": f"Bearer {self.token(EXCHANGE)}", "Content-Type": "application/json"}
        if prefer:
            headers["Prefer"] = prefer
        url = f"{EXCHANGE}/adminapi/beta/{self.tenant}/InvokeCommand{query}"
        return self.world.handle("POST", url, headers, json.dumps(body).encode())

    def rows(self, cmdlet: str, **parameters: Any) -> list[dict[str, Any]]:
        reply = self.exchange(cmdlet, **parameters)
        assert reply.status == 200, reply
        return list(reply.json().get("value") or [])


def code(reply: Reply) -> str:
    """The error code of a Graph answer."""
    return str(reply.json()["error"]["code"])


def kind(reply: Reply) -> str:
    """The last part of the error type of an Exchange answer."""
    return str(reply.json()["error"]["innererror"]["internalexception"]["type"].rsplit(".", 1)[-1])
