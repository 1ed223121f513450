# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of `make demo`: one tenant is broken in five places behind the collection's back, and an audit finds them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from simulated_tenant import Tenant, World

AUDIT = "webex_connect.office365.audit"
BROKEN = {
    "redirect_uri": "its redirect URI got a slash at the end",
    "secret": "its secret ends in five days",
    "consent": "the consent to SMTP.Send was taken back",
    "smtp_auth": "authenticated SMTP was turned off for a mailbox",
    "forwarding": "a mailbox forwards to an address of last year",
}
SLIP = timedelta(days=5)


def break_in_five_places(tenant: Tenant, asset: dict[str, Any], now: datetime | None = None) -> None:
    """What happens to tenants in real life. ``asset`` is the one whose mailbox is hit."""
    app = next(app for app in tenant.applications if app["displayName"] == "WebexConnect")
    app["web"]["redirectUris"] = [uri.rstrip("/") + "/" for uri in app["web"]["redirectUris"]]
    for secret in app["passwordCredentials"]:
        secret["endDateTime"] = ((now or datetime.now(UTC)) + SLIP).strftime("%Y-%m-%dT%H:%M:%SZ")
    principal = next(sp for sp in tenant.service_principals if sp["appId"] == app["appId"])
    for grant in tenant.grants:
        if grant["clientId"] == principal["id"]:
            grant["scope"] = " ".join(name for name in grant["scope"].split() if name != "SMTP.Send")
    mailbox = next(m for m in tenant.mailboxes if m["PrimarySmtpAddress"] == asset["mailbox"])
    mailbox["SmtpClientAuthenticationDisabled"] = True
    mailbox["ForwardingSmtpAddress"] = "smtp:" + "0" * 32 + "@mail-us.imiconnect.io"


def found_in(report: dict[str, Any]) -> set[str]:
    """The steps that the audit calls out."""
    return {step["step"] for step in report["steps"] if step["state"] in ("blocked", "drift", "expiring")}


def demonstrate_audit(
    world: World,
    name: str,
    tenant: Tenant,
    asset: dict[str, Any],
    folder: Path,
    play: Callable[..., Any],
    expect: Callable[[bool, str], None],
) -> Path:
    """Breaks the tenant called ``name``, audits all tenants, checks what came of it; the path of report.html.

    ``play(title, *arguments, playbook=...)`` runs a playbook with the demonstration's inventory and fails if it does.
    """
    break_in_five_places(tenant, asset)
    written = len(world.writes())
    variables = json.dumps({"connect_report_dir": str(folder)})
    play(f"An audit of all tenants, after {name} was broken in five places", "-e", variables, playbook=AUDIT)
    expect(len(world.writes()) == written, "the audit sent a write")
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    report = document["reports"][name]
    missed = set(BROKEN) - found_in(report)
    expect(not missed, f"the audit did not notice: {', '.join(BROKEN[step] for step in sorted(missed))}")
    expect(report["mail"]["down"], f"the audit does not say that the mail of {name} is down")
    print(f"\nBroken in {name} on purpose, and found by the audit:")
    for what in BROKEN.values():
        print(f"  - {what}")
    print("\nWhat it says of each tenant:")
    for other, seen in sorted(document["reports"].items()):
        print(f"  {other:12} {'mail is down; ' if seen['mail']['down'] else ''}{seen['state']}")
    return folder / "report.html"
