# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Proof of a secret: a token is taken with the application's id and the secret's own text."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, List, Optional

from ._auth import Token, Tokens
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


def sign_in(
    tenant: Tenant, app_id: str, text: str, key_id: Optional[str], start: Optional[datetime], limit: float
) -> Token:
    """A token of the application itself. ``limit``: seconds to wait while a secret that was made moments ago is refused.

    Raises TenantError.
    """
    login = replace(
        tenant.login, tenant_id=tenant.tenant_id, client_id=app_id, kind="client_secret", credential=text, password=None
    )
    refusals: List[AuthenticationFailed] = []

    def attempt() -> Optional[Token]:
        try:
            return Tokens(login, tenant.open_transport(login.verify)).get(login.exchange_scope)
        except AuthenticationFailed as failure:
            if str(failure.facts.get("code")) not in MAY_PASS:
                raise
            refusals[:] = [failure]
            return None

    is_young = start is not None and tenant.now() - start < timedelta(seconds=YOUTH)
    if not is_young or limit <= 0:
        token = attempt()
    else:
        token = tenant.patience.until(attempt, "the sign-in to accept the secret with key id {0}".format(key_id), limit)
    if token is None:
        raise refusals[0]
    return token


def prove(
    tenant: Tenant, app_id: str, key_id: Optional[str], text: str, start: Optional[datetime], limit: float
) -> Proof:
    """The token is thrown away. Never raises TenantError."""
    try:
        sign_in(tenant, app_id, text, key_id, start, limit)
    except AuthenticationFailed as failure:
        code = str(failure.facts.get("code"))
        said = "{0} ({1}, trace id {2})".format(
            REFUSALS.get(code, "the sign-in refused for another reason than the secret"),
            code,
            failure.facts.get("request_id") or "none",
        )
        return Proof(REFUSED if code in REFUSALS else UNDECIDED, said, key_id)
    except TenantError as failure:
        return Proof(UNDECIDED, failure.message, key_id)
    return Proof(PROVED, None, key_id)
