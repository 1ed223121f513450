# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant and a run's files in a form that two runs share if they came to the same end, whatever ids they were given."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from simulated_tenant import Tenant
from simulated_tenant.control import state_of

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![\w-])[\w-]{43}(?![\w-])", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|\+00:00)?)?|\d{1,2} [A-Z][a-z]+ \d{4}")


def picture(tenant: Tenant, output: Path) -> str:
    """Everything in the tenant, the store, and the sheets. Ids are replaced by names, dates and the folder by their kind."""
    names = {}
    for app in tenant.applications + tenant.deleted_applications:
        names[app["appId"].lower()] = names[app["id"].lower()] = "of " + app["displayName"]
    for principal in tenant.service_principals + tenant.deleted_service_principals:
        names[principal["id"].lower()] = "principal of " + principal["displayName"]
    seen = {
        "tenant": state_of(tenant),
        "deleted principals": [principal["displayName"] for principal in tenant.deleted_service_principals],
        "store": [_without_text(tenant, entry) for entry in stored(tenant, output)],
        "sheets": [text for text in _texts(output / "hand-off", "*.md") if tenant.tenant_id in text],
    }
    text = json.dumps(_sorted(seen), indent=1, sort_keys=True, default=str).replace(str(output), "(output)")
    text = ID.sub(lambda found: names.get(found.group().lower(), "#"), text)
    return json.dumps(_sorted(json.loads(DATE.sub("(date)", text))), indent=1, sort_keys=True)


def stored(tenant: Tenant, output: Path) -> list[dict[str, Any]]:
    """What the stores hold of this tenant, entry by entry."""
    entries = [entry for text in _texts(output / "secrets", "*.yml") for entry in yaml.safe_load(text)["secrets"]]
    return [entry for entry in entries if entry["tenant_id"] == tenant.tenant_id]


def _texts(folder: Path, names: str) -> list[str]:
    return [path.read_text() for path in sorted(folder.rglob(names))]


def _without_text(tenant: Tenant, entry: dict[str, Any]) -> dict[str, Any]:
    text = entry.get("secret_text")
    is_right = text is not None and text == tenant.secret_texts.get(str(entry.get("key_id")))
    return {**entry, "secret_text": "of its key id" if is_right else "none" if text is None else "of another"}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted(map(_sorted, value), key=lambda item: json.dumps(item, sort_keys=True, default=str))
    return value


def counts(tenant: Tenant) -> dict[str, int]:
    """How many there are of whatever must not be doubled."""
    state = state_of(tenant)
    kinds = (
        "applications",
        "deleted_applications",
        "service_principals",
        "grants",
        "role_assignments",
        "outbound_policies",
        "outbound_rules",
    )
    found = {kind: len(state[kind]) for kind in kinds}
    found["secrets"] = sum(len(app["passwordCredentials"]) for app in tenant.applications)
    return found
