# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the applications of a name is ours; a name alone proves nothing (C06, C18)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    Application,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.application_lookup import choose_by_name
from samples import ADMIN_ID, APP_ID, CALLBACK, HOSTILE, MAIL_SEND_ROLE, NOW, application, key_id, secret

STRANGER = "99999999-0000-4000-8000-000000000001"
OTHER_APP_ID = "5a1d2c3b-0000-4000-8000-00000000a002"


def choose(*candidates: Application, **differences: Any) -> Application | None:
    plain: dict[str, Any] = {
        "name": "WebexConnect",
        "admin_client_id": ADMIN_ID,
        "recorded": (),
        "adopt_by_name": False,
        "owners": None,
    }
    return choose_by_name(list(candidates), **{**plain, **differences})


def test_no_candidate_is_none() -> None:
    assert choose() is None


@pytest.mark.parametrize(
    ("creator", "evidence"),
    [
        (ADMIN_ID, {}),
        (STRANGER, {"recorded": {APP_ID}}),
        (None, {"recorded": {OTHER_APP_ID, APP_ID}}),
        (STRANGER, {"adopt_by_name": True}),
        (None, {"adopt_by_name": True}),
    ],
    ids=["created-by-us", "recorded", "recorded-among-others", "risk-accepted", "creator-unknown-risk-accepted"],
)
def test_one_candidate_with_evidence_is_ours(creator: str | None, evidence: dict[str, Any]) -> None:
    found = application(created_by_app_id=creator)
    assert choose(found, **evidence) is found


def test_recorded_app_id_is_compared_without_regard_to_case() -> None:
    found = application(app_id=APP_ID.upper(), created_by_app_id=STRANGER)
    assert choose(found, recorded={APP_ID}) is found


@pytest.mark.parametrize("creator", [STRANGER, None])
@pytest.mark.parametrize("recorded", [(), {OTHER_APP_ID}])
def test_planted_namesake_is_refused_and_everything_about_it_is_shown(creator: str | None, recorded: Any) -> None:
    planted = application(
        created_by_app_id=creator,
        redirect_uris=[CALLBACK],
        spa_redirect_uris=["https://evil.example/spa"],
        public_redirect_uris=["https://evil.example/native"],
        secrets=[secret(1, 30, "planted")],
        certificates=2,
        requested={EXCHANGE_ONLINE: {"Role": {MAIL_SEND_ROLE}, "Scope": set()}},
    )
    with pytest.raises(Conflict) as conflict:
        choose(planted, recorded=recorded, owners=["mallory@contoso.example"])
    message = conflict.value.message
    for shown in (
        APP_ID,
        "created 2026-08-17T08:00:00Z",
        STRANGER if creator else "a person or an unknown application",
        CALLBACK,
        "https://evil.example/spa",
        "https://evil.example/native",
        "mallory@contoso.example",
        "'planted' until 2026-12-25",
        "certificates: 2",
        "Office 365 Exchange Online: 1 application and 0 delegated permissions ({0})".format(MAIL_SEND_ROLE),
    ):
        assert shown in message
    assert "app_id" in conflict.value.advice
    (candidate,) = conflict.value.facts["candidates"]
    assert candidate["app_id"] == APP_ID
    assert candidate["owners"] == ["mallory@contoso.example"]
    assert [entry["key_id"] for entry in candidate["secrets"]] == [key_id(1)]


def test_namesake_with_nothing_to_show_says_none() -> None:
    with pytest.raises(Conflict) as conflict:
        choose(application(created_by_app_id=None, created=None))
    assert "redirect URIs none. It is" not in conflict.value.message
    for shown in ("created at an unknown time", "owners: none", "secrets: none", "it asks for: nothing"):
        assert shown in conflict.value.message


@pytest.mark.parametrize(
    "evidence", [{}, {"adopt_by_name": True}, {"recorded": {APP_ID}}], ids=["none", "risk-accepted", "recorded"]
)
def test_case_c06_several_candidates_are_listed_and_none_is_taken(evidence: dict[str, Any]) -> None:
    older = application(app_id=OTHER_APP_ID, created=NOW - timedelta(days=900), redirect_uris=["https://a.example/"])
    newer = application(redirect_uris=[CALLBACK])
    with pytest.raises(Conflict) as conflict:
        choose(older, newer, name="Contact Centre Mail", **evidence)
    message = conflict.value.message
    assert message.startswith("2 applications are named 'Contact Centre Mail': ")
    for shown in (APP_ID, OTHER_APP_ID, "2026-08-17", "2024-06-08", CALLBACK, "https://a.example/"):
        assert shown in message
    assert "app_id" in conflict.value.advice
    assert {candidate["app_id"] for candidate in conflict.value.facts["candidates"]} == {APP_ID, OTHER_APP_ID}


def test_candidates_are_listed_in_the_same_order_whatever_order_they_came_in() -> None:
    one, other = application(), application(app_id=OTHER_APP_ID)
    messages = set()
    for candidates in ((one, other), (other, one)):
        with pytest.raises(Conflict) as conflict:
            choose(*candidates)
        messages.add(conflict.value.message)
    assert len(messages) == 1


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_is_shown_escaped(name: str) -> None:
    with pytest.raises(Conflict) as conflict:
        choose(application(display_name=name, created_by_app_id=None), name=name)
    assert repr(name) in conflict.value.message
    assert "\n" not in conflict.value.message
    assert "\r" not in conflict.value.message
