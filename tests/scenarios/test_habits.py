# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What everybody expects of a playbook: the shipped inventory works, and so do --limit and --start-at-task."""

from __future__ import annotations

import json

import pytest
import yaml

from simulated_tenant import Tenant
from staging import OURS, ROOT, UNREHEARSED, Outcome, Stage

SHIPPED = ROOT / "examples" / "inventory"


def described(stage: Stage) -> dict[str, Tenant]:
    """The tenants of the shipped inventory, as they may be before it is run."""
    hosts = yaml.safe_load((SHIPPED / "hosts.yml").read_text())["webex_connect_tenants"]["hosts"]
    tenants = {}
    for name, host in hosts.items():
        tenants[name] = tenant = stage.world.add_tenant(host["connect_email_tenant_id"], domain=f"{name}.example")
        tenant.add_admin(host["connect_email_client_id"], f"fake-admin-secret-of-{name}")
        for asset in host["connect_email_assets"]:
            tenant.add_mailbox(asset["mailbox"])
        if "connect_email_app_id" in host:
            tenant.add_application("Begun by hand", app_id=host["connect_email_app_id"])
    return tenants


@pytest.mark.core
def test_the_shipped_inventory_is_run_as_it_stands_and_is_readable_without_colours(stage: Stage) -> None:
    tenants = described(stage)
    stage.serve()
    assert stage.running is not None
    places = json.dumps({f"connect_email_{name}": value for name, value in stage.running.endpoints.items()})
    secrets = {f"ADMIN_SECRET_{name.upper()}": f"fake-admin-secret-of-{name}" for name in tenants}

    def run(*arguments: str) -> Outcome:
        environment = {"HOME": str(stage.folder), "ANSIBLE_NOCOLOR": "false", **secrets}
        return stage.run("--diff", "-e", places, *arguments, inventory=SHIPPED, **environment)

    outcome = run()
    assert outcome.code == 0, outcome.output[-6000:]
    for tenant in tenants.values():
        (application,) = tenant.applications
        assert application["web"]["redirectUris"] == [
            f"https://{tenant.domain.split('.')[0]}.us.webexconnect.io/callback"
        ]
        for mailbox in tenant.mailboxes:
            assert mailbox["ForwardingSmtpAddress"].endswith("@mail-us.imiconnect.io")
    assert len(list((stage.folder / "webex-connect" / "hand-off").rglob("*.md"))) == 3

    # No control character is in it, a diff shows its sides by signs, and a loop says which mailbox it is at.
    assert not [character for character in outcome.output if character < " " and character != "\n"]
    assert "+++ after" in outcome.output
    assert "(item=support@contoso.example)" in outcome.output
    assert "item={" not in outcome.output

    again = run("--limit", "fabrikam")
    assert again.code == 0, again.output[-6000:]
    assert {line["host"] for line in again.results} == {"fabrikam"}
    assert again.changed() == []


@pytest.mark.core
def test_a_run_that_starts_later_finds_what_it_needs_and_leaves_the_steps_before(stage: Stage) -> None:
    contoso, fabrikam = stage.tenant("contoso"), stage.tenant("fabrikam")
    stage.serve()
    assert stage.run(*UNREHEARSED).code == 0
    snapshots = len(list(stage.output_dir.glob("snapshots/*.json")))
    contoso.mailbox("support@contoso.example")["ForwardingSmtpAddress"] = None
    (application,) = fabrikam.applications
    application["web"]["redirectUris"].clear()
    writes = len(stage.world.writes())

    later = stage.run("--diff", "--start-at-task", "Go on with the mailboxes")
    assert later.changed("contoso") == ["Forwarding of the mailbox"]
    assert [write.cmdlet for write in stage.world.writes()[writes:]] == ["Set-Mailbox"]
    assert len(list(stage.output_dir.glob("snapshots/*.json"))) == snapshots + 1
    # What is left undone above is not told as done.
    (message,) = later.failures("fabrikam")
    assert "the step app, which the tags leave out, would still change something" in message

    writes = len(stage.world.writes())
    sheet = stage.output_dir / "hand-off/contoso/support@contoso.example.md"
    text = sheet.read_text()
    sheet.unlink()
    last = stage.run("--limit", "contoso", "--start-at-task", "Go on with the hand-off sheets")
    assert last.code == 0, last.output[-6000:]
    assert last.changed() == ["Hand-off sheet of the asset"]
    assert sheet.read_text() == text
    assert len(stage.world.writes()) == writes


@pytest.mark.parametrize(
    ("playbook", "name"),
    [
        ("onboard", "Authenticated SMTP of the mailbox*"),
        ("rotate_secrets", "Remove older secrets"),
        ("offboard", "Authenticated SMTP back*"),
    ],
)
def test_a_run_that_skips_its_beginning_changes_nothing(stage: Stage, playbook: str, name: str) -> None:
    stage.tenant("contoso")
    stage.serve()
    outcome = stage.run("--start-at-task", name, playbook=OURS + playbook)
    assert outcome.code == 2, outcome.output[-6000:]
    assert stage.world.writes() == []
    if playbook == "onboard":
        (message,) = outcome.failures()
        assert "has skipped its beginning" in message
        assert "--tags" in message
