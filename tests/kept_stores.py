# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of store as a test sees it: its options, what a reader gets from it, and how it can be made to fail.

What a reader gets is looked up without this collection: with Ansible's and OpenSSL's own means, or in the state of a
simulated service.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file, sealed
from ansible_collections.webex_connect.office365.plugins.plugin_utils._vault import ControllerVault
from module_runner import Runner
from simulated_stores import HashiVault, KeyVault
from simulated_stores.door import Door
from simulated_tenant import Tenant

VAULT_PASSWORD = "a vault password of a test"


def controller_vault(*identities: tuple[str, str]) -> ControllerVault:
    """What an action would hand over in a run with these vault ids and passwords."""
    loader = DataLoader()
    loader.set_vault_secrets([(name, VaultSecret(password.encode())) for name, password in identities])
    return ControllerVault(loader)


def make_certificate(folder: Path, kind: str = "rsa", days: tuple[int, int] = (-1, 365)) -> tuple[Path, Path]:
    """(certificate, key), self-signed, valid from and until so many days from now."""
    key: Any = ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Webex Connect operators")])
    now = datetime.now().astimezone()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{kind}{days[1]}.pem", folder / f"{kind}{days[1]}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
    return paths


class Kept:
    """``options`` for the module; the rest is the test's own view."""

    options: dict[str, Any]

    def current_text(self) -> str | None:
        raise NotImplementedError

    def take_down(self) -> None:
        """The store refuses everything, or cannot be read."""
        raise NotImplementedError

    def refuse_texts(self, patch: pytest.MonkeyPatch) -> None:
        """Announcements are taken, texts are not."""
        raise NotImplementedError

    def lose_everything(self) -> None:
        raise NotImplementedError


class KeptFile(Kept):
    """Encrypted with Ansible Vault."""

    def __init__(self, folder: Path, run: Runner) -> None:
        self.path = folder / "kept" / "contoso.yml"
        self.options = {"type": "file", "path": str(self.path), "vault": True}
        run.vault = controller_vault(("default", VAULT_PASSWORD))

    def entries(self) -> list[dict[str, Any]]:
        opened = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))]).decrypt(self.path.read_text())
        return list(yaml.safe_load(opened)["secrets"])

    def current_text(self) -> str | None:
        return self.entries()[0].get("secret_text") if self.path.exists() and self.entries() else None

    def take_down(self) -> None:
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text("somebody: else\n")

    def refuse_texts(self, patch: pytest.MonkeyPatch) -> None:
        calls = []

        def write(path: str, text: str, mode: int) -> None:
            calls.append(path)
            if len(calls) > 1:
                raise OSError(28, "No space left on device")
            Path(path).parent.mkdir(exist_ok=True)
            Path(path).write_text(text)

        patch.setattr(file, "write_atomically", write)

    def lose_everything(self) -> None:
        for path in self.path.parent.iterdir():
            path.unlink()


class KeptSealed(KeptFile):
    def __init__(self, folder: Path, run: Runner) -> None:
        self.path = folder / "kept" / "contoso.yml"
        self.certificate, self.key = make_certificate(folder)
        self.options = {
            "type": "sealed",
            "path": str(self.path),
            "recipient_certificate_path": str(self.certificate),
        }

    def entries(self) -> list[dict[str, Any]]:
        return list(yaml.safe_load(self.path.read_text())["secrets"])

    def current_text(self) -> str | None:
        names = [entry.get("sealed_text") for entry in (self.entries() if self.path.exists() else [])]
        return self.unsealed(self.path.parent / names[0]) if names and names[0] else None

    def unsealed(self, path: Path) -> str:
        options = ("-inform", "PEM", "-in", path, "-recip", self.certificate, "-inkey", self.key)
        done = subprocess.run(["openssl", "cms", "-decrypt", *options], capture_output=True, check=True)
        return done.stdout.decode()

    def refuse_texts(self, patch: pytest.MonkeyPatch) -> None:
        def full(path: str, text: str, mode: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(sealed, "write_atomically", full)


def refuse_and_repeat(vault: Door, text_in: Callable[[Any], str | None]) -> None:
    """As a service or a proxy may that says what it did not like."""

    def strikes(entry: Any) -> bool:
        text = text_in(entry.body) if entry.method in ("PUT", "POST") and entry.body else None
        said = f"cannot take {text}"
        fault.body = {"error": {"code": "BadParameter", "message": said}, "errors": [said]}
        return text is not None

    fault = vault.faults.add(strikes, 400, times=None)


class KeptInKeyVault(Kept):
    def __init__(self, run: Runner, tenant: Tenant) -> None:
        self.vault = KeyVault(run.world, tenant)
        run.doors[self.vault.host] = self.vault
        self.options = {"type": "azure_key_vault", "vault_url": "https://contoso.vault.azure.net/"}

    def current_text(self) -> str | None:
        versions = [versions[-1] for versions in self.vault.secrets.values()]
        return versions[0].value if versions and versions[0].enabled else None

    def take_down(self) -> None:
        self.vault.faults.add(lambda entry: True, 503, times=None)

    def refuse_texts(self, patch: pytest.MonkeyPatch) -> None:
        refuse_and_repeat(self.vault, lambda body: body["value"] if body["attributes"]["enabled"] else None)

    def lose_everything(self) -> None:
        self.vault.secrets.clear()


class KeptInHashiVault(Kept):
    """Signed in to with a token, or with an AppRole."""

    def __init__(self, run: Runner, with_role: bool) -> None:
        self.vault = HashiVault(run.world.now)
        run.doors[self.vault.host] = self.vault
        self.options = {"type": "hashi_vault", "url": "https://vault.contoso.example:8200"}
        if with_role:
            self.vault.namespace = "emea/mail"
            self.options["namespace"] = "emea/mail"
            self.options["role_id"], self.options["secret_id"] = self.vault.add_role()
        else:
            self.options["token"] = self.vault.add_token()

    def current_text(self) -> str | None:
        for path in self.vault.paths.values():
            if path.versions and not path.versions[-1].deleted:
                return str(path.versions[-1].data["secret_text"])
        return None

    def take_down(self) -> None:
        self.vault.is_sealed = True

    def refuse_texts(self, patch: pytest.MonkeyPatch) -> None:
        refuse_and_repeat(self.vault, lambda body: body.get("data", {}).get("secret_text"))

    def lose_everything(self) -> None:
        self.vault.paths.clear()


def keep(kind: str, folder: Path, run: Runner, tenant: Tenant) -> Kept:
    if kind == "vault-file":
        return KeptFile(folder, run)
    if kind == "sealed":
        return KeptSealed(folder, run)
    if kind == "key-vault":
        return KeptInKeyVault(run, tenant)
    return KeptInHashiVault(run, with_role=kind == "approle")


KINDS = ("vault-file", "sealed", "key-vault", "hashi-vault", "approle")
