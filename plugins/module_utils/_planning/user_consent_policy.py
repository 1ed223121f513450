# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Whether users may consent to applications for themselves.

One list holds the consent policies of users (entries that begin with ManagePermissionGrantsForSelf) and those of
owners of teams and chats. Only the former are ours to replace. Entries are compared without regard to letter case,
which differs between the service's answers and its documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from .._graph_objects import EXCHANGE_ONLINE, MICROSOFT_GRAPH
from .._graph_policies import ConsentPolicies
from .permissions import resource_name
from .plan import Plan
from .rights import READ_POLICIES

PREFIX = "ManagePermissionGrantsForSelf."
RECOMMENDED = "microsoft-user-default-recommended"
POLICIES: Dict[str, Tuple[str, ...]] = {
    "disabled": (),
    "verified_publishers": ("microsoft-user-default-low",),
    "all": ("microsoft-user-default-legacy",),
    "microsoft_managed": (RECOMMENDED,),
}
# Microsoft adds this one to its own setting where popular mail clients are let in; it is a part of that setting.
BESIDE_RECOMMENDED = "microsoft-user-default-allow-consent-apps"
CUSTOM = "custom"
CLASSIFIED = (MICROSOFT_GRAPH, EXCHANGE_ONLINE)
"""The APIs whose permissions a mail application asks for."""


@dataclass(frozen=True)
class Current:
    policies: ConsentPolicies
    low_impact: Optional[Dict[str, List[str]]] = None
    """By app id; None where it was not asked for, or may not be read."""


def is_own(entry: str) -> bool:
    return entry.lower().startswith(PREFIX.lower())


def word_of(entries: List[str]) -> str:
    """The setting in our words, ``custom`` for any other combination."""
    ids = {_id_of(entry) for entry in entries if is_own(entry)}
    if RECOMMENDED in ids:
        ids.discard(BESIDE_RECOMMENDED)
    return next((word for word, policies in POLICIES.items() if ids == set(policies)), CUSTOM)


def _id_of(entry: str) -> str:
    return entry[len(PREFIX) :].lower()


def needs_classifications(policies: ConsentPolicies, wanted: Dict[str, Any]) -> bool:
    """Whether what users may consent to depends on how permissions are classified."""
    if policies.entries is None:
        return False
    return (wanted["user_consent"] or word_of(policies.entries)) == "verified_publishers"


def plan_user_consent(current: Current, wanted: Dict[str, Any]) -> Plan:
    wish = wanted["user_consent"]
    if current.policies.entries is None:
        if wish and current.policies.refusal:
            raise current.policies.refusal
        return _unread()
    own = [entry for entry in current.policies.entries if is_own(entry)]
    kept = [entry for entry in current.policies.entries if not is_own(entry)]
    before = word_of(own)
    after = wish or before
    target = own if after == before else _entries(after, own)
    judged = needs_classifications(current.policies, wanted)
    return Plan(
        before={"user_consent": before, "policies": sorted(own)},
        after={"user_consent": after, "policies": sorted(target)},
        result={
            "user_consent": after,
            "policies": target,
            "kept": kept,
            "low_impact_permissions": _by_name(current.low_impact) if judged else None,
            "unread": ["which permissions are classified as low impact"]
            if judged and current.low_impact is None
            else [],
        },
        steps=[("set_consent_policies", {"entries": target + kept})] if target is not own else [],
        warnings=_warnings(before, own, after, current.low_impact if judged else None),
    )


def _unread() -> Plan:
    what = "who may consent to applications (needs the Microsoft Graph permission {0})".format(READ_POLICIES)
    nothing = {"user_consent": None, "policies": None}
    return Plan(
        before=dict(nothing),
        after=dict(nothing),
        result={**nothing, "kept": None, "low_impact_permissions": None, "unread": [what]},
        warnings=["The admin identity may not read {0}.".format(what)],
    )


def _entries(word: str, own: List[str]) -> List[str]:
    prefix = own[0][: len(PREFIX)] if own else PREFIX
    entries = [prefix + policy for policy in POLICIES[word]]
    ids = {_id_of(entry) for entry in own}
    if word == "microsoft_managed" and RECOMMENDED in ids:
        entries += [entry for entry in own if _id_of(entry) == BESIDE_RECOMMENDED]
    return entries


def _by_name(low_impact: Optional[Dict[str, List[str]]]) -> Optional[Dict[str, List[str]]]:
    if low_impact is None:
        return None
    return {resource_name(app_id): sorted(names) for app_id, names in low_impact.items()}


def _warnings(before: str, own: List[str], after: str, low_impact: Optional[Dict[str, List[str]]]) -> List[str]:
    warnings = []
    if before == CUSTOM and after != CUSTOM:
        warnings.append("Users could consent by {0} until now; this is replaced by {1}.".format(", ".join(own), after))
    if low_impact is not None and not any(low_impact.values()):
        warnings.append(
            "verified_publishers lets users consent to permissions that are classified as low impact, and no permission"
            " of {0} is classified so: users can consent to nothing there.".format(
                " or ".join(resource_name(app_id) for app_id in low_impact)
            )
        )
    return warnings
