# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Looks from outside at what Webex Connect will meet. Each look stands for itself: one that fails hides no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple, Union

from ._auth import OPENID_CONFIGURATION, Token, tenant_of
from ._errors import TenantError, UnexpectedReply
from ._login import GUID
from ._planning.smtp_conversation import Conversation
from ._planning.smtp_oauth import Seen, SignIn, smtp_server, wishes_for
from ._proof import sign_in
from ._rows import parse_time
from ._smtp import Account, converse
from ._survey_directory import read_directory
from ._transport import judge_by_status

if TYPE_CHECKING:
    from ._planning.audit_seen import Directory
    from ._tenant import Tenant

LONGEST_WAIT = 120.0  # seconds for a secret that was made moments ago


def look(tenant: Tenant, options: Mapping[str, Any]) -> Seen:
    """Raises only for options that would send something to a wrong place."""
    login = tenant.login
    host = smtp_server(options, login.cloud, login.built_in)
    metadata = _metadata(tenant)
    directory = _directory(tenant, options)
    tenant_id = _tenant_id(tenant, metadata)
    found, token = _sign_in(tenant, tenant_id, options)
    account = Account(options["mailbox"], token.text) if options["login"] and token else None
    conversation: Optional[Conversation] = None
    if host is not None:
        conversation = converse(host, options["smtp_port"], login.verify, login.timeout, account)
    return Seen(
        cloud=login.cloud,
        authority_host=login.authority_host,
        tenant_id=tenant_id,
        admin_client_id=tenant.admin_client_id,
        now=tenant.now(),
        conversation=conversation,
        metadata=metadata,
        sign_in=found,
        directory=directory,
    )


def _metadata(tenant: Tenant) -> Union[Dict[str, Any], TenantError]:
    """The tenant's OpenID configuration, or what the sign-in said instead."""
    login = tenant.login
    doing = "read the sign-in addresses of tenant {0}".format(login.tenant_id)
    url = "{0}/{1}{2}".format(login.authority_host, login.tenant_id, OPENID_CONFIGURATION)
    try:
        answer = tenant.open_transport(login.verify).send("GET", url, doing, repeatable=True, judge=judge_by_status)
    except TenantError as failure:
        return failure
    found = answer.object()
    if "issuer" not in found and "error" not in found:
        return UnexpectedReply(
            "Could not {0}: {1} answered with something that is no sign-in answer.".format(doing, login.authority_host),
            "Look for a proxy or gateway in between, and check the endpoints.",
        )
    return found


def _tenant_id(tenant: Tenant, metadata: Union[Mapping[str, Any], TenantError]) -> str:
    """The GUID, also where a domain was given and the admin identity could not sign in."""
    if GUID.match(tenant.tenant_id) or isinstance(metadata, TenantError):
        return tenant.tenant_id
    return tenant_of(metadata) or tenant.tenant_id


def _directory(tenant: Tenant, options: Mapping[str, Any]) -> Union[Directory, TenantError, None]:
    wishes = wishes_for(options)
    if wishes is None:
        return None
    try:
        return read_directory(tenant, wishes, options["opened_app_secret_store"])
    except TenantError as failure:
        return failure


def _sign_in(tenant: Tenant, tenant_id: str, options: Mapping[str, Any]) -> Tuple[SignIn, Optional[Token]]:
    app_id, name, store = options["app_id"], options["app_secret_name"], options["opened_app_secret_store"]
    if not app_id or store is None:
        missing = "app_id" if not app_id else "app_secret_store"
        return SignIn(untried="{0} is not given, so there is no secret to try".format(missing)), None
    try:
        record = store.record_of(tenant_id, app_id, name)
        text = store.text_of(tenant_id, app_id, name)
    except TenantError as failure:
        return SignIn(untried=failure.message), None
    if not text:
        return SignIn(untried="{0} holds no text of the secret {1!r}".format(store.place, name)), None
    start = parse_time(record.start) if record and record.start else None
    limit = min(LONGEST_WAIT, float(tenant.login.replication_timeout))
    try:
        token = sign_in(tenant, app_id, text, record.key_id if record else None, start, limit)
    except TenantError as failure:
        return SignIn(failure=failure, looks_like_an_id=bool(GUID.match(text.strip()))), None
    return SignIn(roles=token.roles), token
