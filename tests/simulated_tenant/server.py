# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The served doors: one listener for each, with a certificate authority made at start."""

from __future__ import annotations

import json
import ssl
import threading
import traceback
from collections.abc import Sequence
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .control import control_reply
from .messages import ConnectionLost, Reply, WriteRefused, json_reply
from .new_objects import UTC
from .world import World

DOORS = ("login", "graph", "exchange")


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
    )


def make_certificates(directory: Path, names: Sequence[str] = ()) -> tuple[Path, Path]:
    """Makes a CA and a server certificate; returns the paths of ca.pem and of the server's chain and key."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("Simulated Microsoft 365 CA")
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    usage = dict.fromkeys(
        [
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    ca = (
        _builder(issuer, issuer, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage), critical=True)
        .add_extension(ca_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    hosts = [x509.DNSName(name) for name in ("localhost", *names)]
    alternatives = x509.SubjectAlternativeName([*hosts, x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        _builder(_name("localhost"), issuer, key)
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    directory.mkdir(parents=True, exist_ok=True)
    ca_path, server_path = directory / "ca.pem", directory / "server.pem"
    ca_path.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    server_path.touch(mode=0o600)
    server_path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return ca_path, server_path


class _Handler(BaseHTTPRequestHandler):
    """One connection. HTTP/1.1 with keep-alive."""

    protocol_version = "HTTP/1.1"
    world: World
    control = False
    timeout = 60
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Does the TLS handshake here, in the connection's own thread."""
        self.request.settimeout(self.timeout)
        self.request.do_handshake()
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: the world keeps its own log."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        if (self.headers.get("Transfer-Encoding") or "").lower() == "chunked":
            body = self._chunks()
        url = f"https://{self.headers.get('Host', '')}{self.path}"
        if self.control:
            self._send(control_reply(self.world, self.command, self.path))
            return
        headers = dict(self.headers.items())
        self.world.sleep_for(url, headers)
        try:
            self._send(self.world.handle(self.command, url, headers, body))
        except ConnectionLost:
            self.close_connection = True
        except WriteRefused as refused:
            self._send(json_reply(403, {"error": {"code": "WriteRefused", "message": str(refused)}}))
        except Exception:
            traceback.print_exc()
            text = "The simulation itself failed; see its standard error."
            self._send(json_reply(500, {"error": {"code": "SimulationFault", "message": text}}))

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0].strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if reply.body and self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = do_HEAD = _serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[_Handler], context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or mistrusts the certificate, is no news."""


class Running:
    """The doors while they are open. A context manager; ``stop`` closes them."""

    def __init__(self, world: World, servers: dict[str, Any], ca_path: Path) -> None:
        self.world, self.ca_path = world, ca_path
        self._servers = servers
        self.hosts = {door: f"127.0.0.1:{server.server_address[1]}" for door, server in servers.items()}

    @property
    def endpoints(self) -> dict[str, str]:
        """What a client needs: authority_host, graph_endpoint, exchange_endpoint, ca_path, smtp_host, smtp_port."""
        found = {
            "authority_host": f"https://{self.hosts['login']}",
            "graph_endpoint": f"https://{self.hosts['graph']}",
            "exchange_endpoint": f"https://{self.hosts['exchange']}",
            "ca_path": str(self.ca_path),
        }
        if "smtp" in self.hosts:
            found["smtp_host"], found["smtp_port"] = self.hosts["smtp"].split(":")
        if "control" in self.hosts:
            found["control"] = f"https://{self.hosts['control']}"
        return found

    def stop(self) -> None:
        """Closes the doors."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        self.world.hosts = None

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()


def serve(
    world: World,
    directory: str | Path,
    ports: tuple[int, int, int] = (0, 0, 0),
    control_port: int | None = None,
    smtp_port: int | None = None,
    names: Sequence[str] = (),
) -> Running:
    """Opens the doors on 127.0.0.1 (port 0: any free one) and writes ca.pem and endpoints.json.

    ``control_port`` (0 for any) opens one more listener with GET /state and GET /log, ``smtp_port`` (0 for any)
    the SMTP door. ``names`` are hosts that the certificate is for as well, where a proxy leads from them to the doors.
    """
    place = Path(directory).absolute()
    ca_path, server_path = make_certificates(place, names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(server_path)
    wanted: list[tuple[str, int]] = list(zip(DOORS, ports, strict=True))
    if control_port is not None:
        wanted.append(("control", control_port))
    servers: dict[str, Any] = {}
    for door, port in wanted:
        handler = type("Handler", (_Handler,), {"world": world, "control": door == "control"})
        servers[door] = _Server(port, handler, context)
    if smtp_port is not None:
        from .smtp_server import SmtpServer  # its library is not needed otherwise

        servers["smtp"] = SmtpServer(world, smtp_port, context)
    running = Running(world, servers, ca_path)
    world.hosts = {door: running.hosts[door] for door in DOORS}
    (place / "endpoints.json").write_text(json.dumps(running.endpoints, indent=2) + "\n", encoding="utf-8")
    for server in servers.values():
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return running
