# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on request: resets, lost answers, gateway pages, throttling, challenges."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Union

from .messages import LogEntry, Reply, json_reply

When = Union[Callable[[LogEntry], bool], dict[str, Any]]
Do = Union[str, int]
KNOWN = {
    "reset_before",
    "answer_lost",
    "truncated",
    "html",
    "claims_challenge",
    "token_expired",
    "foreign_next_link",
}
AFTER = {"answer_lost", "truncated", "foreign_next_link"}
FOREIGN_HOST = "https://attacker.example"


@dataclass
class Fault:
    """One fault: when it strikes, what happens, how often."""

    when: When
    do: Do
    retry_after: int | str | None = None
    times: int | None = 1
    body: Any = None
    seen: int = 0
    struck: int = 0

    def strikes(self, entry: LogEntry) -> bool:
        """Whether the fault hits this request (counts it if so)."""
        if self.times is not None and self.struck >= self.times:
            return False
        if callable(self.when):
            hit = bool(self.when(entry))
        else:
            hit = self._matches(entry, self.when)
        if hit:
            self.struck += 1
        return hit

    def _matches(self, entry: LogEntry, when: dict[str, Any]) -> bool:
        facts = {
            "door": entry.door,
            "method": entry.method,
            "cmdlet": entry.cmdlet,
            "tenant_id": entry.tenant_id,
            "is_write": entry.is_write,
        }
        for name, wanted in when.items():
            if name == "path_contains":
                if wanted not in entry.path:
                    return False
            elif name != "nth" and facts[name] != wanted:
                return False
        self.seen += 1
        return "nth" not in when or self.seen == when["nth"]


@dataclass
class Faults:
    """The faults of a world, in the order in which they were added."""

    known: list[Fault] = field(default_factory=list)

    def add(
        self,
        when: When,
        do: Do,
        retry_after: int | str | None = None,
        times: int | None = 1,
        body: Any = None,
    ) -> Fault:
        """Adds a fault.

        ``when``: a callable of the log entry, or a dict of door, method, path_contains, cmdlet,
        tenant_id, is_write, nth (only the nth match). ``do``: reset_before, answer_lost, truncated,
        html, an HTTP status, claims_challenge, token_expired, foreign_next_link or redirect:<url>.
        ``times``: how often, None for always. ``body``: what the answer carries
        instead of the usual body; bytes are sent as they are.
        """
        named = isinstance(do, int) or do in KNOWN or do.startswith("redirect:")
        if not named:
            raise ValueError(f"unknown fault: {do}")
        fault = Fault(when, do, retry_after, times, body)
        self.known.append(fault)
        return fault

    def strike(self, entry: LogEntry, inner: bool = False) -> Fault | None:
        """The fault that hits this request. Items of a batch meet only those that are a status."""
        for fault in self.known:
            if inner and not isinstance(fault.do, int):
                continue
            if fault.strikes(entry):
                entry.fault = str(fault.do)
                return fault
        return None

    def clear(self) -> None:
        """Forgets all faults."""
        self.known.clear()


CODES = {429: "TooManyRequests", 502: "BadGateway", 503: "serviceNotAvailable", 504: "gatewayTimeout"}


def status_reply(status: int, retry_after: int | str | None, body: Any = None) -> Reply:
    """A throttling or gateway answer: https://learn.microsoft.com/graph/throttling."""
    if isinstance(body, bytes):
        reply = Reply(status, {"Content-Type": "text/plain"}, body)
        return _with_retry_after(reply, retry_after)
    code = CODES.get(status, "UnknownError")
    text = "Too many requests." if status == 429 else "The service is not available. Try again later."
    reply = json_reply(status, {"error": {"code": code, "message": text}} if body is None else body)
    return _with_retry_after(reply, retry_after)


def _with_retry_after(reply: Reply, retry_after: int | str | None) -> Reply:
    if retry_after is not None:
        reply.headers["Retry-After"] = str(retry_after)
    return reply


def answer_of(fault: Fault, entry: LogEntry) -> Reply:
    """The answer of a fault that strikes before anything was done."""
    if isinstance(fault.do, int):
        return status_reply(fault.do, fault.retry_after, fault.body)
    if fault.do == "html":
        page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"
        return Reply(502, {"Content-Type": "text/html"}, page)
    if fault.do.startswith("redirect:"):
        return Reply(307, {"Location": fault.do.split(":", 1)[1]}, b"")
    text = "Lifetime validation failed, the token is expired."
    reply = json_reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": text}})
    reply.headers["WWW-Authenticate"] = 'Bearer realm="", authorization_uri="https://login.microsoftonline.com"'
    if fault.do == "claims_challenge":
        wanted = {"access_token": {"nbf": {"essential": True, "value": str(int(entry.time.timestamp()))}}}
        claims = base64.b64encode(json.dumps(wanted).encode()).decode()
        reply.headers["WWW-Authenticate"] += f', error="insufficient_claims", claims="{claims}"'
    return reply


def spoil(fault: Fault, reply: Reply) -> Reply:
    """What is left of an answer that was given but did not arrive whole."""
    if fault.do == "truncated":
        return Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
    body = reply.json()
    if isinstance(body, dict):
        link = str(body.get("@odata.nextLink") or f"{FOREIGN_HOST}/v1.0/more?$skiptoken=x")
        body["@odata.nextLink"] = FOREIGN_HOST + "/" + link.split("/", 3)[3]
        return Reply(reply.status, reply.headers, json.dumps(body).encode())
    return reply
