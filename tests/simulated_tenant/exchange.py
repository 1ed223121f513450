# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Exchange Online door: InvokeCommand and its $batch.

The transport of https://learn.microsoft.com/powershell/exchange/exchange-online-powershell-v2.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from . import catalogue, cmdlets
from .binding import bind, known_cmdlet
from .cmdlet_roles import is_read
from .exchange_errors import ExchangeError, NotAllowed, binding, error_reply
from .faults import answer_of
from .messages import Headers, LogEntry, Reply, Request, json_reply
from .new_objects import Object
from .tenant import Tenant
from .tokens import Token

if TYPE_CHECKING:
    from .world import World

PATH = re.compile(r"^/adminapi/(?P<version>[^/]+)/(?P<tenant>[^/]+)/(?P<what>InvokeCommand|\$batch)$")
MODULE_FILE = re.compile(r"^/adminapi/v1\.0/(?P<tenant>[^/]+)/EXOModuleFile$")
GUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
DATE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)$")
MANAGE_AS_APP = "Exchange.ManageAsApp"
LARGEST_PAGE = 1000
MORE = (
    "There are more results available than are currently displayed. To view them, increase the value for the "
    "ResultSize parameter."
)
EXPIRED_PAGE = "Expired or Invalid pagination request. Default Expiry time is 00:30:00"
PAGED = {"Get-Mailbox", "Get-CASMailbox", "Get-User", "Get-Recipient"}


def is_exchange(path: str) -> bool:
    """Whether this path belongs to the Exchange Online door."""
    return path.startswith("/adminapi/")


def _cmdlet_of(body: Any) -> tuple[str, Any]:
    given = body.get("CmdletInput") if isinstance(body, dict) else None
    if not isinstance(given, dict) or not isinstance(given.get("CmdletName"), str):
        return "", None
    return given["CmdletName"], given.get("Parameters", {})


def judge_exchange(entry: LogEntry) -> None:
    """Says what of a request is a write: by the cmdlet's verb, also inside a batch."""
    listed = entry.body.get("requests") if isinstance(entry.body, dict) else None
    if entry.path.endswith("/$batch") and isinstance(listed, list):
        entry.inner = [_inner_entry(entry, item) for item in listed if isinstance(item, dict)]
        entry.is_write = any(inner.is_write for inner in entry.inner)
        return
    name, given = _cmdlet_of(entry.body)
    entry.cmdlet = name or None
    entry.parameters = given if isinstance(given, dict) else None
    entry.is_write = bool(name) and not is_read(name)


def _inner_entry(outer: LogEntry, item: dict[str, Any]) -> LogEntry:
    parts = urlsplit(str(item.get("url", "")))
    headers = item["headers"] if isinstance(item.get("headers"), dict) else {}
    inner = LogEntry(
        outer.number,
        outer.time,
        outer.door,
        outer.host,
        outer.tenant_id,
        str(item.get("method", "")).upper(),
        unquote(parts.path),
        dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers,
        item.get("body"),
    )
    judge_exchange(inner)
    return inner


