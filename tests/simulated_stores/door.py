# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both services share: a log, faults on request, writes that can be forbidden, a door over HTTPS."""

from __future__ import annotations

import copy
import ssl
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from simulated_tenant import ConnectionLost
from simulated_tenant.faults import AFTER, Faults, answer_of, spoil
from simulated_tenant.messages import LogEntry, Reply, Request, WriteRefused
from simulated_tenant.server import _Handler, _Server, make_certificates


class Refusal(Exception):
    """A service's answer to what it does not accept."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Door:
    """One service at one host. A subclass answers in ``_act`` and tells writes in ``_is_write``."""

    name = ""

    def __init__(self, host: str, clock: Callable[[], datetime]) -> None:
        self.host = host
        self.now = clock
        self.log: list[LogEntry] = []
        self.faults = Faults()
        self.refuse_writes = False
        self._lock = threading.RLock()

    def writes(self) -> list[LogEntry]:
        return [entry for entry in self.log if entry.is_write]

    def handle(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply:
        """Answers one request; raises ConnectionLost where no answer arrives."""
        request = Request.parse(method, url, headers or {}, body)
        with self._lock:
            entry = self._entry(request)
            self.log.append(entry)
            reply = self._answer(request, entry)
        entry.status = reply.status
        reply.headers.setdefault("x-ms-request-id", str(uuid.uuid4()))
        return reply

    def sleep_for(self, url: str, headers: Mapping[str, str]) -> None:
        """The served door of a tenant waits here; this one answers at once."""

    def _entry(self, request: Request) -> LogEntry:
        entry = LogEntry(
            len(self.log) + 1,
            self.now(),
            self.name,
            request.host,
            None,
            request.method,
            request.path,
            dict(request.query),
            dict(request.headers),
            copy.deepcopy(request.body),
        )
        entry.is_write = self._is_write(request)
        return entry

    def _answer(self, request: Request, entry: LogEntry) -> Reply:
        if request.host != self.host or request.scheme != "https":
            raise AssertionError(f"a request for {request.root} reached {self.host}")
        if self.refuse_writes and entry.is_write:
            raise WriteRefused(f"a write was sent: {entry.method} {entry.path}")
        fault = self.faults.strike(entry)
        if fault is not None and fault.do not in AFTER:
            if fault.do == "reset_before":
                raise ConnectionLost("the connection was reset before the request was read")
            return answer_of(fault, entry)
        try:
            reply = self._act(request)
        except Refusal as refusal:
            reply = refusal.reply
        if fault is None:
            return reply
        if fault.do == "answer_lost":
            raise ConnectionLost("the connection was reset before an answer arrived")
        return spoil(fault, reply)

    def _act(self, request: Request) -> Reply:
        raise NotImplementedError

    def _is_write(self, request: Request) -> bool:
        raise NotImplementedError


class Served:
    """A door while it is open. A context manager."""

    def __init__(self, door: Door, server: _Server, ca_path: Path) -> None:
        self.ca_path = ca_path
        self._server = server
        door.host = f"127.0.0.1:{server.server_address[1]}"
        self.url = f"https://{door.host}"

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def serve(door: Door, directory: Path) -> Served:
    """Opens a door on 127.0.0.1, with the certificate authority in ``directory``, which is made where it is missing."""
    ca_path, server_path = directory / "ca.pem", directory / "server.pem"
    if not ca_path.exists():
        make_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server_path)
    server = _Server(0, type("Handler", (_Handler,), {"world": door}), context)
    served = Served(door, server, ca_path)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return served
