# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits of more and more tenants by one task: time, memory, and whether it grows with their number and no faster.

In each fleet of a hundred and more, two tenants throttle and one never answers. When the healthy ones were done is
told by the tenants' own log. The tenants are served by the process of the bench, on the same processors.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

from .arena import Arena, Disappointed
from .rows import Found, Row, Run, Settings, in_turns, medians, say

HEALTHY, WHOLE, MEMORY = 30.0, 60.0, 500.0  # seconds for a thousand, seconds, MiB
AUDIT = "webex_connect.office365.audit"
MODULE = "webex_connect.office365.connect_email_info"
DEAD = 3600.0  # seconds until an answer
LOGIN = ("tenant_id", "client_id", "client_secret")
ENDPOINTS = ("authority_host", "graph_endpoint", "exchange_endpoint", "ca_path")


@dataclass
class Audit:
    run: Run
    healthy: float  # seconds from the first request to the last answer of a healthy tenant
    served: float  # seconds of processor time that the tenants took
    states: dict[str, str]


def measure(settings: Settings) -> Found:
    if settings.inventory:
        return _of_an_inventory(settings)
    found = Found()
    say(f"fleet: {', '.join(map(str, settings.sizes))} tenants, {settings.latency * 1000:.0f} ms a request")
    points: list[tuple[int, float]] = []
    audits: dict[int, list[Audit]] = {size: [] for size in settings.sizes}
    for number in range(settings.rounds):
        for size in settings.sizes:
            audits[size].append(_audit(settings, size, number))
            last = audits[size][-1]
            say(f"  {size} tenants: {last.run.seconds:.1f} s, {last.run.memory:.0f} MiB")
    for size, of_size in audits.items():
        seconds = statistics.median(audit.run.seconds for audit in of_size)
        points.append((size, seconds))
        found.rows += _rows(size, seconds, of_size)
    found.points["audit of a fleet"] = points
    found.rows += _linear(
        {size: statistics.median(audit.healthy for audit in of_size) for size, of_size in audits.items()}
    )
    return found


def _of_an_inventory(settings: Settings) -> Found:
    """Tenants that are not simulated tell nothing of themselves, so this is the whole of audit.yml."""
    arena = Arena(settings.folder / "audit", settings.inventory, settings.extra)
    say(f"audit.yml, {settings.rounds} rounds")
    folder = arena.folder / "report"
    of_report = json.dumps({"connect_report_dir": str(folder), "connect_report_fail_on": "never"})
    taken = in_turns(settings.rounds, {"audit": lambda: arena.run(AUDIT, "-e", of_report)})
    count = len(json.loads((folder / "report.json").read_text())["reports"])
    middle = medians(taken.seconds)["audit"]
    row = Row(
        f"audit.yml, {count} tenants, whole run with start-up",
        f"{middle:.1f} s",
        "",
        f"{middle / count * 1000:.0f} ms a tenant",
        figures={"tenants": count, **taken.figures},
    )
    return Found([row], {"audit": [(count, middle)]})


def _rows(size: int, seconds: float, audits: list[Audit]) -> list[Row]:
    healthy = statistics.median(audit.healthy for audit in audits)
    memory = max(audit.run.memory for audit in audits)
    is_limited = size == 1000
    figures: dict[str, object] = {
        "tenants": size,
        "seconds": [round(audit.run.seconds, 2) for audit in audits],
        "healthy": [round(audit.healthy, 2) for audit in audits],
        "cpu_ours": [round(audit.run.cpu, 2) for audit in audits],
        "cpu_simulated_tenants": [round(audit.served, 2) for audit in audits],
        "mib": [round(audit.run.memory) for audit in audits],
    }
    cpu = statistics.median(audit.run.cpu for audit in audits)
    served = statistics.median(audit.served for audit in audits)
    return [
        Row(
            f"audit of {size} tenants, whole run with start-up",
            f"{seconds:.1f} s",
            f"{WHOLE:.0f} s" if is_limited else "",
            f"{seconds / size * 1000:.0f} ms a tenant",
            seconds <= WHOLE if is_limited else None,
            figures,
        ),
        Row(
            f"audit of {size} tenants, until the last healthy one was read",
            f"{healthy:.1f} s",
            f"{HEALTHY:.0f} s" if is_limited else "",
            f"processor: ours {cpu:.0f} s, the simulated tenants {served:.0f} s",
            healthy <= HEALTHY if is_limited else None,
        ),
        Row(
            f"audit of {size} tenants, memory at the highest",
            f"{memory:.0f} MiB",
            f"{MEMORY:.0f} MiB" if is_limited else "",
            "",
            memory <= MEMORY if is_limited else None,
        ),
    ]


