# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One named client secret: which one is current, and what has to happen (C13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import Secret
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.app_secret import (
    Current,
    check,
    plan_secret,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from samples import APP_ID, HOSTILE, NOW, QUICKLY, TENANT_ID, application, key_id, secret

NAME = "webex-connect"
STORE = {"type": "file", "path": "/srv/secrets.yml"}
PLACE = "/srv/secrets.yml"


def wishes(**differences: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "app_id": APP_ID,
        "object_id": None,
        "display_name": NAME,
        "valid_days": 180,
        "end_date": None,
        "rotate_before_days": 30,
        "rotate": False,
        "rotate_after_days": None,
        "known_key_id": None,
        "retire_superseded": False,
        "grace_days": 0,
        "confirmed_key_id": None,
        "prove": False,
        "prove_timeout": 120,
        "key_id": None,
        "store": STORE,
        "adopt": "keep",
        "return_secret_text": False,
        "state": "present",
    }
    wanted = {**plain, **differences}
    check(wanted)
    return wanted


def record(number: int) -> Record:
    return Record(TENANT_ID, APP_ID, NAME, key_id(number), None, None)


def having(*secrets: Secret, recorded: int | None = None, now: datetime = NOW) -> Current:
    return Current(
        application(secrets=list(secrets), certificates=1), record(recorded) if recorded else None, now, PLACE
    )


def added(plan: Plan) -> dict[str, Any] | None:
    return next((arguments for name, arguments in plan.steps if name == "add"), None)


def removed(plan: Plan) -> list[str]:
    return [arguments["key_id"] for name, arguments in plan.steps if name == "remove"]


def left_behind(plan: Plan, before: Current, number: int = 99) -> Current:
    assert before.application is not None
    secrets, remembered = list(before.application.secrets), before.record
    for name, arguments in plan.steps:
        if name == "add":
            secrets.append(Secret(key_id(number), plan.result["display_name"], before.now, arguments["end"]))
            remembered = record(number)
        else:
            assert name == "remove"
            secrets = [item for item in secrets if item.key_id != arguments["key_id"]]
            if remembered and remembered.key_id == arguments["key_id"]:
                remembered = None
    return replace(before, application=replace(before.application, secrets=secrets), record=remembered)


@pytest.mark.parametrize(
    ("current", "wanted", "makes"),
    [
        (having(), {}, True),
        (having(secret(1, 200), recorded=1), {}, False),
        (having(secret(1, 31), recorded=1), {}, False),
        (having(secret(1, 30), recorded=1), {}, True),
        (having(secret(1, 20), recorded=1), {}, True),
        (having(secret(1, None), recorded=1), {}, False),
        (having(secret(1, -1), recorded=1), {}, True),
        (having(secret(1, 200, "printer")), {}, True),
        (having(secret(1, 200, None)), {}, True),
        (having(secret(1, 200), recorded=7), {}, True),
        (having(secret(1, 200)), {}, False),
        (having(secret(1, 200)), {"adopt": "replace"}, True),
        (having(secret(1, 200), recorded=1), {"adopt": "replace"}, False),
        (having(secret(1, 200), recorded=1), {"rotate": True}, True),
        (having(secret(1, 200)), {"known_key_id": key_id(1)}, False),
        (having(secret(1, 200)), {"known_key_id": key_id(1).upper()}, False),
        (having(secret(1, 200), secret(2, 100)), {"known_key_id": key_id(2)}, False),
        (having(secret(1, 200), secret(2, 20)), {"known_key_id": key_id(2)}, True),
        (having(secret(1, 200), secret(2, 20), recorded=1), {"known_key_id": key_id(2)}, True),
        (having(secret(1, 200)), {"known_key_id": key_id(3)}, True),
        (having(secret(1, 200)), {"store": None, "return_secret_text": True}, False),
        (having(secret(1, 200)), {"store": None, "return_secret_text": True, "adopt": "replace"}, False),
        (having(secret(1, 20)), {"store": None, "return_secret_text": True}, True),
        (having(secret(1, 10), secret(2, 200)), {"store": None, "return_secret_text": True}, False),
    ],
    ids=[
        "none-of-the-name",
        "recorded-and-good",
        "one-day-before-rotation",
        "on-the-day-of-rotation",
        "near-the-end",
        "without-an-end",
        "expired",
        "anothers-name",
        "nameless",
        "recorded-one-is-gone",
        "unrecorded-is-left",
        "unrecorded-is-replaced-on-request",
        "replace-is-for-the-unrecorded-only",
        "rotation-on-request",
        "known-to-connect",
        "known-in-capitals",
        "known-is-not-the-newest",
        "known-is-near-its-end",
        "known-stands-for-the-record",
        "known-one-is-gone",
        "without-store-any-live-one",
        "without-store-nothing-to-replace",
        "without-store-near-the-end",
        "without-store-the-newest-counts",
    ],
)
def test_secret_is_made_exactly_where_no_current_one_is(current: Current, wanted: dict[str, Any], makes: bool) -> None:
    plan = plan_secret(current, wishes(**wanted))
    assert bool(added(plan)) == makes
    assert plan.changed == makes
    assert removed(plan) == []
    assert (plan.before != plan.after) == makes
    if makes:
        again = plan_secret(left_behind(plan, current), wishes(**{**wanted, "rotate": False, "known_key_id": None}))
        assert not again.changed


def test_case_c13_from_two_runs_to_rotation() -> None:
    around = [secret(1, 200), secret(2, -5), secret(3, 5, "printer")]
    settled = plan_secret(having(*around, recorded=1), wishes())
    assert not settled.changed
    assert settled.result["key_id"] == key_id(1)
    assert settled.result["end"] == "2027-06-13T08:00:00Z"
    assert settled.result["secret_text"] is None
    later = NOW + timedelta(days=180)
    current = having(*around, recorded=1, now=later)
    plan = plan_secret(current, wishes())
    arguments = added(plan)
    assert arguments is not None
    assert arguments["end"] == later + timedelta(days=180)
    assert arguments["valid_days"] == 180
    assert plan.result["key_id"] is None
    assert plan.result["secret_text"] is None
    after = left_behind(plan, current)
    assert not plan_secret(after, wishes()).changed
    assert after.application is not None
    assert [item for item in after.application.secrets if item.display_name == "printer"] == [around[2]]


def test_unrecorded_secret_is_reported_with_both_ways_out() -> None:
    plan = plan_secret(having(secret(1, 200)), wishes())
    (warning,) = plan.warnings
    for shown in (key_id(1), "2027-06-13", "adopt", "known_key_id"):
        assert shown in warning
    assert plan.result["stored_in"] is None


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        (having(secret(1, 200), recorded=1), {}),
        (having(secret(1, 200)), {"known_key_id": key_id(1)}),
        (having(secret(1, 200)), {"store": None, "return_secret_text": True}),
    ],
)
def test_settled_secret_draws_no_warning(current: Current, wanted: dict[str, Any]) -> None:
    assert plan_secret(current, wishes(**wanted)).warnings == []


