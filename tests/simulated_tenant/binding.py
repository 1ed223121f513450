# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Binds JSON parameters to a cmdlet: names, sets, types.

Names, sets and types are those of the cmdlets' reference pages
(https://learn.microsoft.com/powershell/module/exchange/), kept in data/exchange-cmdlets.json.
"""

from __future__ import annotations

import re
from typing import Any

from . import catalogue
from .exchange_errors import ExchangeError, binding, transformation, unknown_parameter

Parameters = dict[str, Any]
COMMON = {name.lower(): name for name in ("ErrorAction", "WarningAction", "InformationAction", "Verbose", "Debug")}
HASH_TABLE = "#Exchange.GenericHashTable"
# The pages show these as required, yet the cmdlets run without them.
OPTIONAL = {
    ("Get-HostedOutboundSpamFilterPolicy", "Identity"),
    ("Get-ApplicationAccessPolicy", "Identity"),
    ("New-ServicePrincipal", "ServiceId"),
}
NULLABLE_BOOLEANS = {
    ("Set-CASMailbox", "SmtpClientAuthenticationDisabled"),
    ("Set-CASMailbox", "ActiveSyncSuppressReadReceipt"),
    ("Set-CASMailbox", "EwsEnabled"),
    ("Set-CASMailbox", "EwsAllowEntourage"),
    ("Set-CASMailbox", "EwsAllowMacOutlook"),
    ("Set-CASMailbox", "EwsAllowOutlook"),
    ("Set-RemoteDomain", "TNEFEnabled"),
    ("Set-TransportConfig", "AllowLegacyTLSClients"),
}
ENUMS = {
    "RuleState": ["Enabled", "Disabled"],
    "AllowedOOFType": ["External", "InternalLegacy", "ExternalLegacy", "None"],
    "ContentType": ["MimeHtmlText", "MimeText", "MimeHtml"],
    "MailboxRights[]": [
        "FullAccess", "SendAs", "ExternalAccount", "DeleteItem", "ReadPermission", "ChangePermission", "ChangeOwner",
    ],
}  # fmt: skip
ADDRESS = re.compile(r"^(?:smtp:)?[^@\s:<>]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$", re.IGNORECASE)


def known_cmdlet(name: str) -> str | None:
    """The cmdlet's own spelling of a name."""
    return {known.lower(): known for known in catalogue.load("exchange-cmdlets.json")["cmdlets"]}.get(name.lower())


def bind(cmdlet: str, given: Any) -> Parameters:
    """The parameters under their own names, with values of their own types."""
    if not isinstance(given, dict):
        raise binding("The Parameters of a CmdletInput have to be an object.")
    rules = catalogue.load("exchange-cmdlets.json")["cmdlets"][cmdlet]
    names = {name.lower(): name for name in rules}
    for name, rule in rules.items():
        names.update({alias.lower(): name for alias in rule.get("aliases", [])})
    bound: Parameters = {}
    for spelled, value in given.items():
        if spelled.lower() in COMMON:
            continue
        name = names.get(spelled.lower())
        if name is None:
            raise unknown_parameter(spelled)
        if name in bound:
            raise binding(f"Cannot bind parameter '{name}' because it is specified more than once.")
        bound[name] = _value(cmdlet, name, rules[name], value)
    _check_sets(cmdlet, rules, bound)
    return bound


def _check_sets(cmdlet: str, rules: dict[str, Any], bound: Parameters) -> None:
    every = {one for rule in rules.values() for one in rule.get("sets", [])}
    possible = set(every)
    for name in bound:
        if rules[name].get("sets"):
            possible &= set(rules[name]["sets"])
    if every and not possible:
        text = "Parameter set cannot be resolved using the specified named parameters."
        raise ExchangeError("Microsoft.Exchange.AdminApi.CommandInvocation.AmbiguousParameterSetException", text)
    missing = _missing(cmdlet, rules, bound, possible)
    if missing:
        names = " ".join(missing)
        raise binding(f"Cannot process command because of one or more missing mandatory parameters: {names}.")


def _missing(cmdlet: str, rules: dict[str, Any], bound: Parameters, possible: set[str]) -> list[str]:
    def required(name: str, one: str) -> bool:
        needed = rules[name].get("required_in", [])
        return (one in needed or "(All)" in needed) and (cmdlet, name) not in OPTIONAL

    gaps = [
        [name for name in rules if required(name, one) and bound.get(name) is None]
        for one in (sorted(possible) or ["(All)"])
    ]
    return min(gaps, key=len)


def _value(cmdlet: str, name: str, rule: dict[str, Any], value: Any) -> Any:
    kind = rule["type"]
    if kind in ("Boolean", "System.Boolean"):
        return _boolean(cmdlet, name, value)
    if kind == "SwitchParameter":
        if not isinstance(value, bool):
            raise transformation(name, f"Cannot convert value '{value}' to type SwitchParameter.")
        return value
    members = rule.get("values") or ENUMS.get(kind)
    if value is None:
        if kind in ("Int32", "UInt32", "Unlimited") or (members and not kind.endswith("[]")):
            raise transformation(name, f"Cannot convert null to type '{kind}'.")
        return None
    if kind in ("Int32", "UInt32") or (kind == "Unlimited" and str(value).lower() != "unlimited"):
        return _number(name, kind, value)
    if kind.endswith("[]") or kind in ("MultiValuedProperty", "ProxyAddressCollection"):
        return _texts(name, rule, kind, value)
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise transformation(name, f"Cannot convert the value to type '{kind}'.")
    if members:
        return _member(name, kind, members, str(value))
    if kind == "ProxyAddress" and not ADDRESS.match(str(value)):
        raise transformation(name, f"Cannot convert value '{value}' to type ProxyAddress: it is not a valid address.")
    return str(value)


def _boolean(cmdlet: str, name: str, value: Any) -> bool | None:
    if value is None and (cmdlet, name) in NULLABLE_BOOLEANS:
        return None
    if not isinstance(value, bool):
        raise transformation(
            name, f"Cannot convert value '{value}' to type System.Boolean. Boolean parameters accept only Booleans."
        )
    return value


def _number(name: str, kind: str, value: Any) -> int:
    text = str(value)
    lowest = -(2**31) if kind == "Int32" else 0
    if isinstance(value, bool) or not re.match(r"^-?\d+$", text) or not lowest <= int(text) < 2**32:
        raise transformation(name, f"Cannot convert value '{value}' to type '{kind}'.")
    return int(text)


def _member(name: str, kind: str, members: list[str], value: str) -> str:
    """Enums take any unambiguous beginning of a member, as PowerShell does."""
    for member in members:
        if member.lower() == value.lower():
            return member
    begun = [member for member in members if value and member.lower().startswith(value.lower())]
    if len(begun) == 1:
        return begun[0]
    listed = ", ".join(members)
    raise transformation(
        name,
        f'Cannot convert value "{value}" to type "{kind}". Error: "Unable to match the identifier name {value} to a '
        f'valid enumerator name. Specify one of the following enumerator names and try again: {listed}"',
    )


def _texts(name: str, rule: dict[str, Any], kind: str, value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("@odata.type") != HASH_TABLE:
            raise transformation(name, "Cannot convert a hash table without its @odata.type.")
        parts = {key: _texts(name, rule, kind, part) for key, part in value.items() if not key.startswith("@")}
        if not parts or set(parts) - {"Add", "Remove"}:
            raise transformation(name, "A hash table takes Add and Remove.")
        return parts
    items = value if isinstance(value, list) else [value]
    for item in items:
        if not isinstance(item, str):
            raise transformation(name, f"Cannot convert the value to type '{kind}'.")
    members = rule.get("values") or ENUMS.get(kind)
    return [_member(name, kind, members, item) for item in items] if members else list(items)


def changed_list(current: list[str] | None, wanted: Any) -> list[str]:
    """A multi-valued property after a replacement or an Add/Remove."""
    if not isinstance(wanted, dict):
        return list(wanted or [])
    gone = {text.lower() for text in wanted.get("Remove", [])}
    kept = [text for text in current or [] if text.lower() not in gone]
    held = {text.lower() for text in kept}
    return kept + [text for text in wanted.get("Add", []) if text.lower() not in held]
