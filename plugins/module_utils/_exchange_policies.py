# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What decides over mail that a mailbox forwards outside, in our words.

See the Exchange PowerShell pages of Get-HostedOutboundSpamFilterPolicy, Get-HostedOutboundSpamFilterRule,
Get-RemoteDomain and Get-TransportRule, and Microsoft's "Control automatic external email forwarding".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, TypeVar, Union

from ._errors import TenantError
from ._exchange import Exchange, Mailbox
from ._exchange_calls import Command, ExchangeCalls
from ._exchange_writes import Writes, lower
from ._rows import Row
from ._service import Patience

Made = TypeVar("Made")
POLICY, RULE = "HostedOutboundSpamFilterPolicy", "HostedOutboundSpamFilterRule"


@dataclass(frozen=True)
class Limits:
    """How much a sender may send, what happens beyond, and who is told. A count of 0 is the service's own limit."""

    external_per_hour: int = 0
    internal_per_hour: int = 0
    per_day: int = 0
    action: Optional[str] = None
    notify: bool = False
    notified: Tuple[str, ...] = ()
    copy_suspicious: bool = False
    copied_to: Tuple[str, ...] = ()

    @classmethod
    def from_exchange(cls, row: Row) -> Limits:
        return cls(
            external_per_hour=row.number("RecipientLimitExternalPerHour") or 0,
            internal_per_hour=row.number("RecipientLimitInternalPerHour") or 0,
            per_day=row.number("RecipientLimitPerDay") or 0,
            action=row.text("ActionWhenThresholdReached") or None,
            notify=bool(row.flag("NotifyOutboundSpam")),
            notified=tuple(row.texts("NotifyOutboundSpamRecipients")),
            copy_suspicious=bool(row.flag("BccSuspiciousOutboundMail")),
            copied_to=tuple(row.texts("BccSuspiciousOutboundAdditionalRecipients")),
        )

    def to_exchange(self) -> Dict[str, Any]:
        """Without empty lists and an action that is not known: those are what a new policy has anyway."""
        parameters: Dict[str, Any] = {
            "RecipientLimitExternalPerHour": self.external_per_hour,
            "RecipientLimitInternalPerHour": self.internal_per_hour,
            "RecipientLimitPerDay": self.per_day,
            "NotifyOutboundSpam": self.notify,
            "BccSuspiciousOutboundMail": self.copy_suspicious,
        }
        if self.action:
            parameters["ActionWhenThresholdReached"] = self.action
        if self.notified:
            parameters["NotifyOutboundSpamRecipients"] = list(self.notified)
        if self.copied_to:
            parameters["BccSuspiciousOutboundAdditionalRecipients"] = list(self.copied_to)
        return parameters


@dataclass(frozen=True)
class OutboundPolicy:
    name: str
    mode: str
    """On, Off or Automatic."""
    is_default: bool = False
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_exchange(cls, row: Row) -> OutboundPolicy:
        return cls(
            name=row.required_text("Name"),
            mode=row.required_text("AutoForwardingMode"),
            is_default=bool(row.flag("IsDefault")),
            limits=Limits.from_exchange(row),
        )


@dataclass(frozen=True)
class OutboundRule:
    """To whom a policy applies. Conditions of several kinds have all to be met; one exception of any kind is enough."""

    name: str
    policy: str
    priority: int
    """The lowest number is looked at first."""
    enabled: bool = True
    senders: Tuple[str, ...] = ()
    groups: Tuple[str, ...] = ()
    domains: Tuple[str, ...] = ()
    except_senders: Tuple[str, ...] = ()
    except_groups: Tuple[str, ...] = ()
    except_domains: Tuple[str, ...] = ()

    @classmethod
    def from_exchange(cls, row: Row) -> OutboundRule:
        return cls(
            name=row.required_text("Name"),
            policy=row.required_text(POLICY),
            priority=row.number("Priority") or 0,
            enabled=row.required_text("State") == "Enabled",
            senders=tuple(row.texts("From")),
            groups=tuple(row.texts("FromMemberOf")),
            domains=tuple(row.texts("SenderDomainIs")),
            except_senders=tuple(row.texts("ExceptIfFrom")),
            except_groups=tuple(row.texts("ExceptIfFromMemberOf")),
            except_domains=tuple(row.texts("ExceptIfSenderDomainIs")),
        )

    @property
    def has_only_senders(self) -> bool:
        return not (self.groups or self.domains or self.except_senders or self.except_groups or self.except_domains)


@dataclass(frozen=True)
class RemoteDomain:
    name: str
    domain: str
    """A domain, ``*.`` and a domain, or ``*`` for all."""
    lets_through: Optional[bool]

    @classmethod
    def from_exchange(cls, row: Row) -> RemoteDomain:
        return cls(row.required_text("Name"), row.required_text("DomainName"), row.flag("AutoForwardEnabled"))


@dataclass(frozen=True)
class Condition:
    """One condition or exception of a transport rule, by Exchange's own name for it."""

    kind: str
    values: Tuple[str, ...] = ()


