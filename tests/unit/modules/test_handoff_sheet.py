# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sheet's files, by way of the module's life cycle. It knows no absent, so the twelve runs are eight."""

from __future__ import annotations

import json
import os
import stat

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._converge import converge
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.modules.handoff_sheet import RESOURCE

TENANT = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
FORWARDING = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
GIVEN = {
    "tenant_id": TENANT,
    "asset": {
        "mailbox": "support@contoso.example",
        "forwarding_address": FORWARDING,
        "callback_url": "https://contoso.us.webexconnect.io/callback",
    },
    "application": {"app_id": "3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10"},
    "secret": {
        "display_name": "webex-connect",
        "key_id": "0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21",
        "stored_in": "/srv/s.yml",
    },
    "smtp_port": 587,
    "smtp_security": "STARTTLS",
}


def run(path, check_mode=False, environ=None, **changes):
    given = {**GIVEN, **changes, "path": str(path)}
    return converge(RESOURCE, given, check_mode, "handoff_sheet", environ=environ or {})


def test_create_repeat_modify_repeat_each_in_check_mode_first(tmp_path):
    path = tmp_path / "new/a.md"
    other = {"secret": {"key_id": "another", "end": "2027-05-23T09:00:00Z"}}
    for changes, changed in (({}, True), ({}, False), (other, True), (other, False)):
        before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
        announced = run(path, check_mode=True, **changes)
        assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before
        assert run(path, **changes) == announced
        assert announced["changed"] is changed
        assert (announced["diff"]["before"] != announced["diff"]["after"]) is changed


def test_the_cloud_comes_from_the_option_or_the_environment(tmp_path):
    environ = {}

    def server(**changes):
        run(tmp_path / "a.md", environ=environ, **changes)
        return json.loads((tmp_path / "a.json").read_text())["webex_connect"]["smtp_server"]

    assert server(authority_host="https://127.0.0.1:4430") == "smtp.office365.com"
    environ["AZURE_CLOUD"] = " usgov_high "
    assert server() == "smtp.office365.us"
    assert server(cloud="china") == "smtp.partner.outlook.cn"
    environ["AZURE_CLOUD"] = "moon"
    with pytest.raises(InvalidInput, match="(?i)AZURE_CLOUD"):
        server()


def test_files_are_readable_by_their_owner_only(tmp_path):
    run(tmp_path / "a.md")
    for name in ("a.md", "a.json"):
        assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600


def test_without_an_application_the_real_run_is_refused_and_check_mode_is_not(tmp_path):
    nothing = {"app_id": None}
    assert run(tmp_path / "a.md", check_mode=True, application=nothing)["changed"]
    with pytest.raises(InvalidInput, match="app_id"):
        run(tmp_path / "a.md", application=nothing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, check_mode):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="path"):
        run(tmp_path / "file/a.md", check_mode=check_mode)
    (tmp_path / "a.json").mkdir()
    with pytest.raises(InvalidInput, match="directory"):
        run(tmp_path / "a.md", check_mode=check_mode)


def test_a_secret_text_that_is_handed_over_reaches_no_file(tmp_path):
    result = run(tmp_path / "a.md", secret={"key_id": "k", "secret_text": "should-not-be-here"})
    assert "should-not-be-here" not in repr(result)
    assert not [path for path in tmp_path.iterdir() if "should-not-be-here" in path.read_text()]
