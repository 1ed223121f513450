# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Forwarding of one mailbox to an external address.

Exchange holds an internal and an external target; while both are set, the internal one wins and the
external one is ignored (Set-Mailbox, parameter ForwardingAddress).
"""

from __future__ import annotations

from typing import Any, Dict, List

from .._errors import Conflict, InvalidInput
from .._exchange import Mailbox
from .checks import checked_address
from .plan import Plan


def check(options: Dict[str, Any]) -> None:
    """Brings the address into plain form; a missing or unusable one is refused."""
    if options["forwarding_address"]:
        options["forwarding_address"] = checked_address(options["forwarding_address"], "forwarding_address")
    elif options["state"] == "present":
        raise InvalidInput("forwarding_address is empty.", "Copy the asset's Forwarding Address from Webex Connect.")


def plan_forwarding(mailbox: Mailbox, wanted: Dict[str, Any]) -> Plan:
    return (_plan_present if wanted["state"] == "present" else _plan_absent)(mailbox, wanted)


def _plan_present(mailbox: Mailbox, wanted: Dict[str, Any]) -> Plan:
    target = wanted["forwarding_address"]
    warnings: List[str] = []
    if target.lower() in mailbox.names:
        raise InvalidInput("forwarding_address is {0}, an address of the mailbox itself.".format(target))
    if mailbox.internal_forward and not wanted["replace_internal"]:
        raise Conflict(
            "Mailbox {0} forwards to the internal recipient {1!r}, which would win over {2}.".format(
                mailbox.address, mailbox.internal_forward, target
            ),
            "Set replace_internal to true to end that forward, or settle with its owner first. Nothing was changed.",
        )
    same_target = (mailbox.external_forward or "").lower() == target.lower()
    if mailbox.external_forward and not same_target:
        warnings.append(
            "{0} forwarded to {1} until now; this is replaced by {2}.".format(
                mailbox.address, mailbox.external_forward, target
            )
        )
    is_new = not mailbox.external_forward and not mailbox.internal_forward
    keep_copy = wanted["keep_copy"]
    if keep_copy is None:
        keep_copy = False if is_new else mailbox.keep_copy
    address = mailbox.external_forward if same_target else target
    changes: Dict[str, Any] = {}
    if not same_target or mailbox.internal_forward:
        # All three together: a forward that is half old and half new would lose or double mail.
        changes = {"external_forward": address, "internal_forward": None, "keep_copy": keep_copy}
    elif keep_copy != mailbox.keep_copy:
        changes = {"keep_copy": keep_copy}
    after = {
        "forwarding_address": address,
        "internal_forward": None,
        "keep_copy": keep_copy,
    }
    return _plan(mailbox, after, changes, warnings)


def _plan_absent(mailbox: Mailbox, wanted: Dict[str, Any]) -> Plan:
    target = wanted["forwarding_address"]
    changes: Dict[str, Any] = {}
    warnings: List[str] = []
    after = _state(mailbox)
    if mailbox.external_forward and (not target or target.lower() == mailbox.external_forward.lower()):
        changes["external_forward"] = None
        after["forwarding_address"] = None
    elif mailbox.external_forward:
        warnings.append(
            "{0} forwards to {1}, not to {2}; this is left as it is.".format(
                mailbox.address, mailbox.external_forward, target
            )
        )
    if mailbox.internal_forward and wanted["replace_internal"]:
        changes["internal_forward"] = None
        after["internal_forward"] = None
    elif mailbox.internal_forward:
        warnings.append(
            "{0} still forwards to the internal recipient {1!r}, which this task does not manage.".format(
                mailbox.address, mailbox.internal_forward
            )
        )
    # The copy flag belongs to whatever forward remains, and means nothing without one.
    if changes and not after["forwarding_address"] and not after["internal_forward"]:
        changes["keep_copy"] = False
        after["keep_copy"] = False
    return _plan(mailbox, after, changes, warnings)


def _state(mailbox: Mailbox) -> Dict[str, Any]:
    return {
        "forwarding_address": mailbox.external_forward,
        "internal_forward": mailbox.internal_forward,
        "keep_copy": mailbox.keep_copy,
    }


def _plan(mailbox: Mailbox, after: Dict[str, Any], changes: Dict[str, Any], warnings: List[str]) -> Plan:
    shown = {"mailbox": mailbox.address}
    return Plan(
        before={**shown, **_state(mailbox)},
        after={**shown, **after},
        result={
            **shown,
            "mailbox_id": mailbox.guid,
            **after,
            "effective_target": after["internal_forward"] or after["forwarding_address"],
        },
        steps=[("set_forwarding", {"mailbox": mailbox, "changes": changes})] if changes else [],
        warnings=warnings,
    )
