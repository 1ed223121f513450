# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""secret_expiry.ics: one event a secret, on the day it ends, with alarms before it (RFC 5545).

A secret keeps its UID for life, so that importing next month's file moves or removes nothing but what changed.
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import Any, Dict, Iterable, List, Mapping

from .._rows import parse_time

ALARM_DAYS = (60, 30, 14, 7, 1)
NAMESPACE = uuid.UUID("6d1f6c0e-3a52-5d3b-9f0a-0f5c8d9b7a41")  # of our own; it only has to stay what it is
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def calendar(fleet: Mapping[str, Any]) -> str:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//webex_connect.office365//connect_report//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "X-WR-CALNAME:Webex Connect: client secrets that end",
    ]
    for tenant in fleet["tenants"]:
        for secret in tenant["secrets"]:
            lines += _event(tenant, secret, fleet["stamp"])
    lines.append("END:VCALENDAR")
    return "".join(folded(line) + "\r\n" for line in lines)


def _event(tenant: Mapping[str, Any], secret: Mapping[str, Any], stamp: str) -> List[str]:
    end = parse_time(secret["end"] or "")
    if end is None or not secret["live"]:
        return []
    held = "the one that Webex Connect holds" if secret["held"] else "not known to be held by Webex Connect"
    summary = "Client secret {0} of {1} ends".format(secret["name"], tenant["name"])
    description = "\n".join(
        [
            "Tenant {0} ({1}), application {2}.".format(tenant["name"], tenant["tenant_id"], tenant["app_id"]),
            "Key id {0}, {1}.".format(secret["key_id"], held),
            "When it ends, replies fail while mail still arrives.",
            "Renew it before: ansible-playbook webex_connect.office365.onboard --limit {0} --tags secret,handoff".format(
                tenant["name"]
            ),
        ]
    )
    begin, finish = end.strftime("%Y%m%d"), (end + timedelta(days=1)).strftime("%Y%m%d")
    lines = [
        "BEGIN:VEVENT",
        "UID:" + uid_of(tenant["tenant_id"], secret["key_id"]),
        "DTSTAMP:" + stamp,
        "DTSTART;VALUE=DATE:" + begin,
        "DTEND;VALUE=DATE:" + finish,
        "SUMMARY:" + escaped(summary),
        "DESCRIPTION:" + escaped(description),
        "CATEGORIES:Webex Connect",
        "TRANSP:TRANSPARENT",
    ]
    for days in ALARM_DAYS:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            "TRIGGER:-P{0}D".format(days),
            "DESCRIPTION:" + escaped("{0} in {1} days".format(summary, days) if days > 1 else summary + " tomorrow"),
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]


def uid_of(tenant_id: str, key_id: str) -> str:
    return "{0}@webex-connect.office365".format(uuid.uuid5(NAMESPACE, "{0}/{1}".format(tenant_id, key_id).lower()))


def escaped(text: str) -> str:
    """A value of type TEXT (RFC 5545, 3.3.11); other control characters are not allowed at all."""
    text = CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """At most 75 octets a line, and no character cut in two (RFC 5545, 3.1)."""
    parts, part, size = [], "", 0
    for character in line:
        octets = len(character.encode("utf-8", "replace"))
        if size + octets > (75 if not parts else 74):  # a continuation begins with a blank
            parts.append(part)
            part, size = "", 0
        part += character
        size += octets
    return "\r\n ".join([*parts, part])


def known(secrets: Iterable[Mapping[str, Any]]) -> List[Dict[str, Any]]:
    return [dict(secret) for secret in secrets if secret.get("end")]
