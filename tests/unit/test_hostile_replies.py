# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that are not as documented: each field of each good reply in each wrong type, and replies made at random.

Whatever a service answers, a task ends with a result or with a message: no traceback, no write that the spoiled
answer was needed for, no request to another host, and an error that says which call it was about.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recorded import Listening, Path, Recording, fields, is_write, record, removed, replaced

from ansible_collections.webex_connect.office365.plugins.module_utils import _smtp_oauth
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import UnexpectedReply
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.smtp_conversation import Conversation
from kept_stores import keep
from module_runner import Clock, Failed
from samples import ADMIN_ID, CALLBACK, QUICKLY, SEARCHING, TENANT_ID
from simulated_tenant import Tenant, World

SECRET = "Zx8~not-a-real-secret-but-long-enough"
ADDRESS, ASSET = "support@contoso.example", "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
STRANGER = "5d6c3f8e-8f2a-4f5e-9a55-0c2b3a1d4e77"
EXCHANGE_ID, GRAPH_ID = "00000002-0000-0ff1-ce00-000000000000", "00000003-0000-0000-c000-000000000000"
HOSTS = {
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "outlook.office365.com",
    "contoso.vault.azure.net",
    "vault.contoso.example:8200",
}
Nowhere = FilePath("/nonexistent")
NAMES_A_CALL = re.compile(r"Could not \w+|answer to «\w+|answer to (Get|Set|New|Test|Enable|Remove)-\w+ \(\w+")
PLAIN_URL = re.compile(r"https://[\w.:-]+/[\w.~:/?@!$&'()*+,;=%-]*", re.ASCII)
DEEP: Any = 1
for _level in range(200):
    DEEP = [DEEP]
WRONG: dict[str, Any] = {
    "null": None,
    "true": True,
    "number": 5,
    "negative": -1,
    "fraction": 1.5,
    "huge": 10**30,
    "text": "x",
    "empty": "",
    "surrogate": "\ud800",
    "hostile": "a'b/../c?d=e#f&$filter=x%27\r\ny",
    "long": "x" * 100_000,
    "list": [],
    "list-of-null": [None],
    "list-of-texts": ["x", "x"],
    "object": {},
    "list-of-objects": [{}],
    "strange-object": {"value": {"id": []}, "error": 5},
    "deep": DEEP,
}
LISTED = [{"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]}]


def application(run: Listening, tenant: Tenant) -> dict[str, Any]:
    app = tenant.add_application("WebexConnect", redirect_uris=[CALLBACK], created_by_app_id=ADMIN_ID, tags=["a"])
    tenant.add_secret(app, "webex-connect", end=run.clock.now + timedelta(days=9))
    tenant.add_certificate(app)
    tenant.grant_delegated(app, EXCHANGE_ID, "IMAP.AccessAsUser.All")
    tenant.assign_role(app, EXCHANGE_ID, "Mail.Read")
    app["requiredResourceAccess"] = [
        {"resourceAppId": GRAPH_ID, "resourceAccess": [{"id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope"}]}
    ]
    return app


def update(run: Listening, tenant: Tenant) -> Recording:
    application(run, tenant)
    return record(run, "azure_app_registration", display_name="WebexConnect", notes="n", issue_access_tokens=True)


def creation(run: Listening, tenant: Tenant) -> Recording:
    return record(run, "azure_app_registration", display_name="WebexConnect", redirect_uris=[CALLBACK])


def upsert(run: Listening, tenant: Tenant) -> Recording:
    return record(run, "azure_app_registration", display_name="WebexConnect", unique_name="webex")


def strangers(run: Listening, tenant: Tenant) -> Recording:
    owner = tenant.add_user("intern@contoso.example", display_name="Intern")
    app = tenant.add_application("WebexConnect", created_by_app_id=STRANGER, owners=[owner["id"]])
    tenant.add_secret(app, "backdoor")
    return record(run, "azure_app_registration", display_name="WebexConnect")


def restoring(run: Listening, tenant: Tenant) -> Recording:
    app = application(run, tenant)
    run("azure_app_registration", app_id=app["appId"], state="absent")
    return record(run, "azure_app_registration", app_id=app["appId"], restore_deleted=True)


def deletion(run: Listening, tenant: Tenant) -> Recording:
    app = application(run, tenant)
    return record(run, "azure_app_registration", object_id=app["id"], state="absent", permanent=True)


def secret(run: Listening, tenant: Tenant) -> Recording:
    app = application(run, tenant)
    return record(run, "app_secret", app_id=app["appId"], display_name="webex-connect", return_secret_text=True)


def secret_of_object(run: Listening, tenant: Tenant) -> Recording:
    app = application(run, tenant)
    key_id = app["passwordCredentials"][0]["keyId"]
    return record(run, "app_secret", object_id=app["id"], display_name="webex-connect", key_id=key_id, state="absent")


def permission(run: Listening, tenant: Tenant) -> Recording:
    return record(run, "exchange_app_permission", app_id=application(run, tenant)["appId"])


def consent(run: Listening, tenant: Tenant) -> Recording:
    return record(run, "admin_consent", app_id=application(run, tenant)["appId"], permissions=LISTED)


def smtp(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS)
    tenant.add_authentication_policy("Block Basic", AllowBasicAuthSmtp=False)
    tenant.organization_config["DefaultAuthenticationPolicy"] = "Block Basic"
    return record(run, "mailbox_smtp_auth", mailbox=ADDRESS)


def loose_name(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS, display_name="Support Desk")
    return record(run, "mailbox_smtp_auth", mailbox="Support Desk")


def forwarding(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS, forwarding_address="Desk, Support")
    return record(run, "mailbox_forwarding", mailbox=ADDRESS, forwarding_address=ASSET, replace_internal=True)


def users_consent(run: Listening, tenant: Tenant) -> Recording:
    return record(run, "user_consent_policy", user_consent="verified_publishers")


def outside(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS)
    tenant.add_outbound_policy("Finance lock", AutoForwardingMode="Off")
    tenant.add_outbound_rule("Finance rule", "Finance lock", From=["other@contoso.example"])
    tenant.add_transport_rule("Stay inside", SentToScope="NotInOrganization", RejectMessageReasonText="No.")
    return record(run, "external_forwarding_policy", mailboxes=[ADDRESS], forwarding_address=ASSET)


def scope(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS)
    tenant.add_mailbox("other@contoso.example")
    app = tenant.add_application("WebexConnect", created_by_app_id=ADMIN_ID)
    tenant.assign_role(app, GRAPH_ID, "Mail.Send")
    run("app_mailbox_scope", app_id=app["appId"], mailboxes=["other@contoso.example"])
    return record(run, "app_mailbox_scope", app_id=app["appId"], mailboxes=[ADDRESS], roles=["Mail.Read"])


def scope_taken_back(run: Listening, tenant: Tenant) -> Recording:
    tenant.add_mailbox(ADDRESS)
    app = tenant.add_application("WebexConnect", created_by_app_id=ADMIN_ID)
    run("app_mailbox_scope", app_id=app["appId"], mailboxes=[ADDRESS])
    return record(run, "app_mailbox_scope", app_id=app["appId"], state="absent")


def audit(run: Listening, tenant: Tenant) -> Recording:
    application(run, tenant)
    tenant.add_mailbox(ADDRESS)
    wanted = {
        "connect_email_callback_url": CALLBACK,
        "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": ASSET}],
    }
    return record(run, "connect_email_info", wanted=wanted)


