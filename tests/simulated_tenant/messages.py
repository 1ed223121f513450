# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the wire: requests, replies, log entries, and the faults that are no reply at all."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


class ConnectionLost(ConnectionError):
    """The connection broke before an answer arrived; the work may or may not have been done."""


class WriteRefused(AssertionError):
    """A write reached a world whose ``refuse_writes`` is on."""


class Headers(dict[str, str]):
    """A mapping of header names that ignores letter case on look-up."""

    def __init__(self, items: Mapping[str, str] | None = None) -> None:
        super().__init__(items or {})
        self._lower = {name.lower(): name for name in self}

    def get(self, name: str, default: Any = None) -> Any:
        """The value of the header, whatever its letter case."""
        known = self._lower.get(name.lower())
        return default if known is None else self[known]


@dataclass
class Reply:
    """One HTTP answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """The parsed body, or None where there is none."""
        return json.loads(self.body) if self.body else None


@dataclass
class Request:
    """One HTTP request, taken apart."""

    method: str
    url: str
    headers: Headers
    raw: bytes
    scheme: str = ""
    host: str = ""
    path: str = ""
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    body_is_broken: bool = False

    @classmethod
    def parse(cls, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Request:
        """Takes the URL and the body apart; a body that is no JSON is remembered as broken."""
        parts = urlsplit(url)
        request = cls(method.upper(), url, Headers(headers), body or b"", parts.scheme or "https", parts.netloc)
        request.path = unquote(parts.path)
        request.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        request._read_body()
        return request

    def _read_body(self) -> None:
        if not self.raw:
            return
        if "form-urlencoded" in (self.headers.get("Content-Type") or ""):
            self.body = dict(parse_qsl(self.raw.decode("utf-8", "replace"), keep_blank_values=True))
            return
        try:
            self.body = json.loads(self.raw)
        except ValueError:
            self.body_is_broken = True

    @property
    def root(self) -> str:
        """Scheme and host of this request: the start of every link in its answer."""
        return f"{self.scheme}://{self.host}"

    @property
    def bearer(self) -> str | None:
        """The bearer token, if one was sent."""
        value = self.headers.get("Authorization") or ""
        return value[7:].strip() if value.lower().startswith("bearer ") else None


@dataclass
class LogEntry:
    """One request as the world saw it."""

    number: int
    time: datetime
    door: str
    host: str
    tenant_id: str | None
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    status: int | None = None
    is_write: bool = False
    inner: list[LogEntry] = field(default_factory=list)
    cmdlet: str | None = None
    parameters: dict[str, Any] | None = None
    wrong_host: bool = False
    fault: str | None = None
    error: str | None = None

    def walk(self) -> Iterator[LogEntry]:
        """This entry, or the entries of the batch that it carries."""
        if not self.inner:
            yield self
        for entry in self.inner:
            yield from entry.walk()


def json_reply(status: int, body: Any, **headers: str) -> Reply:
    """A reply with a JSON body; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"Content-Type": JSON_TYPE, **named}, json.dumps(body, ensure_ascii=False).encode())


def claims_of(token: str) -> dict[str, Any]:
    """The claims inside a JSON web token, unverified."""
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
