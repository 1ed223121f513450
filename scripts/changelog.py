# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the notes of the version in galaxy.yml, out of all fragments that no earlier version has told.

    python scripts/changelog.py CHECKOUT [DATE]

Notes of the same version are made anew and keep their date. antsibull-changelog itself only adds to them.
"""

from __future__ import annotations

import datetime
import subprocess
import sys
from pathlib import Path

import yaml


def main(root: Path, date: str | None = None) -> int:
    version = str(yaml.safe_load((root / "galaxy.yml").read_text())["version"])
    path = root / "changelogs" / "changelog.yaml"
    kept = yaml.safe_load(path.read_text())
    former = (kept["releases"] or {}).pop(version, {})
    path.write_text(yaml.safe_dump(kept))
    date = date or former.get("release_date") or datetime.date.today().isoformat()
    program = Path(sys.executable).parent / "antsibull-changelog"
    return subprocess.run(
        [program, "release", "--version", version, "--date", str(date)], cwd=root, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:3]))
