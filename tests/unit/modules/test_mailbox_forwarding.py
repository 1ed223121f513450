# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwarding of a mailbox: one clear state, and nothing of others lost unasked."""

from __future__ import annotations

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "mailbox_forwarding"
ADDRESS = "support@contoso.example"
ASSET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
OTHER = "b52b1cb4677fe3102266f24f59f7e5a9@mail-us.imiconnect.io"


def triple(tenant: Tenant) -> tuple[object, object, object]:
    mailbox = tenant.mailbox(ADDRESS)
    return mailbox["ForwardingSmtpAddress"], mailbox["ForwardingAddress"], mailbox["DeliverToMailboxAndForward"]


def test_twelve_runs(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS)
    made = run.settled(MODULE, mailbox=ADDRESS, forwarding_address=ASSET, keep_copy=True)
    assert triple(tenant) == ("smtp:" + ASSET, None, True)
    assert made["forwarding"]["effective_target"] == ASSET
    changed = run.settled(MODULE, mailbox=ADDRESS, forwarding_address=OTHER)
    assert triple(tenant) == ("smtp:" + OTHER, None, True)
    assert any(ASSET in warning and OTHER in warning for warning in changed["warnings"])
    run.settled(MODULE, mailbox=ADDRESS, state="absent")
    assert triple(tenant) == (None, None, False)


@pytest.mark.parametrize(
    ("stored", "keep_copy", "expected"),
    [(None, None, False), (ASSET, None, True), (ASSET, False, False), (None, True, True)],
    ids=["new-and-left-out", "old-and-left-out", "old-and-off", "new-and-on"],
)
def test_the_copy_flag_is_touched_only_where_asked_for(
    run: Runner, tenant: Tenant, stored: str | None, keep_copy: bool | None, expected: bool
) -> None:
    tenant.add_mailbox(ADDRESS, forwarding_smtp_address=stored, deliver_and_forward=bool(stored))
    run.announced(MODULE, mailbox=ADDRESS, forwarding_address=ASSET, keep_copy=keep_copy)
    assert triple(tenant)[2] is expected


def test_an_address_in_other_letters_or_with_a_prefix_is_no_difference(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS, forwarding_smtp_address=ASSET)
    assert not run(MODULE, mailbox=ADDRESS, forwarding_address="SMTP:" + ASSET.upper())["changed"]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_case_c19_an_internal_forward_stops_the_task_and_is_shown(run: Runner, tenant: Tenant, check: bool) -> None:
    tenant.add_mailbox(ADDRESS, forwarding_address="Desk, Support")
    with pytest.raises(Failed, match="'Desk, Support'.*replace_internal"):
        run(MODULE, check=check, mailbox=ADDRESS, forwarding_address=ASSET, keep_copy=True)
    assert run.world.writes() == []


def test_case_c19_an_internal_forward_is_replaced_in_one_write(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS, forwarding_address="Desk, Support")
    result = run.settled(MODULE, mailbox=ADDRESS, forwarding_address=ASSET, keep_copy=True, replace_internal=True)
    assert triple(tenant) == ("smtp:" + ASSET, None, True)
    assert len(run.world.writes()) == 1
    assert result["diff"]["before"] == {
        "forwarding_address": None,
        "internal_forward": "Desk, Support",
        "keep_copy": False,
        "mailbox": ADDRESS,
    }
    assert result["diff"]["after"] == {
        "forwarding_address": ASSET,
        "internal_forward": None,
        "keep_copy": True,
        "mailbox": ADDRESS,
    }


def test_case_c19_absent_reports_the_internal_forward_that_stays(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(
        ADDRESS, forwarding_address="Desk, Support", forwarding_smtp_address=ASSET, deliver_and_forward=True
    )
    result = run.settled(MODULE, mailbox=ADDRESS, state="absent")
    assert triple(tenant) == (None, "Desk, Support", True)
    assert any("Desk, Support" in warning for warning in result["warnings"])
    run.settled(MODULE, mailbox=ADDRESS, state="absent", replace_internal=True)
    assert triple(tenant) == (None, None, False)


INTERNAL = [
    "Desk, Support",
    "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=desk",
    "contoso.onmicrosoft.com/Users/Desk, Support",
    "desk@contoso.example",
    "smtp:desk@contoso.example",
    "5b0e5c1a-4f5e-4b0a-9c55-0c2b3a1d4e77",
    "Büro \u202e\U0001f4e7",
]


@pytest.mark.parametrize("internal", [None, *INTERNAL])
@pytest.mark.parametrize("external", [None, ASSET])
@pytest.mark.parametrize("keep_copy", [True, False])
def test_case_c19_the_report_always_gives_both_and_the_copy_flag(
    run: Runner, tenant: Tenant, internal: str | None, external: str | None, keep_copy: bool
) -> None:
    tenant.add_mailbox(
        ADDRESS, forwarding_address=internal, forwarding_smtp_address=external, deliver_and_forward=keep_copy
    )
    assets = [{"mailbox": ADDRESS, "forwarding_address": ASSET}]
    wanted = {
        "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
        "connect_email_assets": assets,
    }
    (report,) = run("connect_email_info", wanted=wanted)["reports"].values()
    told = report["assets"][0]["forwarding"]
    assert (told["configured"], told["internal"], told["keep_copy"]) == (external, internal, keep_copy)
    assert told["effective_target"] == (internal or external)


def test_absent_with_an_address_leaves_another_forward(run: Runner, tenant: Tenant) -> None:
    tenant.add_mailbox(ADDRESS, forwarding_smtp_address=OTHER)
    result = run(MODULE, mailbox=ADDRESS, forwarding_address=ASSET, state="absent")
    assert not result["changed"]
    assert any(OTHER in warning for warning in result["warnings"])
    assert triple(tenant)[0] == "smtp:" + OTHER


@pytest.mark.parametrize(
    "address",
    ["", "not an address", "a@b.example,c@d.example", "a@b.example;c@d.example", "A <a@b.example>", ADDRESS, "a@b"],
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_what_is_not_one_address_is_refused_before_any_write(
    run: Runner, tenant: Tenant, address: str, check: bool
) -> None:
    tenant.add_mailbox(ADDRESS)
    with pytest.raises(Failed, match="forwarding_address"):
        run(MODULE, check=check, mailbox=ADDRESS, forwarding_address=address)
    assert run.world.writes() == []
