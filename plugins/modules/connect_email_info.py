#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connect_email_info
short_description: Audit of Webex Connect email assets, for one tenant or many
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Reads everything that a Webex Connect email asset needs in Microsoft 365, and judges it against what is wanted. The
    judgement is that of the other modules, so that a step drifts here exactly where they would change something.
  - For each asset a report says whether mail can be sent and whether it arrives, and because of which facts. Judged is
    what is effective, with the organization's settings, policies, remote domains and transport rules counted in.
  - What could not be read is told with the right that is missing. It is never taken for "not configured", and a report
    with such a gap never says that all is well.
  - Nothing is ever written, neither to a tenant nor to a store.
  - With O(tenants) a list of tenants is audited at once in one process, each with its own login, connections and time.
    A tenant that is slow or dead, or whose entry is unusable, has that in its own report and holds up no other.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
attributes:
  diff_mode:
    support: N/A
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    details:
      - Nothing is changed.
options:
  wanted:
    description:
      - What is wanted of the tenant, as the variables of the role C(webex_connect.office365.connect_email) have it. A
        blank one is not given, and then has the role's default.
      - Exactly one of O(wanted) and O(tenants) is needed.
    type: dict
    suboptions: &wanted
      connect_email_app_name:
        description: Display name of the application. Left out, C(WebexConnect).
        type: str
      connect_email_app_id:
        description: Application (client) ID of an application that is confirmed to be the right one.
        type: str
      connect_email_app_unique_name:
        description: Unique name of the application.
        type: str
      connect_email_app_adopt_by_name:
        description: Whether a single application of the name is taken for ours whoever made it, a boolean.
        type: raw
      connect_email_sign_in_audience:
        description: Who may sign in. Left out, C(AzureADMyOrg).
        type: str
      connect_email_issue_access_tokens:
        description: Whether the implicit grant issues access tokens, a boolean. Left out, true.
        type: raw
      connect_email_callback_url:
        description: The Call Back URL that Webex Connect shows for the assets. It is needed.
        type: str
      connect_email_permissions:
        description: What the application asks for and is granted. Left out, the role's default.
        type: list
        elements: dict
        suboptions:
          resource:
            description: The API.
            type: str
          application:
            description: Application permissions.
            type: list
            elements: str
          delegated:
            description: Delegated permissions.
            type: list
            elements: str
      connect_email_secret_name:
        description: Name of the client secret. Left out, C(webex-connect).
        type: str
      connect_email_secret_valid_days:
        description: Days until a new secret ends. Left out, 180.
        type: raw
      connect_email_secret_rotate_before_days:
        description: A secret that ends within this many days is told to end soon. Left out, 30.
        type: raw
      connect_email_secret_grace_days:
        description: Days that a superseded secret is left before it may be retired. Left out, 7.
        type: raw
      connect_email_secret_confirmed_key_id:
        description: Key id that Webex Connect is confirmed to hold.
        type: str
      connect_email_secret_adopt:
        description: What becomes of a live secret of the name whose text the store does not hold. Left out, V(keep).
        type: str
      connect_email_secret_store:
        description:
          - Where the secret's text is kept, as for M(webex_connect.office365.app_secret). Only the record beside the text
            is read, which tells the secret that Webex Connect was given.
        type: dict
        suboptions:
          type:
            description: Kind of store.
            type: str
            choices: [file, sealed, azure_key_vault, hashi_vault]
            default: file
          path:
            description: The file, for V(file) and V(sealed). Left out for V(file), no store is read.
            type: path
          vault:
            description: Whether the file is encrypted with Ansible Vault.
            type: bool
            default: false
          vault_id:
            description: The vault identity.
            type: str
          recipient_certificate_path:
            description: File of the recipient's certificate, for V(sealed).
            type: path
          vault_url:
            description: Address of the Azure Key Vault.
            type: str
          secret_name:
            description: Name of the Key Vault secret.
            type: str
          url:
            description: Address of HashiCorp Vault.
            type: str
          namespace:
            description: Namespace in HashiCorp Vault.
            type: str
          mount_point:
            description: Where the key/value engine is mounted.
            type: str
            default: secret
          secret_path:
            description: Path in the engine.
            type: str
          token:
            description: Token for HashiCorp Vault.
            type: str
          role_id:
            description: AppRole for HashiCorp Vault.
            type: str
          secret_id:
            description: Secret id of the AppRole.
            type: str
          auth_mount_point:
            description: Where AppRole is mounted.
            type: str
            default: approle
          ca_path:
            description: Certificate authorities to trust for HashiCorp Vault alone.
            type: path
      connect_email_user_consent:
        description: Whether users may consent to applications. Left out, it is told and not judged.
        type: str
      connect_email_external_forwarding:
        description: How forwarding outside is allowed, V(scoped), V(organization) or V(check). Left out, V(scoped).
        type: str
      connect_email_assets:
        description: The email assets.
        type: list
        elements: dict
        suboptions:
          mailbox:
            description: The mailbox, best by its primary address.
            type: str
          forwarding_address:
            description: The asset's Forwarding Address.
            type: str
          keep_copy:
            description: Whether a copy stays in the mailbox, a boolean.
            type: raw
          replace_internal:
            description: Whether a forward to an internal recipient may be ended, a boolean.
            type: raw
          name:
            description: Name of the asset; has no effect.
            type: str
          shared:
            description: Whether it is a shared mailbox; has no effect, as this is read.
            type: raw
          login_id:
            description: Who signs in for the mailbox, if not the mailbox itself.
            type: str
  tenants:
    description:
      - Several tenants. The login options of the task are those of each tenant that does not have its own; a credential
        of a tenant's own silences the task's and, with them, the environment's.
    type: list
    elements: dict
    suboptions:
      name:
        description: The key of the report.
        type: str
        required: true
      tenant_id:
        description: The tenant, as its GUID or one of its verified domains.
        type: str
        required: true
      client_id:
        description: Application (client) ID of the admin identity.
        type: str
      client_secret:
        description: A client secret of the admin identity.
        type: str
      client_certificate_path:
        description: File of its certificate with the private key.
        type: path
      client_certificate_password:
        description: Password of that file.
        type: str
      federated_token_file:
        description: File of a token of a workload identity.
        type: path
      cloud:
        description: The Microsoft cloud.
        type: str
      authority_host:
        description: Address of the sign-in service.
        type: str
      graph_endpoint:
        description: Address of Microsoft Graph.
        type: str
      exchange_endpoint:
        description: Address of Exchange Online.
        type: str
      ca_path:
        description: Certificate authorities to trust.
        type: path
      validate_certs:
        description: Whether certificates are verified.
        type: bool
      timeout:
        description: Seconds to wait for a connection, and for an answer.
        type: int
      max_retries:
        description: How often one request is tried again.
        type: int
      replication_timeout:
        description: Has no effect, as nothing is waited for.
        type: int
      problem:
        description: Why nothing else is known of the tenant. It is then not read, and its report says this.
        type: str
      wanted:
        description: What is wanted, as O(wanted).
        type: dict
        required: true
        suboptions: *wanted
  name:
    description:
      - With O(wanted), the key of the report. Left out, it is the tenant as given.
    type: str
  waivers:
    description:
      - Deviations that are accepted. A step that one covers has the state V(waived) and does not count; one whose last
        day is over hides nothing.
      - A waiver never changes whether mail can be sent or arrives.
    type: list
    elements: dict
    suboptions:
      what:
        description:
          - A step such as V(implicit_grant), a step of one object such as V(smtp_auth:support@contoso.example), or a
            security note such as V(tenant_wide_mail_send).
        type: str
        required: true
      reason:
        description: Why it is accepted.
        type: str
        required: true
      owner:
        description: Who accepted it.
        type: str
        required: true
      until:
        description: Its last day (UTC), such as V(2027-03-31).
        type: str
        required: true
      tenant:
        description: Name or id of the tenant that it is for. Left out, all.
        type: str
  deep:
    description:
      - Whether inbox rules, who may send as or open a mailbox, and who is in the groups that decide are read as well. They
        cost three calls a mailbox; and where a rule of mail flow, Send As or the application's assignments name a group, a
        call for the group and one for each mailbox.
      - Without it, what a group decides is told to be unread, and judged neither way.
    type: bool
    default: false
  rights_only:
    description:
      - Whether, instead of reports, only what the admin identity is allowed to do is read, and compared with what O(steps)
        need for O(wanted). It costs the two tokens and one request to Exchange Online.
      - Application permissions are told by the tokens, management roles by the cmdlets that Exchange Online lists for the
        identity. What decides and cannot be read is told as unknown, and never as lacking.
    type: bool
    default: false
  steps:
    description:
      - With O(rights_only=true), the steps of the role to look at, by their tags. Left out, all but V(scope).
    type: list
    elements: str
    choices: [app, secret, permission, consent, smtp_auth, policy, scope, forwarding, handoff]
  concurrency:
    description:
      - How many tenants are audited at the same time.
    type: int
    default: 32
  time_budget:
    description:
      - Seconds after which a tenant is given up, waiting for a service that throttles and reading its store included.
        What was not read by then is told to be unread.
      - Left out, 120 with O(wanted), and 30 with O(tenants), where one that is dead shall not prolong the whole.
    type: int
