# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit of whole tenants: healthy, broken in one place each, half readable, slow, dead."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from module_runner import Clock, Failed, Runner
from onboarding import PERMISSIONS, onboard
from simulated_tenant import Tenant, World

MODULE = "connect_email_info"
VALIDATOR = Draft202012Validator(json.loads((Path(__file__).parents[3] / "docs" / "report.schema.json").read_text()))
CALLBACK = "https://contoso.us.webexconnect.io/callback"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
ADMIN_ID = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10"
ADMIN_SECRET = "Zx8~not-a-real-secret-but-long-enough"


@pytest.fixture
def store(tmp_path: Path) -> dict[str, str]:
    return {"type": "file", "path": str(tmp_path / "secrets.yml")}


@pytest.fixture
def wanted(store: dict[str, str]) -> dict[str, Any]:
    return {
        "connect_email_callback_url": CALLBACK,
        "connect_email_secret_store": store,
        "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}],
    }


def audited(run: Runner, **options: Any) -> dict[str, Any]:
    """The result of an audit that is valid, was read only, and holds no secret."""
    before = len(run.world.writes())
    result = run(MODULE, check=True, **options)
    assert len(run.world.writes()) == before
    document = {name: result[name] for name in ("schema_version", "reports", "run")}
    VALIDATOR.validate(document)
    assert result["changed"] is False
    text = json.dumps(document)
    assert ADMIN_SECRET not in text
    for tenant in run.world.tenants:
        for secret in tenant.secret_texts.values():
            assert secret not in text
    return result


def report(run: Runner, wanted: dict[str, Any], **options: Any) -> dict[str, Any]:
    (only,) = audited(run, wanted=wanted, **options)["reports"].values()
    return only


def states(found: dict[str, Any]) -> dict[str, str]:
    """The worst state of each step."""
    order = ["as_wanted", "not_applicable", "waived", "expiring", "unreadable", "drift", "blocked"]
    worst: dict[str, str] = {}
    for step in found["steps"]:
        worst[step["step"]] = max(worst.get(step["step"], "as_wanted"), step["state"], key=order.index)
    return worst


def names(facts: list[dict[str, str]]) -> list[str]:
    return [fact["name"] for fact in facts]


@pytest.fixture
def healthy(run: Runner, tenant: Tenant, wanted: dict[str, Any]) -> Tenant:
    tenant.add_mailbox(ADDRESS)
    onboard(run, wanted)
    return tenant


def application_of(tenant: Tenant) -> dict[str, Any]:
    return next(app for app in tenant.applications if app["displayName"] == "WebexConnect")


def principal_of(tenant: Tenant) -> dict[str, Any]:
    return tenant.service_principal(application_of(tenant)["appId"])


def ends_in(tenant: Tenant, days: float) -> None:
    (secret,) = application_of(tenant)["passwordCredentials"]
    secret["endDateTime"] = (tenant.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def without_secret(tenant: Tenant) -> None:
    application_of(tenant)["passwordCredentials"].clear()


def another_secret_only(tenant: Tenant) -> None:
    without_secret(tenant)
    tenant.add_secret(application_of(tenant), "by hand")


def redirects(**platforms: list[str]) -> Callable[[Tenant], None]:
    def change(tenant: Tenant) -> None:
        for platform, uris in platforms.items():
            application_of(tenant)[platform]["redirectUris"] = uris

    return change


def without_grants(setting: str | None = None) -> Callable[[Tenant], None]:
    def change(tenant: Tenant) -> None:
        tenant.grants.clear()
        if setting is not None:
            user_consent(tenant, setting)

    return change


def user_consent(tenant: Tenant, *policies: str) -> None:
    permissions = tenant.policies["authorizationPolicy"]["defaultUserRolePermissions"]
    entries = ["ManagePermissionGrantsForSelf." + policy for policy in policies if policy]
    permissions["permissionGrantPoliciesAssigned"] = entries


def granted_to_the_user(tenant: Tenant) -> None:
    without_grants("")(tenant)
    user_id = tenant.mailbox(ADDRESS)["ExternalDirectoryObjectId"]
    tenant.grant_delegated(application_of(tenant), EXCHANGE, "SMTP.Send", user_id)
    tenant.grant_delegated(application_of(tenant), GRAPH, "offline_access", user_id)


def without_roles(tenant: Tenant) -> None:
    principal = principal_of(tenant)["id"]
    tenant.role_assignments[:] = [a for a in tenant.role_assignments if a["principalId"] != principal]


def asks_for_nothing(tenant: Tenant) -> None:
    application_of(tenant)["requiredResourceAccess"] = []


def mailbox(**values: Any) -> Callable[[Tenant], None]:
    return lambda tenant: tenant.mailbox(ADDRESS).update(values)


def without_rule(tenant: Tenant) -> None:
    tenant.outbound_rules.clear()


def locked(tenant: Tenant) -> None:
    tenant.add_outbound_policy("Finance lock", AutoForwardingMode="Off")
    rule = tenant.add_outbound_rule("Finance lock", "Finance lock", From=[ADDRESS])
    tenant.outbound_rules.remove(rule)
    tenant.outbound_rules.insert(0, rule)
    for number, each in enumerate(tenant.outbound_rules):
        each["Priority"] = number


def locked_by_group(tenant: Tenant) -> None:
    locked(tenant)
    tenant.outbound_rules[0].update(From=None, FromMemberOf=["finance@contoso.example"])


def rejecting(tenant: Tenant) -> None:
    tenant.add_transport_rule(
        "No mail outside",
        SentToScope="NotInOrganization",
        RejectMessageReasonText="no",
        RejectMessageEnhancedStatusCode="5.7.1",
    )


def customizable_no_more(tenant: Tenant) -> None:
    without_rule(tenant)
    tenant.outbound_policies[:] = [policy for policy in tenant.outbound_policies if policy["IsDefault"]]
    tenant.organization_config["IsDehydrated"] = True


def no_mailbox(tenant: Tenant) -> None:
    tenant.mailboxes.clear()


def twice(tenant: Tenant) -> None:
    tenant.add_application("WebexConnect")


def planted(tenant: Tenant) -> None:
    application_of(tenant)["createdByAppId"] = None
    without_secret(tenant)


def set_on(item: Callable[[Tenant], dict[str, Any]], **values: Any) -> Callable[[Tenant], None]:
    return lambda tenant: item(tenant).update(values)


def blocks_passwords(tenant: Tenant) -> None:
    tenant.add_authentication_policy("Block Basic", default=True, AllowBasicAuthSmtp=False)


def test_a_tenant_in_the_middle_of_a_rotation_is_shown_as_such(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], store: dict[str, str]
) -> None:
    secret = {"app_id": application_of(healthy)["appId"], "display_name": "webex-connect", "store": store}
    (old,) = application_of(healthy)["passwordCredentials"]
    assert report(run, wanted)["rotation"]["step"] is None
    run.clock.now += timedelta(days=2)
    new = run("app_secret", **secret, rotate=True)["secret"]["key_id"]
    for days, step in ((0, "hand_over"), (7, "retire")):
        run.clock.now += timedelta(days=days)
        found = report(run, wanted)
        assert found["state"] == "ok"
        assert (found["rotation"]["step"], found["rotation"]["old_key_ids"]) == (step, [old["keyId"]])
        assert [entry["current"] for entry in found["secrets"] if entry["key_id"] == new] == [True]
        (cell,) = [entry for entry in found["steps"] if entry["step"] == "secret"]
        assert names(cell["because"]) == ["rotation_under_way"]
    run("app_secret", **secret, retire_superseded=True)
    found = report(run, wanted)
    assert found["rotation"] == {"step": None, "since": None, "old_key_ids": [], "retire_after": None}


