# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""A snapshot read backwards: which tasks put the former state back, and what no task can bring back.

Only what a run changed is put back, not what others have changed since: a permission that was there and went is
granted again, one that came is taken back, and the rest of the list stays as it is now.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

Call = Dict[str, Any]
Entry = Mapping[str, Any]

KINDS = ("application", "delegated")
USER_CONSENTS = ("disabled", "verified_publishers", "all", "microsoft_managed")
SETTINGS = ("issue_access_tokens", "issue_id_tokens", "notes", "service_management_reference")
VERSION = 1


def calls_of(snapshot: Any) -> List[Call]:
    """Each call has ``module`` and ``options``, or ``person``: what somebody has to do by hand. Raises ValueError."""
    if not isinstance(snapshot, Mapping) or not isinstance(snapshot.get("entries"), list):
        raise ValueError("it is no snapshot")
    if snapshot.get("version") != VERSION:
        raise ValueError("it has the version {0}, and this release reads {1}".format(snapshot.get("version"), VERSION))
    calls: List[Call] = []
    for entry in reversed(snapshot["entries"]):
        if not isinstance(entry, Mapping) or not all(
            isinstance(entry.get(n), Mapping) for n in ("of", "before", "after")
        ):
            raise ValueError("it holds an entry that is none")
        back = BACK.get(str(entry.get("module")))
        if back is None:
            calls.append(_by_hand(entry, "it was {0}".format(dict(entry["before"]))))
        else:
            calls += back(entry, entry["of"], entry["before"], entry["after"])
    return calls


def _what(entry: Entry) -> str:
    named = ", ".join(str(entry["of"][name]) for name in sorted(entry["of"]))
    return "{0}{1}".format(entry.get("module"), " of " + named if named else "")


def _call(entry: Entry, **options: Any) -> Call:
    return {"module": entry["module"], "what": _what(entry), "options": options, "person": None}


def _by_hand(entry: Entry, person: str) -> Call:
    return {"module": None, "what": _what(entry), "options": {}, "person": "{0}: {1}.".format(_what(entry), person)}


def _ids(of: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: of[name] for name in ("app_id", "object_id") if of.get(name)}


