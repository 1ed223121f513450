# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each module does its work with exactly the rights that are written down, and names the one that is taken from it."""

from __future__ import annotations

import importlib
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.webex_connect.office365.plugins.module_utils._planning.least_rights import MODULES, Need
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.preflight import STEPS
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.rights import (
    MANAGE_AS_APP,
    management_role_for,
)
from module_runner import PLUGINS, Clock, Failed, Runner
from simulated_tenant import LogEntry, World

ROOT = Path(__file__).parents[3]
TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
LEAST_ID, LEAST_SECRET = "c0000009-0000-4000-8000-000000000009", "l9~not-a-real-secret"
ADDRESS, CALLBACK = "support@contoso.example", "https://contoso.us.webexconnect.io/callback"
ASSET = "a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io"
APP = "5a1d2c3b-0000-4000-8000-00000000a001"
WANTED = {
    "connect_email_app_id": APP,
    "connect_email_callback_url": CALLBACK,
    "connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": ASSET}],
}
LISTED = [{"resource": "Office 365 Exchange Online", "application": ["Mail.Send"], "delegated": ["SMTP.Send"]}]
# Each as it writes all that it can write.
TASKS: dict[str, list[dict[str, Any]]] = {
    "azure_app_registration": [
        {"display_name": "Another", "redirect_uris": [CALLBACK]},
        {"app_id": APP, "notes": "n"},
        {"app_id": APP, "state": "absent", "permanent": True},
    ],
    "app_secret": [{"app_id": APP, "display_name": "webex-connect", "return_secret_text": True}],
    "exchange_app_permission": [{"app_id": APP}],
    "admin_consent": [
        {"app_id": APP, "permissions": LISTED},
        {"app_id": APP, "permissions": LISTED, "state": "absent"},
    ],
    "user_consent_policy": [{"user_consent": "disabled"}],
    "mailbox_smtp_auth": [{"mailbox": ADDRESS}],
    "mailbox_forwarding": [{"mailbox": ADDRESS, "forwarding_address": ASSET}],
    "external_forwarding_policy": [
        {"mailboxes": [ADDRESS]},
        {"organization": True},
        {"mailboxes": [ADDRESS], "state": "absent"},
    ],
    "app_mailbox_scope": [
        {"app_id": APP, "mailboxes": [ADDRESS]},
        {"app_id": APP, "mailboxes": [ADDRESS], "roles": ["Mail.Read"], "purge": True},
        {"app_id": APP, "state": "absent"},
    ],
}
READERS = ("connect_email_info", "smtp_oauth_info")
OFFLINE = sorted(module for module, needs in MODULES.items() if not needs)


def arranged(needs: list[Need]) -> Runner:
    """A tenant whose admin identity may do exactly this."""
    clock = Clock()
    world = World(clock.utc)
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    rights = {need.right for need in needs}
    tenant.add_admin(
        LEAST_ID,
        LEAST_SECRET,
        graph_roles=sorted(need.right for need in needs if not need.cmdlets and need.right != MANAGE_AS_APP),
        exchange_app_role=MANAGE_AS_APP in rights,
        directory_roles=[],
        management_roles=sorted(need.right for need in needs if need.cmdlets),
    )
    tenant.add_mailbox(ADDRESS)
    tenant.add_application("WebexConnect", app_id=APP)
    return Runner(world, clock, tenant_id=TENANT_ID, client_id=LEAST_ID, client_secret=LEAST_SECRET)


def without(module: str, left_out: Need) -> list[Need]:
    return [need for need in MODULES[module] if need != left_out]


EACH = [(module, need) for module in TASKS for need in MODULES[module]]


def test_every_module_is_listed_and_tried() -> None:
    assert sorted(MODULES) == sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("[a-z]*.py"))
    assert sorted([*TASKS, *READERS, *OFFLINE]) == sorted(MODULES)


@pytest.mark.parametrize("module", TASKS)
def test_the_rights_that_are_written_down_are_enough(module: str) -> None:
    run = arranged(list(MODULES[module]))
    for options in TASKS[module]:
        assert run(module, check=True, **options)["changed"]
        assert run(module, **options)["changed"]


def refusal(run: Runner, module: str) -> Failed:
    """Of the first task that is refused."""
    for options in TASKS[module]:
        try:
            run(module, **options)
        except Failed as failed:
            return failed
    raise AssertionError(f"{module} needs less than is written down")


@pytest.mark.parametrize(("module", "left_out"), EACH, ids=lambda item: getattr(item, "right", item))
def test_the_one_that_is_missing_is_named(module: str, left_out: Need) -> None:
    failed = refusal(arranged(without(module, left_out)), module)
    # The first call that is refused may be a read, for which less would have done.
    assert left_out.right in failed.message or left_out.to_look.right in failed.message
    assert failed.facts["request_id"]


