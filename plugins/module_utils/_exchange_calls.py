# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""How one talks to Exchange Online's admin endpoint: cmdlets by ``InvokeCommand``, batches of reads, errors.

The endpoint is the one that the ExchangeOnlineManagement module (version 3) uses; it is no published
contract. ``Get-*`` with an empty identity returns the whole tenant, so an empty one is never sent.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

from ._auth import Tokens
from ._errors import (
    AuthenticationFailed,
    Conflict,
    NotFound,
    PermissionMissing,
    Refused,
    TenantError,
    UnexpectedReply,
    Unreachable,
)
from ._planning.rights import MANAGE_AS_APP, management_role_for
from ._rows import Row, answer_to
from ._service import Service
from ._transport import FINAL, THROTTLED, UNANSWERED, Response, judge_by_status

MODULE_VERSION = "3.7.0"  # of ExchangeOnlineManagement, for which the cmdlets are asked
BATCH_SIZE = 10  # more are refused
ANCHOR = "APP:SystemMailbox{{bb558c35-97f1-4cb9-8ff7-d53741dc928c}}@{0}"  # the same mailbox in every tenant
TRANSIENT = (
    "CmdletProxyNotAvailableFailure",
    "ServerBusyException",
    "TransientException",
    "BackendCommunicationException",
    "UnableToWriteToAadException",
)
CONCURRENCY = "maximum number of concurrent requests per tenant"


@dataclass(frozen=True)
class Command:
    """One cmdlet. ``properties`` are asked for by name, and ``required`` ones must be in every row."""

    cmdlet: str
    doing: str
    parameters: Dict[str, Any] = field(default_factory=dict)
    properties: Tuple[str, ...] = ()
    required: Tuple[str, ...] = ()
    whole_list: bool = False

    @property
    def is_read(self) -> bool:
        return self.cmdlet.startswith(("Get-", "Test-"))

    @property
    def body(self) -> Dict[str, Any]:
        return {"CmdletInput": {"CmdletName": self.cmdlet, "Parameters": self.parameters}}


