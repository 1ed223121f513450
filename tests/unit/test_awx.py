# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx/: what AWX is told is what its modules take, refers only to what is there, and keeps secrets out of variables."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.webex_connect.office365.plugins.module_utils._login import ENVIRONMENT
from awx_data import AWX, DATA, MODULES, OPTIONS, ROLE_ITEMS, load

ROOT = Path(__file__).parents[2]
QUESTION = {
    *("question_name", "question_description", "variable", "type", "required", "default"),
    *("choices", "min", "max"),
}

ITEMS = [(variable, item) for variable in MODULES for item in DATA[variable]]
SURVEYS = [item for item in DATA["controller_templates"] if item.get("survey_enabled")]
PLAYBOOKS = {path.name for path in (ROOT / "playbooks").glob("*.yml")}


def names(variable: str) -> set[str]:
    return {item["name"] for item in DATA[variable]}


def role_options() -> dict[str, Any]:
    options: dict[str, Any] = {}
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            options.update(entry["options"])
    return options


@pytest.mark.parametrize(
    ("variable", "item"), ITEMS, ids=lambda value: value["name"] if isinstance(value, dict) else ""
)
def test_each_entry_is_what_the_module_and_the_role_take(variable: str, item: dict[str, Any]) -> None:
    outcome = ArgumentSpecValidator(OPTIONS[MODULES[variable]]).validate(item)
    assert outcome.error_messages == []
    assert set(item) <= set(ROLE_ITEMS[variable])


def test_the_configuration_holds_nothing_else() -> None:
    assert {name for name in DATA if not name.startswith("webex_connect_")} == set(MODULES)


def test_the_playbook_plays_every_key_of_the_data_by_its_own_name() -> None:
    (play,) = load(AWX / "apply.yml")
    played = {}
    for task in play["tasks"]:
        (module,) = (key for key in task if key.startswith("awx.awx."))
        variable = re.fullmatch(r"\{\{ (\w+) \}\}", task["loop"])
        assert variable
        played[variable[1]] = module.removeprefix("awx.awx.")
        used = {key for item in DATA[variable[1]] for key in item}
        assert set(task[module]) == used
        for key, value in task[module].items():
            always = all(key in item for item in DATA[variable[1]])
            assert value == "{{ item." + key + ("" if always else " | default(omit)") + " }}"
    assert list(played.items()) == list(MODULES.items())


def test_every_playbook_has_its_file_in_the_project_and_a_job_template() -> None:
    project = {path.name for path in (AWX / "project").glob("*.yml")}
    assert project == PLAYBOOKS
    for name in project:
        (play,) = load(AWX / "project" / name)
        assert play["ansible.builtin.import_playbook"] == "webex_connect.office365." + name.removesuffix(".yml")
    assert {item["playbook"] for item in DATA["controller_templates"]} == PLAYBOOKS
    (wanted,) = load(AWX / "project" / "collections" / "requirements.yml")["collections"]
    version = load(ROOT / "galaxy.yml")["version"].split("-")[0]
    assert wanted["name"] == "webex_connect.office365"
    assert wanted["version"].split(",")[0] == ">=" + version.split(".")[0] + ".0.0"


def test_whatever_is_referred_to_is_there() -> None:
    environments, inventories = names("controller_execution_environments"), names("controller_inventories")
    for item in DATA["controller_templates"]:
        assert item["project"] in names("controller_projects")
        assert item["inventory"] in inventories
        assert item["execution_environment"] in environments
        assert set(item["credentials"]) <= names("controller_credentials")
    for item in DATA["controller_inventory_sources"]:
        assert item["source_project"] in names("controller_projects")
        assert item["inventory"] in inventories
    for item in DATA["controller_credentials"]:
        assert item["credential_type"] in names("controller_credential_types")
    for item in DATA["controller_schedules"]:
        template = next(t for t in DATA["controller_templates"] if t["name"] == item["unified_job_template"])
        asked = {question["variable"] for question in template["survey_spec"]["spec"]}
        assert set(item["extra_data"]) <= asked
        assert re.fullmatch(r"DTSTART;TZID=[\w/]+:\d{8}T\d{6} RRULE:FREQ=DAILY;INTERVAL=1", item["rrule"])


