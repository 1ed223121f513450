# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a directory makes: what a new one looks like before anybody changed it.

Default values follow https://learn.microsoft.com/graph/api/resources/application and
https://learn.microsoft.com/graph/api/resources/serviceprincipal.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

from . import catalogue

Object = dict[str, Any]
UTC = timezone.utc  # noqa: UP017 (Python 3.10 has no datetime.UTC)


def new_id() -> str:
    """A fresh object id."""
    return str(uuid.uuid4())


def whole_seconds(when: datetime) -> str:
    """2026-11-25T01:02:03Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seven_digits(when: datetime) -> str:
    """2026-11-25T01:02:03.1234567Z: the form in which credentials carry their dates."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def parse_time(text: str) -> datetime:
    """Reads an ISO 8601 time with up to seven fractional digits and an offset."""
    text = text.strip()
    text = text[:-1] + "+00:00" if text[-1:] in "zZ" else text
    if "." in text:
        head, rest = text.split(".", 1)
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        text = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def application(display_name: str, when: datetime, publisher_domain: str, created_by: str | None) -> Object:
    """A new application with everything that the service itself fills in."""
    return {
        "id": new_id(),
        "deletedDateTime": None,
        "appId": new_id(),
        "applicationTemplateId": None,
        "disabledByMicrosoftStatus": None,
        "createdByAppId": created_by,
        "createdDateTime": whole_seconds(when),
        "displayName": display_name,
        "description": None,
        "groupMembershipClaims": None,
        "identifierUris": [],
        "isDeviceOnlyAuthSupported": None,
        "isDisabled": None,
        "isFallbackPublicClient": None,
        "nativeAuthenticationApisEnabled": None,
        "notes": None,
        "publisherDomain": publisher_domain,
        "serviceManagementReference": None,
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "tokenEncryptionKeyId": None,
        "uniqueName": None,
        "samlMetadataUrl": None,
        "defaultRedirectUri": None,
        "certification": None,
        "optionalClaims": None,
        "requestSignatureVerification": None,
        "servicePrincipalLockConfiguration": None,
        "addIns": [],
        "managerApplications": [],
        **_application_parts(),
    }


def _application_parts() -> Object:
    return {
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "appRoles": [],
        "authenticationBehaviors": None,
        "info": dict.fromkeys(("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")),
        "keyCredentials": [],
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "passwordCredentials": [],
        "publicClient": {"redirectUris": []},
        "requiredResourceAccess": [],
        "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
        "web": {
            "homePageUrl": None,
            "logoutUrl": None,
            "redirectUris": [],
            "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
            "redirectUriSettings": [],
        },
        "spa": {"redirectUris": []},
    }


def service_principal(app_id: str, display_name: str, owner_tenant: str, created_by: str | None) -> Object:
    """A new service principal."""
    collections = (
        "addIns",
        "alternativeNames",
        "keyCredentials",
        "notificationEmailAddresses",
        "passwordCredentials",
        "replyUrls",
        "resourceSpecificApplicationPermissions",
        "tags",
    )
    nothing = (
        "appDescription",
        "applicationTemplateId",
        "deletedDateTime",
        "description",
        "disabledByMicrosoftStatus",
        "homepage",
        "isDisabled",
        "loginUrl",
        "logoutUrl",
        "notes",
        "preferredSingleSignOnMode",
        "preferredTokenSigningKeyThumbprint",
        "samlSingleSignOnSettings",
        "tokenEncryptionKeyId",
    )
    return {
        "id": new_id(),
        "accountEnabled": True,
        "appDisplayName": display_name,
        "appId": app_id,
        "appOwnerOrganizationId": owner_tenant,
        "appRoleAssignmentRequired": False,
        "createdByAppId": created_by,
        "displayName": display_name,
        "servicePrincipalNames": [app_id],
        "servicePrincipalType": "Application",
        "signInAudience": "AzureADMyOrg",
        "info": dict.fromkeys(("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")),
        "verifiedPublisher": {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None},
        "appRoles": catalogue.app_roles(app_id) if app_id in catalogue.FIRST_PARTY else [],
        "oauth2PermissionScopes": (catalogue.permission_scopes(app_id) if app_id in catalogue.FIRST_PARTY else []),
        **{name: [] for name in collections},
        **dict.fromkeys(nothing),
    }


def policies() -> dict[str, Object]:
    """The singleton policies of a new tenant, by the last segment of their path."""
    return {
        "authorizationPolicy": {
            "id": "authorizationPolicy",
            "displayName": "Authorization Policy",
            "description": "Used to manage authorization related settings across the company.",
            "deletedDateTime": None,
            "allowInvitesFrom": "everyone",
            "allowedToSignUpEmailBasedSubscriptions": True,
            "allowedToUseSSPR": True,
            "allowEmailVerifiedUsersToJoinOrganization": False,
            "allowUserConsentForRiskyApps": None,
            "blockMsolPowerShell": False,
            "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
            "defaultUserRolePermissions": {
                "allowedToCreateApps": True,
                "allowedToCreateSecurityGroups": True,
                "allowedToCreateTenants": True,
                "allowedToReadBitlockerKeysForOwnedDevice": True,
                "allowedToReadOtherUsers": True,
                "permissionGrantPoliciesAssigned": [
                    "ManagePermissionGrantsForSelf.microsoft-user-default-recommended",
                    "ManagePermissionGrantsForOwnedResource.microsoft-dynamically-managed-permissions-for-team",
                ],
            },
        },
        "defaultAppManagementPolicy": {
            "id": "00000000-0000-0000-0000-000000000000",
            "displayName": "Default app management tenant policy",
            "description": "Default tenant policy that enforces app management restrictions.",
            "deletedDateTime": None,
            "isEnabled": False,
            "applicationRestrictions": {"passwordCredentials": [], "keyCredentials": []},
            "servicePrincipalRestrictions": {"passwordCredentials": [], "keyCredentials": []},
        },
        "identitySecurityDefaultsEnforcementPolicy": {
            "id": "00000000-0000-0000-0000-000000000005",
            "displayName": "Security Defaults",
            "description": "A set of basic identity security mechanisms recommended by Microsoft.",
            "deletedDateTime": None,
            "isEnabled": False,
        },
    }
