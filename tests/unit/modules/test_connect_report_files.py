# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an audit, by way of the module's life cycle. It knows no absent, and check mode writes like the real run."""

from __future__ import annotations

import copy
import json
import os
import stat
from types import SimpleNamespace

import pytest
from jsonschema import Draft202012Validator

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._converge import Resource, converge
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from ansible_collections.webex_connect.office365.plugins.modules.connect_report_files import RESOURCE

ALL = ["json", "html", "junit", "csv", "ics"]
NAMES = {"report.json", "report.html", "junit.xml", "action_plan.csv", "secret_expiry.ics"}


def run(folder, audit, check_mode=False, **options):
    given = {"directory": str(folder), "formats": ALL, "reports": audit["reports"], "run": audit["run"], **options}
    return converge(RESOURCE, given, check_mode, "connect_report_files", environ={})


def two(*breaks):
    """Two tenants, the first of them broken."""
    reports = {name: fake_reports.clean(name) for name in ("contoso", "fabrikam")}
    for broken in breaks:
        broken(reports["contoso"])
    return {name: fake_reports.judged(report) for name, report in reports.items()}


def comparable(folder):
    document = json.loads((folder / "report.json").read_text())
    document.pop("run")
    return json.dumps(document, indent=2, sort_keys=True).encode()


@pytest.mark.parametrize("check_mode", [True, False])
def test_all_files_are_written_in_check_mode_too_and_the_same_audit_changes_nothing(tmp_path, check_mode):
    audit = fake_reports.audit(two(fake_reports.smtp_off))
    first = run(tmp_path / "new", audit, check_mode)
    assert first["changed"]
    assert set(first["report"]["files"]) == NAMES
    assert first["diff"]["before"]["files"] == dict.fromkeys(NAMES, "absent")
    before = {path: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert {path.name for path in before} == NAMES
    for again in (not check_mode, check_mode):
        assert not run(tmp_path / "new", audit, again)["changed"]
        assert {path: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before


def test_only_an_offline_resource_may_write_in_check_mode(tmp_path):
    written = []
    plan = Plan({}, {}, {}, steps=[("write", {})])
    for offline in (True, False):
        resource = Resource(
            key="x",
            options={},
            read=lambda tenant, options: None,
            plan=lambda current, options: plan,
            apply=lambda tenant, options, plan: written.append(1) or {},
            offline=offline,
            of_tenants=offline,
            writes_in_check_mode=True,
        )
        login = {"tenant_id": "contoso.example", "client_id": fake_reports.guid("c"), "client_secret": "s" * 20}
        converge(
            resource, login, True, "x", environ={}, connect=lambda login: SimpleNamespace(tenant_id="t", waited=[])
        )
    assert written == [1]


def test_the_comparable_part_is_the_same_bytes_and_fits_the_schema(tmp_path):
    reports = two(fake_reports.smtp_off, fake_reports.waived)
    run(tmp_path, fake_reports.audit(copy.deepcopy(reports)))
    first, whole = comparable(tmp_path), (tmp_path / "report.json").read_bytes()
    shuffled = {name: dict(reversed(list(reports[name].items()))) for name in reversed(list(reports))}
    assert run(tmp_path, fake_reports.audit(shuffled, later=1))["changed"]
    assert comparable(tmp_path) == first
    assert (tmp_path / "report.json").read_bytes() != whole
    Draft202012Validator(fake_reports.SCHEMA).validate(json.loads((tmp_path / "report.json").read_text()))


def test_the_earlier_report_is_kept_and_compared_with_and_a_repeated_task_tells_the_same(tmp_path):
    run(tmp_path, fake_reports.audit(two(fake_reports.smtp_off, fake_reports.consent_missing)))
    first = (tmp_path / "report.json").read_bytes()
    audit = fake_reports.audit(two(fake_reports.consent_missing, fake_reports.policy_locked), later=1)
    since = run(tmp_path, audit)["report"]["since"]
    mailbox = "support@contoso.example"
    assert since["at"] == fake_reports.moment(0)
    assert since["new"] == [{"tenant": "contoso", "step": "external_forwarding", "object": mailbox}]
    assert since["fixed"] == [{"tenant": "contoso", "step": "smtp_auth", "object": mailbox}]
    assert [entry["step"] for entry in since["still_open"]] == ["consent"]
    assert (tmp_path / "report.previous.json").read_bytes() == first
    again = run(tmp_path, audit)
    assert (again["changed"], again["report"]["since"]) == (False, since)


def test_a_report_can_be_named_to_compare_with(tmp_path):
    run(tmp_path / "old", fake_reports.audit(two(fake_reports.smtp_off), later=-90))
    run(tmp_path / "new", fake_reports.audit(two()))
    named = str(tmp_path / "old" / "report.json")
    since = run(tmp_path / "new", fake_reports.audit(two(), later=1), previous=named)["report"]["since"]
    assert since["at"] == fake_reports.moment(-90)
    assert len(since["fixed"]) == 1
    with pytest.raises(InvalidInput, match="no report"):
        run(tmp_path / "new", fake_reports.audit(two()), previous=str(tmp_path / "nothing.json"))


def test_a_report_of_another_version_is_kept_aside_and_not_compared_with(tmp_path):
    old = {**fake_reports.audit(two()), "schema_version": "0.9"}
    (tmp_path / "report.json").write_text(json.dumps(old))
    result = run(tmp_path, fake_reports.audit(two()))
    assert result["report"]["since"] is None
    assert any("0.9" in warning for warning in result["warnings"])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_foreign_file_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text('{"mine": true}')
    with pytest.raises(Conflict, match=name.replace(".", r"\.")):
        run(tmp_path, fake_reports.audit(two()))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_formats_choose_the_files_which_only_their_owner_reads(tmp_path):
    result = run(tmp_path / "a", fake_reports.audit(two()), formats=["html"])
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["report.html"]
    assert list(result["report"]["files"]) == ["report.html"]
    assert stat.S_IMODE(os.stat(tmp_path / "a" / "report.html").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "a").st_mode) == 0o700


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, check_mode):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="directory"):
        run(tmp_path / "file" / "reports", fake_reports.audit(two()), check_mode)


