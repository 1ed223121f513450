# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The store of type hashi_vault: one path of a key/value engine (version 2) for each client secret.

A version holds the text and its record; the record stands in the path's custom metadata as well, with the number of
the version that it is of, so that it is read without the text. What a run is about to make is announced there too.
Texts are written with check-and-set against the version that was current when the run announced its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from .._errors import AnswerLost, InvalidInput
from .._rows import Row, answer_to, parse_time
from .._tenant import Tenant
from .._transport import Transport
from .hashi_vault_calls import HashiCalls, WrongVersion, login_of, path_of
from .record import DETAILS, OWNER, Record, from_tags, is_owned, to_tags, word_of
from .store import Store, StoreFailed, overtaken

FOLDER = "webex-connect"
NEEDED = {"data": ("create", "update"), "metadata": ("create", "read", "update")}
Owner = Tuple[str, str, str]


@dataclass(frozen=True)
class State:
    """Of one path, by its metadata."""

    version: int
    tags: Dict[str, str]
    is_readable: bool
    """Whether the current version is neither deleted nor destroyed."""

    @property
    def is_recorded(self) -> bool:
        return self.tags.get("version") == str(self.version)


def _data(doing: str, answer: Optional[Mapping[str, Any]]) -> Row:
    """What Vault wraps its answers in; nothing of it where there is no such thing."""
    return answer_to(doing, answer or {}).row("data")


