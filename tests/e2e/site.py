"""An application that answers by https."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Site:
    """An application that answers by https with ``status``."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        site = self
        self.status = 200
        self.asked: set[str] = set()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.add(f"{self.command} {self.headers['Host']}{self.path}")
                self.send_response(site.status)
                self.end_headers()
                self.wfile.write(b"all is fine")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that goes away early is none of our business

        self._server = Server(address, Handler)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
