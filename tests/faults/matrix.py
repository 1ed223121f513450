# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every request of a tenant's life, met by every fault.

One process lives through onboarding, a rotation in two runs, and offboarding. Before each request, for each fault, it
forks: the fork goes on with the fault, then runs the playbook again without, and is judged by what is in the tenant and
in the files. Two short cuts leave out only what is known already:

* A task that sends the very request again that met the fault, to a tenant in which nothing has changed, gets the answer
  that it would have got without the fault; the rest of the run is the run without faults, and ends as that does.
* A state that an earlier fork of this process has left behind, and from which the plain run was seen to converge, is not
  run from again.

``thorough`` takes neither.
"""

from __future__ import annotations

import difflib
import gc
import json
import os
import pickle
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Union
from urllib.parse import urlsplit

from simulated_tenant import LogEntry, Tenant, World
from simulated_tenant.client import Client
from simulated_tenant.control import state_of

from . import tenants
from .engine import Clock, Engine, InlineWorker, Said
from .picture import counts, picture, stored

DAY = 86400
AUDIENCE = "https://outlook.office365.com/.default"
LONGEST = 900  # seconds that one trial may take on a busy machine
LIFE = (  # phase, playbook, and the days that pass before it
    ("onboard", "onboard", 0),
    ("rotate", "rotate_secrets", 155),
    ("retire", "rotate_secrets", 8),
    ("offboard", "offboard", 1),
)
PAGE = b"<html><head><title>Sign in to the network</title></head><body>Accept the terms.</body></html>"


@dataclass(frozen=True)
class Kind:
    """A fault, and what a run that fails of it has to say."""

    name: str
    do: Union[str, int]
    code: str
    retry_after: Union[int, None] = None
    body: Any = None
    lasts: bool = False


LOST = r"connection broke|no answer|connection was reset"
KINDS = (
    Kind("reset before it acts", "reset_before", LOST),
    Kind("answer lost", "answer_lost", LOST),
    Kind("answer cut short", "truncated", r"answered 20\d|no JSON|no sign-in answer|answer"),
    Kind("429 with Retry-After", 429, "429", retry_after=7),
    Kind("429", 429, "429"),
    Kind("500", 500, "500"),
    Kind("503", 503, "503"),
    Kind("503 with Retry-After", 503, "503", retry_after=7),
    Kind("504", 504, "504"),
    Kind("page of a gateway", "html", "502"),
    Kind("page of a gateway, as a success", 200, "200", body=PAGE),
    Kind("claims challenge", "claims_challenge", "401"),
    Kind("token expired", "token_expired", "401"),
    Kind("down from here on", 503, "503", lasts=True),
    Kind("no answer from here on", "answer_lost", LOST, lasts=True),
    Kind("throttled from here on", 429, "429", lasts=True),
)
OF_ITEMS = (Kind("429", 429, "429"), Kind("500", 500, "500"), Kind("503 with Retry-After", 503, "503", retry_after=7))


@dataclass(frozen=True)
class Trial:
    """A fault that meets a request, or one item of a batch."""

    cell: str
    kind: Kind
    item: Union[int, None] = None


@dataclass
class Verdict:
    """What came of one trial. ``state``: the picture after the run that met the fault, ``end``: after the plain run."""

    cell: str
    faults: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    failed: bool = False
    messages: list[str] = field(default_factory=list)
    state: str = ""
    end: str = ""
    counted: dict[str, int] = field(default_factory=dict)
    like: str = ""  # the cell whose plain run began in the same state
    resumed: bool = False

    @property
    def converged(self) -> bool:
        return not (self.faults or self.lost or self.doubled)

    def compare(self, end: str, counted: dict[str, int]) -> None:
        """With what a run without any fault led to."""
        if self.state and not self.failed and self.state != end:
            self.faults.append("it finished, and left something undone:\n" + difference(end, self.state))
        if self.end and self.end != end:
            self.faults.append("the next run did not converge:\n" + difference(end, self.end))
        self.doubled += [
            f"{found} {kind} instead of {counted[kind]}"
            for kind, found in self.counted.items()
            if found > counted[kind]
        ]


def difference(wanted: str, found: str) -> str:
    lines = difflib.unified_diff(wanted.splitlines(), found.splitlines(), "wanted", "found", lineterm="", n=2)
    return "\n".join(lines)


class Life:
    """``live`` goes through it; ``verdicts`` and ``requests`` are what came of it."""

    def __init__(
        self,
        folder: Path,
        chosen: Callable[[str], bool],
        tell: Callable[[list[Verdict]], None],
        thorough: bool = False,
    ) -> None:
        """``chosen`` says of a cell's name whether it is tried; ``tell`` hears the verdicts of each phase."""
        self.clock = Clock(datetime(2026, 11, 25, 8, 0, tzinfo=UTC))
        self.world = World(self.clock.utc)
        self.tenant: Tenant = tenants.arranged(self.world)
        self.strangers = tenants.of_strangers(self.tenant)
        self.folder, self.output = folder, folder / "output"
        self.engine = Engine(tenants.inventory(self.tenant, folder), self.world, self.clock)
        self.engine.before_request = self._before
        self.chosen, self.tell, self.thorough = chosen, tell, thorough
        self.verdicts: list[Verdict] = []
        self.requests: dict[str, int] = {}
        self.plain_runs = 0
        self._ends: dict[str, Verdict] = {}
        self._trial: Union[Trial, None] = None
        self._met: tuple[Any, ...] = ()

    def live(self) -> None:
        for self.phase, self.playbook, days in LIFE:
            self.clock.sleep(days * DAY)
            self._held, self._ends, first = self._live_keys(), {}, len(self.verdicts)
            self.requests[self.phase] = 0
            try:
                said = self.engine.run(self.playbook)
            except BaseException:
                if self._trial is None:
                    raise
                said = Said(1, failures=[traceback.format_exc()])
            if self._trial is not None:
                self._end_trial(self._judged_or_not(self._trial, said))
            if said.code != 0:
                raise AssertionError(f"{self.phase} fails without any fault: {said.failures}")
            end, number = picture(self.tenant, self.output), counts(self.tenant)
            for verdict in self.verdicts[first:]:
                verdict.compare(end, number)
            self.tell(self.verdicts[first:])

    # Before each request

    def _before(self, request: Any) -> None:
        if self._trial is not None:
            if not (self.thorough or self._trial.kind.lasts) and self._met == self._meeting(request):
                self._end_trial(Verdict(self._trial.cell, resumed=True))
            return
        self.requests[self.phase] += 1
        number = self.requests[self.phase]
        trials = [trial for trial in trials_of(request, self.phase, number) if self.chosen(trial.cell)]
        if not trials:
            return
        self._met = self._meeting(request)
        kept = self.folder / "kept"
        if self.output.exists():
            shutil.copytree(self.output, kept)
        for trial in trials:
            if self._tried(trial):
                return
            shutil.rmtree(self.output, ignore_errors=True)
            if kept.exists():
                shutil.copytree(kept, self.output)
        shutil.rmtree(kept, ignore_errors=True)

    def _meeting(self, request: Any) -> tuple[Any, ...]:
        """What is sent, by which task, and the tenant that it reaches."""
        return InlineWorker.started, request.method, request.url, request.body, repr(state_of(self.tenant))

    def _tried(self, trial: Trial) -> bool:
        """True in the fork, which has to go on."""
        report = self.folder / "verdict"
        report.unlink(missing_ok=True)
        sys.stdout.flush()
        gc.freeze()  # or the first collection in the fork copies all of this process
        pid = os.fork()
        if pid == 0:
            signal.alarm(LONGEST)
            self._trial = trial
            self.engine.move_out()
            self._break(trial)
            return True
        os.waitpid(pid, 0)
        verdict = pickle.loads(report.read_bytes()) if report.exists() else Verdict(trial.cell, ["it did not end"])
        if verdict.end:
            self.plain_runs += 1
            self._ends[verdict.state] = verdict
        self.verdicts.append(verdict)
        return False

    def _break(self, trial: Trial) -> None:
        coming, kind, items = self.world.log[-1].number + 1 if self.world.log else 1, trial.kind, []

        def strikes(entry: LogEntry) -> bool:
            if trial.item is None:
                return entry.number == coming or (kind.lasts and entry.number > coming)
            if entry.number == coming and not entry.inner:
                items.append(entry)
            return len(items) == trial.item + 1

        times = None if kind.lasts else 1
        self.world.faults.add(strikes, kind.do, retry_after=kind.retry_after, times=times, body=kind.body)

    # After the run that met the fault

    def _judged_or_not(self, trial: Trial, said: Said) -> Verdict:
        try:
            return self._judged(trial, said)
        except BaseException:
            return Verdict(trial.cell, [traceback.format_exc()])

    def _end_trial(self, verdict: Verdict) -> None:
        (self.folder / "verdict").write_bytes(pickle.dumps(verdict))
        os._exit(0)

    def _judged(self, trial: Trial, said: Said) -> Verdict:
        verdict = Verdict(trial.cell, failed=said.code != 0)
        self.world.faults.clear()
        if verdict.failed:
            verdict.messages = said.failures
            verdict.faults += complaints(said.failures, self.tenant, trial.kind)
        verdict.state = picture(self.tenant, self.output)
        verdict.lost += self._lost()
        known = self._ends.get(verdict.state)
        if known is not None and not self.thorough:
            verdict.like = known.cell
            return verdict
        self.clock.sleep(60)
        plain = self.engine.run(self.playbook)
        verdict.faults += [f"the next run failed: {message}" for message in plain.failures]
        verdict.lost += self._lost()
        verdict.end, verdict.counted = picture(self.tenant, self.output), counts(self.tenant)
        return verdict

    def _lost(self) -> list[str]:
        """What should be there and is not, or does not work."""
        found = [f"a stranger's object among the {kind}" for kind in tenants.touched(self.tenant, self.strangers)]
        if self.phase == "offboard":
            return found
        live = self._live_keys()
        if self.phase == "rotate" and not self._held <= live:
            found.append("a secret that was valid")
        for entry in stored(self.tenant, self.output):
            text = entry.get("secret_text")
            if text is None:
                continue
            app_id = next((app for app, keys in live_keys(self.tenant).items() if entry["key_id"] in keys), "none")
            answer = Client(self.world, app_id, text, self.tenant.tenant_id).sign_in(AUDIENCE)
            if answer.status != 200:
                found.append(f"the secret in the store, which takes no token: {answer.json().get('error_description')}")
        return found

    def _live_keys(self) -> set[str]:
        return {key for keys in live_keys(self.tenant).values() for key in keys}


