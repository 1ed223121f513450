# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options and the environment become one login (C30)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.webex_connect.office365.plugins.module_utils._clouds import CLOUDS
from ansible_collections.webex_connect.office365.plugins.module_utils._errors import InvalidInput
from ansible_collections.webex_connect.office365.plugins.module_utils._login import (
    ENVIRONMENT,
    LOGIN_OPTIONS,
    Login,
    place_of,
    resolve_login,
)
from samples import ADMIN_ID, HOSTILE, QUICKLY, TENANT_ID

OTHER_ID = "77777777-0000-4000-8000-000000000001"
SECRET, OTHER_SECRET = "S3cret~of-the-option", "S3cret~of-the-environment"
OWN = {
    "authority_host": "https://login.lab.example",
    "graph_endpoint": "https://graph.lab.example",
    "exchange_endpoint": "https://exchange.lab.example",
}
OWN_ENVIRONMENT = {ENVIRONMENT[name]: address for name, address in OWN.items()}
IDS = {"tenant_id": TENANT_ID, "client_id": ADMIN_ID}
AZURE = {"AZURE_TENANT_ID": OTHER_ID, "AZURE_CLIENT_ID": OTHER_ID, "AZURE_CLIENT_SECRET": OTHER_SECRET}


def resolved(options: dict[str, Any], **environment: str) -> Login:
    return resolve_login(options, environment)[0]


def refused(options: dict[str, Any], **environment: str) -> str:
    with pytest.raises(InvalidInput) as refusal:
        resolve_login(options, environment)
    for secret in (SECRET, OTHER_SECRET):
        assert secret not in str(refusal.value)
        assert secret not in str(refusal.value.facts)
    return str(refusal.value)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "credential"
    path.write_text("content")
    return str(path)


# Precedence


def test_environment_alone_is_enough() -> None:
    login = resolved({}, **AZURE)
    assert (login.tenant_id, login.client_id) == (OTHER_ID, OTHER_ID)
    assert (login.kind, login.credential) == ("client_secret", OTHER_SECRET)


def test_options_alone_are_enough() -> None:
    login = resolved({**IDS, "client_secret": SECRET})
    assert (login.tenant_id, login.client_id, login.credential) == (TENANT_ID, ADMIN_ID, SECRET)


@pytest.mark.parametrize(
    ("option", "attribute"),
    [("tenant_id", "tenant_id"), ("client_id", "client_id"), ("client_secret", "credential")],
)
def test_case_c30_each_option_wins_over_its_own_variable_only(option: str, attribute: str) -> None:
    mine = {"tenant_id": TENANT_ID, "client_id": ADMIN_ID, "client_secret": SECRET}[option]
    theirs = {"tenant_id": OTHER_ID, "client_id": OTHER_ID, "credential": OTHER_SECRET}
    login = resolved({option: mine}, **AZURE)
    for name, value in theirs.items():
        assert getattr(login, name) == (mine if name == attribute else value)


def test_option_wins_for_cloud_and_ca(file: str, tmp_path: Path) -> None:
    login = resolved({"cloud": "china", "ca_path": file}, **AZURE, AZURE_CLOUD="usgov_dod", REQUESTS_CA_BUNDLE="/none")
    assert (login.cloud, login.ca_path) == ("china", file)
    login = resolved({}, **AZURE, AZURE_CLOUD="usgov_dod", REQUESTS_CA_BUNDLE=str(tmp_path))
    assert (login.cloud, login.ca_path) == ("usgov_dod", str(tmp_path))


def test_case_c30_a_named_credential_silences_every_credential_of_the_environment(file: str) -> None:
    everything = {**AZURE, "AZURE_CLIENT_CERTIFICATE_PATH": file, "AZURE_FEDERATED_TOKEN_FILE": file}
    login = resolved({"client_secret": SECRET}, **everything)
    assert (login.kind, login.credential) == ("client_secret", SECRET)
    login = resolved({"client_certificate_path": file}, **AZURE, AZURE_CLIENT_CERTIFICATE_PASSWORD="theirs")
    assert (login.kind, login.credential, login.password) == ("client_certificate_path", file, None)


