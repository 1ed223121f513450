# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret's life in every kind of store but the plain file: the text is there and works, or the credential is not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._stores import keeping
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.file import FileStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.hashi_vault import HashiVaultStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.key_vault import KeyVaultStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.sealed import SealedStore
from kept_stores import KINDS, Kept, keep
from module_runner import Failed, Runner
from simulated_tenant import Tenant
from simulated_tenant.client import GRAPH, Client

MODULE = "app_secret"
NAME = "webex-connect"
CLASSES = (FileStore, SealedStore, KeyVaultStore, HashiVaultStore)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, tmp_path: Path, run: Runner, tenant: Tenant) -> Kept:
    return keep(request.param, tmp_path, run, tenant)


@pytest.fixture
def told(run: Runner) -> list[str]:
    """Every text that Graph has told, also of credentials that are gone again."""
    texts: list[str] = []
    carry = run.carry

    def listening(request: Any, timeout: float) -> Any:
        response = carry(request, timeout)
        if "addPassword" in request.url and response.status == 200:
            texts.append(response.json()["secretText"])
        return response

    run.carry = listening
    return texts


@pytest.fixture
def wish(app: dict, kept: Kept) -> dict[str, Any]:
    return {"app_id": app["appId"], "display_name": NAME, "store": kept.options}


def key_ids(tenant: Tenant, app: dict) -> list[str]:
    return [secret["keyId"] for secret in tenant.application(app["appId"])["passwordCredentials"]]


def takes_a_token(run: Runner, app: dict, text: str | None) -> bool:
    reply = Client(run.world, app["appId"], str(text)).sign_in(GRAPH + "/.default")
    return reply.status == 200


def assert_sound(run: Runner, tenant: Tenant, app: dict, kept: Kept, result: dict[str, Any]) -> None:
    """The store holds the text of the current secret, and nothing else shows it."""
    text = tenant.secret_texts[result["secret"]["key_id"]]
    assert kept.current_text() == text
    assert takes_a_token(run, app, text)
    assert_silent(tenant, kept, json.dumps(result))


def assert_silent(tenant: Tenant, kept: Kept, shown: str) -> None:
    hidden = [*tenant.secret_texts.values(), *(kept.options.get(name) for name in ("token", "secret_id"))]
    assert not [text for text in hidden if text and text in shown]


def die(*_arguments: object) -> None:
    raise Killed


def test_a_life(run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]) -> None:
    made = run.settled(MODULE, **wish)
    assert made["secret"]["stored_in"]
    assert_sound(run, tenant, app, kept, made)
    again = run(MODULE, **wish)
    assert again["secret"]["stored_in"] == made["secret"]["stored_in"]

    run.clock.now += timedelta(days=160)
    renewed = run.settled(MODULE, **wish)
    assert renewed["secret"]["other_live_key_ids"] == [made["secret"]["key_id"]]
    assert renewed["secret"]["key_id"] != made["secret"]["key_id"]
    assert_sound(run, tenant, app, kept, renewed)

    run.settled(MODULE, **wish, state="absent")
    assert key_ids(tenant, app) == []
    assert kept.current_text() is None

    run.clock.now += timedelta(days=1)
    assert_sound(run, tenant, app, kept, run.settled(MODULE, **wish))
    assert len(key_ids(tenant, app)) == 1


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_nothing_is_created_while_the_store_is_down(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any], check: bool
) -> None:
    kept.take_down()
    with pytest.raises(Failed) as failure:
        run(MODULE, check=check, **wish)
    assert run.world.writes() == []
    assert_silent(tenant, kept, failure.value.message)


def test_a_store_that_is_down_stops_what_waits_for_an_application_in_check_mode(
    run: Runner, kept: Kept, wish: dict[str, Any]
) -> None:
    assert run(MODULE, check=True, **{**wish, "app_id": None})["secret"]["key_id"] is None
    kept.take_down()
    with pytest.raises(Failed):
        run(MODULE, check=True, **{**wish, "app_id": None})


