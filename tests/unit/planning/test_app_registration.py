# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application and its service principal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, InvalidInput, NotFound
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import Application
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.app_registration import (
    Current,
    check,
    plan_app_registration,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from samples import (
    ADMIN_ID,
    APP_ID,
    CALLBACK,
    HOSTILE,
    OBJECT_ID,
    PRINCIPAL,
    PRINCIPAL_ID,
    QUICKLY,
    application,
    secret,
)

PERSONAL = "AzureADandPersonalMicrosoftAccount"
OTHER_URI = "https://contoso.eu.webexconnect.io/callback"
PLAIN: dict[str, Any] = {
    "display_name": "WebexConnect",
    "unique_name": None,
    "app_id": None,
    "object_id": None,
    "adopt_by_name": False,
    "store": None,
    "sign_in_audience": "AzureADMyOrg",
    "redirect_uris": None,
    "purge_redirect_uris": False,
    "issue_access_tokens": None,
    "issue_id_tokens": None,
    "notes": None,
    "tags": None,
    "service_management_reference": None,
    "state": "present",
    "restore_deleted": False,
    "permanent": False,
}


def wishes(**differences: Any) -> dict[str, Any]:
    wanted = {**PLAIN, **differences}
    check(wanted)
    return wanted


def existing(found: Application | None, **differences: Any) -> Current:
    """What a look-up by display name has found."""
    plain: dict[str, Any] = {"named": [found] if found else [], "principal": PRINCIPAL if found else None}
    return Current(ADMIN_ID, **{**plain, **differences})


def left_behind(plan: Plan, before: Current) -> Current:
    found, principal = (before.named or [before.exact])[0], before.principal
    for name, arguments in plan.steps:
        if name == "create":
            found, principal = application(**arguments["properties"]), PRINCIPAL
        elif name == "update":
            found = replace(arguments["application"], **arguments["changes"])
        elif name == "create_service_principal":
            principal = PRINCIPAL
        else:
            assert name == "delete"
            found = principal = None
    return existing(found, principal=principal)


def changes_of(plan: Plan) -> dict[str, Any]:
    return next((arguments["changes"] for name, arguments in plan.steps if name == "update"), {})


def test_absent_application_is_made_with_what_is_wanted_and_nothing_else() -> None:
    plan = plan_app_registration(
        existing(None), wishes(redirect_uris=[CALLBACK], tags=[], issue_access_tokens=True, issue_id_tokens=False)
    )
    assert plan.steps == [
        (
            "create",
            {
                "properties": {
                    "display_name": "WebexConnect",
                    "sign_in_audience": "AzureADMyOrg",
                    "issue_access_tokens": True,
                    "issue_id_tokens": False,
                    "redirect_uris": [CALLBACK],
                }
            },
        )
    ]
    assert plan.before == {"state": "absent"}
    assert plan.after["state"] == plan.after["service_principal"] == "present"
    assert plan.after["redirect_uris"] == [CALLBACK]


def test_ids_of_a_new_application_are_null_and_the_keys_are_those_of_a_known_one() -> None:
    new = plan_app_registration(existing(None), wishes()).result
    known = plan_app_registration(existing(application()), wishes()).result
    assert new.keys() == known.keys()
    ids = ("app_id", "object_id", "service_principal_id")
    assert [new[name] for name in ids] == [None, None, None]
    assert [known[name] for name in ids] == [APP_ID, OBJECT_ID, PRINCIPAL_ID]


def test_unique_name_that_is_not_there_makes_an_application_whatever_has_the_display_name() -> None:
    plan = plan_app_registration(Current(ADMIN_ID), wishes(unique_name="webex-connect"))
    assert plan.steps[0][1]["properties"]["unique_name"] == "webex-connect"


def test_application_without_display_name_cannot_be_made() -> None:
    with pytest.raises(InvalidInput, match="display_name is needed"):
        plan_app_registration(Current(ADMIN_ID), wishes(display_name=None, unique_name="webex-connect"))


@pytest.mark.parametrize(
    ("stored", "wanted", "changes"),
    [
        ({}, {}, {}),
        ({"notes": "by hand", "tags": ["x"], "issue_access_tokens": True, "redirect_uris": [CALLBACK]}, {}, {}),
        ({}, {"notes": "for Connect"}, {"notes": "for Connect"}),
        ({}, {"issue_access_tokens": True}, {"issue_access_tokens": True}),
        ({"issue_access_tokens": True}, {"issue_access_tokens": False}, {"issue_access_tokens": False}),
        ({"issue_id_tokens": True}, {"issue_access_tokens": True}, {"issue_access_tokens": True}),
        ({}, {"issue_id_tokens": False}, {}),
        ({"sign_in_audience": "AzureADMultipleOrgs"}, {}, {"sign_in_audience": "AzureADMyOrg"}),
        ({}, {"service_management_reference": "SVC-1"}, {"service_management_reference": "SVC-1"}),
        ({}, {"redirect_uris": [CALLBACK]}, {"redirect_uris": [CALLBACK]}),
        ({"redirect_uris": [OTHER_URI]}, {"redirect_uris": [CALLBACK]}, {"redirect_uris": [OTHER_URI, CALLBACK]}),
        ({"redirect_uris": [OTHER_URI, CALLBACK]}, {"redirect_uris": [CALLBACK]}, {}),
        ({"redirect_uris": [OTHER_URI, CALLBACK]}, {"redirect_uris": [CALLBACK, OTHER_URI]}, {}),
        ({"redirect_uris": [OTHER_URI]}, {"redirect_uris": []}, {}),
        ({"redirect_uris": [CALLBACK]}, {"redirect_uris": [CALLBACK.replace("callback", "Callback")]}, None),
        (
            {"redirect_uris": [OTHER_URI, CALLBACK]},
            {"redirect_uris": [CALLBACK], "purge_redirect_uris": True},
            {"redirect_uris": [CALLBACK]},
        ),
        ({"redirect_uris": [OTHER_URI]}, {"redirect_uris": [], "purge_redirect_uris": True}, {"redirect_uris": []}),
        ({"redirect_uris": [OTHER_URI]}, {"purge_redirect_uris": True}, {}),
        (
            {"redirect_uris": [CALLBACK, OTHER_URI]},
            {"redirect_uris": [OTHER_URI, CALLBACK], "purge_redirect_uris": True},
            {},
        ),
        ({"tags": ["theirs"]}, {"tags": ["ours", "ours"]}, {"tags": ["theirs", "ours"]}),
        ({"tags": ["theirs", "ours"]}, {"tags": ["ours"]}, {}),
        ({"tags": ["theirs"]}, {"tags": []}, {}),
    ],
    ids=[
        "nothing-differs",
        "not-given-is-no-wish",
        "notes",
        "switch-on",
        "false-is-a-wish",
        "only-the-named-switch",
        "off-already",
        "audience",
        "service-reference",
        "first-uri",
        "uri-beside-anothers",
        "uri-there",
        "order-means-nothing",
        "empty-list-without-purge",
        "case-of-the-path-counts",
        "purge-keeps-the-wanted",
        "purge-to-none",
        "purge-without-a-list",
        "purge-order-means-nothing",
        "tag-added",
        "tag-there",
        "tags-of-others-stay",
    ],
)
def test_only_what_differs_and_was_named_is_updated(
    stored: dict[str, Any], wanted: dict[str, Any], changes: dict[str, Any] | None
) -> None:
    plan = plan_app_registration(existing(application(**stored)), wishes(**wanted))
    if changes is None:
        changes = {"redirect_uris": [*stored["redirect_uris"], *wanted["redirect_uris"]]}
    assert changes_of(plan) == changes
    assert plan.changed == bool(changes)
    assert (plan.before == plan.after) == (not changes)


@pytest.mark.parametrize("audience", [PERSONAL, "PersonalMicrosoftAccount"])
@pytest.mark.parametrize(("version", "sent"), [(None, True), (1, True), (2, False)])
def test_move_to_personal_accounts_sends_the_token_version_along(
    audience: str, version: int | None, sent: bool
) -> None:
    plan = plan_app_registration(existing(application(token_version=version)), wishes(sign_in_audience=audience))
    assert changes_of(plan) == {"sign_in_audience": audience, **({"token_version": 2} if sent else {})}


def test_new_application_with_personal_accounts_has_the_token_version() -> None:
    plan = plan_app_registration(existing(None), wishes(sign_in_audience=PERSONAL))
    assert plan.steps[0][1]["properties"]["token_version"] == 2


@pytest.mark.parametrize(
    ("platform", "named"),
    [("spa_redirect_uris", "single-page application"), ("public_redirect_uris", "mobile and desktop")],
)
def test_uri_of_another_platform_is_warned_about_and_removed_there_by_purge(platform: str, named: str) -> None:
    stored = application(redirect_uris=[CALLBACK], **{platform: [CALLBACK, OTHER_URI]})
    plan = plan_app_registration(existing(stored), wishes(redirect_uris=[CALLBACK]))
    assert not plan.changed
    (warning,) = plan.warnings
    assert CALLBACK in warning
    assert named in warning
    purged = plan_app_registration(existing(stored), wishes(redirect_uris=[CALLBACK], purge_redirect_uris=True))
    assert changes_of(purged) == {platform: [OTHER_URI]}
    assert purged.warnings == []


@pytest.mark.parametrize(("stored", "changes"), [(None, {"unique_name": "webex"}), ("webex", {})])
def test_unique_name_is_set_where_there_is_none(stored: str | None, changes: dict[str, Any]) -> None:
    current = existing(None, exact=application(unique_name=stored), principal=PRINCIPAL)
    assert changes_of(plan_app_registration(current, wishes(app_id=APP_ID, unique_name="webex"))) == changes


def test_unique_name_that_is_set_can_never_be_changed() -> None:
    current = existing(None, exact=application(unique_name="old"), principal=PRINCIPAL)
    with pytest.raises(InvalidInput) as refusal:
        plan_app_registration(current, wishes(app_id=APP_ID, unique_name="new"))
    assert "'old'" in refusal.value.message


def test_missing_service_principal_is_made_and_nothing_else_happens() -> None:
    plan = plan_app_registration(existing(application(), principal=None), wishes())
    assert [name for name, _arguments in plan.steps] == ["create_service_principal"]
    assert (plan.before["service_principal"], plan.after["service_principal"]) == ("absent", "present")


@pytest.mark.parametrize("option", ["app_id", "object_id"])
def test_case_c06_exact_id_confirms_an_application_that_somebody_else_made(option: str) -> None:
    planted = application(created_by_app_id=None, display_name="Contact Centre Mail")
    current = Current(ADMIN_ID, exact=planted, principal=PRINCIPAL)
    plan = plan_app_registration(current, wishes(display_name=None, **{option: APP_ID}))
    assert not plan.changed
    assert plan.result["app_id"] == APP_ID


def test_display_name_beside_an_exact_id_renames() -> None:
    current = Current(ADMIN_ID, exact=application(), principal=PRINCIPAL)
    plan = plan_app_registration(current, wishes(app_id=APP_ID, display_name="New name"))
    assert changes_of(plan) == {"display_name": "New name"}


@pytest.mark.parametrize("option", ["app_id", "object_id"])
def test_unknown_id_fails_where_present_is_wanted_and_is_fine_where_absent_is(option: str) -> None:
    with pytest.raises(NotFound, match=option):
        plan_app_registration(Current(ADMIN_ID), wishes(**{option: APP_ID}))
    assert not plan_app_registration(Current(ADMIN_ID), wishes(state="absent", **{option: APP_ID})).changed


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize(
    "named",
    [[application(), application(app_id=OBJECT_ID)], [application(created_by_app_id=None)]],
    ids=["two-of-the-name", "one-of-unknown-origin"],
)
def test_case_c06_name_without_proof_fails_for_present_and_absent_alike(state: str, named: list[Application]) -> None:
    with pytest.raises(Conflict):
        plan_app_registration(existing(None, named=named), wishes(state=state))


@pytest.mark.parametrize("permanent", [True, False])
def test_absent_deletes_the_one_and_shows_what_it_was(permanent: bool) -> None:
    stored = application(redirect_uris=[CALLBACK])
    plan = plan_app_registration(existing(stored), wishes(state="absent", permanent=permanent))
    assert plan.steps == [("delete", {"application": stored, "permanent": permanent})]
    assert plan.before["redirect_uris"] == [CALLBACK]
    assert plan.after == {"state": "absent"}
    assert plan.result["app_id"] == APP_ID


def test_absent_where_there_is_none_does_nothing() -> None:
    plan = plan_app_registration(existing(None), wishes(state="absent"))
    assert not plan.changed
    assert plan.before == plan.after


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"display_name": None}, "Give display_name"),
        ({"display_name": "x" * 121}, "121 characters"),
        ({"display_name": "x" * 91, "sign_in_audience": PERSONAL}, "91 characters"),
        ({"display_name": "a\nb"}, "display_name"),
        ({"unique_name": "a\x00b"}, "unique_name"),
        ({"app_id": "WebexConnect"}, "app_id"),
        ({"object_id": APP_ID + " "}, "object_id"),
        ({"redirect_uris": ["http://example.us.webexconnect.io/callback"]}, "https is required"),
        ({"redirect_uris": [CALLBACK + "?a=1"], "sign_in_audience": PERSONAL}, "personal accounts"),
        ({"tags": ["two words"]}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["x" * 257]}, "tags"),
    ],
)
def test_case_c17_unusable_wish_is_refused_before_anything_is_read(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        wishes(**wanted)
    assert said in refusal.value.message


def test_case_c17_repeated_redirect_uri_is_sent_once() -> None:
    plan = plan_app_registration(existing(None), wishes(redirect_uris=[CALLBACK, CALLBACK]))
    assert plan.steps[0][1]["properties"]["redirect_uris"] == [CALLBACK]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_is_refused_or_sent_as_it_is(name: str) -> None:
    try:
        wanted = wishes(display_name=name, notes=name)
    except InvalidInput as refusal:
        assert "\n" not in refusal.message
        assert len(name) > 120 or "\n" in name
        return
    assert plan_app_registration(existing(None), wanted).steps[0][1]["properties"]["display_name"] == name


def test_diff_shows_option_names_and_no_secrets() -> None:
    stored = application(secrets=[secret(1, 30)], certificates=1)
    plan = plan_app_registration(existing(stored), wishes(notes="n"))
    assert set(plan.before) - {"state", "service_principal"} <= set(PLAIN)
    assert set(plan.after) == set(plan.before)


URIS = st.lists(st.sampled_from([CALLBACK, OTHER_URI, "http://localhost/cb"]), max_size=3, unique=True)
TAGS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True)


