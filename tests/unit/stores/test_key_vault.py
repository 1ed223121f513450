# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store in an Azure Key Vault, against one that refuses what the real one refuses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._tenant import connect
from kept_stores import KeptInKeyVault
from module_runner import Failed, Runner
from simulated_stores import KeyVault, serve
from simulated_tenant import Tenant, World
from simulated_tenant import serve as serve_tenants
from simulated_tenant.client import Client

MODULE = "app_secret"
NAME = "webex-connect"
VAULT = "https://vault.azure.net"
ADMIN_ID, ADMIN_SECRET = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10", "Zx8~not-a-real-secret-but-long-enough"


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


@pytest.fixture
def vault(run: Runner, tenant: Tenant) -> KeyVault:
    return KeptInKeyVault(run, tenant).vault


@pytest.fixture
def wish(app: dict, vault: KeyVault) -> dict[str, Any]:
    store = {"type": "azure_key_vault", "vault_url": "https://contoso.vault.azure.net"}
    return {"app_id": app["appId"], "display_name": NAME, "store": store}


def named(wish: dict[str, Any], name: str) -> dict[str, Any]:
    return {**wish, "store": {**wish["store"], "secret_name": name}}


def name_of(app: dict) -> str:
    return f"webex-connect-{app['appId']}"


