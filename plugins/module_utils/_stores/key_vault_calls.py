# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Requests to one Azure Key Vault: versions, pages, and its refusals in our words.

Sources: "Azure Key Vault REST API reference" (secrets), "Common error codes for Azure Key Vault".
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from .._errors import UnexpectedReply
from .._rows import Row, answer_to
from .._service import Service
from .._transport import Response
from .store import StoreFailed

API_VERSION = "api-version=7.4"  # served in every cloud
RIGHTS = (
    "Give {0} the role Key Vault Secrets Officer on the vault, or the secret permissions Get, List, Set, Delete and"
    " Recover in its access policy. A new role can need minutes to take effect."
)
ADVICE = {
    "ForbiddenByFirewall": "Let this machine's address through the vault's firewall, or run from a network it allows.",
    "ForbiddenByConnection": "The vault takes no public connections: run from a network with its private endpoint.",
}


class SoftDeleted(StoreFailed):
    """The name belongs to a deleted secret that can be recovered."""


class UnderWay(StoreFailed):
    """A deletion or recovery of that name is not finished yet."""


CONFLICTS = {
    "ObjectIsDeletedButRecoverable": SoftDeleted,
    "ObjectIsBeingDeleted": UnderWay,
    "ObjectIsBeingRecovered": UnderWay,
}


class KeyVaultCalls:
    def __init__(self, service: Service, client_id: str) -> None:
        self._service = service
        self._client_id = client_id

    def call(
        self, method: str, path: str, doing: str, body: Any = None, carries_text: bool = False
    ) -> Optional[Dict[str, Any]]:
        """The object that is answered, None for one that does not exist. Repeating any of these calls is harmless.

        What Key Vault says of a call that carries a secret's text is not repeated in messages.
        """
        url = "{0}{1}?{2}".format(self._service.base, path, API_VERSION)
        return self._send(method, url, "{0} in {1}".format(doing, self._service.base), body, carries_text)

    def rows(self, path: str, doing: str, most: Optional[int] = None) -> List[Row]:
        """All rows of a list, or those of its first page where only so many are wanted."""
        doing = "{0} in {1}".format(doing, self._service.base)
        url: Optional[str] = "{0}{1}?{2}&maxresults={3}".format(self._service.base, path, API_VERSION, most or 25)
        rows: List[Row] = []
        while url:
            page = answer_to(doing, self._send("GET", url, doing) or {})
            rows += page.rows("value")
            url = None if most else page.text("nextLink")
        return rows

    def _send(
        self, method: str, url: str, doing: str, body: Any = None, carries_text: bool = False
    ) -> Optional[Dict[str, Any]]:
        response = self._service.send(method, url, doing, body, repeatable=True)
        if 200 <= response.status < 300:
            answer = response.json()
            if not isinstance(answer, dict):
                raise UnexpectedReply("Could not {0}: the answer is no object.".format(doing))
            return answer
        if response.status == 404:
            return None
        raise self._refusal(response, doing, carries_text)

    def _refusal(self, response: Response, doing: str, carries_text: bool) -> StoreFailed:
        error = response.object().get("error")
        error = error if isinstance(error, dict) else {}
        inner = error.get("innererror")
        code = str((inner.get("code") if isinstance(inner, dict) else None) or error.get("code") or "no code")
        text = str(error.get("message") or "")
        if response.status == 401 and "AKV10032" in text:
            code = "AKV10032"
        kind = CONFLICTS.get(code, StoreFailed) if response.status == 409 else StoreFailed
        return kind(
            "Could not {0}: Key Vault refused it ({1} {2}, request id {3}{4}).".format(
                doing,
                response.status,
                code,
                response.request_id,
                "" if carries_text or not text else ": " + " ".join(text.split())[:300].rstrip(". "),
            ),
            self._advice(response.status, code),
            service="Azure Key Vault",
            status=response.status,
            code=code,
            request_id=response.request_id,
        )

    def _advice(self, status: int, code: str) -> str:
        if code == "AKV10032":
            return "The vault belongs to another tenant. A vault takes sign-ins of its own tenant only: name one there."
        if status == 401:
            return "Check cloud and store.vault_url: the vault did not take the sign-in of the admin identity."
        if status == 403:
            return ADVICE.get(code, RIGHTS.format("the admin identity " + self._client_id))
        if code in CONFLICTS:
            return "Recover or purge the deleted secret of that name, or give another store.secret_name."
        return "Nothing of what was there before was changed."
