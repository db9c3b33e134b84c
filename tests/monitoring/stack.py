"""Debian's Prometheus and Alertmanager on loopback, and a webhook that notes what it is told."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import math
import re
import subprocess
import threading
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.e2e.daemon import Daemon
from tests.e2e.stage import free_port, until
from tests.needed import program
from tests.repo.generated import ROOT

ALERTS = ROOT / "alerts"
HOST = "127.0.0.1"
JOB = "dnsbalancer"


class Sample(NamedTuple):
    """One series of an answer: its labels, and its values in order of time."""

    labels: Mapping[str, str]
    values: tuple[float, ...]


@contextlib.contextmanager
def _process(folder: Path, *command: str) -> Iterator[None]:
    with (folder / f"{Path(command[0]).name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ask(port: int, path: str, **query: str) -> Any:
    target = f"{path}?{urllib.parse.urlencode(query)}" if query else path
    with contextlib.closing(http.client.HTTPConnection(HOST, port, timeout=10)) as web:
        web.request("GET", target)
        answer = web.getresponse()
        body = answer.read()
    if answer.status == 503:
        raise ConnectionError("it is not ready")
    assert answer.status in {200, 400, 422}, body
    return json.loads(body) if body[:1] in b"[{" else body


class Webhook:
    """Where Alertmanager delivers: messages by path, in order."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, dict[str, Any]]] = []
        messages = self.messages

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                messages.append((self.path, json.loads(self.rfile.read(length))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Webhook:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self, path: str, name: str, status: str, **labels: str) -> list[dict[str, Any]]:
        """The alerts of that name and status that were delivered to ``path``."""
        return [
            alert
            for where, message in list(self.messages)
            if where == path
            for alert in message["alerts"]
            if alert["status"] == status
            and {"alertname": f"DnsBalancer{name}", **labels}.items() <= alert["labels"].items()
        ]


class Alertmanager:
    """Debian's, with the example of alerts/; its waits are cut to a second."""

    def __init__(self, folder: Path, webhook: Webhook) -> None:
        self.port = free_port(HOST)
        config = (ALERTS / "alertmanager.yml").read_text()
        config = config.replace("127.0.0.1:9099", f"{HOST}:{webhook.port}")
        config = re.sub(r"(group_wait|group_interval): \S+", r"\1: 1s", config)
        path = folder / "alertmanager.yml"
        path.write_text(config)
        self._command = (
            program("prometheus-alertmanager"),
            f"--config.file={path}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={HOST}:{self.port}",
            "--cluster.listen-address=",
        )
        self._folder = folder
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Alertmanager:
        self._resources.enter_context(_process(self._folder, *self._command))
        until(lambda: self.alerts() is not None, "Alertmanager is ready", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    def alerts(self) -> list[dict[str, Any]]:
        """What it knows now."""
        found: list[dict[str, Any]] = _ask(self.port, "/api/v2/alerts")
        return found

    def muted(self, name: str, **labels: str) -> bool:
        """Whether such an alert is there, and all such are inhibited."""
        wanted = {"alertname": f"DnsBalancer{name}", **labels}.items()
        found = [a for a in self.alerts() if wanted <= a["labels"].items()]
        return bool(found) and all(a["status"]["inhibitedBy"] for a in found)


class Prometheus:
    """Debian's; it scrapes and evaluates every second. ``rules`` are contents of rule files."""

    def __init__(
        self,
        folder: Path,
        rules: Iterable[str] = (),
        alertmanager: Alertmanager | None = None,
        scheme: str = "http",
    ) -> None:
        self.port = free_port(HOST)
        self._folder = folder
        self._targets = folder / "targets.json"
        self._targets.write_text("[]")
        files = [folder / f"{i}.rules.yml" for i, _ in enumerate(rules)]
        for file, text in zip(files, rules, strict=True):
            file.write_text(text)
        config: dict[str, Any] = {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(file) for file in files],
            "scrape_configs": [
                {
                    "job_name": JOB,
                    "scheme": scheme,
                    "tls_config": {"insecure_skip_verify": True},
                    "file_sd_configs": [{"files": [str(self._targets)]}],
                }
            ],
        }
        if alertmanager:
            address = f"{HOST}:{alertmanager.port}"
            config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
        path = folder / "prometheus.yml"
        path.write_text(yaml.safe_dump(config))
        self._command = (
            program("prometheus"),
            f"--config.file={path}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={HOST}:{self.port}",
        )
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Prometheus:
        self._resources.enter_context(_process(self._folder, *self._command))
        until(lambda: _ask(self.port, "/-/ready"), "Prometheus is ready", 60)
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    def scrape(self, *daemons: Daemon) -> None:
        """Scrape these from now on, and wait for it."""
        addresses = [f"{host}:{port}" for host, port in (daemon.listen for daemon in daemons)]
        fresh = self._targets.with_suffix(".new")
        fresh.write_text(json.dumps([{"targets": addresses}]))
        fresh.rename(self._targets)
        query = f'sum(up{{job="{JOB}"}})'
        until(lambda: self.value(query) == len(addresses), f"{addresses} are scraped", 60)

    def query(self, expr: str) -> list[Sample]:
        """What an expression is now."""
        answer = _ask(self.port, "/api/v1/query", query=expr)
        assert answer["status"] == "success", f"{expr}: {answer['error']}"
        data = answer["data"]
        if data["resultType"] == "scalar":
            return [Sample({}, (float(data["result"][1]),))]
        return [Sample(s["metric"], (float(s["value"][1]),)) for s in data["result"]]

    def history(self, expr: str, start: float, end: float) -> list[Sample]:
        """What it was, second by second."""
        answer = _ask(
            self.port,
            "/api/v1/query_range",
            query=expr,
            start=f"{start:.3f}",
            end=f"{end:.3f}",
            step="1",
        )
        assert answer["status"] == "success", f"{expr}: {answer['error']}"
        return [
            Sample(s["metric"], tuple(float(v) for _, v in s["values"]))
            for s in answer["data"]["result"]
        ]

    def value(self, expr: str) -> float | None:
        """The value of the first series; None without any, or if it is not a number."""
        found = [s.values[0] for s in self.query(expr) if not math.isnan(s.values[0])]
        return found[0] if found else None

    def until(self, expr: str, what: str, seconds: float = 60.0) -> None:
        """Wait until an expression has a result."""
        until(lambda: self.query(expr), what, seconds)

    def firing(self, name: str, **labels: str) -> list[dict[str, Any]]:
        """The alerts of that name that fire now, as Prometheus sends them."""
        wanted = {"alertname": f"DnsBalancer{name}", **labels}.items()
        found = _ask(self.port, "/api/v1/alerts")["data"]["alerts"]
        return [a for a in found if a["state"] == "firing" and wanted <= a["labels"].items()]


def impatient(rules: str) -> str:
    """A rule file that fires at the next evaluation."""
    return re.sub(r"(?m)^( +for:) \S+$", r"\1 1s", rules)
