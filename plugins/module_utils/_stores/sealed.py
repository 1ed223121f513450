# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The store of type sealed: texts that only the holder of a private key can read, and their records beside them in clear.

The file that ``path`` names holds the records, as in a store of type file. Each text lies beside it in a file of its
own, named after the key id: CMS EnvelopedData (RFC 5652) for the certificate's RSA key, and nothing but the text in it.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any, Dict, FrozenSet, Optional

from .._errors import InvalidInput, LibraryMissing
from .._files import remove_leftovers, write_atomically
from .._transport import import_library
from .file import FileStore
from .record import Record
from .store import StoreFailed

SERIALIZATION = "cryptography.hazmat.primitives.serialization"


class SealedStore(FileStore):
    def __init__(self, path: str, certificate_path: Optional[str]) -> None:
        super().__init__(path)
        if not certificate_path:
            raise InvalidInput(
                "store has the type sealed, but no recipient_certificate_path.",
                "Give the file (PEM) of the recipient's certificate.",
            )
        self._certificate_path = certificate_path

    def refuse_unusable(self, new_text: bool = True) -> None:
        if new_text:
            self._sealed(b"")
        super().refuse_unusable(new_text)

    def text_of(self, tenant_id: str, app_id: str, display_name: str) -> Optional[str]:
        raise StoreFailed(
            "The store {0} is sealed: only the holder of the recipient's private key can read its texts.".format(
                self.place
            ),
            "openssl cms -decrypt -inform PEM -in FILE -recip CERTIFICATE -inkey KEY shows one.",
        )

    def write(self, record: Record, text: str) -> str:
        try:
            return super().write(record, text)
        except BaseException:
            self._remove(str(record.key_id))  # what no record names is of no use
            raise

    def forget(self, tenant_id: str, app_id: str, display_name: str, key_ids: FrozenSet[str]) -> None:
        super().forget(tenant_id, app_id, display_name, key_ids)
        for key_id in sorted(key_ids):
            self._remove(key_id)

    def _remove(self, key_id: str) -> None:
        path = self._text_path(key_id)
        try:
            remove_leftovers(path)
            os.unlink(path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as problem:
            raise StoreFailed(
                "The sealed text {0} cannot be removed: {1}.".format(path, problem.strerror),
                "Its credential is gone already; remove the file by hand.",
            ) from None

    def _keep(self, record: Record, text: str) -> Dict[str, Any]:
        path = self._text_path(str(record.key_id))
        write_atomically(path, self._sealed(text.encode()), 0o600)
        return {"sealed_text": os.path.basename(path)}

    def _place_of(self, entry: Dict[str, Any]) -> str:
        name = os.path.basename(str(entry.get("sealed_text") or ""))
        return os.path.join(os.path.dirname(self.place), name) if name else self.place

    def _text_path(self, key_id: str) -> str:
        return "{0}.{1}.cms".format(os.path.splitext(self._path)[0], os.path.basename(key_id))

    def _sealed(self, content: bytes) -> str:
        """The envelope as PEM. Raises InvalidInput where the certificate is no good for it."""
        certificate = self._certificate()
        pkcs7 = import_library(SERIALIZATION + ".pkcs7")
        if not hasattr(pkcs7, "PKCS7EnvelopeBuilder"):
            raise LibraryMissing(
                "The Python package 'cryptography' is too old for a store of type sealed.",
                "Install version 43 or newer, or use another type of store.",
                library="cryptography",
            )
        builder = pkcs7.PKCS7EnvelopeBuilder().set_data(content).add_recipient(certificate)
        if hasattr(builder, "set_content_encryption_algorithm"):
            ciphers = import_library("cryptography.hazmat.primitives.ciphers.algorithms")
            builder = builder.set_content_encryption_algorithm(ciphers.AES256)
        pem = import_library(SERIALIZATION).Encoding.PEM
        sealed: bytes = builder.encrypt(pem, [pkcs7.PKCS7Options.Binary])  # binary: not a byte is added or changed
        return sealed.decode("ascii")

    def _certificate(self) -> Any:
        what = "The recipient's certificate {0}".format(self._certificate_path)
        x509 = import_library("cryptography.x509")
        try:
            with open(self._certificate_path, "rb") as file:
                certificate = x509.load_pem_x509_certificate(file.read())
        except OSError as problem:
            raise InvalidInput("{0} cannot be read: {1}.".format(what, problem.strerror)) from None
        except ValueError:
            raise InvalidInput("{0} is no certificate in PEM form.".format(what)) from None
        if not _has_rsa_key(certificate):
            raise InvalidInput("{0} has no RSA key.".format(what), "A text can be sealed to an RSA key only.")
        starts, ends = _validity(certificate)
        now = datetime.now(timezone.utc)
        if not starts <= now <= ends:
            raise InvalidInput(
                "{0} {1} {2:%Y-%m-%d}.".format(
                    what, *(("has expired on", ends) if now > ends else ("is not valid before", starts))
                ),
                "Ask the recipient for a current one. Nothing was changed.",
            )
        return certificate


def _has_rsa_key(certificate: Any) -> bool:
    rsa = import_library("cryptography.hazmat.primitives.asymmetric.rsa")
    try:
        return isinstance(certificate.public_key(), rsa.RSAPublicKey)
    except (ValueError, import_library("cryptography.exceptions").UnsupportedAlgorithm):
        return False  # of a kind that the library does not know


def _validity(certificate: Any) -> tuple[datetime, datetime]:
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc
    utc = timezone.utc
    return certificate.not_valid_before.replace(tzinfo=utc), certificate.not_valid_after.replace(tzinfo=utc)
