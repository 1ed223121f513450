# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation that is stopped at every step, by hand, by a refusal or by a kill, and taken up by the next run."""

from __future__ import annotations

import json
import re
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Tenant
from staging import UNREHEARSED, Outcome, Stage, eventually, kill

AUDIT = "webex_connect.office365.audit"
ROTATE = "webex_connect.office365.rotate_secrets"
CONFIRMED = "connect_email_secret_confirmed_key_id="


def aged(stage: Stage, tenant: Tenant, days: int, left: int) -> str:
    """The tenant's newest secret of ours becomes this old, also in its store; its key id."""
    secret = secrets(tenant)[-1]
    for name, span in (("startDateTime", -days), ("endDateTime", left)):
        secret[name] = (tenant.now() + timedelta(days=span)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
    store = next((stage.output_dir / "secrets" / tenant.tenant_id).glob("*.yml"))
    store.write_text(re.sub("start: .*", f"start: '{secret['startDateTime']}'", store.read_text()))
    return str(secret["keyId"])


def secrets(tenant: Tenant) -> list[dict[str, Any]]:
    app = next(app for app in tenant.applications if app["displayName"] == "WebexConnect")
    return [secret for secret in app["passwordCredentials"] if secret["displayName"] == "webex-connect"]


def key_ids(tenant: Tenant) -> list[str]:
    return [secret["keyId"] for secret in secrets(tenant)]


def stored(stage: Stage, tenant: Tenant) -> dict[str, Any]:
    (entry,) = yaml.safe_load(next((stage.output_dir / "secrets" / tenant.tenant_id).glob("*.yml")).read_text())[
        "secrets"
    ]
    return dict(entry)


def sheet(stage: Stage, host: str) -> str:
    return next((stage.output_dir / "hand-off" / host).glob("*.md")).read_text()


def sheets(stage: Stage, host: str) -> list[str]:
    return [path.read_text() for path in (stage.output_dir / "hand-off" / host).glob("*.md")]


def killed_at(stage: Stage, call: str, *arguments: str) -> None:
    """A rotation of contoso that is killed when the service has done this, and whose answer nobody gets."""

    def strike(entry: Any) -> bool:
        if entry.path.endswith(call):
            kill(process)
            return True
        return False

    stage.world.faults.add(when=strike, do="answer_lost")
    process = stage.start("--limit", "contoso", *arguments, playbook=ROTATE)
    stage.finish(process)
    assert process.returncode == -signal.SIGKILL


def next_step(outcome: Outcome, host: str) -> str:
    """What the last line about it says, without the details."""
    said = [str(r["result"].get("msg")) for r in outcome.of(host) if r["task"] == "Next step"]
    assert said, outcome.output[-4000:]
    return said[-1].split(".")[0]


def test_a_rotation_that_is_stopped_anywhere_goes_on(stage: Stage) -> None:
    contoso, fabrikam = stage.tenant("contoso", mailboxes=2), stage.tenant("fabrikam")
    stage.hosts["fabrikam"]["connect_email_secret_rotate_now"] = True
    stage.serve()
    assert stage.run(*UNREHEARSED).code == 0
    old = aged(stage, contoso, 160, 20)
    others = aged(stage, fabrikam, 10, 170)
    writes = len(stage.world.writes())

    # A dry run says for each tenant what comes next, and writes nothing.
    check = stage.run("--check", "--diff", playbook=ROTATE)
    assert check.code == 0, check.output[-4000:]
    assert [next_step(check, host) for host in stage.hosts] == ["Next step: add", "Next step: add"]
    assert len(stage.world.writes()) == writes

    # Killed when the service had made the secret and nobody had its text.
    killed_at(stage, "addPassword")
    assert eventually(lambda: len(key_ids(contoso)) == 2)
    orphan = key_ids(contoso)[-1]

    # The next run clears that away and makes another, which the sign-in does not accept yet; fabrikam goes on.
    contoso.lag.secret_seconds = 3600
    refused = stage.run("-e", "connect_email_secret_prove_timeout=1", playbook=ROTATE)
    assert refused.code == 2
    (message,) = refused.failures("contoso")
    assert "AADSTS7000215" in message
    assert "nothing retired" in message
    assert orphan not in key_ids(contoso)
    first, new = key_ids(contoso)
    assert first == old
    assert stored(stage, contoso)["key_id"] == new
    assert "The secret changes" not in sheet(stage, "contoso")
    assert len(key_ids(fabrikam)) == 2
    assert "The secret changes" in sheet(stage, "fabrikam")

    # Stopped after a step that was chosen by its tag: nothing but the proof.
    proof = stage.run(
        "--check",
        "--limit",
        "contoso",
        "--tags",
        "prove",
        "-e",
        "connect_email_secret_prove_timeout=1",
        playbook=ROTATE,
    )
    assert proof.code == 2
    assert next_step(proof, "contoso") == "Next step: prove"
    contoso.lag.secret_seconds = 0
    proved = stage.run("--tags", "prove", playbook=ROTATE)
    assert proved.code == 0, proved.output[-4000:]
    assert proved.changed() == []
    assert "The secret changes" not in sheet(stage, "contoso")

    # Killed while it handed over, as soon as one of the two sheets was written.
    process = stage.start("--limit", "contoso", playbook=ROTATE)
    assert eventually(lambda: [text for text in sheets(stage, "contoso") if "The secret changes" in text], 60, 0.002)
    kill(process)
    stage.finish(process)
    assert process.returncode == -signal.SIGKILL

    # Handed over; the old one stays, and a repeated run neither adds, though rotate_now is still set, nor retires.
    handed = stage.run(playbook=ROTATE)
    assert handed.code == 0, handed.output[-4000:]
    assert set(handed.changed("contoso")) <= {"Hand-off sheet of the asset"}
    assert all("The secret changes" in text for text in sheets(stage, "contoso"))
    assert handed.changed("fabrikam") == []
    assert [next_step(handed, host) for host in stage.hosts] == ["Next step: hand over"] * 2
    assert f"`{new}`" in sheet(stage, "contoso").split("### The secret changes")[1]
    assert "Generate Token" in handed.output
    assert key_ids(contoso) == [old, new]

    # The audit shows both tenants as what they are.
    report = stage.folder / "report"
    assert stage.run("-e", f"connect_report_dir={report}", playbook=AUDIT).code == 0
    audited = json.loads((report / "report.json").read_text())["reports"]
    assert {name: found["rotation"]["step"] for name, found in audited.items()} == dict.fromkeys(
        stage.hosts, "hand_over"
    )
    assert "2 secret in rotation" in re.sub("<[^>]+>", "", (report / "report.html").read_text())

    # A dry run tells them apart: contoso's is confirmed, fabrikam's is not.
    writes = len(stage.world.writes())
    check = stage.run("--check", "-e", CONFIRMED + new, playbook=ROTATE)
    assert check.code == 0, check.output[-4000:]
    assert [next_step(check, host) for host in stage.hosts] == ["Next step: retire", "Next step: hand over"]
    assert len(stage.world.writes()) == writes
    assert key_ids(contoso) == [old, new]

    # Killed when the old one was removed, so that the sheets still tell of it.
    killed_at(stage, "removePassword", "-e", CONFIRMED + new)
    assert eventually(lambda: key_ids(contoso) == [new])
    assert "The secret changes" in sheet(stage, "contoso")

    # A confirmation counts for the secret that it names, and for no other tenant's.
    retired = stage.run("-e", CONFIRMED + new, playbook=ROTATE)
    assert retired.code == 0, retired.output[-4000:]
    assert retired.changed() == ["Hand-off sheet of the asset"]
    assert key_ids(contoso) == [new]
    assert others in key_ids(fabrikam)
    assert next_step(retired, "contoso") == "Next step: none"
    assert "The secret changes" not in sheet(stage, "contoso")
    assert stored(stage, contoso)["secret_text"] == contoso.secret_texts[new]

    # After the days of grace no confirmation is needed.
    newest = aged(stage, fabrikam, 8, 172)
    stage.hosts["fabrikam"]["connect_email_secret_rotate_now"] = ""
    assert stage.run(playbook=ROTATE).code == 0
    assert key_ids(fabrikam) == [newest]

    again = stage.run()
    assert again.code == 0, again.output[-4000:]
    assert again.changed() == []


def test_what_cannot_be_handed_over_is_not_begun(stage: Stage, tmp_path: Path) -> None:
    tenant = stage.tenant("contoso")
    unknown = stage.tenant("fabrikam")
    stage.serve()
    assert stage.run("--limit", "contoso").code == 0
    aged(stage, tenant, 160, 20)
    tenant.mailbox("support@contoso.example")["SmtpClientAuthenticationDisabled"] = True
    writes = len(stage.world.writes())
    outcome = stage.run(playbook=ROTATE)
    assert len(stage.world.writes()) == writes
    assert "step smtp_auth" in outcome.failures("contoso")[0]
    assert "onboard first" in outcome.failures("fabrikam")[0]
    assert unknown.applications == []
    wrong = stage.run("-e", "connect_email_secret_grace_days=soon", playbook=ROTATE)
    assert any("connect_email_secret_grace_days" in message for message in wrong.failures("contoso"))
