# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The options that every module takes; the twin of module_utils/_login.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  tenant_id:
    description:
      - The tenant, as its GUID (Entra admin center, Overview, Tenant ID) or as one of its verified domains.
      - The tenant that a token was issued for is compared with this one before anything is sent with it.
      - Left out, the environment variable E(AZURE_TENANT_ID) is used. One of both is needed.
    type: str
  client_id:
    description:
      - The application (client) ID of the I(admin identity), which is the application that the automation itself signs
        in with. It is not the application that Webex Connect will use.
      - Left out, E(AZURE_CLIENT_ID) is used. One of both is needed.
    type: str
  client_secret:
    description:
      - A client secret of the admin identity. It is the Value that the portal shows once, not the Secret ID.
      - Left out, and no other credential named, E(AZURE_CLIENT_SECRET) is used.
      - A named credential silences every credential of the environment. Exactly one must result.
    type: str
  client_certificate_path:
    description:
      - File of a certificate of the admin identity with its private key, as PEM (both in one file) or PFX.
      - Left out, and no other credential named, E(AZURE_CLIENT_CERTIFICATE_PATH) is used.
    type: path
  client_certificate_password:
    description:
      - Password of O(client_certificate_path). It belongs where the path is given, as an option or in the environment.
      - Left out, the file is taken for unencrypted, or E(AZURE_CLIENT_CERTIFICATE_PASSWORD) is used if the path comes
        from the environment.
    type: str
  federated_token_file:
    description:
      - File that holds a token of another identity provider which the admin identity trusts (workload identity
        federation), so that no secret is stored. It is read anew for each sign-in.
      - Left out, and no other credential named, E(AZURE_FEDERATED_TOKEN_FILE) is used.
    type: path
  cloud:
    description:
      - The Microsoft cloud that the tenant lives in.
      - Left out, E(AZURE_CLOUD) is used, and without it V(public).
    type: str
    choices: [public, usgov_high, usgov_dod, china]
  authority_host:
    description:
      - Address of the sign-in service instead of the cloud's own, as V(https://HOST) without a path.
      - The three addresses are overridden together or not at all, and where the credential is given (all as options,
        or all in the environment). The audiences of the tokens stay those of O(cloud).
      - Left out, E(AZURE_AUTHORITY_HOST) is used if the credential comes from the environment.
    type: str
  graph_endpoint:
    description:
      - Address of Microsoft Graph instead of the cloud's own, without the version. See O(authority_host).
      - Left out, E(WEBEX_CONNECT_GRAPH_ENDPOINT) is used if the credential comes from the environment.
    type: str
  exchange_endpoint:
    description:
      - Address of Exchange Online instead of the cloud's own. See O(authority_host).
      - Left out, E(WEBEX_CONNECT_EXCHANGE_ENDPOINT) is used if the credential comes from the environment.
    type: str
  ca_path:
    description:
      - File or folder of the certificate authorities to trust, in place of those of C(requests).
      - Left out, E(REQUESTS_CA_BUNDLE) is used.
    type: path
  validate_certs:
    description:
      - Whether the certificates of the services are verified. V(false) draws a warning.
    type: bool
    default: true
  timeout:
    description:
      - Seconds to wait for a connection, and for an answer.
    type: int
    default: 30
  max_retries:
    description:
      - How often one request is tried again when the service throttles, or where repeating is harmless.
      - The waits of one task together stay below 300 seconds.
    type: int
    default: 5
  replication_timeout:
    description:
      - Seconds to wait for something new to become visible everywhere in the directory. Nothing is waited for that
        is there already.
    type: int
    default: 300
  snapshot_path:
    description:
      - File (JSON) to which the former state of what the task changes is added before its first write to the tenant.
      - The file holds no secret, is readable by its owner only, and is not written in check mode.
      - If it cannot be written, nothing is changed.
      - Left out, no snapshot is taken.
    type: path
requirements:
  - msal >= 1.35
  - requests >= 2.31
notes:
  - The options of the admin identity and the endpoints can be given once for all modules, in C(module_defaults) of the
    action group C(group/webex_connect.office365.tenant).
  - The libraries are needed by the interpreter that runs the task. For tenants as hosts with a local connection, set
    C(ansible_python_interpreter) to C({{ ansible_playbook_python }}).
  - With C(async) or C(become), and over a connection that is not local and has no pipelining (C(ANSIBLE_PIPELINING)),
    Ansible writes the options, the credential among them, to a temporary file that only its owner may read, and that stays
    if the run is killed. Otherwise no option is written to disk.
"""
