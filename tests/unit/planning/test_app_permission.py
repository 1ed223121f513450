# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions that an application asks for on one API (C36)."""

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
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.app_permission import (
    Current,
    check,
    plan_permissions,
)
from samples import (
    APP_ID,
    HOSTILE,
    IMAP_SCOPE,
    MAIL_SEND_ROLE,
    OFFLINE_ACCESS_SCOPE,
    QUICKLY,
    RESOURCES,
    SEND_AS_APP_ROLE,
    SMTP_SEND_SCOPE,
    application,
)

EXCHANGE = "Office 365 Exchange Online"
UNKNOWN_ID = "12345678-0000-4000-8000-00000000dead"
OF_GRAPH = {MICROSOFT_GRAPH: {"Role": set(), "Scope": {OFFLINE_ACCESS_SCOPE}}}


def wishes(**differences: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "resource": EXCHANGE,
        "application_permissions": None,
        "delegated_permissions": None,
        "purge": False,
        "state": "present",
    }
    wanted = {**plain, **differences}
    check(wanted)
    return wanted


def asking(roles: set[str] = frozenset(), scopes: set[str] = frozenset(), **more: Any) -> Current:  # type: ignore[assignment]
    requested = {EXCHANGE_ONLINE: {"Role": set(roles), "Scope": set(scopes)}} if roles or scopes else {}
    return Current(application(requested={**requested, **more}), RESOURCES)


@pytest.mark.parametrize(
    ("stored", "wanted", "roles", "scopes"),
    [
        (((), ()), {}, {MAIL_SEND_ROLE}, set()),
        (((MAIL_SEND_ROLE,), ()), {}, None, None),
        (((), ()), {"delegated_permissions": ["SMTP.Send"]}, set(), {SMTP_SEND_SCOPE}),
        (
            ((), ()),
            {"application_permissions": ["Mail.Send"], "delegated_permissions": ["SMTP.Send"]},
            {MAIL_SEND_ROLE},
            {SMTP_SEND_SCOPE},
        ),
        (((), ()), {"application_permissions": []}, None, None),
        (
            ((SEND_AS_APP_ROLE,), (IMAP_SCOPE,)),
            {"delegated_permissions": ["smtp.send"]},
            {SEND_AS_APP_ROLE},
            {IMAP_SCOPE, SMTP_SEND_SCOPE},
        ),
        (
            ((SEND_AS_APP_ROLE,), (IMAP_SCOPE,)),
            {"delegated_permissions": ["SMTP.Send"], "purge": True},
            {SEND_AS_APP_ROLE},
            {SMTP_SEND_SCOPE},
        ),
        (
            ((SEND_AS_APP_ROLE, UNKNOWN_ID), (IMAP_SCOPE,)),
            {"application_permissions": [], "purge": True},
            set(),
            {IMAP_SCOPE},
        ),
        (
            ((MAIL_SEND_ROLE, UNKNOWN_ID), ()),
            {"application_permissions": ["Mail.Send"], "state": "absent"},
            {UNKNOWN_ID},
            set(),
        ),
        (((UNKNOWN_ID,), ()), {"application_permissions": ["Mail.Send"], "state": "absent"}, None, None),
        (((), ()), {"delegated_permissions": ["Mail.Send,SMTP.Send"]}, set(), "both"),
    ],
    ids=[
        "default-where-no-list-is-given",
        "default-there-already",
        "a-list-silences-the-default",
        "both-kinds",
        "empty-list-silences-the-default",
        "beside-anothers",
        "purge-only-the-named-kind",
        "purge-to-none-with-an-unknown-id",
        "absent-takes-only-the-named",
        "absent-already",
        "one-text-is-taken-apart",
    ],
)
def test_wish_becomes_the_ids_that_are_asked_for(stored: Any, wanted: dict[str, Any], roles: Any, scopes: Any) -> None:
    current = asking(*map(set, stored), **OF_GRAPH)
    plan = plan_permissions(current, wishes(**wanted))
    if roles is None:
        assert plan.steps == []
        return
    if scopes == "both":
        scopes = {"5eb43c10-865a-4259-960a-83946678f8dd", SMTP_SEND_SCOPE}
    (step,) = plan.steps
    assert step == (
        "update",
        {
            "application": current.application,
            "changes": {"requested": {**OF_GRAPH, EXCHANGE_ONLINE: {"Role": roles, "Scope": scopes}}},
        },
    )


