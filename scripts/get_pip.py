# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives an environment of ansible-test its pip.

ansible-test makes environments without pip and then runs a bootstrap script, which it downloads from a
web site unless its cache has one. This file is put into that cache: it takes Python's own copy of pip,
and then the version that ansible-test asks for from the package index that pip is set up for.
"""

from __future__ import annotations

import subprocess
import sys


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments], check=True)


def main() -> None:
    wanted = [argument for argument in sys.argv[1:] if argument.startswith("pip==")] or ["pip"]
    subprocess.run([sys.executable, "-m", "ensurepip", "--upgrade"], check=True, stdout=subprocess.DEVNULL)
    pip("install", "--root-user-action=ignore", *wanted)
    # ensurepip brings setuptools before Python 3.12, and ansible-test expects an environment without it
    pip("uninstall", "--yes", "--root-user-action=ignore", "setuptools")


if __name__ == "__main__":
    main()
