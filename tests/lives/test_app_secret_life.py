# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step of a secret's life, struck by every fault: the next plain run leaves one secret that works, and no other text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file as file_store
from kept_stores import make_certificate
from module_runner import Runner
from secret_life import (
    GRACE,
    MODULE,
    NAME,
    STEPS,
    Killed,
    Life,
    furnished,
    made,
    made_and_handed_over,
    made_by_hand,
    rotated,
)
from simulated_tenant import Tenant
from simulated_tenant.client import EXCHANGE, Client


@contextmanager
def killed(life: Life, monkeypatch: pytest.MonkeyPatch, where: str) -> Iterator[None]:
    """From the given moment on, whatever the process still tries has no effect."""
    is_dead = False
    carry, write, leftovers = life.run.carry, file_store.write_atomically, file_store.remove_leftovers

    def die() -> None:
        nonlocal is_dead
        is_dead = True
        raise Killed

    def carrying(request: Any, timeout: float) -> Any:
        is_write = request.url.endswith(("addPassword", "removePassword"))
        if is_dead or (where == "before the call" and is_write):
            die()
        response = carry(request, timeout)
        if where == "after the call" and is_write:
            die()
        return response

    def writing(path: str, text: str, mode: int) -> None:
        has_text = "secret_text" in text
        if is_dead or (where == "before the store" and has_text) or where == "before the announcement":
            die()
        if where == "half-way into the store" and has_text:
            # What mkstemp has made and nobody has renamed.
            (Path(path).parent / f".{Path(path).name}.a1b2c3d4").write_text(text)
            die()
        write(path, text, mode)
        if (where == "after the store" and has_text) or (where == "after the announcement" and not has_text):
            die()

    with monkeypatch.context() as patch:
        patch.setattr(life.run, "carry", carrying)
        patch.setattr(file_store, "write_atomically", writing)
        patch.setattr(file_store, "remove_leftovers", lambda path: die() if is_dead else leftovers(path))
        yield


@contextmanager
def store_down(life: Life, monkeypatch: pytest.MonkeyPatch, where: str) -> Iterator[None]:
    write = file_store.write_atomically

    def full_disk(path: str, text: str, mode: int) -> None:
        if where == "always" or "secret_text" in text:
            raise OSError(28, "No space left on device")
        write(path, text, mode)

    with monkeypatch.context() as patch:
        patch.setattr(file_store, "write_atomically", full_disk)
        yield


@contextmanager
def service_fault(
    life: Life, monkeypatch: pytest.MonkeyPatch, what: Any, times: int | None, **more: Any
) -> Iterator[None]:
    life.run.world.faults.add(when={"door": "graph", "method": "POST", "is_write": True}, do=what, times=times, **more)
    yield
    life.run.world.faults.clear()


