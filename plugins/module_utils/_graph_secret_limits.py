# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What a tenant's app management policies allow of client secrets.

See Microsoft Graph "tenantAppManagementPolicy", "appManagementPolicy" and "passwordCredentialConfiguration".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, List, Optional

from ._errors import Refused, TenantError
from ._graph_calls import GraphCalls, quoted
from ._graph_objects import Application
from ._planning.rights import READ_POLICIES
from ._rows import Row

FORBIDDEN = "CredentialTypeNotAllowedAsPerAppPolicy"
CAPPED = "CredentialInvalidLifetimeAsPerAppPolicy"
TOO_MANY = "TooManyAppPasswords"
DAYS = {"Y": 366.0, "M": 31.0, "W": 7.0, "D": 1.0, "h": 1 / 24, "m": 1 / 1440, "s": 1 / 86400}


@dataclass(frozen=True)
class Limits:
    forbids: bool = False
    longest: Optional[str] = None
    """ISO 8601 duration."""
    spares_some: bool = False
    """Whether some identities are exempt, ours perhaps."""

    @property
    def cap(self) -> str:
        days = days_of(self.longest or "")
        return "" if days is None else " at {0:g} days ({1})".format(days, self.longest)


class SecretLimits:
    def __init__(self, calls: GraphCalls) -> None:
        self._calls = calls

    def refuse(self, application: Optional[Application], display_name: str, days: int) -> None:
        """Raises Refused where the service certainly would, as far as the admin identity may read the policies.

        ``application`` is None for one that is yet to be made.
        """
        limits = self._limits(application)
        most = days_of(limits.longest or "")
        code = FORBIDDEN if limits.forbids else CAPPED if most is not None and days > most + 1 else None
        if code and not limits.spares_some:
            raise Refused(
                "The secret {0!r} cannot be made: the tenant would refuse it ({1}).".format(display_name, code),
                advice(code, days, limits),
                code=code,
            )

    def explain(self, refusal: TenantError, application: Application, days: int) -> None:
        """Says in the refusal of a secret what to do, and the cap where it is known."""
        code = str(refusal.facts.get("code"))
        limits = self._limits(application) if code == CAPPED else Limits()
        refusal.advice = advice(code, days, limits) or refusal.advice

    def _limits(self, application: Optional[Application]) -> Limits:
        doing = "read what the tenant's app management policies allow"
        paths = {"tenant": ("/policies/defaultAppManagementPolicy", READ_POLICIES)}
        if application:
            own = "/applications/{0}/appManagementPolicies".format(quoted(application.object_id))
            paths["own"] = (own, READ_POLICIES)
        try:
            found = self._calls.each(paths, ["own"], doing)
        except TenantError:
            return Limits()
        default, own_policies = found["tenant"], found.get("own") or []
        if not isinstance(default, Row) or not isinstance(own_policies, list):
            return Limits()
        policies = [(default, "applicationRestrictions"), *((policy, "restrictions") for policy in own_policies)]
        rules: Dict[str, Row] = {}
        for policy, restrictions in policies:  # an application's own policy overrides the tenant's
            if policy.flag("isEnabled"):
                rules.update(_rules(policy.row(restrictions).rows("passwordCredentials"), application))
        return _judge(rules)


def _rules(rows: List[Row], application: Optional[Application]) -> Dict[str, Row]:
    rules = {}
    for row in rows:
        since = row.time("restrictForAppsCreatedAfterDateTime")
        is_older = since and application and application.created and application.created < since
        if not is_older:
            rules[str(row.text("restrictionType"))] = row
    return rules


def _judge(rules: Dict[str, Row]) -> Limits:
    limits = Limits()
    for kind in ("passwordAddition", "passwordLifetime"):
        row = rules.get(kind)
        if row is None or row.text("state") == "disabled":
            continue
        limits = replace(limits, spares_some=limits.spares_some or bool(row.row("excludeActors").plain()))
        if kind == "passwordAddition":
            limits = replace(limits, forbids=True)
        else:
            limits = replace(limits, longest=row.text("maxLifetime"))
    return limits


def days_of(duration: str) -> Optional[float]:
    """Of an ISO 8601 duration such as P90D or P6M, at most; None for anything else."""
    found = re.match(r"P(?=.)((?:\d+[YMWD])*)(?:T((?:\d+[HMS])+))?\Z", duration)
    if not found:
        return None
    parts = re.findall(r"(\d+)(\D)", found.group(1) + (found.group(2) or "").lower())
    return sum(int(number) * DAYS[unit] for number, unit in parts)


def advice(code: str, days: int, limits: Limits) -> str:
    """What to do about a refusal of this code; empty where nothing better than the service's own text is known."""
    if code == CAPPED:
        return (
            "{0} days were asked for, and the tenant's app management policy caps the lifetime of secrets{1}: ask for"
            " less with valid_days or end_date. Nothing was shortened, and nothing made."
        ).format(days, limits.cap)
    if code == FORBIDDEN:
        return (
            "The tenant's app management policy forbids client secrets ({0} days were asked for). Webex Connect takes"
            " nothing else, so the policy needs an exception for this application."
        ).format(days)
    if code == TOO_MANY:
        return "An application with personal accounts has at most two secrets: remove one first."
    return ""
