# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file outlives the run, told from made-up mount tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._stores.persistence import vanishes

MOUNTS = """\
2100 1900 0:310 / / rw,relatime master:600 - overlay overlay rw,lowerdir=/l,upperdir=/u
2101 2100 0:313 / /proc rw,nosuid - proc proc rw
2102 2100 0:314 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k
2103 2100 0:315 / /srv/memory rw - tmpfs tmpfs rw
2105 2104 0:316 / /srv/volume/cache rw - tmpfs tmpfs rw
2104 2100 8:1 /data /srv/volume rw,relatime - ext4 /dev/sda1 rw
2109 2100 0:317 / /srv/twice rw - ext4 /dev/sda1 rw
2110 2109 0:318 / /srv/twice rw - tmpfs tmpfs rw
2106 2100 0:50 / /srv/with\\040blank rw - nfs4 nas.lab.example:/x rw
2107 2100 8:1 /project /runner rw shared:1 master:2 - xfs /dev/sda1 rw
2108 2100 8:1 /private /srv/private rw - xfs /dev/sda1 rw
not a line of a mount table
"""
AWX = {"AWX_PRIVATE_DATA_DIR": "/srv/private/awx_7_abc"}
RUNNER = {"AWX_ISOLATED_DATA_DIR": "/runner"}


@pytest.mark.parametrize("environ", [AWX, RUNNER], ids=["awx", "runner-in-a-container"])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("secrets.yml", "a relative path"),
        ("./out/secrets.yml", "a relative path"),
        ("../secrets.yml", "a relative path"),
        ("/runner/project/secrets.yml", "/runner is the job's own folder"),
        ("/runner", "/runner is the job's own folder"),
        ("/srv/volume/../../runner/secrets.yml", "/runner is the job's own folder"),
        ("/home/runner-of-nobody/secrets.yml", "overlay"),
        ("/srv/secrets.yml", "overlay"),
        ("/srv/volume-2/secrets.yml", "overlay"),
        ("/srv/memory/secrets.yml", "tmpfs"),
        ("/srv/volume/cache/secrets.yml", "tmpfs"),
        ("/srv/twice/secrets.yml", "tmpfs"),
        ("/dev/shm/secrets.yml", "tmpfs"),
    ],
)
def test_file_that_goes_with_the_container_is_told_why(environ: dict[str, str], path: str, reason: str) -> None:
    said = vanishes(path, environ, MOUNTS, in_container=True)
    assert said is not None
    assert reason in said


def test_file_in_the_private_folder_of_a_job_goes_with_it() -> None:
    said = vanishes("/srv/private/awx_7_abc/artifacts/secrets.yml", AWX, MOUNTS, in_container=True)
    assert said == "/srv/private/awx_7_abc is the job's own folder"
    assert vanishes("/srv/private/awx_7_abcdef/secrets.yml", AWX, MOUNTS, in_container=True) is None


@pytest.mark.parametrize("environ", [AWX, RUNNER], ids=["awx", "runner-in-a-container"])
@pytest.mark.parametrize(
    "path", ["/srv/volume/secrets.yml", "/srv/volume/deep/er/secrets.yml", "/srv/with blank/secrets.yml"]
)
def test_file_on_a_mounted_volume_stays(environ: dict[str, str], path: str) -> None:
    assert vanishes(path, environ, MOUNTS, in_container=True) is None


@pytest.mark.parametrize("path", ["secrets.yml", "/srv/secrets.yml", "/dev/shm/secrets.yml"])
@pytest.mark.parametrize(
    ("environ", "in_container"),
    [({}, False), ({}, True), (RUNNER, False), ({"AWX_PRIVATE_DATA_DIR": ""}, True)],
    ids=["on-a-machine", "in-a-container-of-ones-own", "runner-on-a-machine", "empty-variable"],
)
def test_without_a_job_nothing_is_refused(environ: dict[str, str], in_container: bool, path: str) -> None:
    assert vanishes(path, environ, MOUNTS, in_container) is None


def test_awx_needs_no_mark_of_a_container() -> None:
    assert vanishes("secrets.yml", AWX, MOUNTS, in_container=False) is not None


@pytest.mark.parametrize("mounts", ["", "garbage", "1 2 3 - ext4"])
def test_unreadable_mount_table_refuses_nothing_that_may_be_right(mounts: str) -> None:
    assert vanishes("/srv/volume/secrets.yml", AWX, mounts, in_container=True) is None


def test_link_is_judged_by_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("/runner/project")
    said = vanishes(str(link / "secrets.yml"), AWX, MOUNTS, in_container=True)
    assert said == "/runner is the job's own folder"


def test_container_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.exists", lambda path: False)
    assert vanishes("secrets.yml", {**RUNNER, "container": "podman"}, MOUNTS) is not None
    assert vanishes("secrets.yml", RUNNER, MOUNTS) is None
