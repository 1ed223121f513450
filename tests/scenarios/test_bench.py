# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench itself, as small as it can be: that it comes to an end and tells all that it should. No speed is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench.__main__ import LIMIT_PASSED
from staging import ROOT

SMALL = ["--repeats", "1", "--only", "role", "fleet", "--tenants", "2", "--fleets", "2", "--latency", "1"]


def test_a_small_bench_tells_all_that_it_should(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "bench", *SMALL, "--place", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}:{ROOT / 'build' / 'tree'}"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode in (0, LIMIT_PASSED), run.stdout + run.stderr
    told = json.loads((tmp_path / "bench.json").read_text())
    assert all(told["machine"].values())
    assert {name: [tenants for tenants, _seconds in points] for name, points in told["points"].items()} == {
        "role": [2],
        "role with trivial modules": [2],
        "audit of a fleet": [2],
    }
    assert all(seconds > 0 for points in told["points"].values() for _tenants, seconds in points)
    judged = [row for row in told["rows"] if row["holds"] is not None]
    assert all(row["ours"] and row["other"] for row in judged)
    (role,) = (row for row in judged if "trivial" in row["other"])
    assert role["figures"]["seconds"].keys() == {"role", "role with trivial modules"}
    counted = [row for row in judged if "one tenant" in row["what"]]
    assert [row["holds"] for row in counted] == [True, True, True]
    for row in told["rows"]:
        assert row["what"] in run.stdout
