# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online's admin endpoint: what a cmdlet sends, what an answer means, and errors in every form."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AuthenticationFailed,
    Conflict,
    NotFound,
    PermissionMissing,
    Refused,
    TenantError,
    Throttled,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_calls import (
    Command,
    ExchangeCalls,
    error_of,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._service import Service
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    ConnectionFailed,
    Request,
    Response,
)
from module_runner import Clock
from samples import HOSTILE, QUICKLY
from scripted import TENANT_ID, MintedTokens, Script, reply, transport

BASE = "https://outlook.office365.com"
SCOPE = BASE + "/.default"
INVOKE = "{0}/adminapi/beta/{1}/InvokeCommand".format(BASE, TENANT_ID)
DOING = "find mailbox support@contoso.example"
ONE = Command("Get-Mailbox", DOING, {"Identity": "support@contoso.example"}, ("Guid", "Name"), ("Guid",))
ALL = Command("Get-Mailbox", DOING, {"ResultSize": "Unlimited"}, ("Guid",), ("Guid",), whole_list=True)
SET = Command("Set-Mailbox", "set the forwarding", {"Identity": "x", "ForwardingSmtpAddress": None})


def calls(
    script: Script, clock: Clock, *roles: str, name: str = "Exchange.ManageAsApp", **settings: Any
) -> ExchangeCalls:
    tokens: Any = MintedTokens(*roles, *([name] if name else []))
    service = Service("Exchange Online", BASE, SCOPE, tokens, transport(script, clock, **settings), regional=True)
    return ExchangeCalls(service, tokens, SCOPE)


def rows(*guids: str, **more: Any) -> dict[str, Any]:
    return {"@adminapi.warnings": [], "value": [{"Guid": guid, "Guid@data.type": "x"} for guid in guids], **more}


def cmdlet_error(kind: str, text: str, inner: str = "innererror") -> dict[str, Any]:
    return {
        "error": {
            "code": "BadRequest",
            "message": "Invalid Operation",
            "details": [{"code": "Client", "target": "", "message": "Ex6F9304|{0}|{1}".format(kind, text)}],
            inner: {
                "message": "outer",
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "internalexception": {"message": text, "type": kind, "stacktrace": ""},
            },
        }
    }


ABSENT = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
AMBIGUOUS = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException"
DEHYDRATED = "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInDehydratedContextException"
TRANSFORMATION = "Microsoft.Exchange.AdminApi.CommandInvocation.ParameterTransformationException"
AMBIGUOUS_SET = "Microsoft.Exchange.AdminApi.CommandInvocation.AmbiguousParameterSetException"


# What is sent


def test_cmdlet_is_sent_as_one_call_with_only_the_wanted_properties(clock: Clock) -> None:
    script = Script(reply(200, rows("g1")))
    assert [row.text("Guid") for row in calls(script, clock).invoke(ONE)] == ["g1"]
    (request,) = script.requests
    assert (request.method, request.url) == ("POST", INVOKE + "?$select=Guid,Name")
    assert script.bodies == [
        {"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": {"Identity": "support@contoso.example"}}}
    ]
    assert request.headers["X-AnchorMailbox"] == (
        "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}@" + TENANT_ID
    )
    assert request.headers["X-CmdletName"] == "Get-Mailbox"
    assert request.headers["Accept-Language"] == "en-US"
    assert "Prefer" not in request.headers


def test_null_is_sent_as_null_and_no_parameters_as_an_object(clock: Clock) -> None:
    script = Script(reply(200), reply(200, rows("g")))
    exchange = calls(script, clock)
    assert exchange.invoke(SET) == []
    exchange.invoke(Command("Get-TransportConfig", "read it"))
    parameters = [body["CmdletInput"]["Parameters"] for body in script.bodies]
    assert parameters == [{"Identity": "x", "ForwardingSmtpAddress": None}, {}]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_goes_into_the_body_alone(clock: Clock, text: str) -> None:
    script = Script(reply(200, rows()))
    calls(script, clock).invoke(Command("Get-Mailbox", "find it", {"Identity": text}))
    assert script.urls == [INVOKE]
    assert script.bodies[0]["CmdletInput"]["Parameters"] == {"Identity": text}
    assert not any(text in value for value in script.requests[0].headers.values())


