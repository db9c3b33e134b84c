"""The driver that docs/drivers.md shows, taken from the page, and the provider that it is for."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dnsbalancer_exporter import provider
from dnsbalancer_exporter.config import drivers
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Driver
from tests.contract.relay import Relay
from tests.contract.stages import Stage, sets
from tests.documents.pages import DOCS, blocks

KEY = "key-of-the-toy"
Sets = dict[tuple[str, str], dict[str, Any]]
"""By name and type: what is stored of a record set."""


def shown() -> tuple[str, str, str]:
    """The page's blocks: the driver, how it is put together, its row of TERMS."""
    page = DOCS / "drivers.md"
    one, two, three = (b.text for b in blocks(page) if b.language == "python")
    return one, two, three


class Server:
    """The provider: the zone example.com, read and written by whole record sets."""

    def __init__(self) -> None:
        server = self
        self.sets: Sets = {}
        self.mutex = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                status, content = server.answer(self, body)
                data = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, body: Any) -> tuple[int, object]:
        """The status and the content for a request."""
        if request.headers.get("X-Toy-Key") != KEY:
            return 401, {"message": "no such key"}
        root, zone, *rest = request.path.removeprefix("/v1/").split("/")
        if (root, zone) != ("zones", "example.com"):
            return 404, {"message": "no such zone"}
        with self.mutex:
            if not rest:
                return 200, {"sets": list(self.sets.values())}
            name, kind = rest
            if request.command == "DELETE":
                self.sets.pop((name, kind), None)
            else:
                self.sets[name, kind] = {"name": name + ".", "type": kind, **body}
        return 200, {}

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


class OverToy:
    """The provider, and drivers that reach it by a relay."""

    ids_are_shared = False

    def __init__(self) -> None:
        self.server = Server()
        self.relay = Relay(self.server.url)
        driver, made, row = shown()
        names: dict[str, Any] = {**vars(provider), "__name__": "toy"}
        for block in (driver, made):
            exec(block, names)
        self._make = names["_toy"]
        terms: dict[str, Any] = {**vars(drivers)}
        exec(row, terms)
        self.terms: drivers.Terms = terms["_TOY"]

    def driver(self, key: str = KEY) -> Driver:
        account = SimpleNamespace(
            url=self.terms.url(self.relay.url), password=Secret(key), ca_file=None
        )
        means = provider.Means(lambda _: None, time.monotonic, {}, time.sleep, 10.0)
        made: Driver = self._make(account, means)
        return made

    def add(self, *texts: str, ttl: int = 60) -> None:
        for (name, kind), contents in sets(texts).items():
            values = [content.strip('"') for content in contents]
            held = self.server.sets.get((name[:-1], kind), {"ttl": ttl, "values": []})
            merged = {"name": name, "type": kind, "ttl": held["ttl"]}
            self.server.sets[name[:-1], kind] = {**merged, "values": [*held["values"], *values]}

    def lose(self) -> None:
        self.relay.losing += 1

    def close(self) -> None:
        self.relay.close()
        self.server.close()


@contextlib.contextmanager
def over_toy(_: Path) -> Iterator[Stage]:
    with contextlib.closing(OverToy()) as stage:
        yield stage
