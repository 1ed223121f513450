#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: connect_report_files
short_description: Files that tell how an audit of Webex Connect email assets went
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Writes what M(webex_connect.office365.connect_email_info) returned as files for those who read it.
  - C(report.json) is the audit itself, for programs. Its form is C(docs/report.schema.json). Everything in it but C(run)
    is the same, byte for byte, as long as nothing changes in the tenants and no date is reached.
  - C(report.html) is for people. It is one file, needs no network, and runs no script but its own.
  - C(junit.xml) is for CI servers. A tenant is a suite, and a step of the guide for one object is a case. What differs
    has failed, what could not be read is an error, and what is waived was skipped, with the reason.
  - C(action_plan.csv) has a line for each thing to do, the most urgent first.
  - C(secret_expiry.ics) has an event with alarms for the day on which each client secret ends.
  - The report that lay in the folder before is kept as C(report.previous.json), and what is new, fixed and still open
    since then is told in the files and in the result.
  - The task signs in nowhere, sends nothing and judges nothing. The files are readable by their owner only. No secret is
    in them, but they tell how tenants are set up.
extends_documentation_fragment:
  - webex_connect.office365._auth
  - webex_connect.office365._attributes
attributes:
  check_mode:
    support: partial
    details:
      - The files are written in check mode too, because they change no tenant, and an audit is most wanted from a run
        that changes nothing. Leave the task out where no file may be written.
