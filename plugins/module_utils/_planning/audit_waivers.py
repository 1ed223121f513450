# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Deviations that somebody accepts, with a reason and a last day. One that has run out hides nothing."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._errors import InvalidInput
from .._rows import parse_time
from .audit_cells import BLOCKED, DRIFT, EXPIRING, FIXES, UNREADABLE, WAIVED, Cell, Fact
from .audit_notes import NAMES

DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")


@dataclass
class Waiver:
    what: str
    reason: str
    owner: str
    until: str
    last: datetime
    tenant: Optional[str] = None
    applied: bool = False

    def is_over(self, now: datetime) -> bool:
        return now.date() > self.last.date()

    def covers(self, name: str, thing: Optional[str] = None, other: Optional[str] = None) -> bool:
        """Its own object may be given under either of two names, as a mailbox may."""
        step, _colon, given = self.what.partition(":")
        things = {text.lower() for text in (thing, other) if text}
        return step == name and (not given or given.strip().lower() in things)


def waivers_of(given: Sequence[Mapping[str, Any]]) -> List[Waiver]:
    """Raises InvalidInput for one that could never apply, or that has no last day."""
    waivers = []
    for entry in given:
        texts = {name: str(entry.get(name) or "").strip() for name in ("what", "reason", "owner", "until", "tenant")}
        for name in ("what", "reason", "owner", "until"):
            if not texts[name]:
                raise InvalidInput("A waiver ({0}) lacks {1}.".format(texts["what"] or "without what", name))
        name = texts["what"].partition(":")[0]
        known = [*FIXES, *NAMES]
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            raise InvalidInput(
                "A waiver is for {0!r}, which is no step and no security note.".format(name),
                "Did you mean {0}?".format(close[0]) if close else "Steps are {0}.".format(", ".join(FIXES)),
            )
        last = parse_time(texts["until"]) if DAY.match(texts["until"]) else None
        if last is None:
            raise InvalidInput(
                "The waiver for {0} ends at {1!r}, which is no day.".format(texts["what"], texts["until"]),
                "Write its last day like 2027-03-31.",
            )
        waivers.append(
            Waiver(texts["what"], texts["reason"], texts["owner"], texts["until"], last, texts["tenant"] or None)
        )
    return waivers


def of_tenant(waivers: Sequence[Waiver], names: Sequence[Optional[str]]) -> List[Waiver]:
    """Fresh ones for the tenant that goes by one of these names."""
    lowered = {name.lower() for name in names if name}
    return [
        Waiver(w.what, w.reason, w.owner, w.until, w.last, w.tenant)
        for w in waivers
        if w.tenant is None or w.tenant.lower() in lowered
    ]


def waive(cells: List[Cell], waivers: List[Waiver], addresses: Mapping[str, str], now: datetime) -> None:
    """Hides what a waiver covers; a step whose waiver has run out keeps its state, and says so."""
    for cell in cells:
        if cell.state not in (DRIFT, BLOCKED, EXPIRING, UNREADABLE):
            continue
        covering = [w for w in waivers if w.covers(cell.step, cell.object, addresses.get(cell.object))]
        valid = next((w for w in covering if not w.is_over(now)), None)
        if valid is not None:
            valid.applied = True
            cell.waived_state, cell.state = cell.state, WAIVED
            cell.waiver = {"reason": valid.reason, "owner": valid.owner, "until": valid.until}
        elif covering:
            text = "the waiver of {0} ({1}) ran out after {2}"
            over = covering[-1]
            cell.because.append(Fact("waiver_expired", text.format(over.owner, over.reason, over.until)))


def is_note_waived(name: str, waivers: List[Waiver], now: datetime) -> bool:
    valid = [w for w in waivers if w.covers(name) and not w.is_over(now)]
    for waiver in valid:
        waiver.applied = True
    return bool(valid)


def shown(waivers: List[Waiver], now: datetime) -> List[Dict[str, Any]]:
    def state(waiver: Waiver) -> str:
        return "expired" if waiver.is_over(now) else "applied" if waiver.applied else "unused"

    return [
        {"what": w.what, "reason": w.reason, "owner": w.owner, "until": w.until, "state": state(w)} for w in waivers
    ]
