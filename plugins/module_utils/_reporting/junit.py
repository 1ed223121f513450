# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""junit.xml: a suite a tenant, a case a step and object, in the form that CI servers read."""

from __future__ import annotations

from typing import Any, List, Mapping
from xml.etree import ElementTree

from .fleet import NAMES, WORDS, Finding, Fleet, Tenant
from .texts import facts_of, one_line, rows_of, value_lines, visible

MARK = "webex_connect.office365"
RESULTS = {"blocked": "failure", "drift": "failure", "expiring": "failure", "unreadable": "error", "waived": "skipped"}


def junit(fleet: Fleet) -> str:
    root = ElementTree.Element("testsuites", name=MARK + " audit")
    for tenant in fleet.tenants:
        _suite(root, tenant)
    for name, value in _counts([case for suite in root for case in suite.findall("testcase")]).items():
        root.set(name, value)
    if hasattr(ElementTree, "indent"):  # since Python 3.9
        ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _counts(cases: List[Any]) -> Mapping[str, str]:
    found = [child.tag for case in cases for child in case]
    counts = {"tests": len(cases), "failures": found.count("failure"), "errors": found.count("error")}
    return {name: str(number) for name, number in {**counts, "skipped": found.count("skipped")}.items()}


def _suite(root: Any, tenant: Tenant) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=one_line(tenant.name))
    suite.set("timestamp", tenant.now.strftime("%Y-%m-%dT%H:%M:%S"))
    if tenant.seconds is not None:
        suite.set("time", "{0:.3f}".format(tenant.seconds))
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(tenant).items():
        ElementTree.SubElement(properties, "property", name=name, value=one_line(value))
    found = {id(finding.step): finding for finding in tenant.findings}
    for step in tenant.report["steps"]:
        _case(suite, tenant, step, found.get(id(step)))
    for name, value in _counts(suite.findall("testcase")).items():
        suite.set(name, value)


def _properties(tenant: Tenant) -> Mapping[str, str]:
    report = tenant.report
    return {
        "tenant_id": str(report["tenant"]["id"] or "not known"),
        "state": WORDS[tenant.state],
        "mail_is_down": "true" if tenant.down else "false",
        "mail_stops": str(report["mail"]["stops"] or "not in sight"),
        "complete": "true" if report["complete"] else "false",
    }


def _case(suite: Any, tenant: Tenant, step: Mapping[str, Any], finding: Any) -> None:
    case = ElementTree.SubElement(suite, "testcase")
    case.set("classname", one_line("{0}.{1}".format(tenant.name, step["step"])))
    case.set("name", one_line("{0}: {1}".format(NAMES[step["step"]], step["object"])))
    if step["state"] == "not_applicable":
        ElementTree.SubElement(case, "skipped", message="nothing is asked for here")
    if step["state"] not in RESULTS:
        return
    message = ElementTree.SubElement(case, RESULTS[step["state"]])
    message.set("message", one_line(_message(step)))
    if step["state"] != "waived":
        message.set("type", step["state"])
    message.text = visible("\n".join(_details(step, finding)))


def _message(step: Mapping[str, Any]) -> str:
    waiver = step["waiver"]
    if step["state"] == "waived" and waiver:
        until = " until " + waiver["until"] if waiver["until"] else ""
        return "waived{0} by {1}: {2}".format(until, waiver["owner"], waiver["reason"])
    facts = facts_of(step) or ["differs: " + ", ".join(step["differences"])]
    return "{0}: {1}".format(WORDS[step["state"]], " ".join(facts))


def _details(step: Mapping[str, Any], finding: Finding) -> List[str]:
    lines = [finding.since] if finding.since else []
    if step["waived_state"]:
        lines.append("without the waiver: " + WORDS[step["waived_state"]])
    lines += facts_of(step)
    for row in rows_of(step):
        if row["setting"]:
            current, wanted = (", ".join(value_lines(row[name])) for name in ("current", "wanted"))
            lines.append("{0}: is {1}; wanted {2}".format(row["setting"], current, wanted))
    fix = step["fix"]
    if fix:
        lines.append("fix: " + ("--tags {0}, or ".format(fix["tag"]) if fix["tag"] else "") + fix["command"])
    return lines
