# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One tenant's page: ready for Webex Connect or not, because of what, and what only a person can do. Pure, no clock."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._errors import Conflict, InvalidInput
from .._planning.handoff_markdown import bullets, code, numbered, plain
from .._planning.plan import Plan
from .fleet import NAMES
from .texts import one_line

MARK = "<!-- webex_connect.office365 readiness page: written by Ansible, which overwrites changes. -->"
OPEN = ("blocked", "drift", "unreadable")
Report = Mapping[str, Any]
Checks = Sequence[Mapping[str, Any]]


def plan_page(old: Optional[str], wanted: Mapping[str, Any]) -> Plan:
    """``old`` is what lies in the file, None where there is none. Raises Conflict for what is no page of this kind."""
    path, report, checks = wanted["path"], wanted["report"], wanted["checks"]
    if old is not None and old.strip() and MARK not in old:
        raise Conflict("{0} exists and is no readiness page.".format(path), "Give another path, or remove the file.")
    try:
        why = reasons(report, checks)
        new = page(wanted["name"], report, checks, why)
    except (KeyError, TypeError, AttributeError) as problem:
        text = "report or checks are not what the modules return (missing: {0}).".format(problem)
        raise InvalidInput(text, "Give their results as they are.") from None
    return Plan(
        before={"path": path, "page": "absent" if old is None else ("current" if old == new else "outdated")},
        after={"path": path, "page": "current"},
        result={"ready": not why, "because": why, "path": path},
        steps=[("write", {"path": path, "text": new})] if old != new else [],
    )


def reasons(report: Report, checks: Checks) -> List[str]:
    """Why the tenant is not ready; empty if it is. A gap in what was read counts against it."""
    found: List[str] = []
    if report["error"]:
        found.append(report["error"]["message"])
    for asset in report["assets"]:
        found += _of_asset(asset)
    for check in distinct(checks):
        if check["state"] == "failed":
            who = "{0} ({1})".format(check["name"], check["mailbox"]) if check.get("mailbox") else check["name"]
            said = " [{0}]".format(check["said"]) if check["said"] else ""
            found.append("check {0}, {1}: {2}{3}".format(who, check["cause"], "; ".join(check["because"]), said))
    for step in report["steps"]:
        if step["state"] in OPEN:
            facts = "; ".join(fact["text"] for fact in step["because"]) or ", ".join(step["differences"])
            found.append("{0} of {1} is {2}: {3}".format(NAMES[step["step"]], step["object"], step["state"], facts))
    found += ["not read: {0}".format(gap["text"]) for gap in report["coverage"] if gap["gap"]]
    return list(dict.fromkeys(one_line(text) for text in found))


def _of_asset(asset: Mapping[str, Any]) -> List[str]:
    found: List[str] = []
    for question, words in (("can_send", "cannot send"), ("arrives", "does not receive")):
        verdict = asset["verdict"][question]
        if verdict["answer"] in ("no", "unknown"):
            doubt = "" if verdict["answer"] == "no" else "may be one that "
            found += [
                "{0} {1}{2}: {3}".format(asset["mailbox"], doubt, words, fact["text"]) for fact in verdict["because"]
            ]
    if asset["address"] and asset["address"].lower() != asset["mailbox"].lower():
        text = "{0} is no primary address; Email ID must be {1}, or Exchange refuses the sender (5.7.60)"
        found.append(text.format(asset["mailbox"], asset["address"]))
    for rule in (asset["deep"] or {}).get("inbox_rules") or ():
        text = "{0} has the inbox rule {1!r}, which {2}: with forwarding beside it, mail arrives twice"
        found.append(text.format(asset["mailbox"], rule["name"], rule["does"]))
    return found


def distinct(checks: Checks) -> List[Mapping[str, Any]]:
    """The sign-in for each mailbox; of what is the same for all of them, one."""
    found: Dict[Any, Mapping[str, Any]] = {}
    for check in checks:
        found.setdefault((check["name"], check.get("mailbox") if check["name"] == "smtp_login" else None), check)
    return list(found.values())


def by_hand(report: Report, checks: Checks) -> List[str]:
    """What no program can do, as Markdown."""
    url = next((check["url"] for check in checks if check.get("url")), None)
    trial = (
        [
            "Open this address in a private browser window: {0} A page without AADSTS700016 and AADSTS50011 shows that Entra"
            " knows application and redirect URI. Stop before the sign-in.".format(code(url))
        ]
        if url
        else []
    )
    return [
        *trial,
        "In Webex Connect, fill in each asset by its hand-off sheet, clear the box about reviewing the consent, and"
        " **Generate Token**. Whoever the sheet names signs in, with multi-factor authentication at hand.",
        "**Save**, then **Register To Webex Engage**. The service that is chosen there cannot be changed afterwards.",
        "Send a mail from outside the organization to {0}, see it in the flow, and see the reply arrive.".format(
            ", ".join(code(asset["mailbox"]) for asset in report["assets"]) or "each mailbox"
        ),
        "Take back what was granted for trying smtp\\_login, if anything was. Webex Connect does not need it.",
    ]


def page(name: str, report: Report, checks: Checks, why: Sequence[str]) -> str:
    verdict = (
        "**Not ready**, because:"
        if why
        else "**Ready** to be connected: everything is as wanted, as far as it was proved."
    )
    shown = [
        "**{0}: {1}.** {2} Proves: {3} Does not prove: {4}{5}".format(
            plain(check["name"] + (" " + check["mailbox"] if check.get("mailbox") else "")),
            check["state"].replace("_", " "),
            plain("; ".join(check["because"])),
            plain(check["proves"]),
            plain(check["does_not_prove"]),
            " Next: " + plain(check["fix"]) if check["fix"] else "",
        )
        for check in distinct(checks)
    ]
    parts = [
        MARK,
        "# Readiness of {0}".format(code(name)),
        "Microsoft 365 tenant {0}.".format(code(report["tenant"]["id"])),
        verdict,
        *([bullets(map(plain, why))] if why else []),
        "## What only a person can do",
        numbered(by_hand(report, checks)),
        "## What was tried from outside, and what it proves",
        bullets(shown),
    ]
    return "\n\n".join(parts) + "\n"
