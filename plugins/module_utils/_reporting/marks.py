# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The state of a step as a shape with a letter: colour is never the only thing that tells two states apart."""

from __future__ import annotations

from typing import Optional

from .fleet import WORDS
from .markup import Html, el, joined

LETTERS = {
    "blocked": "B",
    "drift": "D",
    "unreadable": "U",
    "expiring": "E",
    "waived": "W",
    "as_wanted": "A",
    "not_applicable": "N",
    "unreachable": "U",
    "ok": "A",
}
LIKE = {"unreachable": "unreadable", "ok": "as_wanted"}
MEANINGS = {
    "blocked": "something stands in the way that the role cannot move",
    "drift": "differs; the role would change it",
    "unreadable": "could not be read, so nothing is known",
    "expiring": "a secret ends soon",
    "waived": "differs, and somebody has accepted it",
    "as_wanted": "nothing to do",
    "not_applicable": "nothing is asked for",
}
_SHAPES = {
    "blocked": '<rect x="2" y="2" width="20" height="20" rx="2"/>',
    "drift": '<path d="M12 .8 23.2 12 12 23.2.8 12Z"/>',
    "unreadable": '<path d="M7 2h10l5 10-5 10H7L2 12Z"/>',
    "expiring": '<path d="M1.2 3h21.6L12 23Z"/>',
    "waived": '<rect x="2.5" y="4.5" width="19" height="15" rx="7.5"/>',
    "as_wanted": '<circle cx="12" cy="12" r="9.5"/>',
    "not_applicable": '<path d="M7 12h10"/>',
}


def symbols() -> Html:
    """Each shape once; the matrix of a big fleet then refers to it some thousand times."""
    parts = [
        '<symbol id="s-{0}" viewBox="0 0 24 24">{1}{2}</symbol>'.format(state, shape, _letter(state))
        for state, shape in _SHAPES.items()
    ]
    return Html('<svg class="symbols" width="0" height="0" aria-hidden="true">' + "".join(parts) + "</svg>")


def _letter(state: str) -> str:
    if state == "not_applicable":
        return ""
    height = {"expiring": 13.5, "drift": 16}.get(state, 16.2)
    return '<text x="12" y="{0}" text-anchor="middle">{1}</text>'.format(height, LETTERS[state])


def mark(state: str, label: Optional[str] = None) -> Html:
    """The shape; ``label`` is what it is called where no word stands beside it."""
    state = LIKE.get(state, state)
    use = Html('<use href="#s-{0}"/>'.format(state))
    tip = el("title", label) if label else None
    role = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    return el("svg", tip, use, class_="mark m-" + state, **role)


def badge(state: str) -> Html:
    return el("span", mark(state), " ", WORDS[state], class_="badge b-" + LIKE.get(state, state))


def legend() -> Html:
    items = [
        el("li", mark(state), " ", el("b", WORDS[state]), " ", MEANINGS[state])
        for state in _SHAPES
        if state in MEANINGS
    ]
    return el("ul", joined(items), class_="legend", aria_label="States")
