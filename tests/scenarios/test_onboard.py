# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: tenants of an inventory become ready, stay so, and are put back when they drift."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import yaml

from simulated_tenant import Tenant, claims_of
from staging import UNREHEARSED, Outcome, Stage

EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
STEPS = [
    "The application",
    "Its secret",
    "The permissions it asks for",
    "Consent for the organization",
    "Authenticated SMTP of the mailbox",
    "Forwarding to addresses outside",
    "Forwarding of the mailbox",
    "Hand-off sheet of the asset",
]


def our_application(tenant: Tenant) -> dict[str, Any]:
    (app,) = (app for app in tenant.applications if app["displayName"] == "WebexConnect")
    return app


def granted(tenant: Tenant, app: dict[str, Any]) -> set[tuple[str, str, str]]:
    """(API, kind, name) of everything that holds for the whole tenant."""
    principal = tenant.service_principal(app["appId"])["id"]
    by_id = {sp["id"]: sp for sp in tenant.service_principals}
    found = set()
    for assignment in tenant.role_assignments:
        if assignment["principalId"] == principal:
            resource = by_id[assignment["resourceId"]]
            value = next(role["value"] for role in resource["appRoles"] if role["id"] == assignment["appRoleId"])
            found.add((resource["appId"], "application", value))
    for grant in tenant.grants:
        if grant["clientId"] == principal and grant["consentType"] == "AllPrincipals":
            found |= {(by_id[grant["resourceId"]]["appId"], "delegated", name) for name in grant["scope"].split()}
    return found


def foreseen(announced: Any, done: Any) -> bool:
    """Whether a real run did what the check run announced; what only the server can know is null in the latter."""
    if isinstance(announced, dict) and isinstance(done, dict):
        return announced.keys() == done.keys() and all(foreseen(announced[key], done[key]) for key in announced)
    if isinstance(announced, (list, tuple)) and isinstance(done, (list, tuple)):
        return len(announced) == len(done) and all(map(foreseen, announced, done))
    return announced is None or announced == done


CONSENTED = {
    (EXCHANGE, "application", "Mail.Send"),
    (EXCHANGE, "delegated", "SMTP.Send"),
    (GRAPH, "delegated", "offline_access"),
}


def assert_ready(stage: Stage, name: str) -> dict[str, Any]:
    """The tenant is as the guide wants it, judged by its own state. Returns its application."""
    tenant = stage.world.tenant_named(f"{name}.example")
    assert tenant is not None
    wanted = stage.hosts[name]
    app = our_application(tenant)
    assert wanted["connect_email_callback_url"] in app["web"]["redirectUris"]
    assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is True
    assert app["signInAudience"] == "AzureADMyOrg"
    assert granted(tenant, app) >= CONSENTED
    live = [s for s in app["passwordCredentials"] if s["displayName"] == "webex-connect"]
    assert len(live) == 1
    folders = {tenant.tenant_id, tenant.domain}
    (store,) = (path for path in (stage.output_dir / "secrets").rglob("*.yml") if path.parent.name in folders)
    (entry,) = yaml.safe_load(store.read_text())["secrets"]
    assert entry["secret_text"] == tenant.secret_texts[live[0]["keyId"]]
    for asset in wanted["connect_email_assets"]:
        mailbox = tenant.mailbox(asset["mailbox"])
        assert mailbox["SmtpClientAuthenticationDisabled"] is False
        assert mailbox["ForwardingSmtpAddress"] == "smtp:" + asset["forwarding_address"]
        assert mailbox["ForwardingAddress"] is None
    return app


def assert_green(outcome: Outcome) -> None:
    assert outcome.code == 0, outcome.output[-6000:]
    assert "DEPRECAT" not in outcome.output
    assert "Traceback" not in outcome.output


