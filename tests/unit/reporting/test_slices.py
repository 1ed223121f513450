# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from jsonschema import Draft202012Validator

import fake_reports
from ansible_collections.webex_connect.office365.plugins.filter.merge_reports import merge_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.slices import merged


def part(*names: str, at: str = "2026-11-25T08:00:00Z") -> dict[str, Any]:
    return {
        "schema_version": "1.0",
        "reports": {name: {"state": "ok"} for name in names},
        "run": {"at": at, "tenants": {name: {"at": at, "seconds": 1.5} for name in names}},
    }


def test_slices_become_what_one_run_would_have_written() -> None:
    whole = fake_reports.audit(fake_reports.fleet(9))
    names = sorted(whole["reports"])
    slices = {
        f"/srv/{start}/report.json": {
            "schema_version": whole["schema_version"],
            "reports": {name: whole["reports"][name] for name in names[start::3]},
            "run": {**whole["run"], "tenants": {name: whole["run"]["tenants"][name] for name in names[start::3]}},
        }
        for start in range(3)
    }
    one = merged(slices)
    assert {**one, "schema_version": "1.0"} == whole
    Draft202012Validator(fake_reports.SCHEMA).validate({**one, "schema_version": "1.0"})


def test_the_run_began_with_the_earliest() -> None:
    late = part("a", at="2026-11-25T09:00:00Z")
    assert merged({"1": late, "2": part("b")})["run"]["at"] == "2026-11-25T08:00:00Z"


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ({}, "no report is given"),
        ({"/a": part("x"), "/b": part("x")}, "x is in /a and in /b"),
        ({"/a": part("x"), "/b": {**part("y"), "schema_version": "0.9"}}, "/b is no report"),
        ({"/a": ["x"]}, "/a is no report"),
    ],
)
def test_what_cannot_be_one_report_is_refused_by_name(documents: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        merged(documents)


def test_the_filter_reads_patterns_in_the_home_folder_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(part(name)))
    assert set(merge_reports(["~/*/report.json"])["reports"]) == {"a", "b"}


NO_TENANTS = json.dumps({**part("b"), "run": {"at": "2026-11-25T08:00:00Z"}})
NO_REPORTS = json.dumps({**part("b"), "reports": "none"})


@pytest.mark.parametrize("text", [None, "", "{", "[]", '"text"', '{"schema_version": "1.0"}', NO_TENANTS, NO_REPORTS])
def test_the_filter_names_a_file_that_is_no_report(tmp_path: Path, text: str | None) -> None:
    good, bad = tmp_path / "a.json", tmp_path / "b.json"
    good.write_text(json.dumps(part("a")))
    if text is not None:
        bad.write_text(text)
    with pytest.raises(AnsibleFilterError, match=str(bad)):
        merge_reports([str(good), str(bad)])


def test_the_filter_names_a_pattern_that_nothing_fits(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"slices/\*/report\.json"):
        merge_reports([f"{tmp_path}/slices/*/report.json"])
