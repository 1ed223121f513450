# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The audit as its readers look at it: tenants in the order of their trouble, and what changed since last time.

Nothing is judged here. What a step's state is, was said by connect_email_info; this only counts, sorts and compares.
Times come from the audit itself, so that the same audit always gives the same files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .._errors import InvalidInput
from .._planning.secret_rotation import is_under_way
from .._rows import parse_time

SCHEMA_VERSION = "1.0"

# In the order of the guide: (step, heading of its column, heading of its group)
STEPS = (
    ("application", "App", "Entra application"),
    ("redirect_uri", "Redirect URI", "Entra application"),
    ("implicit_grant", "Implicit grant", "Entra application"),
    ("secret", "Secret", "Entra application"),
    ("permissions", "Permis\u00adsions", "Entra application"),
    ("consent", "Admin consent", "Entra application"),
    ("user_consent", "User consent", "Entra application"),
    ("smtp_auth", "SMTP AUTH", "Mailboxes"),
    ("forwarding", "For\u00adwarding", "Mailboxes"),
    ("external_forwarding", "Outbound policy", "Mailboxes"),
)
NAMES = {step: heading.replace("\u00ad", "") for step, heading, _group in STEPS}
STATES = ("blocked", "drift", "unreadable", "expiring", "waived", "as_wanted", "not_applicable")  # the worst first
OPEN = STATES[:4]
TENANT_STATES = ("unreachable", "blocked", "drift", "unreadable", "expiring", "ok")  # the worst first
WORDS = {
    "blocked": "blocked",
    "drift": "drift",
    "unreadable": "unreadable",
    "expiring": "expiring",
    "waived": "waived",
    "as_wanted": "as wanted",
    "not_applicable": "not asked for",
    "unreachable": "unreachable",
    "ok": "as wanted",
}
NEW, STILL_OPEN = "new", "still open"

Report = Mapping[str, Any]
Key = Tuple[str, str, str]  # tenant, step, object


@dataclass(frozen=True)
class Secret:
    key_id: str
    name: str
    start: Optional[datetime]
    end: Optional[datetime]
    ours: bool
    held: bool
    """Whether it is the one that Webex Connect was given, as far as the store knows."""
    superseded: bool
    days: Optional[int]
    """Whole days until it ends, negative if it has; None for one that never ends."""


@dataclass(frozen=True)
class Finding:
    step: Mapping[str, Any]
    since: Optional[str]
    """NEW, STILL_OPEN, or None where there is nothing to compare with."""


@dataclass(frozen=True)
class Tenant:
    name: str
    anchor: str
    report: Report
    now: datetime
    seconds: Optional[float]
    cells: Dict[str, str]
    findings: List[Finding]
    """Whatever is not as wanted, waived steps too, the worst first."""
    secrets: List[Secret]
    days: Optional[int]
    """Days until the mail stops for want of a secret."""
    new: int

    @property
    def state(self) -> str:
        return str(self.report["state"])

    @property
    def rotates(self) -> bool:
        return is_under_way(self.report["rotation"])

    @property
    def down(self) -> bool:
        return bool(self.report["mail"]["down"])


@dataclass(frozen=True)
class Since:
    """What changed since an earlier report. Only what both have looked at is compared."""

    at: str
    new: List[Key] = field(default_factory=list)
    fixed: List[Key] = field(default_factory=list)
    still_open: List[Key] = field(default_factory=list)
    not_compared: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fleet:
    at: str
    now: datetime
    tenants: List[Tenant]
    since: Optional[Since]

    def count(self, state: str) -> int:
        return sum(tenant.state == state for tenant in self.tenants)

    @property
    def down(self) -> List[Tenant]:
        return [tenant for tenant in self.tenants if tenant.down]


