# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one retry loop, with a scripted carrier and a clock that only sleeping moves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils import _transport
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AnswerLost,
    LibraryMissing,
    TenantError,
    Throttled,
    TimeIsUp,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    WAITING_BUDGET,
    ConnectionFailed,
    Request,
    RequestsCarrier,
    Response,
    Transport,
    import_library,
    origin_of,
)
from module_runner import START, Clock
from samples import QUICKLY
from scripted import Script, reply, transport

URL = "https://graph.lab.example/v1.0/applications"
OK = reply(200, {"value": []})
TRUNCATED = reply(200, b'{"value": [{"id"')
GATEWAY_PAGE = reply(200, b"<html>Please log in to the guest network</html>")
NOT_MADE = ConnectionFailed("NewConnectionError: refused", sent=False)
LOST = ConnectionFailed("RemoteDisconnected: closed", sent=True)


def send(script: Script, clock: Clock, repeatable: bool = True, url: str = URL, **settings: Any) -> Response:
    return transport(script, clock, **settings).send(
        "GET" if repeatable else "POST", url, "read applications", {"Authorization": "Bearer t0ken"}, None, repeatable
    )


@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 401, 403, 404, 409, 501])
def test_final_answer_is_returned_at_once(clock: Clock, status: int) -> None:
    script = Script(reply(status))
    assert send(script, clock, repeatable=False).status == status
    assert clock.slept == []


# Throttling


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (format_datetime(START + timedelta(seconds=12), usegmt=True), 12.0),
        (format_datetime(START - timedelta(seconds=12), usegmt=True), 0.0),
    ],
    ids=["seconds", "zero", "fraction", "date", "past-date"],
)
def test_service_that_asks_for_patience_gets_exactly_that(
    clock: Clock, status: int, retry_after: str, seconds: float, repeatable: bool
) -> None:
    script = Script(reply(status, retry_after=retry_after), OK)
    assert send(script, clock, repeatable) is OK
    assert clock.slept == [seconds]


def test_patience_until_a_date_is_counted_by_the_services_clock(clock: Clock) -> None:
    service_now = START + timedelta(hours=3)
    throttled = reply(
        429,
        date=format_datetime(service_now, usegmt=True),
        retry_after=format_datetime(service_now + timedelta(seconds=20), usegmt=True),
    )
    send(Script(throttled, OK), clock)
    assert clock.slept == [20.0]


@pytest.mark.parametrize("retry_after", [None, "", "soon", "nan", "inf", "Infinity"])
@pytest.mark.parametrize("repeatable", [True, False])
def test_throttling_without_usable_patience_waits_in_growing_steps(
    clock: Clock, repeatable: bool, retry_after: str | None
) -> None:
    headers = {} if retry_after is None else {"retry_after": retry_after}
    throttled = reply(429, **headers)
    assert send(Script(throttled, throttled, throttled, OK), clock, repeatable) is OK
    for seconds, most in zip(clock.slept, (1, 2, 4), strict=True):
        assert 0.75 * most <= seconds <= most
    assert len(clock.slept) == 3


@pytest.mark.parametrize("status", [429, 503])
def test_endless_throttling_ends_with_what_the_service_said(clock: Clock, status: int) -> None:
    script = Script(rest=reply(status, retry_after="9", request_id="r-1"))
    with pytest.raises(Throttled) as failure:
        send(script, clock, max_retries=3)
    assert len(script.requests) == 4
    assert clock.slept == [9.0] * 3
    for text in ("read applications", "graph.lab.example", str(status), "r-1", "9 seconds"):
        assert text in failure.value.message
    assert failure.value.facts["status"] == status
    assert failure.value.facts["request_id"] == "r-1"


def test_no_retries_means_one_request(clock: Clock) -> None:
    script = Script(reply(429))
    with pytest.raises(Throttled):
        send(script, clock, max_retries=0)
    assert len(script.requests) == 1


def test_patience_beyond_the_budget_is_refused_without_sleeping(clock: Clock) -> None:
    script = Script(reply(429, retry_after="3600"))
    with pytest.raises(Throttled, match="3600 seconds"):
        send(script, clock)
    assert clock.slept == []


