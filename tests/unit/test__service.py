# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A token goes to the host it was issued for and to no other; a refused one is renewed once."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    NotReplicated,
    TenantError,
    UnexpectedReply,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._service import Patience, Service
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import Response
from module_runner import Clock
from scripted import MintedTokens, Script, reply, transport

SCOPE = "https://outlook.office365.com/.default"
BASE = "https://outlook.office365.com"
URL = BASE + "/adminapi/beta/tenant/InvokeCommand"
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1700000000"}}}'


def challenge(claims: str = CLAIMS, error: str = "insufficient_claims") -> str:
    encoded = base64.b64encode(claims.encode()).decode()
    return 'Bearer realm="", authorization_uri="https://login.lab.example", error="{0}", claims="{1}"'.format(
        error, encoded
    )


class Scene:
    def __init__(self, clock: Clock, *answers: Any, regional: bool = False, base: str = BASE) -> None:
        self.script = Script(*answers)
        self.tokens = MintedTokens("Exchange.ManageAsApp")
        link = transport(self.script, clock)
        self.service = Service("Exchange Online", base, SCOPE, self.tokens, link, regional)  # type: ignore[arg-type]

    def send(self, url: str = URL, body: Any = None, repeatable: bool = True) -> Response:
        return self.service.send("POST", url, "find a mailbox", body, {"X-Own": "1"}, repeatable)

    @property
    def bearers(self) -> list[str]:
        return [request.headers["Authorization"] for request in self.script.requests]


def test_request_carries_token_own_headers_and_json(clock: Clock) -> None:
    scene = Scene(clock, reply(200, {}))
    scene.send(body={"name": "Bürgerbüro"})
    (request,) = scene.script.requests
    assert request.headers["Authorization"] == "Bearer token-1"
    assert request.headers["X-Own"] == "1"
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body or b"") == {"name": "Bürgerbüro"}
    assert scene.tokens.asked == [{"scope": SCOPE, "claims": None, "renew": False}]


def test_request_without_body_names_no_content_type(clock: Clock) -> None:
    scene = Scene(clock, reply(200, {}))
    scene.send()
    assert "Content-Type" not in scene.script.requests[0].headers
    assert scene.script.requests[0].body is None


# 401


@pytest.mark.parametrize("repeatable", [True, False])
def test_refused_token_is_renewed_and_the_call_repeated(clock: Clock, repeatable: bool) -> None:
    scene = Scene(clock, reply(401), reply(200, {"value": []}))
    assert scene.send(body={"a": 1}, repeatable=repeatable).status == 200
    assert scene.bearers == ["Bearer token-1", "Bearer token-2"]
    assert scene.script.bodies == [{"a": 1}, {"a": 1}]
    assert scene.tokens.asked[1:] == [{"scope": SCOPE, "claims": None, "renew": True}]
    assert clock.slept == []


def test_token_that_is_refused_twice_is_renewed_once_only(clock: Clock) -> None:
    scene = Scene(clock, reply(401), reply(401, {"error": {"code": "x"}}))
    assert scene.send().status == 401
    assert len(scene.script.requests) == 2
    assert scene.tokens.minted == 2


def test_each_call_may_renew_anew(clock: Clock) -> None:
    scene = Scene(clock, reply(401), reply(200), reply(401), reply(200))
    scene.send()
    scene.send()
    assert scene.tokens.minted == 3


def test_forbidden_renews_nothing(clock: Clock) -> None:
    scene = Scene(clock, reply(403))
    assert scene.send().status == 403
    assert scene.tokens.minted == 1


def test_claims_challenge_is_handed_on_decoded(clock: Clock) -> None:
    scene = Scene(clock, reply(401, www_authenticate=challenge()), reply(200))
    scene.send()
    assert scene.tokens.asked[1]["claims"] == CLAIMS


@pytest.mark.parametrize(
    "header",
    [
        challenge(error="invalid_token"),
        challenge(claims="[1]"),
        challenge(claims="not json"),
        challenge(claims="[" * 100_000),
        'Bearer error="insufficient_claims", claims="%%%"',
        'Bearer error="insufficient_claims", claims="4pyT4pyT/w"',
        'Bearer error="insufficient_claims"',
        "",
    ],
    ids=["other-error", "a-list", "no-json", "too-deep", "no-base64", "no-utf-8", "no-claims", "empty"],
)
def test_unusable_challenge_is_an_ordinary_renewal(clock: Clock, header: str) -> None:
    scene = Scene(clock, reply(401, www_authenticate=header), reply(200))
    scene.send()
    assert scene.tokens.asked[1] == {"scope": SCOPE, "claims": None, "renew": True}


# Hosts

