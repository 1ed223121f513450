# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What was not read, and why. A report that has a gap never says that all is well."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from .._errors import TenantError
from .audit_seen import PARTS, Directory, Mail, kind_of

DEEP = ("inbox_rules", "send_as", "full_access", "memberships")


def coverage_of(directory: Directory, mail: Mail, deep: bool) -> List[Dict[str, Any]]:
    failures = {**directory.unread, **mail.unread, **mail.flow.refusals}
    entries = [_failed(part, failure) for part, failure in failures.items()]
    for what, why in mail.detours.items():
        part = next(part for part, (name, _steps) in PARTS.items() if name == what)
        text = "{0} were asked for by the list of all or one by one, because a list of just these was not usable: {1}".format(
            what, why
        )
        entries.append(_entry(what, PARTS[part][1], "fell_back", False, None, text))
    if not directory.has_store and "store" not in directory.unread:
        text = "no store is named, so which secret Webex Connect holds is not known"
        entries.append(_entry(PARTS["store"][0], PARTS["store"][1], "not_asked", False, None, text))
    if not deep:
        for part in DEEP:
            text = "only read with deep: true, as it costs a call a mailbox"
            entries.append(_entry(PARTS[part][0], PARTS[part][1], "not_asked", False, None, text))
    return sorted(entries, key=lambda entry: (entry["what"], entry["kind"]))


def _failed(part: str, failure: TenantError) -> Dict[str, Any]:
    what, steps = PARTS[part]
    right = failure.facts.get("right")
    return _entry(what, steps, kind_of(failure), True, str(right) if right else None, str(failure))


def _entry(what: str, steps: Sequence[str], kind: str, gap: bool, right: Optional[str], text: str) -> Dict[str, Any]:
    return {"what": what, "steps": list(steps), "kind": kind, "gap": gap, "right": right, "text": text}