notes:
  - Least rights of the admin identity are the Microsoft Graph application permissions C(Directory.Read.All) and
    C(Policy.Read.All), and C(Exchange.ManageAsApp) with the management roles C(View-Only Recipients) and
    C(View-Only Configuration) of Exchange Online, which the directory role Global Reader brings along. The first tells the
    application and its grants, the second who may consent, the last two everything about mailboxes. With
    C(Application.Read.All) in place of the first, delegated grants are not seen.
  - A tenant with 25 assets costs about five requests beside the tokens. Lists that are refused or cut short are replaced
    by reads of single mailboxes, which the report tells.
  - The schema of the reports is C(docs/report.schema.json) of this collection. Everything but RV(run) is the same when
    nothing has changed.
seealso:
  - module: webex_connect.office365.azure_app_registration
  - module: webex_connect.office365.mailbox_smtp_auth
  - module: webex_connect.office365.external_forwarding_policy
"""

EXAMPLES = r"""
- name: Will mail flow?
  webex_connect.office365.connect_email_info:
    wanted:
      connect_email_callback_url: https://contoso.us.webexconnect.io/callback
      connect_email_secret_store:
        path: /srv/webex-connect/secrets.yml
      connect_email_assets:
        - mailbox: support@contoso.example
          forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
  register: audit

