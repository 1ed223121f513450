# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row a cause: each way in which such a connection is known to fail that reading can see, and what is said of it.

What reading cannot see is listed too, each with the reason, so that the table is whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from audited import ADDRESS, APPLICATION, BOX, DIRECTORY, FLOW, MAIL, OPEN, TARGET, USER_ID, boxed, judged, of_app, step

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import Conflict, NotFound
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange import SmtpAuth
from ansible_collections.webex_connect.office365.plugins.module_utils._exchange_policies import (
    Condition,
    OutboundPolicy,
    OutboundRule,
    RemoteDomain,
    TransportRule,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_objects import (
    EXCHANGE_ONLINE,
    Grant,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._graph_policies import ConsentPolicies
from ansible_collections.webex_connect.office365.plugins.module_utils._planning.audit_seen import (
    Assignee,
    Deep,
    Directory,
    InboxRule,
    Mail,
    Signer,
)
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.readiness import reasons
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.texts import one_line
from samples import CALLBACK, EXCHANGE, GRAPH, NOW, RESOURCES, mailbox, secret

CATALOGUE = (
    "AADSTS50011",
    "AADSTS65001, 90094, 90095",
    "AADSTS700054, 700051",
    "AADSTS7000215",
    "AADSTS7000222",
    "AADSTS700016, 90002",
    "AADSTS50194",
    "AADSTS50105",
    "AADSTS53003, 50076, 50079",
    "AADSTS700082, 70008",
    "AADSTS50173",
    "works for an hour, then dies",
    "the popup never opens",
    "the popup signs in as the wrong person",
    "535 5.7.3",
    "5.7.139",
    "5.7.30",
    "5.2.252, 5.7.60",
    "5.7.520",
    "5.7.520 although On",
    "mail in the mailbox, not in Connect",
    "mail in Connect, no agent task",
    "a bounce of big mail",
    "duplicates",
    "a mail loop",
    "no bounce",
    "replies are junked",
)
UNSEEN = {
    "AADSTS7000215": "what was entered in Webex Connect is not in the tenant; smtp_oauth_info proves what the store holds",
    "AADSTS53003, 50076, 50079": "conditional access and MFA are decided at the sign-in",
    "AADSTS700082, 70008": "when Webex Connect last used its token is not in what is read",
    "AADSTS50173": "that a token was revoked stands in the sign-in and audit logs only",
    "the popup never opens": "it is the browser's",
    "the popup signs in as the wrong person": "it is the browser's",
    "mail in Connect, no agent task": "it is Webex Connect's",
    "a bounce of big mail": "it is a limit of Webex Connect",
    "a mail loop": "automatic replies are no setting that is read, and a loop is seen in traffic",
    "no bounce": "it is as designed",
    "replies are junked": "it hangs on the domain's DNS",
}
CASES_SEEN = ("C01", "C06", "C07", "C10", "C13", "C18", "C19", "C21", "C23", "C29", "C36", "C40")
CASES_ELSEWHERE = {
    "C08": "unit/modules/test_connect_email_info.py: a right that is missing, and an expired secret of the admin identity",
    "C11": "unit/modules/test_connect_email_info.py: what is on a later page",
    "C14": "unit/modules/test_connect_email_info.py: texts of a survey",
    "C17": "unit/modules/test_connect_email_info.py: an unusable wish",
    "C26": "unit/modules/test_connect_email_info.py: several tenants",
    "C30": "unit/modules/test_connect_email_info.py: several tenants, each with its own login",
}

SHARED = replace(BOX.mailbox, kind="SharedMailbox")
AGENT, AGENT_ID, TEAM_ID = (
    "agent@contoso.example",
    "ab000000-0000-4000-8000-0000000000bb",
    "ab000000-0000-4000-8000-0000000000cc",
)
BY_AGENT = {"connect_email_assets": [{"mailbox": ADDRESS, "forwarding_address": TARGET, "login_id": AGENT}]}
BY_ALIAS = {"connect_email_assets": [{"mailbox": "help@contoso.example", "forwarding_address": TARGET}]}
REQUIRED = replace(DIRECTORY, assignment_required=True)
TEAM, CHECK = Assignee("Team", TEAM_ID, True), {"connect_email_external_forwarding": "check"}
NOBODY = ConsentPolicies([])
OLDER = replace(secret(2, -9), start=NOW - timedelta(days=200))
THREE = [secret(1, 170), OLDER, secret(3, 5, "printer")]
BY_HAND = secret(3, 90, "by hand")
RECOMMENDED = ConsentPolicies(["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"])
IN_CAPITALS = ConsentPolicies(["managePermissionGrantsForOwnedResource.x", RECOMMENDED.entries[0].upper()])
MANAGED = {"connect_email_user_consent": "microsoft_managed"}
LOW = ConsentPolicies(["ManagePermissionGrantsForSelf.microsoft-user-default-low"])
BLOCKING = boxed(smtp_auth=replace(OPEN, policy="Block Basic", policy_blocks_basic=True))
FINANCE = ("Finance",)
EVERYBODY, MEMBER = "contoso.example", {"staff": {BOX.mailbox.guid: True, TARGET: False}}
TO_STAFF = Condition("SentToMemberOf", ("staff",))
LOCK = OutboundPolicy("Finance lock", "Off")


def agent(send_as: list[str] | None, groups: frozenset[str] | None = frozenset(), **known: str) -> Mail:
    """The mailbox with the agent who signs in for it, and those who may send as it."""
    signer = Signer(AGENT_ID, groups=groups, direct_groups=groups)
    return boxed(mailbox=SHARED, account_disabled=True, deep=Deep([], send_as, [], known), signer=signer)


def flowing(**differences: Any) -> Mail:
    return replace(MAIL, flow=replace(FLOW, **differences))


def locked(in_finance: bool | None = None, **conditions: Any) -> Mail:
    """Another policy comes before ours."""
    members = {} if in_finance is None else {"finance": {BOX.mailbox.guid: in_finance}}
    rules = [OutboundRule("Finance lock", "Finance lock", 0, **conditions), replace(FLOW.rules[0], priority=1)]
    return flowing(policies=[*FLOW.policies, LOCK], rules=rules, members=members)


def rejecting(*conditions: Condition, members: dict[str, dict[str, bool]] | None = None) -> Mail:
    rule = TransportRule("Rule", 0, True, verbs=("rejects",), conditions=conditions)
    return flowing(transport_rules=[rule], members=members or {})


YOUNG = flowing(rules=[], policies=FLOW.policies[:1])


def mailed(**differences: Any) -> Mail:
    return boxed(mailbox=mailbox(kind="UserMailbox", **differences))


def ruled(does: str, **differences: Any) -> Mail:
    return boxed(mailbox=mailbox(kind="UserMailbox", **differences), deep=Deep([InboxRule("To Connect", does)], [], []))


def granted(*grants: Grant, policies: ConsentPolicies = NOBODY, **differences: Any) -> Directory:
    return replace(DIRECTORY, grants=list(grants), consent_policies=policies, **differences)


def of_user(object_id: str) -> Grant:
    return Grant("g", EXCHANGE.object_id, object_id, "SMTP.Send")


def required(*assigned: Assignee) -> Directory:
    return replace(REQUIRED, assigned=list(assigned))


def in_group(**found: Any) -> Mail:
    return boxed(signer=Signer(USER_ID, groups=frozenset([TEAM_ID]), **found))


def closed(own: bool | None, organization: bool = True) -> Mail:
    return boxed(smtp_auth=SmtpAuth(own, organization, None, False, None, []))


def permissions(**names: list[str]) -> dict[str, Any]:
    return {"connect_email_permissions": [{"resource": "Office 365 Exchange Online", **names}]}


def tenant_wide(scopes: str, of: Any = EXCHANGE) -> Grant:
    return Grant("g", of.object_id, None, scopes)


OFFLINE = tenant_wide("offline_access", GRAPH)


@dataclass
class Cause:
    """``of`` is a row of the catalogue, a case, or blank; ``where`` a verdict, step:NAME or note:NAME."""

    of: str
    label: str
    directory: Directory
    mail: Mail
    where: str
    says: str
    fact: str | None = None
    wishes: dict[str, Any] = field(default_factory=dict)


S, A = "can_send", "arrives"
STEP = "step:external_forwarding"
AADSTS50011, CONSENT, SEND_AS, TWICE = CATALOGUE[0], CATALOGUE[1], "5.2.252, 5.7.60", "5.7.520 although On"
NOT_IN_CONNECT = "mail in the mailbox, not in Connect"

CAUSES = [
    Cause(AADSTS50011, "typo", of_app(redirect_uris=[CALLBACK + "s"]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(AADSTS50011, "slash", of_app(redirect_uris=[CALLBACK + "/"]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(AADSTS50011, "case", of_app(redirect_uris=[CALLBACK.replace("c", "C")]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(AADSTS50011, "region", of_app(redirect_uris=[CALLBACK.replace(".us.", ".eu.")]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(AADSTS50011, "SPA", of_app(redirect_uris=[], spa_redirect_uris=[CALLBACK]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(AADSTS50011, "native", of_app(redirect_uris=[], public_redirect_uris=[CALLBACK]), MAIL, S, "no", "redirect_uri_missing"),
    Cause(CONSENT, "user consent off", granted(), MAIL, S, "no", "consent_missing"),
    Cause(CONSENT, "low impact only", granted(policies=LOW, low_impact={}), MAIL, S, "no", "consent_missing"),
    Cause(CONSENT, "Microsoft decides", granted(policies=RECOMMENDED), MAIL, S, "unknown", "consent_missing"),
    Cause(CONSENT, "of the wrong API", granted(tenant_wide("SMTP.Send", GRAPH), OFFLINE, policies=RECOMMENDED), MAIL, S, "unknown", "consent_missing"),
    Cause(CONSENT, "application permission only", granted(OFFLINE), MAIL, S, "no", "consent_missing"),
    Cause(CONSENT, "of somebody else", granted(of_user("other"), OFFLINE), MAIL, S, "unknown", "consent_missing"),
    Cause(CONSENT, "of the user", granted(of_user(USER_ID.upper()), OFFLINE), MAIL, S, "yes", "consent_of_the_user"),
    Cause(CONSENT, "of the user where another signs in", granted(of_user(USER_ID), OFFLINE), agent([AGENT]), S, "unknown", "consent_missing", BY_AGENT),
    Cause(CONSENT, "of who signs in", granted(of_user(AGENT_ID), OFFLINE), agent([AGENT]), S, "yes", "consent_of_the_user", BY_AGENT),
    Cause(CONSENT, "no Exchange plan (650052)", replace(DIRECTORY, resources={**RESOURCES, EXCHANGE_ONLINE: None}), MAIL, S, "no", "api_absent"),
    Cause("AADSTS700054, 700051", "tick is off", of_app(issue_access_tokens=False), MAIL, "step:implicit_grant", "drift"),
    Cause("AADSTS7000222", "all expired", of_app(secrets=[secret(1, -1)]), MAIL, S, "no", "no_live_secret"),
    Cause("AADSTS7000222", "the held one expired", of_app(secrets=[secret(1, -1), secret(2, 90)]), MAIL, S, "no", "secret_expired"),
    Cause("AADSTS7000222", "the held one is gone", of_app(secrets=[secret(2, 90)]), MAIL, S, "no", "secret_removed"),
    Cause("AADSTS7000222", "will stop", of_app(secrets=[secret(1, 12)]), MAIL, S, "until", "secret_ends_soon"),
    Cause("AADSTS7000222", "will stop, a newer one there", of_app(secrets=[secret(1, 12), secret(2, 180)]), MAIL, S, "until", "secret_ends_soon"),
    Cause("AADSTS7000222", "only strangers' secrets", replace(of_app(secrets=[BY_HAND]), record=None), MAIL, S, "unknown", "only_other_secrets"),
    Cause("AADSTS700016, 90002", "no application", replace(DIRECTORY, named=[]), MAIL, S, "no", "application_absent"),
    Cause("AADSTS700016, 90002", "no service principal", replace(DIRECTORY, principal=None), MAIL, S, "no", "service_principal_absent"),
    Cause("", "sign-in switched off (7000112)", replace(DIRECTORY, enabled=False), MAIL, S, "no", "sign_in_disabled"),
    Cause("", "disabled everywhere (7000112)", replace(DIRECTORY, disabled=True), MAIL, S, "no", "application_disabled"),
    Cause("AADSTS50194", "another audience", of_app(sign_in_audience="AzureADMultipleOrgs"), MAIL, "step:application", "drift"),
    Cause("AADSTS50194", "personal accounts only", of_app(sign_in_audience="PersonalMicrosoftAccount"), MAIL, S, "no", "personal_accounts_only"),
    Cause("AADSTS50105", "nobody is assigned", REQUIRED, MAIL, S, "no", "nobody_assigned"),
    Cause("AADSTS50105", "not read", replace(REQUIRED, assigned=None), MAIL, S, "unknown", "assignment_not_read"),
    Cause("AADSTS50105", "somebody else is", required(Assignee("Amy", "x")), MAIL, S, "no", "not_assigned"),
    Cause("AADSTS50105", "the user is", required(Assignee("Support", USER_ID)), MAIL, S, "yes", "assignment_required"),
    Cause("AADSTS50105", "a group is, not read", required(TEAM), MAIL, S, "unknown", "assignment_not_read"),
    Cause("AADSTS50105", "a group is, with the user", required(TEAM), in_group(direct_groups=frozenset([TEAM_ID])), S, "yes", "assignment_required"),
    Cause("AADSTS50105", "a group is, without the user", required(TEAM), in_group(direct_groups=frozenset()), S, "no", "not_assigned"),
    Cause("AADSTS50105", "who signs in is not known", required(TEAM), boxed(mailbox=SHARED, account_disabled=True), S, "unknown", "assignment_not_read"),
    Cause("AADSTS50105", "login_id was not looked up", required(Assignee("Agent", AGENT_ID)), MAIL, S, "unknown", "assignment_not_read", BY_AGENT),
    Cause("AADSTS50105", "login_id is assigned", required(Assignee("Agent", AGENT_ID)), agent([AGENT]), S, "yes", "assignment_required", BY_AGENT),
    Cause("works for an hour, then dies", "no offline_access", granted(tenant_wide("SMTP.Send")), MAIL, S, "no", "consent_missing"),
    Cause("works for an hour, then dies", "SPA too", of_app(spa_redirect_uris=[CALLBACK]), MAIL, S, "unknown", "redirect_uri_also_elsewhere"),
    Cause("535 5.7.3", "security defaults", replace(DIRECTORY, security_defaults=True), MAIL, S, "yes", "security_defaults_on"),
    Cause("535 5.7.3", "security defaults are noted", replace(DIRECTORY, security_defaults=True), MAIL, "note:security_defaults", "warning"),
    Cause("535 5.7.3", "leaver", DIRECTORY, boxed(account_disabled=True), S, "no", "sign_in_blocked"),
    Cause("535 5.7.3", "who signs in is gone", DIRECTORY, boxed(mailbox=SHARED, signer=Signer(is_absent=True)), S, "no", "login_absent", BY_AGENT),
    Cause("535 5.7.3", "a shared mailbox's user is always blocked", DIRECTORY, boxed(account_disabled=True, mailbox=SHARED), S, "yes", "smtp_auth_enabled"),
    Cause("535 5.7.3", "no mailbox", DIRECTORY, boxed(mailbox=None, failure=NotFound("gone")), S, "no", "mailbox_absent"),
    Cause("5.7.139", "mailbox", DIRECTORY, boxed(smtp_auth=replace(OPEN, mailbox_disabled=True)), S, "no", "smtp_auth_disabled"),
    Cause("5.7.139", "inherited", DIRECTORY, boxed(smtp_auth=replace(OPEN, mailbox_disabled=None)), S, "no", "smtp_auth_disabled"),
    Cause("5.7.30", "the dates", DIRECTORY, MAIL, "note:basic_smtp_auth_ends", "info"),
    Cause(SEND_AS, "nobody may", DIRECTORY, agent([]), S, "no", "send_as_missing", BY_AGENT),
    Cause(SEND_AS, "another may", DIRECTORY, agent(["Amy"], Amy="a1"), S, "no", "send_as_missing", BY_AGENT),
    Cause(SEND_AS, "somebody unknown may", DIRECTORY, agent(["S-1-5-21-7"]), S, "unknown", "send_as_not_found", BY_AGENT),
    Cause(SEND_AS, "a group may, who is in it was not read", DIRECTORY, agent(["Team"], None, Team=TEAM_ID), S, "unknown", "send_as_not_found", BY_AGENT),
    Cause(SEND_AS, "a group may", DIRECTORY, agent(["Team"], frozenset([TEAM_ID]), Team=TEAM_ID), S, "yes", "send_as_given", BY_AGENT),
    Cause(SEND_AS, "by address", DIRECTORY, agent([AGENT.upper()]), S, "yes", "send_as_given", BY_AGENT),
    Cause(SEND_AS, "refused to read", DIRECTORY, agent(None), S, "unknown", "send_as_not_read", BY_AGENT),
    Cause(SEND_AS, "not asked for", DIRECTORY, boxed(mailbox=SHARED), S, "yes", "send_as_not_read", BY_AGENT),
    Cause(SEND_AS, "not the primary address", DIRECTORY, replace(MAIL, boxes={"help@contoso.example": BOX}), S, "unknown", "not_the_primary_address", BY_ALIAS),
    Cause("5.7.520", "Automatic", DIRECTORY, flowing(rules=[]), A, "no", "outbound_policy_blocks"),
    Cause("5.7.520", "Off", DIRECTORY, flowing(policies=[OutboundPolicy("Default", "Off", True)], rules=[]), A, "no", "outbound_policy_blocks"),
    Cause("5.7.520", "only checked", DIRECTORY, flowing(rules=[]), STEP, "blocked", "outbound_policy_blocks", CHECK),
    Cause(TWICE, "another rule first", DIRECTORY, locked(senders=(ADDRESS,)), A, "no", "outbound_policy_blocks"),
    Cause(TWICE, "a rule of a group first, not read", DIRECTORY, locked(groups=FINANCE), A, "unknown", "outbound_policy_unclear"),
    Cause(TWICE, "a rule of a group first, in it", DIRECTORY, locked(True, groups=FINANCE), A, "no", "outbound_policy_blocks"),
    Cause(TWICE, "a rule of a group first, not in it", DIRECTORY, locked(False, groups=FINANCE), A, "yes", "outbound_policy_allows"),
    Cause(TWICE, "a rule of all first, excepted", DIRECTORY, locked(True, domains=(EVERYBODY,), except_groups=FINANCE), A, "yes", "outbound_policy_allows"),
    Cause(TWICE, "our rule is switched off", DIRECTORY, flowing(rules=[replace(FLOW.rules[0], enabled=False)]), A, "no", "outbound_policy_blocks"),
    Cause(TWICE, "remote domain", DIRECTORY, flowing(remote_domains=[RemoteDomain("Default", "*", False)]), A, "no", "remote_domain_blocks"),
    Cause(TWICE, "policies not read", DIRECTORY, flowing(policies=None), A, "unknown", "outbound_policy_unclear"),
    Cause(TWICE, "remote domains not read", DIRECTORY, flowing(remote_domains=None), A, "unknown", "remote_domain_unclear"),
    Cause(NOT_IN_CONNECT, "alias typo or an old one", DIRECTORY, mailed(external_forward="b" + TARGET[1:]), A, "no", "forwards_elsewhere"),
    Cause(NOT_IN_CONNECT, "no forwarding", DIRECTORY, mailed(), A, "no", "forwarding_absent"),
    Cause(NOT_IN_CONNECT, "transport rule outside", DIRECTORY, rejecting(Condition("SentToScope", ("NotInOrganization",))), A, "no", "transport_rule_blocks"),
    Cause(NOT_IN_CONNECT, "transport rule for the mailbox", DIRECTORY, rejecting(Condition("SentTo", (ADDRESS,))), A, "no", "transport_rule_blocks"),
    Cause(NOT_IN_CONNECT, "transport rule for a group, not read", DIRECTORY, rejecting(TO_STAFF), A, "unknown", "transport_rule_unclear"),
    Cause(NOT_IN_CONNECT, "transport rule for a group, in it", DIRECTORY, rejecting(TO_STAFF, members=MEMBER), A, "no", "transport_rule_blocks"),
    Cause(NOT_IN_CONNECT, "inbox rule instead", DIRECTORY, ruled("forwards to Connect <" + TARGET + ">"), A, "unknown", "inbox_rule_instead"),
    Cause(NOT_IN_CONNECT, "an inbox rule to somebody else", DIRECTORY, ruled("forwards to boss@contoso.example"), A, "no", "forwarding_absent"),
    Cause("duplicates", "inbox rule and forwarding", DIRECTORY, ruled("forwards to " + TARGET, external_forward=TARGET), "note:inbox_rules", "warning"),
    Cause("C01", "spaces and repeats", granted(tenant_wide("  offline_access SMTP.Send SMTP.Send"), OFFLINE), MAIL, "step:consent", "as_wanted"),
    Cause("C06", "two of the name", replace(DIRECTORY, named=[APPLICATION, replace(APPLICATION, app_id="b")]), MAIL, S, "unknown", "several_applications"),
    Cause("C07", "not customizable", DIRECTORY, replace(YOUNG, dehydrated=True), STEP, "blocked", "organization_not_customizable"),
    Cause("C10", "Automatic is reported as blocking, and ours to settle", DIRECTORY, flowing(rules=[]), STEP, "drift", "outbound_policy_blocks"),
    Cause("C13", "neither an expired namesake counts nor a stranger", of_app(secrets=THREE), MAIL, "step:secret", "as_wanted"),
    Cause("C13", "within the days before the end", of_app(secrets=[secret(1, 20)]), MAIL, "step:secret", "expiring", "secret_ends_soon"),
    Cause("C18", "nothing of exactly this name", replace(DIRECTORY, named=[]), MAIL, "step:application", "drift", "application_absent"),
    Cause("C19", "internal forward wins", DIRECTORY, mailed(external_forward=TARGET, internal_forward="Doe, Jordan"), A, "no", "internal_forward_wins"),
    Cause("C19", "and is never replaced unasked", DIRECTORY, mailed(internal_forward="Doe, Jordan"), "step:forwarding", "blocked", "internal_forward_wins"),
    Cause("C21", "not set, the organization closed", DIRECTORY, closed(None), S, "no", "smtp_auth_disabled"),
    Cause("C21", "not set, the organization open", DIRECTORY, closed(None, False), S, "yes", "smtp_auth_enabled"),
    Cause("C21", "its own setting wins", DIRECTORY, closed(True, False), S, "no", "smtp_auth_disabled"),
    Cause("C23", "two mailboxes", DIRECTORY, boxed(mailbox=None, failure=Conflict("two")), S, "unknown", "several_mailboxes"),
    Cause("C29", "letter case and others", replace(DIRECTORY, consent_policies=IN_CAPITALS), MAIL, "step:user_consent", "as_wanted", wishes=MANAGED),
    Cause("C36", "a permission that the API does not have", DIRECTORY, MAIL, "step:permissions", "blocked", wishes=permissions(delegated=["SMTP.Snd"])),
    Cause("C36", "of the wrong kind", DIRECTORY, MAIL, "step:permissions", "blocked", wishes=permissions(application=["SMTP.Send"])),
    Cause("C40", "a policy blocks passwords", DIRECTORY, BLOCKING, S, "yes", "smtp_auth_enabled"),
    Cause("C40", "and is noted", DIRECTORY, BLOCKING, "note:authentication_policy_blocks_passwords", "info"),
]  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES, ids=[f"{cause.of}: {cause.label}" for cause in CAUSES])
def test_each_cause_is_named(cause: Cause) -> None:
    report = judged(cause.directory, cause.mail, **cause.wishes)
    kind, _colon, name = cause.where.partition(":")
    if kind == "note":
        assert {note["name"]: note["level"] for note in report["security_notes"]}[name] == cause.says
        return
    if kind == "step":
        found = step(report, name)
        said = found["state"]
    else:
        found = report["assets"][0]["verdict"][kind]
        said = found["answer"]
        assert said == "yes" or report["state"] != "ok"
    assert said == cause.says
    assert cause.fact is None or cause.fact in [fact["name"] for fact in found["because"]]


COUNTING = [c for c in CAUSES if c.says in ("no", "unknown", "blocked", "drift") and not c.where.startswith("note:")]


@pytest.mark.parametrize("cause", COUNTING, ids=[f"{cause.of}: {cause.label}" for cause in COUNTING])
def test_each_cause_keeps_a_tenant_from_being_ready_by_its_own_text(cause: Cause) -> None:
    report = judged(cause.directory, cause.mail, **cause.wishes)
    found = (
        step(report, cause.where[5:])
        if cause.where.startswith("step:")
        else report["assets"][0]["verdict"][cause.where]
    )
    named = [one_line(fact["text"]) for fact in found["because"] if fact["name"] == cause.fact]
    page = "\n".join(reasons(report, []))
    assert page
    assert all(text in page for text in named)
    assert named or cause.fact is None


def test_the_whole_catalogue_is_here_and_what_reading_cannot_see_has_a_reason() -> None:
    seen = {cause.of for cause in CAUSES} - {""}
    assert set(UNSEEN) <= set(CATALOGUE)
    assert not seen & set(UNSEEN)
    assert seen == (set(CATALOGUE) - set(UNSEEN)) | set(CASES_SEEN)
    assert not set(CASES_SEEN) & set(CASES_ELSEWHERE)


def test_a_cause_of_one_direction_leaves_the_other_alone() -> None:
    for cause in CAUSES:
        other = {S: A, A: S}.get(cause.where)
        both = ("mailbox_absent", "several_mailboxes")
        if other and cause.fact not in both and not cause.wishes:
            assert judged(cause.directory, cause.mail)["assets"][0]["verdict"][other]["answer"] == "yes", cause.label


def test_the_fact_that_decides_a_group_is_told_with_the_group() -> None:
    report = judged(required(TEAM))
    (fact,) = report["assets"][0]["verdict"]["can_send"]["because"]
    assert "who is in Team was not read" in fact["text"]
    assert step(report, "application")["state"] == "unreadable"
    report = judged(mail=locked(groups=FINANCE))
    assert (
        "who is a member of Finance, which is not read"
        in report["assets"][0]["verdict"]["arrives"]["because"][0]["text"]
    )
    assert "who is in the groups that decide" in [e["what"] for e in report["coverage"] if e["kind"] == "not_asked"]
