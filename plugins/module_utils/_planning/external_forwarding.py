# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Letting mail be forwarded outside: for named mailboxes, by a policy and a rule of our own, or for the organization.

A new rule comes last, and stays there. In front of somebody else's it would undo a block that was made on purpose,
so where one still blocks, this is told and not changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from .._errors import Conflict, InvalidInput, NotFound, Refused, TenantError
from .._exchange import Mailbox
from .._exchange_policies import Limits, MailFlow, OutboundPolicy, OutboundRule
from .checks import checked_address, refuse_control_characters, refuse_loose_identity
from .forwarding_findings import ALLOWED, BLOCKED, UNKNOWN
from .forwarding_judgement import governing, judge_forwarding
from .plan import Plan, Step

ON, AUTOMATIC = "On", "Automatic"
ACTIONS = ("Alert", "BlockUserForToday", "BlockUser")  # from the mildest to the strictest


@dataclass(frozen=True)
class Current:
    flow: MailFlow
    mailboxes: Sequence[Tuple[str, Union[Mailbox, TenantError]]]
    """What was asked for, and the mailbox or why there is none."""
    dehydrated: Optional[bool] = None
    """Whether the organization cannot be customized yet; None where it was not asked, or may not be read."""


def check(options: Dict[str, Any]) -> None:
    """Adds ``targets``: the forwarding address by mailbox, in lower case, as it was asked for."""
    mailboxes = options["mailboxes"] = list(dict.fromkeys(options["mailboxes"] or []))
    for mailbox in mailboxes:
        refuse_loose_identity(mailbox, "mailboxes")
    _check_name(options["policy_name"])
    if options["state"] == "present" and not (mailboxes or options["organization"]):
        raise InvalidInput(
            "Neither mailboxes nor organization is given.",
            "Name the mailboxes whose mail may be forwarded outside, or set organization to true for all.",
        )
    if options["purge_mailboxes"] and (options["organization"] or options["state"] != "present"):
        raise InvalidInput("purge_mailboxes goes with mailboxes and state present only.")
    targets = {}
    for mailbox, address in (options["forwarding_addresses"] or {}).items():
        if mailbox.lower() not in {name.lower() for name in mailboxes}:
            raise InvalidInput("forwarding_addresses holds {0}, which mailboxes does not name.".format(mailbox))
        targets[mailbox.lower()] = checked_address(str(address), "forwarding_addresses")
    if options["forwarding_address"]:
        target = checked_address(options["forwarding_address"], "forwarding_address")
        targets = {**{mailbox.lower(): target for mailbox in mailboxes}, **targets}
    options["targets"] = targets


def _check_name(name: str) -> None:
    refuse_control_characters(name, "policy_name")
    if len(name) > 64:
        raise InvalidInput("policy_name has {0} characters; at most 64 are accepted.".format(len(name)))
    if "*" in name or name.lower() == "default":
        raise InvalidInput(
            "policy_name is {0!r}, which cannot be a policy of its own.".format(name),
            "Give another name, or set organization to true for the default policy.",
        )


def plan_external_forwarding(current: Current, wanted: Dict[str, Any]) -> Plan:
    _refuse_missing_mailboxes(current, wanted)
    if wanted["state"] == "gathered":
        plan = Plan({}, {}, {})
        after = current.flow
    else:
        for what, refusal in current.flow.refusals.items():
            if what.startswith("outbound"):
                raise refusal
        after, plan = (_organization if wanted["organization"] else _scoped)(current, wanted)
    _refuse_dehydrated(current, plan)
    return _judged(plan, after, current, wanted)


def _refuse_missing_mailboxes(current: Current, wanted: Dict[str, Any]) -> None:
    """One that is gone can still leave the rule."""
    for _name, mailbox in current.mailboxes:
        if isinstance(mailbox, TenantError) and not (wanted["state"] == "absent" and isinstance(mailbox, NotFound)):
            raise mailbox


def _refuse_dehydrated(current: Current, plan: Plan) -> None:
    if current.dehydrated and plan.changed:
        raise Refused(
            "The organization is not customizable yet, so Exchange Online refuses every change of outbound spam"
            " policies.",
            "An Exchange administrator runs Enable-OrganizationCustomization once, which is permanent and takes up to an"
            " hour to work; then run this again. Nothing in the policies was changed.",
        )


# The default policy


def _organization(current: Current, wanted: Dict[str, Any]) -> Tuple[MailFlow, Plan]:
    policy = _default(current.flow)
    if policy is None:
        raise NotFound("The organization has no default outbound spam policy.")
    mode = ON
    if wanted["state"] == "absent":
        mode = AUTOMATIC if policy.mode == ON else policy.mode
    target = replace(policy, mode=mode)
    plan = Plan(
        before={"organization_mode": policy.mode},
        after={"organization_mode": mode},
        result={},
        steps=[("set_mode", {"policy": policy.name, "mode": mode})] if target != policy else [],
    )
    if policy.mode == "Off" and mode == ON:
        plan.warnings.append(
            "Automatic forwarding was off for the organization, which somebody had chosen; it is on now."
        )
    return _with(current.flow, policy, target), plan


