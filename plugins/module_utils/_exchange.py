# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The mailbox settings of one tenant, in our words.

See the Exchange PowerShell pages of Get-Mailbox, Set-Mailbox, Get-CASMailbox, Set-CASMailbox,
Get-TransportConfig and Get-AuthenticationPolicy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Union

from ._errors import Conflict, NotFound, TenantError, UnexpectedReply
from ._exchange_calls import Command, ExchangeCalls
from ._rows import Row

MAILBOX_PROPERTIES = (
    "Guid",
    "ExternalDirectoryObjectId",
    "PrimarySmtpAddress",
    "UserPrincipalName",
    "DisplayName",
    "Alias",
    "Name",
    "EmailAddresses",
    "RecipientTypeDetails",
    "ForwardingAddress",
    "ForwardingSmtpAddress",
    "DeliverToMailboxAndForward",
)
MAILBOX_REQUIRED = (
    "Guid",
    "PrimarySmtpAddress",
    "ForwardingAddress",
    "ForwardingSmtpAddress",
    "DeliverToMailboxAndForward",
)


@dataclass(frozen=True)
class Mailbox:
    guid: str
    address: str
    names: frozenset[str] = field(repr=False)
    """Everything the mailbox can be called by, in lower case."""
    exact_names: frozenset[str] = field(repr=False)
    """The names that cannot belong to another mailbox: primary address and ids."""
    kind: Optional[str]
    internal_forward: Optional[str]
    external_forward: Optional[str]
    keep_copy: bool

    @classmethod
    def from_exchange(cls, row: Row) -> Mailbox:
        guid = row.required_text("Guid").lower()
        address = row.required_text("PrimarySmtpAddress")
        exact = {guid, address.lower(), (row.text("ExternalDirectoryObjectId") or "").lower()} - {""}
        loose = [row.text(name) or "" for name in ("UserPrincipalName", "DisplayName", "Alias", "Name")]
        loose += [entry.split(":", 1)[-1] for entry in row.texts("EmailAddresses")]
        return cls(
            guid=guid,
            address=address,
            names=frozenset(name.lower() for name in loose if name) | exact,
            exact_names=frozenset(exact),
            kind=row.text("RecipientTypeDetails"),
            internal_forward=row.text("ForwardingAddress") or None,
            external_forward=without_prefix(row.text("ForwardingSmtpAddress")),
            keep_copy=bool(row.flag("DeliverToMailboxAndForward")),
        )


@dataclass(frozen=True)
class SmtpAuth:
    """``mailbox_disabled`` None means that the organization decides. Policy names are None where there is none."""

    mailbox_disabled: Optional[bool]
    organization_disabled: bool
    policy: Optional[str]
    policy_of_user: bool
    policy_blocks_basic: Optional[bool]
    unread: List[str]


def without_prefix(address: Optional[str]) -> Optional[str]:
    """Exchange stores a forwarding address with a type in front (``smtp:``)."""
    if not address:
        return None
    kind, _colon, rest = address.partition(":")
    return rest if kind.lower() == "smtp" and rest else address


