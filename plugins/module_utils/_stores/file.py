# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The store of type file: YAML, readable by its owner only, replaced in one step; as a whole in Ansible Vault if asked."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, Dict, FrozenSet, Iterator, List, Optional, Tuple

from .._errors import InvalidInput
from .._files import one_writer, read_text, refuse_unwritable, remove_leftovers, write_atomically
from .._rows import precise_time
from .._transport import import_library
from .persistence import vanishes
from .record import OWNER, Record
from .store import TYPES, RunVault, Store, StoreFailed, overtaken

HEADING = "# Client secrets of Webex Connect's applications. Keep this file; a text is told only once.\n"
ENCRYPTED = "$ANSIBLE_VAULT;"
Owner = Tuple[str, str, str]


class FileStore(Store):
    def __init__(self, path: str, vault: Optional[RunVault] = None, vault_id: Optional[str] = None) -> None:
        self._given = path
        self._path = os.path.realpath(path)  # a link stays a link
        self._vault = vault
        self._vault_id = vault_id
        self._seen: Dict[Owner, Optional[str]] = {}  # key id in the entry when this run announced its own
        self.place = os.path.abspath(path)

    def refuse_unusable(self, new_text: bool = True) -> None:
        reason = vanishes(self._given, os.environ)
        if reason:
            raise InvalidInput(
                "The store's path {0} would vanish with this run: {1}.".format(self._given, reason),
                "Give a path on a mounted volume, or another type of store (available: {0}).".format(TYPES),
            )
        refuse_unwritable(self._path, "The store's path")
        if os.path.lexists(self._path) and not os.access(self._path, os.R_OK):
            raise InvalidInput("The store {0} cannot be read by this user.".format(self.place))
        self._entries()

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        wanted = _owner(tenant_id, app_id, display_name)
        with self._changing() as entries:
            entry = _find(entries, wanted)
            self._seen[wanted] = _key_id(entry)
            if entry is None:
                entry = dict(zip(OWNER, wanted))
                entries.append(entry)
            entry["announced"] = start
            entries[:] = [e for e in entries if e.get("key_id") or e.get("announced")]

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        wanted = _owner(tenant_id, app_id, display_name)
        entry = _find(self._entries(), wanted)
        if entry is None:
            return None
        start, end, announced = (_text(entry.get(name)) for name in ("start", "end", "announced"))
        return Record(*wanted, _key_id(entry), start, end, announced, self._place_of(entry))

    def text_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[str]:
        entry = _find(self._entries(), _owner(tenant_id, app_id, display_name))
        return _text(entry.get("secret_text")) if entry else None

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        return frozenset(_key(entry)[1] for entry in self._entries() if _key(entry)[0] == tenant_id.lower())

    def write(self, record: Record, text: str) -> str:
        wanted = _owner(record.tenant_id, record.app_id, record.display_name)
        with self._changing() as entries:
            old = _find(entries, wanted)
            if wanted in self._seen and self._seen[wanted] != _key_id(old):
                raise overtaken(self.place, _key_id(old))
            entry: Dict[str, Any] = dict(zip(OWNER, (record.tenant_id, record.app_id, record.display_name)))
            entry.update({"key_id": record.key_id, "start": record.start, "end": record.end})
            announced = _text(old.get("announced")) if old else None
            if announced and wanted in self._seen and announced != record.start:
                entry["announced"] = announced  # of another run, which has not stored its own yet
            entry.update(self._keep(record, text))
            entries[:] = [other for other in entries if _key(other) != wanted] + [entry]
        self._seen.pop(wanted, None)
        return self._place_of(entry)

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        if not os.path.exists(self._path):
            return
        wanted = _owner(tenant_id, app_id, display_name)
        with self._changing(if_different=True) as entries:
            entries[:] = [e for e in entries if _key(e) != wanted or _key_id(e) not in key_ids]

    # What another store in files does in its own way.

    def _keep(self, record: Record, text: str) -> Dict[str, Any]:
        """What the entry holds of the text."""
        return {"secret_text": text}

    def _place_of(self, entry: Dict[str, Any]) -> str:
        return self.place

    @contextmanager
    def _changing(self, if_different: bool = False) -> Iterator[List[Dict[str, Any]]]:
        """The entries to change in place; one writer at a time."""
        try:
            with one_writer(self._path):
                remove_leftovers(self._path)
                entries = self._entries()
                before = [dict(entry) for entry in entries]
                yield entries
                if if_different and entries == before:
                    return
                text = import_library("yaml").safe_dump({"secrets": entries}, sort_keys=False, allow_unicode=True)
                write_atomically(self._path, self._closed(HEADING + text), 0o600)
        except (OSError, InvalidInput) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            raise StoreFailed("The store {0} cannot be written: {1}.".format(self.place, reason)) from None

    def _entries(self) -> List[Dict[str, Any]]:
        yaml = import_library("yaml")
        try:
            text = self._opened(read_text(self._path) or "")
            # The one in C takes a tenth of the time; it is there wherever PyYAML comes as a wheel.
            content = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except (OSError, ValueError, yaml.YAMLError):
            raise InvalidInput(
                "The store {0} cannot be read as YAML.".format(self.place),
                "If it is damaged, restore it, or give another path; it is not overwritten.",
            ) from None
        if not text.strip():
            return []
        entries = content["secrets"] if isinstance(content, dict) and list(content) == ["secrets"] else None
        complete = isinstance(entries, list) and all(
            isinstance(entry, dict)
            and all(entry.get(name) for name in OWNER)
            and (entry.get("key_id") or entry.get("announced"))
            for entry in entries
        )
        if not complete:
            raise InvalidInput(
                "The store {0} holds something else than secrets.".format(self.place),
                "Give the path of a file of its own; it is not overwritten.",
            )
        return list(entries or [])

    def _opened(self, text: str) -> str:
        """A plain file is read also where it shall be encrypted: it will be with the next write."""
        if not text.startswith(ENCRYPTED):
            return text
        if self._vault is None:
            raise InvalidInput(
                "The store {0} is encrypted with Ansible Vault.".format(self.place),
                "Set vault to true in store, or give another path; it is not overwritten.",
            )
        try:
            return self._vault.decrypt(text)
        except ValueError:
            raise InvalidInput(
                "None of this run's vault secrets opens the store {0}.".format(self.place),
                "Give the one that it was encrypted with, too; it is not overwritten.",
            ) from None

    def _closed(self, text: str) -> str:
        if self._vault is None:
            return text
        try:
            return self._vault.encrypt(text, self._vault_id)
        except ValueError as problem:
            raise StoreFailed("The store {0} cannot be encrypted: {1}.".format(self.place, problem)) from None


def _owner(tenant_id: str, app_id: str, display_name: str) -> Owner:
    return tenant_id.lower(), app_id.lower(), display_name


def _key(entry: Dict[str, Any]) -> Owner:
    return _owner(*(str(entry[name]) for name in OWNER))


def _find(entries: List[Dict[str, Any]], wanted: Owner) -> Optional[Dict[str, Any]]:
    return next((entry for entry in entries if _key(entry) == wanted), None)


def _key_id(entry: Optional[Dict[str, Any]]) -> Optional[str]:
    return str(entry["key_id"]).lower() if entry and entry.get("key_id") else None


def _text(value: Any) -> Optional[str]:
    """Another tool may have taken the quotes away, and YAML then reads a moment."""
    if isinstance(value, datetime):
        return precise_time(value if value.tzinfo else value.replace(tzinfo=timezone.utc))
    return None if value is None else str(value)
