# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are watched wherever Ansible shows or leaves something, and a play of every module.

A new module needs an entry in ``ARGUMENTS``; without one the tests of leaks fail.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ansible_runner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from plays import play
from simulated_tenant import Tenant
from staging import OURS, ROOT, Outcome, Stage, eventually, kill

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
PASSWORD = "Pa55word-of-a-test-certificate"
FEDERATED = "federated-token-of-a-test-which-is-no-real-one"
LOUD = ("-vvvv", "--diff")

# How each module succeeds; ``made_<module>`` is the result of one that stands above it. Those without a line of their
# own that matters to another are in the order of the alphabet.
MAILBOX = "support@{{ inventory_hostname }}.example"
APP = {"app_id": "{{ made_azure_app_registration.application.app_id }}"}
NAME = "a second one"
STORE = {"path": "{{ kept }}/{{ inventory_hostname }}.yml"}
ASSET = {
    "mailbox": MAILBOX,
    "forwarding_address": "{{ connect_email_assets[0].forwarding_address }}",
    "callback_url": "{{ connect_email_callback_url }}",
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "azure_app_registration": {"display_name": "WebexConnect"},
    "app_secret": {**APP, "display_name": NAME, "store": STORE, "return_secret_text": True, "prove": True},
    "connect_email_info": {
        "wanted": {
            "connect_email_callback_url": ASSET["callback_url"],
            "connect_email_secret_name": NAME,
            "connect_email_secret_store": STORE,
            "connect_email_assets": [{name: ASSET[name] for name in ("mailbox", "forwarding_address")}],
        }
    },
    "admin_consent": {**APP, "include_unlisted": True},
    "app_mailbox_scope": {**APP, "mailboxes": [MAILBOX]},
    "connect_report_files": {
        "directory": "{{ connect_email_output_dir }}/{{ inventory_hostname }}-report",
        "reports": "{{ made_connect_email_info.reports }}",
        "run": "{{ made_connect_email_info.run }}",
    },
    "exchange_app_permission": APP,
    "external_forwarding_policy": {"mailboxes": [MAILBOX]},
    "handoff_sheet": {
        "path": "{{ connect_email_output_dir }}/{{ inventory_hostname }}.md",
        "asset": ASSET,
        "application": APP,
        # Handed over by mistake.
        "secret": {"secret_text": "{{ made_app_secret.secret.secret_text }}"},
    },
    "mailbox_forwarding": {"mailbox": MAILBOX, "forwarding_address": ASSET["forwarding_address"]},
    "mailbox_smtp_auth": {"mailbox": MAILBOX},
    "readiness_page": {
        "path": "{{ connect_email_output_dir }}/{{ inventory_hostname }}-ready.md",
        "name": "{{ inventory_hostname }}",
        "report": "{{ made_connect_email_info.reports.values() | first }}",
        "checks": [],
    },
    "smtp_oauth_info": {
        **APP,
        "app_secret_name": NAME,
        "app_secret_store": STORE,
        "callback_url": ASSET["callback_url"],
        "mailbox": MAILBOX,
        "smtp_host": "{{ connect_email_smtp_host }}",
        "smtp_port": "{{ connect_email_smtp_port }}",
        "login": True,
    },
    "user_consent_policy": {},
}


