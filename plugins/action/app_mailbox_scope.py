# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ..modules.app_mailbox_scope import RESOURCE
from ..plugin_utils._carrier import TenantAction


class ActionModule(TenantAction):
    resource = RESOURCE