@pytest.mark.parametrize("folder", ["report", "{0}/artifacts/report"])
@pytest.mark.parametrize("formats", [ALL, []])
def test_a_folder_that_would_vanish_with_the_job_is_refused(tmp_path, monkeypatch, folder, formats):
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="would vanish with this run.*mounted into the execution environment"):
        run(folder.format(tmp_path), fake_reports.audit(two()), formats=formats)
    assert list(tmp_path.iterdir()) == []


def test_no_format_only_finds_out_whether_the_folder_can_be_used(tmp_path):
    assert not run(tmp_path / "new", fake_reports.audit({}), formats=[])["changed"]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(Conflict, match="no report of an audit"):
        run(tmp_path, fake_reports.audit({}), formats=[])


def test_what_is_no_audit_is_refused(tmp_path):
    audit = fake_reports.audit(two())
    for spoiled in ({"schema_version": "2.0"}, {"steps": None}):
        reports = copy.deepcopy(audit["reports"])
        reports["contoso"].update(spoiled)
        if spoiled.get("steps", 1) is None:
            del reports["contoso"]["steps"]
        with pytest.raises(InvalidInput, match="contoso"):
            run(tmp_path, {**audit, "reports": reports})
    for at in (None, "yesterday"):
        with pytest.raises(InvalidInput, match="at"):
            run(tmp_path, {**audit, "run": {"at": at, "tenants": {}}})
    assert list(tmp_path.iterdir()) == []


def test_the_result_sorts_tenants_by_what_is_wrong(tmp_path):
    reports = two(fake_reports.secret_ending(20), fake_reports.smtp_off)
    fake_reports.unreachable(reports["fabrikam"])
    report = run(tmp_path, fake_reports.audit(reports))["report"]
    assert report["states"] == {"unreachable": 1, "blocked": 0, "drift": 1, "unreadable": 0, "expiring": 0, "ok": 0}
    assert (report["down"], report["drift"], report["expiring"]) == (["contoso"], ["contoso"], ["contoso"])
    assert report["unreachable"] == report["unreadable"] == report["incomplete"] == ["fabrikam"]