def _application(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    ids = _ids(of)
    if before.get("state") != "present":
        return [
            _by_hand(
                entry, "the application came with that run, and stays; webex_connect.office365.offboard deletes it"
            )
        ]
    audience = before.get("sign_in_audience")
    if after.get("state") != "present":
        if ids:
            return [_call(entry, **ids, restore_deleted=True, sign_in_audience=audience)]
        return [
            _by_hand(
                entry,
                "the application was deleted; restore it in the portal under App registrations > Deleted applications,"
                " which keeps it for 30 days",
            )
        ]
    options = {**ids} if ids else {"display_name": after.get("display_name")}
    if ids and before.get("display_name") != after.get("display_name"):
        options["display_name"] = before.get("display_name")
    notes = []
    for name in SETTINGS:
        if before.get(name) == after.get(name):
            continue
        if before.get(name) is None:
            notes.append(_by_hand(entry, "{0} was empty; empty it by hand".format(name)))
        else:
            options[name] = before.get(name)
    for name in ("redirect_uris", "tags"):
        gone, came = _differences(before.get(name), after.get(name))
        if gone:
            options[name] = gone
        if came:
            notes.append(_by_hand(entry, "{0} that came with that run stay: {1}".format(name, ", ".join(came))))
    return [_call(entry, **options, sign_in_audience=audience), *notes]


def _secret(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    kept = after.get("key_ids") or ()
    gone = [key_id for key_id in before.get("key_ids") or () if key_id not in kept]
    gone += after.get("removed") or []
    calls = []
    if gone:
        calls.append(
            _by_hand(
                entry,
                "the secrets with the key ids {0} were removed, and their texts cannot be brought back; if Webex Connect"
                " shall go on, run webex_connect.office365.onboard, which makes a new one, and enter it there".format(
                    ", ".join(sorted(gone))
                ),
            )
        )
    if "key_id" in after and after.get("key_id") is None:
        calls.append(_by_hand(entry, "a secret was made, and stays; remove it by its key id if nobody uses it"))
    return calls


def _permission(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    differences = {
        kind: _differences(before.get(kind + "_permissions"), after.get(kind + "_permissions")) for kind in KINDS
    }
    calls = []
    for index, state in ((0, "present"), (1, "absent")):
        names = {kind + "_permissions": differences[kind][index] for kind in KINDS}
        if any(names.values()):
            calls.append(_call(entry, **_ids(of), resource=before.get("resource"), state=state, **names))
    return calls


def _consent(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    was, became = _by_resource(before), _by_resource(after)
    calls = []
    for one, other, state in ((was, became, "present"), (became, was, "absent")):
        permissions = []
        for resource in sorted(one):
            kinds = {
                kind: _differences(one[resource].get(kind), other.get(resource, {}).get(kind))[0] for kind in KINDS
            }
            if any(kinds.values()):
                permissions.append({"resource": resource, **kinds})
        if permissions:
            calls.append(_call(entry, **_ids(of), permissions=permissions, state=state))
    return calls


def _by_resource(side: Entry) -> Dict[str, Entry]:
    return {str(item.get("resource")): item for item in side.get("permissions") or ()}


def _smtp_auth(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    return [_call(entry, mailbox=of.get("mailbox"), smtp_auth=before.get("smtp_auth"))]


def _forwarding(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    calls = []
    target = before.get("forwarding_address")
    if target:
        options = {"forwarding_address": target, "keep_copy": before.get("keep_copy"), "state": "present"}
        calls.append(_call(entry, mailbox=of.get("mailbox"), **options))
    elif after.get("forwarding_address"):
        options = {"forwarding_address": after["forwarding_address"], "state": "absent"}
        calls.append(_call(entry, mailbox=of.get("mailbox"), **options))
    if before.get("internal_forward") and before.get("internal_forward") != after.get("internal_forward"):
        calls.append(
            _by_hand(
                entry,
                "it forwarded to the internal recipient {0!r}, which no module sets: do that in the Exchange admin"
                " center".format(before["internal_forward"]),
            )
        )
    return calls


def _user_consent(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    if before.get("user_consent") in USER_CONSENTS:
        return [_call(entry, user_consent=before["user_consent"])]
    return [_by_hand(entry, "users had the policies {0}".format(", ".join(before.get("policies") or ()) or "none"))]


def _external_forwarding(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    if "organization_mode" in before:
        mode = before["organization_mode"]
        if mode in ("On", "Automatic"):
            return [_call(entry, organization=True, state="present" if mode == "On" else "absent")]
        return [_by_hand(entry, "the organization's automatic forwarding was {0}".format(mode))]
    name = before.get("policy_name")
    gone, came = _differences(before.get("mailboxes"), after.get("mailboxes"))
    calls = []
    if gone:
        calls.append(_call(entry, policy_name=name, mailboxes=gone, state="present"))
    if came:
        calls.append(_call(entry, policy_name=name, mailboxes=came, state="absent"))
    if before.get("state") == "present" and after.get("state") != "present":
        calls.append(
            _by_hand(
                entry,
                "the policy {0!r} is made anew, with the limits and notifications of the one that governs the mailboxes"
                " now; look at them if it had its own".format(name),
            )
        )
    return calls


def _mailbox_scope(entry: Entry, of: Entry, before: Entry, after: Entry) -> List[Call]:
    ids = {**_ids(of), "scope_name": before.get("scope_name")}
    (lost, came), (lost_roles, came_roles) = (
        _differences(before.get(name), after.get(name)) for name in ("mailboxes", "roles")
    )
    calls = []
    if lost or lost_roles:
        names = {"mailboxes": before.get("mailboxes"), "roles": before.get("roles")}
        calls.append(_call(entry, **ids, **names, state="present"))
    if came:
        calls.append(_call(entry, **ids, mailboxes=came, state="absent"))
    if came_roles and before.get("roles"):  # where there was none, they go with the mailboxes
        calls.append(_call(entry, **ids, roles=came_roles, state="absent"))
    return calls


def _differences(before: Any, after: Any) -> Tuple[List[str], List[str]]:
    """(what went, what came)"""
    was, became = list(before or ()), list(after or ())
    return [item for item in was if item not in became], [item for item in became if item not in was]


BACK = {
    "azure_app_registration": _application,
    "app_secret": _secret,
    "exchange_app_permission": _permission,
    "admin_consent": _consent,
    "mailbox_smtp_auth": _smtp_auth,
    "mailbox_forwarding": _forwarding,
    "user_consent_policy": _user_consent,
    "external_forwarding_policy": _external_forwarding,
    "app_mailbox_scope": _mailbox_scope,
}