def stored(run: Listening, tenant: Tenant, kind: str, rotate: bool) -> Recording:
    kept = keep(kind, Nowhere, run, tenant)
    app_id = tenant.add_application("WebexConnect", created_by_app_id=ADMIN_ID)["appId"]
    wish = {"app_id": app_id, "display_name": "webex-connect", "store": kept.options}
    if rotate:
        run("app_secret", **wish)
        wish["rotate"] = True
    return record(run, "app_secret", **wish)


def key_vault(run: Listening, tenant: Tenant) -> Recording:
    return stored(run, tenant, "key-vault", rotate=False)


def key_vault_again(run: Listening, tenant: Tenant) -> Recording:
    return stored(run, tenant, "key-vault", rotate=True)


def hashi_vault(run: Listening, tenant: Tenant) -> Recording:
    return stored(run, tenant, "approle", rotate=False)


def hashi_vault_again(run: Listening, tenant: Tenant) -> Recording:
    return stored(run, tenant, "hashi-vault", rotate=True)


def sign_in(run: Listening, tenant: Tenant) -> Recording:
    run.defaults["tenant_id"] = tenant.domain
    tenant.add_mailbox(ADDRESS)
    return record(run, "mailbox_smtp_auth", signs_in=True, mailbox=ADDRESS)


def sign_in_refused(run: Listening, tenant: Tenant) -> Recording:
    run.defaults["client_secret"] = "not-the-secret"
    return record(run, "azure_app_registration", signs_in=True, display_name="WebexConnect")


def sign_in_nowhere(run: Listening, tenant: Tenant) -> Recording:
    run.defaults["tenant_id"] = "nowhere.example"
    return record(run, "azure_app_registration", signs_in=True, display_name="WebexConnect")


