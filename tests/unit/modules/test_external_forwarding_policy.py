# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding outside: allowed for named mailboxes or for all, and nobody else's block undone."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant, World

MODULE = "external_forwarding_policy"
ADDRESS, SALES = "support@contoso.example", "sales@contoso.example"
ASSET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
OURS = "Webex Connect forwarding"
POLICY, RULE = "HostedOutboundSpamFilterPolicy", "HostedOutboundSpamFilterRule"


@pytest.fixture(autouse=True)
def mailboxes(tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS)
    tenant.add_mailbox(SALES, forwarding_smtp_address=ASSET)


def written(run: Runner, since: int = 0) -> list[str]:
    return [str(write.cmdlet) for write in run.world.writes()[since:]]


def verdict(result: dict[str, Any], number: int = 0) -> tuple[str, str]:
    mailbox = result["external_forwarding"]["mailboxes"][number]
    return mailbox["effective"], " / ".join(mailbox["because"])


def others(tenant: Tenant) -> Any:
    """All that belongs to somebody else."""
    return copy.deepcopy(
        [
            [row for row in tenant.outbound_policies if row["Name"] != OURS],
            [row for row in tenant.outbound_rules if row["Name"] != OURS],
            tenant.remote_domains,
            tenant.transport_rules,
        ]
    )


# Twelve runs --------------------------------------------------------------------------------------


def test_twelve_runs(run: Runner, tenant: Tenant) -> None:
    before = others(tenant)
    made = run.settled(MODULE, mailboxes=[ADDRESS])
    assert written(run) == ["New-" + POLICY, "New-" + RULE]
    assert tenant.outbound_policy(OURS)["AutoForwardingMode"] == "On"
    rule = tenant.outbound_rule(OURS)
    assert (rule[POLICY], rule["From"], rule["State"]) == (OURS, [ADDRESS], "Enabled")
    assert verdict(made)[0] == "allowed"
    added = run.settled(MODULE, mailboxes=[SALES])
    assert tenant.outbound_rule(OURS)["From"] == [ADDRESS, SALES]
    assert verdict(added)[0] == "allowed"
    left = run.settled(MODULE, mailboxes=[ADDRESS], state="absent")
    assert tenant.outbound_rule(OURS)["From"] == [SALES]
    assert verdict(left)[0] == "blocked"
    run.settled(MODULE, mailboxes=[SALES], state="absent")
    assert others(tenant) == before
    assert [len(tenant.outbound_policies), len(tenant.outbound_rules)] == [1, 0]


def test_twelve_runs_for_the_organization(run: Runner, tenant: Tenant) -> None:
    allowed = run.settled(MODULE, organization=True, mailboxes=[ADDRESS])
    assert tenant.outbound_policy()["AutoForwardingMode"] == "On"
    assert allowed["external_forwarding"]["organization_mode"] == "On"
    assert verdict(allowed)[0] == "allowed"
    run.settled(MODULE, organization=True, state="absent")
    assert tenant.outbound_policy()["AutoForwardingMode"] == "Automatic"
    (first, second) = run.world.writes()
    for write in (first, second):
        assert sorted(write.parameters) == ["AutoForwardingMode", "Identity"]


def test_the_default_policy_that_is_off_is_not_put_on_automatic(run: Runner, tenant: Tenant) -> None:
    tenant.outbound_policy()["AutoForwardingMode"] = "Off"
    assert not run.announced(MODULE, organization=True, state="absent")["changed"]
    opened = run.settled(MODULE, organization=True)
    assert "somebody had chosen" in opened["warnings"][0]


# C10: what applies to the mailbox is told, whatever one policy says ---------------------------------


def test_case_c10_stage_1_automatic_blocks_until_the_organization_allows(run: Runner, tenant: Tenant) -> None:
    state = run(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET, state="gathered")
    assert verdict(state)[0] == "blocked"
    assert "Automatic" in state["warnings"][0]
    assert not state["changed"]
    default = copy.deepcopy(tenant.outbound_policy())
    result = run.settled(MODULE, organization=True, mailboxes=[ADDRESS], forwarding_address=ASSET)
    assert {**default, "AutoForwardingMode": "On"} == tenant.outbound_policy()
    assert verdict(result)[0] == "allowed"
    assert result["warnings"] == []


