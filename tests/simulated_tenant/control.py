# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control listener of a served world: what the tenants look like, what was asked."""

from __future__ import annotations

from typing import Any

from .messages import LogEntry, Reply, json_reply
from .tenant import Tenant
from .world import World

SECRET_NAMES = {"client_secret", "client_assertion", "secrettext", "access_token", "authorization", "hint"}


def control_reply(world: World, method: str, path: str) -> Reply:
    """GET /state, GET /log."""
    bare = path.split("?", 1)[0]
    if method == "GET" and bare == "/state":
        return json_reply(200, {"tenants": [state_of(tenant) for tenant in list(world.tenants)]})
    if method == "GET" and bare == "/log":
        return json_reply(200, {"log": [entry_of(entry) for entry in list(world.log)]})
    return json_reply(404, {"error": "only GET /state and GET /log are here"})


def state_of(tenant: Tenant) -> dict[str, Any]:
    """A tenant's state; secrets' texts and hints are left out."""
    state = {
        "tenant_id": tenant.tenant_id,
        "domain": tenant.domain,
        "applications": tenant.applications,
        "deleted_applications": tenant.deleted_applications,
        "service_principals": [
            {key: sp[key] for key in ("id", "appId", "displayName", "accountEnabled")}
            for sp in tenant.service_principals
        ],
        "grants": tenant.grants,
        "role_assignments": tenant.role_assignments,
        "policies": tenant.policies,
        "mailboxes": tenant.mailboxes,
        "transport_config": tenant.transport_config,
        "organization_config": tenant.organization_config,
        "outbound_policies": tenant.outbound_policies,
        "outbound_rules": tenant.outbound_rules,
        "remote_domains": tenant.remote_domains,
        "transport_rules": tenant.transport_rules,
        "authentication_policies": tenant.authentication_policies,
        "exchange_service_principals": tenant.exchange_service_principals,
        "management_scopes": tenant.management_scopes,
        "management_role_assignments": tenant.management_role_assignments,
    }
    return dict(_without_secrets(state))


def entry_of(entry: LogEntry) -> dict[str, Any]:
    """A log entry without headers and without secrets."""
    return {
        "number": entry.number,
        "time": entry.time.isoformat(),
        "door": entry.door,
        "host": entry.host,
        "tenant_id": entry.tenant_id,
        "method": entry.method,
        "path": entry.path,
        "query": entry.query,
        "body": _without_secrets(entry.body),
        "status": entry.status,
        "is_write": entry.is_write,
        "cmdlet": entry.cmdlet,
        "error": entry.error,
        "fault": entry.fault,
        "inner": [entry_of(inner) for inner in entry.inner],
    }


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if str(key).lower() not in SECRET_NAMES}
        return {key: _without_secrets(item) for key, item in kept.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
