# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that hurt, in every option of every module, against a tenant that holds other people's objects.

A task ends with a result or with a message. It asks no other host, puts nothing into an address or a filter that is not
escaped, touches nothing that was not named, and where it refuses an option it has written nothing.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from recorded import Listening

from module_runner import Clock, Failed, Runner
from samples import ADMIN_ID, APP_ID, CALLBACK, QUICKLY, SEARCHING, TENANT_ID
from simulated_stores import HashiVault, KeyVault
from simulated_tenant import Tenant, World

SECRET = "Zx8~not-a-real-secret-but-long-enough"
ADDRESS, ASSET = "support@contoso.example", "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
HOSTS = {
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "outlook.office365.com",
    "contoso.vault.azure.net",
    "vault.contoso.example:8200",
}
PLAIN_URL = re.compile(r"https://[\w.:-]+/[\w.~:/?@!$&'()*+,;=%-]*", re.ASCII)
EXCHANGE = {"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]}
HOSTILE = [
    "' or displayName ne '",
    "x') or startswith(displayName,'",
    "O'Hara's",
    '"><script>alert(1)</script>',
    "a\nb",
    "a\r\nX-Injected: 1",
    "a\x00b",
    "a\x85b",
    "a\x9bb",
    "a\u2028b",
    "\u202egro.live\u2066",
    "\ud800",
    "x" * 256,
    "x" * 70_000,
    "{{ lookup('env', 'HOME') }}",
    "${HOME}`id`$(id)",
    "../../../me",
    "a/../../b",
    "a?b=c&$filter=x#d",
    "100%27%00%0d%0a",
    "*",
    "support*",
    "support@contoso.example,other@contoso.example",
    "support@contoso.example;other@contoso.example",
    "smtp:support@contoso.example?to=a@b.example",
    "Support <support@contoso.example>",
    "support@contoso.example\nother@contoso.example",
    "support@контора.example",
    "https://robot:pass@evil.example/callback",
    "https://evil.example\\@graph.microsoft.com/",
    "//evil.example/",
    "http://169.254.169.254/latest",
    "-1",
    "1e999",
    "Infinity",
    "true",
    "null",
    "[]",
    "{}",
    "00000000-0000-0000-0000-000000000000",
    "\U0001f4e7" * 30,
    "\u0130\u0131ß",
]
STORES: dict[str, dict[str, Any]] = {
    "azure_key_vault": {"vault_url": "https://contoso.vault.azure.net", "secret_name": "webex"},
    "hashi_vault": {
        "url": "https://vault.contoso.example:8200",
        "namespace": "mail",
        "mount_point": "secret",
        "secret_path": "apps/webex",
        "token": "hvs.a",
    },
}
# Options that work, the texts of which are then replaced one by one.
GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "application": (
        "azure_app_registration",
        {
            "display_name": "WebexConnect",
            "redirect_uris": [CALLBACK],
            "notes": "n",
            "tags": ["a"],
            "service_management_reference": "r",
        },
    ),
    "application-by-key": ("azure_app_registration", {"display_name": "Webex", "unique_name": "webex"}),
    "application-by-id": ("azure_app_registration", {"app_id": APP_ID, "display_name": "Other name"}),
    "application-by-object": ("azure_app_registration", {"object_id": APP_ID, "state": "absent"}),
    "secret": (
        "app_secret",
        {"app_id": APP_ID, "display_name": "webex", "end_date": "2027-01-01T00:00:00Z", "return_secret_text": True},
    ),
    "secret-ids": (
        "app_secret",
        {"object_id": APP_ID, "display_name": "webex", "key_id": APP_ID, "known_key_id": APP_ID, "state": "absent"},
    ),
    "key-vault": (
        "app_secret",
        {"app_id": APP_ID, "display_name": "webex", "store": {"type": "azure_key_vault", **STORES["azure_key_vault"]}},
    ),
    "hashi-vault": (
        "app_secret",
        {"app_id": APP_ID, "display_name": "webex", "store": {"type": "hashi_vault", **STORES["hashi_vault"]}},
    ),
    "app-role": (
        "app_secret",
        {
            "app_id": APP_ID,
            "display_name": "webex",
            "store": {
                "type": "hashi_vault",
                "url": "https://vault.contoso.example:8200",
                "role_id": "r",
                "secret_id": "s",
                "auth_mount_point": "approle",
            },
        },
    ),
    "permission": (
        "exchange_app_permission",
        {
            "app_id": APP_ID,
            "resource": "Microsoft Graph",
            "application_permissions": ["Mail.Send"],
            "delegated_permissions": ["SMTP.Send"],
        },
    ),
    "consent": ("admin_consent", {"app_id": APP_ID, "permissions": [EXCHANGE]}),
    "smtp": ("mailbox_smtp_auth", {"mailbox": ADDRESS}),
    "forwarding": ("mailbox_forwarding", {"mailbox": ADDRESS, "forwarding_address": ASSET}),
    "outside": (
        "external_forwarding_policy",
        {"mailboxes": [ADDRESS], "policy_name": "Webex", "forwarding_address": ASSET},
    ),
    "scope": (
        "app_mailbox_scope",
        {"app_id": APP_ID, "mailboxes": [ADDRESS], "roles": ["Mail.Send"], "scope_name": "Webex"},
    ),
    "audit": (
        "connect_email_info",
        {
            "wanted": {
                "connect_email_app_name": "WebexConnect",
                "connect_email_callback_url": CALLBACK,
                "connect_email_permissions": [EXCHANGE],
                "connect_email_secret_name": "webex",
                "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": ASSET}],
            }
        },
    ),
    "login": (
        "mailbox_smtp_auth",
        {
            "mailbox": ADDRESS,
            "tenant_id": TENANT_ID,
            "client_id": ADMIN_ID,
            "client_secret": SECRET,
            "authority_host": "https://login.microsoftonline.com",
            "graph_endpoint": "https://graph.microsoft.com",
            "exchange_endpoint": "https://outlook.office365.com",
            "cloud": "public",
            "ca_path": "ca.pem",
        },
    ),
}
Place = tuple[Any, ...]


