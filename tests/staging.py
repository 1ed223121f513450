# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real ``ansible-playbook`` runs of the built and installed collection, against tenants that are served over HTTPS.

The tenants live in the test's own process, so that a test looks at their state and log directly.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Running, Tenant, World, serve

ROOT = Path(__file__).parents[1]
COLLECTIONS = ROOT / "build" / "collections"
ONBOARD = "webex_connect.office365.onboard"
OURS = "webex_connect.office365."
# Without what comes before the first write, for a run that is not about it and of many tenants: it takes half as long.
UNREHEARSED = ("--skip-tags", "preflight")


@dataclass
class Outcome:
    """One run: its exit code, all that it printed, and each result as callbacks see it."""

    code: int
    output: str
    results: list[dict[str, Any]] = field(default_factory=list)

    def of(self, host: str | None = None, event: str | None = None) -> list[dict[str, Any]]:
        return [r for r in self.results if host in (None, r["host"]) and event in (None, r["event"])]

    def changed(self, host: str | None = None) -> list[str]:
        return [r["task"] for r in self.of(host) if r["result"].get("changed")]

    def failures(self, host: str | None = None) -> list[str]:
        """The messages of failed tasks, those of loop items included."""
        return [message for result in self.of(host, "failed") for message in messages_of(result["result"])]

    def announced(self) -> list[tuple[str, str, Any, Any, Any]]:
        """What the carried-out steps say of themselves: (host, task, changed, diff, keys of the result), item by item."""
        said = []
        for result in self.results:
            if result["action"].startswith(OURS) and "(" not in result["task"]:
                for item in result["result"].get("results", [result["result"]]):
                    told = {key: sorted(value) if isinstance(value, dict) else None for key, value in item.items()}
                    said.append((result["host"], result["task"], item.get("changed"), item.get("diff"), told))
        return sorted(said, key=lambda item: item[0])


def messages_of(failed: dict[str, Any]) -> list[str]:
    """What a failed task says, or each of its items that failed."""
    # Since ansible-core 2.21 an item tells by its exception that it failed.
    items = [item for item in failed.get("results", []) if item.get("failed") or "exception" in item]
    return [str(part.get("msg")) for part in items or [failed]]


def eventually(look: Callable[[], Any], seconds: float = 10, interval: float = 0.05) -> Any:
    """What ``look`` finds: the served tenants go on for a moment after a run was killed."""
    end = time.monotonic() + seconds
    while not look() and time.monotonic() < end:
        time.sleep(interval)
    return look()


def kill(process: subprocess.Popen[str]) -> None:
    """At once, with all that it has started: Ansible's workers are in sessions of their own, so no group holds them."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    doomed = {process.pid}
    while grown := {child for child, parent in parents.items() if parent in doomed} - doomed:
        doomed |= grown
    for pid in sorted(doomed, reverse=True):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)


class Stage:
    """Tenants, their inventory, and a folder to run in."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.folder = folder
        self.hosts: dict[str, dict[str, Any]] = {}
        self.running: Running | None = None
        self.runs = 0

    def tenant(self, name: str, mailboxes: int = 1, **settings: Any) -> Tenant:
        """A tenant with an admin identity and mailboxes, and the host that stands for it."""
        number = len(self.hosts) + 1
        domain = f"{name}.example"
        tenant = self.world.add_tenant(f"7a9e3c55-0b6f-4f0e-8a55-0000000000{number:02}", domain=domain, **settings)
        client_id, secret = f"c0000000-0000-4000-8000-0000000000{number:02}", f"fake-admin-secret-of-{name}"
        tenant.add_admin(client_id, secret)
        assets = []
        for index in range(mailboxes):
            address = f"support{index or ''}@{domain}"
            tenant.add_mailbox(address)
            assets.append({"mailbox": address, "forwarding_address": f"{number:031x}{index:x}@mail-us.imiconnect.io"})
        self.hosts[name] = {
            "connect_email_tenant_id": tenant.tenant_id,
            "connect_email_client_id": client_id,
            "connect_email_client_secret": secret,
            "connect_email_callback_url": f"https://{name}.us.webexconnect.io/callback",
            "connect_email_assets": assets,
        }
        return tenant

    def serve(self) -> None:
        self.running = serve(self.world, self.folder / "served", smtp_port=0)

    @property
    def output_dir(self) -> Path:
        return self.folder / "output"

    def inventory(self) -> Path:
        assert self.running is not None
        endpoints = {f"connect_email_{name}": value for name, value in self.running.endpoints.items()}
        content = {
            "webex_connect_tenants": {
                "hosts": self.hosts,
                "vars": {
                    "ansible_connection": "local",
                    "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    "connect_email_output_dir": str(self.output_dir),
                    **endpoints,
                },
            }
        }
        path = self.folder / "inventory.yml"
        path.write_text(yaml.safe_dump(content))
        return path

    def start(
        self, *arguments: str, playbook: str = ONBOARD, inventory: Path | None = None, **environment: str
    ) -> subprocess.Popen[str]:
        """A run that goes on while the test does; with the inventory of this stage unless another is named."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AZURE_", "WEBEX_CONNECT_", "ANSIBLE_"))}
        return subprocess.Popen(
            [
                Path(sys.executable).parent / "ansible-playbook",
                playbook,
                "-i",
                inventory or self.inventory(),
                *arguments,
            ],
            cwd=self.folder,
            env={**kept, **self.settings(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def settings(self) -> dict[str, str]:
        """Of Ansible, for the next run."""
        self.runs += 1
        self.record.touch()
        return {
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "scenarios" / "callback_plugins"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_NOCOLOR": "true",
            "RECORD_PATH": str(self.record),
        }

    @property
    def record(self) -> Path:
        return self.folder / f"record-{self.runs}.jsonl"

    def run(
        self, *arguments: str, playbook: str = ONBOARD, inventory: Path | None = None, **environment: str
    ) -> Outcome:
        return self.finish(self.start(*arguments, playbook=playbook, inventory=inventory, **environment))

    def finish(self, process: subprocess.Popen[str]) -> Outcome:
        try:
            output, errors = process.communicate(timeout=300)
        except BaseException:
            kill(process)
            raise
        return self.outcome(process.returncode, output + errors)

    def outcome(self, code: int, output: str) -> Outcome:
        return Outcome(code, output, [json.loads(line) for line in self.record.read_text().splitlines()])
