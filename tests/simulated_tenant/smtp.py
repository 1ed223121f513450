# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP door: client submission with XOAUTH2, as a function from what a client says to the reply. No sockets here.

Only tokens of applications exist in this world, so the gates are those of the two app-only routes, in the order in
which a 235 proves them:

* https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
* https://learn.microsoft.com/exchange/client-developer/legacy-protocols/smtp-app-rbac-onboarding
* https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import catalogue
from .cmdlets_rbac import test_authorization
from .exchange_errors import ExchangeError
from .faults import AFTER
from .messages import ConnectionLost, LogEntry, WriteRefused
from .tenant import Tenant
from .tenant_mail import Row
from .tokens import Token

if TYPE_CHECKING:
    from .world import World

BANNER = "Microsoft ESMTP MAIL Service ready"
UNSUCCESSFUL = "535 5.7.3 Authentication unsuccessful"
BASIC = "535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
DISABLED = (
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the {0}."
    " Visit https://aka.ms/smtp_auth_disabled for more information."
)
SECURITY_DEFAULTS = (
    "535 5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy."
    " Contact your administrator."
)
NOT_AUTHENTICATED = "530 5.7.57 Client not authenticated to send mail."
SEND_AS_DENIED = "550 5.7.60 SMTP; Client does not have permissions to send as this sender"
LOGON_FAILED = (
    "430 4.2.0 STOREDRV; mailbox logon failure; message failure was: MapiExceptionLogonFailed:"
    " Unable to make connection to the server; no rights on this session"
)
OPENED = "235 2.7.0 Authentication successful"
ACCEPTED = "250 2.0.0 OK"


@dataclass
class Submission:
    """Who has signed in over one connection, and for which mailbox."""

    tenant: Tenant
    token: Token
    mailbox: Row


class SmtpDoor:
    """Every command that means something is a log entry of the door ``smtp``; a token is never a part of one."""

    def __init__(self, world: World) -> None:
        self.world = world

    def authenticate(self, blob: str) -> tuple[str, Submission | None]:
        """The reply to AUTH XOAUTH2 with this initial response, and the session that a 235 opens."""
        user, value = _credentials(blob)
        token, _reason = self.world.tokens.check(value, catalogue.EXCHANGE)
        tenant = token.tenant if token else None
        opened: list[Submission] = []

        def act() -> str:
            refusal = UNSUCCESSFUL
            if token is not None:
                mailbox = _mailbox(token.tenant, user)
                refusal = _refusal(token, mailbox)
                if not refusal and mailbox is not None:
                    opened.append(Submission(token.tenant, token, mailbox))
                    return OPENED
            return refusal

        return self._answer("AUTH", user, tenant, act), (opened[0] if opened else None)

    def basic(self, user: str) -> str:
        """AUTH LOGIN: no mailbox here has a password."""
        return self._answer("AUTH", user, None, lambda: BASIC)

    def mail(self, session: Submission, sender: str) -> str:
        """MAIL FROM, of a client that has signed in."""

        def act() -> str:
            return ACCEPTED if _may_send_as(session, sender) else SEND_AS_DENIED

        return self._answer("MAIL", sender, session.tenant, act)

    def data(self, session: Submission, sender: str, recipients: list[str], content: bytes) -> str:
        """The end of DATA: the only thing here that sends."""

        def act() -> str:
            if "SMTP.SendAsApp" in session.token.roles and not _has_full_access(session):
                return LOGON_FAILED
            session.tenant.sent_mail.append({"from": sender, "to": recipients, "size": len(content)})
            return ACCEPTED

        return self._answer("DATA", sender, session.tenant, act)

    def _answer(self, verb: str, subject: str, tenant: Tenant | None, act: Callable[[], str]) -> str:
        """Logs, lets faults strike (a status and its text, or a broken connection), and acts."""
        with self.world.entering("smtp", verb, subject, tenant, is_write=verb == "DATA") as entry:
            reply = self._reply(entry, act)
            entry.status = int(reply[:3])
            entry.error = reply if entry.status >= 400 else None
            return f"{reply}{self._stamp()}" if entry.error else reply

    def _reply(self, entry: LogEntry, act: Callable[[], str]) -> str:
        if self.world.refuse_writes and entry.is_write:
            entry.fault = "write_refused"
            raise WriteRefused(f"a mail was sent: {entry.path}")
        fault = self.world.faults.strike(entry)
        if fault is None:
            return act()
        if isinstance(fault.do, int):
            return f"{fault.do} {fault.body or '4.3.2 Service not active'}"
        if fault.do in AFTER:
            act()
        raise ConnectionLost("the connection was reset")

    def _stamp(self) -> str:
        return f" [AM0PR01CA0001.EURPRD01.PROD.EXCHANGELABS.COM {self.world.now():%Y-%m-%dT%H:%M:%S.000Z}]"


