# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The store of type azure_key_vault: one Key Vault secret for each client secret, its record in tags.

Each text is a version of its own, written together with its tags, so neither is ever there without the other, and two
writers cannot overwrite one another. Records are read from lists of versions, which hold no text. What a run is
about to make is announced in a tag of the current version, or of a disabled version where there is none yet.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

from .._clouds import CLOUDS
from .._errors import InvalidInput, UnexpectedReply
from .._login import Login
from .._rows import Row, answer_to, parse_time
from .._service import Patience
from .._tenant import Tenant
from .._transport import origin_of, presentable
from .key_vault_calls import KeyVaultCalls, SoftDeleted, UnderWay
from .record import Record, from_tags, is_owned, to_tags, word_of
from .store import Store, StoreFailed, overtaken

NAME = re.compile(r"[0-9A-Za-z-]{1,127}\Z")
PLACE = re.compile(r"https://[^/\s?#]+/secrets/[0-9A-Za-z-]{1,127}(/[0-9A-Za-z-]{1,127})?\Z")
CONTENT_TYPE = "client secret of an Entra application"
NOTHING_YET = "No client secret is stored here yet."
Owner = Tuple[str, str, str]


class Version(NamedTuple):
    place: str
    created: int
    tags: Dict[str, str]

    @property
    def number(self) -> str:
        return self.place.rsplit("/", 1)[-1]

    @property
    def key_id(self) -> Optional[str]:
        return self.tags.get("key_id")


class KeyVaultStore(Store):
    _calls: KeyVaultCalls
    _patience: Patience

    def __init__(self, vault_url: Optional[str], secret_name: Optional[str]) -> None:
        if not vault_url:
            raise InvalidInput(
                "store has the type azure_key_vault, but no vault_url.",
                "Give the vault's address, such as https://contoso.vault.azure.net.",
            )
        if secret_name and not NAME.match(secret_name):
            raise InvalidInput(
                "store has the secret_name {0!r}, which Key Vault does not take.".format(secret_name),
                "It must be 1 to 127 letters (a to z), digits and hyphens.",
            )
        self._base = _base_of(vault_url)
        self._name = secret_name
        self._seen: Dict[Owner, Optional[str]] = {}
        self.place = "{0}/secrets".format(self._base) + ("/" + secret_name if secret_name else "")

    def bind(self, tenant: Tenant) -> None:
        _refuse_foreign(self._base, tenant.login)
        scope = CLOUDS[tenant.login.cloud].vault_scope
        self._calls = KeyVaultCalls(tenant.service("Key Vault", self._base, scope), tenant.admin_client_id)
        self._patience = tenant.patience

    def refuse_unwritable(self, tenant_id: str, app_id: Optional[str], display_name: str) -> None:
        if not app_id:
            self._calls.rows("/secrets", "list the secrets", most=1)

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        owner = (tenant_id, app_id.lower(), display_name)
        try:
            self._when_free(lambda: self._note(owner, start))
        except SoftDeleted:
            self._recover(owner)
            self._when_free(lambda: self._note(owner, start))

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        holder, is_current = self._look((tenant_id, app_id.lower(), display_name))
        if holder is None:
            return None
        record = from_tags(holder.tags, holder.place)
        if not is_current:
            record = Record(record.tenant_id, record.app_id, record.display_name, None, None, None, record.announced)
        return record if record.key_id or record.announced else None

    def text_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[str]:
        holder, is_current = self._look((tenant_id, app_id.lower(), display_name))
        if holder is None or not is_current:
            return None
        doing = "read the secret {0}".format(holder.place.split("/")[-2])
        answer = self._calls.call("GET", urlsplit(holder.place).path, doing)
        return answer_to(doing, answer).text("value") if answer else None

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        if self._name:
            versions = self._versions(self._name)
        else:
            versions = [_version(row) for row in self._calls.rows("/secrets", "list the secrets")]
        ours = (version.tags for version in versions if version.tags.get("tenant_id") == tenant_id)
        return frozenset(tags["app_id"] for tags in ours if tags.get("app_id") and tags.get("display_name"))

    def write(self, record: Record, text: str) -> str:
        owner = (record.tenant_id, record.app_id, record.display_name)
        name = self._name_of(owner)
        holder, is_current = self._look(owner)
        key_id = holder.key_id if holder and is_current else None
        if owner in self._seen and self._seen[owner] != key_id:
            raise overtaken(self.place, key_id)
        attributes: Dict[str, Any] = {"enabled": True}
        for attribute, moment in (("nbf", parse_time(record.start or "")), ("exp", parse_time(record.end or ""))):
            if moment:
                attributes[attribute] = int(moment.timestamp())
        body = {"value": text, "contentType": CONTENT_TYPE, "attributes": attributes, "tags": to_tags(record)}
        doing = "store the new text as secret {0}".format(name)
        answer = self._calls.call("PUT", "/secrets/" + name, doing, body, carries_text=True)
        self._seen.pop(owner, None)
        return answer_to(doing, answer or {}).required_text("id")

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        owner = (tenant_id, app_id.lower(), display_name)
        holder, _is_current = self._look(owner)
        if holder and holder.key_id in key_ids:
            name = self._name_of(owner)
            self._calls.call("DELETE", "/secrets/" + name, "delete the secret {0}".format(name))

    def _name_of(self, owner: Owner) -> str:
        name = self._name or "{0}-{1}".format(word_of(owner[2]), owner[1])
        self.place = "{0}/secrets/{1}".format(self._base, name)
        return name

    def _versions(self, name: str) -> List[Version]:
        """Oldest first; those of one second by the start of their credential."""
        doing = "list the versions of the secret {0}".format(name)
        found = [_version(row) for row in self._calls.rows("/secrets/{0}/versions".format(name), doing)]
        return sorted(found, key=lambda version: (version.created, version.tags.get("start", "")))

    def _look(self, owner: Owner) -> Tuple[Optional[Version], bool]:
        """(our newest version with a text, or else our newest; whether it is the text that a reader gets)"""
        name = self._name_of(owner)
        versions = self._versions(name)
        ours = [version for version in versions if is_owned(version.tags, *owner)]
        if versions and not ours:
            raise _foreign(self.place)
        texts = [version for version in ours if version.key_id]
        others = [version for version in versions if version not in ours or version.key_id]
        holder = (texts or ours)[-1] if ours else None
        return holder, holder in others[-1:]

    def _note(self, owner: Owner, start: Optional[str]) -> bool:
        name = self._name_of(owner)
        holder, is_current = self._look(owner)
        self._seen[owner] = holder.key_id if holder and is_current else None
        tags = {tag: value for tag, value in (holder.tags if holder else {}).items() if tag != "announced"}
        if start:
            tags["announced"] = start
        doing = "announce a new text in the tags of the secret {0}".format(name)
        if holder is None and start:
            tags.update(to_tags(Record(*owner, None, None, None)))
            body = {"value": NOTHING_YET, "contentType": CONTENT_TYPE, "attributes": {"enabled": False}, "tags": tags}
            self._calls.call("PUT", "/secrets/" + name, doing, body)
        elif holder and tags != holder.tags:
            answer = self._calls.call("PATCH", "/secrets/{0}/{1}".format(name, holder.number), doing, {"tags": tags})
            if answer is None:
                raise StoreFailed("Could not {0} in {1}: it has just been deleted.".format(doing, self._base))
        return True

    def _recover(self, owner: Owner) -> None:
        """A secret that was deleted keeps its name; only one that is certainly ours is taken out of the bin."""
        name = self._name_of(owner)
        for row in self._calls.rows("/deletedsecrets", "list the deleted secrets"):
            version = _version(row)
            if version.number == name and not is_owned(version.tags, *owner):
                raise _foreign("{0} (deleted, and holding its name until it is purged)".format(self.place))
        doing = "recover the deleted secret {0}".format(name)
        try:
            self._when_free(lambda: self._calls.call("POST", "/deletedsecrets/{0}/recover".format(name), doing))
        except StoreFailed as refusal:
            refusal.advice += " Or have somebody recover or purge that secret, or give another store.secret_name."
            raise
        self._patience.require(lambda: self._versions(name) or None, "the recovery of the secret {0}".format(name))

    def _when_free(self, act: Callable[[], Any]) -> None:
        def attempt() -> Optional[bool]:
            try:
                act()
            except UnderWay:
                return None
            return True

        self._patience.require(attempt, "Key Vault to finish with {0}".format(self.place))


