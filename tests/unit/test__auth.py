# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens through the real msal, over a scripted sign-in service; a secret is in no message (C08, C30)."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._auth import Tokens, claims_of
from ansible_collections.webex_connect.office365.plugins.module_utils._auth_refusals import EXPLANATIONS
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    AuthenticationFailed,
    InvalidInput,
    TenantError,
    Throttled,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._login import Login, resolve_login
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    ConnectionFailed,
    Request,
    Response,
)
from module_runner import START, Clock
from samples import ADMIN_ID, QUICKLY, TENANT_ID
from scripted import Script, reply, transport, web_token

OTHER_TENANT = "77777777-0000-4000-8000-000000000001"
LOGIN = "https://login.microsoftonline.com"
GRAPH, EXCHANGE = "https://graph.microsoft.com/.default", "https://outlook.office365.com/.default"
SECRET, PASSPHRASE = "S3cret~not-a-real-one", "pass~phrase"


def login_with(**options: Any) -> Login:
    named = {"client_certificate_path", "federated_token_file"} & set(options)
    credential = {} if named else {"client_secret": SECRET}
    return resolve_login({"tenant_id": TENANT_ID, "client_id": ADMIN_ID, **credential, **options}, {})[0]


def issued(roles: Any = None, tenant: Any = TENANT_ID, **more: Any) -> Response:
    claims = {} if roles is None else {"roles": roles, "wids": roles}
    return reply(
        200, {"access_token": web_token(tid=tenant, **claims), "token_type": "Bearer", "expires_in": 3599, **more}
    )


def refusal(*codes: int, status: int = 401, **more: Any) -> Response:
    description = "AADSTS{0}: Some words about '{1}'.\r\nTrace ID: t-1".format(codes[0] if codes else "x", SECRET)
    body = {"error": "invalid_client", "error_description": description, "error_codes": list(codes)}
    return reply(status, {**body, "trace_id": "t-1", "correlation_id": "c-1", **more})


def metadata(tenant: str = TENANT_ID, host: str = LOGIN) -> Response:
    base = "{0}/{1}".format(host, tenant)
    return reply(
        200,
        {
            "issuer": base + "/v2.0",
            "authorization_endpoint": base + "/oauth2/v2.0/authorize",
            "token_endpoint": base + "/oauth2/v2.0/token",
        },
    )


def tokens(script: Script, clock: Clock, login: Login | None = None, **settings: Any) -> Tokens:
    return Tokens(login or login_with(), transport(script, clock, **settings))


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((request.body or b"").decode()).items()}


def part(assertion: str, number: int) -> dict[str, Any]:
    text = assertion.split(".")[number]
    return dict(json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))))


# Requests


def test_tenant_given_as_guid_needs_one_request_and_no_metadata(clock: Clock) -> None:
    script = Script(issued(["Application.Read.All"]))
    token = tokens(script, clock).get(GRAPH)
    assert token.tenant_id == TENANT_ID
    assert token.roles == {"Application.Read.All"}
    assert script.urls == ["{0}/{1}/oauth2/v2.0/token".format(LOGIN, TENANT_ID)]
    sent = form(script.requests[0])
    assert sent["grant_type"] == "client_credentials"
    assert (sent["client_id"], sent["client_secret"], sent["scope"]) == (ADMIN_ID, SECRET, GRAPH)


def test_tenant_given_as_domain_needs_the_metadata_exactly_once(clock: Clock) -> None:
    script = Script(metadata(), issued(), issued(), issued())
    source = tokens(script, clock, login_with(tenant_id="contoso.example"))
    assert source.tenant_id is None
    source.get(GRAPH)
    assert source.tenant_id == TENANT_ID
    source.get(EXCHANGE)
    source.get(GRAPH, renew=True)
    assert script.urls[0] == LOGIN + "/contoso.example/v2.0/.well-known/openid-configuration"
    assert [request.method for request in script.requests] == ["GET", "POST", "POST", "POST"]
    assert all(url.endswith("/oauth2/v2.0/token") for url in script.urls[1:])


