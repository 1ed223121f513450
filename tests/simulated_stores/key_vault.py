# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Azure Key Vault, secrets only, with soft delete.

Rules: https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups,
https://learn.microsoft.com/azure/key-vault/general/rest-error-codes,
https://learn.microsoft.com/azure/key-vault/secrets/about-secrets (limits, what is served of disabled secrets).
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from simulated_tenant import Tenant, World
from simulated_tenant.catalogue import KEY_VAULT, VAULTS
from simulated_tenant.messages import Reply, Request, claims_of, json_reply

from .door import Door, Refusal

ALL_RIGHTS = frozenset(("get", "list", "set", "delete", "recover"))
VERSIONS = ("7.4", "7.5", "7.6", "2025-07-01")
NAME = re.compile(r"^[0-9a-zA-Z-]{1,127}$")
ATTRIBUTES = {"enabled": bool, "nbf": int, "exp": int}


@dataclass
class Version:
    """One version of a secret."""

    number: str
    value: str
    created: int
    updated: int
    enabled: bool = True
    nbf: int | None = None
    exp: int | None = None
    content_type: str | None = None
    tags: dict[str, str] = field(default_factory=dict)


class KeyVault(Door):
    """``rights`` are those of every identity of the vault's tenant; no other tenant's gets in."""

    name = "key_vault"

    def __init__(self, world: World, tenant: Tenant, host: str = "contoso.vault.azure.net") -> None:
        super().__init__(host, world.now)
        self.world, self.tenant = world, tenant
        self.rights: set[str] = set(ALL_RIGHTS)
        self.secrets: dict[str, list[Version]] = {}
        self.deleted: dict[str, list[Version]] = {}
        self.is_behind_firewall = False
        self.recoveries_take = 0  # reads that see a recovered name as still being recovered
        self._recovering: dict[str, int] = {}
        if KEY_VAULT not in {item["appId"] for item in tenant.service_principals}:
            tenant.add_first_party(KEY_VAULT)

    def current(self, name: str) -> Version:
        return self.secrets[name][-1]

    def _is_write(self, request: Request) -> bool:
        return request.method != "GET"

    def _act(self, request: Request) -> Reply:
        self._check_token(request)
        if self.is_behind_firewall:
            raise _refuse(403, "Forbidden", "Client address is not authorized.", "ForbiddenByFirewall")
        if request.query.get("api-version") not in VERSIONS:
            raise _refuse(400, "BadParameter", "The api-version is missing or unknown.")
        parts = request.path.strip("/").split("/")
        route = {
            ("GET", "secrets", 1): self._list,
            ("GET", "secrets", 2): self._get,
            ("GET", "secrets", 3): self._versions_or_get,
            ("PUT", "secrets", 2): self._set,
            ("PATCH", "secrets", 3): self._update,
            ("DELETE", "secrets", 2): self._delete,
            ("GET", "deletedsecrets", 1): self._list_deleted,
            ("POST", "deletedsecrets", 3): self._recover,
        }.get((request.method, parts[0], len(parts)))
        if route is None:
            raise _refuse(404, "NotFound", "There is no such operation.")
        if len(parts) > 1 and not NAME.match(parts[1]):
            raise _refuse(400, "BadParameter", f"The request URI contains an invalid name: {parts[1]}")
        return route(request, parts)

    def _check_token(self, request: Request) -> None:
        token, reason = self.world.tokens.check(request.bearer, KEY_VAULT)
        challenge = 'Bearer authorization="https://login.microsoftonline.com", resource="https://vault.azure.net"'
        if token is None:
            raise _refuse(401, "Unauthorized", f"AKV10000: {reason}", None, challenge)
        if claims_of(token.value)["aud"] != VAULTS[self.tenant.settings.cloud]:
            raise _refuse(401, "Unauthorized", "AKV10022: Invalid audience.", None, challenge)
        if token.tenant is not self.tenant:
            text = f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{self.tenant.tenant_id}/."
            raise _refuse(401, "Unauthorized", text, None, challenge)

    def _need(self, right: str) -> None:
        if right not in self.rights:
            text = f"The user, group or application does not have secrets {right} permission on key vault."
            raise _refuse(403, "Forbidden", text, "AccessDenied")

    # Reading --------------------------------------------------------------------------------

    def _list(self, request: Request, parts: list[str]) -> Reply:
        self._need("list")
        rows = [self._row(name, versions[-1], False) for name, versions in sorted(self.secrets.items())]
        return self._page(request, rows)

    def _versions_or_get(self, request: Request, parts: list[str]) -> Reply:
        name = parts[1]
        if parts[2] != "versions":
            return self._get(request, parts)
        self._need("list")
        if self._recovering.get(name):
            self._recovering[name] -= 1
            return self._page(request, [])
        versions = sorted(self.secrets.get(name, []), key=lambda version: version.number)
        return self._page(request, [self._row(name, version, True) for version in versions])

    def _list_deleted(self, request: Request, parts: list[str]) -> Reply:
        self._need("list")
        return self._page(request, [self._row(name, found[-1], False) for name, found in sorted(self.deleted.items())])

    def _get(self, request: Request, parts: list[str]) -> Reply:
        self._need("get")
        version = self._found(parts[1], parts[2] if len(parts) > 2 else None)
        if not version.enabled:
            raise _refuse(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
        return json_reply(200, {"value": version.value, **self._row(parts[1], version, True)})

    def _page(self, request: Request, rows: list[dict[str, Any]]) -> Reply:
        most = request.query.get("maxresults", "25")
        if not most.isdigit() or not 1 <= int(most) <= 25:
            raise _refuse(400, "BadParameter", "maxresults is out of range.")
        unknown = set(request.query) - {"api-version", "maxresults", "$skiptoken"}
        if unknown:
            raise _refuse(400, "BadParameter", f"Unknown query parameters: {sorted(unknown)}")
        size = min(2, int(most))  # a page may be shorter than was asked for
        start = int(request.query.get("$skiptoken", "0"))
        link = None
        if len(rows) > start + size:
            link = f"{request.root}{request.path}?api-version={request.query['api-version']}&$skiptoken={start + size}"
        return json_reply(200, {"value": rows[start : start + size], "nextLink": link})

    # Writing --------------------------------------------------------------------------------

    def _set(self, request: Request, parts: list[str]) -> Reply:
        self._need("set")
        name = parts[1]
        body = self._body(request, {"value", "contentType", "attributes", "tags"})
        if not isinstance(body.get("value"), str) or not 0 < len(body["value"].encode()) <= 25600:
            raise _refuse(400, "BadParameter", "The property 'value' is missing, or longer than 25 KB.")
        if name in self.deleted:
            text = (
                f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in "
                "this state, the secret can only be recovered or purged."
            )
            raise _refuse(409, "Conflict", text, "ObjectIsDeletedButRecoverable")
        now = int(self.now().timestamp())
        version = Version(uuid.uuid4().hex, body["value"], now, now)
        self._change(version, body)
        self.secrets.setdefault(name, []).append(version)
        return json_reply(200, {"value": version.value, **self._row(name, version, True)})

    def _update(self, request: Request, parts: list[str]) -> Reply:
        self._need("set")
        body = self._body(request, {"contentType", "attributes", "tags"})
        version = self._found(parts[1], parts[2])
        self._change(version, body)
        version.updated = int(self.now().timestamp())
        return json_reply(200, self._row(parts[1], version, True))

    def _delete(self, request: Request, parts: list[str]) -> Reply:
        self._need("delete")
        self._found(parts[1], None)
        self.deleted[parts[1]] = self.secrets.pop(parts[1])
        row = self._row(parts[1], self.deleted[parts[1]][-1], True)
        return json_reply(200, {"recoveryId": f"https://{self.host}/deletedsecrets/{parts[1]}", **row})

    def _recover(self, request: Request, parts: list[str]) -> Reply:
        if parts[2] != "recover":
            raise _refuse(404, "NotFound", "There is no such operation.")
        self._need("recover")
        if parts[1] not in self.deleted:
            raise _refuse(404, "SecretNotFound", f"Deleted Secret not found: {parts[1]}")
        self.secrets[parts[1]] = self.deleted.pop(parts[1])
        self._recovering[parts[1]] = self.recoveries_take
        return json_reply(200, self._row(parts[1], self.current(parts[1]), True))

    def _body(self, request: Request, known: set[str]) -> dict[str, Any]:
        if request.body_is_broken or not isinstance(request.body, dict):
            raise _refuse(400, "BadParameter", "The body is no JSON object.")
        unknown = set(request.body) - known
        if unknown:
            raise _refuse(400, "BadParameter", f"Unknown properties: {sorted(unknown)}")
        return request.body

    def _change(self, version: Version, body: dict[str, Any]) -> None:
        attributes, tags = body.get("attributes", {}), body.get("tags")
        for name, value in attributes.items():
            if name not in ATTRIBUTES or type(value) is not ATTRIBUTES[name]:
                raise _refuse(400, "BadParameter", f"The attribute {name} cannot be set like this.")
            setattr(version, name, value)
        if version.nbf is not None and version.exp is not None and version.nbf >= version.exp:
            raise _refuse(400, "BadParameter", "nbf has to be before exp.")
        if tags is not None:
            texts = [text for pair in tags.items() for text in pair]
            if len(tags) > 15 or not all(isinstance(text, str) and len(text) <= 256 for text in texts):
                raise _refuse(400, "BadParameter", "A secret has at most 15 tags of at most 256 characters.")
            version.tags = dict(tags)
        if len(body.get("contentType") or "") > 255:
            raise _refuse(400, "BadParameter", "contentType is too long.")
        version.content_type = body.get("contentType", version.content_type)

    def _found(self, name: str, number: str | None) -> Version:
        for version in reversed(self.secrets.get(name, [])):
            if number in (None, version.number):
                return version
        raise _refuse(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")

    def _row(self, name: str, version: Version, with_number: bool) -> dict[str, Any]:
        attributes = {
            "enabled": version.enabled,
            "created": version.created,
            "updated": version.updated,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        }
        attributes.update({k: v for k, v in (("nbf", version.nbf), ("exp", version.exp)) if v is not None})
        number = f"/{version.number}" if with_number else ""
        row = {"id": f"https://{self.host}/secrets/{name}{number}", "attributes": attributes, "tags": version.tags}
        return {**row, "contentType": version.content_type} if version.content_type else row


def _refuse(status: int, code: str, text: str, inner: str | None = None, challenge: str | None = None) -> Refusal:
    error: dict[str, Any] = {"code": code, "message": text}
    if inner:
        error["innererror"] = {"code": inner}
    reply = json_reply(status, {"error": error})
    if challenge:
        reply.headers["WWW-Authenticate"] = challenge
    return Refusal(reply)
