# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What a store remembers beside a secret's text, so that the next run knows which secret Webex Connect holds."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional


@dataclass(frozen=True)
class Record:
    """Of one secret of one application; moments are ISO 8601 texts in UTC, the start to the microsecond."""

    tenant_id: str
    app_id: str
    display_name: str
    key_id: Optional[str]
    start: Optional[str]
    end: Optional[str]
    announced: Optional[str] = None
    """Start of a credential that a run was about to make. While it stands here, nobody has stored that one's text."""
    place: Optional[str] = field(default=None, compare=False)
    """Where the text lies, for people."""


OWNER = ("tenant_id", "app_id", "display_name")
DETAILS = ("key_id", "start", "end", "announced")


def to_tags(record: Record) -> Dict[str, str]:
    """For services that keep texts by name beside a secret; what is not known has no tag."""
    return {name: getattr(record, name) for name in OWNER + DETAILS if getattr(record, name)}


def is_owned(tags: Mapping[str, Any], tenant_id: str, app_id: str, display_name: str) -> bool:
    """Whether tags are of this application's secret of this name."""
    return [str(tags.get(name, "")) for name in OWNER] == [tenant_id, app_id.lower(), display_name]


def from_tags(tags: Mapping[str, Any], place: Optional[str]) -> Record:
    tenant_id, app_id, display_name = (str(tags.get(name, "")) for name in OWNER)
    key_id, start, end, announced = (str(tags[name]) if tags.get(name) else None for name in DETAILS)
    return Record(tenant_id, app_id, display_name, key_id, start, end, announced, place)


def word_of(display_name: str) -> str:
    """The name as one word of letters, digits and hyphens; two names never share a word."""
    word = re.sub(r"[^0-9A-Za-z]+", "-", display_name).strip("-")[:60]
    if word == display_name:
        return word
    return "-".join(part for part in (word, hashlib.sha256(display_name.encode()).hexdigest()[:8]) if part)
