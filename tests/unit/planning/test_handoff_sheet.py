# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.handoff_markdown import (
    code,
    rendered,
    table,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.handoff_sheet import (
    Current,
    check,
    json_path_of,
    plan_sheet,
    sheet_of,
)

TENANT = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
APP_ID = "3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10"
CALLBACK = "https://contoso.us.webexconnect.io/callback"
FORWARDING = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
MAILBOX = "support@contoso.example"


def wishes(**changes):
    """Options as they are after argument validation, with everything known and nothing in the way."""
    options = {
        "path": "/tmp/sheets/support.md",
        "asset": {
            "mailbox": MAILBOX,
            "forwarding_address": FORWARDING,
            "callback_url": CALLBACK,
            "name": None,
            "shared": False,
            "login_id": None,
            "keep_copy": None,
        },
        "application": {
            "app_id": APP_ID,
            "object_id": "9a0e2f6d-2d39-4a4d-8d0e-4a54c3f6a8b7",
            "service_principal_id": "6e1b7d0e-9a1d-4f3a-9b47-53f1c2f0a0d1",
            "display_name": "WebexConnect",
            "sign_in_audience": "AzureADMyOrg",
            "redirect_uris": [CALLBACK],
            "issue_access_tokens": True,
            "something_new": "is ignored",
        },
        "secret": {
            "display_name": "webex-connect",
            "key_id": "0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21",
            "end": "2027-05-23T09:00:00Z",
            "stored_in": "/srv/secrets/contoso.yml",
            "rotate_before_days": 30,
        },
        "permissions": [
            {"resource": "Microsoft Graph", "application": [], "delegated": ["offline_access"]},
            {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
        ],
        "smtp_auth": {
            "mailbox": MAILBOX,
            "configured": "enabled",
            "organization": "disabled",
            "effective": "enabled",
            "because": ["the mailbox's own setting says enabled"],
            "authentication_policy": None,
            "unread": [],
        },
        "forwarding": {
            "mailbox": MAILBOX,
            "forwarding_address": FORWARDING,
            "internal_forward": None,
            "keep_copy": True,
            "effective_target": FORWARDING,
        },
        "smtp_host": None,
        "smtp_port": 587,
        "smtp_security": "STARTTLS",
        "cloud": None,
    }
    asset = {**options["asset"], **changes.pop("asset", {})}
    return {**copy.deepcopy(options), **changes, "asset": asset}


def planned(options, markdown=None, stored=None, cloud="public", tenant_id=TENANT):
    check(options)
    return plan_sheet(Current(tenant_id, cloud, markdown, stored), options)


def texts(plan):
    """(Markdown, JSON) that the plan writes."""
    return tuple(arguments["text"] for _name, arguments in plan.steps)


def sheet(options, cloud="public"):
    check(options)
    return sheet_of(TENANT, cloud, options)


def markdown(**changes):
    return texts(planned(wishes(**changes)))[0]


def row(text, field):
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {field} |")]
    return found


# The plan --------------------------------------------------------------------------------------


def test_no_files_writes_both():
    plan = planned(wishes())
    assert [arguments["path"] for _name, arguments in plan.steps] == [
        "/tmp/sheets/support.md",
        "/tmp/sheets/support.json",
    ]
    assert plan.before["files"] == {"path": "absent", "json_path": "absent"}
    assert plan.result == {
        "mailbox": MAILBOX,
        "path": "/tmp/sheets/support.md",
        "json_path": "/tmp/sheets/support.json",
        "app_id": APP_ID,
        "key_id": "0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21",
        "secret_stored_in": "/srv/secrets/contoso.yml",
        "secret_end": "2027-05-23T09:00:00Z",
    }


def test_planning_on_what_was_written_changes_nothing():
    first = planned(wishes())
    again = planned(wishes(), *texts(first))
    assert not again.changed
    assert again.before == again.after == first.after
    assert again.result == first.result


@pytest.mark.parametrize("edited", [0, 1])
def test_an_edited_file_is_written_anew_and_the_other_is_not(edited):
    files = list(texts(planned(wishes())))
    files[edited] += "x"
    plan = planned(wishes(), *files)
    assert [arguments["path"] for _name, arguments in plan.steps] == [plan.result[("path", "json_path")[edited]]]
    assert plan.before != plan.after


@pytest.mark.parametrize("foreign", ["# Shopping\n", '{"shopping": []}'])
def test_a_file_that_is_no_sheet_is_refused(foreign):
    with pytest.raises(Conflict, match=r"/tmp/sheets/support\.md"):
        planned(wishes(), markdown=foreign)
    with pytest.raises(Conflict, match=r"/tmp/sheets/support\.json"):
        planned(wishes(), stored=foreign)


def test_whatever_was_put_into_the_old_json_stays_out_of_the_difference():
    old = json.loads(texts(planned(wishes()))[1])
    old["webex_connect"]["client_secret"]["value"] = "should-not-be-here"
    old["note"] = "should-not-be-here"
    assert "should-not-be-here" not in repr(planned(wishes(), stored=json.dumps(old)).before)


@pytest.mark.parametrize(
    "old", ["[1]", "webex_connect.office365 hand-off sheet, torn", '{"kind": 1, "webex_connect": 3}', ""]
)
def test_a_damaged_json_is_replaced(old):
    if old.startswith(("[", "{")):
        old = old[:-1] + (
            ', "webex_connect.office365 hand-off sheet"]'
            if old[0] == "["
            else ', "k": "webex_connect.office365 hand-off sheet"}'
        )
    assert planned(wishes(), stored=old).changed


def test_unknown_ids_of_check_mode_are_null_and_said_to_be_unknown():
    plan = planned(
        wishes(
            application={
                "app_id": None,
                "object_id": None,
                "service_principal_id": None,
                "display_name": "WebexConnect",
            },
            secret={"display_name": "webex-connect", "key_id": None, "end": None, "stored_in": "/srv/s.yml"},
        )
    )
    text, stored = texts(plan)
    assert "*not known yet*" in row(text, "Client ID")
    assert json.loads(stored)["authorize_url_to_try"] is None
    assert set(plan.result) == set(planned(wishes()).result)
    assert plan.result["app_id"] is plan.result["key_id"] is plan.result["secret_end"] is None


# What the sheet says -----------------------------------------------------------------------------


def test_every_field_of_the_asset_has_its_value():
    text = markdown(asset={"name": "Support"})
    login = f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0"
    for field, value in {
        "Asset Name": "Support",
        "Email ID": MAILBOX,
        "Forwarding Address": FORWARDING,
        "Authentication Type": "OAuth 2.0",
        "SMTP Server": "smtp.office365.com",
        "Username": MAILBOX,
        "Port": "587",
        "Security": "STARTTLS",
        "Client ID": APP_ID,
        "Call Back URL": CALLBACK,
        "Authorization URL": login + "/authorize",
        "Scope": "offline_access https://outlook.office.com/SMTP.Send",
        "Access Token URL": login + "/token",
        "Refresh Token URL": login + "/token",
    }.items():
        assert f"`{value}`" in row(text, field)
    for part in ("0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21", "/srv/secrets/contoso.yml", "2027-05-23T09:00:00Z"):
        assert f"`{part}`" in row(text, "Client Secret")
    assert "clear the box" in row(text, "I would like to explicitly review before providing consent for authentication")


def test_the_order_in_webex_connect_is_that_of_the_product():
    text = markdown()
    places = [
        text.index(word)
        for word in ("1. Fill in", "Generate Token.**", "3. Sign in", "**Save.**", "**Register To Webex Engage**")
    ]
    assert places == sorted(places)


def test_while_older_secrets_are_left_it_tells_how_to_change_it_and_no_longer():
    rotation = {
        "step": "hand_over",
        "since": "2026-11-25T08:00:00Z",
        "old_key_ids": ["old-key"],
        "retire_after": "2026-12-02",
    }
    text = markdown(secret={**wishes()["secret"], "rotation": rotation})
    change = text.split("### The secret changes")[1].split("###")[0]
    steps = ("Client Secret", "Generate Token", "Save", "Send a reply", "old-key")
    assert [change.index(step) for step in steps] == sorted(change.index(step) for step in steps)
    assert "2026-12-02" in change
    # The step alone, which time changes, changes no sheet.
    assert text == markdown(secret={**wishes()["secret"], "rotation": {**rotation, "step": "retire"}})
    assert markdown(secret={**wishes()["secret"], "rotation": {**rotation, "old_key_ids": []}}) == markdown()


@pytest.mark.parametrize(
    ("cloud", "login", "server", "scope"),
    [
        (
            "usgov_high",
            "https://login.microsoftonline.us/",
            "smtp.office365.us",
            "https://outlook.office365.us/SMTP.Send",
        ),
        ("china", "https://login.chinacloudapi.cn/", "smtp.partner.outlook.cn", "https://partner.outlook.cn/SMTP.Send"),
    ],
)
def test_another_cloud_has_its_own_hosts(cloud, login, server, scope):
    fields = sheet(wishes(), cloud)["webex_connect"]
    assert fields["authorization_url"].startswith(login)
    assert fields["access_token_url"] == fields["refresh_token_url"]
    assert fields["access_token_url"].startswith(login)
    assert fields["smtp_server"] == server
    assert fields["scope"].split() == ["offline_access", scope]


def test_the_url_to_try_is_the_code_flow_of_this_tenant_and_application():
    url = urlsplit(sheet(wishes())["authorize_url_to_try"])
    assert (url.netloc, url.path) == ("login.microsoftonline.com", f"/{TENANT}/oauth2/v2.0/authorize")
    query = parse_qs(url.query, strict_parsing=True)
    assert query["client_id"] == [APP_ID]
    assert query["response_type"] == ["code"]
    assert query["redirect_uri"] == [CALLBACK]
    assert query["scope"] == ["offline_access https://outlook.office.com/SMTP.Send"]
    assert " " not in url.query
    assert "+" not in url.query


@pytest.mark.parametrize(
    ("asset", "other", "login_id"),
    [
        ({}, False, MAILBOX),
        ({"login_id": MAILBOX.upper()}, False, MAILBOX.upper()),
        ({"login_id": "erin@contoso.example"}, True, "erin@contoso.example"),
        ({"shared": True, "login_id": "erin@contoso.example"}, True, "erin@contoso.example"),
        ({"shared": True}, True, None),
        ({"shared": True, "login_id": "  "}, True, None),
    ],
)
def test_who_signs_in(asset, other, login_id):
    found = sheet(wishes(asset=asset))
    assert found["sign_in"]["login_id"] == login_id
    assert found["webex_connect"]["use_different_email_address"] is other
    text = rendered(found)
    assert (
        "tick the box" in row(text, "Use different email address than the asset email ID for generating tokens")
    ) is other
    assert ("Send As" in text) is other


@pytest.mark.parametrize(
    ("end", "days", "expected"),
    [
        ("2027-05-23T09:00:00Z", 30, "2027-04-23T09:00:00Z"),
        ("2027-05-23T09:00:00Z", 0, "2027-05-23T09:00:00Z"),
        ("2027-05-23T09:00:00Z", None, None),
        (None, 30, None),
        ("some day", 30, None),
    ],
)
def test_the_day_of_renewal(end, days, expected):
    assert sheet(wishes(secret={"end": end, "rotate_before_days": days}))["operations"]["rotate_from"] == expected


def test_what_was_not_read_is_said_to_be_not_read():
    plan = planned(wishes(secret=None, permissions=None, smtp_auth=None, forwarding=None))
    assert texts(plan)[0].count("*not read by the run that wrote this sheet*") == 3
    assert plan.warnings == []


# What stands in the way ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"smtp_auth": {"effective": "disabled"}}, "Authenticated SMTP is off"),
        ({"forwarding": {"effective_target": "Doe, Jane"}}, "forwards to Doe, Jane"),
        ({"forwarding": {"effective_target": None}}, "forwards to nobody"),
        ({"permissions": []}, "SMTP.Send is not granted"),
        (
            {"permissions": [{"resource": "x", "application": ["SMTP.Send"], "delegated": None}]},
            "SMTP.Send is not granted",
        ),
        ({"application": {"app_id": APP_ID, "redirect_uris": [CALLBACK + "/"]}}, "does not list the Call Back URL"),
    ],
)
def test_what_would_keep_it_from_working_is_a_warning_and_on_the_sheet(changes, said):
    plan = planned(wishes(**changes))
    (warning,) = plan.warnings
    assert said in warning
    assert warning.startswith(MAILBOX)
    assert "**Not ready.**" in texts(plan)[0]


