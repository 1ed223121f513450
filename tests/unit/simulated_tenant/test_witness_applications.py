# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applications and secrets at the Graph door."""

from __future__ import annotations

import pytest

from simulated_tenant.client import ADMIN, Client, code

CALLBACK = "https://contoso.us.webexconnect.io/callback"


def make(client, **body):
    reply = client.graph("POST", "/applications", {"displayName": "WebexConnect", **body})
    assert reply.status == 201, reply
    return reply.json()


def test_the_service_sets_who_made_it(client, tenant):
    app = make(client, web={"redirectUris": [CALLBACK]})
    assert app["createdByAppId"] == ADMIN
    assert app["signInAudience"] == "AzureADMyOrg"
    assert app["createdDateTime"] == "2026-11-25T01:02:03Z"
    assert app["uniqueName"] is None
    assert tenant.application(app["appId"])["web"]["redirectUriSettings"] == [{"uri": CALLBACK, "index": None}]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"bogus": 1}, "Request_BadRequest"),
        ({"web": {"redirectUri": [CALLBACK]}}, "Request_BadRequest"),
        ({"web": {"redirectUris": CALLBACK}}, "Request_BadRequest"),
        ({"web": {"redirectUris": ["http://contoso.example/callback"]}}, "Request_BadRequest"),
        ({"web": {"redirectUris": [CALLBACK, CALLBACK]}}, "DuplicateValue"),
        ({"web": {"implicitGrantSettings": {"enableAccessTokenIssuance": "true"}}}, "Request_BadRequest"),
        ({"tags": ["two words"]}, "Request_BadRequest"),
        ({"tags": None}, "Request_BadRequest"),
        ({"appId": "c0000001-0000-4000-8000-000000000001"}, "Request_BadRequest"),
        ({"signInAudience": "Everybody"}, "Request_BadRequest"),
        ({"signInAudience": "AzureADandPersonalMicrosoftAccount"}, "InvalidAccessTokenVersion"),
        ({"passwordCredentials": []}, "Request_BadRequest"),
        ({"requiredResourceAccess": [{"resourceAppId": ADMIN, "resourceAccess": []}]}, "Request_BadRequest"),
        ({"displayName": ""}, "Request_BadRequest"),
        ({"identifierUris": "api://x"}, "Request_BadRequest"),
    ],
)
def test_patch_refuses(client, tenant, body, expected):
    app = make(client)
    before = dict(tenant.application(app["appId"]))
    reply = client.graph("PATCH", f"/applications/{app['id']}", body)
    assert (reply.status, code(reply)) == (400, expected)
    assert tenant.application(app["appId"]) == before


def test_patch_merges_members_and_replaces_collections(client, tenant):
    app = make(client, web={"redirectUris": [CALLBACK], "implicitGrantSettings": {"enableIdTokenIssuance": True}})
    body = {"web": {"implicitGrantSettings": {"enableAccessTokenIssuance": True}}}
    assert client.graph("PATCH", f"/applications/{app['id']}", body).status == 204
    body = {"web": {"redirectUris": ["http://localhost:8080/cb"]}, "tags": ["a"]}
    assert client.graph("PATCH", f"/applications(appId='{app['appId']}')", body).status == 204
    web = tenant.application(app["appId"])["web"]
    assert web["implicitGrantSettings"] == {"enableAccessTokenIssuance": True, "enableIdTokenIssuance": True}
    assert web["redirectUris"] == ["http://localhost:8080/cb"]


def test_upsert_by_unique_name(client, tenant):
    path = "/applications(uniqueName='o''hara/1')"
    assert client.graph("PATCH", path, {"displayName": "A"}).status == 404
    assert client.graph("PATCH", path, {"notes": "A"}, Prefer="create-if-missing").status == 400
    made = client.graph("PATCH", path, {"displayName": "A"}, Prefer="create-if-missing")
    assert made.status == 201
    assert made.json()["uniqueName"] == "o'hara/1"
    again = client.graph("PATCH", path, {"displayName": "B"}, Prefer="create-if-missing")
    assert (again.status, again.body) == (204, b"")
    assert tenant.applications[0]["displayName"] == "B"
    client.graph("DELETE", f"/applications/{made.json()['id']}")
    clash = client.graph("PATCH", path, {"displayName": "A"}, Prefer="create-if-missing")
    assert clash.status == 400
    assert "uniqueName already exists" in clash.json()["error"]["message"]


def test_unique_name_can_be_set_once(client):
    app = make(client)
    assert client.graph("PATCH", f"/applications/{app['id']}", {"uniqueName": "x"}).status == 204
    assert client.graph("PATCH", f"/applications/{app['id']}", {"uniqueName": "y"}).status == 400
    assert client.get("/applications(uniqueName='x')").json()["id"] == app["id"]


