# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Facts for an auditor. They are told and never judged: none makes a step drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List

from .._rows import format_time
from .audit_directory import DirectoryJudgement
from .audit_mail import AssetJudgement
from .audit_seen import Directory, Mail
from .audit_wishes import Wishes

# Microsoft's Exchange Team blog of 27 January 2026 and message center post MC786329.
BASIC_DATES = (
    "SMTP AUTH with a password is switched off by default at the end of December 2026 (an administrator can switch it on"
    " again), and the date of its end is to be announced in the second half of 2027. Sign-in with OAuth stays, so"
    " only assets of the type Username and Password are concerned"
)
SECURITY_DEFAULTS = (
    "Security defaults are on. Microsoft says that SMTP AUTH is off then, and does not say whether sign-in with OAuth is"
    " refused too."
)
INBOX_RULES = (
    "Inbox rules that send mail on or delete it. Beside the mailbox's own forwarding they make Webex Connect get mail twice,"
    " or take copies elsewhere."
)
REACH = {
    "Microsoft Graph": "it can send as every mailbox of the tenant through Microsoft Graph",
    "Office 365 Exchange Online": "Microsoft describes it as sending as any user of the tenant; the sign-in of Webex"
    " Connect does not use it",
}


@dataclass(frozen=True)
class Note:
    name: str
    level: str
    text: str
    objects: List[str]

    def shown(self, waived: bool) -> Dict[str, Any]:
        return {
            "name": self.name,
            "level": self.level,
            "text": self.text,
            "objects": self.objects,
            "waived": waived,
        }


NAMES = (
    "all_mailboxes_smtp_auth",
    "authentication_policy_blocks_passwords",
    "basic_smtp_auth_ends",
    "consent_wide_open",
    "forwarding_allowed_to_everyone",
    "implicit_grant",
    "inbox_rules",
    "mailbox_roles",
    "more_granted_than_wanted",
    "multi_tenant_audience",
    "other_platform_redirect_uris",
    "other_redirect_uris",
    "other_secrets",
    "security_defaults",
    "tenant_wide_mail_send",
    "tenant_wide_mailbox_role",
)


def notes_of(
    directory: DirectoryJudgement, seen: Directory, assets: List[AssetJudgement], mail: Mail, wishes: Wishes
) -> List[Note]:
    notes: List[Note] = []

    def note(name: str, level: str, text: str, objects: Any) -> None:
        if objects:
            notes.append(Note(name, level, text, sorted(objects)))

    _of_application(note, directory, wishes)
    _of_consent(note, directory)
    _of_roles(note, seen, mail)
    if directory.user_consent.get("setting") == "all":
        text = "Every user may consent to any application, for all permissions that need no administrator."
        note("consent_wide_open", "warning", text, directory.user_consent["policies"])
    for policy in mail.flow.policies or []:
        if policy.is_default and policy.mode == "On":
            text = "The default outbound spam policy lets every mailbox forward outside that no other policy governs."
            note("forwarding_allowed_to_everyone", "warning", text, [policy.name])
    note("security_defaults", "warning", SECURITY_DEFAULTS, ["organization"] if seen.security_defaults else [])
    note("inbox_rules", "warning", INBOX_RULES, _inbox_rules(assets))
    if mail.organization_disabled is False:
        text = "SMTP AUTH is enabled for the organization, so for every mailbox without a setting of its own."
        note("all_mailboxes_smtp_auth", "notice", text, ["organization"])
    opened = [a.asset.mailbox for a in assets if a.smtp_auth and a.smtp_auth["effective"] == "enabled"]
    note("basic_smtp_auth_ends", "info", BASIC_DATES + ".", opened)
    blocking = {
        a.box.smtp_auth.policy
        for a in assets
        if a.box.smtp_auth and a.box.smtp_auth.policy and a.box.smtp_auth.policy_blocks_basic
    }
    text = "An authentication policy blocks password sign-in over SMTP. Sign-in with OAuth is not judged by it."
    note("authentication_policy_blocks_passwords", "info", text, blocking)
    return sorted(notes, key=lambda item: (item.name, item.objects))


def _inbox_rules(assets: List[AssetJudgement]) -> List[str]:
    return [
        "{0}: {1!r} {2}".format(asset.asset.mailbox, rule.name, rule.does)
        for asset in assets
        for rule in (asset.box.deep.inbox_rules if asset.box.deep else None) or ()
    ]


def _of_application(note: Any, directory: DirectoryJudgement, wishes: Wishes) -> None:
    application = directory.application
    if application is None:
        return
    issued = [
        kind
        for kind, on in (("access tokens", application.issue_access_tokens), ("ID tokens", application.issue_id_tokens))
        if on
    ]
    text = (
        "The implicit grant issues tokens to a browser. Cisco's guide ticks access tokens; the code flow needs neither."
    )
    note("implicit_grant", "notice", text, issued)
    text = "Redirect URIs of other platforms than Web. Refresh tokens of single-page applications end after 24 hours."
    note(
        "other_platform_redirect_uris",
        "warning",
        text,
        {*application.spa_redirect_uris, *application.public_redirect_uris},
    )
    text = "Redirect URIs beside the callback URL. Whoever holds one can be sent the application's tokens."
    note("other_redirect_uris", "notice", text, set(application.redirect_uris) - {wishes.callback_url})
    strangers = [
        "{0} ({1!r}, {2})".format(s.key_id, s.display_name, "until " + format_time(s.end) if s.end else "without end")
        for s in application.secrets
        if s.display_name != wishes.secret["display_name"]
    ]
    text = "Secrets of other names. Whoever holds one can sign in as the application."
    note("other_secrets", "notice", text, strangers)
    if application.sign_in_audience != "AzureADMyOrg":
        text = "The application can be signed in to from outside the tenant."
        note("multi_tenant_audience", "notice", text, [application.sign_in_audience or "unknown"])


def _of_roles(note: Any, seen: Directory, mail: Mail) -> None:
    """What the application may do by itself by roles in Exchange, beside what it was granted in Entra."""
    principal = seen.principal.object_id.lower() if seen.principal else None
    held = [role for role in mail.app_roles if role.assignee.lower() == principal and role.enabled]
    text = "Roles in Exchange let the application reach these by itself. They narrow nothing that was granted in Entra."
    found: List[str] = []
    for role in held:
        if not role.is_everywhere:
            found += [
                "{0}: {1}".format(where, role.role) for where in mail.scopes.get(role.scope or "") or [role.where]
            ]
    note("mailbox_roles", "notice", text, set(found))
    wide = {role.role for role in held if role.is_everywhere}
    note("tenant_wide_mailbox_role", "warning", "Roles in Exchange that the application has for every mailbox.", wide)


def _of_consent(note: Any, directory: DirectoryJudgement) -> None:
    if directory.consent is None:
        return
    listed = {entry["resource"]: entry for entry in directory.consent.before["permissions"]}
    wanted = {entry["resource"]: entry for entry in directory.listed}
    for resource, entry in sorted(listed.items()):
        if "Mail.Send" in entry["application"] and resource in REACH:
            text = "The application permission Mail.Send of {0} is granted for the whole tenant: {1}.".format(
                resource, REACH[resource]
            )
            note("tenant_wide_mail_send", "warning", text, [resource])
    more = [
        "{0}: {1} ({2})".format(resource, name, kind)
        for resource, entry in listed.items()
        for kind in ("application", "delegated")
        for name in entry[kind]
        if name not in wanted.get(resource, {}).get(kind, [])
    ]
    note("more_granted_than_wanted", "notice", "Permissions that are granted for the tenant and not wanted.", more)
