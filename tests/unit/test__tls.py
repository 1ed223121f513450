# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real TLS over the real carrier: what is trusted, what is refused and in which words, and through which proxy."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import (
    InvalidInput,
    UnexpectedReply,
    Unreachable,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._tls import context_for
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import (
    Request,
    RequestsCarrier,
    Transport,
)
from simulated_tenant import Running, World, serve

HOSTS = ["login", "graph", "exchange"]


@pytest.fixture
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
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


def test_a_proxy_of_the_environment_is_used(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)

    def tunnel() -> None:
        client, _address = listener.accept()
        head = client.recv(65536).decode()
        asked.append(head.split("\r\n")[0])
        host, _colon, port = head.split()[1].rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=pump, args=(upstream, client), daemon=True).start()
        pump(client, upstream)

    threading.Thread(target=tunnel, daemon=True).start()
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    answer = RequestsCarrier(str(running.ca_path))(Request("GET", f"https://{running.hosts['graph']}/v1.0/x"), 5)
    assert answer.status >= 400
    assert [line.rpartition(" ")[0] for line in asked] == [f"CONNECT {running.hosts['graph']}"]
    listener.close()


@pytest.mark.parametrize("verify", [True, False])
def test_no_less_is_asked_of_a_certificate_than_by_python_itself(verify: bool) -> None:
    usual = ssl.create_default_context().verify_flags
    assert context_for(verify).verify_flags & usual == usual
