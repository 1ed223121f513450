# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft Graph: lists to their end, batches of reads, and errors in every spelling."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AnswerLost,
    AuthenticationFailed,
    NotFound,
    PermissionMissing,
    Refused,
    TenantError,
    Throttled,
    UnexpectedReply,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph import Graph
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_calls import (
    GraphCalls,
    error_of,
    quoted,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.rights import (
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._service import Patience, Service
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import Request, Response
from module_runner import Clock
from samples import HOSTILE, QUICKLY
from scripted import MintedTokens, Script, reply, transport

BASE = "https://graph.microsoft.com"
DOING = "look for applications"


def calls(script: Script, clock: Clock, *roles: str, **settings: Any) -> GraphCalls:
    tokens: Any = MintedTokens(*roles)
    return GraphCalls(
        Service("Microsoft Graph", BASE, BASE + "/.default", tokens, transport(script, clock, **settings))
    )


def error(code: str, message: Any = "text", **more: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **more}}


# Errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (error("Request_BadRequest", "Bad."), ("Request_BadRequest", "Bad.")),
        (error("a", innerError={"code": "b"}), ("b", "text")),
        (error("a", innererror={"code": "b"}), ("b", "text")),
        (error("a", innerError={"code": "b", "innererror": {"code": "c"}}), ("c", "text")),
        (error("a", innerError={"request-id": "r"}), ("a", "text")),
        (error("", innerError={"code": "b"}), ("b", "text")),
        (error("a", details=[{"code": "b", "target": "web"}]), ("b", "text (web)")),
        (error("a", details={"code": "b"}), ("b", "text")),
        (error("a", details=None), ("a", "text")),
        (error("a", details=["b"]), ("a", "text")),
        (error("a", {"lang": "en", "value": "old form"}), ("a", "old form")),
        ({"error": {}}, ("", "")),
        ({"error": {"code": None, "message": None}}, ("", "")),
        ({"error": "invalid_request", "error_description": "why"}, ("invalid_request", "why")),
        ({"error": None}, ("", "")),
        ({"error": []}, ("", "")),
        ([], ("", "")),
        (b"<html>Bad gateway</html>", ("", "")),
        (b"\0" * 50, ("", "")),
        (None, ("", "")),
    ],
)
def test_error_is_read_in_every_spelling(body: Any, expected: tuple[str, str]) -> None:
    assert error_of(reply(400, body)) == expected


def test_long_message_is_cut() -> None:
    assert len(error_of(reply(400, error("a", "x" * 10_000)))[1]) == 500


@QUICKLY
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "innerError", "innererror", "details", "target", "value"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_error_body_is_read_without_traceback(body: Any) -> None:
    code, text = error_of(reply(400, {"error": body}))
    assert isinstance(code, str)
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "Request_BadRequest", Refused),
        (404, "Request_ResourceNotFound", NotFound),
        (403, "Authorization_RequestDenied", PermissionMissing),
        (403, "Directory_QuotaExceeded", Refused),
        (403, "Directory_ResourceSizeExceeded", Refused),
        (409, "Request_MultipleObjectsWithSameKeyValue", Refused),
        (501, "notSupported", UnexpectedReply),
    ],
)
def test_failure_names_what_was_tried_the_services_words_and_the_request(
    clock: Clock, status: int, code: str, kind: type[TenantError]
) -> None:
    script = Script(reply(status, error(code, "No."), request_id="r-1"))
    with pytest.raises(TenantError) as failure:
        calls(script, clock).call("PATCH", "/applications/1", "update application 1", WRITE_APPLICATIONS, {})
    assert type(failure.value) is kind
    for text in ("Could not update application 1", str(status), code, "No.", "r-1"):
        assert text in failure.value.message
    assert failure.value.facts["status"] == status
    assert failure.value.facts["code"] == code
    assert failure.value.facts["request_id"] == "r-1"


@pytest.mark.parametrize("spelling", ["innerError", "innererror"])
def test_request_id_is_taken_from_the_body_where_no_header_has_it(clock: Clock, spelling: str) -> None:
    script = Script(reply(404, error("Request_ResourceNotFound", **{spelling: {"request-id": "r-2"}})))
    with pytest.raises(NotFound) as failure:
        calls(script, clock).call("GET", "/applications/1", DOING, READ_APPLICATIONS)
    assert failure.value.facts["request_id"] == "r-2"


@pytest.mark.parametrize("held", [True, False])
def test_denial_says_whether_the_right_is_held(clock: Clock, held: bool) -> None:
    script = Script(reply(403, error("Authorization_RequestDenied")))
    with pytest.raises(PermissionMissing) as failure:
        calls(script, clock, *([WRITE_APPLICATIONS] if held else [])).call(
            "GET", "/applications", DOING, WRITE_APPLICATIONS
        )
    assert WRITE_APPLICATIONS in failure.value.advice
    assert ("Grant" in failure.value.advice) is not held
    assert failure.value.facts["held"] is held


