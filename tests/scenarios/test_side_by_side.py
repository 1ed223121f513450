# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at the same time, of one tenant and of many, end where one run alone does."""

from __future__ import annotations

import re

from faults.picture import counts, picture
from staging import UNREHEARSED, Stage


def anonymous(picture_of_one: str) -> list[str]:
    """Without what one tenant is told from another by."""
    without_numbers = re.sub(r"(?<=ontoso)\d\d", "", picture_of_one)
    return re.sub(r"[0-9a-f]{32}(?=@)", "#", without_numbers).splitlines()


def test_two_runs_of_one_tenant_end_as_one(stage: Stage, undisturbed: tuple[str, dict[str, int]]) -> None:
    tenant = stage.tenant("contoso", latency=0.02)
    stage.serve()
    runs = [stage.start(), stage.start()]
    for run in runs:
        output, errors = run.communicate(timeout=300)
        assert "Traceback" not in output + errors
        # One may find that the other is about to store a secret. It says so, and has left nothing.
        assert run.returncode == 0 or "Run again" in output, output[-4000:]
    assert 0 in [run.returncode for run in runs]
    wanted, how_many = undisturbed
    assert picture(tenant, stage.output_dir).splitlines() == wanted.splitlines()
    assert counts(tenant) == how_many


def test_twenty_forks_over_twenty_tenants_end_as_one_run_each(
    stage: Stage, undisturbed: tuple[str, dict[str, int]]
) -> None:
    tenants = {name: stage.tenant(name) for name in (f"contoso{number:02}" for number in range(20))}
    stage.serve()
    outcome = stage.run("--forks", "20", *UNREHEARSED)
    assert outcome.code == 0, outcome.output[-4000:]
    for tenant in tenants.values():
        assert anonymous(picture(tenant, stage.output_dir)) == anonymous(undisturbed[0])
        assert counts(tenant) == undisturbed[1]
    for path in (path for path in stage.output_dir.rglob("*") if path.is_file()):
        content = path.read_text()
        assert len([tenant for tenant in tenants.values() if tenant.tenant_id in content]) == 1, path