@pytest.mark.parametrize(
    ("module", "left_out"),
    [(module, need) for module, need in EACH if need.to_write],
    ids=lambda item: getattr(item, "right", item),
)
def test_where_reading_is_allowed_the_right_to_write_is_named(module: str, left_out: Need) -> None:
    run = arranged([*without(module, left_out), left_out.to_look])
    assert left_out.right in refusal(run, module).message
    assert len([write for write in run.world.writes() if write.status >= 400]) == 1


@pytest.mark.parametrize("module", ["azure_app_registration", "app_secret", "exchange_app_permission"])
def test_an_identity_may_also_do_it_to_what_it_owns(module: str) -> None:
    own = [Need("Application.ReadWrite.OwnedBy"), Need("Application.Read.All")]
    run = arranged(own)
    made = run("azure_app_registration", display_name="Own")["application"]["app_id"]
    for options in TASKS[module]:
        run(module, **{**options, "app_id": made} if "app_id" in options else options)


def unread(run: Runner) -> set[str]:
    (report,) = run("connect_email_info", wanted=WANTED)["reports"].values()
    return {entry["right"] or entry["text"] for entry in report["coverage"] if entry["gap"]}


def test_the_audit_sees_everything_with_its_rights() -> None:
    assert unread(arranged(list(MODULES["connect_email_info"]))) == set()


@pytest.mark.parametrize("left_out", MODULES["connect_email_info"], ids=lambda need: need.right)
def test_the_audit_names_what_it_could_not_see(left_out: Need) -> None:
    missing = unread(arranged(without("connect_email_info", left_out)))
    # A management role is told by the cmdlets that it holds, and of the directory a part may be read with less.
    expected = left_out.cmdlets or (
        left_out.right,
        *(["Application.Read.All"] * left_out.right.startswith("Directory")),
    )
    assert missing
    assert all(any(name in text for name in expected) for text in missing)


EVERYTHING = {**WANTED, "connect_email_user_consent": "disabled"}
STEP_OF = {module: step for step, modules in STEPS.items() for module in modules}


def preflown(run: Runner, *steps: str, **wanted: Any) -> dict[str, Any]:
    options = {"steps": list(steps)} if steps else {}
    wishes = {**EVERYTHING, **wanted}
    (found,) = run("connect_email_info", check=True, wanted=wishes, rights_only=True, **options)["rights"].values()
    return dict(found)


def rights(items: list[dict[str, Any]], module: str) -> list[str]:
    return [item["right"] for item in items if item["module"] == module]


@pytest.mark.parametrize("module", TASKS)
def test_the_preflight_misses_nothing_where_nothing_is_missing(module: str) -> None:
    found = preflown(arranged(list(MODULES[module])), STEP_OF[module])
    assert rights(found["lacking"] + found["unknown"], module) == []


@pytest.mark.parametrize(("module", "left_out"), EACH, ids=lambda item: getattr(item, "right", item))
def test_the_preflight_misses_what_the_module_will_miss(module: str, left_out: Need) -> None:
    run = arranged(without(module, left_out))
    found = preflown(run, STEP_OF[module])
    assert rights(found["lacking"], module) == [left_out.right]
    roles = [need.right for need in MODULES[module] if need.cmdlets]
    assert rights(found["unknown"], module) == (roles if left_out.right == MANAGE_AS_APP else [])
    assert left_out.right in " ".join(found["summary"])
    assert run.world.writes() == []


def test_the_preflight_costs_two_tokens_and_one_request() -> None:
    run = arranged([Need("Application.Read.All"), Need(MANAGE_AS_APP), Need("View-Only Recipients", cmdlets=("x",))])
    found = preflown(run)
    assert (len(found["lacking"]), found["unknown"], found["error"]) == (10, [], None)
    assert {item["for"] for item in found["lacking"] if item["right"] == "Application.ReadWrite.All"} == {"change"}
    assert {item["for"] for item in found["lacking"] if item["right"] == "Transport Hygiene"} == {"read"}
    log = list(run.world.log)
    assert [entry.door for entry in log if entry.door != "login"] == ["exchange"]
    assert sum("/token" in entry.path for entry in log) == 2
    # Where no step has to do with mailboxes, Exchange is not spoken to.
    preflown(run, "app", "secret")
    later = list(run.world.log)[len(log) :]
    assert sum("/token" in entry.path for entry in later) == 1
    assert [entry.door for entry in later if entry.door != "login"] == []


def test_the_preflight_of_one_tenant_starts_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "Thread", None)
    assert preflown(arranged(list(MODULES["mailbox_forwarding"])), "forwarding")["lacking"] == []


