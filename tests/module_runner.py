# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's own code in this process, against the simulated tenant's function-call door and a fake clock."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.webex_connect.office365.plugins.module_utils._converge import converge
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import TenantError
from ansible_collections.webex_connect.office365.plugins.module_utils._login import Login
from ansible_collections.webex_connect.office365.plugins.module_utils._tenant import Tenant, connect
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    ConnectionFailed,
    Request,
    Response,
)
from simulated_tenant import ConnectionLost, World

PLUGINS = "ansible_collections.webex_connect.office365.plugins."
START = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def utc(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return (self.now - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


class Failed(Exception):
    """A task that failed for a reason that a person can act on."""

    def __init__(self, message: str, facts: dict[str, Any]) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class Runner:
    """``runner("module", option=value)`` is one task; ``check=True`` lets the tenant refuse every write."""

    def __init__(self, world: World, clock: Clock, **defaults: Any) -> None:
        self.world = world
        self.clock = clock
        self.defaults = defaults
        self.vault: Any = None  # what only the controller has
        self.doors: dict[str, Any] = {}  # further services, by host
        self.told: list[str] = []  # progress

    def __call__(self, module: str, check: bool = False, **options: Any) -> dict[str, Any]:
        resource = importlib.import_module(PLUGINS + "modules." + module).RESOURCE
        arguments = resource.module_arguments()
        arguments.pop("supports_check_mode")
        validator = ArgumentSpecValidator(arguments.pop("argument_spec"), **arguments)
        validated = validator.validate({**self.defaults, **options})
        if validated.error_messages:
            raise Failed("; ".join(validated.error_messages), {})
        refused, self.world.refuse_writes = self.world.refuse_writes, check
        for door in self.doors.values():
            door.refuse_writes = check
        try:
            given = validated.validated_parameters
            return converge(resource, given, check, module, {}, self.connect, self.vault, self.told.append)
        except TenantError as failure:
            raise Failed(str(failure), failure.facts) from failure
        finally:
            self.world.refuse_writes = refused

    def connect(self, login: Login) -> Tenant:
        return connect(
            login,
            self.carry,
            clock=self.clock.monotonic,
            sleep=self.clock.sleep,
            wall_clock=self.clock.utc,
        )

    def carry(self, request: Request, timeout: float) -> Response:
        service = self.doors.get(urlsplit(request.url).netloc, self.world)
        try:
            reply = service.handle(request.method, request.url, request.headers, request.body)
        except ConnectionLost as lost:
            raise ConnectionFailed(str(lost), sent=True) from None
        return Response(reply.status, {name.lower(): value for name, value in reply.headers.items()}, reply.body)

    def announced(self, module: str, **options: Any) -> dict[str, Any]:
        """A check run and then the real one, which must do exactly what the check announced. The real result."""
        writes = len(self.world.writes())
        check = self(module, check=True, **options)
        assert len(self.world.writes()) == writes
        real = self(module, **options)
        assert check["changed"] == real["changed"]
        assert check["diff"] == real["diff"]
        assert check.keys() == real.keys()
        for key, value in check.items():
            if isinstance(value, dict):
                assert value.keys() == real[key].keys()
        assert (len(self.world.writes()) > writes) == real["changed"]
        return real

    def settled(self, module: str, **options: Any) -> dict[str, Any]:
        """A change (checked, then real), and the same again (checked, then real), which must change nothing."""
        first = self.announced(module, **options)
        again = self.announced(module, **options)
        assert first["changed"]
        assert not again["changed"]
        assert again["diff"]["before"] == again["diff"]["after"]
        return first
