# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The option that describes a store; the twin of module_utils/_stores/store.py."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  store:
    description:
      - Where the texts of client secrets are kept. Beside a text, a store remembers the tenant, the application, the
        name and key id of the secret, its start and its end.
      - M(webex_connect.office365.app_secret) writes to it. M(webex_connect.office365.azure_app_registration) only reads
        its records.
      - An option that belongs to another type of store is refused.
    type: dict
    suboptions:
      type:
        description:
          - V(file) is a YAML file that only its owner can read, replaced in one step. Several applications and tenants
            may share one.
          - V(sealed) is a file of records, with each text in a file of its own beside it that only the holder of the
            private key of O(store.recipient_certificate_path) can read. Whoever writes it cannot.
          - V(azure_key_vault) is an Azure Key Vault, signed in to by the admin identity. Each text is a version of one
            Key Vault secret, with start and end as its own, and the record in its tags. Reading records reads no text.
          - V(hashi_vault) is a key/value engine of version 2 in HashiCorp Vault or OpenBao. Each text is a version of
            one path, written with check-and-set. The record is in the path's custom metadata, and is read without the
            text except after a run that was interrupted.
        type: str
        choices: [file, sealed, azure_key_vault, hashi_vault]
        default: file
      path:
        description:
          - The file, for O(store.type=file) and O(store.type=sealed). In an execution environment it must lie on a
            mounted volume.
          - For O(store.type=sealed) it holds the records, and a text lies beside it in C(NAME.KEY_ID.cms), where NAME is
            the file's name without extension. C(openssl cms -decrypt -inform PEM -in FILE -recip CERTIFICATE -inkey
            KEY) prints exactly the text.
        type: path
      vault:
        description:
          - For O(store.type=file), whether the file is encrypted with Ansible Vault, so that C(ansible-vault view) opens
            it. A file that is not encrypted yet is read, and encrypted when it is next written.
          - Only Ansible on the controller has the run's vault secrets, so the connection must be local, without
            C(async), C(become) and C(delegate_to), and the interpreter the controller's own. Otherwise the task is
            refused before any request.
        type: bool
        default: false
      vault_id:
        description:
          - With O(store.vault=true), the vault identity to encrypt with.
          - Left out, it is the one of Ansible's setting C(DEFAULT_VAULT_ENCRYPT_IDENTITY), or else the run's first.
        type: str
      recipient_certificate_path:
        description:
          - For O(store.type=sealed), the file (PEM) of the recipient's X.509 certificate. Its key must be RSA, and it
            must be valid now.
        type: path
      vault_url:
        description:
          - For O(store.type=azure_key_vault), the vault's address, such as V(https://contoso.vault.azure.net). The vault
            must belong to the tenant itself, and to its cloud unless the endpoints are overridden.
        type: str
      secret_name:
        description:
          - For O(store.type=azure_key_vault), the name of the Key Vault secret, of letters, digits and hyphens.
          - Left out, it is made of the client secret's name and the application id.
          - One that was deleted and can be recovered is recovered before it is written to.
        type: str
      url:
        description:
          - For O(store.type=hashi_vault), Vault's address, such as V(https://vault.contoso.example:8200).
          - Left out, the environment variable E(VAULT_ADDR) is used.
        type: str
      namespace:
        description:
          - For O(store.type=hashi_vault), the namespace. Left out, E(VAULT_NAMESPACE) is used.
        type: str
      mount_point:
        description:
          - For O(store.type=hashi_vault), where the key/value engine is mounted.
        type: str
        default: secret
      secret_path:
        description:
          - For O(store.type=hashi_vault), the path in the engine, for this client secret alone.
          - Left out, it is C(webex-connect/TENANT/APPLICATION/NAME).
        type: str
      token:
        description:
          - For O(store.type=hashi_vault), the token to sign in with.
          - Left out, and no AppRole named, E(VAULT_TOKEN) is used.
        type: str
      role_id:
        description:
          - For O(store.type=hashi_vault), the AppRole to sign in with, together with O(store.secret_id).
        type: str
      secret_id:
        description:
          - For O(store.type=hashi_vault), the secret id of O(store.role_id).
        type: str
      auth_mount_point:
        description:
          - For O(store.type=hashi_vault), where the auth method AppRole is mounted.
        type: str
        default: approle
      ca_path:
        description:
          - For O(store.type=hashi_vault), file or folder of the certificate authorities to trust for Vault alone.
          - Left out, those of the task are trusted.
        type: path
requirements:
  - PyYAML for O(store.type=file) and O(store.type=sealed); it comes with ansible-core
  - cryptography >= 43 for O(store.type=sealed)
notes:
  - O(store.type=azure_key_vault) needs the role C(Key Vault Secrets Officer) on the vault, or the secret permissions List
    and Set, and beside them Get to prove a text, Delete for what is removed and Recover for deleted names.
  - O(store.type=hashi_vault) needs C(create) and C(update) on C(MOUNT/data/PATH) and C(create), C(read) and C(update) on
    C(MOUNT/metadata/PATH); C(read) on the former to prove a text and to finish an interrupted run, C(delete) on it for
    what is removed, and C(list) on C(MOUNT/metadata/webex-connect/TENANT) to recognise an application.
"""


# The same option for a module that reads the text of the application's own secret.
# Outside of the class: ansible-test reads every text in it as YAML, and only texts.
ModuleDocFragment.APP_SECRET = ModuleDocFragment.DOCUMENTATION.replace("  store:\n", "  app_secret_store:\n").replace(
    "O(store", "O(app_secret_store"
)
