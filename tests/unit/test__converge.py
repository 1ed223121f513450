# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options on their way into a task (C14)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._converge import with_hint, without_blanks
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput

SPEC: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "resource": {"type": "str", "default": "Office 365 Exchange Online"},
    "notes": {"type": "str"},
    "tags": {"type": "list", "elements": "str"},
    "purge": {"type": "bool", "default": False},
}


def cleaned(**given: Any) -> dict[str, Any]:
    return without_blanks(SPEC, {"name": "x", "resource": SPEC["resource"]["default"], "purge": False, **given})


@pytest.mark.parametrize("blank", ["", " ", "\n\t"])
def test_case_c14_blank_text_is_not_given_and_leaves_the_default(blank: str) -> None:
    options = cleaned(notes=blank, resource=blank)
    assert options["notes"] is None
    assert options["resource"] == "Office 365 Exchange Online"


@pytest.mark.parametrize("blank", ["", " ", None])
def test_case_c14_blank_where_a_text_is_required_is_refused_by_name(blank: str | None) -> None:
    with pytest.raises(InvalidInput, match="name is empty"):
        cleaned(name=blank)


def test_case_c14_ends_are_stripped_and_false_and_empty_lists_stay() -> None:
    options = cleaned(name=" x\n", tags=[" a ", "b"], notes="a b")
    assert (options["name"], options["tags"], options["notes"]) == ("x", ["a", "b"], "a b")
    assert cleaned(tags=[])["tags"] == []
    assert cleaned()["tags"] is None
    assert cleaned()["purge"] is False


@pytest.mark.parametrize("blank", ["", "  "])
def test_case_c14_blank_entry_of_a_list_is_refused_by_name(blank: str) -> None:
    with pytest.raises(InvalidInput, match="tags holds an empty text"):
        cleaned(tags=["a", blank])


def test_options_of_the_login_are_left_to_the_login() -> None:
    assert set(cleaned(client_secret="S3cret")) == set(SPEC)


@pytest.mark.parametrize("word", ["True", "False"])
def test_case_c14_bare_word_that_yaml_made_a_boolean_gets_a_hint(word: str) -> None:
    message = "value of smtp_auth must be one of: enabled, disabled, inherit, got: " + word
    assert "quotes" in with_hint(message)
    assert with_hint("value of smtp_auth must be one of: a, b, got: Truely") == (
        "value of smtp_auth must be one of: a, b, got: Truely"
    )
