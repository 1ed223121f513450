# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same tasks through both carriers, the controller's worker and a module of its own, come to the same."""

from __future__ import annotations

import json
import re
import sys
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from plays import play, task
from staging import Outcome, Stage

pytestmark = pytest.mark.core

VOLATILE = (
    "app_id",
    "object_id",
    "service_principal_id",
    "key_id",
    "start",
    "end",
    "mailbox_id",
    "request_id",
    "client_request_id",
)
CORES_OWN = "failed_when_suppressed_exception"  # whether core has a traceback, not what the task says


@pytest.fixture
def both(stage: Stage) -> Stage:
    """Two tenants alike; the tasks of ``contoso`` run in the worker, those of ``fabrikam`` as modules."""
    for name in ("contoso", "fabrikam"):
        stage.tenant(name)
    # The same interpreter by another name is no longer the controller's own.
    other_name = Path(sys.executable).parent / "python3"
    stage.hosts["fabrikam"]["ansible_python_interpreter"] = str(other_name)
    stage.serve()
    return stage


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: ("(set)" if inner else inner) if key in VOLATILE else comparable(inner)
            for key, inner in value.items()
            if not key.startswith("_ansible") and key not in ("waited", "ansible_facts", CORES_OWN)
        }
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return value


def told(outcome: Outcome, host: str, stage: Stage) -> list[Any]:
    tenant = stage.hosts[host]["connect_email_tenant_id"]
    said = []
    for line in outcome.of(host):
        text = json.dumps([line["event"], line["task"], comparable(line["result"])], sort_keys=True)
        for part, mark in (
            (tenant, "TENANT"),
            (host, "HOST"),
            (stage.hosts[host]["connect_email_client_id"], "ADMIN"),
        ):
            text = text.replace(part, mark)
        said.append(json.loads(re.sub(r"(request|trace) id [0-9a-f-]{36}", "REQUEST", text)))
    return said


def assert_alike(stage: Stage, outcome: Outcome) -> None:
    assert told(outcome, "contoso", stage) == told(outcome, "fabrikam", stage)
    assert outcome.of("contoso")
    for host in stage.hosts.values():
        assert host["connect_email_client_secret"] not in outcome.output + json.dumps(outcome.results)


@pytest.mark.parametrize("mode", [[], ["--check", "--diff"], ["-vvv", "--diff"]], ids=["real", "check", "verbose"])
def test_results_diffs_and_invocations_are_alike(both: Stage, tmp_path: Path, mode: list[str]) -> None:
    store = {"type": "file", "path": str(tmp_path / "{{ inventory_hostname }}.yml")}
    path = play(
        tmp_path,
        task(
            "app",
            "azure_app_registration",
            "app",
            display_name="WebexConnect",
            redirect_uris=["https://x.example/callback"],
        ),
        task("secret", "app_secret", app_id="{{ app.application.app_id }}", display_name="webex", store=store),
        task("permission", "exchange_app_permission", app_id="{{ app.application.app_id }}"),
        task("smtp", "mailbox_smtp_auth", mailbox="support@{{ inventory_hostname }}.example"),
        task(
            "forward",
            "mailbox_forwarding",
            mailbox="{{ item }}",
            forwarding_address="a@b.example",
            keywords={"loop": ["support@{{ inventory_hostname }}.example"]},
        ),
    )
    outcome = both.run(*mode, playbook=path)
    assert outcome.code == 0, outcome.output[-4000:]
    assert_alike(both, outcome)
    assert len(outcome.changed("contoso")) == 5


FAILING: dict[str, dict[str, Any]] = {
    "unknown option": {"mailbox": "a@b.example", "colour": "red"},
    "unknown word": {"mailbox": "a@b.example", "smtp_auth": "maybe"},
    "a bare off": {"mailbox": "a@b.example", "smtp_auth": False},
    "missing": {},
    "not found": {"mailbox": "nobody@b.example"},
    "wrong type": {"mailbox": "a@b.example", "timeout": "soon"},
    "two credentials": {"mailbox": "a@b.example", "federated_token_file": "/etc/hostname"},
}


def test_failures_are_alike(both: Stage, tmp_path: Path) -> None:
    tasks = [
        task(name, "mailbox_smtp_auth", keywords={"ignore_errors": True}, **options)
        for name, options in FAILING.items()
    ]
    outcome = both.run("-vvv", playbook=play(tmp_path, *tasks))
    assert outcome.code == 0, outcome.output[-4000:]
    assert_alike(both, outcome)
    assert len(outcome.of("contoso", "failed")) == len(FAILING)
    assert any("put the word in quotes" in message for message in outcome.failures("contoso"))


