# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User consent: one list is replaced in part, and nothing beside it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant, World

MODULE = "user_consent_policy"
OWN = "ManagePermissionGrantsForSelf."
TEAMS = "ManagePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team"
LOW, LEGACY, RECOMMENDED = (OWN + "microsoft-user-default-" + name for name in ("low", "legacy", "recommended"))
MAIL_CLIENTS = OWN + "microsoft-user-default-allow-consent-apps"
CUSTOM = OWN + "Contoso-mail-only"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
LESSER_ID = "c0000009-0000-4000-8000-000000000009"


def assigned(tenant: Tenant) -> list[str]:
    entries = tenant.policies["authorizationPolicy"]["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"]
    assert isinstance(entries, list)
    return entries


def assign(tenant: Tenant, *entries: str) -> None:
    assigned(tenant)[:] = entries


def classify(tenant: Tenant, name: str, word: str = "low") -> None:
    principal = tenant.service_principal(EXCHANGE)["id"]
    row = {"id": "x1", "permissionId": "76faac2a-0f20-42f1-928a-50de5b9dbe52", "permissionName": name}
    tenant.classifications[principal] = [{**row, "classification": word}]


def lesser(tenant: Tenant, *rights: str) -> dict[str, Any]:
    """An admin identity with these rights and no others."""
    tenant.add_admin(LESSER_ID, "s9~not-a-real-secret", graph_roles=rights)
    return {"client_id": LESSER_ID, "client_secret": "s9~not-a-real-secret"}


def test_twelve_runs(run: Runner, tenant: Tenant) -> None:
    for word, own in (("disabled", []), ("verified_publishers", [LOW]), ("all", [LEGACY])):
        result = run.settled(MODULE, user_consent=word)
        assert sorted(assigned(tenant)) == sorted([*own, TEAMS])
        assert result["user_consent"]["user_consent"] == word
        assert result["user_consent"]["policies"] == own
        assert result["user_consent"]["kept"] == [TEAMS]
    run.settled(MODULE, user_consent="microsoft_managed")
    assert sorted(assigned(tenant)) == sorted([RECOMMENDED, TEAMS])


