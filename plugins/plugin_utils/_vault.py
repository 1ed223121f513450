# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The vault secrets of this run, for a store that is encrypted with Ansible Vault; only the controller has them."""

from __future__ import annotations

from typing import Any, List, Optional

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.parsing.vault import match_encrypt_secret


class ControllerVault:
    def __init__(self, loader: Any) -> None:
        self._lib = loader._vault

    def identities(self) -> List[str]:
        return [str(vault_id) for vault_id, _secret in self._lib.secrets or []]

    def encrypt(self, text: str, vault_id: Optional[str]) -> str:
        """With the identity that is named, else the one that --encrypt-vault-id's setting names, else the first."""
        wanted = vault_id or constants.config.get_config_value("DEFAULT_VAULT_ENCRYPT_IDENTITY")
        try:
            name, secret = match_encrypt_secret(self._lib.secrets, encrypt_vault_id=wanted)
            return str(to_text(self._lib.encrypt(text, secret=secret, vault_id=name)))
        except AnsibleError as problem:
            raise ValueError(str(problem)) from None

    def decrypt(self, text: str) -> str:
        try:
            return str(to_text(self._lib.decrypt(text), errors="strict"))
        except AnsibleError:
            raise ValueError("no vault secret of this run opens it") from None
