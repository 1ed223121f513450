# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Which mailboxes an application may reach, in our words.

See Microsoft's "Role Based Access Control for Applications in Exchange Online", and the Exchange PowerShell pages of
New-ServicePrincipal, New-ManagementScope, Set-ManagementScope, New-ManagementRoleAssignment and
Test-ServicePrincipalAuthorization.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from ._errors import NotFound, TenantError
from ._exchange import Exchange, Mailbox
from ._exchange_calls import Command, ExchangeCalls
from ._exchange_writes import Writes, lower
from ._rows import Row
from ._service import Patience

EVERYWHERE = "every mailbox"
PREFIX = "Application "  # what the names of all roles for applications begin with
ASSIGNMENT_PROPERTIES = (
    "Name",
    "Role",
    "RoleAssigneeName",
    "CustomResourceScope",
    "RecipientWriteScope",
    "RecipientGroupScope",
    "RecipientAdministrativeUnitScope",
    "Enabled",
)
SCOPE_PROPERTIES = ("Name", "RecipientFilter", "RecipientRoot", "Exclusive")
DOING = "read which mailboxes applications may reach"
EVERYBODY = Command(
    "Get-ManagementRoleAssignment",
    DOING,
    {"RoleAssigneeType": "ServicePrincipal"},
    ASSIGNMENT_PROPERTIES,
    ("Name", "Role", "RoleAssigneeName", "CustomResourceScope"),
    whole_list=True,
)
PRINCIPALS = Command("Get-ServicePrincipal", DOING, required=("AppId", "ObjectId"), whole_list=True)
SCOPES = Command("Get-ManagementScope", DOING, {}, SCOPE_PROPERTIES, ("Name", "RecipientFilter"), whole_list=True)
# (One of) PrimarySmtpAddress -eq 'a@b', as New-ManagementScope takes it and Get-ManagementScope gives it back.
ONE = re.compile(r"\(*\s*PrimarySmtpAddress\s+-eq\s+'((?:[^']|'')*)'\s*\)*", re.IGNORECASE)


@dataclass(frozen=True)
class Registration:
    """An application as Exchange knows it."""

    object_id: str
    """Of the enterprise application; a wrong one makes every sign-in fail."""
    display_name: str


@dataclass(frozen=True)
class Scope:
    name: str
    addresses: Optional[Tuple[str, ...]]
    """The primary addresses of its mailboxes; None where it is described in another way."""

    @classmethod
    def from_exchange(cls, row: Row) -> Scope:
        plain = not row.text("RecipientRoot") and not row.flag("Exclusive")
        return cls(row.required_text("Name"), addresses_in(row.text("RecipientFilter") or "") if plain else None)


def addresses_in(text: str) -> Optional[Tuple[str, ...]]:
    """The addresses in a filter that is nothing but a list of them."""
    parts = re.split(r"\s-or\s", text.strip(), flags=re.IGNORECASE) if text.strip() else []
    found = [ONE.fullmatch(part.strip()) for part in parts]
    if not found or None in found:
        return None
    return tuple(match.group(1).replace("''", "'") for match in found if match)


def filter_of(addresses: Sequence[str]) -> str:
    return " -or ".join("PrimarySmtpAddress -eq '{0}'".format(a.replace("'", "''")) for a in addresses)


@dataclass(frozen=True)
class Assignment:
    """A role that an application has, and where."""

    name: str
    role: str
    assignee: str
    scope: Optional[str]
    """The management scope; None where the role holds in another way."""
    where: str
    enabled: bool

    @property
    def is_everywhere(self) -> bool:
        return self.where == EVERYWHERE

    @classmethod
    def from_exchange(cls, row: Row) -> Assignment:
        scope = row.text("CustomResourceScope") or None
        other = row.text("RecipientGroupScope") or row.text("RecipientAdministrativeUnitScope")
        return cls(
            name=row.required_text("Name"),
            role=row.required_text("Role"),
            assignee=row.required_text("RoleAssigneeName"),
            scope=scope,
            where="the scope {0!r}".format(scope) if scope else repr(other) if other else EVERYWHERE,
            enabled=row.flag("Enabled") is not False,
        )


