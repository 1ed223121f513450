# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Which mailboxes the application may reach by itself: a scope, the roles that hold for it, and what undoes it.

Roles in Exchange and permissions in Entra are granted independently and add up. So a scope narrows nothing while a
permission for the whole tenant stands beside it, and all that is left to do about that is to say so.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from .._errors import Conflict, InvalidInput, NotFound, Refused, TenantError
from .._exchange import Mailbox
from .._exchange_scopes import PREFIX, Assignment, Found, Registration
from .._graph_objects import Application, RoleAssignment, ServicePrincipal
from .checks import refuse_control_characters, refuse_loose_identity
from .mailbox_reach import CONNECT_NEEDS, ROLES, tenant_wide, warning_about
from .permissions import Resources
from .plan import Plan, Step

DEFAULT_ROLES = ["Mail.Send"]  # what Cisco's guide asks for, as a permission for the whole tenant
LONGEST_NAME = 64 - len(" - MailboxSettings.ReadWrite")


@dataclass(frozen=True)
class Current:
    application: Optional[Application]
    """None for one that is yet to be made."""
    principal: Optional[ServicePrincipal]
    resources: Resources
    assignments: Sequence[RoleAssignment]
    found: Found
    mailboxes: Sequence[Tuple[str, Union[Mailbox, TenantError]]]
    """What was asked for, and the mailbox or why there is none."""
    dehydrated: Optional[bool] = None


@dataclass(frozen=True)
class _State:
    registration: Optional[Registration] = None
    mailboxes: Tuple[str, ...] = ()
    roles: Tuple[str, ...] = ()
    has_scope: bool = False
    kept: List[str] = field(default_factory=list)
    """Why a registration of ours stays although nothing else does."""


def check(options: Dict[str, Any]) -> None:
    """Settles the roles, in Exchange's spelling without the prefix, and the mailboxes."""
    mailboxes = options["mailboxes"] = list(dict.fromkeys(options["mailboxes"] or []))
    for mailbox in mailboxes:
        refuse_loose_identity(mailbox, "mailboxes")
    roles = options["roles"]
    if roles is None and options["state"] == "present":
        roles = DEFAULT_ROLES
    options["roles"] = list(dict.fromkeys(_role(name) for name in roles or []))
    if options["state"] == "present" and not (mailboxes and options["roles"]):
        raise InvalidInput(
            "{0} is empty.".format("roles" if mailboxes else "mailboxes"),
            "Name what the application may reach, or set state to absent.",
        )
    if options["purge"] and options["state"] != "present":
        raise InvalidInput("purge goes with state present only.")
    name = options["scope_name"]
    refuse_control_characters(name, "scope_name")
    if "*" in name or len(name) > LONGEST_NAME:
        raise InvalidInput(
            "scope_name is {0!r}; at most {1} characters and no wildcard are accepted, as the names of role assignments"
            " begin with it.".format(name, LONGEST_NAME)
        )


def _role(name: str) -> str:
    bare = name[len(PREFIX) :] if name.lower().startswith(PREFIX.lower()) else name
    for role in ROLES:
        if role.lower() == bare.lower():
            return role
    close = difflib.get_close_matches(bare, ROLES, 1, 0.5)
    raise InvalidInput(
        "roles holds {0!r}, which is no role for applications in Exchange.".format(name),
        "Did you mean {0}? ".format(close[0] if close else "") * bool(close)
        + "Known are {0}.".format(", ".join(ROLES)),
    )


def plan_mailbox_scope(current: Current, wanted: Dict[str, Any]) -> Plan:
    for _name, mailbox in current.mailboxes:
        # One that is gone can still leave the scope.
        if isinstance(mailbox, TenantError) and not (wanted["state"] == "absent" and isinstance(mailbox, NotFound)):
            raise mailbox
    name = current.found.scope.name if current.found.scope else wanted["scope_name"]
    registration = _registration(current, wanted)
    ours = _ours(current, name)
    scope = current.found.scope
    state = _State(
        registration, (scope.addresses or ()) if scope else (), tuple(sorted(map(_bare, ours))), scope is not None
    )
    target = (_present if wanted["state"] == "present" else _absent)(state, current, wanted, name)
    plan = Plan(_shown(name, state), _shown(name, target), {}, _steps(state, target, ours, current, name))
    if plan.changed and current.dehydrated:
        raise Refused(
            "The organization is not customizable yet, so Exchange Online refuses scopes and role assignments.",
            "An Exchange administrator runs Enable-OrganizationCustomization once, which is permanent and takes up to an"
            " hour to work; then run this again. Nothing of the application in Exchange was changed.",
        )
    return _judged(plan, target, current, wanted, name)


# What is ours


