# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Microsoft 365: many tenants behind four doors (sign-in, Graph, Exchange Online, SMTP)."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from .exchange import ExchangeDoor, is_exchange, judge_exchange
from .faults import AFTER, Faults, answer_of, spoil, status_reply
from .graph import GraphDoor, is_graph, judge_graph
from .login import METADATA_PATH, TOKEN_PATH, LoginDoor, is_login
from .messages import ConnectionLost, LogEntry, Reply, Request, WriteRefused, json_reply
from .new_objects import UTC
from .smtp import SmtpDoor
from .tenant import Tenant
from .tenant_settings import Identity, TenantSettings
from .tokens import TokenStore


class Log(list[LogEntry]):
    """Every request, in the order of arrival."""


class World:
    """All tenants, the clock, the log, the faults; ``handle`` answers a request."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.now = clock or (lambda: datetime.now(UTC))
        self.tenants: list[Tenant] = []
        self._by_name: dict[str, Tenant] = {}
        self.identities: dict[str, Identity] = {}
        self.hosts: dict[str, str] | None = None
        self.log = Log()
        self.faults = Faults()
        self.tokens = TokenStore(lambda: self.now())
        self.refuse_writes = False
        self.smtp_challenges = False  # a refused XOAUTH2 is told in a 334 first
        self._lock = threading.RLock()
        self._number = 0
        self._login, self._graph, self._exchange = LoginDoor(self), GraphDoor(self), ExchangeDoor(self)
        self.smtp = SmtpDoor(self)

    # Arranging ----------------------------------------------------------------------------

    def add_tenant(
        self,
        tenant_id: str,
        domain: str = "contoso.example",
        *,
        initial_domain: str | None = None,
        name: str | None = None,
        **settings: Any,
    ) -> Tenant:
        """Adds a tenant; ``settings`` are the fields of TenantSettings."""
        made = TenantSettings(**settings)
        tenant = Tenant(
            tenant_id,
            domain,
            lambda: self.now(),
            self.identities,
            initial_domain=initial_domain,
            name=name,
            settings=made,
        )
        self.tenants.append(tenant)
        for text in (tenant_id, tenant.domain, tenant.initial_domain):
            self._by_name.setdefault(text.lower(), tenant)
        return tenant

    def load(self, seed: Mapping[str, Any]) -> list[Tenant]:
        """Adds what a seed describes (see the module ``seeds``)."""
        from .seeds import load

        return load(self, seed)

    def tenant_named(self, text: str) -> Tenant | None:
        """The tenant with this id or domain."""
        return self._by_name.get(text.lower())

    def revoke_tokens(self, tenant_id: str | None = None, client_id: str | None = None) -> int:
        """Revokes tokens that were issued so far."""
        return self.tokens.revoke(tenant_id, client_id)

    # Reading the log ----------------------------------------------------------------------

    def requests(self, door: str | None = None, contains: str | None = None) -> list[LogEntry]:
        """The logged requests of a door whose path contains a text."""
        chosen: Iterable[LogEntry] = self.log
        return [e for e in chosen if door in (None, e.door) and (contains is None or contains in e.path)]

    def writes(self) -> list[LogEntry]:
        """Every request that would change something; items of batches one by one."""
        return [entry for outer in self.log for entry in outer.walk() if entry.is_write]

    def sent_mail(self) -> list[Any]:
        """Every mail that the SMTP door took."""
        return [mail for tenant in self.tenants for mail in tenant.sent_mail]

    @contextmanager
    def entering(
        self, door: str, method: str, path: str, tenant: Tenant | None, is_write: bool = False
    ) -> Iterator[LogEntry]:
        """A step of a door that is not HTTP: it is logged, and nothing else happens meanwhile."""
        with self._lock:
            self._number += 1
            tenant_id = tenant.tenant_id if tenant else None
            entry = LogEntry(self._number, self.now(), door, "", tenant_id, method, path, {}, {}, None)
            entry.is_write = is_write
            self.log.append(entry)
            yield entry

    # The function-call door ---------------------------------------------------------------

    def handle(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Answers one request; raises ConnectionLost where no answer arrives."""
        request = Request.parse(method, url, headers or {}, body)
        with self._lock:
            entry = self._enter(request)
            reply = self._answer(request, entry)
        entry.status = reply.status
        entry.error = _error_code(reply) if reply.status >= 400 else None
        return reply

    def sleep_for(self, url: str, headers: Mapping[str, str]) -> None:
        """Waits as long as the tenant's latency says; the served doors call this outside the lock."""
        request = Request.parse("GET", url, headers, None)
        tenant = self._tenant_of(request, self._door_of(request.path))
        if tenant is not None and tenant.settings.latency:
            time.sleep(tenant.settings.latency)

    def _enter(self, request: Request) -> LogEntry:
        self._number += 1
        door = self._door_of(request.path)
        tenant = self._tenant_of(request, door)
        entry = LogEntry(
            self._number,
            self.now(),
            door,
            request.host,
            tenant.tenant_id if tenant else None,
            request.method,
            request.path,
            dict(request.query),
            dict(request.headers),
            copy.deepcopy(request.body),
        )
        if door == "graph":
            judge_graph(entry)
        elif door == "exchange":
            judge_exchange(entry)
        self.log.append(entry)
        return entry

    def _answer(self, request: Request, entry: LogEntry) -> Reply:
        wanted = (self.hosts or {}).get(entry.door)
        if self.hosts is not None and wanted != request.host:
            entry.wrong_host = True
            return json_reply(404, {"error": {"code": "NotFound", "message": "No such door at this host."}})
        if self.refuse_writes and any(inner.is_write for inner in entry.walk()):
            entry.status = 403
            entry.fault = "write_refused"
            raise WriteRefused(f"a write was sent: {entry.method} {entry.path} {entry.cmdlet or ''}".strip())
        fault = self.faults.strike(entry)
        if fault is not None and fault.do not in AFTER:
            if fault.do == "reset_before":
                raise ConnectionLost("the connection was reset before the request was read")
            return answer_of(fault, entry)
        reply = self.throttled(entry) or self._act(request, entry)
        if fault is None:
            return reply
        if fault.do == "answer_lost":
            entry.status = reply.status
            raise ConnectionLost("the connection was reset before an answer arrived")
        return spoil(fault, reply)

    def throttled(self, entry: LogEntry) -> Reply | None:
        """The 429 of a tenant that throttles every so many requests. A batch is counted by items."""
        tenant = self.tenant_named(entry.tenant_id) if entry.tenant_id else None
        if tenant is None or entry.inner or entry.door not in tenant.throttle.doors:
            return None
        throttle = tenant.throttle
        throttle.count += 1
        if throttle.every and throttle.count % throttle.every == 0:
            entry.fault = "throttled"
            return status_reply(429, throttle.retry_after)
        return None

    def _act(self, request: Request, entry: LogEntry) -> Reply:
        if entry.door == "login":
            return self._login.handle(request)
        if entry.door == "graph":
            return self._graph.handle(request, entry)
        if entry.door == "exchange":
            return self._exchange.handle(request, entry)
        return json_reply(404, {"error": {"code": "NotFound", "message": f"No door at {request.path}."}})

    def _door_of(self, path: str) -> str:
        if is_exchange(path):
            return "exchange"
        if is_graph(path):
            return "graph"
        return "login" if is_login(path) else "unknown"

    def _tenant_of(self, request: Request, door: str) -> Tenant | None:
        if door == "login":
            match = TOKEN_PATH.match(request.path) or METADATA_PATH.match(request.path)
            return self.tenant_named(match[1]) if match else None
        token = self.tokens.issued.get(request.bearer or "")
        if token is not None:
            return token.tenant
        if door == "exchange":
            parts = request.path.split("/")
            return self.tenant_named(parts[3]) if len(parts) > 3 else None
        return None


def _error_code(reply: Reply) -> str | None:
    try:
        body = reply.json()
    except ValueError:
        return None
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        return str(error.get("code"))
    if isinstance(error, str):
        return f"AADSTS{body['error_codes'][0]}" if body.get("error_codes") else error
    return None
