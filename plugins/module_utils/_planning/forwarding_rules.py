# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Does a transport rule keep mail from arriving? On its way into the mailbox, or on the way out that it is forwarded.

A rule that nothing is known to be wrong with is met by all mail or by none. Between those are the rules that sort out
single messages, which do not stop forwarding in general, and those of which it cannot be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Tuple

from .._exchange import Mailbox
from .._exchange_policies import Condition, MailFlow, TransportRule
from .forwarding_findings import (
    ALLOWED,
    BLOCKED,
    TRANSPORT_RULE,
    UNKNOWN,
    Finding,
    MemberOf,
    any_of,
    is_among,
    is_in_domain,
)

# Conditions that sort out single messages, by their text, their attachments or who wrote them. Forwarding in general
# does not fail by them.
OF_A_MESSAGE = (
    "Attachment",
    "Subject",
    "Header",
    "Message",
    "AnyOfTo",
    "AnyOfCc",
    "Has",
    "ContentCharacterSet",
    "SCL",
    "With",
)
OF_ITS_AUTHOR = ("FromAddressContainsWords", "FromAddressMatchesPatterns", "SenderIpRanges", "SenderADAttribute")


@dataclass(frozen=True)
class Leg:
    """A part of the way: what somebody outside sends to the mailbox, or what the mailbox forwards to the target."""

    inward: bool
    mailbox: Mailbox
    recipient: Optional[str]
    names: FrozenSet[str]
    """What the recipient can be called by, in lower case."""
    mailbox_in: MemberOf
    recipient_in: MemberOf

    @property
    def told(self) -> str:
        return "mail to the mailbox" if self.inward else "mail to the target"


def legs_of(mailbox: Mailbox, target: Optional[str], flow: MailFlow) -> List[Leg]:
    def mailbox_in(group: str) -> Optional[bool]:
        return flow.is_member(group, mailbox.guid)

    def target_in(group: str) -> Optional[bool]:
        return flow.is_member(group, target or "")

    outward = frozenset([target.lower()]) if target else frozenset()
    return [
        Leg(True, mailbox, mailbox.address, mailbox.names, mailbox_in, mailbox_in),
        Leg(False, mailbox, target, outward, mailbox_in, target_in),
    ]


def groups_of_rules(flow: MailFlow) -> Tuple[List[str], bool]:
    """The groups that rules of mail flow name, and whether any of them is about recipients."""
    conditions = [
        condition
        for rule in flow.transport_rules or []
        if rule.active
        for condition in (*rule.conditions, *rule.exceptions)
        if condition.kind in ("FromMemberOf", "SentToMemberOf")
    ]
    names = [name for condition in conditions for name in condition.values]
    names += [name for rule in flow.rules or [] if rule.enabled for name in (*rule.groups, *rule.except_groups)]
    return sorted(set(names)), any(condition.kind == "SentToMemberOf" for condition in conditions)


def by_transport_rules(mailbox: Mailbox, target: Optional[str], flow: MailFlow) -> List[Finding]:
    if flow.transport_rules is None:
        return [Finding(TRANSPORT_RULE, UNKNOWN, "the transport rules could not be read")]
    findings = [found for leg in legs_of(mailbox, target, flow) for found in _on(leg, flow.transport_rules)]
    return list(dict.fromkeys(findings)) or [Finding(TRANSPORT_RULE, ALLOWED, "no transport rule stops it")]


def _on(leg: Leg, rules: List[TransportRule]) -> List[Finding]:
    """A rule that ends the processing of others hides those behind it, if it is met itself."""
    findings: List[Finding] = []
    hidden = False
    for rule in sorted(rules, key=lambda rule: rule.priority):
        meeting = _meeting(rule, leg) if rule.active else _Meeting(False)
        if meeting.met is False:
            continue
        if rule.verbs:
            findings.append(_told(rule, meeting, leg, hidden))
        if rule.stops_others and meeting.met and not meeting.single:
            break
        hidden = hidden or (rule.stops_others and not meeting.single)
    return findings


