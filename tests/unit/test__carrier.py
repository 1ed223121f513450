# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's carrier: what is paid for before the fork, and masking. The rest is in scenarios/test_carriers.py."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.webex_connect.office365.plugins.plugin_utils import _carrier

PLUGINS = Path(__file__).parents[2] / "plugins"
PREFIX = "ansible_collections.webex_connect.office365.plugins.module_utils."
# By those only who have such a store, or whose sign-in was refused.
LATER = ("_stores.hashi_vault", "_stores.key_vault", "_stores.sealed", "_auth_refusals")


def loaded_within_functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    outer = {id(node) for node in tree.body}
    package = ".".join(path.parent.relative_to(PLUGINS / "module_utils").parts)
    for node in tree.body:  # `if TYPE_CHECKING`
        outer |= {id(inner) for inner in getattr(node, "body", []) if isinstance(node, ast.If)}
    return {
        ".".join(part for part in (package if node.level == 1 else "", node.module) if part)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level and node.module and id(node) not in outer
    }


def test_what_is_loaded_on_first_use_is_loaded_before_the_fork() -> None:
    found = set().union(*(loaded_within_functions(path) for path in (PLUGINS / "module_utils").rglob("*.py")))
    assert {"_graph", "_stores.file"} <= found
    assert sorted(found - set(LATER)) == sorted(_carrier.PARTS)


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("mailbox_smtp_auth", {"_graph_calls", "_graph_objects", "_stores.store", "_snapshot", "_auth_refusals"}),
        ("admin_consent", {"_exchange_calls", "_stores.store", "_snapshot", "_auth_refusals"}),
        ("app_secret", {"_exchange_calls", "_snapshot", "_auth_refusals"}),
    ],
)
def test_a_module_loads_only_what_it_needs(module: str, absent: set[str]) -> None:
    """Where it is started as such, all of that is compiled anew for each task."""
    program = f"import sys; import {PREFIX.replace('module_utils.', 'modules.')}{module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PLUGINS.parent / "build" / "tree",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert PREFIX + "_converge" in loaded
    assert not {PREFIX + part for part in absent} & set(loaded)


@pytest.mark.parametrize(
    "result",
    [
        {"msg": "the secret is hidden-1", "changed": False},
        {"hidden-1": ["a", {"b": "xhidden-2x"}], "number": 4711, "none": None},
        {"number": 4711, "deep": {"list": [["hidden-2"]]}},
        {"nothing": "of it"},
    ],
)
def test_masking_is_that_of_core(result: dict[str, Any]) -> None:
    secrets = {"hidden-1", "hidden-2", "4711"}
    assert _carrier.masked(json.loads(json.dumps(result)), secrets) == remove_values(result, secrets)


def test_masking_takes_no_product_of_texts_and_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    monkeypatch.setattr(_carrier, "remove_values", lambda value, secrets: asked.append(secrets) or value)
    result = {"reports": {f"t{number}": {"text": f"of {number}"} for number in range(1000)}, "told": "hidden-7"}
    _carrier.masked(result, {f"hidden-{number}" for number in range(1000)})
    assert asked == [{"hidden-7"}]
