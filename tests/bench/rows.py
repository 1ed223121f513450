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


@dataclass
class Run:
    seconds: float
    cpu: float  # seconds of processor time, of all processes of the run
    memory: float  # MiB at the highest, shared pages counted once
    output: str


@dataclass(frozen=True)
class Taken:
    """By name, in each round."""

    seconds: dict[str, list[float]]
    cpu: dict[str, list[float]]

    @property
    def figures(self) -> dict[str, object]:
        return {"seconds": self.seconds, "processor_seconds": self.cpu}


def in_turns(rounds: int, runs: dict[str, Callable[[], Run]]) -> Taken:
    """Each by turns, so that whatever else the machine does hits all of them."""
    taken = Taken({name: [] for name in runs}, {name: [] for name in runs})
    for _number in range(rounds):
        for name, start in runs.items():
            run = start()
            taken.seconds[name].append(round(run.seconds, 3))
            taken.cpu[name].append(round(run.cpu, 3))
            say(f"  {name}: {run.seconds:.1f} s")
    return taken


def medians(rounds: dict[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(found) for name, found in rounds.items()}


def say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


def limited(
    what: str,
    seconds: tuple[float, float],
    cpu: tuple[float, float],
    limit: float,
    against: str,
    figures: dict[str, object],
) -> Row:
    """Ours against something else, which ours may reach so many times of. Processor time is told and not judged."""
    ratio = seconds[0] / seconds[1]
    return Row(
        what,
        f"{seconds[0]:.2f} s",
        f"{seconds[1]:.2f} s, {against}",
        f"{ratio:.2f} (at most {limit}); of processor time {cpu[0] / cpu[1]:.2f}",
        ratio <= limit,
        figures,
    )


def counted(what: str, ours: int, limit: int) -> Row:
    return Row(what, str(ours), str(limit), "", ours <= limit)
