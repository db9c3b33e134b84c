"""Servers that say what a test tells them to: bytes, pauses and resets on a real socket."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator

Script = Callable[[socket.socket], None]
"""What is done with an accepted connection; it is closed afterwards."""


def asked(sock: socket.socket) -> bytes:
    """The request, up to the end of its head."""
    data = b""
    while b"\r\n\r\n" not in data and (more := sock.recv(65536)):
        data += more
    return data


def saying(*pieces: bytes, pause: float = 0.0) -> Script:
    """Read the request, then send the pieces, and close."""
    quiet = threading.Event()

    def script(sock: socket.socket) -> None:
        asked(sock)
        for piece in pieces:
            sock.sendall(piece)
            if pause:
                quiet.wait(pause)

    return script


def mute(sock: socket.socket) -> None:
    """Say nothing until the other end goes away: a tarpit."""
    while sock.recv(65536):
        pass


def reset(sock: socket.socket) -> None:
    """End a connection by RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _serve(sock: socket.socket, script: Script, tls: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError, ValueError), sock:
        sock.settimeout(30)
        if tls is None:
            script(sock)
        else:
            with tls.wrap_socket(sock, server_side=True) as secured:
                script(secured)


@contextlib.contextmanager
def speaker(
    script: Script, tls: ssl.SSLContext | None = None, address: str = "127.0.0.1"
) -> Iterator[int]:
    """The port of a server that does ``script`` with each connection, in a thread of its own."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family, backlog=1024) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock = listener.accept()[0]
                    threading.Thread(target=_serve, args=(sock, script, tls), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # accept() returns
            thread.join()