class Processes:
    """The command lines of all processes of the system, sampled while something runs."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Processes:
        self._thread.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    try:
                        line = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    except OSError:
                        continue
                    self.seen.add(line.decode("utf-8", "replace"))


@dataclass
class Watched:
    """A stage whose runs are watched wherever Ansible shows or leaves something."""

    stage: Stage
    processes: Processes
    given: set[str] = field(default_factory=set)
    """Credentials that the test itself has put somewhere."""
    allowed: set[Path] = field(default_factory=set)
    """Where they, and the stored texts, are meant to be."""
    outputs: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    """Whatever nobody may see, and what it is."""

    @property
    def environment(self) -> dict[str, str]:
        folder = self.stage.folder
        (folder / "tmp").mkdir(exist_ok=True)
        return {
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_REMOTE_TMP": str(folder / "remote"),
            "TMPDIR": str(folder / "tmp"),
        }

    def run(self, playbook: str, *arguments: str) -> Outcome:
        """As AWX starts a playbook: in ansible-runner, which leaves a folder of events, and caches facts in files."""
        settings = self.stage.settings()
        folder = self.stage.folder / f"runner-{self.stage.runs}"
        folder.mkdir()
        result = ansible_runner.run(
            private_data_dir=str(folder),
            project_dir=str(self.stage.folder),
            playbook=playbook,
            inventory=str(self.stage.inventory()),
            cmdline=" ".join((*LOUD, *arguments)),
            quiet=True,
            envvars={
                **settings,
                **self.environment,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )
        return self._noted(self.stage.outcome(result.rc, result.stdout.read()))

    def run_and_kill(
        self, playbook: str, *arguments: str, at: Callable[[Any], bool], do: str = "answer_lost", later: float = 0
    ) -> None:
        """From a terminal, and killed by the first request that fits, whose answer nobody gets.

        ``later``: so many seconds after it, while the run goes on with its answer.
        """
        running: list[subprocess.Popen[str]] = []

        def strike(entry: Any) -> bool:
            if not at(entry):
                return False
            if later:
                threading.Timer(later, kill, running).start()
                return False
            kill(running[-1])
            return True

        fault = self.stage.world.faults.add(when=strike, do=do)
        running.append(self.stage.start(*LOUD, *arguments, playbook=playbook, **self.environment))
        outcome = self._noted(self.stage.finish(running[-1]))
        assert later or eventually(lambda: fault.struck == 1), outcome.output[-4000:]
        assert running[-1].returncode == -signal.SIGKILL, outcome.output[-4000:]
        self._note()

    def _noted(self, outcome: Outcome) -> Outcome:
        self.outputs.append(outcome.output)
        self._note()
        return outcome

    def _note(self) -> None:
        world, found = self.stage.world, self.known
        found.update(dict.fromkeys(self.given, "a credential of the admin identity"))
        for tenant in world.tenants:
            found.update(dict.fromkeys(tenant.secret_texts.values(), "a secret"))
        for token in world.tokens.issued:
            found.update(dict.fromkeys(token.split(".")[1:], "a token"))
        for entry in world.requests("login"):
            assertion = entry.body.get("client_assertion") if isinstance(entry.body, dict) else None
            if assertion:
                found.update({part: "an assertion" for part in assertion.split(".") if len(part) > 15})

    def leaks(self) -> dict[str, set[str]]:
        """What of it is where: ``output``, ``processes``, or a file's path inside the stage."""
        places = {"output": "\n".join(self.outputs), "processes": "\n".join(self.processes.seen)}
        for path in self.stage.folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path not in self.allowed:
                places[str(path.relative_to(self.stage.folder))] = path.read_bytes().decode("utf-8", "replace")
        # A key over several lines is escaped where it is JSON inside JSON.
        forms = {form: what for text, what in self.known.items() for form in (text, json.dumps(text)[1:-1])}
        found = {
            place: {what for form, what in forms.items() if form in content}
            | ({"a hint"} if re.search(r"""["']hint\\*["']\s*[:=]""", content) else set())
            for place, content in places.items()
        }
        return {place: whats for place, whats in found.items() if whats}

    @property
    def kept(self) -> Path:
        """Where the play of every module stores what it makes."""
        return self.stage.folder / "kept"


def certificate(folder: Path) -> tuple[Path, str, str]:
    """(file with certificate and encrypted key, certificate, the key's lines as one would see them)"""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "automation")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    closed = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked).decode()
    plain = serialization.NoEncryption()
    opened = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()
    path = folder / "automation.pem"
    path.write_text(pem + closed)
    return path, pem, closed.splitlines()[1] + "\n" + opened.splitlines()[5]


def furnish(watched: Watched) -> None:
    """Three ways to sign in: a secret in the worker, a certificate in a module, a federated token without the rights."""
    stage, folder = watched.stage, watched.stage.folder
    stage.tenant("contoso")
    fabrikam, tailspin = stage.tenant("fabrikam"), stage.tenant("tailspin")
    path, pem, key_lines = certificate(folder)
    identity = "c0000000-0000-4000-8000-0000000000f1"
    fabrikam.add_admin(identity, certificate_pem=pem)
    stage.hosts["fabrikam"].update(
        connect_email_client_id=identity,
        connect_email_client_secret="",
        connect_email_client_certificate_path=str(path),
        connect_email_client_certificate_password=PASSWORD,
        # The same interpreter by another name is no longer the controller's own, so its tasks are modules.
        ansible_python_interpreter=str(Path(sys.executable).parent / "python3"),
    )
    federated = "c0000000-0000-4000-8000-0000000000f2"
    tailspin.add_admin(federated, federated_token=FEDERATED, graph_roles=["Application.Read.All"])
    token = folder / "federated.token"
    token.write_text(FEDERATED)
    stage.hosts["tailspin"].update(
        connect_email_client_id=federated, connect_email_client_secret="", connect_email_federated_token_file=str(token)
    )
    stage.serve()
    watched.given |= {"fake-admin-secret-of-contoso", PASSWORD, FEDERATED, *key_lines.splitlines()}
    watched.allowed |= {path, token, folder / "inventory.yml"}
    watched.allowed |= {watched.kept / f"{host}.yml" for host in stage.hosts}
    for tenant in stage.world.tenants:
        watched.allowed.add(stage.output_dir / "secrets" / tenant.tenant_id / "webexconnect.yml")