def test_case_c10_stage_1_the_scoped_way_leaves_the_default_policy_alone(run: Runner, tenant: Tenant) -> None:
    default = copy.deepcopy(tenant.outbound_policy())
    result = run.settled(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET)
    assert tenant.outbound_policy() == default
    assert result["external_forwarding"]["organization_mode"] == "Automatic"
    assert verdict(result)[0] == "allowed"


@pytest.mark.parametrize("way", [{}, {"organization": True}], ids=["scoped", "organization"])
def test_case_c10_stage_2_a_stricter_rule_that_comes_first_is_named_and_left(
    run: Runner, tenant: Tenant, way: dict[str, Any]
) -> None:
    tenant.outbound_policy()["AutoForwardingMode"] = "On"
    tenant.add_outbound_policy("Finance lock", AutoForwardingMode="Off")
    tenant.add_outbound_rule("Finance rule", "Finance lock", From=[ADDRESS])
    before = others(tenant)
    for result in (run.announced(MODULE, mailboxes=[ADDRESS], **way), run(MODULE, mailboxes=[ADDRESS], **way)):
        (warning,) = result["warnings"]
        assert "'Finance lock' applies by the rule 'Finance rule' (priority 0), and forbids" in warning
        assert "(Off)" in warning
        assert verdict(result)[0] == "blocked"
    assert others(tenant) == before
    assert all(rule["Priority"] == 1 for rule in tenant.outbound_rules if rule["Name"] == OURS)


@pytest.mark.parametrize("way", [{}, {"organization": True}], ids=["scoped", "organization"])
def test_case_c10_stage_3_a_remote_domain_that_forbids_is_named_and_left(
    run: Runner, tenant: Tenant, way: dict[str, Any]
) -> None:
    tenant.outbound_policy()["AutoForwardingMode"] = "On"
    tenant.remote_domain()["AutoForwardEnabled"] = False
    before = others(tenant)
    result = run.announced(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET, **way)
    assert "the remote domain 'Default' (*) forbids automatic forwards" in result["warnings"][0]
    assert verdict(result)[0] == "blocked"
    assert others(tenant) == before


def test_case_c10_the_remote_domain_of_the_target_wins_over_the_default(run: Runner, tenant: Tenant) -> None:
    tenant.remote_domain()["AutoForwardEnabled"] = False
    tenant.add_remote_domain("Connect", "*.imiconnect.io")
    assert verdict(run(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET))[0] == "allowed"


def lock_finance(tenant: Tenant) -> None:
    tenant.add_outbound_policy("Finance lock", AutoForwardingMode="Off")
    tenant.add_outbound_rule("Finance rule", "Finance lock", From=[ADDRESS])


STAGES: dict[str, Callable[[Tenant], Any]] = {
    "automatic": lambda tenant: None,
    "finance-lock": lock_finance,
    "remote-domain": lambda tenant: tenant.remote_domain().update(AutoForwardEnabled=False),
    "transport-rule": lambda tenant: tenant.add_transport_rule(
        "Stay inside", SentToScope="NotInOrganization", RejectMessageReasonText="No."
    ),
    "members-of-a-group": lambda tenant: [
        tenant.add_outbound_policy("Lock", AutoForwardingMode="Off"),
        tenant.add_outbound_rule("Lock", "Lock", FromMemberOf=["finance@contoso.example"]),
    ],
}


@pytest.mark.parametrize("mode", ["Automatic", "On", "Off"])
@pytest.mark.parametrize("stage", STAGES)
def test_case_c10_the_report_judges_as_the_module_does(run: Runner, tenant: Tenant, stage: str, mode: str) -> None:
    tenant.outbound_policy()["AutoForwardingMode"] = mode
    STAGES[stage](tenant)
    told = run(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET, state="gathered")
    effective, because = verdict(told)
    assets = [{"mailbox": ADDRESS, "forwarding_address": ASSET}]
    wanted = {
        "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
        "connect_email_assets": assets,
    }
    (report,) = run("connect_email_info", wanted=wanted)["reports"].values()
    judged = report["assets"][0]["forwarding"]
    assert judged["allowed"] == {"allowed": "yes", "blocked": "no", "unknown": "unknown"}[effective]
    assert sorted(reason["text"] for reason in judged["because"]) == sorted(because.split(" / "))
    assert run.world.writes() == []


def test_a_transport_rule_that_rejects_is_named(run: Runner, tenant: Tenant) -> None:
    tenant.add_transport_rule("Stay inside", SentToScope="NotInOrganization", RejectMessageReasonText="No.")
    result = run(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET)
    assert "the transport rule 'Stay inside' (priority 0) rejects mail to the target" in result["warnings"][0]
    assert verdict(result)[0] == "blocked"


