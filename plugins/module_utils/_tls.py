# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""TLS as every connection has it: certificates and host names verified, TLS 1.2 or newer; and its failures in words."""

from __future__ import annotations

import os
import ssl
import sys
from typing import Any, Optional

from ._errors import InvalidInput, Unreachable

# Reasons of OpenSSL for a handshake that cannot succeed, however often it is tried.
NO_COMMON_VERSION = ("PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "WRONG_VERSION_NUMBER", "VERSION_TOO_LOW")
NO_COMMON_CIPHER = ("HANDSHAKE_FAILURE", "INSUFFICIENT_SECURITY", "DH_KEY_TOO_SMALL", "NO_SHARED_CIPHER")
NOT_TRUSTED = ("CERTIFICATE_VERIFY_FAILED", "doesn't match", "does not match")


def context_for(verify: Any) -> ssl.SSLContext:
    """``verify``: True for the authorities that requests brings, the path of a private one, or False. Raises InvalidInput."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies certificate and host name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sys.version_info >= (3, 13):  # what ssl.create_default_context asks of certificates since then
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif verify is not True:
        is_folder = os.path.isdir(verify)
        try:
            context.load_verify_locations(None if is_folder else verify, verify if is_folder else None)
        except OSError as problem:  # ssl.SSLError is one
            raise InvalidInput(
                "ca_path names {0}, which holds no certificate that can be read: {1}.".format(verify, problem),
                "Give a file of certificate authorities in PEM form, or a folder that openssl rehash was run on.",
            ) from None
    return context


def refusal_of(host: Optional[str], reason: str) -> Optional[Unreachable]:
    """Why there will be no connection. None for what may have been a connection that broke, even after a request."""
    if any(word in reason for word in NOT_TRUSTED):
        return Unreachable(
            "The certificate of {0} was not accepted: {1}".format(host, reason),
            "If the host is right and uses a private certificate authority, name its file in ca_path.",
        )
    if any(word in reason for word in (*NO_COMMON_VERSION, *NO_COMMON_CIPHER)):
        return Unreachable(
            "No safe connection to {0} came about: {1}".format(host, reason),
            "TLS 1.2 or newer is needed. Look for an intercepting proxy, and update OpenSSL on the older side.",
        )
    return None
