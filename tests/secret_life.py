# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a secret's life, as tests strike them: one application, its store, and all that anybody was told."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "app_secret"
NAME = "webex-connect"
GRACE = 7


@dataclass
class Life:
    """One application, its store, and all that anybody was told."""

    run: Runner
    tenant: Tenant
    app: dict[str, Any]
    folder: Path
    told: list[str] = field(default_factory=list)
    kept_in: dict[str, Any] | None = None
    """The option store; None for a plain file."""

    @property
    def store(self) -> Path:
        return self.folder / "secrets" / "contoso.yml"

    def go(self, **options: Any) -> dict[str, Any] | None:
        """One task; None where it failed for a reason that it can tell."""
        store = self.kept_in or {"path": str(self.store)}
        wish = {"store": store, "snapshot_path": str(self.folder / "snapshot.json"), **options}
        try:
            result = self.run(MODULE, app_id=self.app["appId"], display_name=NAME, grace_days=GRACE, **wish)
        except Failed as failure:
            self.told.append(failure.message + json.dumps(failure.facts, default=str))
            return None
        self.told.append(json.dumps(result, default=str))
        return result

    def later(self, days: int) -> None:
        self.run.clock.now += timedelta(days=days)

    @property
    def ours(self) -> list[str]:
        return [s["keyId"] for s in self.app["passwordCredentials"] if s["displayName"] == NAME]

    @property
    def stored(self) -> list[dict[str, Any]]:
        return yaml.safe_load(self.store.read_text())["secrets"] if self.store.exists() else []


def made(life: Life) -> None:
    assert life.go()


def made_long_ago(life: Life) -> None:
    made(life)
    life.later(160)


def made_and_handed_over(life: Life) -> None:
    made(life)
    life.later(GRACE + 1)


def rotated(life: Life) -> None:
    made_and_handed_over(life)
    assert life.go(rotate_after_days=GRACE)
    life.later(GRACE + 1)


def made_by_hand(life: Life) -> None:
    life.tenant.add_secret(life.app, NAME, end=life.run.clock.now + timedelta(days=300))


def nothing(life: Life) -> None:
    pass


# step: (what was before, what is asked for, whether older secrets are left after the next plain run)
STEPS: dict[str, tuple[Callable[[Life], None], dict[str, Any]]] = {
    "make": (nothing, {}),
    "make-and-prove": (nothing, {"prove": True}),
    "take-over": (made_by_hand, {"adopt": "replace"}),
    "renew": (made_long_ago, {}),
    "rotate": (made_and_handed_over, {"rotate_after_days": GRACE, "prove": True}),
    "retire": (rotated, {"retire_superseded": True, "prove": True}),
    "remove": (made, {"state": "absent"}),
}


class Killed(BaseException):
    """As by SIGKILL: nothing of the process runs any more, neither ``except`` nor ``finally``."""


def furnished(run: Runner, tenant: Tenant, folder: Path) -> Life:
    """With a secret and a certificate of others beside it."""
    app = tenant.add_application("WebexConnect")
    tenant.add_secret(app, "printer")
    tenant.add_certificate(app)
    return Life(run, tenant, app, folder)
