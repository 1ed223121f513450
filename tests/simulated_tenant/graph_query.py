# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""$filter, $select, $expand, $top and paging.

https://learn.microsoft.com/graph/filter-query-parameter and
https://learn.microsoft.com/graph/aad-advanced-queries (which filters need ConsistencyLevel: eventual).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from .graph_errors import GraphError
from .graph_types import properties_of, require_property, selectable
from .new_objects import Object, parse_time

Test = Callable[[Object], bool]
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),:])|(?P<word>[^\s(),:']+))")
FILTERABLE = {
    "application": {
        "id", "appId", "displayName", "identifierUris", "tags", "signInAudience", "createdDateTime",
        "publisherDomain", "deletedDateTime", "serviceManagementReference", "disabledByMicrosoftStatus",
    },
    "servicePrincipal": {
        "id", "appId", "displayName", "servicePrincipalNames", "servicePrincipalType", "tags",
        "accountEnabled", "alternativeNames", "appOwnerOrganizationId", "deletedDateTime", "homepage",
    },
    "user": {
        "id", "userPrincipalName", "mail", "displayName", "proxyAddresses", "accountEnabled", "mailNickname",
        "userType", "givenName", "surname", "otherMails",
    },
    "oAuth2PermissionGrant": {"clientId", "consentType", "principalId", "resourceId"},
    "appRoleAssignment": {"resourceId", "principalId", "appRoleId", "principalDisplayName"},
    "permissionGrantPolicy": {"id"},
}  # fmt: skip
EQUALITY_ONLY = {"oAuth2PermissionGrant", "appRoleAssignment"}
OPTIONS = {"$filter", "$select", "$expand", "$top", "$count", "$orderby", "$search", "$skiptoken", "api-version"}


def bad_filter(text: str) -> GraphError:
    """400: the filter cannot be understood."""
    return GraphError(400, "BadRequest", f"Invalid filter clause: {text}")


def unsupported(text: str) -> GraphError:
    """400: the filter is understood and not served."""
    return GraphError(400, "Request_UnsupportedQuery", text)


class _Parser:
    """A recursive-descent reader of $filter."""

    def __init__(self, text: str, type_name: str, advanced: bool) -> None:
        self.tokens = self._split(text)
        self.at = 0
        self.type_name, self.advanced = type_name, advanced

    @staticmethod
    def _split(text: str) -> list[str]:
        found, position, text = [], 0, text.strip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise bad_filter(f"syntax error at position {position} in '{text}'.")
            found.append(match[0].strip())
            position = match.end()
        return found

    def _peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def _next(self, wanted: str | None = None) -> str:
        token = self._peek()
        if not token or (wanted is not None and token != wanted):
            raise bad_filter(f"syntax error near '{token or 'the end'}'.")
        self.at += 1
        return token

    def parse(self) -> Test:
        test = self._either()
        if self._peek():
            raise bad_filter(f"syntax error near '{self._peek()}'.")
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._peek().lower() == "or":
            self._next()
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._peek().lower() == "and":
            self._next()
            tests.append(self._single())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _single(self) -> Test:
        if self._peek() == "(":
            self._next()
            test = self._either()
            self._next(")")
            return test
        word = self._next()
        if word.lower() == "not":
            self._need_advanced("not")
            inner = self._single()
            return lambda item: not inner(item)
        if word.lower() in ("startswith", "endswith") and self._peek() == "(":
            return self._function(word.lower())
        if word.endswith("/any") and self._peek() == "(":
            return self._any(word[: -len("/any")])
        return self._comparison(word)

    def _function(self, name: str) -> Test:
        self._next("(")
        path = self._property(self._next())
        self._next(",")
        value = str(self._literal(self._next())).lower()
        self._next(")")
        if self.type_name in EQUALITY_ONLY:
            raise unsupported(f"The function {name} is not supported for this resource.")
        if name == "endswith":
            self._need_advanced("endsWith")
            return lambda item: str(item.get(path) or "").lower().endswith(value)
        return lambda item: str(item.get(path) or "").lower().startswith(value)

    def _any(self, name: str) -> Test:
        path = self._property(name)
        if not properties_of(self.type_name)[path].get("collection"):
            raise bad_filter(f"any is for collections; '{path}' is none.")
        self._next("(")
        variable = self._next()
        self._next(":")
        if self._next() != variable or self._next().lower() != "eq":
            raise bad_filter("only eq is served inside any.")
        value = str(self._literal(self._next())).lower()
        self._next(")")
        return lambda item: value in [str(entry).lower() for entry in item.get(path) or []]

    def _comparison(self, name: str) -> Test:
        path = self._property(name)
        operator = self._next().lower()
        if properties_of(self.type_name)[path].get("collection"):
            raise bad_filter(f"'{path}' is a collection; use any.")
        if operator == "in":
            return self._in(path)
        if operator not in ("eq", "ne", "ge", "le", "gt", "lt"):
            raise bad_filter(f"unknown operator '{operator}'.")
        if operator != "eq" and self.type_name in EQUALITY_ONLY:
            raise unsupported(f"The operator {operator} is not supported for this resource.")
        if operator == "ne":
            self._need_advanced("ne")
        value = self._literal(self._next())
        return lambda item: _compare(item.get(path), operator, value)

    def _in(self, path: str) -> Test:
        self._next("(")
        values = [_fold(self._literal(self._next()))]
        while self._peek() == ",":
            self._next()
            values.append(_fold(self._literal(self._next())))
        self._next(")")
        if len(values) > 15:
            raise unsupported("Too many child clauses specified in search filter expression.")
        return lambda item: _fold(item.get(path)) in values

    def _property(self, name: str) -> str:
        if name not in properties_of(self.type_name):
            text = f"Could not find a property named '{name}' on type 'microsoft.graph.{self.type_name}'."
            raise GraphError(400, "BadRequest", text)
        if name not in FILTERABLE.get(self.type_name, set()):
            text = f"Unsupported or invalid query filter clause specified for property '{name}'."
            raise unsupported(text)
        return name

    def _literal(self, token: str) -> Any:
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        known = {"true": True, "false": False, "null": None}
        if token.lower() in known:
            return known[token.lower()]
        while self._peek() == ":":  # a time of day
            token += self._next() + self._next()
        if re.match(r"^[0-9a-fA-F-]{36}$|^\d", token):
            return token
        raise bad_filter(f"'{token}' is no literal; texts are quoted.")

    def _need_advanced(self, what: str) -> None:
        if not self.advanced:
            text = f"Unsupported Query: {what} needs ConsistencyLevel: eventual and $count=true."
            raise unsupported(text)


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _compare(left: Any, operator: str, right: Any) -> bool:
    left, right = _fold(left), _fold(right)
    if operator in ("eq", "ne"):
        return bool(left == right) is (operator == "eq")
    if left is None or right is None:
        return False
    try:
        left, right = parse_time(str(left)), parse_time(str(right))
    except ValueError:
        left, right = str(left), str(right)
    tests: dict[str, bool] = {"ge": left >= right, "le": left <= right, "gt": left > right, "lt": left < right}
    return tests[operator]


def check_options(query: dict[str, str]) -> None:
    """Raises 400 for a $-option that does not exist."""
    for name in query:
        if name.startswith("$") and name not in OPTIONS:
            raise GraphError(400, "BadRequest", f"The query parameter '{name}' is not supported.")


def filtered(items: list[Object], query: dict[str, str], type_name: str, eventual: bool) -> list[Object]:
    """What the filter leaves."""
    if "$search" in query:
        raise unsupported(
            "Request with $search query parameter only works through MSGraph with a special request header."
        )
    advanced = eventual and query.get("$count", "").lower() == "true"
    if "$filter" in query and "$orderby" in query and not advanced:
        raise unsupported("Sorting not supported for current query.")
    if "$filter" not in query:
        return items
    test = _Parser(query["$filter"], type_name, advanced).parse()
    return [item for item in items if test(item)]


def ordered(items: list[Object], query: dict[str, str], type_name: str) -> list[Object]:
    """The objects in the order that $orderby asks for."""
    if not query.get("$orderby"):
        return items
    name, _, direction = query["$orderby"].strip().partition(" ")
    require_property(type_name, name)
    return sorted(items, key=lambda item: str(item.get(name) or "").lower(), reverse=direction.strip() == "desc")


def selected(item: Object, query: dict[str, str], type_name: str) -> Object:
    """The chosen properties of an object, in a copy."""
    if not query.get("$select"):
        return dict(item)
    names = [name.strip() for name in query["$select"].split(",")]
    for name in names:
        require_property(type_name, name)
    chosen = {name: item.get(name) for name in names if name in selectable(type_name) & item.keys()}
    return {**{k: v for k, v in item.items() if k.startswith("@odata.")}, **chosen}


def page_of(items: list[Object], query: dict[str, str], page_size: int) -> tuple[list[Object], int | None]:
    """One page and where the next one starts."""
    size = page_size
    if "$top" in query:
        if not query["$top"].isdigit() or not 1 <= int(query["$top"]) <= 999:
            text = f"Invalid page size specified: '{query['$top']}'. Must be between 1 and 999 inclusive."
            raise GraphError(400, "Request_UnsupportedQuery", text)
        size = int(query["$top"])
    start = _offset(query.get("$skiptoken"))
    following = start + size
    return items[start:following], following if following < len(items) else None


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().split(":")[1])
    except (ValueError, IndexError) as broken:
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value is invalid.") from broken


def next_link(url_start: str, query: dict[str, str], offset: int) -> str:
    """The absolute link of the next page."""
    token = base64.urlsafe_b64encode(f"page:{offset}".encode()).decode()
    parts = {**query, "$skiptoken": token}
    return url_start + "?" + "&".join(f"{quote(k, safe='$')}={quote(v, safe='')}" for k, v in parts.items())
