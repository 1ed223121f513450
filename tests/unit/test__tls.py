# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real TLS over the real carrier: what is trusted, what is refused and in which words, and through which proxy."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    InvalidInput,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._tenant import connect
from ansible_collections.webex_connect.office365.plugins.module_utils._tls import context_for
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    Request,
    RequestsCarrier,
    Transport,
)
from module_runner import Clock, Failed, Runner
from simulated_stores import HashiVault, KeyVault
from simulated_stores import serve as serve_store
from simulated_tenant import Running, World, serve
from simulated_tenant.server import make_certificates

HOSTS = ["login", "graph", "exchange"]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine counts."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def running(tmp_path: Path, quiet: None) -> Iterator[Running]:
    with serve(World(), tmp_path) as served:
        yield served


@pytest.mark.parametrize("door", HOSTS)
def test_an_authority_that_is_not_known_is_refused_naming_ca_path(running: Running, door: str) -> None:
    with pytest.raises(Unreachable) as refusal:
        RequestsCarrier()(Request("GET", f"https://{running.hosts[door]}/"), 5)
    assert "certificate of 127.0.0.1 was not accepted" in refusal.value.message
    assert "ca_path" in refusal.value.advice
    assert list(running.world.log) == []


@pytest.mark.parametrize("door", HOSTS)
def test_a_known_authority_is_trusted_for_its_names_alone(
    running: Running, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    carrier = RequestsCarrier(str(running.ca_path))
    assert carrier(Request("GET", f"https://{running.hosts[door]}/"), 5).status >= 400
    asked = len(running.world.log)
    plain = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: plain("127.0.0.1", *more, **named))
    port = running.hosts[door].rpartition(":")[2]
    with pytest.raises(Unreachable, match="was not accepted") as refusal:
        carrier(Request("GET", f"https://other.lab.example:{port}/"), 5)
    assert "ca_path" in refusal.value.advice
    assert len(running.world.log) == asked


def test_plain_http_is_never_called(running: Running) -> None:
    with pytest.raises(UnexpectedReply):
        RequestsCarrier()(Request("GET", f"http://{running.hosts['graph']}/"), 5)
    with pytest.raises(UnexpectedReply, match="not https"):
        Transport(RequestsCarrier()).send("GET", f"http://{running.hosts['graph']}/", "read")


@pytest.mark.parametrize("verify", [True, False])
def test_no_session_takes_less_than_tls_1_2(verify: bool) -> None:
    import requests

    session = RequestsCarrier(verify)._opened(requests)
    assert list(session.adapters) == ["https://"]
    context = session.adapters["https://"].poolmanager.connection_pool_kw["ssl_context"]
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode == ssl.CERT_REQUIRED, context.check_hostname) == (verify, verify)


def test_tenants_share_connections_but_no_cookies(running: Running) -> None:
    import requests

    first, second = (RequestsCarrier(str(running.ca_path)) for _number in range(2))
    for carrier in (first, second, first):
        assert carrier(Request("GET", f"https://{running.hosts['graph']}/v1.0/organization"), 5).status == 401
    sessions = [first._opened(requests), second._opened(requests)]
    adapters = [session.adapters["https://"] for session in sessions]
    assert adapters[0] is adapters[1]
    assert sessions[0].cookies is not sessions[1].cookies
    assert adapters[0] is not RequestsCarrier(False)._opened(requests).adapters["https://"]
    port = int(running.hosts["graph"].rpartition(":")[2])
    assert [pool.num_connections for pool in pools_of(adapters[0]) if pool.port == port] == [1]


def pools_of(adapter: Any) -> list[Any]:
    pools = adapter.poolmanager.pools
    return [pools[key] for key in pools.keys()]  # noqa: SIM118 (this mapping cannot be iterated)


