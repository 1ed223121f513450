# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lag, throttling, faults, the log, and the refusal of writes."""

from __future__ import annotations

import pytest

from simulated_tenant import ConnectionLost, World, WriteRefused
from simulated_tenant.client import EXCHANGE, GRAPH, code


def test_lag_per_reader(client, tenant):
    tenant.lag.objects = 2
    app = client.graph("POST", "/applications", {"displayName": "New"}).json()
    path = f"/applications/{app['id']}"
    assert [client.get(path).status for _ in range(3)] == [404, 404, 200]
    by_key = f"/applications(appId='{app['appId']}')"
    assert [client.get(by_key).status for _ in range(3)] == [404, 404, 200]
    assert [len(client.get("/applications").json()["value"]) for _ in range(3)] == [0, 0, 1]
    made = [client.graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status for _ in range(3)]
    assert made == [400, 400, 201]
    assert [client.graph("POST", f"{path}/addPassword", {}).status for _ in range(3)] == [404, 404, 200]
    principal = tenant.service_principal(app["appId"])["id"]
    resource = tenant.service_principal("00000002-0000-0ff1-ce00-000000000000")
    grant = {"clientId": principal, "resourceId": resource["id"], "consentType": "AllPrincipals", "scope": "SMTP.Send"}
    assert [client.graph("POST", "/oauth2PermissionGrants", grant).status for _ in range(3)] == [404, 400, 201]
    role = {"principalId": principal, "resourceId": resource["id"], "appRoleId": resource["appRoles"][0]["id"]}
    path = f"/servicePrincipals/{resource['id']}/appRoleAssignedTo"
    assert [client.graph("POST", path, role).status for _ in range(3)] == [400, 400, 201]


def test_lag_of_one_reader_and_flicker(client, tenant):
    tenant.lag.readers = {"list": 1}
    tenant.lag.flicker = True
    app = client.graph("POST", "/applications", {"displayName": "New"}).json()
    assert client.get(f"/applications/{app['id']}").status == 200
    assert [len(client.get("/applications").json()["value"]) for _ in range(4)] == [0, 1, 0, 1]


def test_the_misleading_403(client, tenant):
    tenant.lag.objects, tenant.lag.misleading_403 = 1, True
    app = client.graph("POST", "/applications", {"displayName": "New"}).json()
    reply = client.graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert (reply.status, code(reply)) == (403, "Authorization_RequestDenied")
    assert client.graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status == 201


def test_secrets_come_and_go_with_lag(client, tenant):
    tenant.lag.secrets = tenant.lag.removed_secrets = 1
    app = tenant.add_application("Old")
    path = f"/applications/{app['id']}"
    secret = client.graph("POST", f"{path}/addPassword", {}).json()
    assert [len(client.get(path).json()["passwordCredentials"]) for _ in range(2)] == [0, 1]
    removals = [client.graph("POST", f"{path}/removePassword", {"keyId": secret["keyId"]}).status for _ in range(2)]
    assert removals == [400, 204]
    assert [len(client.get(path).json()["passwordCredentials"]) for _ in range(2)] == [1, 0]


def test_changes_are_seen_late_by_each_reader(client, tenant):
    tenant.lag.updates = 2
    app = client.graph("POST", "/applications", {"displayName": "Old"}).json()
    client.graph("PATCH", f"/applications/{app['id']}", {"displayName": "New", "tags": ["a"]})
    paths = [f"/applications/{app['id']}", f"/applications(appId='{app['appId']}')"]
    for path in paths:
        assert [client.get(path).json()["displayName"] for _ in range(3)] == ["Old", "Old", "New"]
    seen = [client.get("/applications").json()["value"][0]["tags"] for _ in range(3)]
    assert seen == [[], [], ["a"]]
    grant = tenant.grant_delegated(tenant.add_application("x"), "00000002-0000-0ff1-ce00-000000000000", "SMTP.Send")
    client.graph("PATCH", f"/oauth2PermissionGrants/{grant['id']}", {"scope": "Mail.Send"})
    scopes = [client.get("/oauth2PermissionGrants").json()["value"][0]["scope"] for _ in range(3)]
    assert scopes == ["SMTP.Send", "SMTP.Send", "Mail.Send"]


def test_throttling(client, tenant, world):
    client.get("/organization")
    tenant.throttle.every, tenant.throttle.retry_after = 3, 7
    tenant.throttle.count = 0
    replies = [client.get("/organization") for _ in range(6)]
    assert [reply.status for reply in replies] == [200, 200, 429] * 2
    assert replies[2].headers["Retry-After"] == "7"
    tenant.throttle.count, tenant.throttle.retry_after = 0, None
    items = [{"id": str(n), "method": "GET", "url": "/organization"} for n in range(4)]
    answers = client.graph("POST", "/$batch", {"requests": items}).json()["responses"]
    assert sorted(answer["status"] for answer in answers) == [200, 200, 200, 429]


