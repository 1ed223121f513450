# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: merge_reports
short_description: One audit out of the reports of several runs
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Puts the C(report.json) files together that runs with parts of an inventory wrote, such as the slices of a job. What
    comes out is as if one run had read all tenants. The role P(webex_connect.office365.connect_report#role) does this
    with C(connect_report_parts).
  - A file that is no report of this release is refused, and so is a tenant that is in two of them.
options:
  _input:
    description: Paths of the files. C(*) stands for any text.
    type: list
    elements: path
    required: true
"""

EXAMPLES = r"""
- name: Count the tenants of all slices
  ansible.builtin.debug:
    msg: "{{ (['/srv/slices/*/report.json'] | webex_connect.office365.merge_reports).reports | length }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary with C(reports) and C(run), as M(webex_connect.office365.connect_email_info) returns them. C(run.at) is
      that of the earliest.
  type: dict
"""

import glob
import json
import os

from ansible.errors import AnsibleFilterError

from ..module_utils._files import read_text
from ..module_utils._reporting.slices import merged


def merge_reports(paths):
    documents = {}
    # A pattern that nothing fits stays as it is, so that it is complained of.
    for path in [found for given in map(os.path.expanduser, paths) for found in glob.glob(given) or [given]]:
        try:
            documents[path] = json.loads(read_text(path) or "")
        except (OSError, ValueError) as problem:
            raise AnsibleFilterError(f"The report {path} cannot be read: {problem}.") from None
    try:
        return merged(documents)
    except ValueError as problem:
        raise AnsibleFilterError(f"The reports cannot be put together: {problem}.") from None


class FilterModule:
    def filters(self):
        return {"merge_reports": merge_reports}
