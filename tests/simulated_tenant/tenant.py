# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tenant's state and the helpers that arrange it. No HTTP here."""

from __future__ import annotations

import base64
import secrets as random_texts
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from . import catalogue, new_objects
from .lag import Lag
from .new_objects import Object, new_id, parse_time, seven_digits, whole_seconds
from .tenant_mail import MailState
from .tenant_settings import Identity, TenantSettings, Throttle

AUTOMATION_HOME = "11111111-0000-4000-8000-000000000001"


class Tenant(MailState):
    """A Microsoft 365 organization: its directory and its Exchange Online."""

    def __init__(
        self,
        tenant_id: str,
        domain: str,
        clock: Callable[[], datetime],
        identities: dict[str, Identity],
        *,
        initial_domain: str | None = None,
        name: str | None = None,
        settings: TenantSettings | None = None,
    ) -> None:
        self.tenant_id = tenant_id
        self.domain = domain
        self.initial_domain = initial_domain or domain.split(".")[0] + ".onmicrosoft.com"
        self.name = name or domain.split(".")[0].capitalize()
        self.now = clock
        self.settings = settings or TenantSettings()
        self.identities = identities
        self.applications: list[Object] = []
        self.service_principals: list[Object] = []
        self.grants: list[Object] = []
        self.role_assignments: list[Object] = []
        self.users: list[Object] = []
        self.deleted_applications: list[Object] = []
        self.deleted_service_principals: list[Object] = []
        self.owners: dict[str, list[str]] = {}
        self.classifications: dict[str, list[Object]] = {}
        self.secret_texts: dict[str, str] = {}
        self.removed_secrets: dict[str, list[Object]] = {}
        self.directory_roles: dict[str, set[str]] = {}
        self.management_roles: dict[str, set[str]] = {}
        self.policies = new_objects.policies()
        self.grant_policies = [_grant_policy(policy_id) for policy_id in catalogue.GRANT_POLICIES]
        self._start_mail()
        self.organization_config["DisplayName"] = self.name
        for app_id in (catalogue.GRAPH, catalogue.EXCHANGE):
            self.add_first_party(app_id)

    @property
    def lag(self) -> Lag:
        """The tenant's replication lag."""
        return self.settings.lag

    @property
    def throttle(self) -> Throttle:
        """The tenant's throttling."""
        return self.settings.throttle

    @property
    def organization(self) -> Object:
        """The organization object."""
        return {
            "id": self.tenant_id,
            "deletedDateTime": None,
            "displayName": self.name,
            "countryLetterCode": "NL",
            "createdDateTime": "2024-01-02T03:04:05Z",
            "onPremisesSyncEnabled": None,
            "tenantType": "AAD",
            "assignedPlans": [],
            "businessPhones": [],
            "technicalNotificationMails": [],
            "verifiedDomains": self.verified_domains,
        }

    @property
    def verified_domains(self) -> list[Object]:
        """The domains that name this tenant."""
        names = [(self.domain, True, False), (self.initial_domain, False, True)]
        return [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": default,
                "isInitial": initial,
                "name": name,
                "type": "Managed",
            }
            for name, default, initial in names
        ]

    def is_named(self, text: str) -> bool:
        """Whether this text is the tenant's id or one of its domains."""
        return text.lower() in {self.tenant_id.lower(), self.domain.lower(), self.initial_domain.lower()}

    # Directory: look-ups -----------------------------------------------------------------

    def application(self, app_id: str) -> Object:
        """The live application with this client id (KeyError where there is none)."""
        return find(self.applications, "appId", app_id)

    def service_principal(self, app_id: str) -> Object:
        """The live service principal of this client id (KeyError where there is none)."""
        return find(self.service_principals, "appId", app_id)

    def secrets_of(self, app: Object) -> list[Object]:
        """The application's secrets, as stored."""
        return list(app["passwordCredentials"])

    # Directory: arranging ----------------------------------------------------------------

    def add_first_party(self, app_id: str) -> Object:
        """Adds the service principal of one of Microsoft's own services."""
        sp = new_objects.service_principal(app_id, catalogue.FIRST_PARTY[app_id], catalogue.MICROSOFT, None)
        self.service_principals.append(sp)
        return sp

    def remove_first_party(self, app_id: str) -> None:
        """Takes a Microsoft service away, as in a tenant without its licence."""
        self.service_principals.remove(self.service_principal(app_id))

    def add_admin(
        self,
        client_id: str,
        client_secret: str | None = None,
        *,
        certificate_pem: str | None = None,
        federated_token: str | None = None,
        secret_expires: datetime | None = None,
        display_name: str = "Automation",
        graph_roles: Iterable[str] = catalogue.ADMIN_GRAPH_ROLES,
        exchange_app_role: bool = True,
        directory_roles: Iterable[str] = ("Exchange Administrator",),
        management_roles: Iterable[str] = (),
    ) -> Object:
        """Lets an admin identity into this tenant and returns its service principal.

        The identity's application lives in another directory, so that it is no application of this
        tenant; the same client id may be added to several tenants. ``directory_roles`` are Entra
        roles, ``management_roles`` Exchange roles given directly.
        """
        identity = self.identities.setdefault(client_id, Identity(client_id, display_name))
        if client_secret:
            identity.secrets.append((client_secret, secret_expires, new_id()))
        if certificate_pem:
            identity.certificates.append(certificate_pem)
        if federated_token:
            identity.federated_tokens.append(federated_token)
        sp = new_objects.service_principal(client_id, display_name, AUTOMATION_HOME, None)
        sp["signInAudience"] = "AzureADMultipleOrgs"
        self.service_principals.append(sp)
        for value in graph_roles:
            self.assign_role(sp, catalogue.GRAPH, value)
        if exchange_app_role:
            self.assign_role(sp, catalogue.EXCHANGE, "Exchange.ManageAsApp")
        self.directory_roles[sp["id"]] = _known_roles(directory_roles)
        self.management_roles[sp["id"]] = set(management_roles)
        return sp

    def add_application(
        self,
        display_name: str,
        *,
        created_by_app_id: str | None = None,
        redirect_uris: Iterable[str] = (),
        spa_redirect_uris: Iterable[str] = (),
        service_principal: bool = True,
        owners: Iterable[str] = (),
        app_id: str | None = None,
        **properties: Any,
    ) -> Object:
        """Adds an application, by default with its service principal, and returns it.

        ``owners`` are object ids of users or service principals; ``properties`` are Graph
        properties, taken as they are (a dictionary is merged into ``web``, ``api``, …).
        """
        app = new_objects.application(display_name, self.now(), self.domain, created_by_app_id)
        app["appId"] = app_id or app["appId"]
        app["web"]["redirectUris"] = list(redirect_uris)
        app["spa"]["redirectUris"] = list(spa_redirect_uris)
        for name, value in properties.items():
            app[name] = {**app[name], **value} if isinstance(app.get(name), dict) else value
        app["web"]["redirectUriSettings"] = redirect_settings(app["web"]["redirectUris"])
        self.applications.append(app)
        self.owners[app["id"]] = list(owners)
        if service_principal:
            self.add_service_principal(app)
        return app

    def add_service_principal(self, app: Object, created_by: str | None = None) -> Object:
        """Adds the service principal of an application of this tenant."""
        sp = new_objects.service_principal(app["appId"], app["displayName"], self.tenant_id, created_by)
        sp["signInAudience"] = app["signInAudience"]
        sp["appRoles"] = app["appRoles"]
        sp["oauth2PermissionScopes"] = app["api"]["oauth2PermissionScopes"]
        sp["tags"] = list(app["tags"])
        sp["replyUrls"] = app["web"]["redirectUris"] + app["spa"]["redirectUris"]
        sp["servicePrincipalNames"] = [app["appId"], *app["identifierUris"]]
        self.service_principals.append(sp)
        return sp

    def add_secret(
        self,
        app: Object,
        display_name: str | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        text: str | None = None,
        key_id: str | None = None,
    ) -> Object:
        """Adds a client secret and returns it as stored (its text is in ``secret_texts[keyId]``)."""
        begin = start or self.now()
        value = text or random_texts.token_urlsafe(27)[:36].ljust(40, "~")
        secret: Object = {
            "customKeyIdentifier": None,
            "displayName": display_name,
            "endDateTime": seven_digits(end or _two_years_after(begin)),
            "hint": value[:3],
            "keyId": key_id or new_id(),
            "secretText": None,
            "startDateTime": seven_digits(begin),
        }
        app["passwordCredentials"].append(secret)
        self.secret_texts[secret["keyId"]] = value
        return secret

    def add_certificate(self, app: Object, display_name: str = "CN=example", **properties: Any) -> Object:
        """Adds a certificate credential and returns it."""
        certificate = {
            "customKeyIdentifier": base64.b64encode(random_texts.token_bytes(20)).decode(),
            "displayName": display_name,
            "endDateTime": seven_digits(_two_years_after(self.now())),
            "key": None,
            "keyId": new_id(),
            "startDateTime": seven_digits(self.now()),
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            **properties,
        }
        app["keyCredentials"].append(certificate)
        return certificate

    def add_user(
        self,
        user_principal_name: str,
        *,
        display_name: str | None = None,
        mail: str | None = None,
        object_id: str | None = None,
        **properties: Any,
    ) -> Object:
        """Adds a user and returns it."""
        user = {
            "id": object_id or new_id(),
            "deletedDateTime": None,
            "accountEnabled": True,
            "businessPhones": [],
            "displayName": display_name or user_principal_name,
            "givenName": None,
            "jobTitle": None,
            "mail": mail,
            "mailNickname": user_principal_name.split("@")[0],
            "mobilePhone": None,
            "officeLocation": None,
            "preferredLanguage": None,
            "surname": None,
            "userPrincipalName": user_principal_name,
            "userType": "Member",
            "assignedLicenses": [],
            "onPremisesSyncEnabled": None,
            "proxyAddresses": [f"SMTP:{mail}"] if mail else [],
            **properties,
        }
        self.users.append(user)
        return user

    def grant_delegated(self, client: Object, resource: str, scope: str, principal_id: str | None = None) -> Object:
        """Adds a delegated grant. ``client`` is an application or service principal, ``resource`` an app id."""
        grant = {
            "clientId": self.service_principal(client["appId"])["id"],
            "consentType": "Principal" if principal_id else "AllPrincipals",
            "id": base64.urlsafe_b64encode(random_texts.token_bytes(32)).decode().rstrip("="),
            "principalId": principal_id,
            "resourceId": self.service_principal(resource)["id"],
            "scope": scope,
        }
        self.grants.append(grant)
        return grant

    def assign_role(self, principal: Object, resource: str, value: str) -> Object:
        """Gives a service principal (or an application's) an app role, named by its value or id."""
        sp = self.service_principal(principal["appId"])
        target = self.service_principal(resource)
        role = next(role for role in target["appRoles"] if value in (role["value"], role["id"]))
        return self.record_assignment(sp, "ServicePrincipal", target, role["id"])

    def record_assignment(self, principal: Object, kind: str, resource: Object, role_id: str) -> Object:
        """Stores one app role assignment."""
        assignment = {
            "id": base64.urlsafe_b64encode(random_texts.token_bytes(32)).decode().rstrip("="),
            "deletedDateTime": None,
            "appRoleId": role_id,
            "createdDateTime": seven_digits(self.now()),
            "principalDisplayName": principal["displayName"],
            "principalId": principal["id"],
            "principalType": kind,
            "resourceDisplayName": resource["displayName"],
            "resourceId": resource["id"],
        }
        self.role_assignments.append(assignment)
        return assignment

    def restrict_secrets(self, *, forbidden: bool = False, max_lifetime: str | None = None) -> None:
        """Turns the app management policy on: no secrets at all, or none longer than e.g. P90D."""
        kind = "passwordAddition" if forbidden else "passwordLifetime"
        entry = {
            "restrictionType": kind,
            "state": "enabled",
            "maxLifetime": max_lifetime,
            "restrictForAppsCreatedAfterDateTime": "2019-01-01T00:00:00Z",
        }
        policy = self.policies["defaultAppManagementPolicy"]
        policy["isEnabled"] = True
        policy["applicationRestrictions"]["passwordCredentials"].append(entry)

    # Directory: soft deletion --------------------------------------------------------------

    def delete_application(self, app: Object) -> None:
        """Moves an application (and, by default, its service principal) to the deleted items."""
        self.applications.remove(app)
        app["deletedDateTime"] = whole_seconds(self.now())
        self.deleted_applications.append(app)
        twins = [sp for sp in self.service_principals if sp["appId"] == app["appId"]]
        for sp in twins if self.settings.delete_cascades else []:
            self.delete_service_principal(sp)

    def delete_service_principal(self, sp: Object) -> None:
        """Moves a service principal to the deleted items; its grants and assignments go."""
        self.service_principals.remove(sp)
        sp["deletedDateTime"] = whole_seconds(self.now())
        self.deleted_service_principals.append(sp)
        self.grants = [g for g in self.grants if sp["id"] not in (g["clientId"], g["resourceId"])]
        self.role_assignments = [
            a for a in self.role_assignments if sp["id"] not in (a["principalId"], a["resourceId"])
        ]

    def drop_expired_deletions(self) -> None:
        """Purges what was deleted thirty days ago."""
        limit = self.now() - timedelta(days=30)
        for pile in (self.deleted_applications, self.deleted_service_principals):
            pile[:] = [item for item in pile if parse_time(item["deletedDateTime"]) > limit]


def find(objects: Iterable[Object], name: str, value: str) -> Object:
    """The one object whose property has this value, letter case apart."""
    for item in objects:
        if str(item.get(name) or "").lower() == value.lower():
            return item
    raise KeyError(value)


def redirect_settings(uris: Iterable[str]) -> list[Object]:
    """The redirectUriSettings that go with these redirect URIs."""
    return [{"uri": uri, "index": None} for uri in uris]


def _grant_policy(policy_id: str) -> Object:
    shown = policy_id.replace("-", " ").capitalize()
    return {"id": policy_id, "displayName": shown, "description": shown, "deletedDateTime": None}


def _known_roles(names: Iterable[str]) -> set[str]:
    roles = set(names)
    unknown = roles - set(catalogue.directory_roles())
    if unknown:
        raise ValueError(f"unknown directory roles: {sorted(unknown)}")
    return roles


def _two_years_after(when: datetime) -> datetime:
    try:
        return when.replace(year=when.year + 2)
    except ValueError:
        return when.replace(year=when.year + 2, day=28)
