# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rights the steps need for what is wanted; and what is not known is not said to be lacking."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_wishes import Wishes, wishes_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.least_rights import (
    AS_GOOD,
    EXCHANGE_ADMINISTRATOR,
    GLOBAL_ADMINISTRATOR,
    GLOBAL_READER,
    MODULES,
    NOTHING_IN_DIRECTORY,
    Identity,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.preflight import STEPS, preflight
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.rights import management_role_for

ASSETS = [{"mailbox": "support@contoso.example", "forwarding_address": "a@mail-us.imiconnect.io"}]
MANAGE = ["Exchange.ManageAsApp"]
WRITE = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"]
EVERY_CMDLET = sorted({cmdlet for needs in MODULES.values() for need in needs for cmdlet in need.cmdlets})


def wishes(**variables: Any) -> Wishes:
    given = {"callback_url": "https://contoso.us.webexconnect.io/callback", "assets": ASSETS, **variables}
    return wishes_of({"connect_email_" + name: value for name, value in given.items()})


def lacks(identity: Identity, *steps: str, of: str = "lacking", **variables: Any) -> set[tuple[str, str]]:
    found = preflight(steps or list(STEPS), wishes(**variables), identity)[of]
    told = [(item["step"], item["module"], item["right"]) for item in found]
    assert len(told) == len(set(told))
    return {(step, right) for step, _module, right in told}


def rights(identity: Identity, step: str, of: str = "lacking", **variables: Any) -> set[str]:
    return {right for _step, right in lacks(identity, step, of=of, **variables)}


def test_who_has_everything_lacks_nothing() -> None:
    everything = Identity([*WRITE, "Policy.ReadWrite.Authorization"], MANAGE, [], EVERY_CMDLET)
    assert preflight(list(STEPS), wishes(user_consent="disabled"), everything) == {
        "lacking": [],
        "unknown": [],
        "summary": [],
    }


def test_who_has_nothing_is_told_each_right_of_each_step_once() -> None:
    nobody = Identity([], MANAGE, [], [])
    assert lacks(nobody, "app", "smtp_auth", "consent") == {
        ("app", "Application.ReadWrite.All"),
        ("consent", "Application.Read.All"),
        ("consent", "AppRoleAssignment.ReadWrite.All"),
        ("consent", "DelegatedPermissionGrant.ReadWrite.All"),
        ("smtp_auth", "View-Only Configuration"),
        ("smtp_auth", "Mail Recipients"),
    }


def test_all_that_is_lacking_is_said_in_few_sentences() -> None:
    told = preflight(["app", "secret", "forwarding"], wishes(), Identity([], MANAGE, [], ["Get-Mailbox"]))
    assert told["summary"] == [
        "It lacks Application.ReadWrite.All (app, secret); grant as application permission of Microsoft Graph (not as a"
        " delegated one) with admin consent, at App registrations > API permissions.",
        "It lacks Mail Recipients (forwarding); grant by a role group of Exchange Online, or with the directory role"
        " Exchange Recipient Administrator.",
    ]
    assert [(item["module"], item["for"]) for item in told["lacking"]] == [
        ("azure_app_registration", "read"),
        ("app_secret", "read"),
        ("mailbox_forwarding", "change"),
    ]


