# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""May mail of a mailbox be forwarded outside, and why (C10)? One row a cause."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import PermissionMissing
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    OTHER,
    Condition,
    MailFlow,
    OutboundPolicy,
    OutboundRule,
    RemoteDomain,
    TransportRule,
    mail_flow_of,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.forwarding_judgement import (
    applies_to,
    judge_forwarding,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import Row
from samples import QUICKLY, mailbox
from simulated_tenant.tenant_mail import outbound_policy, outbound_rule, remote_domain

ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"


def default(mode: str = "On") -> OutboundPolicy:
    return OutboundPolicy("Default", mode, is_default=True)


def rule(policy: str, priority: int = 0, **conditions: Any) -> OutboundRule:
    return OutboundRule("Rule of " + policy, policy, priority, **conditions)


def flow(**differences: Any) -> MailFlow:
    plain: dict[str, Any] = {
        "policies": [default()],
        "rules": [],
        "remote_domains": [RemoteDomain("Default", "*", True)],
        "transport_rules": [],
    }
    return MailFlow(**{**plain, **differences})


def transport(*conditions: Condition, **differences: Any) -> TransportRule:
    plain: dict[str, Any] = {"priority": 0, "active": True, "verbs": ("rejects",), "conditions": conditions}
    return TransportRule("Rule", **{**plain, **differences})


OUTSIDE = Condition("SentToScope", ("NotInOrganization",))
LOCK, OPEN = OutboundPolicy("Lock", "Off"), OutboundPolicy("Open", "On")


@pytest.mark.parametrize(
    ("policies", "rules", "effective", "says"),
    [
        ([default("On")], [], "allowed", "'Default' applies to whatever no rule is met by, and allows"),
        ([default("Off")], [], "blocked", "forbids automatic forwarding (Off)"),
        ([default("Automatic")], [], "blocked", "(Automatic), which blocks it"),
        ([default("Sometimes")], [], "unknown", "Sometimes, which is not known"),
        ([], [], "unknown", "not among the policies"),
        ([default("Off"), OPEN], [rule("Open", senders=(ADDRESS,))], "allowed", "'Rule of Open' (priority 0)"),
        ([default("Off"), OPEN], [rule("Open", senders=(ADDRESS.upper(),))], "allowed", "'Open' applies"),
        ([default("Off"), OPEN], [rule("Open", senders=("help@contoso.example",))], "allowed", "'Open' applies"),
        ([default("Off"), OPEN], [rule("open", senders=(ADDRESS,))], "allowed", "'Open' applies"),
        ([default("Off"), OPEN], [rule("Open", senders=("x@contoso.example",))], "blocked", "'Default' applies"),
        ([default("Off"), OPEN], [rule("Open", senders=(ADDRESS,), enabled=False)], "blocked", "'Default' applies"),
        ([default(), LOCK], [rule("Lock", senders=(ADDRESS,))], "blocked", "'Lock' applies by"),
        ([default(), LOCK], [rule("Lock", domains=("Contoso.example",))], "blocked", "'Lock' applies by"),
        ([default(), LOCK], [rule("Lock", domains=("fabrikam.example",))], "allowed", "'Default' applies"),
        ([default(), LOCK], [rule("Lock", domains=("example",))], "unknown", "cannot be told"),
        ([default(), LOCK], [rule("Lock", groups=("finance",))], "unknown", "a member of finance"),
        ([default("Off"), LOCK], [rule("Lock", groups=("finance",))], "blocked", "may apply"),
        ([default(), OPEN], [rule("Open", groups=("finance",))], "allowed", "may apply"),
        ([default(), LOCK], [rule("Lock")], "unknown", "cannot be told"),
        (
            [default(), LOCK],
            [rule("Lock", senders=(ADDRESS,), groups=("finance",))],
            "unknown",
            "a member of finance",
        ),
        (
            [default(), LOCK],
            [rule("Lock", senders=("x@contoso.example",), groups=("finance",))],
            "allowed",
            "'Default' applies",
        ),
        (
            [default(), LOCK],
            [rule("Lock", domains=("contoso.example",), except_senders=(ADDRESS,))],
            "allowed",
            "'Default' applies",
        ),
        (
            [default(), LOCK],
            [rule("Lock", senders=(ADDRESS,), except_domains=("contoso.example",))],
            "allowed",
            "'Default' applies",
        ),
        (
            [default(), LOCK],
            [rule("Lock", senders=(ADDRESS,), except_groups=("bosses",))],
            "unknown",
            "a member of bosses",
        ),
        ([default(), LOCK, OPEN], [rule("Lock", 1, senders=(ADDRESS,)), rule("Open", 0, senders=(ADDRESS,))], "allowed", "Open"),
        ([default(), LOCK, OPEN], [rule("Open", 1, senders=(ADDRESS,)), rule("Lock", 0, senders=(ADDRESS,))], "blocked", "Lock"),
        ([default("Off"), LOCK, OPEN], [rule("Open", 1, senders=(ADDRESS,)), rule("Lock", 0, groups=("g",))], "unknown", "Lock"),
        ([default()], [rule("Gone", senders=(ADDRESS,))], "unknown", "'Gone' applies"),
    ],
)  # fmt: skip
def test_case_c10_the_first_rule_that_is_met_decides_or_the_default(
    policies: list[OutboundPolicy], rules: list[OutboundRule], effective: str, says: str
) -> None:
    judgement = judge_forwarding(mailbox(), TARGET, flow(policies=policies, rules=rules))
    assert judgement.effective == effective
    assert any(says in fact for fact in judgement.because), judgement.because


@pytest.mark.parametrize(
    ("domains", "effective", "says"),
    [
        ({"*": True}, "allowed", "'*' (*) lets"),
        ({"*": False}, "blocked", "'*' (*) forbids"),
        ({"*": None}, "unknown", "does not say"),
        ({}, "unknown", "no remote domain"),
        ({"*": False, "mail-us.imiconnect.io": True}, "allowed", "(mail-us.imiconnect.io) lets"),
        ({"*": True, "Mail-US.imiconnect.io": False}, "blocked", "forbids"),
        ({"*": True, "*.imiconnect.io": False}, "blocked", "(*.imiconnect.io) forbids"),
        ({"*": True, "*.io": True, "*.imiconnect.io": False}, "blocked", "(*.imiconnect.io) forbids"),
        ({"*": True, "*.imiconnect.io": False, "mail-us.imiconnect.io": True}, "allowed", "(mail-us.imiconnect.io) lets"),
        ({"*": True, "imiconnect.io": False}, "allowed", "(*) lets"),
        ({"*": True, "*.miconnect.io": False}, "allowed", "(*) lets"),
        ({"*": True, "*.mail-us.imiconnect.io": False}, "unknown", "(*.mail-us.imiconnect.io) forbids"),
        ({"*": False, "*.mail-us.imiconnect.io": False}, "blocked", "(*) forbids"),
    ],
)  # fmt: skip
def test_case_c10_the_most_specific_remote_domain_decides(
    domains: dict[str, bool | None], effective: str, says: str
) -> None:
    rows = [RemoteDomain(name, name, lets) for name, lets in domains.items()]
    judgement = judge_forwarding(mailbox(), TARGET, flow(remote_domains=rows))
    assert judgement.effective == effective
    assert any(says in fact for fact in judgement.because), judgement.because


@pytest.mark.parametrize(("other", "effective"), [(True, "allowed"), (False, "unknown"), (None, "unknown")])
def test_without_a_target_only_what_holds_for_all_is_told(other: bool | None, effective: str) -> None:
    rows = [RemoteDomain("Default", "*", True), RemoteDomain("Partner", "partner.example", other)]
    assert judge_forwarding(mailbox(), None, flow(remote_domains=rows)).effective == effective


@pytest.mark.parametrize(
    ("rules", "effective", "says"),
    [
        ([], "allowed", "no transport rule stops it"),
        ([transport(OUTSIDE)], "blocked", "'Rule' (priority 0) rejects mail to the target"),
        ([transport()], "blocked", "rejects"),
        ([transport(OUTSIDE, verbs=("deletes", "quarantines"))], "blocked", "deletes and quarantines"),
        ([transport(OUTSIDE, verbs=())], "allowed", "no transport rule"),
        ([transport(OUTSIDE, active=False)], "allowed", "no transport rule"),
        ([transport(Condition("SentToScope", ("InOrganization",)))], "blocked", "rejects mail to the mailbox"),
        ([transport(Condition("RecipientDomainIs", ("mail-us.imiconnect.io",)))], "blocked", "rejects"),
        ([transport(Condition("RecipientDomainIs", ("imiconnect.io",)))], "unknown", "RecipientDomainIs"),
        ([transport(Condition("RecipientDomainIs", ("partner.example",)))], "allowed", "no transport rule"),
        ([transport(Condition("SentTo", (TARGET.upper(),)))], "blocked", "rejects"),
        ([transport(Condition("SentTo", ("x@partner.example",)))], "allowed", "no transport rule"),
        ([transport(OUTSIDE, Condition("MessageTypeMatches", ("AutoForward",)))], "allowed", "no transport rule"),
        ([transport(OUTSIDE, Condition("MessageTypeMatches", ("Encrypted",)))], "allowed", "single messages"),
        ([transport(OUTSIDE, Condition("FromScope", ("NotInOrganization",)))], "blocked", "rejects"),
        ([transport(OUTSIDE, Condition("FromScope", ("InOrganization",)))], "unknown", "FromScope"),
        ([transport(OUTSIDE, Condition("AttachmentSizeOver", ("10 MB",)))], "allowed", "messages, by AttachmentSizeOver"),
        ([transport(OUTSIDE, Condition("From", ("x@partner.example",)))], "allowed", "by their author"),
        ([transport(OUTSIDE, Condition("From", (ADDRESS,)))], "unknown", "From"),
        ([transport(OUTSIDE, Condition("SenderDomainIs", ("partner.example",)))], "allowed", "by their author"),
        ([transport(OUTSIDE, Condition("SenderDomainIs", ("contoso.example",)))], "unknown", "SenderDomainIs"),
        ([transport(OUTSIDE, Condition("FromMemberOf", ("staff",)))], "unknown", "FromMemberOf"),
        ([transport(OUTSIDE, Condition(OTHER))], "unknown", OTHER),
        ([transport(Condition("SentTo", ("Help@contoso.example",)))], "blocked", "rejects mail to the mailbox"),
        ([transport(Condition("SentTo", (ADDRESS,)), Condition("FromScope", ("NotInOrganization",)))], "blocked", "to the mailbox"),
        ([transport(Condition("SentTo", (ADDRESS,)), Condition("FromScope", ("InOrganization",)))], "allowed", "no transport rule"),
        ([transport(Condition("RecipientDomainIs", ("contoso.example",)))], "blocked", "rejects mail to the mailbox"),
        ([transport(Condition("SentTo", (ADDRESS,)), Condition("From", (ADDRESS,)))], "allowed", "by their author"),
        ([transport(Condition("SentToScope", ("InOrganization",)), Condition("SCLOver", ("5",)))], "allowed", "by SCLOver"),
        ([transport(Condition("SentToMemberOf", ("staff",)))], "unknown", "SentToMemberOf"),
        ([transport(OUTSIDE, exceptions=(Condition("SentTo", (TARGET,)),))], "allowed", "no transport rule"),
        ([transport(OUTSIDE, exceptions=(Condition("SentTo", ("x@partner.example",)),))], "blocked", "rejects"),
        ([transport(OUTSIDE, exceptions=(Condition("SentToMemberOf", ("ok",)),))], "unknown", "SentToMemberOf"),
        ([transport(OUTSIDE, exceptions=(Condition("SubjectContainsWords", ("ok",)),))], "blocked", "rejects"),
        ([transport(OUTSIDE, verbs=(), stops_others=True), transport(OUTSIDE, priority=1)], "allowed", "no transport rule"),
        ([transport(OUTSIDE, priority=1), transport(OUTSIDE, priority=2, verbs=(), stops_others=True)], "blocked", "(priority 1)"),
        (
            [transport(Condition(OTHER), verbs=(), stops_others=True), transport(OUTSIDE, priority=1)],
            "unknown",
            "an earlier rule may end the processing",
        ),
    ],
)  # fmt: skip
def test_transport_rules_are_met_or_not_or_it_is_said(rules: list[TransportRule], effective: str, says: str) -> None:
    judgement = judge_forwarding(mailbox(), TARGET, flow(transport_rules=rules))
    assert judgement.effective == effective
    assert any(says in fact for fact in judgement.because), judgement.because


@pytest.mark.parametrize("part", ["policies", "rules", "remote_domains", "transport_rules"])
def test_what_was_not_read_is_never_taken_for_a_yes(part: str) -> None:
    assert judge_forwarding(mailbox(), TARGET, flow(**{part: None})).effective == "unknown"


def test_one_block_is_enough_whatever_else_is_unknown_and_only_it_is_decisive() -> None:
    judgement = judge_forwarding(
        mailbox(), TARGET, flow(remote_domains=None, transport_rules=[transport(OUTSIDE)], rules=None)
    )
    assert judgement.effective == "blocked"
    assert judgement.decisive == ["the transport rule 'Rule' (priority 0) rejects mail to the target"]


STAFF = ("Staff",)


@pytest.mark.parametrize(
    ("rules", "transport_rules", "is_in", "effective"),
    [
        ([rule("Lock", groups=STAFF)], [], True, "blocked"),
        ([rule("Lock", groups=STAFF)], [], False, "allowed"),
        ([rule("Lock", groups=STAFF)], [], None, "unknown"),
        ([rule("Lock", groups=("other", "Staff"))], [], True, "blocked"),
        ([rule("Lock", groups=("other", "Staff"))], [], False, "unknown"),
        ([rule("Lock", domains=("contoso.example",), except_groups=STAFF)], [], True, "allowed"),
        ([rule("Lock", domains=("contoso.example",), except_groups=STAFF)], [], False, "blocked"),
        ([], [transport(Condition("SentToMemberOf", STAFF))], True, "blocked"),
        ([], [transport(Condition("SentToMemberOf", STAFF))], False, "allowed"),
        ([], [transport(OUTSIDE, Condition("FromMemberOf", STAFF))], False, "allowed"),
        ([], [transport(OUTSIDE, Condition("FromMemberOf", STAFF))], True, "unknown"),  # is it the sender of a forward?
    ],
)
def test_who_is_in_a_group_decides_where_it_was_read(
    rules: list[OutboundRule], transport_rules: list[TransportRule], is_in: bool | None, effective: str
) -> None:
    known = {} if is_in is None else {mailbox().guid: is_in, TARGET: False}
    made = flow(policies=[default(), LOCK], rules=rules, transport_rules=transport_rules, members={"staff": known})
    judgement = judge_forwarding(mailbox(), TARGET, made)
    assert judgement.effective == effective
    assert any("which is not read" in fact for fact in judgement.because) == (effective == "unknown" and bool(rules))


def test_every_finding_names_what_it_is_about_whatever_its_text_says() -> None:
    judgement = judge_forwarding(
        mailbox(), TARGET, flow(policies=None, remote_domains=None, transport_rules=[transport(OUTSIDE)])
    )
    assert [finding.name for finding in judgement.findings] == [
        "outbound_policy_unclear", "remote_domain_unclear", "transport_rule_blocks",
    ]  # fmt: skip


NAMES = st.lists(st.sampled_from([ADDRESS, "x@contoso.example"]), max_size=2).map(tuple)
DOMAINS = st.lists(st.sampled_from(["contoso.example", "partner.example"]), max_size=2).map(tuple)


@QUICKLY
@given(senders=NAMES, domains=DOMAINS, except_senders=NAMES, except_domains=DOMAINS)
def test_without_groups_every_rule_with_a_condition_is_decided(
    senders: Any, domains: Any, except_senders: Any, except_domains: Any
) -> None:
    made = rule("P", senders=senders, domains=domains, except_senders=except_senders, except_domains=except_domains)
    met = applies_to(made, mailbox())
    excluded = ADDRESS in except_senders or "contoso.example" in except_domains
    if senders or domains:
        wanted = (not senders or ADDRESS in senders) and (not domains or "contoso.example" in domains)
        assert met is (wanted and not excluded)
    else:
        assert met is (False if excluded else None)


# From the service's rows ---------------------------------------------------------------------------


def rows(*items: dict[str, Any]) -> list[Row]:
    return [Row(item, "it") for item in items]


def transport_row(**differences: Any) -> dict[str, Any]:
    return {"Name": "Rule", "State": "Enabled", "Mode": "Enforce", "Priority": 0, **differences}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, transport(verbs=())),
        ({"State": "Disabled"}, transport(verbs=(), active=False)),
        ({"Mode": "Audit"}, transport(verbs=(), active=False)),
        ({"Mode": "AuditAndNotify"}, transport(verbs=(), active=False)),
        ({"RejectMessageReasonText": "No."}, transport()),
        ({"RejectMessageEnhancedStatusCode": "5.7.1"}, transport()),
        ({"DeleteMessage": True}, transport(verbs=("deletes",))),
        ({"Quarantine": True}, transport(verbs=("quarantines",))),
        ({"RedirectMessageTo": ["x@contoso.example"]}, transport(verbs=("redirects",))),
        ({"Actions": ["Microsoft.X.Tasks.RejectMessageAction"]}, transport()),
        ({"SentToScope": "NotInOrganization"}, transport(OUTSIDE, verbs=())),
        (
            {"SentToScope": "NotInOrganization", "Conditions": ["Microsoft.X.Tasks.SentToScopePredicate"]},
            transport(OUTSIDE, verbs=()),
        ),
        ({"Conditions": ["Microsoft.X.Tasks.NewPredicate"]}, transport(Condition(OTHER), verbs=())),
        (
            {"HeaderMatchesMessageHeader": "X-A", "HeaderMatchesPatterns": ["b"], "Conditions": ["X.HeaderMatches"]},
            transport(Condition("HeaderMatchesMessageHeader", ("X-A",)), verbs=()),
        ),
        ({"HasSenderOverride": False, "AttachmentIsUnsupported": True}, transport(Condition("AttachmentIsUnsupported", ("True",)), verbs=())),
        ({"ExceptIfSentTo": ["a@b.example"]}, transport(verbs=(), exceptions=(Condition("SentTo", ("a@b.example",)),))),
        ({"Exceptions": ["X.NewPredicate"]}, transport(verbs=(), exceptions=(Condition(OTHER),))),
        ({"StopRuleProcessing": True}, transport(verbs=(), stops_others=True)),
    ],
)  # fmt: skip
def test_transport_rules_in_our_words(row: dict[str, Any], expected: TransportRule) -> None:
    answers = [[], [], [], rows(transport_row(**row))]
    assert mail_flow_of(answers).transport_rules == [expected]


def test_the_mail_flow_in_our_words() -> None:
    flow = mail_flow_of(
        [
            rows(outbound_policy("Default", IsDefault=True, RecipientLimitPerDay=5)),
            rows(outbound_rule("R", "P", 3, From=["a@b.example"], State="Disabled")),
            rows(remote_domain("Default", "*")),
            [],
        ]
    )
    assert flow.policies
    assert flow.policies[0].limits.per_day == 5
    assert flow.rules == [OutboundRule("R", "P", 3, enabled=False, senders=("a@b.example",))]
    assert flow.remote_domains == [RemoteDomain("Default", "*", True)]
    assert flow.unread == []


def test_what_is_refused_or_in_another_form_is_unread_with_its_reason() -> None:
    flow = mail_flow_of([[], [], PermissionMissing("denied", right="a role"), rows(transport_row(Priority="x"))])
    assert flow.remote_domains is None
    assert flow.transport_rules is None
    assert flow.unread[0] == "remote domains (needs a role)"
    assert "another form" in flow.unread[1]
