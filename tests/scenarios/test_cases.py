# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snags that people reported in public and that take whole runs of Ansible to show."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from kept_stores import make_certificate
from plays import play, task
from simulated_tenant import claims_of
from staging import OURS, ROOT, Outcome, Stage, kill

# Another name of the same interpreter is not the controller's own, so the tasks of such a host are modules.
AS_MODULES = str(Path(sys.executable).parent / "python3")
MAILBOX = "support@{{ inventory_hostname }}.example"
# Stands in for the syslog of the machine, in every Python that a run starts.
LISTENER = "import syslog\nsyslog.syslog = lambda *said: print(*said, file=open({path!r}, 'a'))\n"


def tokens_of(stage: Stage) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(door, tenant that was asked, claims) of each request that came with a token."""
    for entry in stage.world.log:
        for name, value in entry.headers.items():
            if name.lower() == "authorization":
                yield entry.door, str(entry.tenant_id), claims_of(value.removeprefix("Bearer "))


def files_with(folder: Path, *texts: str) -> list[Path]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes().decode("utf-8", "replace")
            found += [path] if any(text in content for text in texts) else []
    return found


def assert_plain(outcome: Outcome) -> None:
    assert "Traceback" not in outcome.output, outcome.output[-6000:]
    assert "DEPRECAT" not in outcome.output, outcome.output[-6000:]


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from texts_in(item)


def test_case_c14_answers_of_a_survey_mean_what_they_say(stage: Stage) -> None:
    contoso, _fabrikam = stage.tenant("contoso"), stage.tenant("fabrikam", mailboxes=2)
    empty = ("app_id", "app_unique_name", "user_consent", "cloud", "federated_token_file", "secret_rotate_before_days")
    stage.hosts["contoso"].update({f"connect_email_{name}": "" for name in empty})
    stage.hosts["contoso"]["connect_email_issue_access_tokens"] = "false"
    stage.hosts["contoso"]["connect_email_secret_valid_days"] = "90"
    stage.hosts["contoso"]["connect_email_assets"][0]["keep_copy"] = "false"
    addresses = [asset["mailbox"] for asset in stage.hosts["fabrikam"]["connect_email_assets"]]
    stage.hosts["fabrikam"]["connect_email_assets"] = "\n".join(addresses)
    stage.serve()
    before = contoso.policies["authorizationPolicy"]
    check = stage.run("--check")
    assert stage.world.writes() == []
    real = stage.run()
    for outcome in (check, real):
        assert_plain(outcome)
        assert outcome.failures("contoso") == []
        (refusal,) = outcome.failures("fabrikam")
        assert "connect_email_assets" in refusal
    assert check.changed("contoso") == [step for step in real.changed("contoso") if "napshot" not in step]
    (app,) = contoso.applications
    assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is False
    (secret,) = app["passwordCredentials"]
    assert secret["endDateTime"][:10] == (contoso.now() + timedelta(days=90)).strftime("%Y-%m-%d")
    assert contoso.mailbox("support@contoso.example")["DeliverToMailboxAndForward"] is False
    assert contoso.policies["authorizationPolicy"] == before
    written = {text for write in stage.world.writes() for text in texts_in(write.parameters or write.body)}
    assert written
    assert not written & {"", "True", "False", "true", "false", "None"}
    assert {write.tenant_id for write in stage.world.writes()} == {contoso.tenant_id}


def test_case_c24_no_secret_in_output_diff_log_or_system_log(stage: Stage, tmp_path: Path) -> None:
    for name in ("contoso", "fabrikam"):
        stage.tenant(name)
    stage.hosts["fabrikam"]["ansible_python_interpreter"] = AS_MODULES
    stage.serve()
    (tmp_path / "python").mkdir()
    system_log = tmp_path / "syslog"
    (tmp_path / "python" / "sitecustomize.py").write_text(LISTENER.format(path=str(system_log)))
    nowhere = dict.fromkeys(("authority_host", "graph_endpoint", "exchange_endpoint"), "https://127.0.0.1:9")
    # Ansible shows the lines of a play that fails, so that is no place for a secret.
    given = {
        "wrong": "a-wrong-secret-x1",
        "mapping": {"value": "a-wrong-secret-x2"},
        "sequence": ["a-wrong-secret-x3"],
        "address": "https://robot:password-x4/with-a-slash@127.0.0.1:9",
    }
    for host in stage.hosts.values():
        host.update(given)
    smtp = {"mailbox": MAILBOX, "keywords": {"ignore_errors": True}}
    app = {"app_id": "{{ app.application.app_id }}", "keywords": {"ignore_errors": True}}
    vault = {"type": "hashi_vault", "url": "{{ address }}", "token": "{{ wrong }}"}
    path = play(
        tmp_path,
        task("app", "azure_app_registration", "app", display_name="WebexConnect"),
        task("kept", "app_secret", display_name="printer", store={"path": str(tmp_path / MAILBOX)}, **app),
        task("told", "app_secret", display_name="desk", return_secret_text=True, **app),
        task("wrong secret", "mailbox_smtp_auth", client_secret="{{ wrong }}", **smtp),
        task("unreachable", "mailbox_smtp_auth", max_retries=0, **nowhere, **smtp),
        task("address with a password", "mailbox_smtp_auth", **{**nowhere, "authority_host": "{{ address }}"}, **smtp),
        task("secret of a wrong type", "mailbox_smtp_auth", client_secret="{{ mapping }}", **smtp),
        task("another wrong type", "mailbox_smtp_auth", client_secret="{{ wrong }}", timeout="soon", **smtp),
        task("store with a password", "app_secret", display_name="d", store=vault, **app),
        task(
            "store of a wrong type", "app_secret", display_name="d", store={**vault, "token": "{{ sequence }}"}, **app
        ),
        task("unknown option of a store", "app_secret", display_name="d", store={**vault, "colour": 1}, **app),
        task("store that is a text", "app_secret", display_name="d", store="token {{ wrong }}", **app),
        task("mistyped name of an option", "mailbox_smtp_auth", client_secrt="{{ wrong }}", **smtp),
    )
    outcome = stage.run(
        "-vvv",
        "--diff",
        playbook=path,
        ANSIBLE_LOG_PATH=str(tmp_path / "ansible.log"),
        PYTHONPATH=str(tmp_path / "python"),
    )
    assert outcome.code == 0, outcome.output[-4000:]
    assert_plain(outcome)
    hidden = {"secret-x1", "secret-x2", "secret-x3", "password-x4", "slash@"}
    hidden |= {f"fake-admin-secret-of-{name}" for name in stage.hosts}
    for tenant in stage.world.tenants:
        (app_made,) = tenant.applications
        assert len(app_made["passwordCredentials"]) == 2
        hidden |= set(tenant.secret_texts.values())
        hidden |= {secret["hint"] + "~" for secret in app_made["passwordCredentials"]}
    hidden |= {part for token in stage.world.tokens.issued for part in token.split(".")[1:]}
    assert f"tenant_id={stage.world.tenants[1].tenant_id}" in system_log.read_text()
    shown = {
        "output": outcome.output,
        "results": json.dumps(outcome.results),
        "log": (tmp_path / "ansible.log").read_text(),
        "system log": system_log.read_text(),
    }
    for where, text in shown.items():
        assert [part for part in hidden if part in text] == [], where
    assert len(outcome.failures()) == 20
    for host in stage.hosts.values():
        for plain in (host["connect_email_tenant_id"], host["connect_email_client_id"]):
            assert plain in outcome.output
    for secret in (s for tenant in stage.world.tenants for s in tenant.applications[0]["passwordCredentials"]):
        assert secret["displayName"] in outcome.output
        if secret["displayName"] == "printer":
            assert secret["keyId"] in outcome.output
    diffs = [d for r in outcome.of(event="ok") if r["task"] == "kept" for d in [r["result"]["diff"]]]
    assert len(diffs) == 2
    for diff in diffs:
        assert set(diff["after"]) <= {"display_name", "end_date", "key_id", "removed"}


def test_case_c26_many_forks_share_no_token_and_leave_none(stage: Stage, tmp_path: Path) -> None:
    """Thirty tenants at once, with tokens too short-lived to be shared, a home that cannot be written, and a killed run."""
    for number in range(30):
        stage.tenant(f"tenant{number:02}")
    stage.serve()
    stage.world.tokens.lifetime = 60
    (tmp_path / "tmp").mkdir()
    environment = {"HOME": "/dev/null/home", "TMPDIR": str(tmp_path / "tmp")}
    path = play(
        tmp_path,
        task("app", "azure_app_registration", display_name="WebexConnect"),
        task("smtp", "mailbox_smtp_auth", mailbox=MAILBOX),
        task("forwarding", "mailbox_forwarding", mailbox=MAILBOX, forwarding_address="a@mail-us.imiconnect.io"),
    )
    running: list[Any] = []
    stage.world.faults.add(
        when=lambda entry: len(stage.world.writes()) == 40 and not kill(running[-1]), do="reset_before"
    )
    running.append(stage.start("--forks", "30", playbook=path, **environment))
    stage.finish(running[-1])
    assert running[-1].returncode == -signal.SIGKILL
    (left,) = (tmp_path / "ansible" / "tmp").iterdir()  # as a killed run leaves it
    for file in left.iterdir():
        file.write_bytes(file.read_bytes()[:20])

    outcome = stage.run("--forks", "30", playbook=path, **environment)
    assert outcome.code == 0, outcome.output[-4000:]
    assert_plain(outcome)
    for name, host in stage.hosts.items():
        tenant = stage.world.tenant_named(f"{name}.example")
        assert tenant is not None
        assert [app["displayName"] for app in tenant.applications] == ["WebexConnect"]
        assert tenant.mailbox(f"support@{name}.example")["ForwardingSmtpAddress"] == "smtp:a@mail-us.imiconnect.io"
        assert {r["result"]["tenant_id"] for r in outcome.of(name)} == {host["connect_email_tenant_id"]}
    admins = {host["connect_email_tenant_id"]: host["connect_email_client_id"] for host in stage.hosts.values()}
    for _door, tenant_id, claims in tokens_of(stage):
        assert (claims["tid"], claims["appid"]) == (tenant_id, admins[tenant_id])
    assert stage.run("--forks", "30", playbook=path, **environment).changed() == []
    assert list((tmp_path / "ansible" / "tmp").iterdir()) == [left]
    # ansible-core 2.21 talks to its workers by a socket, whose folder a killed run leaves.
    assert [path for path in (tmp_path / "tmp").iterdir() if not path.name.startswith("pymp-")] == []
    assert files_with(tmp_path, *(token.split(".")[2] for token in stage.world.tokens.issued)) == []


def test_case_c30_nothing_reaches_a_tenant_on_behalf_of_another(stage: Stage, tmp_path: Path) -> None:
    tenants = {name: stage.tenant(name) for name in ("contoso", "fabrikam", "tailspin", "northwind")}
    stage.serve()
    assert stage.running is not None
    named, places = stage.hosts["contoso"], stage.running.endpoints
    # The environment is contoso's, which names nothing by itself.
    environment = {
        "AZURE_TENANT_ID": named.pop("connect_email_tenant_id"),
        "AZURE_CLIENT_ID": named.pop("connect_email_client_id"),
        "AZURE_CLIENT_SECRET": named.pop("connect_email_client_secret"),
        "AZURE_AUTHORITY_HOST": places["authority_host"],
        "WEBEX_CONNECT_GRAPH_ENDPOINT": places["graph_endpoint"],
        "WEBEX_CONNECT_EXCHANGE_ENDPOINT": places["exchange_endpoint"],
        "REQUESTS_CA_BUNDLE": places["ca_path"],
    }
    for name in ("authority_host", "graph_endpoint", "exchange_endpoint", "ca_path"):
        named["connect_email_" + name] = ""
    stage.hosts["tailspin"].update(
        connect_email_client_id=environment["AZURE_CLIENT_ID"],
        connect_email_client_secret=environment["AZURE_CLIENT_SECRET"],
    )
    certificate, key = make_certificate(tmp_path)
    (tmp_path / "admin.pem").write_text(certificate.read_text() + key.read_text())
    tenants["northwind"].add_admin("c0000000-0000-4000-8000-0000000000f1", certificate_pem=certificate.read_text())
    stage.hosts["northwind"].update(
        connect_email_client_id="c0000000-0000-4000-8000-0000000000f1",
        connect_email_client_secret="",
        connect_email_client_certificate_path=str(tmp_path / "admin.pem"),
    )
    stage.hosts["northwind"]["ansible_python_interpreter"] = AS_MODULES
    path = play(
        tmp_path,
        task("app", "azure_app_registration", display_name="WebexConnect"),
        task("smtp", "mailbox_smtp_auth", mailbox=MAILBOX),
    )
    first = stage.run("--forks", "2", playbook=path, **environment)
    again = stage.run("--forks", "1", playbook=path, **environment)
    for outcome, changes in ((first, ["app", "smtp"]), (again, [])):
        assert_plain(outcome)
        for name in ("contoso", "fabrikam", "northwind"):
            assert outcome.changed(name) == changes
            assert {r["result"]["tenant_id"] for r in outcome.of(name)} == {tenants[name].tenant_id}
        (refusal,) = outcome.failures("tailspin")
        assert "AADSTS700016" in refusal
        assert tenants["tailspin"].tenant_id in refusal
        assert environment["AZURE_CLIENT_ID"] in refusal
        assert environment["AZURE_CLIENT_SECRET"] not in outcome.output + json.dumps(outcome.results)
    admins = {
        tenants["contoso"].tenant_id: environment["AZURE_CLIENT_ID"],
        tenants["fabrikam"].tenant_id: stage.hosts["fabrikam"]["connect_email_client_id"],
        tenants["northwind"].tenant_id: stage.hosts["northwind"]["connect_email_client_id"],
    }
    for _door, tenant_id, claims in tokens_of(stage):
        assert (claims["tid"], claims["appid"]) == (tenant_id, admins[tenant_id])
    for name, tenant in tenants.items():
        made = [] if name == "tailspin" else ["WebexConnect"]
        assert [app["displayName"] for app in tenant.applications] == made
        flag = None if name == "tailspin" else False
        assert tenant.mailbox(f"support@{name}.example")["SmtpClientAuthenticationDisabled"] is flag
    for entry in stage.world.requests("login", "/token"):
        used = "client_assertion" if entry.tenant_id == tenants["northwind"].tenant_id else "client_secret"
        assert {"client_secret", "client_assertion"} & set(entry.body) == {used}


@pytest.mark.core
def test_case_c31_tenants_need_no_interpreter_and_a_missing_library_is_named(stage: Stage, tmp_path: Path) -> None:
    """Without a setting, with the system's Python, and with the documented setting."""
    settings = {"contoso": "auto", "fabrikam": "/usr/bin/python3", "tailspin": "{{ ansible_playbook_python }}"}
    for name, setting in settings.items():
        stage.tenant(name)
        stage.hosts[name]["ansible_python_interpreter"] = setting
    stage.serve()
    outcome = stage.run(playbook=play(tmp_path, task("smtp", "mailbox_smtp_auth", mailbox=MAILBOX)))
    assert_plain(outcome)
    assert outcome.changed() == ["smtp", "smtp"]
    assert outcome.failures("contoso") + outcome.failures("tailspin") == []
    (message,) = outcome.failures("fabrikam")
    assert "'msal' is not installed for /usr/bin/python3" in message
    assert "set ansible_python_interpreter" in message
    assert "ign in" not in message
    fabrikam = stage.hosts["fabrikam"]["connect_email_tenant_id"]
    assert [entry for entry in stage.world.log if entry.tenant_id == fabrikam] == []

    shipped = yaml.safe_load((ROOT / "examples/inventory/group_vars/webex_connect_tenants.yml").read_text())
    assert shipped["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"
    declared = yaml.safe_load((ROOT / "meta/execution-environment.yml").read_text())["dependencies"]["python"]
    needed = {line.split(">")[0] for line in (ROOT / declared).read_text().splitlines() if not line.startswith("#")}
    assert needed == {"msal", "requests", "PyYAML"}


YES_OR_NO = (
    "app_adopt_by_name",
    "issue_access_tokens",
    "secret_rotate_now",
    "offboard_permanent",
    "offboard_foreign_application",
    "verify_login",
    "mailbox_scope",
)


@pytest.mark.core
def test_case_c33_no_playbook_relies_on_what_counts_as_true(stage: Stage) -> None:
    """Empty and left-out variables, and the text false for every flag; ``contoso`` has no assets."""
    contoso, fabrikam = stage.tenant("contoso"), stage.tenant("fabrikam")
    stage.hosts["contoso"]["connect_email_assets"] = []
    stage.hosts["contoso"]["connect_email_secret_store"] = {}
    stage.serve()
    flags = [part for name in YES_OR_NO for part in ("-e", f"connect_email_{name}=false")]
    spec = yaml.safe_load((ROOT / "roles/connect_email/meta/argument_specs.yml").read_text())["argument_specs"]
    known = {name for name, option in spec["main"]["options"].items() if isinstance(option.get("default"), bool)}
    assert known == {f"connect_email_{name}" for name in YES_OR_NO}
    playbooks = ["onboard", "audit", "verify", "rotate_secrets", "offboard", "restore"]
    assert sorted(playbooks) == sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
    ran = {}
    for name in playbooks:
        snapshots = sorted((stage.output_dir / "snapshots").glob("fabrikam-*.json"))
        snapshot = ["-e", f"connect_email_snapshot={snapshots[-1]}"] if name == "restore" else []
        outcome = ran[name] = stage.run(*flags, *snapshot, playbook=OURS + name)
        assert outcome.code == 0, (name, outcome.output[-6000:])
        assert_plain(outcome)
        assert "conditional" not in outcome.output.lower()
        if name == "onboard":
            for tenant in (contoso, fabrikam):
                (app,) = tenant.applications
                assert app["web"]["implicitGrantSettings"]["enableAccessTokenIssuance"] is False
                assert tenant.management_scopes == []
    of_assets = {"Authenticated SMTP of the mailbox", "Forwarding of the mailbox", "Hand-off sheet of the asset"}
    assert of_assets <= set(ran["onboard"].changed("fabrikam"))
    assert not of_assets & set(ran["onboard"].changed("contoso"))
    assert "The application" in ran["onboard"].changed("contoso")
    assert ran["rotate_secrets"].changed("fabrikam") == []
    assert contoso.applications == []
    assert len(contoso.deleted_applications) == 1
