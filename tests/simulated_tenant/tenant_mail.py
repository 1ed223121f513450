# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Exchange Online half of a tenant's state, and helpers to arrange it.

Property names and value forms follow the cmdlets' reference pages, e.g.
https://learn.microsoft.com/powershell/module/exchange/get-mailbox.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .new_objects import new_id

Row = dict[str, Any]
SERVER = "EURPR01A001"


class MailState:
    """Mailboxes, mail flow settings, policies and rules of one tenant."""

    domain: str
    initial_domain: str
    tenant_id: str

    def _start_mail(self) -> None:
        self.mailboxes: list[Row] = []
        self.other_recipients: list[Row] = []
        self.groups: dict[str, set[str]] = {}  # object ids of the direct members, by the group's object id
        self.inbox_rules: list[Row] = []
        self.mailbox_permissions: list[Row] = []
        self.recipient_permissions: list[Row] = []
        self.transport_rules: list[Row] = []
        self.exchange_service_principals: list[Row] = []
        self.management_scopes: list[Row] = []
        self.management_role_assignments: list[Row] = []
        self.authentication_policies: list[Row] = []
        self.sent_mail: list[Row] = []
        self.outbound_policies: list[Row] = [outbound_policy("Default", IsDefault=True, Enabled=False)]
        self.outbound_rules: list[Row] = []
        self.remote_domains: list[Row] = [remote_domain("Default", "*")]
        self.hydration_failures_left = 0
        self.hydration_lag = 0
        self.transport_config: Row = {
            "Name": "Transport Settings",
            "Identity": "Transport Settings",
            "Guid": new_id(),
            "SmtpClientAuthenticationDisabled": True,
            "AllowLegacyTLSClients": None,
            "MessageExpiration": "1.00:00:00",
        }
        self.organization_config: Row = {
            "Name": self.initial_domain,
            "DisplayName": "",
            "Identity": self.initial_domain,
            "Guid": new_id(),
            "IsDehydrated": False,
            "DefaultAuthenticationPolicy": None,
            "OAuth2ClientProfileEnabled": True,
        }

    def add_mailbox(
        self,
        address: str,
        *,
        display_name: str | None = None,
        alias: str | None = None,
        name: str | None = None,
        user_principal_name: str | None = None,
        extra_addresses: tuple[str, ...] | list[str] = (),
        recipient_type_details: str = "UserMailbox",
        smtp_auth_disabled: bool | None = None,
        forwarding_address: str | None = None,
        forwarding_smtp_address: str | None = None,
        deliver_and_forward: bool = False,
        object_id: str | None = None,
        **properties: Any,
    ) -> Row:
        """Adds a mailbox (and its Entra user) and returns its row.

        ``forwarding_address`` is stored as given (the name of a recipient);
        ``forwarding_smtp_address`` may be bare or carry ``smtp:``.
        """
        local = address.split("@", 1)[0]
        shown = display_name or local
        upn = user_principal_name or address
        user = self.add_user(upn, display_name=shown, mail=address, object_id=object_id)  # type: ignore[attr-defined]
        row = mailbox_row(user["id"], address, shown, alias or local, name or local, upn)
        row["EmailAddresses"] += [f"smtp:{extra}" for extra in extra_addresses]
        row["RecipientTypeDetails"] = recipient_type_details
        row["IsShared"] = recipient_type_details == "SharedMailbox"
        row["SmtpClientAuthenticationDisabled"] = smtp_auth_disabled
        row["ForwardingAddress"] = forwarding_address
        row["ForwardingSmtpAddress"] = _prefixed(forwarding_smtp_address)
        row["DeliverToMailboxAndForward"] = deliver_and_forward
        row.update(properties)
        self.mailboxes.append(row)
        return row

    def mailbox(self, address: str) -> Row:
        """The mailbox that has this address (KeyError where there is none)."""
        wanted = address.lower()
        for row in self.mailboxes:
            if wanted in {text.split(":", 1)[-1].lower() for text in row["EmailAddresses"]}:
                return row
        raise KeyError(address)

    def add_recipient(self, name: str, address: str, recipient_type_details: str = "MailContact") -> Row:
        """Adds a recipient without a mailbox here: a contact, a mail user or a group."""
        row = mailbox_row(new_id(), address, name, address.split("@", 1)[0], name, address)
        row["RecipientType"] = row["RecipientTypeDetails"] = recipient_type_details
        self.other_recipients.append(row)
        return row

    def add_group(
        self, name: str, address: str, members: Sequence[str] = (), kind: str = "MailUniversalSecurityGroup"
    ) -> Row:
        """Adds a group of users and groups, by their object ids. Entra knows every kind but the dynamic one."""
        row = self.add_recipient(name, address, kind)
        if kind != "DynamicDistributionGroup":
            self.groups[row["ExternalDirectoryObjectId"]] = set(members)
        else:
            row["ExternalDirectoryObjectId"] = ""
        return row

    def add_outbound_policy(self, name: str, **properties: Any) -> Row:
        """Adds a custom outbound spam filter policy."""
        self.outbound_policies.append(outbound_policy(name, **properties))
        return self.outbound_policies[-1]

    def outbound_policy(self, name: str = "Default") -> Row:
        """The outbound spam filter policy of this name (KeyError where there is none)."""
        return _named(self.outbound_policies, name)

    def add_outbound_rule(self, name: str, policy: str, **properties: Any) -> Row:
        """Adds the rule that says to whom a custom policy applies."""
        rule = outbound_rule(name, policy, len(self.outbound_rules), **properties)
        self.outbound_rules.append(rule)
        return rule

    def outbound_rule(self, name: str) -> Row:
        """The outbound spam filter rule of this name (KeyError where there is none)."""
        return _named(self.outbound_rules, name)

    def add_remote_domain(self, name: str, domain_name: str, **properties: Any) -> Row:
        """Adds a remote domain."""
        self.remote_domains.append(remote_domain(name, domain_name, **properties))
        return self.remote_domains[-1]

    def remote_domain(self, name: str = "Default") -> Row:
        """The remote domain of this name (KeyError where there is none)."""
        return _named(self.remote_domains, name)

    def add_transport_rule(self, name: str, **properties: Any) -> Row:
        """Adds a mail flow rule; conditions and actions are flat properties."""
        rule = {"Name": name, "Identity": name, "Guid": new_id(), "State": "Enabled", "Mode": "Enforce"}
        nothing = (
            "Conditions Exceptions Actions MessageTypeMatches FromScope SentToScope From SenderDomainIs "
            "RecipientDomainIs HeaderMatchesMessageHeader HeaderMatchesPatterns RejectMessageReasonText "
            "RejectMessageEnhancedStatusCode RedirectMessageTo BlindCopyTo SentTo MessageSizeOver"
        )
        row: Row = {**rule, "Priority": len(self.transport_rules), **dict.fromkeys(nothing.split())}
        row.update({"DeleteMessage": False, "Quarantine": False, "Description": f"{name}\r\n", **properties})
        self.transport_rules.append(row)
        return row

    def add_authentication_policy(self, name: str, default: bool = False, **properties: Any) -> Row:
        """Adds an authentication policy (Basic blocked everywhere unless said otherwise)."""
        protocols = "ActiveSync Autodiscover Imap Mapi Pop Powershell Smtp WebServices"
        row: Row = {"Name": name, "Identity": name, "Guid": new_id()}
        row.update({f"AllowBasicAuth{protocol}": False for protocol in protocols.split()})
        row.update(properties)
        self.authentication_policies.append(row)
        if default:
            self.organization_config["DefaultAuthenticationPolicy"] = name
        return row

    def add_inbox_rule(self, mailbox: str, name: str, **properties: Any) -> Row:
        """Adds an inbox rule to the mailbox with this address."""
        owner = self.mailbox(mailbox)
        row: Row = {"Name": name, "Identity": f"{owner['Identity']}\\{name}", "MailboxOwnerId": owner["Identity"]}
        row.update({"Enabled": True, "Priority": 1, "ForwardTo": None, "RedirectTo": None})
        row.update({"ForwardAsAttachmentTo": None, "_mailbox": owner["Guid"], **properties})
        self.inbox_rules.append(row)
        return row

    def add_mailbox_permission(self, mailbox: str, user: str, rights: list[str]) -> Row:
        """Gives somebody rights on the mailbox with this address."""
        owner = self.mailbox(mailbox)
        row: Row = {"Identity": owner["Identity"], "User": user, "AccessRights": [", ".join(rights)]}
        row.update({"Deny": False, "IsInherited": False, "_mailbox": owner["Guid"]})
        self.mailbox_permissions.append(row)
        return row

    def add_role_assignment(self, name: str, role: str, assignee: str, **properties: Any) -> Row:
        """Gives a management role to a service principal (by its object id), or as ``properties`` say."""
        row: Row = {"Name": name, "Identity": name, "Guid": new_id(), "Role": role, "RoleAssigneeName": assignee}
        row.update({"RoleAssigneeType": "ServicePrincipal", "RecipientWriteScope": "Organization", "Enabled": True})
        scopes = "CustomResourceScope CustomRecipientWriteScope RecipientGroupScope RecipientAdministrativeUnitScope"
        row.update({**dict.fromkeys(scopes.split()), **properties})
        self.management_role_assignments.append(row)
        return row


