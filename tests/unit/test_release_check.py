# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make release-check`` finds what must not be released."""

from __future__ import annotations

import importlib.util
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "release_check.py"
SECRET = "abc8" + "Q~" + "x" * 34


@pytest.fixture(scope="module")
def check() -> Any:
    spec = importlib.util.spec_from_file_location("release_check", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def archive(folder: Path, **files: str) -> Path:
    path = folder / "webex_connect-office365-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"README.md": "Connects."}, []),
        ({"README.md": f"client_secret: {SECRET}"}, ["README.md:1 holds a client secret"]),
        ({"README.md": "\n" + "r" * 36 + "~~~~"}, ["README.md:2 holds a client secret"]),
        ({"README.md": "fake-admin-secret"}, ["README.md:1 holds a secret of the tests"]),
        (
            {"README.md": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "M" * 64},
            ["README.md:1 holds a private key"],
        ),
        ({"README.md": "eyJ0eXAiOiJKV1Qi" + "LCJhbGciOiJ.eyJhdWQi"}, ["README.md:1 holds a token"]),
        (
            {"README.md": "", "tests/unit/conftest.py": ""},
            [
                "tests/unit/conftest.py does not belong into the archive",
                "tests/unit/conftest.py is in the archive and not in the checkout",
            ],
        ),
        ({}, ["README.md is missing in the archive"]),
        ({"README.md": "", "MANIFEST.json": "{}"}, []),
    ],
)
def test_the_archive_holds_what_belongs_there_and_no_secret(
    check: Any, tmp_path: Path, files: dict[str, str], told: list[str]
) -> None:
    assert list(check.archive_faults(archive(tmp_path, **files), {"README.md", "Makefile"})) == told


def test_a_large_archive_and_a_link_are_told(check: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "webex_connect-office365-1.0.0.tar.gz"
    with tarfile.open(path, "w:gz") as opened:
        member = tarfile.TarInfo("README.md")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(member)
    monkeypatch.setattr(check, "LARGEST", 10)
    large, link = check.archive_faults(path, {"README.md"})
    assert "more than 10" in large
    assert link == "README.md is a link or worse"


FILES = {
    "galaxy.yml": "version: 1.0.0",
    "README.md": "`webex_connect.office365:==1.0.0`",
    "CHANGELOG.rst": "Notes\n=====\n\nv1.0.0\n======\n",
    "changelogs/changelog.yaml": "releases: {1.0.0: {changes: {release_summary: First.}}}",
}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, []),
        ({"galaxy.yml": "version: 1.1.0-dev0"}, []),
        ({"README.md": "office365:==0.9.0"}, ["README.md names 0.9.0, galaxy.yml 1.0.0"]),
        ({"README.md": ""}, ["README.md names no version, galaxy.yml 1.0.0"]),
        ({"CHANGELOG.rst": "\nv0.9.0\n"}, ["CHANGELOG.rst does not tell of 1.0.0: make changelog"]),
        ({"changelogs/changelog.yaml": "releases: {}"}, ["changelogs/changelog.yaml has no 1.0.0: make changelog"]),
        (
            {"changelogs/changelog.yaml": "releases: {1.0.0: {}, 1.10.0: {}, 1.9.0: {}}"},
            ["changelogs/changelog.yaml has a newer version than galaxy.yml, which says 1.0.0"],
        ),
        ({"changelogs/changelog.yaml": "releases: {1.0.0: {}}"}, ["the notes of 1.0.0 have no summary"]),
        (
            {"galaxy.yml": "version: 1.0", "README.md": "office365:==1.0", "CHANGELOG.rst": "\nv1.0\n"},
            ["galaxy.yml: 1.0 is no semantic version", "changelogs/changelog.yaml has no 1.0: make changelog"],
        ),
    ],
)
def test_the_version_is_the_same_everywhere(
    check: Any, tmp_path: Path, changed: dict[str, str], told: list[str]
) -> None:
    (tmp_path / "changelogs").mkdir()
    for name, text in {**FILES, **changed}.items():
        (tmp_path / name).write_text(text)
    assert list(check.version_faults(tmp_path)) == told