def test_token_that_is_refused_twice_is_no_lack_of_rights(clock: Clock) -> None:
    script = Script(reply(401), reply(401, error("InvalidAuthenticationToken"), request_id="r-3"))
    with pytest.raises(AuthenticationFailed) as failure:
        calls(script, clock).call("GET", "/applications", DOING, READ_APPLICATIONS)
    assert "InvalidAuthenticationToken" in failure.value.message
    assert "token-" not in str(failure.value)


# Repeating


def test_concurrency_conflict_is_tried_again_even_for_a_creation(clock: Clock) -> None:
    conflict = reply(409, error("Directory_ConcurrencyViolation"), retry_after="3")
    script = Script(conflict, reply(201, {"id": "1"}))
    calls(script, clock).call("POST", "/applications", "create it", WRITE_APPLICATIONS, {})
    assert clock.slept == [3.0]


def test_concurrency_conflict_without_end_is_throttling(clock: Clock) -> None:
    script = Script(rest=reply(409, error("Directory_ConcurrencyViolation")))
    with pytest.raises(Throttled):
        calls(script, clock, max_retries=2).call("POST", "/applications", "create it", WRITE_APPLICATIONS, {})


def test_other_conflict_is_final(clock: Clock) -> None:
    with pytest.raises(Refused):
        calls(Script(reply(409, error("x"))), clock).call("PATCH", "/a", DOING, WRITE_APPLICATIONS, {})


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_gateway_fault_is_tried_again_where_that_is_harmless(clock: Clock, method: str) -> None:
    script = Script(reply(504), reply(200, {}))
    calls(script, clock).call(method, "/applications/1", DOING, WRITE_APPLICATIONS)
    assert len(script.requests) == 2


def test_creation_is_never_sent_twice_on_a_lost_answer(clock: Clock) -> None:
    script = Script(reply(504))
    with pytest.raises(AnswerLost):
        calls(script, clock).call("POST", "/applications", "create it", WRITE_APPLICATIONS, {})
    assert len(script.requests) == 1


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_page_of_a_gateway_is_no_success_of_a_write(clock: Clock, method: str) -> None:
    script = Script(rest=reply(200, b"<html>guest network</html>"))
    with pytest.raises(UnexpectedReply):
        calls(script, clock, max_retries=1).call(method, "/applications/1", DOING, WRITE_APPLICATIONS)


# One object


def test_object_is_returned_and_an_absent_one_is_none(clock: Clock) -> None:
    graph = calls(Script(reply(200, {"id": "1"}), reply(404, error("Request_ResourceNotFound"))), clock)
    row = graph.object("/applications/1", DOING, READ_APPLICATIONS)
    assert row is not None
    assert row.text("id") == "1"
    assert graph.object("/applications/2", DOING, READ_APPLICATIONS) is None


@pytest.mark.parametrize("body", [None, {}, [], "text"])
def test_empty_answer_is_no_object_and_not_taken_for_an_absent_one(clock: Clock, body: Any) -> None:
    with pytest.raises(UnexpectedReply):
        calls(Script(reply(200, body)), clock).object("/applications/1", DOING, READ_APPLICATIONS)


# Lists


def page(numbers: range, link: str | None = None) -> Response:
    body: dict[str, Any] = {"value": [{"id": str(number)} for number in numbers]}
    return reply(200, {**body, "@odata.nextLink": link} if link else body)


def listed(script: Script, clock: Clock, **settings: Any) -> list[str | None]:
    rows = calls(script, clock, **settings).list("/applications", DOING, READ_APPLICATIONS)
    return [row.text("id") for row in rows]


def test_case_c11_every_page_is_read(clock: Clock) -> None:
    second, third = BASE + "/v1.0/applications?$skiptoken=a%20b", BASE + "/v1.0/applications?$skiptoken=c"
    script = Script(page(range(100), second), page(range(100, 200), third), page(range(200, 250)))
    assert listed(script, clock) == [str(number) for number in range(250)]
    assert script.urls[1:] == [second, third]


def test_empty_list_is_empty(clock: Clock) -> None:
    assert listed(Script(page(range(0))), clock) == []


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1.0/applications?$skiptoken=x",
        "https://graph.microsoft.com.evil.example/x",
        "https://graph.microsoft.com@evil.example/x",
        "https://evil.example\\.graph.microsoft.com/x",
        "https://graph.microsoft.com:8443/x",
        "http://graph.microsoft.com/v1.0/applications?$skiptoken=x",
        "//evil.example/x",
        "/v1.0/applications?$skiptoken=x",
        "@evil.example/x",
    ],
)
def test_case_c11_next_link_elsewhere_is_refused_and_the_token_never_sent_there(clock: Clock, link: str) -> None:
    script = Script(page(range(1), link))
    with pytest.raises(UnexpectedReply):
        listed(script, clock)
    assert script.urls == [BASE + "/v1.0/applications"]