@pytest.mark.parametrize("kind", ["client_certificate_path", "federated_token_file"])
def test_file_is_a_credential_at_either_level(kind: str, file: str) -> None:
    assert (resolved({**IDS, kind: file}).kind, resolved(IDS, **{ENVIRONMENT[kind]: file}).kind) == (kind, kind)


def test_password_belongs_to_the_level_of_its_certificate(file: str) -> None:
    both = {"AZURE_CLIENT_CERTIFICATE_PATH": file, "AZURE_CLIENT_CERTIFICATE_PASSWORD": "p"}
    assert resolved(IDS, **both).password == "p"
    assert (
        resolved({**IDS, "client_certificate_path": file, "client_certificate_password": "q"}, **both).password == "q"
    )
    assert "client_certificate_password" in refused({**IDS, "client_certificate_password": "q"}, **both)
    assert "client_certificate_password" in refused(
        {**IDS, "client_secret": SECRET, "client_certificate_password": "q"}
    )


def test_password_that_lies_in_the_environment_is_no_part_of_a_secret(file: str) -> None:
    assert resolved(IDS, AZURE_CLIENT_SECRET=SECRET, AZURE_CLIENT_CERTIFICATE_PASSWORD="p").password is None


# None, two


@pytest.mark.parametrize(
    ("options", "environment", "named"),
    [
        (
            {"client_secret": SECRET, "federated_token_file": "FILE"},
            {},
            ["the option client_secret", "the option federated_token_file"],
        ),
        (
            {},
            {"AZURE_CLIENT_SECRET": OTHER_SECRET, "AZURE_CLIENT_CERTIFICATE_PATH": "FILE"},
            ["the environment variable AZURE_CLIENT_SECRET", "the environment variable AZURE_CLIENT_CERTIFICATE_PATH"],
        ),
        ({}, {}, ["client_secret", "client_certificate_path", "federated_token_file", "AZURE_CLIENT_SECRET"]),
    ],
    ids=["two-named", "two-in-the-environment", "none-at-all"],
)
def test_case_c30_an_unclear_credential_is_refused_naming_all_and_their_sources(
    options: dict[str, str], environment: dict[str, str], named: list[str], file: str
) -> None:
    filled = [{name: file if value == "FILE" else value for name, value in d.items()} for d in (options, environment)]
    message = refused({**IDS, **filled[0]}, **filled[1])
    for text in named:
        assert text in message


@pytest.mark.parametrize(
    ("options", "option", "variable"),
    [
        ({"client_id": ADMIN_ID, "client_secret": SECRET}, "tenant_id", "AZURE_TENANT_ID"),
        ({"tenant_id": TENANT_ID, "client_secret": SECRET}, "client_id", "AZURE_CLIENT_ID"),
    ],
)
def test_missing_id_is_refused_naming_option_and_variable(options: dict[str, str], option: str, variable: str) -> None:
    message = refused(options)
    assert option in message
    assert variable in message


@pytest.mark.parametrize("kind", ["client_certificate_path", "federated_token_file"])
def test_credential_file_that_is_none_is_refused_with_its_source(kind: str, tmp_path: Path) -> None:
    assert "The option {0} names /no/such".format(kind) in refused({**IDS, kind: "/no/such"})
    assert "The environment variable" in refused(IDS, **{ENVIRONMENT[kind]: str(tmp_path)})


def test_ca_that_does_not_exist_is_refused() -> None:
    assert "REQUESTS_CA_BUNDLE" in refused(IDS, AZURE_CLIENT_SECRET=OTHER_SECRET, REQUESTS_CA_BUNDLE="/no/such")
    assert "ca_path" in refused({**IDS, "client_secret": SECRET, "ca_path": "/no/such"})


# Blanks


@pytest.mark.parametrize("blank", ["", " ", "\n", "\t \r\n"])
@pytest.mark.parametrize("option", ["tenant_id", "client_id", "client_secret", "cloud", *OWN, "ca_path"])
def test_blank_option_is_not_given(option: str, blank: str) -> None:
    blank_one = resolve_login({option: blank}, AZURE)
    assert blank_one == resolve_login({}, AZURE)
    assert blank_one[1] == []


@pytest.mark.parametrize("blank", ["", " \n"])
def test_blank_variable_is_not_given(blank: str) -> None:
    blanks = dict.fromkeys(ENVIRONMENT.values(), blank)
    login, warnings = resolve_login({**IDS, "client_secret": SECRET}, blanks)
    assert login.credential == SECRET
    assert login.built_in
    assert warnings == []
    assert "No credential" in refused(IDS, **blanks)