def test_the_workflow_looks_asks_somebody_and_only_then_writes() -> None:
    (workflow,) = DATA["controller_workflows"]
    nodes = {node["identifier"]: node for node in workflow["workflow_nodes"]}
    order = [next(iter(nodes))]
    while following := nodes[order[-1]].get("related", {}).get("success_nodes"):
        order += [node["identifier"] for node in following]
    assert set(order) == set(nodes)
    kinds = [(nodes[name]["unified_job_template"]["type"], nodes[name].get("job_type")) for name in order]
    assert kinds[:3] == [("job_template", "check"), ("workflow_approval", None), ("job_template", "run")]
    templates = {item["name"]: item for item in DATA["controller_templates"]}
    for node in nodes.values():
        if node["unified_job_template"]["type"] == "job_template":
            template = templates[node["unified_job_template"]["name"]]
            assert "job_type" not in node or template["ask_job_type_on_launch"]
            assert template["ask_limit_on_launch"]


def test_what_only_reads_runs_in_check_mode_and_what_writes_never_runs_twice_at_once() -> None:
    for item in DATA["controller_templates"]:
        reads = item["playbook"] in ("audit.yml", "verify.yml")
        assert item["job_type"] == "check" if reads else item["allow_simultaneous"] is False
        if item["playbook"] in ("offboard.yml", "restore.yml"):
            assert item["job_type"] == "check"
            assert item["limit"] not in ("", "all")


@pytest.mark.parametrize("item", DATA["controller_credential_types"], ids=lambda item: item["name"])
def test_a_credential_is_injected_as_environment_and_files_and_never_as_variables(item: dict[str, Any]) -> None:
    fields = {field["id"]: field for field in item["inputs"]["fields"]}
    assert set(item["injectors"]) <= {"env", "file"}
    assert set(item["injectors"]["env"]) <= set(ENVIRONMENT.values())
    assert all(re.fullmatch(r"template\.[a-zA-Z_]\w*", name) for name in item["injectors"].get("file", {}))
    used = set(re.findall(r"\{\{ (\w+) \}\}", json.dumps(item["injectors"])))
    assert used == set(fields)
    assert set(item["inputs"]["required"]) <= set(fields)
    for name, field in fields.items():
        assert field["type"] == "string"
        assert bool(field.get("secret")) == (name in ("client_secret", "certificate", "certificate_password"))
        assert not (field.get("secret") and "default" in field)
    assert json.dumps(DATA["controller_templates"]).count("extra_vars") == 0


@pytest.mark.parametrize("item", SURVEYS, ids=lambda item: item["name"])
def test_a_survey_asks_for_variables_that_its_roles_have_and_offers_only_texts(item: dict[str, Any]) -> None:
    options = role_options()
    assert set(item["survey_spec"]) == {"name", "description", "spec"}
    asked = [question["variable"] for question in item["survey_spec"]["spec"]]
    assert len(asked) == len(set(asked))
    for question in item["survey_spec"]["spec"]:
        assert set(question) <= QUESTION
        option = options[question["variable"]]
        assert not option.get("no_log")
        assert "secret" not in question["variable"] or question["type"] != "password"
        # An empty answer has to get through: a type other than str or raw would refuse it.
        assert option.get("type", "str") in ("str", "raw")
        assert isinstance(question["default"], str)
        assert type(question["required"]) is bool
        assert all(type(question.get(limit, 0)) is int for limit in ("min", "max"))
        if question["type"] == "multiplechoice":
            assert question["default"] in question["choices"]
            assert all(isinstance(choice, str) for choice in question["choices"])
            said = re.findall(r"V\((\w+)\)", " ".join(option["description"]))
            assert set(question["choices"]) <= {*said, "true", "false"}
        else:
            assert question["type"] in ("text", "textarea", "integer")
