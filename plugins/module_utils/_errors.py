# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Everything that can go wrong, as one small tree; raised low, caught once in ``_converge.py``.

TenantError
├── InvalidInput          an option is unusable; nothing was sent that could change anything
├── LibraryMissing        a Python package is absent from the interpreter that ran the task
├── AuthenticationFailed  no token, or a token that the service will not have
├── PermissionMissing     the admin identity may not do this
├── NotFound              the named object does not exist
├── Conflict              several objects match, or one that is not proven to be ours
├── Refused               the service understood the request and declined it
├── Throttled             the service asked for more patience than the task has
├── NotReplicated         something that was made did not become visible in time
├── UnexpectedReply       an answer that makes no sense, or lacks what was asked for
└── Unreachable           no connection, or no answer
    ├── AnswerLost        no answer, and the service may have acted
    └── TimeIsUp          the time that was given for one tenant among several is over
"""

from __future__ import annotations

import re
from typing import Any

# Line ends, terminal sequences, and what makes text run backwards.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """On one line, with escapes for what would change the line itself: options and services may say anything."""
    return UNPRINTABLE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


class TenantError(Exception):
    """A failure that a person can act on.

    ``advice`` says what to do next. The keywords in ``facts`` (service, status, code, request_id …)
    are returned beside the message, for support cases. Neither may hold a secret or a token.
    """

    def __init__(self, message: str, advice: str = "", **facts: Any) -> None:
        message = printable(message)
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.facts = {
            name: printable(value) if isinstance(value, str) else value
            for name, value in facts.items()
            if value is not None
        }

    def __str__(self) -> str:
        return printable(" ".join(part for part in (self.message, self.advice) if part))


class InvalidInput(TenantError):
    pass


class LibraryMissing(TenantError):
    pass


class AuthenticationFailed(TenantError):
    pass


class PermissionMissing(TenantError):
    pass


class NotFound(TenantError):
    pass


class Conflict(TenantError):
    pass


class Refused(TenantError):
    pass


class Throttled(TenantError):
    pass


class NotReplicated(TenantError):
    pass


class UnexpectedReply(TenantError):
    pass


class Unreachable(TenantError):
    pass


class AnswerLost(Unreachable):
    pass


class TimeIsUp(Unreachable):
    pass
