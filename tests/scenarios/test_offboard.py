# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end: what we made goes, what others made stays, and the snapshot brings back what can be brought back."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Tenant
from staging import UNREHEARSED, Outcome, Stage, eventually, kill

OFFBOARD = "webex_connect.office365.offboard"
RESTORE = "webex_connect.office365.restore"
STEPS = [
    "No forwarding to the asset",
    "Authenticated SMTP back to the organization's setting",
    "The mailboxes leave the scoped forwarding policy",
    "No consent for the organization",
    "No secret of our name",
    "No application",
]
GRAPH = "00000003-0000-0000-c000-000000000000"
STRANGER = "smtp:archive@elsewhere.example"


def grants(tenant: Tenant, app_id: str) -> list[Any]:
    principals = [sp["id"] for sp in tenant.service_principals if sp["appId"] == app_id]
    roles = [a["appRoleId"] for a in tenant.role_assignments if a["principalId"] in principals]
    return sorted(roles + [scope for g in tenant.grants if g["clientId"] in principals for scope in g["scope"].split()])


def said(outcome: Outcome, host: str, task: str) -> str:
    return json.dumps([r["result"].get("msg") for r in outcome.of(host) if r["task"] == task])


def green(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.output[-6000:]
    assert "Traceback" not in outcome.output
    return outcome


def snapshot(stage: Stage, host: str) -> Path:
    return sorted((stage.output_dir / "snapshots").glob(f"{host}-*.json"))[-1]


def test_what_we_made_goes_and_can_be_played_back(stage: Stage) -> None:
    contoso, fabrikam = stage.tenant("contoso"), stage.tenant("fabrikam", mailboxes=2)
    # An application that somebody made by hand, with a secret and a grant of its own.
    theirs = fabrikam.add_application("WebexConnect", redirect_uris=["https://intranet.fabrikam.example/signin"])
    printer = fabrikam.add_secret(theirs, "printer")
    fabrikam.grant_delegated(theirs, GRAPH, "User.Read")
    stage.hosts["fabrikam"]["connect_email_app_id"] = theirs["appId"]
    stage.serve()
    green(stage.run(*UNREHEARSED))
    (app,) = contoso.applications
    granted = grants(contoso, app["appId"])
    assert len(granted) == 3
    # Since then, somebody has pointed one mailbox elsewhere and closed SMTP for another.
    second, first = fabrikam.mailbox("support1@fabrikam.example"), fabrikam.mailbox("support@fabrikam.example")
    second["ForwardingSmtpAddress"] = STRANGER
    first["SmtpClientAuthenticationDisabled"] = True

    writes = len(stage.world.writes())
    check = green(stage.run("--check", "--diff", playbook=OFFBOARD))
    assert len(stage.world.writes()) == writes
    assert check.changed("contoso") == STEPS
    real = green(stage.run("--diff", playbook=OFFBOARD))
    assert check.announced() == real.announced()
    # In this order: no mail arrives any more, then none can be sent, and what let it goes last.
    of_contoso = [entry for entry in stage.world.writes()[writes:] if entry.tenant_id == contoso.tenant_id]
    assert list(dict.fromkeys(entry.cmdlet or entry.path.split("/")[2] for entry in of_contoso)) == [
        "Set-Mailbox",
        "Set-CASMailbox",
        "Remove-HostedOutboundSpamFilterRule",
        "Remove-HostedOutboundSpamFilterPolicy",
        "servicePrincipals",
        "oauth2PermissionGrants",
        "applications",
    ]
    assert [entry.method for entry in of_contoso[-3:]] == ["POST", "DELETE", "DELETE"]  # its secret, it, its principal

    assert contoso.applications == []
    assert [gone["appId"] for gone in contoso.deleted_applications] == [app["appId"]]
    mailbox = contoso.mailbox("support@contoso.example")
    assert mailbox["ForwardingSmtpAddress"] is None
    assert mailbox["SmtpClientAuthenticationDisabled"] is None
    (store,) = (stage.output_dir / "secrets" / contoso.tenant_id).iterdir()
    assert yaml.safe_load(store.read_text())["secrets"] == []

    assert fabrikam.applications == [theirs]
    assert "was not made by this admin identity" in said(real, "fabrikam", "The application is kept")
    assert theirs["passwordCredentials"] == [printer]
    assert "https://intranet.fabrikam.example/signin" in theirs["web"]["redirectUris"]
    assert grants(fabrikam, theirs["appId"]) == ["User.Read"]
    assert second["ForwardingSmtpAddress"] == STRANGER
    assert first["SmtpClientAuthenticationDisabled"] is True

    writes = len(stage.world.writes())
    again = green(stage.run(playbook=OFFBOARD))
    assert again.changed() == []
    assert len(stage.world.writes()) == writes

    # Played back, into its own tenant only.
    kept = snapshot(stage, "contoso")
    arguments = ("-e", f"connect_email_snapshot={kept}")
    check = green(stage.run("--check", *arguments, playbook=RESTORE))
    assert len(stage.world.writes()) == writes
    real = green(stage.run(*arguments, playbook=RESTORE))
    assert check.changed() == real.changed()
    assert check.changed("fabrikam") == []
    assert "nothing is done here" in said(real, "fabrikam", "Another tenant is left alone")
    assert [back["appId"] for back in contoso.applications] == [app["appId"]]
    assert grants(contoso, app["appId"]) == granted
    address = stage.hosts["contoso"]["connect_email_assets"][0]["forwarding_address"]
    assert mailbox["ForwardingSmtpAddress"] == "smtp:" + address
    assert mailbox["SmtpClientAuthenticationDisabled"] is False
    assert "cannot be brought back" in said(real, "contoso", "What needs a person")

    writes = len(stage.world.writes())
    assert green(stage.run(*arguments, playbook=RESTORE)).changed() == []
    assert len(stage.world.writes()) == writes
    # What was missing was the secret, and the sheet that names it.
    assert green(stage.run("--limit", "contoso")).changed() == ["Its secret", "Hand-off sheet of the asset"]


def test_a_killed_run_is_finished_by_the_next_and_what_is_gone_for_good_is_said(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    theirs = tenant.add_application("WebexConnect")
    stage.hosts["contoso"].update(
        connect_email_app_id=theirs["appId"],
        connect_email_offboard_permanent=True,
        connect_email_offboard_foreign_application=True,
    )
    stage.serve()
    green(stage.run(*UNREHEARSED))
    # Killed when the secret was removed and the store did not know yet.
    running = []
    stage.world.faults.add(
        when=lambda entry: entry.path.endswith("removePassword") and not kill(running[-1]), do="answer_lost"
    )
    running.append(stage.start(playbook=OFFBOARD))
    stage.finish(running[-1])
    assert running[-1].returncode == -signal.SIGKILL
    assert eventually(lambda: not theirs["passwordCredentials"])
    before = snapshot(stage, "contoso")
    assert "app_secret" in {entry["module"] for entry in json.loads(before.read_text())["entries"]}

    assert green(stage.run(playbook=OFFBOARD)).changed() == ["No secret of our name", "No application"]
    (store,) = (stage.output_dir / "secrets" / tenant.tenant_id).iterdir()
    assert yaml.safe_load(store.read_text())["secrets"] == []
    assert tenant.applications == tenant.deleted_applications == []

    missing = stage.run(playbook=RESTORE)
    assert missing.code == 2
    assert "connect_email_snapshot" in missing.failures("contoso")[0]
    last = snapshot(stage, "contoso")
    assert last != before
    for path, says in ((last, "another app_id"), (before, "Consent")):
        outcome = stage.run("-e", f"connect_email_snapshot={path}", playbook=RESTORE)
        assert outcome.code == 2
        assert says.lower() in outcome.failures("contoso")[-1].lower()
    assert tenant.mailbox("support@contoso.example")["SmtpClientAuthenticationDisabled"] is False
    address = stage.hosts["contoso"]["connect_email_assets"][0]["forwarding_address"]
    assert tenant.mailbox("support@contoso.example")["ForwardingSmtpAddress"] == "smtp:" + address
    assert tenant.applications == []
