# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit has read of a tenant in which all is as wanted, for tests of its judgement to change one thing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema

from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import SmtpAuth
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    MailFlow,
    OutboundPolicy,
    OutboundRule,
    RemoteDomain,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    MICROSOFT_GRAPH,
    Grant,
    RoleAssignment,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_policies import ConsentPolicies
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit import Subject, report_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_seen import Box, Directory, Mail
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_waivers import waivers_of
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_wishes import wishes_of
from ansible_collections.webex_connect.office365.plugins.module_utils._rows import precise_time
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from samples import (
    ADMIN_ID,
    APP_ID,
    CALLBACK,
    EXCHANGE,
    GRAPH,
    MAIL_SEND_ROLE,
    NOW,
    OFFLINE_ACCESS_SCOPE,
    PRINCIPAL,
    RESOURCES,
    SMTP_SEND_SCOPE,
    TENANT_ID,
    application,
    key_id,
    mailbox,
    secret,
)

ROOT = Path(__file__).parents[1]
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator({"$ref": "#/$defs/report", "$defs": SCHEMA["$defs"]})
ADDRESS = "support@contoso.example"
TARGET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
USER_ID = "ab000000-0000-4000-8000-0000000000aa"
WANTED = {
    "connect_email_callback_url": CALLBACK,
    "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET}],
}
NAME = "Webex Connect forwarding"
FLOW = MailFlow(
    [OutboundPolicy("Default", "Automatic", True), OutboundPolicy(NAME, "On")],
    [OutboundRule(NAME, NAME, 0, senders=(ADDRESS,))],
    [RemoteDomain("Default", "*", True)],
    [],
)
APPLICATION = application(
    redirect_uris=[CALLBACK],
    issue_access_tokens=True,
    secrets=[secret(1, 170)],
    requested={
        EXCHANGE_ONLINE: {"Role": {MAIL_SEND_ROLE}, "Scope": {SMTP_SEND_SCOPE}},
        MICROSOFT_GRAPH: {"Role": set(), "Scope": {OFFLINE_ACCESS_SCOPE}},
    },
)
RECORD = Record(TENANT_ID, APP_ID, "webex-connect", key_id(1), precise_time(NOW - timedelta(days=10)), None)
DIRECTORY = Directory(
    named=[APPLICATION],
    principal=PRINCIPAL,
    disabled=False,
    enabled=True,
    assignment_required=False,
    assigned=[],
    resources=dict(RESOURCES),
    assignments=[RoleAssignment("a1", EXCHANGE.object_id, MAIL_SEND_ROLE)],
    grants=[
        Grant("g1", EXCHANGE.object_id, None, " SMTP.Send "),
        Grant("g2", GRAPH.object_id, None, "offline_access"),
    ],
    consent_policies=ConsentPolicies(["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"]),
    has_store=True,
    record=RECORD,
)
OPEN = SmtpAuth(False, True, None, False, None, [])
BOX = Box(
    mailbox=mailbox(external_forward=TARGET, kind="UserMailbox"),
    object_id=USER_ID,
    account_disabled=False,
    own_setting_read=True,
    own_setting=False,
    smtp_auth=OPEN,
)
MAIL = Mail(organization="Contoso", organization_disabled=True, dehydrated=False, boxes={ADDRESS: BOX}, flow=FLOW)


def judged(directory: Directory = DIRECTORY, mail: Mail = MAIL, deep: bool = False, **wishes: Any) -> dict[str, Any]:
    waivers = waivers_of(wishes.pop("waivers", []))
    subject = Subject("contoso", TENANT_ID, ADMIN_ID)
    report = report_of(subject, directory, mail, wishes_of({**WANTED, **wishes}), waivers, deep, NOW)
    VALIDATOR.validate(report)
    return report


def boxed(**differences: Any) -> Mail:
    return replace(MAIL, boxes={ADDRESS: replace(BOX, **differences)})


def of_app(**differences: Any) -> Directory:
    return replace(DIRECTORY, named=[replace(APPLICATION, **differences)])


def verdict(report: dict[str, Any], what: str) -> tuple[str, list[str]]:
    found = report["assets"][0]["verdict"][what]
    return found["answer"], [fact["name"] for fact in found["because"]]


def step(report: dict[str, Any], name: str) -> dict[str, Any]:
    return next(item for item in report["steps"] if item["step"] == name)
