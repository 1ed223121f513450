# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks from outside: a tenant that is ready, and one row for each thing that is broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from module_runner import Clock, Failed, Runner
from onboarding import onboard
from simulated_tenant import Tenant, World, catalogue, serve

MODULE = "smtp_oauth_info"
CALLBACK = "https://contoso.us.webexconnect.io/callback"
ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
NAMES = ["smtp_server", "tenant", "app_sign_in", "application", "consent", "authorize_url", "smtp_login"]


@pytest.fixture
def smtp(world: World, run: Runner, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The SMTP door, and what the task has to be told of it. Everything else is called as a function."""
    with serve(world, tmp_path / "served", smtp_port=0) as running:
        world.hosts = None
        run.defaults["ca_path"] = running.endpoints["ca_path"]
        for name in ("authority_host", "graph_endpoint", "exchange_endpoint"):
            run.defaults[name] = f"https://{name.split('_')[0]}.simulated.example"
        yield {"smtp_host": running.endpoints["smtp_host"], "smtp_port": int(running.endpoints["smtp_port"])}


@pytest.fixture
def ready(run: Runner, tenant: Tenant, smtp: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """A tenant that was onboarded and may be signed in to by the application, and the options for it."""
    store = {"type": "file", "path": str(tmp_path / "secrets.yml")}
    tenant.add_mailbox(ADDRESS)
    wanted = {
        "connect_email_callback_url": CALLBACK,
        "connect_email_secret_store": store,
        "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}],
    }
    onboard(run, wanted)
    app = tenant.applications[0]
    tenant.assign_role(app, catalogue.EXCHANGE, "SMTP.SendAsApp")
    principal = tenant.service_principal(app["appId"])
    tenant.exchange_service_principals.append(
        {"AppId": app["appId"], "ObjectId": principal["id"], "DisplayName": "WebexConnect", "Guid": principal["id"]}
    )
    return {
        "app_id": app["appId"],
        "app_secret_store": store,
        "callback_url": CALLBACK,
        "mailbox": ADDRESS,
        "login": True,
        **smtp,
    }


def checks(run: Runner, **options: Any) -> dict[str, dict[str, Any]]:
    """By name; nothing was written or sent, and nothing secret is in the result."""
    writes = len(run.world.writes())
    result = run(MODULE, check=True, **options)
    again = run(MODULE, **options)
    assert [c["state"] for c in again["checks"]] == [c["state"] for c in result["checks"]]
    assert len(run.world.writes()) == writes
    assert run.world.sent_mail() == []
    assert result["changed"] is False
    assert [check["name"] for check in result["checks"]] == NAMES
    text = json.dumps(result)
    for tenant in run.world.tenants:
        assert not [secret for secret in tenant.secret_texts.values() if secret in text]
    assert not [token for token in run.world.tokens.issued if token.split(".")[1] in text]
    for check in result["checks"]:
        assert check["proves"]
        assert check["does_not_prove"]
        assert check["because"]
        assert (check["cause"] is None) == (check["state"] == "passed")
    return {check["name"]: check for check in result["checks"]}


def test_a_tenant_that_is_ready_passes_what_a_machine_can_try(run, ready) -> None:
    found = checks(run, **ready)
    states = {name: check["state"] for name, check in found.items()}
    assert states == {**dict.fromkeys(NAMES, "passed"), "authorize_url": "not_possible"}
    assert found["app_sign_in"]["roles"] == ["Mail.Send", "SMTP.SendAsApp"]
    assert found["smtp_login"]["said"] == "235 2.7.0 Authentication successful"
    assert found["authorize_url"]["url"].startswith("https://login.microsoftonline.com/0f47778c-")


def application_of(tenant: Tenant) -> dict[str, Any]:
    return tenant.applications[0]


def stored(options: dict[str, Any], text: str) -> None:
    path = Path(options["app_secret_store"]["path"])
    content = yaml.safe_load(path.read_text())
    content["secrets"][0]["secret_text"] = text
    path.write_text(yaml.safe_dump(content))


def expire(tenant: Tenant, options: dict[str, Any]) -> None:
    (secret,) = application_of(tenant)["passwordCredentials"]
    for name, days in (("startDateTime", -200), ("endDateTime", -1)):
        secret[name] = (tenant.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def another_platform(tenant: Tenant, options: dict[str, Any]) -> None:
    application_of(tenant)["web"]["redirectUris"] = []
    application_of(tenant)["spa"]["redirectUris"] = [CALLBACK]


def without_scope(name: str) -> Callable[[Tenant, dict[str, Any]], None]:
    def spoil(tenant: Tenant, options: dict[str, Any]) -> None:
        tenant.policies["authorizationPolicy"]["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] = []
        tenant.grants[:] = [grant for grant in tenant.grants if name not in grant["scope"].split()]

    return spoil


def smtp_auth(value: bool | None) -> Callable[[Tenant, dict[str, Any]], None]:
    return lambda tenant, options: tenant.mailbox(ADDRESS).update(SmtpClientAuthenticationDisabled=value)


def drop_role(tenant: Tenant, options: dict[str, Any]) -> None:
    role = next(
        r["id"] for r in tenant.service_principal(catalogue.EXCHANGE)["appRoles"] if r["value"] == "SMTP.SendAsApp"
    )
    tenant.role_assignments[:] = [a for a in tenant.role_assignments if a["appRoleId"] != role]


BROKEN: dict[str, tuple[Callable[[Tenant, dict[str, Any]], Any], str, str]] = {
    "callback with a slash (AADSTS50011)": (
        lambda tenant, options: application_of(tenant)["web"].update(redirectUris=[CALLBACK + "/"]),
        "application",
        "redirect_uri_missing",
    ),
    "callback on another platform": (another_platform, "application", "redirect_uri_missing"),
    "no consent to SMTP.Send (AADSTS65001)": (without_scope("SMTP.Send"), "consent", "consent_missing"),
    "no offline_access: dies after an hour": (without_scope("offline_access"), "consent", "consent_missing"),
    "wrong secret (AADSTS7000215)": (
        lambda tenant, options: stored(options, "not-the-secret"),
        "app_sign_in",
        "secret_wrong",
    ),
    "Secret ID for the value": (
        lambda tenant, options: stored(options, application_of(tenant)["passwordCredentials"][0]["keyId"]),
        "app_sign_in",
        "secret_id_stored",
    ),
    "secret expired (AADSTS7000222)": (expire, "app_sign_in", "secret_expired"),
    "nobody assigned (AADSTS50105)": (
        lambda tenant, options: tenant.service_principal(options["app_id"]).update(appRoleAssignmentRequired=True),
        "application",
        "nobody_assigned",
    ),
    "application disabled": (
        lambda tenant, options: tenant.service_principal(options["app_id"]).update(accountEnabled=False),
        "app_sign_in",
        "application_disabled",
    ),
    "SMTP AUTH off for the mailbox (5.7.139)": (smtp_auth(True), "smtp_login", "smtp_auth_disabled_for_mailbox"),
    "SMTP AUTH off for all (5.7.139)": (smtp_auth(None), "smtp_login", "smtp_auth_disabled_for_organization"),
    "no right for SMTP (5.7.3)": (drop_role, "smtp_login", "not_accepted"),
    "principal not known to Exchange (5.7.3)": (
        lambda tenant, options: tenant.exchange_service_principals.clear(),
        "smtp_login",
        "not_accepted",
    ),
    "no such mailbox (5.7.3)": (
        lambda tenant, options: options.update(mailbox="nobody@contoso.example"),
        "smtp_login",
        "not_accepted",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_broken_is_named(run: Runner, tenant: Tenant, clock: Clock, ready: dict[str, Any], case: str) -> None:
    spoil, name, cause = BROKEN[case]
    clock.now += timedelta(hours=1)  # the secret is not new any more
    spoil(tenant, ready)
    check = checks(run, **ready)[name]
    assert (check["state"], check["cause"]) == ("failed", cause)
    assert check["fix"]


def test_another_tenant_is_named(run: Runner, world: World, ready: dict[str, Any]) -> None:
    other = world.add_tenant("7a9e3c55-0b6f-4f0e-8a55-6f7c2d9b1e03", domain="tailspin.example")
    other.add_admin("b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10", "Zx8~not-a-real-secret-but-long-enough")
    path = Path(ready["app_secret_store"]["path"])
    path.write_text(path.read_text().replace("0f47778c-61c2-4b0a-8e94-3f05e737a1dd", other.tenant_id))
    found = checks(run, **ready, tenant_id=other.tenant_id)
    assert found["app_sign_in"]["cause"] == "application_unknown"
    nowhere = checks(run, **ready, tenant_id="nowhere.example")
    assert (nowhere["tenant"]["state"], nowhere["tenant"]["cause"]) == ("failed", "tenant_unknown")


def test_what_was_not_given_is_not_possible(run: Runner, tenant: Tenant, smtp: dict[str, Any]) -> None:
    found = checks(run)
    assert {name: check["state"] for name, check in found.items()} == {
        **dict.fromkeys(NAMES, "not_possible"),
        "tenant": "passed",
    }
    assert found["smtp_server"]["cause"] == "no_host"
    assert checks(run, **smtp)["smtp_server"]["state"] == "passed"


def test_a_busy_server_and_a_blocked_network_prove_nothing(run: Runner, world: World, ready: dict[str, Any]) -> None:
    fault = world.faults.add(when={"door": "smtp"}, do=432, body="4.3.2 STOREDRV.ClientSubmit; limit", times=None)
    busy = checks(run, **ready)["smtp_login"]
    assert (busy["state"], busy["cause"]) == ("not_possible", "too_many_connections")
    fault.times = 0
    closed = checks(run, **{**ready, "smtp_port": 1})["smtp_server"]
    assert (closed["state"], closed["cause"]) == ("not_possible", "no_connection")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"login": True}, "mailbox"),
        ({"login": True, "mailbox": ""}, "mailbox"),
        ({"mailbox": "a@contoso.example\r\nRCPT TO:<b@contoso.example>"}, "not one e-mail address"),
        ({"smtp_host": "smtp.example\r\nMAIL FROM:<a@b.example>"}, "no host"),
        ({"smtp_host": "smtp.example:25"}, "no host"),
        ({"smtp_port": 0}, "no port"),
        ({"app_id": "WebexConnect"}, "GUID"),
        ({"smtp_host": "smtp.evil.example", "login": True, "mailbox": ADDRESS}, "would send a token"),
    ],
)
def test_what_cannot_be_right_is_refused(run: Runner, world: World, options: dict[str, Any], message: str) -> None:
    with pytest.raises(Failed, match=message):
        run(MODULE, **options)
    assert world.log == []


def test_microsoft_is_not_asked_from_a_rehearsal(run: Runner, world: World, smtp: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="overridden"):
        run(MODULE, smtp_host="SMTP.office365.com")
    assert world.log == []
