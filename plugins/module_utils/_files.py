# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Files that are replaced in one step, so that neither a reader nor a killed run ever sees half of one."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from contextlib import ExitStack, contextmanager
from typing import Any, Iterable, Iterator, Mapping, Optional, Tuple

from ._errors import InvalidInput
from ._stores.persistence import vanishes

NO_FOLDER_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOTSUP)


def write_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Raises OSError; the directory is made (owner only) where it is missing."""
    directory = os.path.dirname(os.path.abspath(path))
    os.makedirs(directory, mode=0o700, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="." + os.path.basename(path) + ".", dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def one_writer(path: str) -> Iterator[None]:
    """One at a time reads, changes and writes this file, of all that ask here. Raises OSError; makes the directory.

    It is the directory that is locked, so that nothing is left behind. Over NFS only a file that is open for writing
    can be (flock(2)); there a lock file stays beside the file.
    """
    directory, name = os.path.split(os.path.abspath(path))
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with ExitStack() as held:
        try:
            _lock(held, directory, os.O_RDONLY)
        except OSError as problem:
            if problem.errno not in NO_FOLDER_LOCKS:
                raise
            _lock(held, os.path.join(directory, ".{0}.lock".format(name)), os.O_RDWR | os.O_CREAT)
        yield


def _lock(held: ExitStack, path: str, flags: int) -> None:
    handle = os.open(path, flags, 0o600)
    held.callback(os.close, handle)
    fcntl.flock(handle, fcntl.LOCK_EX)


def remove_leftovers(path: str) -> None:
    """What a writer of this file left beside it when it was killed. Only for whoever holds a lock that all writers take."""
    directory = os.path.dirname(os.path.abspath(path))
    prefix = "." + os.path.basename(path) + "."
    for name in os.listdir(directory):
        if name.startswith(prefix) and len(name) == len(prefix) + 8:  # as tempfile names them
            os.unlink(os.path.join(directory, name))


def read_text(path: str) -> Optional[str]:
    """With its line ends as they are. None if there is no such file; raises OSError and ValueError (not UTF-8)."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def text_of(path: str) -> Optional[str]:
    """As ``read_text``, and raises InvalidInput."""
    try:
        return read_text(path)
    except (OSError, ValueError) as problem:
        raise InvalidInput("{0} exists, but cannot be read: {1}.".format(path, problem)) from None


def write_planned(steps: Iterable[Tuple[str, Mapping[str, Any]]]) -> None:
    """Carries out the steps of a plan that only writes files. Raises InvalidInput."""
    for _name, arguments in steps:
        try:
            write_atomically(**arguments)
        except OSError as problem:
            raise InvalidInput("{0} cannot be written: {1}.".format(arguments["path"], problem.strerror)) from None


def refuse_unwritable(path: str, option: str) -> None:
    """Raises InvalidInput where a file could not be written; creates nothing, so it serves check mode too."""
    path = os.path.abspath(path)
    if os.path.isdir(path):
        raise InvalidInput("{0} names {1}, which is a directory.".format(option, path))
    parent = os.path.dirname(path)
    while not os.path.lexists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent) or not os.access(parent, os.W_OK | os.X_OK):
        raise InvalidInput(
            "{0} names {1}, but {2} is no directory that this user may write to.".format(option, path, parent),
            "Nothing was changed.",
        )


def refuse_vanishing(path: str, option: str) -> None:
    """Raises InvalidInput where a file would be gone with the job of AWX or the execution environment."""
    reason = vanishes(path, os.environ)
    if reason:
        raise InvalidInput(
            "{0} names {1}, which would vanish with this run: {2}.".format(option, path, reason),
            "Give a path on a volume that is mounted into the execution environment. No file was written.",
        )
