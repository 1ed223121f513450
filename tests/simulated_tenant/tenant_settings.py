# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between tenants: behaviour that real tenants show differently, lag, throttling."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .lag import Lag


@dataclass
class Throttle:
    """Every ``every``-th request is answered 429; ``retry_after`` None leaves the header out."""

    every: int = 0
    retry_after: int | None = 1
    doors: tuple[str, ...] = ("graph", "exchange")
    count: int = 0


@dataclass
class Identity:
    """An application of another directory that signs in here (or in many tenants)."""

    client_id: str
    display_name: str = "Automation"
    secrets: list[tuple[str, datetime | None, str]] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    federated_tokens: list[str] = field(default_factory=list)


@dataclass
class TenantSettings:
    """What differs between real tenants, or between reports about them.

    ``delete_cascades``: deleting an application deletes its service principal too.
    ``duplicate_assignment``: request (400 Request_BadRequest), entitlement (400) or entitlement_409,
    the answers seen for an app role that is already assigned.
    ``owned_by_may_list``: a caller with Application.ReadWrite.OwnedBy alone may list applications.
    ``post_audience``: signInAudience of an application created without one.
    ``ignore_consent_changes``: a PATCH of the user-consent list is accepted and does nothing.
    ``exchange_old_errors``: every refusal is a 500 "Error executing cmdlet".
    ``security_defaults_stop_smtp``: security defaults, where they are on, refuse SMTP with OAuth too.
    """

    cloud: str = "public"
    page_size: int = 100
    latency: float = 0.0
    lag: Lag = field(default_factory=Lag)
    throttle: Throttle = field(default_factory=Throttle)
    delete_cascades: bool = True
    owned_by_may_list: bool = False
    duplicate_assignment: str = "request"
    post_audience: str = "AzureADMyOrg"
    ignore_consent_changes: bool = False
    service_reference_required: bool = False
    exchange_status_for_not_found: int = 404
    exchange_status_for_ambiguous: int = 400
    exchange_status_without_role: int = 403
    exchange_403_body: bytes = b"\x00" * 64
    exchange_next_link_works: bool = False
    exchange_old_errors: bool = False
    security_defaults_stop_smtp: bool = False