# One row a cause: what is broken, the steps that show it, and what it does to mail out and mail in, because of what.
YES = ("yes", None)
BROKEN: dict[str, tuple[Callable[[Tenant], None], dict[str, str], tuple[str, str | None], tuple[str, str | None]]] = {
    "application deleted": (
        lambda tenant: tenant.delete_application(application_of(tenant)),
        {
            "application": "drift",
            "redirect_uri": "drift",
            "implicit_grant": "drift",
            "secret": "drift",
            "permissions": "drift",
            "consent": "drift",
        },
        ("no", "application_absent"),
        YES,
    ),
    "two of the name": (
        twice,
        dict.fromkeys(["application", "redirect_uri", "implicit_grant", "secret", "permissions", "consent"], "blocked"),
        ("unknown", "several_applications"),
        YES,
    ),
    "service principal deleted": (
        lambda tenant: tenant.delete_service_principal(principal_of(tenant)),
        {"application": "drift", "consent": "drift"},
        ("no", "service_principal_absent"),
        YES,
    ),
    "sign-in switched off": (
        set_on(principal_of, accountEnabled=False),
        {"application": "blocked"},
        ("no", "sign_in_disabled"),
        YES,
    ),
    "application disabled": (
        set_on(application_of, isDisabled=True),
        {"application": "blocked"},
        ("no", "application_disabled"),
        YES,
    ),
    "another audience": (
        set_on(application_of, signInAudience="AzureADMultipleOrgs"),
        {"application": "drift"},
        YES,
        YES,
    ),
    "assignment required, nobody assigned": (
        set_on(principal_of, appRoleAssignmentRequired=True),
        {"application": "blocked"},
        ("no", "nobody_assigned"),
        YES,
    ),
    "callback missing": (redirects(web=[]), {"redirect_uri": "drift"}, ("no", "redirect_uri_missing"), YES),
    "callback with a slash": (
        redirects(web=[CALLBACK + "/"]),
        {"redirect_uri": "drift"},
        ("no", "redirect_uri_missing"),
        YES,
    ),
    "callback in another case": (
        redirects(web=[CALLBACK.replace("callback", "Callback")]),
        {"redirect_uri": "drift"},
        ("no", "redirect_uri_missing"),
        YES,
    ),
    "callback on the wrong platform": (
        redirects(web=[], spa=[CALLBACK]),
        {"redirect_uri": "drift"},
        ("no", "redirect_uri_missing"),
        YES,
    ),
    "callback on two platforms": (
        redirects(spa=[CALLBACK]),
        {"redirect_uri": "blocked"},
        ("unknown", "redirect_uri_also_elsewhere"),
        YES,
    ),
    "no implicit grant": (
        lambda tenant: application_of(tenant)["web"]["implicitGrantSettings"].update(enableAccessTokenIssuance=False),
        {"implicit_grant": "drift"},
        YES,
        YES,
    ),
    "secret expired": (lambda tenant: ends_in(tenant, -1), {"secret": "drift"}, ("no", "no_live_secret"), YES),
    "secret ends soon": (
        lambda tenant: ends_in(tenant, 20),
        {"secret": "expiring"},
        ("until", "secret_ends_soon"),
        YES,
    ),
    "secret removed": (without_secret, {"secret": "drift"}, ("no", "no_live_secret"), YES),
    "secret removed, another there": (another_secret_only, {"secret": "drift"}, ("no", "secret_removed"), YES),
    "asks for nothing": (asks_for_nothing, {"permissions": "drift"}, YES, YES),
    "no consent, users may not": (without_grants(""), {"consent": "drift"}, ("no", "consent_missing"), YES),
    "no consent, Microsoft decides": (without_grants(), {"consent": "drift"}, ("unknown", "consent_missing"), YES),
    "no consent, low impact only": (
        without_grants("microsoft-user-default-low"),
        {"consent": "drift"},
        ("no", "consent_missing"),
        YES,
    ),
    "no consent, users may": (
        without_grants("microsoft-user-default-legacy"),
        {"consent": "drift"},
        ("yes", "consent_at_sign_in"),
        YES,
    ),
    "only the user consented": (granted_to_the_user, {"consent": "drift"}, ("yes", "consent_of_the_user"), YES),
    "no application permission": (without_roles, {"consent": "drift"}, YES, YES),
    "SMTP AUTH closed": (
        mailbox(SmtpClientAuthenticationDisabled=True),
        {"smtp_auth": "drift"},
        ("no", "smtp_auth_disabled"),
        YES,
    ),
    "SMTP AUTH inherited": (
        mailbox(SmtpClientAuthenticationDisabled=None),
        {"smtp_auth": "drift"},
        ("no", "smtp_auth_disabled"),
        YES,
    ),
    "sign-in of the mailbox blocked": (
        mailbox(AccountDisabled=True),
        {"smtp_auth": "blocked"},
        ("no", "sign_in_blocked"),
        YES,
    ),
    "a policy blocks passwords": (blocks_passwords, {}, YES, YES),
    "no mailbox": (
        no_mailbox,
        {"smtp_auth": "blocked", "forwarding": "blocked", "external_forwarding": "blocked"},
        ("no", "mailbox_absent"),
        ("no", "mailbox_absent"),
    ),
    "no forwarding": (
        mailbox(ForwardingSmtpAddress=None),
        {"forwarding": "drift"},
        YES,
        ("no", "forwarding_absent"),
    ),
    "forwards elsewhere": (
        mailbox(ForwardingSmtpAddress="smtp:b" + TARGET[1:]),
        {"forwarding": "drift"},
        YES,
        ("no", "forwards_elsewhere"),
    ),
    "an internal forward wins": (
        mailbox(ForwardingAddress="Doe, Jordan"),
        {"forwarding": "blocked"},
        YES,
        ("no", "internal_forward_wins"),
    ),
    "C10 stage 1: Automatic": (
        without_rule,
        {"external_forwarding": "drift"},
        YES,
        ("no", "outbound_policy_blocks"),
    ),
    "C10 stage 2: another policy comes first": (
        locked,
        {"external_forwarding": "blocked"},
        YES,
        ("no", "outbound_policy_blocks"),
    ),
    "another policy may come first": (
        locked_by_group,
        {"external_forwarding": "unreadable"},
        YES,
        ("unknown", "outbound_policy_unclear"),
    ),
    "C10 stage 3: remote domain": (
        lambda tenant: tenant.remote_domain().update(AutoForwardEnabled=False),
        {"external_forwarding": "blocked"},
        YES,
        ("no", "remote_domain_blocks"),
    ),
    "a transport rule rejects": (
        rejecting,
        {"external_forwarding": "blocked"},
        YES,
        ("no", "transport_rule_blocks"),
    ),
    "C07: not customizable": (
        customizable_no_more,
        {"external_forwarding": "blocked"},
        YES,
        ("no", "outbound_policy_blocks"),
    ),
}