def _default(flow: MailFlow) -> Optional[OutboundPolicy]:
    return next((policy for policy in flow.policies or [] if policy.is_default), None)


# A policy and a rule of our own


def _scoped(current: Current, wanted: Dict[str, Any]) -> Tuple[MailFlow, Plan]:
    flow, name = current.flow, wanted["policy_name"]
    policy = next((p for p in flow.policies or [] if p.name.lower() == name.lower()), None)
    rule = _own_rule(flow, policy, name)
    make = _present if wanted["state"] == "present" else _absent
    target_policy, target_rule, warnings = make(current, policy, rule, wanted)
    plan = Plan(
        before=_shown(name, policy, rule),
        after=_shown(name, target_policy, target_rule),
        result={},
        steps=_steps(policy, target_policy, rule, target_rule),
        warnings=warnings,
    )
    return _with(_with(flow, policy, target_policy), rule, target_rule), plan


def _own_rule(flow: MailFlow, policy: Optional[OutboundPolicy], name: str) -> Optional[OutboundRule]:
    """The rule of our policy, whatever it is called. One that does more than name mailboxes is somebody else's work."""
    ours = policy.name if policy else name
    rule = next((r for r in flow.rules or [] if r.policy.lower() == ours.lower()), None)
    namesake = next((r for r in flow.rules or [] if r.name.lower() == ours.lower()), None)
    if rule is None and namesake is not None:
        raise Conflict(
            "The outbound spam rule {0!r} belongs to the policy {1!r}, so it is not of this task.".format(
                namesake.name, namesake.policy
            ),
            "Give another policy_name. Nothing was changed.",
        )
    if rule is not None and not rule.has_only_senders:
        raise Conflict(
            "The outbound spam rule {0!r} of the policy {1!r} has groups, domains or exceptions, which this task never"
            " sets: somebody made or changed it.".format(rule.name, rule.policy),
            "Give another policy_name. Nothing was changed.",
        )
    return rule


Target = Tuple[Optional[OutboundPolicy], Optional[OutboundRule], List[str]]


def _present(
    current: Current, policy: Optional[OutboundPolicy], rule: Optional[OutboundRule], wanted: Dict[str, Any]
) -> Target:
    mailboxes = _mailboxes(current)
    limits, warnings = _limits(current, policy, rule, mailboxes)
    name = policy.name if policy else wanted["policy_name"]
    target = replace(policy, mode=ON) if policy else OutboundPolicy(name, ON, limits=limits)
    there = rule.senders if rule else ()
    kept = [sender for sender in there if not wanted["purge_mailboxes"] or _named_by(sender, mailboxes)]
    new = [box.address for box in mailboxes if not any(sender.lower() in box.names for sender in there)]
    senders = (*kept, *dict.fromkeys(new))
    if rule:
        return target, replace(rule, senders=senders, enabled=True), warnings
    last = max((other.priority for other in current.flow.rules or []), default=-1) + 1
    return target, OutboundRule(name, target.name, last, senders=senders), warnings


def _mailboxes(current: Current) -> List[Mailbox]:
    return [mailbox for _name, mailbox in current.mailboxes if isinstance(mailbox, Mailbox)]


def _named_by(sender: str, mailboxes: Sequence[Mailbox]) -> bool:
    return any(sender.lower() in mailbox.names for mailbox in mailboxes)


def _absent(
    current: Current, policy: Optional[OutboundPolicy], rule: Optional[OutboundRule], wanted: Dict[str, Any]
) -> Target:
    leaving = {name.lower() for name, _mailbox in current.mailboxes}
    mailboxes = _mailboxes(current)
    remaining = [
        sender
        for sender in (rule.senders if rule and current.mailboxes else ())
        if sender.lower() not in leaving and not _named_by(sender, mailboxes)
    ]
    if rule and remaining:
        return policy, replace(rule, senders=tuple(remaining)), []
    return None, None, []


def _limits(
    current: Current,
    policy: Optional[OutboundPolicy],
    rule: Optional[OutboundRule],
    mailboxes: Sequence[Mailbox],
) -> Tuple[Limits, List[str]]:
    """The limits for a new policy, from what has governed the mailboxes; nothing but forwarding may become looser."""
    joining = [box for box in mailboxes if not (rule and any(sender.lower() in box.names for sender in rule.senders))]
    former: List[OutboundPolicy] = []
    for mailbox in joining:
        former += [found.policy for found in governing(mailbox, current.flow) if found.policy]
    others = list({other.name: other for other in former if other is not policy}.values())
    if policy is not None:
        return policy.limits, [
            "The outbound spam policy {0!r} has other limits or notifications than {1!r}, which has governed mailboxes"
            " that are added to it. They are left as they are.".format(policy.name, other.name)
            for other in others
            if _same(other.limits) != _same(policy.limits)
        ]
    if len({_same(other.limits) for other in others}) < 2:
        return (others[0].limits if others else Limits()), []
    return strictest([other.limits for other in others]), [
        "The mailboxes were governed by policies with different limits or notifications ({0}); the new policy has the"
        " strictest of each.".format(", ".join(repr(other.name) for other in others))
    ]


