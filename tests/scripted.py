# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A carrier that plays a script, and whatever a client needs beside it. No network, no waiting."""

from __future__ import annotations

import base64
import json
from typing import Any, Callable, Union
from urllib.parse import urlsplit

from ansible_collections.webex_connect.office365.plugins.module_utils._auth import Token
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import Request, Response, Transport
from module_runner import Clock

TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
Answer = Union[Response, BaseException, Callable[[Request], Response]]


class Script:
    """Answers in the order given, then with ``rest`` for ever; ``requests`` is what it was asked."""

    def __init__(self, *answers: Answer, rest: Answer | None = None) -> None:
        self.answers = list(answers)
        self.rest = rest
        self.requests: list[Request] = []

    def __call__(self, request: Request, timeout: float) -> Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else self.rest
        if answer is None:
            raise AssertionError(
                "Nothing more was expected, but there came {0} {1}".format(request.method, request.url)
            )
        if isinstance(answer, BaseException):
            raise answer
        return answer(request) if callable(answer) else answer

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.requests]

    @property
    def hosts(self) -> list[str]:
        return [urlsplit(url).netloc for url in self.urls]

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.body) if request.body else None for request in self.requests]


def reply(status: int = 200, body: Any = None, **headers: str) -> Response:
    """Bytes stay as they are, anything else but None becomes JSON; underscores in header names become hyphens."""
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def transport(script: Script, clock: Clock, **settings: Any) -> Transport:
    return Transport(script, clock=clock.monotonic, sleep=clock.sleep, wall_clock=clock.utc, **settings)


def web_token(**claims: Any) -> str:
    parts = ({"alg": "none"}, {"tid": TENANT_ID, **claims})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + ".x"


class MintedTokens:
    """Stands where tokens come from: a new text whenever a renewal is asked for."""

    tenant_id = TENANT_ID

    def __init__(self, *roles: str) -> None:
        self.roles = frozenset(roles)
        self.asked: list[dict[str, Any]] = []
        self.minted = 1

    def get(self, scope: str, claims: str | None = None, renew: bool = False) -> Token:
        self.asked.append({"scope": scope, "claims": claims, "renew": renew})
        self.minted += bool(renew or claims)
        return Token("token-{0}".format(self.minted), TENANT_ID, self.roles)
