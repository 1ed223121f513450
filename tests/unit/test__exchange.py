# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailboxes in our words: which one is meant (C23), and what decides over authenticated SMTP (C21, C40)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    Conflict,
    NotFound,
    PermissionMissing,
    TenantError,
    UnexpectedReply,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import Exchange, without_prefix
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_calls import Command
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import Row
from samples import mailbox

DISABLED = "SmtpClientAuthenticationDisabled"
DENIED = PermissionMissing("no role")


def row(number: int, address: str, **differences: Any) -> dict[str, Any]:
    plain = {
        "Guid": "AB000000-0000-4000-8000-{0:012d}".format(number),
        "ExternalDirectoryObjectId": "",
        "PrimarySmtpAddress": address,
        "UserPrincipalName": address,
        "DisplayName": "Mailbox {0}".format(number),
        "Alias": "alias{0}".format(number),
        "Name": "name{0}".format(number),
        "EmailAddresses": ["SMTP:" + address],
        "RecipientTypeDetails": "SharedMailbox",
        "ForwardingAddress": None,
        "ForwardingSmtpAddress": None,
        "DeliverToMailboxAndForward": False,
    }
    return {**plain, **differences}


MAILBOXES = [
    row(1, "one@contoso.example", DisplayName="Support Desk", Alias="desk"),
    row(2, "two@contoso.example", DisplayName="support desk"),
    row(3, "three@contoso.example", Alias="four"),
    row(4, "four@contoso.example", Name="four", UserPrincipalName="login@contoso.example"),
    row(5, "five@contoso.example", EmailAddresses=["SMTP:five@contoso.example", "smtp:login@contoso.example"]),
    row(6, "six@contoso.example", EmailAddresses=["smtp:info@contoso.example"]),
    row(7, "seven@contoso.example", Alias="one@contoso.example"),
]


@dataclass
class Calls:
    """Answers as the service may: with the first that matches, with none, or by refusing."""

    answer: Any = None
    answers: dict[str, Any] = field(default_factory=dict)
    sent: list[Command] = field(default_factory=list)

    def invoke(self, command: Command) -> list[Row]:
        self.sent.append(command)
        if command.whole_list:
            return [Row(item, "it") for item in MAILBOXES]
        if isinstance(self.answer, Exception):
            raise self.answer
        return [Row(item, "it") for item in self.answer or []]

    def read_many(self, commands: list[Command]) -> list[Any]:
        self.sent.extend(commands)
        found = [self.answers[command.cmdlet] for command in commands]
        return [item if isinstance(item, TenantError) else [Row(r, "it") for r in item] for item in found]


def exchange(**settings: Any) -> tuple[Exchange, Calls]:
    calls: Any = Calls(**settings)
    return Exchange(calls), calls


@pytest.mark.parametrize("identity", ["one@contoso.example", "ONE@contoso.example", MAILBOXES[0]["Guid"]])
def test_case_c23_primary_address_or_id_names_one_for_certain_in_one_request(identity: str) -> None:
    client, calls = exchange(answer=[MAILBOXES[0]])
    found = client.mailbox(identity)
    assert found.guid == MAILBOXES[0]["Guid"].lower()
    assert len(calls.sent) == 1


@pytest.mark.parametrize(
    ("identity", "addresses"),
    [
        ("Support Desk", ["one@contoso.example", "two@contoso.example"]),
        ("four", ["four@contoso.example", "three@contoso.example"]),
        ("login@contoso.example", ["five@contoso.example", "four@contoso.example"]),
    ],
)
@pytest.mark.parametrize("answer", [[MAILBOXES[0]], MAILBOXES[:2], Conflict("several"), []])
def test_case_c23_loose_name_of_several_is_refused_with_all_of_them_whatever_the_service_picked(
    identity: str, addresses: list[str], answer: Any
) -> None:
    client, _calls = exchange(answer=answer)
    with pytest.raises(Conflict) as conflict:
        client.mailbox(identity)
    assert "2 mailboxes are called that: {0}.".format(", ".join(addresses)) in conflict.value.message


@pytest.mark.parametrize(("identity", "number"), [("desk", 1), ("info@contoso.example", 6), ("one@contoso.example", 1)])
def test_case_c23_loose_name_of_one_is_resolved_by_comparing_all(identity: str, number: int) -> None:
    client, _calls = exchange(answer=[MAILBOXES[6]])
    assert client.mailbox(identity).address == MAILBOXES[number - 1]["PrimarySmtpAddress"]


def test_case_c23_none_and_several_have_different_messages() -> None:
    client, _calls = exchange(answer=NotFound("Could not find it."))
    with pytest.raises(NotFound, match="No mailbox is called that"):
        client.mailbox("nobody@contoso.example")


def test_answer_about_another_mailbox_is_not_taken() -> None:
    client, _calls = exchange(answer=[MAILBOXES[1]])
    with pytest.raises(NotFound):
        client.mailbox("nobody@contoso.example")


def test_denied_read_is_no_absence() -> None:
    client, _calls = exchange(answer=DENIED)
    with pytest.raises(PermissionMissing):
        client.mailbox("one@contoso.example")


