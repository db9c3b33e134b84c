"""Servers that run in threads of their own and are really gone when they are stopped.

``stop`` closes the listening socket and every connection, so that a client sees at once what it
would see of a machine that was switched off.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
from contextlib import suppress
from typing import Any

Address = tuple[str, int]

_POLL = 0.02
"""How often a server looks whether it is to stop."""

_log = logging.getLogger("dnsbalancer.emulator")


def family(host: str) -> int:
    """The address family of a numeric host."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class _Quiet(socketserver.TCPServer):  # which socketserver's UDPServer is, too
    """Clients that go away are no news, and bugs go to the log."""

    def server_bind(self) -> None:
        """Take the port; an OSError names it."""
        try:
            super().server_bind()
        except OSError as error:
            host, port = self.server_address[:2]
            raise OSError(error.errno, f"{host!s}:{port}: {error.strerror}") from None

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - upstream's
        """Say it, unless it is the connection's."""
        if not isinstance(sys.exc_info()[1], OSError):
            _log.exception("a request from %s failed", client_address)


class StreamServer(_Quiet, socketserver.ThreadingTCPServer):
    """TCP, a daemon thread per connection; ``close_all`` ends the connections."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: Address, handler: type[socketserver.BaseRequestHandler]) -> None:
        self.address_family = family(address[0])
        self._open: dict[socket.socket, threading.Thread | None] = {}
        self._guard = threading.Lock()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a connection; it is known from here on."""
        with self._guard:
            self._open[request] = None
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection to its end, in its thread."""
        with self._guard:
            self._open[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                del self._open[request]

    def close_all(self) -> None:
        """End every connection and wait, a little, for their threads."""
        with self._guard:
            connections = dict(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            if thread is not None:
                thread.join(0.2)


class DatagramServer(_Quiet, socketserver.UDPServer):
    """UDP, one datagram after the other."""

    max_packet_size = 65535

    def __init__(self, address: Address, handler: type[socketserver.BaseRequestHandler]) -> None:
        self.address_family = family(address[0])
        super().__init__(address, handler)


class Running:
    """A server and the thread that it runs in."""

    def __init__(self, server: StreamServer | DatagramServer) -> None:
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever, args=(_POLL,), name=type(server).__name__, daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Stop listening, end all connections."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(1.0)
        if isinstance(self._server, StreamServer):
            self._server.close_all()
