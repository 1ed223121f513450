# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One asset's hand-off sheet: what a person enters in Webex Connect, and what the others have to know.

The sheet is a function of the options alone (no clock, no run id), so that a second run writes nothing.
It names the place of the secret and never has its text, for which there is no way in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, List, Mapping, Optional
from urllib.parse import quote, urlencode, urlsplit

from .._clouds import CLOUDS
from .._errors import Conflict, InvalidInput
from .._rows import format_time, parse_time
from .checks import checked_address, checked_redirect_uris
from .handoff_markdown import rendered
from .plan import Plan

Sheet = Dict[str, Any]

KIND = "webex_connect.office365 hand-off sheet"
STATE = "webex-connect-hand-off"  # any fixed text will do: nobody redeems the code of a trial
SECURITIES = ["STARTTLS", "SSL", "None"]
SHOWN = ("email_id", "forwarding_address", "client_id", "call_back_url", "authorization_url", "scope", "smtp_server")
SHOWN_OF_SECRET = ("stored_in", "key_id", "end")


@dataclass(frozen=True)
class Current:
    tenant_id: str
    cloud: str
    markdown: Optional[str]
    """None if there is no such file, as with ``json``."""
    json: Optional[str]


def json_path_of(path: str) -> str:
    """Beside the Markdown, with the suffix .json."""
    stem = path[: -len(".md")] if path.lower().endswith(".md") else path
    return stem + ".json"


def check(options: Dict[str, Any]) -> None:
    """Brings the addresses into plain form, and blanks into None."""
    asset = options["asset"] = _without_blanks(options["asset"])
    for name in ("mailbox", "forwarding_address", "callback_url"):
        if not asset.get(name):
            raise InvalidInput("asset lacks {0}.".format(name))
    for name in ("mailbox", "forwarding_address"):
        asset[name] = checked_address(asset[name], "asset.{0}".format(name))
    checked_redirect_uris([asset["callback_url"]], None, "asset.callback_url")
    options["secret"] = _without_blanks(options["secret"] or {})
    if options["path"].lower().endswith(".json"):
        raise InvalidInput(
            "path is {0}, the name of the JSON file that is written beside the sheet.".format(options["path"]),
            "Give the path of the Markdown file, such as sheet.md.",
        )
    if options["smtp_port"] is not None and not 0 < options["smtp_port"] < 65536:
        raise InvalidInput("smtp_port is {0}, which is no port.".format(options["smtp_port"]))


def _without_blanks(values: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: (v.strip() or None) if isinstance(v, str) else v for name, v in values.items()}


def plan_sheet(current: Current, wanted: Dict[str, Any]) -> Plan:
    _refuse_foreign(current, wanted["path"])
    sheet = sheet_of(current.tenant_id, current.cloud, wanted)
    files = {
        "path": (wanted["path"], current.markdown, rendered(sheet)),
        "json_path": (json_path_of(wanted["path"]), current.json, json.dumps(sheet, indent=2, sort_keys=True) + "\n"),
    }
    names = {name: path for name, (path, _old, _new) in files.items()}
    before = {name: _state(old, new) for name, (_path, old, new) in files.items()}
    secret = sheet["webex_connect"]["client_secret"]
    return Plan(
        before={**names, "files": before, **_shown(_parsed(current.json))},
        after={**names, "files": dict.fromkeys(files, "current"), **_shown(sheet)},
        result={
            "mailbox": sheet["mailbox"],
            **names,
            "app_id": sheet["webex_connect"]["client_id"],
            "key_id": secret["key_id"],
            "secret_stored_in": secret["stored_in"],
            "secret_end": secret["end"],
        },
        steps=[("write", {"path": path, "text": new}) for path, old, new in files.values() if old != new],
        warnings=["{0}: {1}".format(sheet["mailbox"], text) for text in sheet["operations"]["in_the_way"]],
    )


def _refuse_foreign(current: Current, path: str) -> None:
    """A file that is no sheet was named by mistake, and nobody has a second copy of it."""
    for place, text in ((path, current.markdown), (json_path_of(path), current.json)):
        if text is not None and text.strip() and KIND not in text:
            raise Conflict(
                "{0} exists and is no hand-off sheet.".format(place),
                "Give another path, or remove the file. Nothing was changed.",
            )


def _state(old: Optional[str], new: str) -> str:
    if old is None:
        return "absent"
    return "current" if old == new else "outdated"


def _parsed(text: Optional[str]) -> Sheet:
    try:
        sheet = json.loads(text or "{}")
    except ValueError:
        return {}
    return sheet if isinstance(sheet, dict) else {}


def _shown(sheet: Sheet) -> Dict[str, Any]:
    """For the diff, by name: whatever else somebody put into a file stays out of Ansible's output."""
    fields = sheet.get("webex_connect")
    fields = fields if isinstance(fields, dict) else {}
    secret = fields.get("client_secret")
    secret = secret if isinstance(secret, dict) else {}
    shown = {name: fields.get(name) for name in SHOWN}
    return {**shown, **{"secret_" + name: secret.get(name) for name in SHOWN_OF_SECRET}}


