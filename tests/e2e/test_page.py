"""The status page, as somebody sees it who is woken at three in the morning."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.browser import DESKTOP, PHONE, Browser, chromium
from tests.e2e.daemon import Daemon
from tests.e2e.stage import ZONE, Stage

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("browser")]

LONG = "a-name-as-long-and-" + "unbreakable" * 5 + ".as.some.people.make.them"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(running: Browser) -> Iterator[Browser]:
    """After the test: the console was silent, and every request went to the page's own origin."""
    yield running
    complaints, origins = running.complaints(), running.origins()
    page = running.evaluate("location.origin")
    running.open("about:blank")  # or it would go on asking a daemon that is being ended
    running.complaints()
    assert complaints == []
    assert origins == {page}


def url(daemon: Daemon) -> str:
    host, port = daemon.listen
    return f"http://{host}:{port}/"


def named(stage: Stage, **keys: object) -> Daemon:
    """Three targets with names, all well."""
    one, two, three = stage.hosts[:3]
    targets = [
        one,
        {"address": two, "name": "app-b"},
        {"address": three, "name": "app-c"},
    ]
    return stage.steady(one, two, three, targets=targets, **keys)


def row(stage: Stage, number: int) -> str:
    """Script that finds the row of a target."""
    return f"document.getElementById('target:{ZONE}:{stage.hosts[number]}')"


def colour(element: str, property_: str = "color") -> str:
    return f"getComputedStyle({element}).{property_}"


def fits(browser: Browser, size: tuple[int, int]) -> bool:
    """Whether nothing must be scrolled sideways to be seen (innerWidth would grow with it)."""
    return bool(browser.evaluate("document.documentElement.scrollWidth") <= size[0])


CONTRASTS = """(() => {
const channel = c => { c /= 255; return c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; };
const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
const rgba = text => text.match(/[\\d.]+/g).map(Number);
const paper = e => {
  for (; e; e = e.parentElement) {
    const c = rgba(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c;
  }
  throw new Error('no opaque background');
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const e = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !e.getClientRects().length) continue;
  if (e.closest('svg,script,style')) continue;
  const [a, b] = [light(rgba(getComputedStyle(e).color)), light(paper(e))];
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  found.push([Math.round(ratio * 100) / 100, walk.currentNode.data.trim()]);
}
return found.sort((a, b) => a[0] - b[0]);
})()"""


def assert_legible(browser: Browser) -> None:
    """WCAG AA: a contrast of 4.5 for every text that is shown."""
    found = browser.evaluate(CONTRASTS)
    assert len(found) > 20
    assert found[0][0] >= 4.5, found[0]


def test_a_failover_is_seen_without_a_reload(stage: Stage, browser: Browser) -> None:
    daemon = named(stage)
    browser.open(url(daemon))
    health = f"{row(stage, 1)}.querySelector('.health b')"
    verdict = "document.querySelector('.verdict').innerText.replace(/\\s+/g, ' ')"
    assert browser.evaluate(f"{health}.innerText") == "● UP"
    assert browser.evaluate(verdict) == "✓ OK 3 of 3 up, zone in sync"
    green = browser.evaluate(colour(health))
    calm = browser.evaluate(colour("document.querySelector('.verdict')", "backgroundColor"))
    browser.screenshot("failover-before")
    browser.evaluate("window.marked = 'the same document'")
    stage.down(stage.hosts[1])
    browser.until(f"{health}.innerText", "▼ DOWN")
    browser.until(f"{row(stage, 1)}.innerText.includes('not published')")
    assert browser.evaluate(colour(health)) != green
    assert "refused" in browser.evaluate(f"{row(stage, 1)}.innerText")
    browser.until(f"/LOOK app-b has been down for \\d+ s and is out of the zone/.test({verdict})")
    alarmed = colour("document.querySelector('.verdict')", "backgroundColor")
    assert browser.evaluate(alarmed) != calm
    assert browser.evaluate("document.title").startswith("! app-b has been down")
    browser.until("document.getElementById('say').textContent.includes('app-b has been down')")
    browser.screenshot("failover-after")
    assert browser.evaluate("window.marked") == "the same document"
    stage.up(stage.hosts[1])
    browser.until(f"{health}.innerText", "● UP")
    browser.until(colour(health), green)
    assert browser.evaluate("window.marked") == "the same document"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_and_in_the_dark(
    stage: Stage, browser: Browser, scheme: str
) -> None:
    one, two, three = stage.hosts[:3]
    sixth = "2001:db8:1234:5678:9abc:def0:1234:5678"
    targets = [one, {"address": two, "name": LONG}, three, {"address": sixth, "probe": three}]
    stage.managed.add((ZONE, "aaaa"))
    stage.up(one, two, three)
    stage.publish(one, two, three)
    daemon = stage.member(one, targets=targets, min_records=2)
    daemon.until_healthy(4)
    stage.down(two, three)
    daemon.until_value(1, "cycle_held", reason="min_records")
    daemon.until_cycles(1)
    for size, where in ((PHONE, "phone"), (DESKTOP, "desktop")):
        browser.open(url(daemon), size, scheme)
        assert fits(browser, size)
        assert_legible(browser)
        browser.screenshot(f"trouble-{where}-{scheme}")
    paper = [
        int(c)
        for c in browser.evaluate(colour("document.documentElement", "backgroundColor"))[
            4:-1
        ].split(",")
    ]
    assert (max(paper) < 64) if scheme == "dark" else (min(paper) > 191)


