# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Everything about one tenant: will mail flow and why, what differs, the secrets, notes, and what was not seen."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence

from .._planning.secret_rotation import account_of
from .blocks import block, table
from .drift_table import drift
from .fleet import NAMES, Tenant
from .ics import role_of
from .marks import badge
from .markup import Html, address_of, el, joined, name_of
from .matrix import answer, answers, keys_of, searchable
from .texts import permission_lines
from .timeline import timeline

WAIVER_STATES = {"applied": "applied", "expired": "has run out: it hides nothing any more", "unused": "nothing to hide"}
GAPS = {
    "refused": "a right is missing",
    "failed": "no usable answer",
    "cut_short": "the list was incomplete",
    "not_asked": "not asked for",
    "fell_back": "read in another way, completely",
}


def tenant_section(tenant: Tenant) -> Html:
    report = tenant.report
    trouble = tenant.state != "ok" or tenant.down
    sends, arrives = answers(tenant)
    identity = report["tenant"]
    head = el(
        "summary",
        el("h3", name_of(tenant.name), id=tenant.anchor + "-name"),
        el("span", "mail is down", class_="downword") if tenant.down else None,
        badge(tenant.state),
        el("span", "sends ", answer(*sends), class_="brief"),
        el("span", "arrives ", answer(*arrives), class_="brief"),
    )
    about = [name_of(identity["organization"]), " \u00b7 "] if identity["organization"] else []
    body = el(
        "div",
        el("p", joined(about), el("code", name_of(identity["id"] or "id not known")), class_="about"),
        _error(report["error"]),
        _verdicts(report["assets"]),
        drift(tenant),
        _secrets(tenant),
        el("div", _notes(report["security_notes"]), _coverage(report), class_="two"),
        _waivers(report["waivers"]),
        _application(report),
        class_="body",
    )
    return el(
        "section",
        el("details", head, body, open=trouble),
        id=tenant.anchor,
        class_="tenant",
        data_is=keys_of(tenant),
        data_text=searchable(tenant),
        data_tenant=tenant.anchor,
        aria_labelledby=tenant.anchor + "-name",
    )


def _error(error: Optional[Mapping[str, Any]]) -> Optional[Html]:
    if not error:
        return None
    return el("p", el("b", "Not read. "), name_of(error["message"]), " ", el("small", error["kind"]), class_="error")


def _verdicts(assets: Sequence[Mapping[str, Any]]) -> Html:
    if not assets:
        return block("Will mail flow?", el("p", "No asset is wanted in this tenant."))
    return block("Will mail flow?", el("ul", joined(map(_verdict, assets)), class_="verdicts"))


def _verdict(asset: Mapping[str, Any]) -> Html:
    sends, arrives = asset["verdict"]["can_send"], asset["verdict"]["arrives"]
    can = {
        "yes": "Webex Connect can send.",
        "no": "Webex Connect cannot send.",
        "until": "Webex Connect will stop sending on {0}.".format(str(sends["until"])[:10]),
        "unknown": "Whether Webex Connect can send is not known.",
    }[sends["answer"]]
    comes = {
        "yes": "Mail arrives in Webex Connect.",
        "no": "Mail does not arrive in Webex Connect.",
        "unknown": "Whether mail arrives is not known.",
    }[arrives["answer"]]
    return el(
        "li",
        el("b", address_of(asset["mailbox"]), class_="mailbox"),
        _because(can, sends),
        _because(comes, arrives),
    )


def _because(sentence: str, verdict: Mapping[str, Any]) -> Html:
    facts = [el("li", fact["text"]) for fact in verdict["because"]]
    return el(
        "div",
        el("p", sentence, class_="says " + verdict["answer"]),
        el("ul", joined(facts)) if facts else None,
        class_="line",
    )


