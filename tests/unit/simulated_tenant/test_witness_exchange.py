# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchange Online: binding, identities, what the cmdlets do."""

from __future__ import annotations

import pytest

from simulated_tenant.client import EXCHANGE, Client, kind

SUPPORT = "support@contoso.example"


@pytest.fixture
def mailbox(tenant):
    return tenant.add_mailbox(SUPPORT, display_name="Support Desk", extra_addresses=["help@contoso.example"])


def test_every_name_finds_the_mailbox(client, tenant, mailbox):
    names = (SUPPORT, "help@contoso.example", "support", "Support Desk", mailbox["Guid"], mailbox["Identity"])
    for name in names:
        assert [row["PrimarySmtpAddress"] for row in client.rows("Get-Mailbox", Identity=name)] == [SUPPORT]
    row = client.rows("get-mailbox", identity=SUPPORT)[0]
    assert row["EmailAddresses"] == [f"SMTP:{SUPPORT}", "smtp:help@contoso.example"]
    assert row["EmailAddresses@odata.type"] == "#Collection(String)"
    assert row["Guid@data.type"] == "System.Guid"
    assert "SmtpClientAuthenticationDisabled" not in row


def test_unknown_and_ambiguous(client, tenant, mailbox):
    tenant.add_mailbox("other@contoso.example", display_name="Support Desk")
    reply = client.exchange("Get-Mailbox", Identity="nobody@contoso.example")
    assert (reply.status, kind(reply)) == (404, "ManagementObjectNotFoundException")
    assert reply.json()["error"]["message"] == "Invalid Operation"
    assert reply.json()["error"]["details"][0]["message"].count("|") == 2
    reply = client.exchange("Get-Mailbox", Identity="Support Desk")
    assert (reply.status, kind(reply)) == (400, "ManagementObjectAmbiguousException")
    assert kind(client.exchange("Set-Mailbox", Identity="Support Desk")) == "ManagementObjectAmbiguousException"


def test_a_null_identity_reads_everything_and_writes_nothing(client, tenant, mailbox):
    tenant.add_mailbox("other@contoso.example")
    assert len(client.rows("Get-Mailbox", Identity=None)) == 2
    reply = client.exchange("Set-CASMailbox", Identity=None, SmtpClientAuthenticationDisabled=False)
    assert kind(reply) == "ParameterBindingException"
    assert kind(client.exchange("Get-MailboxPermission")) == "ParameterBindingException"


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "expected"),
    [
        ("Set-Mailbox", {"Identity": SUPPORT, "Forward": "x"}, "AmbiguousParameterSetException"),
        (
            "Set-Mailbox",
            {"Identity": SUPPORT, "DeliverToMailboxAndForward": "true"},
            "ParameterTransformationException",
        ),
        ("Set-Mailbox", {"Identity": SUPPORT, "DeliverToMailboxAndForward": None}, "ParameterTransformationException"),
        ("Set-Mailbox", {"Identity": SUPPORT, "ForwardingSmtpAddress": ""}, "ParameterTransformationException"),
        ("Set-Mailbox", {"Identity": SUPPORT, "ForwardingSmtpAddress": "no"}, "ParameterTransformationException"),
        (
            "Set-Mailbox",
            {"Identity": SUPPORT, "ForwardingAddress": "no@x.example"},
            "ManagementObjectNotFoundException",
        ),
        ("Get-Mailbox", {"Identity": SUPPORT, "Anr": "s"}, "AmbiguousParameterSetException"),
        (
            "New-HostedOutboundSpamFilterPolicy",
            {"Name": "p", "AutoForwardingMode": "Yes"},
            "ParameterTransformationException",
        ),
        (
            "New-RemoteDomain",
            {"Name": "p", "DomainName": "x.example", "AutoForwardEnabled": True},
            "AmbiguousParameterSetException",
        ),
        ("Set-HostedOutboundSpamFilterRule", {"Identity": "x", "Enabled": True}, "AmbiguousParameterSetException"),
        ("Set-TransportConfig", {"SmtpClientAuthenticationDisabled": 0}, "ParameterTransformationException"),
    ],
)
def test_binding_refuses(client, mailbox, cmdlet, parameters, expected):
    reply = client.exchange(cmdlet, **parameters)
    assert (reply.status >= 400, kind(reply)) == (True, expected)


