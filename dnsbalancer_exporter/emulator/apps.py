"""A sample application that says hello over HTTP, to be probed, killed and revived."""

from __future__ import annotations

import socketserver
from contextlib import suppress

from dnsbalancer_exporter.emulator.serving import Address, Running, StreamServer


class _Hello(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(2.0)
        with suppress(OSError):
            # A close with unread bytes is a reset, which may overtake the answer.
            self.request.recv(65536)
            body = f"{self.request.getsockname()[0]}\n".encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            self.request.sendall(head.encode() + body)


class SampleApp:
    """Answers each request with its own address while it runs; refuses connections when not."""

    def __init__(self, address: str, port: int = 0) -> None:
        self._address: Address = (address, port)
        self._running: Running | None = None

    @property
    def address(self) -> Address:
        """Where it listens, or last did."""
        return self._address

    def start(self) -> None:
        """Listen; again on the same port after a stop."""
        if self._running is None:
            self._running = Running(StreamServer(self._address, _Hello))
            self._address = self._running.address

    def stop(self) -> None:
        """Close the listening socket."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def __enter__(self) -> SampleApp:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