@pytest.mark.parametrize("spoilt", ["{0}\n", " {0}", "\t{0}\r\n"])
@pytest.mark.parametrize(
    ("option", "attribute"), [("tenant_id", "tenant_id"), ("client_id", "client_id"), ("client_secret", "credential")]
)
def test_blanks_around_a_value_are_stripped_with_a_warning_that_names_it_and_not_its_value(
    option: str, attribute: str, spoilt: str
) -> None:
    good = {**IDS, "client_secret": SECRET}
    login, warnings = resolve_login({**good, option: spoilt.format(good[option])}, {})
    assert getattr(login, attribute) == good[option]
    assert len(warnings) == 1
    assert option in warnings[0]
    assert good[option] not in warnings[0]


def test_blanks_in_the_environment_are_warned_about_by_the_variables_name() -> None:
    login, warnings = resolve_login({}, {**AZURE, "AZURE_CLIENT_SECRET": OTHER_SECRET + "\n"})
    assert login.credential == OTHER_SECRET
    assert warnings == ["Blanks or line ends around the value of AZURE_CLIENT_SECRET were removed."]


def test_blank_inside_a_secret_stays() -> None:
    assert resolved({**IDS, "client_secret": "a b"}).credential == "a b"


# Endpoints


@pytest.mark.parametrize("level", ["options", "environment"])
def test_three_endpoints_at_the_credentials_level_replace_the_clouds_own(level: str) -> None:
    if level == "options":
        login = resolved({**IDS, "client_secret": SECRET, **OWN})
    else:
        login = resolved(IDS, AZURE_CLIENT_SECRET=OTHER_SECRET, **OWN_ENVIRONMENT)
    assert [login.authority_host, login.graph_endpoint, login.exchange_endpoint] == list(OWN.values())
    assert not login.built_in
    assert login.graph_scope == "https://graph.microsoft.com/.default"
    assert login.exchange_scope == "https://outlook.office365.com/.default"


@pytest.mark.parametrize(
    "left_out", [("authority_host",), ("graph_endpoint",), ("graph_endpoint", "exchange_endpoint")]
)
def test_endpoints_in_part_are_refused_naming_the_missing(left_out: tuple[str, ...]) -> None:
    given_ones = {name: address for name, address in OWN.items() if name not in left_out}
    message = refused({**IDS, "client_secret": SECRET, **given_ones})
    for name in left_out:
        assert "the option " + name in message
    variables = {ENVIRONMENT[name]: address for name, address in given_ones.items()}
    message = refused({}, **AZURE, **variables)
    for name in left_out:
        assert ENVIRONMENT[name] in message


def test_endpoints_are_not_completed_from_the_other_level() -> None:
    message = refused({**IDS, "client_secret": SECRET, "authority_host": OWN["authority_host"]}, **OWN_ENVIRONMENT)
    assert "graph_endpoint" in message


def test_credential_and_endpoints_of_different_levels_are_refused() -> None:
    message = refused({**IDS, "client_secret": SECRET}, **OWN_ENVIRONMENT)
    assert "AZURE_AUTHORITY_HOST" in message
    message = refused({**IDS, **OWN}, AZURE_CLIENT_SECRET=OTHER_SECRET)
    assert "the option authority_host" in message
    assert "the environment" in message


def test_endpoints_of_the_credentials_level_win_over_the_others() -> None:
    others = dict.fromkeys(OWN_ENVIRONMENT, "https://other.lab.example")
    login = resolved({**IDS, "client_secret": SECRET, **OWN}, **others)
    assert login.graph_endpoint == OWN["graph_endpoint"]


