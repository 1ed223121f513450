# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m faults``: the whole matrix, or a part of it, and its totals. See ``--help``."""

from __future__ import annotations

import argparse
import os
import pickle
import re
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path

from .matrix import Life, Verdict


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description="Every request of a tenant's life, met by every fault.")
    parser.add_argument("--workers", type=int, default=2, help="how many processes share the work")
    parser.add_argument("--one-in", type=int, default=1, help="try only every so many-th cell, always the same ones")
    parser.add_argument("--only", default="", help="try only cells whose name holds this pattern")
    parser.add_argument("--thorough", action="store_true", help="leave out nothing that is known already: hours")
    parser.add_argument("--verbose", action="store_true", help="print what every run that failed said")
    options = parser.parse_args()

    def chosen(cell: str) -> bool:
        return zlib.crc32(cell.encode()) % options.one_in == 0 and re.search(options.only, cell) is not None

    def tell(verdicts: list[Verdict]) -> None:
        print("".join(_lines(verdicts, options.verbose)), end="", flush=True)

    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        parts = [Path(folder) / str(number) for number in range(options.workers)]
        for number, part in enumerate(parts):
            part.mkdir()
            if os.fork() == 0:
                _live(Life(part, _share(chosen, number, options.workers), tell, options.thorough))
        if sum(os.wait()[1] for _part in parts):
            return 1
        results = [pickle.loads((part / "result").read_bytes()) for part in parts]
    return _report(results)


def _share(chosen: Callable[[str], bool], number: int, workers: int) -> Callable[[str], bool]:
    """The cells of one process: those of every so many-th request."""
    return lambda cell: int(cell.split()[1]) % workers == number and chosen(cell)


def _live(life: Life) -> None:
    try:
        life.live()
        (life.folder / "result").write_bytes(pickle.dumps((life.requests, life.plain_runs, life.verdicts)))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _lines(verdicts: list[Verdict], verbose: bool) -> list[str]:
    lines = []
    for verdict in verdicts:
        if verbose and verdict.failed:
            lines.append(f"{verdict.cell}\n    " + "\n    ".join(verdict.messages) + "\n")
        for label, texts in (("fault", verdict.faults), ("doubled", verdict.doubled), ("lost", verdict.lost)):
            lines += [f"{verdict.cell}\n  {label}: {text}\n" for text in texts]
    return lines


def _report(results: list[tuple[dict[str, int], int, list[Verdict]]]) -> int:
    verdicts = [verdict for _requests, _plain, found in results for verdict in found]
    requests, converged = results[0][0], sum(verdict.converged for verdict in verdicts)
    print("requests without faults: " + ", ".join(f"{phase} {count}" for phase, count in requests.items()))
    print(
        f"runs: {len(verdicts)} ({sum(verdict.failed for verdict in verdicts)} failed and said why;"
        f" {sum(verdict.resumed for verdict in verdicts)} had the answer when they asked again;"
        f" {sum(plain for _requests, plain, _found in results)} plain runs)"
    )
    print(f"converged: {converged}")
    print(f"doubled: {sum(bool(verdict.doubled) for verdict in verdicts)}")
    print(f"lost: {sum(bool(verdict.lost) for verdict in verdicts)}")
    return 0 if verdicts and converged == len(verdicts) else 1


sys.exit(main())