@dataclass(frozen=True)
class _Meeting:
    """Whether a rule is met by the mail of a leg: None where it cannot be told; ``single``: by some messages."""

    met: Optional[bool]
    single: bool = False


def _told(rule: TransportRule, meeting: _Meeting, leg: Leg, hidden: bool) -> Finding:
    name = "the transport rule {0!r} (priority {1})".format(rule.name, rule.priority)
    does = " and ".join(rule.verbs)
    kinds = [condition.kind for condition in (*rule.conditions, *rule.exceptions)]
    if meeting.single:
        of_messages = ", ".join(filter(_is_of_single_messages, kinds)) or "their author"
        return Finding(TRANSPORT_RULE, ALLOWED, "{0} {1} single messages, by {2}".format(name, does, of_messages))
    if meeting.met and not hidden:
        return Finding(TRANSPORT_RULE, BLOCKED, "{0} {1} {2}".format(name, does, leg.told))
    why = "an earlier rule may end the processing" if meeting.met else "it looks at " + ", ".join(kinds)
    return Finding(TRANSPORT_RULE, UNKNOWN, "{0} {1} mail, maybe also {2}: {3}".format(name, does, leg.told, why))


def _meeting(rule: TransportRule, leg: Leg) -> _Meeting:
    conditions = [(condition, _is_met(condition, leg)) for condition in rule.conditions]
    exceptions = [_is_met(exception, leg) for exception in rule.exceptions]
    if any(met is False for _condition, met in conditions) or True in exceptions:
        return _Meeting(False)
    if any(met is None and _is_single(condition, leg) for condition, met in conditions):
        return _Meeting(None, single=True)
    undecided = any(met is None for _condition, met in conditions)
    # An exception for single messages leaves the rest of the mail to the rule.
    spared = any(met is None and not _is_single(exception, leg) for exception, met in zip(rule.exceptions, exceptions))
    return _Meeting(None if undecided or spared else True)


def _is_met(condition: Condition, leg: Leg) -> Optional[bool]:
    """Of mail that somebody outside wrote."""
    values = [value.lower() for value in condition.values]
    if condition.kind == "SentToScope":
        return {"notinorganization": not leg.inward, "inorganization": leg.inward}.get(values[0] if values else "")
    if condition.kind == "FromScope":
        # The author is outside. Whether a forwarding mailbox can count as the sender is not documented.
        return True if values == ["notinorganization"] else False if leg.inward else None
    if condition.kind == "MessageTypeMatches":
        # In Exchange Online this type means forwards by inbox rules, not those of a mailbox's own setting
        # (New-TransportRule, parameter MessageTypeMatches). Other types are of single messages.
        return False if values == ["autoforward"] else None
    if condition.kind == "RecipientDomainIs" and leg.recipient:
        return is_in_domain(values, leg.recipient)
    if condition.kind == "SentTo" and leg.recipient:
        return any(value in leg.names for value in values)
    if condition.kind == "SentToMemberOf":
        return any_of([leg.recipient_in(value) for value in values])
    return None


def _is_single(condition: Condition, leg: Leg) -> bool:
    """Whether it is met by some mail only, because it looks at the message or at an author who is not the mailbox."""
    if condition.kind == "From":
        return leg.inward or not is_among(condition.values, leg.mailbox)
    if condition.kind == "SenderDomainIs":
        return leg.inward or is_in_domain(condition.values, leg.mailbox.address) is False
    if condition.kind == "FromMemberOf":
        return leg.inward or any_of([leg.mailbox_in(value) for value in condition.values]) is False
    return _is_of_single_messages(condition.kind)


def _is_of_single_messages(kind: str) -> bool:
    return kind.startswith((*OF_A_MESSAGE, *OF_ITS_AUTHOR))
