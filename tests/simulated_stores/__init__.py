# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two services that keep secrets, as strict as their public API documentation: Azure Key Vault and HashiCorp Vault.

Each answers ``handle(method, url, headers, body)`` in this process, and over HTTPS once ``serve`` has opened its door.
They know the services' rules and nothing of this collection.
"""

from __future__ import annotations

from .door import Door, Refusal, Served, serve
from .hashi_vault import HashiVault
from .key_vault import KeyVault

__all__ = ["Door", "HashiVault", "KeyVault", "Refusal", "Served", "serve"]
