# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python tests/mutants.py [PART OF A NAME]``: faults that are put into a copy of the code, one at a time.

Each has to be caught by the test that is named beside it. They are promises of the collection that a small slip would
break. Where code moves, its line here moves along: a text that is not found exactly once is an error, and so is a test
that fails without the fault.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = Path("plugins") / "module_utils"
TREE = Path("build") / "tree" / "ansible_collections" / "webex_connect"


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    text: str
    instead: str
    test: str
    """A file, from tests/unit, and a function in it."""


MUTANTS = (
    Mutant(
        "a write whose connection broke is sent again",
        "_transport.py",
        "if failure.sent and not repeatable:",
        "if False:",
        "test__transport.py::test_unanswered_request_is_never_repeated_where_it_may_have_acted",
    ),
    Mutant(
        "a write that was answered 500 is sent again",
        "_transport.py",
        "if verdict == UNANSWERED and not repeatable:",
        "if False:",
        "test__transport.py::test_unanswered_request_is_never_repeated_where_it_may_have_acted",
    ),
    Mutant(
        "Retry-After is not heeded",
        "_transport.py",
        "            step = wanted\n",
        "            pass\n",
        "test__transport.py::test_service_that_asks_for_patience_gets_exactly_that",
    ),
    Mutant(
        "one try more than max_retries",
        "_transport.py",
        "if attempt >= self._max_retries:",
        "if attempt >= self._max_retries + 1:",
        "test__transport.py::test_no_retries_means_one_request",
    ),
    Mutant(
        "a page of a gateway is a success",
        "_transport.py",
        "        except ValueError:\n            return UNANSWERED\n",
        "        except ValueError:\n            return FINAL\n",
        "test__transport.py::test_success_that_stays_unreadable_is_never_returned_as_success",
    ),
    Mutant(
        "plain http is called",
        "_transport.py",
        'if scheme != "https":',
        'if scheme not in ("http", "https"):',
        "test__transport.py::test_address_that_is_no_plain_https_is_never_called",
    ),
    Mutant(
        "redirects are followed by the library",
        "_transport.py",
        "allow_redirects=False",
        "allow_redirects=True",
        "test__transport.py::test_carrier_follows_no_redirect_verifies_as_told_and_reads_no_netrc",
    ),
    Mutant(
        "a token goes to a foreign host",
        "_service.py",
        "        if not self._is_own(url):\n            raise",
        "        if False:\n            raise",
        "test__service.py::test_address_of_another_host_is_never_called",
    ),
    Mutant(
        "a token that was refused is not renewed",
        "_service.py",
        "if response.status == 401 and not renewed and token.text not in self._hopeless:",
        "if False:",
        "test__service.py::test_refused_token_is_renewed_and_the_call_repeated",
    ),
    Mutant(
        "only the first page is read",
        "_graph_calls.py",
        'link = page.text("@odata.nextLink")',
        "link = None",
        "test__graph_calls.py::test_case_c11_every_page_is_read",
    ),
    Mutant(
        "after a lost answer nothing is looked for",
        "_graph_replication.py",
        "            if found is not None:\n                return found\n            if attempt == 2:",
        "            if attempt == 2:",
        "modules/test_azure_app_registration.py::test_an_answer_that_was_lost_makes_no_second_application",
    ),
    Mutant(
        "two runs keep an application each",
        "_graph.py",
        "        if oldest is not made:",
        "        if False:",
        "../lives/test_at_the_same_time.py::test_the_end_is_that_of_one_run_wherever_the_other_comes_between",
    ),
    Mutant(
        "an application of a stranger is taken for ours",
        "_planning/application_lookup.py",
        "if found.created_by_app_id == admin_client_id or",
        "if True or",
        "planning/test_application_lookup.py::test_planted_namesake_is_refused_and_everything_about_it_is_shown",
    ),
    Mutant(
        "redirect URIs of others are dropped",
        "_planning/app_registration.py",
        'kept = [] if wanted["purge_redirect_uris"] else application.redirect_uris',
        "kept = []",
        "planning/test_app_registration.py::test_only_what_differs_and_was_named_is_updated",
    ),
    Mutant(
        "permissions that others asked for are dropped",
        "_planning/app_permission.py",
        'return ids if wanted["purge"] else before | ids',
        "return ids",
        "planning/test_app_permission.py::test_wish_becomes_the_ids_that_are_asked_for",
    ),
    Mutant(
        "what the application asks for is granted though nobody listed it",
        "_planning/admin_consent.py",
        'wishes = _plus(listed, asked) if wanted["include_unlisted"] else listed',
        "wishes = _plus(listed, asked)",
        "planning/test_admin_consent.py::test_what_the_application_asks_for_beyond_the_list_is_shown_and_not_granted",
    ),
    Mutant(
        "an updated grant loses the scopes that were there",
        "_planning/admin_consent.py",
        '"names": kept + sorted(names - set(kept))',
        '"names": sorted(names - set(kept))',
        "planning/test_admin_consent.py::test_case_c01_one_update_holds_the_union_and_leaves_grants_of_users_alone",
    ),
    Mutant(
        "a secret that ends soon stays",
        "_planning/app_secret.py",
        'if held is None or ending(held) - current.now <= timedelta(days=wanted["rotate_before_days"]):',
        "if held is None:",
        "planning/test_app_secret.py::test_secret_is_made_exactly_where_no_current_one_is",
    ),
    Mutant(
        "what a killed run left of a secret stays",
        "_planning/app_secret.py",
        "s.start in noted and",
        "False and",
        "planning/test_app_secret.py::test_credential_of_a_killed_run_is_removed_and_a_fresh_one_made",
    ),
    Mutant(
        "a newer secret is retired for an older one",
        "_planning/secret_rotation.py",
        "        return secret.start < current.start",
        "        return secret.start != current.start",
        "planning/test_secret_rotation.py::test_neither_the_current_nor_a_newer_one_is_ever_superseded",
    ),
    Mutant(
        "a secret is retired before its days of grace are over",
        "_planning/secret_rotation.py",
        "retire_after is not None and retire_after <= now",
        "retire_after is not None",
        "planning/test_secret_rotation.py::test_next_step",
    ),
    Mutant(
        "an internal forward is overwritten",
        "_planning/mailbox_forwarding.py",
        'if mailbox.internal_forward and not wanted["replace_internal"]:',
        "if False:",
        "planning/test_mailbox_forwarding.py::test_case_c19_internal_recipient_is_shown_as_stored_and_nothing_is_planned",
    ),
    Mutant(
        "the forward of somebody else is ended",
        "_planning/mailbox_forwarding.py",
        "if mailbox.external_forward and (not target or target.lower() == mailbox.external_forward.lower()):",
        "if mailbox.external_forward:",
        "planning/test_mailbox_forwarding.py::test_case_c19_absent_leaves_nothing_of_ours_and_nothing_unmentioned",
    ),
    Mutant(
        "SMTP AUTH is written though it is as wanted",
        "_planning/mailbox_smtp_auth.py",
        "steps = [] if before == after else",
        "steps = [] if False else",
        "planning/test_mailbox_smtp_auth.py::test_case_c21_flag_is_written_once_where_it_differs_and_never_otherwise",
    ),
    Mutant(
        "consent policies of others are dropped",
        "_planning/user_consent_policy.py",
        '{"entries": target + kept}',
        '{"entries": target}',
        "planning/test_user_consent_policy.py::test_whatever_is_there_one_change_reaches_the_wish_and_keeps_all_others",
    ),
    Mutant(
        "a rule's other mailboxes are dropped",
        "_planning/external_forwarding.py",
        'if not wanted["purge_mailboxes"] or _named_by(sender, mailboxes)]',
        "if _named_by(sender, mailboxes)]",
        "planning/test_external_forwarding.py::test_whatever_is_there_one_run_reaches_the_wish_and_touches_nobody_elses",
    ),
)