def texts_of(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where the texts of the options are."""
    if isinstance(value, str):
        yield place
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts_of(item, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_of(item, (*place, index))


def replaced(options: dict[str, Any], place: Place, text: str) -> dict[str, Any]:
    made = copy.deepcopy(options)
    inner: Any = made
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = text
    return made


class Neighbours:
    """A tenant in which others have objects too, and what of theirs there is."""

    def __init__(self) -> None:
        clock = Clock()
        self.world = World(clock.utc)
        self.tenant = tenant = self.world.add_tenant(TENANT_ID, domain="contoso.example")
        tenant.add_admin(ADMIN_ID, SECRET)
        for name in ("support", "other", "x"):
            tenant.add_mailbox(f"{name}@contoso.example", display_name=name)
        self.ours = tenant.add_application("WebexConnect", app_id=APP_ID, created_by_app_id=ADMIN_ID)
        for name in ("Other", "O'Hara", "x"):
            app = tenant.add_application(name, redirect_uris=["https://theirs.example/callback"])
            tenant.add_secret(app, "theirs")
        self.run = Listening(self.world, clock, tenant_id=TENANT_ID, client_id=ADMIN_ID, client_secret=SECRET)
        for door in (KeyVault(self.world, tenant), HashiVault(self.world.now)):
            self.run.doors[door.host] = door
        self.before = self.theirs()

    def theirs(self) -> str:
        held = [app for app in self.tenant.applications if app["createdByAppId"] != ADMIN_ID]
        boxes = [box for box in self.tenant.mailboxes if not box["PrimarySmtpAddress"].startswith("support")]
        return json.dumps([held, boxes, self.tenant.outbound_policies[:1]], default=str, sort_keys=True)

    def writes(self) -> int:
        doors = sum(len(door.writes()) for door in self.run.doors.values())
        return len(self.world.writes()) + doors

    def try_it(self, module: str, options: dict[str, Any], check: bool) -> dict[str, Any] | None:
        """The result, None where the task was refused."""
        label = (module, options if len(str(options)) < 500 else "(long)")
        self.run.heard.clear()
        written, result = self.writes(), None
        try:
            result = self.run(module, check=check, **options)
            json.dumps(result, ensure_ascii=False).encode()
        except Failed as failure:
            json.dumps([failure.message, failure.facts]).encode()
            ours = failure.__cause__ is not None  # Ansible repeats what it does not accept as it stands
            assert not ours or not set("\x00\x85\x9b\u2028\n\r") & set(failure.message), (label, failure.message)
            if type(failure.__cause__).__name__ in ("InvalidInput", "NoneType"):
                assert self.writes() == written, label
        assert not check or self.writes() == written, label
        assert self.theirs() == self.before, label
        for exchange in self.run.heard:
            assert urlsplit(exchange.request.url).netloc in HOSTS, (label, exchange.request.url)
            assert PLAIN_URL.fullmatch(exchange.request.url), (label, exchange.request.url)
            assert "/../" not in exchange.request.url, (label, exchange.request.url)
            for name, value in exchange.request.headers.items():
                assert re.fullmatch(r"[\x20-\x7e]*", name + value), (label, name, value)
        return result


@pytest.mark.parametrize("check", [True, False], ids=["check", "real"])
@pytest.mark.parametrize("scene", GOOD)
def test_hostile_texts_in_each_option(scene: str, check: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").write_text("")
    module, options = GOOD[scene]
    for turn, place in enumerate(texts_of(options)):
        # All of them in a long search, otherwise some, other ones at each place.
        for text in HOSTILE if SEARCHING else HOSTILE[(turn + check * 6) % 13 :: 13]:
            Neighbours().try_it(module, replaced(options, place, text), check)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ca.pem"]


NAMES = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=("Cs",)), max_size=120))


@given(NAMES, NAMES)
@settings(QUICKLY, max_examples=3000 if SEARCHING else 15)
def test_an_application_of_any_name_is_made_once_and_found_by_that_name_alone(name: str, other: str) -> None:
    place = Neighbours()
    wish = {"display_name": name}
    made = place.try_it("azure_app_registration", wish, check=False)
    if made is None or name.strip() == "WebexConnect":
        return
    assert name.strip() in [app["displayName"] for app in place.tenant.applications]
    for entry in place.world.requests("graph"):
        if "displayName" in entry.query.get("$filter", ""):
            assert entry.query["$filter"] == "displayName eq '{0}'".format(name.strip().replace("'", "''"))
    again = place.try_it("azure_app_registration", wish, check=False)
    assert again is not None
    assert again["changed"] is False
    found = place.try_it("azure_app_registration", {"display_name": other}, check=True)
    if found is not None and other.strip() not in (name.strip(), "WebexConnect"):
        assert found["changed"] is True  # it would be a new one


@given(st.text(max_size=60) | st.sampled_from(HOSTILE))
@settings(QUICKLY, max_examples=3000 if SEARCHING else 15)
def test_a_mailbox_of_any_name_is_one_of_ours_or_none(identity: str) -> None:
    assume(identity.strip().lower().partition("@")[0] not in ("other", "x"))  # those of others, by their own names
    place = Neighbours()
    result = place.try_it("mailbox_smtp_auth", {"mailbox": identity}, check=False)
    assert (result is not None) == (identity.strip().lower() in (ADDRESS, "support"))


def test_half_a_surrogate_pair_is_refused_in_every_option_of_every_module() -> None:
    for module, options in GOOD.values():
        for place in texts_of(options):
            if {"type", "cloud", "state"} & set(place):  # these have choices
                continue
            neighbours = Neighbours()
            with pytest.raises(Failed, match="half of a surrogate pair"):
                neighbours.run(module, **replaced(options, place, "a\udc00b"))
            assert list(neighbours.world.log) == []


def test_every_module_that_signs_in_is_tried(tenant: Tenant, run: Runner) -> None:
    root = Path(__file__).parents[2] / "plugins" / "modules"
    offline = {"handoff_sheet", "readiness_page", "connect_report_files", "smtp_oauth_info", "user_consent_policy"}
    assert {module for module, _options in GOOD.values()} == {path.stem for path in root.glob("[a-z]*.py")} - offline
