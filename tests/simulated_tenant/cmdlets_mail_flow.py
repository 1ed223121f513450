# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets of the organization, transport, remote domains, mail flow rules, authentication policies."""

from __future__ import annotations

from .binding import Parameters
from .cmdlets import Cmdlet, Outcome, changed
from .exchange_errors import ExchangeError, invalid, object_exists
from .identities import named
from .new_objects import new_id
from .tenant import Tenant
from .tenant_mail import Row

CONTROL = ("Identity", "Confirm", "WhatIf", "Force")


def get_organization_config(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-organizationconfig"""
    return Outcome([dict(tenant.organization_config)])


def enable_organization_customization(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/enable-organizationcustomization"""
    if not tenant.organization_config["IsDehydrated"]:
        text = "This operation is not required. Organization is already enabled for customization."
        raise ExchangeError("System.InvalidOperationException", text, error_id="Ex2F2E6B")
    tenant.organization_config["IsDehydrated"] = False
    tenant.hydration_failures_left = tenant.hydration_lag
    return Outcome()


def get_transport_config(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-transportconfig"""
    return Outcome([dict(tenant.transport_config)])


def set_transport_config(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-transportconfig"""
    return changed(tenant.transport_config, {k: v for k, v in bound.items() if k not in CONTROL})


def listed(tenant: Tenant, rows: list[Row], bound: Parameters) -> Outcome:
    """What a Get- cmdlet on policies, rules or domains returns."""
    if bound.get("Identity") is not None:
        rows = [named(tenant, rows, bound["Identity"])]
    if bound.get("State"):
        rows = [row for row in rows if row["State"] == bound["State"]]
    return Outcome([{k: v for k, v in row.items() if not k.startswith("_")} for row in rows])


def get_remote_domain(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-remotedomain"""
    return listed(tenant, tenant.remote_domains, bound)


def new_remote_domain(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/new-remotedomain"""
    name, domain = bound["Name"], bound["DomainName"]
    if not name or len(name) > 64:
        raise invalid("The Name of a remote domain has 1 to 64 characters.")
    bare = domain[2:] if domain.startswith("*.") else domain
    if not bare or len(domain) > 256 or "*" in bare or "@" in bare:
        raise invalid(f"'{domain}' isn't a valid SMTP domain.")
    for row in tenant.remote_domains:
        if name.lower() == row["Name"].lower() or domain.lower() == row["DomainName"].lower():
            raise object_exists(name)
    return Outcome([dict(tenant.add_remote_domain(name, domain))])


def set_remote_domain(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/set-remotedomain"""
    row = named(tenant, tenant.remote_domains, bound["Identity"])
    return changed(row, {k: v for k, v in bound.items() if k not in CONTROL})


def remove_remote_domain(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/remove-remotedomain"""
    row = named(tenant, tenant.remote_domains, bound["Identity"])
    if row["DomainName"] == "*":
        raise invalid("The default remote domain can't be removed.")
    tenant.remote_domains.remove(row)
    return Outcome()


def get_transport_rule(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-transportrule"""
    return listed(tenant, tenant.transport_rules, bound)


def get_authentication_policy(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-authenticationpolicy"""
    return listed(tenant, tenant.authentication_policies, bound)


def get_accepted_domain(tenant: Tenant, bound: Parameters) -> Outcome:
    """https://learn.microsoft.com/powershell/module/exchange/get-accepteddomain"""
    rows: list[Row] = [
        {
            "Name": domain["name"],
            "Identity": domain["name"],
            "Guid": new_id(),
            "DomainName": domain["name"],
            "DomainType": "Authoritative",
            "Default": domain["isDefault"],
            "InitialDomain": domain["isInitial"],
        }
        for domain in tenant.verified_domains
    ]
    return listed(tenant, rows, bound)


MAIL_FLOW_CMDLETS: dict[str, Cmdlet] = {
    "Get-OrganizationConfig": get_organization_config,
    "Enable-OrganizationCustomization": enable_organization_customization,
    "Get-TransportConfig": get_transport_config,
    "Set-TransportConfig": set_transport_config,
    "Get-RemoteDomain": get_remote_domain,
    "New-RemoteDomain": new_remote_domain,
    "Set-RemoteDomain": set_remote_domain,
    "Remove-RemoteDomain": remove_remote_domain,
    "Get-TransportRule": get_transport_rule,
    "Get-AuthenticationPolicy": get_authentication_policy,
    "Get-AcceptedDomain": get_accepted_domain,
}
