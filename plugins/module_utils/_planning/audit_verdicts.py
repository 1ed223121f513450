# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Will mail flow? Two answers an asset, each because of named facts.

Webex Connect sends over SMTP with a token of a user: so application, redirect URI, secret, delegated consent and the
mailbox's SMTP AUTH decide. Mail arrives by forwarding alone, whatever the application is like.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, List, Optional

from .._errors import NotFound, TenantError
from .._graph_objects import EXCHANGE_ONLINE, MICROSOFT_GRAPH, Secret
from .._rows import format_time
from .audit_answers import NO, UNKNOWN, UNTIL, YES, Finding, Verdict
from .audit_cells import BLOCKED, not_read
from .audit_directory import DirectoryJudgement, nobody_assigned
from .audit_mail import ANSWERS, AssetJudgement, facts_of
from .audit_seen import Box, Directory, Mail
from .audit_signing import signer_id, signing_in
from .audit_wishes import Wishes
from .checks import is_address
from .permissions import resource_name
from .secret_rotation import ending

NEEDED = ((EXCHANGE_ONLINE, "SMTP.Send"), (MICROSOFT_GRAPH, "offline_access"))
"""What the sign-in of Webex Connect asks for."""


SECURITY_DEFAULTS = (
    "security defaults are on; Microsoft says that SMTP AUTH is off then, and does not say whether sign-in with OAuth is"
    " refused too, which a mail through the asset proves"
)


def sending_of_application(found: DirectoryJudgement, seen: Directory, wishes: Wishes, now: datetime) -> List[Finding]:
    """What is the same for every asset of the tenant."""
    verdict = Verdict()
    application = found.application
    for part in ("application", "principal"):
        if part in seen.unread and (part == "application" or seen.only is not None):
            return [Finding(UNKNOWN, not_read(part, seen.unread[part]))]
    if application is None:
        cell = next(cell for cell in found.cells if cell.step == "application")
        if cell.state == BLOCKED and not any(fact.name == "not_found" for fact in cell.because):
            return [Finding(UNKNOWN, fact) for fact in cell.because]
        return [Finding(NO, fact) for fact in cell.because]
    _enterprise_application(verdict, seen)
    if application.sign_in_audience == "PersonalMicrosoftAccount":
        text = "only personal Microsoft accounts may sign in to the application, and no account of an organization"
        verdict.add(NO, "personal_accounts_only", text)
    if seen.security_defaults:
        verdict.add(YES, "security_defaults_on", SECURITY_DEFAULTS)
    _redirect_uri(verdict, found, wishes)
    _secret(verdict, found, seen, wishes, now)
    return verdict.findings


def _enterprise_application(verdict: Verdict, seen: Directory) -> None:
    if seen.principal is None:
        verdict.add(NO, "service_principal_absent", "the application has no service principal in the tenant")
    if seen.disabled:
        verdict.add(NO, "application_disabled", "the application is disabled, so it gets no tokens")
    if seen.enabled is False:
        verdict.add(NO, "sign_in_disabled", "sign-in to the enterprise application is switched off (AADSTS7000112)")
    if seen.assignment_required and seen.principal is not None:
        if seen.assigned is None:
            verdict.add(UNKNOWN, "assignment_not_read", "only assigned users may sign in, and who is was not read")
        elif not seen.assigned:
            verdict.findings.append(Finding(NO, nobody_assigned()))


def _redirect_uri(verdict: Verdict, found: DirectoryJudgement, wishes: Wishes) -> None:
    application, url = found.application, wishes.callback_url
    if application is None:
        return
    elsewhere = {
        "single-page application": application.spa_redirect_uris,
        "mobile and desktop": application.public_redirect_uris,
    }
    platforms = [platform for platform, uris in elsewhere.items() if url in uris]
    if url not in application.redirect_uris:
        text = (
            "the callback URL {0} is no redirect URI of the platform Web, so Generate Token fails (AADSTS50011);"
            " a token that Webex Connect holds already works on".format(url)
        )
        verdict.add(NO, "redirect_uri_missing", text)
    for platform in platforms:
        text = "the callback URL is registered for the platform {0} too; its refresh tokens end after 24 hours"
        verdict.add(UNKNOWN, "redirect_uri_also_elsewhere", text.format(platform))