FOREIGN = [
    "https://evil.example/",
    "https://outlook.office365.com.evil.example/",
    "https://evil-outlook.office365.com/",
    "https://outlook.office365.com@evil.example/",
    "https://outlook.office365.com:pw@evil.example/",
    "https://evil.example\\.outlook.office365.com/",
    "https://evil.example#.outlook.office365.com/",
    "https://evil.example?.outlook.office365.com/",
    "https://outlook.office365.com:8443/",
    "https://office365.com/",
    "http://outlook.office365.com/",
    "//evil.example/path",
    "https:evil.example",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("regional", [True, False])
@pytest.mark.parametrize("url", FOREIGN)
def test_address_of_another_host_is_never_called(clock: Clock, url: str, regional: bool) -> None:
    scene = Scene(clock, regional=regional)
    with pytest.raises(UnexpectedReply) as refusal:
        scene.send(url)
    assert scene.script.requests == []
    assert "The token was not sent there." in refusal.value.advice
    assert "pw" not in str(refusal.value)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("regional", [True, False])
@pytest.mark.parametrize("location", [*FOREIGN, "\\\\evil.example/path", "/\\evil.example"])
def test_redirect_to_another_host_is_not_followed(clock: Clock, location: str, regional: bool, status: int) -> None:
    scene = Scene(clock, reply(status, location=location), reply(200), regional=regional)
    try:
        scene.send()
    except TenantError:
        pass
    for host in scene.script.hosts:
        assert host == "outlook.office365.com"
    assert "Authorization" in scene.script.requests[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_within_the_host_keeps_method_body_and_token(clock: Clock, status: int) -> None:
    scene = Scene(clock, reply(status, location="/other?x=1"), reply(200, {}))
    assert scene.send(body={"a": 1}).status == 200
    assert scene.script.urls == [URL, BASE + "/other?x=1"]
    assert [request.method for request in scene.script.requests] == ["POST", "POST"]
    assert scene.script.bodies == [{"a": 1}, {"a": 1}]
    assert scene.bearers == ["Bearer token-1"] * 2


@pytest.mark.parametrize(
    ("location", "called"),
    [
        ("https://eurprd01.outlook.office365.com/x", "https://eurprd01.outlook.office365.com/x"),
        ("https://eurprd01.outlook.office365.com:443/x", "https://eurprd01.outlook.office365.com:443/x"),
        ("https://eurprd01.outlook.office365.com:446/x", "https://eurprd01.outlook.office365.com/x"),
        ("https://outlook.office365.com:446/x", "https://outlook.office365.com/x"),
    ],
)
def test_regional_host_of_a_built_in_cloud_is_part_of_the_service(clock: Clock, location: str, called: str) -> None:
    scene = Scene(clock, reply(302, location=location), reply(200, {}), regional=True)
    assert scene.send().status == 200
    assert scene.script.urls == [URL, called]
    assert scene.bearers == ["Bearer token-1"] * 2


@pytest.mark.parametrize(
    "location",
    ["https://eurprd01.outlook.office365.com/x", "https://outlook.office365.com:446/x"],
)
def test_regional_host_is_refused_where_the_endpoint_is_overridden(clock: Clock, location: str) -> None:
    scene = Scene(clock, reply(302, location=location))
    with pytest.raises(UnexpectedReply, match="not its own host"):
        scene.send()
    assert scene.script.urls == [URL]


@pytest.mark.parametrize("port", [445, 447, 8443])
def test_regional_host_with_another_port_is_refused(clock: Clock, port: int) -> None:
    location = "https://eurprd01.outlook.office365.com:{0}/x".format(port)
    scene = Scene(clock, reply(302, location=location), regional=True)
    with pytest.raises(UnexpectedReply):
        scene.send()
    assert scene.script.urls == [URL]


def test_port_of_an_own_endpoint_is_part_of_it(clock: Clock) -> None:
    scene = Scene(clock, reply(200), base="https://exchange.lab.example:8443")
    scene.send("https://exchange.lab.example:8443/x")
    with pytest.raises(UnexpectedReply):
        scene.send("https://exchange.lab.example/x")
    assert scene.script.hosts == ["exchange.lab.example:8443"]


@pytest.mark.parametrize("answer", [reply(302), reply(302, location="")])
def test_redirect_to_nowhere_fails(clock: Clock, answer: Response) -> None:
    with pytest.raises(UnexpectedReply, match="redirects"):
        Scene(clock, answer).send()


def test_endless_redirects_end(clock: Clock) -> None:
    scene = Scene(clock, *[reply(307, location="/again")] * 10)
    with pytest.raises(UnexpectedReply, match="redirects without end"):
        scene.send()
    assert len(scene.script.requests) <= 5


def test_roles_are_those_of_the_token(clock: Clock) -> None:
    assert Scene(clock).service.roles == {"Exchange.ManageAsApp"}


# Patience


def patience(clock: Clock, limit: float = 60) -> Patience:
    return Patience(transport(Script(), clock), limit)


def test_what_is_there_is_found_without_waiting(clock: Clock) -> None:
    waiting = patience(clock)
    assert waiting.until(lambda: "found", "it") == "found"
    assert waiting.waited == []
    assert clock.slept == []


def test_what_comes_late_is_waited_for_in_growing_steps_and_told(clock: Clock) -> None:
    waiting = patience(clock)
    looks = iter([None, None, None, "found"])
    assert waiting.until(lambda: next(looks), "it to appear") == "found"
    assert clock.slept == sorted(clock.slept)
    (told,) = waiting.waited
    assert told == {"for": "it to appear", "seconds": round(sum(clock.slept), 1), "seen": True}


@pytest.mark.parametrize(("limit", "own", "most"), [(60, None, 60), (60, 10, 10), (5, 10, 5), (0, None, 0)])
def test_what_never_comes_is_given_up_in_time(clock: Clock, limit: float, own: float | None, most: float) -> None:
    waiting = patience(clock, limit)
    assert waiting.until(lambda: None, "it", own) is None
    assert sum(clock.slept) == pytest.approx(most, abs=0.06)
    assert [told["seen"] for told in waiting.waited] == [False]


def test_what_is_required_and_never_comes_fails_with_advice(clock: Clock) -> None:
    with pytest.raises(NotReplicated) as failure:
        patience(clock, 3).require(lambda: None, "the application to be visible")
    assert "the application to be visible" in failure.value.message
    assert "replication_timeout" in failure.value.advice
