# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: the twelve runs, whose it is, what is refused, and what stays."""

from __future__ import annotations

import copy

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant, World

MODULE = "azure_app_registration"
CALLBACK = "https://contoso.us.webexconnect.io/callback"
OTHER = "https://contoso.eu.webexconnect.io/callback"
ADMIN_ID = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10"
EXCHANGE_ONLINE = "00000002-0000-0ff1-ce00-000000000000"
STRANGER = "5d6c3f8e-8f2a-4f5e-9a55-0c2b3a1d4e77"


def test_twelve_runs(run: Runner, tenant: Tenant) -> None:
    made = run.settled(MODULE, display_name="WebexConnect", redirect_uris=[CALLBACK], issue_access_tokens=True)
    app = tenant.application(made["application"]["app_id"])
    assert app["displayName"] == "WebexConnect"
    assert app["web"]["redirectUris"] == [CALLBACK]
    assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is True
    assert app["signInAudience"] == "AzureADMyOrg"
    assert made["application"]["service_principal_id"] == tenant.service_principal(app["appId"])["id"]

    changed = run.settled(
        MODULE, app_id=app["appId"], display_name="Webex", issue_access_tokens=False, notes="by design", tags=["webex"]
    )
    assert changed["application"]["display_name"] == "Webex"
    assert app["displayName"] == "Webex"
    assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is False
    assert app["web"]["redirectUris"] == [CALLBACK]
    assert app["notes"] == "by design"
    assert app["tags"] == ["webex"]

    run.settled(MODULE, app_id=app["appId"], state="absent")
    assert tenant.applications == []
    assert [gone["appId"] for gone in tenant.deleted_applications] == [app["appId"]]
    assert all(principal["appId"] != app["appId"] for principal in tenant.service_principals)