def asked(vault: KeyVault, token: str, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    return vault.handle(method, f"https://{vault.host}{path}", headers, data)


# What is kept, and how it is found again


def test_expiry_and_tags_are_set_on_the_key_vault_secret(
    run: Runner, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    made = run(MODULE, **wish)["secret"]
    version = vault.current(name_of(app))
    end = datetime.fromisoformat(made["end"])
    assert (version.enabled, version.exp) == (True, int(end.timestamp()))
    assert version.nbf == int(datetime.fromisoformat(made["start"]).timestamp())
    assert version.tags["key_id"] == made["key_id"]
    assert (version.tags["tenant_id"], version.tags["app_id"]) == (tenant.tenant_id, app["appId"])
    assert version.tags["display_name"] == NAME
    assert "announced" not in version.tags
    assert made["stored_in"] == f"https://contoso.vault.azure.net/secrets/{name_of(app)}/{version.number}"


def test_records_are_read_without_a_text(run: Runner, vault: KeyVault, wish: dict[str, Any]) -> None:
    for _ in range(4):  # more versions than one page holds
        run.clock.now += timedelta(days=1)
        run(MODULE, **wish, rotate=True)
    vault.rights = {"list", "set"}
    assert not run(MODULE, **wish)["changed"]
    gets = [entry.path for entry in vault.log if entry.method == "GET" and not entry.path.endswith("/versions")]
    assert gets == []


def test_the_name_may_be_chosen_and_is_never_taken_from_somebody_else(
    run: Runner, world: World, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    token = Client(world, ADMIN_ID, ADMIN_SECRET).token(VAULT)
    assert asked(vault, token, "PUT", "/secrets/database?api-version=7.4", {"value": "hunter2"}).status == 200
    with pytest.raises(Failed, match="holds something else.*secret_name") as failure:
        run(MODULE, **named(wish, "database"))
    assert "hunter2" not in failure.value.message
    assert world.writes() == []
    assert vault.current("database").value == "hunter2"
    made = run.settled(MODULE, **named(wish, "contoso-webex"))
    assert "/secrets/contoso-webex/" in made["secret"]["stored_in"]
    with pytest.raises(Failed, match="holds something else"):
        run(MODULE, **{**named(wish, "contoso-webex"), "display_name": "another"})


def test_a_newer_version_by_somebody_else_is_a_lost_entry(
    run: Runner, world: World, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    run(MODULE, **wish)
    run.clock.now += timedelta(days=1)
    token = Client(world, ADMIN_ID, ADMIN_SECRET).token(VAULT)
    asked(vault, token, "PUT", f"/secrets/{name_of(app)}?api-version=7.4", {"value": "pasted by hand"})
    left = run.announced(MODULE, **wish)
    assert not left["changed"]
    assert left["warnings"]
    run.clock.now += timedelta(days=1)
    made = run.settled(MODULE, **wish, adopt="replace")
    assert vault.current(name_of(app)).value == tenant.secret_texts[made["secret"]["key_id"]]


def test_an_announcement_leaves_the_current_text_and_makes_a_disabled_one_for_a_new_name(
    run: Runner, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    tenant.restrict_secrets(forbidden=True)
    with pytest.raises(Failed, match="forbids"):
        run(MODULE, **wish)
    (placeholder,) = vault.secrets[name_of(app)]
    assert not placeholder.enabled
    tenant.policies["defaultAppManagementPolicy"]["isEnabled"] = False
    made = run(MODULE, **wish)["secret"]
    run.clock.now += timedelta(days=160)
    tenant.restrict_secrets(forbidden=True)
    with pytest.raises(Failed, match="forbids"):
        run(MODULE, **wish)
    assert len(vault.secrets[name_of(app)]) == 2
    assert vault.current(name_of(app)).tags["key_id"] == made["key_id"]


# Soft delete


@pytest.mark.parametrize("slowly", [0, 3])
def test_a_deleted_secret_of_ours_is_recovered_and_written_to(
    run: Runner, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any], slowly: int
) -> None:
    run(MODULE, **wish)
    run(MODULE, **wish, state="absent")
    assert list(vault.deleted) == [name_of(app)]
    vault.recoveries_take = slowly
    run.clock.now += timedelta(days=1)
    made = run.settled(MODULE, **wish)
    assert vault.deleted == {}
    assert vault.current(name_of(app)).value == tenant.secret_texts[made["secret"]["key_id"]]


def test_without_the_right_to_recover_it_is_said_what_to_do(
    run: Runner, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    run(MODULE, **wish)
    run(MODULE, **wish, state="absent")
    vault.rights.discard("recover")
    with pytest.raises(Failed, match=r"recover the deleted secret.*AccessDenied.*Secrets Officer.*recover or purge"):
        run(MODULE, **wish)
    assert tenant.application(app["appId"])["passwordCredentials"] == []


def test_a_deleted_secret_of_somebody_else_stays_deleted(
    run: Runner, world: World, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any]
) -> None:
    token = Client(world, ADMIN_ID, ADMIN_SECRET).token(VAULT)
    asked(vault, token, "PUT", "/secrets/database?api-version=7.4", {"value": "hunter2"})
    asked(vault, token, "DELETE", "/secrets/database?api-version=7.4")
    with pytest.raises(Failed, match=r"deleted, and holding its name.*another store.secret_name"):
        run(MODULE, **named(wish, "database"))
    assert list(vault.deleted) == ["database"]
    assert tenant.application(app["appId"])["passwordCredentials"] == []


# Refusals


@pytest.mark.parametrize("right", ["list", "set"])
def test_a_missing_right_is_named_before_anything_is_created(
    run: Runner, tenant: Tenant, app: dict, vault: KeyVault, wish: dict[str, Any], right: str
) -> None:
    vault.rights.discard(right)
    says = rf"contoso.vault.azure.net.*403 AccessDenied, request id .*secrets {right} permission.*Secrets Officer"
    with pytest.raises(Failed, match=says) as failure:
        run(MODULE, **wish)
    assert run.world.writes() == []
    assert failure.value.facts["request_id"]
    assert failure.value.facts["tenant_id"] == tenant.tenant_id


def test_a_firewall_and_another_tenants_vault_are_told_apart(
    run: Runner, world: World, vault: KeyVault, wish: dict[str, Any]
) -> None:
    vault.is_behind_firewall = True
    with pytest.raises(Failed, match="ForbiddenByFirewall.*through the vault's firewall"):
        run(MODULE, check=True, **wish)
    other = world.add_tenant("77777777-0000-4000-8000-000000000001", domain="fabrikam.example")
    run.doors[vault.host] = KeyVault(world, other)
    with pytest.raises(Failed, match="AKV10032.*belongs to another tenant"):
        run(MODULE, check=True, **wish)


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("https://attacker.example", {}),
        ("https://contoso.vault.azure.net.attacker.example", {}),
        ("https://a.b.vault.azure.net", {}),
        ("https://contoso.vault.azure.net:8443", {}),
        ("https://contoso.vault.usgovcloudapi.net", {}),
        ("https://contoso.vault.azure.net", {"cloud": "usgov_high"}),
        ("https://contoso.vault.azure.net", {"cloud": "china"}),
    ],
)
def test_the_token_goes_to_no_host_but_a_vault_of_the_cloud(
    run: Runner, wish: dict[str, Any], url: str, options: dict[str, str]
) -> None:
    store = {"type": "azure_key_vault", "vault_url": url}
    with pytest.raises(Failed, match="no vault that the sign-in at"):
        run(MODULE, **{**wish, **options, "store": store})
    assert list(run.world.log) == []


def test_a_next_link_to_another_host_is_not_followed(run: Runner, vault: KeyVault, wish: dict[str, Any]) -> None:
    carried: list[str] = []
    carry = run.carry

    def spoilt(request: Any, timeout: float) -> Any:
        carried.append(request.url)
        response = carry(request, timeout)
        if "/versions" in request.url:
            body = {**response.json(), "nextLink": "https://attacker.example/secrets"}
            return type(response)(200, response.headers, json.dumps(body).encode())
        return response

    run.carry = spoilt
    with pytest.raises(Failed, match="not its own host"):
        run(MODULE, **wish)
    assert not [url for url in carried if "attacker" in url]


def test_throttling_is_waited_for(run: Runner, vault: KeyVault, wish: dict[str, Any]) -> None:
    vault.faults.add(lambda entry: entry.method == "PUT", 429, retry_after=7)
    run(MODULE, **wish)
    assert 7 in run.clock.slept


@pytest.mark.parametrize(("cloud", "suffix"), [("usgov_high", "vault.usgovcloudapi.net"), ("china", "vault.azure.cn")])
def test_another_cloud_has_vaults_of_its_own(
    world: World, tenant: Tenant, run: Runner, wish: dict[str, Any], cloud: str, suffix: str
) -> None:
    tenant.settings.cloud = cloud
    vault = KeyVault(world, tenant, f"contoso.{suffix}")
    run.doors[vault.host] = vault
    store = {"type": "azure_key_vault", "vault_url": f"https://contoso.{suffix}"}
    run.settled(MODULE, **{**wish, "cloud": cloud, "store": store})


def test_it_works_over_tls_with_a_private_authority_and_not_without(
    world: World, tenant: Tenant, run: Runner, app: dict, vault: KeyVault, tmp_path: Path
) -> None:
    run.connect = connect
    run.world.now = lambda: datetime.now().astimezone()
    with serve_tenants(world, tmp_path) as tenants, serve(vault, tmp_path) as served:
        vault.now = world.now
        store = {"type": "azure_key_vault", "vault_url": served.url}
        wish = {"app_id": app["appId"], "display_name": NAME, "store": store, "max_retries": 0, **tenants.endpoints}
        made = run(MODULE, **wish)
        assert vault.current(name_of(app)).value == tenant.secret_texts[made["secret"]["key_id"]]
        with serve(KeyVault(world, tenant), tmp_path / "other") as stranger:
            store["vault_url"] = stranger.url
            with pytest.raises(Failed, match="certificate of 127.0.0.1 was not accepted"):
                run(MODULE, **wish)