@pytest.mark.parametrize(
    ("stored", "plain"),
    [
        (None, None),
        ("", None),
        ("smtp:x@partner.example", "x@partner.example"),
        ("SMTP:x@partner.example", "x@partner.example"),
        ("x@partner.example", "x@partner.example"),
        ("x500:/o=x", "x500:/o=x"),
        ("smtp:", "smtp:"),
    ],
)
def test_forwarding_address_loses_its_type(stored: str | None, plain: str | None) -> None:
    assert without_prefix(stored) == plain


def reads(**differences: Any) -> dict[str, Any]:
    plain = {
        "Get-CASMailbox": [{DISABLED: None, "Guid": mailbox().guid.upper(), "PrimarySmtpAddress": mailbox().address}],
        "Get-TransportConfig": [{DISABLED: True}],
        "Get-User": [{"AuthenticationPolicy": None}],
        "Get-OrganizationConfig": [{"DefaultAuthenticationPolicy": None}],
        "Get-AuthenticationPolicy": [],
    }
    return {**plain, **{"Get-" + name: value for name, value in differences.items()}}


@pytest.mark.parametrize("flag", [None, True, False])
@pytest.mark.parametrize("organization", [True, False])
def test_case_c21_three_values_of_the_mailbox_and_two_of_the_organization_are_read(
    flag: bool | None, organization: bool
) -> None:
    answers = reads(CASMailbox=[{DISABLED: flag}], TransportConfig=[{DISABLED: organization}])
    around = exchange(answers=answers)[0].smtp_auth_of(mailbox())
    assert (around.mailbox_disabled, around.organization_disabled) == (flag, organization)
    assert around.unread == []
    assert around.policy is None


@pytest.mark.parametrize(
    ("of_user", "of_organization", "policy", "blocks"),
    [
        (None, "Block Basic", "Block Basic", True),
        ("Allow", "Block Basic", "Allow", False),
        ("block basic", None, "block basic", True),
        ("Gone", None, "Gone", None),
        ("", "", None, None),
    ],
)
def test_case_c40_policy_of_the_user_counts_before_the_organizations(
    of_user: str | None, of_organization: str | None, policy: str | None, blocks: bool | None
) -> None:
    answers = reads(
        User=[{"AuthenticationPolicy": of_user}],
        OrganizationConfig=[{"DefaultAuthenticationPolicy": of_organization}],
        AuthenticationPolicy=[
            {"Name": "Block Basic", "AllowBasicAuthSmtp": False},
            {"Name": "Allow", "AllowBasicAuthSmtp": True},
        ],
    )
    around = exchange(answers=answers)[0].smtp_auth_of(mailbox())
    assert (around.policy, around.policy_blocks_basic) == (policy, blocks)
    assert around.policy_of_user == bool(of_user)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("User", "the user's authentication policy"),
        ("OrganizationConfig", "the organization's default authentication policy"),
        ("AuthenticationPolicy", "the authentication policies"),
    ],
)
def test_case_c40_policy_that_may_not_be_read_is_told_and_no_failure(name: str, label: str) -> None:
    assert exchange(answers=reads(**{name: DENIED}))[0].smtp_auth_of(mailbox()).unread == [label]


@pytest.mark.parametrize("name", ["User", "OrganizationConfig"])
def test_case_c40_empty_answer_about_a_policy_is_not_taken_for_none(name: str) -> None:
    assert len(exchange(answers=reads(**{name: []}))[0].smtp_auth_of(mailbox()).unread) == 1


@pytest.mark.parametrize("name", ["CASMailbox", "TransportConfig"])
@pytest.mark.parametrize("answer", [DENIED, [], [{DISABLED: None}, {DISABLED: None}]], ids=["denied", "none", "two"])
def test_setting_itself_that_cannot_be_read_fails(name: str, answer: Any) -> None:
    with pytest.raises(TenantError):
        exchange(answers=reads(**{name: answer}))[0].smtp_auth_of(mailbox())


@pytest.mark.parametrize("other", [{"Guid": "x"}, {"PrimarySmtpAddress": "other@contoso.example"}])
def test_setting_of_another_mailbox_is_refused(other: dict[str, str]) -> None:
    with pytest.raises(UnexpectedReply, match="another mailbox"):
        exchange(answers=reads(CASMailbox=[{DISABLED: None, **other}]))[0].smtp_auth_of(mailbox())


@pytest.mark.parametrize("disabled", [None, True, False])
def test_case_c21_setting_is_written_by_the_immutable_id_and_null_is_sent(disabled: bool | None) -> None:
    client, calls = exchange()
    client.set_smtp_auth(mailbox(), disabled)
    assert calls.sent[0].parameters == {"Identity": mailbox().guid, DISABLED: disabled}


def test_case_c19_only_named_changes_of_a_forward_are_sent_and_null_clears() -> None:
    client, calls = exchange()
    client.set_forwarding(mailbox(), {"external_forward": None, "keep_copy": False})
    assert calls.sent[0].parameters == {
        "Identity": mailbox().guid,
        "ForwardingSmtpAddress": None,
        "DeliverToMailboxAndForward": False,
    }
