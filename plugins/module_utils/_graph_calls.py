# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""How one talks to Microsoft Graph v1.0: calls, lists to their end, batches of reads, errors."""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional, Tuple, Union
from urllib.parse import quote

from ._errors import (
    AuthenticationFailed,
    NotFound,
    PermissionMissing,
    Refused,
    TenantError,
    UnexpectedReply,
    Unreachable,
)
from ._graph_objects import APPLICATION_PROPERTIES, SERVICE_PRINCIPAL_PROPERTIES
from ._rows import Row, answer_to
from ._service import Service, refuse_login
from ._transport import FINAL, THROTTLED, Response, judge_by_status

BATCH_SIZE = 20  # Graph "Combine multiple requests": at most twenty


def quoted(value: str) -> str:
    """A string inside a key or a filter: single quotes doubled, then percent-encoded."""
    return quote(value.replace("'", "''"), safe="")


def application_path(
    app_id: Optional[str] = None, object_id: Optional[str] = None, unique_name: Optional[str] = None
) -> str:
    if object_id:
        key = "/" + quoted(object_id)
    else:
        key = "({0}='{1}')".format("appId" if app_id else "uniqueName", quoted(app_id or unique_name or ""))
    return "/applications{0}?$select={1}".format(key, APPLICATION_PROPERTIES)


def service_principal_path(app_id: str) -> str:
    return "/servicePrincipals(appId='{0}')?$select={1}".format(quoted(app_id), SERVICE_PRINCIPAL_PROPERTIES)


def judge(response: Response) -> str:
    """A concurrency conflict is a kind of throttling: the service did not act (Graph "Error responses")."""
    if response.status == 409 and error_of(response)[0] == "Directory_ConcurrencyViolation":
        return THROTTLED
    return judge_by_status(response)


def error_of(response: Response) -> Tuple[str, str]:
    """(most specific code, message) of an error body in any of the spellings that are in use."""
    error = response.object().get("error")
    if isinstance(error, str):
        return error, str(response.object().get("error_description", ""))[:500]
    if not isinstance(error, Mapping):
        return "", ""
    message = error.get("message")
    if isinstance(message, Mapping):
        message = message.get("value")
    code = error.get("code")
    details = error.get("details")
    details = details if isinstance(details, list) else [details]
    inner: Any = error
    for _level in range(5):
        inner = inner.get("innerError", inner.get("innererror"))
        if not isinstance(inner, Mapping):
            break
        code = inner.get("code") or code
    for detail in details:
        if isinstance(detail, Mapping):
            code = detail.get("code") or code
            if detail.get("target"):
                message = "{0} ({1})".format(message, detail["target"])
    return str(code or ""), str(message or "")[:500]


