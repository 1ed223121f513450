# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The store of type file: YAML, readable by its owner only, replaced in one step."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import Any, Dict, FrozenSet, Iterator, List, Optional

from .._errors import InvalidInput
from .._files import read_text, refuse_unwritable, write_atomically
from .._transport import import_library
from .persistence import vanishes
from .record import Record
from .store import TYPES, Store, StoreFailed

HEADING = "# Client secrets of Webex Connect's applications. Keep this file; a text is told only once.\n"
KEY = ("tenant_id", "app_id", "display_name")


class FileStore(Store):
    def __init__(self, path: str) -> None:
        self._given = path
        self._path = os.path.abspath(path)
        self.place = self._path

    def refuse_unusable(self) -> None:
        reason = vanishes(self._given, os.environ)
        if reason:
            raise InvalidInput(
                "The store's path {0} would vanish with this run: {1}.".format(self._given, reason),
                "Give a path on a mounted volume, or another type of store (available: {0}).".format(TYPES),
            )
        refuse_unwritable(self._path, "The store's path")
        if os.path.lexists(self._path) and not os.access(self._path, os.R_OK):
            raise InvalidInput("The store {0} cannot be read by this user.".format(self._path))
        self._entries()

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        wanted = (tenant_id, app_id.lower(), display_name)
        with self._changing() as entries:
            entry = next((e for e in entries if self._key(e) == wanted), None)
            if entry is None:
                entry = dict(zip(KEY, wanted))
                entries.append(entry)
            entry["announced"] = start
            entries[:] = [e for e in entries if e.get("key_id") or e.get("announced")]

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        wanted = (tenant_id, app_id.lower(), display_name)
        for entry in self._entries():
            if self._key(entry) == wanted:
                key_id = str(entry["key_id"]).lower() if entry.get("key_id") else None
                return Record(*wanted, key_id, entry.get("start"), entry.get("end"), entry.get("announced"))
        return None

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        return frozenset(self._key(entry)[1] for entry in self._entries() if self._key(entry)[0] == tenant_id)

    def write(self, record: Record, text: str) -> None:
        entry = {
            "tenant_id": record.tenant_id,
            "app_id": record.app_id,
            "display_name": record.display_name,
            "key_id": record.key_id,
            "start": record.start,
            "end": record.end,
            "secret_text": text,
        }
        with self._changing() as entries:
            entries[:] = [other for other in entries if self._key(other) != self._key(entry)] + [entry]

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        if not os.path.exists(self._path):
            return
        wanted = (tenant_id, app_id.lower(), display_name)
        with self._changing() as entries:
            entries[:] = [e for e in entries if self._key(e) != wanted or str(e.get("key_id")).lower() not in key_ids]

    @contextmanager
    def _changing(self) -> Iterator[List[Dict[str, Any]]]:
        """The entries to change in place; one writer at a time, by a lock on the folder."""
        folder = os.path.dirname(self._path)
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                entries = self._entries()
                yield entries
                text = import_library("yaml").safe_dump({"secrets": entries}, sort_keys=False, allow_unicode=True)
                write_atomically(self._path, HEADING + text, 0o600)
            finally:
                os.close(lock)
        except (OSError, InvalidInput) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else problem
            raise StoreFailed("The store {0} cannot be written: {1}.".format(self._path, reason)) from None

    def _entries(self) -> List[Dict[str, Any]]:
        yaml = import_library("yaml")
        try:
            content = yaml.safe_load(read_text(self._path) or "")
        except (OSError, ValueError, yaml.YAMLError):
            raise InvalidInput(
                "The store {0} cannot be read as YAML.".format(self._path),
                "If it is encrypted or damaged, restore it, or give another path; it is not overwritten.",
            ) from None
        entries = content.get("secrets") if isinstance(content, dict) else ([] if content is None else None)
        complete = isinstance(entries, list) and all(
            isinstance(entry, dict)
            and all(entry.get(name) for name in KEY)
            and (entry.get("key_id") or entry.get("announced"))
            for entry in entries
        )
        if not complete:
            raise InvalidInput(
                "The store {0} holds something else than secrets.".format(self._path),
                "Give the path of a file of its own; it is not overwritten.",
            )
        return list(entries or [])

    @staticmethod
    def _key(entry: Dict[str, Any]) -> tuple[str, str, str]:
        return str(entry["tenant_id"]).lower(), str(entry["app_id"]).lower(), str(entry["display_name"])