def test_the_preflight_of_several_tenants_tells_who_could_not_sign_in() -> None:
    run = arranged(list(MODULES["mailbox_forwarding"]))
    good = {"name": "good", "tenant_id": TENANT_ID, "client_id": LEAST_ID, "client_secret": LEAST_SECRET}
    entries = [{**good, "wanted": WANTED}, {**good, "name": "wrong", "client_secret": "wrong", "wanted": WANTED}]
    found = run("connect_email_info", tenants=entries, rights_only=True, steps=["forwarding"])
    assert (found["reports"], found["tenant_id"]) == ({}, None)
    assert found["rights"]["good"]["lacking"] == []
    assert "client secret is wrong" in found["rights"]["wrong"]["error"]
    assert found["rights"]["good"].keys() == found["rights"]["wrong"].keys()
    with pytest.raises(Failed, match="client secret is wrong"):
        run("connect_email_info", wanted=WANTED, rights_only=True, client_secret="wrong")


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_what_exchange_does_not_list_is_not_said_to_be_lacking(status: int) -> None:
    run = arranged(list(MODULES["mailbox_forwarding"]))
    run.world.faults.add({"path_contains": "EXOModuleFile"}, status, times=None)
    found = preflown(run, "forwarding")
    assert found["lacking"] == []
    assert rights(found["unknown"], "mailbox_forwarding") == ["Mail Recipients"]
    assert "Exchange Online did not tell" in found["summary"][0]
    assert sum("EXOModuleFile" in entry.path for entry in run.world.log) == 1


def test_case_c08_without_a_role_every_management_role_is_lacking() -> None:
    run = arranged([Need(MANAGE_AS_APP)])
    found = preflown(run, "smtp_auth", "forwarding")
    assert rights(found["lacking"], "mailbox_smtp_auth") == ["View-Only Configuration", "Mail Recipients"]
    assert rights(found["lacking"], "mailbox_forwarding") == ["Mail Recipients"]
    assert {item["for"] for item in found["lacking"]} == {"read"}
    assert "directory role Exchange Recipient Administrator" in " ".join(found["summary"])


def _documented(module: str) -> str:
    return " ".join(yaml.safe_load(importlib.import_module(PLUGINS + "modules." + module).DOCUMENTATION)["notes"])


@pytest.mark.parametrize("module", MODULES)
def test_the_documentation_names_them(module: str) -> None:
    notes = _documented(module)
    for need in MODULES[module]:
        assert f"C({need.right})" in notes, need.right
    if module in OFFLINE:
        assert "No right in" in notes


GUIDE = (ROOT / "docs" / "docsite" / "rst" / "permissions.rst").read_text()
Row = tuple[str, bool, set[str]]  # a right, whether it may be missing, the calls that it is needed for


def guided() -> dict[str, list[Row]]:
    """The guide's table, by module."""
    rows: dict[str, list[Row]] = {}
    module = ""
    table = GUIDE.partition("\nFor each call\n")[2].partition("\nFor ``azure")[0]
    for text in re.split(r"\n   \* - ?", table)[2:]:
        name, right, calls = text.split("\n     - ")
        module = name.strip("`- ") or module
        literals = set(re.findall(r"``(.+?)``", calls))
        rows.setdefault(module, []).append((right.split("``")[1], right.startswith("may be missing: "), literals))
    return rows


def test_the_guide_has_exactly_these_rights_and_cmdlets_for_each_module() -> None:
    rows = guided()
    assert sorted(rows) == sorted(module for module, needs in MODULES.items() if needs)
    for module, listed in rows.items():
        needs = [need for need in MODULES[module] if need.right != MANAGE_AS_APP]
        assert [right for right, may, _calls in listed if not may] == [need.right for need in needs]
        assert any(need.cmdlets for need in needs) == (len(needs) < len(MODULES[module]))
        for need, (_right, _may, calls) in zip(needs, listed, strict=False):
            assert calls == set(need.cmdlets) or not need.cmdlets
        for right, may, calls in listed:
            assert not may or {management_role_for(call) or right for call in calls} == {right}


def call_of(entry: LogEntry) -> str:
    """As the guide writes it: a cmdlet, or a method and the path without ids."""
    if entry.door == "exchange":
        return str(entry.cmdlet)
    parts = re.sub(r"\(\w+='[^/]*'\)", "/{id}", entry.path).removeprefix("/v1.0/").split("/")
    if parts[0] == "directory":
        parts[2] = "{type}" if parts[2].startswith("microsoft.graph.") else "{id}"
    elif parts[0] != "policies":
        parts[1::2] = ["{id}" for _part in parts[1::2]]
    return entry.method + " /" + "/".join(parts)


@pytest.mark.parametrize("module", [*TASKS, "connect_email_info"])
def test_the_guide_has_every_call_that_is_seen(module: str) -> None:
    run = arranged(list(MODULES[module]))
    for options in TASKS.get(module, [{"wanted": WANTED, "deep": True}]):
        run(module, check=True, **options)
        run(module, **options)
    entries = [part for entry in run.world.log if entry.door in ("graph", "exchange") for part in entry.walk()]
    assert {call_of(entry) for entry in entries} - set().union(*(calls for *_right, calls in guided()[module])) == set()


def test_the_guide_has_the_directory_role_of_each_management_role() -> None:
    rows = dict(
        re.findall(r"\n   \* - (.+)\n     - (.+)", GUIDE.partition("     - Directory role")[2].partition("\n\n")[0])
    )
    needs = {need for needs in MODULES.values() for need in needs if need.cmdlets}
    assert set(rows) == {need.right for need in needs}
    for need in needs:
        assert need.grant.endswith("the directory role " + rows[need.right])
