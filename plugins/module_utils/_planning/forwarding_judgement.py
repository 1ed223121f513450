# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""May mail of a mailbox be forwarded to an address outside, and why?

Three things decide, and any of them can block by itself: the outbound spam policy that applies to the mailbox, the
remote domain that the target falls under, and transport rules. What cannot be decided from what was read, such as
who is in a group, is said to be so and never taken for a yes. See Microsoft's "Control automatic external email
forwarding in Microsoft 365".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, List, Optional, Tuple

from .._exchange import Mailbox
from .._exchange_policies import Condition, MailFlow, OutboundPolicy, OutboundRule, RemoteDomain, TransportRule

ALLOWED, BLOCKED, UNKNOWN = "allowed", "blocked", "unknown"
MODES = {
    "On": (ALLOWED, "allows automatic forwarding (On)"),
    "Off": (BLOCKED, "forbids automatic forwarding (Off)"),
    # Microsoft's pages disagree on what it still means in old tenants; none of them promises that mail passes.
    "Automatic": (BLOCKED, "leaves automatic forwarding to Microsoft (Automatic), which blocks it"),
}
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
class Finding:
    effect: str
    fact: str


@dataclass(frozen=True)
class Judgement:
    findings: Tuple[Finding, ...]

    @property
    def effective(self) -> str:
        effects = {finding.effect for finding in self.findings}
        return next((effect for effect in (BLOCKED, UNKNOWN) if effect in effects), ALLOWED)

    @property
    def because(self) -> List[str]:
        return [finding.fact for finding in self.findings]

    @property
    def decisive(self) -> List[str]:
        """The facts that make it what it is."""
        return [finding.fact for finding in self.findings if finding.effect == self.effective]


@dataclass(frozen=True)
class Governing:
    """A policy that applies to a mailbox, or may do so. Without a rule it is the default policy."""

    policy: Optional[OutboundPolicy]
    rule: Optional[OutboundRule] = None
    certain: bool = True


def judge_forwarding(mailbox: Mailbox, target: Optional[str], flow: MailFlow) -> Judgement:
    """``target`` None: any address outside."""
    return Judgement(
        (
            *_by_policy(mailbox, flow),
            *_by_remote_domain(target, flow.remote_domains),
            *_by_transport_rules(mailbox, target, flow.transport_rules),
        )
    )


# The outbound spam policy


def governing(mailbox: Mailbox, flow: MailFlow) -> List[Governing]:
    """The policies that may apply, the first rule by priority first. Only the last is certain, and ends the list."""
    policies = {policy.name.lower(): policy for policy in flow.policies or []}
    found: List[Governing] = []
    for rule in sorted(flow.rules or [], key=lambda rule: rule.priority):
        applies = applies_to(rule, mailbox) if rule.enabled else False
        if applies is not False:
            found.append(Governing(policies.get(rule.policy.lower()), rule, applies is True))
        if applies:
            return found
    default = next((policy for policy in policies.values() if policy.is_default), None)
    return [*found, Governing(default)]


def applies_to(rule: OutboundRule, mailbox: Mailbox) -> Optional[bool]:
    """Whether a rule is met by a mailbox; None where that depends on what is not read."""
    given: List[Optional[bool]] = []
    if rule.senders:
        given.append(_is_among(rule.senders, mailbox))
    if rule.domains:
        given.append(_is_in_domain(rule.domains, mailbox.address))
    if rule.groups or not given:
        given.append(None)  # who is in a group is not read; and a rule that seems to have no condition has another one
    exceptions = [_is_among(rule.except_senders, mailbox), _is_in_domain(rule.except_domains, mailbox.address)]
    if rule.except_groups:
        exceptions.append(None)
    return _all([*given, _not(_any(exceptions))])


def _is_among(names: Iterable[str], mailbox: Mailbox) -> bool:
    return any(name.lower() in mailbox.names for name in names)


def _is_in_domain(domains: Iterable[str], address: str) -> Optional[bool]:
    """None for a subdomain: whether those are meant is told in more than one way."""
    own = address.rsplit("@", 1)[-1].lower()
    return _any([True if own == d.lower() else None if own.endswith("." + d.lower()) else False for d in domains])


def _any(values: Iterable[Optional[bool]]) -> Optional[bool]:
    known = list(values)
    return True if True in known else None if None in known else False


