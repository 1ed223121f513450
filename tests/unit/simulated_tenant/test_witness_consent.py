# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service principals, app role assignments, delegated grants, policies, users, $batch."""

from __future__ import annotations

import pytest

from simulated_tenant.client import ADMIN, Client, code

EXCHANGE_ID = "00000002-0000-0ff1-ce00-000000000000"
SHAREPOINT_ID = "00000003-0000-0ff1-ce00-000000000000"


@pytest.fixture
def app(tenant):
    return tenant.add_application("WebexConnect")


@pytest.fixture
def pair(tenant, app):
    """The object ids of the application's service principal and of Exchange Online's."""
    return tenant.service_principal(app["appId"])["id"], tenant.service_principal(EXCHANGE_ID)["id"]


def role_id(client, value):
    found = client.get(f"/servicePrincipals(appId='{EXCHANGE_ID}')", select="appRoles").json()["appRoles"]
    return next(role["id"] for role in found if role["value"] == value)


def test_service_principals(client, tenant):
    app = tenant.add_application("New", service_principal=False)
    made = client.graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert (made.status, made.json()["createdByAppId"]) == (201, ADMIN)
    again = client.graph("POST", "/servicePrincipals", {"appId": app["appId"]})
    assert (again.status, code(again)) == (409, "Request_MultipleObjectsWithSameKeyValue")
    unknown = client.graph("POST", "/servicePrincipals", {"appId": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"})
    assert unknown.json()["error"]["details"][0]["code"] == "NoBackingApplicationObject"
    assert client.graph("POST", "/servicePrincipals", {"appId": SHAREPOINT_ID}).status == 201
    assert client.get("/servicePrincipals", filter=f"appId eq '{app['appId']}'").json()["value"][0]["id"]


def test_role_assignments(client, tenant, pair):
    principal, resource = pair
    body = {"principalId": principal, "resourceId": resource, "appRoleId": role_id(client, "Mail.Send")}
    path = f"/servicePrincipals/{resource}/appRoleAssignedTo"
    made = client.graph("POST", path, body)
    assert (made.status, made.json()["principalDisplayName"]) == (201, "WebexConnect")
    again = client.graph("POST", path, body)
    assert "already exists on the object" in again.json()["error"]["message"]
    tenant.settings.duplicate_assignment = "entitlement"
    assert code(client.graph("POST", path, body)) == "Request_MultipleObjectsWithSameKeyValue"
    for name, value in {"appRoleId": principal, "principalId": EXCHANGE_ID, "resourceId": principal}.items():
        assert client.graph("POST", path, {**body, name: value}).status == 400
    listed = client.get(f"/servicePrincipals/{principal}/appRoleAssignments").json()["value"]
    assert [item["id"] for item in listed] == [made.json()["id"]]
    assert client.graph("DELETE", f"{path}/{made.json()['id']}").status == 204
    assert client.get(path, filter=f"principalId eq {principal}").json()["value"] == []


def test_assignments_need_both_rights(world, tenant, pair):
    tenant.add_admin("c0000007-0000-4000-8000-000000000007", "s7", graph_roles=["AppRoleAssignment.ReadWrite.All"])
    client = Client(world, "c0000007-0000-4000-8000-000000000007", "s7")
    assert client.graph("POST", f"/servicePrincipals/{pair[1]}/appRoleAssignedTo", {}).status == 403


def test_grants(client, tenant, pair):
    body = {"clientId": pair[0], "resourceId": pair[1], "consentType": "AllPrincipals", "scope": "SMTP.Send"}
    made = client.graph("POST", "/oauth2PermissionGrants", body)
    assert made.status == 201
    again = client.graph("POST", "/oauth2PermissionGrants", body)
    assert (again.status, code(again)) == (409, "Request_MultipleObjectsWithSameKeyValue")
    path = f"/oauth2PermissionGrants/{made.json()['id']}"
    assert client.graph("PATCH", path, {"scope": "SMTP.Send Mail.Send"}).status == 204
    assert tenant.grants[0]["scope"] == "SMTP.Send Mail.Send"
    refused = client.graph("PATCH", path, {"scope": "x", "principalId": None})
    assert "cannot be updated: principalId" in refused.json()["error"]["message"]
    for wrong in (
        {"consentType": "Principal"},
        {"startTime": "2026-01-01T00:00:00Z"},
        {"scope": ["SMTP.Send"]},
        {"clientId": EXCHANGE_ID},
        {"consentType": "All"},
    ):
        assert client.graph("POST", "/oauth2PermissionGrants", {**body, **wrong}).status == 400
    chosen = f"clientId eq '{pair[0]}' and consentType eq 'AllPrincipals' and resourceId eq '{pair[1]}'"
    assert len(client.get("/oauth2PermissionGrants", filter=chosen).json()["value"]) == 1
    unserved = client.get("/oauth2PermissionGrants", filter="startswith(clientId,'a')")
    assert code(unserved) == "Request_UnsupportedQuery"
    assert client.graph("DELETE", path).status == 204
    assert tenant.grants == []


def test_authorization_policy(client, tenant):
    path = "/policies/authorizationPolicy"
    before = client.get(path).json()["defaultUserRolePermissions"]
    kept = [entry for entry in before["permissionGrantPoliciesAssigned"] if "OwnedResource" in entry]
    wanted = ["managePermissionGrantsForSelf.microsoft-user-default-low", *kept]
    body = {"defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": wanted}}
    assert client.graph("PATCH", path, body).status == 204
    assert client.get(path).json()["defaultUserRolePermissions"] == {
        **before,
        "permissionGrantPoliciesAssigned": wanted,
    }
    for wrong in (["ManagePermissionGrantsForSelf.no-such-policy"], ["microsoft-user-default-low"], "x", [1]):
        body["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] = wrong
        assert client.graph("PATCH", path, body).status == 400
    assert client.graph("PATCH", path, {"permissionGrantPolicyIdsAssignedToDefaultUserRole": []}).status == 400
    assert (
        client.graph("PATCH", "/policies/identitySecurityDefaultsEnforcementPolicy", {"isEnabled": True}).status == 403
    )


def test_what_can_be_read(client, tenant):
    tenant.add_user("erin@contoso.example", display_name="Erin Example")
    assert client.get("/organization").json()["value"][0]["verifiedDomains"][0]["name"] == "contoso.example"
    assert client.get("/users/erin@contoso.example").json()["displayName"] == "Erin Example"
    assert client.get("/users/nobody@contoso.example").status == 404
    assert client.get("/policies/defaultAppManagementPolicy").json()["isEnabled"] is False
    assert client.get("/policies/permissionGrantPolicies").json()["value"]
    reply = client.get("/nothing")
    assert (reply.status, reply.json()["error"]["message"]) == (400, "Resource not found for the segment 'nothing'.")
    assert client.graph("GET", "/applications/x", client_request_id="abc").json()["error"]["innerError"][
        "client-request-id"
    ] == "abc"  # fmt: skip


def test_batch(client, world, app):
    requests = [
        {"id": "1", "method": "GET", "url": f"/applications/{app['id']}?$select=appId"},
        {"id": "2", "method": "GET", "url": "/applications/none"},
        {"id": "3", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
    ]
    body = client.graph("POST", "/$batch", {"requests": requests}).json()
    answers = {answer["id"]: answer for answer in body["responses"]}
    assert {key: answer["status"] for key, answer in answers.items()} == {"1": 200, "2": 404, "3": 424}
    assert answers["1"]["body"]["appId"] == app["appId"]
    assert [answer["id"] for answer in body["responses"]] != ["1", "2", "3"]
    assert world.writes() == []
    too_many = [{"id": str(n), "method": "GET", "url": "/organization"} for n in range(21)]
    assert client.graph("POST", "/$batch", {"requests": too_many}).status == 400
    assert client.graph("POST", "/$batch", {"requests": [requests[0], requests[0]]}).status == 400


def test_a_batch_with_a_write_is_a_write(client, world, app):
    item = {"id": "a", "method": "PATCH", "url": f"/applications/{app['id']}", "body": {"notes": "x"}}
    answer = client.graph("POST", "/$batch", {"requests": [item]}).json()["responses"][0]
    assert answer["status"] == 400  # no Content-Type
    item["headers"] = {"Content-Type": "application/json"}
    answer = client.graph("POST", "/$batch", {"requests": [item]}).json()["responses"][0]
    assert answer["status"] == 204
    assert len(world.writes()) == 2


def test_owners(client, tenant, app):
    erin = tenant.add_user("erin@contoso.example", display_name="Erin Example")
    link = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{erin['id']}"}
    path = f"/applications/{app['id']}/owners"
    assert client.graph("POST", f"{path}/$ref", link).status == 204
    assert client.graph("POST", f"{path}/$ref", link).status == 400
    named = {"@odata.type": "#microsoft.graph.user", "displayName": "Erin Example", "id": erin["id"]}
    assert client.get(path, select="id,displayName").json()["value"] == [named]
    expanded = client.get(f"/applications/{app['id']}", select="appId", expand="owners($select=id,displayName)").json()
    assert expanded["owners"] == [named]
    assert client.graph("DELETE", f"{path}/{erin['id']}/$ref").status == 204
    assert client.get(path).json()["value"] == []
