# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real runs with each kind of store: the text is where it should be, and in nothing that a run shows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kept_stores import make_certificate
from simulated_stores import HashiVault, KeyVault, serve
from simulated_tenant import Tenant
from staging import Outcome, Stage

PASSWORD = "a vault password of a test"
LOGIN = ("tenant_id", "client_id", "client_secret", "authority_host", "graph_endpoint", "exchange_endpoint", "ca_path")


@pytest.fixture
def contoso(stage: Stage) -> Tenant:
    tenant = stage.tenant("contoso")
    stage.serve()
    (stage.folder / "password").write_text(PASSWORD)
    return tenant


@pytest.fixture
def key_vault(stage: Stage, contoso: Tenant) -> Iterator[KeyVault]:
    door = KeyVault(stage.world, contoso)
    with serve(door, stage.folder / "served"):
        yield door


@pytest.fixture
def hashi_vault(stage: Stage, contoso: Tenant) -> Iterator[HashiVault]:
    door = HashiVault(stage.world.now)
    with serve(door, stage.folder / "of its own"):
        yield door


def run(stage: Stage, store: dict[str, Any], *arguments: str, **keywords: Any) -> Outcome:
    """One play: the application, and its secret in this store."""
    login = {name: f"{{{{ connect_email_{name} }}}}" for name in LOGIN}
    found = {
        "webex_connect.office365.azure_app_registration": {"display_name": "WebexConnect", "store": store},
        "register": "found",
        **keywords,
    }
    kept = {
        "webex_connect.office365.app_secret": {
            "app_id": "{{ found.application.app_id }}",
            "display_name": "webex-connect",
            "store": store,
        },
        **keywords,
    }
    play = {
        "hosts": "webex_connect_tenants",
        "gather_facts": False,
        "module_defaults": {"group/webex_connect.office365.tenant": login},
        "tasks": [found, kept],
    }
    path = stage.folder / "play.yml"
    path.write_text(yaml.safe_dump([play]))
    return stage.run("-vvvv", "--diff", *arguments, playbook=str(path))


def assert_silent(outcome: Outcome, tenant: Tenant, *others: str) -> None:
    shown = outcome.output + str(outcome.results)
    assert not [text for text in (*tenant.secret_texts.values(), *others) if text in shown]


def assert_kept(
    stage: Stage, tenant: Tenant, store: dict[str, Any], *arguments: str, hidden: tuple[str, ...] = ()
) -> str:
    """A check run, a run, and a run that changes nothing; the text that was made."""
    rehearsed = run(stage, store, "--check", *arguments)
    assert rehearsed.code == 0, rehearsed.output
    assert tenant.secret_texts == {}
    made = run(stage, store, *arguments)
    assert made.code == 0, made.output
    (text,) = tenant.secret_texts.values()
    again = run(stage, store, *arguments)
    assert (again.code, again.changed()) == (0, []), again.output
    for outcome in (rehearsed, made, again):
        assert_silent(outcome, tenant, *hidden)
    return text


@pytest.mark.core
def test_a_file_in_ansible_vault(stage: Stage, contoso: Tenant) -> None:
    path = stage.folder / "kept" / "contoso.yml"
    store = {"path": str(path), "vault": True}
    with_password = ("--vault-password-file", str(stage.folder / "password"))
    text = assert_kept(stage, contoso, store, *with_password, hidden=(PASSWORD,))
    view = [Path(sys.executable).parent / "ansible-vault", "view", *with_password, path]
    shown = subprocess.run(view, capture_output=True, text=True, check=True).stdout
    assert yaml.safe_load(shown)["secrets"][0]["secret_text"] == text
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")


@pytest.mark.core
def test_a_file_in_ansible_vault_is_refused_where_nobody_could_encrypt_it(stage: Stage, contoso: Tenant) -> None:
    store = {"path": str(stage.folder / "kept.yml"), "vault": True}
    with_password = ("--vault-password-file", str(stage.folder / "password"))
    for outcome, says in (
        (run(stage, store), "this run was given no vault secret"),
        (run(stage, store, *with_password, **{"async": 60}), "only Ansible on the controller"),
        (run(stage, store, *with_password, delegate_to="localhost"), "only Ansible on the controller"),
    ):
        assert outcome.code != 0
        assert says in " ".join(outcome.failures()), outcome.output
    assert contoso.applications == []
    assert not (stage.folder / "kept.yml").exists()


def test_a_sealed_file(stage: Stage, contoso: Tenant) -> None:
    certificate, key = make_certificate(stage.folder)
    folder = stage.folder / "kept"
    store = {"type": "sealed", "path": str(folder / "contoso.yml"), "recipient_certificate_path": str(certificate)}
    text = assert_kept(stage, contoso, store)
    (sealed,) = folder.glob("*.cms")
    opened = ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", sealed, "-recip", certificate, "-inkey", key]
    assert subprocess.run(opened, capture_output=True, text=True, check=True).stdout == text


@pytest.mark.parametrize("carrier", ["worker", "module"])
def test_an_azure_key_vault(stage: Stage, contoso: Tenant, key_vault: KeyVault, carrier: str) -> None:
    choose(stage, carrier)
    text = assert_kept(stage, contoso, {"type": "azure_key_vault", "vault_url": f"https://{key_vault.host}"})
    ((version,),) = [versions[1:] for versions in key_vault.secrets.values()]
    assert version.value == text


@pytest.mark.parametrize("carrier", ["worker", "module"])
def test_a_hashicorp_vault(stage: Stage, contoso: Tenant, hashi_vault: HashiVault, carrier: str) -> None:
    choose(stage, carrier)
    role_id, secret_id = hashi_vault.add_role()
    store = {
        "type": "hashi_vault",
        "url": f"https://{hashi_vault.host}",
        "ca_path": str(stage.folder / "of its own" / "ca.pem"),
        "role_id": role_id,
        "secret_id": secret_id,
    }
    text = assert_kept(stage, contoso, store, hidden=(secret_id,))
    (path,) = hashi_vault.paths.values()
    assert [version.data["secret_text"] for version in path.versions] == [text]
    tokens = tuple(hashi_vault.policies)
    assert_silent(run(stage, {**store, "secret_id": "wrong-secret-id"}), contoso, "wrong-secret-id", *tokens)


def choose(stage: Stage, carrier: str) -> None:
    if carrier == "module":  # the same interpreter by another name is no longer the controller's own
        stage.hosts["contoso"]["ansible_python_interpreter"] = str(Path(sys.executable).parent / "python3")
