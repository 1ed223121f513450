# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The only place for HTTP: the carrier, host checks, and the one retry loop.

A carrier is a callable from ``(Request, timeout in seconds)`` to ``Response``. The real one wraps
``requests``; tests hand in a simulated tenant. Redirects are never followed by the carrier.

What is repeated (Microsoft Graph "Throttling guidance" and "Error responses"):

* 429, and 503 with ``Retry-After``: always, because the service says that it did not act;
* a connection that was never made: always;
* a lost connection, 408, 500, 502, 503, 504: only where repeating is harmless. Otherwise ``AnswerLost``
  is raised, and the caller has to look before it tries again.
"""

from __future__ import annotations

import json
import os
import random
import re
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

from ._errors import AnswerLost, LibraryMissing, Throttled, TimeIsUp, UnexpectedReply, Unreachable
from ._tls import context_for, refusal_of

FINAL, THROTTLED, UNANSWERED = "final", "throttled", "unanswered"  # what an answer means for the retry loop
LONGEST_STEP = 30.0  # seconds between two tries
MOST_BYTES = 64 << 20  # of one answer; a thousand mailboxes take about one MiB
BELIEVABLE_YEARS = range(2020, 2200)  # of a Date header: with any other, ends of secrets would be beyond all calendars
WAITING_BUDGET = 300.0  # seconds that one task spends on waiting for throttled or failing services


def parse_json(text: str) -> Any:
    """Raises ValueError, also for what is nested too deeply, and for half a surrogate pair: that is no text, and
    could go neither into an address nor onto a screen."""
    try:
        parsed = json.loads(text)
        if "\\u" in text:
            json.dumps(parsed, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return parsed


@dataclass
class Request:
    method: str
    url: str
    headers: Dict[str, str] = field(default_factory=dict)
    body: Optional[bytes] = None


@dataclass
class Response:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    _parsed: Any = field(default=None, repr=False)

    def json(self) -> Any:
        """The parsed body, None for an empty one; raises ValueError for anything that is not JSON."""
        if self._parsed is None and self.body.strip():
            self._parsed = parse_json(self.body.decode("utf-8-sig"))
        return self._parsed

    def object(self) -> Dict[str, Any]:
        """The parsed body if it is a JSON object, otherwise an empty dictionary."""
        try:
            parsed = self.json()
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def request_id(self) -> Optional[str]:
        return self.headers.get("request-id") or self.headers.get("x-ms-request-id")


class ConnectionFailed(Exception):
    """Raised by carriers. ``sent`` is False if the request certainly never reached the service."""

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sent = sent


Carrier = Callable[[Request, float], Response]


def judge_by_status(response: Response) -> str:
    """What an answer means; a success whose body is no JSON (cut short, a gateway's page) is none."""
    if response.status == 429 or (response.status == 503 and "retry-after" in response.headers):
        return THROTTLED
    if response.status in (408, 500, 502, 503, 504):
        return UNANSWERED
    if 200 <= response.status < 300:
        try:
            response.json()
        except ValueError:
            return UNANSWERED
    return FINAL


# Anything else in an authority, above all a backslash, is read by urllib3 in another way than by urlsplit.
_PLAIN_AUTHORITY = re.compile(r"(?:(?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?|\[[0-9a-f:.]+\])(?::[0-9]*)?\Z", re.IGNORECASE)


def origin_of(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) in comparable form; raises ValueError for anything without a plain host."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.netloc.isascii() or not _PLAIN_AUTHORITY.match(parts.netloc):
        raise ValueError("no plain host in the address")
    return parts.scheme.lower(), parts.hostname.lower().rstrip("."), parts.port or 443


def presentable(url: str) -> str:
    """For messages: whatever stands before an @, in a query or in a fragment can be a password or a token."""
    shown = re.sub(r"^([a-z0-9+.-]*://)?.*@", r"\1…@", url, flags=re.DOTALL | re.IGNORECASE)
    return re.sub(r"([?#]).*", r"\1…", shown, flags=re.DOTALL)


class Transport:
    """Sends requests for one task, within one budget of waiting."""

    def __init__(
        self,
        carrier: Carrier,
        timeout: float = 30,
        max_retries: int = 5,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        wall_clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._carrier = carrier
        self._timeout = timeout
        self._max_retries = max_retries
        self._waited = 0.0
        self._skew = timedelta(0)
        self._wall_clock = wall_clock
        self._end: Optional[float] = None
        self.clock = clock
        self.sleep = sleep

    def now(self) -> datetime:
        """UTC by the service's clock (its last ``Date``), so that a wrong local clock harms no secret."""
        return self._wall_clock() + self._skew

    def end_in(self, seconds: float) -> None:
        """For one tenant among several: no request begins, and none is waited for, after so many seconds."""
        self._end = self.clock() + seconds

    def end_with(self, other: Transport) -> None:
        self._end = other._end

    def _time_left(self, doing: str) -> float:
        left = self._timeout if self._end is None else self._end - self.clock()
        if left <= 0:
            raise TimeIsUp("Could not {0}: the time for this tenant is over.".format(doing), "Give it more time.")
        return min(left, self._timeout)

    def send(
        self,
        method: str,
        url: str,
        doing: str,
        headers: Optional[Mapping[str, str]] = None,
        body: Optional[bytes] = None,
        repeatable: bool = False,
        judge: Callable[[Response], str] = judge_by_status,
    ) -> Response:
        """The final answer, whatever its status; an error that is no answer only after the last try.

        ``doing`` completes "could not …" in messages. Raises Throttled, Unreachable, AnswerLost, and
        UnexpectedReply for a success that nobody can read: it is neither a success nor an empty answer.
        """
        host = _checked_host(url, doing)
        sent_headers = {"client-request-id": str(uuid.uuid4()), "User-Agent": "webex_connect.office365"}
        sent_headers.update(headers or {})
        request = Request(method, url, sent_headers, body)
        facts: Dict[str, Any] = {"host": host, "client_request_id": sent_headers["client-request-id"]}
        attempt = 0
        while True:
            try:
                response = self._carrier(request, self._time_left(doing))
            except ConnectionFailed as failure:
                if failure.sent and not repeatable:
                    raise _lost(doing, host, "the connection broke: " + failure.reason, facts) from None
                if not self._pause(attempt, None):
                    raise Unreachable(
                        "Could not {0}: no answer from {1} ({2}).".format(doing, host, failure.reason),
                        "Check the network, proxy and firewall between this machine and that host.",
                        **facts,
                    ) from None
                attempt += 1
                continue
            self._learn_time(response)
            verdict = judge(response)
            if verdict == FINAL:
                return response
            facts.update(status=response.status, request_id=response.request_id)
            if verdict == UNANSWERED and not repeatable:
                raise _lost(doing, host, "it answered {0}".format(response.status), facts)
            patience = _retry_after(response, self.now())
            if not self._pause(attempt, patience):
                if verdict == UNANSWERED and response.status < 300:
                    raise UnexpectedReply(
                        "Could not {0}: {1} answered {2} with something that is no JSON (request id {3}).".format(
                            doing, host, response.status, response.request_id
                        ),
                        "Look for a proxy or gateway in between, and check the endpoints.",
                        **facts,
                    )
                if verdict == UNANSWERED:
                    return response
                raise Throttled(
                    "Could not {0}: {1} is throttling (status {2}, request id {3}) and asked for {4} patience.".format(
                        doing,
                        host,
                        response.status,
                        response.request_id,
                        "more" if patience is None else "{0:.0f} seconds of".format(patience),
                    ),
                    "Run again later, or with fewer forks.",
                    **facts,
                )
            attempt += 1

    def _pause(self, attempt: int, wanted: Optional[float]) -> bool:
        """Waits before try number attempt + 2; False if the tries or the budget are used up."""
        if attempt >= self._max_retries:
            return False
        step = min(2.0**attempt, LONGEST_STEP) * random.uniform(0.75, 1.0)
        if wanted is not None:
            step = wanted
        if self._waited + step > WAITING_BUDGET or (self._end is not None and self.clock() + step >= self._end):
            return False
        self._waited += step
        self.sleep(step)
        return True

    def _learn_time(self, response: Response) -> None:
        said = _time_of(response.headers.get("date", ""))
        if said is None or said.year not in BELIEVABLE_YEARS:
            return
        skew = said - self._wall_clock()
        self._skew = skew if abs(skew) > timedelta(seconds=5) else timedelta(0)


def _lost(doing: str, host: str, how: str, facts: Dict[str, Any]) -> AnswerLost:
    return AnswerLost(
        "Could not {0}: no usable answer came from {1} ({2}), and it may have acted.".format(doing, host, how),
        "Run again: the next run looks at what is there first.",
        **facts,
    )


def _checked_host(url: str, doing: str) -> str:
    try:
        scheme, host, _port = origin_of(url)
    except ValueError as problem:
        raise UnexpectedReply("Could not {0}: {1}.".format(doing, problem)) from None
    if scheme != "https":
        raise UnexpectedReply("Could not {0}: the address at {1} is not https.".format(doing, host))
    return host


def _retry_after(response: Response, now: datetime) -> Optional[float]:
    """Seconds that the service asked for (RFC 9110: a number or a date), None if it did not say."""
    said = response.headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        return max(0.0, float(said)) if said.lower() not in ("nan", "inf", "-inf", "infinity") else None
    except ValueError:
        pass
    until = _time_of(said)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _time_of(text: str) -> Optional[datetime]:
    """A time of a header (RFC 9110), None for anything else: a time without a zone is no moment."""
    try:
        said = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    return said if said.tzinfo else None


_ADAPTERS: Dict[Any, Any] = {}
_ADAPTERS_LOCK = threading.Lock()
_SETTINGS: Dict[Any, Any] = {}
# What requests reads for an address of https.
ENVIRONMENT = (
    "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
)  # fmt: skip
MOST_CONNECTIONS = 256  # kept open to one host


class RequestsCarrier:
    """One ``requests`` session: redirects are not followed, .netrc is not read.

    Proxies are those of the environment (HTTPS_PROXY, NO_PROXY). Sessions that trust the same authorities share their
    connections, because all tenants are at the same few hosts; cookies and tokens are of one session.
    """

    def __init__(self, verify: Any = True) -> None:
        self._verify = verify
        self._session: Any = None

    def _opened(self, requests: Any) -> Any:
        session = requests.Session()
        # Without an auth of its own, a session takes one from .netrc and overwrites the token.
        session.auth = lambda prepared: prepared
        session.adapters.clear()
        with _ADAPTERS_LOCK:
            if self._verify not in _ADAPTERS:
                _ADAPTERS[self._verify] = self._connections(requests)
        session.mount("https://", _ADAPTERS[self._verify])
        return session

    def _connections(self, requests: Any) -> Any:
        context = context_for(self._verify)

        class Adapter(requests.adapters.HTTPAdapter):  # type: ignore[misc]
            def init_poolmanager(self, *arguments: Any, **settings: Any) -> None:
                super().init_poolmanager(*arguments, ssl_context=context, **settings)

            def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
                return super().proxy_manager_for(proxy, ssl_context=context, **settings)

        return Adapter(pool_connections=32, pool_maxsize=MOST_CONNECTIONS)

    def _of_the_environment(self, url: str) -> Any:
        """What requests makes of it for a host. It looks through all variables for that, twice."""
        place = self._verify, urlsplit(url).netloc, *map(os.environ.get, ENVIRONMENT)
        if place not in _SETTINGS:
            _SETTINGS[place] = self._session.merge_environment_settings(url, {}, True, self._verify, None)
        return _SETTINGS[place]

    def __call__(self, request: Request, timeout: float) -> Response:
        requests = import_library("requests")
        if self._session is None:
            self._session = self._opened(requests)
        errors = requests.exceptions
        try:
            asked = requests.Request(request.method, request.url, headers=request.headers, data=request.body)
            prepared = self._session.prepare_request(asked)
            settings = self._of_the_environment(prepared.url)
            answer = self._session.send(prepared, timeout=timeout, allow_redirects=False, **settings)
            body = _body_of(answer)
        except errors.SSLError as failure:
            reason = _plain(failure)
            raise refusal_of(urlsplit(request.url).hostname, reason) or ConnectionFailed(reason, sent=True) from None
        except (errors.ConnectTimeout, errors.ProxyError) as failure:
            raise ConnectionFailed(_plain(failure), sent=False) from None
        except (errors.InvalidURL, errors.InvalidSchema, errors.InvalidHeader, errors.MissingSchema) as failure:
            raise UnexpectedReply(
                "{0} could not be called: {1}.".format(urlsplit(request.url).hostname, _plain(failure)),
                "Nothing was sent. Check the variables HTTPS_PROXY and NO_PROXY.",
            ) from None
        except errors.ConnectionError as failure:
            raise ConnectionFailed(_plain(failure), sent="NewConnectionError" not in repr(failure)) from None
        except errors.RequestException as failure:
            raise ConnectionFailed(_plain(failure), sent=True) from None
        except UnicodeError:
            raise UnexpectedReply("The address {0!r} cannot be called.".format(request.url[:200])) from None
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, body)


def _body_of(answer: Any) -> bytes:
    """Read to its end, but no further than any answer of these services goes."""
    parts, size = [], 0
    for part in answer.iter_content(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MOST_BYTES:
            answer.close()
            raise ConnectionFailed("the answer has more than {0} MiB".format(MOST_BYTES >> 20), sent=True)
    return b"".join(parts)


def _plain(failure: BaseException) -> str:
    """The innermost reason, without the address (which can hold identities) and object reprs."""
    reason: Any = failure
    while True:
        inner = getattr(reason, "reason", None) or next(
            (arg for arg in getattr(reason, "args", ()) if isinstance(arg, BaseException)), None
        )
        if inner is None or inner is reason or isinstance(inner, str):
            break
        reason = inner
    text = str(reason).rsplit("object at", 1)[-1]
    return "{0}: {1}".format(type(reason).__name__, text.split(">: ", 1)[-1])


def import_library(name: str) -> Any:
    """A third-party package, on first use; a missing one is reported with the interpreter that lacks it."""
    import importlib
    import sys

    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise LibraryMissing(
            "The Python package {0!r} is not installed for {1} ({2}).".format(name, sys.executable, problem),
            "Install it there, or set ansible_python_interpreter to an interpreter that has it"
            " (with a local connection: {{ ansible_playbook_python }}).",
            library=name,
            interpreter=sys.executable,
        ) from None
