# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret's life in every kind of store, struck at each single thing that a run does to the tenant or the store.

What a run does is counted in an undisturbed one; then there is one life for each of these moments. The plain file, which
differs from one in Ansible Vault only by what is written, is struck in test_app_secret_life.py.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import kept_stores
from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file, sealed
from ansible_collections.webex_connect.office365.plugins.module_utils._transport import ConnectionFailed, Response
from kept_stores import Kept, keep
from module_runner import Clock, Runner
from secret_life import NAME, STEPS, Killed, Life, furnished
from simulated_tenant import World
from simulated_tenant.client import EXCHANGE, Client

TENANT_ID = "0f47778c-61c2-4b0a-8e94-3f05e737a1dd"
ADMIN = ("b1a7e5c0-4a4b-4c69-9a3e-5f1f0d3c2a10", "Zx8~not-a-real-secret-but-long-enough")
KINDS = ("vault-file", "sealed", "key-vault", "hashi-vault")


def reset() -> ConnectionFailed:
    return ConnectionFailed("the connection was reset before an answer arrived", sent=True)


def nobody_answers() -> Response:
    raise reset()


# Each thing that has an answer is refused so the first time.
ONCE_EACH: dict[str, Callable[[], Response]] = {
    "reset before, once each": nobody_answers,
    "429, once each": lambda: Response(429, {"retry-after": "7"}, b""),
    "503, once each": lambda: Response(503, {}, b""),
}
# blow: (is it of the store, has it an answer) -> whether it can begin there
BLOWS: dict[str, Callable[[bool, bool], bool]] = {
    "killed": lambda is_of_store, has_answer: True,
    "answer lost": lambda is_of_store, has_answer: has_answer,
    "answer lost by the service, from there on": lambda is_of_store, has_answer: not is_of_store,
    "store down, from there on": lambda is_of_store, has_answer: is_of_store,
    "everything down, from there on": lambda is_of_store, has_answer: is_of_store,
    "service down, from there on": lambda is_of_store, has_answer: not is_of_store,
    **dict.fromkeys(ONCE_EACH, lambda is_of_store, has_answer: has_answer),
}


def never(is_of_store: bool, has_answer: bool) -> bool:
    return False


