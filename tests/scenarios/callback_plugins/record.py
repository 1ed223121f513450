# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what every callback can see of each task to the file that RECORD_PATH names, one JSON line a result."""

from __future__ import annotations

DOCUMENTATION = """
name: record
type: notification
short_description: Records task results for tests
description: One JSON line for each result, in the form that every other callback sees.
"""

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"

    def _record(self, event: str, result: Any) -> None:
        line = {
            "event": event,
            "host": result._host.get_name(),
            "task": result._task.get_name().rsplit(" : ", 1)[-1],
            "action": result._task.action,
            "result": result._result,
        }
        with open(os.environ["RECORD_PATH"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._record("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._record("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._record("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._record("unreachable", result)
