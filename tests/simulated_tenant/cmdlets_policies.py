# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outbound spam filter policies and their rules.

https://learn.microsoft.com/powershell/module/exchange/new-hostedoutboundspamfilterpolicy and
https://learn.microsoft.com/powershell/module/exchange/new-hostedoutboundspamfilterrule.
"""

from __future__ import annotations

from typing import Any

from .binding import Parameters, changed_list
from .cmdlets import Cmdlet, Outcome, changed
from .cmdlets_mail_flow import CONTROL, listed
from .exchange_errors import dehydrated, invalid, object_exists
from .identities import named, one
from .tenant import Tenant
from .tenant_mail import Row

SENDERS = ("From", "ExceptIfFrom")
GROUPS = ("FromMemberOf", "ExceptIfFromMemberOf")
WORDS = ("SenderDomainIs", "ExceptIfSenderDomainIs")


def needs_hydration(cmdlet: Cmdlet) -> Cmdlet:
    """Refuses the cmdlet in a tenant that was never customized, and for a while after it was."""

    def guarded(tenant: Tenant, bound: Parameters) -> Outcome:
        if tenant.organization_config["IsDehydrated"]:
            raise dehydrated(cmdlet.__name__)
        if tenant.hydration_failures_left > 0:
            tenant.hydration_failures_left -= 1
            raise dehydrated(cmdlet.__name__)
        return cmdlet(tenant, bound)

    return guarded


def get_policy(tenant: Tenant, bound: Parameters) -> Outcome:
    """Get-HostedOutboundSpamFilterPolicy"""
    return listed(tenant, tenant.outbound_policies, bound)


@needs_hydration
def new_policy(tenant: Tenant, bound: Parameters) -> Outcome:
    """New-HostedOutboundSpamFilterPolicy: the new policy applies to nobody until a rule names it."""
    name = bound["Name"]
    _check_name(name, tenant.outbound_policies)
    wanted = {k: v for k, v in bound.items() if k not in (*CONTROL, "Name")}
    row = tenant.add_outbound_policy(name)
    row.update(_policy_values(row, wanted))
    return Outcome([dict(row)])


@needs_hydration
def set_policy(tenant: Tenant, bound: Parameters) -> Outcome:
    """Set-HostedOutboundSpamFilterPolicy"""
    row = named(tenant, tenant.outbound_policies, bound["Identity"])
    return changed(row, _policy_values(row, {k: v for k, v in bound.items() if k not in CONTROL}))


def _policy_values(row: Row, wanted: dict[str, Any]) -> dict[str, Any]:
    return {k: changed_list(row[k], v) if isinstance(row.get(k), list) else v for k, v in wanted.items()}


@needs_hydration
def remove_policy(tenant: Tenant, bound: Parameters) -> Outcome:
    """Remove-HostedOutboundSpamFilterPolicy: its rule stays behind, so the rule has to go first."""
    row = named(tenant, tenant.outbound_policies, bound["Identity"])
    if row["IsDefault"]:
        raise invalid("You can't delete the default policy.")
    if any(rule["HostedOutboundSpamFilterPolicy"] == row["Name"] for rule in tenant.outbound_rules):
        raise invalid(f"The policy '{row['Name']}' is used by a rule. Remove the rule first.")
    tenant.outbound_policies.remove(row)
    return Outcome()


def get_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """Get-HostedOutboundSpamFilterRule"""
    return listed(tenant, sorted(tenant.outbound_rules, key=lambda rule: rule["Priority"]), bound)


@needs_hydration
def new_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """New-HostedOutboundSpamFilterRule"""
    _check_name(bound["Name"], tenant.outbound_rules)
    policy = _free_policy(tenant, bound["HostedOutboundSpamFilterPolicy"], None)
    values = _rule_values(tenant, None, bound)
    if not any(values.get(name) for name in ("From", "FromMemberOf", "SenderDomainIs")):
        raise invalid("You need to specify at least one condition: From, FromMemberOf or SenderDomainIs.")
    count = len(tenant.outbound_rules)
    priority = bound.get("Priority", count)
    _check_priority(priority, count)
    row = tenant.add_outbound_rule(bound["Name"], policy["Name"], **values)
    row["State"] = "Enabled" if bound.get("Enabled", True) else "Disabled"
    row["Comments"] = bound.get("Comments")
    _move(tenant, row, priority)
    return Outcome([dict(row)])


@needs_hydration
def set_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """Set-HostedOutboundSpamFilterRule: lists are replaced as a whole."""
    row = named(tenant, tenant.outbound_rules, bound["Identity"])
    wanted = _rule_values(tenant, row, bound)
    if bound.get("Name"):
        _check_name(bound["Name"], [rule for rule in tenant.outbound_rules if rule is not row])
        wanted.update({"Name": bound["Name"], "Identity": bound["Name"]})
    if bound.get("HostedOutboundSpamFilterPolicy"):
        policy = _free_policy(tenant, bound["HostedOutboundSpamFilterPolicy"], row)
        wanted["HostedOutboundSpamFilterPolicy"] = policy["Name"]
    if "Comments" in bound:
        wanted["Comments"] = bound["Comments"]
    after = {**row, **wanted}
    if not any(after.get(name) for name in ("From", "FromMemberOf", "SenderDomainIs")):
        raise invalid("You need to specify at least one condition: From, FromMemberOf or SenderDomainIs.")
    moved = bound.get("Priority", row["Priority"]) != row["Priority"]
    if moved:
        _check_priority(bound["Priority"], len(tenant.outbound_rules) - 1)
        _move(tenant, row, bound["Priority"])
    outcome = changed(row, wanted)
    return Outcome() if moved else outcome


@needs_hydration
def remove_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """Remove-HostedOutboundSpamFilterRule"""
    row = named(tenant, tenant.outbound_rules, bound["Identity"])
    tenant.outbound_rules.remove(row)
    _renumber(sorted(tenant.outbound_rules, key=lambda rule: rule["Priority"]))
    return Outcome()


def _state_setter(state: str) -> Cmdlet:
    @needs_hydration
    def set_state(tenant: Tenant, bound: Parameters) -> Outcome:
        row = named(tenant, tenant.outbound_rules, bound["Identity"])
        return changed(row, {"State": state})

    return set_state


def _check_name(name: str, rows: list[Row]) -> None:
    if not name or len(name) > 64:
        raise invalid("The Name has 1 to 64 characters.")
    if any(row["Name"].lower() == name.lower() for row in rows):
        raise object_exists(name)


def _free_policy(tenant: Tenant, identity: str, own: Row | None) -> Row:
    policy = named(tenant, tenant.outbound_policies, identity)
    if policy["IsDefault"]:
        raise invalid("The default policy can't be used in a rule; it applies to everybody.")
    for rule in tenant.outbound_rules:
        if rule is not own and rule["HostedOutboundSpamFilterPolicy"] == policy["Name"]:
            raise invalid(f"The policy '{policy['Name']}' is already associated with the rule '{rule['Name']}'.")
    return policy


def _rule_values(tenant: Tenant, row: Row | None, bound: Parameters) -> dict[str, Any]:
    values: dict[str, Any] = {}
    everybody = tenant.mailboxes + tenant.other_recipients
    for name in (*SENDERS, *GROUPS, *WORDS):
        if name not in bound:
            continue
        wanted = changed_list(row[name] if row else None, bound[name])
        if name in SENDERS + GROUPS:
            wanted = [one(tenant, everybody, text)["PrimarySmtpAddress"] for text in wanted]
        values[name] = list(dict.fromkeys(wanted)) or None
    return values


def _check_priority(priority: int, highest: int) -> None:
    if not 0 <= priority <= highest:
        raise invalid(f"The priority must be a number between 0 and {highest}.")


def _move(tenant: Tenant, row: Row, priority: int) -> None:
    others = sorted((r for r in tenant.outbound_rules if r is not row), key=lambda rule: rule["Priority"])
    others.insert(priority, row)
    _renumber(others)


def _renumber(rules: list[Row]) -> None:
    for number, rule in enumerate(rules):
        rule["Priority"] = number


POLICY_CMDLETS: dict[str, Cmdlet] = {
    "Get-HostedOutboundSpamFilterPolicy": get_policy,
    "New-HostedOutboundSpamFilterPolicy": new_policy,
    "Set-HostedOutboundSpamFilterPolicy": set_policy,
    "Remove-HostedOutboundSpamFilterPolicy": remove_policy,
    "Get-HostedOutboundSpamFilterRule": get_rule,
    "New-HostedOutboundSpamFilterRule": new_rule,
    "Set-HostedOutboundSpamFilterRule": set_rule,
    "Remove-HostedOutboundSpamFilterRule": remove_rule,
    "Enable-HostedOutboundSpamFilterRule": _state_setter("Enabled"),
    "Disable-HostedOutboundSpamFilterRule": _state_setter("Disabled"),
}
