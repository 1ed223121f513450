# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The long search for leaks (``make leaks``): every playbook as modules too, refused in more ways, killed in the middle."""

from __future__ import annotations

import re
from typing import Any

import pytest

from leak_watch import (
    PLAYBOOKS,
    ROTATE_NOW,
    Watched,
    end_in_proof,
    furnish,
    run_every_module,
    secret_made_days_ago,
    snapshot,
)
from staging import OURS

IN_ORDER = {"onboard", "rotate_secrets", "offboard", "restore"}


def test_no_run_shows_or_leaves_a_secret(watched: Watched) -> None:
    furnish(watched)
    stage = watched.stage
    made = watched.run(OURS + "onboard")
    assert made.changed("contoso")
    assert made.changed("fabrikam")
    assert made.failures("tailspin")
    run_every_module(watched, wrong_for="contoso, fabrikam")
    for host in ("contoso", "fabrikam"):
        tenant = secret_made_days_ago(watched, host, 9)
    assert "Its secret" in watched.run(OURS + "rotate_secrets", *ROTATE_NOW).changed("fabrikam")
    for playbook in sorted(set(PLAYBOOKS) - IN_ORDER):
        watched.run(OURS + playbook)

    # A store whose text is wrong, and an identity that is unknown.
    (store,) = (stage.output_dir / "secrets" / tenant.tenant_id).iterdir()
    kept = store.read_text()
    store.write_text(re.sub("secret_text: .*", "secret_text: another-text-of-a-test", kept))
    watched.given.add("another-text-of-a-test")
    wrong = ("--limit", "fabrikam", "--tags", "prove", "-e", "connect_email_secret_prove_timeout=1")
    assert watched.run(OURS + "rotate_secrets", *wrong).failures("fabrikam")
    store.write_text(kept)
    unknown = ("-e", "connect_email_client_id=11111111-1111-4111-8111-111111111111")
    assert watched.run(OURS + "onboard", "--limit", "contoso,fabrikam", *unknown).failures("fabrikam")

    assert watched.run(OURS + "offboard").changed("fabrikam")
    assert watched.run(OURS + "restore", *snapshot(watched, "fabrikam")).changed("fabrikam")
    end_in_proof(watched)


@pytest.mark.parametrize("host", ["contoso", "fabrikam"])
def test_a_killed_playbook_leaves_no_secret(watched: Watched, host: str) -> None:
    """When the service has made a secret, while its text is being proved, and when the secret is removed."""
    furnish(watched)
    admins = {host["connect_email_client_id"] for host in watched.stage.hosts.values()}

    def at(moment: str) -> Any:
        return lambda entry: (
            entry.path.endswith(moment) and not (entry.door == "login" and entry.body["client_id"] in admins)
        )

    assert watched.run(OURS + "onboard", "--limit", host, "--tags", "app").code == 0, watched.outputs[-1][-4000:]
    for playbook, tags, moment in (
        ("onboard", "all", "addPassword"),
        ("rotate_secrets", "add,prove", "/token"),
        ("offboard", "all", "removePassword"),
    ):
        watched.run_and_kill(OURS + playbook, "--limit", host, "--tags", tags, at=at(moment))
    assert "a secret" in watched.known.values()
    assert watched.leaks() == {}