def _version(row: Row) -> Version:
    tags = row.row("tags").plain()
    created = row.row("attributes").number("created") or 0
    place = row.required_text("id")
    if not PLACE.match(place):  # it becomes a part of addresses
        raise UnexpectedReply("{0} holds id in another form than documented.".format(row.what))
    return Version(place, created, {str(tag): str(value) for tag, value in tags.items()})


def _foreign(place: str) -> InvalidInput:
    return InvalidInput(
        "The Key Vault secret {0} holds something else than this client secret.".format(place),
        "Give another store.secret_name; it is not overwritten.",
    )


def _base_of(vault_url: str) -> str:
    try:
        parts = urlsplit(vault_url)
        scheme, host, port = origin_of(vault_url)
    except ValueError:
        raise InvalidInput("store.vault_url is {0!r}, which is no address.".format(presentable(vault_url))) from None
    if scheme != "https" or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise InvalidInput(
            "store.vault_url is {0!r}; it must be https and a host alone.".format(presentable(vault_url)),
            "The overview of the vault in the portal shows it as Vault URI.",
        )
    return "https://{0}{1}".format(host, "" if port == 443 else ":{0}".format(port))


def _refuse_foreign(base: str, login: Login) -> None:
    """The token for vaults goes to a vault of the login's own cloud and to no other host."""
    _scheme, host, port = origin_of(base)
    suffix = CLOUDS[login.cloud].vault_suffix
    if login.built_in:
        own = re.match(r"[a-z0-9-]{3,24}\." + re.escape(suffix) + r"\Z", host) and port == 443
    else:
        own = not any(host.endswith("." + cloud.vault_suffix) for cloud in CLOUDS.values())
    if not own:
        raise InvalidInput(
            "store.vault_url is {0}, which is no vault that the sign-in at {1} is good for.".format(
                base, login.authority_host
            ),
            "In the cloud {0} a vault is https://NAME.{1}. Nothing was sent there.".format(login.cloud, suffix)
            if login.built_in
            else "With overridden endpoints a vault of Microsoft's own is not sent a token.",
        )
