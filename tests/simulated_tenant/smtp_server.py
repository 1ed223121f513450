# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP door behind a socket: aiosmtpd speaks the protocol, ``smtp`` decides."""

from __future__ import annotations

import asyncio
import base64
import collections
import json
import logging
import ssl
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from .messages import ConnectionLost, WriteRefused
from .smtp import BANNER, NOT_AUTHENTICATED, SmtpDoor, Submission
from .world import World

LONGEST_LINE = 12288  # https://www.rfc-editor.org/rfc/rfc4954#section-4
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # its lines would hold tokens


class _Smtp(SMTP):
    line_length_limit = LONGEST_LINE

    def __init__(self, handler: Any, **options: Any) -> None:
        super().__init__(handler, **options)
        self.command_size_limits = collections.defaultdict(lambda: LONGEST_LINE)

    async def check_auth_needed(self, caller_method: str) -> bool:
        if self.session.authenticated:
            return False
        await self.push(NOT_AUTHENTICATED)
        return True

    async def handle_exception(self, error: Exception) -> str:
        if isinstance(error, ConnectionLost):
            self.transport.close()
        return "554 5.6.0 refused: " + str(error) if isinstance(error, WriteRefused) else "451 4.7.0 " + str(error)


class _Handler:
    """What aiosmtpd asks when a client says something."""

    def __init__(self, door: SmtpDoor) -> None:
        self.door = door

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, said: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*said[:-1], "250-ENHANCEDSTATUSCODES", "250 CHUNKING"]

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        blob = args[1] if len(args) == 2 else await _asked(server, b"")
        reply, opened = self.door.authenticate(blob)
        if opened is None and self.door.world.smtp_challenges:
            await _asked(server, json.dumps({"status": "401", "schemes": "bearer"}).encode())
        return AuthResult(success=opened is not None, handled=False, message=reply, auth_data=opened)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self.door.mail(_submission(session), address)
        if reply.startswith("250"):
            envelope.mail_from = address
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = bytes(envelope.original_content or b"")
        return self.door.data(_submission(session), envelope.mail_from, envelope.rcpt_tos, content)


async def _asked(server: SMTP, challenge: bytes) -> str:
    """What the client answers to a 334."""
    await server.push(b"334 " + base64.b64encode(challenge))
    return (await server._reader.readline()).strip().decode("ascii", "replace")


def _submission(session: Session) -> Submission:
    assert isinstance(session.auth_data, Submission)
    return session.auth_data


class SmtpServer:
    """A listener with the interface of the standard library's servers."""

    def __init__(self, world: World, port: int, context: ssl.SSLContext) -> None:
        self._loop = asyncio.new_event_loop()
        handler = _Handler(world.smtp)

        def authenticator(*asked: Any) -> AuthResult:
            login = asked[-1].login.decode("ascii", "replace")
            return AuthResult(success=False, handled=False, message=world.smtp.basic(login))

        def connected() -> _Smtp:
            return _Smtp(
                handler,
                tls_context=context,
                require_starttls=True,
                auth_exclude_mechanism=["PLAIN"],
                authenticator=authenticator,
                hostname="AM0PR01CA0001.outlook.office365.com",
                ident=BANNER,
                loop=self._loop,
                data_size_limit=157286400,
            )

        self._server = self._loop.run_until_complete(self._loop.create_server(connected, "127.0.0.1", port))
        self.server_address: tuple[str, int] = self._server.sockets[0].getsockname()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Runs until ``shutdown``."""
        self._loop.run_forever()

    def shutdown(self) -> None:
        """Stops listening and drops who is connected."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _close(self) -> None:
        self._server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def server_close(self) -> None:
        """As the other servers have it."""