def test_permissions_of_other_apis_stay_and_are_not_shown() -> None:
    plan = plan_permissions(asking(**OF_GRAPH), wishes())
    assert plan.steps[0][1]["changes"]["requested"][MICROSOFT_GRAPH] == OF_GRAPH[MICROSOFT_GRAPH]
    assert plan.before == {"resource": EXCHANGE, "application_permissions": [], "delegated_permissions": []}
    assert plan.after == {"resource": EXCHANGE, "application_permissions": ["Mail.Send"], "delegated_permissions": []}


@pytest.mark.parametrize("resource", ["Microsoft Graph", MICROSOFT_GRAPH])
def test_default_is_for_exchange_online_only(resource: str) -> None:
    assert not plan_permissions(asking(), wishes(resource=resource)).changed


@pytest.mark.parametrize("resource", ["office 365 exchange online", EXCHANGE_ONLINE, EXCHANGE_ONLINE.upper()])
def test_default_holds_however_exchange_online_is_called(resource: str) -> None:
    assert plan_permissions(asking(), wishes(resource=resource)).after["application_permissions"] == ["Mail.Send"]


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("application_permissions", "SMTP.Send"),
        ("delegated_permissions", "offline_access"),
        ("delegated_permissions", "SMTP.Snd"),
    ],
)
def test_case_c36_wrong_name_is_refused_by_the_plan_itself(state: str, option: str, name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        plan_permissions(asking(), wishes(state=state, **{option: [name]}))
    kind = option.split("_", maxsplit=1)[0]
    assert refusal.value.message == "{0!r} is no {1} permission of {2}.".format(name, kind, EXCHANGE)


@pytest.mark.parametrize("name", [text for text in HOSTILE.values() if text.strip()])
def test_hostile_name_never_becomes_an_id(name: str) -> None:
    with pytest.raises(InvalidInput):
        plan_permissions(asking(), wishes(delegated_permissions=[name]))


def test_api_that_the_tenant_lacks_fails() -> None:
    current = replace(asking(), resources={EXCHANGE_ONLINE: None})
    with pytest.raises(NotFound, match="Office 365 Exchange Online"):
        plan_permissions(current, wishes())


def test_application_that_is_yet_to_be_made_gets_a_plan_without_ids() -> None:
    plan = plan_permissions(Current(None, RESOURCES), wishes())
    assert plan.changed
    assert plan.result["app_id"] is None
    assert plan.result["object_id"] is None
    assert plan.result["application"] == ["Mail.Send"]
    assert plan.result.keys() == plan_permissions(asking(), wishes()).result.keys()


def test_result_names_permissions_and_shows_unknown_ids() -> None:
    result = plan_permissions(asking({UNKNOWN_ID}), wishes()).result
    assert result["application"] == [UNKNOWN_ID, "Mail.Send"]
    assert result["resource_app_id"] == EXCHANGE_ONLINE
    assert result["app_id"] == APP_ID


ROLES = st.sets(st.sampled_from([MAIL_SEND_ROLE, SEND_AS_APP_ROLE, UNKNOWN_ID]))
SCOPES = st.sets(st.sampled_from([SMTP_SEND_SCOPE, IMAP_SCOPE]))


@QUICKLY
@given(
    roles=ROLES,
    scopes=SCOPES,
    application_permissions=st.none() | st.lists(st.sampled_from(["Mail.Send", "SMTP.SendAsApp"]), max_size=2),
    delegated_permissions=st.none() | st.lists(st.sampled_from(["SMTP.Send", "IMAP.AccessAsUser.All"]), max_size=2),
    purge=st.booleans(),
    state=st.sampled_from(["present", "absent"]),
)
def test_planning_on_what_a_plan_leaves_behind_yields_nothing(roles: set[str], scopes: set[str], **wanted: Any) -> None:
    current = asking(roles, scopes, **OF_GRAPH)
    plan = plan_permissions(current, wishes(**wanted))
    for _name, arguments in plan.steps:
        current = replace(current, application=replace(application(), **arguments["changes"]))
    again = plan_permissions(current, wishes(**wanted))
    assert not again.changed
    assert again.before == again.after == plan.after
    assert current.application is not None
    assert current.application.requested[MICROSOFT_GRAPH] == OF_GRAPH[MICROSOFT_GRAPH]
