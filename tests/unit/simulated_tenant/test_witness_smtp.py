# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMTP door, with the clients that people use: smtplib and swaks."""

from __future__ import annotations

import os
import shutil
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulated_tenant import Running, Tenant, World, catalogue, serve
from simulated_tenant.client import Client

ADDRESS = "support@contoso.example"


@pytest.fixture
def running(world: World, tmp_path: Path) -> Iterator[Running]:
    with serve(world, tmp_path, smtp_port=0) as running:
        world.hosts = None  # what is not SMTP is called as a function here
        yield running


@pytest.fixture
def app(tenant: Tenant) -> dict[str, Any]:
    """An application that may submit by the classic route, for a mailbox whose SMTP AUTH is open."""
    tenant.add_mailbox(ADDRESS, smtp_auth_disabled=False)
    app = tenant.add_application("WebexConnect")
    tenant.add_secret(app, text="not-a-real-secret-of-the-application")
    tenant.assign_role(app, catalogue.EXCHANGE, "SMTP.SendAsApp")
    principal = tenant.service_principal(app["appId"])
    tenant.exchange_service_principals.append(
        {"AppId": app["appId"], "ObjectId": principal["id"], "DisplayName": "WebexConnect", "Guid": principal["id"]}
    )
    tenant.add_mailbox_permission(ADDRESS, "WebexConnect", ["FullAccess"])
    return app


def token_of(world: World, app: dict[str, Any], root: str = "https://outlook.office365.com") -> str:
    return Client(world, app["appId"], "not-a-real-secret-of-the-application").token(root)


def connected(running: Running) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", int(running.endpoints["smtp_port"]), local_hostname="test.example", timeout=10)
    client.starttls(context=ssl.create_default_context(cafile=running.endpoints["ca_path"]))
    client.ehlo()
    return client


def log_in(client: smtplib.SMTP, user: str, token: str) -> tuple[int, str]:
    def answer(challenge: bytes | None = None) -> str:
        return "" if challenge else f"user={user}\1auth=Bearer {token}\1\1"

    try:
        code, said = client.auth("XOAUTH2", answer)
    except smtplib.SMTPAuthenticationError as refusal:
        code, said = refusal.smtp_code, refusal.smtp_error
    return code, said.decode() if isinstance(said, bytes) else said


def opened(running: Running, user: str, token: str) -> tuple[int, str]:
    with connected(running) as client:
        return log_in(client, user, token)


def test_a_log_in_sends_nothing_and_its_log_holds_no_token(world, tenant, app, running) -> None:
    token = token_of(world, app)
    assert opened(running, ADDRESS, token) == (235, "2.7.0 Authentication successful")
    (entry,) = world.requests("smtp")
    assert (entry.method, entry.path, entry.status, entry.is_write) == ("AUTH", ADDRESS, 235, False)
    assert token not in repr(entry)
    assert world.sent_mail() == []
    assert world.writes() == []


def test_what_is_offered_depends_on_tls(running) -> None:
    client = smtplib.SMTP("127.0.0.1", int(running.endpoints["smtp_port"]), local_hostname="t.example", timeout=10)
    client.ehlo()
    assert client.has_extn("starttls")
    assert not client.has_extn("auth")
    assert client.mail("support@contoso.example")[0] == 530
    assert client.docmd("AUTH", "XOAUTH2 eA==")[0] == 530
    client.close()
    with connected(running) as secured:
        assert secured.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"]
        assert not secured.has_extn("starttls")
        assert secured.mail("support@contoso.example") == (530, b"5.7.57 Client not authenticated to send mail.")
        assert secured.docmd("AUTH", "PLAIN eA==")[0] == 504
        with pytest.raises(smtplib.SMTPAuthenticationError, match=r"5\.7\.139.*basic authentication is disabled"):
            secured.login("support@contoso.example", "password")


