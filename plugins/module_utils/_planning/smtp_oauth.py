# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What can be proved from outside before anybody opens Webex Connect, and what each proof is worth.

Three answers. ``failed``: something was seen that will stop Webex Connect as well, or that the user asked to be tried
and does not work. ``not_possible``: nothing was learned here, and nothing is claimed. ``passed``: what ``proves`` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Union

from .._clouds import CLOUDS
from .._errors import AuthenticationFailed, InvalidInput, TenantError
from .._login import GUID
from .audit_answers import NO, UNKNOWN, Finding, Verdict
from .audit_directory import judge_directory
from .audit_seen import Directory
from .audit_verdicts import NEEDED, consent_of, sending_of_application
from .audit_wishes import Wishes, wishes_of
from .checks import checked_address, checked_redirect_uris, refuse_control_characters, refuse_non_guid
from .handoff_sheet import authorize_url
from .plan import Plan
from .smtp_conversation import (
    CERTIFICATE,
    CONNECTION,
    LOGIN,
    MECHANISMS,
    NAME,
    STARTTLS,
    Conversation,
    cause_of,
    without_right,
)

PASSED, FAILED, NOT_POSSIBLE = "passed", "failed", "not_possible"
HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z", re.I)

# In the order in which they are reported: what a check proves, and what it does not.
WORTH = {
    "smtp_server": (
        "From this machine the SMTP server is reached, its certificate is trusted, and it offers XOAUTH2.",
        "Anything about the tenant, the application or the mailbox; and the way that Webex Connect itself takes.",
    ),
    "tenant": (
        "The tenant exists in this cloud, and its sign-in has the addresses that the hand-off sheet tells.",
        "That the application exists.",
    ),
    "app_sign_in": (
        "The application ID, the stored value of the secret and the tenant belong together; the token lists the"
        " application permissions that were granted.",
        "The delegated consent, the redirect URI, the mailbox, SMTP AUTH, and that the value in Webex Connect is this one.",
    ),
    "application": (
        "As it is written in Entra: redirect URI and platform, sign-in, and the end of the secret.",
        "That Entra accepts it at the sign-in.",
    ),
    "consent": (
        "Consent to what Webex Connect asks for is recorded.",
        "That conditional access lets the person's sign-in through.",
    ),
    "authorize_url": (
        "By hand: that Entra knows the application and its redirect URI, which a page without AADSTS700016 and"
        " AADSTS50011 shows.",
        "The secret, the consent, the token.",
    ),
    "smtp_login": (
        "The mailbox exists, SMTP AUTH is open for it, and Exchange accepts the application for it.",
        "The delegated sign-in that Webex Connect uses, and that the application may submit mail. Nothing was sent.",
    ),
}

# What the sign-in says of the application, by Microsoft's "Microsoft Entra authentication and authorization error
# codes": name, meaning, what to do.
SIGN_IN = {
    "AADSTS7000215": (
        "secret_wrong",
        "the stored text is no secret of the application",
        "Make a new secret (the role's tag secret, with connect_email_secret_adopt=replace), and enter its value.",
    ),
    "AADSTS7000222": ("secret_expired", "the secret has expired", "Run rotate_secrets, and enter the new value."),
    "AADSTS7000229": (
        "service_principal_absent",
        "the application has no service principal in the tenant",
        "Run onboard, which makes it (tag app).",
    ),
    "AADSTS7000112": (
        "application_disabled",
        "the application is disabled in the tenant",
        "Enable its enterprise application in Entra.",
    ),
    "AADSTS700016": (
        "application_unknown",
        "the tenant does not know the application",
        "Compare application ID and tenant ID: one of them is another tenant's.",
    ),
    "AADSTS90002": (
        "tenant_unknown",
        "the tenant does not exist in this cloud",
        "Correct the tenant ID, or the cloud.",
    ),
    "AADSTS90038": ("another_cloud", "the tenant lives in another cloud", "Set the cloud."),
    "AADSTS900382": ("another_cloud", "the tenant lives in another cloud", "Set the cloud."),
    "AADSTS500011": (
        "api_absent",
        "the tenant has no service principal of Office 365 Exchange Online",
        "The tenant needs an Exchange plan.",
    ),
    "AADSTS650052": ("api_absent", "the tenant has no subscription to Exchange Online", "Buy an Exchange plan."),
    "AADSTS53003": (
        "conditional_access",
        "a conditional access policy for workload identities blocks the application",
        "Exclude the application from it, or try from a location that it allows.",
    ),
}


