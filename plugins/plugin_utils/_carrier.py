# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The second carrier: the code of a module, run inside the controller's worker.

Starting a module costs about fifteen times as much as an action, and these tasks talk to cloud services and
not to a host. So where the task would run on the controller anyway it runs here; everywhere else, and where
anything asks for a process of its own, the module itself is started.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from contextlib import contextmanager
from functools import partial
from shlex import quote
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Set

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.utils.vars import merge_hash

from ..module_utils._converge import Resource, converge, users_in, with_hint
from ..module_utils._errors import TenantError
from ..module_utils._tenant import connect
from ._shared_tokens import SharedTokens
from ._vault import ControllerVault

# Where Ansible loads this file, before it forks its workers, all of this is paid for once and not once a task:
# the libraries, and what a module would only load where it needs it.
PARTS = (
    "_exchange",
    "_exchange_calls",
    "_exchange_policies",
    "_exchange_scopes",
    "_graph",
    "_graph_calls",
    "_graph_consent",
    "_graph_policies",
    "_graph_secret_limits",
    "_snapshot",
    "_stores.file",
    "_stores.store",
)
TOKENS = SharedTokens()  # made before the workers are forked, so that all of them can read what one has saved
try:
    import msal
    import requests
    import yaml

    TOKENS.prepare()
except ImportError:
    LIBRARIES_ARE_HERE = False
else:
    LIBRARIES_ARE_HERE = all((msal, requests, yaml))
for part in PARTS:
    importlib.import_module("..module_utils." + part, __package__)

CONNECT = partial(connect, shared=TOKENS)
CONFIDENTIAL = "secret_text"  # what of a result is told to nobody but the playbook
READER = "import gc, sys; gc.disable(); exec(sys.stdin.buffer.read())"  # nothing becomes garbage while it is loaded
HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class TenantAction(ActionBase):
    """Base of all our actions; a subclass names the module's resource."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = True
    resource: Resource

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        result: Dict[str, Any] = super().run(tmp, task_vars)
        result.pop("invocation", None)  # core's own holds every option as it was given, secrets too
        arguments = self.resource.module_arguments()
        arguments.pop("supports_check_mode")
        spec = arguments.pop("argument_spec")
        given = plain(self._task.args)
        validated = ArgumentSpecValidator(spec, **arguments).validate(given)
        if validated.error_messages:
            # Nor is a module started with such options: where core cannot read one, it shows all of them as they are.
            told = {"failed": True, "msg": with_hint(_message_of(validated, self._task.action))}
        elif self._runs_here(task_vars or {}):
            environment: Dict[str, str] = {}
            self._compute_environment_string(environment)
            told = self._run_here(plain(validated.validated_parameters), plain(environment))
        else:
            told = self._run_module(task_vars)
        if shows_invocation(task_vars or {}):
            told.setdefault("invocation", {"module_args": without_secrets(spec, validated.validated_parameters)})
        result = merge_hash(result, masked(told, validated._no_log_values | users_in(given)))
        told = result.get(self.resource.key)
        if isinstance(told, dict) and told.get(CONFIDENTIAL):
            result["_ansible_no_log"] = True  # whoever registers the result has it, and nobody is shown it
        return result

    def _runs_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Whether the module would run in this very interpreter, on this machine, as this user."""
        task = self._task
        if task.async_val or task.delegate_to or self._play_context.become or self._connection.transport != "local":
            return False
        interpreter = self._templar.template(task_vars.get("ansible_python_interpreter"))
        if interpreter and not str(interpreter).startswith("auto"):
            return os.path.abspath(str(interpreter)) == sys.executable and LIBRARIES_ARE_HERE
        return LIBRARIES_ARE_HERE

    def _run_module(self, task_vars: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        wrap_async = self._task.async_val and not self._connection.has_native_async
        if self._connection.transport == "local" and not self._play_context.become:
            # Otherwise Ansible writes the arguments, credentials too, to a file, and a run that is killed leaves it.
            self._connection.set_option("pipelining", True)
        # A copy, because core adds its own to the options, and would read them as ours when a task is tried again.
        options = dict(self._task.args)
        result: Dict[str, Any] = self._execute_module(module_args=options, task_vars=task_vars, wrap_async=wrap_async)
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _low_level_execute_command(self, cmd: str, *given: Any, in_data: Any = None, **named: Any) -> Dict[str, Any]:
        """A module comes as a program in one long line, which Python takes long to read where it is its input."""
        if in_data is not None and self._connection.transport == "local":
            cmd += " -c " + quote(READER)
        result: Dict[str, Any] = super()._low_level_execute_command(cmd, *given, in_data=in_data, **named)
        return result

    def _run_here(self, options: Dict[str, Any], environment: Dict[str, str]) -> Dict[str, Any]:
        name = self._task.action.rsplit(".", 1)[-1]
        with self._as_a_module_would(environment):
            try:
                vault = ControllerVault(self._loader)
                tell = self._display.display
                return converge(self.resource, options, bool(self._task.check_mode), name, None, CONNECT, vault, tell)
            except TenantError as failure:
                return {"failed": True, "msg": str(failure), **failure.facts}

    @contextmanager
    def _as_a_module_would(self, environment: Dict[str, str]) -> Iterator[None]:
        """The task's environment, and the folder that a module over a local connection starts in."""
        before, folder = dict(os.environ), os.getcwd()
        os.environ.update(environment)
        os.chdir(self._loader.get_basedir())
        try:
            yield
        finally:
            os.chdir(folder)
            os.environ.clear()
            os.environ.update(before)


def shows_invocation(task_vars: Mapping[str, Any]) -> bool:
    """Since ansible-core 2.21 a result holds the options only where somebody asks for that."""
    try:
        return bool(constants.config.get_config_value("INJECT_INVOCATION", variables=dict(task_vars)))
    except AnsibleError:
        return True  # an older core does not know this setting


def _message_of(validated: Any, action: str) -> str:
    error = validated.errors[0]
    if isinstance(error, UnsupportedError):
        return "Unsupported parameters for ({0}) module: {1}".format(action, error.msg)
    return str(error.msg)


def masked(result: Dict[str, Any], secrets: Iterable[str]) -> Dict[str, Any]:
    """As core masks the result of a module.

    Core looks for each secret in each text, which for a thousand tenants takes minutes; here each distinct text is
    looked at once, and core only gets the secrets that are somewhere.
    """
    texts: Set[str] = set()
    waiting: List[Any] = [result]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [*value, *value.values()]
        elif isinstance(value, (list, tuple, set)):
            waiting += value
        else:
            texts.add(str(value))
    everything = "\n".join(texts)
    found = {secret for secret in secrets if secret in everything}
    return dict(remove_values(result, found)) if found else result


def plain(value: Any) -> Any:
    """Without the tags that ansible-core 2.19 and later hang on values, which YAML and others stumble over."""
    return json.loads(json.dumps(value, default=str))


def without_secrets(spec: Mapping[str, Any], values: Mapping[str, Any]) -> Dict[str, Any]:
    """What has no place in the spec may be a secret under a mistyped name, or one of several in a text."""
    shown = {}
    for name, value in plain(dict(values)).items():
        option = spec.get(name)
        if value is not None and (option is None or option.get("no_log")):
            value = HIDDEN
        elif value is not None and option.get("options"):
            items = [
                without_secrets(option["options"], item) if isinstance(item, dict) else HIDDEN
                for item in (value if isinstance(value, list) else [value])
            ]
            value = items if isinstance(value, list) else items[0]
        shown[name] = value
    return shown
