# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's judgement alone: what was read and what is wanted in, a report out."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AuthenticationFailed,
    Conflict,
    NotFound,
    PermissionMissing,
    TimeIsUp,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import SmtpAuth
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    MailFlow,
    OutboundPolicy,
    OutboundRule,
    RemoteDomain,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    MICROSOFT_GRAPH,
    Grant,
    RoleAssignment,
    Secret,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_policies import ConsentPolicies
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit import Subject, report_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_seen import (
    PARTS,
    Box,
    Deep,
    Directory,
    Mail,
    nothing_of_the_directory,
    nothing_of_the_mail,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_waivers import waivers_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_wishes import wishes_of
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import precise_time
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from samples import (
    ADMIN_ID,
    APP_ID,
    CALLBACK,
    EXCHANGE,
    GRAPH,
    HOSTILE,
    MAIL_SEND_ROLE,
    NOW,
    OFFLINE_ACCESS_SCOPE,
    PRINCIPAL,
    QUICKLY,
    RESOURCES,
    SMTP_SEND_SCOPE,
    TENANT_ID,
    application,
    key_id,
    mailbox,
    secret,
)

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator({"$ref": "#/$defs/report", "$defs": SCHEMA["$defs"]})
ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
USER_ID = "ab000000-0000-4000-8000-0000000000aa"
WANTED = {
    "connect_email_callback_url": CALLBACK,
    "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}],
}
NAME = "Webex Connect forwarding"
FLOW = MailFlow(
    [OutboundPolicy("Default", "Automatic", True), OutboundPolicy(NAME, "On")],
    [OutboundRule(NAME, NAME, 0, senders=(ADDRESS,))],
    [RemoteDomain("Default", "*", True)],
    [],
)
APPLICATION = application(
    redirect_uris=[CALLBACK],
    issue_access_tokens=True,
    secrets=[secret(1, 170)],
    requested={
        EXCHANGE_ONLINE: {"Role": {MAIL_SEND_ROLE}, "Scope": {SMTP_SEND_SCOPE}},
        MICROSOFT_GRAPH: {"Role": set(), "Scope": {OFFLINE_ACCESS_SCOPE}},
    },
)
RECORD = Record(TENANT_ID, APP_ID, "webex-connect", key_id(1), precise_time(NOW - timedelta(days=10)), None)
DIRECTORY = Directory(
    named=[APPLICATION],
    principal=PRINCIPAL,
    disabled=False,
    enabled=True,
    assignment_required=False,
    assigned=[],
    resources=dict(RESOURCES),
    assignments=[RoleAssignment("a1", EXCHANGE.object_id, MAIL_SEND_ROLE)],
    grants=[
        Grant("g1", EXCHANGE.object_id, None, " SMTP.Send "),
        Grant("g2", GRAPH.object_id, None, "offline_access"),
    ],
    consent_policies=ConsentPolicies(["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"]),
    has_store=True,
    record=RECORD,
)
OPEN = SmtpAuth(False, True, None, False, None, [])
BOX = Box(
    mailbox=mailbox(external_forward=TARGET, kind="UserMailbox"),
    object_id=USER_ID,
    account_disabled=False,
    own_setting_read=True,
    own_setting=False,
    smtp_auth=OPEN,
)
MAIL = Mail(organization="Contoso", organization_disabled=True, dehydrated=False, boxes={ADDRESS: BOX}, flow=FLOW)


def judged(directory: Directory = DIRECTORY, mail: Mail = MAIL, deep: bool = False, **wishes: Any) -> dict[str, Any]:
    waivers = waivers_of(wishes.pop("waivers", []))
    subject = Subject("contoso", TENANT_ID, ADMIN_ID)
    report = report_of(subject, directory, mail, wishes_of({**WANTED, **wishes}), waivers, deep, NOW)
    VALIDATOR.validate(report)
    return report


def boxed(**differences: Any) -> Mail:
    return replace(MAIL, boxes={ADDRESS: replace(BOX, **differences)})


def of_app(**differences: Any) -> Directory:
    return replace(DIRECTORY, named=[replace(APPLICATION, **differences)])


def verdict(report: dict[str, Any], what: str) -> tuple[str, list[str]]:
    found = report["assets"][0]["verdict"][what]
    return found["answer"], [fact["name"] for fact in found["because"]]


def step(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in report["steps"] if item["step"] == name)


def test_what_is_as_wanted_is_ok() -> None:
    report = judged()
    assert report["state"] == "ok"
    assert report["complete"]
    assert {item["state"] for item in report["steps"]} == {"as_wanted", "not_applicable"}
    assert all(item["differences"] == [] and item["fix"] is None for item in report["steps"])


ON_GRAPH_ONLY = replace(DIRECTORY, grants=[Grant("g", GRAPH.object_id, None, "SMTP.Send offline_access")])
OF_SOMEBODY_ELSE = replace(
    DIRECTORY,
    grants=[Grant("g", EXCHANGE.object_id, "other", "SMTP.Send"), DIRECTORY.grants[1]],
    consent_policies=ConsentPolicies([]),
)


# What the failure catalogue of such connections knows and reading can see: one row a cause.
SENDING: list[tuple[str, Directory, Mail, str, str]] = [
    ("AADSTS50011 wrong host", of_app(redirect_uris=[CALLBACK.replace(".us.", ".eu.")]), MAIL, "no", "redirect_uri_missing"),
    ("AADSTS50011 slash", of_app(redirect_uris=[CALLBACK + "/"]), MAIL, "no", "redirect_uri_missing"),
    ("AADSTS50011 SPA", of_app(redirect_uris=[], spa_redirect_uris=[CALLBACK]), MAIL, "no", "redirect_uri_missing"),
    ("dies after a day", of_app(spa_redirect_uris=[CALLBACK]), MAIL, "unknown", "redirect_uri_also_elsewhere"),
    (
        "AADSTS90094",
        replace(DIRECTORY, grants=[], consent_policies=ConsentPolicies([])),
        MAIL,
        "no",
        "consent_missing",
    ),
    (
        "no refresh token",
        replace(DIRECTORY, grants=DIRECTORY.grants[:1], consent_policies=ConsentPolicies([])),
        MAIL,
        "no",
        "consent_missing",
    ),
    ("consent of the wrong API", ON_GRAPH_ONLY, MAIL, "unknown", "consent_missing"),
    ("consent of somebody else", OF_SOMEBODY_ELSE, MAIL, "unknown", "consent_missing"),
    ("AADSTS7000222", of_app(secrets=[secret(1, -1)]), MAIL, "no", "no_live_secret"),
    ("held secret expired, a newer one there", of_app(secrets=[secret(1, -1), secret(2, 90)]), MAIL, "no", "secret_expired"),
    ("held secret removed", of_app(secrets=[secret(2, 90)]), MAIL, "no", "secret_removed"),
    ("secret ends soon", of_app(secrets=[secret(1, 12)]), MAIL, "until", "secret_ends_soon"),
    ("held secret ends soon, a newer one there", of_app(secrets=[secret(1, 12), secret(2, 180)]), MAIL, "until", "secret_ends_soon"),
    ("only strangers' secrets", replace(of_app(secrets=[secret(3, 90, "by hand")]), record=None), MAIL, "unknown", "only_other_secrets"),
    ("AADSTS700016", replace(DIRECTORY, named=[]), MAIL, "no", "application_absent"),
    ("AADSTS50105", replace(DIRECTORY, assignment_required=True), MAIL, "no", "nobody_assigned"),
    ("AADSTS50105, not read", replace(DIRECTORY, assignment_required=True, assigned=None), MAIL, "unknown", "assignment_not_read"),
    ("AADSTS7000112", replace(DIRECTORY, enabled=False), MAIL, "no", "sign_in_disabled"),
    ("disabled everywhere", replace(DIRECTORY, disabled=True), MAIL, "no", "application_disabled"),
    ("AADSTS650052", replace(DIRECTORY, resources={**RESOURCES, EXCHANGE_ONLINE: None}), MAIL, "no", "api_absent"),
    ("5.7.139 mailbox", DIRECTORY, boxed(smtp_auth=replace(OPEN, mailbox_disabled=True)), "no", "smtp_auth_disabled"),
    ("5.7.139 tenant", DIRECTORY, boxed(smtp_auth=replace(OPEN, mailbox_disabled=None)), "no", "smtp_auth_disabled"),
    ("C40", DIRECTORY, boxed(smtp_auth=replace(OPEN, policy="Block Basic", policy_blocks_basic=True)), "yes", "smtp_auth_enabled"),
    ("mailbox gone", DIRECTORY, boxed(mailbox=None, failure=NotFound("gone")), "no", "mailbox_absent"),
    ("C23", DIRECTORY, boxed(mailbox=None, failure=Conflict("two")), "unknown", "several_mailboxes"),
    ("leaver", DIRECTORY, boxed(account_disabled=True), "no", "sign_in_blocked"),
    ("shared mailbox", DIRECTORY, boxed(account_disabled=True, mailbox=replace(BOX.mailbox, kind="SharedMailbox")), "yes", "smtp_auth_enabled"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("directory", "mail", "answer", "fact"), [row[1:] for row in SENDING], ids=[r[0] for r in SENDING]
)
def test_why_mail_cannot_be_sent(directory: Directory, mail: Mail, answer: str, fact: str) -> None:
    report = judged(directory, mail)
    said, facts = verdict(report, "can_send")
    assert said == answer
    assert fact in facts
    assert (report["state"] == "ok") == (answer == "yes")


ARRIVING: list[tuple[str, Mail, str, str]] = [
    ("not forwarded", boxed(mailbox=mailbox()), "no", "forwarding_absent"),
    ("old alias", boxed(mailbox=mailbox(external_forward="b" + TARGET[1:])), "no", "forwards_elsewhere"),
    (
        "C19",
        boxed(mailbox=mailbox(external_forward=TARGET, internal_forward="Doe, Jordan")),
        "no",
        "internal_forward_wins",
    ),
    ("5.7.520 Automatic", replace(MAIL, flow=replace(FLOW, rules=[])), "no", "outbound_policy_blocks"),
    (
        "5.7.520 another rule first",
        replace(
            MAIL,
            flow=replace(
                FLOW,
                policies=[*FLOW.policies, OutboundPolicy("Finance lock", "Off")],
                rules=[
                    OutboundRule("Finance lock", "Finance lock", 0, senders=(ADDRESS,)),
                    replace(FLOW.rules[0], priority=1),
                ],
            ),
        ),
        "no",
        "outbound_policy_blocks",
    ),
    (
        "remote domain",
        replace(MAIL, flow=replace(FLOW, remote_domains=[RemoteDomain("Default", "*", False)])),
        "no",
        "remote_domain_blocks",
    ),
    ("policies not read", replace(MAIL, flow=replace(FLOW, policies=None)), "unknown", "outbound_policy_unclear"),
    ("remote domains not read", replace(MAIL, flow=replace(FLOW, remote_domains=None)), "unknown", "remote_domain_unclear"),
]  # fmt: skip


@pytest.mark.parametrize(("mail", "answer", "fact"), [row[1:] for row in ARRIVING], ids=[r[0] for r in ARRIVING])
def test_why_mail_does_not_arrive(mail: Mail, answer: str, fact: str) -> None:
    report = judged(mail=mail)
    said, facts = verdict(report, "arrives")
    assert said == answer
    assert fact in facts
    assert verdict(report, "can_send")[0] == "yes"


@pytest.mark.parametrize("kind", ["blocked", "unknown"])
def test_a_fact_that_decides_stands_before_those_that_do_not(kind: str) -> None:
    flow = replace(FLOW, rules=[]) if kind == "blocked" else replace(FLOW, remote_domains=None)
    _answer, facts = verdict(judged(mail=replace(MAIL, flow=flow)), "arrives")
    assert "forwards_to_the_asset" not in facts
    assert len(facts) == 1


def test_the_secret_that_stops_first_is_told_with_its_day() -> None:
    report = judged(of_app(secrets=[secret(1, 12)]))
    assert report["state"] == "expiring"
    assert report["mail"] == {"down": False, "stops": "2026-12-07T08:00:00Z"}
    assert report["assets"][0]["verdict"]["can_send"]["until"] == "2026-12-07T08:00:00Z"
    cell = step(report, "secret")
    assert (cell["state"], cell["until"]) == ("expiring", "2026-12-07T08:00:00Z")
    assert cell["fix"]["tag"] == "secret"


def test_the_rotation_is_that_of_the_module() -> None:
    older = Secret(key_id(2), "webex-connect", NOW - timedelta(days=90), NOW + timedelta(days=60))
    report = judged(of_app(secrets=[*APPLICATION.secrets, older]))
    assert report["state"] == "ok"
    assert report["rotation"]["step"] == "retire"
    assert report["rotation"]["old_key_ids"] == [key_id(2)]
    assert step(report, "secret")["state"] == "as_wanted"
    (fact,) = step(report, "secret")["because"]
    assert fact["name"] == "rotation_under_way"
    assert key_id(2) in fact["text"]
    assert [(s["key_id"], s["current"]) for s in report["secrets"]] == [(key_id(2), False), (key_id(1), True)]


# What could not be read


@pytest.mark.parametrize("part", PARTS)
def test_every_part_that_is_unread_is_a_gap_and_never_ok(part: str) -> None:
    refusal = PermissionMissing("refused", right="Some.Right")
    if part in ("outbound spam policies", "outbound spam rules", "remote domains", "transport rules"):
        report = judged(mail=replace(MAIL, flow=replace(FLOW, refusals={part: refusal})))
    elif part in (
        "mailboxes",
        "smtp_auth",
        "organization_smtp_auth",
        "organization",
        "authentication_policies",
        "users",
    ):
        report = judged(mail=replace(MAIL, unread={part: refusal}))
    elif part in ("inbox_rules", "send_as", "full_access"):
        report = judged(mail=replace(boxed(deep=Deep()), unread={part: refusal}), deep=True)
    else:
        report = judged(replace(DIRECTORY, unread={part: refusal}))
    assert report["state"] != "ok"
    assert not report["complete"]
    (entry,) = [entry for entry in report["coverage"] if entry["gap"]]
    assert (entry["what"], entry["kind"], entry["right"]) == (PARTS[part][0], "refused", "Some.Right")


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (PermissionMissing("no"), "refused"),
        (UnexpectedReply("it is incomplete"), "cut_short"),
        (UnexpectedReply("no sense"), "failed"),
        (TimeIsUp("late"), "failed"),
    ],
)
def test_nothing_read_is_unreadable_everywhere(failure: Exception, kind: str) -> None:
    report = judged(nothing_of_the_directory(failure), nothing_of_the_mail(failure))
    assert {item["state"] for item in report["steps"]} == {"unreadable"}
    assert {entry["kind"] for entry in report["coverage"] if entry["gap"]} == {kind}
    assert verdict(report, "can_send")[0] == verdict(report, "arrives")[0] == "unknown"
    assert len(report["steps"]) == len(judged()["steps"])
    assert not report["mail"]["down"]


