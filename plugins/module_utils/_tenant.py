# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One tenant as a task sees it: its directory, its consent, its mailboxes, its clock. Nothing is sent before first use."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional

from ._auth import SharedTexts, Tokens
from ._login import Login
from ._service import Patience, Service
from ._transport import Carrier, RequestsCarrier, Transport

if TYPE_CHECKING:
    from ._exchange import Exchange
    from ._exchange_calls import ExchangeCalls
    from ._exchange_policies import ExternalForwarding
    from ._exchange_scopes import MailboxScopes
    from ._graph import Graph
    from ._graph_calls import GraphCalls
    from ._graph_consent import Consent
    from ._graph_policies import Policies
    from ._graph_secret_limits import SecretLimits


class Tenant:
    def __init__(
        self, login: Login, open_transport: Callable[[Any], Transport], shared: Optional[SharedTexts] = None
    ) -> None:
        """``open_transport`` takes what ``Login.verify`` says of certificates."""
        self.login = login
        self.admin_client_id = login.client_id.lower()
        self._open_transport = open_transport
        self._transport = transport = open_transport(login.verify)
        self._tokens = Tokens(login, transport, shared)
        self.patience = Patience(transport, login.replication_timeout)

    # Each client is loaded by the first task that asks for it. A module of its own is compiled anew each time it is
    # started, and most need only one of the two services. (In the controller all of it is loaded before.)

    @cached_property
    def graph_calls(self) -> GraphCalls:
        from ._graph_calls import GraphCalls

        return GraphCalls(self.service("Microsoft Graph", self.login.graph_endpoint, self.login.graph_scope))

    @cached_property
    def graph(self) -> Graph:
        from ._graph import Graph

        return Graph(self.graph_calls, self.patience)

    @cached_property
    def consent(self) -> Consent:
        from ._graph_consent import Consent

        return Consent(self.graph_calls, self.patience)

    @cached_property
    def policies(self) -> Policies:
        from ._graph_policies import Policies

        return Policies(self.graph_calls, self.patience)

    @cached_property
    def secret_limits(self) -> SecretLimits:
        from ._graph_secret_limits import SecretLimits

        return SecretLimits(self.graph_calls)

    @cached_property
    def exchange_calls(self) -> ExchangeCalls:
        from ._exchange_calls import ExchangeCalls

        login = self.login
        service = self.service("Exchange Online", login.exchange_endpoint, login.exchange_scope, login.built_in)
        return ExchangeCalls(service, self._tokens, login.exchange_scope)

    @cached_property
    def exchange(self) -> Exchange:
        from ._exchange import Exchange

        return Exchange(self.exchange_calls)

    @cached_property
    def external_forwarding(self) -> ExternalForwarding:
        from ._exchange_policies import ExternalForwarding

        return ExternalForwarding(self.exchange_calls, self.exchange, self.patience)

    @cached_property
    def mailbox_scopes(self) -> MailboxScopes:
        from ._exchange_scopes import MailboxScopes

        return MailboxScopes(self.exchange_calls, self.exchange, self.patience)

    def open_transport(self, verify: Any) -> Transport:
        """One more, for a service with a sign-in of its own, within the tenant's time."""
        transport = self._open_transport(verify)
        transport.end_with(self._transport)
        return transport

    def service(self, name: str, base: str, scope: str, regional: bool = False) -> Service:
        """An API that the admin identity signs in to."""
        return Service(name, base, scope, self._tokens, self._transport, regional)

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
