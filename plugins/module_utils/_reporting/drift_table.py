# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What differs in one tenant: a row a setting, with the tag of the role and the cmdlet that set it right."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from .blocks import block, table
from .fleet import NAMES, NEW, WORDS, Finding, Tenant
from .marks import badge
from .markup import Child, Html, el, joined, name_of
from .texts import command_of, facts_of, rows_of, value_lines


def drift(tenant: Tenant) -> Html:
    if not tenant.findings:
        if tenant.state == "ok":
            return block("What is not as wanted", el("p", "Nothing: every step is as wanted."))
        return Html("")
    rows = [row for same in _together(tenant.findings) for row in _findings(tenant, same)]
    heads = ("State", "Step and object", "Setting", "Current", "Wanted", "Fix")
    return block("What is not as wanted", table(heads, rows, "drift"))


def _together(findings: Sequence[Finding]) -> List[List[Finding]]:
    """What was not read for one and the same reason makes one row: in a tenant that was not reached, all steps."""
    groups: Dict[Any, List[Finding]] = {}
    for number, finding in enumerate(findings):
        step = finding.step
        alike = step["state"] == "unreadable" and not step["differences"]
        key = (finding.since, step["fix"] and step["fix"]["command"], *facts_of(step)) if alike else number
        groups.setdefault(key, []).append(finding)
    return list(groups.values())


def _findings(tenant: Tenant, same: Sequence[Finding]) -> List[Html]:
    if len(same) == 1:
        return _finding(tenant, same[0])
    step = same[0].step
    items = [el("li", el("b", NAMES[finding.step["step"]]), " ", name_of(finding.step["object"])) for finding in same]
    what = el("td", el("ul", joined(items), class_="together"), _facts(step), colspan=4)
    return [el("tr", _state(same[0]), what, el("td", _fix(tenant, step), class_="fix"), class_="f-unreadable first")]


def _state(finding: Finding, **attributes: Any) -> Html:
    since = finding.since
    new = el("em", since, class_="new" if since == NEW else "still") if since else None
    return el("td", badge(finding.step["state"]), new, **attributes)


def _facts(step: Mapping[str, Any]) -> Optional[Html]:
    facts = [el("li", fact) for fact in facts_of(step)]
    return el("ul", joined(facts), class_="facts") if facts else None


def _finding(tenant: Tenant, finding: Finding) -> List[Html]:
    step = finding.step
    rows = rows_of(step)
    span = len(rows)
    mine = [
        _state(finding, rowspan=span),
        el(
            "td",
            el("b", NAMES[step["step"]]),
            el("br"),
            name_of(step["object"]),
            _facts(step),
            _waived(step),
            rowspan=span,
        ),
    ]
    fix = el("td", _fix(tenant, step), rowspan=span, class_="fix")
    lines = []
    for number, row in enumerate(rows):
        values: List[Html] = [el("td", "\u2013", colspan=3, class_="none")]
        if row["setting"]:
            values = [el("td", el("code", row["setting"]))]
            values += [el("td", _value(row["current"])), el("td", _value(row["wanted"]))]
        first = number == 0
        css = "f-{0}{1}".format(step["state"], " first" if first else "")
        lines.append(el("tr", joined(mine if first else []), joined(values), fix if first else None, class_=css))
    return lines


def _value(value: Any) -> Html:
    lines = [name_of(line) for line in value_lines(value)]
    return el("ul", joined(el("li", line) for line in lines), class_="values") if len(lines) > 1 else lines[0]


def _fix(tenant: Tenant, step: Mapping[str, Any]) -> Child:
    fix = step["fix"]
    if not fix:
        return "\u2013"
    parts: List[Child] = []
    if fix["tag"]:
        parts.append(el("code", "--tags " + fix["tag"], title=command_of(tenant.name, fix["tag"]), class_="tag"))
    else:
        parts.append(el("b", "By an administrator"))
    parts.append(el("span", el("bdi", _words(fix["command"])), class_="cmdlet"))
    return parts


def _words(command: str) -> List[Child]:
    """A parameter of a cmdlet is not broken after its hyphen."""
    words: List[Child] = []
    for word in command.split(" "):
        words += [" ", el("span", word, class_="whole") if word.startswith("-") and len(word) < 40 else word]
    return words[1:]


def _waived(step: Mapping[str, Any]) -> Optional[Html]:
    waiver = step["waiver"]
    if not waiver:
        return None
    until = " until " + waiver["until"] if waiver["until"] else ""
    hidden = " Without it: {0}.".format(WORDS[step["waived_state"]]) if step["waived_state"] else ""
    text = "Waived{0} by {1}: {2}.{3}".format(until, waiver["owner"], waiver["reason"].rstrip("."), hidden)
    return el("p", name_of(text), class_="waived")
