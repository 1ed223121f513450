# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One step of the guide for one object, as the report shows it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional

from .._errors import TenantError
from .._rows import format_time
from .audit_seen import PARTS, is_silence
from .plan import Plan

AS_WANTED, DRIFT, BLOCKED, EXPIRING = "as_wanted", "drift", "blocked", "expiring"
UNREADABLE, WAIVED, NOT_APPLICABLE = "unreadable", "waived", "not_applicable"
# (tag of the role, what it calls); {0} is the object.
FIXES = {
    "application": ("app", "Graph: POST /applications and /servicePrincipals, or PATCH /applications/ID"),
    "redirect_uri": ("app", "Graph: PATCH /applications/ID, web.redirectUris with {0}"),
    "implicit_grant": ("app", "Graph: PATCH /applications/ID, web.implicitGrantSettings"),
    "secret": ("secret", "Graph: POST /applications/ID/addPassword; then enter the new secret in Webex Connect"),
    "permissions": ("permission", "Graph: PATCH /applications/ID, requiredResourceAccess for {0}"),
    "consent": ("consent", "Graph: POST /servicePrincipals/ID/appRoleAssignedTo and /oauth2PermissionGrants"),
    "user_consent": (
        "policy",
        "Graph: PATCH /policies/authorizationPolicy, permissionGrantPoliciesAssigned (only the entries of users)",
    ),
    "smtp_auth": ("smtp_auth", "Set-CASMailbox -Identity {0} -SmtpClientAuthenticationDisabled $false"),
    "forwarding": (
        "forwarding",
        "Set-Mailbox -Identity {0} -ForwardingSmtpAddress ADDRESS -ForwardingAddress $null -DeliverToMailboxAndForward",
    ),
    "external_forwarding": (
        "policy",
        "New-HostedOutboundSpamFilterPolicy -AutoForwardingMode On, New-HostedOutboundSpamFilterRule -From {0}",
    ),
}


@dataclass(frozen=True)
class Fact:
    name: str
    text: str

    @property
    def shown(self) -> Dict[str, str]:
        return {"name": self.name, "text": self.text}


@dataclass
class Cell:
    step: str
    object: str
    state: str
    asset: Optional[str] = None
    current: Dict[str, Any] = field(default_factory=dict)
    wanted: Dict[str, Any] = field(default_factory=dict)
    until: Optional[datetime] = None
    by_hand: Optional[str] = None
    """What an administrator has to do, where the role does not."""
    because: List[Fact] = field(default_factory=list)
    waived_state: Optional[str] = None
    waiver: Optional[Dict[str, Optional[str]]] = None

    @property
    def shown(self) -> Dict[str, Any]:
        names = sorted({*self.current, *self.wanted})
        return {
            "step": self.step,
            "object": self.object,
            "asset": self.asset,
            "state": self.state,
            "waived_state": self.waived_state,
            "waiver": self.waiver,
            "current": self.current,
            "wanted": self.wanted,
            "differences": [name for name in names if self.current.get(name) != self.wanted.get(name)],
            "until": format_time(self.until) if self.until else None,
            "fix": self._fix(),
            "because": [fact.shown for fact in self.because],
        }

    def _fix(self) -> Optional[Dict[str, Optional[str]]]:
        state = self.waived_state or self.state
        if state not in (DRIFT, BLOCKED, EXPIRING):
            return None
        if self.by_hand is not None:
            return {"tag": None, "command": self.by_hand, "who": "administrator"}
        tag, command = FIXES[self.step]
        return {"tag": tag, "command": command.format(self.object), "who": "role"}


def of_plan(
    step: str,
    name: str,
    plan: Plan,
    keys: Optional[Iterable[str]] = None,
    asset: Optional[str] = None,
    because: Iterable[Fact] = (),
) -> Cell:
    """As wanted where the module would do nothing; ``keys`` are the settings of this step where a plan has several."""
    current = _chosen(plan.before, keys)
    wanted = _chosen(plan.after, keys)
    changed = plan.changed if keys is None else current != wanted
    facts = [*because, *(Fact("warning", text) for text in plan.warnings)]
    return Cell(step, name, DRIFT if changed else AS_WANTED, asset, current, wanted, because=facts)


def _chosen(values: Mapping[str, Any], keys: Optional[Iterable[str]]) -> Dict[str, Any]:
    return {name: values.get(name) for name in (sorted(values) if keys is None else keys)}


def refused(step: str, name: str, refusal: TenantError, asset: Optional[str] = None) -> Cell:
    """Of a module that would fail."""
    by_hand = refusal.advice or "Settle what stands in the way first."
    return Cell(step, name, BLOCKED, asset, by_hand=by_hand, because=[_refusal(refusal)])


def _refusal(refusal: TenantError) -> Fact:
    names = {"Conflict": "conflict", "NotFound": "not_found", "InvalidInput": "not_possible"}
    return Fact(names.get(type(refusal).__name__, "refused"), refusal.message)


def unread(step: str, name: str, part: str, failure: TenantError, asset: Optional[str] = None) -> Cell:
    return Cell(step, name, UNREADABLE, asset, because=[not_read(part, failure)])


def not_read(part: str, failure: TenantError) -> Fact:
    kind = "no_answer" if is_silence(failure) else "not_read"
    return Fact(kind, "{0} could not be read: {1}".format(PARTS[part][0], failure.message))


def of(step: str, name: str, make: Callable[[], Plan], asset: Optional[str] = None) -> Cell:
    try:
        return of_plan(step, name, make(), asset=asset)
    except TenantError as refusal:
        return refused(step, name, refusal, asset)