def fleet_of(reports: Mapping[str, Report], run: Mapping[str, Any], previous: Optional[Mapping[str, Any]]) -> Fleet:
    now = _moment(run["at"], "run.at")
    since = compared(reports, previous) if previous else None
    marks = {**dict.fromkeys(since.new, NEW), **dict.fromkeys(since.still_open, STILL_OPEN)} if since else {}
    # Numbered by name and not by trouble, so that a link into the report still leads there in the next one.
    tenants = [
        _tenant(name, "tenant-{0}".format(number), reports[name], run, now, marks)
        for number, name in enumerate(sorted(reports), 1)
    ]
    return Fleet(run["at"], now, sorted(tenants, key=_order), since)


def _moment(text: Any, what: str) -> datetime:
    moment = parse_time(text) if isinstance(text, str) else None
    if moment is None:
        raise InvalidInput("{0} is {1!r}, which is no moment.".format(what, text))
    return moment


def _order(tenant: Tenant) -> Tuple[Any, ...]:
    """Down first; then those of which nothing is known, for they may be down; then by the days that are left."""
    silent = tenant.state == "unreachable" or tenant.report["error"] is not None
    days = tenant.days if tenant.days is not None else 10**6
    return (not tenant.down, not silent, days, TENANT_STATES.index(tenant.state), tenant.name.lower(), tenant.name)


def _tenant(
    name: str, anchor: str, report: Report, run: Mapping[str, Any], now: datetime, marks: Mapping[Key, str]
) -> Tenant:
    how = (run.get("tenants") or {}).get(name) or {}
    if how.get("at"):
        now = _moment(how["at"], "run.tenants.{0}.at".format(name))
    cells: Dict[str, str] = {}
    for step in report["steps"]:
        cells[step["step"]] = min(cells.get(step["step"], "not_applicable"), step["state"], key=STATES.index)
    findings = [
        Finding(step, marks.get((name, step["step"], step["object"])))
        for step in report["steps"]
        if step["state"] in OPEN or step["state"] == "waived"
    ]
    findings.sort(key=lambda finding: STATES.index(finding.step["state"]))
    secrets = [_secret(secret, report["rotation"], now) for secret in report["secrets"]]
    return Tenant(
        name=name,
        anchor=anchor,
        report=report,
        now=now,
        seconds=how.get("seconds"),
        cells=cells,
        findings=findings,
        secrets=secrets,
        days=_days_left(report, secrets, now),
        new=sum(finding.since == NEW for finding in findings),
    )


def _secret(secret: Mapping[str, Any], rotation: Optional[Mapping[str, Any]], now: datetime) -> Secret:
    end = parse_time(secret["end"] or "")
    return Secret(
        key_id=secret["key_id"],
        name=secret["display_name"] or "",
        start=parse_time(secret["start"] or ""),
        end=end,
        ours=secret["ours"],
        held=secret["current"],
        superseded=secret["key_id"] in ((rotation or {}).get("old_key_ids") or ()),
        days=days_until(end, now),
    )


def days_until(moment: Optional[datetime], now: datetime) -> Optional[int]:
    """Rounded down, so that the day on which it ends is 0 and yesterday is -1."""
    return None if moment is None else (moment - now) // timedelta(days=1)


def _days_left(report: Report, secrets: List[Secret], now: datetime) -> Optional[int]:
    stops = parse_time(report["mail"]["stops"] or "")
    if stops is not None:
        return days_until(stops, now)
    held = [secret for secret in secrets if secret.held]
    ends = [secret.days for secret in held or [s for s in secrets if s.ours] if secret.days is not None]
    return max(ends) if ends else None


def compared(reports: Mapping[str, Report], previous: Mapping[str, Any]) -> Since:
    """By tenant, step and object. What is waived now was not fixed, nor was what nobody asks for any more."""
    since = Since(at=previous["run"]["at"])
    for name in sorted(reports):
        earlier = previous["reports"].get(name)
        if earlier is None:
            since.not_compared.append(name)
            continue
        before = {(step["step"], step["object"]): step["state"] for step in earlier["steps"]}
        for step in reports[name]["steps"]:
            key = (name, step["step"], step["object"])
            was_open = before.get(key[1:]) in OPEN
            if step["state"] in OPEN:
                (since.still_open if was_open else since.new).append(key)
            elif was_open and step["state"] == "as_wanted":
                since.fixed.append(key)
    return since
