# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's step scope: only where it is asked for, and taken back and played back with the rest."""

from __future__ import annotations

import re
from typing import Any

from simulated_tenant import Tenant
from staging import Outcome, Stage

OFFBOARD, RESTORE = "webex_connect.office365.offboard", "webex_connect.office365.restore"
STEP = "Mailboxes that the application may reach"


def green(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.output[-6000:]
    return outcome


def in_exchange(tenant: Tenant) -> tuple[Any, Any, Any]:
    """What the application is in Exchange: registrations, mailboxes of scopes, and roles with their scopes."""
    return (
        [row["AppId"] for row in tenant.exchange_service_principals],
        [sorted(re.findall("'(.*?)'", row["RecipientFilter"])) for row in tenant.management_scopes],
        [(row["Role"], row["CustomResourceScope"]) for row in tenant.management_role_assignments],
    )


def test_the_scope_is_made_where_it_is_asked_for_and_goes_with_the_rest(stage: Stage) -> None:
    contoso, fabrikam = stage.tenant("contoso", mailboxes=2), stage.tenant("fabrikam")
    stage.hosts["contoso"]["connect_email_mailbox_scope"] = "true"
    stage.hosts["contoso"]["connect_email_permissions"] = [
        {"resource": "Office 365 Exchange Online", "delegated": ["SMTP.Send"]}
    ]
    stage.serve()
    check = green(stage.run("--check"))
    assert STEP in check.changed("contoso")
    assert green(stage.run()).announced() != []
    assert in_exchange(fabrikam) == ([], [], [])
    (app,) = contoso.applications
    made = (
        [app["appId"]],
        [["support1@contoso.example", "support@contoso.example"]],
        [("Application Mail.Send", "Webex Connect mailboxes")],
    )
    assert in_exchange(contoso) == made
    assert green(stage.run("--limit", "contoso")).changed() == []

    # The tag alone asks for it as well, and says what makes it worthless.
    tagged = green(stage.run("--limit", "fabrikam", "--tags", "scope"))
    assert tagged.changed() == [STEP]
    assert "so the scope is worthless for Mail.Send" in tagged.output
    assert len(in_exchange(fabrikam)[2]) == 1

    green(stage.run("--limit", "contoso", playbook=OFFBOARD))
    assert in_exchange(contoso) == ([], [], [])
    snapshot = sorted((stage.output_dir / "snapshots").glob("contoso-*.json"))[-1]
    green(stage.run("--limit", "contoso", "-e", f"connect_email_snapshot={snapshot}", playbook=RESTORE))
    assert in_exchange(contoso) == made