class Exchange:
    def __init__(self, calls: ExchangeCalls) -> None:
        self._calls = calls
        self._everyone: Optional[List[Mailbox]] = None

    def mailbox(self, identity: str) -> Mailbox:
        """The one mailbox of this name. Raises NotFound, and Conflict with the addresses of several.

        A primary address or an id names one mailbox for certain. Anything else (display name, alias,
        sign-in name, secondary address) is compared with every mailbox, since the service may pick one of several.
        """
        try:
            answer: Union[List[Row], TenantError] = self._calls.invoke(self.look_up(identity))
        except (NotFound, Conflict) as failure:
            answer = failure
        return self.resolved(identity, answer)

    def look_up(self, identity: str) -> Command:
        """The read whose answer ``resolved`` takes, for a batch."""
        return self._mailbox_command(_finding(identity), {"Identity": identity})

    def resolved(self, identity: str, answer: Union[List[Row], TenantError]) -> Mailbox:
        """The second half of ``mailbox``, after the answer to its first read."""
        wanted = identity.lower()
        doing = _finding(identity)
        if isinstance(answer, NotFound):
            answer.advice = (
                "No mailbox is called that. Give its primary address; a user without a licence has no mailbox."
            )
            raise answer
        if isinstance(answer, TenantError) and not isinstance(answer, Conflict):
            raise answer
        rows = [] if isinstance(answer, Conflict) else answer
        found = [Mailbox.from_exchange(row) for row in rows]
        if len(found) == 1 and wanted in found[0].exact_names:
            return found[0]
        if self._everyone is None:
            rows = self._calls.invoke(self._mailbox_command(doing, {"ResultSize": "Unlimited"}, whole_list=True))
            self._everyone = [Mailbox.from_exchange(row) for row in rows]
        called_so = [mailbox for mailbox in self._everyone if wanted in mailbox.names]
        exact = [mailbox for mailbox in called_so if wanted in mailbox.exact_names]
        matches = exact if len(exact) == 1 else called_so
        if not matches:
            raise NotFound(
                "Could not {0}: no mailbox has it as address, sign-in name, alias, name or id.".format(doing),
                "Give the mailbox's primary address.",
            )
        if len(matches) > 1:
            raise Conflict(
                "Could not {0}: {1} mailboxes are called that: {2}.".format(
                    doing, len(matches), ", ".join(sorted(mailbox.address for mailbox in matches))
                ),
                "Give the primary address of the one that is meant.",
            )
        return matches[0]

    def resolved_each(
        self, identities: Sequence[str], answers: Sequence[Union[List[Row], TenantError]]
    ) -> List[Union[Mailbox, TenantError]]:
        """The second half for several; one that is not found, or found twice, is told for each."""
        found: List[Union[Mailbox, TenantError]] = []
        for identity, answer in zip(identities, answers):
            try:
                found.append(self.resolved(identity, answer))
            except TenantError as failure:
                found.append(failure)
        return found

    def _mailbox_command(self, doing: str, parameters: Dict[str, str], whole_list: bool = False) -> Command:
        return Command("Get-Mailbox", doing, dict(parameters), MAILBOX_PROPERTIES, MAILBOX_REQUIRED, whole_list)

    def smtp_auth_of(self, mailbox: Mailbox) -> SmtpAuth:
        """What decides over authenticated SMTP. The policies are optional: what may not be read is in ``unread``."""
        doing = "read the SMTP AUTH setting of {0}".format(mailbox.address)
        disabled = "SmtpClientAuthenticationDisabled"
        own, organization, user, config, policies = self._calls.read_many(
            [
                Command(
                    "Get-CASMailbox",
                    doing,
                    {"Identity": mailbox.guid},
                    ("Guid", "PrimarySmtpAddress", disabled),
                    (disabled,),
                ),
                Command("Get-TransportConfig", doing, {}, (disabled,), (disabled,)),
                Command(
                    "Get-User", doing, {"Identity": mailbox.guid}, ("AuthenticationPolicy",), ("AuthenticationPolicy",)
                ),
                Command(
                    "Get-OrganizationConfig",
                    doing,
                    {},
                    ("DefaultAuthenticationPolicy",),
                    ("DefaultAuthenticationPolicy",),
                ),
                Command(
                    "Get-AuthenticationPolicy",
                    doing,
                    {},
                    ("Name", "Identity", "AllowBasicAuthSmtp"),
                    ("Name", "AllowBasicAuthSmtp"),
                ),
            ]
        )
        return smtp_auth_from(mailbox, doing, own, organization, user, config, policies)

    def set_smtp_auth(self, mailbox: Mailbox, disabled: Optional[bool]) -> None:
        """None hands the decision back to the organization; it is a value that must be sent."""
        self._calls.invoke(
            Command(
                "Set-CASMailbox",
                "set the SMTP AUTH setting of {0}".format(mailbox.address),
                {"Identity": mailbox.guid, "SmtpClientAuthenticationDisabled": disabled},
            )
        )

    def set_forwarding(self, mailbox: Mailbox, changes: Dict[str, Union[str, bool, None]]) -> None:
        """Only what is named; None clears an address, and has to be sent to do so."""
        theirs = {
            "external_forward": "ForwardingSmtpAddress",
            "internal_forward": "ForwardingAddress",
            "keep_copy": "DeliverToMailboxAndForward",
        }
        parameters: Dict[str, Union[str, bool, None]] = {"Identity": mailbox.guid}
        parameters.update({theirs[name]: value for name, value in changes.items()})
        self._calls.invoke(Command("Set-Mailbox", "set the forwarding of {0}".format(mailbox.address), parameters))


Answer = Union[List[Row], TenantError]


def smtp_auth_from(
    mailbox: Mailbox, doing: str, own: Answer, organization: Answer, user: Answer, config: Answer, policies: Answer
) -> SmtpAuth:
    """From the answers of Get-CASMailbox, Get-TransportConfig, Get-User, Get-OrganizationConfig and
    Get-AuthenticationPolicy. The first two are needed."""
    disabled = "SmtpClientAuthenticationDisabled"
    own_row = _the_one(own, doing)
    for name, expected in (("Guid", mailbox.guid), ("PrimarySmtpAddress", mailbox.address.lower())):
        if name in own_row and (own_row.text(name) or "").lower() != expected:
            raise UnexpectedReply("Could not {0}: the answer is about another mailbox.".format(doing))
    unread = [
        label
        for label, answer, is_one in (
            ("the user's authentication policy", user, True),
            ("the organization's default authentication policy", config, True),
            ("the authentication policies", policies, False),
        )
        if isinstance(answer, TenantError) or (is_one and len(answer) != 1)
    ]
    of_user = _text_of(user, "AuthenticationPolicy")
    policy = of_user or _text_of(config, "DefaultAuthenticationPolicy")
    return SmtpAuth(
        mailbox_disabled=own_row.flag(disabled),
        organization_disabled=bool(_the_one(organization, doing).flag(disabled)),
        policy=policy,
        policy_of_user=bool(of_user),
        policy_blocks_basic=_blocks_basic(policies, policy),
        unread=unread,
    )


def _finding(identity: str) -> str:
    return "find mailbox {0}".format(identity)


def _the_one(answer: Union[List[Row], TenantError], doing: str) -> Row:
    if isinstance(answer, TenantError):
        raise answer
    if len(answer) != 1:
        raise UnexpectedReply("Could not {0}: {1} objects came back instead of one.".format(doing, len(answer)))
    return answer[0]


def _text_of(answer: Union[List[Row], TenantError], name: str) -> Optional[str]:
    if isinstance(answer, TenantError) or len(answer) != 1:
        return None
    return answer[0].text(name) or None


def _blocks_basic(policies: Union[List[Row], TenantError], policy: Optional[str]) -> Optional[bool]:
    """None where it was not read, or where no policy applies."""
    if isinstance(policies, TenantError) or policy is None:
        return None
    for row in policies:
        if policy.lower() in ((row.text("Name") or "").lower(), (row.text("Identity") or "").lower()):
            return row.flag("AllowBasicAuthSmtp") is False
    return None
