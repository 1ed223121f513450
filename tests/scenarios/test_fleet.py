# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""audit.yml over many tenants: in parts as AWX splits a job, and what is told while it runs."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

from staging import COLLECTIONS, Stage

AUDIT = "webex_connect.office365.audit"
NAMES = ["contoso", "fabrikam", "northwind", "tailspin", "woodgrove"]


def reports(stage: Stage, folder: str, *arguments: str) -> dict[str, Any]:
    extra = json.dumps({"connect_report_dir": str(stage.folder / folder), "connect_report_formats": ["json"]})
    outcome = stage.run("-e", extra, *arguments, playbook=AUDIT)
    assert outcome.code == 0, outcome.output
    document = json.loads((stage.folder / folder / "report.json").read_text())
    assert sorted(document["run"]["tenants"]) == sorted(document["reports"])
    return dict(json.loads(re.sub(r"trace id [0-9a-f-]+", "trace id", json.dumps(document["reports"]))))


def test_a_limit_and_the_slices_of_a_job_tell_the_same_of_each_tenant(stage: Stage) -> None:
    for name in NAMES:
        stage.tenant(name)
    stage.serve()
    stage.hosts["fabrikam"]["connect_email_client_secret"] = "not-the-secret"
    for variable, value in (("callback_url", "https://other.us.webexconnect.io/callback"), ("app_name", "Other")):
        stage.hosts["tailspin"]["connect_email_" + variable] = value
    whole = reports(stage, "whole")
    assert sorted(whole) == NAMES
    assert whole["fabrikam"]["error"]
    limited = reports(stage, "limited", "--limit", "contoso,tailspin")
    assert limited == {name: whole[name] for name in ("contoso", "tailspin")}
    # AWX gives slice number n of three every third host, as an inventory of its own.
    every, parts = dict(stage.hosts), {}
    for number in range(3):
        stage.hosts = {name: every[name] for name in sorted(every)[number::3]}
        part = reports(stage, f"slice{number}")
        assert sorted(part) == sorted(stage.hosts)
        parts.update(part)
    assert parts == whole


@pytest.mark.core
def test_progress_shows_in_the_events_of_ansible_runner_before_the_task_ends(stage: Stage) -> None:
    count = 12
    for number in range(count):
        stage.tenant(f"tenant{number}")
    stage.serve()
    stage.inventory()
    private = stage.folder / "runner"
    private.mkdir()
    events: list[dict[str, Any]] = []
    run = ansible_runner.run(
        private_data_dir=str(private),
        playbook=AUDIT,
        inventory=str(stage.folder / "inventory.yml"),
        extravars={"connect_report_dir": str(stage.folder / "report")},
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(stage.folder / "ansible"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
        event_handler=lambda event: bool(events.append(event)),
        quiet=True,
    )
    assert run.rc == 0, [event["stdout"] for event in events]
    told = [number for number, event in enumerate(events) if f"audited 10 of {count} tenants" in event["stdout"]]
    ended = [
        number
        for number, event in enumerate(events)
        if event["event"] == "runner_on_ok" and event["event_data"]["task"].startswith("Read and judge all tenants")
    ]
    assert told
    assert told[0] < ended[0]
    assert any(f"audited {count} of {count} tenants" in event["stdout"] for event in events)