@dataclass(frozen=True)
class Found:
    """All that Exchange knows of one application and of one scope."""

    registrations: List[Registration] = field(default_factory=list)
    scope: Optional[Scope] = None
    everybody: List[Assignment] = field(default_factory=list)
    """What any application has."""
    own: List[Assignment] = field(default_factory=list)
    """What this application has."""
    people: List[str] = field(default_factory=list)
    """Role assignments of people or groups that the scope is used by."""
    in_scope: Dict[str, List[str]] = field(default_factory=dict)
    """By the mailbox's id, the roles by which the application may reach it, as Exchange judges it."""
    trusting: List[str] = field(default_factory=list)
    """Mailboxes in the scope, or asked for, that gave the application a permission of their own."""


class MailboxScopes:
    """Reads, and writes nothing but registrations, scopes and role assignments of applications."""

    def __init__(self, calls: ExchangeCalls, exchange: Exchange, patience: Patience) -> None:
        self._calls = calls
        self._exchange = exchange
        self._patience = patience
        untouched = "Nothing of the application in Exchange was changed."
        self._writes = Writes(calls, patience, "scopes and role assignments", untouched)
        self.is_dehydrated = self._writes.is_dehydrated

    def read(
        self, app_id: Optional[str], scope: str, identities: Sequence[str], permissions: bool
    ) -> Tuple[Found, List[Union[Mailbox, TenantError]]]:
        """In two requests where mailboxes are few; ``permissions`` asks whom the mailboxes themselves trust."""
        users = Command("Get-ManagementRoleAssignment", DOING, {"CustomRecipientWriteScope": scope}, ("Name",))
        commands = [PRINCIPALS, SCOPES, EVERYBODY, users]
        answers = self._calls.read_many(commands + [self._exchange.look_up(identity) for identity in identities])
        principals, scopes, everybody = (_rows(answer) for answer in answers[:3])
        people = [] if isinstance(answers[3], NotFound) else _rows(answers[3])
        mailboxes = self._exchange.resolved_each(identities, answers[len(commands) :])
        known = [row for row in principals if app_id and row.required_text("AppId").lower() == app_id.lower()]
        registrations = [Registration(r.required_text("ObjectId"), r.text("DisplayName") or "") for r in known]
        named = next((s for s in map(Scope.from_exchange, scopes) if s.name.lower() == scope.lower()), None)
        boxes = [mailbox for mailbox in mailboxes if isinstance(mailbox, Mailbox)]
        trusting = [*((named.addresses or ()) if named else ()), *(mailbox.address for mailbox in boxes)]
        own, in_scope, trusting = self._of_application(
            known, [mailbox.guid for mailbox in boxes], list(dict.fromkeys(trusting)) if permissions else []
        )
        found = Found(
            registrations=registrations,
            scope=named,
            everybody=[Assignment.from_exchange(row) for row in everybody],
            own=own,
            people=[row.required_text("Name") for row in people],
            in_scope=in_scope,
            trusting=trusting,
        )
        return found, mailboxes

    def _of_application(
        self, known: Sequence[Row], guids: Sequence[str], trusting: Sequence[str]
    ) -> Tuple[List[Assignment], Dict[str, List[str]], List[str]]:
        if len(known) != 1:
            return [], {}, []
        object_id = known[0].required_text("ObjectId")
        own = Command(
            "Get-ManagementRoleAssignment",
            DOING,
            {"RoleAssignee": object_id},
            ASSIGNMENT_PROPERTIES,
            ("Name", "Role", "CustomResourceScope"),
            whole_list=True,
        )
        tests = [self._test(object_id, guid) for guid in guids]
        asked = [Command("Get-MailboxPermission", DOING, {"Identity": a}, required=("User",)) for a in trusting]
        answers = self._calls.read_many([own, *tests, *asked])
        names = {lower(known[0].text(name) or "") for name in ("AppId", "ObjectId", "DisplayName", "Identity")} - {""}
        permissions = [[] if isinstance(a, NotFound) else _rows(a) for a in answers[1 + len(tests) :]]
        return (
            [Assignment.from_exchange(row) for row in _rows(answers[0])],
            {guid: _reaching(_rows(answer)) for guid, answer in zip(guids, answers[1 : 1 + len(tests)])},
            [
                address
                for address, rows in zip(trusting, permissions)
                if any(lower(row.text("User") or "") in names for row in rows)
            ],
        )

    @staticmethod
    def _test(object_id: str, guid: str) -> Command:
        doing = "test what the application may reach"
        parameters = {"Identity": object_id, "Resource": guid}
        return Command("Test-ServicePrincipalAuthorization", doing, parameters, required=("RoleName", "InScope"))

    def register(self, app_id: str, object_id: str, display_name: str) -> None:
        doing = "register application {0} in Exchange".format(app_id)
        parameters = {"AppId": app_id, "ObjectId": object_id, "DisplayName": display_name}
        read = Command("Get-ServicePrincipal", doing, {"Identity": object_id})
        self._writes.create(
            Command("New-ServicePrincipal", doing, parameters),
            read,
            lambda row: all(lower(row.text(name) or "") == lower(parameters[name]) for name in ("AppId", "ObjectId")),
        )

    def create_scope(self, name: str, addresses: Sequence[str]) -> None:
        doing = "make the management scope {0!r}".format(name)
        parameters = {"Name": name, "RecipientRestrictionFilter": filter_of(addresses)}
        read = Command("Get-ManagementScope", doing, {"Identity": name}, SCOPE_PROPERTIES)
        self._writes.create(
            Command("New-ManagementScope", doing, parameters),
            read,
            lambda row: Scope.from_exchange(row).addresses == tuple(addresses),
        )

    def set_scope(self, name: str, addresses: Sequence[str]) -> None:
        doing = "set the mailboxes of the management scope {0!r}".format(name)
        parameters = {"Identity": name, "RecipientRestrictionFilter": filter_of(addresses)}
        self._writes.write(Command("Set-ManagementScope", doing, parameters))

    def assign(self, name: str, role: str, object_id: str, scope: str) -> None:
        doing = "give the application the role {0!r} for the scope {1!r}".format(role, scope)
        parameters = {"Name": name, "Role": role, "App": object_id, "CustomResourceScope": scope}
        read = Command("Get-ManagementRoleAssignment", doing, {"Identity": name}, ASSIGNMENT_PROPERTIES)

        def is_it(row: Row) -> bool:
            made = Assignment.from_exchange(row)
            return (made.role.lower(), (made.scope or "").lower()) == (role.lower(), scope.lower())

        command = Command("New-ManagementRoleAssignment", doing, parameters)
        # Either of what it names may have been made moments ago.
        self._writes.create(command, read, is_it, awaited=(object_id, scope))

    def unassign(self, name: str) -> None:
        doing = "remove the role assignment {0!r}".format(name)
        self._writes.remove(Command("Remove-ManagementRoleAssignment", doing, {"Identity": name, "Confirm": False}))

    def remove_scope(self, name: str) -> None:
        doing = "remove the management scope {0!r}".format(name)
        self._writes.remove(Command("Remove-ManagementScope", doing, {"Identity": name, "Confirm": False}))

    def unregister(self, object_id: str) -> None:
        doing = "remove the application from Exchange"
        self._writes.remove(Command("Remove-ServicePrincipal", doing, {"Identity": object_id, "Confirm": False}))

    def confirm(
        self, object_id: str, mailboxes: Sequence[Mailbox], roles: Sequence[str], addresses: Sequence[str]
    ) -> Dict[str, Any]:
        """Waits until Exchange itself says that every mailbox can be reached by every role.

        ``addresses`` is all that the scope holds, for the result; what nobody has asked about is None in it.
        """

        def look() -> Optional[bool]:
            answers = self._calls.read_many([self._test(object_id, mailbox.guid) for mailbox in mailboxes])
            reached = [_reaching(_rows(answer)) for answer in answers]
            return all(set(map(lower, roles)) <= set(map(lower, there)) for there in reached) or None

        named = ", ".join(mailbox.address for mailbox in mailboxes)
        self._patience.require(look, "Exchange Online to count {0} into the scope".format(named))
        asked = {mailbox.address.lower() for mailbox in mailboxes}
        return {"mailboxes": [{"mailbox": a, "in_scope": True if a.lower() in asked else None} for a in addresses]}


def _rows(answer: Union[List[Row], TenantError]) -> List[Row]:
    if isinstance(answer, TenantError):
        raise answer
    return answer


def _reaching(rows: Sequence[Row]) -> List[str]:
    """The roles whose scope holds the mailbox; true comes as a boolean or as a text."""
    return [row.required_text("RoleName") for row in rows if str(row.plain().get("InScope")).lower() == "true"]
