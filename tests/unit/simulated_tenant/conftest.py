# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world with one tenant and a clock that stands still."""

from __future__ import annotations

import pytest

from simulated_tenant import Tenant, World
from simulated_tenant.client import ADMIN, SECRET, TENANT, Client, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(clock)


@pytest.fixture
def tenant(world: World) -> Tenant:
    tenant = world.add_tenant(TENANT, "contoso.example")
    tenant.add_admin(ADMIN, SECRET)
    return tenant


@pytest.fixture
def client(world: World, tenant: Tenant) -> Client:
    return Client(world)
