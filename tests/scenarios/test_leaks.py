# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret, token, assertion or key in anything that a run shows or leaves behind, whatever it does and however it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from staging import COLLECTIONS, OURS, ROOT, Outcome, Stage, eventually, kill

PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
PASSWORD = "Pa55word-of-a-test-certificate"
FEDERATED = "federated-token-of-a-test-which-is-no-real-one"
LOUD = ("-vvvv", "--diff")


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
        while not self._over.wait(0.02):
            for process in Path("/proc").iterdir():
                if process.name.isdigit():
                    try:
                        self.seen.add(
                            (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                        )
                    except OSError:
                        continue


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

    def environment(self, **more: str) -> dict[str, str]:
        folder = self.stage.folder
        (folder / "tmp").mkdir(exist_ok=True)
        return {
            "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
            "ANSIBLE_CACHE_PLUGIN": "jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(folder / "facts"),
            "ANSIBLE_PIPELINING": "true",
            "TMPDIR": str(folder / "tmp"),
            **more,
        }

    def run(self, playbook: str, *arguments: str) -> Outcome:
        outcome = self.stage.run(*LOUD, *arguments, playbook=playbook, **self.environment())
        self.outputs.append(outcome.output)
        return outcome

    def texts(self) -> dict[str, str]:
        """Whatever nobody may see, and what it is."""
        world, found = self.stage.world, dict.fromkeys(self.given, "a credential of the admin identity")
        for tenant in world.tenants:
            found.update(dict.fromkeys(tenant.secret_texts.values(), "a secret"))
        for token in world.tokens.issued:
            found.update(dict.fromkeys(token.split(".")[1:], "a token"))
        for entry in world.requests("login"):
            assertion = entry.body.get("client_assertion") if isinstance(entry.body, dict) else None
            if assertion:
                found.update({part: "an assertion" for part in assertion.split(".") if len(part) > 15})
        return found

    def leaks(self, secrets: dict[str, str]) -> dict[str, set[str]]:
        """What of it is where: ``output``, ``processes``, or a file's path inside the stage."""
        places = {"output": "\n".join(self.outputs), "processes": "\n".join(self.processes.seen)}
        for path in self.stage.folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and path not in self.allowed:
                places[str(path.relative_to(self.stage.folder))] = path.read_bytes().decode("utf-8", "replace")
        # JSON inside JSON, and a key over several lines.
        found = {
            place: {what for text, what in secrets.items() if text in content or json.dumps(text)[1:-1] in content}
            | ({"a hint"} if re.search(r"""["']hint\\*["']\s*[:=]""", content) else set())
            for place, content in places.items()
        }
        return {place: whats for place, whats in found.items() if whats}


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


@pytest.fixture
def watched(stage: Stage) -> Iterator[Watched]:
    """Three ways to sign in: a secret in the worker, a certificate in a module, a federated token without the rights."""
    with Processes() as processes:
        yield Watched(stage, processes)


def furnish(watched: Watched) -> None:
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
    stage.inventory()
    watched.given |= {"fake-admin-secret-of-contoso", PASSWORD, FEDERATED, *key_lines.splitlines()}
    watched.allowed |= {path, token, folder / "inventory.yml"}
    for tenant in stage.world.tenants:
        watched.allowed.add(stage.output_dir / "secrets" / tenant.tenant_id / "webexconnect.yml")


def run_in_runner(watched: Watched, playbook: str, monkeypatch: pytest.MonkeyPatch) -> ansible_runner.Runner:
    """As AWX starts a playbook."""
    folder = watched.stage.folder
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    (folder / "runner").mkdir(exist_ok=True)
    result = ansible_runner.run(
        private_data_dir=str(folder / "runner"),
        playbook=playbook,
        inventory=str(folder / "inventory.yml"),
        cmdline=" ".join(LOUD),
        quiet=True,
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_HOME": str(folder / "ansible"),
            **watched.environment(),
        },
    )
    watched.outputs.append(result.stdout.read())
    return result


