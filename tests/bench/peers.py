# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user would pick instead: azure.azcollection, on the same tenants for the same reads.

It knows the hosts of the public cloud only, so both sides reach the simulated tenants by these names, through a proxy of
the environment that leads to the doors.
"""

from __future__ import annotations

import socket
import threading
from contextlib import closing, suppress
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer

from .arena import BIN, ROOT, Arena, Disappointed
from .rows import Found, Row, Run, Settings, in_turns, medians, say

PEERS = ROOT / "build" / "bench-tools" / "bin"
TIMES_FASTER = 20
HOSTS = {"login": "login.microsoftonline.com", "graph": "graph.microsoft.com"}
OURS = [
    {
        "webex_connect.office365.azure_app_registration": {
            "app_id": "{{ app_id }}",
            "redirect_uris": ["{{ connect_email_callback_url }}"],
        }
    },
    {
        "webex_connect.office365.app_secret": {
            "app_id": "{{ app_id }}",
            "display_name": "webex-connect",
            "store": {"type": "file", "path": "{{ connect_email_output_dir }}/{{ inventory_hostname }}.yml"},
        }
    },
]
LOGIN = {
    "tenant": "{{ connect_email_tenant_id }}",
    "client_id": "{{ connect_email_client_id }}",
    "secret": "{{ connect_email_client_secret }}",
    "disable_instance_discovery": True,
}
THEIRS = [
    {"azure.azcollection.azure_rm_adapplication_info": {**LOGIN, "app_id": "{{ app_id }}"}},
    # By the object's id, which spares it a search.
    {"azure.azcollection.azure_rm_adserviceprincipal_info": {**LOGIN, "object_id": "{{ principal_id }}"}},
]


class Tunnel(ThreadingTCPServer):
    """An HTTP proxy that knows CONNECT, and leads each known host to another place."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, places: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.places = places
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Connection(StreamRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        method, target, _version = self.rfile.readline().decode().split()
        while self.rfile.readline().strip():
            pass
        place = self.server.places.get(target)
        if method != "CONNECT" or place is None:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        host, _colon, port = place.rpartition(":")
        with closing(socket.create_connection((host, int(port)))) as other:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(other, self.connection), daemon=True)
            back.start()
            _pump(self.connection, other)
            back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def measure(settings: Settings) -> Found:
    if not (PEERS / "ansible-playbook").exists():
        raise Disappointed("azure.azcollection is not installed; `make bench` does it.")
    arena = Arena(settings.folder / "peers")
    tenants = arena.add(settings.tenants, ready=True)
    for tenant, host in zip(tenants, arena.hosts.values(), strict=True):
        host["app_id"] = tenant.applications[0]["appId"]
        host["principal_id"] = tenant.service_principal(host["app_id"])["id"]
    running = arena.serve(*HOSTS.values())
    tunnel = Tunnel({f"{name}:443": running.hosts[door] for door, name in HOSTS.items()})
    arena.world.hosts = {**running.hosts, **HOSTS}
    arena.endpoints = {}  # so that both sides take those of the public cloud
    ca = str(running.ca_path)
    arena.environment = {
        "HTTPS_PROXY": tunnel.address, "NO_PROXY": "", "REQUESTS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca,
    }  # fmt: skip
    try:
        return _measure(arena, settings)
    finally:
        tunnel.shutdown()
        arena.stop()


def _measure(arena: Arena, settings: Settings) -> Found:
    """Each run has to have read the application and the service principal of each tenant, or it is no measure."""
    log, reads = arena.world.log, 2 * settings.tenants

    def reading(playbook: str, programs: Path) -> Run:
        before = len(log)
        run = arena.run(playbook, programs=programs)
        answered = [entry for entry in log[before:] if entry.door == "graph" and entry.status == 200]
        if sum(len(entry.inner) or 1 for entry in answered) < reads:
            raise Disappointed(f"{playbook} read less than {reads} objects:\n{run.output[-3000:]}")
        return run

    ours, theirs = arena.playbook("ours", OURS), arena.playbook("theirs", THEIRS)
    say(f"peers: {settings.tenants} tenants, {settings.rounds} rounds")
    for playbook, programs in ((ours, BIN), (theirs, PEERS)):  # what is compiled on its first use is not measured
        arena.run(playbook, "--limit", next(iter(arena.hosts)), programs=programs)
    taken = in_turns(
        settings.rounds,
        {"ours": lambda: reading(ours, BIN), "azure.azcollection": lambda: reading(theirs, PEERS)},
    )
    middle = medians(taken.seconds)
    ratio = middle["azure.azcollection"] / middle["ours"]
    return Found(
        [
            Row(
                f"application, secret and service principal of {settings.tenants} tenants, with start-up",
                f"{middle['ours']:.1f} s",
                f"{middle['azure.azcollection']:.1f} s, azure.azcollection (which does not look at the secret)",
                f"{ratio:.0f} times faster (at least {TIMES_FASTER})",
                ratio >= TIMES_FASTER,
                {**taken.figures, "tenants": settings.tenants},
            )
        ]
    )
