#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_oauth_info
short_description: Proves from outside what Webex Connect will meet when it signs in and sends
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Tries what can be tried before anybody opens Webex Connect, and tells of each check what it proves and what it does
    not. The SMTP server is spoken to as far as its offer of XOAUTH2; the tenant's sign-in is asked for its addresses, and
    for a token with the application's own stored secret; application and consent are read from Microsoft Graph.
  - With O(login=true), the application also signs in to the SMTP server for O(mailbox). The conversation ends with the
    server's answer. No mail is ever begun or sent.
  - A check that fails does not make the task fail, and hides no other check.
  - Nothing is ever written. Check mode makes no difference.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
  - webex_connect.office365._stores.app_secret
attributes:
  diff_mode:
    support: N/A
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    details:
      - Nothing is changed.
options:
  app_id:
    description:
      - Application (client) ID of the application that Webex Connect uses.
      - Left out or null, as it is for an application that is yet to be made, whatever needs it is reported as not
        possible.
    type: str
  app_secret_name:
    description:
      - Name of the application's secret in O(app_secret_store), as O(webex_connect.office365.app_secret#module:display_name).
    type: str
    default: webex-connect
  callback_url:
    description:
      - The asset's Call Back URL, as Webex Connect shows it. It is compared with the application's redirect URIs.
      - Left out, the application and its consent are not read.
    type: str
  mailbox:
    description:
      - The mailbox to sign in for, by its primary address. It counts with O(login=true) only.
    type: str
  smtp_host:
    description:
      - The SMTP server. Left out, it is that of O(cloud), V(smtp.office365.com) for V(public).
      - Where the endpoints are overridden, it has no default, and the server is not spoken to without it.
      - With O(login=true) and the cloud's own endpoints no other host than the cloud's own is accepted, as a token goes to
        the cloud that issued it and to no other.
    type: str
  smtp_port:
    description:
      - Its port for STARTTLS.
    type: int
    default: 587
  login:
    description:
      - Whether the application signs in to the SMTP server for O(mailbox), with a token of its own.
      - It needs a right that Webex Connect does not need. Either the application has the application permission
        C(SMTP.SendAsApp) of Office 365 Exchange Online and, with its service principal registered in Exchange,
        C(FullAccess) to the mailbox; or it has a role assignment of C(Application SMTP.SendAsApp) in Exchange, without that
        permission. Grant it for the trial and take it back afterwards. A change counts after up to two hours.
      - It proves nothing about the delegated sign-in that Webex Connect uses.
    type: bool
    default: false
notes:
  - Least rights of the admin identity are the Microsoft Graph application permissions C(Directory.Read.All) and
    C(Policy.Read.All). Without them the checks V(application) and V(consent) are reported as not
    possible.
  - O(timeout) is that of one answer of the SMTP server too. The conversation as a whole ends after three times as long.
  - The SMTP server is reached directly, never through a proxy.
  - The token stays in memory. It is in no result, and what a server repeats of it is masked.
  - Microsoft's page on it is
    U(https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth).
seealso:
  - module: webex_connect.office365.app_secret
  - module: webex_connect.office365.connect_email_info
"""

EXAMPLES = r"""
- name: Will Webex Connect be able to sign in?
  webex_connect.office365.smtp_oauth_info:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    app_secret_store:
      path: /srv/webex-connect/secrets.yml
    callback_url: https://contoso.us.webexconnect.io/callback
  register: outside

- name: Say what fails, and what to do
  ansible.builtin.debug:
    msg: "{{ item.because | join('; ') }}. {{ item.fix }}"
  loop: "{{ outside.checks | selectattr('state', 'eq', 'failed') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Sign in for a mailbox as well
  webex_connect.office365.smtp_oauth_info:
    app_id: 3f1c8c66-52f7-4d9c-9f6e-0d2f6a1f4b10
    app_secret_store:
      path: /srv/webex-connect/secrets.yml
    mailbox: support@contoso.example
    login: true
"""

RETURN = r"""
tenant_id:
  description: The tenant's GUID.
  returned: success
  type: str
  sample: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
checks:
  description: The checks, always all of them and in this order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - One of V(smtp_server), V(tenant), V(app_sign_in), V(application), V(consent), V(authorize_url) and
          V(smtp_login).
      type: str
    state:
      description:
        - V(passed) is what C(proves) says.
        - V(failed) is something that will stop Webex Connect as well, or that was asked for by O(login) and does not work.
        - V(not_possible) is that nothing was learned, because the check needs a person, was not asked for, or the service
          could not be reached from this machine.
      type: str
    cause:
      description:
        - A word for why, null for V(passed), such as V(certificate_not_trusted), V(secret_wrong),
          V(redirect_uri_missing), V(consent_missing) or V(smtp_auth_disabled_for_mailbox).
      type: str
    because:
      description: The same in sentences.
      type: list
      elements: str
    said:
      description: The service's own words, or its code and trace id; null if it said nothing.
      type: str
    fix:
      description: What to do next.
      type: str
    proves:
      description: What the check proves where it passes.
      type: str
    does_not_prove:
      description: What it does not.
      type: str
    roles:
      description: Of V(app_sign_in), the application permissions in the token.
      type: list
      elements: str
    url:
      description: Of V(authorize_url), the address that a person opens in a browser.
      type: str
    mailbox:
      description: Of V(smtp_login), O(mailbox).
      type: str
  sample:
    - name: smtp_login
      state: failed
      cause: smtp_auth_disabled_for_mailbox
      because: [SMTP AUTH is switched off for the mailbox]
      said: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.
      fix: "Enable SMTP AUTH for this mailbox alone."
      proves: The mailbox exists, SMTP AUTH is open for it, and Exchange accepts the application for it.
      does_not_prove: The delegated sign-in that Webex Connect uses. Nothing was sent.
      mailbox: support@contoso.example
waited:
  description: What was waited for, such as a secret that was made moments ago, with seconds.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._planning import smtp_oauth as planning
from ..module_utils._smtp_oauth import look
from ..module_utils._stores.store import STORE_OPTIONS

OPTIONS = {
    "app_id": {"type": "str"},
    "app_secret_name": {"type": "str", "default": "webex-connect", "no_log": False},
    "app_secret_store": {"type": "dict", "no_log": False, "options": STORE_OPTIONS},
    "callback_url": {"type": "str"},
    "mailbox": {"type": "str"},
    "smtp_host": {"type": "str"},
    "smtp_port": {"type": "int", "default": 587},
    "login": {"type": "bool", "default": False},
}


def apply(tenant, options, plan):
    return {}


RESOURCE = Resource(
    key="checks",
    options=OPTIONS,
    stores=("app_secret_store",),
    constraints={"required_if": [("login", True, ["mailbox"])]},
    check=planning.check,
    read=look,
    plan=planning.plan_checks,
    apply=apply,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
