# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens: minted here, remembered by value, checked by the doors.

Claims follow https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from . import catalogue
from .new_objects import Object
from .tenant import Tenant


@dataclass
class Token:
    """One access token and what it opens."""

    value: str
    tenant: Tenant
    app_id: str
    object_id: str
    audience: str
    resource: str | None
    roles: frozenset[str]
    directory_roles: frozenset[str]
    expires: float
    revoked: bool = False


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class TokenStore:
    """All tokens of the world."""

    clock: Callable[[], datetime]
    lifetime: int = 3599
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    issued: dict[str, Token] = field(default_factory=dict)

    def mint(self, tenant: Tenant, sp: Object, audience: str, resource: str | None) -> Token:
        """Makes a token that carries the rights which the caller holds now."""
        roles = _roles(tenant, sp, resource)
        directory = frozenset(tenant.directory_roles.get(sp["id"], ()))
        now = int(self.clock().timestamp())
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{tenant.tenant_id}/",
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
            "appid": sp["appId"],
            "appidacr": "1",
            "idtyp": "app",
            "oid": sp["id"],
            "sub": sp["id"],
            "tid": tenant.tenant_id,
            "uti": uuid.uuid4().hex,
            "ver": "1.0",
            "wids": sorted(catalogue.directory_roles()[role] for role in directory),
        }
        if roles:
            claims["roles"] = sorted(roles)
        head = _part(json.dumps({"typ": "JWT", "alg": "HS256"}).encode())
        unsigned = f"{head}.{_part(json.dumps(claims).encode())}"
        mac = hmac.new(self.key, unsigned.encode(), hashlib.sha256).digest()
        value = f"{unsigned}.{_part(mac)}"
        token = Token(value, tenant, sp["appId"], sp["id"], audience, resource, roles, directory, now + self.lifetime)
        self.issued[value] = token
        return token

    def revoke(self, tenant_id: str | None = None, client_id: str | None = None) -> int:
        """Revokes the tokens of a tenant, a client, or all; returns how many."""
        count = 0
        for token in self.issued.values():
            if tenant_id in (None, token.tenant.tenant_id) and client_id in (None, token.app_id):
                token.revoked = True
                count += 1
        return count

    def check(self, value: str | None, resource: str) -> tuple[Token | None, str]:
        """The token if it is good for this resource, else the reason why not."""
        if not value:
            return None, "Access token is empty."
        token = self.issued.get(value)
        if token is None:
            return None, "CompactToken parsing failed with error code: 80049217"
        if token.expires <= self.clock().timestamp():
            return None, "Lifetime validation failed, the token is expired."
        if token.revoked:
            return None, "Continuous access evaluation resulted in challenge with result: InteractionRequired."
        if token.resource != resource:
            return None, "Access token validation failure. Invalid audience."
        return token, ""


def _roles(tenant: Tenant, sp: Object, resource: str | None) -> frozenset[str]:
    target = next((item for item in tenant.service_principals if item["appId"] == resource), None)
    if target is None:
        return frozenset()
    names = {role["id"]: role["value"] for role in target["appRoles"]}
    held = [a for a in tenant.role_assignments if a["principalId"] == sp["id"] and a["resourceId"] == target["id"]]
    lag = tenant.lag
    seen = [a for a in held if not lag.misses(a["id"], "mint", lag.role_mints)]
    return frozenset(names[a["appRoleId"]] for a in seen if a["appRoleId"] in names)