def test_budget_is_one_for_all_requests_of_a_task(clock: Clock) -> None:
    link = transport(Script(rest=reply(429, retry_after="90")), clock, max_retries=2)
    for _request in range(3):
        with pytest.raises(Throttled):
            link.send("GET", URL, "read", repeatable=True)
    assert sum(clock.slept) <= WAITING_BUDGET
    assert clock.slept == [90.0] * 3


# Unanswered

BROKEN = {
    "timeout-408": reply(408),
    "error-500": reply(500),
    "gateway-502": reply(502),
    "busy-503-without-patience": reply(503),
    "gateway-504": reply(504),
    "connection-lost": LOST,
    "cut-short": TRUNCATED,
    "gateway-page": GATEWAY_PAGE,
    "not-utf-8": reply(200, b'{"a": "\xff"}'),
    "nested-too-deeply": reply(200, b"[" * 100_000),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_unanswered_request_is_repeated_where_that_is_harmless(clock: Clock, answer: Any) -> None:
    script = Script(answer, answer, OK)
    assert send(script, clock) is OK
    assert len(script.requests) == 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_unanswered_request_is_never_repeated_where_it_may_have_acted(clock: Clock, answer: Any) -> None:
    script = Script(answer)
    with pytest.raises(AnswerLost) as failure:
        send(script, clock, repeatable=False)
    assert len(script.requests) == 1
    assert clock.slept == []
    assert "may have acted" in failure.value.message


@pytest.mark.parametrize("repeatable", [True, False])
def test_connection_that_was_never_made_is_tried_again(clock: Clock, repeatable: bool) -> None:
    script = Script(NOT_MADE, NOT_MADE, OK)
    assert send(script, clock, repeatable) is OK
    assert len(script.requests) == 3


@pytest.mark.parametrize("repeatable", [True, False])
def test_host_that_cannot_be_reached_is_named(clock: Clock, repeatable: bool) -> None:
    script = Script(rest=NOT_MADE)
    with pytest.raises(Unreachable) as failure:
        send(script, clock, repeatable, max_retries=2)
    assert not isinstance(failure.value, AnswerLost)
    assert len(script.requests) == 3
    assert "graph.lab.example" in failure.value.message


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_failure_that_lasts_is_returned_for_its_error_body(clock: Clock, status: int) -> None:
    script = Script(rest=reply(status, {"error": {"code": "x"}}))
    assert send(script, clock, max_retries=2).object() == {"error": {"code": "x"}}
    assert len(script.requests) == 3


@pytest.mark.parametrize("answer", [TRUNCATED, GATEWAY_PAGE], ids=["cut-short", "gateway-page"])
def test_success_that_stays_unreadable_is_never_returned_as_success(clock: Clock, answer: Response) -> None:
    with pytest.raises(UnexpectedReply) as failure:
        send(Script(rest=answer), clock, max_retries=2)
    assert "graph.lab.example" in failure.value.message
    assert "200" in failure.value.message
    assert "guest network" not in str(failure.value)


def test_redirect_is_not_followed_here(clock: Clock) -> None:
    script = Script(reply(302, location="https://evil.example/"))
    assert send(script, clock).status == 302
    assert len(script.requests) == 1


# What is sent


def test_request_carries_an_id_of_its_own_that_stays_through_retries(clock: Clock) -> None:
    script = Script(reply(429), OK)
    link = transport(script, clock)
    link.send("GET", URL, "read", repeatable=True)
    script.answers.append(OK)
    link.send("GET", URL, "read", repeatable=True)
    first, second, third = (request.headers["client-request-id"] for request in script.requests)
    assert first == second != third


@pytest.mark.parametrize(
    "url", ["http://graph.lab.example/", "ftp://graph.lab.example/", "https://user@graph.lab.example/", "https://", ""]
)
def test_address_that_is_no_plain_https_is_never_called(clock: Clock, url: str) -> None:
    script = Script()
    with pytest.raises(UnexpectedReply):
        send(script, clock, url=url)
    assert script.requests == []


@pytest.mark.parametrize("answer", [LOST, NOT_MADE, reply(429), TRUNCATED], ids=["lost", "refused", "429", "cut"])
@pytest.mark.parametrize("repeatable", [True, False])
def test_token_is_in_no_message_and_no_fact(clock: Clock, answer: Any, repeatable: bool) -> None:
    with pytest.raises(TenantError) as failure:
        send(Script(rest=answer), clock, repeatable, max_retries=1)
    assert "t0ken" not in str(failure.value)
    assert "t0ken" not in repr(failure.value.facts)
    assert failure.value.facts["client_request_id"]


# The service's clock


@pytest.mark.parametrize(
    ("said", "skew"),
    [
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=-400), timedelta(days=-400)),
        (timedelta(seconds=4), timedelta(0)),
        (timedelta(seconds=-4), timedelta(0)),
    ],
)
def test_time_is_that_of_the_services_date_header(clock: Clock, said: timedelta, skew: timedelta) -> None:
    link = transport(Script(reply(404, date=format_datetime(START + said, usegmt=True))), clock)
    assert link.now() == START
    link.send("GET", URL, "read", repeatable=True)
    assert link.now() == START + skew


