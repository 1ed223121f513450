# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for values that can be known before anything is sent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.checks import (
    checked_address,
    checked_redirect_uris,
    exactly_one_of,
    is_address,
    refuse_control_characters,
    refuse_long_name,
    refuse_loose_identity,
    refuse_non_guid,
)
from samples import APP_ID, CALLBACK, HOSTILE, QUICKLY

ORGANIZATION, PERSONAL = "AzureADMyOrg", "AzureADandPersonalMicrosoftAccount"


@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        "HTTPS://contoso.us.webexconnect.io/callback",
        "https://contoso.us.webexconnect.io",
        "https://contoso.us.webexconnect.io/callback?asset=1",
        "https://*.webexconnect.io/callback",
        "http://localhost:8080/cb",
        "http://127.0.0.1/cb",
        "https://contoso.example/" + "a" * 232,
    ],
)
def test_redirect_uri_that_entra_takes_is_kept_as_it_stands(uri: str) -> None:
    assert checked_redirect_uris([uri], ORGANIZATION) == [uri]


@pytest.mark.parametrize(
    ("uri", "rule"),
    [
        ("http://example.us.webexconnect.io/callback", "https is required"),
        ("http://localhost.evil.example/cb", "https is required"),
        ("http://127.0.0.2/cb", "https is required"),
        ("ftp://contoso.example/cb", "start with https://"),
        ("urn:ietf:wg:oauth:2.0:oob", "start with https://"),
        ("javascript:alert(1)", "start with https://"),
        ("contoso.us.webexconnect.io/callback", "start with https://"),
        ("", "start with https://"),
        ("https:///callback", "start with https://"),
        ("https://contoso.example:port/cb", "no address"),
        ("https://contoso.example:99999/cb", "no address"),
        ("https://[::1]/cb", "IPv6"),
        ("http://[::1]:8080/cb", "https is required"),
        ("https://[::1/cb", "no address"),
        ("https://user:pass@contoso.example/cb", "user name or password"),
        ("https://contoso.example@evil.example/cb", "user name or password"),
        ("https://contoso.example/cb#top", "fragment"),
        ("https://contoso.example/cb#", "fragment"),
        ("https://contoso.example/a b", "blank"),
        ("https://contoso.example/a\nb", "blank"),
        ("https://contoso.example/\x00", "blank"),
        ("https://contoso.example/o'hara", "does not support"),
        ("https://contoso.example/a,b", "does not support"),
        ("https://contoso.example/a;b", "does not support"),
        ("https://contoso.example\\@evil.example/", "user name or password"),
        ("https://contoso.example/a\\b", "does not support"),
        ("https://contoso.example/" + "a" * 233, "256 characters"),
    ],
)
def test_case_c17_redirect_uri_that_entra_would_refuse_is_refused_by_name_and_rule(uri: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_redirect_uris([CALLBACK, uri], ORGANIZATION)
    assert rule in refusal.value.message
    assert repr(uri) in refusal.value.message
    assert refusal.value.message.startswith("redirect_uris")


@pytest.mark.parametrize("uri", ["https://contoso.example/cb?a=1", "https://*.contoso.example/cb"])
def test_query_or_wildcard_with_personal_accounts_is_refused(uri: str) -> None:
    with pytest.raises(InvalidInput, match="personal accounts"):
        checked_redirect_uris([uri], PERSONAL)


def test_case_c17_repeated_redirect_uri_is_collapsed() -> None:
    other = "https://contoso.us.webexconnect.io/Callback"
    assert checked_redirect_uris([CALLBACK, other, CALLBACK], ORGANIZATION) == [CALLBACK, other]


@pytest.mark.parametrize(("audience", "most"), [(ORGANIZATION, 256), (PERSONAL, 100)])
def test_number_of_redirect_uris_is_bounded(audience: str, most: int) -> None:
    uris = ["https://contoso.example/{0}".format(number) for number in range(most + 1)]
    assert len(checked_redirect_uris(uris[:most], audience)) == most
    with pytest.raises(InvalidInput, match=str(most + 1)):
        checked_redirect_uris(uris, audience)


@pytest.mark.parametrize(
    "address",
    [
        "support@contoso.example",
        "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io",
        "first.last+tag@sub.contoso.example",
        "o'hara@contoso.example",
        "x" * 64 + "@contoso.example",
    ],
)
def test_plain_address_is_accepted(address: str) -> None:
    assert is_address(address)
    assert checked_address(address, "forwarding_address") == address


@pytest.mark.parametrize("prefix", ["smtp:", "SMTP:", "Smtp:"])
def test_address_as_exchange_stores_it_loses_its_prefix(prefix: str) -> None:
    assert checked_address(prefix + "a@contoso.example", "forwarding_address") == "a@contoso.example"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "support",
        "support@",
        "@contoso.example",
        "support@localhost",
        "a@b@contoso.example",
        "Support <support@contoso.example>",
        "a@contoso.example, b@contoso.example",
        "a@contoso.example;b@contoso.example",
        "a b@contoso.example",
        "a@contoso.example\n",
        "a\r\nBcc: b@contoso.example",
        ".a@contoso.example",
        "a..b@contoso.example",
        "a@-contoso.example",
        "a@contoso..example",
        "a@[192.0.2.1]",
        "x" * 65 + "@contoso.example",
        "smtp:smtp:a@contoso.example",
        "bücher@contoso.example",
        *HOSTILE.values(),
    ],
)
def test_what_is_not_one_plain_address_is_refused_by_name(text: str) -> None:
    assert not is_address(text)
    with pytest.raises(InvalidInput, match="forwarding_address"):
        checked_address(text, "forwarding_address")


