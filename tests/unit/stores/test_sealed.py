# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store of type sealed: written by a run that cannot read it, opened by OpenSSL with the recipient's key."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput, LibraryMissing
from ansible_collections.webex_connect.office365.plugins.module_utils._stores import file, sealed
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.record import Record
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.sealed import SealedStore
from ansible_collections.webex_connect.office365.plugins.module_utils._stores.store import StoreFailed, open_store
from kept_stores import KeptSealed, make_certificate
from module_runner import Runner
from samples import APP_ID, HOSTILE, TENANT_ID, key_id

NAME = "webex-connect"
TEXT = "T3xt~of-a-secret"
OWNER = (TENANT_ID, APP_ID, NAME)


def record(number: int) -> Record:
    return Record(*OWNER, key_id(number), "2026-11-25T07:59:59.123456Z", "2027-05-24T08:00:00Z")


@pytest.fixture
def kept(tmp_path: Path, run: Runner) -> KeptSealed:
    return KeptSealed(tmp_path, run)


@pytest.fixture
def store(kept: KeptSealed) -> SealedStore:
    store = open_store(kept.options)
    assert isinstance(store, SealedStore)
    return store


@pytest.mark.parametrize("text", [TEXT, *HOSTILE.values(), "a\r\nb\n", "x" * 20000, " "])
def test_openssl_prints_exactly_the_text(kept: KeptSealed, store: SealedStore, text: str) -> None:
    place = store.write(record(1), text)
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", place, "-recip", kept.certificate, "-inkey", kept.key],
        capture_output=True,
        check=True,
    )
    assert done.stdout == text.encode()


def test_the_content_is_encrypted_with_aes_256(kept: KeptSealed, store: SealedStore) -> None:
    place = store.write(record(1), TEXT)
    shown = subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-noout", "-inform", "PEM", "-in", place],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "aes-256-cbc" in shown


def test_another_key_opens_nothing(kept: KeptSealed, store: SealedStore, tmp_path: Path) -> None:
    place = store.write(record(1), TEXT)
    _certificate, other = make_certificate(tmp_path, days=(-1, 30))
    done = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "PEM", "-in", place, "-inkey", other], capture_output=True
    )
    assert TEXT.encode() not in done.stdout


def test_the_record_is_in_clear_and_the_text_in_no_file(kept: KeptSealed, store: SealedStore) -> None:
    place = store.write(record(1), TEXT)
    assert sorted(os.listdir(kept.path.parent)) == [f"contoso.{key_id(1)}.cms", "contoso.yml"]
    assert store.record_of(*OWNER) == record(1)
    found = store.record_of(*OWNER)
    assert found is not None
    assert found.place == place
    for path in kept.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert TEXT.encode() not in path.read_bytes()
    with pytest.raises(StoreFailed, match="only the holder"):
        store.text_of(*OWNER)


def test_a_superseded_text_stays_until_its_credential_is_gone(kept: KeptSealed, store: SealedStore) -> None:
    first = store.write(record(1), "first")
    second = store.write(record(2), "second")
    assert (kept.unsealed(Path(first)), kept.unsealed(Path(second))) == ("first", "second")
    store.forget(*OWNER, frozenset({key_id(1)}))
    assert not os.path.exists(first)
    assert store.record_of(*OWNER) == record(2)
    store.forget(*OWNER, frozenset({key_id(2)}))
    assert os.listdir(kept.path.parent) == ["contoso.yml"]


def test_a_text_that_no_record_names_is_not_left_behind(
    kept: KeptSealed, store: SealedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.announce(*OWNER, "2026-11-25T07:59:59.123456Z")
    sealed_first: list[str] = []

    def full(path: str, text: str, mode: int) -> None:
        sealed_first.extend(os.listdir(kept.path.parent))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file, "write_atomically", full)
    with pytest.raises(StoreFailed, match="No space left"):
        store.write(record(1), TEXT)
    assert f"contoso.{key_id(1)}.cms" in sealed_first
    assert os.listdir(kept.path.parent) == ["contoso.yml"]


@pytest.mark.parametrize(
    ("kind", "days", "says"),
    [
        ("ec", (-1, 365), "has no RSA key"),
        ("rsa", (-30, -1), "has expired on"),
        ("rsa", (1, 30), "is not valid before"),
    ],
)
def test_a_certificate_that_is_no_good_is_refused_before_anything(
    tmp_path: Path, kind: str, days: tuple[int, int], says: str
) -> None:
    certificate, _key = make_certificate(tmp_path, kind, days)
    with pytest.raises(InvalidInput, match=says):
        SealedStore(str(tmp_path / "s" / "s.yml"), str(certificate)).refuse_unusable()
    assert not (tmp_path / "s").exists()


def test_a_key_that_the_library_does_not_know_is_refused_in_words(tmp_path: Path) -> None:
    certificate, key = str(tmp_path / "certificate"), str(tmp_path / "key")
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP192r1", "-nodes", "-subj", "/CN=operators"]
    subprocess.run(
        ["openssl", "req", "-x509", *kind, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    with pytest.raises(InvalidInput, match="has no RSA key"):
        SealedStore(str(tmp_path / "s" / "s.yml"), certificate).refuse_unusable()


def test_what_a_killed_run_left_of_a_sealed_text_goes_with_its_credential(kept: KeptSealed, store: SealedStore) -> None:
    store.write(record(2), TEXT)
    (kept.path.parent / f".contoso.{key_id(1)}.cms.a1b2c3d4").write_text("half an envelope")
    store.forget(*OWNER, frozenset({key_id(1)}))
    assert sorted(os.listdir(kept.path.parent)) == [f"contoso.{key_id(2)}.cms", "contoso.yml"]


def test_what_was_sealed_is_forgotten_with_an_expired_certificate_too(
    kept: KeptSealed, store: SealedStore, tmp_path: Path
) -> None:
    place = store.write(record(1), TEXT)
    expired, _key = make_certificate(tmp_path, days=(-30, -1))
    later = SealedStore(str(kept.path), str(expired))
    later.refuse_unusable(new_text=False)
    later.forget(*OWNER, frozenset({key_id(1)}))
    assert not os.path.exists(place)


@pytest.mark.parametrize(("content", "says"), [(b"no certificate", "PEM"), (b"", "PEM"), (None, "No such file")])
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=says):
        SealedStore(str(tmp_path / "s.yml"), str(path)).refuse_unusable()


def test_an_old_library_is_named(store: SealedStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import_library = sealed.import_library

    def old(name: str) -> object:
        return object() if name.endswith("pkcs7") else import_library(name)

    monkeypatch.setattr(sealed, "import_library", old)
    with pytest.raises(LibraryMissing, match="43 or newer"):
        store.refuse_unusable()