class ExchangeCalls:
    def __init__(self, service: Service, tokens: Tokens, scope: str) -> None:
        self.service = service
        self._tokens = tokens
        self._scope = scope
        self._batching = True

    def _tenant(self) -> str:
        return self._tokens.get(self._scope).tenant_id

    def _url(self, command: Command) -> str:
        url = "{0}/adminapi/beta/{1}/InvokeCommand".format(self.service.base, self._tenant())
        return url + ("?$select=" + ",".join(command.properties) if command.properties else "")

    def _headers(self, command: Optional[Command] = None) -> Dict[str, str]:
        headers = {
            "X-AnchorMailbox": ANCHOR.format(self._tenant()),
            "X-ResponseFormat": "json",
            "Accept-Language": "en-US",  # errors that are told only by their text keep one language
            "Accept-Encoding": "identity",  # some answers claim to be compressed and are not
        }
        if command is not None:
            headers["X-CmdletName"] = command.cmdlet
            if command.whole_list:
                headers["Prefer"] = "odata.maxpagesize=1000"
        return headers

    def cmdlets(self) -> List[str]:
        """The cmdlets that the admin identity may run, by its roles. Raises PermissionMissing where none lets it connect.

        The list only spares somebody a refusal later, so an error is not tried again.
        """
        doing = "read which cmdlets the admin identity may run"
        url = "{0}/adminapi/v1.0/{1}/EXOModuleFile?Version={2}".format(
            self.service.base, self._tenant(), MODULE_VERSION
        )
        response = self.service.send(
            "GET",
            url,
            doing,
            headers={**self._headers(), "CommandName": "*"},
            repeatable=True,
            judge=lambda answer: FINAL if answer.status >= 400 else judge_by_status(answer),
        )
        if response.status >= 400 and response.body.lstrip().startswith(b"<"):
            raise UnexpectedReply("Could not {0}: a page came instead, as of a gateway.".format(doing))
        rows = self._rows(Command("EXOModuleFile", doing, required=("exportedCmdlets",)), response)
        return [name.strip() for row in rows for name in (row.text("exportedCmdlets") or "").split(",") if name.strip()]

    def invoke(self, command: Command) -> List[Row]:
        """The rows of one cmdlet; writes are set to fixed values, so that repeating any of them is harmless."""
        return self._rows(command, self._send(command, self._url(command)))

    def _send(self, command: Command, url: str) -> Response:
        return self.service.send(
            "POST", url, command.doing, command.body, self._headers(command), repeatable=True, judge=judge
        )

    def read_many(self, commands: List[Command]) -> List[Union[List[Row], TenantError]]:
        """Each read by itself: its rows, or why it has none. What a batch leaves open is asked for alone."""
        answers: Dict[int, Response] = {}
        if len(commands) > 1 and self._batching:
            for start in range(0, len(commands), BATCH_SIZE):
                answers.update(self._batch(commands, range(start, min(start + BATCH_SIZE, len(commands)))))
        results: List[Union[List[Row], TenantError]] = []
        for number, command in enumerate(commands):
            try:
                response = answers.get(number) or self._send(command, self._url(command))
                results.append(self._rows(command, response))
            except (AuthenticationFailed, Unreachable):
                raise
            except TenantError as failure:
                results.append(failure)
        return results

    def _batch(self, commands: List[Command], numbers: range) -> Dict[int, Response]:
        ids = {str(uuid.uuid4()): number for number in numbers}
        requests = [
            {
                "id": key,
                "method": "POST",
                "url": self._url(commands[number]),
                "headers": {"Content-Type": "application/json", **self._headers(commands[number])},
                "body": commands[number].body,
            }
            for key, number in ids.items()
        ]
        doing = commands[numbers[0]].doing
        url = "{0}/adminapi/beta/{1}/$batch".format(self.service.base, self._tenant())
        response = self.service.send(
            "POST", url, doing, {"requests": requests}, self._headers(), repeatable=True, judge=judge
        )
        if response.status != 200:
            self._batching = False
            return {}
        answers = {}
        for item in answer_to(doing, response.object() or None).rows("responses"):
            key, status = (item.text("id") or "").lower(), item.number("status") or 0
            headers = {name.lower(): str(value) for name, value in item.row("headers").plain().items()}
            body = item.plain().get("body")
            answer = Response(status, headers, b"", body)
            final = isinstance(body, Mapping) and judge(answer) == FINAL
            if key in ids and final and (200 <= status < 300 or status in (400, 404)):
                answers[ids[key]] = answer
        return answers

    def _rows(self, command: Command, response: Response) -> List[Row]:
        what = "The answer to {0} ({1})".format(command.cmdlet, command.doing)
        rows: List[Row] = []
        seen = set()
        while True:
            page = self._page(command, response, what)
            rows.extend(Row(row.plain(), what) for row in page.rows("value"))
            link = page.text("@odata.nextLink")
            if link is None:
                break
            if link in seen or not command.whole_list:
                raise UnexpectedReply(what + " is incomplete, and a cut list is never taken for the whole.")
            seen.add(link)
            response = self._send(command, link)
        for row in rows:
            missing = [name for name in command.required if name not in row]
            if missing:
                raise UnexpectedReply(
                    "{0} lacks {1}.".format(what, ", ".join(missing)), "An absent value is not taken for an empty one."
                )
        return rows

    def _page(self, command: Command, response: Response, what: str) -> Row:
        """One answer; an empty one means that there are no rows. An error can come inside a success."""
        body = response.object()
        if response.status >= 400 or body.get("error", body.get("@odata.error")) is not None:
            raise self.failure(response, command)
        if not 200 <= response.status < 300:
            raise UnexpectedReply("{0} has the status {1}.".format(what, response.status))
        parsed = response.json()
        page = Row({} if parsed is None else parsed, what)
        if command.whole_list and page.texts("@adminapi.warnings"):
            raise UnexpectedReply(
                "{0} came with a warning, so it may be incomplete: {1}".format(
                    what, " ".join(page.texts("@adminapi.warnings"))[:300]
                )
            )
        return page

    def failure(self, response: Response, command: Command) -> TenantError:
        kind, text = error_of(response)
        request_id = response.request_id or response.headers.get("client-request-id")
        facts: Dict[str, Any] = {
            "status": response.status,
            "code": kind or None,
            "text": text,
            "request_id": request_id,
        }
        said = "Could not {0}: Exchange Online answered {1} to {2}: {3} (request id {4}).".format(
            command.doing, response.status, command.cmdlet, text or "no reason given", request_id
        )
        if response.status in (401, 403) and not kind:
            return self._denied(response, command, said, facts)
        if kind.endswith("ManagementObjectNotFoundException") or _says(
            text, "couldn't be found", "doesn't exist", "can't be found"
        ):
            return NotFound(said, **facts)
        if kind.endswith("ManagementObjectAmbiguousException") or _says(text, "matches multiple entries"):
            return Conflict(said, **facts)
        if kind.endswith("InvalidOperationInDehydratedContextException"):
            return Refused(
                said,
                "The organization must be made customizable first: an Exchange administrator runs"
                " Enable-OrganizationCustomization once. It is permanent, and takes up to an hour to work.",
                **facts,
            )
        if _says(text, "role definition of the current user"):
            return PermissionMissing(said, "Give the admin identity an Exchange role that holds this cmdlet.", **facts)
        if response.status >= 500 or judge(response) != FINAL:
            return UnexpectedReply(said, "Run again later.", **facts)
        return Refused(said, **facts)

    def _denied(self, response: Response, command: Command, said: str, facts: Mapping[str, Any]) -> TenantError:
        """401 and 403 look alike whatever is missing, but the token says which half is there."""
        if MANAGE_AS_APP not in self.service.roles:
            return PermissionMissing(
                said,
                "The admin identity's token lacks the application permission {0} of Office 365 Exchange Online:"
                " grant it with admin consent.".format(MANAGE_AS_APP),
                right=MANAGE_AS_APP,
                **facts,
            )
        role = management_role_for(command.cmdlet)
        return PermissionMissing(
            said,
            "The admin identity has the permission {0} but no role in Exchange for {1}: assign its service principal"
            " the directory role Exchange Administrator, or an Exchange role group that holds the cmdlet{2}."
            " A role assigned minutes ago can still be on its way.".format(
                MANAGE_AS_APP, command.cmdlet, ", as the management role {0} does".format(role) if role else ""
            ),
            right="an Exchange role that holds {0}".format(command.cmdlet),
            **facts,
        )


