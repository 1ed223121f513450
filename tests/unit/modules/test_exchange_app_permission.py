# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an application asks for: resolved names, and nothing of others lost."""

from __future__ import annotations

import pytest

from module_runner import Failed, Runner
from simulated_tenant import Tenant

MODULE = "exchange_app_permission"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
MAIL_SEND = "b633e1c5-b582-4048-a93e-9f11b44c7e96"
SMTP_SEND = "76faac2a-0f20-42f1-928a-50de5b9dbe52"
OFFLINE_ACCESS = "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"
USER_READ = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"


@pytest.fixture
def app(tenant: Tenant) -> dict:
    return tenant.add_application("WebexConnect")


def requested(app: dict) -> set[tuple[str, str, str]]:
    return {
        (entry["resourceAppId"], access["type"], access["id"])
        for entry in app["requiredResourceAccess"]
        for access in entry["resourceAccess"]
    }


def test_twelve_runs(run: Runner, app: dict) -> None:
    made = run.settled(MODULE, app_id=app["appId"])
    assert requested(app) == {(EXCHANGE, "Role", MAIL_SEND)}
    assert made["permissions"]["application"] == ["Mail.Send"]
    run.settled(MODULE, app_id=app["appId"], delegated_permissions=["SMTP.Send"])
    assert requested(app) == {(EXCHANGE, "Role", MAIL_SEND), (EXCHANGE, "Scope", SMTP_SEND)}
    run.settled(MODULE, object_id=app["id"], resource="Microsoft Graph", delegated_permissions=["offline_access"])
    assert (GRAPH, "Scope", OFFLINE_ACCESS) in requested(app)
    run.settled(MODULE, app_id=app["appId"], state="absent")
    assert requested(app) == {(EXCHANGE, "Scope", SMTP_SEND), (GRAPH, "Scope", OFFLINE_ACCESS)}


def test_other_permissions_stay_unless_purged(run: Runner, tenant: Tenant) -> None:
    app = tenant.add_application(
        "x",
        requiredResourceAccess=[
            {"resourceAppId": GRAPH, "resourceAccess": [{"id": USER_READ, "type": "Scope"}]},
            {"resourceAppId": EXCHANGE, "resourceAccess": [{"id": SMTP_SEND, "type": "Scope"}]},
        ],
    )
    run.settled(MODULE, app_id=app["appId"])
    assert requested(app) == {
        (GRAPH, "Scope", USER_READ),
        (EXCHANGE, "Scope", SMTP_SEND),
        (EXCHANGE, "Role", MAIL_SEND),
    }
    run.settled(
        MODULE, app_id=app["appId"], application_permissions=["Mail.Send"], delegated_permissions=[], purge=True
    )
    assert requested(app) == {(GRAPH, "Scope", USER_READ), (EXCHANGE, "Role", MAIL_SEND)}


def test_an_empty_list_without_purge_changes_nothing(run: Runner, app: dict) -> None:
    assert not run(MODULE, app_id=app["appId"], application_permissions=[])["changed"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"application_permissions": ["SMTP.Send"]}, "no application permission of Office 365.*as a delegated"),
        (
            {"delegated_permissions": ["offline_access"]},
            "no delegated permission of Office 365.*Microsoft Graph offers",
        ),
        ({"delegated_permissions": ["SMTP.Snd"]}, r"'SMTP\.Snd'.*Close to it: SMTP\.Send"),
        ({"resource": "Office 365 Exchange"}, "Did you mean 'Office 365 Exchange Online'"),
    ],
    ids=["wrong-kind", "wrong-api", "misspelt", "unknown-api"],
)
@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
@pytest.mark.parametrize("pending", [False, True], ids=["existing", "yet-to-be-made"])
def test_case_c36_a_name_that_would_do_nothing_is_refused(
    run: Runner, app: dict, options: dict, says: str, check: bool, pending: bool
) -> None:
    if pending and not check:
        return
    with pytest.raises(Failed, match=says):
        run(MODULE, check=check, app_id=None if pending else app["appId"], **options)
    assert run.world.writes() == []
    assert requested(app) == set()


@pytest.mark.parametrize("text", ["Mail.Send,SMTP.Send", ["Mail.Send SMTP.Send"], ["Mail.Send, SMTP.Send"]])
def test_case_c36_names_in_one_text_are_taken_apart(run: Runner, app: dict, text: object) -> None:
    result = run(MODULE, app_id=app["appId"], delegated_permissions=text)
    assert result["permissions"]["delegated"] == ["Mail.Send", "SMTP.Send"]


def test_a_tenant_without_exchange_says_so(run: Runner, tenant: Tenant, app: dict) -> None:
    tenant.remove_first_party(EXCHANGE)
    with pytest.raises(Failed, match="no service principal of Office 365 Exchange Online.*Exchange plan"):
        run(MODULE, app_id=app["appId"])


def test_the_next_task_does_not_drop_what_a_lagging_replica_hides(run: Runner, tenant: Tenant, app: dict) -> None:
    run(MODULE, app_id=app["appId"])
    run(MODULE, app_id=app["appId"], resource="Microsoft Graph", delegated_permissions=["offline_access"])
    assert requested(app) == {(EXCHANGE, "Role", MAIL_SEND), (GRAPH, "Scope", OFFLINE_ACCESS)}