# What an answer means


@pytest.mark.parametrize("body", [{"value": []}, {"value": None}, {}, None])
def test_no_rows_come_in_several_forms(clock: Clock, body: Any) -> None:
    assert calls(Script(reply(200, body)), clock).invoke(ONE) == []


@pytest.mark.parametrize("status", [200, 201, 204])
def test_write_without_an_answer_is_done(clock: Clock, status: int) -> None:
    assert calls(Script(reply(status)), clock).invoke(SET) == []


def test_notice_that_nothing_was_modified_is_no_failure_of_a_write(clock: Clock) -> None:
    notice = {"@adminapi.warnings": ["The command completed but no settings were modified."], "value": []}
    assert calls(Script(reply(200, notice)), clock).invoke(SET) == []


def test_row_that_lacks_a_required_property_is_an_error(clock: Clock) -> None:
    with pytest.raises(UnexpectedReply) as failure:
        calls(Script(reply(200, {"value": [{"Guid": "g1"}, {"Name": "n"}]})), clock).invoke(ONE)
    assert "lacks Guid" in failure.value.message
    assert "not taken for an empty one" in failure.value.advice


def test_required_property_may_be_null(clock: Clock) -> None:
    (row,) = calls(Script(reply(200, {"value": [{"Guid": None}]})), clock).invoke(ONE)
    assert row.text("Guid") is None


UNUSABLE: dict[str, Any] = {
    "error-inside-a-success": cmdlet_error(ABSENT, "couldn't be found"),
    "odata-error-inside-a-success": {"@odata.error": cmdlet_error(ABSENT, "couldn't be found")["error"]},
    "a-list": [],
    "a-text": "text",
    "value-is-no-list": {"value": {}},
    "row-is-no-object": {"value": ["text"]},
    "cut-short": b'{"value": [{"Guid": "g1"',
    "gateway-page": b"<html>guest network</html>",
    "next-link-is-no-text": {"value": [], "@odata.nextLink": 5},
}


@pytest.mark.parametrize("command", [ONE, ALL], ids=["one", "all"])
@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_success_is_never_taken_for_no_rows(clock: Clock, body: Any, command: Command) -> None:
    with pytest.raises(TenantError):
        calls(Script(rest=reply(200, body)), clock, max_retries=1).invoke(command)


@pytest.mark.parametrize("body", [b'{"value": [{"Guid": "g1"', b"<html>guest network</html>"])
def test_unusable_success_is_no_success_of_a_write(clock: Clock, body: bytes) -> None:
    with pytest.raises(UnexpectedReply):
        calls(Script(rest=reply(200, body)), clock, max_retries=1).invoke(SET)


def test_answer_that_came_cut_short_is_asked_for_again(clock: Clock) -> None:
    script = Script(reply(200, b'{"value": ['), reply(200, rows("g1")))
    assert len(calls(script, clock).invoke(ONE)) == 1


# Lists

LINK = INVOKE + "?$skiptoken=a"


def test_whole_list_is_followed_by_post_with_the_same_body(clock: Clock) -> None:
    script = Script(reply(200, rows("g1", **{"@odata.nextLink": LINK})), reply(200, rows("g2")))
    assert [row.text("Guid") for row in calls(script, clock).invoke(ALL)] == ["g1", "g2"]
    assert script.urls == [INVOKE + "?$select=Guid", LINK]
    assert [request.method for request in script.requests] == ["POST", "POST"]
    assert script.bodies[0] == script.bodies[1]
    assert script.requests[0].headers["Prefer"] == "odata.maxpagesize=1000"


def test_next_link_where_one_object_was_asked_for_is_an_error(clock: Clock) -> None:
    script = Script(reply(200, rows("g1", **{"@odata.nextLink": LINK})))
    with pytest.raises(UnexpectedReply, match="incomplete"):
        calls(script, clock).invoke(ONE)
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "https://outlook.office365.com.evil.example/x",
        "https://evil.example\\.outlook.office365.com/x",
        "http://outlook.office365.com/x",
        "/relative",
    ],
)
def test_next_link_elsewhere_is_refused_and_the_token_never_sent_there(clock: Clock, link: str) -> None:
    script = Script(reply(200, rows("g1", **{"@odata.nextLink": link})))
    with pytest.raises(UnexpectedReply):
        calls(script, clock).invoke(ALL)
    assert script.hosts == ["outlook.office365.com"]


