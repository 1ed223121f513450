# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a part finds out: rows of the table, and points of the plot."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    rounds: int
    tenants: int  # of the role and of the peers
    sizes: tuple[int, ...]  # of the fleets
    latency: float  # seconds, of each request of a fleet
    folder: Path
    inventory: str | None = None
    extra: tuple[str, ...] = ()
    rehearsal: bool = False


@dataclass
class Row:
    """``other``: the limit, or what it is compared with. ``holds`` is None where nothing is demanded."""

    what: str
    ours: str
    other: str
    ratio: str = ""
    holds: bool | None = None
    figures: dict[str, object] = field(default_factory=dict)


@dataclass
class Found:
    rows: list[Row] = field(default_factory=list)
    points: dict[str, list[tuple[int, float]]] = field(default_factory=dict)  # of the plot: tenants, seconds


def in_turns(rounds: int, runs: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Each by turns, so that whatever else the machine does hits all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _number in range(rounds):
        for name, run in runs.items():
            seconds[name].append(round(run(), 3))
            say(f"  {name}: {seconds[name][-1]:.1f} s")
    return seconds


def medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(found) for name, found in seconds.items()}


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


def limited(what: str, ours: float, other: float, limit: float, against: str, figures: dict[str, object]) -> Row:
    """Seconds of ours against those of something else, which the first may reach so many times of."""
    ratio = ours / other
    return Row(
        what, f"{ours:.2f} s", f"{other:.2f} s, {against}", f"{ratio:.2f} (at most {limit})", ratio <= limit, figures
    )


def counted(what: str, ours: int, limit: int) -> Row:
    return Row(what, str(ours), str(limit), "", ours <= limit)
