# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Where a secret's text is put: one small interface, and the one place that knows which stores there are.

A new store is a module beside ``file.py`` with a class of this interface, its options in STORE_OPTIONS and
OPTIONS_OF, and a line in ``open_store``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, List, Mapping, Optional, Protocol

from .._errors import InvalidInput, TenantError
from .record import Record

if TYPE_CHECKING:
    from .._tenant import Tenant

OPTIONS_OF = {
    "file": ("path", "vault", "vault_id"),
    "sealed": ("path", "recipient_certificate_path"),
    "azure_key_vault": ("vault_url", "secret_name"),
    "hashi_vault": (
        "url", "namespace", "mount_point", "secret_path", "token", "role_id", "secret_id", "auth_mount_point", "ca_path",
    ),
}  # fmt: skip
STORE_OPTIONS: Dict[str, Dict[str, Any]] = {
    "type": {"type": "str", "choices": list(OPTIONS_OF), "default": "file"},
    "path": {"type": "path"},
    "vault": {"type": "bool", "default": False},
    "vault_id": {"type": "str"},
    "recipient_certificate_path": {"type": "path"},
    "vault_url": {"type": "str"},
    "secret_name": {"type": "str", "no_log": False},
    "url": {"type": "str"},
    "namespace": {"type": "str"},
    "mount_point": {"type": "str", "default": "secret"},
    "secret_path": {"type": "str", "no_log": False},
    "token": {"type": "str", "no_log": True},
    "role_id": {"type": "str"},
    "secret_id": {"type": "str", "no_log": True},
    "auth_mount_point": {"type": "str", "default": "approle"},
    "ca_path": {"type": "path"},
}
TYPES = ", ".join(OPTIONS_OF)  # for messages


class StoreFailed(TenantError):
    pass


class RunVault(Protocol):
    """The vault secrets of an Ansible run, which only the controller has."""

    def identities(self) -> List[str]: ...

    def encrypt(self, text: str, vault_id: Optional[str]) -> str:
        """Raises ValueError where there is no such identity."""

    def decrypt(self, text: str) -> str:
        """Raises ValueError where none of the secrets opens it."""


class Store:
    """Nothing is opened or sent before the first call; ``bind`` and ``refuse_unusable`` send nothing either."""

    place: str
    """Where a new text will lie, for people: no part of it is secret."""

    def bind(self, tenant: Tenant) -> None:
        """Hands over what a store needs that is a service: the sign-in, the network, the clock."""

    def refuse_unusable(self, new_text: bool = True) -> None:
        """Raises InvalidInput or StoreFailed where a write would fail. Leaves no trace, so it serves check mode too.

        ``new_text`` is False where nothing but an entry will be removed.
        """

    def refuse_unwritable(self, tenant_id: str, app_id: Optional[str], display_name: str) -> None:
        """The same of a new text, as far as a service tells without a write and ``record_of`` does not tell.

        ``app_id`` is None for an application that is yet to be made.
        """

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        """Notes, right before a credential is made, by which start it can be told; None withdraws the note.

        It leaves the stored text alone, proves by writing that the text of the new one can be written, and lets
        the next run find the credential of a run that was killed in between. Raises as ``write`` does.
        """
        raise NotImplementedError

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        """Reads no text where the kind of store can tell without."""
        raise NotImplementedError

    def text_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[str]:
        """The current text. Raises StoreFailed in a store that is only written to."""
        raise NotImplementedError

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        """Of the applications of this tenant that earlier runs kept a secret of, in lower case."""
        raise NotImplementedError

    def write(self, record: Record, text: str) -> str:
        """Replaces the entry, announcement included, and says where the text lies.

        Raises StoreFailed, with what was there before still in place, also where another run has written since
        this store announced its own.
        """
        raise NotImplementedError

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        """Removes the entry if it is of one of these key ids, whose credentials are gone."""
        raise NotImplementedError


def overtaken(place: str, key_id: Optional[str]) -> StoreFailed:
    return StoreFailed(
        "Another run has written to the store {0} meanwhile; it holds {1}.".format(
            place, "the secret with key id {0}".format(key_id) if key_id else "something else now"
        ),
        "Nothing of it was overwritten. Run again, and let one run at a time renew a secret.",
    )


def open_store(options: Mapping[str, Any], vault: Optional[RunVault] = None) -> Store:
    """``vault`` is None outside of Ansible's controller. Raises InvalidInput."""
    kind = options.get("type") or "file"
    given = _given(kind, options)
    if kind in ("file", "sealed") and not given["path"]:
        raise InvalidInput(
            "store has the type {0}, but no path.".format(kind), "Give the path of the file, on persistent storage."
        )
    if kind == "sealed":
        from .sealed import SealedStore

        return SealedStore(given["path"], given["recipient_certificate_path"])
    if kind == "azure_key_vault":
        from .key_vault import KeyVaultStore

        return KeyVaultStore(given["vault_url"], given["secret_name"])
    if kind == "hashi_vault":
        from .hashi_vault import HashiVaultStore

        return HashiVaultStore(given, os.environ)
    from .file import FileStore

    if not given["vault"]:
        if given["vault_id"]:
            raise InvalidInput("store has a vault_id, but vault is not true.", "Set vault to true, or leave both out.")
        return FileStore(given["path"])
    _refuse_without_secret(vault, given["vault_id"])
    return FileStore(given["path"], vault, given["vault_id"])


def _given(kind: str, options: Mapping[str, Any]) -> Dict[str, Any]:
    """The options of this kind, blanks as None; another kind's are refused, for they hint at a slip."""
    given: Dict[str, Any] = {}
    for name, option in STORE_OPTIONS.items():
        value = options.get(name)
        if isinstance(value, str):
            value = value.strip() or None
        given[name] = option.get("default") if value is None else value
    foreign = [
        name
        for name, option in STORE_OPTIONS.items()
        if name not in ("type",) + OPTIONS_OF[kind] and given[name] != option.get("default")
    ]
    if foreign:
        raise InvalidInput(
            "store has the type {0}, which takes no {1}.".format(kind, " and no ".join(foreign)),
            "Its options are {0}.".format(", ".join(OPTIONS_OF[kind])),
        )
    return given


def _refuse_without_secret(vault: Optional[RunVault], vault_id: Optional[str]) -> None:
    if vault is None:
        raise InvalidInput(
            "store has vault: true, but this task runs as a process of its own, and only Ansible on the controller"
            " has the run's vault secrets.",
            "Use ansible_connection: local without async, become and delegate_to, and no interpreter but the"
            " controller's own ({{ ansible_playbook_python }}); or another type of store, such as sealed.",
        )
    known = vault.identities()
    if not known:
        raise InvalidInput(
            "store has vault: true, but this run was given no vault secret.",
            "Start it with --vault-id, --vault-password-file or --ask-vault-pass; in AWX add a credential of type Vault.",
        )
    if vault_id and vault_id not in known:
        raise InvalidInput(
            "store has the vault_id {0!r}, but this run has vault secrets of {1} only.".format(
                vault_id, ", ".join(repr(name) for name in known)
            )
        )
