# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file encrypted with Ansible Vault: opened by the real ``ansible-vault``, refused where the run has no secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.file import FileStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.store import StoreFailed, open_store
from ansible_collections.webex_connect.office365.plugins.plugin_utils._vault import ControllerVault
from kept_stores import VAULT_PASSWORD, controller_vault
from module_runner import Failed, Runner
from samples import APP_ID, TENANT_ID, key_id

OWNER = (TENANT_ID, APP_ID, "webex-connect")
RECORD = Record(*OWNER, key_id(1), "2026-11-25T07:59:59.123456Z", "2027-05-24T08:00:00Z")
TEXT = "T3xt~of-a-secret"
BOTH = (("prod", "password of prod"), ("test", "password of test"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "contoso.yml"


def opened(path: Path, vault: ControllerVault | None, **options: Any) -> FileStore:
    store = open_store({"type": "file", "path": str(path), "vault": True, **options}, vault)
    assert isinstance(store, FileStore)
    return store


def viewed(path: Path, tmp_path: Path, password: str = VAULT_PASSWORD, name: str = "default") -> Any:
    (tmp_path / "password").write_text(password + "\n")
    command = [Path(sys.executable).parent / "ansible-vault", "view", "--vault-id", f"{name}@{tmp_path / 'password'}"]
    done = subprocess.run([*command, path], capture_output=True, text=True, check=True)
    return yaml.safe_load(done.stdout)


def test_ansible_vault_view_opens_it(path: Path, tmp_path: Path) -> None:
    store = opened(path, controller_vault(("default", VAULT_PASSWORD)))
    store.refuse_unusable()
    store.write(RECORD, TEXT)
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.1;AES256\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert viewed(path, tmp_path)["secrets"][0]["secret_text"] == TEXT
    assert store.record_of(*OWNER) == RECORD
    assert store.text_of(*OWNER) == TEXT


def test_the_identity_is_the_named_one_or_the_first(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(path, controller_vault(*BOTH)).write(RECORD, TEXT)
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    opened(path, controller_vault(*BOTH), vault_id="test").write(RECORD, TEXT)
    assert viewed(path, tmp_path, "password of test", "test")["secrets"][0]["secret_text"] == TEXT
    monkeypatch.setenv("ANSIBLE_VAULT_ENCRYPT_IDENTITY", "test")
    path.unlink()
    opened(path, controller_vault(*BOTH)).write(RECORD, TEXT)
    assert path.read_text().startswith("$ANSIBLE_VAULT;1.2;AES256;test\n")


def test_a_plain_file_is_read_and_encrypted_when_it_is_next_written(path: Path, tmp_path: Path) -> None:
    FileStore(str(path)).write(RECORD, TEXT)
    store = opened(path, controller_vault(("default", VAULT_PASSWORD)))
    store.refuse_unusable()
    assert store.record_of(*OWNER) == RECORD
    assert TEXT in path.read_text()
    store.announce(*OWNER, "2027-01-01T00:00:00.000001Z")
    assert TEXT not in path.read_text()
    assert viewed(path, tmp_path)["secrets"][0]["secret_text"] == TEXT


def test_an_encrypted_file_without_the_option_is_refused_and_stays(path: Path) -> None:
    opened(path, controller_vault(("default", VAULT_PASSWORD))).write(RECORD, TEXT)
    before = path.read_bytes()
    plain = FileStore(str(path))
    with pytest.raises(InvalidInput, match="Set vault to true"):
        plain.refuse_unusable()
    with pytest.raises(StoreFailed):
        plain.write(RECORD, TEXT)
    assert path.read_bytes() == before


def test_a_file_of_another_secret_is_refused_and_stays(path: Path) -> None:
    opened(path, controller_vault(("default", VAULT_PASSWORD))).write(RECORD, TEXT)
    before = path.read_bytes()
    other = opened(path, controller_vault(("default", "another password")))
    with pytest.raises(InvalidInput, match="None of this run's vault secrets"):
        other.refuse_unusable()
    with pytest.raises(StoreFailed):
        other.write(RECORD, TEXT)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("vault", "options", "says"),
    [
        (None, {}, "only Ansible on the controller.*sealed"),
        (controller_vault(), {}, "no vault secret.*--vault-id"),
        (controller_vault(*BOTH), {"vault_id": "stage"}, "'stage'.*'prod', 'test'"),
        (controller_vault(*BOTH), {"vault": False, "vault_id": "test"}, "vault is not true"),
    ],
    ids=["module", "no-secret", "unknown-identity", "identity-alone"],
)
@pytest.mark.parametrize("module", ["app_secret", "azure_app_registration"])
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_what_cannot_be_encrypted_is_refused_before_any_request(
    run: Runner, path: Path, vault: Any, options: dict[str, Any], says: str, module: str, check: bool
) -> None:
    run.vault = vault
    wish = {"app_id": APP_ID} if module == "app_secret" else {}
    store = {"path": str(path), "vault": True, **options}
    with pytest.raises(Failed, match=says):
        run(module, check=check, display_name="webex-connect", store=store, **wish)
    assert list(run.world.log) == []
    assert not path.parent.exists()
