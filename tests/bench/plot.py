# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the figures of a bench: tenants against seconds. It is run by the interpreter that has matplotlib."""

from __future__ import annotations

import json
import sys
from pathlib import Path


def draw(source: Path, target: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    found = json.loads(source.read_text(encoding="utf-8"))
    figure, axes = plt.subplots(figsize=(8, 5))
    for name, points in sorted(found["points"].items()):
        tenants, seconds = zip(*points, strict=True)
        axes.plot(tenants, seconds, marker="o", label=name)
    axes.set(xlabel="tenants", ylabel="seconds, with start-up", xscale="log", yscale="log")
    axes.set_title(f"{found['machine']['processors']} processors, median of {found['rounds']}")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(target)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