@pytest.mark.parametrize("spelling", ["{0}", "{0}/", "{0}//", " {0}\n"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_authority_host_of_the_cloud_itself_is_no_override(cloud: str, spelling: str) -> None:
    host = spelling.format(CLOUDS[cloud].authority_host)
    for login in (
        resolved({"cloud": cloud}, **AZURE, AZURE_AUTHORITY_HOST=host),
        resolved({**IDS, "client_secret": SECRET, "cloud": cloud}, AZURE_AUTHORITY_HOST=host),
    ):
        assert login.built_in
        assert login.authority_host == CLOUDS[cloud].authority_host


@pytest.mark.parametrize(
    "change",
    [
        {"authority_host": "https://login.microsoftonline.com"},
        {"graph_endpoint": "https://graph.microsoft.com"},
        {"graph_endpoint": "https://graph.microsoft.us"},
        {"exchange_endpoint": "https://OUTLOOK.office365.com:8443"},
        {"exchange_endpoint": "https://outlook.office365.com./"},
    ],
)
def test_built_in_host_among_own_ones_is_refused(change: dict[str, str]) -> None:
    assert "Microsoft's own hosts" in refused({**IDS, "client_secret": SECRET, **OWN, **change})


def test_endpoints_of_another_cloud_are_refused_and_cloud_is_named() -> None:
    china = CLOUDS["china"]
    message = refused(
        {
            **IDS,
            "client_secret": SECRET,
            "authority_host": china.authority_host,
            "graph_endpoint": china.graph_endpoint,
            "exchange_endpoint": china.exchange_endpoint,
        }
    )
    assert "set cloud" in message


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://login.lab.example", "only https"),
        ("ftp://login.lab.example", "only https"),
        ("login.lab.example", "no address"),
        ("https://", "no address"),
        ("https://user:pw@login.lab.example", "no address"),
        ("https://login.lab.example@evil.example", "no address"),
        ("https://evil.example\\.login.lab.example", "no address"),
        ("https://login.lab.example:port", "no address"),
        ("https://login.lab.example?a=b", "no query"),
        ("https://login.lab.example#a", "no query"),
    ],
)
def test_address_that_is_no_plain_https_address_is_refused(name: str, address: str, said: str) -> None:
    assert said in refused({**IDS, "client_secret": SECRET, **OWN, name: address})


@pytest.mark.parametrize("address", ["https://user:{0}@login.lab.example", "user:{0}@login.lab.example"])
def test_password_in_an_address_is_not_repeated_in_the_refusal(address: str) -> None:
    message = refused({**IDS, "client_secret": SECRET, **OWN, "graph_endpoint": address.format("hunter2")})
    assert "hunter2" not in message
    assert "@login.lab.example" in message


def test_address_is_brought_into_plain_form() -> None:
    spelt = {name: address + "/" for name, address in OWN.items()}
    spelt["graph_endpoint"] = OWN["graph_endpoint"] + "/v1.0/"
    login = resolved({**IDS, "client_secret": SECRET, **spelt})
    assert [login.authority_host, login.graph_endpoint, login.exchange_endpoint] == list(OWN.values())


def test_authority_host_with_a_path_is_refused() -> None:
    options = {**IDS, "client_secret": SECRET, **OWN, "authority_host": "https://login.lab.example/" + TENANT_ID}
    assert "without a path" in refused(options)


# Clouds


@pytest.mark.parametrize(
    ("cloud", "login_host", "graph", "exchange", "exchange_scope"),
    [
        (
            "public",
            "login.microsoftonline.com",
            "graph.microsoft.com",
            "outlook.office365.com",
            "https://outlook.office365.com/.default",
        ),
        (
            "usgov_high",
            "login.microsoftonline.us",
            "graph.microsoft.us",
            "outlook.office365.us",
            "https://outlook.office365.us/.default",
        ),
        (
            "usgov_dod",
            "login.microsoftonline.us",
            "dod-graph.microsoft.us",
            "outlook-dod.office365.us",
            "https://outlook-dod.office365.us/.default",
        ),
        (
            "china",
            "login.chinacloudapi.cn",
            "microsoftgraph.chinacloudapi.cn",
            "outlook.office365.cn",
            "https://partner.outlook.cn/.default",
        ),
    ],
)
def test_cloud_has_the_documented_addresses(
    cloud: str, login_host: str, graph: str, exchange: str, exchange_scope: str
) -> None:
    login = resolved({"cloud": cloud}, **AZURE)
    hosts = [login.authority_host, login.graph_endpoint, login.exchange_endpoint]
    assert hosts == ["https://" + host for host in (login_host, graph, exchange)]
    assert login.graph_scope == "https://{0}/.default".format(graph)
    assert login.exchange_scope == exchange_scope
    assert login.built_in


