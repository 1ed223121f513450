# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The role's variables as the options of the modules that the role would run.

The audit asks the modules' own planners whether they would change anything, so the options here are the ones that
the role's task files give, and for whatever those leave out the modules' defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional

from .._errors import InvalidInput
from . import (
    admin_consent,
    app_permission,
    app_registration,
    app_secret,
    external_forwarding,
    mailbox_forwarding,
    user_consent_policy,
)
from .checks import refuse_loose_identity

DEFAULT_PERMISSIONS: List[Dict[str, Any]] = [
    {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
    {"resource": "Microsoft Graph", "application": [], "delegated": ["offline_access"]},
]
CHOICES = {
    "secret_adopt": ("keep", "replace"),
    "sign_in_audience": (
        "AzureADMyOrg",
        "AzureADMultipleOrgs",
        "AzureADandPersonalMicrosoftAccount",
        "PersonalMicrosoftAccount",
    ),
    "user_consent": tuple(user_consent_policy.POLICIES),
    "external_forwarding": ("scoped", "organization", "check"),
}
SWITCH_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


@dataclass(frozen=True)
class Asset:
    mailbox: str
    smtp_auth: Dict[str, Any]
    forwarding: Dict[str, Any]
    login_id: Optional[str] = None

    @property
    def target(self) -> str:
        return str(self.forwarding["forwarding_address"])


@dataclass(frozen=True)
class Wishes:
    """Options by module, checked as the modules check them."""

    application_name: str
    callback_url: str
    application: Dict[str, Any]
    secret: Dict[str, Any]
    permissions: List[Dict[str, Any]]
    consent: Dict[str, Any]
    user_consent: Dict[str, Any]
    external_forwarding: Dict[str, Any]
    assets: List[Asset] = field(default_factory=list)

    @property
    def resource_app_ids(self) -> List[str]:
        return [options["resource_app_id"] for options in self.permissions]


def wishes_of(wanted: Mapping[str, Any]) -> Wishes:
    """Raises InvalidInput in the names of the role's variables. A blank one is not given, as in the role."""
    given = _Given(wanted)
    permissions = [_permission(entry) for entry in given.entries("permissions", DEFAULT_PERMISSIONS)]
    application = _application(given)
    assets = _assets(given)
    return Wishes(
        application_name=application["display_name"] or application["app_id"],
        callback_url=application["redirect_uris"][0],
        application=application,
        secret=_secret(given),
        permissions=[_permission_options(entry) for entry in permissions],
        consent=_consent(permissions),
        user_consent={"user_consent": given.word("user_consent", None)},
        external_forwarding=_external_forwarding(given, assets),
        assets=assets,
    )


class _Given:
    """Values of the role's variables, blanks as "not given"; numbers and switches may be texts."""

    def __init__(self, wanted: Mapping[str, Any], prefix: str = "connect_email_") -> None:
        self._wanted = wanted
        self._prefix = prefix

    def get(self, name: str, default: Any = None) -> Any:
        value = self._wanted.get(self._prefix + name)
        if isinstance(value, str):
            value = value.strip()
        return default if value is None or value == "" else value

    def word(self, name: str, default: Optional[str]) -> Optional[str]:
        value = self.get(name, default)
        choices = CHOICES.get(name)
        if choices and value is not None and value not in choices:
            raise InvalidInput(
                "{0}{1} is {2!r}; it must be one of {3}.".format(self._prefix, name, value, ", ".join(choices))
            )
        return None if value is None else str(value)

    def switch(self, name: str, default: Optional[bool]) -> Optional[bool]:
        value = self.get(name, default)
        if value is None or isinstance(value, bool):
            return value
        if str(value).lower() not in SWITCH_WORDS:
            raise InvalidInput("{0}{1} is {2!r}; it must be true or false.".format(self._prefix, name, value))
        return SWITCH_WORDS[str(value).lower()]

    def days(self, name: str, default: int) -> int:
        value = self.get(name, default)
        if isinstance(value, bool) or not str(value).isdecimal():
            raise InvalidInput("{0}{1} is {2!r}; it must be a whole number of days.".format(self._prefix, name, value))
        return int(value)

    def entries(self, name: str, default: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        value = self._wanted.get(self._prefix + name)
        return list(default if value is None else value)


def _application(given: _Given) -> Dict[str, Any]:
    app_id = given.word("app_id", None)
    callback_url = given.word("callback_url", None)
    if not callback_url:
        raise InvalidInput("connect_email_callback_url is blank.", "Copy the asset's Call Back URL from Webex Connect.")
    options = {
        "app_id": app_id,
        "object_id": None,
        "unique_name": given.word("app_unique_name", None),
        # An application that was confirmed by its id keeps the name that somebody gave it.
        "display_name": None if app_id else given.word("app_name", "WebexConnect"),
        "adopt_by_name": given.switch("app_adopt_by_name", False),
        "sign_in_audience": given.word("sign_in_audience", "AzureADMyOrg"),
        "redirect_uris": [callback_url],
        "purge_redirect_uris": False,
        "issue_access_tokens": given.switch("issue_access_tokens", True),
        "issue_id_tokens": None,
        "notes": None,
        "tags": None,
        "service_management_reference": None,
        "state": "present",
        "restore_deleted": False,
        "permanent": False,
    }
    app_registration.check(options)
    return options


def _secret(given: _Given) -> Dict[str, Any]:
    options = {
        "app_id": None,
        "object_id": None,
        "display_name": given.word("secret_name", "webex-connect"),
        "valid_days": given.days("secret_valid_days", 180),
        "end_date": None,
        "rotate_before_days": given.days("secret_rotate_before_days", 30),
        "rotate": False,
        "rotate_after_days": None,
        "known_key_id": None,
        "retire_superseded": False,
        "grace_days": given.days("secret_grace_days", 7),
        "confirmed_key_id": given.word("secret_confirmed_key_id", None),
        "prove": False,
        "prove_timeout": 120,
        "key_id": None,
        "store": given.get("secret_store") or {"type": "file"},
        "adopt": given.word("secret_adopt", "keep"),
        "return_secret_text": False,
        "state": "present",
    }
    app_secret.check(options)
    return options


def _permission(entry: Mapping[str, Any]) -> Dict[str, Any]:
    if not entry.get("resource"):
        raise InvalidInput("connect_email_permissions holds an entry without a resource.")
    return {
        "resource": entry["resource"],
        "application": entry.get("application") or [],
        "delegated": entry.get("delegated") or [],
    }


def _permission_options(entry: Mapping[str, Any]) -> Dict[str, Any]:
    options = {
        "app_id": None,
        "object_id": None,
        "resource": entry["resource"],
        "application_permissions": list(entry["application"]),
        "delegated_permissions": list(entry["delegated"]),
        "purge": False,
        "state": "present",
    }
    app_permission.check(options)
    return options


def _consent(permissions: List[Dict[str, Any]]) -> Dict[str, Any]:
    options = {
        "app_id": None,
        "object_id": None,
        "permissions": permissions,
        "include_unlisted": False,
        "purge": False,
        "state": "present",
    }
    admin_consent.check(options)
    return options


def _external_forwarding(given: _Given, assets: List[Asset]) -> Dict[str, Any]:
    mode = given.word("external_forwarding", "scoped")
    options = {
        "mailboxes": [asset.mailbox for asset in assets],
        "purge_mailboxes": False,
        "organization": mode == "organization",
        "policy_name": "Webex Connect forwarding",
        "forwarding_address": None,
        "forwarding_addresses": {asset.mailbox: asset.target for asset in assets},
        "state": "gathered" if mode == "check" else "present",
    }
    if mode != "scoped" or assets:
        external_forwarding.check(options)
    return options


def _assets(given: _Given) -> List[Asset]:
    assets: List[Asset] = []
    for entry in given.entries("assets", []):
        asset = _Given(entry, "")
        mailbox = asset.word("mailbox", None)
        if not mailbox:
            raise InvalidInput("connect_email_assets holds an entry without a mailbox.")
        refuse_loose_identity(mailbox, "mailbox")
        if mailbox.lower() in (known.mailbox.lower() for known in assets):
            raise InvalidInput("connect_email_assets names {0} more than once.".format(mailbox))
        forwarding = {
            "mailbox": mailbox,
            "forwarding_address": asset.word("forwarding_address", None),
            "keep_copy": asset.switch("keep_copy", None),
            "replace_internal": asset.switch("replace_internal", False),
            "state": "present",
        }
        mailbox_forwarding.check(forwarding)
        smtp_auth = {"mailbox": mailbox, "smtp_auth": "enabled"}
        assets.append(Asset(mailbox, smtp_auth, forwarding, asset.word("login_id", None)))
    return assets