EVERY_WAY: dict[str, dict[str, Any]] = {
    "succeeds": {},
    "is refused": {"tenant_id": "nowhere.example"},
    "is wrong": {"colour": "red"},
}


def play_of_modules(watched: Watched, *modules: str, ways: tuple[str, ...] = ("succeeds",), wrong_for: str = "") -> str:
    """These modules, or all, in each of these ways; ``wrong_for`` are the tenants where they are called wrongly."""
    missing = set(MODULES) - set(ARGUMENTS)
    assert not missing, f"ARGUMENTS in {Path(__file__).name} lacks how {', '.join(sorted(missing))} succeeds"
    tasks = [
        {
            "name": f"{module} {way}",
            OURS + module: {**ARGUMENTS[module], **EVERY_WAY[way]},
            "ignore_errors": way != "succeeds",
            "when": way != "is wrong" or f"inventory_hostname in '{wrong_for}'",
            "register": f"made_{module}" if way == "succeeds" else "refused",
        }
        for module in ARGUMENTS
        if module in (modules or MODULES)
        for way in ways
    ]
    variables = {"kept": str(watched.kept)}
    return play(watched.stage.folder, *tasks, hosts="contoso:fabrikam", vars=variables)


def run_every_module(watched: Watched, wrong_for: str) -> None:
    """In the worker and as a module; each does what its task says, so that what is searched is not only complaints."""
    outcome = watched.run(play_of_modules(watched, ways=tuple(EVERY_WAY), wrong_for=wrong_for))
    assert outcome.code == 0, outcome.output[-4000:]
    for host in ("contoso", "fabrikam"):
        said = {event: {r["task"] for r in outcome.of(host, event)} for event in ("ok", "failed")}
        assert {f"{module} succeeds" for module in MODULES} <= said["ok"]
        assert {f"{module} is wrong" for module in MODULES if host in wrong_for} <= said["failed"]
        assert {f"{module} is refused" for module in MODULES if is_refused(module)} <= said["failed"]
    assert any("EXEC /bin/sh" in text for text in watched.outputs)  # what runs in the worker needs no process


def is_refused(module: str) -> bool:
    """Whether one that cannot sign in fails. Some do without, and some report just that."""
    resource = importlib.import_module(f"ansible_collections.webex_connect.office365.plugins.modules.{module}").RESOURCE
    return not resource.offline and resource.survey is None and not module.endswith("_info")


def secret_made_days_ago(watched: Watched, host: str, days: int) -> Tenant:
    """The role's secret of this tenant becomes that old, also in its store."""
    tenant = watched.stage.world.tenant_named(f"{host}.example")
    assert tenant is not None
    app = next(app for app in tenant.applications if app["displayName"] == "WebexConnect")
    for secret in app["passwordCredentials"]:
        secret["startDateTime"] = (tenant.now() - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (store,) = (watched.stage.output_dir / "secrets" / tenant.tenant_id).iterdir()
    store.write_text(re.sub("start: .*", f"start: '{secret['startDateTime']}'", store.read_text()))
    return tenant


ROTATE_NOW = ("-e", "connect_email_secret_rotate_now=true", "-e", "connect_email_secret_prove_timeout=1")


def snapshot(watched: Watched, host: str) -> tuple[str, str]:
    path = sorted((watched.stage.output_dir / "snapshots").glob(f"{host}-*.json"))[-1]
    return "-e", f"connect_email_snapshot={path}"


def end_in_proof(watched: Watched, *places: str) -> None:
    """What was searched for was there to be found, and is nowhere."""
    kinds = {"a secret", "a token", "an assertion", "a credential of the admin identity"}
    assert kinds == set(watched.known.values())
    names = [str(path.relative_to(watched.stage.folder)) for path in watched.stage.folder.rglob("*")]
    for place in ("ansible.log", "record-1.jsonl", "job_events/", *places):
        assert any(place in name for name in names), place
    assert any("ansible-playbook" in line for line in watched.processes.seen)
    assert watched.leaks() == {}
