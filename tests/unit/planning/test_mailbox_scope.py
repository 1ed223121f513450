# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that are lists of addresses and those that are not, and which permission makes which role worthless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_scopes import addresses_in, filter_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.mailbox_reach import ROLES, undoes
from samples import QUICKLY
from simulated_tenant.cmdlets_rbac import reformatted
from simulated_tenant.identities import opath

ADDRESSES = st.lists(st.from_regex(r"[a-z'+.&-]{1,12}@[a-z]{1,8}\.example", fullmatch=True), min_size=1, unique=True)


@QUICKLY
@given(ADDRESSES, st.from_regex(r"[a-z'+.&-]{1,12}@[a-z]{1,8}\.example", fullmatch=True))
def test_a_filter_holds_its_addresses_and_nobody_else(addresses: list[str], stranger: str) -> None:
    text = reformatted(filter_of(addresses))
    assert addresses_in(text) == tuple(addresses)
    for address in [*addresses, stranger]:
        assert opath(text)({"PrimarySmtpAddress": address}) == (address in addresses)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "City -eq 'Berlin'",
        "PrimarySmtpAddress -ne 'a@b.example'",
        "PrimarySmtpAddress -like '*'",
        "(PrimarySmtpAddress -eq 'a@b.example') -and (City -eq 'x')",
        "(PrimarySmtpAddress -eq 'a@b.example') -or (City -eq 'x')",
        "-not (PrimarySmtpAddress -eq 'a@b.example')",
        "PrimarySmtpAddress -eq 'a@b.example' -or ",
        "PrimarySmtpAddress -eq $null",
    ],
)
def test_any_other_filter_is_none_of_ours(text: str) -> None:
    assert addresses_in(text) is None


@pytest.mark.parametrize(
    ("permission", "undone"),
    [
        ("Mail.Send", {"Mail.Send"}),
        ("Mail.ReadBasic.All", {"Mail.ReadBasic"}),
        ("Mail.Read", {"Mail.ReadBasic", "Mail.Read"}),
        ("Mail.ReadWrite", {"Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"}),
        ("Contacts.ReadWrite", {"Contacts.Read", "Contacts.ReadWrite"}),
        ("SMTP.SendAsApp", {"SMTP.SendAsApp"}),
        ("full_access_as_app", {*ROLES} - {"SMTP.SendAsApp"}),
        ("User.Read.All", set()),
        ("Exchange.ManageAsApp", set()),
    ],
)
def test_what_a_permission_for_the_whole_tenant_makes_worthless(permission: str, undone: set[str]) -> None:
    assert {role for role in ROLES if undoes(permission, role)} == undone
