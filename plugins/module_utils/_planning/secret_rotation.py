# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Where a secret stands in its rotation: add, prove, hand over, retire.

Nothing is remembered between runs. The tenant's secrets, the store's record and a sign-in tell the step, so that
a rotation that was stopped anywhere goes on from there, and somebody who only looks can tell it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Mapping, Optional, Sequence

from .._graph_objects import Secret
from .._rows import format_time

ADD, PROVE, HAND_OVER, RETIRE = "add", "prove", "hand_over", "retire"

# Of a proof: the sign-in gave a token; it refused; it said something that is not about the secret; the text cannot
# be read; there is no secret yet; nobody asked.
PROVED, REFUSED, UNDECIDED = "proved", "refused", "undecided"
NOT_READABLE, PENDING, NOT_ASKED = "not_readable", "pending", "not_asked"


@dataclass(frozen=True)
class Proof:
    """What the tenant's sign-in said to the application's id and a secret's own text."""

    outcome: str
    reason: Optional[str] = None
    key_id: Optional[str] = None

    @property
    def shown(self) -> Dict[str, Any]:
        return {
            "proved": {PROVED: True, REFUSED: False}.get(self.outcome),
            "proof": {"outcome": self.outcome, "reason": self.reason},
        }


@dataclass(frozen=True)
class Rotation:
    step: Optional[str]
    """What comes next, None where nothing does."""
    since: Optional[datetime] = None
    """Start of the current secret, while older ones are left beside it."""
    old: List[Secret] = field(default_factory=list)
    retire_after: Optional[datetime] = None

    @property
    def shown(self) -> Dict[str, Any]:
        return {"step": self.step, "old_key_ids": sorted(secret.key_id for secret in self.old), **self.moments}

    @property
    def moments(self) -> Dict[str, Any]:
        moments = {"since": self.since, "retire_after": self.retire_after}
        return {name: format_time(moment) if moment else None for name, moment in moments.items()}


def judge_rotation(
    current: Optional[Secret],
    ours: Sequence[Secret],
    now: datetime,
    grace_days: int,
    confirmed_key_id: Optional[str] = None,
    proof: Optional[Proof] = None,
) -> Rotation:
    """``current`` is the secret that the store's record names, None where a new one is due; ``ours`` have its name."""
    if current is None:
        return Rotation(ADD, old=list(ours))
    old = superseded(current, ours)
    since = current.start if old else None
    retire_after = earliest_retirement(since, grace_days)
    if proof is not None and proof.outcome in (REFUSED, UNDECIDED):
        step: Optional[str] = PROVE
    elif not old:
        step = None
    elif confirmed_key_id == current.key_id or (retire_after is not None and retire_after <= now):
        step = RETIRE
    else:
        step = HAND_OVER
    return Rotation(step, since, old, retire_after)


def is_under_way(shown: Optional[Mapping[str, Any]]) -> bool:
    """Of a rotation as a result shows it: whether a new secret is there, and older ones still are."""
    return bool(shown and shown["old_key_ids"] and shown["step"] != ADD)


def account_of(shown: Mapping[str, Any]) -> str:
    """In a sentence, of one that is under way."""
    todo = {
        PROVE: "the sign-in has yet to accept the new one",
        HAND_OVER: "Webex Connect has to be given the new one",
        RETIRE: "the old can be retired",
    }[shown["step"]]
    grace = ", to be retired after {0}".format(shown["retire_after"]) if shown["retire_after"] else ""
    return "a rotation of the secret is under way{0}: {1}; old: {2}{3}".format(
        " since {0}".format(shown["since"]) if shown["since"] else "", todo, ", ".join(shown["old_key_ids"]), grace
    )


def earliest_retirement(since: Optional[datetime], grace_days: int) -> Optional[datetime]:
    return since + timedelta(days=grace_days) if since else None


def superseded(current: Secret, ours: Sequence[Secret]) -> List[Secret]:
    """What is older than the current one, however long it would last; never the newest."""
    return [secret for secret in ours if secret.key_id != current.key_id and _is_older(secret, current)]


def _is_older(secret: Secret, current: Secret) -> bool:
    if secret.start and current.start and secret.start != current.start:
        return secret.start < current.start
    return ending(secret) <= ending(current)


def ending(secret: Secret) -> datetime:
    return secret.end or datetime.max.replace(tzinfo=timezone.utc)
