# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stage for each scenario: tenants, their inventory, a folder to run in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.picture import counts, picture
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


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, int]]:
    """What one onboarding of a tenant with one mailbox leads to: its picture, and how many there are of what."""
    stage = Stage(World(), tmp_path_factory.mktemp("undisturbed"))
    tenant = stage.tenant("contoso")
    stage.serve()
    try:
        outcome = stage.run()
    finally:
        stage.running.stop()  # type: ignore[union-attr]
    assert outcome.code == 0, outcome.output[-4000:]
    return picture(tenant, stage.output_dir), counts(tenant)