def test_what_group_membership_decides_is_said_to_be_unknown(run: Runner, tenant: Tenant) -> None:
    tenant.add_outbound_policy("Lock", AutoForwardingMode="Off")
    tenant.add_outbound_rule("Lock", "Lock", FromMemberOf=["finance@contoso.example"])
    result = run(MODULE, mailboxes=[ADDRESS], forwarding_address=ASSET)
    assert verdict(result)[0] == "unknown"
    assert "finance@contoso.example, which is not read" in result["warnings"][0]


def test_the_target_is_the_mailboxs_own_unless_it_is_given(run: Runner, tenant: Tenant) -> None:
    tenant.add_remote_domain("Connect", "mail-us.imiconnect.io", AutoForwardEnabled=False)
    tenant.add_remote_domain("Europe", "mail-eu.imiconnect.io")
    europe = "x@mail-eu.imiconnect.io"
    both = {"mailboxes": [ADDRESS, SALES], "state": "gathered", "organization": True}
    tenant.outbound_policy()["AutoForwardingMode"] = "On"

    def verdicts(**options: Any) -> list[tuple[str | None, str]]:
        found = run(MODULE, **both, **options)["external_forwarding"]["mailboxes"]
        return [(item["target"], item["effective"]) for item in found]

    assert verdicts() == [(None, "unknown"), (ASSET, "blocked")]
    assert verdicts(forwarding_address=europe) == [(europe, "allowed"), (europe, "allowed")]
    own = {ADDRESS.upper(): ASSET}
    assert verdicts(forwarding_address=europe, forwarding_addresses=own) == [(ASSET, "blocked"), (europe, "allowed")]


# C07: organizations that were never customized ------------------------------------------------------


@pytest.mark.parametrize("way", [{}, {"organization": True}], ids=["scoped", "organization"])
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_case_c07_an_organization_that_is_not_customizable_is_told_without_a_write(
    run: Runner, tenant: Tenant, way: dict[str, Any], check: bool
) -> None:
    tenant.organization_config["IsDehydrated"] = True
    with pytest.raises(Failed) as failed:
        run(MODULE, check=check, mailboxes=[ADDRESS], **way)
    for part in ("Enable-OrganizationCustomization", "permanent", "an hour", "Nothing in the policies was changed"):
        assert part in failed.value.message
    assert run.world.writes() == []
    assert run.clock.slept == []


def test_case_c07_what_needs_no_write_passes_in_such_an_organization(run: Runner, tenant: Tenant) -> None:
    tenant.organization_config["IsDehydrated"] = True
    assert not run.announced(MODULE, mailboxes=[ADDRESS], state="gathered")["changed"]
    assert not run.announced(MODULE, mailboxes=[ADDRESS], state="absent")["changed"]


def test_case_c07_minutes_after_customization_a_write_is_tried_again(run: Runner, tenant: Tenant) -> None:
    tenant.hydration_failures_left = 3
    result = run.settled(MODULE, mailboxes=[ADDRESS])
    assert written(run).count("New-" + POLICY) == 4
    assert verdict(result)[0] == "allowed"
    assert result["waited"][0]["seen"]


def test_case_c07_trying_again_has_an_end(run: Runner, tenant: Tenant) -> None:
    tenant.hydration_failures_left = 10**6
    with pytest.raises(Failed, match=r"Enable-OrganizationCustomization.*Nothing in the policies was changed"):
        run(MODULE, mailboxes=[ADDRESS], replication_timeout=60)
    assert 50 < sum(run.clock.slept) < 80


def test_case_c07_where_readiness_may_not_be_read_nothing_is_tried_again(run: Runner, tenant: Tenant) -> None:
    tenant.add_admin(
        "c0000008-0000-4000-8000-000000000008",
        "s8~not-a-real-secret",
        directory_roles=[],
        management_roles=["Transport Hygiene", "Remote and Accepted Domains", "Transport Rules"],
    )
    tenant.organization_config["IsDehydrated"] = True
    with pytest.raises(Failed, match="find mailbox"):
        run(
            MODULE,
            mailboxes=[ADDRESS],
            client_id="c0000008-0000-4000-8000-000000000008",
            client_secret="s8~not-a-real-secret",
        )
    with pytest.raises(Failed, match="Enable-OrganizationCustomization"):
        run(
            MODULE,
            organization=True,
            client_id="c0000008-0000-4000-8000-000000000008",
            client_secret="s8~not-a-real-secret",
        )
    assert written(run) == ["Set-" + POLICY]
    assert run.clock.slept == []


