# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The steps of the guide that concern mailboxes, judged by the planners of the modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .._errors import NotFound, TenantError
from .._exchange import Mailbox
from . import external_forwarding, mailbox_forwarding, mailbox_smtp_auth
from .audit_cells import AS_WANTED, BLOCKED, UNREADABLE, Cell, Fact, not_read, of_plan, refused, unread
from .audit_seen import Box, Mail
from .audit_wishes import Asset, Wishes
from .forwarding_findings import ALLOWED
from .forwarding_findings import BLOCKED as STOPPED
from .forwarding_judgement import Judgement, governing, judge_forwarding
from .plan import Plan

ANSWERS = {ALLOWED: "yes", STOPPED: "no"}


@dataclass
class AssetJudgement:
    asset: Asset
    box: Box
    cells: List[Cell]
    allowed: Optional[Judgement] = None
    """Whether mail may be forwarded to the asset as things stand; None without a mailbox."""
    smtp_auth: Optional[Dict[str, Any]] = None

    def step(self, name: str) -> Cell:
        return next(cell for cell in self.cells if cell.step == name)


def judge_asset(asset: Asset, mail: Mail, wishes: Wishes) -> AssetJudgement:
    box = mail.boxes.get(asset.mailbox, Box())
    steps = ("smtp_auth", "forwarding", "external_forwarding")
    mailbox = box.mailbox
    if mailbox is None:
        failure = box.failure or mail.unread.get("mailboxes") or TenantError("it was not looked for")
        return AssetJudgement(asset, box, [_without_mailbox(step, asset, failure) for step in steps])
    found = AssetJudgement(asset, box, [])
    found.allowed = judge_forwarding(mailbox, asset.target, mail.flow)
    found.cells = [
        _smtp_auth(found, mailbox, mail),
        _forwarding(asset, mailbox),
        _external_forwarding(asset.mailbox, mailbox, asset.target, mail, wishes),
    ]
    return found


def _without_mailbox(step: str, asset: Asset, failure: TenantError) -> Cell:
    if isinstance(failure, NotFound) or type(failure).__name__ == "Conflict":
        cell = refused(step, asset.mailbox, failure, asset.mailbox)
        name = "mailbox_absent" if isinstance(failure, NotFound) else "several_mailboxes"
        cell.because = [Fact(name, failure.message)]
        return cell
    return unread(step, asset.mailbox, "mailboxes", failure, asset.mailbox)


def _smtp_auth(found: AssetJudgement, mailbox: Mailbox, mail: Mail) -> Cell:
    box, asset = found.box, found.asset
    if box.smtp_auth is None:
        part = "smtp_auth" if not box.own_setting_read else "organization_smtp_auth"
        cell = unread("smtp_auth", asset.mailbox, part, mail.unread.get(part) or NOT_READ, asset.mailbox)
        found.smtp_auth = _half_known(box)
        return cell
    current = mailbox_smtp_auth.Current(mailbox, box.smtp_auth)
    plan = mailbox_smtp_auth.plan_smtp_auth(current, asset.smtp_auth)
    found.smtp_auth = mailbox_smtp_auth.judge(box.smtp_auth.mailbox_disabled, box.smtp_auth)
    because = [Fact("smtp_auth_because", text) for text in found.smtp_auth["because"]]
    return of_plan("smtp_auth", asset.mailbox, plan, ["smtp_auth"], asset.mailbox, because)


NOT_READ = TenantError("no usable answer came")


def _half_known(box: Box) -> Dict[str, Any]:
    """A setting of the mailbox's own decides, also where the organization's could not be read."""
    word = mailbox_smtp_auth.WORDS[box.own_setting] if box.own_setting_read else None
    effective = word if word in ("enabled", "disabled") else None
    return {
        "configured": word,
        "organization": None,
        "effective": effective,
        "because": ["the mailbox's own setting says {0}".format(word)] if effective else [],
        "authentication_policy": None,
    }


