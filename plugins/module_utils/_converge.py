# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: it may change at any time.
"""The life cycle of every task: options -> wishes -> current state -> plan -> (unless check mode) apply -> result.

The only file that knows check mode and how a task fails. ``converge`` takes validated options and
returns a result, so that ``AnsibleModule`` is one way to run it and not the only one.
"""

from __future__ import annotations

import gc
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ansible.module_utils.basic import AnsibleModule

from ._errors import InvalidInput, TenantError
from ._login import ENDPOINTS, LOGIN_OPTIONS, place_of, resolve_login
from ._planning.plan import Plan
from ._tenant import Connect, Tenant, connect

if TYPE_CHECKING:
    from ._stores.store import RunVault, Store

# What not every task needs is loaded by those that do: a module that is started as such is compiled anew each time.
Options = Dict[str, Any]
PENDING = "app_id and object_id are null, which only check mode accepts (from an application that is yet to be made)."


@dataclass(frozen=True)
class Resource:
    """What one module manages.

    ``check`` refuses unusable wishes without any network; ``read`` only reads; ``plan`` decides;
    ``apply`` carries the steps out and returns what only the server knows, by key of the result. In check mode
    ``rehearse`` stands for it: it only reads, and refuses what the service is known to refuse.
    One that is ``offline`` signs in nowhere; only such a one may write in check mode, and only where its files
    tell of tenants and change none, so that a run that promises to change nothing still leaves its account.
    ``stores``: the options that describe a store.
    ``of_tenants``: it is of no tenant in particular, so none has to be named.
    ``survey`` stands for all of it where several tenants are only read, each with its own login.
    """

    key: str
    options: Dict[str, Dict[str, Any]]
    plan: Callable[[Any, Options], Plan]
    read: Callable[[Tenant, Options], Any]
    apply: Callable[[Tenant, Options, Plan], Dict[str, Any]]
    check: Callable[[Options], None] = lambda options: None
    rehearse: Callable[[Tenant, Options, Plan], None] = lambda tenant, options, plan: None
    constraints: Dict[str, Any] = field(default_factory=dict)
    of_application: bool = False
    stores: Tuple[str, ...] = ()
    offline: bool = False
    writes_in_check_mode: bool = False
    of_tenants: bool = False
    survey: Optional[Callable[..., Dict[str, Any]]] = None

    def module_arguments(self) -> Dict[str, Any]:
        """The arguments of ``AnsibleModule``."""
        arguments: Dict[str, Any] = {"argument_spec": {**LOGIN_OPTIONS, **self.options}, "supports_check_mode": True}
        arguments.update(self.constraints)
        if self.of_application:
            arguments.update(required_one_of=[("app_id", "object_id")], mutually_exclusive=[("app_id", "object_id")])
        return arguments


