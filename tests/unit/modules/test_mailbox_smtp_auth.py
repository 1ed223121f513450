# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticated SMTP of a mailbox: three values, and what they come to."""

from __future__ import annotations

import pytest

from module_runner import Failed, Runner
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


def test_case_c23_a_loose_name_of_several_is_refused_and_lists_them(run: Runner, tenant: Tenant) -> None:
    for address in ("desk1@contoso.example", "desk2@contoso.example"):
        tenant.add_mailbox(address, display_name="Support Desk")
    with pytest.raises(Failed) as failure:
        run(MODULE, mailbox="Support Desk")
    assert "desk1@contoso.example, desk2@contoso.example" in failure.value.message
    assert run.world.writes() == []


def test_case_c23_an_alias_that_is_the_name_part_of_another_is_refused(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox("third@contoso.example", alias="fourth")
    tenant.add_mailbox("fourth@contoso.example", alias="other", display_name="fourth")
    with pytest.raises(Failed, match=r"fourth@contoso\.example, third@contoso\.example"):
        run(MODULE, mailbox="fourth")
    assert run.world.writes() == []


def test_case_c23_a_secondary_address_that_is_a_sign_in_name_is_refused(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox("a@contoso.example", user_principal_name="clash@contoso.example")
    tenant.add_mailbox("b@contoso.example", extra_addresses=["clash@contoso.example"])
    with pytest.raises(Failed, match=r"a@contoso\.example, b@contoso\.example"):
        run(MODULE, mailbox="clash@contoso.example")
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


def test_case_c08_permission_role_and_expired_secret_are_told_apart(world: World, clock) -> None:
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
            runner(MODULE, mailbox="support@" + domain)
        assert "fake-secret-text" not in failed.value.message
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
