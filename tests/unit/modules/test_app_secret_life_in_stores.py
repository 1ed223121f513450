# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret's life in every kind of store, struck at each single thing that a run does to the tenant or the store.

What a run does is counted in an undisturbed one; then there is one life for each of these moments.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
KINDS = ("plain-file", "vault-file", "sealed", "key-vault", "hashi-vault")
BLOWS = ("killed before", "killed after", "store down from there on", "answer lost")


class QuickVault:
    """As Ansible's own, which takes long on purpose and is tested elsewhere."""

    def identities(self) -> list[str]:
        return ["default"]

    def encrypt(self, text: str, vault_id: str | None) -> str:
        return "$ANSIBLE_VAULT;1.1;QUICK\n" + base64.b64encode(text.encode()).decode()

    def decrypt(self, text: str) -> str:
        return base64.b64decode(text.partition("\n")[2]).decode()


class Plain(kept_stores.KeptFile):
    def __init__(self, folder: Path) -> None:
        self.path = folder / "kept" / "contoso.yml"
        self.options = {"type": "file", "path": str(self.path)}

    def entries(self) -> list[dict[str, Any]]:
        text = self.path.read_text()
        return list(kept_stores.yaml.safe_load(QuickVault().decrypt(text) if text.startswith("$") else text)["secrets"])


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
    kept = Plain(folder) if kind in ("plain-file", "vault-file") else keep(kind, folder, run, tenant)
    if kind == "vault-file":
        run.vault = QuickVault()
        kept.options["vault"] = True
    life.kept_in = kept.options
    return life, kept


class Effects:
    """Whatever a run does to the tenant or the store, counted; ``blow`` falls at the one with the number ``at``."""

    def __init__(self, blow: str = "", at: int = -1) -> None:
        self.blow, self.at = blow, at
        self.seen: list[tuple[bool, bool]] = []
        """Of each: whether it is of the store, and whether its answer can be lost."""
        self.is_dead = self.fell = False

    def moments(self, blow: str) -> int:
        """At how many of what was seen this blow falls."""
        if blow == "answer lost":
            return sum(has_answer for _is_of_store, has_answer in self.seen)
        if blow == "store down from there on":
            return max((at for at, (is_of_store, _) in enumerate(self.seen, 1) if is_of_store), default=0)
        return len(self.seen)

    def die(self) -> None:
        self.is_dead = self.fell = True
        raise Killed

    def around(self, act: Callable[[], Any], is_of_store: bool, down: Callable[[], Any], lost: Any = None) -> Any:
        """``down``: what a store that is down does instead; ``lost``: how an answer is, None where there is none."""
        if self.is_dead:
            raise Killed
        number = len(self.seen)
        self.seen.append((is_of_store, lost is not None))
        if self.blow == "killed before" and number == self.at:
            self.die()
        if self.blow == "store down from there on" and is_of_store and 0 <= self.at <= number:
            self.fell = True
            return down()
        result = act()
        if self.blow == "killed after" and number == self.at:
            self.die()
        if self.blow == "answer lost" and number == self.at and lost:
            self.fell = True
            raise lost
        return result


@contextmanager
def struck(life: Life, monkeypatch: pytest.MonkeyPatch, effects: Effects) -> Iterator[None]:
    carry, write, remove = life.run.carry, file.write_atomically, sealed.SealedStore._remove

    def carrying(request: Any, timeout: float) -> Any:
        is_of_store = any(host in request.url for host in life.run.doors)
        is_write = request.method != "GET" and (is_of_store or request.url.endswith("Password"))
        if not is_write and not effects.is_dead:
            return carry(request, timeout)
        lost = ConnectionFailed("the connection was reset before an answer arrived", sent=True)
        return effects.around(
            lambda: carry(request, timeout), is_of_store, lambda: Response(503, {}, b""), lost if is_of_store else None
        )

    def full() -> None:
        raise OSError(28, "No space left on device")

    def writing(path: str, text: str, mode: int) -> None:
        effects.around(lambda: write(path, text, mode), True, full)

    def removing(store: Any, key_id: str) -> None:
        effects.around(lambda: remove(store, key_id), True, lambda: None)

    with monkeypatch.context() as patch:
        patch.setattr(life.run, "carry", carrying)
        for module in (file, sealed):
            patch.setattr(module, "write_atomically", writing)
        patch.setattr(sealed.SealedStore, "_remove", removing)
        yield


def strike(life: Life, monkeypatch: pytest.MonkeyPatch, effects: Effects, wish: dict[str, Any]) -> None:
    with struck(life, monkeypatch, effects):
        try:
            life.go(**wish)
        except Killed:
            pass


@pytest.mark.parametrize("blow", BLOWS)
@pytest.mark.parametrize("step", ["make-and-prove", "renew", "rotate", "retire", "remove"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_next_plain_run_leaves_one_secret_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, step: str, blow: str
) -> None:
    before, wish = STEPS[step]
    life, _kept = begin(kind, tmp_path / "undisturbed")
    before(life)
    undisturbed = Effects()
    strike(life, monkeypatch, undisturbed, wish)
    assert undisturbed.seen
    fell = 0
    for at in range(len(undisturbed.seen)):
        life, kept = begin(kind, tmp_path / str(at))
        before(life)
        older, texts = life.ours, dict(life.tenant.secret_texts)
        strangers = [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME]
        effects = Effects(blow, at)
        strike(life, monkeypatch, effects, wish)
        fell += effects.fell
        texts.update(life.tenant.secret_texts)
        life.run.clock.now += timedelta(minutes=1)
        plain = {name: value for name, value in wish.items() if name != "state"}
        result = life.go(**plain)
        assert result is not None, (at, life.told[-1])
        again = life.go(**plain)
        assert again is not None
        assert not again["changed"], at
        texts.update(life.tenant.secret_texts)

        # One current secret, whose text the store holds, and which takes a token.
        key_id = result["secret"]["key_id"]
        text = kept.current_text()
        assert text == life.tenant.secret_texts[key_id], at
        client = Client(life.run.world, life.app["appId"], str(text), life.tenant.tenant_id)
        assert client.sign_in(f"{EXCHANGE}/.default").status == 200

        # No orphan, and nothing of others is touched.
        left = [] if step == "retire" else [kept_one for kept_one in older if kept_one in life.ours]
        assert sorted(life.ours) == sorted({*left, key_id}), at
        if step not in ("remove", "retire"):
            assert left == older, at
        assert [s for s in life.app["passwordCredentials"] if s["displayName"] != NAME] == strangers
        assert len(life.app["keyCredentials"]) == 1

        # No text anywhere else.
        assert not [hidden for hidden in texts.values() if hidden in "".join(life.told)]
        for path in life.folder.rglob("*"):
            found = [hidden for hidden in texts.values() if path.is_file() and hidden in path.read_text()]
            assert found == ([text] if kind == "plain-file" and path.name == "contoso.yml" else []), path
    assert fell == undisturbed.moments(blow)
