# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The hand-off sheet as Markdown, for three readers. Every value stands in a code span, so that none is taken for markup."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

MARK = "<!-- webex_connect.office365 hand-off sheet: written by Ansible, which overwrites changes. -->"
UNKNOWN = "*not known yet*"
NOT_READ = "*not read by the run that wrote this sheet*"

Rows = Sequence[Tuple[str, str]]


def rendered(sheet: Mapping[str, Any]) -> str:
    parts = [
        MARK,
        "# Hand-off sheet of {0}".format(code(sheet["mailbox"])),
        "Microsoft 365 tenant {0}, Webex Connect tenant {1}. This sheet holds no secret: keep it that way.".format(
            code(sheet["tenant_id"]), code(sheet["webex_connect"]["tenant"])
        ),
        *_for_operator(sheet),
        *_for_administrator(sheet),
        *_for_operations(sheet),
    ]
    return "\n\n".join(parts) + "\n"


def code(value: Any) -> str:
    """A code span: on one line, and with a fence longer than any run of backticks inside."""
    if value is None:
        return UNKNOWN
    text = re.sub(r"[\s\x00-\x1f\x7f\u2028\u2029]+", " ", str(value)).strip()
    if not text:
        return "*empty*"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    blank = " " if text[0] == "`" or text[-1] == "`" else ""
    return fence + blank + text + blank + fence


def table(head: Tuple[str, str], rows: Rows) -> str:
    """A bar would end the cell even inside a code span, unless it is escaped (GitHub Flavored Markdown, Tables)."""
    lines = [head, ("---", "---"), *rows]
    return "\n".join("| {0} | {1} |".format(*(cell.replace("|", r"\|") for cell in line)) for line in lines)


def numbered(lines: Iterable[str]) -> str:
    return "\n".join("{0}. {1}".format(number, line) for number, line in enumerate(lines, 1))


def bullets(lines: Iterable[str]) -> str:
    return "\n".join("- " + line for line in lines)


def _codes(values: Optional[Iterable[Any]]) -> str:
    return ", ".join(code(value) for value in values or ()) or "none"


def _yes(value: Optional[bool]) -> str:
    return UNKNOWN if value is None else ("yes" if value else "no")


# The Webex Connect operator ---------------------------------------------------------------


def _for_operator(sheet: Mapping[str, Any]) -> List[str]:
    in_the_way = sheet["operations"]["in_the_way"]
    return [
        "## 1. For the Webex Connect operator",
        *(
            ["**Not ready.** First to be settled on the Microsoft side:", bullets(map(plain, in_the_way))]
            if in_the_way
            else []
        ),
        *_change(sheet),
        "### Fill in the asset",
        "Assets > Apps > the email app. If it does not exist yet: Configure New App > Email.",
        table(("Field in Webex Connect", "Value"), _fields(sheet)),
        "### In this order",
        numbered(_actions(sheet)),
        "### Who signs in",
        _who(sheet["sign_in"], sheet["mailbox"]),
        "Multi-factor authentication and conditional access apply to this sign-in, so the person has to be there with"
        " what they sign in with. Use a private browser window, or the browser signs in whoever it already knows.",
        "### Never delete",
        bullets(_never_delete()),
    ]


def plain(text: str) -> str:
    """A sentence that may quote an address: markup in it is made harmless."""
    return re.sub(r"([\\`*_{}\[\]<>()#|!])", r"\\\1", " ".join(text.split()))


def _fields(sheet: Mapping[str, Any]) -> Rows:
    fields = sheet["webex_connect"]
    name = fields["asset_name"]
    review = "clear the box: with it, the sign-in fails where users may not consent by themselves"
    return [
        ("Asset Name", code(name) if name else "a name of your choice"),
        ("Email ID", code(fields["email_id"])),
        ("Forwarding Address", code(fields["forwarding_address"]) + " (given by Webex Connect: compare)"),
        ("Authentication Type", code(fields["authentication_type"])),
        ("SMTP Server", code(fields["smtp_server"])),
        ("Username", code(fields["username"])),
        ("Port", code(fields["port"])),
        ("Security", code(fields["security"])),
        ("Client ID", code(fields["client_id"])),
        ("Client Secret", _secret(fields["client_secret"])),
        ("Call Back URL", code(fields["call_back_url"]) + " (given by Webex Connect: compare)"),
        ("Authorization URL", code(fields["authorization_url"])),
        ("Scope", code(fields["scope"])),
        ("Access Token URL", code(fields["access_token_url"])),
        ("Refresh Token URL", code(fields["refresh_token_url"])),
        ("Validity, Access Token, Refresh Token", "leave empty: Generate Token fills them in"),
        (
            "Use different email address than the asset email ID for generating tokens",
            "tick the box" if fields["use_different_email_address"] else "leave the box clear",
        ),
        ("Login ID For Generating Token", _login_id(fields)),
        ("I would like to explicitly review before providing consent for authentication", review),
    ]


