# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""report.html of 300 tenants in a real browser. The pictures that it takes are in build/browser, to be looked at."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import axe_core_python
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import fake_reports
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.fleet import fleet_of
from ansible_collections.webex_connect.office365.plugins.module_utils._reporting.page import page

PICTURES = Path(__file__).parents[2] / "build" / "browser"
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    reports = fake_reports.fleet(300)
    earlier = {
        name: fake_reports.clean(name) if index < 60 else report for index, (name, report) in enumerate(reports.items())
    }
    previous = fake_reports.audit(earlier, later=-30)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page(fleet_of(reports, fake_reports.audit(reports)["run"], previous)), encoding="utf-8")
    PICTURES.mkdir(parents=True, exist_ok=True)
    return path.as_uri()


def shown(browser: Chrome, selector: str) -> int:
    script = "return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent !== null).length"
    return int(browser.execute_script(script, selector))


def colours(browser: Chrome, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def opened(browser: Chrome, address: str) -> list[str]:
    """Opens the page; the addresses that it asked for."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get("about:blank")
    browser.get(address)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_nothing_is_fetched_and_the_console_is_silent(browser: Chrome, address: str) -> None:
    asked = [url for url in opened(browser, address) if not url.startswith(("about:", "data:"))]
    assert asked == [address]
    assert browser.get_log("browser") == []
    assert browser.title.startswith("Mail is down in 12 of 300 tenants")


def test_the_matrix_shows_every_tenant_with_the_worst_first(browser: Chrome, address: str) -> None:
    opened(browser, address)
    assert shown(browser, ".matrix tbody tr") == 300
    first = browser.find_element(By.CSS_SELECTOR, ".matrix tbody tr")
    assert "no" in first.text
    cell = first.find_element(By.CSS_SELECTOR, "td.step svg")
    assert cell.size["width"] > 15
    letters = browser.execute_script("return [...document.querySelectorAll('symbol text')].map(e => e.textContent)")
    assert sorted(letters) == sorted("BDUEWA")
    # Even its widest row does not push the page sideways.
    assert browser.execute_script("return document.documentElement.scrollWidth <= window.innerWidth")


def test_the_filter_works_by_text_by_state_and_by_keyboard(browser: Chrome, address: str) -> None:
    opened(browser, address)
    text = browser.find_element(By.ID, "filter")
    text.send_keys("tenant005")
    assert shown(browser, ".matrix tbody tr") == shown(browser, "section.tenant") == 1
    assert browser.find_element(By.ID, "shown").text == "1 of 300 shown"
    text.send_keys(Keys.ESCAPE)
    assert shown(browser, ".matrix tbody tr") == 300
    down = browser.find_element(By.CSS_SELECTOR, "[data-filter=down]")
    down.send_keys(Keys.ENTER)
    assert down.get_attribute("aria-pressed") == "true"
    assert shown(browser, ".matrix tbody tr") == 12
    text.send_keys("no tenant has this name")
    assert shown(browser, ".matrix tbody tr") == 0
    assert shown(browser, "#nothing") == 1


def test_a_name_in_the_matrix_leads_to_the_tenants_open_details(browser: Chrome, address: str) -> None:
    opened(browser, address)
    link = browser.find_element(By.CSS_SELECTOR, ".matrix tbody tr:last-child a")
    target = str(link.get_attribute("hash"))
    assert not browser.find_element(By.CSS_SELECTOR, f"{target} details").get_attribute("open")
    link.send_keys(Keys.ENTER)
    details = browser.find_element(By.CSS_SELECTOR, f"{target} details")
    assert details.get_attribute("open")
    top = browser.execute_script("return arguments[0].getBoundingClientRect().top", details)
    assert 0 <= top < 700


def test_names_that_hold_markup_do_nothing(browser: Chrome, address: str) -> None:
    opened(browser, address)
    assert "hit" not in browser.title
    assert shown(browser, "img") == 0
    assert browser.execute_script("return document.scripts.length") == 1
    assert "<script>document.title" in browser.find_element(By.CSS_SELECTOR, "[data-text*=hara]").text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_has_its_picture_taken(browser: Chrome, address: str, scheme: str) -> None:
    colours(browser, scheme)
    opened(browser, address)
    browser.save_screenshot(str(PICTURES / f"fleet-{scheme}.png"))
    browser.execute_script("document.querySelector('section.tenant').scrollIntoView()")
    browser.save_screenshot(str(PICTURES / f"tenant-{scheme}.png"))
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    browser.set_script_timeout(280)
    browser.execute_script(AXE)
    # All 300 tenants, opened; colours are all that differs in the dark. What passed is only counted: to describe each of those elements would take minutes.
    found = browser.execute_async_script(
        """
        const done = arguments[1];
        axe.run(document, {runOnly: arguments[0], resultTypes: ["violations"]}).then(
            r => done({violations: r.violations, passes: r.passes.map(p => p.id)}), e => done({error: String(e)}));
        """,
        {"type": "tag", "values": TAGS} if scheme == "light" else {"type": "rule", "values": ["color-contrast"]},
    )
    assert "error" not in found, found
    problems = [
        (rule["id"], node["target"], node["failureSummary"])
        for rule in found["violations"]
        for node in rule["nodes"][:3]
    ]
    assert problems == []
    of_structure = {"landmark-one-main", "region", "label"} if scheme == "light" else set()
    assert {"color-contrast", *of_structure} <= set(found["passes"])


# Of the text in graphics axe says that it cannot judge it.
CONTRASTS = """
    const channels = text => (text.match(/[0-9.]+/g) || []).map(Number);
    const over = (top, alpha, below) => top.slice(0, 3).map((value, i) => value * alpha + below[i] * (1 - alpha));
    const light = colour => colour.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ratio = (one, other) => {
        const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
    };
    const ground = element => {
        for (let e = element; e; e = e.parentElement) {
            const colour = channels(getComputedStyle(e).backgroundColor);
            if (colour.length === 3 || colour[3] === 1) { return colour; }
        }
        return [255, 255, 255];
    };
    const filled = (shape, below) => {
        const style = getComputedStyle(shape), colour = channels(style.fill);
        if (style.fill === "none") { return below; }
        return over(colour, (colour[3] ?? 1) * Number(style.fillOpacity) * Number(style.opacity), below);
    };
    const worst = {};
    const note = (name, value) => { worst[name] = Math.min(worst[name] ?? 99, Math.round(value * 100) / 100); };
    for (const text of document.querySelectorAll("section.tenant svg text")) {
        const box = text.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
        let below = ground(text.closest("svg"));
        for (const rect of text.closest("svg").querySelectorAll("rect")) {
            const b = rect.getBoundingClientRect();
            if (b.left <= x && x <= b.right && b.top <= y && y <= b.bottom) { below = filled(rect, below); }
        }
        note("text ." + text.getAttribute("class"), ratio(channels(getComputedStyle(text).fill), below));
    }
    const probe = document.body.appendChild(document.createElement("span"));
    for (const mark of document.querySelectorAll("svg.mark")) {
        const letter = getComputedStyle(mark).getPropertyValue("--letter").trim();
        if (!letter) { continue; }
        probe.style.setProperty("color", letter);
        note("letter " + mark.getAttribute("class"), ratio(channels(getComputedStyle(probe).color), filled(mark, ground(mark))));
    }
    return worst;
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_text_in_graphics_can_be_read_too(browser: Chrome, address: str, scheme: str) -> None:
    colours(browser, scheme)
    opened(browser, address)
    browser.execute_script("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    worst = browser.execute_script(CONTRASTS)
    assert {"text .tick", "text .name"} <= set(worst)
    assert {name.split()[-1] for name in worst if name.startswith("letter")} >= {"m-blocked", "m-drift", "m-as_wanted"}
    assert {name: value for name, value in worst.items() if value < 4.5} == {}


def test_it_fits_on_a4(browser: Chrome, address: str) -> None:
    colours(browser, "light")
    opened(browser, address)
    browser.find_element(By.CSS_SELECTOR, "[data-filter=down]").click()
    pdf = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    content = base64.b64decode(pdf["data"])
    (PICTURES / "report.pdf").write_bytes(content)
    assert content.startswith(b"%PDF")
    assert b"/MediaBox [0 0 841" in content  # A4, lying


def test_a_phone_can_read_it(browser: Chrome, address: str) -> None:
    opened(browser, address)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        browser.save_screenshot(str(PICTURES / "phone-light.png"))
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