@pytest.mark.parametrize(
    ("failure", "silent", "state"),
    [(Unreachable("dead"), True, "unreachable"), (AuthenticationFailed("wrong"), False, "unreadable")],
)
def test_a_tenant_that_says_nothing(failure: Exception, silent: bool, state: str) -> None:
    subject = Subject("contoso", TENANT_ID, ADMIN_ID, failure, silent)
    directory, mail = nothing_of_the_directory(failure), nothing_of_the_mail(failure)
    report = report_of(subject, directory, mail, wishes_of(WANTED), [], False, NOW)
    VALIDATOR.validate(report)
    assert report["state"] == state
    assert report["error"]["kind"] == type(failure).__name__


def test_a_setting_of_the_mailboxs_own_decides_without_the_organizations() -> None:
    mail = replace(
        boxed(smtp_auth=None), unread={"organization_smtp_auth": PermissionMissing("refused", right="a role")}
    )
    report = judged(mail=mail)
    assert step(report, "smtp_auth")["state"] == "unreadable"
    assert report["assets"][0]["smtp_auth"]["effective"] == "enabled"
    assert verdict(report, "can_send")[0] == "yes"
    assert report["state"] == "unreadable"


# Waivers and order


def test_waivers_hide_one_object_until_their_last_day() -> None:
    waiver = {"what": "forwarding:" + ADDRESS, "reason": "moving", "owner": "ops", "until": "2026-11-25"}
    mail = boxed(mailbox=mailbox(kind="UserMailbox"))
    assert judged(mail=mail)["state"] == "drift"
    assert judged(mail=mail, waivers=[waiver])["state"] == "ok"
    over = judged(mail=mail, waivers=[{**waiver, "until": "2026-11-24"}])
    assert over["state"] == "drift"
    assert step(over, "forwarding")["because"][-1]["name"] == "waiver_expired"


