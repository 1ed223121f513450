# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The served doors, with the clients that people use: requests and msal."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from datetime import datetime, timedelta, timezone

import pytest

from simulated_tenant import World, __main__, catalogue, serve
from simulated_tenant.client import ADMIN, SECRET, TENANT

msal = pytest.importorskip("msal")
requests = pytest.importorskip("requests")


@pytest.fixture
def session(tmp_path):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(tmp_path / "ca.pem")
        yield session


@pytest.fixture
def real_world():
    world = World()
    world.add_tenant(TENANT, "contoso.example").add_admin(ADMIN, SECRET)
    return world


@pytest.fixture
def running(real_world, tmp_path):
    with serve(real_world, tmp_path, control_port=0) as running:
        yield running


def sign_in(running, session, credential=SECRET, scope="https://graph.microsoft.com/.default"):
    authority = f"{running.endpoints['authority_host']}/{TENANT}"
    app = msal.ConfidentialClientApplication(
        ADMIN, client_credential=credential, authority=authority, instance_discovery=False, http_client=session
    )
    return app.acquire_token_for_client([scope])


def test_a_round_trip(running, session, tmp_path, real_world):
    assert json.loads((tmp_path / "endpoints.json").read_text())["ca_path"] == str(tmp_path / "ca.pem")
    token = sign_in(running, session)["access_token"]
    session.headers["Authorization"] = f"Bearer {token}"
    root = running.endpoints["graph_endpoint"]
    made = session.post(f"{root}/v1.0/applications", json={"displayName": "Served"})
    assert made.status_code == 201
    changed = session.patch(f"{root}/v1.0/applications/{made.json()['id']}", json={"notes": "x"})
    assert (changed.status_code, changed.content) == (204, b"")
    assert session.get(f"{root}/v1.0/applications?$top=1").json()["value"][0]["notes"] == "x"
    leaked = session.get(f"{running.endpoints['exchange_endpoint']}/v1.0/applications")
    assert (leaked.status_code, real_world.log[-1].wrong_host) == (404, True)
    state = session.get(f"{running.endpoints['control']}/state").text
    assert "Served" in state
    log = session.get(f"{running.endpoints['control']}/log").text
    assert SECRET not in log + state
    assert token not in log + state


def test_a_certificate_signs_in(running, session, real_world):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    def certificate():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "automation.example")])
        now = datetime.now(timezone.utc)  # noqa: UP017
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
        public = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {"private_key": private.decode(), "public_certificate": public}

    good = certificate()
    real_world.identities[ADMIN].certificates.append(good["public_certificate"])
    assert "access_token" in sign_in(running, session, good)
    assert sign_in(running, session, certificate())["error_codes"] == [700027]


def test_refusals_and_lost_connections(running, session, real_world):
    assert sign_in(running, session, "wrong")["error_codes"] == [7000215]
    real_world.faults.add({"door": "graph"}, "reset_before")
    with pytest.raises(requests.exceptions.ConnectionError):
        session.get(f"{running.endpoints['graph_endpoint']}/v1.0/organization")
    real_world.refuse_writes = True
    token = sign_in(running, session)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    refused = session.post(f"{running.endpoints['graph_endpoint']}/v1.0/applications", json={}, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "WriteRefused")


def test_only_modern_tls_and_only_with_the_ca(running):
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(running.endpoints["graph_endpoint"], verify=True, timeout=5)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLS"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    host, port = running.hosts["graph"].split(":")
    with pytest.raises(OSError, match=r".*"), socket.create_connection((host, int(port)), timeout=5) as plain:
        old.wrap_socket(plain)


def test_many_clients_at_once(running, session, real_world):
    token = sign_in(running, session)["access_token"]
    real_world.tenants[0].settings.latency = 0.05
    url = f"{running.endpoints['graph_endpoint']}/v1.0/organization"
    statuses = []

    def ask():
        with requests.Session() as own:
            own.trust_env, own.verify = False, session.verify
            statuses.append(own.get(url, headers={"Authorization": f"Bearer {token}"}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


def test_the_example_seed(tmp_path):
    options = __main__.arguments(["--directory", str(tmp_path), "--page-size", "2", "--lag", "1"])
    with __main__.start(options) as running:
        tenants = running.world.tenants
        assert [tenant.domain.split(".")[1] for tenant in tenants] == ["example"] * 4
        assert tenants[0].settings.page_size == 2
        half = tenants[1].applications[0]
        assert (half["displayName"], half["createdByAppId"], half["passwordCredentials"]) == ("WebexConnect", None, [])
        assert "AZURE_AUTHORITY_HOST=https://127.0.0.1:" in __main__.announcement(running)


def test_seeds_know_their_keys():
    seed = {"tenants": [{"tenant_id": TENANT, "domain": "contoso.example", "bogus": 1}]}
    with pytest.raises(ValueError, match="bogus"):
        World().load(seed)
    seed = json.loads((catalogue.DATA / "example_seed.json").read_text())
    seed["tenants"][0]["applications"] = [
        {
            "display_name": "Full",
            "secrets": [{"display_name": "webex", "ends_in_days": 5, "text": "made-up-secret-text-1"}],
            "roles": [{"resource": catalogue.EXCHANGE, "value": "Mail.Send"}],
            "delegated": [{"resource": catalogue.EXCHANGE, "scope": "SMTP.Send"}],
        }
    ]
    seed["tenants"][0]["settings"] = {"lag": {"objects": 1}, "throttle": {"every": 9}}
    tenant = World().load(seed)[0]
    assert tenant.applications[0]["passwordCredentials"][0]["hint"] == "mad"
    assert (tenant.lag.objects, tenant.throttle.every, len(tenant.grants)) == (1, 9, 1)
