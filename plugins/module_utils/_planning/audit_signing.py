# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Who signs in for a mailbox at Generate Token, and whether they may: to the application, and to send as the mailbox.

That is who the asset's login_id names, and the mailbox's own user otherwise. What groups decide is read only with deep;
without it, it is said to be unread and taken for neither a yes nor a no.
"""

from __future__ import annotations

from typing import List, Optional

from .audit_answers import NO, UNKNOWN, YES, Finding
from .audit_cells import Fact
from .audit_seen import Box, Directory
from .audit_wishes import Asset


def signer_id(asset: Asset, box: Box) -> Optional[str]:
    """Object id, None where it is not known who that is."""
    if asset.login_id:
        return box.signer.object_id if box.signer else None
    return (box.object_id or "").lower() or None


def signing_in(asset: Asset, box: Box, seen: Directory) -> List[Finding]:
    if asset.login_id and box.signer and box.signer.is_absent:
        text = "{0}, who is to sign in for the mailbox, is no user of the tenant"
        return [_finding(NO, "login_absent", text.format(asset.login_id))]
    found = _of_the_mailboxes_own_user(asset, box)
    if asset.login_id:
        found.append(_sending_as(asset.login_id, box))
    if seen.assignment_required and seen.principal is not None and seen.assigned:
        found.append(_assigned(asset, box, seen))
    return found


def _finding(answer: str, name: str, text: str) -> Finding:
    return Finding(answer, Fact(name, text))


def _of_the_mailboxes_own_user(asset: Asset, box: Box) -> List[Finding]:
    shared = box.mailbox is not None and box.mailbox.kind == "SharedMailbox"
    if not box.account_disabled or shared or asset.login_id:
        return []
    text = "sign-in is blocked for the user of the mailbox, and no login_id is given"
    return [_finding(NO, "sign_in_blocked", text)]


def _sending_as(login_id: str, box: Box) -> Finding:
    """Exchange Online answers 5.7.60 or 5.2.252 to those who sign in for a mailbox and may not send as it."""
    deep, signer = box.deep, box.signer
    if box.mailbox is not None and login_id.lower() in box.mailbox.names:
        return _finding(YES, "signs_in_itself", "the mailbox's own user signs in")
    if deep is None or deep.send_as is None:
        text = "whether {0}, who signs in, may send as the mailbox was not read"
        return _finding(YES if deep is None else UNKNOWN, "send_as_not_read", text.format(login_id))
    if login_id.lower() in (who.lower() for who in deep.send_as):
        return _finding(YES, "send_as_given", "{0}, who signs in, may send as the mailbox".format(login_id))
    held = {signer.object_id, *(signer.groups or ())} if signer else set()
    through = sorted(who for who, object_id in deep.ids_of_send_as.items() if object_id in held)
    if through:
        text = "{0}, who signs in, may send as the mailbox as {1}"
        return _finding(YES, "send_as_given", text.format(login_id, through[0]))
    all_known = signer is not None and signer.object_id is not None and signer.groups is not None
    if not deep.send_as or (all_known and set(deep.send_as) <= set(deep.ids_of_send_as)):
        text = "{0}, who signs in, may not send as the mailbox (5.7.60); those who may: {1}"
        return _finding(NO, "send_as_missing", text.format(login_id, ", ".join(deep.send_as) or "nobody"))
    text = "{0}, who signs in, is not among those who may send as the mailbox ({1}), not all of whom are known"
    return _finding(UNKNOWN, "send_as_not_found", text.format(login_id, ", ".join(deep.send_as)))


def _assigned(asset: Asset, box: Box, seen: Directory) -> Finding:
    """Members of a group inside an assigned group are not assigned: Entra does not look further."""
    assigned = seen.assigned or []
    names = ", ".join(one.name for one in assigned)
    groups = [one for one in assigned if one.is_group]
    who, object_id = asset.login_id or "the user of the mailbox", signer_id(asset, box)
    shared = asset.login_id is None and box.account_disabled
    if object_id is None or shared:
        text = "only assigned users may sign in to the application ({0}), and whether who signs in is one was not read"
        return _finding(UNKNOWN, "assignment_not_read", text.format(names))
    direct = box.signer.direct_groups if box.signer else None
    if any(one.object_id == object_id or (direct and one.object_id in direct) for one in assigned):
        text = "only assigned users may sign in to the application, and {0} is assigned"
        return _finding(YES, "assignment_required", text.format(who))
    if groups and direct is None:
        text = "only assigned users may sign in to the application, and who is in {0} was not read"
        return _finding(UNKNOWN, "assignment_not_read", text.format(", ".join(one.name for one in groups)))
    text = "only assigned users may sign in to the application ({0}), and {1} is none of them (AADSTS50105)"
    return _finding(NO, "not_assigned", text.format(names, who))
