# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""action_plan.csv: one line for each thing that somebody has to do, the most urgent first (RFC 4180)."""

from __future__ import annotations

import csv
import io
from typing import Any, Dict, List, Mapping, Tuple

from .fleet import NAMES, OPEN, WORDS, Finding, Fleet, Tenant
from .texts import command_of, facts_of, one_line, rows_of, value_lines

COLUMNS = (
    "due",
    "tenant",
    "tenant_id",
    "step",
    "object",
    "state",
    "settings",
    "current",
    "wanted",
    "because",
    "who",
    "ansible",
    "by_hand",
    "since_last_report",
)
# What spreadsheets take for the beginning of a formula, the full-width forms of East Asian input included.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def action_plan(fleet: Fleet) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for _urgency, row in sorted(_actions(fleet), key=lambda action: action[0]):
        writer.writerow([inert(row.get(name, "")) for name in COLUMNS])
    return out.getvalue()


def inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one.

    Also where blanks or quotation marks come first, as some programs strip them before they look.
    """
    bare = text.lstrip(" \u00a0\"'")
    return "'" + text if bare.startswith(FORMULA) or text.startswith(FORMULA) else text


def _actions(fleet: Fleet) -> List[Tuple[Any, Dict[str, str]]]:
    actions: List[Tuple[Any, Dict[str, str]]] = []
    for place, tenant in enumerate(fleet.tenants):
        for finding in tenant.findings:
            if finding.step["state"] in OPEN:
                urgency, due = _due(tenant, finding.step)
                actions.append(((urgency, place, len(actions)), {**_of_step(tenant, finding), "due": due}))
        for gap in tenant.report["coverage"]:
            if gap["gap"]:
                actions.append(((9, place, len(actions)), _of_gap(tenant, gap)))
    return actions


def _due(tenant: Tenant, step: Mapping[str, Any]) -> Tuple[int, str]:
    """Rank, and the day: "now" for what may keep mail from flowing this minute."""
    if step["state"] == "blocked" or (tenant.down and step["state"] == "drift"):
        return 0, "now"
    if step["until"]:
        return 1, str(step["until"])[:10]
    return (2, "") if step["state"] == "drift" else (3, "")


def _common(tenant: Tenant) -> Dict[str, str]:
    return {"tenant": one_line(tenant.name), "tenant_id": one_line(str(tenant.report["tenant"]["id"] or ""))}


def _of_step(tenant: Tenant, finding: Finding) -> Dict[str, str]:
    step = finding.step
    fix = step["fix"] or {"tag": None, "command": "", "who": "administrator"}
    rows = [row for row in rows_of(step) if row["setting"]]

    def values(name: str) -> str:
        return "; ".join("{0}: {1}".format(row["setting"], ", ".join(value_lines(row[name]))) for row in rows)

    return {
        **_common(tenant),
        "step": NAMES[step["step"]],
        "object": one_line(step["object"]),
        "state": WORDS[step["state"]],
        "settings": one_line(", ".join(row["setting"] for row in rows)),
        "current": one_line(values("current")),
        "wanted": one_line(values("wanted")),
        "because": one_line(" ".join(facts_of(step))),
        "who": fix["who"],
        "ansible": one_line(command_of(tenant.name, fix["tag"])) if fix["tag"] else "",
        "by_hand": one_line(fix["command"]),
        "since_last_report": finding.since or "",
    }


def _of_gap(tenant: Tenant, gap: Mapping[str, Any]) -> Dict[str, str]:
    return {
        **_common(tenant),
        "step": ", ".join(NAMES[step] for step in gap["steps"]),
        "object": one_line(gap["what"]),
        "state": "not read",
        "because": one_line(gap["text"]),
        "who": "administrator",
        "by_hand": one_line("Give the admin identity " + gap["right"]) if gap["right"] else "",
    }
