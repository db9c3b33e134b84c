"""The HTTP server with both APIs and the control endpoint, and a request's way through it.

    /v3/auth/tokens, /identity/v3/auth/tokens   Keystone (keystone.py)
    /public-dns/v2/dns/...                      Public DNS (publicdns.py)
    /_emulator/...                              the director's desk (control.py), loopback only

HTTP/1.1 with keep-alive. An answer leaves in one write on a socket without Nagle's delay, so that
no client waits 40 ms for its second half. Requests to the APIs pass the faults, then the honest
answer is made, and what is decided is in the journal before the client can know it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Protocol

from dnsbalancer_exporter.emulator.actions import ACTIONS
from dnsbalancer_exporter.emulator.calls import Answer, Call, Fate
from dnsbalancer_exporter.emulator.faults import Fault, Faults
from dnsbalancer_exporter.emulator.journal import Journal
from dnsbalancer_exporter.emulator.keystone import Keystone, keystone_error
from dnsbalancer_exporter.emulator.publicdns import PublicDns
from dnsbalancer_exporter.emulator.routes import PREFIX, route
from dnsbalancer_exporter.emulator.serving import Address, StreamServer
from dnsbalancer_exporter.emulator.switches import SwitchBoard

BODY_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Provider:
    """The two APIs as one: takes a request through the faults to its answer.

    ``stopping`` ends all waits; it is also the Stage that actions play on.
    """

    keystone: Keystone
    public_dns: PublicDns
    faults: Faults
    journal: Journal
    board: SwitchBoard
    clock: Callable[[], float]
    stopping: threading.Event

    def answer(self, call: Call) -> Answer:
        """What the client is to get, and how."""
        faults = self.faults.hitting(call)
        n = self.journal.arrived(call, self.clock(), tuple(map(str, faults)))
        answer = self._through(faults, call)
        self.journal.settled(n, answer)
        return answer

    def _through(self, faults: Sequence[Fault], call: Call) -> Answer:
        if not faults:
            return self._honest(call)
        first, *rest = faults
        return ACTIONS[first.action].run(first, call, lambda c: self._through(rest, c), self)

    def _honest(self, call: Call) -> Answer:
        if call.operation == "auth_token":
            return self.keystone.answer(call)
        if not call.path.startswith(PREFIX + "/"):
            return Answer(404, b"Not Found\n", "text/plain")
        return self.public_dns.answer(call)

    def wait(self, seconds: float) -> bool:
        """Let time pass; False if the emulator was stopped meanwhile."""
        return not self.stopping.wait(seconds)

    def expire_tokens(self) -> None:
        """Forget all tokens."""
        self.keystone.expire_all()

    def failure(self, call: Call, status: int) -> Answer:
        """An error in the style of the API that was called."""
        if call.operation == "auth_token":
            return keystone_error(status)
        return self.public_dns.error(status, "EmulatedFault", "An injected fault.")


class Desk(Protocol):
    """What answers below /_emulator/."""

    def answer(self, method: str, path: str, body: bytes, client: str) -> Answer:
        """The answer to a request from the address ``client``."""


class ApiServer(StreamServer):
    """Listens for both APIs and for the director."""

    def __init__(self, address: Address, provider: Provider, desk: Desk) -> None:
        self.provider = provider
        self.desk = desk
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        path, _, query = self.path.partition("?")
        if path.startswith("/_emulator"):
            client = str(self.client_address[0])
            self._send(self.server.desk.answer(self.command, path, body, client))
            return
        provider = self.server.provider
        lenient = provider.board.current.slash == "lenient"
        headers = {name.lower(): value for name, value in self.headers.items()}
        found = route(self.command, path, lenient=lenient)
        self._send(provider.answer(Call(found, self.command, path, query, headers, body)))

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815

    def _read_body(self) -> bytes | None:
        """The whole body; None if there is no telling where it ends, and that is said."""
        length = self.headers.get("Content-Length", "0")
        refused = 0
        if "Transfer-Encoding" in self.headers:
            refused = 411
        elif not length.isdecimal():
            refused = 400
        elif int(length) > BODY_LIMIT:
            refused = 413
        if refused:
            self.close_connection = True
            self._send(Answer(refused, b"", "text/plain"))
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _send(self, answer: Answer) -> None:
        if answer.fate is Fate.RESET:
            self._reset()
            return
        if answer.fate is Fate.DROPPED:
            self.close_connection = True
            return
        head, body = self._head(answer), answer.body
        if answer.fate is Fate.CUT:
            self.close_connection = True
            # A head without its end is taken for a whole one by many a client; half a word is not.
            head = head if body else b"HTTP/"
            body = body[: len(body) // 2]
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def _head(self, answer: Answer) -> bytes:
        phrases = {status.value: status.phrase for status in HTTPStatus}
        lines = [
            f"HTTP/1.1 {answer.status} {phrases.get(answer.status, 'Unknown')}",
            f"Server: {self.version_string()}",
            f"Date: {self.date_time_string()}",
        ]
        if answer.body:
            lines.append(f"Content-Type: {answer.content_type}")
        if answer.status not in {204, 304}:
            lines.append(f"Content-Length: {len(answer.body)}")
        lines.extend(f"{name}: {value}" for name, value in answer.headers)
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def _reset(self) -> None:
        # A close with a linger time of zero is a reset; the descriptor must go at once, because
        # the server would shut the socket down first, and that is an orderly end.
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        socket.close(self.connection.detach())

    def version_string(self) -> str:
        """What the Server header says."""
        return "dnsbalancer-emulator"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: there is the journal."""
