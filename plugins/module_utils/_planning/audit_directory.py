# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The steps of the guide that concern the directory, judged by the planners of the modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Dict, List, Optional

from .._errors import Conflict, TenantError
from .._graph_objects import Application, Secret
from .._stores.record import Record
from . import admin_consent, app_permission, app_registration, app_secret, user_consent_policy
from .audit_cells import (
    AS_WANTED,
    BLOCKED,
    DRIFT,
    EXPIRING,
    NOT_APPLICABLE,
    UNREADABLE,
    Cell,
    Fact,
    not_read,
    of,
    of_plan,
    refused,
    unread,
)
from .audit_seen import Directory
from .audit_wishes import Wishes
from .permissions import resource_name
from .plan import Plan
from .secret_rotation import account_of, ending, is_under_way

OF_APPLICATION = (
    "display_name",
    "notes",
    "service_management_reference",
    "service_principal",
    "sign_in_audience",
    "state",
    "tags",
    "unique_name",
)
OF_IMPLICIT_GRANT = ("issue_access_tokens", "issue_id_tokens")


@dataclass
class DirectoryJudgement:
    cells: List[Cell]
    application: Optional[Application] = None
    """The one that is ours, None where there is none, or none that is proven to be."""
    secret: Optional[Plan] = None
    current_secret: Optional[Secret] = None
    """What the store holds, as far as it is still a secret of the application."""
    consent: Optional[Plan] = None
    listed: List[Dict[str, Any]] = field(default_factory=list)
    """What may be granted, in the form of the option permissions."""
    user_consent: Dict[str, Any] = field(default_factory=dict)


def judge_directory(
    seen: Directory, wishes: Wishes, admin_client_id: str, tenant: str, now: datetime
) -> DirectoryJudgement:
    found = DirectoryJudgement([], listed=_listed(wishes, seen))
    _judge_application(found, seen, wishes, admin_client_id)
    stopped = next((cell for cell in found.cells if cell.step == "application" and _stops(cell)), None)
    if stopped is None:
        _judge_secret(found, seen, wishes, now)
        _judge_permissions(found, seen, wishes)
        _judge_consent(found, seen, wishes)
    else:
        found.cells += _behind(stopped, wishes)
    _judge_user_consent(found, seen, wishes, tenant)
    return found


def _listed(wishes: Wishes, seen: Directory) -> List[Dict[str, Any]]:
    return [
        {
            "resource": resource_name(options["resource_app_id"], seen.resources.get(options["resource_app_id"])),
            **{kind: options[kind + "_permissions"] for kind in ("application", "delegated")},
        }
        for options in wishes.permissions
    ]


def _stops(cell: Cell) -> bool:
    """Whether nothing behind the application can be judged: it was not read, or a run would stop there."""
    return cell.state == UNREADABLE or (cell.state == BLOCKED and any(f.name in STOPPERS for f in cell.because))


STOPPERS = ("conflict", "not_found", "not_possible", "refused", "several_applications", "not_proven_ours")


def _behind(stopped: Cell, wishes: Wishes) -> List[Cell]:
    state = stopped.state
    why = Fact("application_" + state, "the application is {0}, see there".format(state))
    places = [("secret", wishes.secret["display_name"])]
    places += [("permissions", resource_name(app_id)) for app_id in wishes.resource_app_ids]
    places.append(("consent", wishes.application_name))
    return [Cell(step, name, state, by_hand="See the application.", because=[why]) for step, name in places]


# The application


def _judge_application(found: DirectoryJudgement, seen: Directory, wishes: Wishes, admin_client_id: str) -> None:
    names = (
        ("application", wishes.application_name),
        ("redirect_uri", wishes.callback_url),
        ("implicit_grant", wishes.application_name),
    )
    for part in ("application", "principal"):
        failure = seen.unread.get(part)
        if failure is not None and (part == "application" or seen.only is not None):
            found.cells += [unread(step, name, part, failure) for step, name in names]
            return
    current = app_registration.Current(
        admin_client_id, seen.exact, seen.named, seen.owners, seen.recorded, seen.principal
    )
    try:
        plan = app_registration.plan_app_registration(current, wishes.application)
    except TenantError as refusal:
        found.cells += [refused(step, name, refusal) for step, name in names]
        if isinstance(refusal, Conflict):
            fact = "several_applications" if len(seen.named) > 1 else "not_proven_ours"
            for cell in found.cells:
                cell.because[0] = Fact(fact, refusal.message)
        return
    found.application = seen.only
    (_step, name), redirect, implicit = names
    cell = of_plan("application", name, plan, OF_APPLICATION)
    _add_what_only_a_person_sees(cell, seen, found.application)
    found.cells.append(cell)
    redirect_cell = of_plan("redirect_uri", redirect[1], plan, ["redirect_uris"])
    redirect_cell.because = [Fact("redirect_uri_also_elsewhere", text) for text in plan.warnings]
    redirect_cell.because += _redirect_facts(found.application, wishes)
    cell.because = [fact for fact in cell.because if fact.name != "warning"]
    found.cells.append(redirect_cell)
    implicit_cell = of_plan("implicit_grant", implicit[1], plan, OF_IMPLICIT_GRANT)
    implicit_cell.because = []
    if found.application is None and implicit_cell.state == AS_WANTED:
        implicit_cell.state = DRIFT
    found.cells.append(implicit_cell)


