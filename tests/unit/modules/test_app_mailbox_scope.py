# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application reaches the mailboxes that are named, and nothing of anybody else's is touched."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "app_mailbox_scope"
ADDRESS, SALES, BOSS = "support@contoso.example", "o'hara@contoso.example", "boss@contoso.example"
OURS = "Webex Connect mailboxes"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
MADE = ["New-ServicePrincipal", "New-ManagementScope", "New-ManagementRoleAssignment"]
REMOVED = ["Remove-ManagementRoleAssignment", "Remove-ServicePrincipal", "Remove-ManagementScope"]


@pytest.fixture
def app(tenant: Tenant) -> dict[str, Any]:
    for address in (ADDRESS, SALES, BOSS):
        tenant.add_mailbox(address)
    return tenant.add_application("WebexConnect")


@pytest.fixture
def scope(run: Runner, app: dict[str, Any]) -> Any:
    """The module, for this application."""

    class Scope:
        def __getattr__(self, name: str) -> Any:
            return lambda **options: getattr(run, name)(MODULE, app_id=app["appId"], **options)

        def __call__(self, **options: Any) -> dict[str, Any]:
            return run(MODULE, app_id=app["appId"], **options)

    return Scope()


def written(run: Runner, since: int = 0) -> list[str]:
    return [str(write.cmdlet) for write in run.world.writes()[since:]]


def state(tenant: Tenant) -> Any:
    return copy.deepcopy(
        [tenant.exchange_service_principals, tenant.management_scopes, tenant.management_role_assignments]
    )


def principal_id(tenant: Tenant, app: dict[str, Any]) -> str:
    return str(tenant.service_principal(app["appId"])["id"])


def reached(run: Runner, tenant: Tenant, app: dict[str, Any], mailbox: str) -> set[str]:
    """The roles by which the application reaches a mailbox, told by the tenant."""
    from simulated_tenant.cmdlets_rbac import test_authorization

    rows = test_authorization(tenant, {"Identity": app["appId"], "Resource": mailbox}).rows
    return {row["RoleName"] for row in rows if row["InScope"] is True}


# Twelve runs --------------------------------------------------------------------------------------


def test_twelve_runs(run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any]) -> None:
    made = scope.settled(mailboxes=[ADDRESS])
    assert written(run) == MADE
    assert made["mailbox_scope"]["mailboxes"] == [{"mailbox": ADDRESS, "in_scope": True}]
    assert made["warnings"] == []
    (registration,) = tenant.exchange_service_principals
    assert registration["ObjectId"] == principal_id(tenant, app)
    assert registration["DisplayName"] == f"WebexConnect ({OURS})"
    assert reached(run, tenant, app, ADDRESS) == {"Application Mail.Send"}
    assert reached(run, tenant, app, BOSS) == set()

    since = len(run.world.writes())
    changed = scope.settled(mailboxes=[SALES], roles=["Application Mail.Read"])
    assert written(run, since) == ["Set-ManagementScope", "New-ManagementRoleAssignment"]
    assert changed["mailbox_scope"]["roles"] == ["Mail.Read", "Mail.Send"]
    assert reached(run, tenant, app, SALES) == {"Application Mail.Read", "Application Mail.Send"}
    assert reached(run, tenant, app, ADDRESS) == {"Application Mail.Read", "Application Mail.Send"}

    since = len(run.world.writes())
    scope.settled(mailboxes=[SALES], roles=["mail.send"], purge=True)
    assert written(run, since) == ["Set-ManagementScope", "Remove-ManagementRoleAssignment"]
    assert reached(run, tenant, app, ADDRESS) == set()

    since = len(run.world.writes())
    scope.settled(state="absent")
    assert written(run, since) == REMOVED
    assert state(tenant) == [[], [], []]


def test_mailboxes_leave_one_by_one_and_the_last_takes_the_rest_along(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any]
) -> None:
    scope.settled(mailboxes=[ADDRESS, SALES])
    scope.settled(state="absent", mailboxes=[ADDRESS])
    assert reached(run, tenant, app, ADDRESS) == set()
    assert reached(run, tenant, app, SALES) == {"Application Mail.Send"}
    scope.settled(state="absent", mailboxes=[SALES, ADDRESS])
    assert state(tenant) == [[], [], []]


