"""The web server: `/metrics`, the status page, two probes of health; GET and HEAD, else 404.

A scrape takes what is in memory: it never waits for a target or for the API. A client that sends
nothing, or drips, holds one of a bounded number of connections for a bounded time and no more.
"""

from __future__ import annotations

import gzip
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from dnsbalancer_exporter import __version__

LOG = logging.getLogger("dnsbalancer")

CONNECTIONS = 32
READ_SECONDS = 5.0
CONNECTION_SECONDS = 15.0


class Answer(NamedTuple):
    """What a path answers with."""

    status: HTTPStatus
    type: str
    body: bytes


Route = Callable[[Mapping[str, str]], Answer]
"""Makes an answer from the request's headers (names in lower case)."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS

    def version_string(self) -> str:
        return f"dnsbalancer/{__version__}"

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape is not an event."""

    def do_GET(self) -> None:
        route = self.server.routes.get(self.path.partition("?")[0])
        headers = {name.lower(): value for name, value in self.headers.items()}
        if route is None:
            known = " ".join(sorted(self.server.routes))
            text = f"There is nothing here. Try one of: {known}\n"
            answer = Answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", text.encode())
        else:
            answer = route(headers)
        self._send(answer, packed="gzip" in headers.get("accept-encoding", ""))

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def _send(self, answer: Answer, *, packed: bool) -> None:
        body = answer.body
        packed = packed and len(body) > 1024
        if packed:
            body = gzip.compress(body, compresslevel=6, mtime=0)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
            " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        )
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        text = f"{code} {message or explain or ''}\n".encode()
        self.command = getattr(self, "command", None) or "GET"
        self._send(Answer(HTTPStatus(code), "text/plain; charset=utf-8", text), packed=False)


class WebServer(ThreadingHTTPServer):
    """Serves ``routes`` on ``listen``; raises OSError if the port cannot be had."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, listen: tuple[str, int], routes: Mapping[str, Route]) -> None:
        self.routes = dict(routes)
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._since: dict[socket.socket, float] = {}
        self._mutex = threading.Lock()
        super().__init__(listen, _Handler)

    def server_bind(self) -> None:
        """Bind without looking up a name for the address, which http.server would wait for."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.1,), name="web", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and close the port."""
        self.shutdown()
        self.server_close()

    def service_actions(self) -> None:
        """Cut connections that have lasted too long; called a few times a second."""
        limit = time.monotonic() - CONNECTION_SECONDS
        with self._mutex:
            late = [request for request, since in self._since.items() if since < limit]
        for request in late:
            with suppress(OSError):  # it may have ended by itself
                request.shutdown(socket.SHUT_RDWR)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread, or close it if all places are taken."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        with self._mutex:
            self._since[request] = time.monotonic()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread to be had
            self._leave(request)
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and give its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._leave(request)

    def _leave(self, request: Any) -> None:
        with self._mutex:
            self._since.pop(request, None)
        self._places.release()

    def handle_error(self, *_: object) -> None:
        """Let a client that went away be no event; anything else is a bug, and said."""
        if not isinstance(sys.exc_info()[1], OSError):
            LOG.exception("a request could not be answered", extra={"event": "web_error"})
