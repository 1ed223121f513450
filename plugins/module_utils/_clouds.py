# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Addresses and audiences per Microsoft cloud: data, no logic.

Sources: Microsoft Graph "National cloud deployments"; Exchange Online "Admin API endpoints"; for the
audiences of the government and 21Vianet Exchange hosts no page is known, they follow the host's name; for
Key Vault "Azure Key Vault, vaults and objects" (DNS suffixes), whose audience is the suffix's own host.
"""

from __future__ import annotations

from typing import NamedTuple


class Cloud(NamedTuple):
    authority_host: str
    graph_endpoint: str
    exchange_endpoint: str
    graph_scope: str
    exchange_scope: str
    smtp_host: str
    smtp_scope: str
    vault_suffix: str

    @property
    def vault_scope(self) -> str:
        return "https://{0}/.default".format(self.vault_suffix)


def _cloud(
    login: str, graph: str, exchange: str, exchange_audience: str, smtp_host: str, smtp_resource: str, vaults: str
) -> Cloud:
    return Cloud(
        authority_host=login,
        graph_endpoint=graph,
        exchange_endpoint=exchange,
        graph_scope=graph + "/.default",
        exchange_scope=exchange_audience + "/.default",
        smtp_host=smtp_host,
        smtp_scope="offline_access {0}/SMTP.Send".format(smtp_resource),
        vault_suffix=vaults,
    )


CLOUDS = {
    "public": _cloud(
        "https://login.microsoftonline.com",
        "https://graph.microsoft.com",
        "https://outlook.office365.com",
        "https://outlook.office365.com",
        "smtp.office365.com",
        "https://outlook.office.com",
        "vault.azure.net",
    ),
    "usgov_high": _cloud(
        "https://login.microsoftonline.us",
        "https://graph.microsoft.us",
        "https://outlook.office365.us",
        "https://outlook.office365.us",
        "smtp.office365.us",
        "https://outlook.office365.us",
        "vault.usgovcloudapi.net",
    ),
    "usgov_dod": _cloud(
        "https://login.microsoftonline.us",
        "https://dod-graph.microsoft.us",
        "https://outlook-dod.office365.us",
        "https://outlook-dod.office365.us",
        "outlook-dod.office365.us",
        "https://outlook-dod.office365.us",
        "vault.usgovcloudapi.net",
    ),
    "china": _cloud(
        "https://login.chinacloudapi.cn",
        "https://microsoftgraph.chinacloudapi.cn",
        "https://outlook.office365.cn",
        "https://partner.outlook.cn",
        "smtp.partner.outlook.cn",
        "https://partner.outlook.cn",
        "vault.azure.cn",
    ),
}