def test_a_role_is_taken_back_alone_and_a_mailbox_that_is_gone_can_leave(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any]
) -> None:
    scope.settled(mailboxes=[ADDRESS, SALES], roles=["Mail.Send", "Mail.Read"])
    scope.settled(state="absent", roles=["Mail.Read"])
    assert reached(run, tenant, app, ADDRESS) == {"Application Mail.Send"}
    tenant.mailboxes[:] = [row for row in tenant.mailboxes if row["PrimarySmtpAddress"] != SALES]
    scope.settled(state="absent", mailboxes=[SALES])
    assert f"'{ADDRESS}'" in tenant.management_scopes[0]["RecipientFilter"]
    assert "hara" not in tenant.management_scopes[0]["RecipientFilter"]


def test_an_application_that_is_yet_to_be_made_is_announced(run: Runner, app: dict[str, Any]) -> None:
    result = run(MODULE, check=True, app_id=None, mailboxes=[ADDRESS])
    assert result["changed"]
    assert result["mailbox_scope"]["app_id"] is None
    assert result["diff"]["after"]["mailboxes"] == [ADDRESS]
    with pytest.raises(Failed, match="only check mode accepts"):
        run(MODULE, app_id=None, mailboxes=[ADDRESS])


def test_a_mailbox_with_a_new_primary_address_is_brought_back(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any]
) -> None:
    scope(mailboxes=[ADDRESS])
    row = tenant.mailbox(ADDRESS)
    row["PrimarySmtpAddress"], row["EmailAddresses"] = "help@contoso.example", ["SMTP:help@contoso.example"]
    row["EmailAddresses"].append(f"smtp:{ADDRESS}")
    assert reached(run, tenant, app, "help@contoso.example") == set()
    scope.settled(mailboxes=[ADDRESS])
    assert reached(run, tenant, app, "help@contoso.example") == {"Application Mail.Send"}
    assert ADDRESS not in tenant.management_scopes[0]["RecipientFilter"]


# What makes a scope worthless -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "permission", "says"),
    [
        (GRAPH, "Mail.Send", "Mail.Send of Microsoft Graph is granted for the whole tenant, so the scope is worthless"),
        (
            EXCHANGE,
            "Mail.Send",
            "Mail.Send of Office 365 Exchange Online is granted for the whole tenant, so the scope",
        ),
        (EXCHANGE, "full_access_as_app", "so the scope is worthless for Mail.Send"),
        (GRAPH, "Mail.ReadWrite", "so by it the application reaches every mailbox, whatever the scope says"),
    ],
)
def test_a_grant_for_the_whole_tenant_beside_it_is_named(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any], api: str, permission: str, says: str
) -> None:
    tenant.assign_role(tenant.service_principal(app["appId"]), api, permission)
    for result in (scope.settled(mailboxes=[ADDRESS]), scope(mailboxes=[ADDRESS])):
        (warning,) = result["warnings"]
        assert says in warning
        assert [item["permission"] for item in result["mailbox_scope"]["tenant_wide"]] == [permission]


