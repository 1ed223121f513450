# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The options that every module takes, and how they become one ``Login``; the twin of doc_fragments/_auth.py.

A named option wins over the environment. Ansible merges the task's options and ``module_defaults``
before this code sees them. A named credential silences every credential of the environment.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ._clouds import CLOUDS
from ._errors import InvalidInput
from ._transport import origin_of, presentable

LOGIN_OPTIONS: Dict[str, Dict[str, Any]] = {
    "tenant_id": {"type": "str"},
    "client_id": {"type": "str"},
    "client_secret": {"type": "str", "no_log": True},
    "client_certificate_path": {"type": "path"},
    "client_certificate_password": {"type": "str", "no_log": True},
    "federated_token_file": {"type": "path", "no_log": False},
    "cloud": {"type": "str", "choices": list(CLOUDS)},
    "authority_host": {"type": "str"},
    "graph_endpoint": {"type": "str"},
    "exchange_endpoint": {"type": "str"},
    "ca_path": {"type": "path"},
    "validate_certs": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 30},
    "max_retries": {"type": "int", "default": 5},
    "replication_timeout": {"type": "int", "default": 300},
    "snapshot_path": {"type": "path"},
}
ENVIRONMENT = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "client_secret": "AZURE_CLIENT_SECRET",
    "client_certificate_path": "AZURE_CLIENT_CERTIFICATE_PATH",
    "client_certificate_password": "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "federated_token_file": "AZURE_FEDERATED_TOKEN_FILE",
    "cloud": "AZURE_CLOUD",
    "authority_host": "AZURE_AUTHORITY_HOST",
    "graph_endpoint": "WEBEX_CONNECT_GRAPH_ENDPOINT",
    "exchange_endpoint": "WEBEX_CONNECT_EXCHANGE_ENDPOINT",
    "ca_path": "REQUESTS_CA_BUNDLE",
}
CREDENTIALS = ("client_secret", "client_certificate_path", "federated_token_file")
ENDPOINTS = ("authority_host", "graph_endpoint", "exchange_endpoint")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
DOMAIN = re.compile(
    r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z", re.IGNORECASE
)
SHARED_AUTHORITIES = ("common", "organizations", "consumers")


@dataclass(frozen=True)
class Login:
    """Who signs in, where, and as what. ``kind`` is the name of the credential's option."""

    tenant_id: str
    client_id: str
    kind: str
    credential: str = field(repr=False)
    password: Optional[str] = field(repr=False)
    authority_host: str
    graph_endpoint: str
    exchange_endpoint: str
    graph_scope: str
    exchange_scope: str
    cloud: str
    built_in: bool
    ca_path: Optional[str]
    validate_certs: bool
    timeout: int
    max_retries: int
    replication_timeout: int

    @property
    def verify(self) -> Any:
        """What ``requests`` calls verify: False, the path of a bundle, or True."""
        return (self.ca_path or True) if self.validate_certs else False


class _Sources:
    """Values by option name and level, stripped; remembers what was stripped."""

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self.warnings: List[str] = []
        self._levels = {
            "option": {name: self._clean(name, options.get(name)) for name in ENVIRONMENT},
            "environment": {
                name: self._clean(variable, environ.get(variable)) for name, variable in ENVIRONMENT.items()
            },
        }

    def _clean(self, label: str, value: Optional[str]) -> Optional[str]:
        if value is None:
            return None
        stripped = str(value).strip()
        if stripped != value and stripped:
            self.warnings.append("Blanks or line ends around the value of {0} were removed.".format(label))
        return stripped or None

    def at(self, level: str, name: str) -> Optional[str]:
        return self._levels[level][name]

    def label(self, level: str, name: str) -> str:
        return "the option " + name if level == "option" else "the environment variable " + ENVIRONMENT[name]

    def first(self, name: str) -> Tuple[Optional[str], str]:
        """(value, where it came from), the option before the environment."""
        for level in ("option", "environment"):
            value = self.at(level, name)
            if value is not None:
                return value, self.label(level, name)
        return None, ""