def test_case_c32_check_announces_then_the_run_does_it_and_a_second_changes_nothing(stage: Stage) -> None:
    stage.tenant("contoso", mailboxes=2)
    fabrikam = stage.tenant("fabrikam", page_size=2, latency=0.02)
    half = fabrikam.add_application(
        "WebexConnect", redirect_uris=["https://fabrikam.us.webexconnect.io/callback"], service_principal=False
    )
    stage.hosts["fabrikam"]["connect_email_app_id"] = half["appId"]
    stage.serve()

    check = stage.run("--check", "--diff")
    assert_green(check)
    assert stage.world.writes() == []
    assert not stage.output_dir.exists()
    for host in stage.hosts:
        assert [task for task in STEPS if task in check.changed(host)] == STEPS

    real = stage.run("--diff")
    assert_green(real)
    for announced, done in zip(check.announced(), real.announced(), strict=True):
        assert foreseen(announced, done), (announced, done)
    for host in stage.hosts:
        assert_ready(stage, host)
    assert [app["appId"] for app in fabrikam.applications] == [half["appId"]]

    writes = len(stage.world.writes())
    for arguments in ([], ["--check", "--diff"]):
        again = stage.run(*arguments)
        assert_green(again)
        assert again.changed() == []
    assert len(stage.world.writes()) == writes


Drift = Callable[[Tenant, dict[str, Any]], Any]
DRIFTS: dict[str, tuple[str, Drift]] = {
    "redirect": ("The application", lambda tenant, app: app["web"]["redirectUris"].clear()),
    "implicit": (
        "The application",
        lambda tenant, app: app["web"]["implicitGrantSettings"].update(enableAccessTokenIssuance=False),
    ),
    "audience": ("The application", lambda tenant, app: app.update(signInAudience="AzureADMultipleOrgs")),
    "secret": ("Its secret", lambda tenant, app: _age(tenant, app)),
    "permissions": ("The permissions it asks for", lambda tenant, app: app["requiredResourceAccess"].pop()),
    "assignment": (
        "Consent for the organization",
        lambda tenant, app: tenant.role_assignments.remove(
            next(a for a in tenant.role_assignments if a["principalId"] == principal_id(tenant, app))
        ),
    ),
    "grant": (
        "Consent for the organization",
        lambda tenant, app: next(g for g in tenant.grants if g["clientId"] == principal_id(tenant, app)).update(
            scope="Mail.Read"
        ),
    ),
    "smtp": (
        "Authenticated SMTP of the mailbox",
        lambda tenant, app: mailbox_of(tenant).update(SmtpClientAuthenticationDisabled=None),
    ),
    "forwarding": (
        "Forwarding of the mailbox",
        lambda tenant, app: mailbox_of(tenant).update(ForwardingSmtpAddress="smtp:stranger@fabrikam.example"),
    ),
}


def principal_id(tenant: Tenant, app: dict[str, Any]) -> str:
    return str(tenant.service_principal(app["appId"])["id"])


def mailbox_of(tenant: Tenant) -> dict[str, Any]:
    return tenant.mailbox(f"support@{tenant.domain}")


def test_each_single_drift_is_put_back_and_nothing_else_is_touched(stage: Stage) -> None:
    tenants = {name: stage.tenant(name) for name in DRIFTS}
    stage.serve()
    assert_green(stage.run("--forks", "9", *UNREHEARSED, HOME=os.devnull))
    assert_tokens_are_shared_and_gone(stage)
    for name, (_task, drift) in DRIFTS.items():
        drift(tenants[name], assert_ready(stage, name))
    outcome = stage.run("--forks", "9")
    assert_green(outcome)
    for name, (task, _drift) in DRIFTS.items():
        mended = [step for step in outcome.changed(name) if step != "Hand-off sheet of the asset"]
        assert mended == [task], name
    secrets = our_application(tenants["secret"])["passwordCredentials"]
    secrets[:] = secrets[-1:]
    for name in DRIFTS:
        assert_ready(stage, name)
    final = stage.run("--forks", "9", *UNREHEARSED)
    for name in DRIFTS:  # the sheet of the renewed secret no longer names the old one beside it
        assert final.changed(name) == (["Hand-off sheet of the asset"] if name == "secret" else []), name


def assert_tokens_are_shared_and_gone(stage: Stage) -> None:
    """C26: one for each tenant and service, none of another host, and nothing of them left."""
    asked = [(entry.tenant_id, entry.body["scope"]) for entry in stage.world.requests("login", "/token")]
    assert sorted(asked) == sorted(set(asked))
    assert len(asked) == 2 * len(stage.hosts)
    for entry in stage.world.log:
        assert entry.status != 401, entry
        token = entry.headers.get("Authorization")
        assert not token or claims_of(token)["tid"] == entry.tenant_id
    assert not [path for path in stage.folder.rglob("webex-connect-*") if path.is_file()]


