# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client secrets: addPassword, removePassword, and the policy that limits them.

https://learn.microsoft.com/graph/api/application-addpassword,
https://learn.microsoft.com/graph/api/resources/tenantappmanagementpolicy.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from . import graph_types
from .application_rules import PERSONAL
from .graph_call import Call, no_content
from .graph_errors import GraphError, bad_request
from .messages import Reply, json_reply
from .new_objects import Object, parse_time

TAKEN = {"displayName", "startDateTime", "endDateTime", "customKeyIdentifier"}
SHOWN_TYPE = "microsoft.graph.passwordCredential"


def add(call: Call, app: Object) -> Reply:
    """Makes one secret; its text is in this answer and never again."""
    body = call.body_object()
    if set(body) - {"passwordCredential"}:
        raise bad_request(f"Invalid property '{sorted(set(body) - {'passwordCredential'})[0]}'.")
    wanted = body.get("passwordCredential") or {}
    graph_types.check("passwordCredential", wanted, "Application")
    for name in wanted:
        if name not in TAKEN and wanted[name] is not None:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
    tenant = call.tenant
    start = parse_time(wanted["startDateTime"]) if wanted.get("startDateTime") else tenant.now()
    end = parse_time(wanted["endDateTime"]) if wanted.get("endDateTime") else None
    if end is not None and end <= max(start, tenant.now()):
        raise bad_request("Key credential end date is invalid.")
    _check_count(app)
    _check_policy(call, app, (end or _default_end(start)) - start)
    secret = tenant.add_secret(app, wanted.get("displayName"), start=start, end=end)
    secret["customKeyIdentifier"] = wanted.get("customKeyIdentifier")
    tenant.lag.made(secret["keyId"], tenant.now())
    answer = {**secret, "secretText": tenant.secret_texts[secret["keyId"]]}
    return json_reply(200, {"@odata.context": call.context(SHOWN_TYPE), **answer})


def _default_end(start: datetime) -> datetime:
    return start + timedelta(days=730)


def _check_count(app: Object) -> None:
    count = len(app["passwordCredentials"])
    if app["signInAudience"] in PERSONAL and count >= 2:
        text = f"Not allowed to add {count + 1} password credentials."
        raise GraphError(400, "TooManyAppPasswords", text)
    if count >= 600:
        text = "The size of the object has exceeded its limit. Please reduce the number of values and retry."
        raise GraphError(403, "Directory_ResourceSizeExceeded", text)


def _check_policy(call: Call, app: Object, lifetime: timedelta) -> None:
    policy = call.tenant.policies["defaultAppManagementPolicy"]
    if not policy["isEnabled"]:
        return
    for rule in policy["applicationRestrictions"].get("passwordCredentials", []):
        since = rule.get("restrictForAppsCreatedAfterDateTime")
        old = since and parse_time(app["createdDateTime"]) < parse_time(since)
        if old or rule.get("state", "enabled") != "enabled":
            continue
        _check_rule(policy["id"], rule, lifetime)


def _check_rule(policy_id: str, rule: Object, lifetime: timedelta) -> None:
    if rule["restrictionType"] == "passwordAddition":
        text = f"Credential type not allowed as per assigned policy '{policy_id}'."
        raise GraphError(400, "CredentialTypeNotAllowedAsPerAppPolicy", text)
    longest = rule["restrictionType"] == "passwordLifetime" and rule.get("maxLifetime")
    if longest and lifetime > duration(longest) + timedelta(minutes=5):
        text = f"Credential lifetime exceeds the max value allowed as per assigned policy '{policy_id}'."
        raise GraphError(400, "CredentialInvalidLifetimeAsPerAppPolicy", text)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration such as P90D, P6M or P1Y (a month is 30 days, a year 365)."""
    days = {"Y": 365, "M": 30, "W": 7, "D": 1}
    date, _, clock = text[1:].partition("T")
    total = sum(int(count) * days[unit] for count, unit in re.findall(r"(\d+)([YMWD])", date))
    hours = {"H": 3600, "M": 60, "S": 1}
    seconds = sum(int(count) * hours[unit] for count, unit in re.findall(r"(\d+)([HMS])", clock))
    return timedelta(days=total, seconds=seconds)


def remove(call: Call, app: Object) -> Reply:
    """Removes one secret by its key id."""
    body = call.body_object()
    key_id = body.get("keyId")
    if set(body) != {"keyId"} or not graph_types.GUID.match(str(key_id)):
        raise bad_request("Invalid value specified for property 'keyId'.")
    lag = call.tenant.lag
    for secret in app["passwordCredentials"]:
        hit = secret["keyId"].lower() == str(key_id).lower()
        if hit and not lag.misses(secret["keyId"], "remove", lag.secrets):
            app["passwordCredentials"].remove(secret)
            call.tenant.secret_texts.pop(secret["keyId"], None)
            call.tenant.removed_secrets.setdefault(app["id"], []).append(secret)
            lag.made(secret["keyId"], call.tenant.now())
            return no_content()
    raise bad_request(f"No password credential found with keyId {key_id}.")