def test_case_c29_one_update_holds_the_list_alone_and_all_neighbours_stay(run: Runner, tenant: Tenant) -> None:
    policy = tenant.policies["authorizationPolicy"]
    policy["guestUserRoleId"] = "2af84b1e-32c8-42b7-82bc-daa82404023b"
    policy["defaultUserRolePermissions"]["allowedToCreateApps"] = False
    before = copy.deepcopy(policy)
    run.settled(MODULE, user_consent="disabled")
    assert assigned(tenant) == [TEAMS]
    run.settled(MODULE, user_consent="verified_publishers")
    assert sorted(assigned(tenant)) == sorted([LOW, TEAMS])
    for write in run.world.writes():
        assert list(write.body) == ["defaultUserRolePermissions"]
        assert list(write.body["defaultUserRolePermissions"]) == ["permissionGrantPoliciesAssigned"]
    before["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] = assigned(tenant)
    assert policy == before


def test_case_c29_order_and_letter_case_are_no_drift_and_kept_spellings_stay(run: Runner, tenant: Tenant) -> None:
    teams = TEAMS[0].lower() + TEAMS[1:]
    assign(tenant, teams, LOW[0].lower() + LOW[1:])
    result = run.announced(MODULE, user_consent="verified_publishers")
    assert not result["changed"]
    assert result["user_consent"]["policies"] == [LOW[0].lower() + LOW[1:]]
    run.settled(MODULE, user_consent="all")
    assert sorted(assigned(tenant)) == sorted([teams, LEGACY[0].lower() + LEGACY[1:]])


def test_case_c29_a_change_that_the_service_ignores_fails_the_task(run: Runner, tenant: Tenant) -> None:
    tenant.settings.ignore_consent_changes = True
    with pytest.raises(Failed, match="does not show it.*microsoft-user-default-recommended"):
        run(MODULE, user_consent="disabled")
    assert sum(run.clock.slept) <= 31


def test_a_change_that_is_seen_late_is_waited_for(run: Runner, tenant: Tenant, world: World) -> None:
    late = copy.deepcopy(tenant.policies["authorizationPolicy"])
    late["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] = [RECOMMENDED, TEAMS]
    fault = world.faults.add(lambda entry: entry.method == "GET" and bool(world.writes()), 200, times=2, body=late)
    result = run(MODULE, user_consent="disabled")
    assert fault.struck == 2
    assert result["waited"][0]["seen"]


@pytest.mark.parametrize("entries", [[CUSTOM], [LOW, CUSTOM], [LOW, LEGACY]])
def test_a_custom_policy_is_told_verbatim(run: Runner, tenant: Tenant, entries: list[str]) -> None:
    assign(tenant, *entries, TEAMS)
    seen = run.announced(MODULE)
    assert not seen["changed"]
    assert seen["user_consent"]["user_consent"] == "custom"
    assert seen["user_consent"]["policies"] == entries
    replaced = run.settled(MODULE, user_consent="microsoft_managed")
    assert any(", ".join(entries) in warning for warning in replaced["warnings"])


def test_what_microsoft_adds_to_its_own_setting_is_no_drift(run: Runner, tenant: Tenant) -> None:
    assign(tenant, RECOMMENDED, MAIL_CLIENTS, TEAMS)
    result = run.announced(MODULE, user_consent="microsoft_managed")
    assert not result["changed"]
    assert result["user_consent"]["policies"] == [RECOMMENDED, MAIL_CLIENTS]
    run.settled(MODULE, user_consent="disabled")
    assert assigned(tenant) == [TEAMS]


def test_left_out_it_only_tells(run: Runner, tenant: Tenant) -> None:
    result = run(MODULE)
    assert result["user_consent"] == {
        "user_consent": "microsoft_managed",
        "policies": [RECOMMENDED],
        "kept": [TEAMS],
        "low_impact_permissions": None,
        "unread": [],
    }
    assert len(run.world.requests("graph")) == 1


@pytest.mark.parametrize("classified", [None, "medium", "low"])
def test_verified_publishers_that_permit_nothing_draw_a_warning(
    run: Runner, tenant: Tenant, classified: str | None
) -> None:
    if classified:
        classify(tenant, "SMTP.Send", classified)
    result = run(MODULE, user_consent="verified_publishers")
    warned = any("users can consent to nothing" in warning for warning in result["warnings"])
    assert warned is (classified != "low")
    low = {"Microsoft Graph": [], "Office 365 Exchange Online": ["SMTP.Send"] if classified == "low" else []}
    assert result["user_consent"]["low_impact_permissions"] == low


def test_a_tenant_without_exchange_is_judged_by_the_rest(run: Runner, tenant: Tenant) -> None:
    tenant.remove_first_party(EXCHANGE)
    result = run(MODULE, user_consent="verified_publishers")
    assert result["user_consent"]["low_impact_permissions"] == {"Microsoft Graph": [], "Office 365 Exchange Online": []}


def test_classifications_that_may_not_be_read_are_said_to_be_unread(run: Runner, tenant: Tenant) -> None:
    rights = lesser(tenant, "Policy.ReadWrite.Authorization")
    result = run(MODULE, user_consent="verified_publishers", **rights)
    assert result["user_consent"]["low_impact_permissions"] is None
    assert result["user_consent"]["unread"] == ["which permissions are classified as low impact"]
    assert result["warnings"] == []


@pytest.mark.parametrize(
    ("held", "missing"),
    [("Application.Read.All", "Policy.Read.All"), ("Policy.Read.All", "Policy.ReadWrite.Authorization")],
)
def test_the_missing_right_is_named(run: Runner, tenant: Tenant, held: str, missing: str) -> None:
    with pytest.raises(Failed, match=missing):
        run(MODULE, user_consent="disabled", **lesser(tenant, held))
    assert RECOMMENDED in assigned(tenant)


def test_without_a_wish_a_missing_right_is_told_and_nothing_is_claimed(run: Runner, tenant: Tenant) -> None:
    result = run.announced(MODULE, **lesser(tenant, "Application.Read.All"))
    assert result["user_consent"]["user_consent"] is None
    assert result["user_consent"]["policies"] is None
    assert "Policy.Read.All" in result["user_consent"]["unread"][0]
    assert "Policy.Read.All" in result["warnings"][0]


def test_a_list_that_is_not_in_the_answer_is_not_taken_for_an_empty_one(
    run: Runner, world: World, tenant: Tenant
) -> None:
    world.faults.add({"door": "graph"}, 200, body={"id": "authorizationPolicy", "defaultUserRolePermissions": {}})
    with pytest.raises(Failed, match="lacks permissionGrantPoliciesAssigned"):
        run(MODULE, user_consent="disabled")
    assert world.writes() == []


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_case_c14_a_bare_off_is_refused_with_the_choices(run: Runner, tenant: Tenant, check: bool) -> None:
    with pytest.raises(Failed, match="must be one of: disabled, verified_publishers"):
        run(MODULE, check=check, user_consent=False)
    assert run.world.log == []
