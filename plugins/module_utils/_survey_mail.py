# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Reads what an audit needs of one tenant's Exchange Online: one batch where lists are complete, single mailboxes else.

Mailboxes are asked for by a filter on their addresses. A primary address names one mailbox for certain; whatever the
filtered list does not hold so is looked up by itself, as the modules do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Sequence, Tuple, Union

from ._errors import PermissionMissing, TenantError, UnexpectedReply
from ._exchange import MAILBOX_PROPERTIES, MAILBOX_REQUIRED, Mailbox, SmtpAuth, smtp_auth_from
from ._exchange_calls import Command
from ._exchange_policies import mail_flow_commands, mail_flow_of
from ._exchange_scopes import EVERYBODY, SCOPES, Assignment, Scope
from ._planning.audit_seen import Box, Deep, InboxRule, Mail
from ._planning.audit_wishes import Wishes
from ._planning.checks import is_address
from ._planning.rights import MANAGE_AS_APP
from ._rows import Row
from ._tenant import Tenant

Answer = Union[List[Row], TenantError]
DOING = "audit the mailboxes"
CHUNK = 40  # addresses in one filter
FEW = 5  # mailboxes that are asked for one by one rather than by the list of all
DISABLED = "SmtpClientAuthenticationDisabled"
POLICY = "AuthenticationPolicy"
OWN_PROPERTIES = ("Guid", "PrimarySmtpAddress", DISABLED)
BOX_PROPERTIES = (*MAILBOX_PROPERTIES, "AccountDisabled", "SkuAssigned")
ORGANIZATION = Command(
    "Get-OrganizationConfig",
    DOING,
    {},
    ("DisplayName", "DefaultAuthenticationPolicy", "IsDehydrated"),
    ("DefaultAuthenticationPolicy", "IsDehydrated"),
)
TRANSPORT = Command("Get-TransportConfig", DOING, {}, (DISABLED,), (DISABLED,))
POLICIES = Command(
    "Get-AuthenticationPolicy",
    DOING,
    {},
    ("Name", "Identity", "AllowBasicAuthSmtp"),
    ("Name", "AllowBasicAuthSmtp"),
)


@dataclass
class _Reading:
    unread: Dict[str, TenantError] = field(default_factory=dict)
    detours: Dict[str, str] = field(default_factory=dict)

    def rows(self, answer: Answer, part: str) -> List[Row]:
        if isinstance(answer, TenantError):
            self.unread.setdefault(part, answer)
            return []
        return answer


@dataclass
class _Found:
    """One wanted mailbox while it is being put together."""

    row: Optional[Row] = None
    mailbox: Optional[Mailbox] = None
    failure: Optional[TenantError] = None
    own: Answer = field(default_factory=list)
    user: Answer = field(default_factory=list)


def read_mail(tenant: Tenant, wishes: Wishes, deep: bool) -> Mail:
    """Raises only what concerns all of it: no sign-in, no permission for Exchange at all, no answer."""
    calls = tenant.exchange_calls
    if MANAGE_AS_APP not in calls.service.roles:
        raise PermissionMissing(
            "The admin identity {0} lacks the application permission {1} of Office 365 Exchange Online.".format(
                tenant.admin_client_id, MANAGE_AS_APP
            ),
            "Grant it with admin consent.",
            right=MANAGE_AS_APP,
        )
    reading = _Reading()
    wanted = [asset.mailbox for asset in wishes.assets]
    filters = _filters([name for name in wanted if is_address(name)])
    flow = mail_flow_commands()
    answers = calls.read_many(
        [ORGANIZATION, TRANSPORT, POLICIES, EVERYBODY, *flow]
        + [_listing("Get-Mailbox", BOX_PROPERTIES, MAILBOX_REQUIRED, text) for text in filters]
        + [_listing("Get-CASMailbox", OWN_PROPERTIES, ("Guid", DISABLED), t) for t in filters]
    )
    organization, transport, policies, roles = answers[:4]
    lists = answers[4 + len(flow) :]
    found = _mailboxes(tenant, wanted, _joined(lists[: len(filters)]), reading)
    _own_settings(tenant, found, _joined(lists[len(filters) :]), reading)
    if isinstance(policies, TenantError) or policies:  # without any policy, no user can have one
        _users(tenant, found, reading)
    read_deep = _deep(tenant, found, reading) if deep else {}
    around = _organization(organization, transport, policies, reading)
    boxes = {
        name: _box(item, (transport, organization, policies), reading, read_deep.get(name))
        for name, item in found.items()
    }
    app_roles = [Assignment.from_exchange(row) for row in reading.rows(roles, "app_roles")]
    return Mail(
        organization=around[0],
        organization_disabled=around[1],
        dehydrated=around[2],
        boxes=boxes,
        flow=mail_flow_of(answers[4 : 4 + len(flow)]),
        app_roles=app_roles,
        scopes=_scopes(tenant, app_roles, reading),
        unread=reading.unread,
        detours=reading.detours,
    )


