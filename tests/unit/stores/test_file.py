# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of type file: for its owner only, replaced in one step, and never over what is not ours."""

from __future__ import annotations

import multiprocessing
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.file import FileStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.store import (
    STORE_OPTIONS,
    StoreFailed,
    open_store,
)
from samples import APP_ID, HOSTILE, OBJECT_ID, TENANT_ID, key_id

TEXT = "T3xt~of-a-secret"
START, END = "2026-11-25T07:59:59.123456Z", "2027-05-24T08:00:00Z"
OTHER_TENANT = "77777777-0000-4000-8000-000000000001"
NAME = "webex-connect"


def record(number: int = 1, name: str = NAME, app_id: str = APP_ID, tenant: str = TENANT_ID) -> Record:
    return Record(tenant, app_id, name, key_id(number), START, END)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "when needed" / "secrets.yml"


@pytest.fixture
def store(path: Path) -> FileStore:
    return FileStore(str(path))


def entries(path: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert list(content) == ["secrets"]
    return list(content["secrets"])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Writing and reading


def test_written_secret_is_remembered_and_its_text_lies_in_the_file(store: FileStore, path: Path) -> None:
    assert store.record_of(TENANT_ID, APP_ID, NAME) is None
    store.write(record(), TEXT)
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record()
    (entry,) = entries(path)
    assert entry["secret_text"] == TEXT
    assert entry["key_id"] == key_id(1)


def test_file_and_its_folder_are_for_their_owner_only(store: FileStore, path: Path) -> None:
    before = os.umask(0)
    try:
        store.write(record(), TEXT)
        assert mode(path) == 0o600
        assert mode(path.parent) == 0o700
        path.chmod(0o644)
        store.write(record(2), TEXT)
        assert mode(path) == 0o600
    finally:
        os.umask(before)


def test_new_secret_replaces_the_old_of_its_name_and_no_other(store: FileStore, path: Path) -> None:
    others = [record(2, name="other"), record(3, app_id=OBJECT_ID), record(4, tenant=OTHER_TENANT)]
    for item in [record(1), *others, record(5)]:
        store.write(item, "text of " + str(item.key_id))
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record(5)
    for item in others:
        assert store.record_of(item.tenant_id, item.app_id, item.display_name) == item
    assert len(entries(path)) == 4


def test_ids_are_compared_without_regard_to_case_and_names_with(store: FileStore) -> None:
    store.write(Record(TENANT_ID.upper(), APP_ID.upper(), NAME, key_id(1).upper(), START, END), TEXT)
    found = store.record_of(TENANT_ID, APP_ID.upper(), NAME)
    assert found == record()
    assert store.record_of(TENANT_ID, APP_ID, NAME.upper()) is None


def test_application_ids_are_those_of_one_tenant(store: FileStore) -> None:
    assert store.app_ids(TENANT_ID) == frozenset()
    store.write(record(1, app_id=APP_ID.upper()), TEXT)
    store.write(record(2, app_id=OBJECT_ID, tenant=OTHER_TENANT), TEXT)
    assert store.app_ids(TENANT_ID) == {APP_ID}
    assert store.app_ids(OTHER_TENANT) == {OBJECT_ID}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_any_text_and_name_come_back_as_they_were(store: FileStore, path: Path, text: str) -> None:
    store.write(record(name=text), text)
    store.write(record(2, name="after it"), TEXT)
    assert store.record_of(TENANT_ID, APP_ID, text) == record(name=text)
    assert entries(path)[0]["secret_text"] == text


@pytest.mark.parametrize("text", ["yes", "null", "123", "2027-01-01", "~", "!!python/object:os.system x", "{a: b}"])
def test_text_that_yaml_reads_as_something_else_stays_a_text(store: FileStore, path: Path, text: str) -> None:
    store.write(record(name=text), text)
    assert store.record_of(TENANT_ID, APP_ID, text) == record(name=text)
    assert entries(path)[0]["secret_text"] == text


def test_moments_that_another_tool_wrote_without_quotes_stay_texts(store: FileStore, path: Path) -> None:
    store.write(record(), TEXT)
    path.write_text(path.read_text().replace("'" + START + "'", START).replace("'" + END + "'", END))
    found = store.record_of(TENANT_ID, APP_ID, NAME)
    assert found is not None
    assert (type(found.start), type(found.end)) == (str, str)


def test_comments_of_ours_head_the_file(store: FileStore, path: Path) -> None:
    store.write(record(), TEXT)
    assert path.read_text().startswith("# Client secrets of Webex Connect's applications.")


# Announcing


def test_announcement_leaves_the_stored_text_and_is_replaced_by_the_secret(store: FileStore, path: Path) -> None:
    store.write(record(1), TEXT)
    store.announce(TENANT_ID, APP_ID.upper(), NAME, START)
    (entry,) = entries(path)
    assert (entry["secret_text"], entry["key_id"]) == (TEXT, key_id(1))
    found = store.record_of(TENANT_ID, APP_ID, NAME)
    assert found is not None
    assert (found.key_id, found.announced) == (key_id(1), START)
    store.write(record(2), "next text")
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record(2)


def test_announcement_without_a_secret_is_a_record_without_a_key_id(store: FileStore) -> None:
    store.announce(TENANT_ID, APP_ID, NAME, START)
    assert store.record_of(TENANT_ID, APP_ID, NAME) == Record(TENANT_ID, APP_ID, NAME, None, None, None, START)
    store.refuse_unusable()


def test_withdrawn_announcement_leaves_what_was_there_before(store: FileStore, path: Path) -> None:
    store.announce(TENANT_ID, APP_ID, NAME, START)
    store.announce(TENANT_ID, APP_ID, NAME, None)
    assert entries(path) == []
    store.write(record(1), TEXT)
    store.announce(TENANT_ID, APP_ID, NAME, START)
    store.announce(TENANT_ID, APP_ID, NAME, None)
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record(1)
    assert entries(path)[0]["secret_text"] == TEXT


# Forgetting


@pytest.mark.parametrize(("gone", "left"), [({key_id(1)}, []), ({key_id(1), key_id(9)}, []), ({key_id(9)}, [1])])
def test_entry_is_forgotten_with_its_own_key_id_only(
    store: FileStore, path: Path, gone: set[str], left: list[int]
) -> None:
    store.write(record(1), TEXT)
    store.write(record(1, name="other"), TEXT)
    store.forget(TENANT_ID, APP_ID.upper(), NAME, frozenset(gone))
    kept = [entry["key_id"] for entry in entries(path) if entry["display_name"] == NAME]
    assert kept == [key_id(number) for number in left]
    assert store.record_of(TENANT_ID, APP_ID, "other") is not None


def test_forgetting_makes_no_file(store: FileStore, path: Path) -> None:
    store.forget(TENANT_ID, APP_ID, NAME, frozenset({key_id(1)}))
    assert not path.exists()


# Foreign content

FOREIGN = {
    "text": b"just some notes\n",
    "list": b"- a\n- b\n",
    "other-dictionary": b"users: []\n",
    "more-than-secrets": b"secrets: []\ndatabase_password: hunter2\n",
    "secrets-is-no-list": b"secrets: {a: b}\n",
    "secrets-is-null": b"secrets:\n",
    "entry-is-no-dictionary": b"secrets: [a]\n",
    "entry-of-another-kind": b"secrets: [{name: a, value: b}]\n",
    "comments-only": b"# do not lose me\n",
    "ansible-vault": b"$ANSIBLE_VAULT;1.1;AES256\n3133\n",
    "not-yaml": b"a: [b\n",
    "python-object": b"!!python/object/apply:os.system ['true']\n",
    "not-utf-8": b"\xff\xfe\x00",
    "nul": b"\0\0\0",
    "json-number": b"5\n",
    "two-documents": b"secrets: []\n---\nsecrets: []\n",
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_foreign_content_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets.yml"
    path.write_bytes(content)
    store = FileStore(str(path))
    with pytest.raises(InvalidInput):
        store.refuse_unusable()
    with pytest.raises(StoreFailed) as failure:
        store.write(record(), TEXT)
    assert TEXT not in str(failure.value)
    assert str(path) in failure.value.message
    for act in (
        lambda: store.announce(TENANT_ID, APP_ID, NAME, START),
        lambda: store.forget(TENANT_ID, APP_ID, NAME, frozenset({key_id(1)})),
    ):
        with pytest.raises(StoreFailed):
            act()
    assert path.read_bytes() == content
    assert os.listdir(tmp_path) == ["secrets.yml"]


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_foreign_content_is_not_repeated_in_a_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets.yml"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refusal:
        FileStore(str(path)).refuse_unusable()
    assert "hunter2" not in str(refusal.value)
    assert "do not lose" not in str(refusal.value)


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\n"])
def test_empty_file_is_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secrets.yml"
    path.write_bytes(content)
    store = FileStore(str(path))
    store.refuse_unusable()
    store.write(record(), TEXT)
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record()


# Failing


@pytest.mark.parametrize("broken", ["replace", "fsync", "chmod"])
def test_write_that_fails_leaves_the_old_file_and_nothing_beside_it(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    store.write(record(1), "old text")
    before = path.read_bytes()

    def fail(*arguments: Any, **more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, broken, fail)
    with pytest.raises(StoreFailed) as failure:
        store.write(record(2), TEXT)
    assert "No space left on device" in failure.value.message
    assert TEXT not in str(failure.value)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["secrets.yml"]


def test_interrupted_write_leaves_the_old_file(store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(record(1), "old text")

    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.write(record(2), TEXT)
    assert store.record_of(TENANT_ID, APP_ID, NAME) == record(1)
    assert os.listdir(path.parent) == ["secrets.yml"]


def test_text_is_never_in_a_file_that_others_could_read(
    store: FileStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    replace = os.replace

    def watching(source: Any, target: Any) -> None:
        seen.extend(mode(Path(source).parent / name) for name in os.listdir(Path(source).parent))
        replace(source, target)

    before = os.umask(0)
    try:
        monkeypatch.setattr(os, "replace", watching)
        store.write(record(), TEXT)
    finally:
        os.umask(before)
    assert seen == [0o600]


# Usable or not, told without a trace


def test_check_leaves_no_trace(store: FileStore, tmp_path: Path) -> None:
    store.refuse_unusable()
    assert os.listdir(tmp_path) == []


def test_directory_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="which is a directory"):
        FileStore(str(tmp_path)).refuse_unusable()


def test_file_in_the_place_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    store = FileStore(str(tmp_path / "file" / "secrets.yml"))
    with pytest.raises(InvalidInput, match="no directory that this user may write to"):
        store.refuse_unusable()
    with pytest.raises(StoreFailed):
        store.write(record(), TEXT)


@pytest.mark.parametrize(("denied", "said"), [(os.W_OK, "may write to"), (os.R_OK, "cannot be read")])
def test_lack_of_access_is_told(store: FileStore, monkeypatch: pytest.MonkeyPatch, denied: int, said: str) -> None:
    store.write(record(), TEXT)
    monkeypatch.setattr(os, "access", lambda path, wanted: not wanted & denied)
    with pytest.raises(InvalidInput, match=said):
        store.refuse_unusable()


def test_store_that_would_vanish_with_the_run_is_refused_naming_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWX_PRIVATE_DATA_DIR", "/tmp/awx_7_abc")
    with pytest.raises(InvalidInput) as refusal:
        FileStore("out/secrets.yml").refuse_unusable()
    assert "out/secrets.yml would vanish with this run: it is a relative path" in refusal.value.message
    assert "file" in refusal.value.advice


def test_link_to_a_store_stays_a_link_and_its_target_is_written(tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    link = tmp_path / "secrets.yml"
    link.symlink_to(volume / "secrets.yml")
    FileStore(str(link)).write(record(1), TEXT)
    FileStore(str(link)).write(record(2), TEXT)
    assert link.is_symlink()
    assert mode(volume / "secrets.yml") == 0o600
    assert FileStore(str(volume / "secrets.yml")).record_of(TENANT_ID, APP_ID, NAME) == record(2)


def test_store_is_opened_from_options_and_needs_a_path(tmp_path: Path) -> None:
    assert open_store({"type": "file", "path": str(tmp_path / "s.yml")}).place == str(tmp_path / "s.yml")
    for options in ({"type": "file", "path": None}, {"type": "file", "path": ""}, {"type": "file"}):
        with pytest.raises(InvalidInput, match="no path"):
            open_store(options)
    assert STORE_OPTIONS["type"]["default"] == "file"


# Several writers


def write_some(path: str, writer: int, count: int) -> None:
    for number in range(count):
        FileStore(path).write(record(number, name="{0}-{1}".format(writer, number)), TEXT)


def test_threads_lose_nothing(store: FileStore, path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda writer: write_some(str(path), writer, 3), range(6)))
    assert {entry["display_name"] for entry in entries(path)} == {
        "{0}-{1}".format(writer, number) for writer in range(6) for number in range(3)
    }
    assert os.listdir(path.parent) == ["secrets.yml"]


def test_processes_lose_nothing(store: FileStore, path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=write_some, args=(str(path), writer, 3)) for writer in range(4)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(30)
    assert [process.exitcode for process in writers] == [0] * 4
    assert len(entries(path)) == 12


def test_reader_beside_writers_never_sees_half_a_file(store: FileStore, path: Path) -> None:
    store.write(record(), TEXT)
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write_some, str(path), writer, 3) for writer in range(3)]
        while not all(future.done() for future in writing):
            assert store.record_of(TENANT_ID, APP_ID, NAME) == record()
        for future in writing:
            future.result()