def test_a_healthy_tenant(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    found = report(run, wanted)
    assert found["state"] == "ok"
    assert found["complete"]
    assert found["mail"] == {"down": False, "stops": None}
    assert set(states(found).values()) == {"as_wanted", "not_applicable"}
    (asset,) = found["assets"]
    assert asset["verdict"]["can_send"]["answer"] == "yes"
    assert asset["verdict"]["arrives"]["answer"] == "yes"
    (secret,) = found["secrets"]
    assert secret["ours"]
    assert secret["current"]
    assert names(found["security_notes"]) == ["basic_smtp_auth_ends", "implicit_grant", "tenant_wide_mail_send"]


@pytest.mark.parametrize("cause", BROKEN)
def test_each_single_cause_is_named(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], cause: str, tmp_path: Path
) -> None:
    break_it, shown, sends, arrives = BROKEN[cause]
    break_it(healthy)
    found = report(run, wanted)
    differing = {step: state for step, state in states(found).items() if state not in ("as_wanted", "not_applicable")}
    assert differing == shown
    (asset,) = found["assets"]
    for verdict, (answer, name) in ((asset["verdict"]["can_send"], sends), (asset["verdict"]["arrives"], arrives)):
        assert verdict["answer"] == answer
        assert name is None or name in names(verdict["because"])
    assert found["mail"]["down"] == ("no" in (sends[0], arrives[0]))
    expected = next((s for s in ("blocked", "drift", "unreadable", "expiring") if s in shown.values()), "ok")
    assert found["state"] == expected

    # verify.yml puts the same report on its page.
    page = run("readiness_page", path=str(tmp_path / "page.md"), name="contoso", report=found, checks=[])["readiness"]
    assert page["ready"] == (expected in ("ok", "expiring") and not {"no", "unknown"} & {sends[0], arrives[0]})
    said = "\n".join(page["because"])
    for verdict in asset["verdict"].values():
        if verdict["answer"] in ("no", "unknown"):
            assert all(fact["text"] in said for fact in verdict["because"])
    for step in found["steps"]:
        if step["state"] in ("blocked", "drift", "unreadable"):
            assert all(fact["text"] in said for fact in step["because"])


MODULES = {
    "application": ["application", "redirect_uri", "implicit_grant"],
    "secret": ["secret"],
    "permissions": ["permissions"],
    "consent": ["consent"],
    "smtp_auth": ["smtp_auth"],
    "forwarding": ["forwarding"],
    "external_forwarding": ["external_forwarding"],
}


@pytest.mark.parametrize("cause", [cause for cause in BROKEN if cause != "application deleted"])
def test_the_modules_would_change_what_drifts_and_nothing_else(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], cause: str
) -> None:
    app_id = application_of(healthy)["appId"]
    break_it = BROKEN[cause][0]
    break_it(healthy)
    found = states(report(run, wanted))
    store = wanted["connect_email_secret_store"]
    tasks: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "application": [
            (
                "azure_app_registration",
                {
                    "display_name": "WebexConnect",
                    "redirect_uris": [CALLBACK],
                    "issue_access_tokens": True,
                    "store": store,
                },
            )
        ],
        "secret": [("app_secret", {"app_id": app_id, "display_name": "webex-connect", "store": store})],
        "permissions": [
            (
                "exchange_app_permission",
                {
                    "app_id": app_id,
                    "resource": entry["resource"],
                    "application_permissions": entry.get("application", []),
                    "delegated_permissions": entry.get("delegated", []),
                },
            )
            for entry in PERMISSIONS
        ],
        "consent": [("admin_consent", {"app_id": app_id, "permissions": PERMISSIONS})],
        "smtp_auth": [("mailbox_smtp_auth", {"mailbox": ADDRESS})],
        "forwarding": [("mailbox_forwarding", {"mailbox": ADDRESS, "forwarding_address": TARGET})],
        "external_forwarding": [
            ("external_forwarding_policy", {"mailboxes": [ADDRESS], "forwarding_addresses": {ADDRESS: TARGET}})
        ],
    }
    stopped = False
    for kind, steps in MODULES.items():
        shown_states = {found[step] for step in steps}
        if stopped and kind in ("secret", "permissions", "consent"):
            assert shown_states == {"blocked"}  # a run ends at the application
            continue
        try:
            results = [run(module, check=True, **options) for module, options in tasks[kind]]
        except Failed:
            assert shown_states == {"blocked"}
            stopped = kind == "application"
            continue
        if any(result["changed"] for result in results):
            assert shown_states & {"drift", "expiring"}
        else:
            assert not shown_states & {"drift", "expiring"}


# What may not be read


def second_admin(tenant: Tenant, **rights: Any) -> dict[str, str]:
    """The login options of another admin identity, with other rights."""
    client_id = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2b99"
    tenant.add_admin(client_id, "fake-secret-of-a-reader", **rights)
    return {"client_id": client_id, "client_secret": "fake-secret-of-a-reader"}


READS = ("Application.Read.All", "Directory.Read.All", "Policy.Read.All")


def reader(tenant: Tenant, graph: tuple[str, ...] = READS, **rights: Any) -> dict[str, str]:
    rights.setdefault("directory_roles", ["Global Reader"])
    return second_admin(tenant, graph_roles=graph, **rights)


def adopted(wanted: dict[str, Any], tenant: Tenant) -> dict[str, Any]:
    """For an admin identity that did not make the application."""
    return {**wanted, "connect_email_app_id": application_of(tenant)["appId"]}


