# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Rules for values that can be known before anything is sent. Each raises InvalidInput, naming the option."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, List, Mapping, Optional
from urllib.parse import urlsplit

from .._errors import InvalidInput
from .._login import DOMAIN, GUID

PERSONAL_AUDIENCES = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")


def refuse_control_characters(value: Optional[str], option: str) -> None:
    if value and CONTROL.search(value):
        raise InvalidInput("{0} holds a line end or another control character: {1!r}.".format(option, value))


def refuse_long_name(name: Optional[str], audience: Optional[str]) -> None:
    """Microsoft states 256 characters in one place and 120 (90 with personal accounts) in another; the lesser holds."""
    limit = 90 if audience in PERSONAL_AUDIENCES else 120
    refuse_control_characters(name, "display_name")
    if name and len(name) > limit:
        raise InvalidInput("display_name has {0} characters; at most {1} are accepted.".format(len(name), limit))


def refuse_non_guid(value: Optional[str], option: str) -> None:
    if value and not GUID.match(value):
        raise InvalidInput("{0} is {1!r}, which is no GUID.".format(option, value))


def is_address(value: str) -> bool:
    """One plain e-mail address: no display name, no list, no parameters."""
    local, at, domain = value.rpartition("@")
    return bool(at and len(value) <= 320 and len(local) <= 64 and LOCAL_PART.match(local) and DOMAIN.match(domain))


def checked_address(value: str, option: str) -> str:
    """The address without an ``smtp:`` in front, as Exchange displays it."""
    bare = value[5:] if value.lower().startswith("smtp:") else value
    if not is_address(bare):
        raise InvalidInput("{0} is {1!r}, which is not one e-mail address.".format(option, value))
    return bare


def refuse_loose_identity(value: str, option: str) -> None:
    """A mailbox identity that could stand for more than one object, or smuggle something into a filter."""
    refuse_control_characters(value, option)
    if "*" in value or "?" in value or len(value) > 320:
        raise InvalidInput(
            "{0} is {1!r}; wildcards are not accepted.".format(option, value), "Give the mailbox's primary address."
        )


def checked_redirect_uris(uris: List[str], audience: Optional[str], option: str = "redirect_uris") -> List[str]:
    """Without repeats. The rules are those of Microsoft's "Redirect URI (reply URL) outline and restrictions"."""
    personal = audience in PERSONAL_AUDIENCES
    unique = list(dict.fromkeys(uris))
    if len(unique) > (100 if personal else 256):
        raise InvalidInput("{0} holds {1} addresses, more than an application may have.".format(option, len(unique)))
    for uri in unique:
        problem = _redirect_uri_problem(uri, personal)
        if problem:
            raise InvalidInput(
                "{0} holds {1!r}: {2}.".format(option, uri, problem),
                "Copy the asset's Call Back URL from Webex Connect as it stands.",
            )
    return unique


def _redirect_uri_problem(uri: str, personal: bool) -> Optional[str]:
    if CONTROL.search(uri) or re.search(r"\s", uri):
        return "it holds a blank or a control character"
    if len(uri) > 256:
        return "it has more than 256 characters"
    try:
        parts = urlsplit(uri)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("https", "http") or not host:
        return "it must start with https:// and name a host"
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1"):
        return "https is required; http is accepted only for localhost and 127.0.0.1"
    if parts.username is not None or parts.password is not None:
        return "it holds a user name or password"
    if _is_ipv6(host):
        return "IPv6 addresses are not supported"
    if "#" in uri:
        return "it holds a fragment"
    if re.search(r"[!$'(),;\\]", uri):
        return "it holds one of the characters ! $ ' ( ) , ; \\ which Entra does not support"
    if personal and (parts.query or "*" in uri):
        return "query strings and wildcards are not accepted for an audience with personal accounts"
    return None


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6
    except ValueError:
        return False


def exactly_one_of(options: Mapping[str, Any], *names: str) -> None:
    given = [name for name in names if options.get(name) is not None]
    if len(given) != 1:
        raise InvalidInput(
            "Give exactly one of {0}; {1}.".format(
                " and ".join(names), "given are " + " and ".join(given) if given else "none is given"
            )
        )
