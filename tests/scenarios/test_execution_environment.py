# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution environment is built from: accepted by ansible-builder, and it brings all that the code imports (C31)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import yaml

from staging import COLLECTIONS, ROOT

OURS = COLLECTIONS / "ansible_collections" / "webex_connect" / "office365"


def builder(*arguments: str | Path) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-builder", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def plain(name: str) -> str:
    """A distribution's name without version, extras and markers."""
    return re.split(r"[^\w.-]", name, maxsplit=1)[0].lower().replace("_", "-")


def introspected() -> list[str]:
    found = yaml.safe_load(builder("introspect", "--sanitize", COLLECTIONS))
    return [str(line).partition("#")[0].strip() for line in found["python"]]


def test_the_builder_accepts_the_definition(tmp_path: Path) -> None:
    context = tmp_path / "context"
    builder(
        "create",
        "--file",
        ROOT / "execution-environment.yml",
        "--context",
        context,
        "--output-filename",
        "Containerfile",
    )
    definition = yaml.safe_load((ROOT / "execution-environment.yml").read_text())
    container = (context / "Containerfile").read_text()
    assert definition["images"]["base_image"]["name"] in container
    (wanted,) = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert wanted == {"name": "webex_connect.office365", "version": f">={version.split('-')[0]},<2.0.0"}


def test_the_builder_finds_in_the_built_collection_what_it_says_it_needs() -> None:
    lines = (OURS / "requirements.txt").read_text().splitlines()
    wanted = {line for line in lines if line and not line.startswith("#")}
    left_out = wanted - set(introspected())
    assert set(introspected()) <= wanted
    # The builder drops what ansible-core brings anyway.
    assert {plain(line) for line in left_out} <= {plain(line) for line in requires("ansible-core") or []}


def test_what_the_code_imports_comes_with_what_is_declared() -> None:
    present = {plain(line) for line in introspected()} | {"ansible-core"}
    for name in sorted(present):
        present |= {plain(line) for line in requires(name) or [] if "extra ==" not in line}
    imported = set()
    for path in (OURS / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"ansible_collections"}
    assert {"msal", "requests", "cryptography"} <= foreign
    distributions = packages_distributions()
    for name in sorted(foreign):
        assert {plain(found) for found in distributions[name]} & present, name