def test_grants_that_reach_no_mailbox_are_not_warned_of(scope: Any, tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.assign_role(tenant.service_principal(app["appId"]), GRAPH, "User.Read.All")
    result = scope(mailboxes=[ADDRESS])
    assert (result["warnings"], result["mailbox_scope"]["tenant_wide"]) == ([], [])
    assert "SMTP.Send" in result["mailbox_scope"]["connect_needs"][0]


def test_a_role_for_everybody_beside_it_is_named_and_left(scope: Any, tenant: Tenant, app: dict[str, Any]) -> None:
    scope(mailboxes=[ADDRESS])
    theirs = tenant.add_role_assignment("Archive", "Application Mail.Send", principal_id(tenant, app))
    result = scope.announced(mailboxes=[ADDRESS])
    assert "Application Mail.Send for every mailbox as well, by the role assignment 'Archive'" in result["warnings"][0]
    assert result["mailbox_scope"]["other_assignments"] == [
        {"name": "Archive", "role": "Mail.Send", "where": "every mailbox"}
    ]
    kept = scope.settled(state="absent")
    assert "stays registered in Exchange, because it still has the role assignment 'Archive'" in kept["warnings"][0]
    assert tenant.management_role_assignments == [theirs]
    assert len(tenant.exchange_service_principals) == 1


def test_a_mailbox_that_trusts_the_application_keeps_it_registered(
    scope: Any, tenant: Tenant, app: dict[str, Any]
) -> None:
    scope(mailboxes=[ADDRESS])
    tenant.add_mailbox_permission(ADDRESS, f"WebexConnect ({OURS})", ["FullAccess"])
    kept = scope.settled(state="absent")
    assert f"a permission on {ADDRESS}" in kept["warnings"][0]
    assert "stays registered" in scope(state="absent")["warnings"][0]
    assert [len(part) for part in state(tenant)] == [1, 0, 0]


def test_what_exchange_does_not_let_in_is_said(scope: Any, tenant: Tenant) -> None:
    scope(mailboxes=[ADDRESS])
    tenant.management_role_assignments[0]["Enabled"] = False
    result = scope.announced(mailboxes=[ADDRESS])
    assert result["mailbox_scope"]["mailboxes"] == [{"mailbox": ADDRESS, "in_scope": False}]
    assert ["switched off" in result["warnings"][0], "cannot reach " + ADDRESS in result["warnings"][1]] == [True, True]


# What is somebody else's ------------------------------------------------------------------------------


def _registered_by_hand(tenant: Tenant, app: dict[str, Any], **differences: str) -> None:
    row = {"AppId": app["appId"], "ObjectId": principal_id(tenant, app), "DisplayName": "By hand", **differences}
    tenant.exchange_service_principals.append({**row, "Identity": row["ObjectId"], "Name": "x", "Guid": "y"})


def _scope(tenant: Tenant, text: str, **differences: Any) -> None:
    row = {
        "Name": OURS,
        "Identity": OURS,
        "Guid": "z",
        "RecipientFilter": text,
        "RecipientRoot": "",
        "Exclusive": False,
    }
    tenant.management_scopes.append({**row, **differences})


def test_a_registration_by_hand_is_used_and_stays(scope: Any, tenant: Tenant, app: dict[str, Any]) -> None:
    _registered_by_hand(tenant, app)
    before = state(tenant)
    scope.settled(mailboxes=[ADDRESS])
    scope.settled(state="absent")
    assert state(tenant) == before


NOT_OURS = {
    "another filter": (lambda t, a: _scope(t, "((City -eq 'Berlin'))"), "more than primary addresses"),
    "exclusive": (lambda t, a: _scope(t, f"((PrimarySmtpAddress -eq '{BOSS}'))", Exclusive=True), "more than primary"),
    "used by people": (
        lambda t, a: (
            _scope(t, f"((PrimarySmtpAddress -eq '{BOSS}'))"),
            t.add_role_assignment("Desk", "Mail Recipients", "Help Desk", CustomRecipientWriteScope=OURS),
        ),
        "role assignments that this task did not make: Desk",
    ),
    "used by another application": (
        lambda t, a: (
            _scope(t, f"((PrimarySmtpAddress -eq '{BOSS}'))"),
            t.add_role_assignment("Other", "Application Mail.Read", "someone", CustomResourceScope=OURS),
        ),
        "did not make: Other",
    ),
    "used by ours for another purpose": (
        lambda t, a: (
            _registered_by_hand(t, a),
            _scope(t, f"((PrimarySmtpAddress -eq '{BOSS}'))"),
            t.add_role_assignment("Mine", "Application Mail.Send", principal_id(t, a), CustomResourceScope=OURS),
        ),
        "did not make: Mine",
    ),
}


@pytest.mark.parametrize("name", NOT_OURS)
@pytest.mark.parametrize("wish", [{"mailboxes": [ADDRESS]}, {"state": "absent"}], ids=["present", "absent"])
def test_a_scope_of_somebody_else_is_refused_and_not_touched(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any], name: str, wish: dict[str, Any]
) -> None:
    arrange, says = NOT_OURS[name]
    arrange(tenant, app)
    before = state(tenant)
    for check in (True, False):
        with pytest.raises(Failed, match=says) as failed:
            scope(check=check, **wish)
        assert "Nothing was changed" in failed.value.message
    assert (state(tenant), run.world.writes()) == (before, [])


