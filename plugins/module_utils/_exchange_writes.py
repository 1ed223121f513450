# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Writes that Exchange Online refuses until an organization is customizable, and that an answer may get lost of."""

from __future__ import annotations

from typing import Any, Callable, List, Optional, Sequence

from ._errors import NotFound, PermissionMissing, Refused, TenantError
from ._exchange_calls import Command, ExchangeCalls
from ._rows import Row
from ._service import Patience

DEHYDRATED = "InvalidOperationInDehydratedContextException"


class Writes:
    """The writes of one kind. ``what`` is waited for to be accepted, ``untouched`` is said where nothing was."""

    def __init__(self, calls: ExchangeCalls, patience: Patience, what: str, untouched: str) -> None:
        self._calls = calls
        self._patience = patience
        self._what = what
        self._untouched = untouched
        self._is_customizable = False
        self._has_written = False

    def is_dehydrated(self) -> Optional[bool]:
        """Whether the organization was never made customizable. None where this may not be read."""
        name = "IsDehydrated"
        doing = "read whether the organization can be customized"
        try:
            rows = self._calls.invoke(Command("Get-OrganizationConfig", doing, {}, (name,), (name,)))
        except PermissionMissing:
            return None
        flag = rows[0].flag(name) if rows else None
        self._is_customizable = flag is False
        return flag

    def create(
        self, command: Command, read: Command, is_it: Callable[[Row], bool], awaited: Sequence[str] = ()
    ) -> None:
        """A repeated call after a lost answer finds what the first one made, and that is as good.

        ``read`` finds it by its name, and ``is_it`` says whether it is what the command would have made.
        """
        sent_before = self._has_written
        try:
            self.write(command, awaited if sent_before else ())
        except Refused as refusal:
            if "already exists" not in str(refusal.facts.get("text", "")).lower():
                raise
            rows = self._calls.invoke(read)
            if len(rows) != 1 or not is_it(rows[0]):
                raise

    def remove(self, command: Command) -> None:
        try:
            self.write(command)
        except NotFound:
            pass  # gone already is as good, also after an answer that was lost

    def write(self, command: Command, awaited: Sequence[str] = ()) -> None:
        """Where the organization was made customizable minutes ago, it refuses for a while as if it were not.

        ``awaited`` are names of what was made moments ago, and may not be known everywhere.
        """
        last: List[TenantError] = []

        def attempt() -> Optional[bool]:
            try:
                self._calls.invoke(command)
                return True
            except (Refused, NotFound) as refusal:
                dehydrated = str(refusal.facts.get("code") or "").endswith(DEHYDRATED)
                text = str(refusal.facts.get("text"))
                unknown = isinstance(refusal, NotFound) and any(name in text for name in awaited)
                if not unknown and not (dehydrated and self._is_customizable):
                    raise (self._explained(refusal) if dehydrated else refusal) from None
                last[:] = [refusal]
                return None

        if self._patience.until(attempt, "the organization to accept changes of its " + self._what) is None:
            raise self._explained(last[0])
        self._has_written = True

    def _explained(self, refusal: TenantError) -> TenantError:
        if not self._has_written:
            refusal.advice = " ".join(part for part in (refusal.advice, self._untouched) if part)
        return refusal


def lower(value: Any) -> Any:
    """For comparing what was sent with what is there."""
    return sorted(str(item).lower() for item in value) if isinstance(value, list) else str(value).lower()
