# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Values of a tenant as text. They are other people's: any character may be in them."""

from __future__ import annotations

import json
import re
from typing import Any, List, Mapping

# Control characters, those that turn the direction of writing (a name could make its neighbours read otherwise),
# halves of surrogate pairs and what XML 1.0 forbids.
UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
NOT_SET = "not set"


def visible(text: str) -> str:
    """With what nobody can see spelled out."""
    return UNSEEN.sub(lambda found: "\\u{0:04x}".format(ord(found.group())), text)


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", visible(text)).strip()


def value_lines(value: Any) -> List[str]:
    """A setting's value, an entry a line."""
    if isinstance(value, list):
        return [line for entry in value for line in value_lines(entry)] or ["none"]
    if isinstance(value, Mapping) and {"resource", "application", "delegated"} == set(value):
        return permission_lines(value) or ["{0}: none".format(value["resource"])]
    if isinstance(value, Mapping):
        return ["{0}: {1}".format(name, ", ".join(value_lines(value[name]))) for name in sorted(value)] or ["none"]
    if value is None:
        return [NOT_SET]
    if isinstance(value, str):
        return [value] if value.strip() else ["empty text"]
    return [json.dumps(value)]


def permission_lines(entry: Mapping[str, Any]) -> List[str]:
    """What one API grants or is asked for, a kind a line."""
    return [
        "{0}: {1} ({2})".format(entry["resource"], ", ".join(map(str, entry[kind])), kind)
        for kind in ("application", "delegated")
        if entry[kind]
    ]


def listed(names: List[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)


def counted(number: int, one: str, many: str) -> str:
    return "{0} {1}".format(number, one if number == 1 else many)


def rows_of(step: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    """The settings that differ; one row without a setting where the facts alone say what is wrong."""
    names = list(step["differences"])
    if not names:
        return [{"setting": None, "current": None, "wanted": None}]
    return [{"setting": n, "current": step["current"].get(n), "wanted": step["wanted"].get(n)} for n in names]


def facts_of(step: Mapping[str, Any]) -> List[str]:
    return [fact["text"] for fact in step["because"]]


def command_of(tenant: str, tag: str) -> str:
    """What a person types. The name is quoted where a shell would take it apart."""
    plain = re.match(r"[A-Za-z0-9@%+=:,./_-]+\Z", tenant)
    limit = tenant if plain else "'" + tenant.replace("'", "'\"'\"'") + "'"
    return "ansible-playbook webex_connect.office365.onboard --limit {0} --tags {1}".format(limit, tag)