- name: Say why not
  ansible.builtin.debug:
    msg: "{{ item.mailbox }}: {{ item.verdict.can_send.because | map(attribute='text') | list }}"
  loop: "{{ (audit.reports.values() | first).assets }}"
  loop_control:
    label: "{{ item.mailbox }}"
  when: item.verdict.can_send.answer != 'yes'

- name: Audit several tenants at once with one admin identity
  webex_connect.office365.connect_email_info:
    client_id: 5e0c5b0e-7f0c-4c0a-9f3e-0d2f6a1f4b77
    client_certificate_path: /etc/webex-connect/admin.pem
    tenants:
      - name: contoso
        tenant_id: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
        wanted:
          connect_email_callback_url: https://contoso.us.webexconnect.io/callback
      - name: fabrikam
        tenant_id: fabrikam.example
        wanted:
          connect_email_callback_url: https://fabrikam.eu.webexconnect.io/callback
    waivers:
      - what: tenant_wide_mail_send
        reason: Cisco's support asks for it
        owner: security@contoso.example
        until: "2027-03-31"
        tenant: contoso

- name: May this identity do all that onboarding needs?
  webex_connect.office365.connect_email_info:
    wanted:
      connect_email_callback_url: https://contoso.us.webexconnect.io/callback
      connect_email_assets:
        - mailbox: support@contoso.example
          forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
    rights_only: true
  register: allowed
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID, null with O(tenants).
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
schema_version:
  description: Version of the schema of the reports.
  returned: success
  type: str
  sample: "1.0"