ARGUMENTS: dict[str, dict[str, Any]] = {
    "azure_app_registration": {"display_name": "WebexConnect"},
    "app_secret": {
        "app_id": "{{ app_id }}",
        "display_name": "a second one",
        "return_secret_text": True,
        "prove": True,
    },
    "exchange_app_permission": {"app_id": "{{ app_id }}"},
    "admin_consent": {"app_id": "{{ app_id }}", "include_unlisted": True},
    "mailbox_smtp_auth": {"mailbox": "support@{{ inventory_hostname }}.example"},
    "mailbox_forwarding": {
        "mailbox": "support@{{ inventory_hostname }}.example",
        "forwarding_address": "a@mail-us.imiconnect.io",
    },
    "user_consent_policy": {},
    "external_forwarding_policy": {"mailboxes": ["support@{{ inventory_hostname }}.example"]},
    "app_mailbox_scope": {"app_id": "{{ app_id }}", "mailboxes": ["support@{{ inventory_hostname }}.example"]},
    "handoff_sheet": {
        "path": "{{ connect_email_output_dir }}/{{ inventory_hostname }}.md",
        "asset": {
            "mailbox": "support@{{ inventory_hostname }}.example",
            "forwarding_address": "a@mail-us.imiconnect.io",
            "callback_url": "https://contoso.us.webexconnect.io/callback",
        },
        "application": {"app_id": "{{ app_id }}"},
        # Handed over by mistake.
        "secret": {"secret_text": "{{ (lookup('ansible.builtin.file', store) | from_yaml).secrets[0].secret_text }}"},
    },
}
ARGUMENTS["smtp_oauth_info"] = {
    "app_id": "{{ app_id }}",
    "app_secret_store": {"path": "{{ store }}"},
    "callback_url": "https://contoso.us.webexconnect.io/callback",
    "mailbox": "support@{{ inventory_hostname }}.example",
    "smtp_host": "{{ connect_email_smtp_host }}",
    "smtp_port": "{{ connect_email_smtp_port }}",
    "login": True,
}
ARGUMENTS["readiness_page"] = {
    "path": "{{ connect_email_output_dir }}/{{ inventory_hostname }}-ready.md",
    "name": "{{ inventory_hostname }}",
    "report": {
        "error": None,
        "tenant": {"id": "{{ connect_email_tenant_id }}"},
        "assets": [],
        "steps": [],
        "coverage": [],
    },
    "checks": [],
}
LOGIN = [
    "tenant_id", "client_id", "client_secret", "client_certificate_path", "client_certificate_password",
    "authority_host", "graph_endpoint", "exchange_endpoint", "ca_path",
]  # fmt: skip


def play_of_every_module(watched: Watched) -> str:
    """Each module as it succeeds, as it is refused, and as its options are wrong."""
    login = {name: f"{{{{ connect_email_{name} | default(omit, true) }}}}" for name in LOGIN}
    tasks = []
    for module in MODULES:
        arguments = ARGUMENTS.get(module, {})
        keywords = {"no_log": True} if arguments.get("return_secret_text") else {}
        for name, more in (
            ("succeeds", {}),
            ("is refused", {"tenant_id": "nowhere.example"}),
            ("is wrong", {"colour": "red"}),
        ):
            tasks.append(
                {"name": f"{module} {name}", OURS + module: {**arguments, **more}, "ignore_errors": True, **keywords}
            )
    play = {
        "hosts": "contoso:fabrikam",
        "gather_facts": False,
        "module_defaults": {"group/webex_connect.office365.tenant": login},
        "vars": {
            "store": "{{ connect_email_output_dir }}/secrets/{{ connect_email_tenant_id }}/webexconnect.yml",
            "app_id": "{{ (lookup('ansible.builtin.file', store) | from_yaml).secrets[0].app_id }}",
        },
        "tasks": tasks,
    }
    path = watched.stage.folder / "modules.yml"
    path.write_text(yaml.safe_dump([play]))
    return str(path)