def _forwarding(asset: Asset, mailbox: Mailbox) -> Cell:
    keys = ("forwarding_address", "internal_forward", "keep_copy")
    try:
        plan = mailbox_forwarding.plan_forwarding(mailbox, asset.forwarding)
    except TenantError as refusal:
        cell = refused("forwarding", asset.mailbox, refusal, asset.mailbox)
        cell.current = {
            "forwarding_address": mailbox.external_forward,
            "internal_forward": mailbox.internal_forward,
            "keep_copy": mailbox.keep_copy,
        }
        if mailbox.internal_forward:
            cell.because = [Fact("internal_forward_wins", refusal.message)]
            cell.wanted = {**cell.current, "forwarding_address": asset.target, "internal_forward": None}
        return cell
    return of_plan("forwarding", asset.mailbox, plan, keys, asset.mailbox)


def _external_forwarding(name: str, mailbox: Mailbox, target: str, mail: Mail, wishes: Wishes) -> Cell:
    unread_part = next((part for part in mail.flow.refusals if part.startswith("outbound")), None)
    if unread_part is not None:
        return unread("external_forwarding", name, unread_part, mail.flow.refusals[unread_part], name)
    options = {**wishes.external_forwarding, "mailboxes": [name], "targets": {name.lower(): target}}
    try:
        plan = _plan([(name, mailbox)], mail, options)
    except TenantError as refusal:
        cell = refused("external_forwarding", name, refusal, name)
        if mail.dehydrated:
            cell.because = [Fact("organization_not_customizable", refusal.message)]
        return cell
    cell = of_plan("external_forwarding", name, plan, asset=name)
    (after,) = plan.result["mailboxes"]
    now = judge_forwarding(mailbox, target, mail.flow)
    cell.because = facts_of(now)
    cell.current = {**cell.current, "effective": now.effective}
    cell.wanted = {**cell.wanted, "effective": ALLOWED}
    if after["effective"] == STOPPED:
        cell.state = BLOCKED
        cell.by_hand = _by_hand(mailbox, target, mail, options)
    elif after["effective"] != ALLOWED and cell.state == AS_WANTED:
        cell.state = UNREADABLE
        cell.because += [not_read(part, failure) for part, failure in mail.flow.refusals.items()]
    return cell


def judge_organization(mail: Mail, wishes: Wishes, tenant: str) -> List[Cell]:
    """Forwarding outside where it is wanted for the organization and there is no asset to show it at."""
    if wishes.assets or not wishes.external_forwarding["organization"]:
        return []
    unread_part = next((part for part in mail.flow.refusals if part.startswith("outbound")), None)
    if unread_part is not None:
        return [unread("external_forwarding", tenant, unread_part, mail.flow.refusals[unread_part])]
    try:
        return [of_plan("external_forwarding", tenant, _plan([], mail, wishes.external_forwarding))]
    except TenantError as refusal:
        return [refused("external_forwarding", tenant, refusal)]


def _plan(mailboxes: List[Any], mail: Mail, options: Dict[str, Any]) -> Plan:
    current = external_forwarding.Current(mail.flow, mailboxes, mail.dehydrated)
    return external_forwarding.plan_external_forwarding(current, options)


def _by_hand(mailbox: Mailbox, target: str, mail: Mail, options: Dict[str, Any]) -> str:
    """What would have to change that is not the role's: each kind of block has its own cmdlet."""
    blocks = {fact.name for fact in facts_of(judge_forwarding(mailbox, target, mail.flow))}
    todo = []
    if "outbound_policy_blocks" in blocks:
        policy = governing(mailbox, mail.flow)[0].policy
        default = options["state"] == "gathered" and (policy is None or policy.is_default)
        todo.append(
            "let the role do it (connect_email_external_forwarding: scoped)"
            if default
            else "Set-HostedOutboundSpamFilterPolicy -Identity '{0}' -AutoForwardingMode On, or except the mailbox from"
            " its rule".format(policy.name if policy else "Default")
        )
    if "remote_domain_blocks" in blocks:
        todo.append("Set-RemoteDomain -Identity DOMAIN -AutoForwardEnabled $true, or New-RemoteDomain for the target")
    if "transport_rule_blocks" in blocks:
        todo.append("Set-TransportRule with an exception for {0} and {1}".format(mailbox.address, target))
    return "; ".join(todo) or "Look at the outbound spam policies, remote domains and transport rules."


def facts_of(judgement: Judgement) -> List[Fact]:
    """What decides it first."""
    ranked = sorted(judgement.findings, key=lambda finding: finding.effect != judgement.effective)
    return [Fact(finding.name, finding.fact) for finding in ranked]
