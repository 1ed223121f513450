# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticated SMTP of a mailbox: three values, and what they come to."""

from __future__ import annotations

import copy

import pytest

from module_runner import Clock, Failed, Runner
from simulated_tenant import Tenant, World

MODULE = "mailbox_smtp_auth"
ADDRESS = "support@contoso.example"
ADMIN_ID = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10"


def flag(tenant: Tenant, address: str = ADDRESS) -> bool | None:
    return tenant.mailbox(address)["SmtpClientAuthenticationDisabled"]


def test_twelve_runs(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS)
    opened = run.settled(MODULE, mailbox=ADDRESS)
    assert flag(tenant) is False
    assert opened["smtp_auth"]["effective"] == "enabled"
    run.settled(MODULE, mailbox=ADDRESS, smtp_auth="disabled")
    assert flag(tenant) is True
    inherited = run.settled(MODULE, mailbox=ADDRESS, smtp_auth="inherit")
    assert flag(tenant) is None
    assert inherited["smtp_auth"]["configured"] == "inherit"
    assert inherited["smtp_auth"]["effective"] == "disabled"


@pytest.mark.parametrize(
    ("stored", "configured", "effective"),
    [(None, "inherit", "disabled"), (True, "disabled", "disabled"), (False, "enabled", "enabled")],
    ids=["not-set", "disabled", "enabled"],
)
def test_case_c21_the_flag_means_disabled_and_null_is_a_value(
    run: Runner, tenant: Tenant, stored: bool | None, configured: str, effective: str
) -> None:
    tenant.add_mailbox(ADDRESS, smtp_auth_disabled=stored)
    state = run(MODULE, mailbox=ADDRESS, smtp_auth=configured)
    assert not state["changed"]
    assert (state["smtp_auth"]["configured"], state["smtp_auth"]["effective"]) == (configured, effective)
    before = dict(tenant.mailbox(ADDRESS))
    changed = run(MODULE, mailbox=ADDRESS, smtp_auth="enabled")
    assert changed["changed"] == (stored is not False)
    assert len(run.world.writes()) == (stored is not False)
    after = dict(tenant.mailbox(ADDRESS))
    assert {k: v for k, v in after.items() if v != before[k]} == (
        {"SmtpClientAuthenticationDisabled": False} if stored is not False else {}
    )
    assert tenant.transport_config["SmtpClientAuthenticationDisabled"] is True


def test_case_c40_a_policy_that_blocks_passwords_draws_a_warning_each_time(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS)
    tenant.add_authentication_policy("Block Basic", AllowBasicAuthSmtp=False)
    tenant.organization_config["DefaultAuthenticationPolicy"] = "Block Basic"
    for changed in (True, False):
        result = run(MODULE, mailbox=ADDRESS)
        assert result["changed"] is changed
        (warning,) = result["warnings"]
        assert "Block Basic" in warning
        assert "password sign-in over SMTP" in warning
        assert "OAuth is another matter" in warning


def test_case_c40_a_policy_of_the_user_counts_before_the_organization(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS)
    tenant.add_authentication_policy("Block Basic", AllowBasicAuthSmtp=False)
    tenant.add_authentication_policy("Allow SMTP", AllowBasicAuthSmtp=True)
    tenant.organization_config["DefaultAuthenticationPolicy"] = "Block Basic"
    tenant.mailbox(ADDRESS)["AuthenticationPolicy"] = "Allow SMTP"
    result = run(MODULE, mailbox=ADDRESS)
    assert result["warnings"] == []
    assert result["smtp_auth"]["authentication_policy"] == "Allow SMTP"