# A new policy loosens nothing but forwarding ---------------------------------------------------------


def test_a_new_policy_copies_limits_and_notifications_of_the_one_that_governed(run: Runner, tenant: Tenant) -> None:
    tight = {
        "RecipientLimitExternalPerHour": 40,
        "RecipientLimitInternalPerHour": 50,
        "RecipientLimitPerDay": 60,
        "ActionWhenThresholdReached": "BlockUser",
        "NotifyOutboundSpam": True,
        "NotifyOutboundSpamRecipients": ["soc@contoso.example"],
        "BccSuspiciousOutboundMail": True,
        "BccSuspiciousOutboundAdditionalRecipients": ["audit@contoso.example"],
    }
    tenant.outbound_policy().update(RecipientLimitPerDay=1000)
    tenant.add_outbound_policy("Sales", **tight)
    tenant.add_outbound_rule("Sales", "Sales", SenderDomainIs=["contoso.example"], ExceptIfFrom=[ADDRESS])
    run.settled(MODULE, mailboxes=[SALES], policy_name="For sales")
    made = tenant.outbound_policy("For sales")
    assert {name: made[name] for name in tight} == tight
    run.settled(MODULE, mailboxes=[ADDRESS])
    assert tenant.outbound_policy(OURS)["RecipientLimitPerDay"] == 1000
    assert tenant.outbound_policy(OURS)["ActionWhenThresholdReached"] == "BlockUserForToday"


def test_mailboxes_of_several_policies_get_the_strictest_of_each(run: Runner, tenant: Tenant) -> None:
    tenant.outbound_policy().update(
        RecipientLimitPerDay=900, NotifyOutboundSpam=True, NotifyOutboundSpamRecipients=["soc@contoso.example"]
    )
    tenant.add_outbound_policy("Sales", RecipientLimitExternalPerHour=70, ActionWhenThresholdReached="BlockUser")
    tenant.add_outbound_rule("Sales", "Sales", From=[SALES])
    result = run(MODULE, mailboxes=[ADDRESS, SALES])
    made = tenant.outbound_policy(OURS)
    assert (made["RecipientLimitPerDay"], made["RecipientLimitExternalPerHour"]) == (900, 70)
    assert (made["ActionWhenThresholdReached"], made["NotifyOutboundSpamRecipients"]) == (
        "BlockUser",
        ["soc@contoso.example"],
    )
    assert any("strictest" in warning for warning in result["warnings"])


def test_joining_a_policy_with_other_limits_draws_a_warning(run: Runner, tenant: Tenant) -> None:
    run(MODULE, mailboxes=[ADDRESS])
    tenant.add_outbound_policy("Sales", RecipientLimitPerDay=70)
    tenant.add_outbound_rule("Sales", "Sales", From=[SALES])
    result = run(MODULE, mailboxes=[ADDRESS, SALES])
    assert any("'Sales'" in warning and "limits" in warning for warning in result["warnings"])


# Only what differs, and what an interrupted run left --------------------------------------------------


@pytest.mark.parametrize("kind", ["policy", "rule"])
def test_an_interrupted_pair_is_finished_by_the_next_run(run: Runner, world: World, tenant: Tenant, kind: str) -> None:
    refusal = {"error": {"code": "BadRequest", "message": "x", "details": [{"message": "E|System.Odd|Not now."}]}}
    cmdlet = "New-" + (POLICY if kind == "policy" else RULE)
    world.faults.add({"cmdlet": cmdlet}, 400, body=refusal)
    with pytest.raises(Failed, match=r"Not now\."):
        run(MODULE, mailboxes=[ADDRESS])
    since = len(world.writes())
    run.settled(MODULE, mailboxes=[ADDRESS])
    assert written(run, since) == (["New-" + POLICY] if kind == "policy" else []) + ["New-" + RULE]


def test_an_interrupted_removal_is_finished_by_the_next_run(run: Runner, tenant: Tenant) -> None:
    tenant.add_outbound_policy(OURS, AutoForwardingMode="On")
    run.settled(MODULE, mailboxes=[ADDRESS], state="absent")
    assert written(run) == ["Remove-" + POLICY]


