# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was just written is not seen by everybody at once: each reader and each kind of lag, over a whole onboarding.

A task waits for what it needs next, in growing steps, says what it waited for, and leaves nothing that a next task
could miss; where nothing lags, nobody waits.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from module_runner import Clock, Failed, Runner
from onboarding import PERMISSIONS, onboard
from samples import SEARCHING
from simulated_tenant import Lag, Tenant

ADDRESS = "support@contoso.example"
SOON, NEVER = 5, 10**6
# What lags, and the steps of the onboarding that have to wait for it; no other may.
KINDS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "by-id": ({"readers": {"id": SOON}}, {"permissions", "consent"}),
    "by-key": ({"readers": {"key": SOON}}, {"application"}),
    "by-filter": ({"readers": {"list": SOON}}, {"application"}),
    "service-principal-endpoint-400": ({"readers": {"service_principal": SOON}}, {"application"}),
    "service-principal-endpoint-403": (
        {"readers": {"service_principal": SOON}, "misleading_403": True},
        {"application"},
    ),
    "role-endpoint-400": ({"readers": {"role": SOON}}, {"consent"}),
    "grant-endpoint-404-and-400": ({"readers": {"grant": SOON}}, {"consent"}),
    "secret-endpoint-404": ({"readers": {"add_password": SOON}}, {"secret"}),
    "stale-secrets": ({"secrets": SOON}, set()),  # the store's record tells, so only a next run waits
    "stale-consent": ({"grants": SOON}, {"consent"}),
    "stale-properties": ({"updates": SOON}, {"permissions"}),
    "every-reader": ({"objects": SOON}, {"application", "secret", "permissions", "consent"}),
    "flicker": ({"objects": SOON, "flicker": True}, {"application", "secret", "permissions", "consent"}),
    "flickering-consent": ({"grants": 2, "flicker": True}, {"consent"}),
    "flickering-properties": ({"updates": 2, "flicker": True}, {"permissions"}),
    "everything": (
        {"objects": 4, "grants": 4, "secrets": 4, "updates": 4, "flicker": True, "misleading_403": True},
        {"application", "secret", "permissions", "consent"},
    ),
}

ENDLESS = ("by-id", "by-filter", "service-principal-endpoint-403", "grant-endpoint-404-and-400", "every-reader")


@pytest.fixture
def wanted(tenant: Tenant, tmp_path: Path) -> dict[str, Any]:
    tenant.add_mailbox(ADDRESS)
    return {
        "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
        "connect_email_secret_store": {"path": str(tmp_path / "secrets.yml")},
        "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": "a@mail-us.imiconnect.io"}],
    }


def assert_whole(tenant: Tenant) -> None:
    """Everything is there, and once."""
    (app,) = tenant.applications
    assert len([sp for sp in tenant.service_principals if sp["appId"] == app["appId"]]) == 1
    assert len(app["passwordCredentials"]) == 1
    principal = tenant.service_principal(app["appId"])["id"]
    assert len([role for role in tenant.role_assignments if role["principalId"] == principal]) == 1
    assert sorted(grant["scope"] for grant in tenant.grants) == ["SMTP.Send", "offline_access"]
    asked = [access["id"] for entry in app["requiredResourceAccess"] for access in entry["resourceAccess"]]
    assert len(asked) == 3


def steps_that(done: dict[str, Any], what: str) -> set[str]:
    return {step for step, results in done.items() if any(result[what] for result in results)}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_lag_is_waited_for_where_it_matters_and_told(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], kind: str
) -> None:
    lag, waiting = KINDS[kind]
    tenant.settings.lag = Lag(**lag)
    first = onboard(run, wanted)
    assert_whole(tenant)
    assert steps_that(first, "changed") == set(first)
    assert steps_that(first, "waited") == waiting
    told = [wait for results in first.values() for result in results for wait in result["waited"]]
    assert all(wait["seen"] and wait["for"] for wait in told)
    assert sum(wait["seconds"] for wait in told) == pytest.approx(sum(run.clock.slept), abs=0.1 * len(told) + 0.1)
    assert bool(run.clock.slept) == bool(waiting)

    writes = len(run.world.writes())
    second = onboard(run, wanted)
    assert steps_that(second, "changed") == set()
    assert len(run.world.writes()) == writes
    assert_whole(tenant)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind][1] and (SEARCHING or kind in ENDLESS)])