def _all(values: Iterable[Optional[bool]]) -> Optional[bool]:
    return _not(_any([_not(value) for value in values]))


def _not(value: Optional[bool]) -> Optional[bool]:
    return None if value is None else not value


def _by_policy(mailbox: Mailbox, flow: MailFlow) -> List[Finding]:
    if flow.policies is None or flow.rules is None:
        return [Finding(UNKNOWN, "the outbound spam policies or their rules could not be read")]
    candidates = governing(mailbox, flow)
    effects = {_effect_of(candidate.policy)[0] for candidate in candidates}
    # Several that may apply are no matter as long as they say the same.
    effect = effects.pop() if len(effects) == 1 else UNKNOWN
    return [Finding(effect, _told(candidate)) for candidate in candidates]


def _effect_of(policy: Optional[OutboundPolicy]) -> Tuple[str, str]:
    if policy is None:
        return UNKNOWN, "is not among the policies that were read"
    return MODES.get(policy.mode, (UNKNOWN, "has automatic forwarding on {0}, which is not known".format(policy.mode)))


def _told(candidate: Governing) -> str:
    policy, rule = candidate.policy, candidate.rule
    does = _effect_of(policy)[1]
    if rule is None:
        name = policy.name if policy else "Default"
        return "the outbound spam policy {0!r} applies to whatever no rule is met by, and {1}".format(name, does)
    name = policy.name if policy else rule.policy
    by = "by the rule {0!r} (priority {1})".format(rule.name, rule.priority)
    if candidate.certain:
        return "the outbound spam policy {0!r} applies {1}, and {2}".format(name, by, does)
    return "the outbound spam policy {0!r}, which {1}, may apply {2}: {3}".format(name, does, by, _why_uncertain(rule))


def _why_uncertain(rule: OutboundRule) -> str:
    if rule.groups or rule.except_groups:
        return "this depends on who is a member of {0}, which is not read".format(
            ", ".join([*rule.groups, *rule.except_groups])
        )
    return "whether its conditions are met cannot be told"


# The remote domain


def _by_remote_domain(target: Optional[str], domains: Optional[List[RemoteDomain]]) -> List[Finding]:
    if domains is None:
        return [Finding(UNKNOWN, "the remote domains could not be read")]
    if target is None:
        closed = [domain for domain in domains if not domain.lets_through]
        if not closed:
            return [Finding(ALLOWED, "every remote domain lets automatic forwards through")]
        return [
            Finding(UNKNOWN, "no target is known, and the remote domain {0}".format(_domain_told(domain)))
            for domain in closed
        ]
    matching = sorted(
        ((met, domain) for domain in domains for met in [_falls_under(target, domain.domain)] if met is not False),
        key=lambda item: _specificity(item[1].domain),
        reverse=True,
    )
    candidates: List[RemoteDomain] = []
    for met, domain in matching:
        candidates.append(domain)
        if met:
            break
    else:
        return [Finding(UNKNOWN, "no remote domain is known to hold for {0}".format(target))]
    effects = {_domain_effect(domain) for domain in candidates}
    effect = effects.pop() if len(effects) == 1 else UNKNOWN
    return [Finding(effect, "the remote domain " + _domain_told(domain)) for domain in candidates]


def _domain_effect(domain: RemoteDomain) -> str:
    return UNKNOWN if domain.lets_through is None else ALLOWED if domain.lets_through else BLOCKED


def _domain_told(domain: RemoteDomain) -> str:
    does = {ALLOWED: "lets automatic forwards through", BLOCKED: "forbids automatic forwards"}
    return "{0!r} ({1}) {2}".format(
        domain.name, domain.domain, does.get(_domain_effect(domain), "does not say whether automatic forwards pass")
    )


def _falls_under(target: str, pattern: str) -> Optional[bool]:
    """None for the very domain of a pattern for subdomains, which is told both ways."""
    own, pattern = target.rsplit("@", 1)[-1].lower(), pattern.lower()
    if pattern == "*" or own == pattern:
        return True
    if pattern.startswith("*."):
        return True if own.endswith(pattern[1:]) else None if own == pattern[2:] else False
    return False


def _specificity(pattern: str) -> Tuple[bool, int]:
    """One domain before many, and the longer before the shorter."""
    return (not pattern.startswith("*"), len(pattern))