def test_smtp_auth_has_three_values(client, tenant, mailbox):
    path = {"Identity": mailbox["Guid"]}
    for value in (False, True, None):
        assert client.exchange("Set-CASMailbox", **path, SmtpClientAuthenticationDisabled=value).status == 200
        assert client.rows("Get-CASMailbox", **path)[0]["SmtpClientAuthenticationDisabled"] is value
    again = client.exchange("Set-CASMailbox", **path, SmtpClientAuthenticationDisabled=None)
    assert "no settings" in again.json()["@adminapi.warnings"][0]
    assert tenant.transport_config["SmtpClientAuthenticationDisabled"] is True


def test_forwarding(client, tenant, mailbox):
    tenant.add_recipient("Example, Erin", "erin@contoso.example")
    client.exchange(
        "Set-Mailbox",
        Identity=SUPPORT,
        ForwardingSMTPAddress="alias@connect.example",
        ForwardingAddress="erin@contoso.example",
    )
    row = client.rows("Get-Mailbox", Identity=SUPPORT)[0]
    assert (row["ForwardingSmtpAddress"], row["ForwardingAddress"]) == ("smtp:alias@connect.example", "Example, Erin")
    client.exchange("Set-Mailbox", Identity=SUPPORT, ForwardingSmtpAddress=None, DeliverToMailboxAndForward=True)
    row = client.rows("Get-Mailbox", Identity=SUPPORT)[0]
    assert (row["ForwardingSmtpAddress"], row["ForwardingAddress"]) == (None, "Example, Erin")
    assert row["DeliverToMailboxAndForward"] is True


def test_success_without_rows_has_many_forms(client, mailbox):
    forms = set()
    for flag in (True, False, True, False):
        reply = client.exchange("Set-Mailbox", Identity=SUPPORT, DeliverToMailboxAndForward=flag)
        assert reply.status == 200
        forms.add(str(reply.json().get("value", "missing")) if reply.body else "no body")
    assert forms == {"[]", "None", "missing", "no body"}


def test_pages(client, tenant):
    for number in range(150):
        tenant.add_mailbox(f"m{number}@contoso.example")
    first = client.exchange("Get-Mailbox").json()
    assert len(first["value"]) == 100
    headers = {"Authorization": f"Bearer {client.token(EXCHANGE)}"}
    replay = client.world.handle(
        "POST", first["@odata.nextLink"], headers, b'{"CmdletInput":{"CmdletName":"Get-Mailbox"}}'
    )
    assert replay.status == 400
    assert len(client.rows("Get-Mailbox", ResultSize="Unlimited")) == 150
    few = client.exchange("Get-Mailbox", ResultSize=5).json()
    assert (len(few["value"]), len(few["@adminapi.warnings"])) == (5, 1)
    assert (
        "@odata.nextLink" in client.exchange("Get-Mailbox", "", "odata.maxpagesize=10", ResultSize="Unlimited").json()
    )
    chosen = client.exchange(
        "Get-Mailbox", "?$select=Guid", Filter="PrimarySmtpAddress -eq 'm7@contoso.example'"
    ).json()
    assert [sorted(row) for row in chosen["value"]] == [["Guid", "Guid@data.type"]]


def test_outbound_policies_and_rules(client, tenant, mailbox):
    assert [row["Name"] for row in client.rows("Get-HostedOutboundSpamFilterPolicy")] == ["Default"]
    made = client.rows("New-HostedOutboundSpamFilterPolicy", Name="Connect", AutoForwardingMode="On")
    assert made[0]["AutoForwardingMode"] == "On"
    assert (
        kind(client.exchange("New-HostedOutboundSpamFilterPolicy", Name="connect")) == "ADObjectAlreadyExistsException"
    )
    rule = client.rows(
        "New-HostedOutboundSpamFilterRule", Name="Connect", HostedOutboundSpamFilterPolicy="Connect", From=["support"]
    )
    assert (rule[0]["From"], rule[0]["Priority"], rule[0]["State"]) == ([SUPPORT], 0, "Enabled")
    second = {"Name": "Two", "HostedOutboundSpamFilterPolicy": "Connect", "From": [SUPPORT]}
    assert kind(client.exchange("New-HostedOutboundSpamFilterRule", **second)) == "TaskArgumentException"
    tenant.add_outbound_policy("Finance lock", AutoForwardingMode="Off")
    second["HostedOutboundSpamFilterPolicy"] = "Finance lock"
    assert client.rows("New-HostedOutboundSpamFilterRule", **second, Priority=0)[0]["Priority"] == 0
    assert tenant.outbound_rule("Connect")["Priority"] == 1
    add = {"@odata.type": "#Exchange.GenericHashTable", "Add": ["x@contoso.example"]}
    assert (
        kind(client.exchange("Set-HostedOutboundSpamFilterRule", Identity="Two", From=add))
        == "ManagementObjectNotFoundException"
    )
    assert client.exchange("Disable-HostedOutboundSpamFilterRule", Identity="Two").status == 200
    assert [row["Name"] for row in client.rows("Get-HostedOutboundSpamFilterRule", State="Enabled")] == ["Connect"]
    assert client.exchange("Remove-HostedOutboundSpamFilterPolicy", Identity="Two").status == 404
    assert client.exchange("Remove-HostedOutboundSpamFilterRule", Identity="Two", Confirm=False).status == 200
    assert client.exchange("Remove-HostedOutboundSpamFilterPolicy", Identity="Finance lock").status == 200
    assert kind(client.exchange("Remove-HostedOutboundSpamFilterPolicy", Identity="Default")) == "TaskArgumentException"