def _login_id(fields: Mapping[str, Any]) -> str:
    if not fields["use_different_email_address"]:
        return "does not apply"
    if fields["login_id_for_generating_token"]:
        return code(fields["login_id_for_generating_token"])
    return "the person who signs in, see below"


def _secret(secret: Mapping[str, Any]) -> str:
    return "the value with key id {0}, which lies in {1} and ends {2}. Enter the value, not the key id".format(
        code(secret["key_id"]), code(secret["stored_in"]), code(secret["end"])
    )


def _change(sheet: Mapping[str, Any]) -> List[str]:
    rotation = sheet["rotation"]
    return (
        []
        if rotation is None
        else ["### The secret changes: what to do in an asset that exists", numbered(_swap(sheet))]
    )


def _swap(sheet: Mapping[str, Any]) -> List[str]:
    rotation, secret = sheet["rotation"], sheet["webex_connect"]["client_secret"]
    return [
        "Open the asset and replace **Client Secret** by {0}. Every other field stays as it is.".format(
            _secret(secret)
        ),
        "**Generate Token** again, and sign in as told below. The old token goes on working until then.",
        "**Save.** The asset stays registered to Webex Engage.",
        "Send a reply to an address outside the organization, and see that it arrives.",
        "Tell operations that the secret with key id {0} is in use. The old one ({1}) works until it is retired: at once"
        " when that is confirmed, otherwise from {2} on.".format(
            code(secret["key_id"]), _codes(rotation["old_key_ids"]), code(rotation["retire_after"])
        ),
    ]


def _actions(sheet: Mapping[str, Any]) -> List[str]:
    return [
        "Fill in the fields above. Forwarding Address and Call Back URL must be those of this asset, character by"
        " character; if they differ, stop and have the inventory corrected.",
        "**Generate Token.** If nothing opens, allow pop-ups for {0}.".format(code(sheet["webex_connect"]["tenant"])),
        "Sign in as told below. Access token and refresh token are then filled in.",
        "**Save.**",
        "**Register To Webex Engage**, and choose the service that carries the email flows. The service cannot be"
        " changed afterwards.",
        "Test from an address outside the organization, not from the mailbox itself, whose mail to itself Webex"
        " Connect ignores: the mail reaches the flow, and the reply arrives.",
    ]


def _who(sign_in: Mapping[str, Any], mailbox: str) -> str:
    if not sign_in["other_than_mailbox"]:
        return "Sign in as the mailbox itself, {0}.".format(code(mailbox))
    who = code(sign_in["login_id"]) if sign_in["login_id"] else "a person who is chosen and written down here: ____"
    return (
        "Nobody signs in as {0}{1}. Sign in as {2}, who needs Send As on the mailbox."
        " The token depends on this account: when it is blocked, leaves, or has its password reset by an administrator,"
        " replies stop until somebody generates a new token."
    ).format("the shared mailbox " if sign_in["shared"] else "", code(mailbox), who)


def _never_delete() -> List[str]:
    return [
        "The asset, once it is registered to Webex Engage: that cannot be undone, leaves orphans behind, and takes the"
        " Forwarding Address with it. A new asset has a new one, and the mailbox has to be pointed there.",
        "The application, its redirect URI or its consent in Entra: sign-in and token renewal fail at once.",
        "A secret that Webex Connect still uses. At a change the new one is entered and a reply is sent first.",
        "The file or entry where the secret lies: it also tells the next run which secret Webex Connect holds.",
    ]


# The Microsoft 365 administrator ------------------------------------------------------------


def _for_administrator(sheet: Mapping[str, Any]) -> List[str]:
    microsoft = sheet["microsoft_365"]
    head = ("What", "State")
    return [
        "## 2. For the Microsoft 365 administrator",
        "### Application",
        table(head, _application(microsoft["application"], sheet["webex_connect"]["call_back_url"])),
        "### Permissions granted for the organization",
        _permissions(microsoft["permissions"]),
        "Webex Connect signs in with the delegated SMTP.Send and renews its token by offline_access. The application"
        " permission Mail.Send is what Cisco's guide asks for; this sign-in does not use it.",
        "### Mailbox",
        table(head, [*_smtp_auth(microsoft["smtp_auth"]), *_forwarding(microsoft["forwarding"])]),
    ]