def test_token_is_kept_for_its_audience_and_fetched_for_another(clock: Clock) -> None:
    script = Script(issued(["A"]), issued(["B"]))
    source = tokens(script, clock)
    assert source.get(GRAPH).roles == source.get(GRAPH).roles == {"A"}
    assert source.get(EXCHANGE).roles == {"B"}
    assert [form(request)["scope"] for request in script.requests] == [GRAPH, EXCHANGE]


def test_renewal_never_answers_from_memory_and_replaces_the_old(clock: Clock) -> None:
    source = tokens(Script(issued(["old"]), issued(["new"])), clock)
    source.get(GRAPH)
    assert source.get(GRAPH, renew=True).roles == source.get(GRAPH).roles == {"new"}


def test_claims_challenge_is_sent_along(clock: Clock) -> None:
    script = Script(issued(), issued())
    source = tokens(script, clock)
    source.get(GRAPH)
    source.get(GRAPH, claims='{"access_token": {"nbf": {"essential": true}}}')
    assert json.loads(form(script.requests[1])["claims"])["access_token"]["nbf"] == {"essential": True}


def test_own_endpoints_are_the_only_ones_asked(clock: Clock) -> None:
    own = {
        "authority_host": "https://login.lab.example:8443",
        "graph_endpoint": "https://graph.lab.example:8443",
        "exchange_endpoint": "https://exchange.lab.example:8443",
    }
    script = Script(metadata(host=own["authority_host"]), issued())
    login = login_with(tenant_id="contoso.example", **own)
    tokens(script, clock, login).get(login.graph_scope)
    assert set(script.hosts) == {"login.lab.example:8443"}
    assert form(script.requests[1])["scope"] == GRAPH


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "https://login.microsoftonline.com.evil.example"])
def test_credential_is_never_sent_where_the_metadata_points_else(clock: Clock, elsewhere: str) -> None:
    script = Script(metadata(host=elsewhere))
    with pytest.raises(TenantError) as failure:
        tokens(script, clock, login_with(tenant_id="contoso.example")).get(GRAPH)
    assert script.hosts == ["login.microsoftonline.com"]
    assert SECRET not in str(failure.value)


# The tenant of a token


@pytest.mark.parametrize("tenant", [OTHER_TENANT, None, "", 5])
def test_case_c30_a_token_of_another_tenant_is_refused_and_never_kept(clock: Clock, tenant: Any) -> None:
    script = Script(issued(tenant=tenant), issued(tenant=tenant))
    source = tokens(script, clock)
    for _time in range(2):
        with pytest.raises(AuthenticationFailed) as failure:
            source.get(GRAPH)
        assert TENANT_ID in failure.value.message
        assert "Nothing was sent with it" in failure.value.advice
    assert len(script.requests) == 2
    assert source.tenant_id == TENANT_ID


def test_token_is_compared_with_the_tenant_that_the_domain_stands_for(clock: Clock) -> None:
    script = Script(metadata(), issued(tenant=OTHER_TENANT))
    with pytest.raises(AuthenticationFailed, match=OTHER_TENANT):
        tokens(script, clock, login_with(tenant_id="contoso.example")).get(GRAPH)


def test_second_audience_of_another_tenant_is_refused(clock: Clock) -> None:
    source = tokens(
        Script(metadata(), issued(), rest=issued(tenant=OTHER_TENANT)), clock, login_with(tenant_id="a.example")
    )
    source.get(GRAPH)
    with pytest.raises(AuthenticationFailed, match=OTHER_TENANT):
        source.get(EXCHANGE)


def test_tenant_of_a_token_is_compared_without_regard_to_case(clock: Clock) -> None:
    login = login_with(tenant_id=TENANT_ID.upper())
    assert tokens(Script(issued(tenant=TENANT_ID.upper())), clock, login).get(GRAPH).tenant_id == TENANT_ID


@pytest.mark.parametrize("text", ["opaque", "a.b.c", "a.e30.c", "", ".."])
def test_token_that_names_no_tenant_is_refused(clock: Clock, text: str) -> None:
    script = Script(reply(200, {"access_token": text, "token_type": "Bearer", "expires_in": 3599}))
    with pytest.raises(AuthenticationFailed, match="not stated"):
        tokens(script, clock).get(GRAPH)