def test_place_is_told_where_the_text_lies_or_will_lie() -> None:
    assert plan_secret(having(secret(1, 200), recorded=1), wishes()).result["stored_in"] == PLACE
    assert plan_secret(having(), wishes()).result["stored_in"] == PLACE
    assert plan_secret(having(secret(1, 200)), wishes(known_key_id=key_id(1))).result["stored_in"] is None


def test_superseded_ones_are_retired_and_nothing_later_or_of_another_name_is() -> None:
    current = having(
        secret(1, 100),
        secret(2, 10),
        secret(3, -10),
        secret(4, 300),
        secret(5, 10, "printer"),
        secret(6, None),
        recorded=1,
    )
    assert plan_secret(current, wishes()).steps == []
    plan = plan_secret(current, wishes(retire_superseded=True))
    assert removed(plan) == [key_id(2), key_id(3)]
    assert plan.before["removed"] == []
    assert plan.after["removed"] == [key_id(2), key_id(3)]
    assert plan.result["other_live_key_ids"] == [key_id(4), key_id(6)]
    assert not plan_secret(left_behind(plan, current), wishes(retire_superseded=True)).changed


@pytest.mark.parametrize("rotate", [True, False])
def test_run_that_adds_never_retires(rotate: bool) -> None:
    current = having(secret(1, 200 if rotate else 20), secret(2, 10), recorded=1)
    plan = plan_secret(current, wishes(rotate=rotate, retire_superseded=True))
    assert [name for name, _arguments in plan.steps] == ["add"]


