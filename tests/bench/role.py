# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run of the role that changes nothing, against the same run with modules that do nothing; and what it asks for."""

from __future__ import annotations

import json
import re
from typing import Any

from .arena import INSTALLED, Arena, Disappointed
from .rows import Found, Row, Settings, counted, in_turns, limited, medians, say
from .trivial import trivial_collections

ONBOARD = "webex_connect.office365.onboard"
LIMIT = 0.4
TOKENS, REQUESTS, CALLS = 2, 14, 30  # of one tenant: a token for each of two services; calls are those within batches
OURS, THEIRS = "role", "role with trivial modules"


def measure(settings: Settings) -> Found:
    arena = Arena(settings.folder / "role", settings.inventory, settings.extra)
    if arena.is_simulated:
        arena.add(settings.tenants)
        arena.serve()
    try:
        return _measure(arena, settings)
    finally:
        arena.stop()


def _measure(arena: Arena, settings: Settings) -> Found:
    tags = [] if settings.rehearsal else ["--skip-tags", "preflight"]
    steps = "whole" if settings.rehearsal else "without its rehearsal"
    record = arena.folder / "record.jsonl"
    if arena.is_simulated:
        say(f"role: onboarding {settings.tenants} simulated tenants")
        arena.run(ONBOARD)
    # In check mode, because tenants that are not simulated shall not be changed by a bench.
    first = arena.run(ONBOARD, "--check", *tags, record=record)
    changed = sum(int(number) for number in re.findall(r"changed=(\d+)", first.output))
    if changed:
        raise Disappointed(f"The role would change something in {changed} tasks; the bench is of a run that does not.")
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    trivial = trivial_collections(INSTALLED, arena.folder / "trivial", lines)
    hosts = sorted({line["host"] for line in lines})
    found = Found(points={OURS: [], THEIRS: []})
    for few in sorted({len(hosts) // 4, len(hosts)} if len(hosts) >= 8 else {len(hosts)}):
        say(f"role: {few} tenants, {steps}, {settings.rounds} rounds")
        limit = ["--limit", ",".join(hosts[:few])]
        taken = in_turns(
            settings.rounds,
            {
                OURS: lambda some=limit: arena.run(ONBOARD, *tags, *some),
                THEIRS: lambda some=limit: arena.run(ONBOARD, *tags, *some, collections=trivial),
            },
        )
        middle, cpu = medians(taken.seconds), medians(taken.cpu)
        for name in (OURS, THEIRS):
            found.points[name].append((few, middle[name]))
        found.rows = [
            limited(
                f"role connect_email, {few} tenants, nothing to change, {steps}",
                (middle[OURS], middle[THEIRS]),
                (cpu[OURS], cpu[THEIRS]),
                LIMIT,
                "trivial modules",
                {**taken.figures, "tenants": few, "rehearsal": settings.rehearsal},
            )
        ]
    if arena.is_simulated:
        found.rows += _asked(arena, tags, hosts[0])
    return found


def _asked(arena: Arena, tags: list[str], host: str) -> list[Row]:
    """What one such run of one tenant sends."""
    before = len(arena.world.log)
    arena.run(ONBOARD, *tags, "--limit", host)
    log: list[Any] = arena.world.log[before:]
    asked = [entry for entry in log if entry.door != "login"]
    what = "of a run for one tenant that changes nothing, without its rehearsal"
    rows = [counted(f"requests to sign in {what}", len(log) - len(asked), TOKENS)]
    if "preflight" in tags:
        rows.append(counted(f"requests {what}, next to those", len(asked), REQUESTS))
        rows.append(counted(f"calls {what}", sum(len(entry.inner) or 1 for entry in asked), CALLS))
    return rows