def test_steps_stand_in_the_order_of_the_guide_and_the_wishes() -> None:
    assets = [
        {"mailbox": name + "@contoso.example", "forwarding_address": TARGET} for name in ("zoe", "amy", "support")
    ]
    report = judged(connect_email_assets=assets)
    order = ["application", "redirect_uri", "implicit_grant", "secret", "permissions", "permissions", "consent"]
    order += ["user_consent", *["smtp_auth"] * 3, *["forwarding"] * 3, *["external_forwarding"] * 3]
    assert [item["step"] for item in report["steps"]] == order
    objects = [item["object"] for item in report["steps"] if item["step"] == "forwarding"]
    assert objects == [asset["mailbox"] for asset in assets]


def test_forwarding_for_the_organization_without_an_asset_is_a_step_of_the_tenant() -> None:
    report = judged(connect_email_assets=[], connect_email_external_forwarding="organization")
    assert step(report, "external_forwarding")["object"] == "contoso"
    assert step(report, "external_forwarding")["state"] == "drift"
    assert report["assets"] == []


@QUICKLY
@given(
    names=st.lists(st.sampled_from(sorted(HOSTILE)), max_size=3),
    ends=st.lists(st.one_of(st.none(), st.integers(-400, 800)), max_size=4),
    mode=st.sampled_from(["On", "Off", "Automatic", "Later"]),
    own=st.sampled_from([True, False, None]),
    granted=st.sets(st.sampled_from(["SMTP.Send", "IMAP.AccessAsUser.All", "smtp.send", "x"])),
)
def test_whatever_is_read_the_report_is_valid_and_ok_means_that_mail_flows(
    names: list[str], ends: list[int | None], mode: str, own: bool | None, granted: set[str]
) -> None:
    secrets = [secret(n, days, "webex-connect") for n, days in enumerate(ends)]
    secrets += [secret(50 + n, 10, HOSTILE[name]) for n, name in enumerate(names)]
    directory = replace(
        of_app(secrets=secrets),
        grants=[Grant("g", EXCHANGE.object_id, None, " ".join(sorted(granted))), DIRECTORY.grants[1]],
        record=None,
    )
    flow = replace(FLOW, policies=[FLOW.policies[0], OutboundPolicy(NAME, mode)])
    report = judged(directory, replace(boxed(smtp_auth=replace(OPEN, mailbox_disabled=own)), flow=flow))
    if report["state"] == "ok":
        assert verdict(report, "can_send")[0] == "yes"
        assert verdict(report, "arrives")[0] == "yes"
    assert json.dumps(report) == json.dumps(report, sort_keys=True)


