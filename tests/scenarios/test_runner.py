# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks as AWX runs them: ansible-runner, the thin project, a credential of our type, answers that are texts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from awx_data import AWX, DATA, injected
from staging import COLLECTIONS, Stage

CLIENT_ID, SECRET = "c0000000-0000-4000-8000-0000000000aa", "fake-admin-secret-of-all-tenants"
WITH_SECRET = "Webex Connect admin identity (secret)"
WITH_CERTIFICATE = "Webex Connect admin identity (certificate)"
WITH_ONE = {"client_id": CLIENT_ID, "tenant_id": "", "cloud": "public"}
READING = ("audit", "verify")
RUN = "import json, sys, ansible_runner; ansible_runner.run(**json.load(sys.stdin))"
TEMPLATES = {item["playbook"].removesuffix(".yml"): item for item in DATA["controller_templates"]}


@dataclass
class Job:
    """One job: its events, what its tasks said in failing, and all that it leaves for others to read."""

    status: str
    events: list[dict[str, Any]]
    artifacts: Path

    @property
    def stats(self) -> dict[str, Any]:
        return dict(self.events[-1]["event_data"])

    @property
    def failures(self) -> list[str]:
        failed = ("runner_on_failed", "runner_item_on_failed")
        return [str(event["event_data"]["res"].get("msg")) for event in self.events if event["event"] in failed]

    def changed(self) -> int:
        return sum(self.stats["changed"].values())

    def kept(self) -> str:
        """The file "command" holds the job's environment by ansible-runner's own doing, and is thrown away with it."""
        kept = [path for path in self.artifacts.rglob("*") if path.is_file() and path.name != "command"]
        return "\n".join(path.read_text(errors="replace") for path in kept)