def test_addresses_are_compared_without_case_and_nothing_is_in_the_way():
    plan = planned(wishes(forwarding={"effective_target": FORWARDING.upper()}))
    assert plan.warnings == []
    assert "Not ready" not in texts(plan)[0]


# Markdown that holds ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`a``b", "``` `a``b ```"),
        ("two\r\nlines\u2028more", "`two lines more`"),
        ("<b>&amp;", "`<b>&amp;`"),
        (" \n", "*empty*"),
        (None, "*not known yet*"),
        (587, "`587`"),
    ],
)
def test_a_value_is_one_code_span(value, expected):
    assert code(value) == expected


def test_a_bar_does_not_end_a_cell():
    assert table(("a", "b"), [("x", code("1|2"))]).splitlines()[-1] == r"| x | `1\|2` |"


def test_no_value_breaks_out_of_its_place():
    nasty = "x | y\n\n# Heading ``` <script> `"
    text = markdown(
        asset={"name": nasty, "login_id": nasty},
        application={"app_id": APP_ID, "display_name": nasty, "redirect_uris": [CALLBACK]},
        secret={"display_name": nasty, "stored_in": nasty},
        smtp_auth={"effective": "enabled", "because": [nasty], "authentication_policy": nasty, "unread": [nasty]},
        forwarding={"effective_target": nasty, "internal_forward": nasty},
        permissions=[{"resource": nasty, "application": [nasty], "delegated": ["SMTP.Send"]}],
    )
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [line for line in markdown().splitlines() if line.startswith("#")]
    for line in text.splitlines():
        if line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 3, line


# Refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"asset": {"mailbox": " "}}, "asset lacks mailbox"),
        ({"asset": {"forwarding_address": "a@b.example, c@d.example"}}, "asset.forwarding_address"),
        ({"asset": {"callback_url": "http://contoso.us.webexconnect.io/callback"}}, "asset.callback_url"),
        ({"path": "/tmp/sheets/support.json"}, "path"),
        ({"smtp_port": 0}, "smtp_port"),
        ({"smtp_port": 65536}, "smtp_port"),
    ],
)
def test_an_unusable_wish_is_refused_by_name(changes, said):
    with pytest.raises(InvalidInput, match=re.escape(said)):
        check(wishes(**changes))


def test_the_json_file_lies_beside_the_markdown():
    assert json_path_of("a/b.md") == "a/b.json"
    assert json_path_of("a/b.MD") == "a/b.json"
    assert json_path_of("a/b.c") == "a/b.c.json"
