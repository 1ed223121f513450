# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant that is set up as the role does it, by the modules alone."""

from __future__ import annotations

from typing import Any

from module_runner import Runner

PERMISSIONS = [
    {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
    {"resource": "Microsoft Graph", "delegated": ["offline_access"]},
]


def onboard(run: Runner, wanted: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """What the role's tasks do, one after the other; the results by step."""
    store = wanted["connect_email_secret_store"]
    done: dict[str, Any] = {}

    def do(step: str, module: str, **options: Any) -> dict[str, Any]:
        result = run(module, check=check, **options)
        done.setdefault(step, []).append(result)
        return result

    app = do(
        "application",
        "azure_app_registration",
        display_name="WebexConnect",
        redirect_uris=[wanted["connect_email_callback_url"]],
        issue_access_tokens=True,
        store=store,
    )["application"]["app_id"]
    do("secret", "app_secret", app_id=app, display_name="webex-connect", store=store)
    for entry in PERMISSIONS:
        do(
            "permissions",
            "exchange_app_permission",
            app_id=app,
            resource=entry["resource"],
            application_permissions=entry.get("application", []),
            delegated_permissions=entry.get("delegated", []),
        )
    do("consent", "admin_consent", app_id=app, permissions=PERMISSIONS)
    assets = wanted["connect_email_assets"]
    for asset in assets:
        do("smtp_auth", "mailbox_smtp_auth", mailbox=asset["mailbox"])
    do(
        "external_forwarding",
        "external_forwarding_policy",
        mailboxes=[asset["mailbox"] for asset in assets],
        forwarding_addresses={asset["mailbox"]: asset["forwarding_address"] for asset in assets},
    )
    for asset in assets:
        do("forwarding", "mailbox_forwarding", **asset)
    return done
