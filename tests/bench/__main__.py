# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import fleet, module, peers, plot, role
from .arena import ROOT, Disappointed
from .rows import Found, Row, Settings

PARTS = {"role": role, "module": module, "fleet": fleet, "peers": peers}
AIMED = ("role", "fleet")  # what can be measured on tenants of one's own
LIMIT_PASSED = 3  # the exit code
PLACE = ROOT / "build" / "bench"


def main() -> int:
    options = arguments()
    place = options.place.absolute()
    folder = place / "runs"
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(
        rounds=options.repeats,
        tenants=options.tenants,
        sizes=tuple(options.fleets),
        latency=options.latency / 1000,
        folder=folder,
        inventory=options.inventory,
        extra=tuple(options.extra),
        rehearsal=options.rehearsal,
    )
    found, failed = Found(), False
    for name in options.only:
        try:
            part = PARTS[name].measure(settings)
        except Disappointed as problem:
            print(f"{name} could not be measured: {problem}", file=sys.stderr)
            failed = True
            continue
        found.rows += part.rows
        found.points.update(part.points)
        write(place, settings, found)
    print(table(found.rows))
    print(f"\nin {place}: bench.json" + (", bench.svg" if found.points and drawn(place) else ""))
    if failed:
        return 1
    return 0 if all(row.holds is not False for row in found.rows) else LIMIT_PASSED


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="What the collection costs, next to the usual way.")
    repeats = int(os.environ.get("BENCH_REPEATS") or 5)
    parser.add_argument("--repeats", type=int, default=repeats, help="medians of so many runs (5, or BENCH_REPEATS)")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts and not all")
    parser.add_argument("--tenants", type=int, default=20, help="of the role and the peers (20)")
    parser.add_argument("--fleets", type=int, nargs="+", default=[10, 100, 1000], help="tenants of the audits")
    parser.add_argument("--latency", type=float, default=100, help="milliseconds of each request of a fleet (100)")
    parser.add_argument("--rehearsal", action="store_true", help="measure the role with its rehearsal")
    parser.add_argument("--inventory", "-i", help="tenants of your own that are onboarded, instead of simulated ones")
    parser.add_argument("--extra", "-e", action="append", default=[], help="handed on to ansible-playbook as -e")
    parser.add_argument("--place", type=Path, default=PLACE, help="folder for what is written (build/bench)")
    options = parser.parse_args()
    options.only = options.only or [name for name in PARTS if name in AIMED or not options.inventory]
    if options.inventory and not set(options.only) <= set(AIMED):
        parser.error(f"with --inventory only these can be measured: {', '.join(AIMED)}")
    return options


def write(place: Path, settings: Settings, found: Found) -> None:
    document = {
        "machine": machine(),
        "rounds": settings.rounds,
        "rows": [asdict(row) for row in found.rows],
        "points": found.points,
    }
    (place / "bench.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processors": len(os.sched_getaffinity(0)),
        "processor": models[0] if models else platform.machine(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "ansible_core": version("ansible-core"),
    }


def table(rows: list[Row]) -> str:
    marks = {True: "holds", False: "DOES NOT HOLD", None: ""}
    lines = [["what", "ours", "limit or peer", "ratio", ""]]
    lines += [[row.what, row.ours, row.other, row.ratio, marks[row.holds]] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def drawn(place: Path) -> bool:
    """matplotlib is installed where azure.azcollection is, and only there."""
    python = peers.PEERS / "python"
    command = [python, plot.__file__, place / "bench.json", place / "bench.svg"]
    return python.exists() and subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
