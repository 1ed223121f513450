# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What describes a store: options that are missing, that do not belong together, and where credentials come from."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.hashi_vault_calls import (
    HashiLogin,
    login_of,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import word_of
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.store import open_store
from ansible_collections.webex_connect.office365.plugins.plugin_utils._carrier import HIDDEN, without_secrets
from samples import QUICKLY

VAULT = "https://vault.contoso.example:8200"
HASHI = {"type": "hashi_vault", "url": VAULT, "token": "hvs.fake"}
KEY_VAULT = {"type": "azure_key_vault", "vault_url": "https://contoso.vault.azure.net"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"type": "sealed", "path": "/x.yml"}, "no recipient_certificate_path"),
        ({"type": "sealed", "recipient_certificate_path": "/c.pem"}, "no path"),
        ({"type": "azure_key_vault"}, "no vault_url"),
        ({"type": "azure_key_vault", "vault_url": "contoso"}, "no address"),
        ({"type": "azure_key_vault", "vault_url": "http://contoso.vault.azure.net"}, "https and a host alone"),
        ({"type": "azure_key_vault", "vault_url": "https://contoso.vault.azure.net/secrets/x"}, "a host alone"),
        ({**KEY_VAULT, "secret_name": "with_underscore"}, "letters .*, digits and hyphens"),
        ({**KEY_VAULT, "secret_name": "x" * 128}, "1 to 127"),
        ({**KEY_VAULT, "path": "/x.yml"}, "takes no path"),
        ({"type": "file", "path": "/x.yml", "vault_url": "https://contoso.vault.azure.net"}, "takes no vault_url"),
        ({"type": "sealed", "path": "/x.yml", "recipient_certificate_path": "/c", "vault": True}, "takes no vault"),
        ({"type": "hashi_vault", "token": "hvs.fake"}, "no url"),
        ({"type": "hashi_vault", "url": VAULT}, "nothing to sign in with"),
        ({**HASHI, "url": "http://127.0.0.1:8200"}, "only https"),
        ({**HASHI, "role_id": "r", "secret_id": "s"}, "token beside role_id and secret_id"),
        ({"type": "hashi_vault", "url": VAULT, "role_id": "r"}, "only one of role_id and secret_id"),
        ({**HASHI, "secret_path": "a/../b"}, "no path in Vault"),
        ({**HASHI, "secret_path": "a//b"}, "no path in Vault"),
        ({**HASHI, "mount_point": "/"}, "no path in Vault"),
    ],
)
def test_a_description_that_cannot_work_is_refused(
    options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InvalidInput, match=says) as refusal:
        open_store(options)
    assert "hvs.fake" not in str(refusal.value)


def test_blank_options_are_not_given() -> None:
    blank = dict.fromkeys(("path", "url", "token", "role_id", "secret_id", "mount_point", "secret_name"), " ")
    assert open_store({**blank, **KEY_VAULT}).place == "https://contoso.vault.azure.net/secrets"


def hashi_login(options: dict[str, str], **environ: str) -> HashiLogin:
    names = ("url", "namespace", "token", "role_id", "secret_id")
    given_options = {**dict.fromkeys(names), "auth_mount_point": "approle", **options}
    return login_of(given_options, {"VAULT_" + name.upper(): value for name, value in environ.items()})


def test_the_environment_fills_what_is_not_named() -> None:
    login = hashi_login({}, addr=VAULT + "/", token="hvs.env\n", namespace="emea")
    assert (login.url, login.token, login.namespace) == (VAULT, "hvs.env", "emea")


def test_a_named_credential_silences_the_environment() -> None:
    assert hashi_login({"url": VAULT, "token": "hvs.named"}, token="hvs.env").token == "hvs.named"
    login = hashi_login({"url": VAULT, "role_id": "r", "secret_id": "s"}, token="hvs.env")
    assert login.token is None
    assert login.role_id == "r"


def test_credentials_are_in_no_repr() -> None:
    shown = repr(hashi_login({"url": VAULT, "token": "hvs.named"}))
    shown += repr(hashi_login({"url": VAULT, "role_id": "r", "secret_id": "sid-fake"}))
    shown += repr(open_store(HASHI))
    assert not [text for text in ("hvs.named", "sid-fake", "hvs.fake") if text in shown]


def test_the_worker_masks_what_lies_inside_of_an_option() -> None:
    spec = {"store": {"options": {"token": {"no_log": True}, "url": {}}}, "client_secret": {"no_log": True}}
    values = {"store": {"token": "hvs.fake", "url": VAULT}, "client_secret": "x"}
    assert without_secrets(spec, values) == {"store": {"token": HIDDEN, "url": VAULT}, "client_secret": HIDDEN}
    assert without_secrets(spec, {"store": None}) == {"store": None}
    # What cannot be understood may hold one.
    assert without_secrets(spec, {"store": "token hvs.fake", "client_secrt": "x"}) == {
        "store": HIDDEN,
        "client_secrt": HIDDEN,
    }


@QUICKLY
@given(st.text(min_size=1, max_size=120), st.text(min_size=1, max_size=120))
def test_two_names_never_share_a_word(one: str, other: str) -> None:
    words = word_of(one), word_of(other)
    assert (one == other) == (words[0] == words[1])
    assert all(word and len(word) <= 69 and word.isascii() for word in words)
