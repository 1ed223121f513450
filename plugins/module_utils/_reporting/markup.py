# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""HTML that cannot be broken by what stands in it: whatever was not built here is escaped, without anybody's doing."""

from __future__ import annotations

from html import escape
from typing import Any, Iterable, List, Optional, Union

from .texts import visible

VOID = ("br", "hr", "input", "link", "meta", "wbr")


class Html(str):
    """Markup that was built by ``el`` or is a constant of ours."""


Child = Union[None, str, int, Iterable[Any]]


def el(tag: str, /, *children: Child, **attributes: Any) -> Html:
    """An element. ``class_`` is class and ``data_x`` is data-x; None and False leave an attribute out."""
    opening = "<" + tag
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        opening += " " + key if value is True else ' {0}="{1}"'.format(key, _escaped(str(value)))
    if tag in VOID:
        return Html(opening + ">")
    return Html("{0}>{1}</{2}>".format(opening, joined(*children), tag))


def joined(*children: Child) -> Html:
    parts: List[str] = []
    for child in children:
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, (str, int)):
            parts.append(_escaped(str(child)))
        elif child is not None:
            parts.append(joined(*child))
    return Html("".join(parts))


def _escaped(text: str) -> str:
    return escape(visible(text), quote=True)


def name_of(text: Optional[str]) -> Html:
    """Somebody else's text, kept from turning the direction of what stands around it."""
    return el("bdi", text or "?")


def address_of(text: str) -> Html:
    """A mail address, which may be broken after its at sign and is not broken elsewhere without need."""
    local, at, domain = text.rpartition("@")
    return el("bdi", local + at, el("wbr"), domain)
