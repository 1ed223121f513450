# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""User consent: which entries are ours, and what they come to (C29)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._graph_policies import ConsentPolicies
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.user_consent_policy import (
    POLICIES,
    PREFIX,
    Current,
    is_own,
    plan_user_consent,
    word_of,
)
from samples import QUICKLY

IDS = [
    "microsoft-user-default-low",
    "microsoft-user-default-legacy",
    "microsoft-user-default-recommended",
    "microsoft-user-default-allow-consent-apps",
    "contoso-mail-only",
]
OTHERS = ["ManagePermissionGrantsForOwnedResource.x", "managePermissionGrantsForOwnedResource.developerConsent", "odd"]


@pytest.mark.parametrize(
    ("ids", "word"),
    [
        ([], "disabled"),
        ([0], "verified_publishers"),
        ([1], "all"),
        ([2], "microsoft_managed"),
        ([2, 3], "microsoft_managed"),
        ([3, 2], "microsoft_managed"),
        ([3], "custom"),
        ([4], "custom"),
        ([0, 3], "custom"),
        ([0, 2], "custom"),
        ([2, 4], "custom"),
    ],
)
def test_entries_come_to_a_word(ids: list[int], word: str) -> None:
    entries = [PREFIX + IDS[number] for number in ids]
    assert word_of([*OTHERS, *entries]) == word
    assert word_of([entry.upper() for entry in entries]) == word
    assert word_of([entry.lower() for entry in entries] * 2) == word


ENTRIES = st.lists(
    st.one_of(st.sampled_from([PREFIX + i for i in IDS]), st.sampled_from(OTHERS), st.just(PREFIX.lower() + IDS[0]))
)


@QUICKLY
@given(entries=ENTRIES, word=st.sampled_from(sorted(POLICIES)))
def test_whatever_is_there_one_change_reaches_the_wish_and_keeps_all_others(entries: list[str], word: str) -> None:
    plan = plan_user_consent(Current(ConsentPolicies(entries), {}), {"user_consent": word})
    written = plan.steps[0][1]["entries"] if plan.steps else entries
    assert word_of(written) == word
    assert [entry for entry in written if not is_own(entry)] == [entry for entry in entries if not is_own(entry)]
    again = plan_user_consent(Current(ConsentPolicies(written), {}), {"user_consent": word})
    assert not again.changed
    assert again.before == plan.after


@QUICKLY
@given(entries=ENTRIES)
def test_without_a_wish_nothing_is_planned(entries: list[str]) -> None:
    assert not plan_user_consent(Current(ConsentPolicies(entries)), {"user_consent": None}).changed
