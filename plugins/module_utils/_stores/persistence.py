# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Would a file outlive the run? In an execution environment most places do not.

ansible-runner and AWX start a container for each job. Its own file system and the job's private data
directory are thrown away afterwards; only a mounted volume stays.
"""

from __future__ import annotations

import os
from typing import Mapping, Optional

VOLATILE = ("overlay", "tmpfs", "ramfs", "aufs", "devtmpfs")
CONTAINER_MARKS = ("/run/.containerenv", "/.dockerenv")


def vanishes(
    path: str, environ: Mapping[str, str], mounts: Optional[str] = None, in_container: Optional[bool] = None
) -> Optional[str]:
    """Why the file would not outlive the run, None if nothing speaks against it.

    ``mounts`` is the text of /proc/self/mountinfo; it and ``in_container`` are read where not given.
    """
    if in_container is None:
        in_container = any(os.path.exists(mark) for mark in CONTAINER_MARKS) or "container" in environ
    private = [environ[name] for name in ("AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR") if environ.get(name)]
    is_awx = bool(environ.get("AWX_PRIVATE_DATA_DIR"))
    if not is_awx and not (private and in_container):
        return None
    if not os.path.isabs(path):
        return "it is a relative path, which lies in the job's own folder"
    real = os.path.realpath(path)
    for folder in ["/runner", *private]:
        if _is_below(real, os.path.realpath(folder)):
            return "{0} is the job's own folder".format(folder)
    kind = _file_system_of(real, mounts if mounts is not None else _read_mounts())
    if kind in VOLATILE:
        return "it lies on the container's own file system ({0}), not on a mounted volume".format(kind)
    return None


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _file_system_of(path: str, mounts: str) -> Optional[str]:
    """The type of the innermost mount that holds the path (proc(5), mountinfo)."""
    best, kind = "", None
    for line in mounts.splitlines():
        left, separator, right = line.partition(" - ")
        fields = left.split(" ")
        if separator and len(fields) > 4:
            point = fields[4].replace("\\040", " ")
            if _is_below(path, point) and len(point) >= len(best):
                best, kind = point, right.split(" ")[0]
    return kind


def _read_mounts() -> str:
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
