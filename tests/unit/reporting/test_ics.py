# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""secret_expiry.ics as a calendar takes it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import fleet_of
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.ics import calendar, folded


def text_of(*breaks, name="contoso", later=0):
    report = fake_reports.clean(name)
    for broken in breaks:
        broken(report)
    reports = {name: fake_reports.judged(report)}
    return calendar(fleet_of(reports, fake_reports.audit(reports, later)["run"], None))


def events(*breaks, **more):
    return Calendar.from_ical(text_of(*breaks, **more)).walk("VEVENT")


def test_an_event_on_the_day_with_alarms_before_it():
    (event,) = events()
    assert event.decoded("DTSTART") == date(2027, 4, 14)
    assert event.decoded("DTEND") == date(2027, 4, 15)
    assert "contoso" in event["SUMMARY"]
    assert "the one that Webex Connect was given" in event["DESCRIPTION"]
    alarms = [alarm.decoded("TRIGGER") for alarm in event.walk("VALARM")]
    nine = timedelta(hours=9)
    assert alarms == [nine - timedelta(days=days) for days in (60, 30, 14, 7, 1)]


def test_uids_are_stable_and_unique():
    first, later = events(fake_reports.secret_ending(20)), events(fake_reports.secret_ending(20), later=3)
    uids = [str(event["UID"]) for event in first]
    assert len(set(uids)) == 3
    assert uids == [str(event["UID"]) for event in later]


def test_what_has_ended_never_ends_or_was_replaced_alarms_nobody():
    assert len(events(fake_reports.secret_ending(-2))) == 2

    def endless(report):
        report["secrets"][0]["end"] = None

    def replaced(report):
        fake_reports.secret_ending(20)(report)
        keys = [secret["key_id"] for secret in report["secrets"]]
        report["rotation"] = {"step": "retire", "since": None, "retire_after": None, "old_key_ids": keys[:1]}

    assert events(endless) == []
    assert not events(replaced)[0].walk("VALARM")


@pytest.mark.parametrize("name", [fake_reports.HOSTILE, "x\r\nBEGIN:VEVENT\r\nSUMMARY:hit", "a;b,c\\n", "ü" * 200])
def test_hostile_names_make_no_lines_of_their_own(name):
    text = text_of(fake_reports.hostile, name=name)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "\n" not in text.replace("\r\n", "")
    (event,) = Calendar.from_ical(text).walk("VEVENT")
    assert text.count("BEGIN:VEVENT\r\n") == 1
    plain = name.replace("\r\n", "\n").replace("\u202e", "\\u202e").replace("\x07", "\\u0007")
    assert str(event["SUMMARY"]).startswith(plain)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_folding_loses_nothing_and_cuts_no_character(line):
    parts = folded(line).split("\r\n ")
    assert "".join(parts) == line
    assert all(len(part.encode()) <= 74 for part in parts[1:])
