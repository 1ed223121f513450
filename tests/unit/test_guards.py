# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds the parts together: documentation, options, the action group, and who may know what."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._stores.store import STORE_OPTIONS

ROOT = Path(__file__).parents[2]
PLUGINS = "ansible_collections.webex_connect.office365.plugins."
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
CODE = sorted((ROOT / "plugins").rglob("*.py"))


def documented(module: str) -> dict[str, Any]:
    """The options of a module and of the fragments that it extends."""
    loaded = importlib.import_module(PLUGINS + "modules." + module)
    documentation = yaml.safe_load(loaded.DOCUMENTATION)
    options = dict(documentation.get("options") or {})
    for name in documentation["extends_documentation_fragment"]:
        fragment, _dot, part = name.removeprefix("webex_connect.office365.").partition(".")
        holder = importlib.import_module(PLUGINS + "doc_fragments." + fragment).ModuleDocFragment
        options.update(yaml.safe_load(getattr(holder, (part or "documentation").upper())).get("options") or {})
    return options


def comparable(option: dict[str, Any], sub: str) -> dict[str, Any]:
    facts = {name: option.get(name) for name in ("type", "elements", "default", "choices")}
    facts["aliases"] = sorted(option.get("aliases") or [])
    facts["required"] = bool(option.get("required"))
    facts[sub] = {name: comparable(inner, sub) for name, inner in (option.get(sub) or {}).items()}
    facts["sub"] = facts.pop(sub)
    return facts


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_says_what_the_code_takes(module: str) -> None:
    resource = importlib.import_module(PLUGINS + "modules." + module).RESOURCE
    spec = resource.module_arguments()["argument_spec"]
    assert {name: comparable(option, "suboptions") for name, option in documented(module).items()} == {
        name: comparable(option, "options") for name, option in spec.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_an_action_takes_what_its_module_takes(module: str) -> None:
    action = importlib.import_module(PLUGINS + "action." + module).ActionModule
    assert action.resource is importlib.import_module(PLUGINS + "modules." + module).RESOURCE


@pytest.mark.parametrize("module", MODULES)
def test_every_option_that_describes_a_store_is_opened_as_one(module: str) -> None:
    """A resource names them, because a module that has none shall not load what they are described by."""
    resource = importlib.import_module(PLUGINS + "modules." + module).RESOURCE
    described = tuple(name for name, option in resource.options.items() if option.get("options") is STORE_OPTIONS)
    assert resource.stores == described


def test_there_is_no_action_without_a_module() -> None:
    assert sorted(path.stem for path in (ROOT / "plugins" / "action").glob("*.py")) == MODULES


def test_the_action_group_holds_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert sorted(runtime["action_groups"]["tenant"]) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_test_and_returns_what_it_documents(module: str) -> None:
    assert (ROOT / "tests" / "unit" / "modules" / f"test_{module}.py").is_file()
    loaded = importlib.import_module(PLUGINS + "modules." + module)
    documented_keys = set(yaml.safe_load(loaded.RETURN))
    assert {"tenant_id", loaded.RESOURCE.key} <= documented_keys


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_only_the_life_cycle_knows_check_mode_and_how_a_task_fails(path: Path) -> None:
    if path.name in ("_converge.py", "_carrier.py"):
        return
    names = {
        getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
        for node in ast.walk(ast.parse(path.read_text()))
    }
    assert not names & {"check_mode", "fail_json", "exit_json", "_check_mode"}


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_planners_do_no_input_or_output(path: Path) -> None:
    imported = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    if path.parent.name == "_planning":
        assert not imported & {"ansible", "requests", "msal", "os", "time", "_transport", "_graph", "_service"}
    if path.name not in ("_transport.py", "_carrier.py"):
        assert not imported & {"requests", "urllib3", "http"}
    if path.name not in ("_transport.py", "_carrier.py", "_smtp.py"):
        assert "socket" not in imported


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_files_are_written_only_where_they_are_replaced_in_one_step(path: Path) -> None:
    """Hosts are workers of one run: half a file of one is never read by another."""
    if path.name == "_files.py":
        return
    tree = list(ast.walk(ast.parse(path.read_text())))
    names = {getattr(node, "id", None) or getattr(node, "attr", None) for node in tree}
    assert not names & {"write_text", "write_bytes", "fdopen", "mkstemp", "NamedTemporaryFile", "O_RDWR", "O_WRONLY"}
    for call in (node for node in tree if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "open"):
        modes = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
        assert all(isinstance(mode, ast.Constant) and mode.value in ("r", "rb") for mode in modes)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT / "plugins")))
def test_every_file_names_its_licence(path: Path) -> None:
    head = path.read_text().splitlines()[:4]
    assert any("GNU General Public License v3.0+" in line for line in head)
    assert any("SPDX-License-Identifier: GPL-3.0-or-later" in line for line in head)


def test_role_defaults_are_the_defaults_of_its_argument_spec() -> None:
    for role in (ROOT / "roles").iterdir():
        defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {}
        spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
        assert set(defaults) <= set(spec)
        for name, option in spec.items():
            if "default" in option:
                assert defaults.get(name) == option["default"], name
            else:
                assert name not in defaults or defaults[name] is None, name


def test_the_entries_of_a_role_take_the_same_variables() -> None:
    """All read the same inventory, so that each has to know what is there for the others."""
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        main, *others = yaml.safe_load(path.read_text())["argument_specs"].values()
        assert [entry["options"] for entry in others] == [main["options"]] * len(others)


def test_whoever_writes_of_a_variable_of_a_role_writes_of_one_that_exists() -> None:
    known = set()
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        known |= set(yaml.safe_load(path.read_text())["argument_specs"]["main"]["options"])
    known |= {"connect_email_rotation", "connect_email_info"}  # a fact that the rotation sets, and a module
    pages = ["README.md", "roles/*/README.md", "docs/docsite/rst/*.rst", "playbooks/*.yml", "examples/**/*.yml"]
    for path in (path for page in pages for path in ROOT.glob(page)):
        told = set(re.findall(r"(?<![\w.])connect_(?:email|report)_\w+(?![\w*]|\.[a-z])", path.read_text()))
        assert told - known - set(MODULES) == set(), path


# The snags that people reported in public, and that are prevented here for good.
CASES = [1, 6, 7, 8, 10, 11, 13, 14, 17, 18, 19, 20, 21, 23, 24, 26, 29, 30, 31, 32, 33, 34, 35, 36, 40]


def test_each_case_has_a_test_that_carries_its_number() -> None:
    found = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                number = re.match(r"test_case_c(\d\d)_", node.name)
                assert number or not re.search(r"_c\d\d(_|$)", node.name), (
                    f"{path.name}: {node.name} is not run by -k case_"
                )
                found |= {int(number.group(1))} if number else set()
    assert sorted(found) == CASES


def test_every_request_of_the_fragment_has_its_environment_variable() -> None:
    login = importlib.import_module(PLUGINS + "module_utils._login")
    text = importlib.import_module(PLUGINS + "doc_fragments._auth").ModuleDocFragment.DOCUMENTATION
    options = yaml.safe_load(text)["options"]
    for name, variable in login.ENVIRONMENT.items():
        assert f"E({variable})" in " ".join(options[name]["description"]), name
    assert set(re.findall(r"E\((\w+)\)", text)) == set(login.ENVIRONMENT.values())
