# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What an SMTP server said, and what each reply means. Sources: Microsoft's "Authenticate an IMAP, POP or SMTP
connection using OAuth", "SMTP Onboarding to App RBAC", "Enable or disable authenticated client SMTP submission" and
"Email non-delivery reports in Exchange Online"; causes that these leave open are from public reports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import FrozenSet, List, Optional

# How far a conversation went. NAME and CERTIFICATE are where it ended.
NAME, CONNECTION, GREETING, STARTTLS, TLS, CERTIFICATE, MECHANISMS, LOGIN = (
    "name",
    "connection",
    "greeting",
    "starttls",
    "tls",
    "certificate",
    "mechanisms",
    "login",
)


@dataclass
class Conversation:
    host: str
    port: int
    reached: str = CONNECTION
    code: Optional[int] = None
    said: Optional[str] = None
    """The server's last words, in one line and without what it was sent."""
    problem: Optional[str] = None
    """Why there was no reply."""
    tls: Optional[str] = None
    mechanisms: List[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cause:
    name: str
    text: str
    fix: str
    passing: bool = False
    """Whether it says nothing, and trying again may help."""


SMTP_AUTH_FIX = (
    "Enable SMTP AUTH for this mailbox alone: the role's tag smtp_auth, or Set-CASMailbox -Identity MAILBOX"
    " -SmtpClientAuthenticationDisabled $false. It can take an hour to count."
)
POLICY_FIX = "Look into the sign-in logs of Entra for the application, and exclude it from the policy that they name."
PERMISSION_FIX = (
    "New-ServicePrincipal with the object id of the enterprise application, and either Add-MailboxPermission"
    " -AccessRights FullAccess (with the application permission SMTP.SendAsApp) or a role assignment of"
    " 'Application SMTP.SendAsApp' (without that permission). Changes count after up to two hours."
)
LATER = "Run again later."

# (codes of the reply, what its text holds, cause); the first that fits counts.
REPLIES = (
    (
        (535,),
        r"5\.7\.139.*disabled for the mailbox",
        Cause("smtp_auth_disabled_for_mailbox", "SMTP AUTH is switched off for the mailbox", SMTP_AUTH_FIX),
    ),
    (
        (535,),
        r"5\.7\.139.*SmtpClientAuthentication is disabled",
        Cause(
            "smtp_auth_disabled_for_organization",
            "SMTP AUTH is switched off for the organization, and the mailbox has no setting of its own",
            SMTP_AUTH_FIX,
        ),
    ),
    (
        (535,),
        r"5\.7\.139.*security defaults",
        Cause(
            "security_defaults",
            "the security defaults of the organization refuse the sign-in over SMTP",
            "Replace security defaults by conditional access policies, or exclude the mailbox' user from what blocks.",
        ),
    ),
    (
        (535, 550),
        r"5\.7\.139.*basic authentication is disabled|5\.7\.30",
        Cause(
            "basic_authentication",
            "the server took the sign-in for one with a password, which it does not accept any more",
            "Use OAuth 2.0: in Webex Connect, an asset of the type Username and Password has to be changed.",
        ),
    ),
    (
        (535,),
        r"5\.7\.139.*(criteria|conditional access)",
        Cause("conditional_access", "a conditional access policy refuses the sign-in", POLICY_FIX),
    ),
    ((535,), r"5\.7\.139", Cause("sign_in_policy", "a policy of the organization refuses the sign-in", POLICY_FIX)),
    ((535, 534), r"", Cause("not_accepted", "Exchange did not accept the sign-in for this mailbox", PERMISSION_FIX)),
    (
        (),
        r"STOREDRV.*logon failure|MapiExceptionLogonFailed",
        Cause(
            "mailbox_logon_failed",
            "the sign-in was accepted, but the application has no FullAccess to the mailbox yet",
            PERMISSION_FIX,
        ),
    ),
    (
        (550, 554),
        r"5\.7\.60|5\.2\.252",
        Cause(
            "send_as_denied",
            "the sender is not an address that this sign-in may send as",
            "Give Webex Connect the mailbox' primary address as Email ID, or grant Send As.",
        ),
    ),
    (
        (530,),
        r"",
        Cause("not_authenticated", "the server wants a sign-in or TLS before anything else", "Check host and port."),
    ),
    (
        (504, 538),
        r"",
        Cause(
            "mechanism_refused",
            "the server offers XOAUTH2 and does not take it",
            "Look for a gateway between this machine and Microsoft.",
        ),
    ),
    (
        (432,),
        r"",
        Cause("too_many_connections", "the mailbox has too many connections at the moment", LATER, passing=True),
    ),
)
BUSY = Cause("busy", "the server is busy or does not want to talk now", LATER, passing=True)
UNKNOWN = Cause("unknown_reply", "the server refused with a reply that has no explanation here", LATER)


def cause_of(code: Optional[int], said: str) -> Cause:
    """Texts of the service change: they are looked for loosely, and shown beside."""
    for codes, pattern, cause in REPLIES:
        if (not codes or code in codes) and re.search(pattern, said, re.IGNORECASE | re.DOTALL):
            return cause
    return BUSY if code is not None and 400 <= code < 500 else UNKNOWN


def without_right(roles: FrozenSet[str]) -> str:
    """What the token itself says about a refusal that can have several causes."""
    if "SMTP.SendAsApp" in roles:
        return (
            "; the token has SMTP.SendAsApp, so look at the service principal in Exchange (its object id must be that of"
            " the enterprise application), at its permission on the mailbox, and at the mailbox' address"
        )
    return (
        "; the token has no SMTP.SendAsApp (it has {0}), so only a role assignment in Exchange could open the mailbox."
        " Mail.Send does not open SMTP"
    ).format(", ".join(sorted(roles)) or "no application permission at all")
