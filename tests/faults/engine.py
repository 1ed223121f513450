# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs our playbooks in this process, against a World that is called as a function, while time is only told.

It is Ansible that runs: its engine reads the playbook, works out every option, and carries the tasks out through our
action plugins, so no list of tasks is kept here that could differ from the role. Three things are not as they are for a
user, so that a run takes a moment and thousands can be afforded: a task is not given to a forked worker, HTTP is a
function call to the World, and whoever waits moves the clock on. No thread runs beside it, so this process can be
forked in the middle of a run.
"""

from __future__ import annotations

import copy
import io
import os
import pickle
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.executable = os.path.abspath(sys.executable)  # spelled otherwise, the actions would start modules, which call out
os.environ.update(
    ANSIBLE_COLLECTIONS_PATH=str(ROOT / "build" / "collections"),
    ANSIBLE_HOME=str(ROOT / "build" / "ansible"),
    ANSIBLE_LOCALHOST_WARNING="false",
    ANSIBLE_NOCOLOR="true",
)
for name in [name for name in os.environ if name.startswith(("AZURE_", "WEBEX_CONNECT_", "AWX_"))]:
    del os.environ[name]

# Ansible reads its settings when it is imported.
import jinja2  # noqa: E402
from ansible import constants  # noqa: E402
from ansible._internal._task import TaskContext  # noqa: E402
from ansible.cli.playbook import PlaybookCLI  # noqa: E402
from ansible.executor import task_queue_manager  # noqa: E402
from ansible.executor.playbook_executor import PlaybookExecutor  # noqa: E402
from ansible.executor.process.worker import WorkerProcess  # noqa: E402
from ansible.inventory.manager import InventoryManager  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins import strategy  # noqa: E402
from ansible.plugins.callback import CallbackBase  # noqa: E402
from ansible.plugins.loader import init_plugin_loader  # noqa: E402
from ansible.vars.manager import VariableManager  # noqa: E402

from simulated_tenant import ConnectionLost, World  # noqa: E402
from staging import messages_of  # noqa: E402

PLAYBOOKS = "webex_connect.office365."
PLUGINS = "ansible_collections.webex_connect.office365.plugins."


class InlineWorker(WorkerProcess):  # type: ignore[misc]
    """Carries a task out where it stands; what a fork would keep to itself is copied before."""

    started = 0

    def is_alive(self) -> bool:
        return False

    def start(self) -> None:
        InlineWorker.started += 1
        parent = self._task._parent
        self._task = self._task.copy(exclude_parent=True)
        self._task._parent = parent
        self._host = copy.copy(self._host)
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
        try:
            with self._context():
                self._run()
        finally:
            sys.stdout, sys.stderr = streams

    def _context(self) -> Any:
        if hasattr(TaskContext, "create"):  # ansible-core 2.21 and later
            return TaskContext.create(task=self._task, task_vars=self._task_vars, host_name=self._host.name)
        return TaskContext(self._task)


class InlineQueue(task_queue_manager.FinalQueue):  # type: ignore[misc]
    """Hands every result over at once, in the way of the thread that Ansible has for it."""

    strategies: list[Any] = []
    deliver = staticmethod(strategy.results_thread_main)

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()

    def put(self, item: Any) -> None:
        self.waiting.append(pickle.dumps(item))
        while not self.strategies:
            time.sleep(0.001)  # the thread that only says which strategy it is of has not begun
        InlineQueue.deliver(self.strategies[-1])

    def get(self) -> Any:
        return pickle.loads(self.waiting.popleft()) if self.waiting else strategy.StrategySentinel()

    def close(self) -> None:
        self.strategies.clear()


class Silence(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "silence"


@dataclass
class Said:
    """What a run said of its tasks."""

    code: int = 0
    changed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waited: list[dict[str, Any]] = field(default_factory=list)


class Listener(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "listener"

    def __init__(self, said: Said) -> None:
        super().__init__()
        self.said = said

    def v2_runner_on_ok(self, result: Any) -> None:
        content = result._result
        if content.get("changed"):
            self.said.changed.append(result._task.get_name().rsplit(" : ", 1)[-1])
        for item in content.get("results", [content]):
            self.said.waited += item.get("waited") or []

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self.said.failures += messages_of(result._result)


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self, start: datetime) -> None:
        self.start = self.now = start

    def utc(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - self.start).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Engine:
    """``run`` is one ``ansible-playbook`` with this inventory. There is one engine in a process."""

    def __init__(self, inventory: Path, world: World, clock: Clock) -> None:
        self.world, self.clock = world, clock
        self.before_request: Callable[[Any], None] = lambda request: None
        PlaybookCLI(["ansible-playbook", PLAYBOOKS + "onboard", "-i", str(inventory)]).parse()
        init_plugin_loader()
        strategy.WorkerProcess = InlineWorker
        strategy.results_thread_main = InlineQueue.strategies.append
        task_queue_manager.FinalQueue = InlineQueue
        for name in ("compile", "compile_expression"):  # or the same templates are compiled hundreds of times
            setattr(jinja2.Environment, name, _remembering(getattr(jinja2.Environment, name)))
        self._loader = DataLoader()
        self._inventory, self._folder = str(inventory), inventory.parent

    def run(self, playbook: str) -> Said:
        said = Said()
        constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(dir=self._folder)
        try:
            self._connect()
            inventory = InventoryManager(loader=self._loader, sources=[self._inventory])
            variables = VariableManager(loader=self._loader, inventory=inventory, version_info={})
            passwords = {"conn_pass": None, "become_pass": None}
            executor = PlaybookExecutor([PLAYBOOKS + playbook], inventory, variables, self._loader, passwords)
            executor._tqm._callback_plugins = [Silence(), Listener(said)]
            for plugin in executor._tqm._callback_plugins:
                plugin._init_callback_methods()
            said.code = int(executor.run())
        finally:
            shutil.rmtree(constants.DEFAULT_LOCAL_TMP, ignore_errors=True)
        return said

    def move_out(self) -> None:
        """For a fork that goes on with a run: its temporary files are no longer those of the run that it came from."""
        folder = tempfile.mkdtemp(dir=self._folder)
        shutil.copytree(constants.DEFAULT_LOCAL_TMP, folder, dirs_exist_ok=True)
        constants.DEFAULT_LOCAL_TMP = folder

    def _connect(self) -> None:
        """Leads the actions to the World. A run knows no token of another one."""
        tenant = import_module(PLUGINS + "module_utils._tenant")
        transport = import_module(PLUGINS + "module_utils._transport")
        shared = import_module(PLUGINS + "plugin_utils._shared_tokens").SharedTokens()

        def carry(request: Any, timeout: float) -> Any:
            self.before_request(request)
            try:
                reply = self.world.handle(request.method, request.url, request.headers, request.body)
            except ConnectionLost as lost:
                raise transport.ConnectionFailed(str(lost), sent=True) from None
            headers = {key.lower(): value for key, value in reply.headers.items()}
            return transport.Response(reply.status, headers, reply.body)

        clock = {"clock": self.clock.monotonic, "sleep": self.clock.sleep, "wall_clock": self.clock.utc}
        import_module(PLUGINS + "plugin_utils._carrier").CONNECT = partial(
            tenant.connect, carrier=carry, shared=shared, **clock
        )


def _remembering(compile: Callable[..., Any]) -> Callable[..., Any]:
    """Without this, the same templates are compiled hundreds of times."""
    known: dict[Any, Any] = {}

    def remembered(self: Any, source: Any, *options: Any, **named: Any) -> Any:
        if not isinstance(source, str):
            return compile(self, source, *options, **named)
        key = (type(self), str(source), options, tuple(sorted(named.items())))
        if key not in known:
            known[key] = compile(self, source, *options, **named)
        return known[key]

    return remembered