def _secret(verdict: Verdict, found: DirectoryJudgement, seen: Directory, wishes: Wishes, now: datetime) -> None:
    secrets = found.application.secrets if found.application else []
    name = wishes.secret["display_name"]
    live = [secret for secret in secrets if ending(secret) > now]
    ours = [secret for secret in live if secret.display_name == name]
    held, record = found.current_secret, seen.record
    if not live:
        verdict.add(NO, "no_live_secret", "the application has no secret that is still valid (AADSTS7000222)")
    elif "store" in seen.unread:
        verdict.findings.append(Finding(UNKNOWN, not_read("store", seen.unread["store"])))
    elif record is not None and record.key_id:
        if held is None:
            text = "the secret that the store holds (key id {0}) is no secret of the application any more"
            verdict.add(NO, "secret_removed", text.format(record.key_id))
        else:
            _lasting(verdict, held, wishes, now, "the secret that the store holds")
    elif ours:
        _lasting(verdict, max(ours, key=ending), wishes, now, "the newest secret of the name")
        text = "no store says which secret Webex Connect holds; {0} live one is named {1!r}"
        verdict.add(YES, "secret_holder_unknown", text.format(len(ours), name))
    else:
        text = "no live secret is named {0!r}; Webex Connect may hold one of another name: {1}"
        names = ", ".join(sorted({repr(secret.display_name) for secret in live}))
        verdict.add(UNKNOWN, "only_other_secrets", text.format(name, names))


def _lasting(verdict: Verdict, secret: Secret, wishes: Wishes, now: datetime, what: str) -> None:
    if secret.end is None:
        verdict.add(YES, "secret_without_end", "{0} (key id {1}) never ends".format(what, secret.key_id))
        return
    text = "{0} (key id {1}) ends {2}".format(what, secret.key_id, format_time(secret.end))
    if secret.end <= now:
        verdict.add(NO, "secret_expired", text + ", which is past (AADSTS7000222)")
    elif secret.end - now <= timedelta(days=wishes.secret["rotate_before_days"]):
        verdict.add(UNTIL, "secret_ends_soon", text, secret.end)
    else:
        verdict.add(YES, "secret_valid", text)


def sending(
    found: AssetJudgement, common: List[Finding], directory: DirectoryJudgement, seen: Directory, mail: Mail
) -> Verdict:
    verdict = Verdict(list(common))
    if found.box.mailbox is None:
        _no_mailbox(verdict, found.box, mail)
    else:
        _primary_address(verdict, found)
        _smtp_auth(verdict, found)
        verdict.findings += signing_in(found.asset, found.box, seen)
    if directory.application is not None:
        for app_id, scope in NEEDED:
            consent_of(verdict, signer_id(found.asset, found.box), seen, directory, app_id, scope)
    return verdict


def _no_mailbox(verdict: Verdict, box: Box, mail: Mail) -> None:
    failure = box.failure or mail.unread.get("mailboxes") or TenantError("it was not looked for")
    if isinstance(failure, NotFound):
        verdict.add(NO, "mailbox_absent", failure.message)
    elif type(failure).__name__ == "Conflict":
        verdict.add(UNKNOWN, "several_mailboxes", failure.message)
    else:
        verdict.findings.append(Finding(UNKNOWN, not_read("mailboxes", failure)))


def _primary_address(verdict: Verdict, found: AssetJudgement) -> None:
    mailbox, given = found.box.mailbox, found.asset.mailbox
    if mailbox is not None and is_address(given) and given.lower() != mailbox.address.lower():
        text = "{0} is not the primary address of the mailbox, which is {1}; mail from another one is refused (5.7.60)"
        verdict.add(UNKNOWN, "not_the_primary_address", text.format(given, mailbox.address))


def _smtp_auth(verdict: Verdict, found: AssetJudgement) -> None:
    told = found.smtp_auth or {"effective": None, "because": []}
    because = "; ".join(told["because"])
    if told["effective"] == "enabled":
        verdict.add(YES, "smtp_auth_enabled", "SMTP AUTH is enabled: " + because)
    elif told["effective"] == "disabled":
        verdict.add(NO, "smtp_auth_disabled", "SMTP AUTH is disabled (535 5.7.139): " + because)
    else:
        cell = found.step("smtp_auth")
        verdict.findings += [Finding(UNKNOWN, fact) for fact in cell.because]


