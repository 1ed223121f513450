# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store in a HashiCorp Vault, against one that refuses what the real one refuses."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._stores import keeping
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.hashi_vault import HashiVaultStore
from ansible_collections.webex_connect.office365.plugins.module_utils._tenant import connect
from module_runner import Failed, Runner
from simulated_stores import HashiVault, serve
from simulated_stores.hashi_vault import FOLDER_RIGHTS
from simulated_tenant import Tenant, World
from simulated_tenant import serve as serve_tenants

MODULE = "app_secret"
NAME = "webex-connect"
URL = "https://vault.contoso.example:8200"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


@pytest.fixture
def vault(run: Runner) -> HashiVault:
    vault = HashiVault(run.world.now)
    run.doors[vault.host] = vault
    return vault


@pytest.fixture
def wish(app: dict, vault: HashiVault) -> dict[str, Any]:
    store = {"type": "hashi_vault", "url": URL, "token": vault.add_token()}
    return {"app_id": app["appId"], "display_name": NAME, "store": store}


def stored(wish: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {**wish, "store": {**wish["store"], **options}}


def path_of(tenant: Tenant, app: dict) -> str:
    return f"webex-connect/{tenant.tenant_id}/{app['appId']}/{NAME}"


def asked(vault: HashiVault, token: str, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Vault-Token": token, "Content-Type": "application/json"}
    return vault.handle(method, f"https://{vault.host}/v1/{path}", headers, data)


# What is kept, and how it is found again


def test_text_and_record_lie_in_one_version_and_the_record_in_the_metadata_too(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any]
) -> None:
    made = run(MODULE, **wish)["secret"]
    path = vault.paths[path_of(tenant, app)]
    (version,) = path.versions
    assert version.data["secret_text"] == tenant.secret_texts[made["key_id"]]
    assert version.data["key_id"] == path.custom_metadata["key_id"] == made["key_id"]
    assert path.custom_metadata["version"] == "1"
    assert "announced" not in path.custom_metadata
    assert not set(tenant.secret_texts.values()) & set(path.custom_metadata.values())
    assert made["stored_in"] == f"{URL}: secret/{path_of(tenant, app)} (version 1)"


def test_records_are_read_without_a_text(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any]
) -> None:
    run(MODULE, **wish)
    rights = {path: rights - {"read"} if "/data/" in path else rights for path, rights in FOLDER_RIGHTS.items()}
    write_only = stored(wish, token=vault.add_token(rights))
    assert not run(MODULE, **write_only)["changed"]
    run.clock.now += timedelta(days=160)
    run.settled(MODULE, **write_only)


def test_a_run_killed_between_text_and_record_is_understood(
    run: Runner,
    tenant: Tenant,
    app: dict,
    vault: HashiVault,
    wish: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = []
    write_tags = HashiVaultStore._write_tags

    def die_at_the_second(*arguments: Any) -> None:
        written.append(arguments)
        if len(written) == 2:
            raise Killed
        write_tags(*arguments)

    def die(*_arguments: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(HashiVaultStore, "_write_tags", die_at_the_second)
        patch.setattr(keeping, "_take_back", die)
        with pytest.raises(Killed):
            run(MODULE, **wish)
    (credential,) = tenant.application(app["appId"])["passwordCredentials"]
    after = run(MODULE, **wish)
    assert not after["changed"]
    assert after["secret"]["key_id"] == credential["keyId"]
    run.clock.now += timedelta(days=160)
    renewed = run.settled(MODULE, **wish)
    assert vault.paths[path_of(tenant, app)].custom_metadata["version"] == "2"
    assert renewed["secret"]["other_live_key_ids"] == [credential["keyId"]]


def test_what_somebody_noted_in_the_metadata_stays_and_what_they_cleared_is_found(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any]
) -> None:
    token = vault.add_token()
    notes = {"custom_metadata": {"owner": "team mail"}}
    asked(vault, token, "POST", "secret/metadata/" + path_of(tenant, app), notes)
    made = run.settled(MODULE, **wish)
    assert vault.paths[path_of(tenant, app)].custom_metadata["owner"] == "team mail"
    asked(vault, token, "POST", "secret/metadata/" + path_of(tenant, app), {"custom_metadata": {}})
    after = run(MODULE, **wish)
    assert not after["changed"]
    assert after["secret"]["stored_in"] == made["secret"]["stored_in"]


@pytest.mark.parametrize("how", ["deleted", "destroyed", "written"])
def test_a_text_that_somebody_removed_or_replaced_is_a_lost_entry(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any], how: str
) -> None:
    run(MODULE, **wish)
    path = vault.paths[path_of(tenant, app)]
    if how == "deleted":
        path.versions[-1].deleted = run.clock.now
    elif how == "destroyed":
        path.versions[-1].destroyed = True
    else:
        asked(vault, vault.add_token(), "POST", "secret/data/" + path_of(tenant, app), {"data": {"by": "hand"}})
    run.clock.now += timedelta(days=1)
    left = run.announced(MODULE, **wish)
    assert not left["changed"]
    assert left["warnings"]
    made = run.settled(MODULE, **wish, adopt="replace")
    assert path.versions[-1].data["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]


def test_a_version_that_will_be_deleted_later_is_there_until_then(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any]
) -> None:
    run(MODULE, **wish)
    vault.paths[path_of(tenant, app)].versions[-1].deleted = run.clock.now + timedelta(days=5)
    assert run(MODULE, **wish)["secret"]["stored_in"]


