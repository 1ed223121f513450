# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the admin identity lacks is one message before the first write, and stops nothing that needs no write."""

from __future__ import annotations

from typing import Any

from simulated_tenant import LogEntry
from staging import Outcome, Stage

WEAK, SECRET = "c0000000-0000-4000-8000-0000000000a1", "fake-secret-of-a-weak-admin"
OFFBOARD = "webex_connect.office365.offboard"
MAIL_ONLY = "c0000000-0000-4000-8000-0000000000a2"
READ = ["Application.Read.All", "DelegatedPermissionGrant.ReadWrite.All", "Policy.Read.All"]
LACKED = (
    "Application.ReadWrite.All (app, secret, permission), AppRoleAssignment.ReadWrite.All (consent)",
    "Mail Recipients (smtp_auth, forwarding)",
    "Transport Hygiene (policy)",
    "the directory role Exchange Recipient Administrator",
    "API permissions",
    "Nothing was changed",
    WEAK,
)


def weaken(stage: Stage, name: str, client_id: str = WEAK, **rights: Any) -> None:
    """From now on, the tenant is signed in to by an identity with fewer rights."""
    tenant = stage.world.tenant_named(f"{name}.example")
    assert tenant is not None
    tenant.add_admin(client_id, SECRET, **rights)
    stage.hosts[name].update(connect_email_client_id=client_id, connect_email_client_secret=SECRET)


def refusal(outcome: Outcome, host: str) -> str:
    (message,) = outcome.failures(host)
    return message


def asked(stage: Stage, name: str, since: int) -> list[LogEntry]:
    tenant_id = stage.hosts[name]["connect_email_tenant_id"]
    return [entry for entry in list(stage.world.log)[since:] if entry.tenant_id == tenant_id]


def test_one_message_before_the_first_write_and_the_others_go_on(stage: Stage) -> None:
    for name in ("contoso", "fabrikam", "tailspin"):
        stage.tenant(name)
    weaken(stage, "contoso", graph_roles=READ, directory_roles=["Global Reader"])
    weaken(stage, "fabrikam", graph_roles=[], directory_roles=[])
    stage.serve()
    for arguments in (["--check"], ["--tags", "preflight"], []):
        since = len(stage.world.log)
        outcome = stage.run(*arguments)
        contoso, fabrikam = refusal(outcome, "contoso"), refusal(outcome, "fabrikam")
        assert [text for text in LACKED if text not in contoso] == []
        assert "Application.Read.All (consent)" in fabrikam
        for name in ("contoso", "fabrikam"):
            assert [entry for entry in asked(stage, name, since) if entry.is_write] == []
        assert outcome.failures("tailspin") == []
        assert any(entry.is_write for entry in asked(stage, "tailspin", since)) == (arguments == [])
        # Who cannot even look is asked for two tokens and for its cmdlets, and for nothing else.
        requests = asked(stage, "fabrikam", since)
        assert [entry.door for entry in requests if entry.door != "login"] == ["exchange"]
        assert sum("/token" in entry.path for entry in requests) == 2


def test_a_step_that_was_not_chosen_needs_no_right_and_one_that_changes_nothing_none_to_change(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.tenant("fabrikam")
    weaken(stage, "fabrikam", MAIL_ONLY, graph_roles=[], directory_roles=["Exchange Administrator"])
    stage.serve()
    chosen = stage.run("--tags", "smtp_auth,forwarding")
    assert (chosen.code, len(chosen.changed("fabrikam"))) == (0, 2), chosen.output[-3000:]
    everything = stage.run()
    assert everything.failures("contoso") == []
    assert "Application.ReadWrite.All (app, secret, permission)" in refusal(everything, "fabrikam")
    del stage.hosts["fabrikam"]
    weaken(stage, "contoso", graph_roles=READ, directory_roles=["Global Reader"])
    since = len(stage.world.log)
    settled = stage.run()
    assert (settled.code, settled.changed()) == (0, []), settled.output[-3000:]
    assert sum("EXOModuleFile" in entry.path for entry in asked(stage, "contoso", since)) == 1
    tenant.mailbox("support@contoso.example")["ForwardingSmtpAddress"] = None
    since = len(stage.world.log)
    assert "Mail Recipients (smtp_auth, forwarding)" in refusal(stage.run(), "contoso")
    undone = refusal(stage.run(playbook=OFFBOARD), "contoso")
    assert "Application.ReadWrite.All (app, secret), AppRoleAssignment.ReadWrite.All (consent)" in undone
    assert [entry for entry in asked(stage, "contoso", since) if entry.is_write] == []