REFUSED = {
    "a role assignment of our name": (
        lambda t, a: t.add_role_assignment(f"{OURS} - Mail.Send", "Application Mail.Send", "someone"),
        "exists already, for another application or scope",
    ),
    "several registrations": (
        lambda t, a: (_registered_by_hand(t, a), _registered_by_hand(t, a, ObjectId="other")),
        "knows 2 service principals",
    ),
    "a wrong registration": (lambda t, a: _registered_by_hand(t, a, ObjectId=a["id"]), "no sign-in of it would work"),
    "no service principal": (lambda t, a: t.service_principals.pop(), "has no service principal in the tenant"),
    "several mailboxes": (
        lambda t, a: (t.mailbox(SALES).update(Alias="support"), t.mailbox(BOSS).update(Alias="support")),
        "mailboxes are called that",
    ),
    "a tenant that is not customizable": (
        lambda t, a: t.organization_config.update(IsDehydrated=True),
        "Enable-OrganizationCustomization.*Nothing of the application in Exchange was changed",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_refused_before_the_first_write(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any], name: str
) -> None:
    arrange, says = REFUSED[name]
    arrange(tenant, app)
    before = state(tenant)
    for check in (True, False):
        with pytest.raises(Failed, match=says):
            scope(check=check, mailboxes=["support" if name == "several mailboxes" else ADDRESS])
    assert (state(tenant), run.world.writes()) == (before, [])


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"mailboxes": []}, "mailboxes is empty"),
        ({"mailboxes": [ADDRESS], "roles": []}, "roles is empty"),
        ({"mailboxes": [ADDRESS], "roles": ["Mail.Sendd"]}, "Did you mean Mail.Send"),
        ({"mailboxes": ["*"]}, "wildcards"),
        ({"mailboxes": [ADDRESS], "scope_name": "x" * 37}, "at most 36"),
        ({"state": "absent", "purge": True}, "purge goes with state present"),
    ],
)
def test_bad_input_is_refused_without_a_request(run: Runner, scope: Any, wish: dict[str, Any], says: str) -> None:
    with pytest.raises(Failed, match=says):
        scope(check=True, **wish)
    assert list(run.world.log) == []


# Faults -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cmdlet", [*MADE, "Set-ManagementScope", *REMOVED])
def test_a_lost_answer_doubles_nothing(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any], cmdlet: str
) -> None:
    if cmdlet not in MADE:
        scope(mailboxes=[ADDRESS])
    run.world.faults.add({"cmdlet": cmdlet}, "answer_lost")
    wish: dict[str, Any] = {"state": "absent"} if cmdlet in REMOVED else {"mailboxes": [ADDRESS, SALES]}
    assert scope(**wish)["changed"]
    assert written(run).count(cmdlet) == 2
    assert [len(part) for part in state(tenant)] == ([0, 0, 0] if cmdlet in REMOVED else [1, 1, 1])
    assert not scope(**wish)["changed"]


@pytest.mark.parametrize("cmdlet", [*MADE, *REMOVED])
def test_a_run_that_was_interrupted_is_finished_by_the_next(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any], cmdlet: str
) -> None:
    wish: dict[str, Any] = {"mailboxes": [ADDRESS]}
    if cmdlet in REMOVED:
        scope(**wish)
        wish = {"state": "absent"}
    run.world.faults.add({"cmdlet": cmdlet}, 400)
    with pytest.raises(Failed, match=cmdlet):
        scope(**wish)
    scope.settled(**wish)
    assert [len(part) for part in state(tenant)] == ([0, 0, 0] if cmdlet in REMOVED else [1, 1, 1])


def test_minutes_after_customization_a_write_is_tried_again(
    run: Runner, scope: Any, tenant: Tenant, app: dict[str, Any]
) -> None:
    tenant.hydration_failures_left = 3
    result = scope.settled(mailboxes=[ADDRESS])
    assert written(run).count("New-ManagementScope") == 4
    assert result["waited"][0]["seen"]


def test_it_costs_few_requests(run: Runner, scope: Any, tenant: Tenant) -> None:
    scope(mailboxes=[ADDRESS])
    since = len(run.world.log)
    assert not scope(mailboxes=[ADDRESS])["changed"]
    asked = [entry for entry in list(run.world.log)[since:] if entry.door != "login"]
    assert len(asked) <= 4
