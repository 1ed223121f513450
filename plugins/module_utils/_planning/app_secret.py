# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""One named client secret of an application: which one is current, and what has to happen.

Only secrets of our name count; those of others, and certificates, are neither counted nor touched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Set

from .._errors import Conflict, InvalidInput
from .._graph_objects import Application, Secret
from .._rows import format_time, parse_time
from .._stores.record import Record
from .checks import refuse_control_characters, refuse_long_name, refuse_non_guid
from .plan import Plan, Step
from .secret_rotation import (
    NOT_ASKED,
    NOT_READABLE,
    PENDING,
    RETIRE,
    Proof,
    Rotation,
    earliest_retirement,
    ending,
    judge_rotation,
)

LONGEST = 36500  # days; what lies beyond a century is a slip, and soon no date any more


@dataclass(frozen=True)
class Current:
    application: Optional[Application]
    """None for one that is yet to be made."""
    record: Optional[Record]
    """What the store remembers of this application and name."""
    now: datetime
    place: Optional[str] = None
    """Where the store will keep a new text."""
    proof: Optional[Proof] = None
    """What the sign-in said to the recorded secret's text, where that was asked for and could be read."""


def check(options: Dict[str, Any]) -> None:
    refuse_long_name(options["display_name"], None)
    for name in ("app_id", "object_id", "key_id", "known_key_id", "confirmed_key_id"):
        refuse_non_guid(options[name], name)
        options[name] = options[name].lower() if options[name] else None
    refuse_control_characters(options["end_date"], "end_date")
    if options["state"] == "absent":
        return
    if options["key_id"]:
        raise InvalidInput(
            "key_id is only for state absent.", "To say which secret Webex Connect holds, give known_key_id."
        )
    if options["end_date"]:
        options["end"] = parse_time(options["end_date"])
        if options["end"] is None:
            raise InvalidInput(
                "end_date is {0!r}, which is no date.".format(options["end_date"]),
                "Write it like 2027-03-31 or 2027-03-31T12:00:00Z (UTC).",
            )
    elif not 1 <= options["valid_days"] <= LONGEST:
        raise InvalidInput("valid_days is {0}; it must be 1 to {1}.".format(options["valid_days"], LONGEST))
    elif options["rotate_before_days"] >= options["valid_days"]:
        raise InvalidInput(
            "rotate_before_days ({0}) is not less than valid_days ({1}): every run would make a new secret.".format(
                options["rotate_before_days"], options["valid_days"]
            )
        )
    if not 0 <= options["rotate_before_days"] <= LONGEST:
        raise InvalidInput(
            "rotate_before_days is {0}; it must be 0 to {1}.".format(options["rotate_before_days"], LONGEST)
        )
    for name, least in (("rotate_after_days", 1), ("grace_days", 0), ("prove_timeout", 0)):
        if options[name] is not None and not least <= options[name] <= LONGEST:
            raise InvalidInput("{0} is {1}; it must be {2} to {3}.".format(name, options[name], least, LONGEST))
    if not options["store"] and not options["return_secret_text"]:
        raise InvalidInput(
            "There is nowhere to put the secret's text, which the service tells only once.",
            "Give a store, or set return_secret_text to true.",
        )


def plan_secret(current: Current, wanted: Dict[str, Any]) -> Plan:
    if wanted["state"] == "absent":
        return _plan_absent(current, wanted)
    orphans = _orphans(current, wanted)
    ours = [secret for secret in _ours(current, wanted) if secret not in orphans]
    live = [secret for secret in ours if _is_live(secret, current.now)]
    kept, warnings = _current_secret(current, wanted, live)
    steps: List[Step] = _removals(current.application, orphans)
    proof = _proof(kept, current, wanted)
    rotation = _rotation(kept, ours, current, wanted, proof)
    if kept is None:
        end = _end(current, wanted)
        steps.append(("add", {"application": current.application, "end": end, "valid_days": _days(end - current.now)}))
        shown = _shown(wanted["display_name"], None, end)
    else:
        shown = _shown(wanted["display_name"], kept.key_id, kept.end)
        if wanted["retire_superseded"] and rotation.step == RETIRE:
            steps += _removals(current.application, rotation.old)
        warnings = warnings + _unconfirmed(kept, rotation, wanted)
    removed = sorted(step[1]["key_id"] for step in steps if step[0] == "remove")
    others = [s.key_id for s in live if s is not kept and s.key_id not in removed]
    newest = max(live, key=ending, default=None)
    before = _shown(wanted["display_name"], newest.key_id, newest.end) if newest and not kept else shown
    if kept is None and newest is None:
        before = {"display_name": wanted["display_name"], "state": "absent"}
    return Plan(
        before={**before, "removed": []} if removed else before,
        after={**shown, "removed": removed} if removed else shown,
        result={
            **_result(wanted["display_name"], kept, others, current.application),
            "stored_in": _place(kept, current),
            **proof.shown,
            "rotation": _after(rotation, removed).shown,
        },
        steps=steps,
        warnings=warnings,
    )


