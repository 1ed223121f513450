# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of tenants, the cells, and what is new, fixed and still open."""

from __future__ import annotations

import pytest

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import compared, fleet_of


def seen(**breaks):
    """A fleet of tenants, each broken as said."""
    reports = {}
    for name, broken in breaks.items():
        reports[name] = fake_reports.clean(name)
        for one in broken:
            one(reports[name])
        fake_reports.judged(reports[name])
    return fleet_of(reports, fake_reports.audit(reports)["run"], None)


def test_down_comes_first_then_the_unknown_then_the_days_that_are_left():
    fleet = seen(
        clean=[],
        drifting=[fake_reports.consent_missing],
        soon=[fake_reports.secret_ending(24)],
        sooner=[fake_reports.secret_ending(5)],
        silent=[fake_reports.unreachable],
        down=[fake_reports.policy_locked],
        ended=[fake_reports.secret_ending(-2)],
    )
    assert [tenant.name for tenant in fleet.tenants] == [
        "ended", "down", "silent", "sooner", "soon", "drifting", "clean",
    ]  # fmt: skip
    assert [tenant.days for tenant in fleet.tenants] == [-2, 140, None, 5, 24, 140, 140]


def test_a_cell_shows_the_worst_of_its_objects():
    report = fake_reports.clean("contoso", mailboxes=3)
    fake_reports.found(report, "forwarding", "support1@contoso.example").update(state="drift")
    fake_reports.found(report, "forwarding", "support2@contoso.example").update(state="blocked")
    reports = {"contoso": fake_reports.judged(report)}
    tenant = fleet_of(reports, fake_reports.audit(reports)["run"], None).tenants[0]
    assert tenant.cells["forwarding"] == "blocked"
    assert tenant.cells["smtp_auth"] == "as_wanted"
    assert [finding.step["state"] for finding in tenant.findings] == ["blocked", "drift"]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ([], [fake_reports.waived], None),
        ([fake_reports.consent_missing], [], "fixed"),
        ([], [fake_reports.consent_missing], "new"),
        ([fake_reports.consent_missing], [fake_reports.consent_missing], "still_open"),
    ],
)
def test_what_is_waived_is_neither_new_nor_fixed(before, now, kind):
    then, today = (seen(contoso=broken).tenants[0].report for broken in (before, now))
    since = compared({"contoso": today}, fake_reports.audit({"contoso": then}))
    counts = {name: len(getattr(since, name)) for name in ("new", "fixed", "still_open")}
    assert counts == {**dict.fromkeys(counts, 0), **({kind: 1} if kind else {})}


def test_what_can_no_longer_be_read_was_not_fixed():
    then = seen(contoso=[fake_reports.smtp_off]).tenants[0].report
    now = seen(contoso=[fake_reports.unreachable]).tenants[0].report
    since = compared({"contoso": now}, fake_reports.audit({"contoso": then}))
    assert not since.fixed
    assert ("contoso", "smtp_auth", "support@contoso.example") in since.still_open


def test_a_tenant_that_the_earlier_report_lacks_is_not_called_new_trouble():
    now = seen(contoso=[fake_reports.smtp_off], fabrikam=[]).tenants
    reports = {tenant.name: tenant.report for tenant in now}
    earlier = fake_reports.audit({"fabrikam": reports["fabrikam"]})
    since = compared(reports, earlier)
    assert (since.new, since.not_compared) == ([], ["contoso"])
    fleet = fleet_of(reports, fake_reports.audit(reports)["run"], earlier)
    assert [finding.since for tenant in fleet.tenants for finding in tenant.findings] == [None]


def test_the_fake_fleet_fits_the_schema_and_is_the_same_every_time():
    from jsonschema import Draft202012Validator

    fleet = fake_reports.fleet(120)
    Draft202012Validator(fake_reports.SCHEMA).validate(fake_reports.audit(fleet))
    assert fleet == fake_reports.fleet(120)
    assert {report["state"] for report in fleet.values()} == {
        "unreachable", "blocked", "drift", "unreadable", "expiring", "ok",
    }  # fmt: skip