def test_keywords_work_alike(both: Stage, tmp_path: Path) -> None:
    support = {"mailbox": "support@{{ inventory_hostname }}.example"}
    inherit = {**support, "smtp_auth": "inherit"}
    by_environment = {"AZURE_CLIENT_ID": "{{ connect_email_client_id }}"}
    path = play(
        tmp_path,
        task(
            "environment",
            "mailbox_smtp_auth",
            client_id="{{ omit }}",
            keywords={"environment": by_environment},
            **support,
        ),
        task(
            "until",
            "mailbox_smtp_auth",
            "tried",
            mailbox="nobody@b.example",
            keywords={"until": "tried.attempts == 2", "retries": 3, "delay": 0, "failed_when": False},
        ),
        task(
            "failed_when",
            "mailbox_smtp_auth",
            "read",
            keywords={"failed_when": "not read.changed", "check_mode": True, "ignore_errors": True},
            **support,
        ),
        task(
            "register", "mailbox_smtp_auth", mailbox="{{ read.smtp_auth.mailbox }}", keywords={"when": "read is failed"}
        ),
        task("no_log", "mailbox_smtp_auth", keywords={"no_log": True}, **support),
        task("check", "mailbox_smtp_auth", keywords={"check_mode": True}, **inherit),
        task("changed_when", "mailbox_smtp_auth", keywords={"changed_when": False}, **inherit),
        task("tags", "mailbox_smtp_auth", keywords={"tags": ["chosen"]}, **support),
        task("other tags", "mailbox_smtp_auth", keywords={"tags": ["other"]}, **support),
        task("masking", "azure_app_registration", display_name="of {{ connect_email_client_secret }}"),
    )
    outcome = both.run("-vvv", "--diff", "--skip-tags", "other", playbook=path)
    assert outcome.code == 0, outcome.output[-4000:]
    assert_alike(both, outcome)
    tasks = {line["task"]: line["result"] for line in outcome.of("contoso")}
    assert tasks["until"]["attempts"] == 2
    assert tasks["failed_when"]["failed_when_result"] is True
    assert tasks["register"]["smtp_auth"]["mailbox"] == "support@contoso.example"
    assert "censored" in json.dumps(tasks["no_log"])
    assert {name for name in tasks if tasks[name].get("changed")} >= {"environment", "check", "masking"}
    assert tasks["changed_when"]["changed"] is False
    assert "tags" in tasks
    assert "other tags" not in tasks
    assert "********" in json.dumps(tasks["masking"]["diff"])


def test_a_text_that_was_asked_for_reaches_the_playbook_and_no_display(both: Stage, tmp_path: Path) -> None:
    """Also without no_log on the task, and in a loop; what holds no text is shown as ever."""
    keeping = {"app_id": "{{ app.application.app_id }}", "return_secret_text": True}
    length = {"ansible.builtin.debug": {"msg": "{{ kept.secret.secret_text | length }} {{ looped.results | length }}"}}
    path = play(
        tmp_path,
        task("app", "azure_app_registration", "app", display_name="WebexConnect"),
        task("kept", "app_secret", "kept", display_name="webex", **keeping),
        task(
            "looped", "app_secret", "looped", display_name="{{ item }}", keywords={"loop": ["webex", "more"]}, **keeping
        ),
        {"name": "length", **length},
    )
    outcome = both.run("-vvvv", "--diff", playbook=path)
    assert outcome.code == 0, outcome.output[-4000:]
    assert_alike(both, outcome)
    shown = outcome.output + json.dumps(outcome.results)
    for tenant in both.world.tenants:
        assert len(tenant.secret_texts) == 2
        assert not [text for text in tenant.secret_texts.values() if text in shown]
    tasks = {line["task"]: line["result"] for line in outcome.of("contoso")}
    assert tasks["length"]["msg"] == "40 2"
    assert set(outcome.changed("contoso")) == {"app", "kept", "looped"}


def test_async_become_and_delegation_start_the_module(both: Stage, tmp_path: Path) -> None:
    mailbox = "support@{{ inventory_hostname }}.example"
    # Stands for sudo, so that the test needs no other user and no password.
    become = tmp_path / "become"
    become.write_text('#!/bin/sh\necho "$@" >> "$0.log"\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    become.chmod(0o755)
    path = play(
        tmp_path,
        task("async", "mailbox_smtp_auth", mailbox=mailbox, keywords={"async": 60, "poll": 1}),
        task(
            "delegated",
            "mailbox_smtp_auth",
            mailbox=mailbox,
            keywords={
                "delegate_to": "localhost",
                "vars": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable},
            },
        ),
        task(
            "become",
            "mailbox_smtp_auth",
            mailbox=mailbox,
            keywords={"become": True, "become_user": getuser(), "vars": {"ansible_become_exe": str(become)}},
        ),
    )
    outcome = both.run("-vvv", playbook=path, ANSIBLE_BECOME_ALLOW_SAME_USER="true")
    assert outcome.code == 0, outcome.output[-4000:]
    assert outcome.output.count("AnsiballZ_mailbox_smtp_auth.py") >= 6
    assert become.with_suffix(".log").read_text().count("AnsiballZ_mailbox_smtp_auth.py") == 2
    assert outcome.changed("contoso") == ["async"]
