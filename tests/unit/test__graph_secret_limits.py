# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What app management policies allow: the application's own overrides the tenant's, kind by kind."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Refused
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_secret_limits import SecretLimits, days_of
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import Row
from samples import application


class Calls:
    def __init__(self, default: dict[str, Any], own: list[dict[str, Any]]) -> None:
        self.found = {"tenant": Row(default, "policy"), "own": [Row(policy, "policy") for policy in own]}

    def each(self, paths: Any, lists: Any, doing: str) -> Any:
        return {name: self.found[name] for name in paths}


def rule(kind: str, **more: Any) -> dict[str, Any]:
    return {"restrictionType": kind, "state": "enabled", **more}


FORBIDS = rule("passwordAddition")
ALLOWS = rule("passwordAddition", state="disabled")
NINETY, YEAR = (rule("passwordLifetime", maxLifetime=text) for text in ("P90D", "P1Y"))


@pytest.mark.parametrize(
    ("default", "own", "says"),
    [
        ([], None, None),
        ([FORBIDS], None, "forbids"),
        ([NINETY], None, "at 90 days"),
        ([YEAR], None, None),
        ([FORBIDS], [ALLOWS], None),
        ([NINETY], [YEAR], None),
        ([YEAR], [NINETY], "at 90 days"),
        ([FORBIDS], [YEAR], "forbids"),
        ([FORBIDS, NINETY], [ALLOWS], "at 90 days"),
        ([], [rule("passwordLifetime", maxLifetime=None)], None),
    ],
)
def test_the_own_policy_overrides_the_tenants(default: Any, own: Any, says: str | None) -> None:
    policy = {"isEnabled": True, "applicationRestrictions": {"passwordCredentials": default}}
    own_policy = {"isEnabled": True, "restrictions": {"passwordCredentials": own}}
    limits = SecretLimits(Calls(policy, [own_policy] if own else []))  # type: ignore[arg-type]
    if says is None:
        limits.refuse(application(), "webex-connect", 180)
        return
    with pytest.raises(Refused, match=says):
        limits.refuse(application(), "webex-connect", 180)


@pytest.mark.parametrize(("default_on", "own_on"), [(False, True), (True, False)])
def test_a_policy_that_is_switched_off_says_nothing(default_on: bool, own_on: bool) -> None:
    policy = {"isEnabled": default_on, "applicationRestrictions": {"passwordCredentials": [FORBIDS]}}
    own = {"isEnabled": own_on, "restrictions": {"passwordCredentials": [ALLOWS]}}
    limits = SecretLimits(Calls(policy, [own]))  # type: ignore[arg-type]
    if own_on:
        limits.refuse(application(), "webex-connect", 180)
    else:
        with pytest.raises(Refused, match="forbids"):
            limits.refuse(application(), "webex-connect", 180)


@pytest.mark.parametrize(
    ("duration", "days"),
    [
        ("P90D", 90),
        ("P6M", 186),
        ("P1Y", 366),
        ("P2W", 14),
        ("P4DT12H30M5S", 4.520891),
        ("PT36H", 1.5),
        ("PT1M", 1 / 1440),
        ("P", None),
        ("", None),
        ("P90", None),
        ("90 days", None),
        ("P-1D", None),
    ],
)
def test_a_duration_is_counted_at_most(duration: str, days: float | None) -> None:
    assert days_of(duration) == (None if days is None else pytest.approx(days, abs=1e-6))