class Controller:
    """A private data directory, made as AWX makes one: a copy of the project, the inventory, the credential."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.jobs = 0
        self.inputs = {**WITH_ONE, "client_secret": SECRET}
        self.type = WITH_SECRET
        for host in stage.hosts.values():
            for name in ("connect_email_client_id", "connect_email_client_secret"):
                del host[name]
        for tenant in stage.world.tenants:
            tenant.add_admin(CLIENT_ID, SECRET)

    def run(self, playbook: str, hosts: Iterable[str] | None = None, check: bool | None = None, **answers: Any) -> Job:
        """As the job template of the playbook would run it, with ``answers`` to its survey."""
        template = TEMPLATES[playbook]
        self.jobs += 1
        private = self.stage.folder / f"job-{self.jobs}"
        shutil.copytree(AWX / "project", private / "project")
        (private / "inventory").mkdir()
        (private / "inventory" / "hosts.yml").write_text(yaml.safe_dump(self.inventory(hosts)))
        (private / "env").mkdir()
        (private / "env" / "settings").write_text(yaml.safe_dump({"suppress_env_files": True}))
        as_check = template["job_type"] == "check" if check is None else check
        spec = template["survey_spec"]["spec"]
        # An optional question without an answer is an empty text, as the controller hands it on.
        variables = {question["variable"]: question["default"] for question in spec} | answers
        flags = ["--check"] * as_check + ["--diff"] * bool(template.get("diff_mode"))
        wanted = {
            "private_data_dir": str(private),
            "ident": "1",
            "playbook": template["playbook"],
            "extravars": variables,
            "envvars": {**self.environment(), **injected(self.type, self.inputs, private / "env")},
            "cmdline": " ".join(flags) or None,
            "quiet": True,
            "timeout": 300,
        }
        # In a process of its own: it forks, and this one has the threads of the served tenants.
        subprocess.run([sys.executable, "-c", RUN], input=json.dumps(wanted), text=True, check=True, timeout=330)
        artifacts = private / "artifacts" / "1"
        events = [json.loads(path.read_text()) for path in (artifacts / "job_events").glob("*.json")]
        return Job((artifacts / "status").read_text(), sorted(events, key=lambda event: event["counter"]), artifacts)

    def inventory(self, hosts: Iterable[str] | None) -> dict[str, Any]:
        assert self.stage.running
        endpoints = self.stage.running.endpoints
        (awx,) = DATA["controller_inventories"]
        variables = {
            **awx["variables"],
            "connect_email_output_dir": str(self.stage.output_dir),
            "connect_report_dir": str(self.stage.folder / "report"),
            "connect_email_smtp_host": endpoints["smtp_host"],
            "connect_email_smtp_port": endpoints["smtp_port"],
        }
        chosen = self.stage.hosts if hosts is None else {name: self.stage.hosts[name] for name in hosts}
        return {"webex_connect_tenants": {"hosts": chosen, "vars": variables}}

    def environment(self) -> dict[str, str]:
        assert self.stage.running
        endpoints = self.stage.running.endpoints
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.stage.folder / "ansible"),
            "AZURE_AUTHORITY_HOST": endpoints["authority_host"],
            "WEBEX_CONNECT_GRAPH_ENDPOINT": endpoints["graph_endpoint"],
            "WEBEX_CONNECT_EXCHANGE_ENDPOINT": endpoints["exchange_endpoint"],
            "REQUESTS_CA_BUNDLE": endpoints["ca_path"],
        }


@pytest.fixture
def controller(stage: Stage) -> Controller:
    stage.tenant("contoso")
    stage.serve()
    return Controller(stage)


def test_every_job_template_runs_its_playbook_in_check_mode_and_for_real(controller: Controller) -> None:
    stage = controller.stage
    (tenant,) = stage.world.tenants

    def run(playbook: str, check: bool, **answers: Any) -> Job:
        writes = len(stage.world.writes())
        job = controller.run(playbook, check=check, **answers)
        assert job.status == "successful", (playbook, job.failures)
        assert job.events[0]["event"] == "playbook_on_start"
        assert job.events[-1]["event"] == "playbook_on_stats"
        if check or playbook in ("audit", "verify"):
            assert len(stage.world.writes()) == writes, playbook
        hidden = {SECRET, *tenant.secret_texts.values()}
        assert not [text for text in hidden if text in job.kept()]
        return job

    def both(playbook: str, **answers: Any) -> int:
        announced = run(playbook, check=True, **answers)
        done = run(playbook, check=False, **answers)
        # What only reads writes its files in both, and they are up to date at the second time.
        assert done.changed() == announced.changed() or playbook in READING
        return done.changed()

    assert both("onboard") > 0
    assert both("rotate_secrets") == 0
    both("verify")
    assert "**Ready**" in (stage.output_dir / "verify" / "contoso.md").read_text()
    run("audit", check=True, connect_report_fail_on="drift")
    report = json.loads((stage.folder / "report" / "report.json").read_text())
    assert report["reports"]["contoso"]["state"] == "ok"
    assert both("offboard") > 0
    assert tenant.applications == []
    before_offboarding = max((stage.output_dir / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert tenant.mailboxes[0]["ForwardingSmtpAddress"] is None
    assert both("restore", connect_email_snapshot=str(before_offboarding)) > 0
    assert tenant.mailboxes[0]["ForwardingSmtpAddress"] is not None


@pytest.mark.core
def test_answers_that_are_texts_mean_what_they_say(controller: Controller) -> None:
    stage = controller.stage
    stage.hosts["contoso"]["connect_email_assets"] = [
        {**asset, "keep_copy": "false", "name": ""} for asset in stage.hosts["contoso"]["connect_email_assets"]
    ]
    answers = {
        "connect_email_secret_valid_days": "90",
        "connect_email_app_adopt_by_name": "false",
        "connect_email_issue_access_tokens": "false",
        "connect_email_user_consent": "",
        "connect_email_app_unique_name": "",
        "connect_email_secret_rotate_before_days": "",
    }
    announced = controller.run("onboard", check=True, **answers)
    assert announced.status == "successful", announced.failures
    assert stage.world.writes() == []
    done = controller.run("onboard", check=False, **answers)
    assert done.status == "successful", done.failures
    assert done.changed() == announced.changed()
    (tenant,) = stage.world.tenants
    (app,) = tenant.applications
    assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is False
    assert not app.get("uniqueName")
    (secret,) = app["passwordCredentials"]
    days = datetime.fromisoformat(secret["endDateTime"][:19]) - datetime.fromisoformat(secret["startDateTime"][:19])
    assert days.days == 90
    assert tenant.mailboxes[0]["DeliverToMailboxAndForward"] is False
    for entry in stage.world.writes():
        assert not {"True", "False", "false", ""} & set(texts(entry.body)), entry


def texts(value: Any) -> list[str]:
    """Every text anywhere in it."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def test_an_answer_that_is_none_of_it_is_refused_by_name(stage: Stage) -> None:
    answers: dict[str, Any] = {
        "connect_email_secret_rotate_before_days": "ninety",
        "connect_email_issue_access_tokens": "perhaps",
        "connect_email_permissions": '[{"resource": "Microsoft Graph"}]',
        "connect_email_assets": "support@contoso.example\nsales@contoso.example",
        "connect_email_user_consent": False,
    }
    for number, (name, answer) in enumerate(answers.items()):
        stage.tenant(f"tenant{number}")
        stage.hosts[f"tenant{number}"][name] = answer
    stage.serve()
    # An answer holds for all hosts; so that one job is enough, each wrong one is the same text in a host's variables.
    job = Controller(stage).run("onboard", check=False)
    assert job.status == "failed"
    assert sorted(job.stats["failures"]) == sorted(stage.hosts)
    for name in answers:
        assert any(name in message for message in job.failures), (name, job.failures)
    assert stage.world.writes() == []


