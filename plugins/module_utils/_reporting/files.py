# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""From an audit to the files of a folder: which there are, what is in each, and which of them would change."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional

from .._errors import Conflict, InvalidInput
from .._planning.plan import Plan
from . import action_plan, fleet, ics, junit, page

REPORT = "report.json"
EARLIER = "report.previous.json"
OF_REPORT = (
    *("application", "assets", "complete", "coverage", "error", "mail", "permissions", "rotation", "secrets"),
    *("security_notes", "state", "steps", "tenant", "user_consent", "waivers"),
)


@dataclass(frozen=True)
class Form:
    """``mark`` is in every file of the form that was ever written, so that no foreign file is written over."""

    name: str
    mark: str
    render: Callable[[fleet.Fleet], str]


FORMS = {
    "html": Form("report.html", page.MARK, page.page),
    "junit": Form("junit.xml", junit.MARK, junit.junit),
    "csv": Form("action_plan.csv", '"due","tenant"', action_plan.action_plan),
    "ics": Form("secret_expiry.ics", ics.MARK, ics.calendar),
}
FORMATS = ["json", *FORMS]


@dataclass(frozen=True)
class Current:
    """What lies in the folder, by file name (None: no such file), and the earlier report if one was named."""

    texts: Mapping[str, Optional[str]]
    previous: Optional[str] = None


def names_of(formats: List[str]) -> List[str]:
    """Every file that the formats need. The report itself is read whatever is written: it is the earlier one."""
    return [REPORT, EARLIER] + [FORMS[form].name for form in FORMATS if form in formats and form != "json"]


def document_of(options: Mapping[str, Any]) -> Dict[str, Any]:
    return {"schema_version": fleet.SCHEMA_VERSION, "reports": options["reports"], "run": options["run"]}


def as_json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def check(options: Mapping[str, Any]) -> None:
    """Refuses what is no audit, so that no renderer has to reckon with it."""
    for name, report in options["reports"].items():
        version = report.get("schema_version") if isinstance(report, dict) else None
        if version != fleet.SCHEMA_VERSION:
            raise InvalidInput(
                "reports.{0} is no report of the version {1}.".format(name, fleet.SCHEMA_VERSION),
                "Give what connect_email_info of this release returned.",
            )
        missing = [part for part in OF_REPORT if part not in report]
        if missing:
            raise InvalidInput("reports.{0} lacks {1}.".format(name, ", ".join(missing)))
    if not isinstance(options["run"].get("at"), str):
        raise InvalidInput("run lacks the moment of the audit, at.", "Give the run that connect_email_info returned.")


def plan_files(current: Current, options: Mapping[str, Any]) -> Plan:
    directory = options["directory"]
    texts = current.texts
    warnings: List[str] = []
    written = _document(texts[REPORT], os.path.join(directory, REPORT), warnings)
    previous, earlier_text = _previous(current, options, texts, written, warnings)
    document = document_of(options)
    seen = fleet.fleet_of(options["reports"], options["run"], previous)
    new: Dict[str, str] = {}
    for form in FORMATS:
        if form in options["formats"] and form != "json":
            new[FORMS[form].name] = FORMS[form].render(seen)
            _refuse_foreign(directory, FORMS[form], texts[FORMS[form].name])
    if "json" in options["formats"]:
        new[REPORT] = as_json(document)
        if earlier_text is not None:
            new[EARLIER] = earlier_text
    # The report itself comes last: as long as it is the old one, the next run knows that this one was cut off.
    order = sorted(new, key=lambda name: (name == REPORT, name))
    states = {name: _state(texts[name], new[name]) for name in sorted(new)}
    return Plan(
        before={"directory": directory, "files": states, **_counts(written)},
        after={"directory": directory, "files": dict.fromkeys(sorted(new), "current"), **_counts(document)},
        result=_result(directory, new, seen),
        steps=[
            ("write", {"path": os.path.join(directory, name), "text": new[name]})
            for name in order
            if texts[name] != new[name]
        ],
        warnings=warnings,
    )


def _previous(
    current: Current,
    options: Mapping[str, Any],
    texts: Mapping[str, Optional[str]],
    written: Optional[Mapping[str, Any]],
    warnings: List[str],
) -> Any:
    """The report to compare with, and what report.previous.json has to hold then (None: leave it as it is).

    A report of this very run in the folder means that the task is repeated; the earlier one was put aside by then.
    """
    again = written is not None and written["run"] == options["run"]
    put_aside = None if again or written is None else texts[REPORT]
    if current.previous is not None:
        return _document(current.previous, options["previous"], warnings), put_aside
    if again:
        return _document(texts[EARLIER], os.path.join(options["directory"], EARLIER), warnings), None
    return written, put_aside


def _document(text: Optional[str], path: str, warnings: List[str]) -> Optional[Dict[str, Any]]:
    """An earlier report. One of another version is not compared; a file that is no report is not touched."""
    if text is None or not text.strip():
        return None
    try:
        document = json.loads(text)
        version = document["schema_version"]
        document["run"]["at"], document["reports"].items()
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Conflict(
            "{0} exists and is no report of an audit.".format(path), "Give another folder, or remove the file."
        ) from None
    if version != fleet.SCHEMA_VERSION:
        warnings.append("{0} has another version ({1}) and was not compared with.".format(path, version))
        return None
    return dict(document)


def _refuse_foreign(directory: str, form: Form, text: Optional[str]) -> None:
    if text is not None and text.strip() and form.mark not in text:
        raise Conflict(
            "{0} exists and was not written by this module.".format(os.path.join(directory, form.name)),
            "Give another folder, or remove the file. No file was written.",
        )


def _state(old: Optional[str], new: str) -> str:
    if old is None:
        return "absent"
    return "current" if old == new else "outdated"


def _counts(document: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    """For the diff: how many tenants are in which state."""
    counts = dict.fromkeys(fleet.TENANT_STATES, 0)
    reports = document["reports"] if document else {}
    for report in reports.values():
        if report.get("state") in counts:
            counts[report["state"]] += 1
    return {"tenants": counts}


def _result(directory: str, new: Mapping[str, str], seen: fleet.Fleet) -> Dict[str, Any]:
    """What a caller decides by, so that nobody has to look into the files."""
    by_step = {
        state: sorted(t.name for t in seen.tenants if any(f.step["state"] == state for f in t.findings))
        for state in fleet.OPEN
    }
    since = seen.since
    return {
        "directory": directory,
        "files": {name: os.path.join(directory, name) for name in sorted(new)},
        "states": {state: seen.count(state) for state in fleet.TENANT_STATES},
        "down": sorted(tenant.name for tenant in seen.down),
        "unreachable": sorted(t.name for t in seen.tenants if t.state == "unreachable"),
        **by_step,
        "incomplete": sorted(tenant.name for tenant in seen.tenants if not tenant.report["complete"]),
        "since": {
            "at": since.at,
            "new": [_entry(key) for key in since.new],
            "fixed": [_entry(key) for key in since.fixed],
            "still_open": [_entry(key) for key in since.still_open],
            "not_compared": since.not_compared,
        }
        if since
        else None,
    }


def _entry(key: fleet.Key) -> Dict[str, str]:
    return dict(zip(("tenant", "step", "object"), key))
