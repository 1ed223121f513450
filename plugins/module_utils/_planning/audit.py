# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What was read of one tenant, and what is wanted -> its report (docs/report.schema.json). Pure, and sorted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, List, Optional, Sequence

from .._errors import TenantError
from .._graph_objects import Application
from .._rows import format_time
from . import audit_waivers
from .audit_answers import NO, Verdict
from .audit_cells import BLOCKED, DRIFT, EXPIRING, FIXES, UNREADABLE, Cell
from .audit_coverage import coverage_of
from .audit_directory import DirectoryJudgement, judge_directory
from .audit_mail import AssetJudgement, judge_asset, judge_organization
from .audit_notes import notes_of
from .audit_obstacles import mark_obstacles
from .audit_seen import Directory, Mail
from .audit_verdicts import arriving, sending, sending_of_application
from .audit_waivers import Waiver
from .audit_wishes import Wishes
from .forwarding_findings import ALLOWED
from .forwarding_findings import BLOCKED as STOPPED
from .forwarding_judgement import governing
from .permissions import listing
from .secret_rotation import ending

SCHEMA_VERSION = "1.0"
ORDER = list(FIXES)  # the steps in the order of the guide


@dataclass(frozen=True)
class Subject:
    """Whom a report is about, and whom it was read as."""

    name: str
    tenant_id: str
    admin_client_id: str
    error: Optional[TenantError] = None
    """Why nothing of the directory could be read."""
    is_silent: bool = False
    """Whether no service of the tenant answered."""


def report_of(
    subject: Subject,
    directory: Directory,
    mail: Mail,
    wishes: Wishes,
    waivers: Sequence[Waiver],
    deep: bool,
    now: datetime,
) -> Dict[str, Any]:
    tenant = mail.organization or subject.name
    judged = judge_directory(directory, wishes, subject.admin_client_id, subject.name, now)
    assets = [judge_asset(asset, mail, wishes) for asset in wishes.assets]
    cells = judged.cells + [cell for asset in assets for cell in asset.cells]
    cells += judge_organization(mail, wishes, subject.name)
    cells.sort(key=lambda cell: ORDER.index(cell.step))  # stable: in the order of the wishes within a step
    common = sending_of_application(judged, directory, wishes, now)
    verdicts = [(sending(a, common, judged, directory, mail), arriving(a, mail)) for a in assets]
    for found, verdict in zip(assets, verdicts):
        mark_obstacles(cells, found.asset.mailbox, verdict)
    mine = audit_waivers.of_tenant(waivers, [subject.name, subject.tenant_id, tenant])
    addresses = {a.asset.mailbox: a.box.mailbox.address for a in assets if a.box.mailbox}
    audit_waivers.waive(cells, mine, addresses, now)
    notes = [
        note.shown(audit_waivers.is_note_waived(note.name, mine, now))
        for note in notes_of(judged, directory, assets, mail, wishes)
    ]
    coverage = coverage_of(directory, mail, deep)
    complete = not any(entry["gap"] for entry in coverage)
    ends = [sends.until for sends, _arrives in verdicts if sends.until]
    report = {
        "schema_version": SCHEMA_VERSION,
        "tenant": {"id": subject.tenant_id, "name": subject.name, "organization": mail.organization},
        "state": _state(cells, complete, subject.is_silent),
        "complete": complete,
        "error": _error(subject.error),
        "mail": {
            "down": any(NO in (sends.answer, arrives.answer) for sends, arrives in verdicts),
            "stops": format_time(min(ends)) if ends else None,
        },
        "application": _application(judged.application, directory),
        "secrets": _secrets(judged, wishes),
        "rotation": judged.secret.result["rotation"] if judged.secret and judged.application else None,
        "permissions": _permissions(judged, directory),
        "user_consent": judged.user_consent,
        "assets": [_asset(a, sends, arrives, deep, mail) for a, (sends, arrives) in zip(assets, verdicts)],
        "steps": [cell.shown for cell in cells],
        "security_notes": notes,
        "coverage": coverage,
        "waivers": audit_waivers.shown(mine, now),
    }
    sorted_report: Dict[str, Any] = _sorted(report)
    return sorted_report


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _state(cells: List[Cell], complete: bool, is_silent: bool) -> str:
    if is_silent:
        return "unreachable"
    states = {cell.state for cell in cells}
    for state in (BLOCKED, DRIFT):
        if state in states:
            return state
    if UNREADABLE in states or not complete:
        return UNREADABLE
    return EXPIRING if EXPIRING in states else "ok"


def _error(failure: Optional[TenantError]) -> Optional[Dict[str, str]]:
    return {"kind": type(failure).__name__, "message": str(failure)} if failure is not None else None


def _moment(moment: Optional[datetime]) -> Optional[str]:
    return format_time(moment) if moment else None