def test_deleting_for_good_empties_the_deleted_items(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("WebexConnect")
    run.settled(MODULE, app_id=app["appId"], state="absent", permanent=True)
    assert tenant.deleted_applications == []
    assert tenant.deleted_service_principals == []


def test_a_deleted_application_is_taken_back_with_its_service_principal(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("WebexConnect", redirect_uris=[CALLBACK])
    principal = tenant.service_principal(app["appId"])["id"]
    run(MODULE, app_id=app["appId"], state="absent")
    with pytest.raises(Failed, match="no application with app_id"):
        run(MODULE, app_id=app["appId"])
    back = run.settled(MODULE, app_id=app["appId"], restore_deleted=True, display_name="Webex")
    assert back["diff"]["before"] == {"state": "absent"}
    assert back["application"]["service_principal_id"] == principal
    assert tenant.application(app["appId"])["displayName"] == "Webex"
    assert tenant.application(app["appId"])["web"]["redirectUris"] == [CALLBACK]
    assert tenant.deleted_applications == []


@pytest.mark.parametrize("fault", ["answer_lost", "reset_before", 503])
def test_an_application_is_taken_back_once_whatever_happens_to_the_answer(
    run: Runner, tenant: Tenant, fault: str | int
) -> None:
    app = tenant.add_application("WebexConnect")
    run(MODULE, app_id=app["appId"], state="absent")
    tenant.lag.objects = 2
    run.world.faults.add(when={"path_contains": "/restore"}, do=fault)
    run.settled(MODULE, app_id=app["appId"], restore_deleted=True)
    assert [back["appId"] for back in tenant.applications] == [app["appId"]]


def test_an_application_that_is_gone_for_good_is_said_to_be(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("WebexConnect")
    run(MODULE, app_id=app["appId"], state="absent", permanent=True)
    for check in (True, False):
        with pytest.raises(Failed, match="none among the deleted items.*another app_id"):
            run(MODULE, check=check, app_id=app["appId"], restore_deleted=True)
    with pytest.raises(Failed, match="restore_deleted is true.*Give app_id"):
        run(MODULE, display_name="WebexConnect", restore_deleted=True)
    assert tenant.applications == []


def test_who_made_it_is_told_also_of_what_is_deleted(run: Runner, tenant: Tenant) -> None:
    made = run(MODULE, display_name="WebexConnect")
    assert made["application"]["created_by_us"] is True
    theirs = tenant.add_application("Theirs", created_by_app_id=STRANGER)
    for check in (True, False):
        gone = run(MODULE, check=check, app_id=theirs["appId"], state="absent")
        assert gone["application"]["created_by_us"] is False
        assert gone["application"]["app_id"] == theirs["appId"]
    none = run(MODULE, app_id=theirs["appId"], state="absent")
    assert set(none["application"].values()) == {None}


@pytest.mark.parametrize("cascades", [True, False], ids=["cascading", "not-cascading"])
def test_the_service_principal_goes_with_its_application(run: Runner, tenant: Tenant, cascades: bool) -> None:
    tenant.settings.delete_cascades = cascades
    app = tenant.add_application("WebexConnect")
    run.settled(MODULE, app_id=app["appId"], state="absent")
    assert all(principal["appId"] != app["appId"] for principal in tenant.service_principals)


def test_case_c18_running_again_makes_no_second_application(run: Runner, tenant: Tenant) -> None:
    old = tenant.add_application("Kundendienst O'Hara (old)")
    before = dict(old)
    first = run(MODULE, display_name="Kundendienst O'Hara")
    writes = len(run.world.writes())
    for check in (False, True):
        again = run(MODULE, check=check, display_name="Kundendienst O'Hara")
        assert not again["changed"]
        assert again["application"] == first["application"]
    assert len(run.world.writes()) == writes
    assert [app["displayName"] for app in tenant.applications] == ["Kundendienst O'Hara (old)", "Kundendienst O'Hara"]
    assert old == before


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_case_c06_two_of_one_name_are_listed_and_left_alone(
    run: Runner, tenant: Tenant, state: str, check: bool
) -> None:
    apps = [tenant.add_application("Contact Centre Mail", redirect_uris=[uri]) for uri in (CALLBACK, OTHER)]
    for app in apps:
        tenant.add_secret(app, "theirs")
        tenant.grant_delegated(app, EXCHANGE_ONLINE, "SMTP.Send")
    before = copy.deepcopy([tenant.applications, tenant.grants, tenant.service_principals])
    with pytest.raises(Failed) as failure:
        run(MODULE, check=check, display_name="Contact Centre Mail", state=state, redirect_uris=[])
    for app in apps:
        assert app["appId"] in failure.value.message
        assert app["createdDateTime"] in failure.value.message
        assert app["web"]["redirectUris"][0] in failure.value.message
    assert "Give app_id" in failure.value.message
    assert "2 applications" in failure.value.message
    assert run.world.writes() == []
    assert [tenant.applications, tenant.grants, tenant.service_principals] == before


def test_case_c06_of_two_namesakes_the_confirmed_one_alone_is_touched(run: Runner, tenant: Tenant) -> None:
    older, newer = (tenant.add_application("Contact Centre Mail") for _ in range(2))
    before = copy.deepcopy(older)
    wish = {"app_id": newer["appId"], "display_name": "Contact Centre Mail"}
    run.settled(MODULE, **wish, redirect_uris=[CALLBACK])
    assert newer["web"]["redirectUris"] == [CALLBACK]
    run.settled(MODULE, **wish, state="absent")
    assert tenant.applications == [older] == [before]


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("creator", [None, STRANGER], ids=["a-person", "an-application"])
def test_an_application_made_by_somebody_else_is_shown_and_refused(
    run: Runner, tenant: Tenant, creator: str | None, check: bool
) -> None:
    owner = tenant.add_user("intern@contoso.example", display_name="Intern")
    app = tenant.add_application(
        "WebexConnect", created_by_app_id=creator, redirect_uris=["https://evil.example/callback"], owners=[owner["id"]]
    )
    secret = tenant.add_secret(app, "backdoor")
    with pytest.raises(Failed) as failure:
        run(MODULE, check=check, display_name="WebexConnect", redirect_uris=[CALLBACK])
    for shown in (app["appId"], "https://evil.example/callback", "backdoor", "intern@contoso.example", "app_id"):
        assert shown in failure.value.message
    assert tenant.secret_texts[secret["keyId"]][:3] not in str(failure.value.facts)
    assert run.world.writes() == []


@pytest.mark.parametrize(
    "confirmation", [{"adopt_by_name": True}, {"app_id": True}], ids=["risk-accepted", "confirmed-by-id"]
)
def test_a_confirmed_application_of_somebody_else_is_completed(
    run: Runner, tenant: Tenant, confirmation: dict[str, object]
) -> None:
    app = tenant.add_application("WebexConnect", redirect_uris=[OTHER], service_principal=False)
    options = {"app_id": app["appId"]} if "app_id" in confirmation else confirmation
    run.settled(MODULE, display_name="WebexConnect", redirect_uris=[CALLBACK], **options)
    assert app["web"]["redirectUris"] == [OTHER, CALLBACK]
    assert len(tenant.applications) == 1
    assert tenant.service_principal(app["appId"])


def test_a_record_of_an_earlier_run_proves_an_application_ours(run: Runner, tenant: Tenant, tmp_path) -> None:
    app = tenant.add_application("WebexConnect", created_by_app_id=STRANGER)
    store = {"type": "file", "path": str(tmp_path / "store.yml")}
    run("app_secret", app_id=app["appId"], display_name="webex-connect", store=store)
    run.settled(MODULE, display_name="WebexConnect", redirect_uris=[CALLBACK], store=store)
    assert len(tenant.applications) == 1


def test_other_redirect_uris_stay_unless_purged(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("x", redirect_uris=[OTHER], spa_redirect_uris=[CALLBACK], tags=["theirs"])
    kept = run.settled(MODULE, app_id=app["appId"], redirect_uris=[CALLBACK], tags=["ours"])
    assert app["web"]["redirectUris"] == [OTHER, CALLBACK]
    assert app["spa"]["redirectUris"] == [CALLBACK]
    assert app["tags"] == ["theirs", "ours"]
    assert any("single-page" in warning for warning in kept["warnings"])
    run.settled(MODULE, app_id=app["appId"], redirect_uris=[CALLBACK], purge_redirect_uris=True)
    assert app["web"]["redirectUris"] == [CALLBACK]
    assert app["spa"]["redirectUris"] == []


def test_purging_with_an_empty_list_is_a_wish(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("x", redirect_uris=[OTHER])
    run.settled(MODULE, app_id=app["appId"], redirect_uris=[], purge_redirect_uris=True)
    assert app["web"]["redirectUris"] == []


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_case_c17_a_redirect_uri_that_would_be_refused_stops_before_any_request(run: Runner, check: bool) -> None:
    with pytest.raises(Failed, match=r"http://example\.us\.webexconnect\.io/callback.*https is required"):
        run(
            MODULE,
            check=check,
            display_name="x",
            redirect_uris=["https://example.us.webexconnect.io/callback", "http://example.us.webexconnect.io/callback"],
        )
    assert list(run.world.log) == []


def test_case_c17_localhost_is_accepted_and_repeats_are_collapsed(run: Runner, tenant: Tenant) -> None:
    run.settled(MODULE, display_name="x", redirect_uris=["http://localhost:8080/cb", CALLBACK, CALLBACK])
    assert tenant.applications[0]["web"]["redirectUris"] == ["http://localhost:8080/cb", CALLBACK]


def test_a_unique_name_is_upserted_and_found_again(run: Runner, tenant: Tenant) -> None:
    made = run.settled(MODULE, display_name="WebexConnect", unique_name="webex-connect-1", redirect_uris=[CALLBACK])
    assert tenant.application(made["application"]["app_id"])["uniqueName"] == "webex-connect-1"
    assert made["application"]["unique_name"] == "webex-connect-1"
    run.settled(MODULE, unique_name="webex-connect-1", notes="n")
    assert len(tenant.applications) == 1


def test_a_unique_name_that_comes_later_is_given_to_ours_and_doubles_nothing(run: Runner, tenant: Tenant) -> None:
    made = run(MODULE, display_name="WebexConnect")
    run.settled(MODULE, display_name="WebexConnect", unique_name="webex-connect-1")
    assert tenant.application(made["application"]["app_id"])["uniqueName"] == "webex-connect-1"
    assert len(tenant.applications) == 1


def test_a_unique_name_leaves_a_strangers_namesake_alone(run: Runner, tenant: Tenant) -> None:
    theirs = tenant.add_application("WebexConnect")
    run.settled(MODULE, display_name="WebexConnect", unique_name="webex-connect-1")
    assert theirs["uniqueName"] is None
    assert len(tenant.applications) == 2


def test_a_unique_name_can_be_set_once_and_never_changed(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("x")
    run.settled(MODULE, app_id=app["appId"], unique_name="first")
    with pytest.raises(Failed, match="can never be changed"):
        run(MODULE, app_id=app["appId"], unique_name="second")


def test_the_unique_name_of_a_deleted_application_says_what_to_do(run: Runner) -> None:
    made = run(MODULE, display_name="x", unique_name="taken")
    run(MODULE, app_id=made["application"]["app_id"], state="absent")
    with pytest.raises(Failed, match="restore it, or delete it permanently"):
        run(MODULE, display_name="x", unique_name="taken")


@pytest.mark.parametrize("audience", ["AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"])
def test_the_audience_can_be_changed(run: Runner, tenant: Tenant, audience: str) -> None:
    app = tenant.add_application("x")
    run.settled(MODULE, app_id=app["appId"], sign_in_audience=audience)
    assert app["signInAudience"] == audience


def test_what_is_not_given_is_not_touched(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application("x", notes="theirs", redirect_uris=[OTHER])
    app["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] = True
    result = run(MODULE, app_id=app["appId"], notes="   ")
    assert not result["changed"]
    assert app["notes"] == "theirs"


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_an_unknown_app_id_is_refused(run: Runner, check: bool) -> None:
    with pytest.raises(Failed, match="There is no application with app_id 11111111"):
        run(MODULE, check=check, app_id="11111111-1111-4111-8111-111111111111")
    assert not run(MODULE, check=check, app_id="11111111-1111-4111-8111-111111111111", state="absent")["changed"]


def test_case_c11_the_match_on_the_third_page_is_found(run: Runner, tenant: Tenant) -> None:
    tenant.settings.page_size = 3
    for number in range(7):
        tenant.add_application("webexconnect" if number < 6 else "WebexConnect", created_by_app_id=ADMIN_ID)
    result = run.announced(MODULE, display_name="WebexConnect")
    assert not result["changed"]
    assert result["application"]["app_id"] == tenant.applications[-1]["appId"]
    assert len([entry for entry in run.world.requests("graph") if "$skiptoken" in entry.query]) >= 4


def test_an_answer_that_was_lost_makes_no_second_application(run: Runner, tenant: Tenant) -> None:
    run.world.faults.add(when={"method": "POST", "path_contains": "/applications"}, do="answer_lost")
    result = run(MODULE, display_name="WebexConnect")
    assert result["changed"]
    assert [app["appId"] for app in tenant.applications] == [result["application"]["app_id"]]
    assert len([write for write in run.world.writes() if write.path.endswith("/applications")]) == 1


def test_a_connection_reset_before_the_creation_is_repeated(run: Runner, tenant: Tenant) -> None:
    run.world.faults.add(when={"method": "POST", "path_contains": "/applications"}, do="reset_before")
    assert run(MODULE, display_name="WebexConnect")["changed"]
    assert len(tenant.applications) == 1


@pytest.mark.parametrize("misleading", [False, True], ids=["400", "misleading-403"])
def test_replication_lag_is_waited_for_and_reported(run: Runner, tenant: Tenant, misleading: bool) -> None:
    tenant.lag.objects = 3
    tenant.lag.misleading_403 = misleading
    result = run(MODULE, display_name="WebexConnect")
    assert result["changed"]
    assert result["application"]["service_principal_id"]
    assert result["waited"]
    assert all(wait["seen"] for wait in result["waited"])
    assert not run(MODULE, display_name="WebexConnect")["changed"]


def test_without_lag_nothing_is_waited_for(run: Runner) -> None:
    assert run(MODULE, display_name="WebexConnect")["waited"] == []
    assert run.clock.slept == []


@pytest.mark.parametrize("path", [None, ""])
def test_no_path_means_no_snapshot(run: Runner, tenant: Tenant, tmp_path, monkeypatch, path: str | None) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(MODULE, display_name="Webex Connect", redirect_uris=[CALLBACK], snapshot_path=path)["changed"]
    assert list(tmp_path.iterdir()) == []


def test_a_snapshot_is_taken_before_the_first_write(run: Runner, tenant: Tenant, tmp_path) -> None:
    path = tmp_path / "snapshots" / "contoso.json"
    app = tenant.add_application("x", redirect_uris=[OTHER])
    run(MODULE, check=True, app_id=app["appId"], redirect_uris=[CALLBACK], snapshot_path=str(path))
    assert not path.exists()
    run(MODULE, app_id=app["appId"], redirect_uris=[CALLBACK], snapshot_path=str(path))
    assert '"redirect_uris": [\n          "https://contoso.eu.webexconnect.io/callback"' in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_right_is_named(world: World, clock) -> None:
    tenant = world.add_tenant("2f4b9a52-6d5e-4b1c-9df0-3f4c2c6f6e11", domain="fabrikam.example")
    tenant.add_admin(ADMIN_ID, "another-fake-secret", graph_roles=["Application.Read.All"])
    run = Runner(world, clock, tenant_id="fabrikam.example", client_id=ADMIN_ID, client_secret="another-fake-secret")
    with pytest.raises(Failed, match=r"Application\.ReadWrite\.All") as failure:
        run(MODULE, display_name="x")
    assert failure.value.facts["request_id"]
    assert "2f4b9a52-6d5e-4b1c-9df0-3f4c2c6f6e11" in failure.value.message