@pytest.mark.parametrize(
    ("drift", "cmdlet", "parameters"),
    [
        ({"policy": {"AutoForwardingMode": "Off"}}, "Set-" + POLICY, {"Identity": OURS, "AutoForwardingMode": "On"}),
        ({"rule": {"State": "Disabled"}}, "Enable-" + RULE, {"Identity": OURS}),
        ({"rule": {"From": [SALES]}}, "Set-" + RULE, {"Identity": OURS, "From": [SALES, ADDRESS]}),
    ],
    ids=["mode", "disabled", "sender"],
)
def test_each_drift_is_put_back_by_one_write_of_what_differs(
    run: Runner, tenant: Tenant, drift: dict[str, Any], cmdlet: str, parameters: dict[str, Any]
) -> None:
    run(MODULE, mailboxes=[ADDRESS])
    tenant.outbound_policy(OURS).update(drift.get("policy", {}))
    tenant.outbound_rule(OURS).update(drift.get("rule", {}))
    since = len(run.world.writes())
    run.settled(MODULE, mailboxes=[ADDRESS])
    (write,) = run.world.writes()[since:]
    assert (write.cmdlet, write.parameters) == (cmdlet, parameters)


def test_a_secondary_address_in_the_rule_is_no_drift(run: Runner, tenant: Tenant) -> None:
    tenant.mailbox(ADDRESS)["EmailAddresses"].append("smtp:help@contoso.example")
    run(MODULE, mailboxes=["Help@contoso.example"])
    assert tenant.outbound_rule(OURS)["From"] == [ADDRESS]
    tenant.outbound_rule(OURS)["From"] = ["HELP@contoso.example"]
    assert not run.announced(MODULE, mailboxes=[ADDRESS])["changed"]


def test_a_renamed_rule_is_still_the_policys_own(run: Runner, tenant: Tenant) -> None:
    run(MODULE, mailboxes=[ADDRESS])
    tenant.outbound_rule(OURS).update(Name="Renamed", Identity="Renamed")
    assert not run.announced(MODULE, mailboxes=[ADDRESS])["changed"]
    run.settled(MODULE, mailboxes=[SALES], purge_mailboxes=True)
    assert tenant.outbound_rule("Renamed")["From"] == [SALES]


@pytest.mark.parametrize("do", ["answer_lost", 503])
@pytest.mark.parametrize(
    "cmdlet", ["New-" + POLICY, "New-" + RULE, "Set-" + RULE, "Remove-" + RULE, "Remove-" + POLICY]
)
def test_a_lost_answer_is_no_failure_and_makes_no_second_object(
    run: Runner, world: World, tenant: Tenant, cmdlet: str, do: Any
) -> None:
    world.faults.add({"cmdlet": cmdlet}, do)
    run.settled(MODULE, mailboxes=[ADDRESS])
    run.settled(MODULE, mailboxes=[SALES])
    assert len(tenant.outbound_policies) == 2
    run.settled(MODULE, state="absent")
    assert [len(tenant.outbound_policies), len(tenant.outbound_rules)] == [1, 0]


def test_purge_leaves_just_the_named(run: Runner, tenant: Tenant) -> None:
    run(MODULE, mailboxes=[ADDRESS, SALES])
    run.settled(MODULE, mailboxes=[SALES], purge_mailboxes=True)
    assert tenant.outbound_rule(OURS)["From"] == [SALES]


def test_a_mailbox_that_is_gone_can_still_leave_the_rule(run: Runner, tenant: Tenant) -> None:
    run(MODULE, mailboxes=[ADDRESS, SALES])
    tenant.mailboxes.remove(tenant.mailbox(SALES))
    result = run.settled(MODULE, mailboxes=[SALES.upper()], state="absent")
    assert tenant.outbound_rule(OURS)["From"] == [ADDRESS]
    assert verdict(result) == ("unknown", "there is no such mailbox")


# Nobody else's ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    "rule",
    [
        {"name": OURS, "policy": OURS, "From": [SALES], "ExceptIfFrom": [ADDRESS]},
        {"name": "Theirs", "policy": OURS, "FromMemberOf": ["finance@contoso.example"]},
        {"name": OURS, "policy": "Theirs", "From": [SALES]},
    ],
    ids=["exception", "group", "other-policy"],
)
def test_a_rule_that_this_module_would_not_make_stops_the_task(
    run: Runner, tenant: Tenant, rule: dict[str, Any], state: str
) -> None:
    tenant.add_outbound_policy(rule["policy"], AutoForwardingMode="Off")
    tenant.add_outbound_rule(**rule)
    with pytest.raises(Failed, match="policy_name"):
        run(MODULE, mailboxes=[ADDRESS], state=state)
    assert run.world.writes() == []