# The same options as the modules have


def defaults_of(module: str) -> dict[str, Any]:
    path = "ansible_collections.webex_connect.office365.plugins.modules."
    options = importlib.import_module(path + module).OPTIONS
    return {name: option.get("default") for name, option in options.items() if name != "store"}


@pytest.mark.parametrize(
    ("module", "given_by_the_role"),
    [
        (
            "azure_app_registration",
            {"display_name": "WebexConnect", "redirect_uris": [CALLBACK], "issue_access_tokens": True},
        ),
        ("app_secret", {"display_name": "webex-connect", "grace_days": 7}),
        ("admin_consent", {}),
        ("exchange_app_permission", {}),
        ("mailbox_smtp_auth", {"mailbox": ADDRESS}),
        ("mailbox_forwarding", {"mailbox": ADDRESS, "forwarding_address": TARGET}),
        ("user_consent_policy", {}),
        (
            "external_forwarding_policy",
            {"mailboxes": [ADDRESS], "forwarding_addresses": {ADDRESS: TARGET}},
        ),
    ],
)
def test_the_options_are_those_of_the_module(module: str, given_by_the_role: dict[str, Any]) -> None:
    wishes = wishes_of(WANTED)
    options = {
        "azure_app_registration": wishes.application,
        "app_secret": wishes.secret,
        "admin_consent": wishes.consent,
        "exchange_app_permission": wishes.permissions[0],
        "mailbox_smtp_auth": wishes.assets[0].smtp_auth,
        "mailbox_forwarding": wishes.assets[0].forwarding,
        "user_consent_policy": wishes.user_consent,
        "external_forwarding_policy": wishes.external_forwarding,
    }[module]
    of_entries = ("permissions", "resource", "application_permissions", "delegated_permissions")
    for name, default in {**defaults_of(module), **given_by_the_role}.items():
        if name not in of_entries:
            assert options[name] == default, name


