# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Reading JSON objects of a service with the type that is expected, so that a strange reply never becomes a traceback."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, Optional

from ._errors import UnexpectedReply


class Row:
    """One JSON object. A value of another type than asked for raises UnexpectedReply; null and absent are None."""

    def __init__(self, data: Any, what: str) -> None:
        if not isinstance(data, Mapping):
            raise UnexpectedReply("{0} is not the object that was expected.".format(what))
        self._data = data
        self.what = what

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def _typed(self, name: str, kind: Any) -> Any:
        value = self._data.get(name)
        if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
            raise UnexpectedReply("{0} holds {1} in another form than documented.".format(self.what, name))
        return value

    def text(self, name: str) -> Optional[str]:
        value: Optional[str] = self._typed(name, str)
        return value

    def required_text(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise UnexpectedReply("{0} lacks {1}.".format(self.what, name))
        return value

    def flag(self, name: str) -> Optional[bool]:
        value: Optional[bool] = self._typed(name, bool)
        return value

    def number(self, name: str) -> Optional[int]:
        value: Optional[int] = self._typed(name, int)
        return value

    def texts(self, name: str) -> List[str]:
        values = self._typed(name, list) or []
        if not all(isinstance(value, str) for value in values):
            raise UnexpectedReply("{0} holds {1} in another form than documented.".format(self.what, name))
        return list(values)

    def row(self, name: str) -> Row:
        return Row(self._typed(name, Mapping) or {}, "{0}, {1}".format(self.what, name))

    def rows(self, name: str) -> List[Row]:
        return [Row(item, "{0}, {1}".format(self.what, name)) for item in self._typed(name, list) or []]

    def time(self, name: str) -> Optional[datetime]:
        text = self.text(name)
        if text is None:
            return None
        moment = parse_time(text)
        if moment is None:
            raise UnexpectedReply("{0} holds {1} in another form than documented.".format(self.what, name))
        return moment

    def plain(self) -> Dict[str, Any]:
        return dict(self._data)


def answer_to(doing: str, data: Any) -> Row:
    """What a service answered to a call: ``doing`` is what every complaint about it names."""
    return Row(data, "The answer to «{0}»".format(doing))


_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?\s*(Z|[+-]\d\d:?\d\d)?\Z", re.IGNORECASE
)


def parse_time(text: str) -> Optional[datetime]:
    """An ISO 8601 moment as UTC (a time without a zone is UTC, a bare date its midnight); None for anything else."""
    found = _TIME.match(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")), timezone.utc,
        )  # fmt: skip
        if zone and zone.upper() != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
            moment += -offset if zone[0] == "+" else offset
    except (ValueError, OverflowError):
        return None
    return moment


def format_time(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_time(moment: datetime) -> str:
    """To the microsecond, which is what a credential of ours is told by."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"