def proof(run: Listening, tenant: Tenant) -> Recording:
    kept = keep("hashi-vault", Nowhere, run, tenant)
    app_id = application(run, tenant)["appId"]
    run.clock.now -= timedelta(days=1)  # nobody waits for a secret that is not new
    run("app_secret", app_id=app_id, display_name="webex-connect", store=kept.options, adopt="replace")
    run.clock.now += timedelta(days=1)
    options = {"app_secret_store": kept.options, "mailbox": ADDRESS, "callback_url": CALLBACK}
    return record(run, "smtp_oauth_info", signs_in=True, app_id=app_id, **options)


SCENES: dict[str, Callable[[Listening, Tenant], Recording]] = {
    scene.__name__: scene
    for scene in (
        update, creation, upsert, strangers, restoring, deletion, secret, secret_of_object, permission, consent,
        smtp, loose_name, forwarding, users_consent, outside, scope, scope_taken_back, audit,
        key_vault, key_vault_again, hashi_vault, hashi_vault_again,
        sign_in, sign_in_refused, sign_in_nowhere, proof,
    )
}  # fmt: skip


def recorded(scene: str) -> Recording:
    clock = Clock()
    world = World(clock.utc)
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    tenant.add_admin(ADMIN_ID, SECRET)
    run = Listening(world, clock, tenant_id=TENANT_ID, client_id=ADMIN_ID, client_secret=SECRET)
    return SCENES[scene](run, tenant)


def spoilings(path: Path, value: Any, turn: int) -> list[tuple[str, Callable[[Any], Any]]]:
    """Ways to spoil one field: every way in a long search, otherwise a different one at each field, and its absence."""
    names = [name for name, wrong in WRONG.items() if type(wrong) is not type(value) or wrong != value]
    if not SEARCHING:
        names = [names[turn % len(names)]]
    ways: list[tuple[str, Callable[[Any], Any]]] = [
        (name, lambda document, wrong=WRONG[name]: replaced(document, path, wrong)) for name in names
    ]
    if path:
        ways.append(("absent", lambda document: removed(document, path)))
    return ways


def assert_sound(recording: Recording, number: int, spoil: Callable[[Any], Any], label: Any) -> None:
    played = recording.play(number, spoil)
    try:
        result = played(recording.module, **recording.options)
    except Failed as failure:
        named = {TENANT_ID, recording.defaults["tenant_id"]}
        assert any(name in failure.message for name in named), (label, failure.message)
        json.dumps([failure.message, failure.facts], ensure_ascii=False).encode()
        if isinstance(failure.__cause__, UnexpectedReply):
            assert NAMES_A_CALL.search(failure.message), (label, failure.message)
            if not is_write(recording.exchanges[number].request):
                assert len(played.writes) <= recording.writes_before(number), label
    else:
        json.dumps(result, ensure_ascii=False).encode()
    for request in played.sent:
        assert urlsplit(request.url).netloc in HOSTS, label
        assert PLAIN_URL.fullmatch(request.url), (label, request.url)
        assert "/../" not in request.url, (label, request.url)


@pytest.mark.parametrize("scene", SCENES)
def test_each_field_of_each_reply_in_a_wrong_type(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_smtp_oauth, "converse", lambda host, port, *rest: Conversation(host, port))
    recording = recorded(scene)
    good = recording.play()
    with suppress(Failed):
        good(recording.module, **recording.options)
    assert len(good.sent) == len(recording.exchanges)
    turn = 0
    for number, exchange in enumerate(recording.exchanges):
        if recording.signs_in and not exchange.is_login and "graph" in exchange.request.url:
            continue  # the scenes above have these
        for path, value in fields(exchange.parsed):
            turn += 1
            for way, spoil in spoilings(path, value, turn):
                assert_sound(recording, number, spoil, (exchange.request.url, path, way))
    assert turn > 8


NAMES = st.sampled_from(
    [
        "value", "id", "appId", "displayName", "error", "code", "message", "innerError", "details", "responses", "status",
        "body", "headers", "@odata.nextLink", "passwordCredentials", "keyId", "endDateTime", "web", "redirectUris", "scope",
        "resourceId", "appRoleId", "Guid", "Identity", "PrimarySmtpAddress", "data", "errors", "attributes", "tags",
    ]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
DOCUMENTS = st.recursive(
    SCALARS | st.sampled_from(["https://attacker.example/v1.0/x", "2026-11-25T08:00:00Z", TENANT_ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=5),
    max_leaves=15,
)
known = functools.cache(recorded)


@given(scene=st.sampled_from(sorted(set(SCENES) - {"proof"})), turn=st.integers(0, 99), document=DOCUMENTS)
@settings(QUICKLY)
def test_any_document_in_place_of_a_reply(scene: str, turn: int, document: Any) -> None:
    recording = known(scene)
    number = turn % len(recording.exchanges)
    assert_sound(recording, number, lambda _good: document, (scene, number, document))
