# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that meet a fault or are killed somewhere: the next plain run ends where an undisturbed one does.

Here it is a sample of both; ``make faults`` tries all of them.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from typing import Any

import pytest

from faults.picture import counts, picture
from leak_watch import Processes, Watched
from staging import ONBOARD, ROOT, Stage

KILLS = int(os.environ.get("KILLS", "5"))
REQUESTS = 40  # that an onboarding of one mailbox sends at least


def test_a_sample_of_every_request_and_every_fault_converges() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "faults", "--workers", "1", "--one-in", "50"],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    tried = int(re.search(r"^runs: (\d+)", run.stdout, re.MULTILINE)[1])  # type: ignore[index]
    assert tried >= 30
    assert run.stdout.endswith(f"converged: {tried}\ndoubled: 0\nlost: 0\n")


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_onboarding_is_finished_by_the_next(
    stage: Stage, undisturbed: tuple[str, dict[str, int]], seed: int
) -> None:
    """Killed when a request has arrived, when it was carried out, or a moment later; no token or secret is left behind."""
    dice = random.Random(seed)
    number, moment = dice.randint(1, REQUESTS), dice.choice(("reset_before", "answer_lost", "later"))
    tenant = stage.tenant("contoso")
    stage.serve()
    watched = Watched(stage, Processes(), {"fake-admin-secret-of-contoso"}, {stage.folder / "inventory.yml"})

    def comes(_entry: Any) -> bool:
        return len(stage.world.log) == number

    if moment == "later":
        watched.run_and_kill(ONBOARD, at=comes, later=dice.uniform(0.001, 0.1))
    else:
        watched.run_and_kill(ONBOARD, at=comes, do=moment)
    # The store itself may hold the text, and so may what a writer of it that was killed had not put in its place yet.
    secrets = str((stage.output_dir / "secrets").relative_to(stage.folder))
    assert {place: what for place, what in watched.leaks().items() if not place.startswith(secrets)} == {}

    outcome = stage.run()
    assert outcome.code == 0, outcome.output[-4000:]
    wanted, how_many = undisturbed
    assert picture(tenant, stage.output_dir).splitlines() == wanted.splitlines()
    assert counts(tenant) == how_many
    watched.allowed |= set((stage.output_dir / "secrets").glob("*/webexconnect.yml"))
    assert watched.leaks() == {}
