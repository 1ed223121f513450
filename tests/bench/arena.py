# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where it is measured: tenants and their inventory, and runs of ``ansible-playbook`` with time, memory and CPU.

The tenants are simulated ones that this process serves, or those of an inventory that was given.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Running, Tenant, World, serve

from .rows import Run

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / "build" / "collections"
RECORD = ROOT / "tests" / "scenarios" / "callback_plugins"
BIN = Path(sys.executable).parent
GROUP = "webex_connect_tenants"
LOGIN = (
    "tenant_id", "client_id", "client_secret", "authority_host", "graph_endpoint", "exchange_endpoint", "ca_path",
)  # fmt: skip
FOREIGN = ("ANSIBLE_", "AZURE_", "WEBEX_CONNECT_")
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"


class Disappointed(Exception):
    """What was to be measured did not come about."""


class Arena:
    """Tenants, their inventory and a folder to run in."""

    def __init__(self, folder: Path, inventory: str | None = None, extra: Sequence[str] = ()) -> None:
        self.folder = folder
        self.world = World()
        self.hosts: dict[str, dict[str, Any]] = {}
        self.running: Running | None = None
        self.endpoints: dict[str, str] = {}
        self.environment: dict[str, str] = {}  # of its runs, next to what they have anyway
        self._given = str(Path(inventory).absolute()) if inventory else None
        self._extra = [part for text in extra for part in ("-e", text)]
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_simulated(self) -> bool:
        return self._given is None

    # Tenants

    def add(self, count: int, ready: bool = False, latency: float = 0.0) -> list[Tenant]:
        """So many more tenants, each with one asset; ``ready`` ones are as the role leaves them."""
        added = []
        for _index in range(count):
            number = len(self.hosts)
            name, domain = f"tenant{number:04}", f"tenant{number:04}.example"
            tenant = self.world.add_tenant(f"7a9e3c55-0b6f-4f0e-8a55-{number:012}", domain=domain, latency=latency)
            client_id, secret = f"c0000000-0000-4000-8000-{number:012}", f"fake-admin-secret-of-{name}"
            tenant.add_admin(client_id, secret)
            asset = {"mailbox": f"support@{domain}", "forwarding_address": f"{number:032x}@mail-us.imiconnect.io"}
            self.hosts[name] = {
                "connect_email_tenant_id": tenant.tenant_id,
                "connect_email_client_id": client_id,
                "connect_email_client_secret": secret,
                "connect_email_callback_url": f"https://{name}.us.webexconnect.io/callback",
                "connect_email_assets": [asset],
            }
            if ready:
                make_ready(tenant, client_id, self.hosts[name])
            else:
                tenant.add_mailbox(asset["mailbox"])
            added.append(tenant)
        return added

    def serve(self, *names: str) -> Running:
        """``names``: hosts that the certificate is for as well."""
        self.running = serve(self.world, self.folder / "served", names=names)
        self.endpoints = self.running.endpoints
        return self.running

    def stop(self) -> None:
        if self.running is not None:
            self.running.stop()

    def inventory(self) -> str:
        if self._given is not None:
            return self._given
        for_all = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "connect_email_output_dir": str(self.folder / "output"),
            **{f"connect_email_{name}": value for name, value in self.endpoints.items()},
        }
        path = self.folder / "inventory.json"
        path.write_text(json.dumps({GROUP: {"hosts": self.hosts, "vars": for_all}}))
        return str(path)

    # Runs

    def playbook(self, name: str, tasks: list[dict[str, Any]], hosts: str = GROUP) -> str:
        """A playbook of these tasks, ours signed in as the role signs in."""
        login = {option: f"{{{{ connect_email_{option} | default(omit, true) }}}}" for option in LOGIN}
        play = {
            "hosts": hosts,
            "gather_facts": False,
            "module_defaults": {"group/webex_connect.office365.tenant": login},
            "tasks": tasks,
        }
        path = self.folder / f"{name}.yml"
        path.write_text(yaml.safe_dump([play]))
        return str(path)

    def run(
        self,
        playbook: str,
        *arguments: str,
        collections: Path = INSTALLED,
        programs: Path = BIN,
        record: Path | None = None,
    ) -> Run:
        """One run of ``ansible-playbook``, its start-up included. One that fails ends the bench."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        if not self.is_simulated:
            kept = {**os.environ}
        environment = {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            **self.environment,
        }
        if record is not None:
            record.write_text("")
            environment.update(
                ANSIBLE_CALLBACK_PLUGINS=str(RECORD), ANSIBLE_CALLBACKS_ENABLED="record", RECORD_PATH=str(record)
            )
        command = [programs / "ansible-playbook", playbook, "-i", self.inventory(), *self._extra, *arguments]
        with (self.folder / "output.log").open("w+", encoding="utf-8") as log:
            begun, used = time.monotonic(), os.times()
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            with Watch(process.pid) as watch:
                code = process.wait()
            seconds, after = time.monotonic() - begun, os.times()
            log.seek(0)
            output = log.read()
        if code:
            raise Disappointed(f"{playbook} {' '.join(arguments)} ended with {code}:\n{output[-3000:]}")
        cpu = sum(after[2:4]) - sum(used[2:4])
        return Run(seconds, cpu, watch.peak / 1024, output)


def make_ready(tenant: Tenant, client_id: str, wanted: dict[str, Any]) -> None:
    """As onboard.yml leaves a tenant, so that a thousand of them are made in seconds."""
    (asset,) = wanted["connect_email_assets"]
    tenant.add_mailbox(asset["mailbox"], smtp_auth_disabled=False, forwarding_smtp_address=asset["forwarding_address"])
    app = tenant.add_application(
        "WebexConnect", created_by_app_id=client_id, redirect_uris=[wanted["connect_email_callback_url"]]
    )
    app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] = True
    resources = {sp["appId"]: sp for sp in tenant.service_principals}
    app["requiredResourceAccess"] = [
        {
            "resourceAppId": resource,
            "resourceAccess": [
                *(
                    {"id": role["id"], "type": "Role"}
                    for role in resources[resource]["appRoles"]
                    if role["value"] in roles
                ),
                *(
                    {"id": scope["id"], "type": "Scope"}
                    for scope in resources[resource]["oauth2PermissionScopes"]
                    if scope["value"] in scopes
                ),
            ],
        }
        for resource, roles, scopes in ((EXCHANGE, ["Mail.Send"], ["SMTP.Send"]), (GRAPH, [], ["offline_access"]))
    ]
    tenant.add_secret(app, "webex-connect", end=tenant.now() + timedelta(days=170))
    principal = tenant.service_principal(app["appId"])
    tenant.assign_role(principal, EXCHANGE, "Mail.Send")
    tenant.grant_delegated(principal, EXCHANGE, "SMTP.Send")
    tenant.grant_delegated(principal, GRAPH, "offline_access")
    tenant.add_outbound_policy("Webex Connect forwarding", AutoForwardingMode="On")
    tenant.add_outbound_rule("Webex Connect forwarding", "Webex Connect forwarding", From=[asset["mailbox"]])


class Watch:
    """The memory of a process and all that it starts, read every few tenths of a second."""

    def __init__(self, pid: int) -> None:
        self.peak = 0  # KiB
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.3):
            self.peak = max(self.peak, sum(proportional(pid) for pid in self._family()))

    def _family(self) -> set[int]:
        parents = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        family = {self._pid}
        while grown := {child for child, parent in parents.items() if parent in family} - family:
            family |= grown
        return family


def proportional(pid: int) -> int:
    """KiB of one process; what several share is divided among them."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
