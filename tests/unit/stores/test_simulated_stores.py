# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two simulated services are strict: they refuse what the public documentation of the real ones does not know."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulated_stores import Door, HashiVault, KeyVault
from simulated_tenant import Tenant, World
from simulated_tenant.client import GRAPH, Client

VAULT = "https://vault.azure.net"
ADMIN_ID, ADMIN_SECRET = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10", "Zx8~not-a-real-secret-but-long-enough"


@pytest.fixture
def key_vault(world: World, tenant: Tenant) -> KeyVault:
    return KeyVault(world, tenant)


@pytest.fixture
def hashi_vault(world: World) -> HashiVault:
    return HashiVault(world.now)


def asked(door: Door, token: dict[str, str], method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    return door.handle(method, f"https://{door.host}{path}", {**token, "Content-Type": "application/json"}, data)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": "Bearer " + token}


def test_a_key_vault_takes_its_own_audience_and_tenant_only(world: World, tenant: Tenant, key_vault: KeyVault) -> None:
    client = Client(world, ADMIN_ID, ADMIN_SECRET)
    path = "/secrets?api-version=7.4"
    assert asked(key_vault, bearer(client.token(VAULT)), "GET", path).status == 200
    assert asked(key_vault, bearer(client.token(GRAPH)), "GET", path).status == 401
    other = world.add_tenant("77777777-0000-4000-8000-000000000001", domain="fabrikam.example")
    other.add_admin(ADMIN_ID, ADMIN_SECRET)
    other.add_first_party("cfa8b339-82a2-471a-a3c9-0fc0be7a4093")
    foreign = Client(world, ADMIN_ID, ADMIN_SECRET, other.tenant_id).token(VAULT)
    assert "AKV10032" in asked(key_vault, bearer(foreign), "GET", path).json()["error"]["message"]
    assert asked(key_vault, bearer(client.token(VAULT)), "GET", "/secrets").status == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/secrets/a_b", {"value": "x"}, 400),
        ("PUT", "/secrets/a", {"value": ""}, 400),
        ("PUT", "/secrets/a", {"value": "x", "expires": 1}, 400),
        ("PUT", "/secrets/a", {"value": "x", "attributes": {"exp": "2027-01-01"}}, 400),
        ("PUT", "/secrets/a", {"value": "x", "tags": {"t": None}}, 400),
        ("PUT", "/secrets/a", {"value": "x", "tags": {str(n): "" for n in range(16)}}, 400),
        ("PATCH", "/secrets/a/0", {"value": "x"}, 400),
        ("PATCH", "/secrets/a/0", {"tags": {}}, 404),
        ("GET", "/secrets/a", None, 404),
    ],
)
def test_a_key_vault_refuses_what_its_reference_does_not_know(
    world: World, key_vault: KeyVault, method: str, path: str, body: Any, status: int
) -> None:
    token = Client(world, ADMIN_ID, ADMIN_SECRET).token(VAULT)
    assert asked(key_vault, bearer(token), method, path + "?api-version=7.4", body).status == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "secret/data/webex-connect/a", {"data": {}, "options": {"cas": 1}}, 400),
        ("POST", "secret/data/webex-connect/a", {"secret_text": "x"}, 400),
        ("POST", "secret/data/webex-connect/a", {"data": {}, "options": {"force": True}}, 400),
        ("POST", "secret/data/elsewhere", {"data": {}}, 403),
        ("POST", "secret/metadata/webex-connect/a", {"custom_metadata": {"k": ""}}, 400),
        ("POST", "secret/metadata/webex-connect/a", {"custom_metadata": {"k": 1}}, 400),
        ("DELETE", "secret/metadata/webex-connect/a", None, 403),
        ("GET", "secret/data/webex-connect/a", None, 404),
        ("POST", "old/data/webex-connect/a", {"data": {}}, 404),
    ],
)
def test_a_hashicorp_vault_refuses_what_its_documentation_does_not_know(
    hashi_vault: HashiVault, method: str, path: str, body: Any, status: int
) -> None:
    assert asked(hashi_vault, {"X-Vault-Token": hashi_vault.add_token()}, method, "/v1/" + path, body).status == status
    assert asked(hashi_vault, {"X-Vault-Token": "hvs.wrong"}, method, "/v1/" + path, body).status == 403
