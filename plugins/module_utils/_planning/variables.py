# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What is wrong with the variables of the role, as far as it can be known without asking the tenant.

Numbers and switches may come as text, from a survey or from ``-e``, and blank.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple

NAMES = ("connect_email_app_name", "connect_email_secret_name")
WORDS: Dict[str, Tuple[str, ...]] = {
    "connect_email_sign_in_audience": (
        "AzureADMyOrg",
        "AzureADMultipleOrgs",
        "AzureADandPersonalMicrosoftAccount",
        "PersonalMicrosoftAccount",
    ),
    "connect_email_secret_adopt": ("keep", "replace"),
    "connect_email_cloud": ("public", "usgov_high", "usgov_dod", "china"),
    "connect_email_user_consent": ("disabled", "verified_publishers", "all", "microsoft_managed"),
    "connect_email_external_forwarding": ("scoped", "organization", "check"),
    "connect_email_verify_fail_on": ("never", "not_ready"),
}
NUMBERS = (
    "connect_email_secret_valid_days",
    "connect_email_secret_rotate_before_days",
    "connect_email_secret_grace_days",
    "connect_email_secret_prove_timeout",
    "connect_email_smtp_port",
)
SWITCHES = (
    "connect_email_issue_access_tokens",
    "connect_email_app_adopt_by_name",
    "connect_email_secret_rotate_now",
    "connect_email_mailbox_scope",
    "connect_email_offboard_permanent",
    "connect_email_offboard_foreign_application",
    "connect_email_verify_login",
)
SAID_OF_SWITCHES = ("true", "false", "yes", "no", "on", "off", "1", "0")
CALLBACK = re.compile(r"(https://[^\s/]+|http://(localhost|127\.0\.0\.1)(:\d+)?)(/\S*)?")
MAILBOX = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
ADDRESS = re.compile(r"[^@\s<>,;:]+@[^@\s<>,;:]+\.[^@\s<>,;:]+")


def faults(variables: Mapping[str, Any]) -> List[str]:
    """One message a fault; ``variables`` holds all that is looked at here."""
    return [
        *_of_texts(variables),
        *_of_words(variables),
        *_of_store(variables["connect_email_secret_store"]),
        *_of_permissions(variables["connect_email_permissions"]),
        *_of_assets(variables["connect_email_assets"]),
    ]


def _of_texts(variables: Mapping[str, Any]) -> Iterator[str]:
    if _blank(variables["connect_email_tenant_id"]):
        yield "Set connect_email_tenant_id (or AZURE_TENANT_ID) to the tenant's GUID or one of its verified domains."
    for name in NAMES:
        if _blank(variables[name]):
            yield "{0} is blank.".format(name)
    callback = variables["connect_email_callback_url"]
    if not CALLBACK.fullmatch(str(callback)):
        yield (
            "connect_email_callback_url is {0}; it must be the asset's Call Back URL as Webex Connect shows it, https "
            "(http only for localhost and 127.0.0.1) and without blanks.".format(_shown(callback))
        )


def _of_words(variables: Mapping[str, Any]) -> Iterator[str]:
    for name, choices in WORDS.items():
        value = variables[name]
        if not _left_out(value) and value not in choices:
            yield (
                "{0} is {1}; it must be one of {2}. YAML reads the bare words on, off, yes and no as booleans: put the "
                "word in quotes.".format(name, _shown(value), ", ".join(choices))
            )
    for name in NUMBERS:
        value = variables[name]
        if not _left_out(value) and not re.fullmatch(r"[0-9]+", str(value)):
            yield "{0} is {1}; it must be a whole number.".format(name, _shown(value))
    for name in SWITCHES:
        value = variables[name]
        if not _left_out(value) and str(value).lower() not in SAID_OF_SWITCHES:
            yield "{0} is {1}; it must be true or false.".format(name, _shown(value))


def _of_store(store: Any) -> Iterator[str]:
    if not _left_out(store) and not isinstance(store, Mapping):
        yield "connect_email_secret_store is {0}; it must be a dictionary such as {{type: file}}.".format(_shown(store))


def _of_permissions(permissions: Any) -> Iterator[str]:
    for entry in _entries(permissions):
        if not isinstance(entry, Mapping) or _blank(entry.get("resource")):
            yield (
                "connect_email_permissions holds {0}; each entry needs a resource, such as Office 365 Exchange Online, "
                "and a list of application or delegated permissions.".format(_shown(entry))
            )


def _of_assets(assets: Any) -> Iterator[str]:
    mailboxes: List[str] = []
    for entry in _entries(assets):
        given = entry if isinstance(entry, Mapping) else {}
        mailbox, address = (
            "" if _left_out(given.get(key)) else given[key] for key in ("mailbox", "forwarding_address")
        )
        if not MAILBOX.fullmatch(str(mailbox)) or not ADDRESS.fullmatch(str(address)):
            yield (
                "connect_email_assets holds an entry with the mailbox {0} and the forwarding_address {1}; each needs one "
                "plain address in both.".format(_shown(mailbox), _shown(address))
            )
        else:
            mailboxes.append(str(mailbox).strip().lower())
    twice = sorted({mailbox for mailbox in mailboxes if mailboxes.count(mailbox) > 1})
    if twice:
        yield "connect_email_assets names more than once: {0}.".format(", ".join(twice))


def _entries(given: Any) -> List[Any]:
    """What is no list counts as one entry, which is none of those that are wanted, so that it is complained of."""
    if _left_out(given):
        return []
    return [str(given)] if isinstance(given, (str, bytes, Mapping)) or not hasattr(given, "__iter__") else list(given)


def _left_out(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value)


def _blank(value: Any) -> bool:
    return value is None or not str(value).strip()


def _shown(value: Any) -> str:
    return "blank" if _left_out(value) else json.dumps(value, default=str)
