# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""awx/apply.yml as ansible-playbook plays it. What stands in for the modules of awx.awx checks the options and keeps them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from awx_data import AWX, DATA, MODULES, OPTIONS

STAND_IN = """
import json, os
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        options = json.loads(os.environ["AWX_OPTIONS"])[self._task.action.rpartition(".")[2]]
        outcome = ArgumentSpecValidator(options).validate(self._task.args)
        with open(os.environ["AWX_RECORD"], "a") as file:
            file.write(json.dumps([self._task.action, self._task.args]) + "\\n")
        return {"changed": True, "failed": bool(outcome.error_messages), "msg": outcome.error_messages}
"""


def filled_in(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: filled_in(item) for key, item in value.items()}
    if isinstance(value, list):
        return [filled_in(item) for item in value]
    if isinstance(value, str):
        for name in (name for name in DATA if name.startswith("webex_connect_")):
            value = value.replace("{{ " + name + " }}", DATA[name])
    return value


@pytest.mark.core
def test_every_entry_reaches_its_module_and_what_awx_shall_fill_in_is_left_to_it(tmp_path: Path) -> None:
    actions = tmp_path / "ansible_collections" / "awx" / "awx" / "plugins" / "action"
    actions.mkdir(parents=True)
    for module in MODULES.values():
        (actions / f"{module}.py").write_text(STAND_IN)
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", AWX / "apply.yml"],
        cwd=tmp_path,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
            "ANSIBLE_HOME": str(tmp_path / "ansible"),
            "AWX_OPTIONS": json.dumps(OPTIONS),
            "AWX_RECORD": str(tmp_path / "record"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    played = [json.loads(line) for line in (tmp_path / "record").read_text().splitlines()]
    assert played == [
        [f"awx.awx.{module}", filled_in(item)] for variable, module in MODULES.items() for item in DATA[variable]
    ]
