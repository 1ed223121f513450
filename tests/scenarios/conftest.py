# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for each scenario: tenants, their inventory, a folder to run in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leak_watch import Processes, Watched
from simulated_tenant import World
from staging import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(World(), tmp_path)
    yield stage
    if stage.running is not None:
        stage.running.stop()


@pytest.fixture
def watched(stage: Stage) -> Iterator[Watched]:
    with Processes() as processes:
        yield Watched(stage, processes)