def test_the_defaults_are_those_of_the_role() -> None:
    of_role = yaml.safe_load((ROOT / "roles" / "connect_email" / "defaults" / "main.yml").read_text())
    assert wishes_of({**of_role, **WANTED}) == wishes_of(WANTED)
    module = importlib.import_module("ansible_collections.webex_connect.office365.plugins.modules.connect_email_info")
    assert set(module.WANTED) <= set(of_role)


def test_what_the_role_does_not_manage_is_no_ok_either() -> None:
    report = judged(
        replace(DIRECTORY, consent_policies=ConsentPolicies([]), grants=DIRECTORY.grants[1:]),
        connect_email_permissions=[{"resource": "Office 365 Exchange Online", "application": ["Mail.Send"]}],
    )
    cell = step(report, "consent")
    assert (cell["state"], cell["fix"]["who"]) == ("blocked", "administrator")
    assert "connect_email_permissions" in cell["fix"]["command"]
    assert report["mail"]["down"]


def test_the_schema_knows_the_steps_in_the_order_of_the_guide() -> None:
    cells = importlib.import_module(
        "ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_cells"
    )
    assert SCHEMA["$defs"]["step"]["properties"]["step"]["enum"] == list(cells.FIXES)
    assert {name for _what, names in PARTS.values() for name in names} <= set(cells.FIXES)