def converge(
    resource: Resource,
    given: Mapping[str, Any],
    check_mode: bool,
    module_name: str,
    environ: Optional[Mapping[str, str]] = None,
    connect: Connect = connect,
    vault: Optional[RunVault] = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Dict[str, Any]:
    """The task's result, with ``warnings`` beside it. Raises TenantError.

    What only the controller has: the run's vault secrets, and ``tell`` for progress of what takes long.
    """
    environ = os.environ if environ is None else environ
    for name, value in given.items():
        _refuse_half_pairs(name, value)
    if resource.survey is not None:
        return resource.survey(given, environ, connect, vault, tell)
    options = without_blanks(resource.options, given)
    if resource.of_application and not (options["app_id"] or options["object_id"]) and not check_mode:
        raise InvalidInput(PENDING, "Run the task that makes the application for real first.")
    if resource.offline:
        tenant_id, cloud, warnings = (None, None, []) if resource.of_tenants else place_of(given, environ)
        resource.check(options)
        tenant: Any = _Offline(tenant_id, cloud)
    else:
        login, warnings = resolve_login(given, environ)
        stores = _open_stores(resource, options, vault)
        resource.check(options)
        tenant = connect(login)
        for store in stores:
            store.bind(tenant)
    applied: Dict[str, Any] = {}
    try:
        plan = resource.plan(resource.read(tenant, options), options)
        if plan.changed and (not check_mode or (resource.offline and resource.writes_in_check_mode)):
            if given.get("snapshot_path") and not resource.offline:  # a snapshot is of the tenant
                from ._snapshot import record

                record(given["snapshot_path"], module_name, tenant, options, plan)
            applied = resource.apply(tenant, options, plan)
        elif plan.changed:
            resource.rehearse(tenant, options, plan)
    except TenantError as failure:
        failure.facts.setdefault("tenant_id", tenant.tenant_id)
        if tenant.tenant_id and tenant.tenant_id not in failure.message:
            failure.message = "Tenant {0}: {1}".format(tenant.tenant_id, failure.message)
        raise
    return {
        "changed": plan.changed,
        "diff": {"before": _sorted(plan.before), "after": _sorted(plan.after)},
        "tenant_id": tenant.tenant_id,
        resource.key: {**plan.result, **applied} if isinstance(plan.result, dict) else plan.result,
        "waited": tenant.waited,
        "warnings": warnings + plan.warnings,
    }


def _open_stores(resource: Resource, options: Options, vault: Optional[RunVault]) -> List[Store]:
    """``opened_`` and the name of an option that describes a store is that store, or None where none is described."""
    stores = []
    for name in resource.stores:
        options["opened_" + name] = None
        if options[name]:
            from ._stores.store import open_store

            options["opened_" + name] = store = open_store(options[name], vault)
            stores.append(store)
    return stores


@dataclass
class _Offline:
    tenant_id: Optional[str]
    cloud: Optional[str]
    waited: List[Dict[str, Any]] = field(default_factory=list)


def _refuse_half_pairs(name: str, value: Any) -> None:
    r"""A lone half of a surrogate pair (``"\ud800"`` in YAML) is no text: it can neither be sent nor shown."""
    if isinstance(value, str) and re.search("[\ud800-\udfff]", value):
        raise InvalidInput("{0} holds half of a surrogate pair, which is no character.".format(name), "Write it anew.")
    for item in value.items() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        _refuse_half_pairs(name, item)


def _sorted(values: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: values[name] for name in sorted(values)}


def without_blanks(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> Options:
    """The resource's own options, ends stripped; an empty text is "not given": the default, or refused if required."""
    options: Options = {}
    for name, option in spec.items():
        value = given.get(name)
        if isinstance(value, str):
            value = value.strip() or option.get("default")
        elif isinstance(value, list) and option.get("elements") == "str":
            value = [item.strip() for item in value]
            if "" in value:
                raise InvalidInput("{0} holds an empty text.".format(name), "Leave the entry out, or fill it.")
        if value is None and option.get("required"):
            raise InvalidInput("{0} is empty.".format(name), "It must name exactly one thing.")
        options[name] = value
    return options


def users_in(given: Any) -> Set[str]:
    """What of the addresses among the options must not be shown: each is refused for it, in a message without it."""
    if isinstance(given, dict):
        addresses = {str(value) for name, value in given.items() if name in (*ENDPOINTS, "url", "vault_url")}
        found = {address.rpartition("@")[0] + "@" for address in addresses if "@" in address}
        return found.union(*map(users_in, given.values()))
    return set().union(*map(users_in, given)) if isinstance(given, list) else set()


def with_hint(message: str) -> str:
    """A hint where YAML has turned an unquoted word into a boolean."""
    if re.search(r"must be one of.*got: (True|False)\b", message, re.DOTALL):
        return message + ". YAML reads the bare words on, off, yes and no as booleans: put the word in quotes."
    return message


class TenantModule(AnsibleModule):  # type: ignore[misc]
    def fail_json(self, msg: str, **facts: Any) -> None:
        self.no_log_values.update(users_in(self.params))
        super().fail_json(with_hint(msg), **facts)

    def exit_json(self, **result: Any) -> None:
        self.no_log_values.update(users_in(self.params))
        super().exit_json(**result)


def run_module(resource: Resource) -> None:
    """The module's main: this is one carrier of ``converge``."""
    gc.freeze()  # what is loaded by now stays to the end, so nobody has to look for garbage in it
    gc.enable()  # the second carrier starts a module without
    module = TenantModule(**resource.module_arguments())
    name = str(module._name).rsplit(".", 1)[-1]
    try:
        result = converge(resource, module.params, module.check_mode, name)
    except TenantError as failure:
        module.fail_json(msg=str(failure), **failure.facts)
        return
    for warning in result.pop("warnings"):
        module.warn(warning)
    module.exit_json(**result)


def find_application(tenant: Tenant, options: Options) -> Tuple[Optional[Any], Optional[Any]]:
    """(application, service principal) that the options name; (None, None) for one that is yet to be made."""
    application, principal, _resources = find_application_with(tenant, options)
    return application, principal


def find_application_with(
    tenant: Tenant, options: Options, resource_app_ids: Sequence[str] = (), principal: bool = True
) -> Tuple[Optional[Any], Optional[Any], Dict[str, Any]]:
    """The same, and APIs by app id; all in one request where the application is named by its app id."""
    if options["app_id"]:
        application, found, resources = tenant.graph.application_with(options["app_id"], resource_app_ids, principal)
        if application is None:
            application = tenant.graph.existing_application(app_id=options["app_id"])
        return application, found, resources
    resources = tenant.consent.resources(resource_app_ids) if resource_app_ids else {}
    if options["object_id"]:
        application = tenant.graph.existing_application(object_id=options["object_id"])
        return application, tenant.graph.service_principal(application.app_id) if principal else None, resources
    return None, None, resources