def _named(rows: list[Row], name: str) -> Row:
    for row in rows:
        if row["Name"].lower() == name.lower():
            return row
    raise KeyError(name)


def _prefixed(address: str | None) -> str | None:
    if not address:
        return None
    return address if address.lower().startswith("smtp:") else f"smtp:{address}"


def mailbox_row(object_id: str, address: str, shown: str, alias: str, name: str, upn: str) -> Row:
    """A new mailbox, with the properties that Get-Mailbox, Get-CASMailbox and Get-User show."""
    return {
        "Identity": object_id,
        "Id": object_id,
        "Guid": new_id(),
        "ExchangeGuid": new_id(),
        "ExternalDirectoryObjectId": object_id,
        "Name": name,
        "DisplayName": shown,
        "Alias": alias,
        "UserPrincipalName": upn,
        "WindowsLiveID": upn,
        "PrimarySmtpAddress": address,
        "EmailAddresses": [f"SMTP:{address}"],
        "RecipientType": "UserMailbox",
        "RecipientTypeDetails": "UserMailbox",
        "ForwardingAddress": None,
        "ForwardingSmtpAddress": None,
        "DeliverToMailboxAndForward": False,
        "IsDirSynced": False,
        "IsMailboxEnabled": True,
        "IsShared": False,
        "AccountDisabled": False,
        "SkuAssigned": None,
        "HiddenFromAddressListsEnabled": False,
        "ProhibitSendQuota": "99 GB (106,300,440,576 bytes)",
        "MaxSendSize": "35 MB (36,700,160 bytes)",
        "AuthenticationPolicy": None,
        "SmtpClientAuthenticationDisabled": None,
        "ImapEnabled": True,
        "PopEnabled": True,
        "ActiveSyncEnabled": True,
        "OWAEnabled": True,
        "MAPIEnabled": True,
        "EwsEnabled": None,
    }