def _application(application: Optional[Application], seen: Directory) -> Optional[Dict[str, Any]]:
    if application is None:
        return None
    return {
        "app_id": application.app_id,
        "object_id": application.object_id,
        "display_name": application.display_name,
        "unique_name": application.unique_name,
        "sign_in_audience": application.sign_in_audience,
        "created": _moment(application.created),
        "redirect_uris": {
            "web": sorted(application.redirect_uris),
            "spa": sorted(application.spa_redirect_uris),
            "public": sorted(application.public_redirect_uris),
        },
        "implicit_grant": {
            "access_tokens": application.issue_access_tokens,
            "id_tokens": application.issue_id_tokens,
        },
        "disabled": seen.disabled,
        "certificates": application.certificates,
        "service_principal_id": seen.principal.object_id if seen.principal else None,
        "enabled": seen.enabled,
        "assignment_required": seen.assignment_required,
        "assigned": None if seen.assigned is None else sorted(one.name for one in seen.assigned),
    }


def _secrets(judged: DirectoryJudgement, wishes: Wishes) -> List[Dict[str, Any]]:
    secrets = judged.application.secrets if judged.application else []
    return [
        {
            "key_id": secret.key_id,
            "display_name": secret.display_name,
            "start": _moment(secret.start),
            "end": _moment(secret.end),
            "ours": secret.display_name == wishes.secret["display_name"],
            "current": secret is judged.current_secret,
        }
        for secret in sorted(secrets, key=lambda s: (ending(s), s.key_id))
    ]


def _permissions(judged: DirectoryJudgement, seen: Directory) -> Dict[str, Any]:
    if judged.application is None:
        return {"asked": None, "granted": None, "granted_to_users": None}
    asked = {
        app_id: {
            kind: {resource.value_of(i, kind) if resource else i for i in ids.get(word, ())}
            for kind, word in (("application", "Role"), ("delegated", "Scope"))
        }
        for app_id, ids in judged.application.requested.items()
        for resource in [seen.resources.get(app_id)]
    }
    consent = judged.consent
    users = consent.result["granted_to_single_users"] if consent else None
    return {
        "asked": listing(asked, seen.resources),
        "granted": consent.before["permissions"] if consent else None,
        "granted_to_users": None if users is None else sorted(users, key=lambda u: (u["resource"], u["principal_id"])),
    }


def _asset(found: AssetJudgement, sends: Verdict, arrives: Verdict, deep: bool, mail: Mail) -> Dict[str, Any]:
    box, mailbox = found.box, found.box.mailbox
    told = found.smtp_auth or {}
    return {
        "mailbox": found.asset.mailbox,
        "found": True if mailbox else _is_missing(box),
        "address": mailbox.address if mailbox else None,
        "mailbox_id": mailbox.guid if mailbox else None,
        "type": mailbox.kind if mailbox else None,
        "account_disabled": box.account_disabled,
        "licensed": box.licensed,
        "smtp_auth": {
            "configured": told.get("configured"),
            "organization": told.get("organization"),
            "effective": told.get("effective"),
            "because": told.get("because", []),
            "authentication_policy": told.get("authentication_policy"),
        },
        "forwarding": _forwarding(found, mail),
        "deep": _deep(box) if deep else None,
        "verdict": {
            "can_send": {
                "answer": sends.answer,
                "until": _moment(sends.until),
                "because": sends.because,
            },
            "arrives": {"answer": arrives.answer, "because": arrives.because},
        },
    }


def _is_missing(box: Any) -> Optional[bool]:
    return False if type(box.failure).__name__ in ("NotFound", "Conflict") else None


def _forwarding(found: AssetJudgement, mail: Mail) -> Dict[str, Any]:
    mailbox, allowed = found.box.mailbox, found.allowed
    policy = None
    if mailbox and mail.flow.policies is not None and mail.flow.rules is not None:
        first = governing(mailbox, mail.flow)[0]
        policy = first.policy.name if first.policy else None
    return {
        "configured": mailbox.external_forward if mailbox else None,
        "internal": mailbox.internal_forward if mailbox else None,
        "effective_target": (mailbox.internal_forward or mailbox.external_forward) if mailbox else None,
        "keep_copy": mailbox.keep_copy if mailbox else None,
        "wanted": found.asset.target,
        "allowed": {ALLOWED: "yes", STOPPED: "no"}.get(allowed.effective, "unknown") if allowed else "unknown",
        "policy": policy,
        "because": [fact.shown for fact in found.step("external_forwarding").because],
    }


def _deep(box: Any) -> Optional[Dict[str, Any]]:
    if box.deep is None:
        return {"inbox_rules": None, "send_as": None, "full_access": None}
    rules = box.deep.inbox_rules
    return {
        "inbox_rules": None if rules is None else [{"name": rule.name, "does": rule.does} for rule in rules],
        "send_as": box.deep.send_as,
        "full_access": box.deep.full_access,
    }
