# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: restore_calls
short_description: The tasks that play a snapshot back
version_added: 1.0.0
author:
  - webex_connect.office365 maintainers (@webex-connect-office365)
description:
  - Turns a snapshot, which modules of this collection write to C(snapshot_path), into the calls of modules that put the
    former state back, the last one first. The playbook C(webex_connect.office365.restore) carries them out.
options:
  _input:
    description: The content of the snapshot file, read as JSON.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what playing a snapshot back would do
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', '/srv/snapshots/contoso.json') | from_json | webex_connect.office365.restore_calls }}"
"""

RETURN = r"""
_value:
  description:
    - One dictionary a call, with C(module), C(options), C(what) it is about, and C(person).
    - Where no module can put something back, C(module) is null and C(person) says what somebody has to do.
  type: list
  elements: dict
"""

import json

from ansible.errors import AnsibleFilterError

from ..module_utils._planning.playback import calls_of


def restore_calls(snapshot):
    try:
        return calls_of(json.loads(json.dumps(snapshot, default=str)))
    except ValueError as problem:
        raise AnsibleFilterError(f"The snapshot cannot be played back: {problem}.") from None


class FilterModule:
    def filters(self):
        return {"restore_calls": restore_calls}