UNUSABLE_TIMES = {
    "empty": "",
    "no-time": "yesterday",
    "no-such-day": "Wed, 99 Nov 2026 08:00:00 GMT",
    "a-number": "0",
    "no-zone": "Wed, 25 Nov 2026 09:00:00 -0000",
    "the-last-year": "Fri, 31 Dec 9999 23:59:59 GMT",
    "beyond-the-last-year": "Fri, 31 Dec 9999 23:59:59 -2359",
    "before-the-first-year": "Mon, 01 Jan 0001 00:00:00 +2359",
    "a-huge-zone": "Wed, 25 Nov 2026 08:00:00 +" + "9" * 30,
    "a-huge-year": "Wed, 25 Nov " + "9" * 30 + " 08:00:00 GMT",
}


@pytest.mark.parametrize("date", UNUSABLE_TIMES.values(), ids=UNUSABLE_TIMES)
def test_unreadable_date_header_is_ignored(clock: Clock, date: str) -> None:
    link = transport(Script(reply(200, date=date)), clock)
    link.send("GET", URL, "read", repeatable=True)
    assert link.now() == START


times = st.one_of(
    st.sampled_from(list(UNUSABLE_TIMES.values())),
    st.text(max_size=40),
    st.from_regex(r"(Wed, )?[0-9]{1,3} (Nov|Feb|Xxx) [0-9]{1,12} [0-9:]{1,9} ([+-][0-9]{1,20}|GMT)", fullmatch=True),
    st.from_regex(r"[-+]?[0-9]{1,400}(\.[0-9]+)?(e[0-9]{1,4})?", fullmatch=True),
)


@given(date=times, retry_after=times)
@settings(QUICKLY)
def test_no_time_of_a_header_harms(date: str, retry_after: str) -> None:
    clock = Clock()
    script = Script(reply(429, date=date, retry_after=retry_after), rest=reply(200, date=date))
    link = transport(script, clock)
    with suppress(Throttled):
        link.send("GET", URL, "read", repeatable=True)
    link.now() + timedelta(days=7300)
    assert all(0 <= step <= 300 for step in clock.slept)


