"""The web server: accepts, speaks TLS, and bounds what a client may take.

The thread that accepts does nothing else: handshake, request and answer happen in a thread per
connection. A scrape takes what is in memory: it never waits for a target or for the API. A client
that sends nothing, or drips, holds one of a bounded number of places (places.py) for a bounded time
and no more.
"""

from __future__ import annotations

import logging
import resource
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dnsbalancer_exporter.export.access import Access
from dnsbalancer_exporter.export.handler import READ_SECONDS, Handler
from dnsbalancer_exporter.export.places import Places, Visit, fitting
from dnsbalancer_exporter.export.site import Site

LOG = logging.getLogger("dnsbalancer")

NOT_TLS = (
    b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    b"This port speaks TLS: https://\n"
)


class WebServer(socketserver.TCPServer):
    """Serves ``site`` on ``listen``; raises OSError if the port cannot be had.

    ``access`` gives what a connection meets, None to let nobody in; ``rejected`` is told of each of
    WEB_REJECTIONS.
    """

    allow_reuse_address = True
    request_queue_size = 1024
    """More may come at once than are accepted in a moment: a SYN that is dropped costs a second."""

    def __init__(
        self,
        listen: tuple[str, int],
        site: Site,
        access: Callable[[], Access | None],
        rejected: Callable[[str], None],
    ) -> None:
        self._site = site
        self._access = access
        self._rejected = rejected
        self._places = Places(fitting(_descriptors()))
        self.address_family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        super().__init__(listen, socketserver.BaseRequestHandler)

    def server_bind(self) -> None:
        """Bind; every address of the machine means IPv4 too, whatever the system's default."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.1,), name="web", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and close the port."""
        self.shutdown()
        self.server_close()

    def get_request(self) -> tuple[Any, Any]:
        """Accept; without a free descriptor wait a moment, or the loop would spin."""
        try:
            return super().get_request()
        except OSError:
            time.sleep(0.05)
            raise

    def service_actions(self) -> None:
        """Cut connections that have lasted too long; called a few times a second."""
        self._places.cut_late()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread, or close it if there is no place for it."""
        visit = self._places.enter(request, client_address[0])
        if visit:
            serve = threading.Thread(target=self._serve, args=(visit,), name="visit", daemon=True)
            try:
                serve.start()
            except RuntimeError:  # no thread to be had
                self._places.leave(visit)
            else:
                return
        self._rejected("limit")
        self.shutdown_request(request)

    def _serve(self, visit: Visit) -> None:
        try:
            self._receive(visit)
        except TimeoutError:
            visit.rejected = visit.rejected or "timeout"
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass  # who only looks whether the port is open is no event
        except ssl.SSLError as error:
            visit.rejected = visit.rejected or "tls"
            if error.reason == "HTTP_REQUEST":
                with suppress(OSError):
                    socket.socket.send(visit.socket, NOT_TLS)
        except OSError:
            pass  # the client went away
        except Exception:
            # Whatever it is, it is one client's, and not the end of the port.
            LOG.exception("a request could not be answered", extra={"event": "web_error"})
        finally:
            self._places.leave(visit)
            if visit.rejected:
                self._rejected(visit.rejected)
            _close(visit.socket)

    def _receive(self, visit: Visit) -> None:
        access = self._access()
        if access is None:
            visit.rejected = "tls"
            return
        if access.context and not _speaks_tls(visit, access.context):
            return
        Handler(visit, access, self._site, self._places, self._rejected, self)


def _descriptors() -> int:
    """How many files this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _speaks_tls(visit: Visit, context: ssl.SSLContext) -> bool:
    """Do the handshake, which ends in an SSLError if it fails; False if the visit is over."""
    visit.socket.settimeout(READ_SECONDS)
    visit.socket = connection = context.wrap_socket(
        visit.socket, server_side=True, do_handshake_on_connect=False
    )
    if visit.rejected:  # while it was neither the one socket nor the other
        return False
    connection.do_handshake()
    return True


def _close(connection: socket.socket) -> None:
    """Say goodbye, in TLS too, without waiting for an answer to it."""
    with suppress(OSError, ValueError):
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(0)
            connection.unwrap()
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
    connection.close()
