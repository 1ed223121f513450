# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The answer to one question about an asset, because of named facts. The worst fact gives the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Dict, List, Optional

from .audit_cells import Fact

NO, UNKNOWN, UNTIL, YES = "no", "unknown", "until", "yes"
RANKS = (NO, UNKNOWN, UNTIL, YES)


@dataclass(frozen=True)
class Finding:
    answer: str
    fact: Fact
    until: Optional[datetime] = None


@dataclass
class Verdict:
    findings: List[Finding] = field(default_factory=list)

    def add(self, answer: str, name: str, text: str, until: Optional[datetime] = None) -> None:
        self.findings.append(Finding(answer, Fact(name, text), until))

    @property
    def answer(self) -> str:
        return min((finding.answer for finding in self.findings), key=RANKS.index, default=UNKNOWN)

    @property
    def until(self) -> Optional[datetime]:
        ends = [finding.until for finding in self.findings if finding.answer == UNTIL and finding.until]
        return min(ends, default=None) if self.answer == UNTIL else None

    @property
    def because(self) -> List[Dict[str, str]]:
        """What decides first; what speaks for it only where nothing speaks against it."""
        ranked = sorted(self.findings, key=lambda finding: RANKS.index(finding.answer))
        against = [finding for finding in ranked if finding.answer != YES]
        return [finding.fact.shown for finding in against or ranked]
