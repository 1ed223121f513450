# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tenant-wide grant: what the user listed, and nothing that an application asks for beyond it (C01, C36)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    MICROSOFT_GRAPH,
    Grant,
    RoleAssignment,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.admin_consent import (
    Current,
    check,
    plan_consent,
    resource_app_ids,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from samples import (
    APP_ID,
    EXCHANGE,
    GRAPH,
    HOSTILE,
    IMAP_SCOPE,
    MAIL_SEND_ROLE,
    PRINCIPAL,
    PRINCIPAL_ID,
    QUICKLY,
    RESOURCES,
    SEND_AS_APP_ROLE,
    SMTP_SEND_SCOPE,
    application,
)

NAME = "Office 365 Exchange Online"
UNKNOWN_ID = "12345678-0000-4000-8000-00000000dead"
USER_ID = "abcdef00-0000-4000-8000-000000000001"
LISTED = [
    {"resource": NAME, "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
    {"resource": "Microsoft Graph", "application": None, "delegated": ["offline_access"]},
]
OF_USER = Grant("grant-of-user", EXCHANGE.object_id, USER_ID, "IMAP.AccessAsUser.All")


def wishes(**differences: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {"permissions": LISTED, "include_unlisted": False, "purge": False, "state": "present"}
    wanted = {**plain, **differences}
    check(wanted)
    return wanted


def delegated(*names: str) -> list[dict[str, Any]]:
    return [{"resource": NAME, "application": None, "delegated": list(names)}]


def assignment(role_id: str, number: int = 1) -> RoleAssignment:
    return RoleAssignment("assignment-{0}".format(number), EXCHANGE.object_id, role_id)


def for_all(scope: str, resource: Any = EXCHANGE) -> Grant:
    return Grant("grant-" + resource.object_id, resource.object_id, None, scope)


def granted(*items: Any, asks: dict[str, Any] | None = None, **differences: Any) -> Current:
    plain: dict[str, Any] = {
        "application": application(requested=asks or {}),
        "principal": PRINCIPAL,
        "resources": RESOURCES,
        "assignments": [item for item in items if isinstance(item, RoleAssignment)],
        "grants": [item for item in items if isinstance(item, Grant)],
    }
    return Current(**{**plain, **differences})


def left_behind(plan: Plan, before: Current) -> Current:
    assignments, grants, principal = list(before.assignments), list(before.grants), before.principal
    for name, arguments in plan.steps:
        if name == "create_service_principal":
            principal = PRINCIPAL
        elif name == "assign":
            resource, permission = arguments["resource"], arguments["permission"]
            assignments.append(RoleAssignment("new-" + permission.id, resource.object_id, permission.id))
        elif name == "unassign":
            assignments.remove(arguments["assignment"])
        elif name == "grant":
            grants.append(for_all(" ".join(arguments["names"]), arguments["resource"]))
        else:
            assert name == "set_grant"
            grants.remove(arguments["grant"])
            if arguments["names"]:
                grants.append(replace(arguments["grant"], scope=" ".join(arguments["names"])))
    return replace(before, assignments=assignments, grants=grants, principal=principal)


def test_nothing_granted_yet_becomes_assignments_and_one_grant_per_api() -> None:
    plan = plan_consent(granted(), wishes())
    assert plan.steps == [
        (
            "assign",
            {"principal": PRINCIPAL, "resource": EXCHANGE, "permission": EXCHANGE.named("Mail.Send", "application")},
        ),
        ("grant", {"principal": PRINCIPAL, "resource": EXCHANGE, "names": ["SMTP.Send"]}),
        ("grant", {"principal": PRINCIPAL, "resource": GRAPH, "names": ["offline_access"]}),
    ]
    assert plan.before == {"permissions": []}
    assert plan.after["permissions"] == plan.result["granted"]


@pytest.mark.parametrize("order", [("Mail.Send", "SMTP.Send"), ("SMTP.Send", "Mail.Send")])
def test_case_c01_one_update_holds_the_union_and_leaves_grants_of_users_alone(order: tuple[str, str]) -> None:
    tenant_wide = for_all(" SMTP.Send  offline_access")
    current = granted(OF_USER, tenant_wide)
    plan = plan_consent(current, wishes(permissions=delegated(*order)))
    assert plan.steps == [("set_grant", {"grant": tenant_wide, "names": ["SMTP.Send", "offline_access", "Mail.Send"]})]
    after = left_behind(plan, current)
    assert OF_USER in after.grants
    for again in (order, order[::-1]):
        assert not plan_consent(after, wishes(permissions=delegated(*again))).changed


@pytest.mark.parametrize(
    "scope",
    ["SMTP.Send Mail.Send", " Mail.Send  SMTP.Send ", "SMTP.Send SMTP.Send Mail.Send", "smtp.send\tMAIL.SEND"],
)
def test_case_c01_spacing_order_repeats_and_case_of_the_stored_text_are_no_difference(scope: str) -> None:
    assert not plan_consent(granted(for_all(scope)), wishes(permissions=delegated("Mail.Send", "SMTP.Send"))).changed


def test_case_c01_updated_scope_text_holds_each_name_once() -> None:
    current = granted(for_all("SMTP.Send smtp.send SMTP.Send"))
    (step,) = plan_consent(current, wishes(permissions=delegated("Mail.Send"))).steps
    assert step[1]["names"] == ["SMTP.Send", "Mail.Send"]


def test_case_c01_names_that_are_not_asked_for_leave_only_with_purge() -> None:
    current = granted(
        for_all("IMAP.AccessAsUser.All SMTP.Send offline_access"),
        asks={EXCHANGE_ONLINE: {"Role": set(), "Scope": {IMAP_SCOPE}}},
    )
    assert not plan_consent(current, wishes(permissions=delegated("SMTP.Send"))).changed
    (step,) = plan_consent(current, wishes(permissions=delegated("SMTP.Send"), purge=True)).steps
    assert step[1]["names"] == ["IMAP.AccessAsUser.All", "SMTP.Send"]


def test_purge_that_leaves_nothing_empties_the_grant_and_takes_the_assignment() -> None:
    kept, gone = assignment(MAIL_SEND_ROLE), assignment(SEND_AS_APP_ROLE, 2)
    current = granted(kept, gone, for_all("SMTP.Send"), for_all("offline_access", GRAPH), OF_USER)
    only_mail_send = [{"resource": NAME, "application": ["Mail.Send"], "delegated": None}]
    plan = plan_consent(current, wishes(permissions=only_mail_send, purge=True))
    assert plan.steps == [
        ("unassign", {"assignment": gone}),
        ("set_grant", {"grant": for_all("SMTP.Send"), "names": []}),
        ("set_grant", {"grant": for_all("offline_access", GRAPH), "names": []}),
    ]


def test_what_the_application_asks_for_beyond_the_list_is_shown_and_not_granted() -> None:
    asks = {EXCHANGE_ONLINE: {"Role": {MAIL_SEND_ROLE, SEND_AS_APP_ROLE}, "Scope": {IMAP_SCOPE}}}
    plan = plan_consent(granted(asks=asks), wishes())
    assert plan.result["asked_but_not_listed"] == [
        {"resource": NAME, "application": ["SMTP.SendAsApp"], "delegated": ["IMAP.AccessAsUser.All"]}
    ]
    assert {"resource": NAME, "application": ["Mail.Send"], "delegated": ["SMTP.Send"]} in plan.result["granted"]


def test_include_unlisted_grants_what_is_asked_for_too() -> None:
    asks = {EXCHANGE_ONLINE: {"Role": {SEND_AS_APP_ROLE}, "Scope": {SMTP_SEND_SCOPE}}}
    plan = plan_consent(granted(asks=asks), wishes(permissions=None, include_unlisted=True))
    assert [(name, arguments.get("names")) for name, arguments in plan.steps] == [
        ("assign", None),
        ("grant", ["SMTP.Send"]),
    ]
    assert plan.steps[0][1]["permission"].id == SEND_AS_APP_ROLE


@pytest.mark.parametrize("kind", ["Role", "Scope"])
def test_case_c36_include_unlisted_refuses_what_the_api_does_not_offer(kind: str) -> None:
    asks = {EXCHANGE_ONLINE: {"Role": set(), "Scope": set(), kind: {UNKNOWN_ID}}}
    with pytest.raises(InvalidInput) as refusal:
        plan_consent(granted(asks=asks), wishes(permissions=None, include_unlisted=True))
    assert UNKNOWN_ID in refusal.value.message
    assert NAME in refusal.value.message


def test_unknown_permission_that_is_only_asked_for_harms_nobody() -> None:
    asks = {EXCHANGE_ONLINE: {"Role": {UNKNOWN_ID}, "Scope": set()}}
    plan = plan_consent(granted(asks=asks), wishes())
    assert plan.result["asked_but_not_listed"] == [{"resource": NAME, "application": [UNKNOWN_ID], "delegated": []}]


def test_unknown_scope_that_was_granted_stays_when_another_is_added() -> None:
    (step,) = plan_consent(granted(for_all("Old.Scope")), wishes(permissions=delegated("SMTP.Send"))).steps
    assert step[1]["names"] == ["Old.Scope", "SMTP.Send"]


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ({"application": ["SMTP.Send"]}, "It exists there as a delegated permission."),
        ({"delegated": ["offline_access"]}, "Microsoft Graph offers it"),
        ({"delegated": ["SMTP.Snd"]}, "Close to it: SMTP.Send"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_case_c36_wrong_name_is_refused_with_api_and_kind(entry: dict[str, Any], hint: str, state: str) -> None:
    permissions = [{"resource": NAME, "application": None, "delegated": None, **entry}]
    with pytest.raises(InvalidInput) as refusal:
        plan_consent(granted(), wishes(permissions=permissions, state=state))
    assert NAME in refusal.value.message
    assert hint in refusal.value.advice


def test_case_c36_names_in_one_text_are_taken_apart_and_never_stored_as_one() -> None:
    (step,) = plan_consent(granted(), wishes(permissions=delegated("Mail.Send,SMTP.Send"))).steps
    assert step[1]["names"] == ["Mail.Send", "SMTP.Send"]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        plan_consent(granted(), wishes(permissions=delegated(name)))


def test_two_entries_of_one_api_are_one_wish() -> None:
    plan = plan_consent(granted(), wishes(permissions=delegated("Mail.Send") + delegated("SMTP.Send")))
    assert [arguments["names"] for _name, arguments in plan.steps] == [["Mail.Send", "SMTP.Send"]]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"permissions": None}, "permissions is not given"),
        ({"permissions": [{"resource": None}]}, "without a resource"),
        ({"permissions": [{"resource": ""}]}, "without a resource"),
        ({"permissions": [{"resource": "Exchange"}]}, "'Exchange'"),
    ],
)
def test_unusable_wish_is_refused(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        wishes(**wanted)
    assert said in refusal.value.message


def test_empty_list_grants_nothing_and_removes_nothing() -> None:
    plan = plan_consent(granted(assignment(MAIL_SEND_ROLE), for_all("SMTP.Send")), wishes(permissions=[]))
    assert not plan.changed
    assert plan.result["granted"] == [{"resource": NAME, "application": ["Mail.Send"], "delegated": ["SMTP.Send"]}]


@pytest.mark.parametrize(
    ("permissions", "names"),
    [(delegated("SMTP.Send"), ["IMAP.AccessAsUser.All"]), (None, [])],
    ids=["the-listed", "everything"],
)
def test_absent_takes_back_the_listed_or_everything_but_never_a_users_grant(permissions: Any, names: list[str]) -> None:
    own = for_all("SMTP.Send IMAP.AccessAsUser.All")
    mail_send = assignment(MAIL_SEND_ROLE)
    plan = plan_consent(granted(mail_send, own, OF_USER), wishes(permissions=permissions, state="absent"))
    assert ("set_grant", {"grant": own, "names": names}) in plan.steps
    assert (("unassign", {"assignment": mail_send}) in plan.steps) == (permissions is None)
    assert len(plan.steps) == (2 if permissions is None else 1)


def test_grant_that_was_found_under_another_case_of_the_ids_is_the_same() -> None:
    current = granted(assignment(MAIL_SEND_ROLE), for_all("SMTP.Send"), for_all("offline_access", GRAPH))
    upper = {app_id: replace(r, object_id=r.object_id.upper()) for app_id, r in RESOURCES.items()}
    assert not plan_consent(replace(current, resources=upper), wishes()).changed


def test_listed_api_that_the_tenant_lacks_fails() -> None:
    current = granted(resources={EXCHANGE_ONLINE: None, MICROSOFT_GRAPH: GRAPH})
    with pytest.raises(NotFound, match=NAME):
        plan_consent(current, wishes())


def test_missing_service_principal_is_made_first_and_only_where_something_is_granted() -> None:
    plan = plan_consent(granted(principal=None), wishes())
    assert plan.steps[0] == ("create_service_principal", {"application": application(requested={})})
    assert plan.result["service_principal_id"] is None
    assert not plan_consent(granted(principal=None), wishes(permissions=[])).changed


def test_application_that_is_yet_to_be_made_gets_a_plan_with_null_ids() -> None:
    pending = plan_consent(granted(application=None, principal=None), wishes())
    assert pending.changed
    assert pending.result["app_id"] is None
    real = plan_consent(granted(), wishes())
    assert pending.result.keys() == real.result.keys()
    assert (real.result["app_id"], real.result["service_principal_id"]) == (APP_ID, PRINCIPAL_ID)


def test_grants_of_users_are_reported() -> None:
    result = plan_consent(granted(OF_USER), wishes(permissions=[])).result
    assert result["granted"] == []
    assert result["granted_to_single_users"] == [
        {"resource": NAME, "principal_id": USER_ID, "delegated": ["IMAP.AccessAsUser.All"]}
    ]


def test_granted_but_not_asked_for_is_reported() -> None:
    asks = {EXCHANGE_ONLINE: {"Role": set(), "Scope": {SMTP_SEND_SCOPE}}}
    result = plan_consent(granted(for_all("SMTP.Send Mail.Send"), asks=asks), wishes(permissions=[])).result
    assert result["granted_but_not_asked"] == [{"resource": NAME, "application": [], "delegated": ["Mail.Send"]}]


def test_apis_to_read_are_the_listed_and_the_asked_for() -> None:
    other = "12345678-0000-4000-8000-000000000001"
    asks = {other: {"Role": set(), "Scope": set()}}
    assert resource_app_ids(application(requested=asks), wishes()) == [EXCHANGE_ONLINE, MICROSOFT_GRAPH, other]
    assert resource_app_ids(None, wishes(permissions=[])) == []


NAMES = ["SMTP.Send", "Mail.Send", "IMAP.AccessAsUser.All"]
ROLES = {"Mail.Send": MAIL_SEND_ROLE, "SMTP.SendAsApp": SEND_AS_APP_ROLE}


@QUICKLY
@given(
    assigned=st.sets(st.sampled_from(sorted(ROLES.values()))),
    scopes=st.lists(st.sampled_from([*NAMES, "smtp.send", "Old.Scope"]), max_size=4),
    listed_roles=st.sets(st.sampled_from(sorted(ROLES))),
    listed_scopes=st.sets(st.sampled_from(NAMES)),
    asked=st.sets(st.sampled_from([SMTP_SEND_SCOPE, IMAP_SCOPE])),
    include_unlisted=st.booleans(),
    purge=st.booleans(),
    state=st.sampled_from(["present", "absent"]),
    has_principal=st.booleans(),
)
def test_planning_on_what_a_plan_leaves_behind_yields_nothing(
    assigned: set[str],
    scopes: list[str],
    listed_roles: set[str],
    listed_scopes: set[str],
    asked: set[str],
    include_unlisted: bool,
    purge: bool,
    state: str,
    has_principal: bool,
) -> None:
    items: list[Any] = [assignment(role, number) for number, role in enumerate(sorted(assigned))]
    if scopes:
        items.append(for_all(" ".join(scopes)))
    asks = {EXCHANGE_ONLINE: {"Role": set(), "Scope": asked}}
    before = granted(*items, OF_USER, asks=asks) if has_principal else granted(asks=asks, principal=None)
    wanted = wishes(
        permissions=[{"resource": NAME, "application": sorted(listed_roles), "delegated": sorted(listed_scopes)}],
        include_unlisted=include_unlisted,
        purge=purge,
        state=state,
    )
    plan = plan_consent(before, wanted)
    after = left_behind(plan, before)
    again = plan_consent(after, wanted)
    assert not again.changed
    assert again.before == again.after == plan.after
    assert (OF_USER in after.grants) == has_principal
    if state == "present" and not purge:
        assert set(before.assignments) <= set(after.assignments)