class GraphCalls:
    def __init__(self, service: Service) -> None:
        self.service = service
        self._batching = True

    def call(
        self,
        method: str,
        path: str,
        doing: str,
        right: str,
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
        repeatable: Optional[bool] = None,
    ) -> Response:
        """An answer below 400. ``right`` is the application permission to name if it is refused.

        Repeating is taken for harmless unless the call is a POST; an upsert and a duplicate that the
        service reports as such may say so.
        """
        if repeatable is None:
            repeatable = method != "POST"
        url = path if path.startswith("https://") else self.service.base + "/v1.0" + path
        response = self.service.send(method, url, doing, body, headers, repeatable, judge)
        if response.status >= 400:
            raise self.failure(response, doing, right)
        return response

    def failure(self, response: Response, doing: str, right: str) -> TenantError:
        code, text = error_of(response)
        facts: Dict[str, Any] = {
            "status": response.status,
            "code": code,
            "text": text,
            "request_id": _request_id(response),
        }
        said = "Could not {0}: Microsoft Graph answered {1} {2}: {3} (request id {4}).".format(
            doing, response.status, code, text or "no reason given", facts["request_id"]
        )
        if response.status == 401:
            return refuse_login(self.service, response, doing, code, "Check cloud and the endpoints.")
        if response.status == 403 and code not in ("Directory_QuotaExceeded", "Directory_ResourceSizeExceeded"):
            held = right in self.service.roles
            advice = "Grant the admin identity the Microsoft Graph application permission {0}, with admin consent."
            if held:
                advice = "The admin identity holds {0}; a policy, an ownership or a directory role stands against it."
            return PermissionMissing(said, advice.format(right), right=right, held=held, **facts)
        if response.status == 404:
            return NotFound(said, **facts)
        if response.status < 500:
            return Refused(said, **facts)
        return UnexpectedReply(said, "Run again later.", **facts)

    def object(self, path: str, doing: str, right: str) -> Optional[Row]:
        """One object, None if it does not exist (or is not replicated yet)."""
        try:
            return self.row(self.call("GET", path, doing, right), doing)
        except NotFound:
            return None

    def row(self, response: Response, doing: str) -> Row:
        return answer_to(doing, response.object() or None)

    def list(self, path: str, doing: str, right: str) -> List[Row]:
        """Every item, to the end of the last page."""
        return self._collect(self.call("GET", path, doing, right), doing, right)

    def _collect(self, response: Response, doing: str, right: str) -> List[Row]:
        items: List[Row] = []
        seen = set()
        while True:
            page = self.row(response, doing)
            if page.plain().get("value") is None:
                raise UnexpectedReply("The answer to «{0}» is no list.".format(doing))
            items.extend(page.rows("value"))
            link = page.text("@odata.nextLink")
            if not link:
                return items
            if link in seen or not link.startswith("https://"):
                raise UnexpectedReply("The list asked for to «{0}» has a next link that leads nowhere.".format(doing))
            seen.add(link)
            response = self.call("GET", link, doing, right)

    def objects(self, paths: Mapping[str, str], doing: str, right: str) -> Dict[str, Optional[Row]]:
        """Several objects by name of our choice, in one request; None where one does not exist."""
        found: Dict[str, Optional[Row]] = {}
        for name, response in self._read_many(paths, doing).items():
            if response.status == 404:
                found[name] = None
            elif response.status >= 400:
                raise self.failure(response, doing, right)
            else:
                found[name] = self.row(response, doing)
        return found

    def lists(self, paths: Mapping[str, Tuple[str, str]], doing: str) -> Dict[str, List[Row]]:
        """Several whole lists by name of our choice, each as (path, right); their first pages in one request."""
        found: Dict[str, List[Row]] = {}
        answers = self._read_many({name: path for name, (path, _right) in paths.items()}, doing)
        for name, response in answers.items():
            right = paths[name][1]
            if response.status >= 400:
                raise self.failure(response, doing, right)
            found[name] = self._collect(response, doing, right)
        return found

    def each(
        self, paths: Mapping[str, Tuple[str, str]], lists: Collection[str], doing: str
    ) -> Dict[str, Union[Row, List[Row], TenantError, None]]:
        """Several reads by name of our choice, each as (path, right) and by itself: an object, None where it does
        not exist, a whole list for the names in ``lists``, or why it was not read."""
        found: Dict[str, Union[Row, List[Row], TenantError, None]] = {}
        answers = self._read_many({name: path for name, (path, _right) in paths.items()}, doing)
        for name, response in answers.items():
            right = paths[name][1]
            try:
                if response.status == 404:
                    found[name] = None
                elif response.status >= 400:
                    raise self.failure(response, doing, right)
                else:
                    found[name] = self._collect(response, doing, right) if name in lists else self.row(response, doing)
            except (AuthenticationFailed, Unreachable):
                raise
            except TenantError as failure:
                found[name] = failure
        return found

    def _read_many(self, paths: Mapping[str, str], doing: str) -> Dict[str, Response]:
        """The answers to several GETs. What a batch does not answer for good is asked for by itself."""
        names = list(paths)
        answers: Dict[str, Response] = {}
        if len(names) > 1 and self._batching:
            for start in range(0, len(names), BATCH_SIZE):
                answers.update(self._batch({name: paths[name] for name in names[start : start + BATCH_SIZE]}, doing))
        for name in names:
            if name not in answers:
                url = self.service.base + "/v1.0" + paths[name]
                answers[name] = self.service.send("GET", url, doing, repeatable=True, judge=judge)
        return {name: answers[name] for name in names}

    def _batch(self, paths: Mapping[str, str], doing: str) -> Dict[str, Response]:
        requests = [{"id": str(index), "method": "GET", "url": path} for index, path in enumerate(paths.values())]
        response = self.service.send(
            "POST", self.service.base + "/v1.0/$batch", doing, {"requests": requests}, repeatable=True, judge=judge
        )
        if response.status != 200:
            self._batching = False
            return {}
        names = list(paths)
        answers = {}
        for item in self.row(response, doing).rows("responses"):
            number, status = item.text("id") or "", item.number("status") or 0
            if not number.isdecimal() or int(number) >= len(names):
                continue
            headers = {key.lower(): str(value) for key, value in item.row("headers").plain().items()}
            answer = Response(status, headers, b"", item.plain().get("body"))
            # A missing right or a passing fault is asked about once more by itself: only then are
            # Retry-After, claims challenges and the request id the service's own.
            if judge(answer) == FINAL and status not in (0, 401, 424):
                answers[names[int(number)]] = answer
        return answers


def _request_id(response: Response) -> Optional[str]:
    error = response.object().get("error")
    if response.request_id or not isinstance(error, Mapping):
        return response.request_id
    inner = error.get("innerError", error.get("innererror"))
    return str(inner.get("request-id")) if isinstance(inner, Mapping) and inner.get("request-id") else None
