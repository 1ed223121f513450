#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: readiness_page
short_description: Page that tells whether a tenant is ready for Webex Connect, and what only a person can do
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Writes one tenant's page (Markdown) from the report of M(webex_connect.office365.connect_email_info) and the checks of
    M(webex_connect.office365.smtp_oauth_info).
  - A tenant is ready if each asset can send and receive, no step differs from what is wanted, nothing is unread, and no
    check has failed. A check that was not possible is told and does not count.
  - The task signs in nowhere and sends nothing. The file is readable by its owner only. No secret is in it.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
attributes:
  check_mode:
    support: partial
    details:
      - The file is written in check mode too, because it changes no tenant.
options:
  path:
    description:
      - The file. One that exists there and is no such page makes the task fail.
      - In a job of AWX, or in an execution environment, a path that would vanish with the container is refused.
    type: path
    required: true
  name:
    description:
      - What the page calls the tenant.
    type: str
    required: true
  report:
    description:
      - The tenant's report, one of RV(webex_connect.office365.connect_email_info#module:reports).
    type: dict
    required: true
  checks:
    description:
      - The checks, as RV(webex_connect.office365.smtp_oauth_info#module:checks). Those of several calls may be joined.
    type: list
    elements: dict
    required: true
notes:
  - The options by which other modules sign in are accepted, so that they can stand in C(module_defaults), and not used.
  - No right in a tenant is needed.
seealso:
  - module: webex_connect.office365.connect_email_info
  - module: webex_connect.office365.smtp_oauth_info
"""

EXAMPLES = r"""
- name: Tell whether the tenant is ready
  webex_connect.office365.readiness_page:
    path: /srv/webex-connect/verify/contoso.md
    name: contoso
    report: "{{ audit.reports.contoso }}"
    checks: "{{ outside.checks }}"
"""

RETURN = r"""
tenant_id:
  description: Always null, because the file is of no tenant in particular.
  returned: success
  type: str
readiness:
  description: The verdict.
  returned: success
  type: dict
  contains:
    ready:
      description: Whether the tenant is ready.
      type: bool
    because:
      description: Why it is not.
      type: list
      elements: str
    path:
      description: The page.
      type: str
  sample:
    ready: false
    because: ["support@contoso.example cannot send: SMTP AUTH is disabled"]
    path: /srv/webex-connect/verify/contoso.md
waited:
  description: Always empty, because nothing is waited for.
  returned: success
  type: list
  elements: dict
"""

from ..module_utils._converge import Resource, run_module
from ..module_utils._files import refuse_unwritable, refuse_vanishing, text_of, write_planned
from ..module_utils._reporting import readiness

OPTIONS = {
    "path": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "report": {"type": "dict", "required": True},
    "checks": {"type": "list", "elements": "dict", "required": True},
}


def check(options):
    refuse_vanishing(options["path"], "path")
    refuse_unwritable(options["path"], "path")


def read(tenant, options):
    return text_of(options["path"])


def apply(tenant, options, plan):
    write_planned(plan.steps)
    return {}


RESOURCE = Resource(
    key="readiness",
    options=OPTIONS,
    check=check,
    read=read,
    plan=readiness.plan_page,
    apply=apply,
    offline=True,
    writes_in_check_mode=True,
    of_tenants=True,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
