# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The former state, kept before the first write."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.plan import Plan
from ansible_collections.webex_connect.office365.plugins.module_utils._snapshot import record
from samples import APP_ID, HOSTILE, NOW, TENANT_ID

OTHER_TENANT = "77777777-0000-4000-8000-000000000001"
PLAN = Plan(
    before={"mailbox": "support@contoso.example", "forwarding_address": None},
    after={"mailbox": "support@contoso.example", "forwarding_address": "x@partner.example"},
    result={"secret_text": "T3xt~of-a-secret"},
    steps=[("set_forwarding", {"secret": "T3xt~of-a-secret"})],
)
OPTIONS = {"mailbox": "support@contoso.example", "app_id": None, "client_secret": "S3cret", "keep_copy": True}


def tenant(tenant_id: str = TENANT_ID) -> Any:
    return SimpleNamespace(tenant_id=tenant_id, now=lambda: NOW)


def take(path: Path, tenant_id: str = TENANT_ID, **options: Any) -> None:
    record(str(path), "mailbox_forwarding", tenant(tenant_id), {**OPTIONS, **options}, PLAN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "snapshot.json"


def test_snapshot_holds_what_was_and_will_be(path: Path) -> None:
    take(path)
    assert json.loads(path.read_text()) == {
        "version": 1,
        "tenant_id": TENANT_ID,
        "entries": [
            {
                "time": "2026-11-25T08:00:00Z",
                "module": "mailbox_forwarding",
                "of": {"mailbox": "support@contoso.example"},
                "before": PLAN.before,
                "after": PLAN.after,
            }
        ],
    }


def test_no_secret_reaches_the_file_and_only_its_owner_reads_it(path: Path) -> None:
    before = os.umask(0)
    try:
        take(path)
    finally:
        os.umask(before)
    assert "S3cret" not in path.read_text()
    assert "T3xt" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_later_entries_are_added(path: Path) -> None:
    take(path)
    take(path, app_id=APP_ID)
    entries = json.loads(path.read_text())["entries"]
    assert [entry["of"].get("app_id") for entry in entries] == [None, APP_ID]


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_name_comes_back_as_it_was(path: Path, name: str) -> None:
    take(path, mailbox=name)
    assert json.loads(path.read_text())["entries"][0]["of"] == {"mailbox": name}


@pytest.mark.parametrize(
    "content",
    [
        b"text",
        b"[]",
        b"{}",
        b"false",
        b"0",
        b'""',
        b"null",
        b'{"a": 1}',
        b'{"tenant_id": "' + TENANT_ID.encode() + b'"}',
        b'{"tenant_id": "' + TENANT_ID.encode() + b'", "entries": {}}',
        b'{"tenant_id": "' + TENANT_ID.encode() + b'", "entries": null}',
        b'{"version": 1, "entries": [',
        b"\xff\xfe",
    ],
)
def test_foreign_content_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refusal:
        take(path)
    assert str(path) in refusal.value.message
    assert "snapshot_path" in refusal.value.advice
    assert "Nothing was changed" in refusal.value.advice
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["snapshot.json"]


def test_empty_file_is_as_good_as_none(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(b"")
    take(path)
    assert len(json.loads(path.read_text())["entries"]) == 1


def test_snapshot_of_another_tenant_is_refused_and_kept(path: Path) -> None:
    take(path)
    before = path.read_bytes()
    with pytest.raises(InvalidInput, match="it belongs to tenant " + TENANT_ID):
        take(path, tenant_id=OTHER_TENANT)
    assert path.read_bytes() == before


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "snapshot.json"):
        with pytest.raises(InvalidInput, match="cannot be written"):
            take(path)


def test_write_that_fails_leaves_the_old_snapshot(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take(path)
    before = path.read_bytes()

    def fail(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InvalidInput, match="No space left on device"):
        take(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["snapshot.json"]


def take_some(path: Path, writer: int) -> None:
    for number in range(5):
        take(path, mailbox=f"{writer}-{number}@contoso.example")


def test_parallel_tasks_lose_no_entry(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=take_some, args=(path, writer)) for writer in range(4)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(30)
    assert [process.exitcode for process in writers] == [0] * 4
    entries = json.loads(path.read_text())["entries"]
    assert sorted(entry["of"]["mailbox"] for entry in entries) == [
        f"{writer}-{number}@contoso.example" for writer in range(4) for number in range(5)
    ]
    assert os.listdir(path.parent) == ["snapshot.json"]
