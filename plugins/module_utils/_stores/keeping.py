# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""A new secret and its store as one act: either the text is in the store, or the credential does not exist any more."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Any, Dict, Optional

from .._errors import PermissionMissing, Refused, TenantError
from .._graph_objects import Application, Secret
from .._rows import format_time, precise_time
from .record import Record
from .store import Store, StoreFailed


def keep_new_secret(
    tenant: Any,
    store: Optional[Store],
    display_name: str,
    application: Application,
    end: datetime,
    valid_days: int,
    return_text: bool,
) -> Dict[str, Any]:
    """What only the server knows of the new secret; its text only where it was asked for by name."""
    start = tenant.graph.start_of_a_secret()
    owner = (tenant.tenant_id, application.app_id.lower(), display_name)
    if store:
        store.announce(*owner, start=precise_time(start))
    try:
        secret, text = tenant.graph.add_secret(application, display_name, start, end)
    except (Refused, PermissionMissing) as refusal:
        tenant.secret_limits.explain(refusal, application, valid_days)
        if store:
            store.announce(*owner, start=None)
        raise
    place = None
    if store:
        record = Record(*owner, secret.key_id, precise_time(secret.start or start), _moment(secret.end))
        try:
            place = store.write(record, text)
        except BaseException as failure:
            _take_back(tenant, application, secret, failure)
            raise
    else:
        # No record tells the next run of it: where a lagging replica hid it, there would be a second one.
        with suppress(TenantError):  # whatever is wrong, the text must not be lost
            tenant.graph.see_secret(application, secret.key_id)
    return {
        "key_id": secret.key_id,
        "start": _moment(secret.start),
        "end": _moment(secret.end),
        "stored_in": place,
        "secret_text": text if return_text else None,
    }


def _take_back(tenant: Any, application: Application, secret: Secret, failure: BaseException) -> None:
    """Removes a credential whose text nobody has. If that fails too, its key id is what is needed to remove it."""
    try:
        tenant.graph.remove_secret(application, secret.key_id)
    except TenantError as second:
        raise StoreFailed(
            "The text of the new secret with key id {0} could not be stored ({1}), and the credential could not be"
            " removed again ({2}).".format(secret.key_id, failure, second.message),
            "Remove it by its key id: nobody has its text.",
            key_id=secret.key_id,
        ) from None
    if isinstance(failure, TenantError):
        failure.advice = "The new credential was removed again. " + failure.advice


def _moment(moment: Optional[datetime]) -> Optional[str]:
    return format_time(moment) if moment else None
