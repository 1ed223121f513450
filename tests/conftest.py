# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One tenant with an admin identity, and a runner for the modules."""

from __future__ import annotations

import pytest

from module_runner import Clock, Runner
from simulated_tenant import Tenant, World

TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
ADMIN_ID = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10"
ADMIN_SECRET = "Zx8~not-a-real-secret-but-long-enough"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock.utc)


@pytest.fixture
def tenant(world: World) -> Tenant:
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    tenant.add_admin(ADMIN_ID, ADMIN_SECRET)
    return tenant


@pytest.fixture
def run(world: World, tenant: Tenant, clock: Clock) -> Runner:
    return Runner(world, clock, tenant_id=TENANT_ID, client_id=ADMIN_ID, client_secret=ADMIN_SECRET)
