# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's step policy: who may consent, and whose mail may be forwarded outside."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from staging import UNREHEARSED, Stage

OURS = "Webex Connect forwarding"
SELF = "ManagePermissionGrantsForSelf."


def said(outcome: Any) -> list[str]:
    (result,) = (r for r in outcome.results if r["task"] == "What the policies let through")
    return list(result["result"]["msg"])


def test_scoped_is_the_default_and_consent_is_only_reported(stage: Stage) -> None:
    tenant = stage.tenant("contoso", mailboxes=2)
    stage.serve()
    before = copy.deepcopy([tenant.policies, tenant.outbound_policy()])
    outcome = stage.run("--tags", "policy")
    assert outcome.code == 0, outcome.output
    assert outcome.changed() == ["Forwarding to addresses outside"]
    assert tenant.outbound_rule(OURS)["From"] == ["support@contoso.example", "support1@contoso.example"]
    assert [tenant.policies, tenant.outbound_policy()] == before
    assert said(outcome) == [
        "User consent: microsoft_managed",
        "support@contoso.example, forwarding outside: allowed",
        "support1@contoso.example, forwarding outside: allowed",
    ]
    assert tenant.applications == []
    assert stage.run("--tags", "policy").changed() == []


def test_the_variables_choose_what_is_changed(stage: Stage) -> None:
    tenant = stage.tenant("contoso")
    stage.hosts["contoso"]["connect_email_user_consent"] = "disabled"
    stage.hosts["contoso"]["connect_email_external_forwarding"] = "organization"
    stage.serve()
    check = stage.run("--tags", "policy", "--check")
    assert stage.world.writes() == []
    outcome = stage.run("--tags", "policy")
    assert outcome.code == 0, outcome.output
    assert (
        outcome.changed() == check.changed() == ["Who may consent to applications", "Forwarding to addresses outside"]
    )
    assert outcome.announced() == check.announced()
    assert tenant.outbound_policy()["AutoForwardingMode"] == "On"
    assert len(tenant.outbound_policies) == 1
    assigned = tenant.policies["authorizationPolicy"]["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"]
    assert not [entry for entry in assigned if entry.startswith(SELF)]
    assert stage.run("--tags", "policy").changed() == []


@pytest.mark.parametrize("mode", [[], ["--check"]], ids=["real", "check"])
def test_check_reads_and_says_what_blocks(stage: Stage, mode: list[str]) -> None:
    tenant = stage.tenant("contoso")
    tenant.add_remote_domain("Connect", "*.imiconnect.io", AutoForwardEnabled=False)
    stage.hosts["contoso"]["connect_email_external_forwarding"] = "check"
    stage.serve()
    outcome = stage.run("--tags", "policy", *mode)
    assert outcome.code == 0, outcome.output
    assert stage.world.writes() == []
    assert said(outcome)[1] == "support@contoso.example, forwarding outside: blocked"
    assert "(*.imiconnect.io) forbids automatic forwards" in outcome.output


def test_case_c07_one_tenant_that_is_not_customizable_keeps_no_other_waiting(stage: Stage) -> None:
    for name in ("contoso", "fabrikam", "tailspin"):
        stage.tenant(name)
    young = stage.world.tenant_named("fabrikam.example")
    late = stage.world.tenant_named("tailspin.example")
    assert young
    assert late
    young.organization_config["IsDehydrated"] = True
    late.hydration_failures_left = 3
    stage.serve()
    outcome = stage.run("--tags", "app,smtp_auth,policy")
    assert outcome.code != 0
    (refusal,) = outcome.failures("fabrikam")
    assert "Enable-OrganizationCustomization" in refusal
    assert "Nothing in the policies was changed" in refusal
    assert [write for write in stage.world.writes() if write.tenant_id == young.tenant_id] == []
    for name in ("contoso", "tailspin"):
        assert outcome.failures(name) == []
        assert "Forwarding to addresses outside" in outcome.changed(name)


@pytest.mark.core
@pytest.mark.parametrize("variable", ["connect_email_user_consent", "connect_email_external_forwarding"])
def test_case_c14_a_bare_off_is_refused_with_the_choices_and_a_hint(stage: Stage, variable: str) -> None:
    stage.tenant("contoso")
    stage.hosts["contoso"][variable] = False
    stage.serve()
    outcome = stage.run()
    (refusal,) = outcome.failures()
    assert f"{variable} is false; it must be one of" in refusal
    assert "put the word in quotes" in refusal
    assert stage.world.log == []


def test_a_run_without_changes_is_cheap_and_remembers_nothing_of_the_one_before(stage: Stage) -> None:
    tenants = [stage.tenant(name) for name in ("contoso", "fabrikam")]
    stage.hosts["fabrikam"]["connect_email_tenant_id"] = "fabrikam.example"
    stage.serve()
    assert stage.run(*UNREHEARSED).code == 0
    runs = []
    for _number in range(2):
        since = len(stage.world.log)
        assert stage.run("--skip-tags", "preflight").changed() == []
        runs.append(list(stage.world.log)[since:])
    first, second = (sorted((e.tenant_id, e.door, e.path, len(e.inner)) for e in run) for run in runs)
    assert first == second
    for tenant, sign_ins in zip(tenants, (2, 3), strict=True):  # a token for each service; what tenant a domain is
        sent = [entry for entry in runs[1] if entry.tenant_id == tenant.tenant_id]
        asked = [entry for entry in sent if entry.door != "login"]
        assert len(sent) - len(asked) == sign_ins
        assert len(asked) <= 14
        assert sum(len(entry.inner) or 1 for entry in asked) <= 30
