# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strange reply is an error with words, never a traceback and never an empty value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import UnexpectedReply
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import Row, format_time, parse_time
from samples import QUICKLY

READERS: dict[str, Callable[[Row], Any]] = {
    "text": lambda row: row.text("x"),
    "flag": lambda row: row.flag("x"),
    "number": lambda row: row.number("x"),
    "texts": lambda row: row.texts("x"),
    "row": lambda row: row.row("x").plain(),
    "rows": lambda row: [item.plain() for item in row.rows("x")],
    "time": lambda row: row.time("x"),
}
GOOD: dict[str, list[Any]] = {
    "text": ["", "a"],
    "flag": [True, False],
    "number": [0, 5, -1],
    "texts": [[], ["a", ""]],
    "row": [{}, {"a": 1}],
    "rows": [[], [{"a": 1}, {}]],
    "time": ["2026-11-25T08:00:00Z"],
}
EVERYTHING: list[Any] = ["", "a", True, 0, 5, 1.5, [], ["a"], [1], [None], [{}], {}, {"a": 1}, "2026-11-25T08:00:00Z"]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in GOOD.items() for value in values])
def test_value_of_the_expected_type_is_returned(kind: str, value: Any) -> None:
    expected = datetime(2026, 11, 25, 8, tzinfo=UTC) if kind == "time" else value
    assert READERS[kind](Row({"x": value}, "it")) == expected


@pytest.mark.parametrize("data", [{}, {"x": None}], ids=["absent", "null"])
@pytest.mark.parametrize("kind", READERS)
def test_null_and_absent_are_nothing(kind: str, data: dict[str, Any]) -> None:
    assert READERS[kind](Row(data, "it")) == {"texts": [], "rows": [], "row": {}}.get(kind)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 5),
        ("text", ["a"]),
        ("flag", "true"),
        ("flag", 1),
        ("number", True),
        ("number", "5"),
        ("number", 1.5),
        ("texts", "a"),
        ("texts", [1]),
        ("texts", [None]),
        ("row", "a"),
        ("row", []),
        ("rows", {}),
        ("rows", ["a"]),
        ("rows", [None]),
        ("time", "yesterday"),
        ("time", 5),
        ("time", ""),
    ],
)
def test_value_of_another_type_is_an_error_that_names_it(kind: str, value: Any) -> None:
    with pytest.raises(UnexpectedReply) as failure:
        READERS[kind](Row({"x": value}, "The answer"))
    assert failure.value.message.startswith("The answer")
    assert "x" in failure.value.message


@pytest.mark.parametrize("data", [None, "text", 5, [], [{}], True])
def test_what_is_no_object_is_no_row(data: Any) -> None:
    with pytest.raises(UnexpectedReply, match="The answer is not the object"):
        Row(data, "The answer")


@pytest.mark.parametrize("data", [{}, {"x": None}, {"x": ""}])
def test_required_text_that_lacks_is_an_error(data: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedReply, match="The answer lacks x"):
        Row(data, "The answer").required_text("x")


def test_row_knows_what_it_holds_even_as_null() -> None:
    row = Row({"x": None}, "it")
    assert "x" in row
    assert "y" not in row


@QUICKLY
@given(st.sampled_from(sorted(READERS)), st.recursive(st.sampled_from(EVERYTHING) | st.text(), st.lists))
def test_any_value_is_read_or_refused_without_traceback(kind: str, value: Any) -> None:
    try:
        READERS[kind](Row({"x": value}, "it"))
    except UnexpectedReply as failure:
        assert failure.message.startswith("it")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-25T08:00:00Z", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25t08:00:00z", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25T08:00:29.3086381Z", datetime(2026, 11, 25, 8, 0, 29, 308638, tzinfo=UTC)),
        ("2026-07-23T22:01:22.0480000+00:00", datetime(2026, 7, 23, 22, 1, 22, 48000, tzinfo=UTC)),
        ("2026-11-25T08:00:00.5", datetime(2026, 11, 25, 8, 0, 0, 500000, tzinfo=UTC)),
        ("2026-11-25T08:00", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25 08:00:00", datetime(2026, 11, 25, 8, tzinfo=UTC)),
        ("2026-11-25", datetime(2026, 11, 25, tzinfo=UTC)),
        (" 2026-11-25 ", datetime(2026, 11, 25, tzinfo=UTC)),
        ("2026-11-25T08:00:00+02:00", datetime(2026, 11, 25, 6, tzinfo=UTC)),
        ("2026-11-25T08:00:00-0530", datetime(2026, 11, 25, 13, 30, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_iso_8601_text_is_a_moment_in_utc(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "25.11.2026",
        "2026-13-01",
        "2026-02-30",
        "2026-11-25T25:00:00Z",
        "2026-11-25T08:00:00Z; drop",
        "2026-11-25T",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+01:00",
        "1764057600",
    ],
)
def test_other_text_is_no_moment(text: str) -> None:
    assert parse_time(text) is None


@QUICKLY
@given(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.sampled_from([UTC, timezone(timedelta(hours=5.5))])))
def test_written_moment_reads_back_to_the_second(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)
