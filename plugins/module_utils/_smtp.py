# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One conversation with an SMTP server, as far as a client gets before it would send anything.

It ends with QUIT after the server's answer to AUTH, or earlier. MAIL, RCPT and DATA are never said.
"""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from threading import Timer
from typing import Any, Optional, Sequence

from ._planning.smtp_conversation import (
    CERTIFICATE,
    GREETING,
    LOGIN,
    MECHANISMS,
    NAME,
    STARTTLS,
    TLS,
    Conversation,
)
from ._tls import context_for
from ._transport import import_library

OURSELVES = "[127.0.0.1]"  # RFC 5321 4.1.4: a client without a name of its own; looking one up can take long
CONVERSATION = 3  # times the time for one answer, for all of it


class Account:
    """Whom to sign in as; the token is in no representation."""

    def __init__(self, mailbox: str, token: str) -> None:
        self.mailbox = mailbox
        self.initial_response = "user={0}\1auth=Bearer {1}\1\1".format(mailbox, token)
        self.secrets = (token, base64.b64encode(self.initial_response.encode()).decode())


class _Limit:
    """Ends a conversation in time, also with a server that sends a byte now and then."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._line: Optional[socket.socket] = None
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True

    def watch(self, connection: socket.socket) -> None:
        self._line = connection.dup()  # TLS takes the other one over
        self._timer.start()

    def _end(self) -> None:
        self.is_over = True
        if self._line is not None:
            try:
                self._line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def lift(self) -> None:
        self._timer.cancel()
        if self._line is not None:
            self._line.close()


class _Client(smtplib.SMTP):
    def __init__(self, host: str, port: int, timeout: float, limit: _Limit) -> None:
        self._limit = limit
        super().__init__(host, port, local_hostname=OURSELVES, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection: socket.socket = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self._limit.watch(connection)
        return connection

    def leave(self) -> None:
        try:
            self.quit()
        except (smtplib.SMTPException, OSError):
            self.close()


def converse(host: str, port: int, verify: Any, timeout: float, account: Optional[Account] = None) -> Conversation:
    """What the server said, and how far it went. ``verify`` is as ``requests`` has it. Never raises for the server's sake."""
    seen = Conversation(host, port)
    secrets = account.secrets if account else ()
    # Only requests brings authorities by itself.
    context = context_for(import_library("requests").certs.where() if verify is True else verify)
    limit = _Limit(timeout * CONVERSATION)
    client = None
    try:
        client = _Client(host, port, timeout, limit)
        seen.reached = GREETING
        _hear(seen, client.ehlo(), secrets)
        seen.reached = STARTTLS
        if not client.has_extn("starttls"):
            return seen
        seen.reached = TLS
        client.starttls(context=context)
        seen.tls = client.sock.version()  # type: ignore[union-attr]
        code = _hear(seen, client.ehlo(), secrets)
        seen.reached = MECHANISMS
        seen.mechanisms = client.esmtp_features.get("auth", "").upper().split() if code == 250 else []
        seen.said = ("AUTH " + " ".join(seen.mechanisms)) if seen.mechanisms else seen.said
        if account and "XOAUTH2" in seen.mechanisms:
            seen.reached = LOGIN
            _hear(seen, _log_in(client, account), secrets)
    except (smtplib.SMTPException, OSError, ValueError) as failure:
        _note(seen, failure, secrets)
        if limit.is_over:  # what was cut off can look like a reply
            seen.code, seen.problem = (
                None,
                "it had not answered in full after {0} seconds".format(timeout * CONVERSATION),
            )
    finally:
        if client is not None:
            client.leave()
        limit.lift()
    return seen


def _note(seen: Conversation, failure: Exception, secrets: Sequence[str]) -> None:
    """A reply that is a refusal, or why there is none."""
    if isinstance(failure, smtplib.SMTPResponseException):
        _hear(seen, (failure.smtp_code, failure.smtp_error), secrets)
        return
    reason: Any = failure
    if isinstance(failure, ssl.SSLCertVerificationError):
        seen.reached, reason = CERTIFICATE, failure.verify_message or failure
    elif isinstance(failure, socket.gaierror):
        seen.reached, reason = NAME, failure.strerror or failure
    elif isinstance(failure, OSError):
        reason = failure.strerror or failure
    seen.problem = _words(reason, secrets)


def _log_in(client: smtplib.SMTP, account: Account) -> Any:
    def answer(challenge: Optional[bytes] = None) -> str:
        # The token goes along with AUTH. A refusal can be told in a 334 first, and an empty answer asks for the reply.
        return account.initial_response if challenge is None else ""

    return client.auth("XOAUTH2", answer)


def _hear(seen: Conversation, reply: Any, secrets: Sequence[str]) -> int:
    code, said = reply
    seen.code, seen.said = int(code), "{0} {1}".format(code, _words(said, secrets))
    return seen.code


def _words(said: Any, secrets: Sequence[str]) -> str:
    """On one line, in bounds, and without what a server may repeat of what it was sent."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    for secret in secrets:
        text = text.replace(secret, "…")
    text = re.sub(r"[A-Za-z0-9+/=_-]{60,}|eyJ[\w.-]+", "…", text)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:400]