def _age(tenant: Tenant, app: dict[str, Any]) -> None:
    (secret,) = app["passwordCredentials"]
    secret["endDateTime"] = (tenant.now() + timedelta(days=20)).strftime("%Y-%m-%dT%H:%M:%S.0000000Z")


def test_a_refused_application_name_stops_its_tenant_before_any_write_and_no_other(stage: Stage) -> None:
    planted = stage.tenant("contoso")
    twins = stage.tenant("fabrikam")
    stage.tenant("tailspin")
    stranger = planted.add_application("WebexConnect", redirect_uris=["https://evil.example/callback"])
    planted.add_secret(stranger, "backdoor")
    for _ in range(2):
        twins.add_application("WebexConnect", created_by_app_id="c0000000-0000-4000-8000-000000000002")
    stage.serve()
    outcome = stage.run()
    assert outcome.code != 0
    (refusal,) = outcome.failures("contoso")
    for shown in (stranger["appId"], "https://evil.example/callback", "backdoor", "give its app_id"):
        assert shown in refusal
    (several,) = outcome.failures("fabrikam")
    for app in twins.applications:
        assert app["appId"] in several
    refused = {planted.tenant_id, twins.tenant_id}
    assert [w for w in stage.world.writes() if w.tenant_id in refused] == []
    assert outcome.failures("tailspin") == []
    assert_ready(stage, "tailspin")


def test_consent_never_goes_beyond_what_is_listed(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    app = tenant.add_application("WebexConnect", created_by_app_id="c0000000-0000-4000-8000-000000000001")
    roles = {role["value"]: role["id"] for role in tenant.service_principal(EXCHANGE)["appRoles"]}
    app["requiredResourceAccess"] = [
        {"resourceAppId": EXCHANGE, "resourceAccess": [{"id": roles["full_access_as_app"], "type": "Role"}]}
    ]
    stage.hosts["contoso"]["connect_email_permissions"] = [
        {"resource": "Office 365 Exchange Online", "delegated": ["SMTP.Send"]},
        {"resource": "Microsoft Graph", "delegated": ["offline_access"]},
    ]
    stage.serve()
    assert_green(stage.run(*UNREHEARSED))
    assert granted(tenant, app) == CONSENTED - {(EXCHANGE, "application", "Mail.Send")}
    asked = {access["id"] for entry in app["requiredResourceAccess"] for access in entry["resourceAccess"]}
    assert roles["full_access_as_app"] in asked


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "empty tenant": ({"connect_email_tenant_id": ""}, "connect_email_tenant_id"),
    "callback over http": ({"connect_email_callback_url": "http://contoso.us.webexconnect.io/callback"}, "https"),
    "callback with a fragment": ({"connect_email_callback_url": "https://contoso.us.webexconnect.io/#x"}, "fragment"),
    "two credentials": ({"connect_email_federated_token_file": "/etc/hostname"}, "More than one credential"),
    "no credential": ({"connect_email_client_secret": ""}, "No credential is given"),
    "unknown permission": (
        {"connect_email_permissions": [{"resource": "Office 365 Exchange Online", "delegated": ["SMTP.Snd"]}]},
        "SMTP.Send",
    ),
    "no such mailbox": (
        {"connect_email_assets": [{"mailbox": "nobody@contoso.example", "forwarding_address": "a@b.example"}]},
        "nobody@contoso.example",
    ),
    "two addresses": (
        {
            "connect_email_assets": [
                {"mailbox": "support@contoso.example", "forwarding_address": "a@b.example,c@d.example"}
            ]
        },
        "forwarding_address",
    ),
    "empty mailbox": (
        {"connect_email_assets": [{"mailbox": "", "forwarding_address": "a@b.example"}]},
        "mailbox",
    ),
    "one endpoint of three": ({"connect_email_graph_endpoint": ""}, "graph_endpoint"),
    "unknown word": ({"connect_email_secret_adopt": "maybe"}, "connect_email_secret_adopt"),
    "a bare off": ({"connect_email_user_consent": False}, "connect_email_user_consent"),
    "store that is a folder": ({"connect_email_secret_store": {"type": "file", "path": "/etc"}}, "store"),
}


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["real", "check"])
def test_bad_input_is_refused_before_the_first_write(stage: Stage, mode: list[str]) -> None:
    good: dict[str, Any] = {}
    for index, (variables, _says) in enumerate(BAD.values()):
        stage.tenant(f"tenant{index}")
        host = stage.hosts[f"tenant{index}"]
        text = json.dumps(variables).replace("contoso.example", f"tenant{index}.example")
        host.update(json.loads(text))
    stage.tenant("contoso")
    good = stage.hosts["contoso"]
    assert good
    stage.serve()
    outcome = stage.run(*mode)
    assert outcome.code != 0
    assert "Traceback" not in outcome.output
    for index, (name, (_variables, says)) in enumerate(BAD.items()):
        messages = outcome.failures(f"tenant{index}")
        assert messages, name
        assert any(says.replace("contoso.example", f"tenant{index}.example") in message for message in messages), (
            name,
            messages,
        )
    own = stage.world.tenant_named("contoso.example")
    assert {w.tenant_id for w in stage.world.writes()} <= {own.tenant_id if own else None}
    assert outcome.failures("contoso") == []