OFFLINE = {"resource": "Microsoft Graph", "delegated": ["offline_access"]}
MAIL_SEND = {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"]}


@pytest.mark.parametrize(
    ("variables", "step", "needed"),
    [
        ({"permissions": [OFFLINE]}, "consent", {"Application.Read.All", "DelegatedPermissionGrant.ReadWrite.All"}),
        # The grants that are there are read in any case.
        ({"permissions": [MAIL_SEND]}, "consent", {
            "Application.Read.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All",
        }),
        ({"permissions": []}, "permission", set()),
        ({"assets": []}, "forwarding", set()),
        ({"assets": []}, "scope", set()),
        ({"assets": []}, "policy", set()),
        ({"external_forwarding": "check"}, "policy", {"View-Only Recipients"}),
        ({"external_forwarding": "check", "assets": []}, "policy", set()),
        ({"external_forwarding": "check", "assets": [], "user_consent": "disabled"}, "policy", {
            "Policy.ReadWrite.Authorization",
        }),
        ({}, "policy", {"View-Only Recipients", "Transport Hygiene"}),
        ({"external_forwarding": "organization", "assets": []}, "policy", {"Transport Hygiene"}),
    ],
)  # fmt: skip
def test_only_what_is_wanted_is_needed(variables: dict[str, Any], step: str, needed: set[str]) -> None:
    assert rights(Identity([], MANAGE, [], []), step, **variables) == needed


def test_a_sheet_needs_to_read_what_no_chosen_step_reads() -> None:
    nobody = Identity([], MANAGE, [], [])
    every = {"Application.Read.All", "Directory.Read.All", "View-Only Configuration", "View-Only Recipients"}
    assert rights(nobody, "handoff") == every
    assert "View-Only Recipients (handoff)" in " ".join(preflight(["handoff"], wishes(), nobody)["summary"])
    assert {right for step, right in lacks(nobody) if step == "handoff"} == set()
    assert rights(Identity(["Directory.Read.All"], MANAGE, [GLOBAL_READER], EVERY_CMDLET), "handoff") == set()


@pytest.mark.parametrize("right", AS_GOOD)
def test_what_does_as_well_is_as_good(right: str) -> None:
    for other in AS_GOOD[right]:
        for needs in MODULES.values():
            for need in needs:
                if need.right == right:
                    assert Identity([other], [], []).holds(need) == (True, "")


def test_own_applications_are_enough_for_applications_that_are_its_own_and_can_be_read() -> None:
    own = Identity(["Application.ReadWrite.OwnedBy", "Application.Read.All"], MANAGE, [])
    assert lacks(own, "app") == set()
    assert lacks(own, "app", of="unknown") == {("app", "Application.ReadWrite.All")}
    blind = Identity(["Application.ReadWrite.OwnedBy"], MANAGE, [])
    assert lacks(blind, "app") == {("app", "Application.ReadWrite.All")}


CUSTOM = "11112222-bbbb-4333-8444-555566667777"


@pytest.mark.parametrize("role", [GLOBAL_ADMINISTRATOR, CUSTOM])
def test_a_directory_role_may_stand_for_what_the_token_lacks(role: str) -> None:
    known = Identity([], MANAGE, [role])
    assert lacks(known, "app") == set()
    assert lacks(known, "app", of="unknown") == {("app", "Application.ReadWrite.All")}


@pytest.mark.parametrize("role", NOTHING_IN_DIRECTORY)
def test_one_that_gives_nothing_in_the_directory_does_not(role: str) -> None:
    assert lacks(Identity([], MANAGE, [role]), "app", "consent") >= {
        ("app", "Application.ReadWrite.All"),
        ("consent", "Application.Read.All"),
    }


def test_a_global_reader_may_read_and_change_nothing() -> None:
    reader = Identity([], MANAGE, [GLOBAL_READER])
    found = preflight(["app", "consent"], wishes(), reader)
    assert [(item["right"], item["for"]) for item in found["lacking"]] == [
        ("Application.ReadWrite.All", "change"),
        ("AppRoleAssignment.ReadWrite.All", "change"),
        ("DelegatedPermissionGrant.ReadWrite.All", "change"),
    ]
    assert [item["right"] for item in found["unknown"]] == ["Application.Read.All"]


def test_cmdlets_that_could_not_be_listed_are_unknown_unless_a_directory_role_tells() -> None:
    unlisted = Identity([], MANAGE, [])
    assert rights(unlisted, "forwarding") == set()
    assert rights(unlisted, "forwarding", of="unknown") == {"Mail Recipients"}
    for role in (EXCHANGE_ADMINISTRATOR, GLOBAL_ADMINISTRATOR):
        known = Identity([], MANAGE, [role])
        assert rights(known, "forwarding") == rights(known, "forwarding", of="unknown") == set()


def test_without_the_permission_for_exchange_nobody_can_tell_the_roles() -> None:
    for listed in (None, EVERY_CMDLET):
        outside = Identity([], [], [EXCHANGE_ADMINISTRATOR], listed)
        assert rights(outside, "forwarding") == {"Exchange.ManageAsApp"}
        assert rights(outside, "forwarding", of="unknown") == {"Mail Recipients"}


def test_cmdlets_are_compared_whatever_their_case() -> None:
    assert rights(Identity([], MANAGE, [], ["get-mailbox", "SET-MAILBOX"]), "forwarding") == set()


def test_every_cmdlet_has_its_management_role() -> None:
    for cmdlet in EVERY_CMDLET:
        assert management_role_for(cmdlet), cmdlet


def test_what_is_enough_to_look_is_no_right_to_change() -> None:
    for needs in MODULES.values():
        for need in needs:
            assert not need.to_look.to_write
            assert need.to_look.to_look == need.to_look
