# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Authenticated SMTP of one mailbox. The stored flag means *disabled*, and null means "the organization decides"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from .._exchange import Mailbox, SmtpAuth
from .plan import Plan

FLAGS: Dict[str, Optional[bool]] = {"enabled": False, "disabled": True, "inherit": None}
WORDS = {flag: word for word, flag in FLAGS.items()}


@dataclass(frozen=True)
class Current:
    mailbox: Mailbox
    smtp_auth: SmtpAuth


def plan_smtp_auth(current: Current, wanted: Dict[str, Any]) -> Plan:
    before = WORDS[current.smtp_auth.mailbox_disabled]
    after = wanted["smtp_auth"]
    steps = [] if before == after else [("set_smtp_auth", {"mailbox": current.mailbox, "disabled": FLAGS[after]})]
    return Plan(
        before={"mailbox": current.mailbox.address, "smtp_auth": before},
        after={"mailbox": current.mailbox.address, "smtp_auth": after},
        result={
            "mailbox": current.mailbox.address,
            "mailbox_id": current.mailbox.guid,
            **judge(FLAGS[after], current.smtp_auth),
        },
        steps=steps,
        warnings=_warnings(current),
    )


def judge(mailbox_disabled: Optional[bool], around: SmtpAuth) -> Dict[str, Any]:
    """Configured and effective, and why: a setting of the mailbox's own overrides the organization's."""
    organization = "disabled" if around.organization_disabled else "enabled"
    if mailbox_disabled is None:
        effective = organization
        because = ["the mailbox has no setting of its own", "the organization has SMTP AUTH {0}".format(organization)]
    else:
        effective = WORDS[mailbox_disabled]
        because = ["the mailbox's own setting says {0}".format(effective)]
    if around.policy and around.policy_blocks_basic:
        because.append("the authentication policy {0!r} blocks password sign-in over SMTP".format(around.policy))
    return {
        "configured": WORDS[mailbox_disabled],
        "organization": organization,
        "effective": effective,
        "because": because,
        "authentication_policy": around.policy,
        "unread": around.unread,
    }


def _warnings(current: Current) -> List[str]:
    around = current.smtp_auth
    if not around.policy or not around.policy_blocks_basic:
        return []
    return [
        "{0}: the authentication policy {1!r}, assigned to {2}, blocks password sign-in over SMTP."
        " Sign-in with OAuth is another matter, and not judged by it.".format(
            current.mailbox.address, around.policy, "the user" if around.policy_of_user else "the organization"
        )
    ]
