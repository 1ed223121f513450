# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What stops mail although the modules would change nothing: the step it belongs to must not look as if all were well."""

from __future__ import annotations

from typing import Iterable, List, Optional

from .audit_answers import NO, UNKNOWN, Finding, Verdict
from .audit_cells import AS_WANTED, BLOCKED, NOT_APPLICABLE, UNREADABLE, Cell

STEPS = {
    "assignment_not_read": "application",
    "nobody_assigned": "application",
    "not_assigned": "application",
    "service_principal_absent": "application",
    "personal_accounts_only": "application",
    "redirect_uri_missing": "redirect_uri",
    "redirect_uri_also_elsewhere": "redirect_uri",
    "no_live_secret": "secret",
    "secret_expired": "secret",
    "secret_removed": "secret",
    "only_other_secrets": "secret",
    "api_absent": "consent",
    "consent_missing": "consent",
    "sign_in_blocked": "smtp_auth",
    "not_the_primary_address": "smtp_auth",
    "smtp_auth_disabled": "smtp_auth",
    "login_absent": "smtp_auth",
    "send_as_missing": "smtp_auth",
    "send_as_not_found": "smtp_auth",
    "send_as_not_read": "smtp_auth",
}
ASSIGN = "Graph: POST /servicePrincipals/ID/appRoleAssignedTo for who signs in, or appRoleAssignmentRequired false"
KNOWN = ("redirect_uri_also_elsewhere", "not_the_primary_address")
"""What is wrong for certain, although mail may flow in spite of it."""
BY_HAND = {
    "redirect_uri_also_elsewhere": "Graph: PATCH /applications/ID, spa.redirectUris and publicClient.redirectUris without the callback URL",
    "not_assigned": ASSIGN,
    "personal_accounts_only": "Graph: PATCH /applications/ID, signInAudience AzureADMyOrg",
    "not_the_primary_address": "give the primary address in the inventory, and as Email ID of the asset",
    "login_absent": "name as login_id a user of the tenant",
    "send_as_missing": "Add-RecipientPermission -Identity MAILBOX -Trustee LOGIN_ID -AccessRights SendAs",
    "sign_in_blocked": "Graph: PATCH /users/ID, accountEnabled true; or name as login_id who signs in for the mailbox",
    "consent_missing": "list the permission in connect_email_permissions, so that the role grants it",
    "api_absent": "give the tenant an Exchange plan",
}


def mark_obstacles(cells: List[Cell], asset: Optional[str], verdicts: Iterable[Verdict]) -> None:
    for verdict in verdicts:
        for finding in verdict.findings:
            if finding.answer in (NO, UNKNOWN):
                _mark(cells, asset, finding)


def _mark(cells: List[Cell], asset: Optional[str], finding: Finding) -> None:
    step = STEPS.get(finding.fact.name)
    for cell in cells:
        if cell.step != step or cell.asset not in (None, asset):
            continue
        if cell.state in (AS_WANTED, NOT_APPLICABLE):
            known = finding.answer == NO or finding.fact.name in KNOWN
            cell.state = BLOCKED if known else UNREADABLE
            cell.by_hand = BY_HAND.get(finding.fact.name, "See the facts.")
        if finding.fact.name not in [fact.name for fact in cell.because]:
            cell.because.append(finding.fact)
