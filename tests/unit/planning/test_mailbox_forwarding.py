# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding of one mailbox: two targets of which the internal one wins, and a copy flag (C19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import Mailbox
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.mailbox_forwarding import (
    check,
    plan_forwarding,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from samples import HOSTILE, QUICKLY, mailbox

TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
OTHER = "elsewhere@partner.example"
INTERNAL = "Doe, Jordan (Reception)"


def wishes(**differences: Any) -> dict[str, Any]:
    plain = {"forwarding_address": TARGET, "keep_copy": None, "replace_internal": False, "state": "present"}
    wanted = {**plain, **differences}
    check(wanted)
    return wanted


def left_behind(plan: Plan, before: Mailbox) -> Mailbox:
    for name, arguments in plan.steps:
        assert name == "set_forwarding"
        before = replace(arguments["mailbox"], **arguments["changes"])
    return before


def changes_of(plan: Plan) -> dict[str, Any]:
    return plan.steps[0][1]["changes"] if plan.steps else {}


NEW = {"external_forward": TARGET, "internal_forward": None, "keep_copy": False}


@pytest.mark.parametrize(
    ("stored", "wanted", "changes"),
    [
        ({}, {}, NEW),
        ({}, {"keep_copy": True}, {**NEW, "keep_copy": True}),
        ({"keep_copy": True}, {}, NEW),
        ({"external_forward": TARGET}, {}, {}),
        ({"external_forward": TARGET.upper()}, {}, {}),
        ({"external_forward": TARGET, "keep_copy": True}, {}, {}),
        ({"external_forward": TARGET, "keep_copy": True}, {"keep_copy": False}, {"keep_copy": False}),
        ({"external_forward": TARGET}, {"keep_copy": True}, {"keep_copy": True}),
        ({"external_forward": OTHER, "keep_copy": True}, {}, {**NEW, "keep_copy": True}),
        ({"external_forward": OTHER, "keep_copy": True}, {"keep_copy": False}, NEW),
        ({"internal_forward": INTERNAL, "keep_copy": True}, {"replace_internal": True}, {**NEW, "keep_copy": True}),
        (
            {"internal_forward": INTERNAL, "external_forward": TARGET},
            {"replace_internal": True, "keep_copy": True},
            {**NEW, "keep_copy": True},
        ),
        ({}, {"replace_internal": True}, NEW),
    ],
    ids=[
        "new",
        "new-with-copy",
        "new-with-a-leftover-copy-flag",
        "there-already",
        "there-in-capitals",
        "copy-not-asked-about",
        "copy-no-longer",
        "copy-from-now-on",
        "other-target-keeps-its-copy-flag",
        "other-target-without-copy",
        "internal-replaced",
        "internal-over-ours-replaced",
        "nothing-internal-to-replace",
    ],
)
def test_wish_becomes_one_write_of_what_differs(
    stored: dict[str, Any], wanted: dict[str, Any], changes: dict[str, Any]
) -> None:
    assert changes_of(plan_forwarding(mailbox(**stored), wishes(**wanted))) == changes


@pytest.mark.parametrize("internal", [INTERNAL, *HOSTILE.values()])
def test_case_c19_internal_recipient_is_shown_as_stored_and_nothing_is_planned(internal: str) -> None:
    with pytest.raises(Conflict) as conflict:
        plan_forwarding(mailbox(internal_forward=internal), wishes(keep_copy=True))
    assert repr(internal) in conflict.value.message
    assert "replace_internal" in conflict.value.advice


def test_case_c19_replacing_the_internal_recipient_shows_all_three_in_the_diff() -> None:
    plan = plan_forwarding(mailbox(internal_forward=INTERNAL), wishes(replace_internal=True, keep_copy=True))
    assert plan.before == {
        "mailbox": "support@contoso.example",
        "forwarding_address": None,
        "internal_forward": INTERNAL,
        "keep_copy": False,
    }
    assert plan.after == {
        "mailbox": "support@contoso.example",
        "forwarding_address": TARGET,
        "internal_forward": None,
        "keep_copy": True,
    }
    assert plan.result["effective_target"] == TARGET
    assert len(plan.steps) == 1


def test_other_external_target_is_replaced_with_a_warning_that_names_it() -> None:
    (warning,) = plan_forwarding(mailbox(external_forward=OTHER), wishes()).warnings
    assert OTHER in warning
    assert TARGET in warning


@pytest.mark.parametrize(
    ("stored", "wanted", "changes", "warned"),
    [
        ({}, {}, {}, []),
        ({"keep_copy": True}, {}, {}, []),
        ({"external_forward": TARGET, "keep_copy": True}, {}, {"external_forward": None, "keep_copy": False}, []),
        (
            {"external_forward": TARGET},
            {"forwarding_address": None},
            {"external_forward": None, "keep_copy": False},
            [],
        ),
        ({"external_forward": OTHER}, {}, {}, [OTHER]),
        ({"internal_forward": INTERNAL, "keep_copy": True}, {}, {}, [INTERNAL]),
        (
            {"external_forward": TARGET, "internal_forward": INTERNAL, "keep_copy": True},
            {},
            {"external_forward": None},
            [INTERNAL],
        ),
        (
            {"external_forward": TARGET, "internal_forward": INTERNAL, "keep_copy": True},
            {"replace_internal": True},
            {"external_forward": None, "internal_forward": None, "keep_copy": False},
            [],
        ),
        (
            {"external_forward": OTHER, "internal_forward": INTERNAL, "keep_copy": True},
            {"replace_internal": True},
            {"internal_forward": None},
            [OTHER],
        ),
    ],
    ids=[
        "nothing-there",
        "leftover-copy-flag",
        "ours",
        "whatever-it-is",
        "somebody-elses-external",
        "internal-kept-and-told",
        "ours-goes-internal-stays",
        "both-go",
        "internal-goes-other-external-stays",
    ],
)
def test_case_c19_absent_leaves_nothing_of_ours_and_nothing_unmentioned(
    stored: dict[str, Any], wanted: dict[str, Any], changes: dict[str, Any], warned: list[str]
) -> None:
    plan = plan_forwarding(mailbox(**stored), wishes(state="absent", **wanted))
    assert changes_of(plan) == changes
    assert len(plan.warnings) == len(warned)
    for text, warning in zip(warned, plan.warnings, strict=True):
        assert text in warning


@pytest.mark.parametrize(
    ("stored", "target"),
    [
        ({"external_forward": TARGET, "internal_forward": INTERNAL}, INTERNAL),
        ({"external_forward": OTHER}, OTHER),
        ({}, None),
    ],
)
def test_effective_target_is_the_one_that_wins(stored: dict[str, Any], target: str | None) -> None:
    wanted = wishes(state="absent", forwarding_address="nobody@partner.example")
    assert plan_forwarding(mailbox(**stored), wanted).result["effective_target"] == target


@pytest.mark.parametrize("own", ["support@contoso.example", "SUPPORT@contoso.example", "help@contoso.example"])
def test_forwarding_to_the_mailbox_itself_is_refused(own: str) -> None:
    with pytest.raises(InvalidInput, match="the mailbox itself"):
        plan_forwarding(mailbox(), wishes(forwarding_address=own))


@pytest.mark.parametrize("address", [None, ""])
def test_present_without_an_address_is_refused(address: str | None) -> None:
    with pytest.raises(InvalidInput, match="forwarding_address"):
        wishes(forwarding_address=address)


@pytest.mark.parametrize("address", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_hostile_address_is_refused_before_anything_is_read(address: str, state: str) -> None:
    with pytest.raises(InvalidInput, match="forwarding_address"):
        wishes(forwarding_address=address, state=state)


def test_address_with_a_type_in_front_is_brought_into_plain_form() -> None:
    assert wishes(forwarding_address="smtp:" + TARGET)["forwarding_address"] == TARGET


@QUICKLY
@given(
    external=st.sampled_from([None, TARGET, TARGET.upper(), OTHER]),
    internal=st.sampled_from([None, INTERNAL]),
    stored_copy=st.booleans(),
    target=st.sampled_from([TARGET, OTHER]),
    keep_copy=st.sampled_from([None, True, False]),
    replace_internal=st.booleans(),
    state=st.sampled_from(["present", "absent"]),
)
def test_planning_on_what_a_plan_leaves_behind_yields_nothing(
    external: str | None,
    internal: str | None,
    stored_copy: bool,
    target: str,
    keep_copy: bool | None,
    replace_internal: bool,
    state: str,
) -> None:
    before = mailbox(external_forward=external, internal_forward=internal, keep_copy=stored_copy)
    wanted = wishes(forwarding_address=target, keep_copy=keep_copy, replace_internal=replace_internal, state=state)
    try:
        plan = plan_forwarding(before, wanted)
    except Conflict:
        assert internal
        assert not replace_internal
        return
    after = left_behind(plan, before)
    again = plan_forwarding(after, wanted)
    assert not again.changed
    assert again.before == again.after == plan.after
    assert plan.changed == (plan.before != plan.after)
    if state == "present":
        assert after.internal_forward is None
        assert (after.external_forward or "").lower() == target
        assert keep_copy in (None, after.keep_copy)