def _secrets(tenant: Tenant) -> Html:
    if not tenant.secrets:
        return Html("")
    rows = []
    for secret in tenant.secrets:
        left = "never ends" if secret.days is None else ("ended" if secret.days < 0 else "{0} days".format(secret.days))
        days = [moment.strftime("%Y-%m-%d") if moment else "\u2013" for moment in (secret.start, secret.end)]
        rows.append(
            el(
                "tr",
                el("td", name_of(secret.name or "without a name")),
                el("td", el("code", name_of(secret.key_id))),
                joined(el("td", day) for day in days),
                el("td", left),
                el("td", role_of(secret)),
            )
        )
    heads = ("Name", "Key id", "Start", "End", "Left", "Role")
    note = None
    if tenant.rotates:
        account = account_of(tenant.report["rotation"])
        note = account[0].upper() + account[1:] + "."
    elif not any(secret.held for secret in tenant.secrets):
        note = "No store tells which of these Webex Connect holds."
    return block("Client secrets", timeline(tenant), table(heads, rows, "secrets"), note=note)


def _notes(notes: Sequence[Mapping[str, Any]]) -> Html:
    items = [
        el(
            "li",
            el("span", note["level"], class_="level"),
            " ",
            name_of(note["text"]),
            el("em", " waived", class_="still") if note["waived"] else None,
            class_="n-" + note["level"],
        )
        for note in notes
    ]
    return block("Security notes", el("ul", joined(items), class_="notes") if items else el("p", "None."))


def _coverage(report: Mapping[str, Any]) -> Html:
    items = []
    for entry in report["coverage"]:
        right = el("p", "Missing right: ", el("code", name_of(entry["right"]))) if entry["right"] else None
        steps = ", ".join(NAMES[step] for step in entry["steps"])
        items.append(
            el(
                "li",
                el("b", name_of(entry["what"])),
                " ({0}) ".format(GAPS[entry["kind"]]),
                name_of(entry["text"]),
                el("small", " Needed for: {0}.".format(steps)) if steps else None,
                right,
                class_="gap" if entry["gap"] else "nogap",
            )
        )
    lead = (
        "Everything that was asked for was read."
        if report["complete"]
        else "This report has gaps. What is not known is not taken for clean."
    )
    return block("What was not seen", el("p", lead), el("ul", joined(items), class_="coverage") if items else None)


def _waivers(waivers: Sequence[Mapping[str, Any]]) -> Html:
    rows = [
        el(
            "tr",
            el("td", el("code", name_of(waiver["what"]))),
            el("td", name_of(waiver["reason"])),
            el("td", name_of(waiver["owner"])),
            el("td", waiver["until"] or "no end"),
            el("td", WAIVER_STATES[waiver["state"]], class_="w-" + waiver["state"]),
        )
        for waiver in waivers
    ]
    heads = ("What", "Reason", "Owner", "Until", "State")
    return block("Waivers", table(heads, rows, "waivers")) if rows else Html("")


def _application(report: Mapping[str, Any]) -> Html:
    application = report["application"]
    if not application:
        return Html("")
    uris = [
        "{0}: {1}".format(kind, uri) for kind, found in sorted(application["redirect_uris"].items()) for uri in found
    ]
    facts = [
        ("Name", [application["display_name"]]),
        ("Application (client) ID", [application["app_id"]]),
        ("Object ID", [application["object_id"]]),
        ("Enterprise application", [application["service_principal_id"] or "there is none"]),
        ("Who may sign in", [application["sign_in_audience"] or "not read"]),
        ("Redirect URIs", uris or ["none"]),
        ("Asks for", _permissions(report["permissions"]["asked"])),
        ("Granted for the organization", _permissions(report["permissions"]["granted"])),
        ("Users may consent", [report["user_consent"]["setting"] or "not read"]),
    ]
    lines = []
    for term, values in facts:
        lines.append(el("dt", term))
        lines += [el("dd", name_of(value)) for value in values]
    return block("The application", el("dl", joined(lines)))


def _permissions(entries: Optional[Sequence[Mapping[str, Any]]]) -> List[str]:
    if entries is None:
        return ["not read"]
    return [line for entry in entries for line in permission_lines(entry)] or ["none"]
