# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The first page: what is wrong in the fleet in one sentence, the filter, and tenants by steps."""

from __future__ import annotations

from itertools import groupby
from typing import Any, Callable, List, Tuple

from .._rows import parse_time
from .fleet import STATES, STEPS, WORDS, Fleet, Tenant
from .marks import legend, mark
from .markup import Html, el, joined, name_of
from .texts import counted, listed, one_line

UNKNOWN_DAYS = "\u2013"
# (key of the filter, its word, which tenants it shows); a tenant may be in several.
FILTERS: Tuple[Tuple[str, str, Callable[[Tenant], bool]], ...] = (
    ("down", "mail down", lambda t: t.down),
    ("unreachable", "unreachable", lambda t: t.state == "unreachable"),
    ("blocked", "blocked", lambda t: t.state == "blocked"),
    ("drift", "drift", lambda t: t.state == "drift"),
    ("unreadable", "unreadable", lambda t: t.state == "unreadable"),
    ("expiring", "expiring", lambda t: t.state == "expiring"),
    ("ok", "as wanted", lambda t: t.state == "ok"),
    ("rotates", "secret in rotation", lambda t: t.rotates),
    ("new", "new trouble", lambda t: t.new > 0),
)


def opening(fleet: Fleet) -> Html:
    return el(
        "header",
        el("p", "Webex Connect email in Microsoft 365", class_="kicker"),
        el("h1", headline(fleet)),
        el("p", *_byline(fleet), class_="byline"),
        class_="page opening",
    )


def headline(fleet: Fleet) -> str:
    """The answer to what everybody asks first."""
    down, number = len(fleet.down), len(fleet.tenants)
    if not number:
        return "No tenant was looked at"
    of = counted(number, "tenant", "tenants")
    clear = sum(tenant.state == "ok" for tenant in fleet.tenants)
    if down:
        return "Mail is down in {0} of {1}".format(down, of)
    silent = fleet.count("unreachable")
    if silent:
        return "{0} of {1} could not be reached".format(silent, of)
    if clear == number:
        return "Mail flows in {0}".format("the tenant" if number == 1 else "all {0}".format(of))
    if all(tenant.report["complete"] for tenant in fleet.tenants):
        return "No mail is down; {0} of {1} not as wanted".format(number - clear, of)
    return "No mail is known to be down; {0} of {1} not as wanted or not fully read".format(number - clear, of)


def _byline(fleet: Fleet) -> List[Any]:
    parts: List[Any] = ["Read on ", el("time", fleet.now.strftime("%d %B %Y, %H:%M UTC"), datetime=fleet.at), ". "]
    since = fleet.since
    if since is None:
        return [*parts, "There is no earlier report to compare with."]
    changes = ["{0} new".format(len(since.new)), "{0} fixed".format(len(since.fixed))]
    changes.append("{0} still open".format(len(since.still_open)))
    parts += ["Since the report of ", since.at[:16].replace("T", " "), ": ", el("b", listed(changes)), "."]
    if since.not_compared:
        parts.append(" Not in that report: {0}.".format(counted(len(since.not_compared), "tenant", "tenants")))
    return parts


def filters(fleet: Fleet) -> Html:
    buttons = []
    for key, word, shows in FILTERS:
        number = sum(map(shows, fleet.tenants))
        if number:
            buttons.append(
                el(
                    "button",
                    el("b", number),
                    " ",
                    word,
                    type="button",
                    aria_pressed="false",
                    data_filter=key,
                    class_="pick p-" + key,
                )
            )
    text = el(
        "label",
        el("span", "Filter tenants"),
        el("input", type="search", id="filter", placeholder="name, mailbox, domain, id \u2026", autocomplete="off"),
    )
    folds = [
        el("button", "Open all", type="button", id="open-all"),
        el("button", "Close all", type="button", id="close-all"),
    ]
    return el(
        "form",
        el("div", joined(buttons), class_="picks", role="group", aria_label="Show only"),
        el("div", text, el("div", joined(folds), class_="folds"), class_="search"),
        el("p", id="shown", role="status"),
        id="filters",
        role="search",
        aria_label="Tenants",
        hidden=True,
    )


def keys_of(tenant: Tenant) -> str:
    return " ".join(key for key, _word, shows in FILTERS if shows(tenant))


def searchable(tenant: Tenant) -> str:
    report = tenant.report
    words = [tenant.name, report["tenant"]["id"] or "", report["tenant"]["organization"] or ""]
    words += [asset["mailbox"] for asset in report["assets"]]
    words.append((report["application"] or {}).get("app_id") or "")
    return one_line(" ".join(words)).lower()