@pytest.mark.parametrize("roles", [None, "Application.Read.All", {}, 5])
def test_roles_in_another_form_are_none(clock: Clock, roles: Any) -> None:
    token = tokens(Script(issued(roles)), clock).get(GRAPH)
    assert (token.roles, token.directory_roles) == (frozenset(), frozenset())


def test_directory_roles_are_those_that_the_token_names(clock: Clock) -> None:
    assert tokens(Script(issued(["a", 5])), clock).get(GRAPH).directory_roles == {"a", "5"}


# AADSTS errors


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("code", sorted(EXPLANATIONS))
def test_known_code_is_told_in_plain_words_with_tenant_and_client(clock: Clock, code: int, status: int) -> None:
    script = Script(refusal(code, status=status))
    with pytest.raises(AuthenticationFailed) as failure:
        tokens(script, clock).get(GRAPH)
    meaning, advice = EXPLANATIONS[code]
    for text in (TENANT_ID, ADMIN_ID, "client_secret", meaning, "AADSTS{0}".format(code), "t-1"):
        assert text in failure.value.message
    assert failure.value.advice == advice
    assert failure.value.facts == {
        "code": "AADSTS{0}".format(code),
        "request_id": "t-1",
        "correlation_id": "c-1",
    }
    assert SECRET not in str(failure.value)
    assert len(script.requests) == 1


def test_case_c08_three_faults_of_the_admin_identity_have_three_messages(clock: Clock) -> None:
    messages = set()
    for code in (7000222, 7000215, 700016):
        with pytest.raises(AuthenticationFailed) as failure:
            tokens(Script(refusal(code)), clock).get(GRAPH)
        messages.add(failure.value.message)
    assert len(messages) == 3


def test_unknown_code_is_told_with_its_page_and_without_the_secret(clock: Clock) -> None:
    with pytest.raises(AuthenticationFailed) as failure:
        tokens(Script(refusal(999999)), clock).get(GRAPH)
    assert "AADSTS999999" in failure.value.message
    assert "Some words about" in failure.value.message
    assert SECRET not in str(failure.value)
    assert LOGIN + "/error?code=999999" in failure.value.advice


def test_code_is_taken_from_the_words_where_the_list_lacks_it(clock: Clock) -> None:
    body = {"error": "invalid_client", "error_description": "AADSTS7000222: expired"}
    with pytest.raises(AuthenticationFailed, match="has expired"):
        tokens(Script(reply(401, body)), clock).get(GRAPH)


@pytest.mark.parametrize(
    "body", [{"error": "invalid_client"}, {"error": None, "x": 1}, {"error_codes": ["x"], "error": "y"}]
)
def test_refusal_without_a_code_still_fails_in_words(clock: Clock, body: Any) -> None:
    with pytest.raises(AuthenticationFailed) as failure:
        tokens(Script(reply(400, body)), clock).get(GRAPH)
    assert ADMIN_ID in failure.value.message


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize("code", [50033, 90024, 90033, 90006])
def test_passing_fault_of_the_sign_in_is_tried_again(clock: Clock, code: int, status: int) -> None:
    script = Script(refusal(code, status=status), refusal(code, status=status), issued())
    tokens(script, clock).get(GRAPH)
    assert len(script.requests) == 3
    assert clock.slept == [1.0, 2.0]


def test_passing_fault_that_lasts_ends(clock: Clock) -> None:
    script = Script(rest=refusal(90033))
    with pytest.raises(AuthenticationFailed, match="AADSTS90033"):
        tokens(script, clock).get(GRAPH)
    assert len(script.requests) == 4


def test_wrong_secret_is_not_tried_again(clock: Clock) -> None:
    script = Script(refusal(7000215))
    with pytest.raises(AuthenticationFailed):
        tokens(script, clock).get(GRAPH)
    assert len(script.requests) == 1


