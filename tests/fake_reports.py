# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits of tenants that do not exist, in the form of docs/report.schema.json; the same ones on every call."""

from __future__ import annotations

import json
import random
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
CALLBACK = "https://{0}.us.webexconnect.io/callback"
EXCHANGE, GRAPH = "Office 365 Exchange Online", "Microsoft Graph"
HOSTILE = "\"><script>document.title='hit'</script><img src=x onerror=alert(1)>&amp;'=cmd|x \u202egnp.\x07"
WORST = ("blocked", "drift", "unreadable", "expiring")


def moment(days: float) -> str:
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def fact(name: str, text: str) -> dict[str, str]:
    return {"name": name, "text": text}


def guid(*parts: Any) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(map(str, parts))))


def step(name: str, thing: str, state: str = "as_wanted", **more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "asset": None,
        "because": [],
        "current": {},
        "differences": [],
        "fix": None,
        "until": None,
        "waived_state": None,
        "waiver": None,
        "wanted": {},
    }
    return {**empty, "step": name, "object": thing, "state": state, **more}


def secret(key: str, name: str, start: float, end: float | None, ours: bool = True, current: bool = False) -> dict:
    ends = None if end is None else moment(end)
    return {"key_id": key, "display_name": name, "start": moment(start), "end": ends, "ours": ours, "current": current}


def asset_of(mailbox: str) -> dict[str, Any]:
    alias = guid("alias", mailbox).replace("-", "") + "@mail-us.imiconnect.io"
    return {
        "mailbox": mailbox,
        "found": True,
        "address": mailbox,
        "mailbox_id": guid("mailbox", mailbox),
        "type": "UserMailbox",
        "account_disabled": False,
        "licensed": True,
        "smtp_auth": {
            "configured": "enabled",
            "organization": "disabled",
            "effective": "enabled",
            "because": ["the mailbox's own setting says enabled"],
            "authentication_policy": None,
        },
        "forwarding": {
            "configured": alias,
            "internal": None,
            "effective_target": alias,
            "keep_copy": True,
            "wanted": alias,
            "allowed": "yes",
            "policy": "Webex Connect forwarding",
            "because": [],
        },
        "deep": None,
        "verdict": {
            "can_send": {"answer": "yes", "until": None, "because": []},
            "arrives": {"answer": "yes", "because": []},
        },
    }


