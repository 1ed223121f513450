# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time, on file systems of both kinds."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._files import (
    one_writer,
    remove_leftovers,
    write_atomically,
)


def as_over_nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """flock(2): over NFS an exclusive lock wants a file that is open for writing."""
    flock = fcntl.flock

    def lock(handle: int, kind: int) -> None:
        if not fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_RDWR:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flock(handle, kind)

    monkeypatch.setattr(fcntl, "flock", lock)


def count_up(path: Path) -> None:
    for _ in range(20):
        with one_writer(str(path)):
            write_atomically(str(path), str(int(path.read_text()) + 1))


@pytest.mark.parametrize("over_nfs", [False, True], ids=["local", "nfs"])
def test_no_change_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, over_nfs: bool) -> None:
    if over_nfs:
        as_over_nfs(monkeypatch)
    path = tmp_path / "count"
    path.write_text("0")
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=count_up, args=(path,)) for _ in range(4)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    assert path.read_text() == "80"
    assert sorted(os.listdir(tmp_path)) == ([".count.lock"] if over_nfs else []) + ["count"]


def test_a_lock_file_is_for_its_owner_only_and_no_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_over_nfs(monkeypatch)
    path = tmp_path / "made" / "store.yml"
    with one_writer(str(path)):
        (path.parent / ".store.yml.a1b2c3d4").write_text("of a killed run")
        remove_leftovers(str(path))
    assert os.listdir(path.parent) == [".store.yml.lock"]
    assert stat.S_IMODE((path.parent / ".store.yml.lock").stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [errno.EINTR, errno.EIO])
def test_a_lock_that_fails_otherwise_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_arguments: int) -> None:
        raise OSError(number, "no lock")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(OSError, match="no lock"), one_writer(str(tmp_path / "file")):
        pytest.fail("it went on without a lock")