def test_public_is_the_default_cloud_and_the_choices_are_the_four() -> None:
    assert resolved({}, **AZURE).cloud == "public"
    assert LOGIN_OPTIONS["cloud"]["choices"] == ["public", "usgov_high", "usgov_dod", "china"]


def test_unknown_cloud_in_the_environment_is_refused_with_the_choices() -> None:
    message = refused({}, **AZURE, AZURE_CLOUD="AzureCloud")
    for text in ("AZURE_CLOUD", "'AzureCloud'", "usgov_high"):
        assert text in message


# Tenant and client


@pytest.mark.parametrize(
    "tenant", [TENANT_ID, TENANT_ID.upper(), "contoso.example", "Contoso.OnMicrosoft.com", "a-b.c-d.example"]
)
def test_guid_or_domain_is_a_tenant(tenant: str) -> None:
    assert resolved({"tenant_id": tenant}, **AZURE).tenant_id == tenant.lower()
    assert place_of({"tenant_id": tenant}, {}) == (tenant.lower(), "public", [])


@pytest.mark.parametrize(
    "tenant",
    [
        "common",
        "organizations",
        "Consumers",
        "contoso",
        "contoso..example",
        "-contoso.example",
        "192.0.2.1",
        "contoso.example/../evil",
        "https://contoso.example",
        TENANT_ID[:-1],
        "x" * 64 + ".example",
        *HOSTILE.values(),
    ],
)
def test_text_that_is_no_tenant_is_refused_wherever_it_came_from(tenant: str) -> None:
    assert "The option tenant_id is" in refused({"tenant_id": tenant}, **AZURE)
    assert "The environment variable AZURE_TENANT_ID is" in refused({}, **{**AZURE, "AZURE_TENANT_ID": tenant})


@pytest.mark.parametrize("client", ["a b", "a/b", "a?b", "a#b", "a&b", "a'b", 'a"b', "a\nb"])
def test_text_that_could_break_out_as_client_id_is_refused(client: str) -> None:
    assert "client_id" in refused({"client_id": client}, **AZURE)


# Numbers, certificates of the services


@pytest.mark.parametrize(
    ("name", "default", "least"), [("timeout", 30, 1), ("max_retries", 5, 0), ("replication_timeout", 300, 0)]
)
def test_number_has_a_default_and_a_least_value(name: str, default: int, least: int) -> None:
    assert getattr(resolved({}, **AZURE), name) == default
    assert getattr(resolved({name: least}, **AZURE), name) == least
    assert name in refused({name: least - 1}, **AZURE)


def test_verification_is_on_by_default_and_its_absence_is_warned_about(file: str) -> None:
    assert resolved({}, **AZURE).verify is True
    assert resolved({"ca_path": file}, **AZURE).verify == file
    login, warnings = resolve_login({"validate_certs": False, "ca_path": file}, AZURE)
    assert login.verify is False
    assert len(warnings) == 1
    assert "validate_certs" in warnings[0]


# Secrets


def test_secret_and_password_are_never_in_the_repr(file: str) -> None:
    assert SECRET not in repr(resolved({**IDS, "client_secret": SECRET}))
    certificate = {"client_certificate_path": file, "client_certificate_password": "pass~phrase"}
    assert "pass~phrase" not in repr(resolved({**IDS, **certificate}))


def test_secret_options_are_marked_for_ansible() -> None:
    assert [name for name, option in LOGIN_OPTIONS.items() if option.get("no_log")] == [
        "client_secret",
        "client_certificate_password",
    ]


@QUICKLY
@given(
    st.dictionaries(st.sampled_from([n for n in LOGIN_OPTIONS if LOGIN_OPTIONS[n]["type"] == "str"]), st.text()),
    st.dictionaries(st.sampled_from(sorted(ENVIRONMENT.values())), st.text()),
)
def test_any_texts_are_resolved_or_refused_without_traceback(options: dict[str, str], environ: dict[str, str]) -> None:
    try:
        login, _warnings = resolve_login({**IDS, "client_secret": SECRET, **options}, environ)
    except InvalidInput:
        return
    for address in (login.authority_host, login.graph_endpoint, login.exchange_endpoint):
        assert address.startswith("https://")