def test_the_documented_least_rights_are_enough(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    found = report(run, adopted(wanted, healthy), **reader(healthy))
    assert found["state"] == "ok"
    assert found["complete"]


UNREADABLE: dict[str, tuple[dict[str, Any], list[str], str | None, str, str]] = {
    "no right to read applications": (
        {"graph": ("Policy.Read.All",)},
        ["application", "redirect_uri", "implicit_grant", "secret", "permissions", "consent"],
        "Application.Read.All",
        "unknown",
        "yes",
    ),
    "no right to read grants": (
        {"graph": ("Application.Read.All", "Policy.Read.All")},
        ["consent"],
        "Directory.Read.All",
        "unknown",
        "yes",
    ),
    "no right to read policies": (
        {"graph": ("Application.Read.All", "Directory.Read.All")},
        ["user_consent"],
        "Policy.Read.All",
        "yes",
        "yes",
    ),
    "no permission for Exchange": (
        {"exchange_app_role": False},
        ["smtp_auth", "forwarding", "external_forwarding"],
        "Exchange.ManageAsApp",
        "unknown",
        "unknown",
    ),
    "no role in Exchange": (
        {"directory_roles": []},
        ["smtp_auth", "forwarding", "external_forwarding"],
        "an Exchange role that holds Get-Mailbox",
        "unknown",
        "unknown",
    ),
    "a role for recipients only": (
        {"directory_roles": ["Exchange Recipient Administrator"]},
        ["smtp_auth", "external_forwarding"],
        "an Exchange role that holds Get-TransportConfig",
        "yes",
        "unknown",
    ),
}


@pytest.mark.parametrize("gap", UNREADABLE)
def test_a_right_that_is_missing_is_named_and_never_taken_for_not_configured(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], gap: str
) -> None:
    rights, unreadable, right, sends, arrives = UNREADABLE[gap]
    found = report(run, adopted(wanted, healthy), **reader(healthy, **rights))
    assert [step for step, state in states(found).items() if state == "unreadable"] == unreadable
    assert not {"drift", "blocked"} & set(states(found).values())
    assert (found["state"] == "ok") == (not unreadable)
    assert found["complete"] == (not unreadable)
    assert right is None or right in [entry["right"] for entry in found["coverage"]]
    (asset,) = found["assets"]
    assert asset["verdict"]["can_send"]["answer"] == sends
    assert asset["verdict"]["arrives"]["answer"] == arrives
    assert found["mail"]["down"] is False


