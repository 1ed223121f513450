# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small things that planner tests start from: an application, secrets, two APIs, a mailbox; and texts that hurt."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import settings

from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import Mailbox
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    MICROSOFT_GRAPH,
    Application,
    Permission,
    Resource,
    Secret,
    ServicePrincipal,
)

# Properties are tried with the same examples in every run, unless a long search is asked for: make fuzz. No clock that a
# busy machine could break, and no folder of remembered examples.
settings.register_profile("steady", deadline=None, max_examples=60, database=None, derandomize=True)
settings.register_profile("search", deadline=None, max_examples=3000, database=None, print_blob=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "steady")
settings.load_profile(PROFILE)
QUICKLY = settings.get_profile(PROFILE)
SEARCHING = PROFILE == "search"

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
ADMIN_ID = "b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10"
APP_ID = "5a1d2c3b-0000-4000-8000-00000000a001"
OBJECT_ID = "5a1d2c3b-0000-4000-8000-00000000b001"
PRINCIPAL_ID = "5a1d2c3b-0000-4000-8000-00000000c001"
CALLBACK = "https://contoso.us.webexconnect.io/callback"

HOSTILE = {
    "apostrophe": "O'Hara",
    "filter-escape": "' or displayName ne '",
    "double-quotes": 'a"b"c',
    "newline": "a\nb",
    "header-break": "a\r\nX-Injected: 1",
    "right-to-left": "a\u202eb\u200fc",
    "jinja": "{{ lookup('env', 'HOME') }}",
    "url-parts": "a/../b?c=d&e#f",
    "percent": "100%27",
    "umlauts": "Bürgerbüro ß",
    "astral": "\U0001f4e7 mail",
    "long": "x" * 300,
}

PRINCIPAL = ServicePrincipal(PRINCIPAL_ID, APP_ID)
MAIL_SEND_ROLE = "b633e1c5-b582-4048-a93e-9f11b44c7e96"
SEND_AS_APP_ROLE = "7146a1f0-8703-45b3-9eae-527a64c00995"
SMTP_SEND_SCOPE = "76faac2a-0f20-42f1-928a-50de5b9dbe52"
MAIL_SEND_SCOPE = "5eb43c10-865a-4259-960a-83946678f8dd"
IMAP_SCOPE = "195adc35-e27b-454b-a7ed-1ecdffa1c09f"
OFFLINE_ACCESS_SCOPE = "7427e0e9-2fba-42fe-b0c0-848c9e6a8182"

EXCHANGE = Resource(
    "e0000000-0000-4000-8000-000000000001",
    EXCHANGE_ONLINE,
    "Office 365 Exchange Online",
    [
        Permission(MAIL_SEND_ROLE, "Mail.Send", "application"),
        Permission(SEND_AS_APP_ROLE, "SMTP.SendAsApp", "application"),
        Permission(SMTP_SEND_SCOPE, "SMTP.Send", "delegated"),
        Permission(MAIL_SEND_SCOPE, "Mail.Send", "delegated"),
        Permission(IMAP_SCOPE, "IMAP.AccessAsUser.All", "delegated"),
    ],
)
GRAPH = Resource(
    "e0000000-0000-4000-8000-000000000002",
    MICROSOFT_GRAPH,
    "Microsoft Graph",
    [
        Permission("e0000000-0000-4000-8000-0000000000a1", "Group.Read.All", "application"),
        Permission(OFFLINE_ACCESS_SCOPE, "offline_access", "delegated"),
        Permission("258f6531-6087-4cc4-bb90-092c5fb3ed3f", "SMTP.Send", "delegated"),
    ],
)
RESOURCES = {EXCHANGE_ONLINE: EXCHANGE, MICROSOFT_GRAPH: GRAPH}


def application(**differences: Any) -> Application:
    plain: dict[str, Any] = {
        "object_id": OBJECT_ID,
        "app_id": APP_ID,
        "display_name": "WebexConnect",
        "sign_in_audience": "AzureADMyOrg",
        "created": NOW - timedelta(days=100),
        "created_by_app_id": ADMIN_ID,
    }
    return Application(**{**plain, **differences})


def key_id(number: int) -> str:
    return "5ec00000-0000-4000-8000-{0:012d}".format(number)


def secret(number: int, days: float | None, name: str | None = "webex-connect") -> Secret:
    """A secret that ends in so many days; None for one without an end."""
    return Secret(key_id(number), name, NOW - timedelta(days=10), None if days is None else NOW + timedelta(days=days))


def mailbox(**differences: Any) -> Mailbox:
    guid, address = "ab000000-0000-4000-8000-000000000001", "support@contoso.example"
    plain: dict[str, Any] = {
        "guid": guid,
        "address": address,
        "names": frozenset({guid, address, "support desk", "help@contoso.example"}),
        "exact_names": frozenset({guid, address}),
        "kind": "SharedMailbox",
        "internal_forward": None,
        "external_forward": None,
        "keep_copy": False,
    }
    return Mailbox(**{**plain, **differences})