def _add_what_only_a_person_sees(cell: Cell, seen: Directory, application: Optional[Application]) -> None:
    if application is None:
        cell.because.append(Fact("application_absent", "there is no application of this name"))
        return
    if seen.principal is None:
        cell.because.append(Fact("service_principal_absent", "the application has no service principal in the tenant"))
    if seen.disabled:
        cell.state, cell.by_hand = BLOCKED, "Graph: PATCH /applications/ID, isDisabled false"
        cell.because.append(Fact("application_disabled", "the application is disabled, so it gets no tokens"))
    elif seen.enabled is False:
        cell.state, cell.by_hand = BLOCKED, "Graph: PATCH /servicePrincipals/ID, accountEnabled true"
        cell.because.append(
            Fact("sign_in_disabled", "sign-in to the enterprise application is switched off (AADSTS7000112)")
        )
    elif seen.assignment_required and seen.assigned == []:
        cell.state = BLOCKED
        cell.by_hand = (
            "Graph: POST /servicePrincipals/ID/appRoleAssignedTo for who signs in, or appRoleAssignmentRequired false"
        )
        cell.because.append(nobody_assigned())


def nobody_assigned() -> Fact:
    return Fact(
        "nobody_assigned", "only assigned users may sign in to the application, and none is assigned (AADSTS50105)"
    )


def _redirect_facts(application: Optional[Application], wishes: Wishes) -> List[Fact]:
    if application is None or wishes.callback_url in application.redirect_uris:
        return []
    near = [
        uri for uri in application.redirect_uris if uri.rstrip("/").lower() == wishes.callback_url.rstrip("/").lower()
    ]
    facts = [Fact("redirect_uri_missing", "the callback URL is no redirect URI of the platform Web (AADSTS50011)")]
    if near:
        facts.append(Fact("redirect_uri_differs", "Entra compares exactly, and {0} differs".format(", ".join(near))))
    return facts


# Its secret


def _judge_secret(found: DirectoryJudgement, seen: Directory, wishes: Wishes, now: datetime) -> None:
    name = wishes.secret["display_name"]
    failure = seen.unread.get("store")
    record: Optional[Record] = seen.record
    application = found.application
    held = record.key_id if record else None
    found.current_secret = next((s for s in application.secrets if s.key_id == held), None) if application else None
    if failure is not None:
        found.cells.append(unread("secret", name, "store", failure))
        return
    current = app_secret.Current(application, record, now, seen.place)
    try:
        plan = app_secret.plan_secret(current, wishes.secret)
    except TenantError as refusal:
        found.cells.append(refused("secret", name, refusal))
        return
    found.secret = plan
    cell = of_plan("secret", name, plan)
    ours = [s for s in application.secrets if s.display_name == name] if application else []
    live = [s for s in ours if ending(s) > now]
    ends = found.current_secret if found.current_secret in live else max(live, key=ending, default=None)
    if ends is not None and ends.end is not None:
        cell.until = ends.end
    adds = any(step == "add" for step, _arguments in plan.steps)
    if adds and ends is not None and ending(ends) - now <= timedelta(days=wishes.secret["rotate_before_days"]):
        cell.state = EXPIRING
        cell.because.append(Fact("secret_ends_soon", "the secret {0} ends soon".format(ends.key_id)))
    elif adds and ends is not None:
        cell.because.append(Fact("secret_held_is_gone", "the store does not hold a live secret of the application"))
    elif adds:
        expired = bool(ours)
        text = "every secret named {0!r} has expired" if expired else "there is no secret named {0!r}"
        cell.because.append(Fact("secret_expired" if expired else "secret_absent", text.format(name)))
    if any(step == "remove" for step, _arguments in plan.steps):
        cell.because.append(Fact("secret_orphaned", "a run that was interrupted left a secret whose text nobody has"))
    rotation = plan.result["rotation"]
    if is_under_way(rotation):
        cell.because.append(Fact("rotation_under_way", account_of(rotation)))
    found.cells.append(cell)


# Permissions and consent


def _judge_permissions(found: DirectoryJudgement, seen: Directory, wishes: Wishes) -> None:
    current = app_permission.Current(found.application, seen.resources)
    for options in wishes.permissions:
        name = resource_name(options["resource_app_id"], seen.resources.get(options["resource_app_id"]))
        failure = seen.unread.get("resources")
        if failure is not None:
            found.cells.append(unread("permissions", name, "resources", failure))
        else:
            found.cells.append(of("permissions", name, partial(app_permission.plan_permissions, current, options)))


def _judge_consent(found: DirectoryJudgement, seen: Directory, wishes: Wishes) -> None:
    name = wishes.application_name
    for part in ("resources", "assignments", "grants"):
        failure = seen.unread.get(part)
        if failure is not None:
            found.cells.append(unread("consent", name, part, failure))
            return
    current = admin_consent.Current(found.application, seen.principal, seen.resources, seen.assignments, seen.grants)
    try:
        found.consent = admin_consent.plan_consent(current, wishes.consent)
        found.cells.append(of_plan("consent", name, found.consent))
    except TenantError as refusal:
        found.cells.append(refused("consent", name, refusal))


def _judge_user_consent(found: DirectoryJudgement, seen: Directory, wishes: Wishes, tenant: str) -> None:
    wish = wishes.user_consent["user_consent"]
    found.user_consent = {"setting": None, "policies": None, "wanted": wish}
    if seen.consent_policies.entries is None:
        failure = seen.unread.get("user_consent") or TenantError("it was not asked for")
        found.cells.append(Cell("user_consent", tenant, UNREADABLE, because=[not_read("user_consent", failure)]))
        return
    current = user_consent_policy.Current(seen.consent_policies, seen.low_impact)
    plan = user_consent_policy.plan_user_consent(current, wishes.user_consent)
    found.user_consent.update(setting=plan.before["user_consent"], policies=plan.before["policies"])
    cell = of_plan("user_consent", tenant, plan)
    if wish is None:
        cell.state = NOT_APPLICABLE
    found.cells.append(cell)
