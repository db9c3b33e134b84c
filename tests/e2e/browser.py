"""A real Chromium, Debian's, that a test looks at the status page with."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver

from tests.e2e.stage import until
from tests.needed import program

RESULTS = Path(__file__).parents[2] / "test-results"
"""Where screenshots are kept for whoever wants to see what the test saw."""

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
DESKTOP, PHONE = (1200, 800), (360, 740)


class Browser:
    """One tab. ``evaluate`` runs script in the page, also where the page's own is switched off."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self._driver = driver

    def command(self, name: str, **parameters: object) -> dict[str, Any]:
        """Send a command of the DevTools protocol."""
        answer: dict[str, Any] = self._driver.execute_cdp_cmd(name, parameters)
        return answer

    def open(self, url: str, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        """Load a page, as on a screen of this size whose owner prefers this colour scheme."""
        self.see(size, scheme)
        self.events()  # what an earlier page did is none of this test's business
        self.command("Page.navigate", url=url)
        until(lambda: self.evaluate("document.readyState") == "complete", f"{url} is loaded")

    def see(self, size: tuple[int, int], scheme: str) -> None:
        """Change the size and the colour scheme under the page."""
        width, height = size
        mobile = size == PHONE
        metrics = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def scripts(self, *, run: bool) -> None:
        """Switch the page's own script off and on."""
        self.command("Emulation.setScriptExecutionDisabled", value=not run)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str, wanted: object = True) -> None:
        """Wait until an expression in the page has this value."""
        until(lambda: self.evaluate(expression) == wanted, f"{expression} is {wanted}")

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the whole page."""
        RESULTS.mkdir(exist_ok=True)
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path = RESULTS / f"{name}.png"
        path.write_bytes(base64.b64decode(shot["data"]))
        return path

    def complaints(self) -> list[str]:
        """What the console has said since the last call."""
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def events(self) -> list[Mapping[str, Any]]:
        """What the network did since the last call."""
        entries = self._driver.get_log("performance")  # type: ignore[no-untyped-call]
        return [json.loads(entry["message"])["message"] for entry in entries]

    def origins(self) -> set[str]:
        """Where requests went since the last call, as scheme://host:port."""
        sent = [e for e in self.events() if e["method"] == "Network.requestWillBeSent"]
        urls = [urlsplit(event["params"]["request"]["url"]) for event in sent]
        return {f"{url.scheme}://{url.netloc}" for url in urls}


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """Start it with an empty profile; skip the test where it is not installed (CI: fail)."""
    driver = program("chromedriver")
    options = webdriver.ChromeOptions()
    options.binary_location = program("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    running = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield Browser(running)
    finally:
        running.quit()