def test_a_store_that_would_vanish_with_the_run_is_refused(stage: Stage) -> None:
    stage.tenant("contoso")
    stage.hosts["contoso"]["connect_email_output_dir"] = "webex-connect-output"
    stage.serve()
    outcome = stage.run(AWX_PRIVATE_DATA_DIR="/tmp/awx_7_private")
    assert any("would vanish" in message for message in outcome.failures("contoso"))
    assert stage.world.writes() == []


def test_a_slow_lagging_throttled_tenant_named_by_its_domain_is_finished(stage: Stage) -> None:
    tenant = stage.tenant("contoso", page_size=1, latency=0.03)
    stage.hosts["contoso"]["connect_email_tenant_id"] = "Contoso.example"
    tenant.lag.objects = 2
    tenant.lag.secrets = 2
    tenant.throttle.every, tenant.throttle.retry_after = 9, 1
    stage.serve()
    assert_green(stage.run())
    assert_ready(stage, "contoso")
    again = stage.run(*UNREHEARSED)
    assert_green(again)
    assert again.changed() == []


def test_one_step_alone_finds_what_it_needs(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.serve()
    assert_green(stage.run("--tags", "app"))
    app = our_application(tenant)
    assert app["passwordCredentials"] == []
    assert_green(stage.run("--tags", "secret"))
    assert len(app["passwordCredentials"]) == 1
    assert app["requiredResourceAccess"] == []
    writes = len(stage.world.writes())
    assert_green(stage.run("--tags", "smtp_auth"))
    (write,) = stage.world.writes()[writes:]
    assert write.cmdlet == "Set-CASMailbox"


def test_the_sheet_says_what_goes_into_webex_connect_and_never_the_secret(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.serve()
    assert_green(stage.run(*UNREHEARSED))
    (sheet,) = stage.output_dir.rglob("*.md")
    text = sheet.read_text()
    app = our_application(tenant)
    asset = stage.hosts["contoso"]["connect_email_assets"][0]
    for value in (
        app["appId"],
        f"https://login.microsoftonline.com/{tenant.tenant_id}/oauth2/v2.0/authorize",
        f"https://login.microsoftonline.com/{tenant.tenant_id}/oauth2/v2.0/token",
        "offline_access https://outlook.office.com/SMTP.Send",
        "smtp.office365.com",
        "587",
        "STARTTLS",
        asset["forwarding_address"],
        "https://contoso.us.webexconnect.io/callback",
        app["passwordCredentials"][0]["keyId"],
    ):
        assert value in text
    (secret,) = tenant.secret_texts.values()
    assert secret not in text
    data = json.loads(sheet.with_suffix(".json").read_text())
    assert app["appId"] in json.dumps(data)
    assert secret not in json.dumps(data)