@contextmanager
def store_down_and_the_credential_stays(life: Life, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is told then is its key id, and the next run removes it."""
    made = len(life.app["passwordCredentials"])
    life.run.world.faults.add(when={"path_contains": "removePassword"}, do=500, times=None)
    with store_down(life, monkeypatch, "text"):
        yield
    life.run.world.faults.clear()
    for secret in life.app["passwordCredentials"][made:]:
        assert secret["keyId"] in life.told[-1]


FAULTS: dict[str, Callable[[Life, pytest.MonkeyPatch], Any]] = {
    "reset-before": lambda life, patch: service_fault(life, patch, "reset_before", 1),
    "reset-before-always": lambda life, patch: service_fault(life, patch, "reset_before", None),
    "answer-lost": lambda life, patch: service_fault(life, patch, "answer_lost", 1),
    "answer-lost-always": lambda life, patch: service_fault(life, patch, "answer_lost", None),
    "answer-cut": lambda life, patch: service_fault(life, patch, "truncated", 1),
    "429": lambda life, patch: service_fault(life, patch, 429, 1, retry_after=7),
    "429-always": lambda life, patch: service_fault(life, patch, 429, None, retry_after=200),
    "503": lambda life, patch: service_fault(life, patch, 503, 1),
    "503-always": lambda life, patch: service_fault(life, patch, 503, None),
    "503-with-patience": lambda life, patch: service_fault(life, patch, 503, 1, retry_after=7),
    "store-down": lambda life, patch: store_down(life, patch, "always"),
    "store-down-for-the-text": lambda life, patch: store_down(life, patch, "text"),
    "store-down-and-the-credential-stays": store_down_and_the_credential_stays,
    **{
        "killed-" + where.replace(" ", "-"): lambda life, patch, where=where: killed(life, patch, where)
        for where in (
            "before the announcement",
            "after the announcement",
            "before the call",
            "after the call",
            "before the store",
            "half-way into the store",
            "after the store",
        )
    },
}


@pytest.fixture
def life(run: Runner, tenant: Tenant, tmp_path: Path) -> Life:
    return furnished(run, tenant, tmp_path)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", STEPS)
def test_the_next_plain_run_leaves_one_secret_that_works(
    life: Life, monkeypatch: pytest.MonkeyPatch, step: str, fault: str
) -> None:
    before, wish = STEPS[step]
    before(life)
    older = life.ours
    strangers = [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME]
    texts = dict(life.tenant.secret_texts)

    with FAULTS[fault](life, monkeypatch):
        try:
            life.go(**wish)
        except Killed:
            pass
    texts.update(life.tenant.secret_texts)

    plain = {name: value for name, value in wish.items() if name != "state"}
    result = life.go(**plain)
    assert result is not None, life.told[-1]
    texts.update(life.tenant.secret_texts)
    again = life.go(**plain)
    assert again is not None
    assert not again["changed"]

    # One current secret: the one that the store names and holds the text of.
    (entry,) = life.stored
    key_id = result["secret"]["key_id"]
    assert entry["key_id"] == key_id
    assert "announced" not in entry or entry["announced"] is None
    assert entry["secret_text"] == life.tenant.secret_texts[key_id]
    assert set(entry) <= {"tenant_id", "app_id", "display_name", "key_id", "start", "end", "announced", "secret_text"}

    # Its text takes a token at the sign-in.
    client = Client(life.run.world, life.app["appId"], entry["secret_text"], life.tenant.tenant_id)
    assert client.sign_in(f"{EXCHANGE}/.default").status == 200

    # No orphan: beside it only what was there before, and that only as long as nobody asked to retire it.
    left = [kept for kept in older if kept in life.ours and kept != key_id]
    assert sorted(life.ours) == sorted([*left, key_id])
    if step not in ("remove", "retire"):
        assert left == [kept for kept in older if kept != key_id]
    if step == "retire":
        assert left == []
    assert [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME] == strangers
    assert len(life.app["keyCredentials"]) == 1

    # No text anywhere else: neither another file, nor another text in the store, nor in anything that was told.
    for path in life.folder.rglob("*"):
        if path.is_file() and path != life.store:
            assert not [text for text in texts.values() if text in path.read_text()], path
    assert [text for text in texts.values() if text in life.store.read_text()] == [entry["secret_text"]]
    assert not [text for text in texts.values() if text in "".join(life.told)]


@pytest.mark.parametrize("seconds", [0, 5, 40])
def test_a_proof_waits_for_a_fresh_secret(life: Life, seconds: int) -> None:
    life.tenant.lag.secret_seconds = seconds
    result = life.go(prove=True)
    assert result is not None
    assert result["secret"]["proved"] is True
    assert sum(life.run.clock.slept) >= seconds - 2
    assert life.run.clock.slept == sorted(life.run.clock.slept)


def test_a_proof_that_takes_too_long_is_told_and_the_next_run_goes_on(life: Life) -> None:
    life.tenant.lag.secret_seconds = 90
    result = life.go(prove=True, prove_timeout=20)
    assert result is not None
    assert result["secret"]["proved"] is False
    assert result["secret"]["proof"]["outcome"] == "refused"
    assert "AADSTS7000215" in result["secret"]["proof"]["reason"]
    assert 20 <= sum(life.run.clock.slept) < 22
    again = life.go(prove=True)
    assert again is not None
    assert not again["changed"]
    assert again["secret"]["proved"] is True


def test_a_wrong_text_in_the_store_is_found_without_waiting_and_nothing_is_retired(life: Life) -> None:
    rotated(life)
    life.store.write_text(life.store.read_text().replace(life.tenant.secret_texts[life.ours[-1]], "another-text"))
    result = life.go(prove=True, retire_superseded=True)
    assert result is not None
    assert not result["changed"]
    assert result["secret"]["proved"] is False
    assert result["secret"]["rotation"]["step"] == "prove"
    assert life.run.clock.slept == []
    assert "another-text" not in "".join(life.told)


def test_check_mode_proves_without_a_write(life: Life) -> None:
    pending = life.run(
        MODULE, check=True, app_id=life.app["appId"], display_name=NAME, prove=True, store={"path": str(life.store)}
    )
    assert pending["secret"]["proof"]["outcome"] == "pending"
    made(life)
    checked = life.run(
        MODULE, check=True, app_id=life.app["appId"], display_name=NAME, prove=True, store={"path": str(life.store)}
    )
    assert checked["secret"]["proved"] is True


def test_what_the_sign_in_says_of_other_things_is_no_refusal_of_the_secret(life: Life) -> None:
    made(life)
    exchange = life.tenant.service_principal("00000002-0000-0ff1-ce00-000000000000")
    life.tenant.service_principals.remove(exchange)
    result = life.go(prove=True)
    assert result is not None
    assert result["secret"]["proved"] is None
    assert result["secret"]["proof"]["outcome"] == "undecided"
    assert "AADSTS500011" in result["secret"]["proof"]["reason"]


def test_a_text_that_no_store_holds_cannot_be_proved(life: Life) -> None:
    made_by_hand(life)
    result = life.go(prove=True)
    assert result is not None
    assert result["secret"]["proof"]["outcome"] == "not_readable"


def test_a_rotation_is_told_from_the_tenant_and_the_store_alone(life: Life) -> None:
    made_and_handed_over(life)
    (old,) = life.ours

    def stands(**options: Any) -> dict[str, Any]:
        result = life.run(
            MODULE,
            check=True,
            app_id=life.app["appId"],
            display_name=NAME,
            grace_days=GRACE,
            store={"path": str(life.store)},
            **options,
        )
        return result["secret"]["rotation"]

    assert stands()["step"] is None
    assert stands(rotate_after_days=GRACE)["step"] == "add"
    life.go(rotate_after_days=GRACE)
    new = life.ours[-1]
    assert stands(rotate_after_days=GRACE) == {
        "step": "hand_over",
        "since": "2026-12-03T07:59:59Z",
        "old_key_ids": [old],
        "retire_after": "2026-12-10T07:59:59Z",
    }
    assert stands(confirmed_key_id=old)["step"] == "hand_over"
    assert stands(confirmed_key_id=new.upper())["step"] == "retire"
    for _ in range(2):
        retired = life.go(retire_superseded=True)
        assert retired is not None
        assert not retired["changed"]
    life.later(GRACE)
    assert stands()["step"] == "retire"
    retired = life.go(retire_superseded=True)
    assert retired is not None
    assert retired["changed"]
    assert retired["secret"]["rotation"] == {"step": "retire", "since": None, "old_key_ids": [], "retire_after": None}
    assert life.ours == [new]
    assert stands() == {"step": None, "since": None, "old_key_ids": [], "retire_after": None}


def test_an_older_secret_is_retired_though_it_would_last_longer(life: Life) -> None:
    made(life)
    life.later(10)
    assert life.go(rotate_after_days=GRACE, valid_days=60)
    new = life.ours[-1]
    retired = life.go(retire_superseded=True, confirmed_key_id=new)
    assert retired is not None
    assert life.ours == [new]


def test_nothing_is_retired_while_the_store_does_not_know_the_current_secret(life: Life) -> None:
    for days in (100, 200):
        life.tenant.add_secret(life.app, NAME, end=life.run.clock.now + timedelta(days=days))
        life.later(1)
    one, other = life.ours
    result = life.go(retire_superseded=True)
    assert result is not None
    assert not result["changed"]
    result = life.go(retire_superseded=True, confirmed_key_id=other)
    assert result is not None
    assert life.ours == [other]
    assert one not in life.ours


def test_a_sealed_text_is_proved_by_the_task_that_makes_it_and_by_no_other(life: Life) -> None:
    recipient, _key = make_certificate(life.folder)
    sealed = {"type": "sealed", "path": str(life.store), "recipient_certificate_path": str(recipient)}
    first = life.go(prove=True, store=sealed)
    assert first is not None
    assert first["secret"]["proved"] is True
    again = life.go(prove=True, store=sealed)
    assert again is not None
    assert again["secret"]["proved"] is None
    assert again["secret"]["proof"]["outcome"] == "not_readable"
    assert "sealed" in again["secret"]["proof"]["reason"]
    # What cannot be proved any more can still be retired.
    life.later(GRACE + 1)
    assert life.go(prove=True, store=sealed, rotate_after_days=GRACE)
    life.later(GRACE)
    retired = life.go(prove=True, store=sealed, retire_superseded=True)
    assert retired is not None
    assert life.ours == [retired["secret"]["key_id"]]
