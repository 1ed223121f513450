# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RBAC for Applications."""

from __future__ import annotations

import pytest

from simulated_tenant.client import kind

SUPPORT = "support@contoso.example"


@pytest.fixture
def app(tenant):
    tenant.add_mailbox(SUPPORT)
    tenant.add_mailbox("sales@contoso.example")
    return tenant.add_application("WebexConnect")


def register(client, tenant, app):
    object_id = tenant.service_principal(app["appId"])["id"]
    made = client.rows("New-ServicePrincipal", AppId=app["appId"], ObjectId=object_id, DisplayName="WebexConnect")
    return made[0]


def test_one_mailbox_in_scope(client, tenant, app):
    made = register(client, tenant, app)
    again = {"AppId": app["appId"], "ObjectId": made["ObjectId"]}
    assert kind(client.exchange("New-ServicePrincipal", **again)) == "ADObjectAlreadyExistsException"
    only = f"PrimarySmtpAddress -eq '{SUPPORT}' -or Guid -eq 'x'"
    scope = client.rows("New-ManagementScope", Name="Connect", RecipientRestrictionFilter=only)[0]
    assert scope["RecipientFilter"] == f"((PrimarySmtpAddress -eq '{SUPPORT}') -or (Guid -eq 'x'))"
    wanted = {"App": app["appId"], "Role": "Application Mail.Send", "CustomResourceScope": "Connect"}
    assert client.rows("New-ManagementRoleAssignment", Name="Connect", **wanted)[0]["Role"] == "Application Mail.Send"
    held = client.rows("Get-ManagementRoleAssignment", RoleAssignee=app["appId"])
    assert [row["CustomResourceScope"] for row in held] == ["Connect"]
    asked = {"Identity": app["appId"]}
    assert client.rows("Test-ServicePrincipalAuthorization", **asked)[0]["InScope"] == "Not Run"
    assert client.rows("Test-ServicePrincipalAuthorization", **asked, Resource=SUPPORT)[0]["InScope"] is True
    other = client.rows("Test-ServicePrincipalAuthorization", **asked, Resource="sales@contoso.example")
    assert other[0]["InScope"] is False
    assert client.exchange("Remove-ManagementScope", Identity="Connect").status == 400
    assert client.exchange("Remove-ManagementRoleAssignment", Identity="Connect", Confirm=False).status == 200
    assert client.exchange("Remove-ManagementScope", Identity="Connect", Confirm=False).status == 200


def test_a_scope_that_is_changed_applies_to_its_assignments(client, tenant, app):
    register(client, tenant, app)
    client.rows("New-ManagementScope", Name="Connect", RecipientRestrictionFilter=f"PrimarySmtpAddress -eq '{SUPPORT}'")
    wanted = {"App": app["appId"], "Role": "Application Mail.Send", "CustomResourceScope": "Connect"}
    client.rows("New-ManagementRoleAssignment", Name="Connect", **wanted)
    other = "PrimarySmtpAddress -eq 'sales@contoso.example'"
    assert client.exchange("Set-ManagementScope", Identity="Connect", RecipientRestrictionFilter=other).status == 200
    (tested,) = client.rows("Test-ServicePrincipalAuthorization", Identity=app["appId"], Resource=SUPPORT)
    assert tested["InScope"] is False
    again = client.exchange("Set-ManagementScope", Identity="Connect", RecipientRestrictionFilter=other)
    assert "no settings" in again.json()["@adminapi.warnings"][0]


def test_a_scope_that_people_use_is_not_removed(client, tenant, app):
    client.rows("New-ManagementScope", Name="Desk", RecipientRestrictionFilter=f"PrimarySmtpAddress -eq '{SUPPORT}'")
    desk = {"RoleAssigneeType": "RoleGroup", "CustomRecipientWriteScope": "Desk"}
    tenant.add_role_assignment("Desk", "Mail Recipients", "Help Desk", **desk)
    assert client.exchange("Remove-ManagementScope", Identity="Desk", Confirm=False).status == 400
    (row,) = client.rows("Get-ManagementRoleAssignment", CustomRecipientWriteScope="Desk")
    assert row["RoleAssigneeType"] == "RoleGroup"


def test_refusals(client, tenant, app):
    register(client, tenant, app)
    unknown = {"App": app["appId"], "Role": "Application Mail.Fly"}
    assert kind(client.exchange("New-ManagementRoleAssignment", **unknown)) == "ManagementObjectNotFoundException"
    assert client.exchange("New-ManagementScope", Name="x", RecipientRestrictionFilter="nonsense").status == 400
    strange = "PrimarySmtpAddress -eq 'x' -and Colour -eq 'red'"
    assert client.exchange("New-ManagementScope", Name="x", RecipientRestrictionFilter=strange).status == 400
    twice = {"App": app["appId"], "Role": "Application Mail.Send", "RecipientGroupScope": "g"}
    twice["RecipientAdministrativeUnitScope"] = "u"
    assert client.exchange("New-ManagementRoleAssignment", **twice).status == 400
    mixed = {"App": app["appId"], "User": SUPPORT, "Role": "Application Mail.Send"}
    assert kind(client.exchange("New-ManagementRoleAssignment", **mixed)) == "AmbiguousParameterSetException"
    tenant.organization_config["IsDehydrated"] = True
    scope = {"Name": "x", "RecipientRestrictionFilter": f"PrimarySmtpAddress -eq '{SUPPORT}'"}
    assert kind(client.exchange("New-ManagementScope", **scope)) == "InvalidOperationInDehydratedContextException"


def test_mailbox_permissions(client, tenant, app):
    made = register(client, tenant, app)
    wanted = {"Identity": SUPPORT, "User": made["ObjectId"], "AccessRights": ["FullAccess"]}
    assert client.rows("Add-MailboxPermission", **wanted, AutoMapping=False)[0]["User"] == "WebexConnect"
    assert "already present" in client.exchange("Add-MailboxPermission", **wanted).json()["@adminapi.warnings"][0]
    assert client.exchange("Remove-MailboxPermission", **wanted, Confirm=False).status == 200
    assert len(client.rows("Get-MailboxPermission", Identity=SUPPORT)) == 1
