# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""Reads who is in the groups that decide: those that rules of mail flow, Send As and the application's assignments name.

Exchange Online tells which object a name in a rule means, and Microsoft Graph the groups that somebody is in: a call a
group, and a call a mailbox. Where no group decides nothing is asked. A name that means no group of the directory, such
as that of a dynamic distribution group, stays undecided.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, FrozenSet, List, Mapping, Optional, Sequence, Union

from ._errors import Conflict, NotFound, TenantError, UnexpectedReply
from ._exchange_calls import Command
from ._graph_calls import quoted
from ._planning.audit_seen import Box, Directory, Mail, Signer
from ._planning.audit_wishes import Asset, Wishes
from ._planning.forwarding_rules import groups_of_rules
from ._rows import Row
from ._tenant import Tenant

READ_USERS = "User.Read.All"  # the least for "user: list transitiveMemberOf"; the ids of groups need no more
DOING = "read who is in the groups that decide"
MEMBERSHIPS = "memberships"
ID = "ExternalDirectoryObjectId"
Ids = Mapping[str, Optional[str]]
"""Object ids by name in lower case; None where nothing is called so. What is not in it could not be told."""
Answers = Mapping[str, Union[Row, List[Row], TenantError, None]]


def read_memberships(graph: Tenant, exchange: Tenant, wishes: Wishes, directory: Directory, mail: Mail) -> Mail:
    """The half of Exchange Online with what was found out."""
    unread = dict(mail.unread)
    assets = [asset for asset in wishes.assets if _box(mail, asset).mailbox is not None]
    groups, of_recipients = groups_of_rules(mail.flow)
    names = [*groups, *([asset.target for asset in assets] if of_recipients else [])]
    names += [who for asset in assets if asset.login_id for who in _may_send_as(_box(mail, asset))]
    ids = _identified(exchange, names, unread)
    by_assignment = bool(directory.assignment_required) and any(one.is_group for one in directory.assigned or [])
    paths: Dict[str, str] = {}
    for asset in assets:
        own, signs_in = _box(mail, asset).object_id, asset.login_id or _box(mail, asset).object_id
        if asset.login_id:
            paths["user " + asset.login_id] = "/users/{0}?$select=id".format(quoted(asset.login_id))
        for who in {own if groups else None, signs_in if asset.login_id or by_assignment else None} - {None}:
            paths["groups {0}".format(who)] = "/users/{0}/transitiveMemberOf?$select=id".format(quoted(str(who)))
        if by_assignment and signs_in:
            paths["direct " + signs_in] = "/users/{0}/memberOf?$select=id".format(quoted(signs_in))
    lists = [name for name in paths if not name.startswith("user ")]
    wanted = {name: (path, READ_USERS) for name, path in paths.items()}
    answers = graph.graph_calls.each(wanted, lists, DOING) if wanted else {}
    boxes = {asset.mailbox: _with_signer(_box(mail, asset), asset, answers, ids, unread) for asset in assets}
    members = {group.lower(): _members(group, assets, mail, answers, ids, unread) for group in groups}
    return replace(mail, boxes={**mail.boxes, **boxes}, flow=replace(mail.flow, members=members), unread=unread)


def _box(mail: Mail, asset: Asset) -> Box:
    return mail.boxes.get(asset.mailbox, Box())


def _may_send_as(box: Box) -> Sequence[str]:
    return (box.deep.send_as if box.deep else None) or ()


def _identified(exchange: Tenant, names: Sequence[str], unread: Dict[str, TenantError]) -> Ids:
    """Which objects the names in rules and rights mean."""
    asked = list(dict.fromkeys(name.lower() for name in names if name.strip()))
    commands = [Command("Get-Recipient", DOING, {"Identity": name}, ("Name", ID), (ID,)) for name in asked]
    ids: Dict[str, Optional[str]] = {}
    for name, answer in zip(asked, exchange.exchange_calls.read_many(commands) if commands else []):
        if isinstance(answer, NotFound):
            ids[name] = None
        elif isinstance(answer, TenantError):
            if not isinstance(answer, Conflict):
                unread.setdefault(MEMBERSHIPS, answer)
        elif len(answer) == 1:
            ids[name] = (answer[0].text(ID) or "").lower()
    return ids


def _groups(
    kind: str, who: Optional[str], answers: Answers, unread: Dict[str, TenantError]
) -> Optional[FrozenSet[str]]:
    """Ids of the groups that somebody is in. A user that is there is in a list of groups, be it an empty one."""
    name = "{0} {1}".format(kind, who)
    if name not in answers:
        return None
    answer = answers[name]
    if isinstance(answer, list):
        return frozenset(row.required_text("id").lower() for row in answer)
    failure = (
        answer if isinstance(answer, TenantError) else UnexpectedReply("Microsoft Graph does not know {0}.".format(who))
    )
    unread.setdefault(MEMBERSHIPS, failure)
    return None


def _with_signer(box: Box, asset: Asset, answers: Answers, ids: Ids, unread: Dict[str, TenantError]) -> Box:
    deep = box.deep
    if deep is not None:
        known = {who: ids.get(who.lower()) for who in deep.send_as or ()}
        deep = replace(deep, ids_of_send_as={who: found for who, found in known.items() if found})
    who, object_id, absent = asset.login_id or box.object_id, box.object_id, False
    if asset.login_id:
        user = answers.get("user " + asset.login_id)
        if isinstance(user, TenantError):
            unread.setdefault(MEMBERSHIPS, user)
        object_id, absent = (user.required_text("id").lower(), False) if isinstance(user, Row) else (None, user is None)
        if absent:
            return replace(box, deep=deep, signer=Signer(is_absent=True))
    return replace(
        box,
        deep=deep,
        signer=Signer(
            object_id, absent, _groups("groups", who, answers, unread), _groups("direct", who, answers, unread)
        ),
    )


def _members(
    group: str, assets: Sequence[Asset], mail: Mail, answers: Answers, ids: Ids, unread: Dict[str, TenantError]
) -> Dict[str, bool]:
    """By mailbox id and by forwarding address. An address that is no recipient of the organization is in no group."""
    group_id = ids.get(group.lower())
    members = {asset.target.lower(): False for asset in assets if ids.get(asset.target.lower(), "") is None}
    if group_id:
        for asset in assets:
            box = _box(mail, asset)
            held = _groups("groups", box.object_id, answers, unread)
            if box.mailbox and held is not None:
                members[box.mailbox.guid] = group_id in held
    return members
