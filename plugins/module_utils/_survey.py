# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Audits several tenants at once, each with its own login, connections, tokens and time.

A tenant is read by two threads, one for Microsoft Graph and one for Exchange Online. Nothing of a tenant waits for
another one; one that is slow or dead is given up when its time is over, and is reported as what it is.
"""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ._errors import InvalidInput, TenantError, TimeIsUp, UnexpectedReply
from ._login import CREDENTIALS, ENDPOINTS, LOGIN_OPTIONS, Login, resolve_login
from ._planning.audit import SCHEMA_VERSION, Subject, report_of
from ._planning.audit_seen import is_silence, nothing_of_the_directory, nothing_of_the_mail
from ._planning.audit_waivers import Waiver, waivers_of
from ._planning.audit_wishes import Wishes, wishes_of
from ._planning.preflight import STEPS, UNASKED
from ._rows import format_time
from ._stores.store import RunVault, Store, open_store
from ._survey_directory import read_directory
from ._survey_groups import MEMBERSHIPS, read_memberships
from ._survey_mail import read_mail
from ._survey_rights import read_rights
from ._tenant import Connect, Tenant

SECONDS, SECONDS_OF_MANY = 120, 30  # that a tenant has, alone and among others
GRACE = 5.0  # seconds beyond a tenant's time until nobody waits for its threads any more
SELDOM = 10_000  # objects more until garbage is looked for: nearly all that is made here are reports, which stay
NOWHERE = "https://unknown.invalid/"  # stands for the callback URL of an entry that cannot be read


@dataclass(frozen=True)
class Place:
    """One tenant to audit. ``login`` is the reason where its entry cannot be used."""

    name: str
    tenant_id: str
    login: Union[Login, TenantError]
    wishes: Wishes
    store: Optional[Store] = None

    @property
    def admin_client_id(self) -> str:
        return self.login.client_id.lower() if isinstance(self.login, Login) else ""


@dataclass(frozen=True)
class Terms:
    connect: Connect
    waivers: Sequence[Waiver]
    deep: bool
    seconds: float
    concurrency: int
    tell: Callable[[str], None]
    steps: Sequence[str] = ()
    """Whose rights are looked at."""


def survey(
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    connect: Connect,
    vault: Optional[RunVault],
    tell: Callable[[str], None],
) -> Dict[str, Any]:
    """The result of connect_email_info. Raises only for what makes the whole task unusable."""
    terms = Terms(
        connect,
        waivers_of(given["waivers"] or []),
        bool(given["deep"]),
        float(given["time_budget"] or (SECONDS if given["tenants"] is None else SECONDS_OF_MANY)),
        max(1, int(given["concurrency"])),
        tell,
        [step for step in STEPS if step not in UNASKED] if given["steps"] is None else given["steps"],
    )
    if given["tenants"] is None:
        login, warnings = resolve_login(given, environ)
        name = given["name"] or login.tenant_id
        wishes = wishes_of(given["wanted"])
        places = [Place(name, login.tenant_id, login, wishes, _store(wishes, vault))]
    else:
        _refuse_namesakes(given["tenants"])
        places, warnings = [], []
        for entry in given["tenants"]:
            place, said = _place(entry, given, environ, vault)
            places.append(place)
            warnings += ["{0}: {1}".format(place.name, text) for text in said]
    if given["rights_only"]:
        return _rights(places, terms, warnings, given["tenants"] is None)
    outcomes = _all(places, terms, _one)
    moments = [moment for _report, moment, _seconds in outcomes.values()]
    return {
        "changed": False,
        "schema_version": SCHEMA_VERSION,
        "tenant_id": outcomes[places[0].name][0]["tenant"]["id"] if given["tenants"] is None else None,
        "reports": {name: outcomes[name][0] for name in sorted(outcomes)},
        "rights": {},
        "run": {
            "at": format_time(min(moments, default=datetime.now(timezone.utc))),
            "tenants": {
                name: {"at": format_time(outcomes[name][1]), "seconds": round(outcomes[name][2], 1)}
                for name in sorted(outcomes)
            },
        },
        "warnings": warnings,
    }


def _rights(places: Sequence[Place], terms: Terms, warnings: List[str], is_single: bool) -> Dict[str, Any]:
    """What the admin identities lack, instead of reports. A single tenant that cannot be signed in to fails the task."""
    found = _all(places, terms, _rights_of)
    if is_single and isinstance(found[places[0].name], TenantError):
        raise found[places[0].name]
    nothing: Dict[str, Any] = {"graph": None, "exchange": None, "lacking": [], "unknown": [], "summary": []}
    for place in places:
        failure = found[place.name]
        if isinstance(failure, TenantError):
            who = {"tenant_id": place.tenant_id, "admin_client_id": place.admin_client_id}
            found[place.name] = {**who, **nothing, "error": str(failure)}
    return {
        "changed": False,
        "schema_version": SCHEMA_VERSION,
        "tenant_id": found[places[0].name]["tenant_id"] if is_single else None,
        "reports": {},
        "rights": {name: found[name] for name in sorted(found)},
        "run": {"at": format_time(datetime.now(timezone.utc)), "tenants": {}},
        "warnings": warnings,
    }


def _rights_of(place: Place, terms: Terms) -> Any:
    try:
        if isinstance(place.login, TenantError):
            raise place.login
        tenant = terms.connect(place.login)
        tenant.end_in(terms.seconds)
        return read_rights(tenant, place.wishes, terms.steps)
    except TenantError as failure:
        return failure
    except Exception as fault:  # one tenant's strange answer must not cost the others what is known of them
        return _unforeseen(fault)


def _unforeseen(fault: Exception) -> TenantError:
    return UnexpectedReply("The audit met something unforeseen ({0}).".format(type(fault).__name__))


def _refuse_namesakes(entries: Sequence[Mapping[str, Any]]) -> None:
    names = [str(entry["name"]) for entry in entries]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput("tenants holds the name {0} more than once.".format(", ".join(twice)))


def _place(
    entry: Mapping[str, Any], given: Mapping[str, Any], environ: Mapping[str, str], vault: Optional[RunVault]
) -> Tuple[Place, List[str]]:
    """What is wrong with one tenant's own entry is that tenant's finding, and stops no other."""
    name, tenant_id = str(entry["name"]), str(entry["tenant_id"]).strip()
    wishes = wishes_of({"connect_email_callback_url": NOWHERE})
    try:
        if entry.get("problem"):
            raise InvalidInput(str(entry["problem"]))
        wishes = wishes_of(entry["wanted"])
        login, warnings = resolve_login(_merged(entry, given), environ)
        return Place(name, login.tenant_id, login, wishes, _store(wishes, vault)), warnings
    except TenantError as problem:
        return Place(name, tenant_id, problem, wishes), []


def _merged(entry: Mapping[str, Any], given: Mapping[str, Any]) -> Dict[str, Any]:
    """A tenant's own login options before the task's. A credential of its own silences the task's, and so with hosts."""
    names = [name for name in LOGIN_OPTIONS if name != "snapshot_path"]
    own = {name: entry[name] for name in names if entry.get(name) not in (None, "")}
    merged = {name: given.get(name) for name in names}
    if any(name in own for name in CREDENTIALS):
        merged.update(dict.fromkeys((*CREDENTIALS, "client_certificate_password")))
    if "cloud" in own or any(name in own for name in ENDPOINTS):
        merged.update(dict.fromkeys(ENDPOINTS))
    return {**merged, **own}


