# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What is found out about forwarding, and the logic of yes, no and not known (None) that it is found out with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Iterable, Optional

from .._exchange import Mailbox

ALLOWED, BLOCKED, UNKNOWN = "allowed", "blocked", "unknown"
OUTBOUND_POLICY, REMOTE_DOMAIN, TRANSPORT_RULE = "outbound_policy", "remote_domain", "transport_rule"
EFFECTS = {ALLOWED: "allows", BLOCKED: "blocks", UNKNOWN: "unclear"}

MemberOf = Callable[[str], Optional[bool]]
"""Whether somebody is in the group of this name; None where that was not read."""


@dataclass(frozen=True)
class Finding:
    source: str
    """Which of the three things it is about."""
    effect: str
    fact: str

    @property
    def name(self) -> str:
        """A name for the fact that stays the same whatever the text says."""
        return "{0}_{1}".format(self.source, EFFECTS[self.effect])


def any_of(values: Iterable[Optional[bool]]) -> Optional[bool]:
    known = list(values)
    return True if True in known else None if None in known else False


def all_of(values: Iterable[Optional[bool]]) -> Optional[bool]:
    return negated(any_of([negated(value) for value in values]))


def negated(value: Optional[bool]) -> Optional[bool]:
    return None if value is None else not value


def is_among(names: Iterable[str], mailbox: Mailbox) -> bool:
    return any(name.lower() in mailbox.names for name in names)


def is_in_domain(domains: Iterable[str], address: str) -> Optional[bool]:
    """None for a subdomain: whether those are meant is told in more than one way."""
    own = address.rsplit("@", 1)[-1].lower()
    return any_of([True if own == d.lower() else None if own.endswith("." + d.lower()) else False for d in domains])