OTHER = "another condition"
# Each property stands for one condition; where a condition has two properties (a header and its words), the first.
# fmt: off
CONDITIONS = (
    "From", "FromMemberOf", "FromScope", "FromAddressContainsWords", "FromAddressMatchesPatterns", "SenderDomainIs",
    "SenderIpRanges",
    "SenderADAttributeContainsWords", "SenderADAttributeMatchesPatterns", "SenderInRecipientList",
    "SenderManagementRelationship", "ManagerAddresses", "BetweenMemberOf1",
    "SentTo", "SentToMemberOf", "SentToScope", "RecipientDomainIs", "RecipientAddressContainsWords",
    "RecipientAddressMatchesPatterns", "RecipientADAttributeContainsWords", "RecipientADAttributeMatchesPatterns",
    "RecipientInSenderList", "AnyOfRecipientAddressContainsWords", "AnyOfRecipientAddressMatchesPatterns",
    "AnyOfToHeader", "AnyOfToHeaderMemberOf", "AnyOfCcHeader", "AnyOfCcHeaderMemberOf", "AnyOfToCcHeader",
    "AnyOfToCcHeaderMemberOf",
    "MessageTypeMatches", "MessageSizeOver", "MessageContainsDataClassifications",
    "MessageContainsAllDataClassifications",
    "SubjectContainsWords", "SubjectMatchesPatterns", "SubjectOrBodyContainsWords", "SubjectOrBodyMatchesPatterns",
    "HeaderContainsMessageHeader", "HeaderMatchesMessageHeader", "ContentCharacterSetContainsWords",
    "HasClassification", "HasNoClassification", "HasSenderOverride", "SCLOver", "WithImportance",
    "AttachmentContainsWords", "AttachmentExtensionMatchesWords", "AttachmentHasExecutableContent",
    "AttachmentIsPasswordProtected", "AttachmentIsUnsupported", "AttachmentMatchesPatterns",
    "AttachmentNameMatchesPatterns",
    "AttachmentProcessingLimitExceeded", "AttachmentPropertyContainsWords", "AttachmentSizeOver",
)
# fmt: on


@dataclass(frozen=True)
class TransportRule:
    name: str
    priority: int
    active: bool
    """Switched on, and enforced: one that only tests does nothing to mail."""
    stops_others: bool = False
    verbs: Tuple[str, ...] = ()
    """What it does that keeps mail from its recipient."""
    conditions: Tuple[Condition, ...] = ()
    exceptions: Tuple[Condition, ...] = ()

    @classmethod
    def from_exchange(cls, row: Row) -> TransportRule:
        rejects = row.text("RejectMessageReasonText") or row.text("RejectMessageEnhancedStatusCode")
        verbs = (
            ("rejects", bool(rejects) or _names(row, "Actions", "RejectMessage")),
            ("deletes", bool(row.flag("DeleteMessage")) or _names(row, "Actions", "DeleteMessage")),
            ("quarantines", bool(row.flag("Quarantine")) or _names(row, "Actions", "Quarantine")),
            ("redirects", bool(row.texts("RedirectMessageTo")) or _names(row, "Actions", "RedirectMessage")),
        )
        return cls(
            name=row.required_text("Name"),
            priority=row.number("Priority") or 0,
            active=row.required_text("State") == "Enabled" and (row.text("Mode") or "Enforce") == "Enforce",
            stops_others=bool(row.flag("StopRuleProcessing")),
            verbs=tuple(verb for verb, does in verbs if does),
            conditions=_conditions(row, "", "Conditions"),
            exceptions=_conditions(row, "ExceptIf", "Exceptions"),
        )


def _names(row: Row, name: str, part: str) -> bool:
    """Whether one of the .NET classes in a list is of this kind."""
    return any(item.rsplit(".", 1)[-1].startswith(part) for item in row.texts(name))


def _conditions(row: Row, prefix: str, classes: str) -> Tuple[Condition, ...]:
    """The conditions by their properties; one that only the list of classes shows is not taken for none."""
    plain = row.plain()
    found = [
        Condition(kind, _texts(plain[prefix + kind]))
        for kind in CONDITIONS
        if plain.get(prefix + kind) not in (None, "", []) and plain[prefix + kind] is not False
    ]
    if len(row.texts(classes)) > len(found):
        found.append(Condition(OTHER))
    return tuple(found)


def _texts(value: Any) -> Tuple[str, ...]:
    return tuple(str(item) for item in (value if isinstance(value, list) else [value]))


@dataclass(frozen=True)
class MailFlow:
    """What decides over forwarding outside, for the whole organization. None is what could not be read."""

    policies: Optional[List[OutboundPolicy]]
    rules: Optional[List[OutboundRule]]
    remote_domains: Optional[List[RemoteDomain]]
    transport_rules: Optional[List[TransportRule]]
    refusals: Dict[str, TenantError] = field(default_factory=dict)
    """Why, by what it is."""
    members: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """By group as a rule names it, whether a mailbox (by its id) or an address is in it, as far as that was read."""

    def is_member(self, group: str, who: str) -> Optional[bool]:
        return self.members.get(group.lower(), {}).get(who.lower())

    @property
    def unread(self) -> List[str]:
        return [
            "{0} ({1})".format(what, "needs " + str(refusal.facts["right"]) if "right" in refusal.facts else refusal)
            for what, refusal in self.refusals.items()
        ]