@pytest.mark.parametrize("code", [90002, 900382])
def test_domain_that_is_no_tenant_is_told_from_the_metadata(clock: Clock, code: int) -> None:
    script = Script(refusal(code, status=400))
    with pytest.raises(AuthenticationFailed) as failure:
        tokens(script, clock, login_with(tenant_id="contoso.example")).get(GRAPH)
    assert EXPLANATIONS[code][0] in failure.value.message
    assert "contoso.example" in failure.value.message
    assert len(script.requests) == 1


# Faults on the way


def test_throttled_sign_in_waits_as_told(clock: Clock) -> None:
    script = Script(reply(429, {"error": "temporarily_unavailable"}, retry_after="17"), issued())
    tokens(script, clock).get(GRAPH)
    assert clock.slept == [17.0]
    with pytest.raises(Throttled):
        tokens(Script(rest=reply(429, {"error": "x"})), clock, max_retries=1).get(GRAPH)


@pytest.mark.parametrize(
    "answer",
    [reply(502, b"<html>Bad gateway</html>"), reply(500), ConnectionFailed("reset", sent=True), reply(200, b'{"acc')],
    ids=["gateway", "error", "lost", "cut-short"],
)
def test_broken_answer_of_the_sign_in_is_asked_for_again(clock: Clock, answer: Any) -> None:
    script = Script(answer, issued())
    tokens(script, clock).get(GRAPH)
    assert len(script.requests) == 2
    assert len(clock.slept) == 1


@pytest.mark.parametrize("tenant", [TENANT_ID, "contoso.example"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (ConnectionFailed("refused", sent=False), Unreachable),
        (reply(503, {"error": "x"}), UnexpectedReply),
        (reply(200, b"<html>guest network</html>"), UnexpectedReply),
        (reply(200, []), UnexpectedReply),
        (reply(200), UnexpectedReply),
        (reply(302, location="https://evil.example/"), UnexpectedReply),
        (reply(404, b"<html>Not found</html>"), UnexpectedReply),
    ],
    ids=["unreachable", "error", "page", "list", "empty", "redirect", "error-page"],
)
def test_sign_in_that_stays_broken_fails_in_words_and_never_elsewhere(
    clock: Clock, answer: Any, kind: type[TenantError], tenant: str
) -> None:
    script = Script(rest=answer)
    with pytest.raises(TenantError) as failure:
        tokens(script, clock, login_with(tenant_id=tenant), max_retries=1).get(GRAPH)
    assert isinstance(failure.value, kind)
    assert "login.microsoftonline.com" in failure.value.message
    assert SECRET not in str(failure.value)
    assert set(script.hosts) == {"login.microsoftonline.com"}


