# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in the words of Exchange Online: "Invalid Operation" outside, the useful text deep inside."""

from __future__ import annotations

import uuid
from typing import Any

from .messages import Reply, json_reply

TASKS = "Microsoft.Exchange.Configuration.Tasks."
INVOCATION = "Microsoft.Exchange.AdminApi.CommandInvocation."


class ExchangeError(Exception):
    """A cmdlet's refusal."""

    def __init__(self, kind: str, text: str, status: int = 400, error_id: str = "Ex6F9304") -> None:
        super().__init__(text)
        self.kind, self.text, self.status, self.error_id = kind, text, status, error_id


class NotAllowed(Exception):
    """The caller may not run this cmdlet."""


def transformation(name: str, text: str) -> ExchangeError:
    """A parameter's value cannot be turned into the parameter's type."""
    message = f"Cannot process argument transformation on parameter '{name}'. {text}"
    return ExchangeError(INVOCATION + "ParameterTransformationException", message)


def unknown_parameter(name: str) -> ExchangeError:
    """The cmdlet has no such parameter (or the caller's role does not show it)."""
    text = f"A parameter cannot be found that matches parameter name '{name}'."
    return ExchangeError(INVOCATION + "AmbiguousParameterSetException", text)


def binding(text: str) -> ExchangeError:
    """Parameters are missing or do not go together."""
    return ExchangeError("System.Management.Automation.ParameterBindingException", text, error_id="")


def invalid(text: str) -> ExchangeError:
    """The cmdlet itself refuses a value."""
    return ExchangeError(TASKS + "TaskArgumentException", text, error_id="ExBDDC58")


def object_missing(identity: str, status: int) -> ExchangeError:
    """Nothing has this identity."""
    text = (
        f"The operation couldn't be performed because object '{identity}' couldn't be found on "
        "'AM0PR01A001DC01.EURPR01A001.PROD.OUTLOOK.COM'."
    )
    return ExchangeError(TASKS + "ManagementObjectNotFoundException", text, status)


def object_ambiguous(identity: str, status: int) -> ExchangeError:
    """Several things have this identity."""
    text = f"The operation couldn't be performed because '{identity}' matches multiple entries."
    return ExchangeError(TASKS + "ManagementObjectAmbiguousException", text, status)


def object_exists(name: str) -> ExchangeError:
    """The name is taken."""
    text = f"The object '{name}' already exists."
    return ExchangeError("Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException", text, error_id="Ex41BAF5")


def dehydrated(cmdlet: str) -> ExchangeError:
    """The tenant was never customized."""
    text = (
        "The command you tried to run isn't currently allowed in your organization. To run this command, you "
        "first need to run the command Enable-OrganizationCustomization."
    )
    return ExchangeError(TASKS + "InvalidOperationInDehydratedContextException", text, error_id="Ex4D7F5B")


def error_body(error: ExchangeError, old: bool = False) -> dict[str, Any]:
    """The envelope of a refusal."""
    outer = "Error executing cmdlet" if old else "Invalid Operation"
    triple = f"{error.error_id}|{error.kind}|{error.text}"
    return {
        "error": {
            "code": "InternalServerError" if old else "BadRequest",
            "message": outer,
            "details": [{"code": "Context" if old else "Client", "target": "", "message": triple}],
            "innererror": {
                "message": outer,
                "type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException",
                "stacktrace": "",
                "internalexception": {"message": error.text, "type": error.kind, "stacktrace": ""},
            },
        }
    }


def error_reply(error: ExchangeError, old: bool = False) -> Reply:
    """The answer that carries a refusal."""
    request_id = str(uuid.uuid4())
    return json_reply(500 if old else error.status, error_body(error, old), request_id=request_id)
