# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HashiCorp Vault: tokens with policies, AppRole, key/value engines of both versions.

Rules: https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2, …/auth/approle, …/system/capabilities-self,
…/system/internal-ui-mounts, and https://developer.hashicorp.com/vault/docs/concepts/policies. Stricter than the
real one: a field that the documentation does not know is refused, where Vault ignores it.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulated_tenant.messages import Reply, Request, json_reply

from .door import Door, Refusal

Policy = dict[str, set[str]]
FOLDER_RIGHTS: Policy = {
    "secret/data/webex-connect/*": {"create", "read", "update", "delete"},
    "secret/metadata/webex-connect/*": {"create", "read", "update", "list"},
}
NEVER = "0001-01-01T00:00:00Z"


@dataclass
class Version:
    """One version of a path's data."""

    data: dict[str, Any]
    created: datetime
    deleted: datetime | None = None
    destroyed: bool = False


@dataclass
class Path:
    """One path of a key/value engine of version 2."""

    created: datetime
    versions: list[Version] = field(default_factory=list)
    custom_metadata: dict[str, str] = field(default_factory=dict)
    cas_required: bool = False


class HashiVault(Door):
    """``policies`` by token; ``roles`` by role id: (secret id, policy)."""

    name = "hashi_vault"

    def __init__(self, clock: Callable[[], datetime], host: str = "vault.contoso.example:8200") -> None:
        super().__init__(host, clock)
        self.policies: dict[str, Policy] = {}
        self.roles: dict[str, tuple[str, Policy]] = {}
        self.namespace = ""
        self.mounts = {"secret": "2", "old": "1"}
        self.paths: dict[str, Path] = {}
        self.is_sealed = False
        self.auth_mount = "approle"

    def add_token(self, policy: Policy | None = None) -> str:
        token = "hvs." + secrets.token_urlsafe(24)
        self.policies[token] = {path: set(rights) for path, rights in (policy or FOLDER_RIGHTS).items()}
        return token

    def add_role(self, policy: Policy | None = None) -> tuple[str, str]:
        role_id, secret_id = str(uuid.uuid4()), str(uuid.uuid4())
        self.roles[role_id] = (secret_id, policy or FOLDER_RIGHTS)
        return role_id, secret_id

    def _is_write(self, request: Request) -> bool:
        harmless = request.path.endswith(("/login", "/capabilities-self"))
        return request.method not in ("GET", "LIST") and not harmless

    def _act(self, request: Request) -> Reply:
        if self.is_sealed:
            raise _refuse(503, "Vault is sealed")
        if not request.path.startswith("/v1/"):
            raise _refuse(404)
        path = request.path[len("/v1/") :]
        if (request.headers.get("X-Vault-Namespace") or "").strip("/") != self.namespace:
            raise _refuse(403, "permission denied")
        if path.startswith("auth/") and path.endswith("/login"):
            return self._login(request, path)
        policy = self.policies.get(request.headers.get("X-Vault-Token") or "")
        if policy is None:
            raise _refuse(403, "permission denied")
        if path == "sys/capabilities-self":
            return self._capabilities(request, policy)
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(path.rsplit("/", 1)[-1], policy)
        mount, _slash, rest = path.partition("/")
        kind, _slash, key = rest.partition("/")
        if self.mounts.get(mount) != "2" or kind not in ("data", "metadata"):
            raise _refuse(404)
        listing = request.method == "LIST" or (request.method == "GET" and request.query.get("list") == "true")
        if kind == "data" and not listing:
            return self._data(request, policy, path, key)
        if kind == "metadata":
            return self._list(policy, path, key) if listing else self._metadata(request, policy, path, key)
        raise _refuse(405, "unsupported operation")

    # Signing in, and what a token may do ---------------------------------------------------

    def _login(self, request: Request, path: str) -> Reply:
        if path != f"auth/{self.auth_mount}/login":
            raise _refuse(404, f'no handler for route "{path}"')
        body = _body(request, {"role_id", "secret_id"})
        secret_id, policy = self.roles.get(str(body.get("role_id")), ("", {}))
        if not secret_id or body.get("secret_id") != secret_id:
            raise _refuse(400, "invalid role or secret ID")
        token = self.add_token(policy)
        auth = {"client_token": token, "policies": ["default"], "lease_duration": 1200, "renewable": True}
        return json_reply(200, {"request_id": str(uuid.uuid4()), "auth": auth})

    def _rights(self, policy: Policy, path: str) -> set[str]:
        matching = [pattern for pattern in policy if _matches(pattern, path)]
        return policy[max(matching, key=len)] if matching else set()

    def _need(self, policy: Policy, path: str, right: str) -> None:
        if right not in self._rights(policy, path):
            raise _refuse(403, "1 error occurred:\n\t* permission denied\n\n")

    def _capabilities(self, request: Request, policy: Policy) -> Reply:
        paths = _body(request, {"paths"}).get("paths")
        if not isinstance(paths, list) or not paths:
            raise _refuse(400, "paths must be supplied")
        held = {path: sorted(self._rights(policy, path)) or ["deny"] for path in paths}
        return json_reply(200, {"request_id": str(uuid.uuid4()), "data": held, **held})

    def _mount(self, mount: str, policy: Policy) -> Reply:
        if mount not in self.mounts or not any(pattern.startswith(mount + "/") for pattern in policy):
            text = f"preflight capability check returned 403, please ensure client's policies grant access to path {mount}/"
            raise _refuse(403, text)
        data = {"path": mount + "/", "type": "kv", "options": {"version": self.mounts[mount]}}
        return json_reply(200, {"request_id": str(uuid.uuid4()), "data": data})

    # The engine ----------------------------------------------------------------------------

    def _data(self, request: Request, policy: Policy, path: str, key: str) -> Reply:
        known = self.paths.get(key)
        if request.method in ("POST", "PUT"):
            self._need(policy, path, "update" if known and known.versions else "create")
            return self._put(request, key)
        if request.method == "GET":
            self._need(policy, path, "read")
            return self._get(request, known)
        if request.method == "DELETE":
            self._need(policy, path, "delete")
            if known and known.versions:
                known.versions[-1].deleted = self.now()
            return Reply(204)
        raise _refuse(405, "unsupported operation")

    def _put(self, request: Request, key: str) -> Reply:
        body = _body(request, {"data", "options"})
        options = body.get("options") or {}
        if not isinstance(body.get("data"), dict):
            raise _refuse(400, "no data provided")
        if set(options) - {"cas"}:
            raise _refuse(400, f"unknown options: {sorted(set(options) - {'cas'})}")
        known = self.paths.get(key) or Path(self.now())
        if "cas" in options and options["cas"] != len(known.versions):
            raise _refuse(400, "check-and-set parameter did not match the current version")
        if "cas" not in options and known.cas_required:
            raise _refuse(400, "check-and-set parameter required for this call")
        known.versions.append(Version(body["data"], self.now()))
        self.paths[key] = known
        return json_reply(200, {"request_id": str(uuid.uuid4()), "data": self._version_row(known, len(known.versions))})

    def _get(self, request: Request, known: Path | None) -> Reply:
        number = int(request.query.get("version", "0")) or (len(known.versions) if known else 0)
        if known is None or not 0 < number <= len(known.versions):
            raise _refuse(404)
        version = known.versions[number - 1]
        row = {**self._version_row(known, number), "custom_metadata": known.custom_metadata or None}
        if version.destroyed or (version.deleted and version.deleted <= self.now()):
            return json_reply(404, {"data": {"data": None, "metadata": row}})
        return json_reply(200, {"request_id": str(uuid.uuid4()), "data": {"data": version.data, "metadata": row}})

    def _metadata(self, request: Request, policy: Policy, path: str, key: str) -> Reply:
        known = self.paths.get(key)
        if request.method in ("POST", "PUT"):
            self._need(policy, path, "update" if known else "create")
            body = _body(request, {"custom_metadata", "max_versions", "cas_required", "delete_version_after"})
            known = self.paths.setdefault(key, Path(self.now()))
            if "custom_metadata" in body:
                known.custom_metadata = _checked(body["custom_metadata"])
            known.cas_required = body.get("cas_required", known.cas_required)
            return Reply(204)
        if request.method == "GET":
            self._need(policy, path, "read")
            if known is None:
                raise _refuse(404)
            versions = {str(number + 1): self._version_row(known, number + 1) for number in range(len(known.versions))}
            for row in versions.values():
                del row["version"]
            data = {
                "current_version": len(known.versions),
                "oldest_version": 0,
                "cas_required": known.cas_required,
                "created_time": _stamp(known.created),
                "updated_time": _stamp(known.created),
                "max_versions": 0,
                "delete_version_after": "0s",
                "custom_metadata": known.custom_metadata or None,
                "versions": versions,
            }
            return json_reply(200, {"request_id": str(uuid.uuid4()), "data": data})
        if request.method == "DELETE":
            self._need(policy, path, "delete")
            self.paths.pop(key, None)
            return Reply(204)
        raise _refuse(405, "unsupported operation")

    def _list(self, policy: Policy, path: str, key: str) -> Reply:
        self._need(policy, path.rstrip("/") + "/", "list")
        folder = key.rstrip("/") + "/"
        below = [name[len(folder) :] for name in self.paths if name.startswith(folder)]
        keys = sorted({name.split("/")[0] + ("/" if "/" in name else "") for name in below})
        if not keys:
            raise _refuse(404)
        return json_reply(200, {"request_id": str(uuid.uuid4()), "data": {"keys": keys}})

    def _version_row(self, known: Path, number: int) -> dict[str, Any]:
        version = known.versions[number - 1]
        return {
            "version": number,
            "created_time": _stamp(version.created),
            "deletion_time": _stamp(version.deleted) if version.deleted else "",
            "destroyed": version.destroyed,
        }


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"  # nanoseconds, as Go writes them


def _matches(pattern: str, path: str) -> bool:
    expression = re.escape(pattern).replace(r"\+", "[^/]+")
    return bool(re.match(expression[:-2] if pattern.endswith("*") else expression + r"\Z", path))


def _checked(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > 64:
        raise _refuse(400, "custom_metadata validation failed: at most 64 keys")
    for name, value in given.items():
        if not isinstance(value, str) or not 0 < len(value.encode()) <= 512 or not 0 < len(name.encode()) <= 128:
            raise _refuse(400, f"custom_metadata validation failed: length or type of {name}")
    return dict(given)


def _body(request: Request, known: set[str]) -> dict[str, Any]:
    if request.body_is_broken or not isinstance(request.body, dict):
        raise _refuse(400, "error parsing JSON")
    unknown = set(request.body) - known
    if unknown:
        raise _refuse(400, f"unknown fields: {sorted(unknown)}")
    return request.body


def _refuse(status: int, *errors: str) -> Refusal:
    return Refusal(json_reply(status, {"errors": list(errors)}))