Answer = Union[List[Row], TenantError]


def mail_flow_commands() -> List[Command]:
    """The four reads that a MailFlow is made of, for one batch."""
    doing = "read what decides over forwarding outside"
    return [
        Command("Get-" + POLICY, doing, required=("Name", "AutoForwardingMode", "IsDefault")),
        Command("Get-" + RULE, doing, required=("Name", POLICY, "Priority", "State", "From")),
        Command("Get-RemoteDomain", doing, {}, ("Name", "DomainName", "AutoForwardEnabled"), ("AutoForwardEnabled",)),
        # Whole rows: each condition is a property of its own, and one that is left out would look like none.
        Command(
            "Get-TransportRule",
            doing,
            {"ResultSize": "Unlimited"},
            required=("Name", "State", "Priority"),
            whole_list=True,
        ),
    ]


def mail_flow_of(answers: Sequence[Answer]) -> MailFlow:
    policies, rules, domains, transport = answers
    refusals: Dict[str, TenantError] = {}

    def each(what: str, answer: Answer, make: Callable[[Row], Made]) -> Optional[List[Made]]:
        try:
            if isinstance(answer, TenantError):
                raise answer
            return [make(row) for row in answer]
        except TenantError as refusal:
            refusals[what] = refusal
            return None

    return MailFlow(
        each("outbound spam policies", policies, OutboundPolicy.from_exchange),
        each("outbound spam rules", rules, OutboundRule.from_exchange),
        each("remote domains", domains, RemoteDomain.from_exchange),
        each("transport rules", transport, TransportRule.from_exchange),
        refusals,
    )


class ExternalForwarding:
    """Reads, and writes nothing but outbound spam policies and their rules."""

    def __init__(self, calls: ExchangeCalls, exchange: Exchange, patience: Patience) -> None:
        self._calls = calls
        self._exchange = exchange
        self._writes = Writes(calls, patience, "outbound spam policies", "Nothing in the policies was changed.")
        self.is_dehydrated = self._writes.is_dehydrated

    def read(self, identities: Sequence[str]) -> Tuple[MailFlow, List[Union[Mailbox, TenantError]]]:
        """Both in one request where they are few. A mailbox that is not found, or found twice, is told for each."""
        flow = mail_flow_commands()
        answers = self._calls.read_many(flow + [self._exchange.look_up(identity) for identity in identities])
        return mail_flow_of(answers[: len(flow)]), self._exchange.resolved_each(identities, answers[len(flow) :])

    def create_policy(self, name: str, mode: str, limits: Limits) -> None:
        parameters = {"Name": name, "AutoForwardingMode": mode, **limits.to_exchange()}
        self._create(Command("New-" + POLICY, "make the outbound spam policy {0!r}".format(name), parameters))

    def set_mode(self, policy: str, mode: str) -> None:
        doing = "set automatic forwarding of the outbound spam policy {0!r} to {1}".format(policy, mode)
        self._writes.write(Command("Set-" + POLICY, doing, {"Identity": policy, "AutoForwardingMode": mode}))

    def remove_policy(self, policy: str) -> None:
        doing = "remove the outbound spam policy {0!r}".format(policy)
        self._writes.remove(Command("Remove-" + POLICY, doing, {"Identity": policy, "Force": True}))

    def create_rule(self, name: str, policy: str, senders: List[str]) -> None:
        parameters = {"Name": name, POLICY: policy, "From": senders}
        command = Command("New-" + RULE, "make the outbound spam rule {0!r}".format(name), parameters)
        self._create(command, awaited=(policy,))

    def set_senders(self, rule: str, senders: List[str]) -> None:
        doing = "set the mailboxes of the outbound spam rule {0!r}".format(rule)
        self._writes.write(Command("Set-" + RULE, doing, {"Identity": rule, "From": senders}))

    def enable_rule(self, rule: str) -> None:
        doing = "switch on the outbound spam rule {0!r}".format(rule)
        self._writes.write(Command("Enable-" + RULE, doing, {"Identity": rule}))

    def remove_rule(self, rule: str) -> None:
        doing = "remove the outbound spam rule {0!r}".format(rule)
        self._writes.remove(Command("Remove-" + RULE, doing, {"Identity": rule, "Confirm": False}))

    def _create(self, command: Command, awaited: Sequence[str] = ()) -> None:
        """What is there already is as good if the values that matter are the ones that were sent."""
        read = Command(command.cmdlet.replace("New-", "Get-"), command.doing, {"Identity": command.parameters["Name"]})
        matter = {n: v for n, v in command.parameters.items() if n in ("AutoForwardingMode", POLICY, "From")}

        def is_it(row: Row) -> bool:
            return all(lower(row.plain().get(name)) == lower(value) for name, value in matter.items())

        self._writes.create(command, read, is_it, awaited)