def test_a_new_rule_comes_last_and_moves_no_other(run: Runner, tenant: Tenant) -> None:
    for name in ("First", "Second"):
        tenant.add_outbound_policy(name, AutoForwardingMode="Off")
        tenant.add_outbound_rule(name, name, From=[SALES])
    before = others(tenant)
    result = run.settled(MODULE, mailboxes=[ADDRESS])
    assert tenant.outbound_rule(OURS)["Priority"] == 2
    assert "(priority 2)" in verdict(result)[1]
    run.settled(MODULE, state="absent")
    assert others(tenant) == before


# What is asked for -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "Neither mailboxes nor organization"),
        ({"mailboxes": []}, "Neither mailboxes nor organization"),
        ({"mailboxes": ["sup*"]}, "wildcards"),
        ({"mailboxes": [ADDRESS + "\n" + SALES]}, "mailboxes holds a line end"),
        ({"mailboxes": [""]}, "mailboxes holds an empty text"),
        ({"mailboxes": [ADDRESS], "policy_name": "Default"}, "policy_name"),
        ({"mailboxes": [ADDRESS], "policy_name": "x" * 65}, "at most 64"),
        ({"mailboxes": [ADDRESS], "forwarding_address": "nobody"}, "forwarding_address is 'nobody'"),
        ({"mailboxes": [ADDRESS], "forwarding_addresses": {SALES: ASSET}}, "mailboxes does not name"),
        ({"organization": True, "purge_mailboxes": True}, "purge_mailboxes"),
    ],
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_unusable_wishes_are_refused_before_anything_is_sent(
    run: Runner, options: dict[str, Any], says: str, check: bool
) -> None:
    with pytest.raises(Failed, match=says):
        run(MODULE, check=check, **options)
    assert run.world.log == []


def test_mailboxes_that_are_not_found_or_not_one_are_refused(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox("one@contoso.example", display_name="Desk")
    tenant.add_mailbox("two@contoso.example", display_name="desk")
    with pytest.raises(Failed, match=r"one@contoso\.example, two@contoso\.example"):
        run(MODULE, mailboxes=["Desk"])
    with pytest.raises(Failed, match="No mailbox is called that"):
        run(MODULE, mailboxes=[ADDRESS, "nobody@contoso.example"])
    assert run.world.writes() == []


def test_without_a_change_one_request_is_enough(run: Runner, world: World, tenant: Tenant) -> None:
    run(MODULE, mailboxes=[ADDRESS, SALES])
    since = len(world.requests("exchange"))
    run(MODULE, mailboxes=[ADDRESS, SALES])
    (request,) = world.requests("exchange")[since:]
    assert len(request.inner) == 6


@pytest.mark.parametrize(
    ("roles", "unread", "effective"),
    [
        (["Global Reader"], [], "blocked"),
        (
            ["Exchange Recipient Administrator"],
            ["outbound spam policies", "outbound spam rules", "remote domains", "transport rules"],
            "unknown",
        ),
        (["Exchange Recipient Administrator", "Security Reader"], ["remote domains", "transport rules"], "blocked"),
    ],
    ids=["reader", "recipients", "security"],
)
def test_gathered_tells_what_could_not_be_read(
    run: Runner, tenant: Tenant, roles: list[str], unread: list[str], effective: str
) -> None:
    tenant.add_admin("c0000008-0000-4000-8000-000000000008", "s8~not-a-real-secret", directory_roles=roles)
    lesser = {"client_id": "c0000008-0000-4000-8000-000000000008", "client_secret": "s8~not-a-real-secret"}
    result = run.announced(MODULE, mailboxes=[ADDRESS], state="gathered", **lesser)
    assert [item.split(" (")[0] for item in result["external_forwarding"]["unread"]] == unread
    assert all("Exchange role that holds Get-" in item for item in result["external_forwarding"]["unread"])
    assert verdict(result)[0] == effective
    if unread:
        with pytest.raises(Failed, match="Exchange Administrator"):
            run(MODULE, mailboxes=[ADDRESS], **lesser)