def test_a_text_that_the_store_does_not_take_leaves_no_credential(
    run: Runner,
    tenant: Tenant,
    app: dict,
    kept: Kept,
    wish: dict[str, Any],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        kept.refuse_texts(patch)
        with pytest.raises(Failed, match="removed again") as failure:
            run(MODULE, **wish)
    assert len(told) == 1
    assert key_ids(tenant, app) == []
    assert kept.current_text() is None
    shown = failure.value.message + repr(failure.value.facts)
    assert told[0] not in shown
    assert_silent(tenant, kept, shown)
    for door in run.doors.values():
        door.faults.clear()
    assert_sound(run, tenant, app, kept, run.settled(MODULE, **wish))
    assert len(key_ids(tenant, app)) == 1


def test_a_run_that_was_killed_before_it_stored_leaves_no_orphan(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tenant.add_secret(app, NAME, end=run.clock.now + timedelta(days=3))
    with monkeypatch.context() as patch:
        for kind in CLASSES:
            patch.setattr(kind, "write", die)
        patch.setattr(keeping, "_take_back", die)
        with pytest.raises(Killed):
            run(MODULE, **wish)
    (orphan,) = set(key_ids(tenant, app)) - {theirs["keyId"]}
    made = run.settled(MODULE, **wish)
    assert made["diff"]["after"]["removed"] == [orphan]
    assert key_ids(tenant, app) == [theirs["keyId"], made["secret"]["key_id"]]
    assert_sound(run, tenant, app, kept, made)


def test_a_killed_renewal_leaves_the_current_text_and_is_finished_by_the_next(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(MODULE, **wish)["secret"]["key_id"]
    run.clock.now += timedelta(days=160)
    with monkeypatch.context() as patch:
        for kind in CLASSES:
            patch.setattr(kind, "write", die)
        patch.setattr(keeping, "_take_back", die)
        with pytest.raises(Killed):
            run(MODULE, **wish)
    assert kept.current_text() == tenant.secret_texts[first]
    renewed = run.settled(MODULE, **wish)
    assert key_ids(tenant, app) == [first, renewed["secret"]["key_id"]]
    assert_sound(run, tenant, app, kept, renewed)


def test_a_removal_that_was_interrupted_is_finished_by_the_next(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(MODULE, **wish)
    with monkeypatch.context() as patch:
        for kind in CLASSES:
            patch.setattr(kind, "forget", die)
        with pytest.raises(Killed):
            run(MODULE, **wish, state="absent")
    assert key_ids(tenant, app) == []
    assert kept.current_text() is not None
    run.settled(MODULE, **wish, state="absent")
    assert kept.current_text() is None


def test_a_store_that_lost_its_entry_is_reported_and_replaced_on_demand(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]
) -> None:
    first = run(MODULE, **wish)["secret"]["key_id"]
    run.clock.now += timedelta(days=1)
    kept.lose_everything()
    left = run.announced(MODULE, **wish)
    assert not left["changed"]
    assert any(first in warning and "adopt" in warning for warning in left["warnings"])
    replaced = run.settled(MODULE, **wish, adopt="replace")
    assert replaced["secret"]["other_live_key_ids"] == [first]
    assert_sound(run, tenant, app, kept, replaced)


def test_two_writers_never_overwrite_one_another(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]
) -> None:
    """The second one comes in between the first one's announcement and its credential."""
    second = Runner(run.world, run.clock, **run.defaults)
    second.doors, second.vault = run.doors, run.vault
    carry, winners = run.carry, []

    def interrupted(request: Any, timeout: float) -> Any:
        if "addPassword" in request.url and not winners:
            winners.append(second(MODULE, **wish))
        return carry(request, timeout)

    run.carry = interrupted
    with pytest.raises(Failed, match=r"Another run has written.*removed again") as failure:
        run(MODULE, **wish)
    assert key_ids(tenant, app) == [winners[0]["secret"]["key_id"]]
    assert winners[0]["secret"]["key_id"] in failure.value.message
    assert_sound(run, tenant, app, kept, winners[0])
    assert not second(MODULE, **wish)["changed"]


def test_a_policy_that_forbids_secrets_leaves_the_store_as_if_nothing_had_been(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]
) -> None:
    tenant.restrict_secrets(forbidden=True)
    with pytest.raises(Failed, match="CredentialTypeNotAllowedAsPerAppPolicy"):
        run(MODULE, **wish)
    assert kept.current_text() is None
    tenant.policies["defaultAppManagementPolicy"]["isEnabled"] = False
    assert_sound(run, tenant, app, kept, run.settled(MODULE, **wish))


@pytest.mark.parametrize("do", ["reset_before", "answer_lost", 429, 503])
def test_a_fault_of_the_network_on_the_way_to_the_store_is_outlived(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any], do: Any
) -> None:
    for door in run.doors.values():
        door.faults.add(lambda entry: entry.is_write, do)
        door.faults.add(is_of_a_text, do)
    made = run(MODULE, **wish)
    assert key_ids(tenant, app) == [made["secret"]["key_id"]]
    assert_sound(run, tenant, app, kept, made)
    assert not run(MODULE, **wish)["changed"]


def test_a_credential_of_a_lost_answer_that_came_to_light_too_late_is_removed_by_the_next_run(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]
) -> None:
    tenant.lag.secrets = 1000
    run.world.faults.add(when={"path_contains": "addPassword"}, do="answer_lost")
    made = run(MODULE, **wish)
    tenant.lag.secrets = 0
    late, current = key_ids(tenant, app)
    assert current == made["secret"]["key_id"]
    again = run.announced(MODULE, **wish)
    assert again["diff"]["after"]["removed"] == [late]
    assert key_ids(tenant, app) == [current]
    assert_sound(run, tenant, app, kept, again)


def is_of_a_text(entry: Any) -> bool:
    body = entry.body if isinstance(entry.body, dict) else {}
    return bool(body.get("attributes", {}).get("enabled") or "secret_text" in body.get("data", {}))


def test_applications_are_recognised_by_their_records(
    run: Runner, tenant: Tenant, app: dict, kept: Kept, wish: dict[str, Any]
) -> None:
    app["createdByAppId"] = None
    registration = {"display_name": "WebexConnect", "store": kept.options}
    with pytest.raises(Failed, match="app_id"):
        run("azure_app_registration", check=True, **registration)
    run(MODULE, **wish)
    found = run("azure_app_registration", check=True, **registration)
    assert found["application"]["app_id"] == app["appId"]