def _registration(current: Current, wanted: Mapping[str, Any]) -> Optional[Registration]:
    several = current.found.registrations
    app_id = current.application.app_id if current.application else None
    if len(several) > 1:
        raise Conflict(
            "Exchange knows {0} service principals of application {1}: {2}.".format(
                len(several), app_id, ", ".join("{0} ({1!r})".format(r.object_id, r.display_name) for r in several)
            ),
            "Remove the ones that are wrong with Remove-ServicePrincipal. Nothing was changed.",
        )
    registration = several[0] if several else None
    if wanted["state"] != "present" or current.application is None:
        return registration
    if current.principal is None:
        raise NotFound(
            "Application {0} has no service principal in the tenant, so Exchange cannot know it.".format(app_id),
            "The module azure_app_registration makes it. Nothing was changed.",
        )
    if registration and registration.object_id.lower() != current.principal.object_id.lower():
        raise Conflict(
            "Exchange knows application {0} by the object id {1}, but its enterprise application has {2}, so no sign-in"
            " of it would work.".format(app_id, registration.object_id, current.principal.object_id),
            "Whoever made it removes it with Remove-ServicePrincipal; then run this again. Nothing was changed.",
        )
    return registration


def _assignment_name(scope: str, role: str) -> str:
    return "{0} - {1}".format(scope, role)


def _bare(assignment: Assignment) -> str:
    role = assignment.role
    return role[len(PREFIX) :] if role.lower().startswith(PREFIX.lower()) else role


def _is_for(assignment: Assignment, scope: str) -> bool:
    return (assignment.scope or "").lower() == scope.lower()


def _ours(current: Current, name: str) -> List[Assignment]:
    """The application's roles for the scope, by the names that we give. Raises Conflict for a scope of somebody else."""
    found = current.found
    if found.scope and found.scope.addresses is None:
        raise _not_ours(name, "it is described by more than primary addresses of mailboxes, which this task never does")
    ours = [a for a in found.own if _is_for(a, name) and a.name.lower() == _assignment_name(name, _bare(a)).lower()]
    names = {assignment.name.lower() for assignment in ours}
    others = {a.name for a in found.everybody + found.own if _is_for(a, name) and a.name.lower() not in names}
    others |= set(found.people)
    if others:
        raise _not_ours(
            name, "it is used by role assignments that this task did not make: {0}".format(", ".join(sorted(others)))
        )
    return ours


def _not_ours(name: str, why: str) -> Conflict:
    return Conflict(
        "The management scope {0!r} is somebody else's: {1}.".format(name, why),
        "Give another scope_name. Nothing was changed.",
    )


def _mark(name: str) -> str:
    """What the display name of a registration of ours ends with."""
    return "({0})".format(name)


# What is to be


def _mailboxes(current: Current) -> List[Mailbox]:
    return [mailbox for _name, mailbox in current.mailboxes if isinstance(mailbox, Mailbox)]


def _present(state: _State, current: Current, wanted: Mapping[str, Any], name: str) -> _State:
    mailboxes = _mailboxes(current)
    new = {mailbox.address.lower(): mailbox.address for mailbox in mailboxes}
    # An address that has become a secondary one of its mailbox opens nothing any more.
    stale = {text for mailbox in mailboxes for text in mailbox.names} - set(new)
    kept = [
        address
        for address in state.mailboxes
        if address.lower() in new or (address.lower() not in stale and not wanted["purge"])
    ]
    there = {address.lower() for address in kept}
    added = [address for key, address in new.items() if key not in there]
    roles = set(wanted["roles"]) if wanted["purge"] else {*state.roles, *wanted["roles"]}
    for role in roles - set(state.roles):
        _refuse_namesake(current, _assignment_name(name, role))
    registration = state.registration
    if registration is None:
        shown = current.application.display_name if current.application else "Webex Connect"
        object_id = current.principal.object_id if current.principal else ""
        registration = Registration(object_id, "{0} {1}".format(shown[:100], _mark(name)))
    return _State(registration, (*kept, *added), tuple(sorted(roles)), True)


def _refuse_namesake(current: Current, name: str) -> None:
    if any(assignment.name.lower() == name.lower() for assignment in current.found.everybody):
        raise Conflict(
            "A role assignment {0!r} exists already, for another application or scope.".format(name),
            "Give another scope_name. Nothing was changed.",
        )


def _absent(state: _State, current: Current, wanted: Mapping[str, Any], name: str) -> _State:
    leaving = {text.lower() for text, _mailbox in current.mailboxes}
    leaving |= {text for mailbox in _mailboxes(current) for text in mailbox.names}
    everything = not (wanted["mailboxes"] or wanted["roles"])
    mailboxes = tuple(a for a in state.mailboxes if not everything and a.lower() not in leaving)
    roles = tuple(role for role in state.roles if not everything and role not in wanted["roles"])
    if (mailboxes or not wanted["mailboxes"]) and (roles or not wanted["roles"]) and not everything:
        return _State(state.registration, mailboxes, roles, state.has_scope)
    registration = state.registration
    if registration is None or not registration.display_name.endswith(_mark(name)):
        return _State(registration)
    kept = ["the role assignment {0!r}".format(a.name) for a in current.found.own if not _is_for(a, name)]
    kept += ["a permission on {0}".format(address) for address in current.found.trusting]
    if not state.has_scope:
        # It goes before the scope does, so this one was kept, or a run that began to make it was interrupted.
        kept = ["what it had when the scope was removed, if anything"]
    return _State(registration if kept else None, kept=kept)


