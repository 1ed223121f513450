# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Which rights the steps of the role need for what is wanted, and which of them the admin identity lacks."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

from .audit_wishes import Wishes
from .least_rights import MODULES, Identity, Need
from .rights import ASSIGN_ROLES, GRANT_DELEGATED, VIEW_RECIPIENTS

STEPS: Dict[str, Tuple[str, ...]] = {
    "app": ("azure_app_registration",),
    "secret": ("app_secret",),
    "permission": ("exchange_app_permission",),
    "consent": ("admin_consent",),
    "smtp_auth": ("mailbox_smtp_auth",),
    "policy": ("user_consent_policy", "external_forwarding_policy"),
    "scope": ("app_mailbox_scope",),
    "forwarding": ("mailbox_forwarding",),
    "handoff": (),
}
UNASKED = ("scope",)  # what the role does only where somebody asks for it
TOLD = ("app", "secret", "consent", "smtp_auth", "forwarding")  # on a hand-off sheet, so they are read for it


def needs_of(step: str, steps: Sequence[str], wishes: Wishes) -> Dict[Need, str]:
    """What a step needs at the most, also where a later run finds that nothing is left to be done; and for which module."""
    if step == "handoff":
        read = [other for other in TOLD if other not in steps]
        return {need.to_look: name for other in read for need, name in needs_of(other, steps, wishes).items()}
    return {need: module for module in STEPS[step] for need in _needs_of_module(module, wishes)}


def _needs_of_module(module: str, wishes: Wishes) -> List[Need]:
    of_mailboxes, policy = ("mailbox_smtp_auth", "mailbox_forwarding", "app_mailbox_scope"), wishes.external_forwarding
    needs = list(MODULES[module])
    if module in of_mailboxes and not wishes.assets:
        return []
    if module == "exchange_app_permission" and not wishes.permissions:
        return []
    if module == "admin_consent":
        return [need if _is_consented_to(need.right, wishes) else need.to_look for need in needs]
    # What may not be read of a policy without a wish is told by its step, and stops nothing.
    if module == "user_consent_policy" and not wishes.user_consent["user_consent"]:
        return [need for need in needs if not need.to_write]
    if module == "external_forwarding_policy" and not wishes.assets:
        return [need for need in needs if need.right != VIEW_RECIPIENTS] if policy["organization"] else []
    if module == "external_forwarding_policy" and policy["state"] == "gathered":
        return [need for need in needs if not need.to_write]
    return needs


def _is_consented_to(right: str, wishes: Wishes) -> bool:
    kinds = {ASSIGN_ROLES: "application_permissions", GRANT_DELEGATED: "delegated_permissions"}
    return right not in kinds or any(options[kinds[right]] for options in wishes.permissions)


def preflight(steps: Sequence[str], wishes: Wishes, identity: Identity) -> Dict[str, List[Any]]:
    """What is ``lacking`` and what is ``unknown``, by step and in the order of the steps; and ``summary``, both in words."""
    found: Dict[str, List[Any]] = {"lacking": [], "unknown": []}
    for step in STEPS:
        for need, module in needs_of(step, steps, wishes).items() if step in steps else ():
            held, why = identity.holds(need)
            if held:
                continue
            looks = need.to_write and identity.holds(need.to_look)[0] is not False
            item = {
                "step": step,
                "module": module,
                "right": need.right,
                "kind": need.kind,
                "for": "change" if looks else "read",
                "grant": need.grant,
            }
            if held is None:
                found["unknown"].append({**item, "because": why})
            else:
                found["lacking"].append(item)
    return {
        **found,
        "summary": [
            *("It lacks {0}; grant {1}.".format(*told) for told in _told(found["lacking"], "grant")),
            *("Whether it has {0} is not known: {1}.".format(*told) for told in _told(found["unknown"], "because")),
        ],
    }


def _told(items: Sequence[Dict[str, Any]], key: str) -> List[Tuple[str, str]]:
    """(rights with the steps that need them, what they have in common)"""
    groups: Dict[str, Dict[str, Dict[str, None]]] = {}
    for item in items:
        groups.setdefault(item[key], {}).setdefault(item["right"], {})[item["step"]] = None
    return [
        (", ".join("{0} ({1})".format(right, ", ".join(steps)) for right, steps in rights.items()), common)
        for common, rights in groups.items()
    ]