def sheet_of(tenant_id: str, cloud: str, wanted: Dict[str, Any]) -> Sheet:
    """The sheet as plain values; what is not known (before the real run, or not read) is None."""
    asset, application = wanted["asset"], wanted["application"] or {}
    login = _login(cloud, tenant_id)
    app_id = application.get("app_id")
    signs_in = _sign_in(asset)
    return {
        "kind": KIND,
        "version": 1,
        "tenant_id": tenant_id,
        "mailbox": asset["mailbox"],
        "webex_connect": {
            "tenant": urlsplit(asset["callback_url"]).hostname,
            "asset_name": asset.get("name"),
            "email_id": asset["mailbox"],
            "forwarding_address": asset["forwarding_address"],
            "authentication_type": "OAuth 2.0",
            "smtp_server": wanted["smtp_host"] or CLOUDS[cloud].smtp_host,
            "username": asset["mailbox"],
            "port": wanted["smtp_port"] or 587,
            "security": wanted["smtp_security"] or "STARTTLS",
            "client_id": app_id,
            "client_secret": {name: wanted["secret"].get(name) for name in ("display_name", *SHOWN_OF_SECRET)},
            "call_back_url": asset["callback_url"],
            "authorization_url": login + "authorize",
            "scope": CLOUDS[cloud].smtp_scope,
            "access_token_url": login + "token",
            "refresh_token_url": login + "token",
            "use_different_email_address": signs_in["other_than_mailbox"],
            "login_id_for_generating_token": signs_in["login_id"],
            "explicitly_review_consent": False,
        },
        "sign_in": signs_in,
        "rotation": _rotation_of(wanted["secret"].get("rotation")),
        "authorize_url_to_try": authorize_url(cloud, tenant_id, app_id, asset["callback_url"]) if app_id else None,
        "microsoft_365": {
            "application": {name: application.get(name) for name in APPLICATION_FIELDS},
            "permissions": wanted["permissions"],
            "smtp_auth": _chosen(wanted["smtp_auth"], SMTP_AUTH_FIELDS),
            "forwarding": _chosen(wanted["forwarding"], FORWARDING_FIELDS),
        },
        "operations": {
            "secret_end": wanted["secret"].get("end"),
            "rotate_from": _rotation(wanted["secret"]),
            "in_the_way": _in_the_way(asset, application, wanted),
        },
    }


APPLICATION_FIELDS = (
    "display_name",
    "app_id",
    "object_id",
    "service_principal_id",
    "sign_in_audience",
    "redirect_uris",
    "issue_access_tokens",
)
SMTP_AUTH_FIELDS = ("configured", "effective", "organization", "because", "authentication_policy", "unread")
ROTATION_FIELDS = ("old_key_ids", "since", "retire_after")
FORWARDING_FIELDS = ("forwarding_address", "internal_forward", "keep_copy", "effective_target")


def _rotation_of(rotation: Optional[Mapping[str, Any]]) -> Optional[Dict[str, Any]]:
    """Only while older secrets are left. Without the step, which time alone changes: a sheet is no function of a clock."""
    return _chosen(rotation, ROTATION_FIELDS) if rotation and rotation.get("old_key_ids") else None


def _chosen(values: Optional[Mapping[str, Any]], names: tuple[str, ...]) -> Optional[Dict[str, Any]]:
    return {name: values.get(name) for name in names} if values else None


def _sign_in(asset: Mapping[str, Any]) -> Dict[str, Any]:
    login_id = asset.get("login_id")
    other = bool(asset.get("shared")) or bool(login_id and login_id.lower() != asset["mailbox"].lower())
    return {
        "shared": bool(asset.get("shared")),
        "other_than_mailbox": other,
        "login_id": login_id or (None if other else asset["mailbox"]),
    }


def authorize_url(cloud: str, tenant_id: str, app_id: str, callback_url: str) -> str:
    """Where a person can try the sign-in of Webex Connect in a browser."""
    query = {
        "client_id": app_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": callback_url,
        "scope": CLOUDS[cloud].smtp_scope,
        "state": STATE,
    }
    return "{0}authorize?{1}".format(_login(cloud, tenant_id), urlencode(query, quote_via=quote))


def _login(cloud: str, tenant_id: str) -> str:
    return "{0}/{1}/oauth2/v2.0/".format(CLOUDS[cloud].authority_host, tenant_id)


def _rotation(secret: Mapping[str, Any]) -> Optional[str]:
    end = parse_time(secret.get("end") or "")
    days = secret.get("rotate_before_days")
    if end is None or days is None:
        return None
    try:
        return format_time(end - timedelta(days=days))
    except OverflowError:
        raise InvalidInput("secret.rotate_before_days is {0}, which is no useful number.".format(days)) from None


def _in_the_way(asset: Mapping[str, Any], application: Mapping[str, Any], wanted: Dict[str, Any]) -> List[str]:
    """What was read and would keep Webex Connect from working."""
    found = []
    uris = application.get("redirect_uris")
    if uris is not None and asset["callback_url"] not in uris:
        found.append("The application does not list the Call Back URL: Entra refuses the sign-in (AADSTS50011).")
    if wanted["permissions"] is not None and not _grants_smtp(wanted["permissions"]):
        found.append(
            "The delegated permission SMTP.Send is not granted for the organization: whoever signs in has to be"
            " allowed to consent to it."
        )
    smtp_auth, forwarding = wanted["smtp_auth"] or {}, wanted["forwarding"] or {}
    if smtp_auth.get("effective") == "disabled":
        found.append("Authenticated SMTP is off for the mailbox: Exchange refuses to send (535 or 5.7.139).")
    target = forwarding.get("effective_target")
    if forwarding and (target or "").lower() != asset["forwarding_address"].lower():
        found.append(
            "The mailbox forwards to {0}, not to the asset's Forwarding Address: no mail reaches Webex Connect.".format(
                target or "nobody"
            )
        )
    return found


def _grants_smtp(permissions: List[Mapping[str, Any]]) -> bool:
    return any("smtp.send" in [name.lower() for name in entry.get("delegated") or ()] for entry in permissions)