def main() -> int:
    chosen = [mutant for mutant in MUTANTS if all(part in mutant.name for part in sys.argv[1:])]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        for part in ("plugins", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__", "output"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        (copy / TREE).mkdir(parents=True)
        (copy / TREE / "office365").symlink_to(copy)
        whole = _run(copy, *sorted({mutant.test for mutant in chosen}))
        if whole.returncode != 0:
            print(f"Without any fault:\n{whole.stdout[-4000:]}{whole.stderr[-2000:]}")
            return 1
        caught = [_is_caught(copy, mutant) for mutant in chosen]
    print(f"caught: {sum(caught)} of {len(caught)}")
    return 0 if all(caught) else 1


def _is_caught(copy: Path, mutant: Mutant) -> bool:
    path = copy / CODE / mutant.file
    whole = path.read_text()
    if whole.count(mutant.text) != 1:
        raise SystemExit(f"{mutant.name}: its text is {whole.count(mutant.text)} times in {mutant.file}")
    path.write_text(whole.replace(mutant.text, mutant.instead))
    code = _run(copy, mutant.test).returncode
    path.write_text(whole)
    print(f"{'caught' if code == 1 else 'MISSED'}: {mutant.name} ({mutant.test})", flush=True)
    return code == 1  # a test failed, and not: nothing was collected, or nothing could be


def _run(copy: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-x", "-p", "no:xdist"]
    chosen = [str(Path("tests") / "unit" / test) for test in tests]
    return subprocess.run([*command, *chosen], cwd=copy, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
