# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The former state of what a task is about to change, kept before its first write. It costs no request."""

from __future__ import annotations

import json
import os
from typing import Any, Mapping

from ._errors import InvalidInput
from ._files import one_writer, read_text, write_atomically
from ._planning.plan import Plan
from ._rows import format_time

IDENTITIES = ("app_id", "object_id", "display_name", "unique_name", "mailbox", "resource")
VERSION = 1


def record(path: str, module: str, tenant: Any, options: Mapping[str, Any], plan: Plan) -> None:
    """Adds an entry to the snapshot file. Raises InvalidInput: without its snapshot, nothing is written to the tenant."""
    entry = {
        "time": format_time(tenant.now()),
        "module": module,
        "of": {name: options[name] for name in IDENTITIES if options.get(name)},
        "before": plan.before,
        "after": plan.after,
    }
    try:
        with one_writer(path):  # tasks of several hosts or in the background may share the file
            text = read_text(path)
            snapshot = json.loads(text) if text else {"version": VERSION, "tenant_id": tenant.tenant_id, "entries": []}
            if not isinstance(snapshot, dict) or not isinstance(snapshot.get("entries"), list):
                raise ValueError("it holds something else than a snapshot")
            if snapshot.get("tenant_id") != tenant.tenant_id:
                raise ValueError("it belongs to tenant {0}".format(snapshot.get("tenant_id")))
            snapshot["entries"].append(entry)
            write_atomically(path, json.dumps(snapshot, indent=2, sort_keys=True, default=str) + "\n")
    except (OSError, ValueError, TypeError) as problem:
        raise InvalidInput(
            "The snapshot {0} cannot be written: {1}.".format(os.path.abspath(path), problem),
            "Nothing was changed. Give another snapshot_path.",
        ) from None