def _same(limits: Limits) -> Limits:
    """In a form in which order and letter case make no difference."""
    return replace(
        limits,
        notified=tuple(sorted(address.lower() for address in limits.notified)),
        copied_to=tuple(sorted(address.lower() for address in limits.copied_to)),
    )


def strictest(several: Sequence[Limits]) -> Limits:
    """The smallest of each count (0, the service's own limit, only if nobody set one), and everybody who was told."""
    counts = {
        name: min((value for value in (getattr(limits, name) for limits in several) if value), default=0)
        for name in ("external_per_hour", "internal_per_hour", "per_day")
    }
    actions = [limits.action for limits in several if limits.action]
    return Limits(
        **counts,
        action=max(actions, key=lambda action: ACTIONS.index(action) if action in ACTIONS else -1, default=None),
        notify=any(limits.notify for limits in several),
        notified=tuple(dict.fromkeys(address for limits in several for address in limits.notified)),
        copy_suspicious=any(limits.copy_suspicious for limits in several),
        copied_to=tuple(dict.fromkeys(address for limits in several for address in limits.copied_to)),
    )


def _steps(
    policy: Optional[OutboundPolicy],
    target_policy: Optional[OutboundPolicy],
    rule: Optional[OutboundRule],
    target_rule: Optional[OutboundRule],
) -> List[Step]:
    """A policy before the rule that names it, and after it when both go. Sent is only what differs."""
    steps: List[Step] = []
    if target_policy and policy is None:
        steps.append(
            ("create_policy", {"name": target_policy.name, "mode": target_policy.mode, "limits": target_policy.limits})
        )
    elif target_policy and policy and target_policy.mode != policy.mode:
        steps.append(("set_mode", {"policy": policy.name, "mode": target_policy.mode}))
    if target_rule and rule is None:
        arguments = {"name": target_rule.name, "policy": target_rule.policy, "senders": list(target_rule.senders)}
        steps.append(("create_rule", arguments))
    elif target_rule and rule:
        if target_rule.senders != rule.senders:
            steps.append(("set_senders", {"rule": rule.name, "senders": list(target_rule.senders)}))
        if target_rule.enabled and not rule.enabled:
            steps.append(("enable_rule", {"rule": rule.name}))
    if rule and target_rule is None:
        steps.append(("remove_rule", {"rule": rule.name}))
    if policy and target_policy is None:
        steps.append(("remove_policy", {"policy": policy.name}))
    return steps


def _shown(name: str, policy: Optional[OutboundPolicy], rule: Optional[OutboundRule]) -> Dict[str, Any]:
    return {
        "policy_name": policy.name if policy else name,
        "state": "present" if policy and rule else "policy without rule" if policy else "absent",
        "mode": policy.mode if policy else None,
        "mailboxes": sorted(rule.senders) if rule else [],
        "rule_enabled": rule.enabled if rule else None,
    }


def _with(flow: MailFlow, old: Any, new: Any) -> MailFlow:
    """The mail flow once a policy or a rule is another, is there or is gone."""
    if isinstance(old or new, OutboundPolicy):
        return replace(flow, policies=_exchanged(flow.policies, old, new))
    return replace(flow, rules=_exchanged(flow.rules, old, new))


def _exchanged(rows: Optional[List[Any]], old: Any, new: Any) -> List[Any]:
    return [row for row in rows or [] if row is not old] + ([new] if new else [])


# What comes of it


def _judged(plan: Plan, flow: MailFlow, current: Current, wanted: Dict[str, Any]) -> Plan:
    default = _default(flow)
    plan.result.update(
        policy_name=(default.name if default else None) if wanted["organization"] else wanted["policy_name"],
        organization_mode=default.mode if default else None,
        mailboxes=[],
        unread=flow.unread,
    )
    for name, mailbox in current.mailboxes:
        if not isinstance(mailbox, Mailbox):
            plan.result["mailboxes"].append(
                {"mailbox": name, "target": None, "effective": UNKNOWN, "because": ["there is no such mailbox"]}
            )
            continue
        target = wanted["targets"].get(name.lower()) or mailbox.external_forward
        judgement = judge_forwarding(mailbox, target, flow)
        plan.result["mailboxes"].append(
            {
                "mailbox": mailbox.address,
                "target": target,
                "effective": judgement.effective,
                "because": judgement.because,
            }
        )
        if wanted["state"] != "absent" and judgement.effective != ALLOWED:
            plan.warnings.append(_warning(mailbox, target, judgement.effective, judgement.decisive))
    return plan


def _warning(mailbox: Mailbox, target: Optional[str], effective: str, decisive: List[str]) -> str:
    where = target or "an address outside"
    if effective == BLOCKED:
        said = "Mail of {0} is not forwarded to {1}".format(mailbox.address, where)
    else:
        said = "Whether mail of {0} may be forwarded to {1} cannot be told".format(mailbox.address, where)
    return "{0}, because {1}.".format(said, "; ".join(decisive))