def test_next_link_in_a_circle_is_an_error(clock: Clock) -> None:
    with pytest.raises(UnexpectedReply, match="incomplete"):
        calls(Script(rest=reply(200, rows("g1", **{"@odata.nextLink": LINK}))), clock).invoke(ALL)


def test_next_link_that_has_expired_fails_the_read(clock: Clock) -> None:
    expired = reply(400, cmdlet_error("", "Expired or Invalid pagination request. Default Expiry time is 00:30:00"))
    with pytest.raises(Refused, match="Expired"):
        calls(Script(reply(200, rows("g1", **{"@odata.nextLink": LINK})), expired), clock).invoke(ALL)


@pytest.mark.parametrize("body", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_second_page_is_never_taken_for_the_end(clock: Clock, body: Any) -> None:
    script = Script(reply(200, rows("g1", **{"@odata.nextLink": LINK})), rest=reply(200, body))
    with pytest.raises(TenantError):
        calls(script, clock, max_retries=1).invoke(ALL)


@pytest.mark.parametrize("warned", [1, 2])
def test_warning_on_a_list_is_taken_for_a_cut_one(clock: Clock, warned: int) -> None:
    warning = {"@adminapi.warnings": ["By default, only the first 1000 items are returned."]}
    first = rows("g1", **{"@odata.nextLink": LINK}, **(warning if warned == 1 else {}))
    second = rows("g2", **(warning if warned == 2 else {}))
    with pytest.raises(UnexpectedReply, match="first 1000 items"):
        calls(Script(reply(200, first), reply(200, second)), clock).invoke(ALL)


@pytest.mark.parametrize("warnings", [[], None])
def test_list_without_a_warning_is_whole(clock: Clock, warnings: Any) -> None:
    assert len(calls(Script(reply(200, rows("g1", **{"@adminapi.warnings": warnings}))), clock).invoke(ALL)) == 1


# Errors


def spelt(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    body = cmdlet_error(ABSENT, "It couldn't be found.")
    change(body["error"])
    return body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (cmdlet_error(ABSENT, "It couldn't be found."), (ABSENT, "It couldn't be found.")),
        (cmdlet_error(ABSENT, "It couldn't be found.", "innerError"), (ABSENT, "It couldn't be found.")),
        (cmdlet_error(ABSENT, "It couldn't be found.", "InnerError"), (ABSENT, "It couldn't be found.")),
        (spelt(lambda error: error.pop("innererror")), (ABSENT, "It couldn't be found.")),
        (spelt(lambda error: error.pop("details")), (ABSENT, "It couldn't be found.")),
        (spelt(lambda error: (error.pop("details"), error.pop("innererror"))), ("", "Invalid Operation")),
        (
            {"error": {"message": "Error executing cmdlet", "details": [{"message": "|{0}|a|b".format(ABSENT)}]}},
            (ABSENT, "a|b"),
        ),
        ({"error": {"message": "m", "details": [{"message": "no triple"}]}}, ("", "m")),
        ({"error": {"message": "m", "details": []}}, ("", "m")),
        ({"error": {"message": {"value": "m"}}}, ("", "")),
        ({"error": {"message": "two\r\n  lines"}}, ("", "two lines")),
        ({"@odata.error": {"message": "m"}}, ("", "m")),
        ({"error": "text"}, ("", '{"error": "text"}')),
        (b"User is not allowed to call Get-Mailbox", ("", "User is not allowed to call Get-Mailbox")),
        (b"\0" * 500, ("", "")),
        (b"<html>Bad gateway</html>", ("", "")),
        (b"\xff\xfe", ("", "\ufffd\ufffd")),
        (None, ("", "")),
    ],
)
def test_reason_is_taken_from_the_deepest_place_that_has_one(body: Any, expected: tuple[str, str]) -> None:
    assert error_of(reply(400, body)) == expected


