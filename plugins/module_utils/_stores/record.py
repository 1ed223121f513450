# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What a store remembers beside a secret's text, so that the next run knows which secret Webex Connect holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional


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
