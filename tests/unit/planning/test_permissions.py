# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of permissions, resolved against what the tenant's own APIs offer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    MICROSOFT_GRAPH,
    Permission,
    Resource,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.permissions import (
    listing,
    names_of,
    present,
    resolve,
    resource_app_id,
    resource_name,
    split_names,
)
from samples import (
    EXCHANGE,
    HOSTILE,
    MAIL_SEND_ROLE,
    MAIL_SEND_SCOPE,
    RESOURCES,
    SMTP_SEND_SCOPE,
)

OTHER_ID = "12345678-0000-4000-8000-000000000001"
OTHER = Resource("e0000000-0000-4000-8000-000000000003", OTHER_ID, "Contoso Ledger", [])


@pytest.mark.parametrize(
    ("name", "app_id"),
    [
        ("Office 365 Exchange Online", EXCHANGE_ONLINE),
        ("office 365 exchange online", EXCHANGE_ONLINE),
        ("Microsoft Graph", MICROSOFT_GRAPH),
        (OTHER_ID.upper(), OTHER_ID),
        (EXCHANGE_ONLINE, EXCHANGE_ONLINE),
    ],
)
def test_api_is_known_by_name_or_app_id(name: str, app_id: str) -> None:
    assert resource_app_id(name) == app_id


def test_misspelt_api_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(InvalidInput) as refusal:
        resource_app_id("Office365 Exchange Online")
    assert "'Office365 Exchange Online'" in refusal.value.message
    assert refusal.value.advice == "Did you mean 'Office 365 Exchange Online'?"


@pytest.mark.parametrize("name", [*HOSTILE.values(), "", " "], ids=[*HOSTILE, "empty", "blank"])
def test_unknown_api_is_refused_with_the_choices(name: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resource_app_id(name)
    assert "Office 365 Exchange Online or Microsoft Graph" in refusal.value.message


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (None, []),
        ([], []),
        (["Mail.Send", "SMTP.Send"], ["Mail.Send", "SMTP.Send"]),
        (["Mail.Send,SMTP.Send"], ["Mail.Send", "SMTP.Send"]),
        ([" Mail.Send \n SMTP.Send;"], ["Mail.Send", "SMTP.Send"]),
        (["SMTP.Send", "Mail.Send SMTP.Send"], ["SMTP.Send", "Mail.Send"]),
        ([",", " "], []),
    ],
)
def test_case_c36_names_given_as_one_text_are_taken_apart(given: list[str] | None, names: list[str]) -> None:
    assert split_names(given) == names


@pytest.mark.parametrize(
    ("name", "kind", "permission_id"),
    [
        ("Mail.Send", "application", MAIL_SEND_ROLE),
        ("Mail.Send", "delegated", MAIL_SEND_SCOPE),
        ("mail.send", "delegated", MAIL_SEND_SCOPE),
        (MAIL_SEND_ROLE.upper(), "application", MAIL_SEND_ROLE),
        ("SMTP.Send", "delegated", SMTP_SEND_SCOPE),
    ],
)
def test_name_is_resolved_separately_for_each_kind(name: str, kind: str, permission_id: str) -> None:
    assert [permission.id for permission in resolve([name], kind, EXCHANGE, RESOURCES)] == [permission_id]


@pytest.mark.parametrize(
    ("name", "kind", "advice"),
    [
        ("SMTP.Send", "application", "It exists there as a delegated permission."),
        ("SMTP.SendAsApp", "delegated", "It exists there as an application permission."),
        ("offline_access", "delegated", "Microsoft Graph offers it as a delegated permission."),
        ("Group.Read.All", "delegated", "Microsoft Graph offers it as an application permission."),
        ("SMTP.Snd", "delegated", "Close to it: SMTP.Send."),
        ("Nothing.Like.It", "application", "It offers Mail.Send, SMTP.SendAsApp."),
    ],
    ids=["wrong-kind", "wrong-kind-back", "other-api", "other-api-and-kind", "misspelt", "unlike-any"],
)
def test_case_c36_wrong_name_is_refused_with_api_kind_and_hint(name: str, kind: str, advice: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        resolve([name], kind, EXCHANGE, RESOURCES)
    assert refusal.value.message == "{0!r} is no {1} permission of Office 365 Exchange Online.".format(name, kind)
    assert refusal.value.advice == advice


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", ["application", "delegated"])
def test_hostile_name_is_refused(name: str, kind: str) -> None:
    with pytest.raises(InvalidInput, match="is no {0} permission".format(kind)):
        resolve([name], kind, EXCHANGE, RESOURCES)


def test_api_that_offers_nothing_of_a_kind_says_none() -> None:
    with pytest.raises(InvalidInput, match="It offers none"):
        resolve(["Mail.Snd"], "application", OTHER, {OTHER_ID: OTHER})


def test_permission_without_a_name_cannot_be_asked_for() -> None:
    nameless = replace(OTHER, permissions=[Permission(MAIL_SEND_ROLE, "", "application")])
    with pytest.raises(InvalidInput):
        resolve([MAIL_SEND_ROLE], "application", nameless, {OTHER_ID: nameless})


def test_absent_api_is_named_with_the_reason() -> None:
    with pytest.raises(NotFound) as absence:
        present(EXCHANGE_ONLINE, {EXCHANGE_ONLINE: None})
    assert "Office 365 Exchange Online" in absence.value.message
    assert "Exchange plan" in absence.value.advice


@pytest.mark.parametrize(
    ("app_id", "resource", "name"),
    [
        (EXCHANGE_ONLINE, None, "Office 365 Exchange Online"),
        (MICROSOFT_GRAPH.upper(), None, "Microsoft Graph"),
        (OTHER_ID, OTHER, "Contoso Ledger"),
        (OTHER_ID, replace(OTHER, display_name=""), OTHER_ID),
        (OTHER_ID, None, OTHER_ID),
    ],
)
def test_api_is_shown_by_the_best_name(app_id: str, resource: Resource | None, name: str) -> None:
    assert resource_name(app_id, resource) == name


def test_unknown_permission_id_is_shown_as_it_is() -> None:
    assert names_of([OTHER_ID, MAIL_SEND_ROLE], "application", EXCHANGE) == [OTHER_ID, "Mail.Send"]
    assert names_of([OTHER_ID], "application", None) == [OTHER_ID]


def test_listing_is_sorted_and_drops_empty_entries() -> None:
    by_resource = {
        EXCHANGE_ONLINE: {"delegated": ["SMTP.Send", "IMAP.AccessAsUser.All", "SMTP.Send"]},
        MICROSOFT_GRAPH: {"application": [], "delegated": ["offline_access"]},
        OTHER_ID: {"application": set(), "delegated": set()},
    }
    assert listing(by_resource, RESOURCES) == [
        {"resource": "Microsoft Graph", "application": [], "delegated": ["offline_access"]},
        {
            "resource": "Office 365 Exchange Online",
            "application": [],
            "delegated": ["IMAP.AccessAsUser.All", "SMTP.Send"],
        },
    ]