def test_lists_are_filtered_and_paged(client, tenant):
    for number in range(250):
        tenant.add_application(f"WebexConnect {number}")
    tenant.add_application("webexconnect")
    tenant.add_application("Kundendienst O'Hara")
    found = client.get("/applications", filter="displayName eq 'WebexConnect'", select="id,displayName").json()
    assert [sorted(item) for item in found["value"]] == [["displayName", "id"]]
    assert len(client.get("/applications", filter="displayName eq 'Kundendienst O''Hara'").json()["value"]) == 1
    url, seen = "/applications?$select=displayName", 0
    while url:
        body = client.graph("GET", url).json()
        seen += len(body["value"])
        url = body.get("@odata.nextLink", "").partition("/v1.0")[2]
    assert seen == 252
    assert len(client.get("/applications", filter="startswith(displayName,'webex')", top="999").json()["value"]) == 251


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"filter": "displayName ne 'x'"}, "Request_UnsupportedQuery"),
        ({"filter": "notes eq 'x'"}, "Request_UnsupportedQuery"),
        ({"filter": "bogus eq 'x'"}, "BadRequest"),
        ({"filter": "displayName eq 'x"}, "BadRequest"),
        ({"filter": "displayName eq x"}, "BadRequest"),
        ({"select": "bogus"}, "BadRequest"),
        ({"top": "1000"}, "Request_UnsupportedQuery"),
        ({"expand": "bogus"}, "BadRequest"),
        ({"bogus": "1"}, "BadRequest"),
    ],
)
def test_queries_that_are_refused(client, tenant, options, expected):
    tenant.add_application("x")
    reply = client.get("/applications", **options)
    assert (reply.status, code(reply)) == (400, expected)


def test_deletion_is_soft_for_thirty_days(client, tenant, clock):
    app = make(client)
    assert client.graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status == 201
    assert client.graph("DELETE", f"/applications/{app['id']}").status == 204
    assert client.get(f"/applications/{app['id']}").status == 404
    listed = client.get("/directory/deletedItems/microsoft.graph.application").json()["value"]
    assert [item["id"] for item in listed] == [app["id"]]
    assert client.graph("POST", f"/directory/deletedItems/{app['id']}/restore").status == 200
    assert client.get(f"/applications/{app['id']}").status == 200
    assert client.graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status == 409
    client.graph("DELETE", f"/applications/{app['id']}")
    clock.move(days=31)
    client.tokens.clear()
    assert client.get(f"/directory/deletedItems/{app['id']}").status == 404


def test_secrets(client, tenant):
    app = make(client)
    path = f"/applications/{app['id']}"
    wanted = {"displayName": "webex", "endDateTime": "2027-05-24T01:02:03Z"}
    answer = client.graph("POST", f"{path}/addPassword", {"passwordCredential": wanted})
    secret = answer.json()
    assert answer.status == 200
    assert 16 <= len(secret["secretText"]) <= 64
    assert secret["hint"] == secret["secretText"][:3]
    assert secret["endDateTime"] == "2027-05-24T01:02:03.0000000Z"
    assert client.get(path).json()["passwordCredentials"][0]["secretText"] is None
    removed = client.graph("POST", f"{path}/removePassword", {"keyId": secret["keyId"]})
    assert removed.status == 204
    again = client.graph("POST", f"{path}/removePassword", {"keyId": secret["keyId"]})
    assert again.status == 400
    assert "No password credential found" in again.json()["error"]["message"]
    for wrong in ({"keyId": secret["keyId"]}, {"secretText": "x" * 20}, {"name": "x"}, {"endDateTime": "tomorrow"}):
        assert client.graph("POST", f"{path}/addPassword", {"passwordCredential": wrong}).status == 400


def test_two_years_are_the_default_lifetime(client):
    app = make(client)
    answer = client.graph("POST", f"/applications/{app['id']}/addPassword", {}).json()
    assert answer["endDateTime"] == "2028-11-25T01:02:03.0000000Z"


def test_policies_limit_secrets(client, tenant):
    app = make(client)
    tenant.restrict_secrets(max_lifetime="P90D")
    path = f"/applications/{app['id']}/addPassword"
    assert code(client.graph("POST", path, {})) == "CredentialInvalidLifetimeAsPerAppPolicy"
    short = {"passwordCredential": {"endDateTime": "2027-02-20T00:00:00Z"}}
    assert client.graph("POST", path, short).status == 200
    tenant.restrict_secrets(forbidden=True)
    assert code(client.graph("POST", path, short)) == "CredentialTypeNotAllowedAsPerAppPolicy"


def test_personal_audience_allows_two_secrets(client):
    app = make(client, signInAudience="AzureADandPersonalMicrosoftAccount", api={"requestedAccessTokenVersion": 2})
    path = f"/applications/{app['id']}/addPassword"
    assert [client.graph("POST", path, {}).status for _ in range(3)] == [200, 200, 400]


def test_owned_by_reaches_owned_applications_only(world, tenant):
    tenant.add_admin("c0000005-0000-4000-8000-000000000005", "s5", graph_roles=["Application.ReadWrite.OwnedBy"])
    client = Client(world, "c0000005-0000-4000-8000-000000000005", "s5")
    app = make(client)
    assert client.get(f"/applications/{app['id']}").status == 200
    assert client.graph("PATCH", f"/applications/{app['id']}", {"notes": "x"}).status == 204
    assert client.graph("POST", "/servicePrincipals", {"appId": app["appId"]}).status == 201
    other = tenant.add_application("Other")
    assert client.graph("PATCH", f"/applications/{other['id']}", {"notes": "x"}).status == 403
    assert client.get("/applications").status == 403
    foreign = client.graph("POST", "/servicePrincipals", {"appId": "00000003-0000-0ff1-ce00-000000000000"})
    assert foreign.status == 403
    assert "must in the local tenant" in foreign.json()["error"]["message"]


def test_rights_are_needed(world, tenant):
    tenant.add_admin("c0000006-0000-4000-8000-000000000006", "s6", graph_roles=["Application.Read.All"])
    client = Client(world, "c0000006-0000-4000-8000-000000000006", "s6")
    assert client.get("/applications").status == 200
    assert code(client.graph("POST", "/applications", {"displayName": "x"})) == "Authorization_RequestDenied"
    assert client.get("/policies/authorizationPolicy").status == 403
    assert client.get("/organization").status == 403
    assert client.get("/users").status == 403
