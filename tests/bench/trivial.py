# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to compare with: the same collection whose every module only imports ``AnsibleModule`` and exits.

It is a copy in a folder of its own; nothing of it is ever built into the collection. A trivial module takes what the
real one takes and returns what the real one once returned, so that the same playbooks run to their end with it.
"""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

PLACE = Path("ansible_collections/webex_connect/office365")
PREFIX = "webex_connect.office365."
PRIVATE = ("invocation", "warnings", "failed", "ansible_loop_var", "item")
TRIVIAL = """#!/usr/bin/python
import json

from ansible.module_utils.basic import AnsibleModule

OPTIONS = json.loads({options!r})
RESULT = json.loads({result!r})


def main():
    module = AnsibleModule(argument_spec={{name: {{"type": "raw"}} for name in OPTIONS}}, supports_check_mode=True)
    module.exit_json(**RESULT)


if __name__ == "__main__":
    main()
"""


def trivial_collections(installed: Path, target: Path, lines: list[dict[str, Any]]) -> Path:
    """A folder for ANSIBLE_COLLECTIONS_PATH. ``lines``: what the real tasks returned, as the callback wrote it."""
    copy = target / PLACE
    shutil.copytree(installed / PLACE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    returned = results_by_module(lines)
    for module in (copy / "plugins" / "modules").glob("*.py"):
        text = TRIVIAL.format(
            options=json.dumps(options_of(module.stem)), result=json.dumps(returned.get(module.stem, {}))
        )
        module.write_text(text, encoding="utf-8")
        (copy / "plugins" / "action" / module.name).unlink(missing_ok=True)
    return target


def options_of(module: str) -> list[str]:
    found = importlib.import_module(f"ansible_collections.{PREFIX}plugins.modules.{module}")
    return sorted(found.RESOURCE.module_arguments()["argument_spec"])


def results_by_module(lines: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["action"].startswith(PREFIX) and line["event"] == "ok":
            for result in line["result"].get("results", [line["result"]]):
                kept = {k: v for k, v in result.items() if k not in PRIVATE and not k.startswith("_ansible")}
                found.setdefault(line["action"].removeprefix(PREFIX), {**kept, "changed": False})
    return found
