# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy and a rule of our own: what is planned, for whatever is there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import Mailbox
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    Limits,
    MailFlow,
    OutboundPolicy,
    OutboundRule,
    RemoteDomain,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.external_forwarding import (
    Current,
    check,
    plan_external_forwarding,
    strictest,
)
from samples import QUICKLY, mailbox

OURS = "Webex Connect forwarding"
NUMBERS = range(4)


def box(number: int) -> Mailbox:
    address, guid = f"m{number}@contoso.example", f"ab000000-0000-4000-8000-00000000000{number}"
    return mailbox(guid=guid, address=address, names=frozenset({guid, address}), exact_names=frozenset({guid, address}))


def wishes(numbers: list[int], **differences: Any) -> dict[str, Any]:
    options = {
        "mailboxes": [box(number).address for number in numbers],
        "purge_mailboxes": False,
        "organization": False,
        "policy_name": OURS,
        "forwarding_address": None,
        "forwarding_addresses": None,
        "state": "present",
        **differences,
    }
    check(options)
    return options


def current(flow: MailFlow, wanted: dict[str, Any]) -> Current:
    return Current(flow, [(name, box(int(name[1]))) for name in wanted["mailboxes"]])


def flow(policies: list[OutboundPolicy], rules: list[OutboundRule]) -> MailFlow:
    default = OutboundPolicy("Default", "Automatic", is_default=True)
    return MailFlow([default, *policies], rules, [RemoteDomain("Default", "*", True)], [])


def carried_out(before: MailFlow, steps: list[Any]) -> MailFlow:
    """What the service would make of the steps, in their order, refusing what it refuses."""
    policies = {policy.name: policy for policy in before.policies or []}
    rules = {rule.name: rule for rule in before.rules or []}
    for name, a in steps:
        if name == "create_policy":
            assert a["name"] not in policies
            policies[a["name"]] = OutboundPolicy(a["name"], a["mode"], limits=a["limits"])
        elif name == "set_mode":
            policies[a["policy"]] = replace(policies[a["policy"]], mode=a["mode"])
        elif name == "create_rule":
            assert a["policy"] in policies
            assert a["name"] not in rules
            assert a["senders"]
            rules[a["name"]] = OutboundRule(a["name"], a["policy"], len(rules), senders=tuple(a["senders"]))
        elif name == "set_senders":
            assert a["senders"]
            rules[a["rule"]] = replace(rules[a["rule"]], senders=tuple(a["senders"]))
        elif name == "enable_rule":
            rules[a["rule"]] = replace(rules[a["rule"]], enabled=True)
        elif name == "remove_rule":
            del rules[a["rule"]]
        elif name == "remove_policy":
            assert all(rule.policy != a["policy"] for rule in rules.values())
            del policies[a["policy"]]
        else:
            raise AssertionError(name)
    return replace(before, policies=list(policies.values()), rules=list(rules.values()))


STARTS = st.builds(
    lambda mode, senders, enabled, theirs: flow(
        [OutboundPolicy("Theirs", "Off"), *([OutboundPolicy(OURS, mode)] if mode else [])],
        [
            OutboundRule("Theirs", "Theirs", 0, senders=tuple(box(n).address for n in theirs)),
            *(
                [OutboundRule(OURS, OURS, 1, enabled, tuple(box(n).address for n in senders))]
                if mode and senders
                else []
            ),
        ],
    ),
    mode=st.sampled_from([None, "On", "Off", "Automatic"]),
    senders=st.lists(st.sampled_from(NUMBERS), unique=True),
    enabled=st.booleans(),
    theirs=st.lists(st.sampled_from(NUMBERS), unique=True, min_size=1),
)
SOME = st.lists(st.sampled_from(NUMBERS), unique=True, min_size=1)


def ours(after: MailFlow) -> set[str]:
    return {sender for rule in after.rules or [] if rule.policy == OURS for sender in rule.senders}


def without_ours(some: MailFlow) -> Any:
    return [p for p in some.policies or [] if p.name != OURS], [r for r in some.rules or [] if r.policy != OURS]


@QUICKLY
@given(start=STARTS, numbers=SOME, purge=st.booleans())
def test_whatever_is_there_one_run_reaches_the_wish_and_touches_nobody_elses(
    start: MailFlow, numbers: list[int], purge: bool
) -> None:
    wanted = wishes(numbers, purge_mailboxes=purge)
    plan = plan_external_forwarding(current(start, wanted), wanted)
    after = carried_out(start, plan.steps)
    named = set(wanted["mailboxes"])
    assert ours(after) == (named if purge else named | ours(start))
    assert next(p for p in after.policies or [] if p.name == OURS).mode == "On"
    assert next(r for r in after.rules or [] if r.policy == OURS).enabled
    assert without_ours(after) == without_ours(start)
    again = plan_external_forwarding(current(after, wanted), wanted)
    assert not again.changed
    assert again.before == plan.after
    assert again.result == plan.result


@QUICKLY
@given(start=STARTS, numbers=SOME, data=st.data())
def test_a_run_that_ended_anywhere_is_finished_by_the_next(start: MailFlow, numbers: list[int], data: Any) -> None:
    for state in ("present", "absent"):
        wanted = wishes(numbers, state=state)
        plan = plan_external_forwarding(current(start, wanted), wanted)
        done = data.draw(st.integers(0, len(plan.steps)))
        halfway = carried_out(start, plan.steps[:done])
        rest = plan_external_forwarding(current(halfway, wanted), wanted)
        assert carried_out(halfway, rest.steps) == carried_out(start, plan.steps)


@QUICKLY
@given(start=STARTS, numbers=st.lists(st.sampled_from(NUMBERS), unique=True))
def test_absent_takes_just_the_named_and_the_empty_pair_goes(start: MailFlow, numbers: list[int]) -> None:
    wanted = wishes(numbers, state="absent")
    after = carried_out(start, plan_external_forwarding(current(start, wanted), wanted).steps)
    assert ours(after) == (ours(start) - set(wanted["mailboxes"]) if numbers else set())
    assert any(p.name == OURS for p in after.policies or []) == bool(ours(after))
    assert without_ours(after) == without_ours(start)


LIMITS = st.builds(
    Limits,
    external_per_hour=st.sampled_from([0, 10, 20]),
    per_day=st.sampled_from([0, 10, 20]),
    action=st.sampled_from([None, "Alert", "BlockUserForToday", "BlockUser", "New"]),
    notify=st.booleans(),
    notified=st.sampled_from([(), ("a@contoso.example",), ("b@contoso.example",)]),
)


@QUICKLY
@given(several=st.lists(LIMITS, min_size=1, max_size=3))
def test_the_strictest_is_as_strict_as_each(several: list[Limits]) -> None:
    made = strictest(several)
    for limits in several:
        for name in ("external_per_hour", "per_day"):
            assert not getattr(limits, name) or 0 < getattr(made, name) <= getattr(limits, name)
        assert made.notify >= limits.notify
        assert set(limits.notified) <= set(made.notified)
    assert strictest([made, *several]) == made


@pytest.mark.parametrize(
    ("actions", "strict"),
    [
        (["Alert", "BlockUser"], "BlockUser"),
        (["BlockUserForToday", "Alert"], "BlockUserForToday"),
        ([None, "Alert"], "Alert"),
        ([None], None),
    ],
)
def test_the_strictest_action(actions: list[str | None], strict: str | None) -> None:
    assert strictest([Limits(action=action) for action in actions]).action == strict
