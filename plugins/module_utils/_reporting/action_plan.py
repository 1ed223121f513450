# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""action_plan.csv: one line for each thing that somebody has to do (RFC 4180, with a header)."""

from __future__ import annotations

import csv
import io
from typing import Any, Mapping

COLUMNS = (
    "urgency",
    "tenant",
    "tenant_id",
    "step",
    "object",
    "setting",
    "state",
    "current",
    "wanted",
    "fix_with_ansible",
    "fix_by_hand",
    "note",
    "since_last_report",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def action_plan(fleet: Mapping[str, Any]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in fleet["actions"]:
        writer.writerow([inert(row.get(name)) for name in COLUMNS])
    return out.getvalue()


def inert(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe in front of what would begin one.

    Also where blanks or a quotation mark stand before it, as some programs strip these first. A NUL ends a cell
    in others, so that what follows would begin a new one.
    """
    text = "" if value is None else str(value).replace("\x00", "")
    return "'" + text if text.lstrip(" \u00a0\"'").startswith(FORMULA) or text.startswith(FORMULA) else text