# Transport rules


@dataclass(frozen=True)
class _Meeting:
    """Whether a rule is met by forwarded mail: ``met`` None where it cannot be told; ``single``: by some messages."""

    met: Optional[bool]
    single: bool = False


def _by_transport_rules(mailbox: Mailbox, target: Optional[str], rules: Optional[List[TransportRule]]) -> List[Finding]:
    """A rule that ends the processing of others hides those behind it, if it is met itself."""
    if rules is None:
        return [Finding(UNKNOWN, "the transport rules could not be read")]
    findings: List[Finding] = []
    hidden = False
    for rule in sorted(rules, key=lambda rule: rule.priority):
        meeting = _meeting(rule, mailbox, target) if rule.active else _Meeting(False)
        if meeting.met is False:
            continue
        if rule.verbs:
            findings.append(_rule_told(rule, meeting, hidden))
        if rule.stops_others and meeting.met and not meeting.single:
            break
        hidden = hidden or (rule.stops_others and not meeting.single)
    return findings or [Finding(ALLOWED, "no transport rule stops it")]


def _rule_told(rule: TransportRule, meeting: _Meeting, hidden: bool) -> Finding:
    name = "the transport rule {0!r} (priority {1})".format(rule.name, rule.priority)
    does = " and ".join(rule.verbs)
    kinds = [condition.kind for condition in (*rule.conditions, *rule.exceptions)]
    if meeting.single:
        of_messages = ", ".join(filter(_is_of_single_messages, kinds)) or "their author"
        return Finding(ALLOWED, "{0} {1} single messages, by {2}".format(name, does, of_messages))
    if meeting.met and not hidden:
        return Finding(BLOCKED, "{0} {1} mail to the target".format(name, does))
    why = "an earlier rule may end the processing" if meeting.met else "it looks at " + ", ".join(kinds)
    return Finding(UNKNOWN, "{0} {1} mail, maybe also what is forwarded: {2}".format(name, does, why))


def _meeting(rule: TransportRule, mailbox: Mailbox, target: Optional[str]) -> _Meeting:
    conditions = [(condition, _is_met(condition, mailbox, target)) for condition in rule.conditions]
    exceptions = [_is_met(exception, mailbox, target) for exception in rule.exceptions]
    if any(met is False for _condition, met in conditions) or True in exceptions:
        return _Meeting(False)
    if any(met is None and _is_single(condition, mailbox) for condition, met in conditions):
        return _Meeting(None, single=True)
    undecided = any(met is None for _condition, met in conditions)
    # An exception for single messages leaves the rest of the mail to the rule.
    spared = any(
        met is None and not _is_single(exception, mailbox) for exception, met in zip(rule.exceptions, exceptions)
    )
    return _Meeting(None if undecided or spared else True)


def _is_met(condition: Condition, mailbox: Mailbox, target: Optional[str]) -> Optional[bool]:
    """Of mail that somebody outside wrote and the mailbox forwards to the target."""
    values = [value.lower() for value in condition.values]
    if condition.kind == "SentToScope":
        return {"notinorganization": True, "inorganization": False}.get(values[0] if values else "")
    if condition.kind == "FromScope":
        # The author is outside. Whether a forwarding mailbox can count as the sender is not documented.
        return True if values == ["notinorganization"] else None
    if condition.kind == "MessageTypeMatches":
        # In Exchange Online this type means forwards by inbox rules, not those of a mailbox's own setting
        # (New-TransportRule, parameter MessageTypeMatches). Other types are of single messages.
        return False if values == ["autoforward"] else None
    if condition.kind == "RecipientDomainIs" and target:
        return _is_in_domain(values, target)
    if condition.kind == "SentTo" and target:
        return target.lower() in values
    return None


def _is_single(condition: Condition, mailbox: Mailbox) -> bool:
    if condition.kind == "From":
        return not _is_among(condition.values, mailbox)
    if condition.kind == "SenderDomainIs":
        return _is_in_domain(condition.values, mailbox.address) is False
    return _is_of_single_messages(condition.kind)


def _is_of_single_messages(kind: str) -> bool:
    return kind.startswith((*OF_A_MESSAGE, *OF_ITS_AUTHOR))