def _current_secret(current: Current, wanted: Dict[str, Any], live: List[Secret]) -> tuple[Optional[Secret], List[str]]:
    """(the secret that stays, warnings); None asks for a new one."""
    if wanted["rotate"] or not live:
        return None, []
    newest = max(live, key=ending)
    known = wanted["known_key_id"] or (current.record.key_id if current.record else None)
    if known is not None:
        held = next((secret for secret in live if secret.key_id == known), None)
    elif wanted["store"] and wanted["adopt"] == "replace":
        held = None
    else:
        held = newest
    if held is None or ending(held) - current.now <= timedelta(days=wanted["rotate_before_days"]):
        return None, []
    if wanted["rotate_after_days"] and _age(held, current.now) > timedelta(days=wanted["rotate_after_days"]):
        return None, []
    if known is None and wanted["store"]:
        return held, [
            "A live secret named {0!r} (key id {1}, until {2}) exists, but the store does not hold its text. It is left,"
            " and nothing is made. If its text is lost, set adopt to replace; if Webex Connect holds it, give its key id"
            " as known_key_id.".format(wanted["display_name"], held.key_id, format_time(ending(held)))
        ]
    return held, []


def _place(kept: Optional[Secret], current: Current) -> Optional[str]:
    """Where the text of the secret that stays lies, or where a new one will lie."""
    if kept is None:
        return current.place
    record = current.record
    return (record.place or current.place) if record and record.key_id == kept.key_id else None


def _orphans(current: Current, wanted: Dict[str, Any]) -> List[Secret]:
    """Credentials of our own making whose text nobody has: their run was killed, or their answer lost.

    They are told by the exact start that was noted before they were made; a person's secret never has it.
    One that Webex Connect is known to hold is none, whatever an old copy of the store says.
    """
    record = current.record
    if record is None:
        return []
    noted = {parse_time(text) for text in (record.announced, record.start) if text}
    in_use = (record.key_id, wanted["known_key_id"])
    return [s for s in _ours(current, wanted) if s.start in noted and s.start is not None and s.key_id not in in_use]


def _age(secret: Secret, now: datetime) -> timedelta:
    """One without a start was not made by us, and nobody knows how old it is."""
    return now - secret.start if secret.start else timedelta.max


def _proof(kept: Optional[Secret], current: Current, wanted: Dict[str, Any]) -> Proof:
    if not wanted["prove"]:
        return Proof(NOT_ASKED)
    if kept is None:
        return Proof(PENDING, "the secret is yet to be made")
    if current.proof is not None and current.proof.key_id == kept.key_id:
        return current.proof
    return Proof(NOT_READABLE, "no store holds the text of the current secret", kept.key_id)


def _rotation(
    kept: Optional[Secret], ours: List[Secret], current: Current, wanted: Dict[str, Any], proof: Proof
) -> Rotation:
    """Which older secrets the current one supersedes is only known where it is known to be the current one."""
    if kept is not None and wanted["store"]:
        recorded = current.record.key_id if current.record else None
        if kept.key_id not in (recorded, wanted["known_key_id"], wanted["confirmed_key_id"]):
            ours = []
    return judge_rotation(kept, ours, current.now, wanted["grace_days"], wanted["confirmed_key_id"], proof)


def _after(rotation: Rotation, removed: List[str]) -> Rotation:
    """With what the task leaves behind; the step stays the one that the task carries out, or the next one."""
    old = [secret for secret in rotation.old if secret.key_id not in removed]
    return rotation if old else replace(rotation, old=[], since=None, retire_after=None)


