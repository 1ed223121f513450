# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent: what is listed and nothing beyond it, once, and nothing of others lost."""

from __future__ import annotations

import copy

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "admin_consent"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
LISTED = [
    {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
    {"resource": "Microsoft Graph", "delegated": ["offline_access"]},
]


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


def roles(tenant: Tenant, app: dict) -> list[str]:
    principal = tenant.service_principal(app["appId"])["id"]
    values = {role["id"]: role["value"] for sp in tenant.service_principals for role in sp["appRoles"]}
    return sorted(values[a["appRoleId"]] for a in tenant.role_assignments if a["principalId"] == principal)


def scopes(tenant: Tenant, app: dict, resource: str = EXCHANGE) -> list[str]:
    principal, target = (tenant.service_principal(app_id)["id"] for app_id in (app["appId"], resource))
    return [
        name
        for grant in tenant.grants
        if (grant["clientId"], grant["resourceId"], grant["consentType"]) == (principal, target, "AllPrincipals")
        for name in grant["scope"].split()
    ]


def ask_for(run: Runner, app: dict, **permissions: list[str]) -> None:
    run("exchange_app_permission", app_id=app["appId"], **permissions)


def test_twelve_runs(run: Runner, tenant: Tenant, app: dict) -> None:
    made = run.settled(MODULE, app_id=app["appId"], permissions=LISTED)
    assert roles(tenant, app) == ["Mail.Send"]
    assert scopes(tenant, app) == ["SMTP.Send"]
    assert scopes(tenant, app, GRAPH) == ["offline_access"]
    assert {entry["resource"]: entry for entry in made["consent"]["granted"]} == {
        "Office 365 Exchange Online": {
            "resource": "Office 365 Exchange Online",
            "application": ["Mail.Send"],
            "delegated": ["SMTP.Send"],
        },
        "Microsoft Graph": {"resource": "Microsoft Graph", "application": [], "delegated": ["offline_access"]},
    }
    more = [{"resource": EXCHANGE, "application": ["Mail.Read"], "delegated": ["Mail.Send"]}]
    run.settled(MODULE, app_id=app["appId"], permissions=more)
    assert roles(tenant, app) == ["Mail.Read", "Mail.Send"]
    assert scopes(tenant, app) == ["SMTP.Send", "Mail.Send"]
    run.settled(MODULE, app_id=app["appId"], permissions=more, state="absent")
    assert roles(tenant, app) == ["Mail.Send"]
    assert scopes(tenant, app) == ["SMTP.Send"]
    run.settled(MODULE, app_id=app["appId"], state="absent")
    assert roles(tenant, app) == []
    assert tenant.grants == []


def test_case_c01_the_existing_grant_is_extended_and_nothing_else(run: Runner, tenant: Tenant, app: dict) -> None:
    user = tenant.add_user("agent@contoso.example")
    theirs = copy.deepcopy(tenant.grant_delegated(app, EXCHANGE, "IMAP.AccessAsUser.All", principal_id=user["id"]))
    tenant.grant_delegated(app, EXCHANGE, " SMTP.Send  offline_access")
    ask_for(run, app, application_permissions=[], delegated_permissions=["Mail.Send", "SMTP.Send"])
    writes = len(run.world.writes())
    listed = [{"resource": EXCHANGE, "delegated": ["Mail.Send", "SMTP.Send"]}]
    result = run.settled(MODULE, app_id=app["appId"], permissions=listed)
    (write,) = run.world.writes()[writes:]
    assert write.method == "PATCH"
    assert write.body == {"scope": "SMTP.Send offline_access Mail.Send"}
    assert tenant.grants[0] == theirs
    assert len(tenant.grants) == 2
    assert result["consent"]["granted_to_single_users"] == [
        {"resource": "Office 365 Exchange Online", "principal_id": user["id"], "delegated": ["IMAP.AccessAsUser.All"]}
    ]
    other_order = [{"resource": EXCHANGE, "delegated": ["SMTP.Send", "Mail.Send"]}]
    assert not run.announced(MODULE, app_id=app["appId"], permissions=other_order)["changed"]
    run.settled(MODULE, app_id=app["appId"], permissions=other_order, purge=True)
    assert scopes(tenant, app) == ["SMTP.Send", "Mail.Send"]
    assert tenant.grants[0] == theirs


def test_odd_spaces_order_and_repeats_are_no_difference(run: Runner, tenant: Tenant, app: dict) -> None:
    tenant.grant_delegated(app, EXCHANGE, "  SMTP.Send   Mail.Send SMTP.Send ")
    listed = [{"resource": EXCHANGE, "delegated": ["Mail.Send", "SMTP.Send"]}]
    assert not run(MODULE, app_id=app["appId"], permissions=listed)["changed"]


def test_what_is_asked_for_beyond_the_list_is_shown_and_not_granted(run: Runner, tenant: Tenant, app: dict) -> None:
    ask_for(run, app, application_permissions=["Mail.Send", "full_access_as_app"])
    result = run(MODULE, app_id=app["appId"], permissions=LISTED)
    assert roles(tenant, app) == ["Mail.Send"]
    assert result["consent"]["asked_but_not_listed"] == [
        {"resource": "Office 365 Exchange Online", "application": ["full_access_as_app"], "delegated": []}
    ]
    run.settled(MODULE, app_id=app["appId"], permissions=LISTED, include_unlisted=True)
    assert roles(tenant, app) == ["Mail.Send", "full_access_as_app"]


def test_without_a_list_nothing_is_granted_unasked(run: Runner, app: dict) -> None:
    with pytest.raises(Failed, match="permissions is not given"):
        run(MODULE, app_id=app["appId"])
    assert list(run.world.log) == []


def test_purge_keeps_what_the_application_asks_for(run: Runner, tenant: Tenant, app: dict) -> None:
    ask_for(run, app, application_permissions=["Mail.Read"])
    for value in ("Mail.Read", "full_access_as_app"):
        tenant.assign_role(app, EXCHANGE, value)
    run.settled(MODULE, app_id=app["appId"], permissions=LISTED, purge=True)
    assert roles(tenant, app) == ["Mail.Read", "Mail.Send"]


def test_the_permission_is_granted_in_the_run_that_check_mode_announced_it(
    run: Runner, tenant: Tenant, app: dict
) -> None:
    assert app["requiredResourceAccess"] == []
    assert run.announced(MODULE, app_id=app["appId"], permissions=LISTED)["changed"]


def test_check_mode_accepts_an_application_that_is_yet_to_be_made(run: Runner, tenant: Tenant) -> None:
    result = run(MODULE, check=True, app_id=None, permissions=LISTED)
    assert result["changed"]
    assert result["consent"]["service_principal_id"] is None
    assert len(result["consent"]["granted"]) == 2


def test_case_c11_the_assignment_on_the_second_page_is_seen(run: Runner, tenant: Tenant, app: dict) -> None:
    tenant.settings.page_size = 2
    for value in ("Mail.Read", "full_access_as_app", "Mail.ReadWrite", "IMAP.AccessAsApp", "Mail.Send"):
        tenant.assign_role(app, EXCHANGE, value)
    listed = [{"resource": EXCHANGE, "application": ["Mail.Send"]}]
    result = run(MODULE, app_id=app["appId"], permissions=listed)
    assert not result["changed"]
    assert len(result["consent"]["granted"][0]["application"]) == 5


@pytest.mark.parametrize("flavour", ["request", "entitlement", "entitlement_409"])
def test_an_assignment_that_is_there_already_counts_as_granted(
    run: Runner, tenant: Tenant, app: dict, flavour: str
) -> None:
    tenant.settings.duplicate_assignment = flavour
    run.world.faults.add(when={"method": "POST", "path_contains": "appRoleAssignedTo"}, do="answer_lost")
    run.world.faults.add(when={"method": "POST", "path_contains": "oauth2PermissionGrants"}, do="answer_lost")
    assert run(MODULE, app_id=app["appId"], permissions=LISTED)["changed"]
    assert roles(tenant, app) == ["Mail.Send"]
    assert scopes(tenant, app) == ["SMTP.Send"]
    assert len(tenant.grants) == 2


def test_lag_of_a_fresh_service_principal_is_waited_for(run: Runner, tenant: Tenant) -> None:
    tenant.lag.objects = 2
    app_id = run("azure_app_registration", display_name="WebexConnect")["application"]["app_id"]
    assert run(MODULE, app_id=app_id, permissions=LISTED)["changed"]
    assert not run(MODULE, app_id=app_id, permissions=LISTED)["changed"]


def test_a_missing_service_principal_is_made_first(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("x", service_principal=False)
    result = run.settled(MODULE, app_id=app["appId"], permissions=LISTED)
    assert result["consent"]["service_principal_id"] == tenant.service_principal(app["appId"])["id"]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_case_c36_a_name_that_would_do_nothing_is_refused(run: Runner, app: dict, check: bool) -> None:
    listed = [{"resource": EXCHANGE, "application": ["SMTP.Send"]}]
    with pytest.raises(Failed, match="no application permission"):
        run(MODULE, check=check, app_id=app["appId"], permissions=listed)
    assert run.world.writes() == []


@pytest.mark.parametrize(
    ("graph_roles", "missing"),
    [
        (["Application.Read.All", "DelegatedPermissionGrant.ReadWrite.All"], "AppRoleAssignment.ReadWrite.All"),
        (["Application.Read.All", "AppRoleAssignment.ReadWrite.All"], "DelegatedPermissionGrant.ReadWrite.All"),
    ],
)
def test_a_missing_right_is_named(run: Runner, graph_roles: list[str], missing: str) -> None:
    tenant = run.world.add_tenant("2f4b9a52-6d5e-4b1c-9df0-3f4c2c6f6e11", domain="fabrikam.example")
    tenant.add_admin("c1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10", "fake", graph_roles=graph_roles)
    app = tenant.add_application("x")
    other = Runner(
        run.world,
        run.clock,
        tenant_id=tenant.tenant_id,
        client_id="c1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10",
        client_secret="fake",
    )
    with pytest.raises(Failed, match=missing):
        other(MODULE, app_id=app["appId"], permissions=LISTED)
