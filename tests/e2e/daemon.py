"""A daemon as its operator has it: a process with a file, signals, a log and a web port."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from prometheus_client.parser import text_string_to_metric_families

Environ = Mapping[str, str]

HANG_SECONDS = 15.0
"""After this a process is held to hang; no measure of speed."""


def environment(more: Environ) -> dict[str, str]:
    """A process's environment: ours without what would change the meaning of a configuration."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


class Answer(NamedTuple):
    """An HTTP answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


class Metrics:
    """One scrape of /metrics in the text format."""

    def __init__(self, text: str) -> None:
        self.families = list(text_string_to_metric_families(text))
        self._samples = [sample for family in self.families for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """The values of all series of ``dnsbalancer_<name>`` with these labels."""
        return [
            sample.value
            for sample in self._samples
            if sample.name == f"dnsbalancer_{name}" and labels.items() <= sample.labels.items()
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """Their sum; None if there is no such series."""
        values = self.values(name, **labels)
        return sum(values) if values else None

    def labels(self, name: str, label: str) -> set[str]:
        """The values that one label has in the series of a metric."""
        found = (s for s in self._samples if s.name == f"dnsbalancer_{name}")
        return {sample.labels[label] for sample in found}


class Daemon:
    """A running daemon. ``may_end_with`` are the exit statuses that are no failure of the test.

    Its web port is asked by TLS if ``tls`` is set, as ``user`` (`name:password`) if that is.
    ``where`` is a command that runs another one, such as in a network of its own.
    """

    def __init__(
        self, config: Path, arguments: Iterable[str], environ: Environ, where: Iterable[str] = ()
    ) -> None:
        self.config = config
        self.name = config.parent.name
        self.may_end_with = {0}
        self.folder = config.parent
        self.tls: ssl.SSLContext | None = None
        self.user = ""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*where, sys.executable, "-m", "dnsbalancer_exporter", *arguments],
                env=environment(environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    # --- the process ----------------------------------------------------------------------

    @property
    def returncode(self) -> int | None:
        return self.process.poll()

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def terminate(self) -> None:
        """SIGTERM, if it runs."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def wait(self, seconds: float = HANG_SECONDS) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def reload(self) -> None:
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    # --- its web port ---------------------------------------------------------------------

    @property
    def listen(self) -> tuple[str, int]:
        host, _, port = self.keys()["listen"].rpartition(":")
        return host, int(port)

    def keys(self) -> dict[str, Any]:
        """The configuration as the file has it now."""
        keys: dict[str, Any] = yaml.safe_load(self.config.read_text())["config"]
        return keys

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask its web port; OSError if it does not answer."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.user:
            token = base64.b64encode(self.user.encode()).decode()
            names = {"Authorization": f"Basic {token}", **names}
        with contextlib.closing(self._connection()) as web:
            try:
                web.request(method, path, headers=names)
                response = web.getresponse()
                given = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, given, response.read())
            except http.client.HTTPException as error:
                raise ConnectionError(str(error)) from error

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.listen
        if self.tls:
            return http.client.HTTPSConnection(host, port, timeout=5, context=self.tls)
        return http.client.HTTPConnection(host, port, timeout=5)

    def metrics(self) -> Metrics:
        """What /metrics says now."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer.text
        return Metrics(answer.text)

    def status(self) -> dict[str, Any]:
        """What /api/v1/status says now."""
        document: dict[str, Any] = json.loads(self.get("/api/v1/status").body)
        return document

    # --- waiting --------------------------------------------------------------------------

    def until(self, condition: Callable[[Metrics], object], what: str) -> Metrics:
        """Wait until a scrape fulfils ``condition``; the scrape."""
        end = time.monotonic() + 25.0
        while True:
            assert self.returncode is None, f"{self.name} ended with {self.returncode}"
            with contextlib.suppress(OSError):  # it may not listen yet
                metrics = self.metrics()
                if condition(metrics):
                    return metrics
            assert time.monotonic() < end, f"not in time: {what}"
            time.sleep(0.02)

    def until_value(self, wanted: float, name: str, **labels: str) -> Metrics:
        """Wait until a metric (the sum over these labels) is ``wanted``."""
        what = f"{name} {labels} is {wanted}"
        return self.until(lambda m: m.value(name, **labels) == wanted, what)

    def until_more(self, name: str, more: float = 1, **labels: str) -> Metrics:
        """Wait until a counter has grown by ``more`` from now on."""
        first = self.until(lambda _: True, "an open port")
        wanted = (first.value(name, **labels) or 0.0) + more
        what = f"{name} {labels} is {wanted}"
        return self.until(lambda m: (m.value(name, **labels) or 0.0) >= wanted, what)

    def until_healthy(self, count: int) -> Metrics:
        """Wait until ``count`` targets are UP and a cycle has ended since."""
        self.until_value(count, "pool_targets_healthy")
        return self.until_cycles(2)

    def until_down(self, *targets: str) -> Metrics:
        """Wait until it holds these targets DOWN."""
        for target in targets:
            self.until_value(1, "target_state", target=target, state="down")
        return self.metrics()

    def until_cycles(self, count: int) -> Metrics:
        """Wait until so many more cycles have ended: with 2, one that had begun after now."""
        return self.until_more("cycles_total", count)

    def until_logged(self, text: str) -> None:
        """Wait until its log has ``text``."""
        end = time.monotonic() + 25.0
        while text not in self.log:
            assert self.returncode is None, f"{self.name} ended with {self.returncode}"
            assert time.monotonic() < end, f"not in time: {text!r} in the log"
            time.sleep(0.02)