def close_mailbox(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.mailbox(ADDRESS)["SmtpClientAuthenticationDisabled"] = True


def leave_it_to_the_organization(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.mailbox(ADDRESS)["SmtpClientAuthenticationDisabled"] = None


def forget_principal(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.exchange_service_principals.clear()


def register_the_wrong_object(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.exchange_service_principals[0]["ObjectId"] = app["id"]


def take_role(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.role_assignments.clear()
    tenant.assign_role(app, catalogue.EXCHANGE, "Mail.Send")


def lock_by_security_defaults(tenant: Tenant, app: dict[str, Any]) -> None:
    tenant.policies["identitySecurityDefaultsEnforcementPolicy"]["isEnabled"] = True
    tenant.settings.security_defaults_stop_smtp = True


@pytest.mark.parametrize(
    ("spoil", "reply"),
    [
        (take_role, "5.7.3 Authentication unsuccessful"),
        (close_mailbox, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox."),
        (leave_it_to_the_organization, "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for"),
        (lock_by_security_defaults, "5.7.139 Authentication unsuccessful, user is locked by your organization's sec"),
        (forget_principal, "5.7.3 Authentication unsuccessful"),
        (register_the_wrong_object, "5.7.3 Authentication unsuccessful"),
    ],
)
def test_each_gate_refuses(world, tenant, app, running, spoil, reply) -> None:
    spoil(tenant, app)
    code, said = opened(running, ADDRESS, token_of(world, app))
    assert code == 535
    assert said.startswith(reply)
    assert world.requests("smtp")[-1].status == 535


def test_an_earlier_gate_answers_before_a_later_one(world, tenant, app, running) -> None:
    """Right, mailbox, SMTP AUTH, service principal: what a client mends first is what it is told first."""
    forget_principal(tenant, app)
    close_mailbox(tenant, app)
    token = token_of(world, app)
    assert "for the Mailbox" in opened(running, ADDRESS, token)[1]
    assert opened(running, "nobody@contoso.example", token)[1].startswith("5.7.3")
    take_role(tenant, app)
    assert opened(running, ADDRESS, token_of(world, app))[1].startswith("5.7.3")


def test_only_a_living_token_for_exchange_opens(world, tenant, app, running, clock) -> None:
    graph = token_of(world, app, "https://graph.microsoft.com")
    good = token_of(world, app)
    for value in (graph, "eyJ.not.a-token", ""):
        assert opened(running, ADDRESS, value)[1].startswith("5.7.3")
    world.smtp_challenges = True
    assert opened(running, ADDRESS, graph)[0] == 535
    with connected(running) as client:
        assert client.docmd("AUTH", "XOAUTH2 !!!")[0] == 334
        assert client.docmd("")[0] == 535
    clock.move(hours=2)
    assert opened(running, ADDRESS, good)[0] == 535


def test_the_route_by_roles_needs_no_permission_of_the_application(world, tenant, app, running, client) -> None:
    tenant.role_assignments[:] = [row for row in tenant.role_assignments if row["principalDisplayName"] == "Automation"]
    tenant.mailbox_permissions.clear()
    tenant.add_mailbox("other@contoso.example", smtp_auth_disabled=False)
    token = token_of(world, app)
    assert opened(running, ADDRESS, token)[0] == 535
    client.rows("New-ManagementScope", Name="assets", RecipientRestrictionFilter=f"PrimarySmtpAddress -eq '{ADDRESS}'")
    client.rows(
        "New-ManagementRoleAssignment",
        Name="assets",
        App=app["appId"],
        Role="Application SMTP.SendAsApp",
        CustomResourceScope="assets",
    )
    assert opened(running, ADDRESS, token)[0] == 235
    assert opened(running, "other@contoso.example", token)[0] == 535


def test_what_is_sent_is_recorded_as_a_write(world, tenant, app, running) -> None:
    message = "Subject: test\r\n\r\ntest\r\n"
    token = token_of(world, app)
    with connected(running) as client:
        assert log_in(client, ADDRESS, token)[0] == 235
        with pytest.raises(smtplib.SMTPSenderRefused, match=r"5\.7\.60"):
            client.sendmail("chief@contoso.example", ["a@customer.example"], message)
        client.sendmail(ADDRESS, ["a@customer.example"], message)
        assert world.sent_mail() == [{"from": ADDRESS, "to": ["a@customer.example"], "size": len(message)}]
        assert [entry.method for entry in world.writes()] == ["DATA"]
        world.refuse_writes = True
        with pytest.raises(smtplib.SMTPDataError, match="refused"):
            client.sendmail(ADDRESS, ["a@customer.example"], message)
        world.refuse_writes = False
        tenant.mailbox_permissions.clear()
        with pytest.raises(smtplib.SMTPDataError, match=r"4\.2\.0 STOREDRV"):
            client.sendmail(ADDRESS, ["a@customer.example"], message)
    assert len(world.sent_mail()) == 1


def test_faults_strike_here_too(world, tenant, app, running) -> None:
    token = token_of(world, app)
    world.faults.add(
        when={"door": "smtp", "method": "AUTH"}, do=432, body="4.3.2 Concurrent connections limit exceeded"
    )
    assert opened(running, ADDRESS, token)[0] == 432
    world.faults.add(when={"door": "smtp"}, do="reset_before")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        opened(running, ADDRESS, token)
    assert opened(running, ADDRESS, token)[0] == 235


def swaks(running: Running, *arguments: str) -> str:
    """Its transcript. The CI installs it and says so, so that there it is never passed over."""
    program = shutil.which("swaks")
    if program is None:
        assert not os.environ.get("SWAKS_REQUIRED"), "swaks is not installed"
        pytest.skip("swaks is not installed: apt-get install swaks")
    done = subprocess.run(
        [
            program,
            *("--server", "127.0.0.1", "--port", running.endpoints["smtp_port"], "--ehlo", "test.example"),
            *("--tls", "--tls-verify", "--tls-ca-path", running.endpoints["ca_path"], "--timeout", "10"),
            *("--from", ADDRESS, "--to", "a@customer.example", *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout + done.stderr


def test_swaks_is_offered_xoauth2_behind_a_certificate_that_it_trusts(world, app, running) -> None:
    said = swaks(running, "--quit-after", "FROM")
    assert "=== TLS started with cipher TLSv1." in said
    assert "AUTH LOGIN XOAUTH2" in said
    assert "530 5.7.57" in said
    said = swaks(running, "--auth", "LOGIN", "--auth-user", ADDRESS, "--auth-password", "no-password")
    assert "535 5.7.139" in said
    assert world.sent_mail() == []