def test_a_path_of_something_else_is_refused_before_anything(
    run: Runner, vault: HashiVault, wish: dict[str, Any]
) -> None:
    rights = {"secret/data/*": {"create", "read", "update"}, "secret/metadata/*": {"create", "read", "update"}}
    wish = stored(wish, token=vault.add_token(rights), secret_path="apps/database")
    asked(vault, wish["store"]["token"], "POST", "secret/data/apps/database", {"data": {"password": "hunter2"}})
    with pytest.raises(Failed, match="holds something else.*secret_path") as failure:
        run(MODULE, **wish)
    assert "hunter2" not in failure.value.message
    assert run.world.writes() == []
    made = run.settled(MODULE, **stored(wish, secret_path="/apps/webex/"))
    assert made["secret"]["stored_in"].endswith("secret/apps/webex (version 1)")


# An answer that was lost


@pytest.mark.parametrize("do", ["answer_lost", 502])
def test_a_lost_answer_is_followed_by_no_second_version(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any], do: Any
) -> None:
    vault.faults.add(lambda entry: entry.method == "POST" and "/data/" in entry.path, do)
    run.settled(MODULE, **wish)
    assert len(vault.paths[path_of(tenant, app)].versions) == 1
    assert len(tenant.application(app["appId"])["passwordCredentials"]) == 1


def test_a_record_that_cannot_be_written_takes_the_credential_back(
    run: Runner, tenant: Tenant, app: dict, vault: HashiVault, wish: dict[str, Any]
) -> None:
    vault.faults.add(lambda entry: "metadata" in entry.path and "key_id" in str(entry.body), 500, times=None)
    with pytest.raises(Failed, match="record the new text.*removed again"):
        run(MODULE, **wish)
    assert tenant.application(app["appId"])["passwordCredentials"] == []
    vault.faults.clear()
    made = run.settled(MODULE, **wish)
    assert vault.paths[path_of(tenant, app)].versions[-1].data["key_id"] == made["secret"]["key_id"]


# Refusals