@dataclass(frozen=True)
class SignIn:
    """With the application's own stored secret. ``untried`` says why there was no attempt."""

    roles: FrozenSet[str] = frozenset()
    failure: Optional[TenantError] = None
    untried: Optional[str] = None
    looks_like_an_id: bool = False
    """Whether what is stored has the form of a Secret ID."""


@dataclass(frozen=True)
class Seen:
    cloud: str
    authority_host: str
    tenant_id: str
    admin_client_id: str
    now: datetime
    conversation: Optional[Conversation]
    """None where no host is known to talk to."""
    metadata: Union[Mapping[str, Any], TenantError]
    sign_in: SignIn
    directory: Union[Directory, TenantError, None] = None
    """None where it was not looked at."""


@dataclass
class Check:
    name: str
    state: str
    cause: Optional[str] = None
    because: List[str] = field(default_factory=list)
    said: Optional[str] = None
    fix: Optional[str] = None
    more: Dict[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> Dict[str, Any]:
        proves, does_not_prove = WORTH[self.name]
        return {
            "name": self.name,
            "state": self.state,
            "cause": self.cause,
            "because": self.because,
            "said": self.said,
            "fix": self.fix,
            "proves": proves,
            "does_not_prove": does_not_prove,
            **self.more,
        }


def check(options: Dict[str, Any]) -> None:
    refuse_non_guid(options["app_id"], "app_id")
    refuse_control_characters(options["app_secret_name"], "app_secret_name")
    if options["mailbox"]:
        options["mailbox"] = checked_address(options["mailbox"], "mailbox")
    if options["login"] and not options["mailbox"]:
        raise InvalidInput("login is true, but mailbox is empty.", "Name the mailbox to sign in for.")
    if options["callback_url"]:
        checked_redirect_uris([options["callback_url"]], None, "callback_url")
    if options["smtp_host"] and not HOST.match(options["smtp_host"]):
        raise InvalidInput("smtp_host is {0!r}, which is no host.".format(options["smtp_host"]))
    if not 0 < options["smtp_port"] < 65536:
        raise InvalidInput("smtp_port is {0}, which is no port.".format(options["smtp_port"]))


def smtp_server(options: Mapping[str, Any], cloud: str, built_in: bool) -> Optional[str]:
    """The host to talk to. A token goes to the cloud that issued it and nowhere else, whatever an option says."""
    given, own = options["smtp_host"], CLOUDS[cloud].smtp_host
    if built_in:
        if options["login"] and given and given.lower() != own:
            raise InvalidInput(
                "login would send a token to {0}, and this cloud's SMTP server is {1}.".format(given, own),
                "Leave smtp_host out, or login. Nothing was sent.",
            )
        return given or own
    if given and given.lower() in {other.smtp_host for other in CLOUDS.values()}:
        raise InvalidInput(
            "The endpoints are overridden, and smtp_host names Microsoft's own {0}.".format(given),
            "Give the SMTP server that belongs to the endpoints. Nothing was sent.",
        )
    return str(given) if given else None


def wishes_for(options: Mapping[str, Any]) -> Optional[Wishes]:
    """What the directory is compared with; None where it is not to be looked at."""
    if not options["app_id"] or not options["callback_url"]:
        return None
    return wishes_of(
        {
            "connect_email_app_id": options["app_id"],
            "connect_email_callback_url": options["callback_url"],
            "connect_email_secret_name": options["app_secret_name"],
        }
    )


def plan_checks(seen: Seen, options: Mapping[str, Any]) -> Plan:
    """Nothing is ever changed, so there is nothing to do."""
    checks = [
        _smtp_server(seen.conversation),
        _tenant(seen),
        _app_sign_in(seen.sign_in),
        *_of_directory(seen, options),
        _authorize_url(seen, options),
        _smtp_login(seen, options),
    ]
    return Plan(before={}, after={}, result=[check.shown for check in checks])


def _smtp_server(seen: Optional[Conversation]) -> Check:
    name = "smtp_server"
    if seen is None:
        return Check(
            name,
            NOT_POSSIBLE,
            "no_host",
            ["the endpoints are overridden, so the SMTP server is not known"],
            fix="Give smtp_host, and smtp_port.",
        )
    where = "{0} port {1}".format(seen.host, seen.port)
    if seen.reached in (MECHANISMS, LOGIN):
        if "XOAUTH2" in seen.mechanisms:
            return Check(name, PASSED, None, ["{0}, {1}".format(where, seen.tls)], "AUTH " + " ".join(seen.mechanisms))
        text = "{0} does not offer XOAUTH2 after STARTTLS".format(where)
        return Check(name, FAILED, "xoauth2_not_offered", [text], seen.said, "Check smtp_host and smtp_port.")
    if seen.reached == STARTTLS:
        text = "{0} does not offer STARTTLS".format(where)
        fix = "Check smtp_host and smtp_port (587), and look for a gateway in between that takes TLS away."
        return Check(name, FAILED, "starttls_not_offered", [text], seen.said, fix)
    if seen.reached == CERTIFICATE:
        text = "the certificate of {0} is not trusted: {1}".format(where, seen.problem)
        fix = "Look for a gateway in between that opens TLS; if its authority is a private one of yours, name it in ca_path."
        return Check(name, FAILED, "certificate_not_trusted", [text], seen.said, fix)
    if seen.problem is None:
        cause = cause_of(seen.code, seen.said or "")
        text = "{0}: {1}".format(where, cause.text)
        return Check(name, NOT_POSSIBLE if cause.passing else FAILED, cause.name, [text], seen.said, cause.fix)
    cause_name, what = "no_connection", "could not be reached"
    if seen.reached == NAME:
        cause_name, what = "host_name_unknown", "has no address"
    elif seen.reached != CONNECTION:
        cause_name, what = "connection_lost", "did not keep up the conversation"
    text = "{0} {1} from this machine: {2}".format(where, what, seen.problem)
    fix = "Check name resolution and the firewall for outgoing TCP of this machine. Webex Connect has a way of its own."
    return Check(name, NOT_POSSIBLE, cause_name, [text], seen.said, fix)


def _tenant(seen: Seen) -> Check:
    name, found = "tenant", seen.metadata
    if isinstance(found, TenantError):
        return Check(name, NOT_POSSIBLE, "no_answer", [found.message], fix=found.advice or None)
    codes = {"AADSTS{0}".format(code) for code in found.get("error_codes") or ()}
    if "error" in found:
        known = next((code for code in codes if code in SIGN_IN), None)
        default = ("tenant_refused", "the sign-in does not know the tenant", "Correct the tenant ID, or the cloud.")
        cause, text, fix = SIGN_IN[known] if known else default
        said = "{0}, trace id {1}".format(", ".join(sorted(codes)) or found["error"], found.get("trace_id") or "none")
        return Check(name, FAILED, cause, [text], said, fix)
    issued = str(found.get("issuer") or "").lower()
    authorize = str(found.get("authorization_endpoint") or "")
    expected = "{0}/{1}/oauth2/v2.0/authorize".format(seen.authority_host, seen.tenant_id)
    if GUID.match(seen.tenant_id) and seen.tenant_id.lower() not in issued:
        text = "the sign-in answers for another tenant: {0}".format(issued)
        return Check(name, FAILED, "another_tenant", [text], authorize, "Correct the tenant ID.")
    if GUID.match(seen.tenant_id) and authorize.lower() != expected.lower():
        text = "the tenant's sign-in is at {0}, not at {1}".format(authorize, expected)
        return Check(name, FAILED, "another_cloud", [text], authorize, "Set the cloud of the tenant.")
    return Check(name, PASSED, None, ["the tenant is {0}".format(seen.tenant_id)], authorize)


def _app_sign_in(sign_in: SignIn) -> Check:
    name, failure = "app_sign_in", sign_in.failure
    if sign_in.untried is not None:
        fix = "Name the application and a store that can be read, or try the value by hand."
        return Check(name, NOT_POSSIBLE, "no_secret", [sign_in.untried], fix=fix, more={"roles": None})
    if failure is None:
        roles = sorted(sign_in.roles)
        text = "a token was issued; application permissions in it: {0}".format(", ".join(roles) or "none")
        return Check(name, PASSED, None, [text], more={"roles": roles})
    more: Dict[str, Any] = {"roles": None}
    if not isinstance(failure, AuthenticationFailed):
        return Check(name, NOT_POSSIBLE, "no_answer", [failure.message], fix=failure.advice or None, more=more)
    code = str(failure.facts.get("code"))
    said = "{0}, trace id {1}".format(code, failure.facts.get("request_id") or "none")
    cause, text, fix = SIGN_IN.get(
        code, ("sign_in_refused", "the sign-in refuses the application for another reason", failure.advice)
    )
    if code == "AADSTS7000215" and sign_in.looks_like_an_id:
        cause, text = "secret_id_stored", "what is stored has the form of a Secret ID, and the Value is needed"
    return Check(name, FAILED, cause, ["{0} ({1})".format(text, code)], said, fix or None, more)


def _of_directory(seen: Seen, options: Mapping[str, Any]) -> List[Check]:
    found, wishes = seen.directory, wishes_for(options)
    if found is None or wishes is None:
        text = "app_id or callback_url is not known, so there is nothing to compare with"
        return [Check(name, NOT_POSSIBLE, "not_asked", [text]) for name in ("application", "consent")]
    if isinstance(found, TenantError):
        return [
            Check(name, NOT_POSSIBLE, "not_read", [found.message], fix=found.advice or None)
            for name in ("application", "consent")
        ]
    judged = judge_directory(found, wishes, seen.admin_client_id, seen.tenant_id, seen.now)
    consent = Verdict()
    if judged.application is not None:
        for app_id, scope in NEEDED:
            consent_of(consent, None, found, judged, app_id, scope)
    return [
        _judged("application", sending_of_application(judged, found, wishes, seen.now), "app"),
        _judged("consent", consent.findings, "consent"),
    ]


def _judged(name: str, findings: List[Finding], tag: str) -> Check:
    ordered = Verdict(list(findings)).because
    answers = {finding.answer for finding in findings}
    because = [fact["text"] for fact in ordered]
    if not findings:
        return Check(name, NOT_POSSIBLE, "application_absent", ["there is no application to look at"])
    if NO in answers or UNKNOWN in answers:
        state = FAILED if NO in answers else NOT_POSSIBLE
        fix = "Run onboard with the tag {0}, or see what audit says of it.".format(tag)
        return Check(name, state, ordered[0]["name"], because, fix=fix)
    return Check(name, PASSED, None, because)


def _authorize_url(seen: Seen, options: Mapping[str, Any]) -> Check:
    url = None
    if options["app_id"] and options["callback_url"]:
        url = authorize_url(seen.cloud, seen.tenant_id, options["app_id"], options["callback_url"])
    text = "only a person can sign in, and this module does not"
    fix = "Open the address in a private browser window, and stop before the sign-in." if url else None
    return Check("authorize_url", NOT_POSSIBLE, "needs_a_person", [text], fix=fix, more={"url": url})


def _smtp_login(seen: Seen, options: Mapping[str, Any]) -> Check:
    name, talk = "smtp_login", seen.conversation
    more = {"mailbox": options["mailbox"]}
    if not options["login"]:
        fix = (
            "login: true tries it. It needs SMTP.SendAsApp for the application, or the role 'Application SMTP.SendAsApp'"
            " in Exchange, which Webex Connect does not need: grant it for the trial, and take it back."
        )
        return Check(name, NOT_POSSIBLE, "not_asked", ["it was not asked for"], fix=fix, more=more)
    if talk is None or talk.reached != LOGIN:
        text = "there was no token, or the SMTP server was not reached or does not offer XOAUTH2; see those checks"
        return Check(name, NOT_POSSIBLE, "no_way_there", [text], more=more)
    if talk.problem is not None:
        text = "the server gave no answer to the sign-in: {0}".format(talk.problem)
        return Check(name, NOT_POSSIBLE, "connection_lost", [text], talk.said, "Run again later.", more)
    if talk.code == 235:
        return Check(name, PASSED, None, ["Exchange accepts the application for the mailbox"], talk.said, more=more)
    cause = cause_of(talk.code, talk.said or "")
    text = cause.text + (without_right(seen.sign_in.roles) if cause.name == "not_accepted" else "")
    return Check(name, NOT_POSSIBLE if cause.passing else FAILED, cause.name, [text], talk.said, cause.fix, more)
