# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many tenants at once: the time that each of them has, whatever it waits for, and what is told on the way."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils import _survey
from kept_stores import KeptInHashiVault, KeptInKeyVault
from module_runner import Clock, Runner
from onboarding import onboard
from simulated_tenant import Tenant

MODULE = "connect_email_info"
ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
WANTED = {
    "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
    "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}],
}


@pytest.mark.parametrize("kind", ["Key Vault", "Vault"])
def test_a_store_that_throttles_is_given_up_within_the_tenants_time(
    run: Runner, tenant: Tenant, clock: Clock, kind: str
) -> None:
    kept: Any = KeptInKeyVault(run, tenant) if kind == "Key Vault" else KeptInHashiVault(run, with_role=True)
    tenant.add_mailbox(ADDRESS)
    wanted = {**WANTED, "connect_email_secret_store": kept.options}
    onboard(run, wanted)
    kept.vault.faults.add(lambda entry: True, 429, times=None, retry_after=9)
    slept, asked = sum(clock.slept), len(kept.vault.log)
    result = run(MODULE, wanted=wanted, time_budget=20)
    assert 9 <= sum(clock.slept) - slept < 20
    assert len(kept.vault.log) > asked
    (report,) = result["reports"].values()
    (gap,) = [entry for entry in report["coverage"] if entry["gap"]]
    assert "throttling" in gap["text"]
    assert report["application"] is not None


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"wanted": WANTED}, 120),
        ({"tenants": [{"name": "contoso", "tenant_id": "contoso.example", "wanted": WANTED}]}, 30),
        ({"wanted": WANTED, "time_budget": 7}, 7),
    ],
)
def test_a_tenant_among_others_has_less_time(
    run: Runner, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], seconds: int
) -> None:
    had: list[float] = []
    reader = _survey._Reader

    def noting(tenant: Any, given: float, read: Any) -> Any:
        had.append(given)
        return reader(tenant, given, read)

    monkeypatch.setattr(_survey, "_Reader", noting)
    run(MODULE, **options)
    assert had == [seconds, seconds]


def test_progress_is_told_in_at_most_twenty_lines_and_ends_with_all(run: Runner) -> None:
    entries = [{"name": f"t{number}", "tenant_id": "no tenant at all", "wanted": WANTED} for number in range(999)]
    run(MODULE, tenants=entries)
    assert run.told[0] == "audited 49 of 999 tenants"
    assert run.told[-1] == "audited 999 of 999 tenants"
    assert len(run.told) <= 21


def test_one_tenant_tells_no_progress(run: Runner) -> None:
    run(MODULE, wanted=WANTED)
    assert run.told == []


def test_no_outcome_outlives_its_run(run: Runner, tenant: Tenant) -> None:
    """Whatever an earlier audit in the same process saw, the next one asks for everything again."""
    tenant.add_mailbox(ADDRESS)
    log = run.world.log
    counts = []
    for _number in range(2):
        before = len(log)
        run(MODULE, wanted=WANTED)
        counts.append([(entry.door, len(entry.inner)) for entry in log[before:]])
    assert sorted(counts[0]) == sorted(counts[1])
    tenant.mailboxes.clear()
    (report,) = run(MODULE, wanted=WANTED)["reports"].values()
    assert report["assets"][0]["verdict"]["arrives"]["answer"] == "no"
