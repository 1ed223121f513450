# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what would be released: the version in each place that names it, the changelog, and the built archive.

    python scripts/release_check.py CHECKOUT ARCHIVE COPY

COPY is a copy of the checkout in which the notes of this version were just made anew. Where the committed ones are older,
that is only said, because whoever adds a fragment does not make a release; on the commit of a tag it is a fault.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

LARGEST = 1_500_000  # bytes; Galaxy takes more, but it is installed into every execution environment
# What a collection consists of. Whatever else is in the archive was not meant for users.
BELONGS = re.compile(
    r"(CHANGELOG\.rst|CONTRIBUTING\.md|LICENSE|README\.md|FILES\.json|MANIFEST\.json|requirements\.txt"
    r"|changelogs/(changelog|config)\.yaml"
    r"|docs/(report\.schema\.json|docsite/extra-docs\.yml|docsite/rst/\w+\.rst|images/[\w-]+\.(png|webp|svg))"
    r"|\.ansible-lint"  # Galaxy lints with it: it names the modules of others
    r"|examples/inventory/([\w/-]+)\.yml|execution-environment\.yml|awx/[\w/.-]+\.(yml|yaml|json|md|j2)"
    r"|meta/(execution-environment|runtime)\.yml|playbooks/\w+\.yml"
    r"|plugins/(action|doc_fragments|filter|module_utils(/\w+)?|modules|plugin_utils)/\w+\.py"
    r"|roles/\w+/(README\.md|(defaults|meta|tasks|templates|vars)/[\w.-]+))$"
)
SECRETS = {
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}"),
    "a client secret": re.compile(rb"[\w~.-]{3}\dQ~[\w~.-]{31,34}|\b[\w-]{36}~{4}"),
    "a token": re.compile(rb"eyJ[\w-]{10,}\.eyJ|\bhvs\.[\w-]{20,}"),
    "an encrypted text": re.compile(rb"\$ANSIBLE_VAULT;\d"),
    "a secret of the tests": re.compile(rb"fake-(admin-)?secret|fake-[a-z]+-password"),
}
MADE = {"FILES.json", "MANIFEST.json"}


def version_faults(root: Path) -> Iterator[str]:
    """The version stands in galaxy.yml; the README, the newest entry of the changelog and its text say the same."""
    version = version_of(root)
    if not re.fullmatch(r"\d+\.\d+\.\d+(-[0-9a-z.]+)?", version):
        yield f"galaxy.yml: {version} is no semantic version"
    if "-dev" in version:
        return  # between two releases, everything else still tells of the former
    named = set(re.findall(r"office365:==([\w.-]+)", (root / "README.md").read_text()))
    if named != {version}:
        yield f"README.md names {', '.join(sorted(named)) or 'no version'}, galaxy.yml {version}"
    releases = released(root)
    if version not in releases:
        yield f"changelogs/changelog.yaml has no {version}: make changelog"
    elif max(releases, key=sortable) != version:
        yield f"changelogs/changelog.yaml has a newer version than galaxy.yml, which says {version}"
    elif not releases[version].get("changes", {}).get("release_summary"):
        yield f"the notes of {version} have no summary"
    notes = root / "CHANGELOG.rst"
    if not notes.is_file() or f"\nv{version}\n" not in notes.read_text():
        yield f"CHANGELOG.rst does not tell of {version}: make changelog"


def outdated(root: Path, anew: Path) -> list[str]:
    """The files of the changelog that are not what the fragments and the modules say by now."""
    names = ("CHANGELOG.rst", "changelogs/changelog.yaml")
    return [
        name for name in names if not (root / name).is_file() or (root / name).read_text() != (anew / name).read_text()
    ]


def archive_faults(archive: Path, checkout: set[str]) -> Iterator[str]:
    """``checkout`` holds the paths of all files that git lists."""
    if archive.stat().st_size > LARGEST:
        yield f"{archive.name} has {archive.stat().st_size} bytes, more than {LARGEST}"
    with tarfile.open(archive) as opened:
        members = [member for member in opened.getmembers() if not member.isdir()]
        for member in members:
            if not member.isfile():
                yield f"{member.name} is a link or worse"
                continue
            if not BELONGS.match(member.name) or "__pycache__" in member.name:
                yield f"{member.name} does not belong into the archive"
            if member.name not in checkout | MADE:
                yield f"{member.name} is in the archive and not in the checkout"
            content = opened.extractfile(member)
            text = content.read() if content else b""
            for what, pattern in SECRETS.items():
                if found := pattern.search(text):
                    line = text.count(b"\n", 0, found.start()) + 1
                    yield f"{member.name}:{line} holds {what}"
    names = {member.name for member in members}
    yield from (f"{name} is missing in the archive" for name in sorted(checkout - names) if BELONGS.match(name))


def version_of(root: Path) -> str:
    return str(yaml.safe_load((root / "galaxy.yml").read_text())["version"])


def released(root: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((root / "changelogs" / "changelog.yaml").read_text())["releases"] or {})


def sortable(version: str) -> tuple[list[int], bool, str]:
    """1.0.0-beta1 comes before 1.0.0."""
    numbers, _dash, early = version.partition("-")
    return [int(number) for number in numbers.split(".")], not early, early


def git(root: Path, *arguments: str) -> list[str]:
    command = ["git", "-c", f"safe.directory={root}", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False).stdout.splitlines()


def main(root: Path, archive: Path, anew: Path) -> int:
    checkout = {name for name in git(root, "ls-files", "-co", "--exclude-standard") if (root / name).is_file()}
    faults = [*version_faults(root), *archive_faults(archive, checkout)]
    if old := outdated(root, anew):
        told = f"{' and '.join(old)} tell less than the fragments and the modules by now: make changelog"
        if git(root, "tag", "--points-at", "HEAD"):
            faults.append(told)
        else:
            print(f"Before a release: {told}")
    if faults:
        print(*faults, sep="\n", file=sys.stderr)
        return 1
    print(f"{archive.name} ({archive.stat().st_size} bytes) can be released.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:4])))
