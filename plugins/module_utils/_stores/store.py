# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Where a secret's text is put: one small interface, and the one place that knows which stores there are.

A new store is a module beside ``file.py`` with a class of this interface, its options in STORE_OPTIONS,
and a line in ``open_store``.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, Mapping, Optional

from .._errors import InvalidInput, TenantError
from .record import Record

STORE_OPTIONS: Dict[str, Dict[str, Any]] = {
    "type": {"type": "str", "choices": ["file"], "default": "file"},
    "path": {"type": "path"},
}
TYPES = "file"  # for messages


class StoreFailed(TenantError):
    pass


class Store:
    """Nothing is opened or sent before the first call."""

    place: str
    """Where the text lies, for people: no part of it is secret."""

    def refuse_unusable(self) -> None:
        """Raises InvalidInput or StoreFailed where a write would fail. Leaves no trace, so it serves check mode too."""
        raise NotImplementedError

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        """Notes, right before a credential is made, by which start it can be told; None withdraws the note.

        It leaves the stored text alone, proves by writing that the text of the new one can be written, and lets
        the next run find the credential of a run that was killed in between. Raises as ``write`` does.
        """
        raise NotImplementedError

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        raise NotImplementedError

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        """Of the applications of this tenant that earlier runs kept a secret of, in lower case."""
        raise NotImplementedError

    def write(self, record: Record, text: str) -> None:
        """Replaces the entry, announcement included. Raises StoreFailed, with what was there before still in place."""
        raise NotImplementedError

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        """Removes the entry if it is of one of these key ids, whose credentials are gone."""
        raise NotImplementedError


def open_store(options: Mapping[str, Any]) -> Store:
    from .file import FileStore

    if not options.get("path"):
        raise InvalidInput("store has the type file, but no path.", "Give the path of the file, on persistent storage.")
    return FileStore(options["path"])