def test_lag_without_end_is_left_in_time_and_the_next_run_goes_on(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], kind: str
) -> None:
    lag = {name: NEVER if isinstance(value, int) and value > 1 else value for name, value in KINDS[kind][0].items()}
    lag["readers"] = dict.fromkeys(lag.get("readers", {}), NEVER)
    tenant.settings.lag = Lag(**lag)
    run.defaults["replication_timeout"] = 20
    done: dict[str, Any] = {}
    try:
        done = onboard(run, wanted)
    except Failed as failure:
        assert tenant.tenant_id in failure.message
        app = tenant.applications[0]["appId"]
        assert app in failure.message or tenant.applications[0]["id"] in failure.message
    else:  # what was written is there, whoever does not see it yet
        assert not all(wait["seen"] for results in done.values() for result in results for wait in result["waited"])
    assert 10 < sum(run.clock.slept) < 20 * 12  # twenty seconds for each thing that is waited for

    tenant.settings.lag = Lag()
    run.clock.slept.clear()
    onboard(run, wanted)
    assert_whole(tenant)
    assert steps_that(onboard(run, wanted), "changed") == set()


def app_of(run: Runner) -> dict[str, Any]:
    return run.world.tenants[0].applications[0]


def steady(**lag: Any) -> Lag:
    return Lag(flicker=True, **lag)


# A change that a next task would undo, or make again, if it looked too early: before, the change, and whether it holds.
Change = tuple[Callable[[Runner, str], Any], Lag, Callable[[Tenant], bool]]
CHANGES: dict[str, Change] = {
    "a second redirect URI": (
        lambda run, app_id: [
            run("azure_app_registration", app_id=app_id, redirect_uris=[f"https://{name}.example/callback"])
            for name in ("one", "two", "three")
        ],
        steady(updates=3),
        lambda tenant: len(tenant.applications[0]["web"]["redirectUris"]) == 4,
    ),
    "another tag": (
        lambda run, app_id: [run("azure_app_registration", app_id=app_id, tags=[name]) for name in ("one", "two")],
        steady(updates=3),
        lambda tenant: sorted(tenant.applications[0]["tags"]) == ["one", "two"],
    ),
    "another delegated permission": (
        lambda run, app_id: [
            run("admin_consent", app_id=app_id, permissions=[{**PERMISSIONS[0], "delegated": [name]}])
            for name in ("IMAP.AccessAsUser.All", "POP.AccessAsUser.All")
        ],
        steady(updates=3),
        lambda tenant: 3 in [len(grant["scope"].split()) for grant in tenant.grants],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_is_seen_late_is_not_undone_by_the_next_task(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], name: str
) -> None:
    onboard(run, wanted)
    change, lag, holds = CHANGES[name]
    tenant.settings.lag = lag
    change(run, app_of(run)["appId"])
    assert holds(tenant)


@pytest.mark.parametrize("kind", ["deleted", "removed_secrets"])
def test_what_was_removed_is_not_removed_again(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], clock: Clock, kind: str
) -> None:
    onboard(run, wanted)
    tenant.settings.lag = steady(**{kind: 3})
    app_id = app_of(run)["appId"]
    if kind == "deleted":
        gone: dict[str, Any] = {"module": "azure_app_registration", "app_id": app_id, "state": "absent"}
    else:
        gone = {"module": "app_secret", "app_id": app_id, "display_name": "webex-connect", "state": "absent"}
    first = run(**gone)
    assert first["changed"]
    assert [wait["seen"] for wait in first["waited"]] == [True]
    assert not run(**gone)["changed"]


def test_a_second_application_is_not_made_where_the_list_misses_the_first(
    run: Runner, tenant: Tenant, wanted: dict[str, Any]
) -> None:
    """The store's record names the first one; it is read by its id where the list has nothing."""
    onboard(run, wanted)
    tenant.settings.lag = Lag(readers={"list": NEVER})
    tenant.lag.made(app_of(run)["id"], run.clock.now)
    again = onboard(run, wanted)
    assert steps_that(again, "changed") == set()
    assert_whole(tenant)


@pytest.mark.parametrize("lag", [{"secret_seconds": 40}, {"secret_sign_ins": 3}], ids=["seconds", "sign-ins"])
def test_a_fresh_secret_that_no_sign_in_takes_yet_is_waited_for(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], lag: dict[str, Any]
) -> None:
    onboard(run, wanted)
    tenant.settings.lag = Lag(**lag)
    secret = {"app_id": app_of(run)["appId"], "display_name": "another", "store": wanted["connect_email_secret_store"]}
    made = run("app_secret", prove=True, **secret)
    assert made["secret"]["proved"] is True
    (wait,) = made["waited"]
    assert made["secret"]["key_id"] in wait["for"]
    assert wait["seen"]
    assert wait["seconds"] == pytest.approx(sum(run.clock.slept), abs=0.1)
    assert not run("app_secret", prove=True, **secret)["changed"]
