# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboards simulated tenants with the installed collection, checks what came of it, and audits them: ``make demo``.

Nothing leaves this machine and no account is needed. Everything lies in build/demo afterwards: the
inventory, the complete output of each run, the hand-off sheets, the stored secrets and the snapshots.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from demo_audit import demonstrate_audit
from simulated_tenant import Running, Tenant, World, catalogue, serve
from simulated_tenant.control import state_of

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / "build/collections"
PLACE = ROOT / "build/demo"
OUTPUT = PLACE / "webex-connect-output"
PLAYBOOK = "webex_connect.office365.onboard"
HALF_FINISHED = "ab000002-0000-4000-8000-0000000000a2"  # in the example seed: made by hand in the portal, and left
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


class Disappointed(Exception):
    """Something that the demonstration promises does not hold."""


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise Disappointed(what)


# What is asked for -----------------------------------------------------------------------------


def tenants_wanted(seed: dict) -> dict[str, dict]:
    """The inventory's hosts: what a person would write for each tenant."""
    hosts = {}
    for entry in seed["tenants"]:
        name, admin = entry["domain"].split(".")[0], entry["admins"][0]
        hosts[name] = {
            "connect_email_tenant_id": entry["tenant_id"],
            "connect_email_client_id": admin["client_id"],
            "connect_email_client_secret": admin["client_secret"],
            "connect_email_callback_url": f"https://{name}.us.webexconnect.io/callback",
            "connect_email_assets": [asset_of(mailbox, name) for mailbox in entry["mailboxes"]],
        }
    hosts["fabrikam"]["connect_email_app_id"] = HALF_FINISHED
    return hosts


def asset_of(mailbox: dict, name: str) -> dict:
    address = mailbox["address"]
    asset = {"name": mailbox["display_name"], "mailbox": address, "keep_copy": True}
    # In the form that Webex Connect gives: 32 hexadecimal digits.
    asset["forwarding_address"] = hashlib.sha256(address.encode()).hexdigest()[:32] + "@mail-us.imiconnect.io"
    if mailbox.get("recipient_type_details") == "SharedMailbox":
        asset.update(shared=True, login_id=f"connect.operator@{name}.example")
    return asset


