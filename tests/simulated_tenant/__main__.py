# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the simulated Microsoft 365 by itself: ``python -m simulated_tenant --help``."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path
from typing import Any

from . import catalogue
from .server import Running, serve
from .world import World

ABOUT = """
Starts a simulated Microsoft 365 (sign-in, Microsoft Graph, Exchange Online) on this machine, so that
playbooks can be rehearsed without a tenant. Nothing leaves the machine and nothing is kept: the
tenants live in memory until you press Ctrl-C.

Three HTTPS listeners are opened on 127.0.0.1, one for each service, and one for SMTP with STARTTLS.
Their certificate comes from a certificate authority that is made at start; its certificate is written to
DIRECTORY/ca.pem, the addresses to DIRECTORY/endpoints.json. Set the environment variables that are printed, and use the
tenant ids, client ids and (placeholder) secrets of the seed.
"""
AFTER = """
One more listener answers GET /state (what the tenants look like now) and GET /log (what was asked);
neither shows a secret. The format of a seed file is described in seeds.py; "example" has four tenants.
"""


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m simulated_tenant",
        description=ABOUT,
        epilog=AFTER,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--directory", default="simulated-tenant", help="where ca.pem and endpoints.json go")
    parser.add_argument("--seed", default="example", help='a seed file, or "example" (the default)')
    parser.add_argument("--port", type=int, default=0, help="first of five ports in a row; 0 takes free ones")
    parser.add_argument("--latency", type=float, default=None, help="seconds that every answer takes")
    parser.add_argument("--page-size", type=int, default=None, help="how many objects a page of a list has")
    parser.add_argument("--lag", type=int, default=None, help="how many looks miss an object that is new")
    return parser.parse_args(given)


def start(options: argparse.Namespace) -> Running:
    """Loads the seed and opens the doors."""
    path = catalogue.DATA / "example_seed.json" if options.seed == "example" else Path(options.seed)
    world = World()
    for tenant in world.load(json.loads(path.read_text(encoding="utf-8"))):
        if options.latency is not None:
            tenant.settings.latency = options.latency
        if options.page_size is not None:
            tenant.settings.page_size = options.page_size
        if options.lag is not None:
            tenant.lag.objects = tenant.lag.secrets = options.lag
    first = options.port
    ports = (first, first + 1, first + 2) if first else (0, 0, 0)
    control, smtp = (first + 3, first + 4) if first else (0, 0)
    return serve(world, options.directory, ports, control_port=control, smtp_port=smtp)


def announcement(running: Running) -> str:
    """What is printed: tenants, endpoints, environment variables."""
    found = running.endpoints
    lines = ["Tenants:"]
    lines += [f"  {tenant.tenant_id}  {tenant.domain}" for tenant in running.world.tenants]
    first: Any = running.world.tenants[0] if running.world.tenants else None
    admin = (
        next((sp["appId"] for sp in first.service_principals if sp["appId"] in first.identities), "") if first else ""
    )
    lines += [
        "",
        "Environment for the first tenant (its client secret is in the seed):",
        f"  export AZURE_TENANT_ID={first.tenant_id if first else ''}",
        f"  export AZURE_CLIENT_ID={admin}",
        "  export AZURE_CLIENT_SECRET=...",
        f"  export AZURE_AUTHORITY_HOST={found['authority_host']}",
        f"  export WEBEX_CONNECT_GRAPH_ENDPOINT={found['graph_endpoint']}",
        f"  export WEBEX_CONNECT_EXCHANGE_ENDPOINT={found['exchange_endpoint']}",
        f"  export REQUESTS_CA_BUNDLE={found['ca_path']}",
        f"SMTP: {found['smtp_host']} port {found['smtp_port']}, STARTTLS, XOAUTH2",
        "",
        f"State and log: {found['control']}/state and {found['control']}/log",
        "Ctrl-C ends it.",
    ]
    return "\n".join(lines)


def main() -> int:
    """Runs until interrupted."""
    running = start(arguments())
    print(announcement(running), flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