def _steps(state: _State, target: _State, ours: Sequence[Assignment], current: Current, name: str) -> List[Step]:
    steps: List[Step] = []
    registration = target.registration
    if registration and state.registration is None:
        app_id = current.application.app_id if current.application else None
        arguments = {"app_id": app_id, "object_id": registration.object_id, "display_name": registration.display_name}
        steps.append(("register", arguments))
    if target.has_scope and not state.has_scope:
        steps.append(("create_scope", {"name": name, "addresses": list(target.mailboxes)}))
    elif target.has_scope and target.mailboxes != state.mailboxes:
        steps.append(("set_scope", {"name": name, "addresses": list(target.mailboxes)}))
    object_id = registration.object_id if registration else ""
    for role in target.roles:
        if role not in state.roles:
            arguments = {"name": _assignment_name(name, role), "role": PREFIX + role}
            steps.append(("assign", {**arguments, "object_id": object_id, "scope": name}))
    for assignment in ours:
        if _bare(assignment) not in target.roles:
            steps.append(("unassign", {"name": assignment.name}))
    # The scope goes last: what is in it tells whose permissions the registration may not be taken from.
    if state.registration and registration is None:
        steps.append(("unregister", {"object_id": state.registration.object_id}))
    if state.has_scope and not target.has_scope:
        steps.append(("remove_scope", {"name": name}))
    held = {address.lower() for address in target.mailboxes}
    mailboxes = [mailbox for mailbox in _mailboxes(current) if mailbox.address.lower() in held]
    if steps and mailboxes and target.roles:
        proof: Dict[str, Any] = {"mailboxes": mailboxes, "roles": _full(target.roles)}
        steps.append(("confirm", {"object_id": object_id, "addresses": list(target.mailboxes), **proof}))
    return steps


def _full(roles: Sequence[str]) -> List[str]:
    return [PREFIX + role for role in roles]


def _shown(name: str, state: _State) -> Dict[str, Any]:
    return {
        "mailboxes": sorted(state.mailboxes),
        "registered": state.registration is not None,
        "roles": list(state.roles),
        "scope_name": name,
        "state": "present"
        if state.has_scope and state.roles
        else "scope without roles"
        if state.has_scope
        else "absent",
    }


# What comes of it


def _judged(plan: Plan, target: _State, current: Current, wanted: Mapping[str, Any], name: str) -> Plan:
    present = wanted["state"] == "present"
    others = [a for a in current.found.own if not _is_for(a, name)]
    wide = tenant_wide(current.resources, current.assignments)
    plan.result = {
        "app_id": current.application.app_id if current.application else None,
        "service_principal_id": current.principal.object_id if current.principal else None,
        "scope_name": name,
        "registered": target.registration is not None,
        "roles": list(target.roles),
        "mailboxes": [_reached(address, plan, target, current) for address in target.mailboxes],
        "tenant_wide": [{"resource": api, "permission": permission} for api, permission in wide],
        "other_assignments": [{"name": a.name, "role": _bare(a), "where": a.where} for a in others],
        "connect_needs": list(CONNECT_NEEDS),
    }
    if not present:
        if target.kept:
            plan.warnings.append(
                "The application stays registered in Exchange, because it still has {0}.".format(
                    " and ".join(target.kept)
                )
            )
        return plan
    for api, permission in wide:
        plan.warnings.append(warning_about(api, permission, target.roles))
    for assignment in others:
        if _bare(assignment) in target.roles:
            plan.warnings.append(
                "The application has the role {0} for {1} as well, by the role assignment {2!r}, so it reaches more than"
                " the scope. That assignment is not of this task and stays.".format(
                    assignment.role, assignment.where, assignment.name
                )
            )
    for assignment in current.found.own:
        if _is_for(assignment, name) and not assignment.enabled:
            plan.warnings.append(
                "The role assignment {0!r} is switched off, so it lets the application reach nothing.".format(
                    assignment.name
                )
            )
    if not plan.changed:
        closed = [item["mailbox"] for item in plan.result["mailboxes"] if item["in_scope"] is False]
        if closed:
            plan.warnings.append(
                "Exchange Online says that the application cannot reach {0} by all of these roles.".format(
                    ", ".join(closed)
                )
            )
    return plan


def _reached(address: str, plan: Plan, target: _State, current: Current) -> Dict[str, Any]:
    """As Exchange tests it. Nobody has asked about a mailbox that this task does not name, or that is not in it yet."""
    mailbox = next((m for m in _mailboxes(current) if m.address.lower() == address.lower()), None)
    if plan.changed or mailbox is None or mailbox.guid not in current.found.in_scope:
        return {"mailbox": address, "in_scope": None}
    there = {role.lower() for role in current.found.in_scope[mailbox.guid]}
    return {"mailbox": address, "in_scope": {role.lower() for role in _full(target.roles)} <= there}