def test_a_lost_answer_was_acted_on(client, world, tenant):
    client.token(GRAPH)
    world.faults.add({"door": "graph", "method": "POST", "path_contains": "/applications"}, "answer_lost")
    with pytest.raises(ConnectionLost):
        client.graph("POST", "/applications", {"displayName": "Lost"})
    assert [app["displayName"] for app in tenant.applications] == ["Lost"]
    world.faults.add(lambda entry: entry.is_write, "reset_before")
    with pytest.raises(ConnectionLost):
        client.graph("POST", "/applications", {"displayName": "Never"})
    assert len(tenant.applications) == 1


def test_other_faults(client, world, tenant):
    client.token(GRAPH)
    faults = world.faults
    faults.add({"door": "graph", "nth": 2}, 503, retry_after=2)
    assert [client.get("/organization").status for _ in range(3)] == [200, 503, 200]
    faults.add({"door": "graph"}, "html")
    assert client.get("/organization").headers["Content-Type"] == "text/html"
    faults.add({"door": "graph"}, "truncated")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        client.get("/organization").json()
    faults.add({"door": "graph"}, "claims_challenge")
    assert 'claims="' in client.get("/organization").headers["WWW-Authenticate"]
    faults.add({"door": "graph"}, "token_expired")
    assert client.get("/organization").status == 401
    faults.add({"door": "graph"}, "foreign_next_link")
    assert client.get("/organization").json()["@odata.nextLink"].startswith("https://attacker.example/")
    faults.add({"door": "graph"}, "redirect:https://attacker.example/")
    assert client.get("/organization").headers["Location"] == "https://attacker.example/"
    faults.add({"door": "graph"}, 409, body={"error": {"code": "Directory_ConcurrencyViolation", "message": "x"}})
    assert code(client.get("/organization")) == "Directory_ConcurrencyViolation"
    faults.add({"door": "graph"}, 400, body=b"You have reached the maximum number of concurrent requests per tenant.")
    assert client.get("/organization").body.startswith(b"You have")
    faults.add({"cmdlet": "Get-TransportConfig"}, 429, times=None)
    assert [client.exchange("Get-TransportConfig").status for _ in range(2)] == [429, 429]
    with pytest.raises(ValueError, match="unknown fault"):
        faults.add({}, "nonsense")


def test_refused_writes(client, world, tenant):
    world.refuse_writes = True
    assert client.get("/organization").status == 200
    assert client.exchange("Get-TransportConfig").status == 200
    with pytest.raises(WriteRefused):
        client.graph("POST", "/applications", {"displayName": "x"})
    with pytest.raises(WriteRefused):
        client.exchange("Set-TransportConfig", SmtpClientAuthenticationDisabled=False)
    assert tenant.applications == []
    assert [entry.cmdlet for entry in world.writes()] == [None, "Set-TransportConfig"]


def test_the_log(client, world):
    client.get("/organization", select="id")
    client.exchange("Get-Mailbox", Identity="nobody")
    login, graph = world.requests("login")[0], world.requests(contains="/organization")[0]
    assert (login.door, login.status, login.is_write) == ("login", 200, False)
    assert login.body["grant_type"] == "client_credentials"
    assert (graph.query, graph.tenant_id) == ({"$select": "id"}, client.tenant)
    last = world.log[-1]
    assert (last.cmdlet, last.parameters, last.status) == ("Get-Mailbox", {"Identity": "nobody"}, 404)
    world.log.clear()
    assert world.requests() == []


def test_tokens_at_the_wrong_host_are_seen(client, world):
    client.token(GRAPH)
    client.token(EXCHANGE)
    world.hosts = {"login": "login.example", "graph": "graph.microsoft.com", "exchange": "mail.example"}
    assert client.get("/organization").status == 200
    assert client.exchange("Get-TransportConfig").status == 404
    assert world.log[-1].wrong_host


def test_two_tenants_share_an_identity(client, world, tenant):
    other = world.add_tenant("f4b21c0a-5a51-4d3e-9c0d-2f6d1a7e8b02", "fabrikam.example")
    other.add_admin(client.client_id)
    client.graph("POST", "/applications", {"displayName": "Here"})
    assert (len(tenant.applications), len(other.applications)) == (1, 0)
    url = f"{EXCHANGE}/adminapi/beta/{other.tenant_id}/InvokeCommand"
    headers = {"Authorization": f"Bearer {client.token(EXCHANGE)}", "Content-Type": "application/json"}
    assert world.handle("POST", url, headers, b'{"CmdletInput":{"CmdletName":"Get-Mailbox"}}').status == 403
    assert World().tenants == []
