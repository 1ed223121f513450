# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds recipients by the many texts that name them, and filters them (OPATH).

https://learn.microsoft.com/powershell/exchange/filter-properties
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from typing import Any

from .exchange_errors import invalid, object_ambiguous, object_missing
from .tenant import Tenant
from .tenant_mail import Row

BY_ID = ("Identity", "Guid", "ExchangeGuid", "ExternalDirectoryObjectId")
BY_TEXT = ("PrimarySmtpAddress", "UserPrincipalName", "WindowsLiveID", "Alias", "Name", "DisplayName")
TOKEN = re.compile(r"\s*(?:(?P<mark>[()])|(?P<text>'(?:[^']|'')*'|\"[^\"]*\")|(?P<word>[^\s()]+))")


def matches(rows: list[Row], identity: str) -> list[Row]:
    """Every row that this text names."""
    wanted = identity.lower()
    by_id = [row for row in rows if wanted in {str(row.get(name)).lower() for name in BY_ID}]
    if by_id:
        return by_id
    bare = wanted.split(":", 1)[-1] if wanted.startswith("smtp:") else wanted
    return [row for row in rows if bare in _texts(row)]


def _texts(row: Row) -> set[str]:
    texts = {str(row.get(name) or "").lower() for name in BY_TEXT}
    texts |= {address.split(":", 1)[-1].lower() for address in row.get("EmailAddresses") or []}
    return texts - {""}


def one(tenant: Tenant, rows: list[Row], identity: str) -> Row:
    """The one row that this text names; an error where there is none, or several."""
    found = matches(rows, identity)
    if not found or not identity:
        raise object_missing(identity, tenant.settings.exchange_status_for_not_found)
    if len(found) > 1:
        raise object_ambiguous(identity, tenant.settings.exchange_status_for_ambiguous)
    return found[0]


def named(tenant: Tenant, rows: list[Row], identity: str) -> Row:
    """The policy, rule or domain that this name or GUID means."""
    wanted = identity.lower()
    for row in rows:
        if wanted and wanted in {str(row.get(key)).lower() for key in ("Name", "Identity", "Guid")}:
            return row
    raise object_missing(identity, tenant.settings.exchange_status_for_not_found)


def anr(rows: list[Row], text: str) -> list[Row]:
    """Ambiguous name resolution: whatever begins with this text."""
    return [row for row in rows if any(part.startswith(text.lower()) for part in _texts(row))]


def opath(text: str) -> Callable[[Row], bool]:
    """Reads a filter of -eq, -ne, -like, -and, -or, -not and parentheses."""
    return _Opath(text).parse()


def properties_of(text: str) -> list[str]:
    """The properties that a filter looks at."""
    reading = _Opath(text)
    reading.parse()
    return reading.names


class _Opath:
    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self.tokens = [match[0].strip() for match in TOKEN.finditer(text) if match[0].strip()]
        self.text, self.at = text, 0

    def _peek(self) -> str:
        return self.tokens[self.at].lower() if self.at < len(self.tokens) else ""

    def _next(self) -> str:
        if self.at >= len(self.tokens):
            raise invalid(f"Invalid filter syntax. For a description of the filter parameter syntax: {self.text}")
        self.at += 1
        return self.tokens[self.at - 1]

    def parse(self) -> Callable[[Row], bool]:
        test = self._either()
        if self._peek():
            raise invalid(f"Invalid filter syntax: '{self.text}'.")
        return test

    def _either(self) -> Callable[[Row], bool]:
        tests = [self._both()]
        while self._peek() == "-or":
            self._next()
            tests.append(self._both())
        return lambda row: any(test(row) for test in tests)

    def _both(self) -> Callable[[Row], bool]:
        tests = [self._single()]
        while self._peek() == "-and":
            self._next()
            tests.append(self._single())
        return lambda row: all(test(row) for test in tests)

    def _single(self) -> Callable[[Row], bool]:
        if self._peek() == "-not":
            self._next()
            inner = self._single()
            return lambda row: not inner(row)
        if self._peek() == "(":
            self._next()
            test = self._either()
            if self._next() != ")":
                raise invalid(f"Invalid filter syntax: '{self.text}'.")
            return test
        name, operator, raw = self._next(), self._next().lower(), self._next()
        self.names.append(name)
        if operator not in ("-eq", "-ne", "-like"):
            raise invalid(f"The operator '{operator}' is not supported.")
        return lambda row: _holds(_property(row, name), operator, _literal(raw))


def _literal(raw: str) -> Any:
    if raw[0] in "'\"":
        return raw[1:-1].replace("''", "'")
    return {"$true": True, "$false": False, "$null": None}.get(raw.lower(), raw)


def _property(row: Row, name: str) -> Any:
    known = {key.lower(): key for key in row}
    if name.lower() not in known:
        raise invalid(f'"{name}" isn\'t a recognized filterable property.')
    return row[known[name.lower()]]


def _holds(value: Any, operator: str, wanted: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    hit = any(_same(item, operator, wanted) for item in values)
    return not hit if operator == "-ne" else hit


def _same(value: Any, operator: str, wanted: Any) -> bool:
    if not isinstance(value, str) or not isinstance(wanted, str):
        return bool(value == wanted)
    texts = {value.lower(), value.lower().split(":", 1)[-1]}
    if operator == "-like":
        return any(fnmatch.fnmatchcase(text, wanted.lower()) for text in texts)
    return wanted.lower() in texts
