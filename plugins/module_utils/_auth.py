# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Tokens for the admin identity, one per audience, from ``msal``.

A token is checked on arrival: if its tenant is not the one asked for, nothing is ever sent with it.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple, Type
from urllib.parse import urlencode

from ._errors import AuthenticationFailed, InvalidInput, UnexpectedReply, Unreachable
from ._login import GUID, Login
from ._transport import Response, Transport, import_library, judge_by_status, origin_of, parse_json

# What a tenant's metadata and a sign-in's answer are read for.
METADATA = ("issuer", "authorization_endpoint", "token_endpoint")
TEXTS = ("access_token", "error", "error_description", "trace_id", "correlation_id", *METADATA)
TOKEN = re.compile(r"[\x21-\x7e]*\Z")
LEAST_LIFE = 300  # seconds that a shared token must still be good for
OPENID_CONFIGURATION = "/v2.0/.well-known/openid-configuration"


@dataclass(frozen=True)
class Token:
    text: str = field(repr=False)
    tenant_id: str
    roles: FrozenSet[str]
    directory_roles: FrozenSet[str] = frozenset()
    """Template ids of the directory roles that the token names."""


class SharedTexts:
    """What keeps texts by name between the tasks of one run, secretly; see plugin_utils/_shared_tokens.py."""

    def load(self, name: str) -> Optional[str]:
        raise NotImplementedError

    def save(self, name: str, text: str) -> None:
        raise NotImplementedError


