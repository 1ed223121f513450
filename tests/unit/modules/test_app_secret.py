# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret's life: made once, renewed in time, stored or not there at all."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._transport import Request, Response
from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "app_secret"
NAME = "webex-connect"


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


@pytest.fixture
def store(tmp_path: Path) -> dict:
    return {"type": "file", "path": str(tmp_path / "secrets" / "contoso.yml")}


def stored(store: dict) -> list[dict]:
    return yaml.safe_load(Path(store["path"]).read_text())["secrets"]


def names(tenant: Tenant, app: dict) -> list[str]:
    return [secret["displayName"] for secret in tenant.application(app["appId"])["passwordCredentials"]]


def adds(run: Runner) -> int:
    return len([entry for entry in run.world.writes() if entry.path.endswith("addPassword")])


def test_twelve_runs(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    made = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    (entry,) = stored(store)
    assert entry["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]
    assert entry["key_id"] == made["secret"]["key_id"]
    assert entry["app_id"] == app["appId"]
    assert made["secret"]["end"] == "2027-05-24T08:00:00Z"
    assert made["secret"]["secret_text"] is None
    assert made["secret"]["stored_in"] == store["path"]

    run.clock.now += timedelta(days=160)
    renewed = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert renewed["secret"]["other_live_key_ids"] == [made["secret"]["key_id"]]
    assert stored(store)[0]["key_id"] == renewed["secret"]["key_id"]

    run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store, state="absent")
    assert names(tenant, app) == []
    assert stored(store) == []


def test_the_store_is_readable_by_its_owner_only(run: Runner, app: dict, store: dict) -> None:
    run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    path = Path(store["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [p.name for p in path.parent.iterdir()] == ["contoso.yml"]


def test_check_mode_writes_nothing_to_disk(run: Runner, app: dict, store: dict, tmp_path: Path) -> None:
    assert run(MODULE, check=True, app_id=app["appId"], display_name=NAME, store=store)["changed"]
    assert list(tmp_path.iterdir()) == []


def test_check_mode_accepts_an_application_that_is_yet_to_be_made(run: Runner, tenant: Tenant, store: dict) -> None:
    result = run(MODULE, check=True, app_id=None, display_name=NAME, store=store)
    assert result["changed"]
    assert result["secret"]["key_id"] is None
    with pytest.raises(Failed, match="only check mode accepts"):
        run(MODULE, app_id=None, display_name=NAME, store=store)
    with pytest.raises(Failed, match="one of the following is required: app_id, object_id"):
        run(MODULE, check=True, display_name=NAME, store=store)


def test_the_text_is_nowhere_in_the_result_unless_asked_for(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    kept = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    text = tenant.secret_texts[kept["secret"]["key_id"]]
    assert text not in json.dumps(kept)
    told = run(MODULE, app_id=app["appId"], display_name="other", return_secret_text=True)
    assert told["secret"]["secret_text"] == tenant.secret_texts[told["secret"]["key_id"]]
    again = run(MODULE, app_id=app["appId"], display_name="other", return_secret_text=True)
    assert again["secret"]["secret_text"] is None


def test_case_c13_only_secrets_of_the_name_count(run: Runner, tenant: Tenant, app: dict) -> None:
    now = run.clock.now
    good = tenant.add_secret(app, "webex", end=now + timedelta(days=200))
    tenant.add_secret(app, "webex", start=now - timedelta(days=90), end=now - timedelta(days=5))
    tenant.add_secret(app, "printer", end=now + timedelta(days=5))
    options = {
        "app_id": app["appId"],
        "display_name": "webex",
        "valid_days": 180,
        "rotate_before_days": 30,
        "return_secret_text": True,
    }
    for _ in range(2):
        result = run.announced(MODULE, **options)
        assert not result["changed"]
        assert result["secret"]["key_id"] == good["keyId"]
        assert result["secret"]["secret_text"] is None
    assert adds(run) == 0
    run.clock.now = now + timedelta(days=180)
    renewed = run.settled(MODULE, **options)
    assert adds(run) == 1
    end = now + timedelta(days=360)
    assert renewed["secret"]["end"] == end.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(tenant, app) == ["webex", "webex", "printer", "webex"]


def test_an_expired_namesake_does_not_count_as_valid(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    tenant.add_secret(app, NAME, start=run.clock.now - timedelta(days=9), end=run.clock.now - timedelta(days=1))
    assert run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)["secret"]["key_id"]


def test_a_live_secret_that_the_store_does_not_know_is_left_and_reported(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    theirs = tenant.add_secret(app, NAME)
    result = run.announced(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert not result["changed"]
    assert result["secret"]["key_id"] == theirs["keyId"]
    assert result["secret"]["stored_in"] is None
    assert any(theirs["keyId"] in warning and "adopt" in warning for warning in result["warnings"])
    replaced = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store, adopt="replace")
    assert replaced["secret"]["other_live_key_ids"] == [theirs["keyId"]]
    assert len(names(tenant, app)) == 2


def test_the_known_key_id_stands_for_the_entry(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    theirs = tenant.add_secret(app, NAME)
    result = run(MODULE, app_id=app["appId"], display_name=NAME, store=store, known_key_id=theirs["keyId"].upper())
    assert not result["changed"]
    assert result["warnings"] == []


def test_a_secret_that_was_removed_in_the_portal_is_made_again(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    run.clock.now += timedelta(days=1)
    tenant.application(app["appId"])["passwordCredentials"].clear()
    made = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert stored(store)[0]["key_id"] == made["secret"]["key_id"]


def test_rotate_makes_a_new_one_beside_the_old(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    old = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)["secret"]["key_id"]
    new = run(MODULE, app_id=app["appId"], display_name=NAME, store=store, rotate=True)["secret"]
    assert new["other_live_key_ids"] == [old]
    assert not run(MODULE, app_id=app["appId"], display_name=NAME, store=store)["changed"]


def test_retiring_removes_the_superseded_and_never_in_the_run_that_adds(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    stranger = tenant.add_secret(app, "printer")
    old = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)["secret"]["key_id"]
    run.clock.now += timedelta(days=10)
    run(MODULE, app_id=app["appId"], display_name=NAME, store=store, rotate=True, retire_superseded=True)
    assert names(tenant, app) == ["printer", NAME, NAME]
    retired = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store, retire_superseded=True)
    assert retired["diff"]["after"]["removed"] == [old]
    assert names(tenant, app) == ["printer", NAME]
    assert stranger["keyId"] in [s["keyId"] for s in tenant.application(app["appId"])["passwordCredentials"]]
    assert stored(store)[0]["secret_text"]


def test_absent_with_a_key_id_removes_that_one_only(run: Runner, tenant: Tenant, app: dict) -> None:
    one, two = (tenant.add_secret(app, NAME) for _ in range(2))
    result = run.settled(MODULE, app_id=app["appId"], display_name=NAME, key_id=one["keyId"], state="absent")
    assert result["secret"]["other_live_key_ids"] == [two["keyId"]]
    assert names(tenant, app) == [NAME]


def test_absent_with_the_key_id_of_another_name_is_refused(run: Runner, tenant: Tenant, app: dict) -> None:
    theirs = tenant.add_secret(app, "printer")
    with pytest.raises(Failed, match="'printer', not 'webex-connect'"):
        run(MODULE, app_id=app["appId"], display_name=NAME, key_id=theirs["keyId"], state="absent")
    assert names(tenant, app) == ["printer"]


def test_case_c20_a_stale_read_neither_hides_the_text_nor_makes_a_second(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    tenant.lag.secrets = 3
    made = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert stored(store)[0]["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]
    assert not run(MODULE, app_id=app["appId"], display_name=NAME, store=store)["changed"]
    assert adds(run) == 1


@pytest.mark.parametrize("fault", [403, 404, 500, "html", "truncated", "answer_lost"])
def test_case_c20_whatever_is_read_afterwards_the_text_is_told(
    run: Runner, tenant: Tenant, app: dict, fault: str | int
) -> None:
    run.world.faults.add(lambda entry: entry.method == "GET" and adds(run) > 0, fault, times=None)
    made = run(MODULE, app_id=app["appId"], display_name=NAME, return_secret_text=True)
    run.world.faults.clear()
    assert made["secret"]["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]
    assert names(tenant, app) == [NAME]


def test_case_c20_a_store_that_refuses_leaves_no_credential(
    run: Runner, tenant: Tenant, app: dict, store: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file

    written = []

    def full_disk(path: str, text: str, mode: int) -> None:
        written.append(text)
        if "secret_text" in text:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_atomically", full_disk)
    with pytest.raises(Failed, match="No space left on device.*removed again"):
        run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert adds(run) == 1
    assert names(tenant, app) == []


def test_a_credential_that_cannot_be_removed_again_is_named(
    run: Runner, tenant: Tenant, app: dict, store: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file

    def full_disk(path: str, text: str, mode: int) -> None:
        if "secret_text" in text:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_atomically", full_disk)
    run.world.faults.add(when={"path_contains": "removePassword"}, do=500, times=20)
    with pytest.raises(Failed) as failure:
        run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    (left,) = tenant.application(app["appId"])["passwordCredentials"]
    assert left["keyId"] in failure.value.message
    assert tenant.secret_texts[left["keyId"]] not in failure.value.message


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_a_store_that_cannot_be_written_stops_before_any_request(
    run: Runner, app: dict, tmp_path: Path, check: bool
) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "store.yml", tmp_path):
        with pytest.raises(Failed, match="store"):
            run(MODULE, check=check, app_id=app["appId"], display_name=NAME, store={"path": str(path)})
    assert list(run.world.log) == []


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_a_store_that_would_vanish_with_the_run_is_refused(
    run: Runner, app: dict, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_1_private")
    with pytest.raises(Failed, match="would vanish.*another type of store"):
        run(MODULE, check=check, app_id=app["appId"], display_name=NAME, store={"path": "secrets/contoso.yml"})
    assert list(run.world.log) == []


def test_an_answer_that_was_lost_leaves_exactly_one_credential(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    run.world.faults.add(when={"path_contains": "addPassword"}, do="answer_lost")
    made = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert names(tenant, app) == [NAME]
    assert tenant.application(app["appId"])["passwordCredentials"][0]["keyId"] == made["secret"]["key_id"]
    assert stored(store)[0]["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (
            {"max_lifetime": "P90D"},
            "CredentialInvalidLifetimeAsPerAppPolicy.*365 days.*caps.* at 90 days.*ask for less",
        ),
        ({"forbidden": True}, "CredentialTypeNotAllowedAsPerAppPolicy.*forbids"),
    ],
    ids=["capped", "forbidden"],
)
def test_case_c34_a_tenant_that_caps_or_forbids_secrets_says_so_once(
    run: Runner, tenant: Tenant, app: dict, store: dict, policy: dict, says: str
) -> None:
    older = tenant.add_secret(app, NAME, end=run.clock.now + timedelta(days=20))
    tenant.restrict_secrets(**policy)
    wish = {"app_id": app["appId"], "display_name": NAME, "store": store, "valid_days": 365}
    with pytest.raises(Failed, match=says):
        run(MODULE, check=True, **wish)
    assert adds(run) == 0
    with pytest.raises(Failed, match=says):
        run(MODULE, **wish)
    assert adds(run) == 1
    assert tenant.application(app["appId"])["passwordCredentials"] == [older]


def test_check_mode_refuses_for_an_application_that_is_yet_to_be_made(run: Runner, tenant: Tenant, store: dict) -> None:
    tenant.restrict_secrets(max_lifetime="P90D")
    wish = {"app_id": None, "display_name": NAME, "store": store}
    with pytest.raises(Failed, match=r"180 days.* at 90 days \(P90D\)"):
        run(MODULE, check=True, **wish)
    assert run(MODULE, check=True, **wish, valid_days=90)["changed"]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "disabled"},
        {"restrictForAppsCreatedAfterDateTime": "2027-01-01T00:00:00Z"},
        {"maxLifetime": "P180D"},
        {"maxLifetime": "P6M"},
        {"excludeActors": {"customSecurityAttributes": [{"id": "Automation_Exempt"}]}},
    ],
    ids=["switched-off", "for-younger-ones", "long-enough", "by-months", "some-are-exempt"],
)
def test_check_mode_claims_no_cap_that_may_not_hold(
    run: Runner, tenant: Tenant, app: dict, store: dict, change: dict
) -> None:
    tenant.restrict_secrets(max_lifetime="P90D")
    tenant.policies["defaultAppManagementPolicy"]["applicationRestrictions"]["passwordCredentials"][0].update(change)
    assert run(MODULE, check=True, app_id=app["appId"], display_name=NAME, store=store)["changed"]


def test_without_the_right_to_read_policies_the_service_alone_refuses(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    tenant.restrict_secrets(max_lifetime="P90D")
    run.world.faults.add(when={"path_contains": "AppManagementPolic"}, do=403, times=None)
    wish = {"app_id": app["appId"], "display_name": NAME, "store": store}
    assert run(MODULE, check=True, **wish)["changed"]
    with pytest.raises(Failed, match="caps the lifetime of secrets: ask for less"):
        run(MODULE, **wish)


def test_the_orphan_of_a_killed_run_is_removed_by_the_next(
    run: Runner, tenant: Tenant, app: dict, store: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ansible_collections.webex_connect.office365.plugins.module_utils._stores.file import FileStore

    class Killed(BaseException):
        pass

    def die(*_arguments: object) -> None:
        raise Killed

    theirs = tenant.add_secret(app, NAME, end=run.clock.now + timedelta(days=3))
    with monkeypatch.context() as patch:
        patch.setattr(FileStore, "write", die)
        patch.setattr(
            "ansible_collections.webex_connect.office365.plugins.module_utils._stores.keeping._take_back", die
        )
        with pytest.raises(Killed):
            run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    orphan = tenant.application(app["appId"])["passwordCredentials"][-1]["keyId"]
    made = run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert made["diff"]["after"]["removed"] == [orphan]
    keys = [secret["keyId"] for secret in tenant.application(app["appId"])["passwordCredentials"]]
    assert keys == [theirs["keyId"], made["secret"]["key_id"]]
    assert stored(store)[0]["secret_text"] == tenant.secret_texts[made["secret"]["key_id"]]


def test_an_announcement_without_a_credential_is_no_harm(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    tenant.restrict_secrets(forbidden=True)
    with pytest.raises(Failed):
        run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert stored(store) == []
    tenant.policies["defaultAppManagementPolicy"]["isEnabled"] = False
    run.settled(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert names(tenant, app) == [NAME]


def test_a_conflict_of_two_writers_is_retried_without_adding_twice(
    run: Runner, tenant: Tenant, app: dict, store: dict
) -> None:
    tenant.add_certificate(app)
    run.world.faults.add(when={"path_contains": "addPassword"}, do=429, retry_after=3)
    run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert names(tenant, app) == [NAME]
    assert len(tenant.application(app["appId"])["keyCredentials"]) == 1
    assert run.clock.slept[0] == 3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "nowhere to put"),
        ({"return_secret_text": True, "valid_days": 0}, "valid_days"),
        ({"return_secret_text": True, "valid_days": 20}, "rotate_before_days"),
        ({"return_secret_text": True, "rotate_before_days": -1}, "rotate_before_days"),
        ({"return_secret_text": True, "end_date": "soon"}, "end_date"),
        ({"return_secret_text": True, "end_date": "2026-11-01"}, "end_date"),
        ({"return_secret_text": True, "key_id": "11111111-1111-4111-8111-111111111111"}, "known_key_id"),
        ({"return_secret_text": True, "known_key_id": "the secret id"}, "known_key_id"),
        ({"store": {"type": "file"}}, "path"),
    ],
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_unusable_wishes_are_refused_before_any_write(
    run: Runner, app: dict, options: dict, says: str, check: bool
) -> None:
    with pytest.raises(Failed, match=says):
        run(MODULE, check=check, app_id=app["appId"], display_name=NAME, **options)
    assert run.world.writes() == []


def test_a_wrong_local_clock_shortens_no_secret(run: Runner, tenant: Tenant, app: dict, store: dict) -> None:
    service_time = run.clock.now + timedelta(hours=9)
    run.world.now = lambda: service_time
    carry = run.carry

    def dated(request, timeout):
        response = carry(request, timeout)
        headers = {**response.headers, "date": service_time.strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return type(response)(response.status, headers, response.body)

    run.carry = dated
    made = run(MODULE, app_id=app["appId"], display_name=NAME, store=store)
    assert made["secret"]["end"] == (service_time + timedelta(days=180)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("moment", ["before the addition", "after it"])
def test_case_c35_two_writers_at_once_lose_nothing(
    run: Runner, tenant: Tenant, app: dict, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other writer works right around our own addition, and reads of both lag behind."""
    tenant.add_certificate(app)
    tenant.add_secret(app, "older")
    tenant.add_secret(app, "older still", end=run.clock.now - timedelta(days=1))
    before = copy.deepcopy(tenant.application(app["appId"]))
    tenant.lag.secrets = 4
    other = Runner(run.world, run.clock, **run.defaults)
    wishes = {name: {"app_id": app["appId"], "display_name": name, "return_secret_text": True} for name in ("a", "b")}
    made: list[str] = []
    carry = Runner.carry

    def meanwhile(request: Request, timeout: float) -> Response:
        is_ours = request.url.endswith("addPassword") and not made
        answer = carry(run, request, timeout) if is_ours and moment == "after it" else None
        if is_ours:
            made.append("")
            made[0] = other(MODULE, **wishes["b"])["secret"]["secret_text"]
        return answer or carry(run, request, timeout)

    monkeypatch.setattr(run, "carry", meanwhile)
    made.append(run(MODULE, **wishes["a"])["secret"]["secret_text"])
    after = tenant.application(app["appId"])
    assert after["keyCredentials"] == before["keyCredentials"]
    assert after["passwordCredentials"][:2] == before["passwordCredentials"]
    assert sorted(names(tenant, app)) == ["a", "b", "older", "older still"]
    new = [secret for secret in after["passwordCredentials"] if secret["displayName"] in wishes]
    assert {tenant.secret_texts[secret["keyId"]] for secret in new} == set(made)
    writes = run.world.writes()
    assert [entry.path.rsplit("/", 1)[-1] for entry in writes] == ["addPassword", "addPassword"]
    for name in wishes:
        assert not run.announced(MODULE, **wishes[name])["changed"]


@pytest.mark.parametrize("times", [1, 3, None], ids=["once", "three times", "for ever"])
def test_case_c35_a_conflict_is_tried_again_within_a_bound_and_never_doubles(
    run: Runner, tenant: Tenant, app: dict, times: int | None
) -> None:
    conflict = {"error": {"code": "Directory_ConcurrencyViolation", "message": "Another update is under way."}}
    fault = run.world.faults.add({"path_contains": "addPassword"}, 409, times=times, body=conflict)
    wish = {"app_id": app["appId"], "display_name": NAME, "return_secret_text": True}
    if times:
        assert run(MODULE, **wish)["changed"]
        assert fault.struck == times
        assert names(tenant, app) == [NAME]
        assert not run(MODULE, **wish)["changed"]
        return
    with pytest.raises(
        Failed, match="add the secret 'webex-connect' to application .*status 409, request id"
    ) as failure:
        run(MODULE, **wish)
    assert tenant.tenant_id in failure.value.message
    assert fault.struck == 6
    assert names(tenant, app) == []
