# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client assertions signed with a certificate.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


class AssertionRefused(Exception):
    """The assertion proves nothing."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _take_apart(assertion: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, claims, signature = assertion.split(".")
        signed = f"{head}.{claims}".encode()
        return json.loads(_decode(head)), json.loads(_decode(claims)), _decode(signature), signed
    except ValueError as broken:
        raise AssertionRefused(50027, "JWT token is invalid or malformed.") from broken


def check_certificate_assertion(
    assertion: str, client_id: str, certificates: Iterable[str], tenant_names: Iterable[str], now: float
) -> None:
    """Raises AssertionRefused unless a registered certificate signed this assertion for us."""
    head, claims, signature, signed = _take_apart(assertion)
    certificate = _certificate(head, certificates)
    _verify(head, certificate, signature, signed)
    if certificate.not_valid_after_utc.timestamp() <= now:
        raise AssertionRefused(700027, "The certificate used to sign the client assertion is expired.")
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise AssertionRefused(700023, "Client assertion issuer and subject must be the client id.")
    if not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= now:
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")
    if claims.get("nbf", 0) > now + 300:
        raise AssertionRefused(700024, "Client assertion is not within its valid time range.")
    audience = str(claims.get("aud", "")).lower()
    if not any(f"/{name.lower()}/" in audience + "/" for name in tenant_names):
        raise AssertionRefused(700023, "Client assertion audience is not the token endpoint.")


def _certificate(head: dict[str, Any], certificates: Iterable[str]) -> x509.Certificate:
    wanted = {str(head[name]).rstrip("=") for name in ("x5t", "x5t#S256", "kid") if head.get(name)}
    for pem in certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        prints = [certificate.fingerprint(hashes.SHA1()), certificate.fingerprint(hashes.SHA256())]
        names = {base64.urlsafe_b64encode(p).decode().rstrip("=") for p in prints} | {prints[0].hex().upper()}
        if wanted & names:
            return certificate
    text = "The certificate with identifier used to sign the client assertion is not registered on application."
    raise AssertionRefused(700027, text)


def _verify(head: dict[str, Any], certificate: x509.Certificate, signature: bytes, signed: bytes) -> None:
    key = certificate.public_key()
    modes: dict[str, padding.AsymmetricPadding] = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO),
    }
    mode = modes.get(str(head.get("alg")))
    if mode is None or not isinstance(key, rsa.RSAPublicKey):
        raise AssertionRefused(5002738, "Invalid JWT token. The algorithm is not supported.")
    try:
        key.verify(signature, signed, mode, hashes.SHA256())
    except InvalidSignature as wrong:
        text = "Client assertion failed signature validation."
        raise AssertionRefused(700027, text) from wrong