def test_no_run_shows_or_leaves_a_secret(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(watched)
    stage = watched.stage
    known: dict[str, str] = {}
    result = run_in_runner(watched, OURS + "onboard", monkeypatch)
    assert set(result.stats["ok"]) >= {"contoso", "fabrikam"}, watched.outputs[-1][-4000:]
    assert set(result.stats["failures"]) == {"tailspin"}, watched.outputs[-1][-4000:]
    events = [json.loads(path.read_text()) for path in (stage.folder / "runner").rglob("job_events/*.json")]
    assert [event for event in events if event["event"] == "runner_on_failed"]

    assert watched.run(play_of_every_module(watched)).code == 0, watched.outputs[-1][-4000:]
    known.update(watched.texts())

    for host in ("contoso", "fabrikam"):
        tenant = stage.world.tenant_named(f"{host}.example")
        assert tenant is not None
        for secret in tenant.applications[0]["passwordCredentials"]:
            secret["startDateTime"] = (tenant.now() - timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
        (store,) = (stage.output_dir / "secrets" / tenant.tenant_id).iterdir()
        store.write_text(re.sub("start: .*", f"start: '{secret['startDateTime']}'", store.read_text()))
    now = ("-e", "connect_email_secret_rotate_now=true", "-e", "connect_email_secret_prove_timeout=1")
    others = [name for name in PLAYBOOKS if name not in ("onboard", "rotate_secrets", "offboard", "restore")]
    assert watched.run(OURS + "rotate_secrets", *now).of("contoso"), watched.outputs[-1][-4000:]
    for playbook in others:
        watched.run(OURS + playbook)
    known.update(watched.texts())

    # A store whose text is wrong, a service that refuses, an identity that is unknown.
    (store,) = (stage.output_dir / "secrets" / stage.hosts["contoso"]["connect_email_tenant_id"]).iterdir()
    kept = store.read_text()
    store.write_text(re.sub("secret_text: .*", "secret_text: another-text-of-a-test", kept))
    watched.given.add("another-text-of-a-test")
    refused = watched.run(OURS + "rotate_secrets", *now, "--limit", "contoso")
    assert refused.failures("contoso")
    store.write_text(kept)
    watched.run(
        OURS + "onboard",
        "--limit",
        "contoso,fabrikam",
        "-e",
        "connect_email_client_id=11111111-1111-4111-8111-111111111111",
    )

    assert watched.run(OURS + "offboard").changed("fabrikam")
    snapshot = sorted((stage.output_dir / "snapshots").glob("fabrikam-*.json"))[-1]
    assert watched.run(OURS + "restore", "-e", f"connect_email_snapshot={snapshot}").changed("fabrikam")

    known.update(watched.texts())
    assert {"a secret", "a token", "an assertion", "a credential of the admin identity"} == set(known.values())
    assert (stage.folder / "ansible.log").stat().st_size > 10000
    assert any("ansible-playbook" in line for line in watched.processes.seen)
    assert any("EXEC /bin/sh" in text for text in watched.outputs)  # what runs in the worker needs no process
    assert watched.leaks(known) == {}


def test_a_killed_run_leaves_no_secret(watched: Watched) -> None:
    furnish(watched)
    stage = watched.stage
    texts: dict[str, str] = {}

    admins = {host["connect_email_client_id"] for host in stage.hosts.values()}
    running: list[subprocess.Popen[str]] = []

    def killing(moment: str) -> Callable[[Any], bool]:
        def strike(entry: Any) -> bool:
            if not entry.path.endswith(moment) or (entry.door == "login" and entry.body["client_id"] in admins):
                return False
            kill(running[-1])
            return True

        return strike

    # When the service has made a secret, while its text is being proved, and when the secret is removed.
    moments = [
        ("onboard", "all", "addPassword"),
        ("rotate_secrets", "add,prove", "/token"),
        ("offboard", "all", "removePassword"),
    ]
    for host in ("contoso", "fabrikam"):
        assert watched.run(OURS + "onboard", "--limit", host, "--tags", "app").code == 0, watched.outputs[-1][-4000:]
        for playbook, tags, moment in moments:
            fault = stage.world.faults.add(when=killing(moment), do="answer_lost")
            made = sum(len(tenant.secret_texts) for tenant in stage.world.tenants)
            running.append(
                stage.start(*LOUD, "--limit", host, "--tags", tags, playbook=OURS + playbook, **watched.environment())
            )
            watched.outputs.append(stage.finish(running[-1]).output)
            assert eventually(lambda fault=fault: fault.struck == 1), watched.outputs[-1][-4000:]
            if moment == "addPassword":
                assert eventually(lambda made=made: sum(len(t.secret_texts) for t in stage.world.tenants) > made)
            assert running[-1].returncode == -signal.SIGKILL
            texts.update(watched.texts())
    assert "a secret" in texts.values()
    assert watched.leaks(texts) == {}


def test_the_watch_finds_what_is_planted(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the silence of the tests above would mean nothing."""
    furnish(watched)
    folder = watched.stage.folder
    planted = "a-text-that-was-planted"
    path = folder / "planted.yml"
    (folder / "planted.txt").write_text(planted)
    watched.allowed.add(folder / "planted.txt")
    tasks = [
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ text }} 'hint': 'abc'"}},
        {"name": "Keep", "ansible.builtin.set_fact": {"planted": "{{ text }}", "cacheable": True}},
        {
            "name": "Start",
            "ansible.builtin.command": {"argv": [sys.executable, "-c", "import time; time.sleep(1)", "{{ text }}"]},
        },
        {
            "name": "Leave",
            "ansible.builtin.copy": {"content": "{{ text }}", "dest": str(folder / "tmp" / "left"), "mode": "0600"},
        },
    ]
    play = {
        "hosts": "contoso",
        "gather_facts": False,
        "vars": {"text": "{{ lookup('ansible.builtin.file', 'planted.txt') }}"},
        "tasks": tasks,
    }
    path.write_text(yaml.safe_dump([play]))
    assert watched.run(str(path)).code == 0, watched.outputs[-1][-4000:]
    run_in_runner(watched, str(path), monkeypatch)
    found = watched.leaks({planted: "the planted one"})
    found_in = {place for place, whats in found.items() if "the planted one" in whats}
    assert found_in >= {"output", "processes", "ansible.log", "tmp/left", "record-1.jsonl"}
    assert any(place.startswith("facts/") for place in found_in)
    assert any("job_events" in place for place in found_in)
    assert "a hint" in found["output"]