def _scopes(tenant: Tenant, roles: Sequence[Assignment], reading: _Reading) -> Dict[str, Optional[Tuple[str, ...]]]:
    """What is in the scopes by name; asked for only where an application has a role for one."""
    if not any(role.scope for role in roles):
        return {}
    rows = reading.rows(tenant.exchange_calls.read_many([SCOPES])[0], "app_roles")
    return {scope.name: scope.addresses for scope in map(Scope.from_exchange, rows)}


def _organization(
    organization: Answer, transport: Answer, policies: Answer, reading: _Reading
) -> Tuple[Optional[str], Optional[bool], Optional[bool]]:
    configs = reading.rows(organization, "organization")
    transports = reading.rows(transport, "organization_smtp_auth")
    reading.rows(policies, "authentication_policies")
    name = configs[0].text("DisplayName") if configs else None
    dehydrated = configs[0].flag("IsDehydrated") if configs else None
    return name, (transports[0].flag(DISABLED) if transports else None), dehydrated


def _filters(addresses: Sequence[str]) -> List[str]:
    tests = ["EmailAddresses -eq 'smtp:{0}'".format(address.replace("'", "''")) for address in addresses]
    return [" -or ".join(tests[start : start + CHUNK]) for start in range(0, len(tests), CHUNK)]


def _listing(cmdlet: str, properties: Tuple[str, ...], required: Tuple[str, ...], text: str) -> Command:
    return Command(cmdlet, DOING, {"Filter": text, "ResultSize": "Unlimited"}, properties, required, whole_list=True)


def _whole(cmdlet: str, properties: Tuple[str, ...], required: Tuple[str, ...]) -> Command:
    return Command(cmdlet, DOING, {"ResultSize": "Unlimited"}, properties, required, whole_list=True)


def _instead(
    tenant: Tenant, failure: TenantError, what: str, everybody: Command, count: int, reading: _Reading
) -> List[Row]:
    """For a filtered list that is not usable: the list of all, where that is complete and cheaper than single reads."""
    reading.detours[what] = failure.message
    answer = tenant.exchange_calls.read_many([everybody])[0] if count > FEW else []
    return [] if isinstance(answer, TenantError) else answer


def _joined(answers: Sequence[Answer]) -> Answer:
    rows: List[Row] = []
    for answer in answers:
        if isinstance(answer, TenantError):
            return answer
        rows += answer
    return rows


def _mailboxes(tenant: Tenant, wanted: List[str], listed: Answer, reading: _Reading) -> Dict[str, _Found]:
    found = {name: _Found() for name in wanted}
    if isinstance(listed, PermissionMissing):
        reading.unread["mailboxes"] = listed
        for item in found.values():
            item.failure = listed
        return found
    if isinstance(listed, TenantError):
        everybody = _whole("Get-Mailbox", BOX_PROPERTIES, MAILBOX_REQUIRED)
        listed = _instead(tenant, listed, "the mailboxes", everybody, len(found), reading)
    by_address = {row.required_text("PrimarySmtpAddress").lower(): row for row in listed}
    missing = []
    for name, item in found.items():
        item.row = by_address.get(name.lower())
        if item.row is None:
            missing.append(name)
        else:
            item.mailbox = Mailbox.from_exchange(item.row)
    commands = [replace(tenant.exchange.look_up(name), properties=BOX_PROPERTIES) for name in missing]
    for name, answer in zip(missing, tenant.exchange_calls.read_many(commands) if commands else []):
        item = found[name]
        try:
            item.mailbox = mailbox = tenant.exchange.resolved(name, answer)
        except TenantError as failure:
            item.failure = failure
            continue
        rows = [] if isinstance(answer, TenantError) else answer
        item.row = next((row for row in rows if (row.text("Guid") or "").lower() == mailbox.guid), None)
    return found


def _own_settings(tenant: Tenant, found: Dict[str, _Found], listed: Answer, reading: _Reading) -> None:
    items = [item for item in found.values() if item.mailbox]
    if isinstance(listed, PermissionMissing):
        for item in items:
            item.own = listed
        return
    if isinstance(listed, TenantError):
        everybody = _whole("Get-CASMailbox", OWN_PROPERTIES, ("Guid", DISABLED))
        listed = _instead(tenant, listed, "the SMTP AUTH settings of mailboxes", everybody, len(items), reading)
    by_guid = {row.required_text("Guid").lower(): row for row in listed}
    singles = []
    for item in items:
        row = by_guid.get(item.mailbox.guid) if item.mailbox else None
        item.own = [row] if row else []
        if row is None:
            singles.append(item)
    commands = [
        Command(
            "Get-CASMailbox",
            DOING,
            {"Identity": item.mailbox.guid},
            OWN_PROPERTIES,
            (DISABLED,),
        )
        for item in singles
        if item.mailbox
    ]
    for item, answer in zip(singles, tenant.exchange_calls.read_many(commands) if commands else []):
        item.own = answer


