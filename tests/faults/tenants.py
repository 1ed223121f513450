# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant that faults are tried on: what strangers have there, and nothing of ours yet."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Tenant, World, catalogue
from simulated_tenant.control import state_of

ADMIN_ID, ADMIN_SECRET = "c0000000-0000-4000-8000-000000000001", "fake-admin-secret-of-contoso"
MAILBOXES = ("support@contoso.example", "sales@contoso.example")


def arranged(world: World) -> Tenant:
    tenant = world.add_tenant("7a9e3c55-0b6f-4f0e-8a55-000000000001", domain="contoso.example")
    tenant.add_admin(ADMIN_ID, ADMIN_SECRET)
    for mailbox in MAILBOXES:
        tenant.add_mailbox(mailbox)
    tenant.add_mailbox("director@contoso.example", smtp_auth_disabled=True)
    tenant.mailbox("director@contoso.example")["ForwardingSmtpAddress"] = "smtp:archive@elsewhere.example"
    printer = tenant.add_application("WebexConnect printer", redirect_uris=["https://intranet.contoso.example/signin"])
    tenant.add_secret(printer, "webex-connect")
    principal, exchange = tenant.service_principal(printer["appId"]), tenant.service_principal(catalogue.EXCHANGE)
    tenant.grants.append(
        {
            "id": "a-grant-of-strangers",
            "clientId": principal["id"],
            "consentType": "AllPrincipals",
            "principalId": None,
            "resourceId": exchange["id"],
            "scope": "SMTP.Send",
        }
    )
    tenant.add_outbound_policy("Newsletters", AutoForwardingMode="On")
    tenant.add_outbound_rule("Newsletters", "Newsletters", From=["director@contoso.example"])
    return tenant


def of_strangers(tenant: Tenant) -> list[tuple[str, Any]]:
    """(kind, object) of all that is there now and is not for us to change."""
    state = copy.deepcopy(state_of(tenant))
    ours = [{"PrimarySmtpAddress": address} for address in MAILBOXES]
    return [
        (kind, item)
        for kind, items in state.items()
        for item in (items if isinstance(items, list) else [items])
        if not (isinstance(item, dict) and {"PrimarySmtpAddress": item.get("PrimarySmtpAddress")} in ours)
    ]


def touched(tenant: Tenant, strangers: list[tuple[str, Any]]) -> list[str]:
    """Kinds of strangers' objects that are gone or changed."""
    state = state_of(tenant)
    return [
        kind
        for kind, item in strangers
        if item not in (state[kind] if isinstance(state[kind], list) else [state[kind]])
    ]


def inventory(tenant: Tenant, folder: Path) -> Path:
    wanted = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "connect_email_tenant_id": tenant.tenant_id,
        "connect_email_client_id": ADMIN_ID,
        "connect_email_client_secret": ADMIN_SECRET,
        "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
        "connect_email_output_dir": str(folder / "output"),
        "connect_email_assets": [
            {"mailbox": mailbox, "forwarding_address": f"{number:032x}@mail-us.imiconnect.io"}
            for number, mailbox in enumerate(MAILBOXES, 1)
        ],
    }
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump({"webex_connect_tenants": {"hosts": {"contoso": wanted}}}))
    return path
