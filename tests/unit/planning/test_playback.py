# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot read backwards: only what a run changed is put back, and what nobody can is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._planning.playback import calls_of
from samples import APP_ID, CALLBACK, key_id

EXCHANGE = "Office 365 Exchange Online"
MAILBOX = {"mailbox": "support@contoso.example"}
APPLICATION = {
    "state": "present",
    "display_name": "WebexConnect",
    "sign_in_audience": "AzureADMultipleOrgs",
    "redirect_uris": [CALLBACK],
    "issue_access_tokens": True,
    "notes": None,
    "tags": [],
}


def entry(module: str, of: Any, before: Any, after: Any) -> dict[str, Any]:
    return {"module": module, "of": of, "before": before, "after": after, "time": "2026-11-25T08:00:00Z"}


def played(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    return calls_of({"version": 1, "tenant_id": "t", "entries": list(entries)})


def test_the_last_change_is_put_back_first() -> None:
    one = entry("mailbox_smtp_auth", {"mailbox": "a@b.example"}, {"smtp_auth": "inherit"}, {"smtp_auth": "enabled"})
    two = entry("mailbox_smtp_auth", {"mailbox": "c@d.example"}, {"smtp_auth": "enabled"}, {"smtp_auth": "inherit"})
    assert [call["options"] for call in played(one, two)] == [
        {"mailbox": "c@d.example", "smtp_auth": "enabled"},
        {"mailbox": "a@b.example", "smtp_auth": "inherit"},
    ]


FORWARD = {"forwarding_address": "a@mail-us.imiconnect.io", "internal_forward": None, "keep_copy": True}
NOBODY = {"forwarding_address": None, "internal_forward": None, "keep_copy": False}
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[str]]] = {
    "forwarding that went": (
        entry("mailbox_forwarding", MAILBOX, FORWARD, NOBODY),
        [{**MAILBOX, "forwarding_address": "a@mail-us.imiconnect.io", "keep_copy": True, "state": "present"}],
        [],
    ),
    "forwarding that came": (
        entry("mailbox_forwarding", MAILBOX, NOBODY, FORWARD),
        [{**MAILBOX, "forwarding_address": "a@mail-us.imiconnect.io", "state": "absent"}],
        [],
    ),
    "an internal forward that was replaced": (
        entry("mailbox_forwarding", MAILBOX, {**NOBODY, "internal_forward": "Desk"}, FORWARD),
        [{**MAILBOX, "forwarding_address": "a@mail-us.imiconnect.io", "state": "absent"}],
        ["Desk"],
    ),
    "consent": (
        entry(
            "admin_consent",
            {"app_id": APP_ID},
            {"permissions": [{"resource": EXCHANGE, "application": ["A", "B"], "delegated": []}]},
            {"permissions": [{"resource": EXCHANGE, "application": ["B"], "delegated": ["C"]}]},
        ),
        [
            {
                "app_id": APP_ID,
                "permissions": [{"resource": EXCHANGE, "application": ["A"], "delegated": []}],
                "state": "present",
            },
            {
                "app_id": APP_ID,
                "permissions": [{"resource": EXCHANGE, "application": [], "delegated": ["C"]}],
                "state": "absent",
            },
        ],
        [],
    ),
    "a scope that was made": (
        entry(
            "app_mailbox_scope",
            {"app_id": APP_ID},
            {"scope_name": "S", "mailboxes": [], "roles": []},
            {"scope_name": "S", "mailboxes": ["a@b.example"], "roles": ["Mail.Send"]},
        ),
        [{"app_id": APP_ID, "scope_name": "S", "mailboxes": ["a@b.example"], "state": "absent"}],
        [],
    ),
    "a scope that was changed": (
        entry(
            "app_mailbox_scope",
            {"app_id": APP_ID},
            {"scope_name": "S", "mailboxes": ["a@b.example"], "roles": ["Mail.Send"]},
            {"scope_name": "S", "mailboxes": ["c@b.example"], "roles": ["Mail.Read", "Mail.Send"]},
        ),
        [
            {
                "app_id": APP_ID,
                "scope_name": "S",
                "mailboxes": ["a@b.example"],
                "roles": ["Mail.Send"],
                "state": "present",
            },
            {"app_id": APP_ID, "scope_name": "S", "mailboxes": ["c@b.example"], "state": "absent"},
            {"app_id": APP_ID, "scope_name": "S", "roles": ["Mail.Read"], "state": "absent"},
        ],
        [],
    ),
    "permissions it asks for": (
        entry(
            "exchange_app_permission",
            {"app_id": APP_ID, "resource": EXCHANGE},
            {"resource": EXCHANGE, "application_permissions": [], "delegated_permissions": ["C"]},
            {"resource": EXCHANGE, "application_permissions": ["A"], "delegated_permissions": ["C"]},
        ),
        [
            {
                "app_id": APP_ID,
                "resource": EXCHANGE,
                "state": "absent",
                "application_permissions": ["A"],
                "delegated_permissions": [],
            }
        ],
        [],
    ),
    "secrets that went": (
        entry("app_secret", {"app_id": APP_ID}, {"display_name": "w", "key_ids": [key_id(1)]}, {"key_ids": []}),
        [],
        [key_id(1) + ".*cannot be brought back"],
    ),
    "a secret that was retired": (
        entry("app_secret", {"app_id": APP_ID}, {"key_id": key_id(2)}, {"key_id": key_id(2), "removed": [key_id(1)]}),
        [],
        [key_id(1) + ".*cannot be brought back"],
    ),
    "a secret that was made": (
        entry("app_secret", {"app_id": APP_ID}, {"state": "absent"}, {"key_id": None, "end_date": "2027-05-24"}),
        [],
        ["stays"],
    ),
    "an application that went": (
        entry("azure_app_registration", {"app_id": APP_ID}, APPLICATION, {"state": "absent"}),
        [{"app_id": APP_ID, "restore_deleted": True, "sign_in_audience": "AzureADMultipleOrgs"}],
        [],
    ),
    "an application that went by its name": (
        entry("azure_app_registration", {"display_name": "WebexConnect"}, APPLICATION, {"state": "absent"}),
        [],
        ["Deleted applications"],
    ),
    "an application that came": (
        entry("azure_app_registration", {"display_name": "WebexConnect"}, {"state": "absent"}, APPLICATION),
        [],
        ["offboard"],
    ),
    "an application that was changed": (
        entry(
            "azure_app_registration",
            {"app_id": APP_ID},
            {
                **APPLICATION,
                "display_name": "Old",
                "issue_access_tokens": False,
                "redirect_uris": ["https://a.example"],
            },
            {**APPLICATION, "notes": "new"},
        ),
        [
            {
                "app_id": APP_ID,
                "display_name": "Old",
                "issue_access_tokens": False,
                "redirect_uris": ["https://a.example"],
                "sign_in_audience": "AzureADMultipleOrgs",
            }
        ],
        ["notes was empty", "redirect_uris.*" + CALLBACK],
    ),
    "users' consent": (
        entry("user_consent_policy", {}, {"user_consent": "all", "policies": []}, {"user_consent": "disabled"}),
        [{"user_consent": "all"}],
        [],
    ),
    "users' consent of another kind": (
        entry("user_consent_policy", {}, {"user_consent": "custom", "policies": ["x"]}, {"user_consent": "disabled"}),
        [],
        ["policies x"],
    ),
    "the organization's forwarding": (
        entry("external_forwarding_policy", {}, {"organization_mode": "Automatic"}, {"organization_mode": "On"}),
        [{"organization": True, "state": "absent"}],
        [],
    ),
    "a scoped policy that went": (
        entry(
            "external_forwarding_policy",
            {},
            {"policy_name": "Webex", "state": "present", "mailboxes": ["a@b.example"]},
            {"policy_name": "Webex", "state": "absent", "mailboxes": []},
        ),
        [{"policy_name": "Webex", "mailboxes": ["a@b.example"], "state": "present"}],
        ["made anew"],
    ),
    "a module of a later release": (
        entry("mailbox_quota", {"app_id": APP_ID}, {"roles": ["x"]}, {}),
        [],
        ["roles"],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_each_change_is_put_back_or_left_to_a_person(case: str) -> None:
    told, options, notes = CASES[case]
    calls = played(told)
    assert [call["options"] for call in calls if call["module"]] == options
    assert all(call["module"] == told["module"] for call in calls if call["module"])
    said = [call["person"] for call in calls if call["person"]]
    assert len(said) == len(notes)
    for text, note in zip(said, notes, strict=True):
        assert re.search(note, text), text


@pytest.mark.parametrize(
    "content",
    [None, [], "text", {}, {"version": 1}, {"version": 2, "entries": []}, {"version": 1, "entries": ["x"]},
     {"version": 1, "entries": [{"module": "app_secret", "of": {}, "before": None, "after": {}}]}],
)  # fmt: skip
def test_what_is_no_snapshot_is_refused(content: Any) -> None:
    with pytest.raises(ValueError, match="it "):
        calls_of(content)
