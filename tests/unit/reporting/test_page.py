# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html as text. What it looks like and does, a browser shows (tests/browser)."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import fleet_of
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.markup import Html, el, joined
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.page import page

VOID = {"br", "hr", "input", "link", "meta", "wbr"}


class Reader(HTMLParser):
    """Tags, attributes and text, and whether every tag is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _value in attrs]
        assert len(names) == len(set(names))
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def attributes(self, name):
        return [attributes[name] for _tag, attributes in self.elements if name in attributes]


def read(reports, previous=None):
    return Reader(page(fleet_of(reports, fake_reports.audit(reports)["run"], previous)))


def one(*breaks, name="contoso", **more):
    report = fake_reports.clean(name, **more)
    for broken in breaks:
        broken(report)
    return {name: fake_reports.judged(report)}


def test_every_tag_is_closed_and_every_reference_leads_somewhere():
    found = read(fake_reports.fleet(60))
    ids = found.attributes("id")
    assert len(ids) == len(set(ids))
    for href in found.attributes("href"):
        assert href == "data:," or href.removeprefix("#") in ids
    for names in found.attributes("aria-labelledby"):
        assert set(names.split()) <= set(ids)


def test_nothing_is_fetched_and_only_our_own_script_and_style_may_run():
    found = read(fake_reports.fleet(60))
    assert {tag for tag, _attributes in found.elements} & {"img", "iframe", "object", "embed", "video", "base"} == set()
    assert not found.attributes("src")
    assert not found.attributes("style")
    assert not [name for _tag, names in found.elements for name in names if name.startswith("on")]
    (policy,) = [a["content"] for _tag, a in found.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_hostile_names_are_text_everywhere():
    clean = read(one(name="contoso"))
    hit = read(one(fake_reports.hostile, name=fake_reports.HOSTILE))
    for tag in ("script", "img", "style"):
        assert sum(t == tag for t, _a in hit.elements) == sum(t == tag for t, _a in clean.elements)
    assert "<script>document.title" in hit.text
    assert "\u202e" not in hit.text
    assert "\\u202e" in hit.text
    assert "\x07" not in hit.text


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        (
            [],
            ["Mail flows in the tenant", "Nothing: every step is as wanted", "Everything that was asked for was read"],
        ),
        (
            [fake_reports.smtp_off],
            ["Mail is down in 1 of 1 tenant", "Webex Connect cannot send", "--tags smtp_auth", "Set-CASMailbox"],
        ),
        ([fake_reports.policy_locked], ["Mail does not arrive", "Finance lock", "By an administrator"]),
        ([fake_reports.secret_ending(5)], ["will stop sending on 2026-11-30", "held by Webex Connect", "5 days"]),
        ([fake_reports.exchange_refused], ["This report has gaps", "Missing right", "No mail is known to be down"]),
        ([fake_reports.unreachable], ["1 of 1 tenant could not be reached", "did not answer"]),
        (
            [fake_reports.rotating],
            [
                "A rotation of the secret is under way since 2026-11-23T08:00:00Z: Webex Connect has to be given the new one",
                "1 secret in rotation",
            ],
        ),
        ([fake_reports.waived], ["Waived until 2027-01-24 by j.doe", "has run out: it hides nothing any more"]),
    ],
)
def test_it_says_what_is_wrong_and_what_to_do(breaks, expected):
    text = read(one(*breaks)).text
    for words in expected:
        assert words in text


def test_it_tells_what_is_new_and_what_was_fixed():
    earlier = fake_reports.audit(one(fake_reports.smtp_off), later=-1)
    text = read(one(fake_reports.consent_missing), earlier).text
    assert "1 new, 1 fixed and 0 still open" in text
    assert "Fixed since the report of 2026-11-24 contoso SMTP AUTH" in text


def test_a_fleet_of_none_is_said():
    assert "No tenant was looked at" in read({}).text


def test_only_what_was_built_is_markup():
    assert el("p", "<b>", Html("<b>"), title='"&<') == '<p title="&quot;&amp;&lt;">&lt;b&gt;<b></p>'
    assert joined("a", None, ["b", 1]) == "ab1"
    assert el("br", hidden=True, id=None, open=False) == "<br hidden>"
