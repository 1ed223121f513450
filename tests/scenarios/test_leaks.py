# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret, token, assertion or key in anything that a run shows or leaves behind: every playbook and every module.

``make leaks`` looks longer: with more tenants, in more ways, and at more moments of a kill.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import yaml

from leak_watch import (
    PLAYBOOKS,
    ROTATE_NOW,
    Watched,
    end_in_proof,
    furnish,
    play_of_modules,
    run_every_module,
    secret_made_days_ago,
    snapshot,
)
from staging import OURS, Outcome

# Those whose order or arguments matter; any other is run between the rotation and the end.
IN_ORDER = {"onboard", "rotate_secrets", "offboard", "restore"}


def test_no_playbook_shows_or_leaves_a_secret(watched: Watched) -> None:
    """Beside the tenant where all goes well, one whose admin identity lacks the rights."""
    furnish(watched)
    stage = watched.stage

    def run(playbook: str, *arguments: str) -> Outcome:
        outcome = watched.run(OURS + playbook, "--limit", "contoso,tailspin", *arguments)
        assert outcome.of("contoso", "ok"), outcome.output[-4000:]
        assert "Traceback" not in outcome.output
        return outcome

    made = run("onboard")
    assert made.changed("contoso")
    assert made.failures("tailspin")
    tenant = secret_made_days_ago(watched, "contoso", 9)
    assert "Its secret" in run("rotate_secrets", *ROTATE_NOW).changed("contoso")
    for playbook in sorted(set(PLAYBOOKS) - IN_ORDER):
        run(playbook)

    # A text in the store that is wrong: the sign-in is asked, and refuses.
    (store,) = (stage.output_dir / "secrets" / tenant.tenant_id).iterdir()
    store.write_text(re.sub("secret_text: .*", "secret_text: another-text-of-a-test", store.read_text()))
    watched.given.add("another-text-of-a-test")
    assert run("rotate_secrets", "--tags", "prove", "-e", "connect_email_secret_prove_timeout=1").failures("contoso")

    assert run("offboard").changed("contoso")
    assert run("restore", *snapshot(watched, "contoso")).changed("contoso")
    end_in_proof(watched)


def test_no_module_shows_or_leaves_a_secret(watched: Watched) -> None:
    furnish(watched)
    run_every_module(watched, wrong_for="contoso")
    end_in_proof(watched)


@pytest.mark.parametrize("host", ["contoso", "fabrikam"], ids=["in-the-worker", "as-a-module"])
def test_a_killed_run_leaves_no_secret(watched: Watched, host: str) -> None:
    """Killed while it holds the new text, and its own credential: the sign-in is about to accept the text.

    Pipelining is not switched on, and still no module's arguments are on disk.
    """
    furnish(watched)
    admins = {host["connect_email_client_id"] for host in watched.stage.hosts.values()}
    play = play_of_modules(watched, "azure_app_registration", "app_secret")
    watched.run_and_kill(
        play,
        "--limit",
        host,
        at=lambda entry: (
            entry.door == "login" and entry.path.endswith("/token") and entry.body["client_id"] not in admins
        ),
    )
    assert "a secret" in watched.known.values()
    assert watched.leaks() == {}


def test_the_watch_finds_what_is_planted(watched: Watched) -> None:
    """Otherwise the silence of the tests above would mean nothing."""
    furnish(watched)
    folder = watched.stage.folder
    planted = "a-text-that-was-planted"
    (folder / "planted.txt").write_text(planted)
    watched.allowed.add(folder / "planted.txt")
    argv = [sys.executable, "-c", "import time; time.sleep(0.5)", "{{ text }}"]
    tasks: list[dict[str, Any]] = [
        {"name": "Show", "ansible.builtin.debug": {"msg": "{{ text }} 'hint': 'abc'"}},
        {"name": "Keep", "ansible.builtin.set_fact": {"planted": "{{ text }}", "cacheable": True}},
        {"name": "Start", "ansible.builtin.command": {"argv": argv}},
        {
            "name": "Leave",
            "ansible.builtin.copy": {"content": "{{ text }}", "dest": str(folder / "tmp" / "left"), "mode": "0600"},
        },
    ]
    text = "{{ lookup('ansible.builtin.file', 'planted.txt') }}"
    play = {"hosts": "contoso", "gather_facts": False, "vars": {"text": text}, "tasks": tasks}
    (folder / "planted.yml").write_text(yaml.safe_dump([play]))
    outcome = watched.run(str(folder / "planted.yml"))
    assert outcome.code == 0, outcome.output[-4000:]
    watched.known[planted] = "the planted one"
    found = watched.leaks()
    found_in = {place for place, whats in found.items() if "the planted one" in whats}
    assert found_in >= {"output", "processes", "ansible.log", "tmp/left", "record-1.jsonl"}
    assert any("/fact_cache/" in place for place in found_in)
    assert any("job_events" in place for place in found_in)
    assert "a hint" in found["output"]
