#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: handoff_sheet
short_description: Sheet of what to enter in Webex Connect for one email asset
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Writes one asset's hand-off sheet as Markdown, and the same values as JSON beside it. It tells the Webex Connect
    operator what to enter in which field, in which order, and who signs in; the Microsoft 365 administrator what was
    set up; and operations when the secret ends and what must never be deleted.
  - A secret's text is never on the sheet, only the place where it lies, its key id and its end.
  - The sheet holds no time of writing, so a second run with the same values changes nothing.
  - The task signs in nowhere and sends nothing. The files are readable by their owner only.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
options:
  path:
    description:
      - The Markdown file. The JSON file has the same name with the suffix C(.json) in place of C(.md).
      - A file that exists there and is no hand-off sheet makes the task fail.
    type: path
    required: true
  asset:
    description:
      - The email asset in Webex Connect.
    type: dict
    required: true
    suboptions:
      mailbox:
        description: The mailbox, by its primary address. It becomes Email ID and Username.
        type: str
        required: true
      forwarding_address:
        description: The asset's Forwarding Address, as Webex Connect shows it.
        type: str
        required: true
      callback_url:
        description: The asset's Call Back URL, as Webex Connect shows it.
        type: str
        required: true
      name:
        description: Name of the asset. Left out, the sheet leaves it to the operator.
        type: str
      shared:
        description:
          - Whether it is a shared mailbox, which nobody signs in as. A person then signs in for it.
        type: bool
        default: false
      login_id:
        description:
          - Who signs in to generate the token, if not the mailbox itself. The account needs Send As on the mailbox.
          - Left out for a shared mailbox, the sheet has a blank for it.
        type: str
      keep_copy:
        description:
          - Whether a copy shall stay in the mailbox. What the sheet states is O(forwarding); this is only accepted so
            that an asset of the role P(webex_connect.office365.connect_email#role) can be given as it is.
        type: bool
  application:
    description:
      - The RV(webex_connect.office365.azure_app_registration#module:application) of
        M(webex_connect.office365.azure_app_registration). Read are C(app_id), C(object_id), C(service_principal_id),
        C(display_name), C(sign_in_audience), C(redirect_uris) and C(issue_access_tokens).
      - Its C(app_id) may be null in check mode only.
    type: dict
    required: true
  secret:
    description:
      - The RV(webex_connect.office365.app_secret#module:secret) of M(webex_connect.office365.app_secret).
      - Left out, the sheet says that it is not known.
    type: dict
    suboptions:
      display_name:
        description: Name of the secret.
        type: str
      key_id:
        description: Key id of the secret, by which the portal lists it.
        type: str
      end:
        description: When the secret ends.
        type: str
      stored_in:
        description: Where the secret's text lies.
        type: str
      rotate_before_days:
        description: How many days before its end the secret is renewed. Left out, the sheet has no day of renewal.
        type: int
      app_id:
        description: Accepted and not used.
        type: str
      rotation:
        description:
          - Where the secret stands in its rotation. While older secrets of the name are left, the sheet tells what to do
            in the asset that exists. Read are C(old_key_ids), C(since) and C(retire_after).
        type: dict
      proved:
        description: Accepted and not used.
        type: bool
      proof:
        description: Accepted and not used.
        type: dict
      start:
        description: Accepted and not used.
        type: str
      other_live_key_ids:
        description: Accepted and not used.
        type: list
        elements: str
      secret_text:
        description: Accepted, masked in all output, and never written.
        type: str
  permissions:
    description:
      - What is granted for the organization, as C(granted) of the
        RV(webex_connect.office365.admin_consent#module:consent) of M(webex_connect.office365.admin_consent).
      - Each entry has C(resource), C(application) and C(delegated).
      - Left out, the sheet says that it was not read.
    type: list
    elements: dict
  smtp_auth:
    description:
      - The RV(webex_connect.office365.mailbox_smtp_auth#module:smtp_auth) of
        M(webex_connect.office365.mailbox_smtp_auth).
      - Left out, the sheet says that it was not read.
    type: dict
  forwarding:
    description:
      - The RV(webex_connect.office365.mailbox_forwarding#module:forwarding) of
        M(webex_connect.office365.mailbox_forwarding).
      - Left out, the sheet says that it was not read.
    type: dict
  smtp_host:
    description:
      - The SMTP server that Webex Connect sends through.
      - Left out, it is that of O(cloud), V(smtp.office365.com) for V(public).
    type: str
  smtp_port:
    description:
      - Its port.
    type: int
    default: 587
  smtp_security:
    description:
      - What Webex Connect calls Security. Microsoft 365 takes V(STARTTLS) on port 587.
    type: str
    choices: [STARTTLS, SSL, None]
    default: STARTTLS
notes:
  - Of the options that all modules take, only O(tenant_id) and O(cloud) count; both may come from the environment.
  - The URLs on the sheet name the login host of O(cloud), whatever O(authority_host) says. That option is for the
    automation's own way to the service; Webex Connect and the person who signs in go to Microsoft.
  - No right in the tenant is needed.
seealso:
  - module: webex_connect.office365.azure_app_registration
  - module: webex_connect.office365.app_secret
  - module: webex_connect.office365.admin_consent
  - module: webex_connect.office365.mailbox_smtp_auth
  - module: webex_connect.office365.mailbox_forwarding
"""

EXAMPLES = r"""
- name: Write the sheet of the hotline's asset from what the tasks before it returned
  webex_connect.office365.handoff_sheet:
    tenant_id: "{{ registration.tenant_id }}"
    path: /srv/webex-connect/contoso/support@contoso.example.md
    asset:
      mailbox: support@contoso.example
      forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
      callback_url: https://contoso.us.webexconnect.io/callback
    application: "{{ registration.application }}"
    secret: "{{ client_secret.secret }}"
    permissions: "{{ admin_consent.consent.granted }}"
    smtp_auth: "{{ smtp.smtp_auth }}"
    forwarding: "{{ forward.forwarding }}"

- name: Write the sheet of a shared mailbox, for which a person signs in
  webex_connect.office365.handoff_sheet:
    tenant_id: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
    path: /srv/webex-connect/contoso/orders@contoso.example.md
    asset:
      name: Orders
      mailbox: orders@contoso.example
      forwarding_address: 0c3e1bb14d2f4a9d8f0b6a7c5e2d1f33@mail-us.imiconnect.io
      callback_url: https://contoso.us.webexconnect.io/callback
      shared: true
      login_id: connect.operator@contoso.example
    application:
      app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    secret:
      display_name: webex-connect
      key_id: 0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21
      end: "2027-05-23T09:00:00Z"
      stored_in: the team's vault, webex/contoso
      rotate_before_days: 30
"""

RETURN = r"""
tenant_id:
  description: The tenant, as it was given.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
sheet:
  description: The sheet. What is not known is null, as in check mode for an application that is yet to be made.
  returned: success
  type: dict
  contains:
    mailbox:
      description: The mailbox.
      type: str
    path:
      description: The Markdown file.
      type: str
    json_path:
      description: The JSON file.
      type: str
    app_id:
      description: Application (client) ID on the sheet.
      type: str
    key_id:
      description: Key id of the secret on the sheet.
      type: str
    secret_stored_in:
      description: Where the secret's text lies.
      type: str
    secret_end:
      description: When the secret ends.
      type: str
  sample:
    mailbox: support@contoso.example
    path: /srv/webex-connect/contoso/support@contoso.example.md
    json_path: /srv/webex-connect/contoso/support@contoso.example.json
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    key_id: 0e1d3c2b-7a4f-4a0e-9a55-3c0f8a9e7d21
    secret_stored_in: /srv/webex-connect/secrets/0f47778c-61c2-4b0a-8e94-3f05e737a1dd/webexconnect.yml
    secret_end: "2027-05-23T09:00:00Z"
waited:
  description: Always empty, because nothing is waited for.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._errors import InvalidInput
from ..module_utils._files import refuse_unwritable, text_of, write_planned
from ..module_utils._planning import handoff_sheet as planning

SECRET_OPTIONS = {
    "display_name": {"type": "str"},
    "key_id": {"type": "str", "no_log": False},
    "end": {"type": "str"},
    "stored_in": {"type": "str"},
    "rotate_before_days": {"type": "int"},
    "app_id": {"type": "str"},
    "rotation": {"type": "dict"},
    "proved": {"type": "bool"},
    "proof": {"type": "dict"},
    "start": {"type": "str"},
    "other_live_key_ids": {"type": "list", "elements": "str", "no_log": False},
    # An option only so that a text that is handed over by mistake is masked.
    "secret_text": {"type": "str", "no_log": True},
}
ASSET_OPTIONS = {
    "mailbox": {"type": "str", "required": True},
    "forwarding_address": {"type": "str", "required": True},
    "callback_url": {"type": "str", "required": True},
    "name": {"type": "str"},
    "shared": {"type": "bool", "default": False},
    "login_id": {"type": "str"},
    "keep_copy": {"type": "bool"},
}
OPTIONS = {
    "path": {"type": "path", "required": True},
    "asset": {"type": "dict", "required": True, "options": ASSET_OPTIONS},
    "application": {"type": "dict", "required": True},
    "secret": {"type": "dict", "no_log": False, "options": SECRET_OPTIONS},
    "permissions": {"type": "list", "elements": "dict"},
    "smtp_auth": {"type": "dict"},
    "forwarding": {"type": "dict"},
    "smtp_host": {"type": "str"},
    "smtp_port": {"type": "int", "default": 587},
    "smtp_security": {"type": "str", "choices": planning.SECURITIES, "default": "STARTTLS"},
}


def check(options):
    planning.check(options)
    for path in (options["path"], planning.json_path_of(options["path"])):
        refuse_unwritable(path, "path")


def read(tenant, options):
    path = options["path"]
    return planning.Current(tenant.tenant_id, tenant.cloud, text_of(path), text_of(planning.json_path_of(path)))


def apply(tenant, options, plan):
    if not options["application"].get("app_id"):
        raise InvalidInput("application has no app_id, which only check mode accepts.", "Make the application first.")
    write_planned(plan.steps)
    return {}


RESOURCE = Resource(
    key="sheet",
    options=OPTIONS,
    check=check,
    read=read,
    plan=planning.plan_sheet,
    apply=apply,
    offline=True,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