class Tokens:
    """Tokens of one login. ``tenant_id`` is the tenant's GUID, known after the first token."""

    def __init__(self, login: Login, transport: Transport, shared: Optional[SharedTexts] = None) -> None:
        """``shared`` keeps tokens between the tasks of one run, where something can."""
        self._login = login
        self._transport = transport
        self._shared = shared
        self._cached: Dict[str, Token] = {}
        self.tenant_id: Optional[str] = login.tenant_id if GUID.match(login.tenant_id) else None

    def get(self, scope: str, claims: Optional[str] = None, renew: bool = False) -> Token:
        """A token for one audience; ``renew`` or a claims challenge never answers from memory."""
        if renew or claims or scope not in self._cached:
            shared = None if renew or claims else self._load(scope)
            self._cached[scope] = shared or self._fetch(scope, claims)
        return self._cached[scope]

    def _name(self, scope: str) -> str:
        """Whatever a token depends on: another tenant, identity, credential or host never finds it."""
        login = self._login
        return json.dumps(
            [
                login.authority_host,
                login.tenant_id,
                login.client_id,
                login.kind,
                login.credential,
                login.password,
                scope,
            ]
        )

    def _known_tenant(self) -> Optional[str]:
        """The tenant that a domain stands for, where it is known or was asked in this run."""
        told = self._shared.load(self._domain()) if self._shared and not self.tenant_id else None
        return self.tenant_id or (told if told and GUID.match(told) else None)

    def _domain(self) -> str:
        return json.dumps([self._login.authority_host, self._login.tenant_id])

    def _load(self, scope: str) -> Optional[Token]:
        text = self._shared.load(self._name(scope)) if self._shared else None
        claims = claims_of(text) if text else {}
        expires = claims.get("exp")
        if not isinstance(expires, (int, float)) or expires - self._transport.now().timestamp() < LEAST_LIFE:
            return None
        if self.tenant_id not in (None, str(claims.get("tid")).lower()):
            return None
        return self._accept(text or "", claims)

    def _accept(self, text: str, claims: Dict[str, Any]) -> Token:
        self.tenant_id = str(claims["tid"]).lower()
        held = (
            frozenset(str(item).strip() for item in claims[name]) if isinstance(claims.get(name), list) else frozenset()
            for name in ("roles", "wids")
        )
        return Token(text, self.tenant_id, *held)

    def _fetch(self, scope: str, claims: Optional[str]) -> Token:
        login = self._login
        doing = "sign in to tenant {0} as {1}".format(login.tenant_id, login.client_id)
        msal = import_library("msal")
        known = self._known_tenant()
        for attempt in range(4):
            # msal remembers failed answers per application object, so each try takes a new one.
            http = _MsalHttp(self._transport, login, known, doing)
            try:
                application = msal.ConfidentialClientApplication(
                    login.client_id,
                    authority="{0}/{1}".format(login.authority_host, login.tenant_id),
                    client_credential=self._credential(),
                    instance_discovery=False,
                    http_client=http,
                )
                answer = application.acquire_token_for_client([scope], claims_challenge=claims)
            except msal.exceptions.MsalServiceError as failure:
                raise Unreachable("Could not {0}: {1}.".format(doing, failure), "Run again later.") from None
            except (*_key_problems(), ValueError, TypeError, import_library("jwt").exceptions.PyJWTError) as failure:
                raise self._value_error(doing, http, failure) from None
            if isinstance(answer.get("access_token"), str):
                return self._checked(answer["access_token"], http, doing, scope)
            from ._auth_refusals import is_passing, refuse

            if attempt < 3 and is_passing(answer):
                self._transport.sleep(2.0**attempt)
                continue
            refuse(answer, doing, login)
        raise Unreachable("Could not {0}.".format(doing), "Run again later.")

    def _credential(self) -> Any:
        login = self._login
        if login.kind == "client_secret":
            return login.credential
        if login.kind == "federated_token_file":
            return {
                "client_assertion": lambda *context: _read(login.credential, "federated_token_file").decode().strip()
            }
        content = _read(login.credential, "client_certificate_path")
        if b"-----BEGIN" not in content:
            found: Dict[str, Any] = {"private_key_pfx_path": login.credential}
        else:
            text = content.decode("ascii", "replace")
            certificate = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
            key = re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", text, re.DOTALL)
            if not certificate or not key:
                raise InvalidInput(
                    "client_certificate_path names {0}, which lacks a {1}.".format(
                        login.credential, "private key" if certificate else "certificate"
                    ),
                    "A PEM file must hold both.",
                )
            found = {"private_key": key.group(), "public_certificate": certificate.group()}
        if login.password:
            found["passphrase"] = login.password
        return found

    def _value_error(self, doing: str, http: _MsalHttp, failure: Exception) -> Exception:
        """An unknown tenant (msal's discovery answered 4xx), or a certificate and a password that do not fit."""
        if http.refusal is not None:
            from ._auth_refusals import refuse

            try:
                refuse(http.refusal, doing, self._login)
            except AuthenticationFailed as refusal:
                return refusal
        if self._login.kind == "client_certificate_path":
            unfit = isinstance(failure, _key_problems())
            return InvalidInput(
                "The certificate {0} cannot be {1}.".format(
                    self._login.credential, "used: its key is not RSA" if unfit else "read: {0}".format(failure)
                ),
                "Check client_certificate_password and the file (PEM with RSA key and certificate, or PFX).",
            )
        return UnexpectedReply("Could not {0}: {1}.".format(doing, failure))

    def _checked(self, text: str, http: _MsalHttp, doing: str, scope: str) -> Token:
        claims = claims_of(text)
        issued_for = str(claims.get("tid") or "").lower()
        if not issued_for or issued_for != http.tenant_id:
            raise AuthenticationFailed(
                "Could not {0}: the token is for tenant {1}, not for {2}.".format(
                    doing, issued_for or "(not stated)", http.tenant_id or self._login.tenant_id
                ),
                "Nothing was sent with it. Check tenant_id and the endpoints.",
            )
        if self._shared:
            self._shared.save(self._name(scope), text)
            if http.asked:
                self._shared.save(self._domain(), issued_for)
        return self._accept(text, claims)


def _key_problems() -> Tuple[Type[Exception], ...]:
    """What the libraries raise for a key that cannot sign an assertion of ours."""
    unsupported = import_library("cryptography.exceptions").UnsupportedAlgorithm
    return unsupported, import_library("jwt").exceptions.InvalidKeyError


