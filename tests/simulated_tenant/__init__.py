# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Microsoft 365: sign-in, Microsoft Graph, Exchange Online and its SMTP for many tenants.

It is written from Microsoft's public documentation and knows nothing of its clients: it refuses what
the real services refuse. ``World`` answers function calls; ``serve`` puts it behind HTTPS and STARTTLS.
"""

from __future__ import annotations

from .faults import Fault, Faults
from .lag import Lag
from .messages import ConnectionLost, LogEntry, Reply, WriteRefused, claims_of
from .server import Running, serve
from .tenant import Tenant
from .tenant_settings import TenantSettings, Throttle
from .world import World

__all__ = [
    "ConnectionLost",
    "Fault",
    "Faults",
    "Lag",
    "LogEntry",
    "Reply",
    "Running",
    "Tenant",
    "TenantSettings",
    "Throttle",
    "World",
    "WriteRefused",
    "claims_of",
    "serve",
]
