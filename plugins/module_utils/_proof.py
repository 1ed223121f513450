# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Proof of a secret: a token is taken with the application's id and the secret's own text, and thrown away."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, List, Optional

from ._auth import Tokens
from ._errors import AuthenticationFailed, TenantError
from ._graph_replication import YOUTH
from ._planning.secret_rotation import PROVED, REFUSED, UNDECIDED, Proof

if TYPE_CHECKING:
    from ._tenant import Tenant

WRONG_SECRET = "AADSTS7000215"
# What the sign-in says of the application or its secret, by Microsoft's "Microsoft Entra authentication and
# authorization error codes". Anything else (a policy, a missing API) says nothing about the secret.
REFUSALS = {
    WRONG_SECRET: "the sign-in does not accept this text as a secret of the application",
    "AADSTS7000222": "the secret has expired",
    "AADSTS7000229": "the application has no service principal in this tenant",
    "AADSTS7000112": "the application is disabled in this tenant",
    "AADSTS700016": "the sign-in does not know the application",
}
# Said for seconds of what was made moments ago, too.
MAY_PASS = (WRONG_SECRET, "AADSTS7000229", "AADSTS700016")


def prove(
    tenant: Tenant, app_id: str, key_id: Optional[str], text: str, start: Optional[datetime], limit: float
) -> Proof:
    """``limit``: seconds to wait while a secret that was made moments ago is refused. Never raises TenantError."""
    login = replace(
        tenant.login, tenant_id=tenant.tenant_id, client_id=app_id, kind="client_secret", credential=text, password=None
    )
    refusals: List[Proof] = []

    def attempt() -> Optional[Proof]:
        try:
            Tokens(login, tenant.open_transport(login.verify)).get(login.exchange_scope)
        except AuthenticationFailed as failure:
            code = str(failure.facts.get("code"))
            said = "{0} ({1}, trace id {2})".format(
                REFUSALS.get(code, "the sign-in refused for another reason than the secret"),
                code,
                failure.facts.get("request_id") or "none",
            )
            if code not in MAY_PASS:
                return Proof(REFUSED if code in REFUSALS else UNDECIDED, said, key_id)
            refusals[:] = [Proof(REFUSED, said, key_id)]
            return None
        except TenantError as failure:
            return Proof(UNDECIDED, failure.message, key_id)
        return Proof(PROVED, None, key_id)

    is_young = start is not None and tenant.now() - start < timedelta(seconds=YOUTH)
    if not is_young or limit <= 0:
        return attempt() or refusals[0]
    what = "the sign-in to accept the secret with key id {0}".format(key_id)
    return tenant.patience.until(attempt, what, limit) or refusals[0]