def test_a_certificate_is_injected_as_a_file(controller: Controller) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin")])
    (tenant,) = controller.stage.world.tenants
    now = tenant.now()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now.replace(year=now.year - 1))
    pem = builder.not_valid_after(now.replace(year=now.year + 1)).sign(key, hashes.SHA256())
    public = pem.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    other = "c0000000-0000-4000-8000-0000000000bb"
    tenant.add_admin(other, certificate_pem=public)
    controller.type = WITH_CERTIFICATE
    controller.inputs = {**WITH_ONE, "client_id": other, "certificate": private + public, "certificate_password": ""}
    job = controller.run("onboard", check=True)
    assert job.status == "successful", job.failures
    assert job.changed() > 0
    assert private.splitlines()[1] not in job.kept()


def test_the_reports_of_slices_become_the_report_of_one_run(stage: Stage) -> None:
    names = ["contoso", "fabrikam", "northwind", "tailspin"]
    for name in names:
        stage.tenant(name)
    stage.serve()
    controller = Controller(stage)
    whole = controller.run("audit", check=False)
    assert whole.status == "successful", whole.failures

    slices = stage.folder / "slices"
    for number in range(2):
        folder = str(slices / str(number))
        part = controller.run("audit", hosts=names[number::2], connect_report_dir=folder)
        assert part.status == "successful", part.failures
    reads = len(stage.world.log)
    # One path a line, as the survey's field for it gives them.
    merged = controller.run(
        "audit",
        connect_report_parts=f"{slices}/0/*.json\n{slices}/1/report.json\n",
        connect_report_dir=str(stage.folder / "merged"),
    )
    assert merged.status == "successful", merged.failures
    assert len(stage.world.log) == reads
    one = json.loads((stage.folder / "merged" / "report.json").read_text())
    assert one["reports"] == json.loads((stage.folder / "report" / "report.json").read_text())["reports"]
    assert set(one["run"]["tenants"]) == set(names)
    assert "northwind" in (stage.folder / "merged" / "report.html").read_text()