def test_fail_open_is_not_to_be_overlooked(stage: Stage, browser: Browser) -> None:
    daemon = named(stage)
    browser.open(url(daemon))
    stage.down(*stage.hosts[:3])
    verdict = "document.querySelector('.verdict.trouble')?.innerText"
    browser.until(f"{verdict}?.includes('FAIL OPEN: nothing of example.com A is up')")
    browser.until("document.querySelector('main').innerText.includes('bring one machine back')")
    assert_legible(browser)
    browser.screenshot("fail-open")


def test_the_refresh_leaves_the_reader_alone(stage: Stage, browser: Browser) -> None:
    """Scroll position, selection, focus, and what was unfolded."""
    stage.open("0.0.0.0", stage.port)
    daemon = crowd(stage, 30)
    browser.open(url(daemon), (800, 300))
    browser.evaluate("document.querySelector('summary').click()")
    browser.evaluate("document.querySelector('summary').focus()")
    browser.evaluate("scrollTo(0, 200)")
    name = f"{row(stage, 0)}.querySelector('th')"
    browser.evaluate(f"getSelection().selectAllChildren({name})")
    chosen = browser.evaluate("getSelection().toString()")
    assert stage.hosts[0] in chosen
    for _ in range(2):
        at = browser.evaluate("document.querySelector('main').dataset.at")
        browser.until(f"document.querySelector('main').dataset.at !== '{at}'")
    assert browser.evaluate("getSelection().toString()") == chosen
    assert browser.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert browser.evaluate("document.querySelector('details').open") is True
    assert browser.evaluate("scrollY") == 200


def test_a_daemon_that_does_not_answer_is_said_and_so_is_its_return(
    stage: Stage, browser: Browser
) -> None:
    daemon = named(stage)
    browser.open(url(daemon))
    browser.evaluate("window.marked = true")
    daemon.terminate()
    daemon.wait()
    lost = "document.getElementById('lost').innerText"
    browser.until(f"/^The daemon does not answer. What you see is from [0-9:]+ UTC.$/.test({lost})")
    assert browser.evaluate(colour("document.querySelector('main')", "filter")) == "grayscale(1)"
    browser.screenshot("daemon-gone")
    stage.run(daemon.config)
    browser.until(lost, "")
    assert browser.evaluate("window.marked") is True
    assert browser.evaluate(colour("document.querySelector('main')", "filter")) == "none"
    said = browser.complaints()  # Chromium itself tells the console of a refused connection
    assert said
    assert all("ERR_CONNECTION_REFUSED" in line for line in said)


def test_it_works_without_script(stage: Stage, browser: Browser) -> None:
    daemon = named(stage)
    browser.scripts(run=False)
    try:
        browser.open(url(daemon))
        assert browser.evaluate(f"{row(stage, 1)}.innerText").startswith("app-b")
        stage.down(stage.hosts[1])
        browser.until(f"{row(stage, 1)}?.innerText.includes('not published')")
    finally:
        browser.scripts(run=True)


def crowd(stage: Stage, count: int, dead: int = 0) -> Daemon:
    """A pool of many, the last ``dead`` of which do not answer."""
    one = stage.hosts[0]
    net = one.rsplit(".", 1)[0]
    many = [f"{net[: net.rindex('.')]}.{200 + i // 100}.{1 + i % 100}" for i in range(count)]
    targets: list[object] = [one, *many[: count - dead]]
    targets += [{"address": address, "probe": "::1"} for address in many[count - dead :]]
    stage.publish(one, *many[: count - dead])
    daemon = stage.member(one, targets=targets, interval="2s", probe_timeout="2s")
    daemon.until_healthy(1 + count - dead)
    return daemon


def test_of_many_targets_those_that_are_not_well_are_shown(stage: Stage, browser: Browser) -> None:
    stage.open("0.0.0.0", stage.port)
    daemon = crowd(stage, 300, dead=5)
    daemon.until_value(5, "target_state", state="down")
    browser.open(url(daemon))
    shown = "[...document.querySelectorAll('.targets tbody tr')].filter(r => r.checkVisibility())"
    assert browser.evaluate(f"{shown}.length") == 5
    assert browser.evaluate(f"{shown}.every(r => r.innerText.includes('▼ DOWN'))")
    summary = "document.querySelector('details summary')"
    assert browser.evaluate(f"{summary}.innerText") == "296 are up and published"
    browser.screenshot("three-hundred")
    browser.evaluate(f"{summary}.click()")
    assert browser.evaluate(f"{shown}.length") == 301
    browser.see(PHONE, "light")
    assert fits(browser, PHONE)
