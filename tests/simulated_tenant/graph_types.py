# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks bodies against the published v1.0 metadata (data/graph-v1.0-types.json).

https://learn.microsoft.com/graph/traverse-the-graph: the service refuses what its schema does not know.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from . import catalogue
from .graph_errors import GraphError, bad_request, invalid_value
from .new_objects import Object, parse_time

GUID = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
DURATION = re.compile(r"^P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$")


@cache
def properties_of(type_name: str) -> dict[str, Any]:
    """All properties of a type, inherited ones too."""
    kind = catalogue.load("graph-v1.0-types.json")[type_name]
    inherited = properties_of(kind["base"]) if kind.get("base") else {}
    return {**inherited, **kind["properties"]}


@cache
def navigation_of(type_name: str) -> frozenset[str]:
    """The navigation properties of a type."""
    return frozenset(catalogue.load("graph-v1.0-types.json")[type_name]["navigation"])


@cache
def selectable(type_name: str) -> frozenset[str]:
    """What $select may name. A list of directory objects takes the properties of any of their types."""
    kinds = ("user", "servicePrincipal", "application") if type_name == "directoryObject" else (type_name,)
    return frozenset(name for kind in kinds for name in properties_of(kind))


def require_property(type_name: str, name: str) -> None:
    """Raises 400 where a query names a property that the type does not have."""
    if name not in selectable(type_name) and name not in navigation_of(type_name):
        text = f"Could not find a property named '{name}' on type 'microsoft.graph.{type_name}'."
        raise GraphError(400, "BadRequest", f"Parsing OData Select and Expand failed: {text}")


def check(type_name: str, body: Any, resource: str, allowed: frozenset[str] = frozenset()) -> None:
    """Raises 400 unless the body is an object of this type (annotations and ``allowed`` apart)."""
    if not isinstance(body, dict):
        raise bad_request("Invalid request body: an object was expected.")
    known = properties_of(type_name)
    for name, value in body.items():
        if name in allowed or name.startswith("@odata."):
            continue
        if name not in known:
            raise bad_request(f"Invalid property '{name}'.")
        _check_property(name, value, known[name], resource)


def _check_property(name: str, value: Any, rule: dict[str, Any], resource: str) -> None:
    if rule.get("collection"):
        if not isinstance(value, list):
            raise invalid_value(name, resource)
        for item in value:
            _check_value(name, item, rule["type"], resource)
    elif value is None:
        if rule.get("nullable") is False:
            raise invalid_value(name, resource)
    else:
        _check_value(name, value, rule["type"], resource)


def _check_value(name: str, value: Any, type_name: str, resource: str) -> None:
    if type_name in _PRIMITIVES:
        if not _PRIMITIVES[type_name](value):
            raise invalid_value(name, resource)
        return
    kind = catalogue.load("graph-v1.0-types.json").get(type_name)
    if kind and kind["kind"] == "enum":
        if value not in kind["members"]:
            raise invalid_value(name, resource)
    elif kind:
        if not isinstance(value, dict):
            raise invalid_value(name, resource)
        check(type_name, value, resource)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_guid(value: Any) -> bool:
    return isinstance(value, str) and bool(GUID.match(value))


def _is_time(value: Any) -> bool:
    try:
        return isinstance(value, str) and "T" in value and bool(parse_time(value))
    except ValueError:
        return False


def _is_binary(value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except ValueError:
        return False


_PRIMITIVES: dict[str, Callable[[Any], bool]] = {
    "String": _is_text,
    "Boolean": lambda value: isinstance(value, bool),
    "Int32": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Int64": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Guid": _is_guid,
    "DateTimeOffset": _is_time,
    "Binary": _is_binary,
    "Duration": lambda value: isinstance(value, str) and bool(DURATION.match(value)),
    "Stream": lambda value: False,
}


def merge(current: Object, change: Object) -> None:
    """PATCH: members of complex properties merge, collections are replaced as a whole."""
    for name, value in change.items():
        if "@" in name:
            continue
        if isinstance(value, dict) and isinstance(current.get(name), dict):
            merge(current[name], value)
        else:
            current[name] = value
