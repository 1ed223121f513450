# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One tenant as a task sees it: its directory, its consent, its mailboxes, its clock. Nothing is sent before first use."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Callable, Dict, List, Optional

from ._auth import SharedTexts, Tokens
from ._exchange import Exchange
from ._exchange_calls import ExchangeCalls
from ._exchange_policies import ExternalForwarding
from ._exchange_scopes import MailboxScopes
from ._graph import Graph
from ._graph_calls import GraphCalls
from ._graph_consent import Consent
from ._graph_policies import Policies
from ._graph_secret_limits import SecretLimits
from ._login import Login
from ._service import Patience, Service
from ._transport import Carrier, RequestsCarrier, Transport


class Tenant:
    def __init__(
        self, login: Login, open_transport: Callable[[Any], Transport], shared: Optional[SharedTexts] = None
    ) -> None:
        """``open_transport`` takes what ``Login.verify`` says of certificates."""
        self.login = login
        self.admin_client_id = login.client_id.lower()
        self.open_transport = open_transport
        self._transport = transport = open_transport(login.verify)
        self._tokens = Tokens(login, transport, shared)
        self.patience = Patience(transport, login.replication_timeout)
        graph = GraphCalls(Service("Microsoft Graph", login.graph_endpoint, login.graph_scope, self._tokens, transport))
        exchange = Service(
            "Exchange Online",
            login.exchange_endpoint,
            login.exchange_scope,
            self._tokens,
            transport,
            regional=login.built_in,
        )
        self.graph_calls = graph
        self.graph = Graph(graph, self.patience)
        self.consent = Consent(graph, self.patience)
        self.policies = Policies(graph, self.patience)
        self.secret_limits = SecretLimits(graph)
        self.exchange_calls = exchange_calls = ExchangeCalls(exchange, self._tokens, login.exchange_scope)
        self.exchange = Exchange(exchange_calls)
        self.external_forwarding = ExternalForwarding(exchange_calls, self.exchange, self.patience)
        self.mailbox_scopes = MailboxScopes(exchange_calls, self.exchange, self.patience)

    def service(self, name: str, base: str, scope: str) -> Service:
        """One more API that the admin identity signs in to."""
        return Service(name, base, scope, self._tokens, self._transport)

    @property
    def tenant_id(self) -> str:
        """The tenant's GUID once it is known, before that what the options say."""
        return self._tokens.tenant_id or self.login.tenant_id

    @property
    def waited(self) -> List[Dict[str, Any]]:
        return self.patience.waited

    def end_in(self, seconds: float) -> None:
        """Lets every call fail that would go on for longer than so many seconds from now."""
        self._transport.end_in(seconds)

    def now(self) -> datetime:
        """UTC, by the service's clock."""
        return self._transport.now()


Connect = Callable[[Login], Tenant]


def connect(
    login: Login, carrier: Optional[Carrier] = None, shared: Optional[SharedTexts] = None, **clocks: Any
) -> Tenant:
    """A tenant over the network, or over a carrier that a test hands in (then with its clocks)."""

    def open_transport(verify: Any) -> Transport:
        return Transport(carrier or RequestsCarrier(verify), login.timeout, login.max_retries, **clocks)

    return Tenant(login, open_transport, shared)