options:
  directory:
    description:
      - The folder of the files. It is made, for its owner only, where it is missing.
      - A file that exists there under one of the names and is none of these makes the task fail.
      - In a job of AWX, or in an execution environment, a folder that would vanish with the container is refused.
    type: path
    required: true
  reports:
    description:
      - The reports by the name of the tenant, as RV(webex_connect.office365.connect_email_info#module:reports) of
        M(webex_connect.office365.connect_email_info).
    type: dict
    required: true
  run:
    description:
      - When and how the audit ran, as RV(webex_connect.office365.connect_email_info#module:run). All dates are compared
        with its C(at).
    type: dict
    required: true
  formats:
    description:
      - Which files are written.
      - Without V(json) the next run has nothing to compare with.
      - An empty list writes nothing, and only finds out whether O(directory) can be used.
    type: list
    elements: str
    choices: [json, html, junit, csv, ics]
    default: [json, html, junit, csv, ics]
  previous:
    description:
      - An earlier C(report.json) to compare with, for instance that of the last quarter.
      - Left out, it is the one that lies in O(directory).
    type: path
notes:
  - The options by which other modules sign in are accepted, so that they can stand in C(module_defaults), and not used.
  - RV(ignore:changed) says whether a file was written. A new run of the audit has another moment and therefore other
    files, whether or not anything changed in a tenant; RV(report) tells that.
  - No right in a tenant is needed.
seealso:
  - module: webex_connect.office365.connect_email_info
"""

EXAMPLES = r"""
- name: Look at a tenant
  webex_connect.office365.connect_email_info:
    tenant_id: 0f47778c-61c2-4b0a-8e94-3f05e737a1dd
    client_id: c0000001-0000-4000-8000-000000000001
    client_secret: "{{ lookup('ansible.builtin.env', 'ADMIN_SECRET_CONTOSO') }}"
    wanted:
      connect_email_callback_url: https://contoso.us.webexconnect.io/callback
      connect_email_assets:
        - mailbox: support@contoso.example
          forwarding_address: a41a0ba3566ed2091155f13e48e6d4f8@mail-us.imiconnect.io
  register: audit

- name: Write all files
  webex_connect.office365.connect_report_files:
    directory: /srv/webex-connect/report
    reports: "{{ audit.reports }}"
    run: "{{ audit.run }}"

- name: Write only the page, compared with the end of last quarter
  webex_connect.office365.connect_report_files:
    directory: /srv/webex-connect/quarter
    reports: "{{ audit.reports }}"
    run: "{{ audit.run }}"
    formats: [html]
    previous: /srv/webex-connect/archive/2026-09-30/report.json
"""

RETURN = r"""
tenant_id:
  description: Always null, because the files are of no tenant in particular.
  returned: success
  type: str
report:
  description: Where the files are, and what is in them in short. Tenants are listed by name.
  returned: success
  type: dict
  contains:
    directory:
      description: The folder.
      type: str
    files:
      description: Path of each file that was written or is up to date, by its name.
      type: dict
    states:
      description: How many tenants are in which state.
      type: dict
    down:
      description: Tenants in which at least one asset cannot send, or its mail does not arrive.
      type: list
      elements: str
    unreachable:
      description: Tenants of which nothing is known.
      type: list
      elements: str
    blocked:
      description: Tenants in which something stands in the way of a step.
      type: list
      elements: str
    drift:
      description: Tenants in which a step differs from what is wanted.
      type: list
      elements: str
    expiring:
      description: Tenants in which a secret ends soon.
      type: list
      elements: str
    unreadable:
      description: Tenants in which a step could not be read.
      type: list
      elements: str
    incomplete:
      description: Tenants of which something was not read.
      type: list
      elements: str
    since:
      description: What changed since the earlier report; null without one.
      type: dict
      contains:
        at:
          description: The moment of the earlier report.
          type: str
        new:
          description: What is open now and was not. Each has C(tenant), C(step) and C(object).
          type: list
          elements: dict
        fixed:
          description: What was open and is as wanted now.
          type: list
          elements: dict
        still_open:
          description: What was open and still is.
          type: list
          elements: dict
        not_compared:
          description: Tenants that are not in the earlier report.
          type: list
          elements: str
  sample:
    directory: /srv/webex-connect/report
    files:
      report.html: /srv/webex-connect/report/report.html
      report.json: /srv/webex-connect/report/report.json
    states: {unreachable: 0, blocked: 0, drift: 1, unreadable: 0, expiring: 0, ok: 2}
    down: [contoso]
    unreachable: []
    blocked: []
    drift: [contoso]
    expiring: []
    unreadable: []
    incomplete: []
    since:
      at: "2026-11-24T08:00:00Z"
      new:
        - {tenant: contoso, step: smtp_auth, object: support@contoso.example}
      fixed: []
      still_open: []
      not_compared: []
waited:
  description: Always empty, because nothing is waited for.
  returned: success
  type: list
  elements: dict
"""

import os

from ..module_utils._converge import Resource, run_module
from ..module_utils._errors import InvalidInput
from ..module_utils._files import refuse_unwritable, refuse_vanishing, text_of, write_planned
from ..module_utils._reporting import files

OPTIONS = {
    "directory": {"type": "path", "required": True},
    "reports": {"type": "dict", "required": True},
    "run": {"type": "dict", "required": True},
    "formats": {"type": "list", "elements": "str", "choices": files.FORMATS, "default": files.FORMATS},
    "previous": {"type": "path"},
}


def check(options):
    refuse_vanishing(options["directory"], "directory")
    options["directory"] = os.path.abspath(options["directory"])
    files.check(options)
    for name in files.names_of(options["formats"]):
        refuse_unwritable(os.path.join(options["directory"], name), "directory")


def read(tenant, options):
    names = files.names_of(options["formats"])
    texts = {name: text_of(os.path.join(options["directory"], name)) for name in names}
    previous = options["previous"]
    if previous is None:
        return files.Current(texts)
    text = text_of(previous)
    if text is None or not text.strip():
        raise InvalidInput("previous names {0}, and there is no report.".format(previous))
    return files.Current(texts, text)


def apply(tenant, options, plan):
    write_planned(plan.steps)
    return {}


RESOURCE = Resource(
    key="report",
    options=OPTIONS,
    check=check,
    read=read,
    plan=files.plan_files,
    apply=apply,
    offline=True,
    writes_in_check_mode=True,
    of_tenants=True,
)


def main():
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