def test_next_link_in_a_circle_is_an_error(clock: Clock) -> None:
    link = BASE + "/v1.0/applications?$skiptoken=a"
    with pytest.raises(UnexpectedReply, match="leads nowhere"):
        listed(Script(rest=page(range(1), link)), clock)


@pytest.mark.parametrize(
    "broken",
    [
        reply(200, {}),
        reply(200, {"value": None}),
        reply(200, {"values": []}),
        reply(200, {"value": {}}),
        reply(200, {"value": ["text"]}),
        reply(200, {"value": [], "@odata.nextLink": 5}),
        reply(200, []),
        reply(200),
        reply(200, b'{"value": [{"id": "7"'),
        reply(403, error("Authorization_RequestDenied")),
        reply(404, error("Request_ResourceNotFound")),
        reply(500, error("InternalServerError")),
    ],
    ids=lambda response: "{0.status}-{0.body!r}".format(response)[:40],
)
@pytest.mark.parametrize("on_page", [1, 2])
def test_list_that_was_cut_short_or_refused_is_never_taken_for_whole(
    clock: Clock, broken: Response, on_page: int
) -> None:
    link = BASE + "/v1.0/applications?$skiptoken=a"
    script = Script(*([page(range(1), link)] if on_page == 2 else []), rest=broken)
    with pytest.raises(TenantError):
        listed(script, clock, max_retries=1)


def test_page_that_came_cut_short_is_asked_for_again(clock: Clock) -> None:
    assert listed(Script(reply(200, b'{"value": [{'), page(range(2))), clock) == ["0", "1"]


# Batches

PATHS = {"a": "/applications/1", "b": "/applications/2", "c": "/applications/3"}


def item(number: int | str, body: Any = None, status: int = 200, **more: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "status": status,
        "body": {"id": "o{0}".format(number)} if body is None else body,
        **more,
    }


def batch(*items: dict[str, Any]) -> Response:
    return reply(200, {"responses": list(items)})


def objects(script: Script, clock: Clock, **settings: Any) -> dict[str, str | None]:
    found = calls(script, clock, **settings).objects(PATHS, DOING, READ_APPLICATIONS)
    return {name: row.text("id") if row else None for name, row in found.items()}


def test_several_objects_are_one_request_and_matched_by_id(clock: Clock) -> None:
    script = Script(batch(item(2), item(0), item(1)))
    assert objects(script, clock) == {"a": "o0", "b": "o1", "c": "o2"}
    (request,) = script.requests
    assert (request.method, request.url) == ("POST", BASE + "/v1.0/$batch")
    assert script.bodies[0]["requests"] == [
        {"id": str(number), "method": "GET", "url": path} for number, path in enumerate(PATHS.values())
    ]


def test_one_object_is_asked_for_without_a_batch(clock: Clock) -> None:
    script = Script(reply(200, {"id": "1"}))
    calls(script, clock).objects({"a": "/applications/1"}, DOING, READ_APPLICATIONS)
    assert script.urls == [BASE + "/v1.0/applications/1"]


def test_more_than_twenty_are_several_batches(clock: Clock) -> None:
    def answer(request: Request) -> Response:
        return batch(*[item(entry["id"]) for entry in json.loads(request.body or b"")["requests"]])

    script = Script(rest=answer)
    paths = {str(number): "/applications/{0}".format(number) for number in range(45)}
    assert len(calls(script, clock).objects(paths, DOING, READ_APPLICATIONS)) == 45
    assert [len(body["requests"]) for body in script.bodies] == [20, 20, 5]


def test_absent_object_in_a_batch_is_none(clock: Clock) -> None:
    script = Script(batch(item(0), item(1, error("Request_ResourceNotFound"), 404), item(2)))
    assert objects(script, clock) == {"a": "o0", "b": None, "c": "o2"}


