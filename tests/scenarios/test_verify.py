# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify.yml: it only reads, sends nothing, and says of each tenant whether it is ready and why not."""

from __future__ import annotations

from typing import Any

import yaml

from staging import Outcome, Stage

VERIFY = "webex_connect.office365.verify"


def verify(stage: Stage, *arguments: str) -> tuple[Outcome, dict[str, dict[str, Any]]]:
    """The outcome, and the verdicts by host. No tenant was written to, and no mail was sent."""
    written = len(stage.world.writes())
    outcome = stage.run(*arguments, playbook=VERIFY)
    assert len(stage.world.writes()) == written
    assert stage.world.sent_mail() == []
    found = [r for r in outcome.results if r["action"].endswith("readiness_page")]
    return outcome, {r["host"]: r["result"]["readiness"] for r in found}


def page(stage: Stage, host: str) -> str:
    return (stage.output_dir / "verify" / f"{host}.md").read_text()


def test_verify_names_what_is_broken_and_keeps_no_tenant_from_another(stage: Stage) -> None:
    tenants = {name: stage.tenant(name) for name in ("contoso", "fabrikam", "tailspin", "northwind")}
    stage.serve()
    assert stage.run("--limit", "contoso,fabrikam,tailspin").code == 0

    outcome, found = verify(stage, "--check")
    assert outcome.code == 0, outcome.output[-3000:]
    assert {host: verdict["ready"] for host, verdict in found.items()} == {
        "contoso": True,
        "fabrikam": True,
        "tailspin": True,
        "northwind": False,
    }
    assert "**Ready**" in page(stage, "contoso")
    assert "Generate Token" in page(stage, "contoso")
    assert "redirect_uri=https%3A%2F%2Fcontoso.us.webexconnect.io%2Fcallback" in page(stage, "contoso")

    # One cause a tenant, and one tenant whose admin identity cannot sign in.
    app = tenants["contoso"].applications[0]
    app["web"]["redirectUris"] = [uri + "/" for uri in app["web"]["redirectUris"]]
    (store,) = (stage.output_dir / "secrets" / tenants["fabrikam"].tenant_id).iterdir()
    # It is not new, so nothing waits for the sign-in to accept it.
    wrong = {"secret_text": "not-the-secret", "start": "2026-01-01T00:00:00.000000Z"}
    kept = yaml.safe_load(store.read_text())
    kept["secrets"][0].update(wrong)
    store.write_text(yaml.safe_dump(kept))
    tenants["fabrikam"].applications[0]["passwordCredentials"][0]["startDateTime"] = "2026-01-01T00:00:00Z"
    tenants["tailspin"].mailboxes[0]["SmtpClientAuthenticationDisabled"] = True
    tenants["tailspin"].outbound_rules.clear()
    stage.hosts["northwind"]["connect_email_client_secret"] = "not-the-secret-of-northwind"
    outcome, found = verify(
        stage, "-e", "connect_email_verify_login=true", "-e", "connect_email_verify_fail_on=not_ready"
    )
    assert outcome.code != 0
    said = {host: "\n".join(verdict["because"]) for host, verdict in found.items()}
    assert "AADSTS50011" in said["contoso"]
    assert "AADSTS7000215" in said["fabrikam"]
    assert "5.7.139" in said["tailspin"]
    assert "cannot send" in said["tailspin"]
    assert "does not receive" in said["tailspin"]
    assert "AADSTS7000215" in said["northwind"]
    assert "**Not ready**" in page(stage, "northwind")
    assert all("not-the-secret" not in page(stage, host) for host in stage.hosts)