def _application(application: Mapping[str, Any], callback_url: str) -> Rows:
    uris = application["redirect_uris"]
    return [
        ("Display name", code(application["display_name"])),
        ("Application (client) ID", code(application["app_id"])),
        ("Object ID of the application", code(application["object_id"])),
        ("Object ID of the service principal (enterprise application)", code(application["service_principal_id"])),
        ("Supported account types", code(application["sign_in_audience"])),
        ("Redirect URIs of the platform Web", _codes([callback_url] if uris is None else uris)),
        ("Implicit grant: access tokens", _yes(application["issue_access_tokens"])),
    ]


def _permissions(permissions: Optional[Sequence[Mapping[str, Any]]]) -> str:
    if permissions is None:
        return NOT_READ
    rows = [(code(entry.get("resource")), "; ".join(_kinds(entry)) or "none") for entry in permissions]
    return table(("On", "Permissions"), rows) if rows else "None."


def _kinds(entry: Mapping[str, Any]) -> List[str]:
    return [
        "{0} (as {1})".format(_codes(entry[kind]), kind) for kind in ("application", "delegated") if entry.get(kind)
    ]


def _smtp_auth(smtp_auth: Optional[Dict[str, Any]]) -> Rows:
    if smtp_auth is None:
        return [("Authenticated SMTP", NOT_READ)]
    rows = [
        ("Authenticated SMTP, the mailbox's own setting", code(smtp_auth["configured"])),
        ("Authenticated SMTP, the organization's setting", code(smtp_auth["organization"])),
        (
            "Authenticated SMTP, what counts",
            "{0}, because {1}".format(code(smtp_auth["effective"]), _codes(smtp_auth["because"])),
        ),
    ]
    if smtp_auth["authentication_policy"]:
        rows.append(("Authentication policy", code(smtp_auth["authentication_policy"])))
    if smtp_auth["unread"]:
        rows.append(("Could not be read", _codes(smtp_auth["unread"])))
    return rows


def _forwarding(forwarding: Optional[Dict[str, Any]]) -> Rows:
    if forwarding is None:
        return [("Forwarding", NOT_READ)]
    target, internal = forwarding["forwarding_address"], forwarding["internal_forward"]
    return [
        ("Forwards to", code(target) if target else "nobody"),
        ("Internal forward, which would win", code(internal) if internal else "none"),
        ("A copy stays in the mailbox", _yes(forwarding["keep_copy"])),
    ]


# Operations ---------------------------------------------------------------------------------


def _for_operations(sheet: Mapping[str, Any]) -> List[str]:
    secret, operations = sheet["webex_connect"]["client_secret"], sheet["operations"]
    name = secret["display_name"]
    return [
        "## 3. For operations",
        table(
            ("What", "Value"),
            [
                ("Name of the secret", code(name)),
                ("Key id of the secret", code(secret["key_id"])),
                ("Lies in", code(secret["stored_in"])),
                ("Ends", code(operations["secret_end"])),
                ("To be renewed from", code(operations["rotate_from"])),
            ],
        ),
        "On the day of renewal: run the automation, which adds a new secret and leaves the old one; enter the new value"
        " in the asset; send a reply; only then retire the old secret. Have somebody at hand who can sign in: whether"
        " Webex Connect asks for a new token when the secret is edited is not documented.",
        "When the secret ends, replies fail while mail still arrives. When the refresh token ends (90 days without use,"
        " sessions revoked, the password reset by an administrator), Webex Connect mails the owner of its tenant, and"
        " somebody has to Generate Token again.",
        "### Proved, and not proved",
        "Read or written in Microsoft 365 by the run that wrote this sheet: what section 2 states. Not proved by it:",
        bullets(_not_proved()),
        "### Try the sign-in without Webex Connect",
        _trial(sheet),
    ]


def _not_proved() -> List[str]:
    return [
        "that the values in the asset are those of this sheet;",
        "that the person's sign-in passes multi-factor authentication and conditional access;",
        "that outbound spam policies, remote domains and transport rules let the mail be forwarded outside;",
        "that Exchange accepts the token for SMTP, and that a reply is delivered;",
        "that a flow in Webex Connect handles the mail.",
    ]


def _trial(sheet: Mapping[str, Any]) -> str:
    url = sheet["authorize_url_to_try"]
    if url is None:
        return UNKNOWN
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", url)), default=0) + 1)
    return (
        "Open this address in a private window. A sign-in page means that Entra knows the application; AADSTS50011 means"
        " that the Call Back URL is not registered, AADSTS700016 that application and tenant do not belong together, and"
        " a question for consent that consent is missing. Stop before you sign in, or sign in and expect Webex Connect to"
        " refuse what it did not ask for: nothing is stored either way.\n\n"
        "{0}text\n{1}\n{0}".format(fence, url)
    )