@QUICKLY
@given(st.text(max_size=80))
def test_any_text_as_address_is_accepted_or_refused_without_traceback(text: str) -> None:
    try:
        accepted = checked_address(text, "forwarding_address")
    except InvalidInput:
        return
    assert accepted.isascii()
    assert accepted.count("@") == 1
    assert not set(accepted) & set(' ",;<>()\r\n')


@QUICKLY
@given(st.text(max_size=60).map("https://contoso.example/{0}".format) | st.text(max_size=60))
def test_any_text_as_redirect_uri_is_accepted_or_refused_without_traceback(text: str) -> None:
    try:
        accepted = checked_redirect_uris([text], ORGANIZATION)
    except InvalidInput:
        return
    assert accepted[0].lower().startswith(("https://", "http://localhost", "http://127.0.0.1"))
    assert not any(character.isspace() for character in accepted[0])


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\tb", "a\x00b", "a\x7fb", "a\u2028b", "a\u2029b"])
def test_control_character_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidInput, match="notes"):
        refuse_control_characters(value, "notes")


@pytest.mark.parametrize("value", [None, "", "plain", "Bürgerbüro", "O'Hara", "a\u202eb", "{{ x }}"])
def test_text_without_control_character_passes(value: str | None) -> None:
    refuse_control_characters(value, "notes")


@pytest.mark.parametrize(("audience", "most"), [(None, 120), (ORGANIZATION, 120), (PERSONAL, 90)])
def test_display_name_beyond_the_lesser_documented_limit_is_refused(audience: str | None, most: int) -> None:
    refuse_long_name("x" * most, audience)
    with pytest.raises(InvalidInput, match=r"display_name has {0} characters".format(most + 1)):
        refuse_long_name("x" * (most + 1), audience)


@pytest.mark.parametrize("value", [None, "", APP_ID, APP_ID.upper()])
def test_guid_or_nothing_passes_as_id(value: str | None) -> None:
    refuse_non_guid(value, "app_id")


@pytest.mark.parametrize(
    "value", ["WebexConnect", APP_ID + "\n", "{" + APP_ID + "}", APP_ID[:-1], "' or 1 eq 1", *HOSTILE.values()]
)
def test_other_text_as_id_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidInput, match="app_id"):
        refuse_non_guid(value, "app_id")


@pytest.mark.parametrize("value", ["support@contoso.example", "Support Desk", "O'Hara", "x" * 320])
def test_name_of_a_mailbox_passes(value: str) -> None:
    refuse_loose_identity(value, "mailbox")


@pytest.mark.parametrize("value", ["*", "support*", "sup?ort", "a\nb", "x" * 321])
def test_loose_name_of_a_mailbox_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidInput, match="mailbox"):
        refuse_loose_identity(value, "mailbox")


@pytest.mark.parametrize(
    ("options", "said"),
    [({}, "none is given"), ({"a": None, "b": None}, "none is given"), ({"a": 1, "b": 2}, "a and b")],
)
def test_none_or_two_of_exclusive_options_is_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        exactly_one_of(options, "a", "b")
    assert said in refusal.value.message


def test_one_of_exclusive_options_passes() -> None:
    exactly_one_of({"a": None, "b": []}, "a", "b")