# Every module that changes something for a mailbox, by a name for it.
OF_A_MAILBOX = {
    "mailbox_smtp_auth": lambda name: {"mailbox": name},
    "mailbox_forwarding": lambda name: {"mailbox": name, "forwarding_address": "a@mail-us.imiconnect.io"},
    "external_forwarding_policy": lambda name: {"mailboxes": [name]},
}
LOOSE = {
    "display-name": ("Support Desk", ["desk1@contoso.example", "desk2@contoso.example"]),
    "alias": ("fourth", ["fourth@contoso.example", "third@contoso.example"]),
    "secondary-address": ("clash@contoso.example", ["a@contoso.example", "b@contoso.example"]),
}


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("kind", LOOSE)
@pytest.mark.parametrize("module", OF_A_MAILBOX)
def test_case_c23_a_name_of_several_mailboxes_is_refused_and_lists_them(
    run: Runner, tenant: Tenant, module: str, kind: str, check: bool
) -> None:
    for address in ("desk1@contoso.example", "desk2@contoso.example"):
        tenant.add_mailbox(address, display_name="Support Desk")
    tenant.add_mailbox("third@contoso.example", alias="fourth")
    tenant.add_mailbox("fourth@contoso.example", alias="other", display_name="fourth")
    tenant.add_mailbox("a@contoso.example", user_principal_name="clash@contoso.example")
    tenant.add_mailbox("b@contoso.example", extra_addresses=["clash@contoso.example"])
    before = copy.deepcopy(tenant.mailboxes)
    name, matches = LOOSE[kind]
    with pytest.raises(Failed, match=", ".join(matches)) as several:
        run(module, check=check, **OF_A_MAILBOX[module](name))
    with pytest.raises(Failed, match="No mailbox is called that") as none:
        run(module, check=check, **OF_A_MAILBOX[module]("nobody@contoso.example"))
    assert "No mailbox" not in several.value.message
    assert "@contoso.example, " not in none.value.message
    assert tenant.mailboxes == before
    assert run.world.writes() == []


def test_case_c23_a_primary_address_is_exact_and_writes_use_the_id(run: Runner, tenant: Tenant) -> None:
    mailbox = tenant.add_mailbox(ADDRESS, display_name="Support Desk")
    tenant.add_mailbox("desk2@contoso.example", display_name="Support Desk", user_principal_name=ADDRESS)
    run.settled(MODULE, mailbox=ADDRESS)
    assert mailbox["SmtpClientAuthenticationDisabled"] is False
    (write,) = run.world.writes()
    assert write.body["CmdletInput"]["Parameters"]["Identity"] == mailbox["Guid"]


def test_a_loose_name_of_one_mailbox_is_accepted(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS, display_name="Support Desk")
    assert run.settled(MODULE, mailbox="support desk")["smtp_auth"]["mailbox"] == ADDRESS


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_a_mailbox_that_is_not_there_is_said_to_be_not_there(
    run: Runner, tenant: Tenant, status: int, check: bool
) -> None:
    tenant.settings.exchange_status_for_not_found = status
    with pytest.raises(Failed, match="No mailbox is called that"):
        run(MODULE, check=check, mailbox="nobody@contoso.example")


@pytest.mark.parametrize("mailbox", ["", "   ", "*", "sup*@contoso.example", "a\nb@contoso.example"])
def test_an_unusable_identity_sends_nothing(run: Runner, mailbox: str) -> None:
    with pytest.raises(Failed, match="mailbox"):
        run(MODULE, mailbox=mailbox)
    assert list(run.world.log) == []


@pytest.mark.parametrize("module", OF_A_MAILBOX)
def test_case_c08_permission_role_and_expired_secret_are_told_apart(world: World, clock: Clock, module: str) -> None:
    def failure(domain: str, **admin: object) -> str:
        number = len(world.tenants)
        tenant = world.add_tenant(f"2f4b9a52-6d5e-4b1c-9df0-3f4c2c6f6e1{number}", domain=domain)
        tenant.add_admin(f"b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a1{number}", "fake-secret-text", **admin)
        tenant.add_mailbox("support@" + domain)
        runner = Runner(
            world,
            clock,
            tenant_id=domain,
            client_id=f"b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a1{number}",
            client_secret="fake-secret-text",
        )
        with pytest.raises(Failed) as failed:
            runner(module, **OF_A_MAILBOX[module]("support@" + domain))
        shown = failed.value.message + repr(failed.value.facts)
        assert "fake-secret-text" not in shown
        assert not [token for token in world.tokens.issued if token.split(".")[1] in shown]
        assert len([e for e in world.requests("login", "/token") if e.tenant_id == tenant.tenant_id]) <= 2
        return failed.value.message

    role = failure("one.example", directory_roles=[])
    permission = failure("two.example", exchange_app_role=False)
    expired = failure("three.example", secret_expires=clock.utc())
    assert "no role in Exchange" in role
    assert "Exchange Administrator" in role
    assert "lacks the application permission Exchange.ManageAsApp" in permission
    assert "has expired" in expired
    assert "three.example" in expired
    assert "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a12" in expired
    for message in (role, permission, expired):
        assert "No mailbox" not in message
    assert clock.slept == []
    assert world.writes() == []