@pytest.mark.parametrize(
    "items",
    [
        [item(0), item(2)],
        [item(0), item(1, error("TooManyRequests"), 429, headers={"Retry-After": "9"}), item(2)],
        [item(0), item(1, error("x"), 503), item(2)],
        [item(0), item(1, error("x"), 500), item(2)],
        [item(0), item(1, error("x"), 401), item(2)],
        [item(0), item(1, error("x"), 424), item(2)],
        [item(0), item(2), {"id": "1"}],
        [item(0), item(2), {"id": "1", "status": 0}],
        [item(0), item(2), item("7")],
        [item(0), item(2), item("-1")],
        [item(0), item(2), item("²")],
        [item(0), item(2), {"status": 200, "body": {"id": "anonymous"}}],
    ],
    ids=[
        "missing",
        "throttled",
        "busy",
        "broken",
        "token-refused",
        "dependency",
        "no-status",
        "status-zero",
        "unknown-id",
        "negative-id",
        "odd-digit",
        "no-id",
    ],
)
def test_what_a_batch_leaves_open_is_asked_for_by_itself(clock: Clock, items: list[dict[str, Any]]) -> None:
    script = Script(batch(*items), reply(200, {"id": "alone"}))
    assert objects(script, clock) == {"a": "o0", "b": "alone", "c": "o2"}
    assert script.urls[1:] == [BASE + "/v1.0/applications/2"]


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_refused_batch_falls_back_to_single_calls_from_then_on(clock: Clock, status: int) -> None:
    singles = [reply(200, {"id": name}) for name in "abcabc"]
    script = Script(reply(status, error("x")), *singles)
    graph = calls(script, clock)
    for _time in range(2):
        found = graph.objects(PATHS, DOING, READ_APPLICATIONS)
        assert [row and row.text("id") for row in found.values()] == ["a", "b", "c"]
    assert sum(url.endswith("$batch") for url in script.urls) == 1


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (item(1, error("Authorization_RequestDenied"), 403), PermissionMissing),
        (item(1, error("Request_BadRequest"), 400), Refused),
        (item(1, [], 200), UnexpectedReply),
        (item(1, "text", 200), UnexpectedReply),
        ({"id": "1", "status": 200}, UnexpectedReply),
        (item(1, {}, 302), UnexpectedReply),
    ],
)
def test_refused_or_empty_item_is_never_taken_for_an_absent_object(
    clock: Clock, entry: dict[str, Any], kind: type[TenantError]
) -> None:
    with pytest.raises(kind):
        objects(Script(batch(item(0), entry, item(2)), rest=reply(200, [])), clock)


def test_batch_without_answers_asks_for_each_alone(clock: Clock) -> None:
    script = Script(reply(200, {"responses": None}), *[reply(200, {"id": name}) for name in "abc"])
    assert objects(script, clock) == {"a": "a", "b": "b", "c": "c"}


def test_lists_of_a_batch_are_read_to_their_end(clock: Clock) -> None:
    link = BASE + "/v1.0/grants?$skiptoken=a"
    script = Script(
        batch(item(1, {"value": [{"id": "x"}], "@odata.nextLink": link}), item(0, {"value": []})),
        reply(200, {"value": [{"id": "y"}]}),
    )
    found = calls(script, clock).lists({"none": ("/roles", "A"), "two": ("/grants", "B")}, DOING)
    assert {name: [row.text("id") for row in rows] for name, rows in found.items()} == {"none": [], "two": ["x", "y"]}


def test_denied_list_of_a_batch_names_its_own_right(clock: Clock) -> None:
    script = Script(batch(item(0, {"value": []}), item(1, error("Authorization_RequestDenied"), 403)))
    with pytest.raises(PermissionMissing) as failure:
        calls(script, clock).lists({"one": ("/roles", "Right.One"), "two": ("/grants", "Right.Two")}, DOING)
    assert failure.value.facts["right"] == "Right.Two"


# Hostile texts

HOSTILE_TEXTS = st.sampled_from(list(HOSTILE.values())) | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


@QUICKLY
@given(HOSTILE_TEXTS)
def test_quoted_text_stays_one_literal(text: str) -> None:
    literal = quoted(text)
    assert literal.isascii()
    assert not set(literal) & set("'\" #?&/\r\n{}")
    assert unquote(literal).replace("''", "'") == text
    assert unquote(literal).replace("''", "").count("'") == 0


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_in_a_filter_stays_the_name(clock: Clock, text: str) -> None:
    script = Script(page(range(0)))
    graph = Graph(calls(script, clock), Patience(transport(Script(), clock), 0))
    assert graph.applications_named(text) == []
    parts = urlsplit(script.urls[0])
    assert (parts.path, parts.fragment) == ("/v1.0/applications", "")
    assert parse_qs(parts.query)["$filter"] == ["displayName eq '{0}'".format(text.replace("'", "''"))]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_in_a_key_stays_the_name(clock: Clock, text: str) -> None:
    script = Script(reply(404, error("Request_ResourceNotFound")))
    graph = Graph(calls(script, clock), Patience(transport(Script(), clock), 0))
    assert graph.application(unique_name=text) is None
    parts = urlsplit(script.urls[0])
    assert parts.fragment == ""
    assert unquote(parts.path) == "/v1.0/applications(uniqueName='{0}')".format(text.replace("'", "''"))
    assert parts.path.count("/") == 2
