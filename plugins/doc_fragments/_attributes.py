# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""What every module promises, and the option by which the application is named."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
    support: full
    details:
      - Only reads are sent. The result has the same keys as in a real run; what only the server can know is null.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: full
    details:
      - Secrets are never part of a difference.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
  action_group:
    description: Use C(group/webex_connect.office365.tenant) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - webex_connect.office365.tenant
"""

    APPLICATION = r"""
options:
  app_id:
    description:
      - Application (client) ID of the application that Webex Connect uses.
      - Exactly one of O(app_id) and O(object_id) is needed. Both may be null in check mode only, as they are in the
        result of M(webex_connect.office365.azure_app_registration) for an application that is yet to be made.
    type: str
  object_id:
    description:
      - Object ID of the application (not of its service principal, which is called enterprise application).
    type: str
"""