def _store(wishes: Wishes, vault: Optional[RunVault]) -> Optional[Store]:
    """None where only the kind is given, as in the role's default: where the file lies is then not known."""
    options = wishes.secret["store"]
    named = {name: value for name, value in options.items() if value not in (None, "", False)}
    if options.get("type", "file") == "file" and not named.get("path"):
        return None
    return open_store(options, vault)


def _all(places: Sequence[Place], terms: Terms, one: Callable[[Place, Terms], Any]) -> Dict[str, Any]:
    """The outcomes by name. Threads are daemons: one that hangs in the network keeps nothing and nobody."""
    outcomes: Dict[str, Any] = {}
    waiting = list(reversed(places))
    lock = threading.Lock()
    step = max(10, len(places) // 20)

    def work() -> None:
        while True:
            with lock:
                if not waiting:
                    return
                place = waiting.pop()
            outcome = one(place, terms)
            with lock:
                outcomes[place.name] = outcome
                if len(places) > 1 and (len(outcomes) % step == 0 or len(outcomes) == len(places)):
                    terms.tell("audited {0} of {1} tenants".format(len(outcomes), len(places)))

    if len(places) == 1:  # for which no thread is worth its while
        work()
        return outcomes
    workers = [threading.Thread(target=work, daemon=True) for _number in range(min(terms.concurrency, len(places)))]
    thresholds = gc.get_threshold()
    gc.set_threshold(SELDOM, *thresholds[1:])
    try:
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        gc.set_threshold(*thresholds)
    return outcomes


def _one(place: Place, terms: Terms) -> Tuple[Dict[str, Any], datetime, float]:
    started = time.monotonic()
    try:
        if isinstance(place.login, TenantError):
            raise place.login
        graph, exchange = terms.connect(place.login), terms.connect(place.login)
    except TenantError as failure:
        now = datetime.now(timezone.utc)
        return _report(place, failure, failure, place.tenant_id, terms, now), now, 0.0
    end = started + terms.seconds
    directory = _Reader(graph, terms.seconds, lambda tenant: read_directory(tenant, place.wishes, place.store))
    mail = _Reader(exchange, terms.seconds, lambda tenant: read_mail(tenant, place.wishes, terms.deep))
    halves = directory.result(end + GRACE), mail.result(end + GRACE)
    if terms.deep:
        halves = halves[0], _deepened(graph, exchange, place.wishes, halves, end)
    tenant_id = next((t.tenant_id for t in (graph, exchange) if t.tenant_id != place.login.tenant_id), graph.tenant_id)
    now = graph.now()
    report = _report(place, halves[0], halves[1], tenant_id, terms, now)
    return report, now, time.monotonic() - started


class _Reader:
    """One half of a tenant, read by a thread of its own."""

    def __init__(self, tenant: Tenant, seconds: float, read: Callable[[Tenant], Any]) -> None:
        self._found: Any = None
        self._tenant = tenant
        tenant.end_in(seconds)
        self._thread = threading.Thread(target=self._run, args=(read,), daemon=True)
        self._thread.start()

    def _run(self, read: Callable[[Tenant], Any]) -> None:
        try:
            self._found = read(self._tenant)
        except TenantError as failure:
            self._found = failure
        except Exception as fault:  # one tenant's strange answer must not cost the others their reports
            self._found = _unforeseen(fault)

    def result(self, end: float) -> Any:
        """What was read, or why not; nothing is waited for after ``end``."""
        self._thread.join(max(0.0, end - time.monotonic()))
        if self._thread.is_alive() or self._found is None:
            return TimeIsUp("The time for this tenant is over.", "Give it more with time_budget.")
        return self._found


def _deepened(graph: Tenant, exchange: Tenant, wishes: Wishes, halves: Tuple[Any, Any], end: float) -> Any:
    """The half of Exchange Online with who is in which group, for which both halves have to be known."""
    directory, mail = halves
    if isinstance(mail, TenantError):
        return mail
    found = directory
    if not isinstance(directory, TenantError):
        seconds = max(0.0, end - time.monotonic())
        reader = _Reader(exchange, seconds, lambda tenant: read_memberships(graph, tenant, wishes, directory, mail))
        found = reader.result(end + GRACE)
    if isinstance(found, TenantError):
        return replace(mail, unread={**mail.unread, MEMBERSHIPS: found})
    return found


def _report(place: Place, directory: Any, mail: Any, tenant_id: str, terms: Terms, now: datetime) -> Dict[str, Any]:
    failures = [half for half in (directory, mail) if isinstance(half, TenantError)]
    # Only where neither half answered is the tenant out of reach.
    silent = len(failures) == 2 and all(is_silence(failure) for failure in failures)
    error = directory if isinstance(directory, TenantError) else None
    subject = Subject(place.name, tenant_id, place.admin_client_id, error, silent)
    if isinstance(directory, TenantError):
        directory = nothing_of_the_directory(directory)
    if isinstance(mail, TenantError):
        mail = nothing_of_the_mail(mail)
    return report_of(subject, directory, mail, place.wishes, terms.waivers, terms.deep, now)