def matrix(fleet: Fleet) -> Html:
    return el(
        "section",
        el("h2", "Tenants by steps of the guide", id="fleet"),
        filters(fleet),
        el("div", _table(fleet), class_="wide", tabindex="0", role="group", aria_label="Matrix"),
        legend(),
        class_="fleet",
        aria_labelledby="fleet",
    )


def _table(fleet: Fleet) -> Html:
    groups = []
    for group, steps in groupby(STEPS, key=lambda step: step[2]):
        groups.append(el("th", group, colspan=len(list(steps)), scope="colgroup", class_="group"))
    heads = [el("th", heading, scope="col", class_="step") for _step, heading, _group in STEPS]
    head = el(
        "thead",
        el(
            "tr",
            el("th", "Tenant", scope="col", rowspan=2, class_="tenant"),
            el("th", "Mail", colspan=2, scope="colgroup", class_="group"),
            joined(groups),
            el("th", "Secret ends in", scope="col", rowspan=2, class_="days"),
        ),
        el(
            "tr",
            el("th", "Sends", scope="col", class_="mail"),
            el("th", "Arrives", scope="col", class_="mail"),
            joined(heads),
        ),
    )
    body = el("tbody", joined(_row(tenant) for tenant in fleet.tenants))
    caption = el("caption", "One row a tenant: mail that is down comes first, then what ends next.")
    return el("table", caption, head, body, class_="matrix")


def _row(tenant: Tenant) -> Html:
    report = tenant.report
    organization = report["tenant"]["organization"]
    sends, arrives = answers(tenant)
    return el(
        "tr",
        el(
            "th",
            el("a", name_of(tenant.name), href="#" + tenant.anchor),
            el("em", "{0} new".format(tenant.new), class_="new") if tenant.new else None,
            el("small", name_of(organization)) if organization and organization != tenant.name else None,
            scope="row",
            class_="tenant",
        ),
        el("td", answer(*sends), class_="mail"),
        el("td", answer(*arrives), class_="mail"),
        joined(_cell(tenant, step, heading) for step, heading, _group in STEPS),
        el("td", days(tenant), class_="days"),
        data_tenant=tenant.anchor,
        data_is=keys_of(tenant),
        data_text=searchable(tenant),
        class_="down" if tenant.down else None,
    )


def answers(tenant: Tenant) -> Tuple[Tuple[str, str], Tuple[str, str]]:
    """The worst answer of all assets, and in words how many have it."""
    return _worst(tenant, "can_send"), _worst(tenant, "arrives")


def _worst(tenant: Tenant, question: str) -> Tuple[str, str]:
    found = [asset["verdict"][question] for asset in tenant.report["assets"]]
    if not found:
        return "unknown", "no asset"
    worst = next(a for a in ("no", "unknown", "until", "yes") if any(one["answer"] == a for one in found))
    those = [one for one in found if one["answer"] == worst]
    share = " {0}/{1}".format(len(those), len(found)) if len(found) > 1 and worst != "yes" else ""
    if worst == "until":
        return worst, "until " + short_day(min(str(one["until"]) for one in those)) + share
    return worst, {"no": "no", "unknown": "?", "yes": "yes"}[worst] + share


def short_day(moment: str) -> str:
    day = parse_time(moment)
    return "{0} {1}".format(day.day, day.strftime("%b")) if day else moment[:10]


def answer(kind: str, words: str) -> Html:
    spoken = "not known" if words.startswith("?") else None
    if spoken:
        return el(
            "span", el("span", words, aria_hidden="true"), el("span", spoken, class_="sr"), class_="answer unknown"
        )
    return el("span", words, class_="answer " + kind)


def _cell(tenant: Tenant, step: str, heading: str) -> Html:
    state = tenant.cells.get(step, "not_applicable")
    those = [s for s in tenant.report["steps"] if s["step"] == step and s["state"] == state]
    several = sum(s["step"] == step for s in tenant.report["steps"]) > 1
    label = "{0}: {1}".format(heading.replace("\u00ad", ""), WORDS[state])
    if state in STATES[:5] and several:
        label += " ({0})".format(", ".join(one_line(s["object"]) for s in those[:5]) + (" \u2026" if those[5:] else ""))
    number = el("i", len(those), aria_hidden="true") if several and state in STATES[:5] and len(those) > 1 else None
    return el("td", mark(state, label), number, class_="step")


def days(tenant: Tenant) -> Html:
    if tenant.days is None:
        return el("span", el("span", UNKNOWN_DAYS, aria_hidden="true"), el("span", "not known", class_="sr"))
    if tenant.days < 0:
        return el("span", "ended", class_="left l-0")
    level = next((" l-{0}".format(limit) for limit in (7, 14, 30, 60, 90) if tenant.days <= limit), "")
    return el("span", "{0} d".format(tenant.days), class_="left" + level)