def clean(name: str, mailboxes: int = 1, ends_in: float = 140) -> dict[str, Any]:
    """A tenant in which everything is as wanted."""
    addresses = [f"support{n or ''}@{name}.example" for n in range(mailboxes)]
    application = {
        "app_id": guid("app", name),
        "object_id": guid("object", name),
        "display_name": "WebexConnect",
        "unique_name": None,
        "sign_in_audience": "AzureADMyOrg",
        "created": moment(-300),
        "redirect_uris": {"web": [CALLBACK.format(name)], "spa": [], "public": []},
        "implicit_grant": {"access_tokens": True, "id_tokens": False},
        "disabled": False,
        "certificates": 0,
        "service_principal_id": guid("principal", name),
        "enabled": True,
        "assignment_required": False,
        "assigned": [],
    }
    asked = [
        {"resource": GRAPH, "application": [], "delegated": ["offline_access"]},
        {"resource": EXCHANGE, "application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
    ]
    steps = [
        step("application", "WebexConnect"),
        step("redirect_uri", CALLBACK.format(name)),
        step("implicit_grant", "WebexConnect"),
        step("secret", "webex-connect", until=moment(ends_in)),
        step("permissions", EXCHANGE),
        step("permissions", GRAPH),
        step("consent", EXCHANGE),
        step("consent", GRAPH),
        step("user_consent", name, "not_applicable"),
    ]
    for kind in ("smtp_auth", "forwarding", "external_forwarding"):
        steps += [step(kind, address, asset=address) for address in addresses]
    return {
        "schema_version": "1.0",
        "tenant": {"id": guid("tenant", name), "name": name, "organization": name.title() + " Ltd"},
        "state": "ok",
        "complete": True,
        "error": None,
        "mail": {"down": False, "stops": None},
        "application": application,
        "secrets": [secret(guid("key", name), "webex-connect", ends_in - 180, ends_in, current=True)],
        "rotation": None,
        "permissions": {"asked": asked, "granted": asked, "granted_to_users": []},
        "user_consent": {
            "setting": "verified_publishers",
            "policies": ["ManagePermissionGrantsForSelf.x"],
            "wanted": None,
        },
        "assets": [asset_of(address) for address in addresses],
        "steps": steps,
        "security_notes": [
            {
                "name": "tenant_wide_mail_send",
                "level": "notice",
                "text": "Mail.Send (application) is granted for all mailboxes: the application may send as anybody.",
                "objects": ["WebexConnect"],
                "waived": False,
            }
        ],
        "coverage": [],
        "waivers": [],
    }


def found(report: dict[str, Any], name: str, thing: str | None = None) -> dict[str, Any]:
    return next(s for s in report["steps"] if s["step"] == name and thing in (None, s["object"]))


def judged(report: dict[str, Any]) -> dict[str, Any]:
    """With the short verdicts that follow from the parts."""
    states = {s["state"] for s in report["steps"]}
    report["complete"] = not any(entry["gap"] for entry in report["coverage"])
    verdicts = [asset["verdict"] for asset in report["assets"]]
    report["mail"]["down"] = any("no" in (v["can_send"]["answer"], v["arrives"]["answer"]) for v in verdicts)
    report["mail"]["stops"] = min((v["can_send"]["until"] for v in verdicts if v["can_send"]["until"]), default=None)
    if report["state"] != "unreachable":
        report["state"] = next(
            (state for state in WORST if state in states), "ok" if report["complete"] else "unreadable"
        )
    return report


# One way each to break a tenant ------------------------------------------------------------------


def smtp_off(report: dict[str, Any]) -> None:
    for asset in report["assets"]:
        because = [
            fact("smtp_auth_disabled", f"Authenticated SMTP is off for {asset['mailbox']}: Exchange answers 535.")
        ]
        asset["smtp_auth"].update(configured="inherit", effective="disabled")
        asset["verdict"]["can_send"] = {"answer": "no", "until": None, "because": because}
        found(report, "smtp_auth", asset["mailbox"]).update(
            state="drift",
            because=because,
            current={"smtp_auth": "inherit"},
            wanted={"smtp_auth": "enabled"},
            differences=["smtp_auth"],
            fix={
                "tag": "smtp_auth",
                "who": "role",
                "command": f"Set-CASMailbox {asset['mailbox']} -SmtpClientAuthenticationDisabled $false",
            },
        )


def forwards_elsewhere(report: dict[str, Any]) -> None:
    asset = report["assets"][0]
    old = "0" * 32 + "@mail-us.imiconnect.io"
    because = [fact("forwards_elsewhere", f"{asset['mailbox']} forwards to {old}, which is not this asset's address.")]
    asset["forwarding"].update(configured=old, effective_target=old)
    asset["verdict"]["arrives"] = {"answer": "no", "because": because}
    found(report, "forwarding", asset["mailbox"]).update(
        state="drift",
        because=because,
        current={"forwarding_address": old, "keep_copy": False},
        wanted={"forwarding_address": asset["forwarding"]["wanted"], "keep_copy": True},
        differences=["forwarding_address", "keep_copy"],
        fix={
            "tag": "forwarding",
            "who": "role",
            "command": f"Set-Mailbox {asset['mailbox']} -ForwardingSmtpAddress {asset['forwarding']['wanted']}",
        },
    )


def policy_locked(report: dict[str, Any]) -> None:
    asset = report["assets"][0]
    text = "The outbound policy Finance lock (rule priority 0) has automatic forwarding off and governs the mailbox."
    asset["forwarding"].update(allowed="no", policy="Finance lock", because=[fact("outbound_policy_off", text)])
    asset["verdict"]["arrives"] = {"answer": "no", "because": [fact("outbound_policy_off", text)]}
    found(report, "external_forwarding", asset["mailbox"]).update(
        state="blocked",
        because=[fact("outbound_policy_off", text)],
        fix={"tag": None, "who": "administrator", "command": "Take the mailbox out of the rule of Finance lock"},
    )


def rotating(report: dict[str, Any]) -> None:
    """A new secret beside the old one, which Webex Connect may still use."""
    key = guid("new secret", report["tenant"]["name"])
    for held in report["secrets"]:
        held["current"] = False
    report["rotation"] = {
        "old_key_ids": [held["key_id"] for held in report["secrets"] if held["ours"]],
        "retire_after": moment(5),
        "since": moment(-2),
        "step": "hand_over",
    }
    report["secrets"].append(secret(key, "webex-connect", -2, 178, current=True))


def secret_ending(days: float):
    def broken(report: dict[str, Any]) -> None:
        name = report["tenant"]["name"]
        old, new = guid("key", name), guid("new key", name)
        report["secrets"] = [
            secret(old, "webex-connect", days - 180, days, current=True),
            secret(guid("foreign", name), "set up by hand", -700, 30 + days, ours=False),
            secret(new, "webex-connect", -3, 177),
        ]
        text = f"The secret that Webex Connect holds ends on {moment(days)[:10]}."
        if days < 0:
            because = [fact("secret_ended", text.replace("ends", "ended"))]
            verdict = {"answer": "no", "until": None, "because": because}
        else:
            because = [fact("secret_ends", text)]
            verdict = {"answer": "until", "until": moment(days), "because": because}
        for asset in report["assets"]:
            asset["verdict"]["can_send"] = verdict
        found(report, "secret").update(
            state="expiring" if days >= 0 else "drift",
            until=moment(days),
            because=because,
            current={"end": moment(days), "key_id": old},
            wanted={"end": moment(180), "key_id": None},
            differences=["end", "key_id"],
            fix={"tag": "secret", "who": "role", "command": "POST /applications/{id}/addPassword"},
        )

    return broken


def spa_platform(report: dict[str, Any]) -> None:
    uri = report["application"]["redirect_uris"]["web"].pop()
    report["application"]["redirect_uris"]["spa"].append(uri)
    found(report, "redirect_uri").update(
        state="drift",
        because=[
            fact("redirect_uri_spa", "It is registered for single-page apps: the refresh token dies after 24 hours.")
        ],
        current={"web": [], "spa": [uri]},
        wanted={"web": [uri], "spa": []},
        differences=["spa", "web"],
        fix={"tag": "app", "who": "role", "command": "PATCH /applications/{id} with web.redirectUris"},
    )


def consent_missing(report: dict[str, Any]) -> None:
    text = "Delegated SMTP.Send is not granted for the organization."
    report["permissions"]["granted"] = []
    found(report, "consent", EXCHANGE).update(
        state="drift",
        because=[fact("consent_missing", text)],
        current={"application": [], "delegated": []},
        wanted={"application": ["Mail.Send"], "delegated": ["SMTP.Send"]},
        differences=["application", "delegated"],
        fix={"tag": "consent", "who": "role", "command": "POST /oauth2PermissionGrants with scope SMTP.Send"},
    )


def exchange_refused(report: dict[str, Any]) -> None:
    for entry in report["steps"]:
        if entry["step"] in ("smtp_auth", "forwarding", "external_forwarding"):
            entry.update(state="unreadable", because=[fact("not_read", "Exchange Online refused the read.")])
    for asset in report["assets"]:
        because = [fact("not_read", "The mailbox was not read.")]
        asset.update(found=None, address=None, mailbox_id=None, type=None, account_disabled=None, licensed=None)
        asset["verdict"] = {
            "can_send": {"answer": "unknown", "until": None, "because": because},
            "arrives": {"answer": "unknown", "because": because},
        }
    report["coverage"].append(
        {
            "what": "mailboxes",
            "steps": ["smtp_auth", "forwarding", "external_forwarding"],
            "kind": "refused",
            "gap": True,
            "right": "a directory role such as Exchange Recipient Administrator",
            "text": "Exchange Online answered 403: the role that is needed is not assigned.",
        }
    )


def unreachable(report: dict[str, Any]) -> None:
    report.update(state="unreachable", application=None, secrets=[], complete=False)
    report["error"] = {"kind": "Unreachable", "message": "The sign-in service did not answer within 30 seconds."}
    report["permissions"] = {"asked": None, "granted": None, "granted_to_users": None}
    report["user_consent"] = {"setting": None, "policies": None, "wanted": None}
    exchange_refused(report)
    for entry in report["steps"]:
        entry.update(state="unreadable", because=[fact("not_read", "The tenant was not reached.")])


def waived(report: dict[str, Any]) -> None:
    waiver = {"reason": "Agreed with the customer's security team", "owner": "j.doe", "until": moment(60)[:10]}
    found(report, "implicit_grant").update(
        state="waived",
        waived_state="drift",
        waiver=waiver,
        current={"issue_access_tokens": False},
        wanted={"issue_access_tokens": True},
        differences=["issue_access_tokens"],
        because=[fact("implicit_grant_off", "Access tokens are not ticked.")],
    )
    report["waivers"] += [
        {**waiver, "what": "implicit_grant", "state": "applied"},
        {**waiver, "what": "user_consent", "until": moment(-9)[:10], "state": "expired"},
    ]


def hostile(report: dict[str, Any]) -> None:
    report["tenant"]["organization"] = HOSTILE
    report["application"]["display_name"] = HOSTILE
    report["secrets"][0]["display_name"] = HOSTILE
    report["secrets"][0]["key_id"] = HOSTILE
    found(report, "application").update(
        object=HOSTILE,
        state="drift",
        differences=[HOSTILE],
        current={HOSTILE: HOSTILE},
        wanted={HOSTILE: [HOSTILE, {HOSTILE: None}]},
        because=[fact("name", HOSTILE)],
        fix={"tag": "app", "who": "role", "command": HOSTILE},
    )
    report["security_notes"][0]["text"] = HOSTILE
    report["waivers"].append({"what": HOSTILE, "reason": HOSTILE, "owner": HOSTILE, "until": None, "state": "unused"})
    report["coverage"].append(
        {"what": HOSTILE, "steps": ["secret"], "kind": "failed", "gap": True, "right": HOSTILE, "text": HOSTILE}
    )
    for asset in report["assets"]:
        asset["verdict"]["can_send"]["because"] = [fact("name", HOSTILE)]


BREAKS = (
    (smtp_off,),
    (forwards_elsewhere, spa_platform),
    (policy_locked,),
    (secret_ending(5),),
    (secret_ending(24),),
    (secret_ending(-2),),
    (consent_missing,),
    (exchange_refused,),
    (unreachable,),
    (waived,),
    (spa_platform, consent_missing, waived),
)


def fleet(number: int = 300) -> dict[str, dict[str, Any]]:
    """Most are as wanted, as in real fleets; the others are broken in all ways, one hostile name among them."""
    chance = random.Random(20261125)
    reports = {}
    for index in range(number):
        name = f"tenant{index + 1:03}"
        report = clean(name, chance.choice((1, 1, 1, 2, 3)), chance.randrange(31, 176))
        if index == 7:
            name = report["tenant"]["name"] = "o'hara & <b>söhne</b>"
            hostile(report)
        elif index % 9 == 4:
            for broken in BREAKS[index // 9 % len(BREAKS)]:
                broken(report)
        reports[name] = judged(report)
    return reports


def audit(reports: dict[str, dict[str, Any]], later: float = 0) -> dict[str, Any]:
    """With the part that differs from run to run; ``later`` in days."""
    at = moment(later)
    tenants = {name: {"at": at, "seconds": 1.25} for name in reports}
    return {"schema_version": "1.0", "reports": reports, "run": {"at": at, "tenants": tenants}}
