# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""junit.xml as a JUnit reader takes it."""

from __future__ import annotations

import junitparser
from junitparser import JUnitXml

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import fleet_of
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.junit import junit


def read(reports):
    fleet = fleet_of(reports, fake_reports.audit(reports)["run"], None)
    return JUnitXml.fromstring(junit(fleet).encode())


def one(*breaks, name="contoso"):
    report = fake_reports.clean(name, mailboxes=2)
    for broken in breaks:
        broken(report)
    (suite,) = read({name: fake_reports.judged(report)})
    return suite, {case.name: case for case in suite}


def kind(case):
    return [type(result).__name__ for result in case.result]


def test_a_suite_a_tenant_and_a_case_a_step_and_object():
    suites = read(fake_reports.fleet(60))
    assert len(list(suites)) == 60
    assert suites.tests == sum(len(report["steps"]) for report in fake_reports.fleet(60).values())
    suite, cases = one()
    assert (suite.name, suite.failures, suite.errors, suite.time) == ("contoso", 0, 0, 1.25)
    assert cases["Forwarding: support1@contoso.example"].classname == "contoso.forwarding"
    assert kind(cases["Forwarding: support1@contoso.example"]) == []


def test_what_differs_fails_with_the_settings_and_the_fix():
    suite, cases = one(fake_reports.smtp_off)
    (failure,) = cases["SMTP AUTH: support@contoso.example"].result
    assert suite.failures == 2
    assert isinstance(failure, junitparser.Failure)
    assert failure.type == "drift"
    assert "Authenticated SMTP is off" in failure.message
    assert "smtp_auth: is inherit; wanted enabled" in failure.text
    assert "--tags smtp_auth, or Set-CASMailbox" in failure.text


def test_what_is_waived_is_skipped_with_the_reason():
    _suite, cases = one(fake_reports.waived)
    (skipped,) = cases["Implicit grant: WebexConnect"].result
    assert isinstance(skipped, junitparser.Skipped)
    assert "j.doe" in skipped.message
    assert "Agreed with the customer's security team" in skipped.message


def test_what_cannot_be_read_is_an_error():
    suite, cases = one(fake_reports.exchange_refused)
    assert suite.errors == 6
    assert kind(cases["Forwarding: support@contoso.example"]) == ["Error"]


def test_hostile_names_stay_text():
    suite, cases = one(fake_reports.hostile, name=fake_reports.HOSTILE)
    assert "<script>" in suite.name
    assert any("<script>" in name for name in cases)
