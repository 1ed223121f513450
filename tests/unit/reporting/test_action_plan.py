# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""action_plan.csv as a spreadsheet's reader takes it."""

from __future__ import annotations

import csv
import io

import pytest

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.action_plan import (
    COLUMNS,
    FORMULA,
    action_plan,
    inert,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import fleet_of


def lines(*breaks, name="contoso"):
    report = fake_reports.clean(name)
    for broken in breaks:
        broken(report)
    reports = {name: fake_reports.judged(report)}
    text = action_plan(fleet_of(reports, fake_reports.audit(reports)["run"], None))
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_clean_tenant_leaves_nothing_to_do():
    assert lines() == []


def test_the_most_urgent_comes_first_with_both_ways_to_mend_it():
    found = lines(fake_reports.secret_ending(20), fake_reports.consent_missing, fake_reports.smtp_off)
    assert [(line["due"], line["step"]) for line in found] == [
        ("now", "Admin consent"),
        ("now", "SMTP AUTH"),
        ("2026-12-15", "Secret"),
    ]
    smtp = found[1]
    assert smtp["ansible"] == "ansible-playbook webex_connect.office365.onboard --limit contoso --tags smtp_auth"
    assert smtp["by_hand"].startswith("Set-CASMailbox")
    assert (smtp["current"], smtp["wanted"]) == ("smtp_auth: inherit", "smtp_auth: enabled")


def test_a_right_that_is_missing_is_something_to_do_and_a_waiver_is_not():
    found = lines(fake_reports.exchange_refused, fake_reports.waived)
    assert "Implicit grant" not in {line["step"] for line in found}
    assert "Exchange Recipient Administrator" in found[-1]["by_hand"]


def test_a_tenants_name_cannot_leave_the_command():
    command = lines(fake_reports.smtp_off, name="o'hara; rm -rf /")[0]["ansible"]
    assert """--limit 'o'"'"'hara; rm -rf /' --tags""" in command


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\u00a0=1",
        "'=1",
        '"=1',
        "\uff1d1",
        "=cmd|' /C calc'!A0",
    ],
)
def test_no_cell_begins_a_formula(text):
    assert inert(text).startswith("'")
    assert inert(text)[1:] == text
    assert inert("a" + text) == "a" + text


def test_hostile_names_stay_in_their_cells():
    for name in ("=HYPERLINK(1)", fake_reports.HOSTILE):
        found = lines(fake_reports.hostile, name=name)
        assert found
        for line in found:
            assert set(line) == set(COLUMNS)
            assert not any(cell.startswith(FORMULA) or "\x07" in cell or "\u202e" in cell for cell in line.values())
