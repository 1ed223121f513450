# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder awx/, read, and what AWX does with a credential.

awx_options.json holds what the modules of awx.awx 24.6.1 and the roles of infra.aap_configuration (October 2024) take,
because the collections themselves are large and only a test would need them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2
import yaml

AWX = Path(__file__).parents[1] / "awx"


class Loader(yaml.SafeLoader):
    """Knows the tag that keeps Ansible from reading a text as a template."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)


DATA = load(AWX / "configuration.yml")
MODULES = {
    "controller_credential_types": "credential_type",
    "controller_credentials": "credential",
    "controller_execution_environments": "execution_environment",
    "controller_projects": "project",
    "controller_inventories": "inventory",
    "controller_inventory_sources": "inventory_source",
    "controller_templates": "job_template",
    "controller_workflows": "workflow_job_template",
    "controller_schedules": "schedule",
}
KNOWN = json.loads(Path(__file__).with_name("awx_options.json").read_text())
OPTIONS: dict[str, Any] = KNOWN["options"]
ROLE_ITEMS: dict[str, list[str]] = KNOWN["items"]


def injected(credential_type: str, inputs: dict[str, str], folder: Path) -> dict[str, str]:
    """The environment of a job. A field that is left empty is an empty text, and files are made in the job's folder."""
    (wanted,) = (item for item in DATA["controller_credential_types"] if item["name"] == credential_type)
    environment = jinja2.Environment(autoescape=False)
    names = {}
    for template, text in wanted["injectors"].get("file", {}).items():
        path = folder / template.replace(".", "_")
        path.write_text(environment.from_string(text).render(inputs))
        path.chmod(0o600)
        names[template.partition(".")[2]] = str(path)
    values = {**inputs, "tower": {"filename": names}}
    return {name: environment.from_string(text).render(values) for name, text in wanted["injectors"]["env"].items()}