class _MsalHttp:
    """The ``http_client`` of msal over our transport, so that retries, hosts and budgets are one thing.

    The metadata of a tenant whose GUID is known holds nothing else that is not known, so it is not asked for.
    """

    def __init__(self, transport: Transport, login: Login, known_tenant: Optional[str], doing: str) -> None:
        self._transport = transport
        self._login = login
        self._known_tenant = known_tenant
        self._doing = doing
        self._origin = origin_of(login.authority_host)
        self.asked = False  # for the metadata
        self.tenant_id = known_tenant
        self.refusal: Optional[Dict[str, Any]] = None

    def get(self, url: str, params: Any = None, headers: Optional[Mapping[str, str]] = None, **unused: Any) -> Any:
        if url.endswith(OPENID_CONFIGURATION) and self._known_tenant:
            base = "{0}/{1}".format(self._login.authority_host, self._known_tenant)
            known = {
                "issuer": base + "/v2.0",
                "authorization_endpoint": base + "/oauth2/v2.0/authorize",
                "token_endpoint": base + "/oauth2/v2.0/token",
            }
            return _MsalAnswer(Response(200, {}, json.dumps(known).encode()))
        address = url + ("?" + urlencode(params) if params else "")
        answer = self._send("GET", address, headers, None)
        named = answer.object()
        missing = [name for name in METADATA if answer.status < 400 and not named.get(name)]
        if missing:
            raise UnexpectedReply(
                "Could not {0}: what {1} tells of the tenant lacks {2}.".format(
                    self._doing, self._origin[1], " and ".join(missing)
                ),
                "Look for a proxy or gateway in between, and check the endpoints.",
                status=answer.status,
                request_id=answer.request_id,
            )
        self.asked, self.tenant_id = True, tenant_of(named)
        return _MsalAnswer(answer)

    def post(self, url: str, params: Any = None, data: Any = None, headers: Any = None, **unused: Any) -> Any:
        body = urlencode(data or {}).encode() if not isinstance(data, (str, bytes)) else data
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        address = url + ("?" + urlencode(params) if params else "")
        return _MsalAnswer(self._send("POST", address, sent, body if isinstance(body, bytes) else body.encode()))

    def close(self) -> None:
        pass

    def _send(self, method: str, url: str, headers: Optional[Mapping[str, str]], body: Optional[bytes]) -> Response:
        if origin_of(url) != self._origin:
            raise AuthenticationFailed(
                "Could not {0}: {1} named {2} as the place for the credential.".format(
                    self._doing, self._origin[1], origin_of(url)[1]
                ),
                "The credential was not sent there.",
            )
        answer = self._transport.send(method, url, self._doing, headers, body, repeatable=True, judge=judge_by_status)
        if not answer.object() or answer.status >= 500:
            raise UnexpectedReply(
                "Could not {0}: {1} answered {2} with something that is no sign-in answer.".format(
                    self._doing, self._origin[1], answer.status
                ),
                "Look for a proxy or gateway in between, and check the endpoints.",
                status=answer.status,
                request_id=answer.request_id,
            )
        answer = _understood(answer)
        if answer.status >= 400:
            self.refusal = answer.object()
        return answer


def _understood(answer: Response) -> Response:
    """Only what is used here, and only in the type that is documented: msal takes every type on trust."""
    body = answer.object()
    kept: Dict[str, Any] = {name: body[name] for name in TEXTS if isinstance(body.get(name), str)}
    if isinstance(body.get("error_codes"), list):
        kept["error_codes"] = [code for code in body["error_codes"] if _is_number(code)]
    if not TOKEN.match(kept.get("access_token", "x")):
        del kept["access_token"]  # it could not stand in a header
    if "access_token" in kept:
        life = body.get("expires_in")
        kept.update(token_type="Bearer", expires_in=life if _is_number(life) else 0)
    return Response(answer.status, answer.headers, json.dumps(kept).encode())


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def tenant_of(metadata: Mapping[str, Any]) -> Optional[str]:
    """The GUID that a tenant's OpenID configuration names as its issuer."""
    found = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", str(metadata.get("issuer") or "").lower())
    return found.group() if found else None


class _MsalAnswer:
    def __init__(self, response: Response) -> None:
        self.status_code = response.status
        self.headers = dict(response.headers)
        self.text = response.body.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise ValueError("status {0}".format(self.status_code))


def claims_of(token: str) -> Dict[str, Any]:
    """The claims of a JSON web token, unverified (the service verifies); empty if it is none."""
    try:
        part = token.split(".")[1]
        claims = parse_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode())
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _read(path: str, option: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        raise InvalidInput("{0} names {1}, which cannot be read: {2}.".format(option, path, problem.strerror)) from None
