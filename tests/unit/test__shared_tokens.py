# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the workers of one run share tokens: what lies on disk serves this run and is worthless to everybody else."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.webex_connect.office365.plugins.plugin_utils._shared_tokens import SharedTokens


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    return tmp_path


def test_what_is_saved_is_found_by_its_name_only(folder: Path) -> None:
    tokens = SharedTokens()
    assert tokens.load("contoso") is None
    tokens.save("contoso", "token-1")
    tokens.save("fabrikam", "token-2")
    tokens.save("contoso", "token-3")
    assert [tokens.load(name) for name in ("contoso", "fabrikam", "tailspin")] == ["token-3", "token-2", None]
    assert len(list(folder.iterdir())) == 2


def test_what_lies_on_disk_is_for_the_owner_and_tells_nothing(folder: Path) -> None:
    tokens = SharedTokens()
    tokens.save("contoso of the admin", "eyJ-token-1")
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"token-1" not in file.read_bytes()
    assert "contoso" not in file.name


def test_another_run_can_use_nothing_of_it(folder: Path) -> None:
    killed, next_run = SharedTokens(), SharedTokens()
    killed.save("contoso", "token-1")
    assert next_run.load("contoso") is None
    (file,) = folder.iterdir()
    file.rename(next_run._path("contoso"))
    assert next_run.load("contoso") is None


@pytest.mark.parametrize("content", [b"", b"gAAAAA", b"\xff\x00"])
def test_case_c26_a_broken_file_is_no_token_and_is_replaced(folder: Path, content: bytes) -> None:
    tokens = SharedTokens()
    tokens.save("contoso", "token-1")
    (file,) = folder.iterdir()
    file.write_bytes(content or file.read_bytes()[:20])
    assert tokens.load("contoso") is None
    tokens.save("contoso", "token-2")
    assert tokens.load("contoso") == "token-2"


def test_case_c26_a_folder_that_cannot_be_written_is_no_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "file").touch()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(folder / "file"))  # root could write to any folder
    tokens = SharedTokens()
    tokens.save("contoso", "token-1")
    assert tokens.load("contoso") is None


def test_case_c26_who_reads_while_others_write_finds_a_whole_token(folder: Path) -> None:
    tokens = SharedTokens()
    texts = {str(number) * 3000 for number in range(4)}
    tokens.save("contoso", min(texts))
    found: list[str | None] = []
    writers = [
        threading.Thread(target=lambda text=text: [tokens.save("contoso", text) for _ in range(20)]) for text in texts
    ]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found.append(tokens.load("contoso"))
    assert set(found) <= texts
