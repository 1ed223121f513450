# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds: a whole world described as JSON, for ``World.load`` and ``python -m simulated_tenant --seed``.

A seed is ``{"tenants": [tenant, ...]}``. A tenant has

``tenant_id``, ``domain``
    required; ``initial_domain`` and ``name`` are optional.
``settings``
    fields of TenantSettings; ``lag`` and ``throttle`` are objects with the fields of Lag and Throttle.
``admins``
    a list of ``client_id``, ``client_secret`` (or ``certificate_pem``, ``federated_token``),
    ``display_name``, ``graph_roles``, ``exchange_app_role``, ``directory_roles``, ``management_roles``.
``users``
    a list of ``user_principal_name``, ``display_name``, ``mail``, ``object_id``.
``mailboxes``
    a list of ``address`` and the arguments of ``Tenant.add_mailbox``.
``recipients``
    a list of ``name``, ``address``, ``recipient_type_details``.
``applications``
    a list of ``display_name`` and the arguments of ``Tenant.add_application``, plus ``secrets``
    (``display_name``, ``text``, ``key_id``, ``starts_in_days``, ``ends_in_days``), ``certificates``
    (``display_name``), ``roles`` (``resource`` app id, ``value``) and ``delegated`` (``resource``
    app id, ``scope``, ``principal`` as a user principal name).
``outbound_policies``, ``outbound_rules``, ``remote_domains``, ``transport_rules``, ``authentication_policies``
    lists of the arguments of the ``add_…`` helper of that name.
``policies``, ``transport_config``, ``organization_config``, ``default_outbound_policy``, ``default_remote_domain``
    objects that are merged into the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .graph_types import merge
from .lag import Lag
from .tenant import Tenant
from .tenant_settings import Throttle

if TYPE_CHECKING:
    from .world import World

TENANT_KEYS = frozenset(
    [
        "tenant_id",
        "domain",
        "initial_domain",
        "name",
        "settings",
        "admins",
        "users",
        "mailboxes",
        "recipients",
        "applications",
        "outbound_policies",
        "outbound_rules",
        "remote_domains",
        "transport_rules",
        "authentication_policies",
        "policies",
        "transport_config",
        "organization_config",
        "default_outbound_policy",
        "default_remote_domain",
    ]
)
NAMED_KINDS = {
    "outbound_policies": "add_outbound_policy",
    "outbound_rules": "add_outbound_rule",
    "remote_domains": "add_remote_domain",
    "transport_rules": "add_transport_rule",
    "authentication_policies": "add_authentication_policy",
    "recipients": "add_recipient",
    "users": "add_user",
    "mailboxes": "add_mailbox",
}


def load(world: World, seed: Mapping[str, Any]) -> list[Tenant]:
    """Adds the tenants of a seed to a world; an unknown key is an error."""
    unknown = set(seed) - {"tenants", "description"}
    if unknown:
        raise ValueError(f"unknown keys in the seed: {sorted(unknown)}")
    return [_tenant(world, entry) for entry in seed["tenants"]]


def _tenant(world: World, entry: Mapping[str, Any]) -> Tenant:
    unknown = set(entry) - TENANT_KEYS
    if unknown:
        raise ValueError(f"unknown keys in a tenant of the seed: {sorted(unknown)}")
    settings = dict(entry.get("settings", {}))
    if "lag" in settings:
        settings["lag"] = Lag(**settings["lag"])
    if "throttle" in settings:
        settings["throttle"] = Throttle(**settings["throttle"])
    names = {key: entry[key] for key in ("initial_domain", "name") if key in entry}
    tenant = world.add_tenant(entry["tenant_id"], entry["domain"], **names, **settings)
    for admin in entry.get("admins", []):
        tenant.add_admin(**admin)
    for kind, helper in NAMED_KINDS.items():
        for item in entry.get(kind, []):
            getattr(tenant, helper)(**item)
    for item in entry.get("applications", []):
        _application(tenant, dict(item))
    _settings_of(tenant, entry)
    return tenant


def _application(tenant: Tenant, item: dict[str, Any]) -> None:
    secrets, certificates = item.pop("secrets", []), item.pop("certificates", [])
    roles, delegated = item.pop("roles", []), item.pop("delegated", [])
    app = tenant.add_application(**item)
    for secret in secrets:
        start = tenant.now() + timedelta(days=secret.pop("starts_in_days", 0))
        end = tenant.now() + timedelta(days=secret.pop("ends_in_days", 180))
        tenant.add_secret(app, start=start, end=end, **secret)
    for certificate in certificates:
        tenant.add_certificate(app, **certificate)
    for role in roles:
        tenant.assign_role(app, role["resource"], role["value"])
    for grant in delegated:
        principal = grant.get("principal")
        users = {user["userPrincipalName"]: user["id"] for user in tenant.users}
        tenant.grant_delegated(app, grant["resource"], grant["scope"], users[principal] if principal else None)


def _settings_of(tenant: Tenant, entry: Mapping[str, Any]) -> None:
    for name, change in entry.get("policies", {}).items():
        merge(tenant.policies[name], change)
    tenant.transport_config.update(entry.get("transport_config", {}))
    tenant.organization_config.update(entry.get("organization_config", {}))
    tenant.outbound_policy().update(entry.get("default_outbound_policy", {}))
    tenant.remote_domain().update(entry.get("default_remote_domain", {}))