def _says(text: str, *parts: str) -> bool:
    return any(part in text.lower() for part in parts)


def error_of(response: Response) -> Tuple[str, str]:
    """(.NET type, text) of an error; the outer message is always "Invalid Operation", the reason lies deeper."""
    body = response.object()
    error = body.get("error", body.get("@odata.error"))
    if not isinstance(error, Mapping):
        plain = response.body[:2000].replace(b"\0", b"").decode("utf-8", "replace").strip()
        diagnostics = response.headers.get("x-ms-diagnostics", "")
        return "", (diagnostics or ("" if plain.startswith("<") else plain))[:500]
    lowered = {str(key).lower(): value for key, value in error.items()}
    inner = lowered.get("innererror")
    inner = {str(k).lower(): v for k, v in inner.items()} if isinstance(inner, Mapping) else {}
    cause = inner.get("internalexception")
    details = lowered.get("details")
    first = details[0] if isinstance(details, list) and details and isinstance(details[0], Mapping) else {}
    triple = str(first.get("message") or "").split("|", 2)
    kind = str(cause.get("type") or "") if isinstance(cause, Mapping) else ""
    text = str(cause.get("message") or "") if isinstance(cause, Mapping) else ""
    if len(triple) == 3:
        kind, text = kind or triple[1], text or triple[2]
    message = lowered.get("message")
    return kind, re.sub(r"\s+", " ", text or (message if isinstance(message, str) else "")).strip()[:500]


def judge(response: Response) -> str:
    """Exchange tells cmdlet errors with any status, so the type decides before the status does."""
    kind, text = error_of(response) if response.status >= 400 else ("", "")
    if CONCURRENCY in text:
        return THROTTLED
    if response.status != 429 and any(
        name in kind or name in text or name in response.headers.get("x-exceptiontype", "") for name in TRANSIENT
    ):
        return UNANSWERED
    if kind and response.status in (400, 404, 500):
        return FINAL
    return judge_by_status(response)
