# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticated SMTP of one mailbox: the stored flag means disabled, and null is a value (C21, C40)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import SmtpAuth
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.mailbox_smtp_auth import (
    Current,
    judge,
    plan_smtp_auth,
)
from samples import mailbox

FLAGS = {"enabled": False, "disabled": True, "inherit": None}
AROUND = SmtpAuth(
    mailbox_disabled=None,
    organization_disabled=True,
    policy=None,
    policy_of_user=False,
    policy_blocks_basic=None,
    unread=[],
)


def current(**differences: Any) -> Current:
    return Current(mailbox(), replace(AROUND, **differences))


@pytest.mark.parametrize(("stored", "wanted"), list(itertools.product(FLAGS, FLAGS)))
def test_case_c21_flag_is_written_once_where_it_differs_and_never_otherwise(stored: str, wanted: str) -> None:
    plan = plan_smtp_auth(current(mailbox_disabled=FLAGS[stored]), {"smtp_auth": wanted})
    if stored == wanted:
        assert plan.steps == []
    else:
        assert plan.steps == [("set_smtp_auth", {"mailbox": mailbox(), "disabled": FLAGS[wanted]})]
    assert plan.before == {"mailbox": "support@contoso.example", "smtp_auth": stored}
    assert plan.after == {"mailbox": "support@contoso.example", "smtp_auth": wanted}
    again = plan_smtp_auth(current(mailbox_disabled=FLAGS[wanted]), {"smtp_auth": wanted})
    assert not again.changed
    assert again.before == again.after


@pytest.mark.parametrize(
    ("own", "organization_disabled", "effective"),
    [
        (None, True, "disabled"),
        (None, False, "enabled"),
        (True, False, "disabled"),
        (True, True, "disabled"),
        (False, True, "enabled"),
        (False, False, "enabled"),
    ],
)
def test_own_setting_wins_over_the_organization(own: bool | None, organization_disabled: bool, effective: str) -> None:
    assert judge(own, replace(AROUND, organization_disabled=organization_disabled))["effective"] == effective


def test_reasons_name_whoever_decides() -> None:
    inherited = judge(None, AROUND)["because"]
    assert inherited == ["the mailbox has no setting of its own", "the organization has SMTP AUTH disabled"]
    assert judge(False, AROUND)["because"] == ["the mailbox's own setting says enabled"]


@pytest.mark.parametrize(("of_user", "who"), [(True, "the user"), (False, "the organization")])
@pytest.mark.parametrize("stored", [None, False])
def test_case_c40_policy_that_blocks_passwords_draws_one_warning_each_run(
    stored: bool | None, of_user: bool, who: str
) -> None:
    around = {"policy": "Block Basic", "policy_of_user": of_user, "policy_blocks_basic": True}
    plan = plan_smtp_auth(current(mailbox_disabled=stored, **around), {"smtp_auth": "enabled"})
    assert plan.changed == (stored is None)
    assert len(plan.warnings) == 1
    assert "'Block Basic', assigned to {0}, blocks password sign-in".format(who) in plan.warnings[0]
    assert "OAuth is another matter" in plan.warnings[0]
    assert plan.result["effective"] == "enabled"
    assert plan.result["authentication_policy"] == "Block Basic"


@pytest.mark.parametrize("blocks", [False, None], ids=["allows", "not-read"])
def test_case_c40_policy_that_is_not_known_to_block_claims_nothing(blocks: bool | None) -> None:
    unread = ["the authentication policies"] if blocks is None else []
    around = {"policy": "Some policy", "policy_blocks_basic": blocks, "unread": unread}
    plan = plan_smtp_auth(current(**around), {"smtp_auth": "enabled"})
    assert plan.warnings == []
    assert not any("policy" in reason for reason in plan.result["because"])
    assert plan.result["unread"] == unread


def test_result_is_about_the_wish_and_names_the_mailbox_by_its_immutable_id() -> None:
    result = plan_smtp_auth(current(), {"smtp_auth": "enabled"}).result
    assert result["configured"] == result["effective"] == "enabled"
    assert result["organization"] == "disabled"
    assert (result["mailbox"], result["mailbox_id"]) == (mailbox().address, mailbox().guid)
