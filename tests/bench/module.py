# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our tasks as plain modules, each a process of its own, against modules that do nothing."""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from .arena import INSTALLED, Arena
from .rows import Found, Settings, in_turns, limited, say
from .trivial import trivial_collections

LIMIT = 1.7
TIMES = 3
PREFIX = "webex_connect.office365."


def measure(settings: Settings) -> Found:
    arena = Arena(settings.folder / "module")
    arena.add(1, ready=True)
    arena.serve()
    try:
        return _measure(arena, settings)
    finally:
        arena.stop()


def _measure(arena: Arena, settings: Settings) -> Found:
    ((_name, host),) = arena.hosts.items()
    # The same interpreter by another name is not the controller's own, so that modules are started.
    host["ansible_python_interpreter"] = str(Path(sys.executable).parent / "python3")
    tasks = tasks_of(arena, host)
    once, often = arena.playbook("once", tasks), arena.playbook("often", tasks * (1 + TIMES))
    record = arena.folder / "record.jsonl"
    arena.run(once, record=record)
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    trivial = trivial_collections(INSTALLED, arena.folder / "trivial", lines)
    say(f"module: {len(tasks)} tasks as plain modules, {settings.rounds} rounds")
    taken = in_turns(
        settings.rounds,
        {
            "ours once": lambda: arena.run(once),
            "ours often": lambda: arena.run(often),
            "trivial once": lambda: arena.run(once, collections=trivial),
            "trivial often": lambda: arena.run(often, collections=trivial),
        },
    )

    def each(found: dict[str, list[float]]) -> tuple[float, float]:
        """Net of start-up within each round: between rounds a machine grows faster and slower."""
        ours, trivial = (
            [often - once for often, once in zip(found[f"{name} often"], found[f"{name} once"], strict=True)]
            for name in ("ours", "trivial")
        )
        return (statistics.median(ours) / TIMES / len(tasks), statistics.median(trivial) / TIMES / len(tasks))

    row = limited(
        f"one task as a plain module, mean of {len(tasks)}, net of start-up",
        each(taken.seconds),
        each(taken.cpu),
        LIMIT,
        "trivial module",
        {**taken.figures, "tasks": [next(iter(task)) for task in tasks]},
    )
    return Found([row])


def tasks_of(arena: Arena, host: dict[str, Any]) -> list[dict[str, Any]]:
    """One task of each module that the role uses on a tenant, in the state that is there."""
    app_id = arena.world.tenants[0].applications[0]["appId"]
    (asset,) = host["connect_email_assets"]
    app = {"app_id": app_id}
    return [
        {PREFIX + "azure_app_registration": {**app, "redirect_uris": [host["connect_email_callback_url"]]}},
        {
            PREFIX + "app_secret": {
                **app,
                "display_name": "webex-connect",
                "store": {"path": str(arena.folder / "store.yml")},
            }
        },
        {PREFIX + "exchange_app_permission": app},
        {
            PREFIX + "admin_consent": {
                **app,
                "permissions": [{"resource": "Office 365 Exchange Online", "application": ["Mail.Send"]}],
            }
        },
        {PREFIX + "mailbox_smtp_auth": {"mailbox": asset["mailbox"]}},
        {PREFIX + "user_consent_policy": {}},
        {PREFIX + "external_forwarding_policy": {"mailboxes": [asset["mailbox"]], "state": "gathered"}},
        {PREFIX + "mailbox_forwarding": asset},
    ]