def test_a_store_that_cannot_be_read_is_a_gap(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    Path(wanted["connect_email_secret_store"]["path"]).write_text("not: [yaml")
    found = report(run, adopted(wanted, healthy))
    assert found["state"] == "unreadable"
    assert states(found)["secret"] == "unreadable"
    assert found["assets"][0]["verdict"]["can_send"]["answer"] == "unknown"


def test_without_a_store_the_newest_secret_of_the_name_is_judged(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    found = report(run, {**wanted, "connect_email_secret_store": {"type": "file"}})
    assert states(found)["secret"] == "as_wanted"
    assert [secret["current"] for secret in found["secrets"]] == [False]
    assert "secret_holder_unknown" in names(found["assets"][0]["verdict"]["can_send"]["because"])
    assert ("the records of the store", "not_asked") in [(e["what"], e["kind"]) for e in found["coverage"]]


def test_an_application_of_the_name_that_nobody_proved_to_be_ours(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], tmp_path: Path
) -> None:
    planted(healthy)
    store = {"type": "file", "path": str(tmp_path / "other.yml")}
    found = report(run, {**wanted, "connect_email_secret_store": store})
    assert found["application"] is None
    assert states(found)["application"] == "blocked"
    assert "not_proven_ours" in names(found["assets"][0]["verdict"]["can_send"]["because"])


def test_a_tenant_without_an_exchange_plan(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    healthy.remove_first_party(EXCHANGE)
    found = report(run, wanted)
    assert found["assets"][0]["verdict"]["can_send"]["answer"] == "no"
    assert "api_absent" in names(found["assets"][0]["verdict"]["can_send"]["because"])


def test_case_c08_an_expired_secret_of_the_admin_identity_is_told_as_that(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    body = {"error": "invalid_client", "error_codes": [7000222], "error_description": "AADSTS7000222: expired."}
    run.world.faults.add({"door": "login", "method": "POST"}, 401, times=None, body=body)
    found = report(run, wanted)
    assert found["error"]["kind"] == "AuthenticationFailed"
    assert "AADSTS7000222" in found["error"]["message"]
    assert ADMIN_ID in found["error"]["message"]
    assert set(states(found).values()) == {"unreadable"}


def test_case_c11_what_is_on_a_later_page_is_seen(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    principal, exchange = principal_of(healthy), healthy.service_principal(EXCHANGE)
    held = list(healthy.role_assignments)
    healthy.role_assignments.clear()
    for number in range(149):
        healthy.record_assignment(principal, "ServicePrincipal", exchange, f"00000000-0000-4000-8000-{number:012}")
    healthy.role_assignments += held
    for number in range(250):
        healthy.add_application(f"WebexConnect {number}")
    found = report(run, wanted)
    assert states(found)["consent"] == "as_wanted"
    assert states(found)["application"] == "as_wanted"
    (exchange_online,) = [entry for entry in found["permissions"]["granted"] if entry["resource"].startswith("Office")]
    assert len(exchange_online["application"]) == 150


# Lists that cannot be used


def with_assets(tenant: Tenant, wanted: dict[str, Any], count: int) -> dict[str, Any]:
    assets = list(wanted["connect_email_assets"])
    for number in range(1, count):
        address = f"support{number}@contoso.example"
        tenant.add_mailbox(
            address, smtp_auth_disabled=False, forwarding_smtp_address=f"{number:032x}@mail-us.imiconnect.io"
        )
        assets.append({"mailbox": address, "forwarding_address": f"{number:032x}@mail-us.imiconnect.io"})
        tenant.outbound_rules[0]["From"].append(address)
    return {**wanted, "connect_email_assets": assets}


def traffic(run: Runner, since: int) -> tuple[int, int, int]:
    """(requests, inner calls, tokens) after a place in the log."""
    entries = run.world.log[since:]
    services = [entry for entry in entries if entry.door in ("graph", "exchange")]
    return len(services), sum(len(entry.inner) or 1 for entry in services), len(entries) - len(services)


def test_what_roles_in_exchange_let_the_application_reach_is_told(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    (app,) = healthy.applications
    run("app_mailbox_scope", app_id=app["appId"], mailboxes=[ADDRESS], roles=["Mail.Send"])
    principal = healthy.service_principal(app["appId"])["id"]
    healthy.add_role_assignment("Somebody else", "Application Mail.Read", "another-principal")
    notes = {note["name"]: note for note in report(run, wanted)["security_notes"]}
    assert notes["mailbox_roles"]["objects"] == [f"{ADDRESS}: Application Mail.Send"]
    assert "tenant_wide_mailbox_role" not in notes
    healthy.add_role_assignment("Archive", "Application Mail.Read", principal)
    notes = {note["name"]: note for note in report(run, wanted)["security_notes"]}
    assert notes["tenant_wide_mailbox_role"]["objects"] == ["Application Mail.Read"]
    assert notes["mailbox_roles"]["objects"] == [f"{ADDRESS}: Application Mail.Send"]


def test_a_tenant_with_25_assets_costs_few_requests(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    everything = with_assets(healthy, wanted, 25)
    healthy.add_mailbox("bystander@contoso.example")
    healthy.add_authentication_policy("Allow all", AllowBasicAuthSmtp=True)
    since = len(run.world.log)
    found = report(run, everything)
    assert found["state"] == "ok"
    assert len(found["assets"]) == 25
    requests, calls, tokens = traffic(run, since)
    assert requests <= 4
    assert calls <= 25
    assert tokens == 2


@pytest.mark.parametrize("cmdlet", ["Get-Mailbox", "Get-CASMailbox", "Get-User"])
@pytest.mark.parametrize("how", ["refused", "cut short"])
def test_a_list_that_is_not_usable_is_replaced_by_single_reads(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], cmdlet: str, how: str
) -> None:
    everything = with_assets(healthy, wanted, 25)
    healthy.add_authentication_policy("Allow all", AllowBasicAuthSmtp=True)
    text = "|System.ArgumentException|The filter is not supported."
    refusal = {"error": {"code": "BadRequest", "message": "Invalid Operation", "details": [{"message": text}]}}
    cut = {"value": [], "@adminapi.warnings": ["There are more results available than are currently displayed."]}
    status, body = (400, refusal) if how == "refused" else (200, cut)
    run.world.faults.add({"cmdlet": cmdlet, "nth": 1}, status, body=body)
    since = len(run.world.log)
    found = report(run, everything)
    assert set(states(found).values()) == {"as_wanted", "not_applicable"}
    assert found["state"] == "ok"
    (detour,) = [entry for entry in found["coverage"] if entry["kind"] == "fell_back"]
    assert not detour["gap"]
    requests, calls, _tokens = traffic(run, since)
    assert requests <= 10
    assert calls <= 60


def test_where_no_filter_is_understood_the_lists_of_all_are_read(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    everything = with_assets(healthy, wanted, 25)
    healthy.add_authentication_policy("Allow all", AllowBasicAuthSmtp=True)
    text = "|System.ArgumentException|The filter is not supported."
    refusal = {"error": {"code": "BadRequest", "message": "Invalid Operation", "details": [{"message": text}]}}

    def filtered(entry: Any) -> bool:
        return "Filter" in (entry.parameters or {})

    run.world.faults.add(filtered, 400, times=None, body=refusal)
    since = len(run.world.log)
    found = report(run, everything)
    assert found["state"] == "ok"
    assert [entry["kind"] for entry in found["coverage"] if entry["kind"] == "fell_back"] == ["fell_back"] * 3
    requests, calls, _tokens = traffic(run, since)
    assert requests <= 10
    assert calls <= 30


def test_grants_that_are_not_found_by_name_are_asked_for_by_id(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    missing = {"error": {"code": "Request_ResourceNotFound", "message": "Not found."}}
    by_name = {"door": "graph", "path_contains": ")/oauth2PermissionGrants"}
    run.world.faults.add(by_name, 404, times=None, body=missing)
    assert report(run, wanted)["state"] == "ok"
    run.world.faults.add({"door": "graph", "path_contains": "/oauth2PermissionGrants"}, 404, times=None, body=missing)
    found = report(run, wanted)
    assert states(found)["consent"] == "unreadable"
    assert not found["complete"]


def test_nothing_waits_for_more_than_five_requests_in_a_row(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_a_row: dict[threading.Thread, int] = {}  # not by its id, which the next thread may get
    carry = run.carry

    def counting(request: Any, timeout: float) -> Any:
        thread = threading.current_thread()
        in_a_row[thread] = in_a_row.get(thread, 0) + 1
        return carry(request, timeout)

    monkeypatch.setattr(run, "carry", counting)
    everything = with_assets(healthy, wanted, 25)
    since = len(run.world.log)
    in_a_row.clear()
    assert report(run, everything)["state"] == "ok"
    # Two threads at the same time, of which none waits for the other: the longer one is what the whole waits for.
    assert len(in_a_row) == 2
    assert max(in_a_row.values()) <= 4
    requests, _calls, tokens = traffic(run, since)
    assert (sum(in_a_row.values()), tokens) == (requests + tokens, 2)


def test_a_mailbox_by_another_name_is_found_as_the_modules_find_it(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    healthy.mailbox(ADDRESS)["EmailAddresses"].append("smtp:help@contoso.example")
    by_alias = {**wanted, "connect_email_assets": [{"mailbox": "help@contoso.example", "forwarding_address": TARGET}]}
    (asset,) = report(run, by_alias)["assets"]
    assert asset["address"] == ADDRESS
    assert asset["smtp_auth"]["effective"] == "enabled"
    healthy.add_mailbox("desk2@contoso.example", display_name="help@contoso.example")
    found = report(run, by_alias)
    assert states(found)["smtp_auth"] == "blocked"
    assert "several_mailboxes" in names(found["assets"][0]["verdict"]["arrives"]["because"])


# Deep


AGENT = "agent@contoso.example"


def send_as(tenant: Tenant, trustee: str) -> None:
    row = {"Identity": tenant.mailbox(ADDRESS)["Identity"], "Trustee": trustee}
    tenant.recipient_permissions.append({**row, "AccessRights": ["SendAs"], "AccessControlType": "Allow"})


@pytest.fixture
def signed_by_agent(healthy: Tenant, wanted: dict[str, Any]) -> dict[str, Any]:
    """A shared mailbox that an agent signs in for."""
    healthy.mailbox(ADDRESS).update(RecipientTypeDetails="SharedMailbox", AccountDisabled=True)
    healthy.add_user(AGENT, display_name="Doe, Jordan")
    (asset,) = wanted["connect_email_assets"]
    return {**wanted, "connect_email_assets": [{**asset, "login_id": AGENT}]}


def test_deep_reads_rules_and_rights_too(
    run: Runner, healthy: Tenant, signed_by_agent: dict[str, Any], tmp_path: Path
) -> None:
    healthy.add_inbox_rule(ADDRESS, "To the boss", ForwardTo=["boss@contoso.example"])
    healthy.add_inbox_rule(ADDRESS, "Off", Enabled=False, RedirectTo=["elsewhere@contoso.example"])
    healthy.add_mailbox_permission(ADDRESS, AGENT, ["FullAccess"])
    found = report(run, signed_by_agent, deep=True)
    (asset,) = found["assets"]
    assert asset["deep"] == {
        "inbox_rules": [{"name": "To the boss", "does": "forwards to boss@contoso.example"}],
        "send_as": [],
        "full_access": [AGENT],
    }
    assert "send_as_missing" in names(asset["verdict"]["can_send"]["because"])
    assert found["mail"]["down"]
    assert not [entry for entry in found["coverage"] if entry["kind"] == "not_asked"]
    page = run("readiness_page", path=str(tmp_path / "page.md"), name="contoso", report=found, checks=[])["readiness"]
    assert [text for text in page["because"] if "5.7.60" in text]
    assert [text for text in page["because"] if "'To the boss'" in text and "twice" in text]
    send_as(healthy, AGENT)
    assert report(run, signed_by_agent, deep=True)["state"] == "ok"


def in_the_group(tenant: Tenant, kind: str = "MailUniversalSecurityGroup", nested: bool = False) -> dict[str, Any]:
    """A group with the agent and the mailbox in it, perhaps by way of another group."""
    people = [user["id"] for user in tenant.users if user["userPrincipalName"] in (AGENT, ADDRESS)]
    group = tenant.add_group("Contact Centre", "centre@contoso.example", people, kind)
    if nested:
        group = tenant.add_group("Everybody", "everybody@contoso.example", [group["ExternalDirectoryObjectId"]], kind)
    return group


def sends_as_a_group(tenant: Tenant, nested: bool) -> None:
    send_as(tenant, in_the_group(tenant, nested=nested)["Name"])


def assigned_by_group(tenant: Tenant, nested: bool) -> None:
    group = in_the_group(tenant, nested=nested)
    principal_of(tenant)["appRoleAssignmentRequired"] = True
    named = {"id": group["ExternalDirectoryObjectId"], "displayName": group["Name"]}
    tenant.record_assignment(named, "Group", principal_of(tenant), "00000000-0000-0000-0000-000000000000")
    send_as(tenant, AGENT)


def locked_for_a_group(tenant: Tenant, nested: bool) -> None:
    locked_by_group(tenant)
    tenant.outbound_rules[0]["FromMemberOf"] = [in_the_group(tenant, nested=nested)["PrimarySmtpAddress"]]
    send_as(tenant, AGENT)


def rejected_for_a_group(tenant: Tenant, nested: bool) -> None:
    rejecting(tenant)
    tenant.transport_rules[0].update(SentToScope=None, SentToMemberOf=[in_the_group(tenant, nested=nested)["Name"]])
    send_as(tenant, AGENT)


GROUPED = {
    # what a group decides, its verdict, without deep, in the group, and in it by way of another one
    "Send As": (sends_as_a_group, "can_send", "send_as_not_read", "send_as_given", "send_as_given"),
    "assignment": (assigned_by_group, "can_send", "assignment_not_read", "assignment_required", "not_assigned"),
    "outbound policy": (
        locked_for_a_group, "arrives", "outbound_policy_unclear", "outbound_policy_blocks", "outbound_policy_blocks",
    ),
    "transport rule": (
        rejected_for_a_group, "arrives", "transport_rule_unclear", "transport_rule_blocks", "transport_rule_blocks",
    ),
}  # fmt: skip


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("what", GROUPED)
def test_what_a_group_decides_is_read_with_deep_only(
    run: Runner, healthy: Tenant, signed_by_agent: dict[str, Any], what: str, nested: bool
) -> None:
    arrange, verdict, unread, direct, through = GROUPED[what]
    arrange(healthy, nested)
    since = len(run.world.log)
    (asset,) = report(run, signed_by_agent)["assets"]
    assert unread in names(asset["verdict"][verdict]["because"])
    asked = [inner.path for entry in run.world.log[since:] for inner in entry.walk()]
    assert not [path for path in asked if "emberOf" in path]
    found = report(run, signed_by_agent, deep=True)
    (asset,) = found["assets"]
    assert (through if nested else direct) in names(asset["verdict"][verdict]["because"])
    assert unread not in names(asset["verdict"][verdict]["because"])
    assert found["complete"]


@pytest.mark.parametrize("what", ["outbound policy", "transport rule"])
def test_who_is_not_in_the_group_is_not_concerned(
    run: Runner, healthy: Tenant, signed_by_agent: dict[str, Any], what: str
) -> None:
    GROUPED[what][0](healthy, False)
    healthy.groups[next(iter(healthy.groups))].clear()
    assert report(run, signed_by_agent, deep=True)["state"] == "ok"


@pytest.mark.parametrize("how", ["dynamic", "gone", "refused"])
def test_a_group_that_cannot_be_looked_into_stays_undecided(
    run: Runner, healthy: Tenant, signed_by_agent: dict[str, Any], how: str
) -> None:
    locked_by_group(healthy)
    send_as(healthy, AGENT)
    if how != "gone":
        kind = "DynamicDistributionGroup" if how == "dynamic" else "MailUniversalSecurityGroup"
        healthy.outbound_rules[0]["FromMemberOf"] = [in_the_group(healthy, kind)["Name"]]
    login = reader(healthy, graph=(*READS[:1], READS[2])) if how == "refused" else {}
    found = report(run, adopted(signed_by_agent, healthy), deep=True, **login)
    assert found["assets"][0]["verdict"]["arrives"]["answer"] == "unknown"
    assert states(found)["external_forwarding"] == "unreadable"
    gaps = {entry["what"]: entry["right"] for entry in found["coverage"] if entry["gap"]}
    assert ("who is in the groups that decide" in gaps) == (how == "refused")
    assert how != "refused" or gaps["who is in the groups that decide"] == "User.Read.All"


def test_deep_says_that_nobody_is_called_as_who_shall_sign_in(
    run: Runner, healthy: Tenant, signed_by_agent: dict[str, Any]
) -> None:
    healthy.users[:] = [user for user in healthy.users if user["userPrincipalName"] != AGENT]
    found = report(run, signed_by_agent, deep=True)
    assert names(found["assets"][0]["verdict"]["can_send"]["because"]) == ["login_absent"]
    assert states(found)["smtp_auth"] == "blocked"


def test_deep_asks_nothing_more_where_no_group_decides(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    everything = with_assets(healthy, wanted, 25)
    since = len(run.world.log)
    assert report(run, everything, deep=True)["state"] == "ok"
    asked = [
        inner for entry in run.world.log[since:] for inner in entry.walk() if not entry.inner or inner is not entry
    ]
    per_mailbox = [
        inner
        for inner in asked
        if inner.cmdlet in ("Get-InboxRule", "Get-RecipientPermission", "Get-MailboxPermission")
    ]
    assert len(per_mailbox) == 75
    assert len(asked) <= 75 + 30
    assert not [inner.path for inner in asked if "emberOf" in inner.path]


def test_one_call_a_mailbox_tells_its_groups(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    everything = with_assets(healthy, wanted, 25)
    locked_for_a_group(healthy, nested=False)
    since = len(run.world.log)
    found = report(run, everything, deep=True)
    answers = [asset["verdict"]["arrives"]["answer"] for asset in found["assets"]]
    assert answers == ["no"] + ["yes"] * 24
    asked = [inner.path for entry in run.world.log[since:] for inner in entry.walk()]
    assert len([path for path in asked if "emberOf" in path]) == 25


# Waivers


def waiver(what: str, until: str = "2026-11-25", **more: str) -> dict[str, str]:
    return {"what": what, "reason": "accepted", "owner": "security@contoso.example", "until": until, **more}


@pytest.mark.parametrize("what", ["smtp_auth", "smtp_auth:" + ADDRESS, "smtp_auth:" + ADDRESS.upper()])
def test_a_waiver_hides_a_step_and_not_a_verdict(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], what: str
) -> None:
    mailbox(SmtpClientAuthenticationDisabled=True)(healthy)
    found = report(run, wanted, waivers=[waiver(what)])
    (step,) = [step for step in found["steps"] if step["step"] == "smtp_auth"]
    assert (step["state"], step["waived_state"]) == ("waived", "drift")
    assert step["waiver"]["reason"] == "accepted"
    assert found["state"] == "ok"
    assert found["mail"]["down"]
    assert [entry["state"] for entry in found["waivers"]] == ["applied"]


def test_a_waiver_that_has_run_out_turns_red_by_itself(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    mailbox(SmtpClientAuthenticationDisabled=True)(healthy)
    found = report(run, wanted, waivers=[waiver("smtp_auth", "2026-11-24")])
    assert found["state"] == "drift"
    (step,) = [step for step in found["steps"] if step["step"] == "smtp_auth"]
    assert "waiver_expired" in names(step["because"])
    assert [entry["state"] for entry in found["waivers"]] == ["expired"]


@pytest.mark.parametrize(
    "other", [waiver("smtp_auth:other@contoso.example"), waiver("smtp_auth", tenant="fabrikam"), waiver("consent")]
)
def test_a_waiver_for_something_else_hides_nothing(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], other: dict[str, str]
) -> None:
    mailbox(SmtpClientAuthenticationDisabled=True)(healthy)
    assert report(run, wanted, waivers=[other])["state"] == "drift"


def test_a_security_note_can_be_waived(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    found = report(run, wanted, waivers=[waiver("tenant_wide_mail_send")])
    waived = {note["name"]: note["waived"] for note in found["security_notes"]}
    assert waived == {"basic_smtp_auth_ends": False, "implicit_grant": False, "tenant_wide_mail_send": True}


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (waiver("smtp_atuh"), "Did you mean smtp_auth"),
        (waiver("smtp_auth", "next year"), "like 2027-03-31"),
        (waiver("smtp_auth", ""), "lacks until"),
    ],
)
def test_a_waiver_that_could_never_apply_is_refused(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], broken: dict[str, str], says: str
) -> None:
    since = len(run.world.log)
    with pytest.raises(Failed, match=says):
        run(MODULE, wanted=wanted, waivers=[broken])
    assert len(run.world.log) == since


# Notes


def test_security_notes_name_facts(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    app = application_of(healthy)
    healthy.add_secret(app, "by hand")
    redirects(spa=["https://else.example/spa"], web=[CALLBACK, "https://else.example/web"])(healthy)
    app["signInAudience"] = "AzureADMultipleOrgs"
    user_consent(healthy, "microsoft-user-default-legacy")
    healthy.outbound_policy()["AutoForwardingMode"] = "On"
    healthy.transport_config["SmtpClientAuthenticationDisabled"] = False
    healthy.assign_role(app, EXCHANGE, "SMTP.SendAsApp")
    blocks_passwords(healthy)
    healthy.policies["identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] = True
    healthy.add_inbox_rule(ADDRESS, "Twice", ForwardTo=[TARGET])
    wanted["connect_email_sign_in_audience"] = "AzureADMultipleOrgs"
    found = report(run, wanted, deep=True)
    assert names(found["security_notes"]) == [
        "all_mailboxes_smtp_auth",
        "authentication_policy_blocks_passwords",
        "basic_smtp_auth_ends",
        "consent_wide_open",
        "forwarding_allowed_to_everyone",
        "implicit_grant",
        "inbox_rules",
        "more_granted_than_wanted",
        "multi_tenant_audience",
        "other_platform_redirect_uris",
        "other_redirect_uris",
        "other_secrets",
        "security_defaults",
        "tenant_wide_mail_send",
    ]
    assert found["state"] == "ok"
    (note,) = [note for note in found["security_notes"] if note["name"] == "authentication_policy_blocks_passwords"]
    assert "OAuth is not judged by it" in note["text"]


@pytest.mark.parametrize("wish", ["disabled", "microsoft_managed", None])
def test_user_consent_is_judged_only_where_something_is_wanted(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], wish: str | None
) -> None:
    found = report(run, {**wanted, "connect_email_user_consent": wish})
    expected = {"disabled": "drift", "microsoft_managed": "as_wanted", None: "not_applicable"}
    assert states(found)["user_consent"] == expected[wish]
    assert found["user_consent"]["setting"] == "microsoft_managed"


def test_forwarding_outside_that_is_only_checked_is_not_the_roles(
    run: Runner, healthy: Tenant, wanted: dict[str, Any]
) -> None:
    without_rule(healthy)
    found = report(run, {**wanted, "connect_email_external_forwarding": "check"})
    (step,) = [step for step in found["steps"] if step["step"] == "external_forwarding"]
    assert step["state"] == "blocked"
    assert step["fix"]["who"] == "administrator"


# Several tenants


def test_two_audits_of_an_unchanged_tenant_are_the_same(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], clock: Clock
) -> None:
    locked(healthy)
    healthy.add_secret(application_of(healthy), "by hand")
    first = audited(run, wanted=wanted)
    clock.sleep(7200)
    second = audited(run, wanted=wanted)
    assert json.dumps(first["reports"]) == json.dumps(second["reports"])
    assert json.dumps(first["reports"]) == json.dumps(first["reports"], sort_keys=True)
    assert first["run"]["at"] != second["run"]["at"]


def fleet(run: Runner, count: int) -> list[dict[str, Any]]:
    """Tenants with a mailbox and nothing else, each with an admin identity of its own."""
    entries = []
    for number in range(count):
        name = f"fleet{number}"
        tenant = run.world.add_tenant(f"7a9e3c55-0b6f-4f0e-8a55-0000000000{number:02}", domain=name + ".example")
        client_id, secret = f"c0000000-0000-4000-8000-0000000000{number:02}", f"fake-admin-secret-of-{name}"
        tenant.add_admin(client_id, secret)
        tenant.add_mailbox(f"support@{name}.example")
        entries.append(
            {
                "name": name,
                "tenant_id": tenant.tenant_id,
                "client_id": client_id,
                "client_secret": secret,
                "wanted": {
                    "connect_email_callback_url": f"https://{name}.us.webexconnect.io/callback",
                    "connect_email_assets": [{"mailbox": f"support@{name}.example", "forwarding_address": TARGET}],
                },
            }
        )
    return entries


@pytest.fixture
def runner(world: World, clock: Clock) -> Runner:
    return Runner(world, clock)


def test_several_tenants_each_with_its_own_login(runner: Runner) -> None:
    entries = fleet(runner, 12)
    result = audited(runner, tenants=entries, concurrency=5)
    assert list(result["reports"]) == sorted(entry["name"] for entry in entries)
    assert result["tenant_id"] is None
    for entry in entries:
        found = result["reports"][entry["name"]]
        assert found["tenant"]["id"] == entry["tenant_id"]
        assert found["state"] == "drift"
        assert found["assets"][0]["address"] == entry["wanted"]["connect_email_assets"][0]["mailbox"]
    for entry in runner.world.log:
        assert entry.tenant_id is not None
        assert "fake-admin-secret" not in json.dumps(result["reports"])


def test_one_admin_identity_of_the_task_for_all(runner: Runner) -> None:
    entries = fleet(runner, 2)
    for tenant in runner.world.tenants:
        tenant.add_admin(ADMIN_ID, ADMIN_SECRET)
    for entry in entries:
        del entry["client_id"], entry["client_secret"]
    entries[1]["cloud"] = None
    result = audited(runner, tenants=entries, client_id=ADMIN_ID, client_secret=ADMIN_SECRET)
    assert [found["state"] for found in result["reports"].values()] == ["drift", "drift"]


def test_what_is_wrong_with_one_tenant_is_its_own_finding(runner: Runner) -> None:
    entries = fleet(runner, 7)
    entries[6].update(wanted={}, tenant_id="", problem="its variables cannot be read")
    entries[0]["client_secret"] = "fake-wrong-secret"
    entries[1]["tenant_id"] = "no tenant at all"
    del entries[2]["client_secret"]
    entries[3]["wanted"]["connect_email_assets"][0]["forwarding_address"] = "nobody"
    entries[4]["tenant_id"] = "unknown.example"
    result = audited(runner, tenants=entries)
    reports = result["reports"]
    kinds = {name: (found["state"], (found["error"] or {}).get("kind")) for name, found in reports.items()}
    assert kinds == {
        "fleet0": ("unreadable", "AuthenticationFailed"),
        "fleet1": ("unreadable", "InvalidInput"),
        "fleet2": ("unreadable", "InvalidInput"),
        "fleet3": ("unreadable", "InvalidInput"),
        "fleet4": ("unreadable", "AuthenticationFailed"),
        "fleet5": ("drift", None),
        "fleet6": ("unreadable", "InvalidInput"),
    }
    assert "its variables cannot be read" in reports["fleet6"]["error"]["message"]
    for name in ("fleet0", "fleet4"):
        assert set(states(reports[name]).values()) == {"unreadable"}
        assert reports[name]["assets"][0]["verdict"]["can_send"]["answer"] == "unknown"
        assert not reports[name]["complete"]


def test_a_dead_tenant_and_a_slow_one_hold_up_nobody(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.webex_connect.office365.plugins.module_utils import _survey

    entries = fleet(runner, 6)
    dead, slow = entries[0]["tenant_id"], entries[1]["tenant_id"]
    runner.world.faults.add(lambda entry: entry.tenant_id == dead, "reset_before", times=None)
    carry, released = runner.carry, threading.Event()

    def hanging(request: Any, timeout: float) -> Any:
        if slow in request.url:
            released.wait(20)
        return carry(request, timeout)

    monkeypatch.setattr(runner, "carry", hanging)
    monkeypatch.setattr(_survey, "GRACE", 0.5)
    started = time.monotonic()
    result = audited(runner, tenants=entries, time_budget=1, concurrency=3)
    released.set()
    assert time.monotonic() - started < 15
    reports = {name: found["state"] for name, found in result["reports"].items()}
    assert reports == {
        "fleet0": "unreachable",
        "fleet1": "unreachable",
        **{f"fleet{number}": "drift" for number in range(2, 6)},
    }
    assert result["reports"]["fleet1"]["error"]["kind"] == "TimeIsUp"
    assert result["reports"]["fleet0"]["assets"][0]["verdict"]["arrives"]["answer"] == "unknown"
    assert not result["reports"]["fleet0"]["mail"]["down"]


def test_a_tenant_that_throttles_is_waited_for_within_its_time(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], clock: Clock
) -> None:
    healthy.settings.throttle.every = 3
    slept = sum(clock.slept)
    assert report(run, wanted)["state"] == "ok"
    assert sum(clock.slept) > slept


def test_a_tenant_that_throttles_for_too_long_is_given_up(
    run: Runner, healthy: Tenant, wanted: dict[str, Any], clock: Clock
) -> None:
    healthy.settings.throttle.every = 1
    healthy.settings.throttle.retry_after = 100
    slept = sum(clock.slept)
    found = report(run, wanted, time_budget=60)
    assert found["state"] == "unreadable"
    assert found["error"]["kind"] == "Throttled"
    assert sum(clock.slept) - slept < 60


def test_half_a_tenant_is_half_a_report(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    run.world.faults.add({"door": "exchange"}, "reset_before", times=None)
    found = report(run, wanted)
    assert found["state"] == "unreadable"
    assert found["application"] is not None
    assert found["error"] is None
    assert states(found)["consent"] == "as_wanted"
    assert states(found)["smtp_auth"] == "unreadable"


# Options


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"connect_email_callback_url": ""}, "connect_email_callback_url is blank"),
        ({"connect_email_callback_url": "http://contoso.us.webexconnect.io/callback"}, "https is required"),
        ({"connect_email_secret_valid_days": "many"}, "whole number"),
        ({"connect_email_issue_access_tokens": "perhaps"}, "true or false"),
        ({"connect_email_user_consent": "sometimes"}, "one of disabled"),
        ({"connect_email_assets": [{"mailbox": "", "forwarding_address": TARGET}]}, "without a mailbox"),
        ({"connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": ""}]}, "forwarding_address is empty"),
        ({"connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}] * 2}, "more than once"),
        ({"connect_email_client_secret": "x"}, "Supported parameters include"),
    ],
)
def test_an_unusable_wish_sends_nothing(
    run: Runner, tenant: Tenant, wanted: dict[str, Any], change: dict[str, Any], says: str
) -> None:
    with pytest.raises(Failed, match=says):
        run(MODULE, wanted={**wanted, **change})
    assert list(run.world.log) == []


def test_texts_of_a_survey_mean_what_they_say(run: Runner, healthy: Tenant, wanted: dict[str, Any]) -> None:
    answers = {
        "connect_email_app_id": " ",
        "connect_email_issue_access_tokens": "false",
        "connect_email_secret_rotate_before_days": "10",
        "connect_email_user_consent": "",
    }
    found = report(run, {**wanted, **answers})
    assert states(found)["implicit_grant"] == "drift"
    assert states(found)["secret"] == "as_wanted"


def test_wanted_and_tenants_exclude_each_other(run: Runner, wanted: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="mutually exclusive"):
        run(MODULE, wanted=wanted, tenants=[])
    with pytest.raises(Failed, match="one of the following is required"):
        run(MODULE)
    with pytest.raises(Failed, match="more than once"):
        run(MODULE, tenants=[{"name": "a", "tenant_id": "a.example", "wanted": wanted}] * 2)
    assert audited(run, tenants=[])["reports"] == {}
