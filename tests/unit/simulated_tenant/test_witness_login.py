# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in door refuses what the real one refuses, in its words."""

from __future__ import annotations

import pytest

from simulated_tenant import claims_of
from simulated_tenant.client import ADMIN, EXCHANGE, GRAPH, LOGIN, TENANT, Client


def aadsts(reply):
    body = reply.json()
    assert body["error_description"].startswith(f"AADSTS{body['error_codes'][0]}: ")
    assert set(body) == {
        "error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri",
    }  # fmt: skip
    return reply.status, body["error"], body["error_codes"][0]


def test_a_token_says_whose_it_is_and_what_it_may(client):
    body = client.sign_in(f"{GRAPH}/.default").json()
    claims = claims_of(body["access_token"])
    assert (claims["tid"], claims["aud"], claims["appid"]) == (TENANT, GRAPH, ADMIN)
    assert "Application.ReadWrite.All" in claims["roles"]
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 3599


def test_the_domain_names_the_tenant_too(client):
    client.tenant = "contoso.example"
    assert client.sign_in(f"{EXCHANGE}/.default").status == 200


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client", 7000215)),
        ({"client_secret": ""}, (401, "invalid_client", 7000218)),
        ({"client_id": "c0000009-0000-4000-8000-000000000009"}, (400, "unauthorized_client", 700016)),
        ({"scope": "https://graph.microsoft.com/User.Read"}, (400, "invalid_scope", 1002012)),
        ({"scope": "https://graph.microsoft.us/.default"}, (400, "invalid_request", 900382)),
        ({"scope": "https://unknown.example/.default"}, (400, "invalid_resource", 500011)),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", 70003)),
    ],
)
def test_refusals(client, change, expected):
    scope = change.pop("scope", f"{GRAPH}/.default")
    assert aadsts(client.sign_in(scope, **change)) == expected


def test_unknown_tenant(client, world):
    client.tenant = "00000000-1111-4222-8333-444444444444"
    assert aadsts(client.sign_in(f"{GRAPH}/.default")) == (400, "invalid_request", 90002)
    reply = world.handle("GET", f"{LOGIN}/nowhere.example/v2.0/.well-known/openid-configuration")
    assert aadsts(reply) == (400, "invalid_tenant", 90002)


def test_an_expired_admin_secret(world, tenant, clock):
    tenant.add_admin("c0000002-0000-4000-8000-000000000002", "old", secret_expires=clock())
    refused = Client(world, "c0000002-0000-4000-8000-000000000002", "old").sign_in(f"{GRAPH}/.default")
    assert aadsts(refused) == (401, "invalid_client", 7000222)


def test_the_exchange_service_principal_is_missing(client, tenant):
    tenant.remove_first_party("00000002-0000-0ff1-ce00-000000000000")
    assert aadsts(client.sign_in(f"{EXCHANGE}/.default"))[2] == 500011


def test_an_applications_own_secret(world, tenant, client, clock):
    app = tenant.add_application("WebexConnect", service_principal=False)
    secret = tenant.add_secret(app, text="a-made-up-secret-text")
    own = Client(world, app["appId"], "a-made-up-secret-text")
    assert aadsts(own.sign_in(f"{EXCHANGE}/.default")) == (401, "invalid_client", 7000229)
    tenant.add_service_principal(app)
    token = own.sign_in(f"{EXCHANGE}/.default").json()["access_token"]
    assert "roles" not in claims_of(token)
    tenant.assign_role(app, "00000002-0000-0ff1-ce00-000000000000", "Mail.Send")
    assert claims_of(own.sign_in(f"{EXCHANGE}/.default").json()["access_token"])["roles"] == ["Mail.Send"]
    own.secret = secret["keyId"]
    assert aadsts(own.sign_in(f"{EXCHANGE}/.default"))[2] == 7000215
    own.secret = "a-made-up-secret-text"
    clock.move(days=3 * 365)
    assert aadsts(own.sign_in(f"{EXCHANGE}/.default"))[2] == 7000222
    app["isDisabled"] = True
    app["passwordCredentials"][0]["endDateTime"] = "2040-01-01T00:00:00Z"
    assert aadsts(own.sign_in(f"{EXCHANGE}/.default"))[2] == 7000112


def test_a_fresh_secret_may_not_work_at_once(world, tenant, client):
    tenant.lag.secret_sign_ins = 2
    app = tenant.add_application("WebexConnect")
    answer = client.graph("POST", f"/applications/{app['id']}/addPassword", {}).json()
    own = Client(world, app["appId"], answer["secretText"])
    assert [own.sign_in(f"{GRAPH}/.default").status for _ in range(3)] == [401, 401, 200]


def test_a_federated_token(world, tenant):
    tenant.add_admin("c0000003-0000-4000-8000-000000000003", federated_token="header.claims.signature")
    client = Client(world, "c0000003-0000-4000-8000-000000000003", "")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    asked = {"client_assertion_type": kind, "client_assertion": "header.claims.signature"}
    assert client.sign_in(f"{GRAPH}/.default", **asked).status == 200
    asked["client_assertion"] = "another.made-up.one"
    assert client.sign_in(f"{GRAPH}/.default", **asked).status == 401


def test_tokens_open_one_door_and_end(client, world, clock):
    client.tokens[GRAPH] = client.token(EXCHANGE)
    assert client.get("/organization").status == 401
    client.tokens.clear()
    assert client.get("/organization").status == 200
    clock.move(seconds=3600)
    assert client.get("/organization").status == 401
    client.tokens.clear()
    world.revoke_tokens(TENANT) if client.token(GRAPH) else None
    assert client.get("/organization").status == 401
