# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Replication and lost answers in Microsoft's directory: what is waited for, and what is looked for again.

After a creation, for seconds to minutes, other replicas answer 404, 400 or 403 although everything is right;
Terraform's azuread provider and the Azure CLI wait on the same texts.
"""

from __future__ import annotations

from typing import Callable, List, Optional, TypeVar

from ._errors import AnswerLost, NotFound, PermissionMissing, Refused, TenantError, UnexpectedReply
from ._service import Patience

Made = TypeVar("Made")
GRACE = 4.0  # seconds in which a named application may still be on its way to a replica
LOOKING_BACK = 20.0  # seconds in which an object made by a lost call can come to light
YOUTH = 600.0  # seconds after its creation in which an object may be denied without a lack of rights
LAG_TEXTS = (
    "does not reference a valid application object",
    "must in the local tenant",
    "must be in the local tenant",
    "not a valid reference update",
    "queried reference-property objects are not present",
    "permission being assigned was not found",
)


def lagging(patience: Patience, act: Callable[[], Made], what: str, young: bool = False) -> Made:
    """Repeats a call that was refused only because something new has not reached every replica.

    For a ``young`` object a bare 403 is taken for lag too, while the token does hold the right.
    """
    last: List[TenantError] = []

    def attempt() -> Optional[Made]:
        try:
            return act()
        except (Refused, NotFound, PermissionMissing) as refusal:
            denied_young = young and isinstance(refusal, PermissionMissing) and bool(refusal.facts.get("held"))
            if not is_lag(refusal) and not denied_young:
                raise
            last[:] = [refusal]
            return None

    made = patience.until(attempt, what)
    if made is None:
        raise last[0]
    return made


def once(patience: Patience, create: Callable[[], Made], lost_one: Callable[[], Optional[Made]], what: str) -> Made:
    """Creates; after a lost answer looks for what may have been made before it tries again."""
    for attempt in range(3):
        try:
            return create()
        except AnswerLost:
            found = patience.until(lost_one, "{0}, whose answer was lost".format(what), LOOKING_BACK)
            if found is not None:
                return found
            if attempt == 2:
                raise
    raise UnexpectedReply("Could not create {0}.".format(what))


def is_duplicate(refusal: Refused) -> bool:
    """A duplicate is told by code or, for role assignments, by text alone."""
    return (
        refusal.facts.get("code") == "Request_MultipleObjectsWithSameKeyValue"
        or "already exists" in str(refusal.facts.get("text", "")).lower()
    )


def is_lag(refusal: TenantError) -> bool:
    text = str(refusal.facts.get("text", "")).lower()
    if refusal.facts.get("code") in ("NoBackingApplicationObject", "Error_MsaAppDoesNotExist"):
        return True
    return isinstance(refusal, NotFound) or any(part in text for part in LAG_TEXTS)
