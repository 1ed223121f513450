# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Requests to one HashiCorp Vault: its sign-in, its key/value engine, and its refusals in our words.

Over our own transport and not over the library ``hvac``: that one follows redirects, and the header that carries
Vault's token would go along to whatever host is named; and its calls would have retries and time limits of their own.

Sources: Vault's HTTP API documentation, "KV secrets engine version 2", "AppRole", "/sys/capabilities-self",
"/sys/internal/ui/mounts".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional
from urllib.parse import quote, urlsplit

from .._errors import InvalidInput, UnexpectedReply
from .._transport import Response, Transport, origin_of, presentable
from .store import StoreFailed

Body = Dict[str, Any]


class WrongVersion(StoreFailed):
    """Check-and-set: somebody else has written since."""


@dataclass(frozen=True)
class HashiLogin:
    """Where, and as whom. Either a token, or a role with its secret id."""

    url: str
    namespace: Optional[str]
    token: Optional[str] = field(repr=False)
    role_id: Optional[str]
    secret_id: Optional[str] = field(repr=False)
    auth_mount_point: str


def login_of(given: Mapping[str, Any], environ: Mapping[str, str]) -> HashiLogin:
    """A credential among the options silences the environment's. Raises InvalidInput."""
    said = {name: (environ.get("VAULT_" + name.upper()) or "").strip() for name in ("addr", "token", "namespace")}
    named = [name for name in ("token", "role_id", "secret_id") if given[name]]
    if "token" in named and len(named) > 1:
        raise InvalidInput("store has a token beside {0}.".format(" and ".join(named[1:])), "Keep one way to sign in.")
    if len(named) == 1 and "token" not in named:
        raise InvalidInput("store has only one of role_id and secret_id.", "An AppRole needs both.")
    if not named and not said["token"]:
        raise InvalidInput(
            "store has the type hashi_vault, but nothing to sign in with.",
            "Give token (or the environment variable VAULT_TOKEN), or role_id and secret_id.",
        )
    login = HashiLogin(
        url=_base_of(given["url"] or said["addr"]),
        namespace=given["namespace"] or said["namespace"] or None,
        token=given["token"] or (None if named else said["token"]),
        role_id=given["role_id"],
        secret_id=given["secret_id"],
        auth_mount_point=path_of("auth_mount_point", given["auth_mount_point"]),
    )
    for name in ("token", "namespace"):
        if not re.match(r"[\x20-\x7e]*\Z", getattr(login, name) or ""):
            raise InvalidInput(
                "store.{0} holds a character that no header can carry, such as a line end.".format(name),
                "Mend it, or the environment variable VAULT_{0}.".format(name.upper()),
            )
    return login


def path_of(option: str, path: str) -> str:
    cleaned = path.strip("/")
    if not cleaned or not re.match(r"[^\x00-\x1f\x7f-\x9f]+\Z", cleaned) or {"", ".", ".."} & set(cleaned.split("/")):
        raise InvalidInput("store.{0} is {1!r}, which is no path in Vault.".format(option, path))
    return cleaned


def _base_of(url: str) -> str:
    if not url:
        raise InvalidInput(
            "store has the type hashi_vault, but no url.",
            "Give Vault's address, such as https://vault.contoso.example:8200, or set VAULT_ADDR.",
        )
    try:
        scheme, _host, _port = origin_of(url)
    except ValueError:
        raise InvalidInput("store.url is {0!r}, which is no address.".format(presentable(url))) from None
    if scheme != "https" or urlsplit(url).query or urlsplit(url).fragment:
        raise InvalidInput("store.url is {0!r}; only https is accepted, and no query.".format(presentable(url)))
    return url.rstrip("/")


class HashiCalls:
    def __init__(self, login: HashiLogin, transport: Transport) -> None:
        self._login = login
        self._transport = transport
        self._token = login.token

    def call(
        self, method: str, path: str, doing: str, body: Optional[Body] = None, query: str = "", repeatable: bool = True
    ) -> Optional[Body]:
        """The object that is answered (empty for an answer without one), None for what does not exist."""
        doing = "{0} in {1}".format(doing, self._login.url)
        if self._token is None:
            self._token = self._signed_in()
        response = self._send(method, path, doing, body, query, repeatable, {"X-Vault-Token": self._token})
        if response.status == 404:
            return None
        return self._answer(response, doing, path, carries_text=bool(body and "data" in body))

    def _signed_in(self) -> str:
        login = self._login
        doing = "sign in to Vault with the AppRole {0} in {1}".format(login.role_id, login.url)
        path = "auth/{0}/login".format(login.auth_mount_point)
        body = {"role_id": login.role_id, "secret_id": login.secret_id}
        response = self._send("POST", path, doing, body, "", False, {})
        if response.status == 404:
            raise StoreFailed(
                "Could not {0}: nothing is mounted at {1} (404).".format(doing, path),
                "Check store.auth_mount_point and store.namespace.",
            )
        auth = self._answer(response, doing, path, carries_text=True).get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise UnexpectedReply("Could not {0}: the answer holds no token.".format(doing))
        return token

    def _send(
        self,
        method: str,
        path: str,
        doing: str,
        body: Optional[Body],
        query: str,
        repeatable: bool,
        headers: Dict[str, str],
    ) -> Response:
        sent = {"X-Vault-Request": "true", "Accept": "application/json", **headers}
        if self._login.namespace:
            sent["X-Vault-Namespace"] = self._login.namespace
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        url = "{0}/v1/{1}{2}".format(self._login.url, quote(path, safe="/"), "?" + query if query else "")
        return self._transport.send(method, url, doing, sent, content, repeatable)

    def _answer(self, response: Response, doing: str, path: str, carries_text: bool) -> Body:
        if 200 <= response.status < 300:
            return response.object()
        if 300 <= response.status < 400:
            raise StoreFailed(
                "Could not {0}: Vault pointed to {1!r} instead of answering ({2}).".format(
                    doing, urlsplit(response.headers.get("location", "")).netloc.rsplit("@", 1)[-1], response.status
                ),
                "The token was not sent there. Give the address of the active node or of the cluster as store.url.",
            )
        errors = response.object().get("errors")
        texts = [str(text) for text in errors] if isinstance(errors, list) else []
        kind = WrongVersion if any("check-and-set parameter did not match" in text for text in texts) else StoreFailed
        said = "" if carries_text and kind is StoreFailed else " ".join("; ".join(texts).split())[:300]
        raise kind(
            "Could not {0}: Vault refused it ({1}{2}).".format(doing, response.status, ": " + said if said else ""),
            _advice(response.status, path, texts),
            service="HashiCorp Vault",
            status=response.status,
        )


def _advice(status: int, path: str, texts: list[str]) -> str:
    if path.endswith("/login"):
        return "Check store.role_id and store.secret_id; a secret id can be used up, or have expired."
    if status == 403:
        return "Check that the token is still valid, and that its policies allow this on {0}.".format(path)
    if any("is sealed" in text for text in texts):
        return "Vault is sealed: have it unsealed, and run again."
    return "Nothing of what was there before was changed."
