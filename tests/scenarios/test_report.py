# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit.yml: it only reads, writes its files in every mode, and ends as it was asked to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import fake_reports
from demo_audit import BROKEN, break_in_five_places, demonstrate_audit, found_in
from simulated_tenant import Tenant
from staging import ROOT, UNREHEARSED, Outcome, Stage

AUDIT = "webex_connect.office365.audit"
NAMES = {"report.json", "report.html", "junit.xml", "action_plan.csv", "secret_expiry.ics"}
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))


def audit(stage: Stage, *arguments: str, **variables: Any) -> tuple[Outcome, dict[str, Any]]:
    folder = stage.folder / "report"
    extra = json.dumps({"connect_report_dir": str(folder), **variables})
    written = len(stage.world.writes())
    outcome = stage.run("-e", extra, *arguments, playbook=AUDIT)
    assert len(stage.world.writes()) == written
    document = json.loads((folder / "report.json").read_text())
    Draft202012Validator(SCHEMA).validate(document)
    return outcome, document


def states(document: dict[str, Any]) -> dict[str, str]:
    return {name: report["state"] for name, report in document["reports"].items()}


def turn_smtp_off(stage: Stage) -> None:
    for mailbox in stage.world.tenants[0].mailboxes:
        mailbox["SmtpClientAuthenticationDisabled"] = True