# Addresses


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://graph.microsoft.com/v1.0", ("https", "graph.microsoft.com", 443)),
        ("HTTPS://GRAPH.microsoft.com:443", ("https", "graph.microsoft.com", 443)),
        ("https://graph.microsoft.com./", ("https", "graph.microsoft.com", 443)),
        ("https://graph.microsoft.com:8443/", ("https", "graph.microsoft.com", 8443)),
        ("https://[2001:db8::1]:8443/", ("https", "2001:db8::1", 8443)),
        ("https://127.0.0.1:8443/", ("https", "127.0.0.1", 8443)),
    ],
)
def test_origin_is_comparable(url: str, origin: tuple[str, str, int]) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example\\.outlook.office365.com/",
        "https://evil.example\\@outlook.office365.com/",
        "https://outlook.office365.com@evil.example/",
        "https://outlook.office365.com:pw@evil.example/",
        "https://evil.example%2f.outlook.office365.com/",
        "https://evil.example .outlook.office365.com/",
        "https://ev\u0131l.example/",
        "https://outlook.office365.com:port/",
        "https:///path",
        "outlook.office365.com",
        "https://..outlook.office365.com/",
        "https://[::1",
        "",
    ],
)
def test_address_that_two_readers_could_read_differently_has_no_origin(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        origin_of(url)


@QUICKLY
@given(st.text(max_size=40))
def test_what_has_an_origin_is_called_at_that_very_host(text: str) -> None:
    url = "https://evil.example{0}.outlook.office365.com/x".format(text)
    try:
        _scheme, host, _port = origin_of(url)
        called = requests.Request("GET", url).prepare().url
    except ValueError:
        return
    assert called is not None
    assert origin_of(called)[1] == host


# The carrier over requests


class Session(requests.Session):
    """Sends nothing."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome
        self.called: list[tuple[requests.PreparedRequest, dict[str, Any]]] = []

    def send(self, request: requests.PreparedRequest, **settings: Any) -> Any:
        self.called.append((request, settings))
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


def carried(monkeypatch: pytest.MonkeyPatch, outcome: Any, verify: Any = True) -> tuple[Session, Any]:
    session = Session(outcome)
    monkeypatch.setattr(requests, "Session", lambda: session)
    return session, RequestsCarrier(verify)


@pytest.mark.parametrize("verify", [True, False])
def test_carrier_follows_no_redirect_verifies_as_told_and_reads_no_netrc(
    monkeypatch: pytest.MonkeyPatch, verify: Any
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    answer = SimpleNamespace(
        status_code=302, headers={"Location": "x", "Request-Id": "r"}, iter_content=lambda size: [b"bo", b"dy"]
    )
    session, carrier = carried(monkeypatch, answer, verify)
    response = carrier(Request("POST", URL, {"a": "b"}, b"{}"), 12.0)
    assert response == Response(302, {"location": "x", "request-id": "r"}, b"body")
    ((sent, settings),) = session.called
    assert (sent.method, sent.url, sent.headers["a"], sent.body) == ("POST", URL, "b", b"{}")
    assert (settings["timeout"], settings["verify"]) == (12.0, verify)
    assert (settings["allow_redirects"], settings["stream"]) == (False, True)
    assert list(session.adapters) == ["https://"]
    prepared = object()
    assert session.auth(prepared) is prepared


def test_each_host_has_the_proxy_that_the_environment_says_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "all_proxy", "ALL_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    answer = SimpleNamespace(status_code=200, headers={}, iter_content=lambda size: [])
    session, carrier = carried(monkeypatch, answer)
    for host in ("inside.example", "outside.example") * 2:
        carrier(Request("GET", f"https://{host}/"), 1.0)
    proxies = [settings["proxies"].get("https") for _sent, settings in session.called]
    assert proxies == [None, "http://proxy.example:3128"] * 2


class NewConnectionError(Exception):
    pass


@pytest.mark.parametrize(
    ("failure", "sent"),
    [
        (requests.exceptions.ConnectTimeout("slow"), False),
        (requests.exceptions.ProxyError("no proxy"), False),
        (requests.exceptions.ConnectionError(NewConnectionError("refused")), False),
        (requests.exceptions.ConnectionError("reset by peer"), True),
        (requests.exceptions.ReadTimeout("slow"), True),
        (requests.exceptions.SSLError("UNEXPECTED_EOF_WHILE_READING"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.ContentDecodingError("not gzip"), True),
    ],
)
def test_carrier_tells_whether_the_request_can_have_arrived(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, sent: bool
) -> None:
    _session, carrier = carried(monkeypatch, failure)
    with pytest.raises(ConnectionFailed) as told:
        carrier(Request("GET", URL), 1.0)
    assert told.value.sent is sent


def test_certificate_that_is_not_accepted_is_no_matter_of_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    _session, carrier = carried(
        monkeypatch, requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED self-signed certificate")
    )
    with pytest.raises(Unreachable) as failure:
        carrier(Request("GET", URL), 1.0)
    assert "graph.lab.example" in failure.value.message
    assert "ca_path" in failure.value.advice


def test_reason_holds_neither_the_address_nor_object_reprs(monkeypatch: pytest.MonkeyPatch) -> None:
    from urllib3.exceptions import MaxRetryError
    from urllib3.exceptions import NewConnectionError as RealOne

    inner = RealOne(SimpleNamespace(host="graph.lab.example"), "Failed to establish a new connection: refused")  # type: ignore[arg-type]
    outer = requests.exceptions.ConnectionError(MaxRetryError(None, "/v1.0/users/jordan@contoso.example", inner))  # type: ignore[arg-type]
    _session, carrier = carried(monkeypatch, outer)
    with pytest.raises(ConnectionFailed) as told:
        carrier(Request("GET", URL), 1.0)
    assert "refused" in told.value.reason
    assert "jordan" not in told.value.reason
    assert " at 0x" not in told.value.reason
    assert told.value.sent is False


def test_missing_library_is_told_with_interpreter_and_setting() -> None:
    with pytest.raises(LibraryMissing) as missing:
        import_library("no_such_library_anywhere")
    for text in ("'no_such_library_anywhere'", sys.executable, "ansible_python_interpreter"):
        assert text in str(missing.value)


def test_library_that_is_there_is_imported() -> None:
    assert import_library("json").dumps(1) == "1"


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_empty_body_is_none_and_no_fault(body: bytes) -> None:
    assert Response(200, {}, body).json() is None
    assert _transport.judge_by_status(Response(204, {}, body)) == _transport.FINAL


def test_byte_order_mark_is_no_fault() -> None:
    assert Response(200, {}, b'\xef\xbb\xbf{"a": 1}').object() == {"a": 1}


@pytest.mark.parametrize("body", [b"[1]", b'"text"', b"5", b"null", b"{", b"\xff"])
def test_body_that_is_no_object_is_an_empty_one(body: bytes) -> None:
    assert Response(400, {}, body).object() == {}


def test_a_tenant_whose_time_is_over_is_asked_nothing_more(clock: Clock) -> None:
    script = Script(reply(200, {}), reply(429, retry_after="30"), reply(200, {}))
    sender = transport(script, clock)
    sender.end_in(20)
    sender.send("GET", URL, "read")
    with pytest.raises(Throttled):
        sender.send("GET", URL, "read")
    assert clock.slept == []
    clock.sleep(20)
    with pytest.raises(TimeIsUp, match="time for this tenant is over"):
        sender.send("GET", URL, "read")
    assert len(script.requests) == 2


class Endless:
    """An answer of ``requests`` that goes on until somebody closes it."""

    status_code, headers = 200, {}

    def __init__(self, parts: int) -> None:
        self.parts, self.read, self.closed = parts, 0, False

    def iter_content(self, size: int) -> Iterator[bytes]:
        while self.read < self.parts and not self.closed:
            self.read += 1
            yield b" " * size

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("more", [0, 1])
def test_no_more_than_64_mib_of_one_answer_are_read(clock: Clock, monkeypatch: pytest.MonkeyPatch, more: int) -> None:
    answers: list[Endless] = []

    def endless(*arguments: Any, **named: Any) -> Endless:
        answers.append(Endless(1024 + more))
        return answers[-1]

    monkeypatch.setattr(requests.Session, "send", endless)
    carrier = RequestsCarrier()
    if not more:
        assert len(carrier(Request("GET", URL), 30).body) == 64 << 20
        return
    link = Transport(carrier, max_retries=1, clock=clock.monotonic, sleep=clock.sleep, wall_clock=clock.utc)
    with pytest.raises(Unreachable, match=r"read everything: .* more than 64 MiB"):
        link.send("GET", URL, "read everything", repeatable=True)
    with pytest.raises(AnswerLost, match="more than 64 MiB"):
        link.send("POST", URL, "make something")
    assert [(answer.read, answer.closed) for answer in answers] == [(1025, True)] * 3
