"""A provider that says what it is told to say: real sockets, answers from a list."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import Keystone, VkCloud, Wire
from dnsbalancer_exporter.report import ApiCall

PASSWORD = "correct-horse"
TOKEN = "gAAAAA-token-of-the-test"
ZONE_ID = "bfce6153-0000-4000-8000-000000000001"
ZONES = [{"uuid": ZONE_ID, "zone": "example.com", "status": "active"}]
A_RECORD = {"uuid": "a-1", "name": "@", "dns": f"/v2/dns/{ZONE_ID}", "ipv4": "192.0.2.1", "ttl": 60}


@dataclass(frozen=True)
class Reply:
    """One answer. ``body`` is sent as JSON unless it is bytes; ``then`` is done instead or after:
    ``cut`` promises more than it sends, ``reset`` answers with a TCP reset, ``hang`` not at all.
    """

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    then: str = ""

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def login(token: str = TOKEN, life: int = 3600, **changes: object) -> Reply:
    """A login that is granted, for ``life`` seconds."""
    issued = datetime(2026, 1, 1, tzinfo=timezone.utc)
    stamps = [
        moment.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        for moment in (issued, issued + timedelta(seconds=life))
    ]
    content = {"issued_at": stamps[0], "expires_at": stamps[1], **changes}
    return Reply(201, {"token": content}, {"X-Subject-Token": token})


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_login(self) -> bool:
        return self.path.endswith("/auth/tokens")


class Scripted:
    """The server's side: ``replies`` to the DNS API, ``logins`` to Keystone (then: granted)."""

    def __init__(self) -> None:
        self.replies: deque[Reply] = deque()
        self.logins: deque[Reply] = deque()
        self.requests: list[Request] = []
        self.released = threading.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/public-dns/v2/dns/"

    @property
    def auth_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v3/"

    def says(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        if request.is_login:
            return self.logins.popleft() if self.logins else login()
        return self.replies.popleft() if self.replies else Reply(599, b"nothing was scripted")

    def seen(self) -> list[str]:
        """What was asked of the DNS API, as "METHOD path"."""
        paths = [(r.method, r.path.split("/v2/dns/")[1]) for r in self.requests if not r.is_login]
        return [f"{method} {path}" for method, path in paths]

    @property
    def login_count(self) -> int:
        return sum(request.is_login for request in self.requests)


def _handler(script: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle_one_request()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = script.answer(Request(self.command, self.path, dict(self.headers), body))
            self.close_connection = True
            if reply.then == "hang":
                script.released.wait(30)
            elif reply.then == "reset":
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            elif reply.then != "close":
                self.say(reply)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

        def say(self, reply: Reply) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            extra = 100 if reply.then == "cut" else 0
            self.send_header("Content-Length", str(len(reply.content()) + extra))
            self.end_headers()
            self.wfile.write(reply.content())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that breaks off is what is tested

    def shutdown_request(self, request: Any) -> None:
        with contextlib.suppress(OSError):  # a connection that was reset is closed already
            super().shutdown_request(request)


@contextlib.contextmanager
def scripted(tls: ssl.SSLContext | None = None) -> Iterator[Scripted]:
    script = Scripted()
    with _Server(("127.0.0.1", 0), _handler(script)) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        script.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield script
        finally:
            script.released.set()
            server.shutdown()
            thread.join()


class Clock:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Client:
    """A driver and all that it was given."""

    driver: VkCloud
    keystone: Keystone
    wire: Wire
    clock: Clock
    calls: list[ApiCall]


def client(url: str, auth_url: str, password: str = PASSWORD, read: float = 5.0) -> Client:
    calls: list[ApiCall] = []
    clock = Clock()
    wire = Wire(meter=calls.append, clock=clock, verify="/none", connect=2.0, read=read)
    keystone = Keystone(
        auth_url=auth_url,
        login="example@test",
        password=Secret(password),
        project_id="777e19938fe947666d5d3be5c00053d7",
        user_domain="users",
        wire=wire,
    )
    driver = VkCloud(url=url, keystone=keystone, wire=wire, sleep=clock.sleep)
    return Client(driver, keystone, wire, clock, calls)