def _unconfirmed(kept: Secret, rotation: Rotation, wanted: Dict[str, Any]) -> List[str]:
    confirmed = wanted["confirmed_key_id"]
    if not confirmed or confirmed == kept.key_id or not rotation.old:
        return []
    return [
        "confirmed_key_id is {0}, but the current secret has the key id {1}: nothing is retired because of it.".format(
            confirmed, kept.key_id
        )
    ]


def with_start(rotation: Dict[str, Any], start: Optional[datetime], grace_days: int) -> Dict[str, Any]:
    """A result's rotation, once the service has told when the new secret started."""
    if not rotation["old_key_ids"]:
        return rotation
    return {**rotation, **Rotation(None, start, [], earliest_retirement(start, grace_days)).moments}


def _removals(application: Optional[Application], secrets: List[Secret]) -> List[Step]:
    return [
        ("remove", {"application": application, "key_id": secret.key_id})
        for secret in sorted(secrets, key=lambda s: s.key_id)
    ]


def _plan_absent(current: Current, wanted: Dict[str, Any]) -> Plan:
    secrets = _ours(current, wanted)
    if wanted["key_id"]:
        everything = current.application.secrets if current.application else []
        secrets = [secret for secret in everything if secret.key_id == wanted["key_id"]]
        if secrets and secrets[0].display_name != wanted["display_name"]:
            raise Conflict(
                "The secret with key id {0} is named {1!r}, not {2!r}.".format(
                    wanted["key_id"], secrets[0].display_name, wanted["display_name"]
                ),
                "Give the name that belongs to the key id. Nothing was changed.",
            )
    gone = {secret.key_id for secret in secrets} | _forgotten(current, wanted)
    left = [s.key_id for s in _ours(current, wanted) if s.key_id not in gone and _is_live(s, current.now)]
    return Plan(
        before={"display_name": wanted["display_name"], "key_ids": sorted(gone)},
        after={"display_name": wanted["display_name"], "key_ids": []},
        result=_result(wanted["display_name"], None, left, current.application),
        steps=[("remove", {"application": current.application, "key_id": key_id}) for key_id in sorted(gone)],
    )


def _forgotten(current: Current, wanted: Dict[str, Any]) -> Set[str]:
    """What the store still names though it is gone: a run ended after the removal, or somebody else removed it."""
    key_id = current.record.key_id if current.record else None
    there = {secret.key_id for secret in current.application.secrets} if current.application else set()
    return {key_id} if key_id and key_id not in there and wanted["key_id"] in (None, key_id) else set()


def _ours(current: Current, wanted: Dict[str, Any]) -> List[Secret]:
    secrets = current.application.secrets if current.application else []
    return [secret for secret in secrets if secret.display_name == wanted["display_name"]]


def _is_live(secret: Secret, now: datetime) -> bool:
    return secret.end is None or secret.end > now


def _end(current: Current, wanted: Dict[str, Any]) -> datetime:
    end: datetime = wanted.get("end") or (current.now + timedelta(days=wanted["valid_days"]))
    if end - current.now <= timedelta(days=wanted["rotate_before_days"]):
        raise InvalidInput(
            "end_date is {0}, which is past or within rotate_before_days ({1}) of now.".format(
                format_time(end), wanted["rotate_before_days"]
            ),
            "Every run would make a new secret; give a later end_date, or valid_days.",
        )
    return end


def _days(span: timedelta) -> int:
    return round(span / timedelta(days=1))


def _shown(display_name: str, key_id: Optional[str], end: Optional[datetime]) -> Dict[str, Any]:
    """For the diff: the day alone, so that a check run and the real run after it say the same."""
    return {"display_name": display_name, "key_id": key_id, "end_date": end.strftime("%Y-%m-%d") if end else None}


def _result(
    display_name: str, secret: Optional[Secret], others: List[str], application: Optional[Application]
) -> Dict[str, Any]:
    return {
        "app_id": application.app_id if application else None,
        "display_name": display_name,
        "key_id": secret.key_id if secret else None,
        "start": format_time(secret.start) if secret and secret.start else None,
        "end": format_time(secret.end) if secret and secret.end else None,
        "other_live_key_ids": sorted(others),
        "stored_in": None,
        "secret_text": None,
        **Proof(NOT_ASKED).shown,
        "rotation": Rotation(None).shown,
    }
