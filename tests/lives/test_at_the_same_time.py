# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two onboardings of one tenant at the same time: before any request of one, all of the other may happen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from faults.picture import counts, picture
from faults.tenants import ADMIN_ID, ADMIN_SECRET, MAILBOXES, arranged, of_strangers, touched
from module_runner import Clock, Failed, Runner
from onboarding import onboard
from simulated_tenant import World


class Office:
    """A tenant, one folder of files, and runs that look in before each of their requests."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.world = World(self.clock.utc)
        self.tenant = arranged(self.world)
        self.strangers = of_strangers(self.tenant)
        self.folder = folder
        self.wanted = {
            "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
            "connect_email_secret_store": {"path": str(folder / "secrets" / "contoso.yml")},
            "connect_email_assets": [
                {"mailbox": mailbox, "forwarding_address": f"{number:032x}@mail-us.imiconnect.io"}
                for number, mailbox in enumerate(MAILBOXES, 1)
            ],
        }

    def run(self, before: Callable[[int], Any] = lambda number: None) -> int:
        """An onboarding, and how many requests it sent. ``before`` is called with the number of each."""
        login = {"tenant_id": self.tenant.tenant_id, "client_id": ADMIN_ID, "client_secret": ADMIN_SECRET}
        runner = Runner(self.world, self.clock, **login)
        carry, number = runner.carry, 0

        def carried(request: Any, timeout: float) -> Any:
            nonlocal number
            number += 1
            before(number)
            self.clock.now += timedelta(seconds=1)
            return carry(request, timeout)

        runner.carry = carried  # type: ignore[method-assign]
        onboard(runner, self.wanted)
        return number

    def end(self) -> tuple[str, dict[str, int]]:
        return picture(self.tenant, self.folder), counts(self.tenant)


@pytest.mark.parametrize("share", range(4))
def test_the_end_is_that_of_one_run_wherever_the_other_comes_between(tmp_path: Path, share: int) -> None:
    alone = Office(tmp_path / "alone")
    requests = alone.run()
    wanted, wanted_counts = alone.end()
    refusals = []
    for moment in range(1 + share, requests + 1, 4):
        office = Office(tmp_path / str(moment))
        try:
            office.run(lambda number: office.run() if number == moment else None)  # noqa: B023
        except Failed as failure:
            refusals.append(failure.message)
            assert office.tenant.tenant_id in failure.message
            assert "run again" in failure.message.lower()
        found, found_counts = office.end()
        assert found.splitlines() == wanted.splitlines(), f"the other run came before request {moment}"
        assert found_counts == wanted_counts
        assert touched(office.tenant, office.strangers) == []
    assert len(refusals) <= 2, refusals