def live_keys(tenant: Tenant) -> dict[str, set[str]]:
    return {app["appId"]: {secret["keyId"] for secret in app["passwordCredentials"]} for app in tenant.applications}


def trials_of(request: Any, phase: str, number: int) -> Iterator[Trial]:
    """Each fault that this request can meet."""
    place = urlsplit(request.url)
    name = f"{phase} {number:02} {request.method} {place.path.rsplit('/v1.0', 1)[-1]}"
    name = f"{name} {request.headers.get('X-CmdletName', '')}".strip()
    is_login = "/oauth2/" in place.path or "openid-configuration" in place.path
    for kind in KINDS:
        if not (is_login and kind.code == "401"):
            yield Trial(f"{name}: {kind.name}", kind)
    if place.path.endswith("/$batch"):
        for item in range(len(json.loads(request.body)["requests"])):
            for kind in OF_ITEMS:
                yield Trial(f"{name} item {item}: {kind.name}", kind, item)


def complaints(messages: list[str], tenant: Tenant, kind: Kind) -> list[str]:
    """What the messages of a run that failed leave out."""
    if not messages:
        return ["it failed without a message"]
    found = []
    for message in messages:
        for what, pattern in (
            ("the tenant", re.escape(tenant.tenant_id)),
            ("the request", "[Cc]ould not|answer to"),
            ("the code", kind.code),
        ):
            if not re.search(pattern, message):
                found.append(f"its message leaves out {what}: {message}")
    return found
