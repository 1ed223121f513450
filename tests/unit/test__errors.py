# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failure says stays on one line, wherever its words come from."""

from __future__ import annotations

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Refused

HOSTILE = "a\nb\r\u2028c\x9b31m\u202ed"


@pytest.mark.parametrize(("message", "advice"), [(HOSTILE, ""), ("It was refused.", HOSTILE), (HOSTILE, HOSTILE)])
def test_a_message_and_its_advice_are_one_printable_line(message: str, advice: str) -> None:
    failure = Refused(message, advice)
    assert str(failure).isprintable()
    failure.advice = HOSTILE
    assert str(failure).isprintable()
