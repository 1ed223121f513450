# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Conversations with servers that behave badly: none takes long, none learns more than it must, none is repeated."""

from __future__ import annotations

import base64
import io
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils import _smtp
from ansible_collections.webex_connect.office365.plugins.module_utils._smtp import Account, converse
from samples import QUICKLY, SEARCHING
from simulated_tenant.server import make_certificates

TOKEN = "eyJhbGciOiJub25l.eyJ0aWQiOiJub3QtYS1yZWFsLXRva2VuIn0." + "c2lnbmF0dXJl" * 8
ACCOUNT = Account("support@contoso.example", TOKEN)
BLOB = base64.b64encode(ACCOUNT.initial_response.encode()).decode()
Play = Callable[["Line"], None]


class Line:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        self.connection, self.context = connection, context
        self.heard: list[str] = []

    def say(self, text: str) -> None:
        self.connection.sendall(text.encode() + b"\r\n")

    def hear(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            part = self.connection.recv(1)
            if not part:
                raise OSError("gone")
            line += part
        self.heard.append(line.decode().strip())
        return self.heard[-1]

    def secure(self) -> None:
        """The conversation up to the second EHLO."""
        self.say("220 server ready")
        self.hear()
        self.say("250-server\r\n250 STARTTLS")
        self.hear()
        self.say("220 go")
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.hear()


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificates(tmp_path / "certificates")


@pytest.fixture
def talk(certificates: tuple[Path, Path]) -> Iterator[Callable[..., Any]]:
    """``talk(play)`` is what was seen of a server that plays this; its ``heard`` is what it was told."""
    authority, chain = certificates
    listeners = []

    def talk(
        play: Play, account: Account | None = ACCOUNT, verify: Any = None, timeout: float = 5, host: str = "127.0.0.1"
    ) -> Any:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        heard: list[str] = []

        def run() -> None:
            connection, _address = listener.accept()
            line = Line(connection, context)
            line.heard = heard
            try:
                play(line)
                while line.hear() != "QUIT" and line.heard[-1] != "quit":
                    pass
                line.say("221 bye")
            except OSError:
                pass
            finally:
                line.connection.close()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        trusted = str(authority) if verify is None else verify
        seen = converse(host, listener.getsockname()[1], trusted, timeout, account)
        thread.join(5)
        seen.heard = heard
        return seen

    yield talk
    for listener in listeners:
        listener.close()


def repeats_what_it_was_sent(line: Line) -> None:
    line.secure()
    line.say("250-server\r\n250 AUTH LOGIN XOAUTH2")
    said = line.hear()
    line.say(f"535-5.7.3 cannot take {said}\r\n535-5.7.3 nor {TOKEN[:70]} of\r\n535 5.7.3 {TOKEN}")


def test_what_a_server_repeats_of_the_token_is_masked(talk) -> None:
    seen = talk(repeats_what_it_was_sent)
    assert (seen.reached, seen.code) == ("login", 535)
    assert "cannot take" in seen.said
    for part in (BLOB, *TOKEN.split("."), TOKEN[:60]):
        assert part not in repr(seen.said)
    assert "\n" not in seen.said
    assert TOKEN not in repr(ACCOUNT)


def test_nothing_is_said_after_the_answer_to_auth(talk) -> None:
    def accepts(line: Line) -> None:
        line.secure()
        line.say("250-server\r\n250 AUTH XOAUTH2")
        line.hear()
        line.say("235 2.7.0 Authentication successful")

    seen = talk(accepts)
    assert (seen.reached, seen.code, seen.said) == ("login", 235, "235 2.7.0 Authentication successful")
    assert [line.split()[0].upper() for line in seen.heard] == ["EHLO", "STARTTLS", "EHLO", "AUTH", "QUIT"]
    assert seen.heard[3] == "AUTH XOAUTH2 " + BLOB


def test_a_challenge_is_answered_with_nothing(talk) -> None:
    def challenges(line: Line) -> None:
        line.secure()
        line.say("250-server\r\n250 AUTH XOAUTH2")
        line.hear()
        line.say("334 " + base64.b64encode(b'{"status":"401"}').decode())
        line.hear()
        line.say("535 5.7.3 Authentication unsuccessful")

    seen = talk(challenges)
    assert (seen.code, seen.heard[4]) == (535, "")


@pytest.mark.parametrize("account", [None, ACCOUNT])
def test_no_token_leaves_without_tls_that_is_trusted(talk, tmp_path, account) -> None:
    def offers_no_tls(line: Line) -> None:
        line.say("220 ready")
        line.hear()
        line.say("250-server\r\n250 AUTH XOAUTH2")

    seen = talk(offers_no_tls, account)
    assert (seen.reached, seen.tls) == ("starttls", None)
    stranger, _chain = make_certificates(tmp_path / "other")
    seen = talk(Line.secure, account, verify=str(stranger))
    assert seen.reached == "certificate"
    assert "certificate" in seen.problem or "issuer" in seen.problem
    assert not any("AUTH" in line for line in seen.heard)


def test_no_xoauth2_no_token(talk) -> None:
    def offers_passwords(line: Line) -> None:
        line.secure()
        line.say("250-server\r\n250 AUTH LOGIN PLAIN")

    seen = talk(offers_passwords)
    assert (seen.reached, seen.mechanisms) == ("mechanisms", ["LOGIN", "PLAIN"])
    assert [line.split()[0].upper() for line in seen.heard] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]


def test_a_certificate_of_another_name_is_refused_unless_told_otherwise(talk, monkeypatch) -> None:
    def accepts(line: Line) -> None:
        line.secure()
        line.say("250-server\r\n250 AUTH XOAUTH2")
        line.hear()
        line.say("235 fine")

    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda address, *rest: real(("127.0.0.1", address[1]), *rest))
    assert talk(accepts, host="smtp.contoso.example").reached == "certificate"
    assert talk(accepts, host="smtp.contoso.example", verify=False).code == 235


