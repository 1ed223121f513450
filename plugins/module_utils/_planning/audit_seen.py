# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What an audit has read of one tenant. Whatever could not be read is named with the reason, and never empty instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Collection, Dict, FrozenSet, List, Mapping, Optional, Tuple

from .._errors import PermissionMissing, TenantError, Unreachable
from .._exchange import Mailbox, SmtpAuth
from .._exchange_policies import MailFlow
from .._exchange_scopes import Assignment
from .._graph_objects import Application, Grant, Resource, RoleAssignment, ServicePrincipal
from .._graph_policies import ConsentPolicies
from .._stores.record import Record

# What can be unread, by a short name: what it is called, and which steps need it.
PARTS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    "application": (
        "the application",
        ("application", "redirect_uri", "implicit_grant", "secret", "permissions", "consent"),
    ),
    "principal": ("the service principal of the application", ("application", "consent")),
    "owners": ("the owners of the application", ("application",)),
    "assigned": ("who is assigned to the application", ("application",)),
    "resources": ("the permissions that the APIs offer", ("permissions", "consent")),
    "assignments": ("the application permissions that were granted", ("consent",)),
    "grants": ("the delegated permissions that were granted", ("consent",)),
    "user_consent": ("who may consent to applications", ("user_consent",)),
    "security_defaults": ("whether security defaults are on", ("smtp_auth",)),
    "classifications": ("which permissions are classified as low impact", ("user_consent",)),
    "store": ("the records of the store", ("secret",)),
    "mailboxes": ("the mailboxes", ("smtp_auth", "forwarding", "external_forwarding")),
    "smtp_auth": ("the SMTP AUTH settings of mailboxes", ("smtp_auth",)),
    "organization_smtp_auth": ("the organization's SMTP AUTH setting", ("smtp_auth",)),
    "organization": ("the organization's settings", ("smtp_auth",)),
    "authentication_policies": ("the authentication policies", ("smtp_auth",)),
    "users": ("the authentication policies of users", ("smtp_auth",)),
    "outbound spam policies": ("the outbound spam policies", ("external_forwarding",)),
    "outbound spam rules": ("the outbound spam rules", ("external_forwarding",)),
    "remote domains": ("the remote domains", ("external_forwarding",)),
    "transport rules": ("the transport rules", ("external_forwarding",)),
    "inbox_rules": ("inbox rules", ("forwarding",)),
    "send_as": ("who may send as a mailbox", ("smtp_auth",)),
    "full_access": ("who may open a mailbox", ("smtp_auth",)),
    "app_roles": ("the roles of applications in Exchange", ()),
    "memberships": ("who is in the groups that decide", ("application", "smtp_auth", "external_forwarding")),
}


@dataclass(frozen=True)
class Assignee:
    """Somebody who was assigned to the application."""

    name: str
    object_id: str
    is_group: bool = False


@dataclass(frozen=True)
class Directory:
    """The half that Microsoft Graph and the store tell. unread has keys of PARTS."""

    exact: Optional[Application] = None
    """What app_id or unique_name found."""
    named: List[Application] = field(default_factory=list)
    owners: Optional[List[str]] = None
    recorded: Collection[str] = ()
    principal: Optional[ServicePrincipal] = None
    disabled: Optional[bool] = None
    enabled: Optional[bool] = None
    assignment_required: Optional[bool] = None
    assigned: Optional[List[Assignee]] = None
    resources: Dict[str, Optional[Resource]] = field(default_factory=dict)
    assignments: List[RoleAssignment] = field(default_factory=list)
    grants: List[Grant] = field(default_factory=list)
    consent_policies: ConsentPolicies = field(default_factory=lambda: ConsentPolicies(None))
    low_impact: Optional[Dict[str, List[str]]] = None
    security_defaults: Optional[bool] = None
    has_store: bool = False
    record: Optional[Record] = None
    place: Optional[str] = None
    unread: Dict[str, TenantError] = field(default_factory=dict)

    @property
    def only(self) -> Optional[Application]:
        """The one application that may be meant."""
        if self.exact is not None:
            return self.exact
        return self.named[0] if len(self.named) == 1 else None


@dataclass(frozen=True, order=True)
class InboxRule:
    name: str
    does: str
    """To mail: where it sends it, or that it deletes it."""


@dataclass(frozen=True)
class Deep:
    """What costs a call a mailbox. None is what could not be read."""

    inbox_rules: Optional[List[InboxRule]] = None
    send_as: Optional[List[str]] = None
    full_access: Optional[List[str]] = None
    ids_of_send_as: Mapping[str, str] = field(default_factory=dict)
    """Object ids of those in send_as, as far as Exchange Online could tell who is meant."""


@dataclass(frozen=True)
class Signer:
    """Who signs in for a mailbox. None is what was not read, and for the id also that nobody is called so."""

    object_id: Optional[str] = None
    is_absent: bool = False
    groups: Optional[FrozenSet[str]] = None
    """Ids of the groups, also through other groups."""
    direct_groups: Optional[FrozenSet[str]] = None


@dataclass(frozen=True)
class Box:
    """One wanted mailbox, or why there is none."""

    mailbox: Optional[Mailbox] = None
    failure: Optional[TenantError] = None
    object_id: Optional[str] = None
    account_disabled: Optional[bool] = None
    licensed: Optional[bool] = None
    own_setting_read: bool = False
    own_setting: Optional[bool] = None
    """Whether the mailbox disables SMTP AUTH itself; None is that it leaves it to the organization."""
    smtp_auth: Optional[SmtpAuth] = None
    deep: Optional[Deep] = None
    signer: Optional[Signer] = None
    """Only where it decides and was asked for."""


@dataclass(frozen=True)
class Mail:
    """The half that Exchange Online tells."""

    organization: Optional[str] = None
    organization_disabled: Optional[bool] = None
    """Of SMTP AUTH."""
    dehydrated: Optional[bool] = None
    """Whether the organization cannot be customized yet."""
    boxes: Dict[str, Box] = field(default_factory=dict)
    """By the mailbox as wanted."""
    flow: MailFlow = field(default_factory=lambda: MailFlow(None, None, None, None))
    app_roles: List[Assignment] = field(default_factory=list)
    """The roles in Exchange that any application has."""
    scopes: Dict[str, Optional[Tuple[str, ...]]] = field(default_factory=dict)
    """The mailboxes of their scopes by name; None where a scope is described in another way."""
    unread: Dict[str, TenantError] = field(default_factory=dict)
    detours: Dict[str, str] = field(default_factory=dict)
    """What was read completely in another way than planned: what, and why."""


def nothing_of_the_directory(failure: TenantError) -> Directory:
    names = ("application", "resources", "assignments", "grants", "user_consent", "security_defaults")
    return Directory(unread=dict.fromkeys(names, failure))


def nothing_of_the_mail(failure: TenantError) -> Mail:
    names = ("mailboxes", "smtp_auth", "organization_smtp_auth", "organization", "app_roles")
    flow = ("outbound spam policies", "outbound spam rules", "remote domains", "transport rules")
    return Mail(
        flow=MailFlow(None, None, None, None, dict.fromkeys(flow, failure)),
        unread=dict.fromkeys(names, failure),
    )


def kind_of(failure: TenantError) -> str:
    """refused, cut_short or failed, as the report says it."""
    if isinstance(failure, PermissionMissing):
        return "refused"
    return "cut_short" if "incomplete" in failure.message else "failed"


def is_silence(failure: Optional[TenantError]) -> bool:
    return isinstance(failure, Unreachable)