@pytest.mark.parametrize("body", [{"access_token": 5}, {"access_token": None}, {"token_type": "Bearer"}])
def test_answer_without_a_usable_token_fails_in_words(clock: Clock, body: Any) -> None:
    with pytest.raises(TenantError) as failure:
        tokens(Script(rest=reply(200, {"expires_in": 3599, **body})), clock).get(GRAPH)
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize("answer", [issued(), refusal(7000215), reply(200, b"<html>"), reply(500)])
def test_neither_secret_nor_token_is_ever_logged(
    clock: Clock, answer: Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        text = tokens(Script(rest=answer), clock, max_retries=1).get(GRAPH).text
    except TenantError:
        text = "(no token)"
    assert SECRET not in caplog.text
    assert text not in caplog.text


def test_token_is_not_in_its_repr(clock: Clock) -> None:
    token = tokens(Script(issued(["A"])), clock).get(GRAPH)
    assert token.text not in repr(token)


# Certificates and federation


class Identity:
    """A key and a self-signed certificate, and files of both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "admin identity")])
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(START - timedelta(days=1))
            .not_valid_after(START + timedelta(days=365))
            .sign(self.key, hashes.SHA256())
        )

    def _encryption(self, password: str | None) -> serialization.KeySerializationEncryption:
        if password is None:
            return serialization.NoEncryption()
        return serialization.BestAvailableEncryption(password.encode())

    def _saved(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def key_text(self, password: str | None = None, old_form: bool = False) -> bytes:
        form = serialization.PrivateFormat
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            form.TraditionalOpenSSL if old_form else form.PKCS8,
            self._encryption(password),
        )

    @property
    def certificate_text(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def pem(self, password: str | None = None, key_first: bool = True, old_form: bool = False) -> str:
        parts = [self.key_text(password, old_form), self.certificate_text]
        return self._saved("identity.pem", b"Bag Attributes\n" + b"\n".join(parts if key_first else parts[::-1]))

    def pfx(self, password: str | None = None) -> str:
        content = pkcs12.serialize_key_and_certificates(
            b"identity", self.key, self.certificate, None, self._encryption(password)
        )
        return self._saved("identity.pfx", content)

    @property
    def x5t(self) -> str:
        return base64.urlsafe_b64encode(self.certificate.fingerprint(hashes.SHA256())).decode().rstrip("=")


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity(tmp_path_factory.mktemp("identity"))


@pytest.mark.parametrize("password", [None, PASSPHRASE], ids=["plain", "encrypted"])
@pytest.mark.parametrize("kind", ["pem", "pem-certificate-first", "pem-old-form", "pfx"])
def test_certificate_signs_an_assertion_for_this_tenant(
    clock: Clock, identity: Identity, kind: str, password: str | None
) -> None:
    path = {
        "pem": lambda: identity.pem(password),
        "pem-certificate-first": lambda: identity.pem(password, key_first=False),
        "pem-old-form": lambda: identity.pem(password, old_form=True),
        "pfx": lambda: identity.pfx(password),
    }[kind]()
    script = Script(issued())
    options = {"client_certificate_path": path, "client_certificate_password": password}
    tokens(script, clock, login_with(**options)).get(GRAPH)
    sent = form(script.requests[0])
    assert "client_secret" not in sent
    assert sent["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    head, claims = part(sent["client_assertion"], 0), part(sent["client_assertion"], 1)
    assert head["x5t#S256"].rstrip("=") == identity.x5t
    assert claims["iss"] == claims["sub"] == ADMIN_ID
    assert claims["aud"] == "{0}/{1}/oauth2/v2.0/token".format(LOGIN, TENANT_ID)


@pytest.mark.parametrize("kind", ["pem", "pem-old-form", "pfx"])
@pytest.mark.parametrize(("stored", "given_one"), [(PASSPHRASE, "wr0ng~one"), (PASSPHRASE, None), (None, PASSPHRASE)])
def test_password_that_does_not_fit_is_told_without_it(
    clock: Clock, identity: Identity, kind: str, stored: str | None, given_one: str | None
) -> None:
    path = identity.pfx(stored) if kind == "pfx" else identity.pem(stored, old_form=kind == "pem-old-form")
    script = Script()
    with pytest.raises(InvalidInput) as failure:
        tokens(script, clock, login_with(client_certificate_path=path, client_certificate_password=given_one)).get(
            GRAPH
        )
    assert path in failure.value.message
    assert "client_certificate_password" in str(failure.value)
    assert "pass~phrase" not in str(failure.value)
    assert "wr0ng~one" not in str(failure.value)
    assert script.requests == []


@pytest.mark.parametrize("lacks", ["private key", "certificate"])
def test_pem_without_one_half_is_told_which(clock: Clock, identity: Identity, tmp_path: Path, lacks: str) -> None:
    path = tmp_path / "half.pem"
    path.write_bytes(identity.certificate_text if lacks == "private key" else identity.key_text())
    with pytest.raises(InvalidInput, match="lacks a " + lacks):
        tokens(Script(), clock, login_with(client_certificate_path=str(path))).get(GRAPH)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"not a certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
    ids=["empty", "binary", "text", "broken-pem"],
)
def test_file_that_is_no_certificate_is_told_by_its_path(clock: Clock, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as failure:
        tokens(Script(), clock, login_with(client_certificate_path=str(path))).get(GRAPH)
    assert str(path) in failure.value.message


@pytest.mark.parametrize("form", ["pem", "pfx"])
@pytest.mark.parametrize(
    "kind", [("ed25519",), ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP192r1")]
)  # fmt: skip
def test_key_that_is_not_rsa_is_told_as_such(clock: Clock, tmp_path: Path, kind: tuple[str, ...], form: str) -> None:
    """The last one is of a curve that the library does not know at all."""
    key, certificate, path = (str(tmp_path / name) for name in ("key", "certificate", "identity"))
    made = ["-newkey", *kind, "-keyout", key, "-out", certificate, "-subj", "/CN=admin identity"]
    openssl("req", "-x509", "-nodes", *made)
    if form == "pfx":
        openssl("pkcs12", "-export", "-inkey", key, "-in", certificate, "-out", path, "-passout", "pass:")
    else:
        Path(path).write_bytes(Path(key).read_bytes() + Path(certificate).read_bytes())
    with pytest.raises(InvalidInput, match="RSA") as failure:
        tokens(Script(), clock, login_with(client_certificate_path=path)).get(GRAPH)
    assert path in failure.value.message
    assert "object" not in failure.value.message


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def test_certificate_file_that_has_gone_is_told(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "gone.pem"
    path.write_bytes(b"x")
    login = login_with(client_certificate_path=str(path))
    path.unlink()
    with pytest.raises(InvalidInput, match="cannot be read"):
        tokens(Script(), clock, login).get(GRAPH)


def test_refused_certificate_is_told_as_such(clock: Clock, identity: Identity) -> None:
    login = login_with(client_certificate_path=identity.pem())
    with pytest.raises(AuthenticationFailed, match="with client_certificate_path: the signature"):
        tokens(Script(refusal(700027)), clock, login).get(GRAPH)


def test_federated_token_is_read_anew_for_each_sign_in(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("assertion-1\n")
    script = Script(issued(), issued())
    source = tokens(script, clock, login_with(federated_token_file=str(path)))
    source.get(GRAPH)
    path.write_text("assertion-2\n")
    source.get(GRAPH, renew=True)
    assert [form(request)["client_assertion"] for request in script.requests] == ["assertion-1", "assertion-2"]
    assert all("client_secret" not in form(request) for request in script.requests)


def test_federated_token_that_has_gone_is_told(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("assertion-1")
    source = tokens(Script(), clock, login_with(federated_token_file=str(path)))
    path.unlink()
    with pytest.raises(InvalidInput, match="federated_token_file"):
        source.get(GRAPH)


def test_federated_token_is_in_no_message(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "token"
    assertion = web_token(sub="runner")
    path.write_text(assertion)
    words = "AADSTS999999: The assertion {0} is bad.".format(assertion)
    answer = reply(401, {"error": "invalid_client", "error_description": words, "error_codes": [999999]})
    with pytest.raises(AuthenticationFailed) as failure:
        tokens(Script(answer), clock, login_with(federated_token_file=str(path))).get(GRAPH)
    assert assertion not in str(failure.value)
    assert "is bad" in failure.value.message


# Claims


@QUICKLY
@given(st.text(max_size=60) | st.from_regex(r"[\w-]*\.[\w-]*\.[\w-]*", fullmatch=True))
def test_any_text_as_token_has_claims_or_none(text: str) -> None:
    assert isinstance(claims_of(text), dict)


@pytest.mark.parametrize("claims", [[], "text", 5, None])
def test_claims_that_are_no_object_are_none(claims: Any) -> None:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    assert claims_of("x." + payload + ".y") == {}


# Sharing between the tasks of one run


class Shared:
    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def load(self, name: str) -> str | None:
        return self.kept.get(name)

    def save(self, name: str, text: str) -> None:
        self.kept[name] = text


def sharing(shared: Any, script: Script, clock: Clock, **options: Any) -> Tokens:
    return Tokens(login_with(**options), transport(script, clock), shared)


def lasting(seconds: float, tenant: str = TENANT_ID) -> Response:
    token = web_token(tid=tenant, exp=(START + timedelta(seconds=seconds)).timestamp(), roles=["A"])
    return reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3599})


def test_shared_token_serves_the_next_task_of_the_same_login(clock: Clock) -> None:
    shared = Shared()
    first = sharing(shared, Script(lasting(3600)), clock).get(GRAPH)
    assert sharing(shared, Script(), clock).get(GRAPH) == first


@pytest.mark.parametrize(
    "options",
    [
        {"tenant_id": OTHER_TENANT},
        {"client_id": OTHER_TENANT},
        {"client_secret": "another"},
        {"cloud": "china"},
    ],
    ids=["tenant", "identity", "credential", "cloud"],
)
def test_case_c30_a_shared_token_serves_no_other_login(clock: Clock, options: dict[str, str]) -> None:
    shared = Shared()
    sharing(shared, Script(lasting(3600)), clock).get(GRAPH)
    script = Script(issued(tenant=options.get("tenant_id", TENANT_ID)))
    sharing(shared, script, clock, **options).get(GRAPH)
    assert len(script.requests) == 1


@pytest.mark.parametrize("seconds", [299, 0, -5])
def test_shared_token_near_its_end_is_not_used(clock: Clock, seconds: float) -> None:
    shared = Shared()
    sharing(shared, Script(lasting(seconds)), clock).get(GRAPH)
    script = Script(lasting(3600))
    sharing(shared, script, clock).get(GRAPH)
    assert len(script.requests) == 1


def test_case_c30_a_shared_token_of_another_tenant_is_not_used(clock: Clock) -> None:
    shared = Shared()
    sharing(shared, Script(lasting(3600)), clock).get(GRAPH)
    (name,) = shared.kept
    shared.kept[name] = web_token(tid=OTHER_TENANT, exp=(START + timedelta(hours=1)).timestamp())
    script = Script(lasting(3600))
    assert sharing(shared, script, clock).get(GRAPH).tenant_id == TENANT_ID
    assert len(script.requests) == 1


@pytest.mark.parametrize("text", ["", "broken", "a.b.c", web_token(), web_token(exp="soon"), web_token(exp=True)])
def test_shared_text_that_is_no_lasting_token_is_not_used(clock: Clock, text: str) -> None:
    shared = Shared()
    sharing(shared, Script(lasting(3600)), clock).get(GRAPH)
    (name,) = shared.kept
    shared.kept[name] = text
    script = Script(lasting(3600))
    sharing(shared, script, clock).get(GRAPH)
    assert len(script.requests) == 1


def test_renewal_ignores_and_replaces_the_shared_token(clock: Clock) -> None:
    shared = Shared()
    source = sharing(shared, Script(lasting(3600), lasting(7200)), clock)
    source.get(GRAPH)
    renewed = source.get(GRAPH, renew=True)
    assert list(shared.kept.values()) == [renewed.text]


def test_the_tenant_of_a_domain_is_asked_for_once_in_a_run(clock: Clock) -> None:
    shared = Shared()
    sharing(shared, Script(metadata(), lasting(3600)), clock, tenant_id="contoso.example").get(GRAPH)
    script = Script(lasting(3600))
    assert sharing(shared, script, clock, tenant_id="contoso.example").get(EXCHANGE).tenant_id == TENANT_ID
    assert script.urls == ["{0}/{1}/oauth2/v2.0/token".format(LOGIN, TENANT_ID)]
    script = Script(metadata(OTHER_TENANT), lasting(3600, OTHER_TENANT))
    assert sharing(shared, script, clock, tenant_id="fabrikam.example").get(EXCHANGE).tenant_id == OTHER_TENANT


def test_case_c30_a_token_of_another_tenant_than_the_run_knows_is_refused(clock: Clock) -> None:
    shared = Shared()
    sharing(shared, Script(metadata(), lasting(3600)), clock, tenant_id="contoso.example").get(GRAPH)
    script = Script(lasting(3600, OTHER_TENANT))
    with pytest.raises(AuthenticationFailed, match=OTHER_TENANT):
        sharing(shared, script, clock, tenant_id="contoso.example").get(EXCHANGE)
