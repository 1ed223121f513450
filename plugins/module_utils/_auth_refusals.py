# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""A sign-in that was refused: the AADSTS errors in plain words. Loaded by those that were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, FrozenSet, Mapping, NoReturn

from ._errors import AuthenticationFailed

if TYPE_CHECKING:
    from ._login import Login

# The codes of Microsoft's "Microsoft Entra authentication and authorization error codes" that an admin
# identity or an application with a client secret can meet: what it means here, and what to do.
EXPLANATIONS = {
    7000215: (
        "the client secret is wrong",
        "Give the secret's Value, not its Secret ID; a secret made moments ago can need some seconds to work.",
    ),
    7000222: ("the client secret has expired", "Make a new secret for the admin identity and give that one."),
    7000218: ("no client secret or assertion was sent", "Check that the credential is not empty."),
    7000229: (
        "the admin identity has no service principal in this tenant",
        "Let an administrator of the tenant consent to it once.",
    ),
    7000112: ("the admin identity is disabled in this tenant", "Enable its enterprise application."),
    700016: (
        "the admin identity is not known in this tenant",
        "Check client_id and tenant_id; in a customer's tenant it must have been consented to first.",
    ),
    700027: (
        "the signature of the certificate's assertion was not accepted",
        "Register this certificate with the admin identity, and check the clock of this machine.",
    ),
    700030: ("the certificate's subject is not authorised", "Register the certificate with the admin identity."),
    70021: (
        "no federated credential of the admin identity matches the token's subject, issuer and audience",
        "Compare the federated credential in Entra with the claims of the token.",
    ),
    90002: ("the tenant does not exist in this cloud", "Check tenant_id and cloud."),
    90038: ("the tenant lives in another cloud", "Set cloud."),
    900382: ("the tenant lives in another cloud", "Set cloud."),
    500011: (
        "the service has no service principal in this tenant",
        "Check cloud; for Exchange Online the tenant needs an Exchange plan.",
    ),
    650052: ("the organization has no subscription to the service", "The tenant needs an Exchange plan."),
    53003: (
        "a Conditional Access policy blocks the sign-in",
        "Exclude the admin identity from the policy for workload identities, or run from an allowed location.",
    ),
    1002016: ("the TLS version of this machine is too old", "Update OpenSSL, or look for an intercepting proxy."),
    50034: ("the account does not exist in this directory", "Check tenant_id."),
    50194: ("the application is not multi-tenant", "Use the tenant's own id."),
}
PASSING = frozenset((50033, 90024, 90033, 90006))  # transient, by the same page


def is_passing(answer: Mapping[str, Any]) -> bool:
    return bool(codes_of(answer) & PASSING)


def codes_of(answer: Mapping[str, Any]) -> FrozenSet[int]:
    given = answer.get("error_codes")
    if isinstance(given, list) and given:
        return frozenset(code for code in given if isinstance(code, int))
    return frozenset(int(code) for code in re.findall(r"AADSTS(\d{1,9})", str(answer.get("error_description", ""))))


def refuse(answer: Mapping[str, Any], doing: str, login: Login) -> NoReturn:
    """Raises what the login said; never repeats the description, which can hold parts of what was sent."""
    codes = codes_of(answer)
    known = sorted(codes & set(EXPLANATIONS))
    meaning, advice = EXPLANATIONS[known[0]] if known else (_first_sentence(answer, login), "")
    code = "AADSTS{0}".format(known[0] if known else min(codes)) if codes else str(answer.get("error"))
    if not known and codes:
        advice = "Microsoft explains the code at {0}/error?code={1}.".format(login.authority_host, min(codes))
    raise AuthenticationFailed(
        "Could not {0} with {1}: {2} ({3}, trace id {4}).".format(
            doing, login.kind, meaning, code, answer.get("trace_id") or "none"
        ),
        advice,
        code=code,
        request_id=answer.get("trace_id"),
        correlation_id=answer.get("correlation_id"),
    )


def _first_sentence(answer: Mapping[str, Any], login: Login) -> str:
    text = str(answer.get("error_description") or answer.get("error") or "no reason given").splitlines()[0]
    for secret in (login.credential, login.password):
        if secret:
            text = text.replace(secret, "…")
    return re.sub(r"eyJ[\w.-]+", "…", text)[:300]  # an assertion is a JSON web token