@QUICKLY
@given(
    stored=st.none()
    | st.fixed_dictionaries(
        {
            "redirect_uris": URIS,
            "spa_redirect_uris": URIS,
            "public_redirect_uris": URIS,
            "tags": TAGS,
            "issue_access_tokens": st.booleans(),
            "issue_id_tokens": st.booleans(),
            "sign_in_audience": st.sampled_from(["AzureADMyOrg", PERSONAL]),
            "notes": st.sampled_from([None, "n"]),
        }
    ),
    wanted=st.fixed_dictionaries(
        {
            "redirect_uris": st.none() | URIS,
            "purge_redirect_uris": st.booleans(),
            "tags": st.none() | TAGS,
            "issue_access_tokens": st.sampled_from([None, True, False]),
            "issue_id_tokens": st.sampled_from([None, True, False]),
            "sign_in_audience": st.sampled_from(["AzureADMyOrg", PERSONAL]),
            "notes": st.sampled_from([None, "n", "m"]),
            "state": st.sampled_from(["present", "absent"]),
        }
    ),
    has_principal=st.booleans(),
)
def test_planning_on_what_a_plan_leaves_behind_yields_nothing(
    stored: dict[str, Any] | None, wanted: dict[str, Any], has_principal: bool
) -> None:
    before = existing(None) if stored is None else existing(application(**stored))
    if stored is not None and not has_principal:
        before = replace(before, principal=None)
    plan = plan_app_registration(before, wishes(**wanted))
    again = plan_app_registration(left_behind(plan, before), wishes(**wanted))
    assert not again.changed
    assert again.before == again.after == plan.after
