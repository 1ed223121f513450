# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""secret_expiry.ics: one event a secret, on the day it ends, with alarms before it (RFC 5545).

A secret keeps its UID for life, so that importing the next file moves nothing and doubles nothing.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import List

from .fleet import Fleet, Secret, Tenant
from .texts import command_of, counted, visible

ALARM_DAYS = (60, 30, 14, 7, 1)
MARK = "PRODID:-//webex_connect.office365//connect_report//EN"
NAMESPACE = uuid.UUID("6d1f6c0e-3a52-5d3b-9f0a-0f5c8d9b7a41")  # our own; it only has to stay what it is


def calendar(fleet: Fleet) -> str:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        MARK,
        "CALSCALE:GREGORIAN",
        "X-WR-CALNAME:Webex Connect client secrets",
    ]
    stamp = fleet.now.strftime("%Y%m%dT%H%M%SZ")
    for tenant in sorted(fleet.tenants, key=lambda tenant: tenant.name):
        for secret in tenant.secrets:
            lines += _event(tenant, secret, stamp)
    return "".join(folded(line) + "\r\n" for line in [*lines, "END:VCALENDAR"])


def _event(tenant: Tenant, secret: Secret, stamp: str) -> List[str]:
    if secret.end is None or secret.end <= tenant.now:
        return []
    application = tenant.report["application"] or {"display_name": "?", "app_id": "?"}
    summary = "{0}: client secret {1} ends".format(tenant.name, secret.name or secret.key_id)
    description = [
        "Tenant {0} ({1}).".format(tenant.name, tenant.report["tenant"]["id"]),
        "Application {0} ({1}).".format(application["display_name"], application["app_id"]),
        "Key id {0}: {1}.".format(secret.key_id, role_of(secret)),
        "It ends at {0} UTC. From then on replies fail, while mail still arrives.".format(
            secret.end.strftime("%Y-%m-%d %H:%M")
        ),
        "Before that day: {0}, and enter the new value in Webex Connect.".format(
            command_of(tenant.name, "secret,handoff")
        ),
    ]
    lines = [
        "BEGIN:VEVENT",
        "UID:" + uid_of(tenant, secret),
        "DTSTAMP:" + stamp,
        "DTSTART;VALUE=DATE:" + secret.end.strftime("%Y%m%d"),
        "DTEND;VALUE=DATE:" + (secret.end + timedelta(days=1)).strftime("%Y%m%d"),
        "SUMMARY:" + escaped(summary),
        "DESCRIPTION:" + escaped("\n".join(description)),
        "CATEGORIES:Webex Connect",
        "TRANSP:TRANSPARENT",
    ]
    for days in () if secret.superseded else ALARM_DAYS:  # nobody has to act for one that was replaced
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-P{0}DT15H".format(days - 1),  # an event of a day begins at midnight: this is nine in the morning
            "DESCRIPTION:" + escaped("{0} in {1}".format(summary, counted(days, "day", "days"))),
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]


def role_of(secret: Secret) -> str:
    if secret.held:
        return "the one that Webex Connect was given"
    if secret.superseded:
        return "replaced by a newer one"
    return "of the wanted name, not known to be in use" if secret.ours else "somebody else's"


def uid_of(tenant: Tenant, secret: Secret) -> str:
    name = "{0}/{1}".format(tenant.report["tenant"]["id"], secret.key_id).lower()
    return "{0}@webex-connect.office365".format(uuid.uuid5(NAMESPACE, name))


def escaped(text: str) -> str:
    """A value of type TEXT (RFC 5545, 3.3.11)."""
    text = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """At most 75 octets a line, and no character cut in two (RFC 5545, 3.1)."""
    parts: List[str] = []
    part, size = "", 0
    for character in line:
        octets = len(character.encode("utf-8"))
        if size + octets > (74 if parts else 75):  # a line that goes on begins with a blank
            parts.append(part)
            part, size = "", 0
        part += character
        size += octets
    return "\r\n ".join([*parts, part])