def test_other_live_secrets_of_the_name_are_told() -> None:
    current = having(secret(1, 200), secret(2, 10), secret(3, -10), secret(4, 10, "printer"), recorded=1)
    assert plan_secret(current, wishes()).result["other_live_key_ids"] == [key_id(2)]


@pytest.mark.parametrize("end_date", ["2027-03-31", "2027-03-31T12:00:00Z", "2027-03-31T14:00:00+02:00"])
def test_end_date_wins_over_valid_days(end_date: str) -> None:
    arguments = added(plan_secret(having(), wishes(end_date=end_date)))
    assert arguments is not None
    assert arguments["end"].date() == datetime(2027, 3, 31, tzinfo=UTC).date()
    assert arguments["valid_days"] == 126


@pytest.mark.parametrize("end_date", ["2020-01-01", "2026-11-25T08:00:00Z", "2026-12-25T08:00:00Z"])
def test_end_date_that_would_ask_for_a_new_secret_each_run_is_refused(end_date: str) -> None:
    with pytest.raises(InvalidInput, match="end_date"):
        plan_secret(having(), wishes(end_date=end_date))


def test_past_end_date_harms_nothing_while_a_good_secret_is_there() -> None:
    assert not plan_secret(having(secret(1, 200), recorded=1), wishes(end_date="2026-12-01")).changed


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"display_name": "x" * 121}, "display_name"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"app_id": "x"}, "app_id"),
        ({"known_key_id": "x"}, "known_key_id"),
        ({"key_id": "x", "state": "absent"}, "key_id"),
        ({"key_id": key_id(1)}, "key_id is only for state absent"),
        ({"end_date": "31.03.2027"}, "end_date"),
        ({"end_date": "2027-02-30"}, "end_date"),
        ({"end_date": "2027-03-31\n"}, "end_date"),
        ({"valid_days": 0, "rotate_before_days": -1}, "valid_days"),
        ({"valid_days": -5}, "valid_days"),
        ({"valid_days": 10**10}, "valid_days"),
        ({"valid_days": 3_000_000}, "valid_days"),
        ({"rotate_before_days": 180}, "rotate_before_days"),
        ({"rotate_before_days": -1}, "rotate_before_days"),
        ({"rotate_before_days": 10**10, "end_date": "2027-03-31"}, "rotate_before_days"),
        ({"store": None}, "nowhere to put the secret's text"),
    ],
)
def test_unusable_wish_is_refused_by_name(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan_secret(having(), wishes(**wanted))
    assert said in refusal.value.message


ANNOUNCED = NOW - timedelta(minutes=5, microseconds=123456)


def orphan(number: int, name: str = NAME) -> Secret:
    """A credential with the start that a run had noted before it was killed."""
    return replace(secret(number, 180, name), start=ANNOUNCED)


def announcing(*secrets: Secret, recorded: int | None) -> Current:
    remembered = replace(record(recorded or 0), announced="2026-11-25T07:54:59.876544Z")
    if recorded is None:
        remembered = replace(remembered, key_id=None)
    return replace(having(*secrets), record=remembered)


def test_credential_of_a_killed_run_is_removed_and_a_fresh_one_made() -> None:
    plan = plan_secret(announcing(orphan(8), recorded=None), wishes())
    assert [name for name, _arguments in plan.steps] == ["remove", "add"]
    assert removed(plan) == plan.after["removed"] == [key_id(8)]


def test_credential_of_a_killed_run_is_removed_and_the_recorded_one_stays() -> None:
    current = announcing(secret(1, 200), orphan(8), secret(9, 200), orphan(10, "printer"), recorded=1)
    plan = plan_secret(current, wishes())
    assert [name for name, _arguments in plan.steps] == ["remove"]
    assert removed(plan) == [key_id(8)]
    assert plan.result["key_id"] == key_id(1)
    assert plan.result["other_live_key_ids"] == [key_id(9)]


@pytest.mark.parametrize(
    ("current", "wanted"),
    [
        (announcing(orphan(1), recorded=1), {}),
        (announcing(secret(1, 200), orphan(8), recorded=1), {"known_key_id": key_id(8)}),
        (having(orphan(1), recorded=1), {}),
    ],
    ids=["it-is-the-recorded-one", "connect-is-known-to-hold-it", "nothing-was-announced"],
)
def test_credential_that_is_in_use_is_never_taken_for_one_of_a_killed_run(
    current: Current, wanted: dict[str, Any]
) -> None:
    assert plan_secret(current, wishes(**wanted)).steps == []


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        ({}, [1, 2]),
        ({"key_id": key_id(1)}, [1]),
        ({"key_id": key_id(1).upper()}, [1]),
        ({"key_id": key_id(7)}, []),
        ({"display_name": "nobody"}, []),
    ],
    ids=["all-of-the-name", "by-key-id", "in-capitals", "gone-already", "no-such-name"],
)
def test_absent_removes_by_name_or_key_id(wanted: dict[str, Any], gone: list[int]) -> None:
    current = having(secret(1, 200), secret(2, -5), secret(3, 200, "printer"), recorded=1)
    plan = plan_secret(current, wishes(state="absent", **wanted))
    assert removed(plan) == [key_id(number) for number in gone]
    assert plan.before["key_ids"] == removed(plan)
    assert plan.after["key_ids"] == []
    assert not plan_secret(left_behind(plan, current), wishes(state="absent", **wanted)).changed


