# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with the variables of the role, before anything is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._planning.variables import (
    NUMBERS,
    SWITCHES,
    WORDS,
    faults,
)

ROLE = Path(__file__).parents[3] / "roles" / "connect_email"
ASSET = {"mailbox": "support@contoso.example", "forwarding_address": "a1@mail-us.imiconnect.io"}


def given(**changed: Any) -> dict[str, Any]:
    """The defaults of the role, with what has none, and with what is changed."""
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    variables = {
        **defaults,
        "connect_email_tenant_id": "contoso.example",
        "connect_email_callback_url": "https://contoso.us.webexconnect.io/callback",
        "connect_email_assets": [ASSET],
    }
    return {**variables, **{f"connect_email_{name}": value for name, value in changed.items()}}


GOOD: dict[str, dict[str, Any]] = {
    "as it is": {},
    "all that may be blank": {f"{name[14:]}": "" for name in (*WORDS, *NUMBERS, *SWITCHES)},
    "all that may be left out": {f"{name[14:]}": None for name in (*WORDS, *NUMBERS, *SWITCHES)},
    "no asset yet": {"assets": None},
    "no permission of its own": {"permissions": ""},
    "no store of its own": {"secret_store": None},
    "numbers and switches as texts": {"secret_valid_days": "90", "smtp_port": "587", "issue_access_tokens": "False"},
    "a callback on this machine": {"callback_url": "http://localhost:8080/callback"},
    "two mailboxes": {"assets": [ASSET, {**ASSET, "mailbox": "sales@contoso.example"}]},
}


@pytest.mark.parametrize("changed", GOOD.values(), ids=GOOD)
def test_what_can_be_used_is_not_complained_of(changed: dict[str, Any]) -> None:
    assert faults(given(**changed)) == []


BAD: list[tuple[str, Any, str]] = [
    ("tenant_id", "", "Set connect_email_tenant_id (or AZURE_TENANT_ID)"),
    ("app_name", " ", "connect_email_app_name is blank."),
    ("secret_name", None, "connect_email_secret_name is blank."),
    ("callback_url", None, "connect_email_callback_url is blank; it must be the asset's Call Back URL"),
    ("callback_url", "http://contoso.us.webexconnect.io/callback", "https"),
    ("callback_url", "https://contoso.us.webexconnect.io/call back", '/call back"; it must be'),
    ("callback_url", "https://contoso.us.webexconnect.io/callback\n", '/callback\\n"; it must be'),
    ("callback_url", ["https://contoso.us.webexconnect.io/callback"], "it must be the asset's Call Back URL"),
    *[(name[14:], "maybe", f'{name} is "maybe"; it must be one of {", ".join(WORDS[name])}.') for name in WORDS],
    *[(name[14:], False, f"{name} is false; it must be one of") for name in WORDS],
    *[(name[14:], "ten", f'{name} is "ten"; it must be a whole number.') for name in NUMBERS],
    *[(name[14:], value, "must be a whole number.") for name in NUMBERS[:1] for value in (-1, 1.5, True, "1\n", [])],
    *[(name[14:], "perhaps", f'{name} is "perhaps"; it must be true or false.') for name in SWITCHES],
    *[(name[14:], value, "must be true or false.") for name in SWITCHES[:1] for value in (2, "yes\n", {}, [True])],
    ("secret_store", "file", 'connect_email_secret_store is "file"; it must be a dictionary such as {type: file}.'),
    ("permissions", [{"application": ["Mail.Send"]}], "connect_email_permissions holds"),
    ("permissions", ["Mail.Send"], 'connect_email_permissions holds "Mail.Send"; each entry needs a resource'),
    ("permissions", "Mail.Send", 'connect_email_permissions holds "Mail.Send"; each entry needs a resource'),
    ("permissions", {"resource": "Microsoft Graph"}, "each entry needs a resource"),
    ("assets", [{"mailbox": "support@contoso.example"}], "the forwarding_address blank; each needs one plain address"),
    ("assets", [{**ASSET, "mailbox": "support"}], 'the mailbox "support" and'),
    ("assets", [{**ASSET, "mailbox": "a@b.example,c@d.example"}], "one plain address"),
    ("assets", [{**ASSET, "forwarding_address": "smtp:a@b.example"}], "one plain address"),
    ("assets", [{**ASSET, "forwarding_address": "a@b.example\n"}], "one plain address"),
    ("assets", ["support@contoso.example"], "one plain address"),
    ("assets", ASSET, "one plain address"),
    ("assets", 7, "one plain address"),
    ("assets", [ASSET, {**ASSET, "mailbox": "Support@Contoso.example"}], "more than once: support@contoso.example."),
]


@pytest.mark.parametrize(("name", "value", "says"), BAD)
def test_what_cannot_be_used_is_named_once(name: str, value: Any, says: str) -> None:
    (fault,) = faults(given(**{name: value}))
    assert f"connect_email_{name}" in fault
    assert says in fault


def test_all_faults_are_told_at_once() -> None:
    told = faults(given(tenant_id="", secret_adopt="maybe", smtp_port="x", assets=[{}, ASSET]))
    assert len(told) == 4


def test_each_word_is_one_that_the_documentation_names() -> None:
    """And each number and each switch is documented as one, and none is forgotten here."""
    options = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
    for name, words in WORDS.items():
        text = str(options[name])
        assert [word for word in words if not re.search(rf"\b{word}\b", text)] == [], name
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())
    assert {name for name, value in defaults.items() if isinstance(value, bool)} == set(SWITCHES)
    assert {name for name, value in defaults.items() if type(value) is int} <= set(NUMBERS)