def resolve_login(options: Mapping[str, Any], environ: Mapping[str, str]) -> Tuple[Login, List[str]]:
    """The login that the options and the environment describe, and warnings. Raises InvalidInput; no network."""
    sources = _Sources(options, environ)
    level, kind, credential, password = _credential(sources)
    endpoints = _endpoints(sources, level)
    cloud = _cloud_name(sources)
    built_in = CLOUDS[cloud]
    if endpoints is None:
        hosts = (built_in.authority_host, built_in.graph_endpoint, built_in.exchange_endpoint)
    else:
        hosts = endpoints
    ca_path, ca_label = sources.first("ca_path")
    if ca_path and not os.path.exists(ca_path):
        raise InvalidInput("{0} names {1}, which does not exist.".format(_sentence(ca_label), ca_path))
    if not options.get("validate_certs", True):
        sources.warnings.append(
            "validate_certs is false: the certificates of the services are not verified,"
            " and whoever sits between can read the admin identity's secret."
        )
    login = Login(
        tenant_id=_tenant(sources),
        client_id=_client(sources),
        kind=kind,
        credential=credential,
        password=password,
        authority_host=hosts[0],
        graph_endpoint=hosts[1],
        exchange_endpoint=hosts[2],
        graph_scope=built_in.graph_scope,
        exchange_scope=built_in.exchange_scope,
        cloud=cloud,
        built_in=endpoints is None,
        ca_path=ca_path,
        validate_certs=bool(options.get("validate_certs", True)),
        timeout=_number(options, "timeout", 1),
        max_retries=_number(options, "max_retries", 0),
        replication_timeout=_number(options, "replication_timeout", 0),
    )
    return login, sources.warnings


def place_of(options: Mapping[str, Any], environ: Mapping[str, str]) -> Tuple[str, str, List[str]]:
    """(tenant, cloud, warnings), for tasks that never sign in."""
    sources = _Sources(options, environ)
    return _tenant(sources), _cloud_name(sources), sources.warnings


def _tenant(sources: _Sources) -> str:
    value, label = sources.first("tenant_id")
    if value is None:
        raise InvalidInput(
            "No tenant is given.", "Set tenant_id (or AZURE_TENANT_ID) to the tenant's GUID or a verified domain."
        )
    if value.lower() in SHARED_AUTHORITIES:
        raise InvalidInput(
            "{0} is {1!r}, which is no tenant.".format(_sentence(label), value),
            "Give the tenant's GUID or one of its verified domains.",
        )
    if not GUID.match(value) and not DOMAIN.match(value):
        raise InvalidInput(
            "{0} is {1!r}, which is neither a GUID nor a domain.".format(_sentence(label), value),
            "Entra admin center > Overview shows the Tenant ID.",
        )
    return value.lower()


def _client(sources: _Sources) -> str:
    value, label = sources.first("client_id")
    if value is None:
        raise InvalidInput(
            "No admin identity is given.",
            "Set client_id (or AZURE_CLIENT_ID) to the application (client) id that the automation signs in with.",
        )
    if re.search(r"[\s/?#&'\"]", value):
        raise InvalidInput("{0} is {1!r}, which is no application id.".format(_sentence(label), value))
    return value


def _credential(sources: _Sources) -> Tuple[str, str, str, Optional[str]]:
    """(level, option name, value, certificate password)"""
    for level in ("option", "environment"):
        given = [name for name in CREDENTIALS if sources.at(level, name) is not None]
        if len(given) > 1:
            raise InvalidInput(
                "More than one credential is given: {0}.".format(" and ".join(sources.label(level, n) for n in given)),
                "Keep one, or name the one to use as an option of the task.",
            )
        password = sources.at(level, "client_certificate_password")
        if password is not None and level == "option" and given != ["client_certificate_path"]:
            raise InvalidInput(
                "client_certificate_password is given without client_certificate_path.",
                "Give both as options, or both in the environment.",
            )
        if given:
            value = sources.at(level, given[0]) or ""
            if given[0] != "client_secret" and not os.path.isfile(value):
                raise InvalidInput(
                    "{0} names {1}, which is no file.".format(_sentence(sources.label(level, given[0])), value)
                )
            return level, given[0], value, password if given[0] == "client_certificate_path" else None
    raise InvalidInput(
        "No credential is given.",
        "Name one of {0}, or set one of {1}.".format(
            ", ".join(CREDENTIALS), ", ".join(ENVIRONMENT[name] for name in CREDENTIALS)
        ),
    )