def test_a_dehydrated_tenant(client, tenant):
    tenant.organization_config["IsDehydrated"] = True
    tenant.hydration_lag = 2
    refused = client.exchange("Set-HostedOutboundSpamFilterPolicy", Identity="Default", AutoForwardingMode="On")
    assert kind(refused) == "InvalidOperationInDehydratedContextException"
    assert client.exchange("Enable-OrganizationCustomization").status == 200
    assert client.rows("Get-OrganizationConfig")[0]["IsDehydrated"] is False
    again = [
        client.exchange("Set-HostedOutboundSpamFilterPolicy", Identity="Default", AutoForwardingMode="On").status
        for _ in range(3)
    ]
    assert again == [400, 400, 200]
    assert client.exchange("Enable-OrganizationCustomization").status == 400


def test_remote_domains(client, tenant):
    assert client.rows("Get-RemoteDomain")[0]["DomainName"] == "*"
    assert (
        client.rows("New-RemoteDomain", Name="Connect", DomainName="*.connect.example")[0]["AutoForwardEnabled"] is True
    )
    assert client.exchange("Set-RemoteDomain", Identity="Connect", AutoForwardEnabled=False).status == 200
    assert tenant.remote_domain("Connect")["AutoForwardEnabled"] is False
    assert client.exchange("Remove-RemoteDomain", Identity="Default").status == 400
    assert client.exchange("Remove-RemoteDomain", Identity="Connect").status == 200


@pytest.mark.parametrize(
    ("roles", "reads_mailbox", "writes_mailbox", "reads_policy", "writes_policy"),
    [
        (["Exchange Administrator"], 200, 200, 200, 200),
        (["Exchange Recipient Administrator"], 200, 200, 403, 403),
        (["Global Reader"], 200, 403, 200, 403),
        (["Security Reader"], 403, 403, 200, 403),
        ([], 403, 403, 403, 403),
    ],
)
def test_roles(world, tenant, mailbox, roles, reads_mailbox, writes_mailbox, reads_policy, writes_policy):
    tenant.add_admin("c0000008-0000-4000-8000-000000000008", "s8", directory_roles=roles)
    client = Client(world, "c0000008-0000-4000-8000-000000000008", "s8")
    policy = {"Identity": "Default", "AutoForwardingMode": "On"}
    statuses = [
        client.exchange("Get-Mailbox", Identity=SUPPORT).status,
        client.exchange("Set-Mailbox", Identity=SUPPORT, DeliverToMailboxAndForward=True).status,
        client.exchange("Get-HostedOutboundSpamFilterPolicy").status,
        client.exchange("Set-HostedOutboundSpamFilterPolicy", **policy).status,
    ]
    assert statuses == [reads_mailbox, writes_mailbox, reads_policy, writes_policy]


def test_the_forms_of_being_refused(world, tenant, client, mailbox):
    tenant.add_admin("c0000009-0000-4000-8000-000000000009", "s9", exchange_app_role=False)
    refused = Client(world, "c0000009-0000-4000-8000-000000000009", "s9").exchange("Get-Mailbox", Identity=SUPPORT)
    assert refused.status == 401
    assert "not allowed to call Get-Mailbox" in refused.json()["error"]["message"]
    unknown = client.exchange("Get-Nothing")
    assert (unknown.status, set(unknown.body)) == (403, {0})
    assert "x-ms-diagnostics" in unknown.headers
    client.tokens[EXCHANGE] = client.token("https://graph.microsoft.com")
    assert client.exchange("Get-Mailbox").status == 401


