# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: its verdict, what it refuses, and that no name in it becomes markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fake_reports import HOSTILE, clean
from module_runner import Failed, Runner

MODULE = "readiness_page"
URL = "https://login.microsoftonline.com/x/oauth2/v2.0/authorize?client_id=y"


def check(name: str = "smtp_server", state: str = "passed", **more: Any) -> dict[str, Any]:
    empty = {"cause": None, "because": ["fine"], "said": None, "fix": None, "proves": "A.", "does_not_prove": "B."}
    return {**empty, "name": name, "state": state, **more}


def test_a_clean_tenant_is_ready_and_the_page_is_written_once(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "verify" / "contoso.md"
    options = {"path": str(path), "name": "contoso", "report": clean("contoso")}
    options["checks"] = [check(), check("authorize_url", "not_possible", url=URL)]
    first = run(MODULE, check=True, **options)
    assert first["changed"]
    assert first["readiness"] == {"ready": True, "because": [], "path": str(path)}
    assert f"`{URL}`" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert not run(MODULE, **options)["changed"]


def test_whatever_speaks_against_it_is_told(run: Runner, tmp_path: Path) -> None:
    report = clean("contoso")
    asset = report["assets"][0]
    asset["verdict"]["can_send"] = {
        "answer": "no",
        "until": None,
        "because": [{"name": "x", "text": "SMTP AUTH is off"}],
    }
    asset["address"] = "primary@contoso.example"
    asset["deep"] = {
        "inbox_rules": [{"name": "copy", "does": "forwards to a@b.example"}],
        "send_as": [],
        "full_access": [],
    }
    failed = check("smtp_login", "failed", cause="not_accepted", said="535 5.7.3 no", mailbox="support@contoso.example")
    options = {"path": str(tmp_path / "p.md"), "name": "contoso", "report": report, "checks": [failed, failed]}
    found = run(MODULE, **options)["readiness"]
    assert not found["ready"]
    text = "\n".join(found["because"])
    for part in ("SMTP AUTH is off", "5.7.60", "twice", "535 5.7.3 no"):
        assert part in text
    assert text.count("535 5.7.3 no") == 1


@pytest.mark.parametrize("path", ["verify/contoso.md", "{0}/artifacts/contoso.md"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_page_that_would_vanish_with_the_job_is_refused(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, check_mode: bool
) -> None:
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    options = {"path": path.format(tmp_path), "name": "contoso", "report": clean("contoso"), "checks": []}
    with pytest.raises(Failed, match="would vanish with this run.*mounted into the execution environment"):
        run(MODULE, check=check_mode, **options)
    assert list(tmp_path.iterdir()) == []


def test_no_name_becomes_markup(run: Runner, tmp_path: Path) -> None:
    report = clean("contoso")
    report["assets"][0]["mailbox"] = HOSTILE + "`|[a](https://attacker.example)"
    report["error"] = {"kind": "x", "message": HOSTILE + "\n# heading"}
    path = tmp_path / "p.md"
    run(MODULE, path=str(path), name=HOSTILE, report=report, checks=[check(because=[HOSTILE])])
    outside_code = "".join(part for part in path.read_text().split("`")[::2])
    assert "<script" not in outside_code.replace("\\<", "")
    assert "\n# heading" not in path.read_text()


def test_a_foreign_file_and_a_foreign_report_are_refused(run: Runner, tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    path.write_text("mine")
    with pytest.raises(Failed, match="no readiness page"):
        run(MODULE, path=str(path), name="x", report=clean("x"), checks=[check()])
    with pytest.raises(Failed, match="not what the modules return"):
        run(MODULE, path=str(tmp_path / "p.md"), name="x", report={"error": None}, checks=[])
    assert path.read_text() == "mine"