def _credentials(blob: str) -> tuple[str, str]:
    """(user, token) of a SASL XOAUTH2 initial response; empty texts for anything else."""
    try:
        parts = base64.b64decode(blob, validate=True).decode().split("\x01")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return "", ""
    if len(parts) != 4 or not parts[0].startswith("user=") or not parts[1].lower().startswith("auth=bearer "):
        return "", ""
    return parts[0][len("user=") :], parts[1][len("auth=bearer ") :]


def _mailbox(tenant: Tenant, user: str) -> Row | None:
    wanted = user.lower()
    for row in tenant.mailboxes:
        addresses = {address.split(":", 1)[-1].lower() for address in row["EmailAddresses"]}
        if wanted and wanted in addresses | {str(row["UserPrincipalName"]).lower()}:
            return row
    return None


def _refusal(token: Token, mailbox: Row | None) -> str:
    """The first gate that stays closed; an empty text if none does."""
    tenant = token.tenant
    classic = "SMTP.SendAsApp" in token.roles
    if not classic and not _role_assignments(tenant, token):
        return UNSUCCESSFUL
    if mailbox is None:
        return UNSUCCESSFUL
    closed = mailbox["SmtpClientAuthenticationDisabled"]
    if closed:
        return DISABLED.format("Mailbox")
    if closed is None and tenant.transport_config["SmtpClientAuthenticationDisabled"]:
        return DISABLED.format("Tenant")
    defaults = tenant.policies["identitySecurityDefaultsEnforcementPolicy"]["isEnabled"]
    if defaults and tenant.settings.security_defaults_stop_smtp:
        return SECURITY_DEFAULTS
    if not _is_registered(tenant, token):
        return UNSUCCESSFUL
    if not classic and not _role_assignments(tenant, token, mailbox):
        return UNSUCCESSFUL
    return ""


def _is_registered(tenant: Tenant, token: Token) -> bool:
    """Whether Exchange knows the service principal, by the object id of the enterprise application."""
    return any(
        row["AppId"].lower() == token.app_id.lower() and row["ObjectId"].lower() == token.object_id.lower()
        for row in tenant.exchange_service_principals
    )


def _role_assignments(tenant: Tenant, token: Token, mailbox: Row | None = None) -> list[Any]:
    """The RBAC route: assignments of "Application SMTP.SendAsApp", of those that cover the mailbox where one is given."""
    bound: dict[str, Any] = {"Identity": token.app_id}
    if mailbox is not None:
        bound["Resource"] = mailbox["Guid"]
    try:
        rows = test_authorization(tenant, bound).rows
    except ExchangeError:
        return []
    held = [row for row in rows if row["RoleName"] == "Application SMTP.SendAsApp"]
    return [row for row in held if mailbox is None or row["InScope"] is True]


def _may_send_as(session: Submission, sender: str) -> bool:
    own = {address.split(":", 1)[-1].lower() for address in session.mailbox["EmailAddresses"]}
    return sender.lower() in own


def _has_full_access(session: Submission) -> bool:
    names = {
        str(row["DisplayName"] or row["ObjectId"])
        for row in session.tenant.exchange_service_principals
        if row["AppId"].lower() == session.token.app_id.lower()
    }
    return any(
        row["_mailbox"] == session.mailbox["Guid"]
        and row["User"] in names
        and "FullAccess" in ", ".join(row["AccessRights"])
        for row in session.tenant.mailbox_permissions
    )