def _linear(healthy: dict[int, float]) -> list[Row]:
    """Cost of one more tenant, over the upper half against the lower: more than linear would raise it."""
    sizes = sorted(healthy)
    if len(sizes) < 3:
        return []
    low, middle, high = sizes[0], sizes[len(sizes) // 2], sizes[-1]
    first = (healthy[middle] - healthy[low]) / (middle - low)
    second = (healthy[high] - healthy[middle]) / (high - middle)
    return [
        Row(
            f"one more tenant, from {middle} to {high} tenants",
            f"{second * 1000:.1f} ms",
            f"{first * 1000:.1f} ms, from {low} to {middle}",
            f"{second / first:.2f} (at most 1.5: linear)",
            second <= 1.5 * first,
        )
    ]


def _audit(settings: Settings, size: int, number: int) -> Audit:
    arena = Arena(settings.folder / f"fleet-{size}-{number}")
    tenants = arena.add(size, ready=True, latency=settings.latency)
    odd = _make_odd(tenants) if size >= 100 else {}
    arena.serve()
    begun = time.process_time()
    try:
        run = arena.run(_playbook(arena))
    finally:
        arena.stop()
    log = [entry for entry in arena.world.log if entry.tenant_id not in odd]
    states = json.loads((arena.folder / "states.json").read_text())
    unexpected = {name: state for name, state in states.items() if state != "ok" and odd.get(_id(arena, name)) != state}
    if unexpected or len(states) != size:
        raise Disappointed(f"{len(states)} of {size} tenants were audited; not as expected: {unexpected}")
    healthy = (max(entry.time for entry in log) - min(entry.time for entry in log)).total_seconds()
    return Audit(run, healthy + settings.latency, time.process_time() - begun, states)


def _id(arena: Arena, name: str) -> str:
    return str(arena.hosts[name]["connect_email_tenant_id"])


def _make_odd(tenants: list[Any]) -> dict[str, str]:
    """Two that throttle and one that is dead, in the midst of the others; and what each has to end as."""
    third = len(tenants) // 3
    for tenant in (tenants[third], tenants[2 * third]):
        tenant.settings.throttle.every = 3
        tenant.settings.throttle.retry_after = 2
    dead = tenants[len(tenants) // 2]
    dead.settings.latency = DEAD
    return {tenants[third].tenant_id: "ok", tenants[2 * third].tenant_id: "ok", dead.tenant_id: "unreachable"}


def _playbook(arena: Arena) -> str:
    """One task, as audit.yml has it. Without an inventory of a thousand hosts, whose cost is Ansible's own."""
    entries = [
        {
            "name": name,
            **{option: host["connect_email_" + option] for option in LOGIN},
            "wanted": {k: v for k, v in host.items() if k.removeprefix("connect_email_") not in LOGIN},
        }
        for name, host in arena.hosts.items()
    ]
    path = arena.folder / "tenants.json"
    path.write_text(json.dumps(entries))
    os.chmod(path, 0o600)
    endpoints = {name: arena.endpoints[name] for name in ENDPOINTS}
    states = "{{ dict(audit.reports.keys() | zip(audit.reports.values() | map(attribute='state'))) | to_json }}"
    tasks = [
        {MODULE: {"tenants": f"{{{{ lookup('file', '{path}') | from_json }}}}", **endpoints}, "register": "audit"},
        {"ansible.builtin.copy": {"content": states, "dest": str(arena.folder / "states.json"), "mode": "0600"}},
    ]
    return arena.playbook("fleet", tasks, hosts="localhost")