def test_batches_of_ten(client, world, tenant, mailbox):
    url = f"{EXCHANGE}/adminapi/beta/{client.tenant}/InvokeCommand"

    def item(number, name, **parameters):
        return {
            "id": str(number),
            "method": "POST",
            "url": url,
            "body": {"CmdletInput": {"CmdletName": name, "Parameters": parameters}},
        }

    def send(requests):
        headers = {"Authorization": f"Bearer {client.token(EXCHANGE)}", "Content-Type": "application/json"}
        import json

        batch = f"{EXCHANGE}/adminapi/beta/{client.tenant}/$batch"
        return world.handle("POST", batch, headers, json.dumps({"requests": requests}).encode())

    answers = send([item(1, "Get-Mailbox", Identity=SUPPORT), item(2, "Get-Mailbox", Identity="nobody")]).json()[
        "responses"
    ]
    assert {answer["id"]: answer["status"] for answer in answers} == {"1": 200, "2": 404}
    assert world.writes() == []
    send([item(1, "Set-Mailbox", Identity=SUPPORT, DeliverToMailboxAndForward=True)])
    assert [entry.cmdlet for entry in world.writes()] == ["Set-Mailbox"]
    assert send([item(n, "Get-TransportConfig") for n in range(11)]).status == 400


def test_rules_permissions_and_users(client, tenant, mailbox):
    tenant.add_inbox_rule(SUPPORT, "Away", ForwardTo=["x@fabrikam.example"])
    tenant.add_mailbox_permission(SUPPORT, "erin@contoso.example", ["FullAccess"])
    tenant.add_authentication_policy("Block basic", default=True)
    tenant.add_transport_rule("No forwards", SentToScope="NotInOrganization", RejectMessageReasonText="no")
    assert client.rows("Get-InboxRule", Mailbox=SUPPORT)[0]["ForwardTo"] == ["x@fabrikam.example"]
    assert [r["User"] for r in client.rows("Get-MailboxPermission", Identity=SUPPORT)] == [
        "NT AUTHORITY\\SELF",
        "erin@contoso.example",
    ]
    assert client.rows("Get-User", Identity=SUPPORT)[0]["AuthenticationPolicy"] is None
    assert client.rows("Get-OrganizationConfig")[0]["DefaultAuthenticationPolicy"] == "Block basic"
    assert client.rows("Get-AuthenticationPolicy")[0]["AllowBasicAuthSmtp"] is False
    assert client.rows("Get-TransportRule", State="Enabled")[0]["RejectMessageReasonText"] == "no"
    assert client.rows("Get-AcceptedDomain")[0]["DomainName"] == "contoso.example"
    assert client.rows("Get-Recipient", Filter="EmailAddresses -like 'help*' -and RecipientType -eq 'UserMailbox'")
    assert kind(client.exchange("Get-Mailbox", Filter="Bogus -eq 'x'")) == "TaskArgumentException"


@pytest.mark.parametrize(
    ("rights", "status", "shown"),
    [
        ({"management_roles": ["Mail Recipients"]}, 200, {"Get-Mailbox": True, "Set-Mailbox": True}),
        ({"management_roles": ["View-Only Recipients"]}, 200, {"Get-Mailbox": True, "Set-Mailbox": False}),
        ({}, 403, {}),
        ({"exchange_app_role": False}, 401, {}),
    ],
)
def test_the_module_file_lists_what_the_caller_may_run(tenant, world, rights, status, shown):
    tenant.add_admin("c0000007-0000-4000-8000-000000000007", "x~not-a-real-secret", directory_roles=[], **rights)
    asking = Client(world, "c0000007-0000-4000-8000-000000000007", "x~not-a-real-secret")
    url = f"{EXCHANGE}/adminapi/v1.0/{asking.tenant}/EXOModuleFile?Version=3.7.0"
    reply = world.handle("GET", url, {"Authorization": f"Bearer {asking.token(EXCHANGE)}", "CommandName": "*"}, None)
    assert reply.status == status
    if shown:
        listed = reply.json()["value"][0]["exportedCmdlets"].split(",")
        assert {cmdlet: cmdlet in listed for cmdlet in shown} == shown
    assert world.writes() == []
