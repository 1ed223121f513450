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
from typing import List, Optional, Tuple

from .._exchange import Mailbox
from .._exchange_policies import MailFlow, OutboundPolicy, OutboundRule, RemoteDomain
from .forwarding_findings import (
    ALLOWED,
    BLOCKED,
    OUTBOUND_POLICY,
    REMOTE_DOMAIN,
    UNKNOWN,
    Finding,
    MemberOf,
    all_of,
    any_of,
    is_among,
    is_in_domain,
    negated,
)
from .forwarding_rules import by_transport_rules

MODES = {
    "On": (ALLOWED, "allows automatic forwarding (On)"),
    "Off": (BLOCKED, "forbids automatic forwarding (Off)"),
    # Microsoft's pages disagree on what it still means in old tenants; none of them promises that mail passes.
    "Automatic": (BLOCKED, "leaves automatic forwarding to Microsoft (Automatic), which blocks it"),
}


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
            *by_transport_rules(mailbox, target, flow),
        )
    )


# The outbound spam policy


def governing(mailbox: Mailbox, flow: MailFlow) -> List[Governing]:
    """The policies that may apply, the first rule by priority first. Only the last is certain, and ends the list."""
    policies = {policy.name.lower(): policy for policy in flow.policies or []}
    found: List[Governing] = []
    for rule in sorted(flow.rules or [], key=lambda rule: rule.priority):
        applies = applies_to(rule, mailbox, membership_of(mailbox, flow)) if rule.enabled else False
        if applies is not False:
            found.append(Governing(policies.get(rule.policy.lower()), rule, applies is True))
        if applies:
            return found
    default = next((policy for policy in policies.values() if policy.is_default), None)
    return [*found, Governing(default)]


def membership_of(mailbox: Mailbox, flow: MailFlow) -> MemberOf:
    return lambda group: flow.is_member(group, mailbox.guid)


def applies_to(rule: OutboundRule, mailbox: Mailbox, is_in: MemberOf = lambda group: None) -> Optional[bool]:
    """Whether a rule is met by a mailbox; None where that depends on what is not read, as who is in a group may be."""
    given: List[Optional[bool]] = []
    if rule.senders:
        given.append(is_among(rule.senders, mailbox))
    if rule.domains:
        given.append(is_in_domain(rule.domains, mailbox.address))
    if rule.groups:
        given.append(any_of([is_in(group) for group in rule.groups]))
    if not given:
        given.append(None)  # a rule that seems to have no condition has one that is not known here
    exceptions = [is_among(rule.except_senders, mailbox), is_in_domain(rule.except_domains, mailbox.address)]
    exceptions += [is_in(group) for group in rule.except_groups]
    return all_of([*given, negated(any_of(exceptions))])


def _by_policy(mailbox: Mailbox, flow: MailFlow) -> List[Finding]:
    if flow.policies is None or flow.rules is None:
        return [Finding(OUTBOUND_POLICY, UNKNOWN, "the outbound spam policies or their rules could not be read")]
    candidates = governing(mailbox, flow)
    effects = {_effect_of(candidate.policy)[0] for candidate in candidates}
    # Several that may apply are no matter as long as they say the same.
    effect = effects.pop() if len(effects) == 1 else UNKNOWN
    return [Finding(OUTBOUND_POLICY, effect, _told(candidate)) for candidate in candidates]


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
        return [Finding(REMOTE_DOMAIN, UNKNOWN, "the remote domains could not be read")]
    if target is None:
        closed = [domain for domain in domains if not domain.lets_through]
        if not closed:
            return [Finding(REMOTE_DOMAIN, ALLOWED, "every remote domain lets automatic forwards through")]
        return [
            Finding(
                REMOTE_DOMAIN, UNKNOWN, "no target is known, and the remote domain {0}".format(_domain_told(domain))
            )
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
        return [Finding(REMOTE_DOMAIN, UNKNOWN, "no remote domain is known to hold for {0}".format(target))]
    effects = {_domain_effect(domain) for domain in candidates}
    effect = effects.pop() if len(effects) == 1 else UNKNOWN
    return [Finding(REMOTE_DOMAIN, effect, "the remote domain " + _domain_told(domain)) for domain in candidates]


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
