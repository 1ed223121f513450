# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Tokens that the workers of one run share, so that a run takes one for each tenant, identity and audience.

Workers are forks and cannot hand memory back, so the tokens lie in files: one for each tenant, identity,
credential and audience, for their owner only, replaced in one step, in the folder that Ansible removes when the
run ends. They are encrypted with a key that is made before the workers are forked and lives only in the memory
of the run, so what a killed run leaves is worthless.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Any, Optional

from ansible import constants

from ..module_utils._auth import SharedTexts
from ..module_utils._files import write_atomically


class SharedTokens(SharedTexts):
    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._cipher: Any = None

    def prepare(self) -> None:
        """Loads the cipher, and lets OpenSSL look up its parts, which each fork would else do anew."""
        self._box().decrypt(self._box().encrypt(b""))

    def load(self, name: str) -> Optional[str]:
        """What a worker of this run saved under this name; None for anything else, broken files too."""
        try:
            with open(self._path(name), "rb") as file:
                return str(self._box().decrypt(file.read()).decode())
        except Exception:  # whatever is wrong with the file, a new token is as good
            return None

    def save(self, name: str, text: str) -> None:
        """A folder that cannot be written costs a token for each task, and nothing else."""
        try:
            write_atomically(self._path(name), self._box().encrypt(text.encode()).decode())
        except OSError:
            pass

    def _path(self, name: str) -> str:
        digest = hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()
        return os.path.join(constants.DEFAULT_LOCAL_TMP, "webex-connect-" + digest)

    def _box(self) -> Any:
        if self._cipher is None:
            import base64

            from cryptography.fernet import Fernet

            self._cipher = Fernet(base64.urlsafe_b64encode(self._key))
        return self._cipher