def test_key_id_of_another_name_is_refused_and_nothing_removed() -> None:
    with pytest.raises(Conflict) as conflict:
        plan_secret(having(secret(3, 200, "printer")), wishes(state="absent", key_id=key_id(3)))
    assert "'printer'" in conflict.value.message


def test_absent_needs_no_place_for_a_text() -> None:
    assert not plan_secret(having(), wishes(state="absent", store=None)).changed


def test_application_that_is_yet_to_be_made_gets_a_plan_with_the_keys_of_a_known_one() -> None:
    pending = plan_secret(Current(None, None, NOW, PLACE), wishes(app_id=None))
    known = plan_secret(having(secret(1, 200), recorded=1), wishes())
    assert pending.changed
    assert pending.result.keys() == known.result.keys()
    assert pending.result["app_id"] is None
    assert not plan_secret(Current(None, None, NOW, PLACE), wishes(app_id=None, state="absent")).changed


def test_diff_shows_name_key_id_and_day_only() -> None:
    plan = plan_secret(having(secret(1, 20), recorded=1), wishes())
    assert plan.before == {"display_name": NAME, "key_id": key_id(1), "end_date": "2026-12-15"}
    assert plan.after == {"display_name": NAME, "key_id": None, "end_date": "2027-05-24"}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_is_refused_or_compared_as_it_is(name: str) -> None:
    try:
        wanted = wishes(display_name=name)
    except InvalidInput as refusal:
        assert "\n" not in refusal.message
        assert len(name) > 120 or "\n" in name
        return
    assert not plan_secret(having(secret(1, 200, name), recorded=1), wanted).changed


SECRETS = st.lists(
    st.tuples(st.sampled_from([-5, 0, 10, 30, 31, 100, 200, None]), st.sampled_from([NAME, "printer"])), max_size=5
)


@QUICKLY
@given(
    ends=SECRETS,
    recorded=st.sampled_from([None, 0, 1, 50]),
    adopt=st.sampled_from(["keep", "replace"]),
    retire_superseded=st.booleans(),
    state=st.sampled_from(["present", "absent"]),
)
def test_planning_on_what_a_plan_leaves_behind_yields_nothing(
    ends: list[tuple[int | None, str]], recorded: int | None, adopt: str, retire_superseded: bool, state: str
) -> None:
    secrets = [secret(number + 1, days, name) for number, (days, name) in enumerate(ends)]
    before = having(*secrets, recorded=None if recorded is None else recorded + 1)
    wanted = wishes(adopt=adopt, retire_superseded=retire_superseded, state=state)
    after = left_behind(plan_secret(before, wanted), before)
    again = plan_secret(after, wanted)
    if added(plan_secret(before, wanted)) and retire_superseded:
        # What the new one supersedes is retired by the next run, once the new one has proven to be there.
        after = left_behind(again, after)
        assert added(again) is None
        again = plan_secret(after, wanted)
    assert not again.changed
    assert again.before == again.after
    assert after.application is not None
    theirs = [item for item in secrets if item.display_name != NAME]
    assert [item for item in after.application.secrets if item.display_name != NAME] == theirs
