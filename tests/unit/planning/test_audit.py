# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit's judgement alone: what was read and what is wanted in, a report out."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import yaml
from audited import (
    ADDRESS,
    APPLICATION,
    DIRECTORY,
    FLOW,
    MAIL,
    NAME,
    OPEN,
    ROOT,
    SCHEMA,
    TARGET,
    VALIDATOR,
    WANTED,
    boxed,
    judged,
    of_app,
    step,
    verdict,
)
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AuthenticationFailed,
    PermissionMissing,
    TimeIsUp,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    OutboundPolicy,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    Grant,
    Secret,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_policies import ConsentPolicies
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit import Subject, report_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_seen import (
    PARTS,
    Deep,
    nothing_of_the_directory,
    nothing_of_the_mail,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_wishes import wishes_of
from samples import (
    ADMIN_ID,
    CALLBACK,
    EXCHANGE,
    HOSTILE,
    NOW,
    QUICKLY,
    TENANT_ID,
    key_id,
    mailbox,
    secret,
)


def test_what_is_as_wanted_is_ok() -> None:
    report = judged()
    assert report["state"] == "ok"
    assert report["complete"]
    assert {item["state"] for item in report["steps"]} == {"as_wanted", "not_applicable"}
    assert all(item["differences"] == [] and item["fix"] is None for item in report["steps"])


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
