# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that a test writes by itself: single tasks of our modules, without the role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from staging import OURS

LOGIN = {
    name: f"{{{{ connect_email_{name} | default(omit, true) }}}}"
    for name in (
        "tenant_id",
        "client_id",
        "client_secret",
        "client_certificate_path",
        "client_certificate_password",
        "authority_host",
        "graph_endpoint",
        "exchange_endpoint",
        "ca_path",
    )
}


def task(name: str, module: str, register: str | None = None, keywords: Any = None, **options: Any) -> dict[str, Any]:
    made = {"name": name, OURS + module: options, **(keywords or {})}
    return {**made, "register": register} if register else made


def play(folder: Path, *tasks: dict[str, Any], **keywords: Any) -> str:
    """The path of a play over all tenants, whose hosts say how their tasks sign in."""
    path = folder / "play.yml"
    made = {
        "hosts": "webex_connect_tenants",
        "gather_facts": False,
        "module_defaults": {f"group/{OURS}tenant": LOGIN},
        "tasks": list(tasks),
        **keywords,
    }
    path.write_text(yaml.safe_dump([made]))
    return str(path)
