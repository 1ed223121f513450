# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Reads what an admin identity may do: the claims of its two tokens, and one request for its cmdlets in Exchange."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from ._errors import AuthenticationFailed, PermissionMissing, TenantError, TimeIsUp
from ._planning.audit_wishes import Wishes
from ._planning.least_rights import Identity
from ._planning.preflight import needs_of, preflight
from ._planning.rights import MANAGE_AS_APP
from ._tenant import Tenant


def read_rights(tenant: Tenant, wishes: Wishes, steps: Sequence[str]) -> Dict[str, Any]:
    """Raises only what concerns all of it: no sign-in, no answer. Only what the steps need is asked for."""
    of_exchange = any(need.cmdlets for step in steps for need in needs_of(step, steps, wishes))
    graph = tenant.graph_calls.service
    exchange = sorted(tenant.exchange_calls.service.roles) if of_exchange else []
    identity = Identity(
        graph=sorted(graph.roles),
        exchange=exchange,
        directory_roles=sorted(graph.directory_roles),
        cmdlets=_cmdlets(tenant) if MANAGE_AS_APP in exchange else None,
    )
    return {
        "tenant_id": tenant.tenant_id,
        "admin_client_id": tenant.admin_client_id,
        "graph": identity.graph,
        "exchange": identity.exchange,
        "error": None,
        **preflight(steps, wishes, identity),
    }


def _cmdlets(tenant: Tenant) -> Optional[Sequence[str]]:
    """None where nothing usable came. An identity without a role that lets it connect may run none."""
    try:
        return tenant.exchange_calls.cmdlets() or None
    except PermissionMissing:
        return ()
    except (AuthenticationFailed, TimeIsUp):
        raise
    except TenantError:
        return None
