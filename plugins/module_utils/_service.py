# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One protected API of one tenant: its base address and its audience, kept together.

A token leaves only through ``Service.send``, and only to the host that it was issued for.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Set, TypeVar
from urllib.parse import urljoin, urlsplit

from ._auth import Tokens
from ._errors import AuthenticationFailed, NotReplicated, UnexpectedReply
from ._transport import Response, Transport, judge_by_status, origin_of, parse_json

Found = TypeVar("Found")


class Service:
    def __init__(
        self, name: str, base: str, scope: str, tokens: Tokens, transport: Transport, regional: bool = False
    ) -> None:
        """``regional``: redirects to a subdomain of the base's own host are part of the service."""
        self.name = name
        self.base = base
        self.transport = transport
        self._scope = scope
        self._tokens = tokens
        self._origin = origin_of(base)
        self._regional = regional
        self._hopeless: Set[str] = set()  # tokens that were refused when they were new

    @property
    def roles(self) -> frozenset[str]:
        """The application roles in the current token."""
        return self._tokens.get(self._scope).roles

    @property
    def directory_roles(self) -> frozenset[str]:
        """Template ids of the directory roles that the current token names."""
        return self._tokens.get(self._scope).directory_roles

    def send(
        self,
        method: str,
        url: str,
        doing: str,
        json_body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        repeatable: bool = False,
        judge: Callable[[Response], str] = judge_by_status,
    ) -> Response:
        """The answer, whatever its status. A token that is refused is renewed once, and a new one never."""
        body = None if json_body is None else json.dumps(json_body).encode()
        token = self._tokens.get(self._scope)
        renewed = False
        hops = 0
        while True:
            self._check_host(url, doing)
            sent: Dict[str, str] = {"Accept": "application/json", **(headers or {})}
            sent["Authorization"] = "Bearer " + token.text
            if body is not None:
                sent["Content-Type"] = "application/json"
            response = self.transport.send(method, url, doing, sent, body, repeatable, judge)
            if response.status == 401 and renewed:
                self._hopeless.add(token.text)
            if response.status == 401 and not renewed and token.text not in self._hopeless:
                token = self._tokens.get(self._scope, claims=_claims_challenge(response), renew=True)
                renewed = True
            elif response.status in (301, 302, 303, 307, 308):
                hops += 1
                url = self._redirected(url, response, doing, hops)
            else:
                return response

    def _check_host(self, url: str, doing: str) -> None:
        if not self._is_own(url):
            raise UnexpectedReply(
                "Could not {0}: {1} pointed to {2!r}, which is not its own host.".format(
                    doing, self.name, urlsplit(url).netloc.rsplit("@", 1)[-1][:100]
                ),
                "The token was not sent there. Check the endpoints, and look for a proxy in between.",
            )

    def _is_own(self, url: str) -> bool:
        try:
            origin = origin_of(url)
        except ValueError:
            return False
        if origin == self._origin:
            return True
        same_kind = origin[0] == "https" and origin[2] == 443
        return self._regional and same_kind and origin[1].endswith("." + self._origin[1])

    def _redirected(self, url: str, response: Response, doing: str, hops: int) -> str:
        """Exchange Online's front door sends callers to a regional host, at times with an inner port."""
        target = urljoin(url, response.headers.get("location", ""))
        if hops > 3 or not response.headers.get("location"):
            raise UnexpectedReply("Could not {0}: {1} redirects without end.".format(doing, self.name))
        return re.sub(r"^(https://[^/:]+):446/", r"\1/", target) if self._regional else target


def _claims_challenge(response: Response) -> Optional[str]:
    """The claims that a continuous access evaluation challenge asks for (Entra "Claims challenge")."""
    header = response.headers.get("www-authenticate", "")
    found = re.search(r'claims="([^"]+)"', header)
    if not found or "insufficient_claims" not in header:
        return None
    try:
        text = base64.b64decode(found.group(1) + "=" * (-len(found.group(1)) % 4)).decode()
        return text if isinstance(parse_json(text), dict) else None
    except ValueError:
        return None


def refuse_login(service: Service, response: Response, doing: str, code: str, advice: str) -> AuthenticationFailed:
    return AuthenticationFailed(
        "Could not {0}: {1} did not accept the token (401 {2}, request id {3}).".format(
            doing, service.name, code, response.request_id
        ),
        advice,
        status=401,
        code=code,
        request_id=response.request_id,
    )


class Patience:
    """Waits for replication: watches for the awaited thing in growing steps, and remembers what it waited for."""

    def __init__(self, transport: Transport, limit: float) -> None:
        self._transport = transport
        self.limit = limit
        self.waited: List[Dict[str, Any]] = []

    def until(
        self, look: Callable[[], Optional[Found]], what: str, limit: Optional[float] = None, steady: bool = False
    ) -> Optional[Found]:
        """What ``look`` finds, or None when ``limit`` seconds (default: replication_timeout) are over.

        ``steady``: what was missed at first has to be found twice running, because replicas take turns to answer.
        """
        found = look()
        if found is not None:
            return found
        started = self._transport.clock()
        end = started + (self.limit if limit is None else min(limit, self.limit))
        step, sightings = 0.5, 0
        while sightings < (2 if steady else 1) and self._transport.clock() < end:
            self._transport.sleep(min(step, max(0.05, end - self._transport.clock())))
            step = min(step * 1.6, 15.0)
            found = look()
            sightings = 0 if found is None else sightings + 1
        self.waited.append(
            {"for": what, "seconds": round(self._transport.clock() - started, 1), "seen": found is not None}
        )
        return found

    def require(self, look: Callable[[], Optional[Found]], what: str, steady: bool = False) -> Found:
        found = self.until(look, what, steady=steady)
        if found is None:
            raise NotReplicated(
                "Waited {0:.0f} seconds for {1}, in vain.".format(self.limit, what),
                "Microsoft's directory can need minutes: run again, or raise replication_timeout.",
            )
        return found
