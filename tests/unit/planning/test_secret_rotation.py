# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a secret stands in its rotation, told from nothing but its tenant, the store's record and the clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import Secret
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.secret_rotation import (
    NOT_ASKED,
    NOT_READABLE,
    PROVED,
    REFUSED,
    UNDECIDED,
    Proof,
    account_of,
    is_under_way,
    judge_rotation,
    superseded,
)
from samples import NOW, QUICKLY, key_id, secret


def made(number: int, days_ago: float, left: float | None = 100) -> Secret:
    return replace(secret(number, left), start=NOW - timedelta(days=days_ago))


OLD, NEW = made(1, 160, 20), made(2, 3, 177)


@pytest.mark.parametrize(
    ("current", "ours", "confirmed", "outcome", "step"),
    [
        (None, [], None, NOT_ASKED, "add"),
        (None, [OLD], None, NOT_ASKED, "add"),
        (NEW, [NEW], None, PROVED, None),
        (NEW, [NEW], None, REFUSED, "prove"),
        (NEW, [NEW, OLD], None, PROVED, "hand_over"),
        (NEW, [NEW, OLD], None, NOT_ASKED, "hand_over"),
        (NEW, [NEW, OLD], None, NOT_READABLE, "hand_over"),
        (NEW, [NEW, OLD], None, UNDECIDED, "prove"),
        (NEW, [NEW, OLD], OLD.key_id, PROVED, "hand_over"),
        (NEW, [NEW, OLD], NEW.key_id, PROVED, "retire"),
        (NEW, [NEW, OLD], NEW.key_id, REFUSED, "prove"),
        (made(2, 7), [made(2, 7), OLD], None, PROVED, "retire"),
        (made(2, 6.99), [made(2, 6.99), OLD], None, PROVED, "hand_over"),
        (made(2, 7), [made(2, 7), OLD], None, REFUSED, "prove"),
        (OLD, [NEW, OLD], None, PROVED, None),
        (made(2, 9), [made(2, 9), made(1, 200, -5)], None, PROVED, "retire"),
    ],
    ids=[
        "nothing-yet",
        "due",
        "at-rest",
        "at-rest-but-wrong",
        "new-and-old",
        "nobody-asked",
        "cannot-be-read-back",
        "cannot-be-told",
        "the-old-one-was-confirmed",
        "confirmed",
        "confirmed-but-wrong",
        "grace-is-over",
        "grace-is-almost-over",
        "grace-is-over-but-wrong",
        "a-newer-one-of-somebody",
        "the-old-one-has-ended",
    ],
)
def test_next_step(current: Secret | None, ours: list[Secret], confirmed: str | None, outcome: str, step: str) -> None:
    rotation = judge_rotation(current, ours, NOW, 7, confirmed, Proof(outcome))
    assert rotation.step == step
    assert rotation.shown["step"] == step


def test_what_is_shown() -> None:
    assert judge_rotation(NEW, [OLD, NEW], NOW, 7).shown == {
        "step": "hand_over",
        "since": "2026-11-22T08:00:00Z",
        "old_key_ids": [OLD.key_id],
        "retire_after": "2026-11-29T08:00:00Z",
    }


@pytest.mark.parametrize(
    ("current", "proof", "says"),
    [
        (None, NOT_ASKED, None),
        (NEW, REFUSED, "since 2026-11-22T08:00:00Z: the sign-in has yet to accept"),
        (NEW, PROVED, "Webex Connect has to be given the new one; old: {0}, to be retired after 2026-11-29T08:00:00Z"),
        (made(2, 8), PROVED, "the old can be retired; old: {0}"),
        (replace(NEW, start=None), PROVED, "under way: Webex Connect has to be given the new one; old: {0}"),
    ],
)
def test_one_that_is_under_way_is_told_in_a_sentence(current: Secret | None, proof: str, says: str | None) -> None:
    shown = judge_rotation(current, [OLD, *([current] if current else [])], NOW, 7, None, Proof(proof)).shown
    assert is_under_way(shown) == (says is not None)
    if says is not None:
        assert says.format(OLD.key_id) in account_of(shown)


def test_nothing_is_under_way_where_nothing_is_old_or_known() -> None:
    assert not is_under_way(judge_rotation(NEW, [NEW], NOW, 7).shown)
    assert not is_under_way(None)


SECRETS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(-5, 300)), st.one_of(st.none(), st.integers(-100, 300))), max_size=6
)


@QUICKLY
@given(
    spans=SECRETS,
    position=st.integers(0, 6),
    grace=st.integers(0, 20),
    confirmed=st.sampled_from([None, *map(key_id, range(8))]),
    outcome=st.sampled_from([PROVED, REFUSED, UNDECIDED, NOT_READABLE, NOT_ASKED]),
)
def test_neither_the_current_nor_a_newer_one_is_ever_superseded(
    spans: list[tuple[int | None, int | None]], position: int, grace: int, confirmed: str | None, outcome: str
) -> None:
    ours = [
        replace(secret(number, left), start=None if age is None else NOW - timedelta(days=age))
        for number, (age, left) in enumerate(spans)
    ]
    current = ours[position] if position < len(ours) else None
    rotation = judge_rotation(current, ours, NOW, grace, confirmed, Proof(outcome))
    if current is None:
        assert rotation.step == "add"
        return
    assert current not in rotation.old
    assert rotation.old == superseded(current, ours)
    assert not [item for item in rotation.old if item.start and current.start and item.start > current.start]
    if rotation.step == "retire":
        assert rotation.old
        assert outcome not in (REFUSED, UNDECIDED)
        assert confirmed == current.key_id or (current.start and current.start + timedelta(days=grace) <= NOW)