rights:
  description: What each admin identity lacks, by the tenant's name; empty without O(rights_only=true).
  returned: success
  type: dict
  contains:
    tenant_id:
      description: The tenant's GUID; as it was given, where there was no sign-in.
      type: str
    admin_client_id:
      description: The admin identity.
      type: str
    graph:
      description: The application permissions of Microsoft Graph in its token, null where there was no sign-in.
      type: list
      elements: str
    exchange:
      description: The same of Office 365 Exchange Online; empty where no step needs Exchange.
      type: list
      elements: str
    lacking:
      description: What the steps need and the identity lacks, in the order of the steps.
      type: list
      elements: dict
      contains:
        step:
          description: The step of the role.
          type: str
        module:
          description: The module that needs the right.
          type: str
        right:
          description: The permission or the management role, by its name.
          type: str
        kind:
          description: What kind of right that is, and of which service.
          type: str
        for:
          description:
            - V(change) where the step can look and may find that nothing is left to change, V(read) where it cannot even look.
          type: str
        grant:
          description: How and where it is granted.
          type: str
    unknown:
      description: What could not be told, in the same form, with the reason as C(because).
      type: list
      elements: dict
    summary:
      description: Both in sentences; empty where nothing is lacking or unknown.
      type: list
      elements: str
    error:
      description: Why nothing is known, null otherwise. A single tenant fails the task instead.
      type: str
  sample:
    contoso:
      tenant_id: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
      admin_client_id: 5e0c5b0e-7f0c-4c0a-9f3e-0d2f6a1f4b77
      graph: [Application.ReadWrite.All, DelegatedPermissionGrant.ReadWrite.All]
      exchange: [Exchange.ManageAsApp]
      lacking:
        - step: forwarding
          module: mailbox_forwarding
          right: Mail Recipients
          kind: management role of Exchange Online
          for: change
          grant: by a role group of Exchange Online, or with the directory role Exchange Recipient Administrator
      unknown: []
      summary:
        - >-
          It lacks Mail Recipients (forwarding); grant by a role group of Exchange Online, or with the directory role
          Exchange Recipient Administrator.
      error: null
reports:
  description: One report a tenant, by its name; see C(docs/report.schema.json). Empty with O(rights_only=true).
  returned: success
  type: dict
  contains:
    state:
      description:
        - The worst that is not waived, one of V(unreachable), V(blocked), V(drift), V(unreadable), V(expiring) and V(ok).
      type: str
    complete:
      description: Whether nothing that was asked for is unread.
      type: bool
    error:
      description: Why nothing of the directory could be read, null otherwise.
      type: dict
    tenant:
      description: Id, name, and the organization's display name.
      type: dict
    mail:
      description: Whether mail of an asset is down, and the first moment at which one stops.
      type: dict
    application:
      description: The application, null if there is none or it was not read.
      type: dict
    secrets:
      description: Its secrets, without texts.
      type: list
      elements: dict
    rotation:
      description: Where the secret stands in its rotation.
      type: dict
    permissions:
      description: What the application asks for, and what was granted to it for the tenant and by single users.
      type: dict
    user_consent:
      description: Whether users may consent to applications.
      type: dict
    assets:
      description: Each asset with its mailbox, SMTP AUTH, forwarding and verdict.
      type: list
      elements: dict
    steps:
      description: Each step of the guide for each object, with its state, current and wanted settings, fix and facts.
      type: list
      elements: dict
    security_notes:
      description: Facts for an auditor.
      type: list
      elements: dict
    coverage:
      description: What was not read, and why.
      type: list
      elements: dict
    waivers:
      description: The waivers that concern the tenant.
      type: list
      elements: dict