def _cloud_name(sources: _Sources) -> str:
    value, label = sources.first("cloud")
    if value is None:
        return "public"
    if value not in CLOUDS:
        raise InvalidInput("{0} is {1!r}; it must be one of {2}.".format(_sentence(label), value, ", ".join(CLOUDS)))
    return value


def _endpoints(sources: _Sources, level: str) -> Optional[Tuple[str, str, str]]:
    """The three overridden addresses, None for the cloud's own; they share the credential's level."""
    own = CLOUDS[_cloud_name(sources)]
    given: Dict[str, Dict[str, str]] = {"option": {}, "environment": {}}
    for where, found in given.items():
        for name in ENDPOINTS:
            value = sources.at(where, name)
            if value is not None:
                address = _address(sources.label(where, name), name, value)
                if address != getattr(own, name):
                    found[name] = address
    chosen = given.pop(level)
    other_level, other = given.popitem()
    if other and not chosen:
        raise InvalidInput(
            "The credential comes from {0}, but the endpoint from {1}.".format(
                "the task's options" if level == "option" else "the environment",
                ", ".join(sources.label(other_level, name) for name in other),
            ),
            "Give the endpoints where the credential is given, so that no credential goes to a host it was not meant for.",
        )
    if not chosen:
        return None
    missing = [name for name in ENDPOINTS if sources.at(level, name) is None]
    if missing:
        raise InvalidInput(
            "{0} is overridden without {1}.".format(
                " and ".join(sources.label(level, name) for name in chosen),
                " and ".join(sources.label(level, name) for name in missing),
            ),
            "Give all three of authority_host, graph_endpoint and exchange_endpoint, or none.",
        )
    addresses = tuple(_address("", name, sources.at(level, name) or "") for name in ENDPOINTS)
    _refuse_mixed(addresses)
    return addresses[0], addresses[1], addresses[2]


def _refuse_mixed(addresses: tuple[str, ...]) -> None:
    """A built-in host never shares a login with a host that is not of the same cloud."""
    built_in = {getattr(cloud, name): cloud_name for cloud_name, cloud in CLOUDS.items() for name in ENDPOINTS}
    hosts = {origin_of(address)[1] for address in built_in}
    if any(origin_of(address)[1] in hosts for address in addresses):
        raise InvalidInput(
            "The endpoints {0} mix Microsoft's own hosts with others, or name another cloud's.".format(
                ", ".join(addresses)
            ),
            "For a built-in cloud leave the three endpoints out and set cloud.",
        )


def _address(label: str, name: str, value: str) -> str:
    """A base address without a trailing slash; https only, and a bare host for the login."""
    try:
        scheme, _host, _port = origin_of(value)
    except ValueError:
        raise InvalidInput("{0} is {1!r}, which is no address.".format(_sentence(label), presentable(value))) from None
    if scheme != "https":
        raise InvalidInput("{0} is {1!r}; only https is accepted.".format(_sentence(label), presentable(value)))
    if "?" in value or "#" in value:
        raise InvalidInput("{0} is {1!r}; a base address has no query.".format(_sentence(label), presentable(value)))
    address = value.rstrip("/")
    if name == "graph_endpoint" and address.endswith("/v1.0"):
        address = address[: -len("/v1.0")]
    if name == "authority_host" and address.count("/") > 2:
        raise InvalidInput("{0} is {1!r}; it must be a host without a path.".format(_sentence(label), value))
    return address


def _sentence(label: str) -> str:
    """For the start of a sentence; the names of variables keep their capitals."""
    return label[:1].upper() + label[1:]


def _number(options: Mapping[str, Any], name: str, least: int) -> int:
    value = options.get(name)
    if value is None:
        return int(LOGIN_OPTIONS[name]["default"])
    if value < least:
        raise InvalidInput("{0} is {1}; it must be at least {2}.".format(name, value, least))
    return int(value)
