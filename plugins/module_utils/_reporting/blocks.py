# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What the sections of a tenant are made of."""

from __future__ import annotations

from typing import List, Optional, Sequence

from .markup import Child, Html, el, joined


def block(title: str, *children: Child, note: Optional[str] = None) -> Html:
    return el("div", el("h4", title), el("p", note, class_="note") if note else None, *children, class_="block")


def table(heads: Sequence[str], rows: List[Html], class_: str) -> Html:
    head = el("thead", el("tr", joined(el("th", text, scope="col") for text in heads)))
    return el("div", el("table", head, el("tbody", joined(rows)), class_=class_), class_="scroll")