def outbound_policy(name: str, **properties: Any) -> Row:
    """A new outbound spam filter policy with the service's own defaults."""
    return {
        "Name": name,
        "Identity": name,
        "Id": name,
        "Guid": new_id(),
        "AdminDisplayName": "",
        "IsDefault": False,
        "Enabled": True,
        "AutoForwardingMode": "Automatic",
        "RecipientLimitExternalPerHour": 0,
        "RecipientLimitInternalPerHour": 0,
        "RecipientLimitPerDay": 0,
        "ActionWhenThresholdReached": "BlockUserForToday",
        "NotifyOutboundSpam": False,
        "NotifyOutboundSpamRecipients": [],
        "BccSuspiciousOutboundMail": False,
        "BccSuspiciousOutboundAdditionalRecipients": [],
        "RecommendedPolicyType": "Custom",
        **properties,
    }


def outbound_rule(name: str, policy: str, priority: int, **properties: Any) -> Row:
    """A new rule of an outbound spam filter policy."""
    lists = "From FromMemberOf SenderDomainIs ExceptIfFrom ExceptIfFromMemberOf ExceptIfSenderDomainIs"
    return {
        "Name": name,
        "Identity": name,
        "Guid": new_id(),
        "ImmutableId": new_id(),
        "HostedOutboundSpamFilterPolicy": policy,
        "Priority": priority,
        "State": "Enabled",
        "Comments": None,
        "Description": f"If the message:\r\n\tIs sent from members\r\nApply {policy}\r\n",
        "Conditions": None,
        "Exceptions": None,
        **dict.fromkeys(lists.split()),
        **properties,
    }


def remote_domain(name: str, domain_name: str, **properties: Any) -> Row:
    """A new remote domain: automatic forwards are allowed by default."""
    return {
        "Name": name,
        "Identity": name,
        "Guid": new_id(),
        "DomainName": domain_name,
        "AutoForwardEnabled": True,
        "AutoReplyEnabled": True,
        "AllowedOOFType": "External",
        "DeliveryReportEnabled": True,
        "NDREnabled": True,
        "IsInternal": False,
        "TNEFEnabled": None,
        "CharacterSet": "",
        "ContentType": "MimeHtmlText",
        **properties,
    }
