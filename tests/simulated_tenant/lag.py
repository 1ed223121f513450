# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eventual consistency: what was just written is not seen by everybody at once.

https://learn.microsoft.com/graph/errors and
https://devblogs.microsoft.com/identity describe it: a successful write does not promise an
immediate read. Every reader (a look-up by id, by key, a list, …) counts for itself.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any


@dataclass
class Lag:
    """How many looks at a new object miss it. Zero, the default, is a tenant without lag.

    ``readers`` overrides ``objects`` for one reader: id, key, list, service_principal, grant,
    role, add_password. ``updates`` looks at a changed application or grant show it as it was before.
    ``flicker`` hides an object once more after it was first seen.
    """

    objects: int = 0
    readers: dict[str, int] = field(default_factory=dict)
    secrets: int = 0
    removed_secrets: int = 0
    secret_sign_ins: int = 0
    secret_seconds: float = 0
    grants: int = 0
    updates: int = 0
    role_mints: int = 0
    deleted: int = 0
    flicker: bool = False
    misleading_403: bool = False
    _before: dict[str, dict[str, Any]] = field(default_factory=dict)
    _looks: dict[tuple[str, str], int] = field(default_factory=dict)
    _fresh: dict[str, datetime] = field(default_factory=dict)

    def made(self, object_id: str, when: datetime) -> None:
        """Remembers that a door made, removed or deleted this object just now."""
        self._fresh[object_id] = when
        self._looks = {key: looks for key, looks in self._looks.items() if key[0] != object_id}

    def changes(self, item: dict[str, Any], when: datetime) -> None:
        """Remembers how an object is right before a door changes it."""
        self._before[item["id"]] = copy.deepcopy(item)
        self.made("change of " + item["id"], when)

    def as_seen(self, item: dict[str, Any], reader: str) -> dict[str, Any]:
        """The object as this reader sees it now: perhaps without its last change."""
        if item["id"] in self._before and self.misses("change of " + item["id"], reader, self.updates):
            return self._before[item["id"]]
        return item

    def age(self, object_id: str, now: datetime) -> timedelta | None:
        """How long ago a door made this object; None for what was arranged."""
        made = self._fresh.get(object_id)
        return None if made is None else now - made

    def misses(self, object_id: str, reader: str, count: int | None = None) -> bool:
        """Whether this look by this reader misses the object. Each call is one look."""
        if object_id not in self._fresh:
            return False
        limit = self.readers.get(reader, self.objects) if count is None else count
        if not limit:
            return False
        key = (object_id, reader)
        self._looks[key] = self._looks.get(key, 0) + 1
        return self._looks[key] <= limit or (self.flicker and self._looks[key] == limit + 2)
