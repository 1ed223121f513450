# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""report.html: one file that asks nobody for anything, and that runs no script and no style but its own two."""

from __future__ import annotations

import base64
import hashlib

from .fleet import NAMES, Fleet, Tenant
from .marks import symbols
from .markup import Html, el, joined
from .matrix import headline, matrix, opening
from .script import SCRIPT
from .style import STYLE
from .tenant_section import tenant_section
from .texts import listed, one_line

MARK = "webex_connect.office365 audit"


def page(fleet: Fleet) -> str:
    policy = (
        "default-src 'none'; style-src 'sha256-{0}'; script-src 'sha256-{1}'; img-src data:; base-uri 'none';"
        " form-action 'none'"
    ).format(_digest(STYLE), _digest(SCRIPT))
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=policy),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("meta", name="generator", content=MARK),
        el("link", rel="icon", href="data:,"),
        el("title", "{0} \u2013 {1}".format(headline(fleet), fleet.at[:10])),
        el("style", Html(STYLE)),
    )
    body = el(
        "body",
        symbols(),
        el("a", "To the tenants' details", href="#tenants", class_="skip"),
        opening(fleet),
        el("main", matrix(fleet), _fixed(fleet), _tenants(fleet), class_="page"),
        el("footer", _closing(), class_="page"),
        el("script", Html(SCRIPT)),
    )
    return "<!DOCTYPE html>\n" + el("html", head, body, lang="en") + "\n"


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def _tenants(fleet: Fleet) -> Html:
    return el(
        "section",
        el("h2", "Tenant by tenant", id="tenants"),
        joined(_section(tenant) for tenant in fleet.tenants) if fleet.tenants else el("p", "There is none."),
        el("p", "No tenant fits the filter.", id="nothing", hidden=True),
        aria_labelledby="tenants",
    )


def _section(tenant: Tenant) -> Html:
    return joined(tenant_section(tenant), Html("\n"))


def _fixed(fleet: Fleet) -> Html:
    """What is new stands beside each finding; what was fixed stands nowhere else."""
    if fleet.since is None or not fleet.since.fixed:
        return Html("")
    anchors = {tenant.name: tenant.anchor for tenant in fleet.tenants}
    items = [
        el("li", el("a", el("bdi", name), href="#" + anchors[name]), " ", NAMES[step], ": ", el("bdi", one_line(thing)))
        for name, step, thing in fleet.since.fixed
    ]
    title = "Fixed since the report of {0}".format(fleet.since.at[:10])
    return el("section", el("h2", title, id="fixed"), el("ul", joined(items), class_="fixed"), aria_labelledby="fixed")


def _closing() -> Html:
    beside = listed(["report.json", "junit.xml", "action_plan.csv", "secret_expiry.ics"])
    return el(
        "p",
        "Written by the role ",
        el("code", "webex_connect.office365.connect_report"),
        " from reads alone. It holds no secret. The same in other forms: {0}. Whether Webex Connect itself holds the right"
        " values, and whether the person who signs in passes conditional access, cannot be read from Microsoft"
        " 365.".format(beside),
    )