def consent_of(
    verdict: Verdict,
    user_id: Optional[str],
    seen: Directory,
    directory: DirectoryJudgement,
    app_id: str,
    scope: str,
) -> None:
    """A tenant-wide grant, or the user's own, or what users may do by themselves. ``user_id``: who signs in, if known."""
    api = resource_name(app_id)
    unread = next((part for part in ("resources", "grants") if part in seen.unread), None)
    if unread is not None:
        verdict.findings.append(Finding(UNKNOWN, not_read(unread, seen.unread[unread])))
        return
    resource = seen.resources.get(app_id)
    if resource is None:
        verdict.add(NO, "api_absent", "the tenant has no service principal of {0} (AADSTS650052)".format(api))
        return
    granted = [
        grant
        for grant in seen.grants
        if grant.resource_id == resource.object_id.lower() and scope.lower() in (name.lower() for name in grant.names)
    ]
    if any(grant.principal_id is None for grant in granted):
        verdict.add(YES, "consent_given", "{0} of {1} is granted for the organization".format(scope, api))
    elif any((grant.principal_id or "").lower() == (user_id or "?").lower() for grant in granted):
        verdict.add(YES, "consent_of_the_user", "who signs in consented to {0} of {1}".format(scope, api))
    else:
        answer, text = _by_user_consent(seen, directory.user_consent.get("setting"), app_id, scope)
        if granted and answer == NO:
            answer, text = UNKNOWN, "only single users consented to it, and whether one of them signs in is not known"
        name = "consent_at_sign_in" if answer == YES else "consent_missing"
        verdict.add(answer, name, "{0} of {1} is not granted: {2}".format(scope, api, text))


def _by_user_consent(seen: Directory, setting: Optional[str], app_id: str, scope: str) -> Any:
    if setting == "disabled":
        return NO, "users may consent to nothing, so the sign-in asks for an administrator (AADSTS90094)"
    if setting == "all":
        return YES, "the user can consent to it at the sign-in"
    if setting == "verified_publishers" and seen.low_impact is not None:
        names = {name.lower() for name in seen.low_impact.get(app_id, [])}
        if scope.lower() not in names:
            return NO, "users may consent to low-impact permissions only, and it is not classified so (AADSTS90094)"
        return UNKNOWN, "the user may be able to consent to it at the sign-in"
    if setting is None:
        return UNKNOWN, "and whether the user may consent to it was not read"
    return UNKNOWN, "whether the user may consent to it at the sign-in depends on the setting {0}".format(setting)


def _inbox_rule_or_nothing(verdict: Verdict, found: AssetJudgement) -> None:
    for rule in found.box.deep.inbox_rules or () if found.box.deep else ():
        if found.asset.target.lower() in rule.does.lower():
            text = "the mailbox does not forward, but its inbox rule {0!r} does; which mail it is met by is not judged"
            verdict.add(UNKNOWN, "inbox_rule_instead", text.format(rule.name))
            return
    verdict.add(NO, "forwarding_absent", "the mailbox does not forward")


def arriving(found: AssetJudgement, mail: Mail) -> Verdict:
    verdict = Verdict()
    mailbox, target = found.box.mailbox, found.asset.target
    if mailbox is None:
        _no_mailbox(verdict, found.box, mail)
        return verdict
    if mailbox.internal_forward:
        text = "the mailbox forwards to the internal recipient {0!r}, which wins over any external address"
        verdict.add(NO, "internal_forward_wins", text.format(mailbox.internal_forward))
    elif not mailbox.external_forward:
        _inbox_rule_or_nothing(verdict, found)
    elif mailbox.external_forward.lower() != target.lower():
        text = "the mailbox forwards to {0}, not to {1}"
        verdict.add(NO, "forwards_elsewhere", text.format(mailbox.external_forward, target))
    else:
        verdict.add(YES, "forwards_to_the_asset", "the mailbox forwards to {0}".format(target))
    if found.allowed is not None:
        deciding = set(found.allowed.decisive)
        for fact in facts_of(found.allowed):
            answer = ANSWERS.get(found.allowed.effective, UNKNOWN) if fact.text in deciding else YES
            verdict.findings.append(Finding(answer, fact))
    return verdict