class ExchangeDoor:
    """Answers Exchange Online requests of the whole world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._quiet = 0
        self._pages: dict[str, tuple[list[Object], int]] = {}

    def handle(self, request: Request, entry: LogEntry) -> Reply:
        """Answers one request."""
        token, why = self.world.tokens.check(request.bearer, catalogue.EXCHANGE)
        if token is None:
            return self._unauthorized(why)
        file = MODULE_FILE.match(request.path)
        if file and request.method == "GET" and request.query.get("Version") and token.tenant.is_named(file["tenant"]):
            return self._module_file(request, entry, token)
        match = PATH.match(request.path)
        if match is None or match["version"] != "beta" or request.method != "POST":
            return Reply(404, {"Content-Type": "text/plain"}, b"")
        if not token.tenant.is_named(match["tenant"]):
            return self._forbidden(token.tenant, "The token's tenant is not the tenant of the request.")
        if MANAGE_AS_APP not in token.roles:
            return self._not_allowed(entry)
        if request.body_is_broken or not isinstance(request.body, dict):
            return error_reply(binding("The request body is not valid JSON."))
        if match["what"] == "$batch":
            return self._batch(request, entry, token)
        return self._invoke(request, request.query, request.headers, entry, token)

    def _unauthorized(self, why: str) -> Reply:
        headers = {
            "WWW-Authenticate": 'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
            'trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1", '
            f'error="invalid_token", error_description="{why}"',
            "request-id": str(uuid.uuid4()),
        }
        return Reply(401, headers, b"")

    def _not_allowed(self, entry: LogEntry) -> Reply:
        text = f"User is not allowed to call {entry.cmdlet or '$batch'}"
        return json_reply(401, {"error": {"code": "Unauthorized", "message": text}}, request_id=str(uuid.uuid4()))

    def _forbidden(self, tenant: Tenant, why: str) -> Reply:
        """403 with a body that is no JSON; the reason is in a header."""
        headers = {
            "Content-Type": "application/octet-stream",
            "request-id": str(uuid.uuid4()),
            "x-ms-diagnostics": f'2000001;reason="{why}";error_category="invalid_app"',
        }
        return Reply(tenant.settings.exchange_status_without_role, headers, tenant.settings.exchange_403_body)

    def _module_file(self, request: Request, entry: LogEntry, token: Token) -> Reply:
        """What the PowerShell module loads when it connects: the cmdlets that the caller's roles show."""
        if MANAGE_AS_APP not in token.roles:
            return self._not_allowed(entry)
        every = catalogue.load("exchange-cmdlets.json")["cmdlets"]
        shown = [c for c in every if cmdlets.allowed(token.tenant, token.object_id, token.directory_roles, c)]
        if not shown:
            return self._forbidden(token.tenant, "The role assigned to application isn't supported in this scenario.")
        asked = request.headers.get("CommandName") or "*"
        shown = [c for c in shown if asked == "*" or c.lower() in asked.lower().split(",")]
        return json_reply(200, {"value": [{"exportedCmdlets": ",".join(shown)}]}, request_id=str(uuid.uuid4()))

    # One command --------------------------------------------------------------------------

    def _invoke(
        self, request: Request, query: dict[str, str], headers: Headers, entry: LogEntry, token: Token
    ) -> Reply:
        tenant = token.tenant
        if "$skiptoken" in query:
            return self._next_page(request, query, entry, tenant)
        name, given = _cmdlet_of(entry.body)
        cmdlet = known_cmdlet(name)
        if not name:
            return error_reply(binding("The CmdletInput names no cmdlet."))
        if cmdlet is None or not cmdlets.allowed(tenant, token.object_id, token.directory_roles, cmdlet):
            return self._forbidden(
                tenant, f"The role assigned to application {token.app_id} isn't supported for {name}."
            )
        try:
            bound = bind(cmdlet, given)
            outcome = cmdlets.run(tenant, token.object_id, token.directory_roles, cmdlet, bound)
        except NotAllowed:
            return self._forbidden(tenant, f"The cmdlet {name} is not known to the caller.")
        except ExchangeError as error:
            return error_reply(error, tenant.settings.exchange_old_errors)
        if not is_read(cmdlet) and not outcome.rows:
            return self._quiet_success(request, entry, outcome.warnings)
        rows, warnings, following = self._page(tenant, cmdlet, bound, headers, outcome)
        return self._rows(request, query, rows, warnings, following)

    def _page(
        self, tenant: Tenant, cmdlet: str, bound: dict[str, Any], headers: Headers, outcome: cmdlets.Outcome
    ) -> tuple[list[Object], list[str], str | None]:
        """Cuts the rows: ResultSize first, then the page size that was preferred or is usual."""
        rows, warnings = outcome.rows, list(outcome.warnings)
        asked = bound.get("ResultSize")
        if isinstance(asked, int) and len(rows) > asked:
            rows, warnings = rows[:asked], [*warnings, MORE]
        preferred = re.search(r"odata\.maxpagesize=(\d+)", headers.get("Prefer") or "")
        if preferred:
            size = min(int(preferred[1]), LARGEST_PAGE) or LARGEST_PAGE
        elif cmdlet in PAGED and asked is None:
            size = min(tenant.settings.page_size, LARGEST_PAGE)
        else:
            return rows, warnings, None
        if len(rows) <= size:
            return rows, warnings, None
        mark = uuid.uuid4().hex
        self._pages[mark] = (rows[size:], size)
        return rows[:size], warnings, mark

    def _next_page(self, request: Request, query: dict[str, str], entry: LogEntry, tenant: Tenant) -> Reply:
        """The link of a next page is bound to one server and usually fails at once."""
        kept = self._pages.pop(query["$skiptoken"], None)
        if kept is None or not tenant.settings.exchange_next_link_works:
            kind = "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"
            return error_reply(ExchangeError(kind, EXPIRED_PAGE, error_id=""))
        rows, size = kept
        mark = None
        if len(rows) > size:
            mark = uuid.uuid4().hex
            self._pages[mark] = (rows[size:], size)
        return self._rows(request, query, rows[:size], [], mark)

    def _rows(
        self, request: Request, query: dict[str, str], rows: list[Object], warnings: list[str], mark: str | None
    ) -> Reply:
        wanted = [name.strip() for name in query.get("$select", "").split(",") if name.strip()]
        body = self._envelope(request, warnings)
        body["value"] = [_with_types(_chosen(row, wanted)) for row in rows]
        if mark is not None:
            body["@odata.nextLink"] = f"{request.root}{request.path}?%24skiptoken={mark}"
        return json_reply(200, body, request_id=str(uuid.uuid4()))

    def _envelope(self, request: Request, warnings: list[str]) -> Object:
        base = request.path.rsplit("/", 1)[0]
        return {
            "@odata.context": f"{request.root}{base}/$metadata#Collection(Exchange.CmdletOutput)",
            "adminapi.warnings@odata.type": "#Collection(String)",
            "@adminapi.warnings": warnings,
        }

    def _quiet_success(self, request: Request, entry: LogEntry, warnings: list[str]) -> Reply:
        """No rows: value is empty, null or missing, or there is no body at all - all four occur."""
        self._quiet += 1
        body = self._envelope(request, warnings)
        form = self._quiet % 4
        if form == 0 and not warnings:
            return Reply(200, {"request-id": str(uuid.uuid4())}, b"")
        if form == 1:
            body["value"] = []
        elif form == 2:
            body["value"] = None
        return json_reply(200, body, request_id=str(uuid.uuid4()))

    # $batch -------------------------------------------------------------------------------

    def _batch(self, request: Request, entry: LogEntry, token: Token) -> Reply:
        listed = request.body.get("requests")
        if not isinstance(listed, list) or not listed or len(entry.inner) != len(listed):
            return error_reply(binding("The batch holds no requests."))
        if len(listed) > 10:
            return error_reply(binding("A batch holds at most 10 requests."))
        ids = [item.get("id") for item in listed]
        if any(not isinstance(one, str) or not one for one in ids) or len(set(ids)) != len(ids):
            return error_reply(binding("Every request of a batch has an id of its own."))
        answers = [self._item(request, item, inner, token) for item, inner in zip(listed, entry.inner, strict=True)]
        return json_reply(200, {"responses": list(reversed(answers))}, request_id=str(uuid.uuid4()))

    def _item(self, request: Request, item: dict[str, Any], inner: LogEntry, token: Token) -> Object:
        fault = self.world.faults.strike(inner, inner=True)
        reply = answer_of(fault, inner) if fault else self.world.throttled(inner)
        match = PATH.match(inner.path)
        if reply is None and (match is None or match["what"] != "InvokeCommand" or inner.method != "POST"):
            reply = error_reply(binding("The url of a batched request is the whole InvokeCommand URL."))
        elif reply is None and not token.tenant.is_named(str(match and match["tenant"])):
            reply = self._forbidden(token.tenant, "The token's tenant is not the tenant of the request.")
        elif reply is None:
            reply = self._invoke(request, inner.query, Headers(inner.headers), inner, token)
        inner.status = reply.status
        answer: Object = {"id": item["id"], "status": reply.status, "headers": reply.headers}
        try:
            answer["body"] = json.loads(reply.body) if reply.body else {}
        except ValueError:
            answer["body"] = {}
        return answer


def _chosen(row: Object, wanted: list[str]) -> Object:
    if not wanted:
        return row
    known = {name.lower(): name for name in row}
    return {known[name.lower()]: row[known[name.lower()]] for name in wanted if name.lower() in known}


def _with_types(row: Object) -> Object:
    """Adds the side-car keys that say a value's type."""
    shown: Object = {}
    for name, value in row.items():
        if isinstance(value, list):
            shown[f"{name}@odata.type"] = "#Collection(String)"
        elif isinstance(value, str) and GUID.match(value) and name.endswith("Guid"):
            shown[f"{name}@data.type"] = "System.Guid"
        elif isinstance(value, str) and DATE.match(value):
            shown[f"{name}@data.type"] = "System.DateTime"
        elif isinstance(value, int) and not isinstance(value, bool):
            shown[f"{name}@data.type"] = "System.UInt32" if "Limit" in name else "System.Int32"
        shown[name] = value
    return shown