class QuickVault:
    """As Ansible's own, which takes long on purpose and is tested elsewhere."""

    def identities(self) -> list[str]:
        return ["default"]

    def encrypt(self, text: str, vault_id: str | None) -> str:
        return "$ANSIBLE_VAULT;1.1;QUICK\n" + base64.b64encode(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        return base64.b64decode(text.partition("\n")[2]).decode()


class QuickFile(kept_stores.KeptFile):
    def __init__(self, folder: Path, run: Runner) -> None:
        super().__init__(folder, run)
        run.vault = QuickVault()

    def entries(self) -> list[dict[str, Any]]:
        text = self.path.read_text()
        return list(kept_stores.yaml.safe_load(QuickVault().decrypt(text))["secrets"])


@pytest.fixture(scope="module", autouse=True)
def one_certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    made = kept_stores.make_certificate(tmp_path_factory.mktemp("recipient"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_stores, "make_certificate", lambda _folder: made)
        yield


def begin(kind: str, folder: Path) -> tuple[Life, Kept]:
    folder.mkdir()
    clock = Clock()
    world = World(clock.utc)
    tenant = world.add_tenant(TENANT_ID, domain="contoso.example")
    tenant.add_admin(*ADMIN)
    run = Runner(world, clock, tenant_id=TENANT_ID, client_id=ADMIN[0], client_secret=ADMIN[1])
    life = furnished(run, tenant, folder)
    kept = QuickFile(folder, run) if kind == "vault-file" else keep(kind, folder, run, tenant)
    life.kept_in = kept.options
    return life, kept


class Effects:
    """Whatever a run does to the tenant or the store, counted; ``blow`` falls at the one with the number ``at``, or from it on."""

    def __init__(self, blow: str = "", at: int = -1) -> None:
        self.blow, self.at = blow, at
        self.seen: list[tuple[bool, bool]] = []
        """Of each: whether it is of the store, and whether its answer can be lost."""
        self.is_dead = self.fell = self.was_refused = False

    def moments(self, blow: str) -> list[int]:
        """The numbers of those that this blow can hit. To be killed after one is to be killed before the next."""
        fits = BLOWS[blow]
        found = [number for number, (is_of_store, has_answer) in enumerate(self.seen) if fits(is_of_store, has_answer)]
        return found[:1] if blow in ONCE_EACH else found

    def falls(self, is_of_store: bool, has_answer: bool) -> bool:
        number = len(self.seen)
        self.seen.append((is_of_store, has_answer))
        is_hit = self.blow.startswith("everything") or BLOWS.get(self.blow, never)(is_of_store, has_answer)
        if not is_hit:
            return False
        if self.blow in ONCE_EACH:
            # What was refused is tried again, or looked up and then left.
            self.was_refused = not self.was_refused
            falls = self.was_refused
        else:
            falls = number >= self.at if self.blow.endswith("from there on") else number == self.at
        self.fell = self.fell or falls
        return falls

    def on(self, act: Callable[[], Any], is_of_store: bool, has_answer: bool, down: Callable[[], Any]) -> Any:
        """``down``: what one that is down does instead."""
        if self.is_dead:
            raise Killed
        if not self.falls(is_of_store, has_answer):
            return act()
        if self.blow == "killed":
            self.is_dead = True
            raise Killed
        if self.blow in ONCE_EACH:
            return ONCE_EACH[self.blow]()
        if self.blow.startswith("answer lost"):
            act()
            raise reset()
        return down()


@contextmanager
def struck(life: Life, monkeypatch: pytest.MonkeyPatch, effects: Effects) -> Iterator[None]:
    carry, write, remove = life.run.carry, file.write_atomically, sealed.SealedStore._remove

    def carrying(request: Any, timeout: float) -> Any:
        is_of_store = any(host in request.url for host in life.run.doors)
        is_write = request.method != "GET" and (is_of_store or request.url.endswith("Password"))
        if not is_write and not effects.is_dead:
            return carry(request, timeout)
        return effects.on(lambda: carry(request, timeout), is_of_store, True, lambda: Response(503, {}, b""))

    def full() -> None:
        raise OSError(28, "No space left on device")

    def writing(path: str, text: str, mode: int) -> None:
        effects.on(lambda: write(path, text, mode), True, False, full)

    def removing(store: Any, key_id: str) -> None:
        effects.on(lambda: remove(store, key_id), True, False, lambda: None)

    with monkeypatch.context() as patch:
        patch.setattr(life.run, "carry", carrying)
        for module in (file, sealed):
            patch.setattr(module, "write_atomically", writing)
        patch.setattr(sealed.SealedStore, "_remove", removing)
        yield


@pytest.mark.parametrize("step", ["make-and-prove", "renew", "rotate", "retire", "remove"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_next_plain_run_leaves_one_secret_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: str
) -> None:
    undisturbed = Effects()
    live(kind, step, tmp_path / "undisturbed", monkeypatch, undisturbed)
    cases = [(name, at) for name in BLOWS for at in undisturbed.moments(name)]
    assert len(cases) > 3
    for number, (blow, at) in enumerate(cases):
        effects = Effects(blow, at)
        try:
            live(kind, step, tmp_path / str(number), monkeypatch, effects)
        except AssertionError as failure:
            failure.add_note(f"{blow}, at {at} of {undisturbed.seen}")
            raise
        assert effects.fell, (blow, at)


def live(kind: str, step: str, folder: Path, monkeypatch: pytest.MonkeyPatch, effects: Effects) -> None:
    """One life, in which this step is struck, and the next plain run."""
    life, kept = begin(kind, folder)
    before, wish = STEPS[step]
    before(life)
    older, texts = life.ours, dict(life.tenant.secret_texts)
    strangers = [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME]
    with struck(life, monkeypatch, effects), suppress(Killed):
        life.go(**wish)
    texts.update(life.tenant.secret_texts)
    for new in [key_id for key_id in life.ours if key_id not in older and texts[key_id] != kept.current_text()]:
        assert not effects.blow.startswith("store down")  # that could be, and was, removed again at once
        assert not effects.blow.startswith("everything down") or new in life.told[-1]
    life.run.clock.now += timedelta(minutes=1)
    plain = {name: value for name, value in wish.items() if name != "state"}
    result = life.go(**plain)
    assert result is not None, life.told[-1]
    again = life.go(**plain)
    assert again is not None
    assert not again["changed"]
    texts.update(life.tenant.secret_texts)

    # One current secret, whose text the store holds, and which takes a token.
    key_id = result["secret"]["key_id"]
    text = kept.current_text()
    assert text == life.tenant.secret_texts[key_id]
    client = Client(life.run.world, life.app["appId"], str(text), life.tenant.tenant_id)
    assert client.sign_in(f"{EXCHANGE}/.default").status == 200

    # No orphan, and nothing of others is touched.
    left = [] if step == "retire" else [one for one in older if one in life.ours]
    assert sorted(life.ours) == sorted({*left, key_id})
    if step not in ("remove", "retire"):
        assert left == older
    assert [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME] == strangers
    assert len(life.app["keyCredentials"]) == 1

    # No text anywhere else.
    assert not [hidden for hidden in texts.values() if hidden in "".join(life.told)]
    for path in life.folder.rglob("*"):
        assert not [hidden for hidden in texts.values() if path.is_file() and hidden in path.read_text()], path