class HashiVaultStore(Store):
    _calls: HashiCalls
    _transport: Transport

    def __init__(self, given: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._login = login_of(given, environ)
        self._ca_path = given["ca_path"]
        self._mount = path_of("mount_point", given["mount_point"])
        self._path = path_of("secret_path", given["secret_path"]) if given["secret_path"] else None
        self._versions: Dict[Owner, int] = {}  # current when this run announced its own
        self.place = self._place(self._path or FOLDER)

    def bind(self, tenant: Tenant) -> None:
        login = tenant.login
        verify = (self._ca_path or login.verify) if login.validate_certs else False
        self._transport = tenant.open_transport(verify)
        self._calls = HashiCalls(self._login, self._transport)

    def refuse_unwritable(self, tenant_id: str, app_id: Optional[str], display_name: str) -> None:
        self._refuse_other_engines()
        if not app_id and not self._path:
            return
        path = self._path_of((tenant_id, (app_id or "").lower(), display_name))
        paths = {kind: "{0}/{1}/{2}".format(self._mount, kind, path) for kind in NEEDED}
        doing = "ask for the token's capabilities"
        try:
            answer = self._calls.call("POST", "sys/capabilities-self", doing, {"paths": sorted(paths.values())}) or {}
        except StoreFailed as refusal:
            if refusal.facts.get("status") == 403:
                return  # a token without the policy "default" may not ask; the announcement will tell
            raise
        held = answer_to(doing, answer.get("data") or answer)
        for kind, wanted in NEEDED.items():
            has = held.texts(paths[kind])
            missing = [] if "root" in has else [name for name in wanted if name not in has]
            if missing:
                raise StoreFailed(
                    "Vault's token lacks {0} on {1} in {2}.".format(
                        " and ".join(missing), paths[kind], self._login.url
                    ),
                    "Its policies need create and update on {0}, and create, read and update on {1}.".format(
                        paths["data"], paths["metadata"]
                    ),
                )

    def announce(self, tenant_id: str, app_id: str, display_name: str, start: Optional[str]) -> None:
        owner = (tenant_id, app_id.lower(), display_name)
        state = self._state(owner) or State(0, {}, False)
        self._versions[owner] = state.version
        tags = {**state.tags, **to_tags(Record(*owner, None, None, None)), "announced": start or ""}
        self._write_tags(owner, tags, "announce a new text")

    def record_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[Record]:
        owner = (tenant_id, app_id.lower(), display_name)
        state = self._state(owner)
        if state is None:
            return None
        tags = dict(state.tags)
        if state.version and not state.is_recorded:
            # A run was killed between its two writes, or somebody else wrote: only the version itself can tell.
            announced = tags.get("announced")
            tags = {**self._data_of(owner), "announced": announced or ""} if state.is_readable else tags
            if announced == tags.get("start"):
                tags["announced"] = ""
        if not state.is_readable or not is_owned(tags, *owner):
            tags = {**dict(zip(OWNER, owner)), "announced": tags.get("announced", "")}
        record = from_tags(tags, self._place(self._path_of(owner), state.version))
        return record if record.key_id or record.announced else None

    def text_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[str]:
        data = self._data_of((tenant_id, app_id.lower(), display_name))
        return str(data["secret_text"]) if data.get("secret_text") else None

    def app_ids(self, tenant_id: str) -> FrozenSet[str]:
        if self._path:
            state = self._read_state(self._path)
            tags = state.tags if state else {}
            return frozenset([tags["app_id"]] if tags.get("tenant_id") == tenant_id and tags.get("app_id") else [])
        path = "{0}/metadata/{1}/{2}".format(self._mount, FOLDER, tenant_id)
        doing = "list " + path
        keys = _data(doing, self._calls.call("GET", path, doing, query="list=true")).texts("keys")
        return frozenset(key.rstrip("/").lower() for key in keys)

    def write(self, record: Record, text: str) -> str:
        owner = (record.tenant_id, record.app_id, record.display_name)
        before = self._versions.pop(owner, None)
        if before is None:
            state = self._state(owner)
            before = state.version if state else 0
        data = {**to_tags(record), "secret_text": text}
        version = self._write_version(owner, before, data)
        state = self._state(owner)
        tags = dict(state.tags) if state else {}
        if tags.get("announced") == record.start:  # any other is of a run that has not stored its own yet
            del tags["announced"]
        self._write_tags(owner, {**tags, **to_tags(record), "version": str(version)}, "record the new text")
        return self._place(self._path_of(owner), version)

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        owner = (tenant_id, app_id.lower(), display_name)
        record, state = self.record_of(*owner), self._state(owner)
        if record is None or state is None or record.key_id not in key_ids:
            return
        path = "{0}/data/{1}".format(self._mount, self._path_of(owner))
        self._calls.call("DELETE", path, "delete the current version of " + path)
        tags = {name: value for name, value in state.tags.items() if name not in DETAILS}
        self._write_tags(owner, {**tags, "version": str(state.version)}, "forget the removed secret")

    def _write_version(self, owner: Owner, before: int, data: Dict[str, str]) -> int:
        """The number of the new version. An answer that was lost is not followed by a second version."""
        path = "{0}/data/{1}".format(self._mount, self._path_of(owner))
        doing = "store the new text at " + path
        body = {"options": {"cas": before}, "data": data}
        for attempt in range(3):
            try:
                answer = self._calls.call("POST", path, doing, body, repeatable=False)
                return _data(doing, answer).number("version") or before + 1
            except AnswerLost:
                state = self._state(owner)
                if state and state.version == before + 1 and self._data_of(owner).get("key_id") == data["key_id"]:
                    return before + 1
                if attempt == 2 or (state and state.version != before):
                    raise
            except WrongVersion:
                break
        record = self.record_of(*owner)
        raise overtaken(self.place, record.key_id if record else None)

    def _write_tags(self, owner: Owner, tags: Mapping[str, str], why: str) -> None:
        path = "{0}/metadata/{1}".format(self._mount, self._path_of(owner))
        kept = {name: value for name, value in tags.items() if value}  # Vault takes no empty values
        self._calls.call("POST", path, "{0} at {1}".format(why, path), {"custom_metadata": kept})

    def _state(self, owner: Owner) -> Optional[State]:
        """None for a path that is not there. A path of something else is refused."""
        state = self._read_state(self._path_of(owner))
        if state is None or is_owned(state.tags, *owner):
            return state
        named = any(name in state.tags for name in OWNER)
        if state.version and not named and state.is_readable and is_owned(self._data_of(owner), *owner):
            return state  # somebody has cleared the metadata
        if state.version or named:
            raise InvalidInput(
                "The path {0} holds something else than this client secret.".format(self.place),
                "Give another store.secret_path; it is not overwritten.",
            )
        return state

    def _read_state(self, path: str) -> Optional[State]:
        path = "{0}/metadata/{1}".format(self._mount, path)
        doing = "read " + path
        answer = self._calls.call("GET", path, doing)
        if answer is None:
            return None
        row = _data(doing, answer)
        number = row.number("current_version") or 0
        version = row.row("versions").row(str(number)) if number else None
        readable = version is not None and not version.flag("destroyed")
        gone = parse_time(version.text("deletion_time") or "") if version else None
        if gone and gone <= self._transport.now():
            readable = False
        tags = {str(name): str(value) for name, value in row.row("custom_metadata").plain().items()}
        return State(number, tags, readable)

    def _data_of(self, owner: Owner) -> Dict[str, Any]:
        path = "{0}/data/{1}".format(self._mount, self._path_of(owner))
        doing = "read " + path
        return _data(doing, self._calls.call("GET", path, doing)).row("data").plain()

    def _refuse_other_engines(self) -> None:
        """An engine of version 1 would take the same requests for paths of its own."""
        path = "sys/internal/ui/mounts/" + self._mount
        doing = "look at the mount {0}".format(self._mount)
        mount = _data(doing, self._calls.call("GET", path, doing))
        kind, version = mount.text("type"), mount.row("options").text("version")
        if kind and (kind != "kv" or version != "2"):
            raise InvalidInput(
                "The mount {0} in {1} is {2}{3}, not a key/value engine of version 2.".format(
                    self._mount, self._login.url, kind, " of version {0}".format(version or "1") if kind == "kv" else ""
                ),
                "Give the path of one as store.mount_point.",
            )

    def _path_of(self, owner: Owner) -> str:
        path = self._path or "/".join((FOLDER, owner[0], owner[1], word_of(owner[2])))
        self.place = self._place(path)
        return path

    def _place(self, path: str, version: Optional[int] = None) -> str:
        place = "{0}: {1}/{2}".format(self._login.url, self._mount, path)
        return "{0} (version {1})".format(place, version) if version else place