def drips(line: Line) -> None:
    while True:
        line.connection.sendall(b"2")
        threading.Event().wait(0.05)


def drips_after_tls(line: Line) -> None:
    line.secure()
    line.say("250-server\r\n250 AUTH XOAUTH2")
    line.hear()
    while True:
        line.say("535-5.7.3 and so on")
        threading.Event().wait(0.02)


def says_nothing(line: Line) -> None:
    line.hear()


def hangs_up(line: Line) -> None:
    line.connection.close()


@pytest.mark.parametrize("play", [drips, drips_after_tls, says_nothing, hangs_up])
def test_a_server_that_does_not_come_to_an_end_is_left(talk, monkeypatch, play) -> None:
    monkeypatch.setattr(_smtp, "CONVERSATION", 1)
    seen = talk(play, timeout=1)
    assert seen.problem
    assert seen.code != 235
    assert threading.active_count() < 20


def test_a_server_that_has_no_time(talk) -> None:
    seen = talk(lambda line: line.say("421 4.3.2 Service not available"))
    assert (seen.reached, seen.code, seen.said) == ("connection", 421, "421 4.3.2 Service not available")


def test_what_is_said_before_tls_does_not_count(talk) -> None:
    def injects(line: Line) -> None:
        line.say("220 ready")
        line.hear()
        line.say("250-server\r\n250 STARTTLS")
        line.hear()
        line.say("220 go\r\n250 AUTH XOAUTH2\r\n235 2.7.0 fine")
        line.connection = line.context.wrap_socket(line.connection, server_side=True)
        line.hear()
        line.say("250 server")

    seen = talk(injects)
    assert (seen.reached, seen.mechanisms) == ("mechanisms", [])


def test_no_server_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    seen = converse("127.0.0.1", port, True, 2)
    assert (seen.reached, seen.said) == ("connection", None)
    assert "refused" in seen.problem
    seen = converse("smtp.nowhere.invalid", 587, True, 2)
    assert seen.reached == "name"
    assert seen.problem


# Whatever a server says


class Wire:
    """A connection in memory to a server that says its lines whatever it hears, some before TLS and some after."""

    def __init__(self, *acts: bytes) -> None:
        self.acts, self.heard, self.is_secure = list(acts), b"", False

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self.acts.pop(0) if self.acts else b"")

    def sendall(self, data: bytes) -> None:
        if not self.is_secure:
            assert b"AUTH" not in data.upper()
        self.heard += data

    def wrap_socket(self, _plain: Any, server_hostname: str) -> Wire:
        self.is_secure = True
        return self

    def dup(self) -> Wire:
        return self

    def version(self) -> str:
        return "TLSv1.3"

    def shutdown(self, _how: int) -> None:
        pass

    def close(self) -> None:
        pass


REPLIES = st.one_of(
    st.sampled_from(
        [
            b"220 ready",
            b"250-server\r\n250-STARTTLS\r\n250 AUTH XOAUTH2",
            b"250 STARTTLS",
            b"334 " + base64.b64encode(b'{"status":"400"}'),
            b"334 not base64",
            b"334",
            b"235 fine",
            b"535-5.7.3 no\r\n535 5.7.3 " + TOKEN.encode(),
            b"421 later",
            b"99999999999999999999 x",
            b"-1 x",
            "250 \u0660".encode(),
            b"\xff\xfe\x00",
            b"250-" + b"x" * 5000,
            b"250-\x1b[31mred\x9b\r250 x",
        ]
    ),
    st.binary(max_size=60),
    st.builds(b"%d%s%s".__mod__, st.tuples(st.integers(0, 999), st.sampled_from([b" ", b"-"]), st.binary(max_size=30))),
)
SAYS = st.lists(REPLIES, max_size=6).map(lambda lines: b"".join(line + b"\r\n" for line in lines))
OPENING = b"220 ready\r\n250-server\r\n250 STARTTLS\r\n220 go\r\n"
MECHANISMS = b"250-server\r\n250 AUTH XOAUTH2\r\n"


@example(before=OPENING, after="\ue000\u202e\x9b\r\n".encode())
@example(before=OPENING, after=MECHANISMS + b"334\r\n535 5.7.3 no\r\n")
@given(before=SAYS | st.just(OPENING), after=SAYS | SAYS.map(MECHANISMS.__add__))
@settings(QUICKLY, max_examples=3000 if SEARCHING else 150)
def test_no_reply_harms_and_none_is_shown_but_on_one_line_without_the_token(before: bytes, after: bytes) -> None:
    wire = Wire(before, after)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_smtp.smtplib.SMTP, "_get_socket", lambda *_arguments: wire)
        patch.setattr(_smtp, "context_for", lambda _verify: wire)
        seen = converse("smtp.contoso.example", 587, "ca.pem", 5, ACCOUNT)
    shown = [text for text in (seen.said, seen.problem) if text is not None]
    assert all(len(text) <= 410 and text.isprintable() for text in shown)
    assert not [part for part in (BLOB, *TOKEN.split(".")) for text in shown if part in text]
    verbs = {line.split()[0].upper() for line in wire.heard.split(b"\r\n") if line.split()}
    assert not verbs & {b"MAIL", b"RCPT", b"DATA", b"VRFY"}
    assert wire.heard.count(b"Bearer") == 0
    assert wire.heard.count(BLOB.encode()) <= 1
    assert (seen.code == 235) == bool(seen.said and seen.said.startswith("235"))
