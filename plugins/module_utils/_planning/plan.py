# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What a planner returns. Planners are pure: current state and wishes in, a Plan out; no I/O, no Ansible, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Tuple

Step = Tuple[str, Dict[str, Any]]  # the name of what is to be done, and its arguments


@dataclass
class Plan:
    """``before`` and ``after`` are shown as the diff, in option names and without secrets.

    ``result`` is what the module returns under its key; what only the server can know is None in it, and
    is filled in by what ``apply`` returns. Where nothing is ever applied it may be a list.
    """

    before: Dict[str, Any]
    after: Dict[str, Any]
    result: Any
    steps: List[Step] = field(default_factory=list)
    warnings: List[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        return bool(self.steps)
