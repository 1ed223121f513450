# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every module's documentation is run as it stands: in check mode, then for real.

Only places are replaced: folders of the machine and addresses of vaults. What a reader would have set before (who signs
in, a vault password, the results of earlier tasks) is set before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from fake_reports import audit, fleet
from kept_stores import make_certificate
from simulated_stores import HashiVault, KeyVault, serve
from simulated_tenant import Tenant
from staging import OURS, ROOT, Outcome, Stage

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
TENANT, ADMIN, SECRET = (
    "0f47778c-61c2-4b0a-8e94-3f05e737a1dd",
    "c0000001-0000-4000-8000-000000000001",
    "fake-admin-secret",
)
PARTNER = "5e0c5b0e-7f0c-4c0a-9f3e-0d2f6a1f4b77"
APP, KEY = "3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10", "0c9c1e64-0f1c-4a35-9a36-0a4c1f6c6f01"
PLACES = ("authority_host", "graph_endpoint", "exchange_endpoint", "ca_path")
CREDENTIALS = ("client_secret", "client_certificate_path", "federated_token_file")

# What the tasks before an example returned.
BEFORE = {
    "readiness_page": {
        "audit": {
            "connect_email_info": {
                "tenants": [
                    {
                        "name": "contoso",
                        "tenant_id": TENANT,
                        "wanted": {"connect_email_callback_url": "https://contoso.us.webexconnect.io/callback"},
                    }
                ]
            }
        },
        "outside": {"smtp_oauth_info": {"app_id": APP}},
    },
    "handoff_sheet": {
        "registration": {"azure_app_registration": {"app_id": APP}},
        "client_secret": {
            "app_secret": {"app_id": APP, "display_name": "webex-connect", "store": {"path": "secret.yml"}}
        },
        "admin_consent": {
            "admin_consent": {
                "app_id": APP,
                "permissions": [{"resource": "Microsoft Graph", "delegated": ["User.Read"]}],
            }
        },
        "smtp": {"mailbox_smtp_auth": {"mailbox": "support@contoso.example"}},
        "forward": {
            "mailbox_forwarding": {
                "mailbox": "support@contoso.example",
                "forwarding_address": "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io",
            }
        },
    },
}


@pytest.fixture
def contoso(stage: Stage) -> Tenant:
    """The tenant that the examples speak of, and one more."""
    certificate, key = make_certificate(stage.folder)
    (stage.folder / "etc/webex-connect").mkdir(parents=True)
    (stage.folder / "etc/webex-connect/admin.pem").write_text(certificate.read_text() + key.read_text())
    tenant = stage.world.add_tenant(TENANT, domain="contoso.example")
    fabrikam = stage.world.add_tenant("f4b21c0a-5a51-4d3e-9c0d-2f6d1a7e8b02", domain="fabrikam.example")
    tenant.add_admin(ADMIN, SECRET)
    for customer in (tenant, fabrikam):
        customer.add_admin(PARTNER, certificate_pem=certificate.read_text())
    archive = stage.folder / "srv/webex-connect/archive/2026-09-30"
    archive.mkdir(parents=True)
    (archive / "report.json").write_text(json.dumps(audit(fleet(1))))
    tenant.add_mailbox("support@contoso.example")
    tenant.add_mailbox("orders@contoso.example", recipient_type_details="SharedMailbox")
    tenant.add_secret(tenant.add_application("WebexConnect by hand", app_id=APP), "webex-connect", key_id=KEY)
    stage.serve()
    return tenant


@pytest.fixture
def vaults(stage: Stage, contoso: Tenant) -> Iterator[dict[str, str]]:
    key_vault, hashi_vault = KeyVault(stage.world, contoso), HashiVault(stage.world.now)
    hashi_vault.namespace = "mail"
    role_id, secret_id = hashi_vault.add_role()
    with serve(key_vault, stage.folder / "served"), serve(hashi_vault, stage.folder / "served"):
        yield {
            "https://contoso.vault.azure.net": f"https://{key_vault.host}",
            "https://vault.contoso.example:8200": f"https://{hashi_vault.host}",
            "{{ vault_role_id }}": role_id,
            "{{ vault_secret_id }}": secret_id,
        }


def examples(module: str) -> str:
    """The text between the quotes, as ansible-doc shows it."""
    source = (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
    return source.partition('EXAMPLES = r"""')[2].partition('"""')[0]


def tasks(module: str, stage: Stage, places: dict[str, str]) -> list[dict[str, Any]]:
    assert stage.running is not None
    text = examples(module)
    for place in ("var/lib", "srv", "etc"):
        text = text.replace(f" /{place}/", f" {stage.folder}/{place}/")
    for given, here in places.items():
        text = text.replace(given, here)
    before = [
        {
            "name": f"Before: {register}",
            "register": register,
            **{OURS + name: options for name, options in task.items()},
        }
        for register, task in BEFORE.get(module, {}).items()
    ]
    found = yaml.safe_load(text)
    for task in found:
        for name, options in task.items():
            # Addresses come from where the credential comes from.
            if name.startswith(OURS) and options and any(credential in options for credential in CREDENTIALS):
                options.update({place: stage.running.endpoints[place] for place in PLACES})
    return before + found


def run(stage: Stage, module: str, places: dict[str, str], *arguments: str) -> Outcome:
    assert stage.running is not None
    login = {"tenant_id": TENANT, "client_id": ADMIN, "client_secret": SECRET}
    endpoints = stage.running.endpoints
    (stage.folder / "password").write_text("a vault password of a test")
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks(module, stage, places)}
    (stage.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
    return stage.run(
        *arguments,
        "--diff",
        "--vault-password-file",
        str(stage.folder / "password"),
        playbook=str(stage.folder / "play.yml"),
        ADMIN_SECRET_CONTOSO=SECRET,
        AZURE_AUTHORITY_HOST=endpoints["authority_host"],
        WEBEX_CONNECT_GRAPH_ENDPOINT=endpoints["graph_endpoint"],
        WEBEX_CONNECT_EXCHANGE_ENDPOINT=endpoints["exchange_endpoint"],
        REQUESTS_CA_BUNDLE=endpoints["ca_path"],
        **{f"AZURE_{name.upper()}": value for name, value in login.items()},
    )


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of(module: str, stage: Stage, contoso: Tenant, vaults: dict[str, str]) -> None:
    named = [task["name"] for task in yaml.safe_load(examples(module))]
    assert named, f"{module} has no example"
    rehearsed = run(stage, module, vaults, "--check")
    assert (rehearsed.code, stage.world.writes()) == (0, []), rehearsed.output
    done = run(stage, module, vaults)
    assert done.code == 0, done.output
    ran = {result["task"] for result in done.of(event="ok")}
    # A task of another collection's module (debug) may have nothing to say.
    ours = [task["name"] for task in yaml.safe_load(examples(module)) if any(key.startswith(OURS) for key in task)]
    assert set(ours) <= ran


def test_there_are_examples_of_this_machine_only() -> None:
    """A place that the tests would not replace would be written to for real."""
    for module in MODULES:
        for word in examples(module).split():
            if word.startswith("/"):
                assert word.startswith(("/var/lib/", "/srv/", "/etc/")), (module, word)