def write_inventory(hosts: dict[str, dict], running: Running) -> Path:
    """JSON is YAML, and needs no library."""
    inventory = PLACE / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    endpoints = running.endpoints
    for_all = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        **{
            f"connect_email_{name}": endpoints[name]
            for name in ("authority_host", "graph_endpoint", "exchange_endpoint")
        },
        "connect_email_ca_path": endpoints["ca_path"],
    }
    written = {
        "hosts.yml": {"webex_connect_tenants": {"hosts": hosts}},
        "group_vars/webex_connect_tenants.yml": for_all,
    }
    for path, content in written.items():
        (inventory / path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return inventory


# Running -----------------------------------------------------------------------------------------


def environment() -> dict[str, str]:
    """Only this collection and no setting of the user's: the demonstration must come out the same everywhere."""
    foreign = ("ANSIBLE_", "AZURE_", "WEBEX_CONNECT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    kept.pop("REQUESTS_CA_BUNDLE", None)
    (PLACE / "ansible.cfg").touch()
    return {
        "LC_ALL": "C.UTF-8",
        **kept,
        "ANSIBLE_CONFIG": str(PLACE / "ansible.cfg"),
        "ANSIBLE_HOME": str(PLACE / "ansible-home"),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
    }


def play(
    number: int, title: str, inventory: Path, *arguments: str, playbook: str = PLAYBOOK
) -> dict[str, dict[str, int]]:
    """Runs the playbook; the recap by host. The complete output goes to a file."""
    log = PLACE / f"run-{number}.log"
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        playbook,
        "-i",
        str(inventory),
        "--diff",
        *arguments,
    ]
    print(f"{number}. {title} ...", end=" ", flush=True)
    begun = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(
            command,
            cwd=PLACE,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text(encoding="utf-8")
    recap = {
        host: {"ok": int(ok), "changed": int(changed), "failed": int(failed) + int(unreachable)}
        for host, ok, changed, unreachable, failed in RECAP.findall(text)
    }
    shown = ", ".join(f"{host} {numbers['changed']} changed" for host, numbers in sorted(recap.items()))
    print(f"{shown or 'nothing'} ({time.monotonic() - begun:.0f} s)", flush=True)
    if done.returncode or any(numbers["failed"] for numbers in recap.values()):
        raise Disappointed(f"The run failed; the end of {log}:\n\n{text[-3000:]}")
    return recap


# Judging, by the simulated tenants' own state ------------------------------------------------------


def check_tenant(tenant: Tenant, wanted: dict, apps_before: int) -> dict:
    """What a tenant has to look like after the first run; returns its application."""
    who = tenant.domain
    app_id = wanted.get("connect_email_app_id")
    expect(len(tenant.applications) == (apps_before or 1), f"{who} has {len(tenant.applications)} applications")
    app = next(app for app in tenant.applications if app["displayName"] == "WebexConnect")
    expect(app_id in (None, app["appId"]), f"{who}: the application that was named was not the one used")
    expect(wanted["connect_email_callback_url"] in app["web"]["redirectUris"], f"{who}: the redirect URI is missing")
    expect(app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"], f"{who}: access tokens are not ticked")
    names = [secret["displayName"] for secret in app["passwordCredentials"]]
    expect(names == ["webex-connect"], f"{who}: the secrets are {names}")
    principal = next(sp for sp in tenant.service_principals if sp["appId"] == app["appId"])
    scopes = {
        scope for grant in tenant.grants if grant["clientId"] == principal["id"] for scope in grant["scope"].split()
    }
    expect(scopes >= {"SMTP.Send", "offline_access"}, f"{who}: granted are only {sorted(scopes)}")
    roles = [a["resourceDisplayName"] for a in tenant.role_assignments if a["principalId"] == principal["id"]]
    expect(roles == ["Office 365 Exchange Online"], f"{who}: application permissions are granted on {roles}")
    for asset in wanted["connect_email_assets"]:
        mailbox = next(m for m in tenant.mailboxes if m["PrimarySmtpAddress"] == asset["mailbox"])
        expect(mailbox["SmtpClientAuthenticationDisabled"] is False, f"{asset['mailbox']}: SMTP AUTH is not allowed")
        target = mailbox["ForwardingSmtpAddress"]
        expect(target == "smtp:" + asset["forwarding_address"], f"{asset['mailbox']} forwards to {target}")
        expect(mailbox["DeliverToMailboxAndForward"] is True, f"{asset['mailbox']} keeps no copy")
    return app


def check_files(name: str, tenant: Tenant, app: dict, wanted: dict) -> tuple[Path, list[Path]]:
    """The store has the secret's text, readable by its owner only; the sheets have everything but that."""
    store = OUTPUT / "secrets" / tenant.tenant_id / "webexconnect.yml"
    text = tenant.secret_texts[app["passwordCredentials"][0]["keyId"]]
    expect(text in store.read_text(encoding="utf-8"), f"{store} does not hold the secret")
    expect(store.stat().st_mode & 0o077 == 0, f"{store} is readable by others")
    sheets = [OUTPUT / "hand-off" / name / f"{asset['mailbox']}.md" for asset in wanted["connect_email_assets"]]
    for sheet in sheets:
        content = sheet.read_text(encoding="utf-8")
        for value in (app["appId"], tenant.tenant_id, wanted["connect_email_callback_url"], str(store)):
            expect(value in content, f"{sheet} lacks {value}")
    for path in [*PLACE.glob("run-*.log"), *OUTPUT.rglob("*")]:
        if path.is_file() and path != store:
            expect(text not in path.read_text(encoding="utf-8"), f"{path} shows a secret")
    return store, sheets


def files() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in OUTPUT.rglob("*") if path.is_file()}


def states(world: World) -> list[dict]:
    return copy.deepcopy([state_of(tenant) for tenant in world.tenants])


# The demonstration ---------------------------------------------------------------------------------


def demonstrate(running: Running, hosts: dict[str, dict]) -> None:
    world = running.world
    inventory = write_inventory(hosts, running)
    by_name = {tenant.domain.split(".")[0]: tenant for tenant in world.tenants}
    apps_before = {name: len(tenant.applications) for name, tenant in by_name.items()}
    *onboarded, empty = list(hosts)
    limit = ["--limit", ",".join(onboarded)]

    play(1, "Onboarding " + ", ".join(onboarded), inventory, *limit)
    apps = {name: check_tenant(by_name[name], hosts[name], apps_before[name]) for name in onboarded}

    before, written, on_disk = states(world), len(world.writes()), files()
    again = play(2, "The same once more", inventory, *limit)
    expect(all(numbers["changed"] == 0 for numbers in again.values()), "the second run reports changes")
    expect(len(world.writes()) == written, "the second run sent a write")
    expect(states(world) == before, "the second run changed a tenant")
    expect(files() == on_disk, "the second run wrote a file")

    checked = play(3, f"Check mode for {empty}, where nothing is set up", inventory, "--limit", empty, "--check")
    expect(checked[empty]["changed"] > 0, "check mode announces nothing")
    expect(len(world.writes()) == written, "check mode sent a write")
    expect(states(world) == before, "check mode changed a tenant")
    expect(files() == on_disk, "check mode wrote a file")

    places = {name: check_files(name, by_name[name], apps[name], hosts[name]) for name in onboarded}
    summary(by_name, hosts, apps, apps_before, places, empty, checked[empty]["changed"])

    def audit(title: str, *arguments: str, playbook: str) -> None:
        print()
        play(4, title, inventory, *limit, *arguments, playbook=playbook)

    broken = onboarded[-1]
    asset = hosts[broken]["connect_email_assets"][0]
    report = demonstrate_audit(world, broken, by_name[broken], asset, PLACE / "report", audit, expect)
    print(f"\nThe report, to be opened in a browser: {shown(report)}")


def summary(by_name, hosts, apps, apps_before, places, empty, announced) -> None:
    print("\nAll of it holds, judged by the simulated tenants themselves. What is there now:")
    for name, (store, sheets) in places.items():
        app = apps[name]
        found = "completed, as it was named by its id" if apps_before[name] else "made"
        print(f"\n  {by_name[name].name} ({by_name[name].tenant_id})")
        print(f"    application   {app['displayName']} {app['appId']}, {found}")
        print(f"    its secret    key id {app['passwordCredentials'][0]['keyId']}, in {shown(store)}")
        print("    consent       Mail.Send (application), SMTP.Send and offline_access (delegated)")
        for asset, sheet in zip(hosts[name]["connect_email_assets"], sheets, strict=True):
            print(f"    mailbox       {asset['mailbox']}: SMTP AUTH on, forwards to {asset['forwarding_address']}")
            print(f"    hand-off      {shown(sheet)}")
    print(f"\n  {by_name[empty].name}: untouched; check mode announced {announced} changes and sent no write.")
    print(
        f"\nThe second run sent no write. Complete output, inventory and snapshots: {shown(PLACE)}\n"
        "\nNext, for a real tenant, in Webex Connect: open the hand-off sheet, fill in the asset field by field,\n"
        "Generate Token and sign in as the sheet says, Save, Register To Webex Engage, and send a test mail."
    )


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def main() -> int:
    if not (COLLECTIONS / "ansible_collections/webex_connect/office365").is_dir():
        print("The collection is not installed under build/collections: run `make install`.", file=sys.stderr)
        return 2
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    seed = json.loads((catalogue.DATA / "example_seed.json").read_text(encoding="utf-8"))
    world = World()
    world.load(copy.deepcopy(seed))
    with serve(world, PLACE / "simulated-tenants") as running:
        try:
            demonstrate(running, tenants_wanted(seed))
        except Disappointed as problem:
            print(f"\nThe demonstration failed: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