@pytest.mark.parametrize(
    ("kind", "lacking"), [("data", "create"), ("data", "update"), ("metadata", "update"), ("metadata", "read")]
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_a_missing_capability_is_named_before_any_write(
    run: Runner,
    tenant: Tenant,
    app: dict,
    vault: HashiVault,
    wish: dict[str, Any],
    kind: str,
    lacking: str,
    check: bool,
) -> None:
    rights = {path: rights - {lacking} if f"/{kind}/" in path else rights for path, rights in FOLDER_RIGHTS.items()}
    with pytest.raises(Failed, match=f"lacks {lacking} on secret/{kind}/{path_of(tenant, app)}.*policies need"):
        run(MODULE, check=check, **stored(wish, token=vault.add_token(rights)))
    assert vault.writes() == run.world.writes() == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"token": "hvs.expired"}, "403: permission denied.*token is still valid"),
        ({"mount_point": "old"}, "kv of version 1, not a key/value engine of version 2"),
        ({"mount_point": "nowhere"}, "preflight capability check returned 403"),
        ({"namespace": "wrong"}, "403: permission denied"),
        ({"token": None, "role_id": "r", "secret_id": "sid-fake"}, "sign in to Vault with the AppRole r.*used up"),
        ({"token": None, "role_id": "r", "secret_id": "s", "auth_mount_point": "x"}, "nothing is mounted at auth/x"),
    ],
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_what_cannot_be_signed_in_to_or_written_is_told(
    run: Runner, vault: HashiVault, wish: dict[str, Any], options: dict[str, Any], says: str, check: bool
) -> None:
    vault.policies[next(iter(vault.policies))]["old/data/*"] = {"create", "update", "read"}
    with pytest.raises(Failed, match=says) as failure:
        run(MODULE, check=check, **stored(wish, **options))
    shown = failure.value.message + repr(failure.value.facts)
    assert not [text for text in ("sid-fake", "hvs.") if text in shown]
    assert vault.writes() == run.world.writes() == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"namespace": "emea\r\nX-Vault-Token: hvs.mine"}, "store.namespace holds a character that no header"),
        ({"namespace": "Bürgerbüro"}, "store.namespace holds a character that no header"),
        ({"token": "hvs.first\nhvs.second"}, "store.token holds a character that no header"),
        ({"token": "hvs.\x85x"}, "store.token holds a character that no header"),
        ({"token": None, "role_id": "r", "secret_id": "s", "auth_mount_point": "../sys"}, "store.auth_mount_point is"),
        ({"mount_point": "../sys"}, "store.mount_point is"),
        ({"mount_point": "/"}, "store.mount_point is"),
        ({"secret_path": "a/../../sys/seal"}, "store.secret_path is"),
        ({"secret_path": "a\x85b"}, "store.secret_path is"),
        ({"url": "https://robot:hvs.pass/word@vault.contoso.example"}, "https://…@vault.contoso.example'"),
        ({"url": "http://robot:hvs.pass/word@vault.contoso.example"}, "http://…@vault.contoso.example'"),
        ({"url": "robot:hvs.pass/word@vault.contoso.example"}, "store.url is '…@vault.contoso.example'"),
        ({"url": "https://vault.contoso.example/?token=hvs.x"}, r"https://vault.contoso.example/\?…'"),
        ({"url": "https://vault.contoso.example/#hvs.x"}, "https://vault.contoso.example/#…'"),
        ({"url": "http://vault.contoso.example"}, "only https is accepted"),
    ],
)
def test_what_could_reach_a_wrong_place_is_refused_before_any_request(
    run: Runner, vault: HashiVault, wish: dict[str, Any], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(Failed, match=says) as failure:
        run(MODULE, **stored(wish, **options))
    assert "hvs." not in failure.value.message.replace(repr(options.get("namespace")), "")
    assert vault.log == list(run.world.log) == []


def test_a_sealed_vault_is_told(run: Runner, vault: HashiVault, wish: dict[str, Any]) -> None:
    vault.is_sealed = True
    with pytest.raises(Failed, match="503: Vault is sealed.*have it unsealed"):
        run(MODULE, **wish)


def test_a_redirect_is_not_followed(run: Runner, vault: HashiVault, wish: dict[str, Any]) -> None:
    vault.faults.add(lambda entry: True, "redirect:https://attacker.example/v1/x", times=None)
    with pytest.raises(Failed, match=r"pointed to 'attacker.example'.*not sent there"):
        run(MODULE, **wish)


def test_an_approle_signs_in_once_a_task(run: Runner, vault: HashiVault, wish: dict[str, Any]) -> None:
    role_id, secret_id = vault.add_role()
    run(MODULE, **stored(wish, token=None, role_id=role_id, secret_id=secret_id))
    assert len([entry for entry in vault.log if entry.path.endswith("/login")]) == 1


def test_it_works_over_tls_with_an_authority_of_its_own_and_not_without(
    world: World, tenant: Tenant, run: Runner, app: dict, vault: HashiVault, wish: dict[str, Any], tmp_path: Path
) -> None:
    run.connect = connect
    run.world.now = vault.now = lambda: datetime.now().astimezone()
    with serve_tenants(world, tmp_path / "tenants") as tenants, serve(vault, tmp_path / "vault") as served:
        over_tls = {**stored(wish, url=served.url), "max_retries": 0, **tenants.endpoints}
        with pytest.raises(Failed, match="certificate of 127.0.0.1 was not accepted"):
            run(MODULE, **over_tls)
        assert vault.log == []
        made = run(MODULE, **stored(over_tls, ca_path=str(served.ca_path)))
        version = vault.paths[path_of(tenant, app)].versions[-1]
        assert version.data["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]