run:
  description: When the audit began and how long each tenant took. It is no part of what is compared between runs.
  returned: success
  type: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._login import LOGIN_OPTIONS
from ..module_utils._planning.preflight import STEPS
from ..module_utils._stores.store import STORE_OPTIONS
from ..module_utils._survey import survey

WANTED = {
    "connect_email_app_name": {"type": "str"},
    "connect_email_app_id": {"type": "str"},
    "connect_email_app_unique_name": {"type": "str"},
    "connect_email_app_adopt_by_name": {"type": "raw"},
    "connect_email_sign_in_audience": {"type": "str"},
    "connect_email_issue_access_tokens": {"type": "raw", "no_log": False},
    "connect_email_callback_url": {"type": "str"},
    "connect_email_permissions": {
        "type": "list",
        "elements": "dict",
        "options": {
            "resource": {"type": "str"},
            "application": {"type": "list", "elements": "str"},
            "delegated": {"type": "list", "elements": "str"},
        },
    },
    "connect_email_secret_name": {"type": "str", "no_log": False},
    "connect_email_secret_valid_days": {"type": "raw", "no_log": False},
    "connect_email_secret_rotate_before_days": {"type": "raw", "no_log": False},
    "connect_email_secret_grace_days": {"type": "raw", "no_log": False},
    "connect_email_secret_confirmed_key_id": {"type": "str", "no_log": False},
    "connect_email_secret_adopt": {"type": "str", "no_log": False},
    "connect_email_secret_store": {"type": "dict", "no_log": False, "options": STORE_OPTIONS},
    "connect_email_user_consent": {"type": "str"},
    "connect_email_external_forwarding": {"type": "str"},
    "connect_email_assets": {
        "type": "list",
        "elements": "dict",
        "options": {
            "mailbox": {"type": "str"},
            "forwarding_address": {"type": "str"},
            "keep_copy": {"type": "raw"},
            "replace_internal": {"type": "raw"},
            "name": {"type": "str"},
            "shared": {"type": "raw"},
            "login_id": {"type": "str"},
        },
    },
}
# Without defaults, so that what a tenant leaves out is the task's; and a null leaves it out, which choices would refuse.
LOGIN = {
    name: {key: value for key, value in option.items() if key not in ("default", "choices")}
    for name, option in LOGIN_OPTIONS.items()
    if name != "snapshot_path"
}
OPTIONS = {
    "wanted": {"type": "dict", "options": WANTED},
    "tenants": {
        "type": "list",
        "elements": "dict",
        "options": {
            **LOGIN,
            "name": {"type": "str", "required": True},
            "tenant_id": {"type": "str", "required": True},
            "problem": {"type": "str"},
            "wanted": {"type": "dict", "required": True, "options": WANTED},
        },
    },
    "name": {"type": "str"},
    "waivers": {
        "type": "list",
        "elements": "dict",
        "options": {
            "what": {"type": "str", "required": True},
            "reason": {"type": "str", "required": True},
            "owner": {"type": "str", "required": True},
            "until": {"type": "str", "required": True},
            "tenant": {"type": "str"},
        },
    },
    "deep": {"type": "bool", "default": False},
    "rights_only": {"type": "bool", "default": False},
    "steps": {"type": "list", "elements": "str", "choices": list(STEPS)},
    "concurrency": {"type": "int", "default": 32},
    "time_budget": {"type": "int"},
}


RESOURCE = Resource(
    key="reports",
    options=OPTIONS,
    constraints={
        "required_one_of": [("wanted", "tenants")],
        "mutually_exclusive": [("wanted", "tenants"), ("tenants", "name")],
    },
    plan=None,
    read=None,
    apply=None,
    survey=survey,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
