# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Good replies of the simulated services, recorded once for a task and played back with one of them spoiled.

What is played back knows no state: it answers each request as it was answered first, so a run costs a millisecond
and can be repeated for each field of each reply.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.webex_connect.office365.plugins.module_utils._auth import SharedTexts
from ansible_collections.webex_connect.office365.plugins.module_utils._login import Login
from ansible_collections.webex_connect.office365.plugins.module_utils._tenant import Tenant, connect
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import Request, Response
from module_runner import Clock, Runner
from simulated_tenant import World

Path = tuple[Any, ...]  # keys and indices that lead to one value of a JSON document


@dataclass
class Exchange:
    """One request and its good answer."""

    request: Request
    status: int
    headers: dict[str, str]
    body: bytes
    parsed: Any = field(init=False)

    def __post_init__(self) -> None:
        self.parsed = json.loads(self.body) if self.body else None

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells a request from others: not its times, ids of a batch's items and the like."""
        return key_of(self.request)

    @property
    def is_login(self) -> bool:
        return "/oauth2/" in self.request.url or "openid-configuration" in self.request.url


def commands_of(body: Any) -> list[str]:
    """The cmdlets or methods that a body carries."""
    if not isinstance(body, dict):
        return []
    if "CmdletInput" in body:
        return [str(body["CmdletInput"]["CmdletName"])]
    if "requests" in body:
        return [name for item in body["requests"] for name in commands_of(item.get("body")) or [str(item.get("url"))]]
    return []


def json_of(request: Request) -> Any:
    try:
        return json.loads(request.body or b"null")
    except ValueError:
        return None


def key_of(request: Request) -> tuple[Any, ...]:
    return (request.method, request.url, *commands_of(json_of(request)))


def is_write(request: Request) -> bool:
    """By meaning: a read command and a batch of reads travel as POST too, and so do sign-ins and questions."""
    if request.method == "GET" or "/oauth2/" in request.url or request.url.endswith("capabilities-self"):
        return False
    body = json_of(request)
    if request.url.endswith("$batch") and "graph" in urlsplit(request.url).netloc:
        return any(item["method"] != "GET" for item in body["requests"])
    cmdlets = commands_of(body)
    return not cmdlets or any(not name.startswith(("Get-", "Test-")) for name in cmdlets)


class Listening(Runner):
    """A runner that keeps what went over the wire."""

    def __init__(self, *arguments: Any, **defaults: Any) -> None:
        super().__init__(*arguments, **defaults)
        self.heard: list[Exchange] = []

    def carry(self, request: Request, timeout: float) -> Response:
        response = super().carry(request, timeout)
        self.heard.append(Exchange(request, response.status, dict(response.headers), response.body))
        return response


class Handed(SharedTexts):
    """Tokens of the recording, by what they depend on, so that nothing signs in."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        return self.texts.get(name)

    def save(self, name: str, text: str) -> None:
        self.texts.setdefault(name, text)


class Playback(Runner):
    """A runner over recorded answers; ``spoil`` changes answer number ``number``."""

    def __init__(self, recording: Recording, number: int | None = None, spoil: Callable[[Any], Any] | None = None):
        super().__init__(World(), Clock(), **recording.defaults)
        self.recording, self.number, self.spoil = recording, number, spoil
        self.vault, self.tokens = None, recording.tokens
        self.sent: list[Request] = []
        self._left: dict[tuple[Any, ...], list[int]] = {}
        for index, exchange in enumerate(recording.exchanges):
            self._left.setdefault(exchange.key, []).append(index)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.sent if is_write(request)]

    def connect(self, login: Login) -> Tenant:
        return connect(
            login,
            self.carry,
            shared=None if self.recording.signs_in else self.tokens,
            clock=self.clock.monotonic,
            sleep=self.clock.sleep,
            wall_clock=self.clock.utc,
        )

    def carry(self, request: Request, timeout: float) -> Response:
        self.sent.append(request)
        numbers = self._left.get(key_of(request))
        if not numbers:
            body = {"error": {"code": "ResourceNotFound", "message": "Nothing of that was recorded."}}
            return Response(404, {}, json.dumps(body).encode())
        number = numbers.pop(0) if len(numbers) > 1 else numbers[0]
        exchange = self.recording.exchanges[number]
        parsed = exchange.parsed
        if number == self.number and self.spoil is not None:
            parsed = self.spoil(copy.deepcopy(parsed))
        elif parsed is None:
            return Response(exchange.status, exchange.headers, b"")
        parsed = _with_ids(parsed, exchange.request, request)
        return Response(exchange.status, exchange.headers, json.dumps(parsed).encode())


def _with_ids(parsed: Any, recorded: Request, asked: Request) -> Any:
    """The items of a batch have other ids each time."""
    then, now = json_of(recorded), json_of(asked)
    if not (isinstance(then, dict) and "requests" in then):
        return parsed
    names = {old["id"]: new["id"] for old, new in zip(then["requests"], now["requests"], strict=True)}
    responses = parsed.get("responses") if isinstance(parsed, dict) else None
    if not isinstance(responses, list):
        return parsed
    items = [
        {**item, "id": names.get(item["id"], item["id"])}
        if isinstance(item, dict) and isinstance(item.get("id"), str)
        else item
        for item in responses
    ]
    return {**parsed, "responses": items}


@dataclass
class Recording:
    """What one task asked and was answered."""

    module: str
    options: dict[str, Any]
    defaults: dict[str, Any]
    exchanges: list[Exchange]
    tokens: Handed
    signs_in: bool = False

    def writes_before(self, number: int) -> int:
        return sum(is_write(exchange.request) for exchange in self.exchanges[:number])

    def play(self, number: int | None = None, spoil: Callable[[Any], Any] | None = None) -> Playback:
        return Playback(self, number, spoil)


def record(runner: Listening, module: str, signs_in: bool = False, **options: Any) -> Recording:
    """Runs a task against the simulated services; a failure is as good a recording as a success.

    ``signs_in``: the sign-in is a part of it, and is played back too.
    """
    from module_runner import Failed

    tokens = Handed()
    runner.heard = []
    plain = runner.connect
    runner.connect = lambda login: connect(  # type: ignore[method-assign]
        login,
        runner.carry,
        shared=tokens,
        clock=runner.clock.monotonic,
        sleep=runner.clock.sleep,
        wall_clock=runner.clock.utc,
    )
    try:
        runner(module, **options)
    except Failed:
        pass
    finally:
        runner.connect = plain  # type: ignore[method-assign]
    heard = [exchange for exchange in runner.heard if signs_in or not exchange.is_login]
    return Recording(module, options, dict(runner.defaults), heard, tokens, signs_in)


def fields(document: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of a document, the document itself first; of a list only the first item, whose likes follow."""
    yield path, document
    if isinstance(document, dict):
        for name, value in document.items():
            yield from fields(value, (*path, name))
    elif isinstance(document, list) and document:
        yield from fields(document[0], (*path, 0))


def replaced(document: Any, path: Path, value: Any) -> Any:
    """The document with another value at that path; itself changed."""
    if not path:
        return value
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return document


def removed(document: Any, path: Path) -> Any:
    """The document without what is at that path."""
    place = document
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return document