def test_diagnostics_header_is_the_reason_of_a_body_without_words() -> None:
    response = reply(403, b"\0" * 2000, x_ms_diagnostics='2000001;reason="Role missing"')
    assert error_of(response) == ("", '2000001;reason="Role missing"')


@QUICKLY
@given(
    st.recursive(
        st.none() | st.booleans() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["message", "innererror", "details", "internalexception", "type", "code"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_error_body_is_read_without_traceback(body: Any) -> None:
    kind, text = error_of(reply(400, {"error": body}))
    assert isinstance(kind, str)
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("status", "kind_of_error", "text", "raised"),
    [
        (400, ABSENT, "The operation couldn't be performed because object 'x' couldn't be found on 'srv'.", NotFound),
        (404, ABSENT, "x", NotFound),
        (500, ABSENT, "x", NotFound),
        (400, "", 'The specified mailbox Identity:"x" doesn\'t exist.', NotFound),
        (400, "Some.Exception", "It can't be found.", NotFound),
        (400, AMBIGUOUS, "x matches multiple entries.", Conflict),
        (500, AMBIGUOUS, "x", Conflict),
        (400, "", "The recipient matches multiple entries.", Conflict),
        (400, DEHYDRATED, "Run Enable-OrganizationCustomization.", Refused),
        (400, AMBIGUOUS_SET, "'X' isn't present in the role definition of the current user.", PermissionMissing),
        (400, AMBIGUOUS_SET, "A parameter cannot be found that matches parameter name 'X'.", Refused),
        (400, TRANSFORMATION, "Cannot convert value.", Refused),
        (400, "", "Invalid Operation", Refused),
    ],
)
def test_failure_is_told_by_type_and_text_whatever_the_status_is(
    clock: Clock, status: int, kind_of_error: str, text: str, raised: type[TenantError]
) -> None:
    script = Script(reply(status, cmdlet_error(kind_of_error, text), request_id="r-1"))
    with pytest.raises(TenantError) as failure:
        calls(script, clock).invoke(ONE)
    assert type(failure.value) is raised
    for shown in (DOING, "Get-Mailbox", str(status), text, "r-1"):
        assert shown in failure.value.message
    assert failure.value.facts["request_id"] == "r-1"
    assert failure.value.facts.get("code", "") == kind_of_error
    assert len(script.requests) == 1


def test_case_c07_young_organization_is_told_the_enabling_step_and_not_tried_again(clock: Clock) -> None:
    script = Script(reply(400, cmdlet_error(DEHYDRATED, "x")))
    with pytest.raises(Refused) as failure:
        calls(script, clock).invoke(SET)
    assert "Enable-OrganizationCustomization" in failure.value.advice
    assert "permanent" in failure.value.advice
    assert len(script.requests) == 1


DENIALS = {
    "nul-bytes": b"\0" * 1000,
    "empty": None,
    "text": b"User is not allowed to call Get-Mailbox",
    "json": {"error": {"code": "Unauthorized", "message": "User is not allowed to call Get-Mailbox"}},
}


@pytest.mark.parametrize("body", DENIALS.values(), ids=DENIALS)
@pytest.mark.parametrize("status", [401, 403])
def test_case_c08_denial_says_which_half_is_missing(clock: Clock, status: int, body: Any) -> None:
    advice = {}
    for name in ("Exchange.ManageAsApp", ""):
        script = Script(rest=reply(status, body, x_ms_request_id="r-2"))
        with pytest.raises(PermissionMissing) as failure:
            calls(script, clock, name=name).invoke(ONE)
        advice[name] = failure.value.advice
        assert len(script.requests) == (2 if status == 401 else 1)
        assert failure.value.facts["request_id"] == "r-2"
        assert "token-" not in str(failure.value)
        assert "\0" not in str(failure.value)
    assert "Exchange Administrator" in advice["Exchange.ManageAsApp"]
    assert "lacks the application permission Exchange.ManageAsApp" in advice[""]
    assert clock.slept == []


@pytest.mark.parametrize(
    "transient",
    [
        reply(400, cmdlet_error("Microsoft.Exchange.CmdletProxyNotAvailableFailure", "x")),
        reply(400, cmdlet_error("X.ServerBusyException", "x")),
        reply(500, cmdlet_error("Microsoft.TransientException", "x")),
        reply(400, b"BackendCommunicationException: x"),
        reply(403, b"", x_exceptiontype="UnableToWriteToAadException"),
        reply(500),
        reply(503),
    ],
    ids=["proxy", "busy", "transient", "in-plain-text", "in-a-header", "bare-500", "bare-503"],
)
def test_passing_fault_is_tried_again_whatever_its_status(clock: Clock, transient: Response) -> None:
    script = Script(transient, reply(200, rows("g1")))
    assert len(calls(script, clock).invoke(ONE)) == 1
    assert len(clock.slept) == 1


def test_passing_fault_that_lasts_ends_with_its_reason(clock: Clock) -> None:
    script = Script(rest=reply(400, cmdlet_error("X.ServerBusyException", "The server is busy.")))
    with pytest.raises(UnexpectedReply, match="The server is busy"):
        calls(script, clock, max_retries=2).invoke(ONE)
    assert len(script.requests) == 3


def test_concurrency_limit_is_throttling_with_any_status(clock: Clock) -> None:
    limit = reply(400, b"You have reached the maximum number of concurrent requests per tenant. Please wait.")
    assert len(calls(Script(limit, reply(200, rows("g1"))), clock).invoke(ONE)) == 1
    with pytest.raises(Throttled):
        calls(Script(rest=limit), clock, max_retries=1).invoke(ONE)


@pytest.mark.parametrize(("headers", "slept"), [({"retry_after": "11"}, 11.0), ({}, None)])
def test_throttled_cmdlet_waits_as_told(clock: Clock, headers: dict[str, str], slept: float | None) -> None:
    calls(Script(reply(429, **headers), reply(200, rows("g1"))), clock).invoke(ONE)
    assert len(clock.slept) == 1
    assert slept in (None, clock.slept[0])


# What the caller may run


def test_the_cmdlets_are_asked_for_in_one_request(clock: Clock) -> None:
    script = Script(reply(200, {"value": [{"exportedCmdlets": "Get-Mailbox, Set-Mailbox,"}]}))
    assert calls(script, clock).cmdlets() == ["Get-Mailbox", "Set-Mailbox"]
    (request,) = script.requests
    assert request.method == "GET"
    assert request.url == f"{BASE}/adminapi/v1.0/{TENANT_ID}/EXOModuleFile?Version=3.7.0"
    assert request.headers["CommandName"] == "*"


@pytest.mark.parametrize(
    ("status", "body", "raised"),
    [
        (401, b"", PermissionMissing),
        (403, b"\0\0", PermissionMissing),
        (403, b"<html>Blocked by the proxy</html>", UnexpectedReply),
        (429, {}, UnexpectedReply),
        (503, {}, UnexpectedReply),
        (404, b"", Refused),
        (200, {"value": [{}]}, UnexpectedReply),
    ],
)
def test_cmdlets_that_are_not_told_are_asked_for_once(
    clock: Clock, status: int, body: Any, raised: type[TenantError]
) -> None:
    script = Script(rest=reply(status, body))
    with pytest.raises(raised):
        calls(script, clock).cmdlets()
    assert clock.slept == []


# Batches

COMMANDS = [Command("Get-" + name, "read it", {"Identity": name}, ("Guid",), ("Guid",)) for name in ("A", "B", "C")]


def batched(**special: Any) -> Callable[[Request], Response]:
    """Answers a batch; ``special`` is the item of a cmdlet, None to leave it out. In reverse order."""

    def answer(request: Request) -> Response:
        items = []
        for entry in json.loads(request.body or b"")["requests"]:
            name = entry["body"]["CmdletInput"]["CmdletName"][4:]
            item = special.get(name, {"status": 200, "body": rows("batch-" + name)})
            if item is not None:
                items.append({"id": entry["id"].upper(), **item})
        return reply(200, {"responses": items[::-1]})

    return answer


def read(script: Script, clock: Clock, **settings: Any) -> list[Any]:
    answers = calls(script, clock, **settings).read_many(COMMANDS)
    return [answer if isinstance(answer, TenantError) else [row.text("Guid") for row in answer] for answer in answers]


def test_several_reads_are_one_request_and_matched_by_id(clock: Clock) -> None:
    script = Script(batched())
    assert read(script, clock) == [["batch-A"], ["batch-B"], ["batch-C"]]
    assert script.urls == ["{0}/adminapi/beta/{1}/$batch".format(BASE, TENANT_ID)]
    first = script.bodies[0]["requests"][0]
    assert (first["method"], first["url"]) == ("POST", INVOKE + "?$select=Guid")
    assert first["body"] == COMMANDS[0].body
    assert first["headers"]["X-CmdletName"] == "Get-A"
    assert "Authorization" not in first["headers"]


def test_more_than_ten_are_several_batches(clock: Clock) -> None:
    commands = [Command("Get-" + str(number), "read it") for number in range(23)]
    script = Script(rest=batched())
    assert len(calls(script, clock).read_many(commands)) == 23
    assert [len(body["requests"]) for body in script.bodies] == [10, 10, 3]


@pytest.mark.parametrize(
    "item",
    [
        None,
        {"status": 429, "headers": {"Retry-After": "9"}, "body": None},
        {"status": 503, "body": None},
        {"status": 500, "body": cmdlet_error(ABSENT, "x")},
        {"status": 401, "body": None},
        {"status": 403, "body": None},
        {"status": 400, "body": cmdlet_error("X.ServerBusyException", "x")},
        {"status": 0},
        {},
        {"status": 302, "headers": {"Location": "https://evil.example/"}},
        {"status": 200},
        {"status": 200, "body": None},
        {"status": 200, "body": "text"},
    ],
    ids=[
        "missing",
        "throttled",
        "busy",
        "broken",
        "token-refused",
        "denied",
        "passing",
        "status-zero",
        "no-status",
        "redirected",
        "no-body",
        "null-body",
        "text-body",
    ],
)
def test_what_a_batch_leaves_open_is_asked_for_by_itself(clock: Clock, item: Any) -> None:
    script = Script(batched(B=item), reply(200, rows("alone")))
    assert read(script, clock) == [["batch-A"], ["alone"], ["batch-C"]]
    assert script.urls[1:] == [INVOKE + "?$select=Guid"]


def test_refused_item_is_an_answer_of_its_own(clock: Clock) -> None:
    one, two, three = read(Script(batched(B={"status": 400, "body": cmdlet_error(ABSENT, "x")})), clock)
    assert (one, three) == (["batch-A"], ["batch-C"])
    assert isinstance(two, NotFound)


def test_case_c40_denied_read_leaves_the_others_alone(clock: Clock) -> None:
    one, two, three = read(Script(batched(C={"status": 403, "body": None}), reply(403, b"\0\0")), clock)
    assert (one, two) == (["batch-A"], ["batch-B"])
    assert isinstance(three, PermissionMissing)


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_refused_batch_falls_back_to_single_calls_from_then_on(clock: Clock, status: int) -> None:
    script = Script(reply(status), *[reply(200, rows(name)) for name in "abcabc"])
    exchange = calls(script, clock)
    for _time in range(2):
        answers = exchange.read_many(COMMANDS)
        assert [[row.text("Guid") for row in answer] for answer in answers] == [["a"], ["b"], ["c"]]  # type: ignore[union-attr]
    assert sum(url.endswith("$batch") for url in script.urls) == 1


def test_batch_without_answers_asks_for_each_alone(clock: Clock) -> None:
    script = Script(reply(200, {"responses": None}), *[reply(200, rows(name)) for name in "abc"])
    assert read(script, clock) == [["a"], ["b"], ["c"]]


def test_item_that_lacks_a_required_property_is_an_error_of_that_read(clock: Clock) -> None:
    _one, two, _three = read(Script(batched(B={"status": 200, "body": {"value": [{"Name": "n"}]}})), clock)
    assert isinstance(two, UnexpectedReply)


@pytest.mark.parametrize(
    ("failure", "raised"),
    [(ConnectionFailed("refused", sent=False), Unreachable), (AuthenticationFailed("no token"), AuthenticationFailed)],
)
def test_lost_connection_or_sign_in_ends_all_reads(clock: Clock, failure: Exception, raised: type[TenantError]) -> None:
    with pytest.raises(raised):
        read(Script(batched(B=None), rest=failure), clock, max_retries=1)