def test_a_file_without_certificates_is_refused_by_the_name_of_the_option(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    for path in (tmp_path / "ca.pem", tmp_path / "missing.pem"):
        with pytest.raises(InvalidInput, match="ca_path names"):
            context_for(str(path))


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch, quiet: None) -> Iterator[list[str]]:
    """The first lines of what a proxy was asked, which the environment names."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)

    def tunnel(client: socket.socket) -> None:
        head = client.recv(65536).decode()
        asked.append(head.split("\r\n")[0])
        host, _colon, port = head.split()[1].rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)

    def run() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=tunnel, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    yield asked
    listener.close()


def test_a_proxy_of_the_environment_is_used(running: Running, proxy: list[str]) -> None:
    answer = RequestsCarrier(str(running.ca_path))(Request("GET", f"https://{running.hosts['graph']}/v1.0/x"), 5)
    assert answer.status >= 400
    assert [line.rpartition(" ")[0] for line in proxy] == [f"CONNECT {running.hosts['graph']}"]


@pytest.mark.parametrize("verify", [True, False])
def test_no_less_is_asked_of_a_certificate_than_by_python_itself(verify: bool) -> None:
    usual = ssl.create_default_context().verify_flags
    assert context_for(verify).verify_flags & usual == usual


# Every client that talks to a service of its own: the two stores that are services, and SMTP

TENANT_ID, ADMIN_ID, SECRET = (
    "0f47778c-61c2-4b0a-8e94-3f05e737a1dd",
    "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10",
    "fake-secret",
)
STORES = ["key_vault", "hashi_vault"]


@dataclass
class Place:
    """A tenant over TLS, and its stores under another authority; ``both`` holds that one too."""

    world: World
    tenants: Running
    doors: dict[str, Any]
    stores: dict[str, dict[str, Any]]
    both: str

    def keep(self, kind: str, ca_path: str, url: str | None = None, **options: Any) -> dict[str, Any]:
        """A new secret goes into this store. The result; raises Failed."""
        (tenant,) = self.world.tenants
        run = Runner(self.world, Clock(), tenant_id=TENANT_ID, client_id=ADMIN_ID, client_secret=SECRET)
        run.connect = connect  # type: ignore[method-assign]
        places = {**self.tenants.endpoints, "ca_path": ca_path, "max_retries": 0}
        store = dict(self.stores[kind])
        store["vault_url" if kind == "key_vault" else "url"] = url or f"https://{self.doors[kind].host}"
        app = tenant.add_application(f"{kind} {len(tenant.applications)}")
        try:
            return run("app_secret", app_id=app["appId"], display_name="x", store=store, **{**places, **options})
        finally:
            self.made = len(app["passwordCredentials"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    world, folder = World(), tmp_path_factory.mktemp("tls")
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    tenant.add_admin(ADMIN_ID, SECRET)
    doors = {"key_vault": KeyVault(world, tenant), "hashi_vault": HashiVault(world.now)}
    stores = {
        "key_vault": {"type": "azure_key_vault"},
        "hashi_vault": {"type": "hashi_vault", "token": doors["hashi_vault"].add_token()},
    }
    with serve(world, folder / "tenants") as tenants, ExitStack() as opened:
        for door in doors.values():
            opened.enter_context(serve_store(door, folder / "stores"))
        both = folder / "both.pem"
        both.write_text(tenants.ca_path.read_text() + (folder / "stores" / "ca.pem").read_text())
        yield Place(world, tenants, doors, stores, str(both))


@pytest.mark.parametrize("kind", STORES)
def test_a_store_under_an_authority_that_is_not_known_gets_nothing(place: Place, kind: str, quiet: None) -> None:
    asked = len(place.doors[kind].log)
    with pytest.raises(Failed, match=r"certificate of 127\.0\.0\.1 was not accepted.*name its file in ca_path"):
        place.keep(kind, str(place.tenants.ca_path))
    assert len(place.doors[kind].log) == asked
    assert place.made == 0


@pytest.mark.parametrize("kind", STORES)
def test_a_store_is_trusted_for_its_own_name_alone(
    place: Place, kind: str, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: plain("127.0.0.1", *more, **named))
    port, asked = place.doors[kind].host.rpartition(":")[2], len(place.doors[kind].log)
    with pytest.raises(Failed, match=r"certificate of other\.lab\.example was not accepted.*ca_path"):
        place.keep(kind, place.both, f"https://other.lab.example:{port}")
    assert len(place.doors[kind].log) == asked
    assert place.made == 0


@pytest.mark.parametrize("kind", STORES)
def test_a_store_is_reached_through_the_proxy_of_the_environment(
    place: Place, kind: str, quiet: None, proxy: list[str]
) -> None:
    assert place.keep(kind, place.both)["changed"]
    host = place.doors[kind].host
    assert f"CONNECT {host}" in {line.rpartition(" ")[0] for line in proxy}
    assert {line.split()[0] for line in proxy} == {"CONNECT"}


@pytest.mark.parametrize("kind", STORES)
def test_a_store_over_plain_http_is_refused_before_any_request(place: Place, kind: str, quiet: None) -> None:
    asked = len(place.world.log), len(place.doors[kind].log)
    with pytest.raises(Failed, match="https"):
        place.keep(kind, place.both, f"http://{place.doors[kind].host}")
    assert (len(place.world.log), len(place.doors[kind].log)) == asked


@pytest.mark.parametrize("kind", STORES)
def test_who_wants_no_verification_is_warned(place: Place, kind: str, quiet: None) -> None:
    for authority in (str(place.tenants.ca_path), None):
        (warning,) = place.keep(kind, authority, validate_certs=False)["warnings"]
        assert "validate_certs is false" in warning
        assert "can read" in warning
    assert place.keep(kind, place.both)["warnings"] == []


def test_smtp_under_an_authority_that_is_not_known_is_told_with_ca_path(
    tmp_path: Path, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody sends a token there, nor without verification unwarned."""
    world = World()
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    tenant.add_admin(ADMIN_ID, SECRET)
    tenant.add_mailbox("support@contoso.example")
    stranger, _chain = make_certificates(tmp_path / "stranger")
    with serve(world, tmp_path / "served", smtp_port=0) as served:
        world.hosts = None
        run = Runner(world, Clock(), tenant_id=TENANT_ID, client_id=ADMIN_ID, client_secret=SECRET)
        places = {
            name: "https://" + name.split("_")[0] + ".simulated.example" for name in served.endpoints if "_" in name
        }
        options = {name: places[name] for name in ("authority_host", "graph_endpoint", "exchange_endpoint")}
        options.update(
            smtp_host="127.0.0.1", smtp_port=int(served.endpoints["smtp_port"]), mailbox="support@contoso.example"
        )
        app = tenant.add_application("WebexConnect")
        found = run("smtp_oauth_info", app_id=app["appId"], ca_path=str(stranger), **options)
        check = found["checks"][0]
        assert (check["name"], check["state"]) == ("smtp_server", "failed")
        assert "ca_path" in json.dumps(check)
        trusting = run("smtp_oauth_info", app_id=app["appId"], validate_certs=False, **options)
        assert trusting["checks"][0]["state"] == "passed"
        assert "validate_certs is false" in trusting["warnings"][0]


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[2] / "plugins").rglob("*.py")), ids=lambda path: path.name
)
def test_tls_is_made_in_one_place(path: Path) -> None:
    made = re.findall(
        r"SSLContext\(|create_default_context|_create_\w+_context|wrap_socket|CERT_NONE|urlopen", path.read_text()
    )
    assert bool(made) == (path.name == "_tls.py")