def test_an_audit_follows_a_tenant_from_ready_to_broken_and_back(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.tenant("fabrikam")
    stage.serve()
    assert stage.run("--limit", "contoso", *UNREHEARSED).code == 0

    outcome, document = audit(stage)
    assert outcome.code == 0, outcome.output
    assert states(document) == {"contoso": "ok", "fabrikam": "drift"}
    assert {path.name for path in (stage.folder / "report").iterdir()} == NAMES
    held = [secret["current"] for secret in document["reports"]["contoso"]["secrets"]]
    assert held == [True]  # the store that onboard.yml chose is found

    turn_smtp_off(stage)
    outcome, document = audit(stage, "--check", "--limit", "contoso")
    assert outcome.code == 0, outcome.output
    assert states(document) == {"contoso": "drift"}
    assert document["reports"]["contoso"]["mail"]["down"]
    result = [r["result"] for r in outcome.results if r["action"].endswith("connect_report_files")][-1]
    assert result["report"]["since"]["new"] == [
        {"tenant": "contoso", "step": "smtp_auth", "object": "support@contoso.example"}
    ]

    before = document["reports"]
    _outcome, document = audit(stage, "--limit", "contoso")
    assert document["reports"] == before
    assert tenant.mailboxes[0]["SmtpClientAuthenticationDisabled"] is True


def test_the_exit_is_as_asked_and_one_dead_tenant_hides_no_other(stage: Stage) -> None:
    stage.tenant("contoso")
    stage.tenant("fabrikam")
    stage.hosts["fabrikam"]["connect_email_client_secret"] = "not-the-secret"
    stage.serve()
    assert stage.run("--limit", "contoso", *UNREHEARSED).code == 0
    limit = ["--limit", "contoso"]

    assert audit(stage, *limit, connect_report_fail_on="expiring")[0].code == 0
    turn_smtp_off(stage)
    waiver = {"what": "smtp_auth", "reason": "moving", "owner": "j.doe", "until": "2099-01-01"}
    for fail_on in ("blocked", "drift"):
        outcome, _document = audit(stage, *limit, connect_report_fail_on=fail_on, connect_email_waivers=[waiver])
        assert outcome.code != 0
        assert any("mail is down: contoso" in message for message in outcome.failures())

    outcome, document = audit(stage)
    assert outcome.code == 0, outcome.output
    assert states(document)["contoso"] == "drift"
    assert document["reports"]["fabrikam"]["error"]
    page = (stage.folder / "report" / "report.html").read_text()
    assert "fabrikam" in page
    outcome, _document = audit(stage, connect_report_fail_on="sometimes", connect_report_formats=["json"])
    assert outcome.code != 0
    assert "connect_report_fail_on" in outcome.output


STEPS_OF = {
    "azure_app_registration": {"application", "redirect_uri", "implicit_grant"},
    "app_secret": {"secret"},
    "exchange_app_permission": {"permissions"},
    "admin_consent": {"consent"},
    "user_consent_policy": {"user_consent"},
    "mailbox_smtp_auth": {"smtp_auth"},
    "mailbox_forwarding": {"forwarding"},
    "external_forwarding_policy": {"external_forwarding"},
}


def everything_drifts(tenant: Tenant) -> None:
    tenant.applications[0]["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] = False
    tenant.applications[0]["requiredResourceAccess"] = []
    tenant.outbound_rules.clear()


@pytest.mark.parametrize("broken", ["everywhere", "from the start"])
def test_a_check_run_of_the_onboarding_announces_what_the_report_says_drifts(stage: Stage, broken: str) -> None:
    tenant = stage.tenant("contoso")
    stage.hosts["contoso"]["connect_email_user_consent"] = "disabled" if broken == "everywhere" else None
    stage.serve()
    if broken != "from the start":
        assert stage.run(*(["--skip-tags", "policy"] if broken == "everywhere" else [])).code == 0
    if broken == "everywhere":
        break_in_five_places(tenant, stage.hosts["contoso"]["connect_email_assets"][0])
        everything_drifts(tenant)
    _outcome, document = audit(stage)
    announced = {
        result["action"].rsplit(".", 1)[-1]
        for result in stage.run("--check").results
        if result["result"].get("changed") and result["action"].rsplit(".", 1)[-1] in STEPS_OF
    }
    drifting = found_in(document["reports"]["contoso"])
    assert {name for name, steps in STEPS_OF.items() if steps & drifting} == announced
    assert len(announced) == {"everywhere": 8, "from the start": 7}[broken]


LEVELS = ("never", "blocked", "drift", "expiring")


@pytest.mark.parametrize(
    ("breaks", "fails_from"),
    [
        ([], None),
        ([fake_reports.waived], None),
        ([fake_reports.secret_ending(24)], "expiring"),
        ([fake_reports.consent_missing], "drift"),
        ([fake_reports.exchange_refused], "drift"),
        ([fake_reports.policy_locked], "blocked"),
        ([fake_reports.unreachable], "blocked"),
    ],
    ids=["clean", "waived", "expiring", "drift", "unreadable", "blocked", "unreachable"],
)
def test_each_level_of_fail_on_counts_what_it_says(stage: Stage, breaks: list[Any], fails_from: str | None) -> None:
    stage.tenant("contoso")
    stage.serve()
    found = fake_reports.clean("contoso")
    for broken in breaks:
        broken(found)
    given = fake_reports.audit({"contoso": fake_reports.judged(found)})
    first = LEVELS.index(fails_from) if fails_from else len(LEVELS)
    for number in range(first - 1, min(first + 1, len(LEVELS))):  # the last that passes, and the first that fails
        outcome, _document = audit(stage, connect_report_audit=given, connect_report_fail_on=LEVELS[number])
        assert (outcome.code != 0) == (number >= first), outcome.output
    assert stage.world.log == []


def test_a_folder_that_would_vanish_with_the_job_is_refused_before_a_tenant_is_read(stage: Stage) -> None:
    stage.tenant("contoso")
    stage.serve()
    extra = json.dumps({"connect_report_dir": str(stage.folder / "report")})
    outcome = stage.run("-e", extra, playbook=AUDIT, AWX_PRIVATE_DATA_DIR=str(stage.folder))
    assert outcome.code != 0
    assert any("would vanish with this run" in message for message in outcome.failures())
    assert stage.world.log == []
    assert not (stage.folder / "report").exists()


def test_a_tenant_whose_variables_cannot_be_read_is_in_the_report_all_the_same(stage: Stage) -> None:
    for name in ("contoso", "fabrikam"):
        stage.tenant(name)
    stage.hosts["contoso"]["connect_email_client_secret"] = "{{ nobody_knows_this }}"
    stage.serve()
    outcome, document = audit(stage)
    assert set(document["reports"]) == {"contoso", "fabrikam"}
    assert states(document) == {"contoso": "unreadable", "fabrikam": "drift"}
    assert "variables of contoso" in document["reports"]["contoso"]["error"]["message"]
    assert outcome.code == 0, outcome.output
    assert audit(stage, connect_report_fail_on="drift")[0].code != 0


def test_no_credential_is_shown_or_written(stage: Stage) -> None:
    stage.tenant("contoso")
    stage.serve()
    stage.run(*UNREHEARSED)
    outcome, _document = audit(stage, "-vvvv", "--diff")
    assert outcome.code == 0, outcome.output
    seen = [json.dumps(outcome.results), outcome.output]
    seen += [path.read_text() for path in Path(stage.folder, "report").iterdir()]
    secrets = ["fake-admin-secret-of-contoso", *stage.world.tenants[0].secret_texts.values()]
    assert not [secret for secret in secrets for text in seen if secret in text]


def test_the_five_breaks_of_the_demonstration_are_each_found(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.serve()
    assert stage.run(*UNREHEARSED).code == 0
    asset = stage.hosts["contoso"]["connect_email_assets"][0]
    lines: list[str] = []

    def play(title: str, *arguments: str, playbook: str) -> None:
        lines.append(title)
        assert stage.run(*arguments, playbook=playbook).code == 0

    def expect(holds: bool, what: str) -> None:
        assert holds, what

    page = demonstrate_audit(stage.world, "contoso", tenant, asset, stage.folder / "report", play, expect)
    assert page.is_file()
    _outcome, document = audit(stage)
    assert found_in(document["reports"]["contoso"]) == set(BROKEN)
