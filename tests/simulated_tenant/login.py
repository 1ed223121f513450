# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in door: token endpoint v2.0, OpenID metadata, instance discovery.

Rules: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow and
https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import catalogue
from .assertions import AssertionRefused, check_certificate_assertion
from .messages import Reply, Request, json_reply
from .new_objects import Object, parse_time
from .tenant import Tenant
from .tenant_settings import Identity

if TYPE_CHECKING:
    from .world import World

TOKEN_PATH = re.compile(r"^/([^/]+)/oauth2/v2\.0/token$")
METADATA_PATH = re.compile(r"^/([^/]+)/v2\.0/\.well-known/openid-configuration$")
DISCOVERY_PATH = "/common/discovery/instance"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# An application is known by its secrets: (text, expiry, key id)
Secret = tuple[str, "datetime | None", str]


class SignInRefused(Exception):
    """An AADSTS error."""

    def __init__(self, status: int, error: str, code: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.code, self.text = status, error, code, text


def is_login(path: str) -> bool:
    """Whether this path belongs to the sign-in door."""
    return bool(TOKEN_PATH.match(path) or METADATA_PATH.match(path) or path == DISCOVERY_PATH)


class LoginDoor:
    """Answers sign-in requests of the whole world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def handle(self, request: Request) -> Reply:
        """Answers one request."""
        try:
            return self._route(request)
        except SignInRefused as refused:
            return self._error(refused)

    def _route(self, request: Request) -> Reply:
        if request.path == DISCOVERY_PATH:
            return self._discovery(request)
        metadata = METADATA_PATH.match(request.path)
        if metadata and request.method == "GET":
            return self._metadata(request, self._tenant(metadata[1], "invalid_tenant"))
        token = TOKEN_PATH.match(request.path)
        if token and request.method == "POST":
            return self._token(request, self._tenant(token[1]))
        return json_reply(405, {"error": "invalid_request", "error_description": "AADSTS900561: wrong method."})

    def _tenant(self, text: str, error: str = "invalid_request") -> Tenant:
        if text.lower() in ("common", "organizations", "consumers"):
            raise SignInRefused(400, "invalid_request", 50194, f"Use a tenant-specific endpoint, not /{text}.")
        tenant = self.world.tenant_named(text)
        if tenant is None:
            raise SignInRefused(
                400,
                error,
                90002,
                f"Tenant '{text}' not found. Check to make sure you have the correct tenant ID and are "
                "signing into the correct cloud. Check with your subscription administrator, this may "
                "happen if there are no active subscriptions for the tenant.",
            )
        return tenant

    def _metadata(self, request: Request, tenant: Tenant) -> Reply:
        base = f"{request.root}/{tenant.tenant_id}"
        body = {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": f"{base}/v2.0",
            "request_uri_parameter_supported": False,
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "tenant_region_scope": "EU",
            "cloud_instance_name": request.host,
        }
        return json_reply(200, body)

    def _discovery(self, request: Request) -> Reply:
        endpoint = request.query.get("authorization_endpoint", "")
        host = endpoint.split("//", 1)[-1].split("/", 1)[0].lower()
        if host and host not in catalogue.LOGIN_HOSTS:
            raise SignInRefused(400, "invalid_instance", 50049, "Unknown or invalid instance.")
        known = list(catalogue.LOGIN_HOSTS)
        entry = {"preferred_network": known[0], "preferred_cache": known[0], "aliases": known[:4]}
        found = endpoint.rsplit("/oauth2", 1)[0] + "/v2.0/.well-known/openid-configuration"
        return json_reply(200, {"tenant_discovery_endpoint": found, "api-version": "1.1", "metadata": [entry]})

    # The token endpoint -------------------------------------------------------------------

    def _token(self, request: Request, tenant: Tenant) -> Reply:
        form = request.body if isinstance(request.body, dict) else {}
        if "form-urlencoded" not in (request.headers.get("Content-Type") or "") or not form.get("grant_type"):
            text = "The request body must contain the following parameter: 'grant_type'."
            raise SignInRefused(400, "invalid_request", 900144, text)
        if form["grant_type"] != "client_credentials":
            text = f"The supplied grant_type '{form['grant_type']}' is not supported."
            raise SignInRefused(400, "unsupported_grant_type", 70003, text)
        client_id = form.get("client_id") or ""
        if not client_id:
            text = "The request body must contain the following parameter: 'client_id'."
            raise SignInRefused(400, "invalid_request", 900144, text)
        identity, app, sp = self._client(tenant, client_id)
        self._authenticate(request, tenant, form, identity, app)
        if sp is None:
            text = (
                f"The client application '{client_id}' is missing service principal in the tenant '{tenant.tenant_id}'."
            )
            raise SignInRefused(401, "invalid_client", 7000229, text)
        if sp["accountEnabled"] is False or sp.get("isDisabled") or (app or {}).get("isDisabled"):
            text = f"Application '{client_id}'({sp['displayName']}) is disabled."
            raise SignInRefused(401, "unauthorized_client", 7000112, text)
        audience, resource = self._resource(tenant, form.get("scope") or "")
        token = self.world.tokens.mint(tenant, sp, audience, resource)
        lifetime = self.world.tokens.lifetime
        return json_reply(
            200,
            {
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": token.value,
            },
            Cache_Control="no-store, no-cache",
        )

    def _client(self, tenant: Tenant, client_id: str) -> tuple[Identity | None, Object | None, Object | None]:
        wanted = client_id.lower()
        sp = next((item for item in tenant.service_principals if item["appId"].lower() == wanted), None)
        identity = next((i for key, i in tenant.identities.items() if key.lower() == wanted), None)
        app = next((item for item in tenant.applications if item["appId"].lower() == wanted), None)
        if app is None and sp is not None:
            homes = [item for t in self.world.tenants for item in t.applications]
            app = next((item for item in homes if item["appId"].lower() == wanted), None)
        known_here = app is not None or (identity is not None and sp is not None)
        if not known_here:
            text = (
                f"Application with identifier '{client_id}' was not found in the directory '{tenant.name}'. "
                "This can happen if the application has not been installed by the administrator of the tenant "
                "or consented to by any user in the tenant. You may have sent your authentication request to "
                "the wrong tenant."
            )
            raise SignInRefused(400, "unauthorized_client", 700016, text)
        return identity, app, sp

    def _authenticate(
        self, request: Request, tenant: Tenant, form: dict[str, Any], identity: Identity | None, app: Object | None
    ) -> None:
        assertion = form.get("client_assertion")
        if assertion:
            self._check_assertion(request, tenant, form, identity)
        elif form.get("client_secret"):
            self._check_secret(tenant, form["client_id"], form["client_secret"], identity, app)
        else:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise SignInRefused(401, "invalid_client", 7000218, text)

    def _check_assertion(
        self, request: Request, tenant: Tenant, form: dict[str, Any], identity: Identity | None
    ) -> None:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            text = f"The request body must contain 'client_assertion_type' with '{ASSERTION_TYPE}'."
            raise SignInRefused(401, "invalid_client", 7000218, text)
        assertion = form["client_assertion"]
        if identity and assertion in identity.federated_tokens:
            return
        certificates = identity.certificates if identity else []
        now = self.world.now().timestamp()
        audiences = (tenant.tenant_id, tenant.domain, tenant.initial_domain)
        try:
            check_certificate_assertion(assertion, form["client_id"], certificates, audiences, now)
        except AssertionRefused as refused:
            raise SignInRefused(401, "invalid_client", refused.code, str(refused)) from refused

    def _check_secret(
        self, tenant: Tenant, client_id: str, text: str, identity: Identity | None, app: Object | None
    ) -> None:
        now = self.world.now()
        for value, expiry, key_id in self._secrets(tenant, identity, app):
            if value != text or self._not_yet_usable(tenant, key_id):
                continue
            if expiry is not None and expiry <= now:
                reason = f"The provided client secret keys for app '{client_id}' are expired."
                raise SignInRefused(401, "invalid_client", 7000222, reason)
            return
        reason = (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
            f"value, not the client secret ID, for a secret added to app '{client_id}'."
        )
        raise SignInRefused(401, "invalid_client", 7000215, reason)

    def _secrets(self, tenant: Tenant, identity: Identity | None, app: Object | None) -> list[Secret]:
        found = list(identity.secrets) if identity else []
        texts = {key: text for t in self.world.tenants for key, text in t.secret_texts.items()} if app else {}
        for stored in app["passwordCredentials"] if app else []:
            if stored["keyId"] in texts:
                found.append((texts[stored["keyId"]], parse_time(stored["endDateTime"]), stored["keyId"]))
        return found

    def _not_yet_usable(self, tenant: Tenant, key_id: str) -> bool:
        lag = tenant.lag
        age = lag.age(key_id, self.world.now())
        if age is not None and age.total_seconds() < lag.secret_seconds:
            return True
        return lag.misses(key_id, "sign_in", lag.secret_sign_ins)

    def _resource(self, tenant: Tenant, scope: str) -> tuple[str, str | None]:
        if not scope.strip():
            text = "The request body must contain the following parameter: 'scope'."
            raise SignInRefused(400, "invalid_request", 900144, text)
        if len(scope.split()) != 1 or not scope.endswith("/.default"):
            text = (
                f"The provided value for scope {scope} is not valid. Client credential flows must have a scope "
                "value with /.default suffixed to the resource identifier (application ID URI)."
            )
            raise SignInRefused(400, "invalid_scope", 1002012, text)
        wanted = scope[: -len("/.default")]
        app_id, foreign = catalogue.resource_of(wanted, tenant.settings.cloud)
        if foreign:
            raise SignInRefused(
                400, "invalid_request", 900382, "Confidential Client is not supported in Cross Cloud request."
            )
        known = {item["appId"] for item in tenant.service_principals}
        if app_id not in known:
            text = (
                f"The resource principal named {wanted} was not found in the tenant named {tenant.name}. This can "
                "happen if the application has not been installed by the administrator of the tenant or consented "
                "to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
            )
            raise SignInRefused(400, "invalid_resource", 500011, text)
        return wanted.rstrip("/"), app_id

    def _error(self, refused: SignInRefused) -> Reply:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = self.world.now().strftime("%Y-%m-%d %H:%M:%SZ")
        text = (
            f"AADSTS{refused.code}: {refused.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        )
        body = {
            "error": refused.error,
            "error_description": text,
            "error_codes": [refused.code],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refused.code}",
        }
        return json_reply(refused.status, body, x_ms_request_id=trace)