def _users(tenant: Tenant, found: Dict[str, _Found], reading: _Reading) -> None:
    items = [item for item in found.values() if item.mailbox]
    names = {id(item): (item.row.text("UserPrincipalName") or "").lower() if item.row else "" for item in items}
    texts = ["UserPrincipalName -eq '{0}'".format(name.replace("'", "''")) for name in names.values() if name]
    chunks = [" -or ".join(texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)]
    commands = [_listing("Get-User", ("UserPrincipalName", POLICY), ("UserPrincipalName", POLICY), t) for t in chunks]
    listed = _joined(tenant.exchange_calls.read_many(commands)) if commands else []
    if isinstance(listed, PermissionMissing):
        for item in items:
            item.user = listed
        return
    if isinstance(listed, TenantError):
        everybody = _whole("Get-User", ("UserPrincipalName", POLICY), ("UserPrincipalName", POLICY))
        listed = _instead(tenant, listed, "the authentication policies of users", everybody, len(items), reading)
    by_name = {row.required_text("UserPrincipalName").lower(): row for row in listed}
    singles = []
    for item in items:
        row = by_name.get(names[id(item)])
        item.user = [row] if row else []
        if row is None:
            singles.append(item)
    commands = [
        Command("Get-User", DOING, {"Identity": item.mailbox.guid}, (POLICY,), (POLICY,))
        for item in singles
        if item.mailbox
    ]
    for item, answer in zip(singles, tenant.exchange_calls.read_many(commands) if commands else []):
        item.user = answer


def _box(item: _Found, around: Tuple[Answer, Answer, Answer], reading: _Reading, deep: Optional[Deep]) -> Box:
    if item.mailbox is None:
        return Box(failure=item.failure)
    transport, organization, policies = around
    own = reading.rows(item.own, "smtp_auth")
    no_policies = not isinstance(policies, TenantError) and not policies
    user = [Row({POLICY: None}, "no policy")] if no_policies else item.user
    reading.rows(user, "users")
    smtp_auth: Optional[SmtpAuth] = None
    try:
        if not isinstance(item.own, TenantError) and not isinstance(transport, TenantError):
            smtp_auth = smtp_auth_from(item.mailbox, DOING, item.own, transport, user, organization, policies)
    except UnexpectedReply as failure:
        reading.unread.setdefault("smtp_auth", failure)
    row = item.row
    return Box(
        mailbox=item.mailbox,
        object_id=row.text("ExternalDirectoryObjectId") if row else None,
        account_disabled=row.flag("AccountDisabled") if row else None,
        licensed=row.flag("SkuAssigned") if row else None,
        own_setting_read=len(own) == 1,
        own_setting=own[0].flag(DISABLED) if len(own) == 1 else None,
        smtp_auth=smtp_auth,
        deep=deep,
    )


def _deep(tenant: Tenant, found: Dict[str, _Found], reading: _Reading) -> Dict[str, Deep]:
    items = [(name, item.mailbox.guid) for name, item in found.items() if item.mailbox]
    commands = [
        command
        for _name, guid in items
        for command in (
            Command("Get-InboxRule", DOING, {"Mailbox": guid}, required=("Name", "Enabled")),
            Command("Get-RecipientPermission", DOING, {"Identity": guid}),
            Command("Get-MailboxPermission", DOING, {"Identity": guid}),
        )
    ]
    answers = tenant.exchange_calls.read_many(commands) if commands else []
    deep: Dict[str, Deep] = {}
    for number, (name, _guid) in enumerate(items):
        rules, send_as, access = answers[3 * number : 3 * number + 3]
        for answer, part in ((rules, "inbox_rules"), (send_as, "send_as"), (access, "full_access")):
            reading.rows(answer, part)
        deep[name] = Deep(
            inbox_rules=None if isinstance(rules, TenantError) else _rules(rules),
            send_as=None if isinstance(send_as, TenantError) else _trustees(send_as, "Trustee", "SendAs"),
            full_access=None if isinstance(access, TenantError) else _trustees(access, "User", "FullAccess"),
        )
    return deep


def _rules(rows: List[Row]) -> List[InboxRule]:
    """Enabled rules that move mail out of the mailbox or drop it."""
    verbs = (("ForwardTo", "forwards to"), ("RedirectTo", "redirects to"), ("ForwardAsAttachmentTo", "attaches to"))
    found = []
    for row in rows:
        if not row.flag("Enabled"):
            continue
        does = ["{0} {1}".format(verb, ", ".join(row.texts(name))) for name, verb in verbs if row.texts(name)]
        does += ["deletes"] if row.flag("DeleteMessage") else []
        if does:
            found.append(InboxRule(row.required_text("Name"), " and ".join(does)))
    return sorted(found)


def _trustees(rows: List[Row], name: str, right: str) -> List[str]:
    """Rights come as a list whose elements may hold several with commas between; the mailbox itself is left out."""
    found = set()
    for row in rows:
        rights = {part.strip() for text in row.texts("AccessRights") for part in text.split(",")}
        who = row.text(name) or ""
        denied = row.flag("Deny") or (row.text("AccessControlType") or "Allow") != "Allow"
        if right in rights and not denied and who and not who.upper().startswith("NT AUTHORITY"):
            found.add(who)
    return sorted(found)
