"""One request and its answer: HTTP/1.1, one of each per connection."""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from io import BufferedIOBase
from itertools import chain
from socketserver import BaseServer
from typing import cast

from dnsbalancer_exporter.export import page
from dnsbalancer_exporter.export.access import Access
from dnsbalancer_exporter.export.answer import Answer, Drawing, plain
from dnsbalancer_exporter.export.permission import why_not
from dnsbalancer_exporter.export.places import Places, Visit
from dnsbalancer_exporter.export.site import Site
from dnsbalancer_exporter.export.users import Busy

READ_SECONDS = 5.0
LINE_BYTES = 65536
HEAD_BYTES = 65536
HELD = 1 << 20
"""Bytes of a body that are held back to tell its length; a longer one is sent as it is made."""

WITHOUT_PASSWORD = frozenset({"/-/healthy", "/-/ready"})
"""Supervisors have no password, and learn nothing but a word."""

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT"}
)

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": page.POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Handler(BaseHTTPRequestHandler):
    """Reads one request and answers it; TimeoutError and OSError are the server's to judge."""

    server_version = "dnsbalancer"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS
    disable_nagle_algorithm = True

    def __init__(
        self,
        visit: Visit,
        access: Access,
        site: Site,
        places: Places,
        rejected: Callable[[str], None],
        server: BaseServer,
    ) -> None:
        self._visit = visit
        self._access = access
        self._site = site
        self._places = places
        self._rejected = rejected
        super().__init__(visit.socket, (visit.address, 0), server)

    def log_message(self, *_: object) -> None:
        """Say nothing: a scrape is not an event."""

    def version_string(self) -> str:
        """The name, and no version that would tell which holes to try."""
        return self.server_version

    def handle(self) -> None:
        """Read a request, answer it, and be done."""
        self.raw_requestline = self.rfile.readline(LINE_BYTES + 1)
        if not self.raw_requestline:
            return
        if len(self.raw_requestline) > LINE_BYTES:
            self.command = self.request_version = self.requestline = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        self.rfile = cast("BufferedIOBase", _Head(self.rfile))
        if not self.parse_request():
            return  # an error has been sent
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._visit.waiting_since = None
        answer = self._answer(self.path.partition("?")[0], headers)
        self._send(answer, packed=_accepts_gzip(headers.get("accept-encoding", "")))

    def _answer(self, path: str, headers: Mapping[str, str]) -> Answer:
        users = self._access.users
        if users and path not in WITHOUT_PASSWORD:
            try:
                known = users.knows(headers.get("authorization", ""))
            except Busy:
                self._rejected("limit")
                text = "too many passwords are being checked: come again in a moment"
                return plain(HTTPStatus.SERVICE_UNAVAILABLE, text, ("Retry-After", "1"))
            if not known:
                self._rejected("auth")
                challenge = 'Basic realm="dnsbalancer", charset="UTF-8"'
                text = "a user and a password are needed"
                return plain(HTTPStatus.UNAUTHORIZED, text, ("WWW-Authenticate", challenge))
        return self._dispatch(path, headers, known=users is not None)

    def _dispatch(self, path: str, headers: Mapping[str, str], *, known: bool) -> Answer:
        """The answer to somebody who may ask."""
        if self.command not in METHODS:
            return plain(HTTPStatus.NOT_IMPLEMENTED, "there is no such method")
        action, route = self._site.actions.get(path), self._site.routes.get(path)
        if action is None and route is None:
            paths = " ".join(sorted(self._site.routes))
            return plain(HTTPStatus.NOT_FOUND, f"There is nothing here. Try one of: {paths}")
        if route and self.command in ("GET", "HEAD"):
            return route(headers)
        if action is None or self.command != "POST":
            allowed = ("Allow", "POST" if action else "GET, HEAD")
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, f"only {allowed[1]} here", allowed)
        self._read_body(headers)
        secure = self._access.context is not None
        refusal = why_not(headers, self._visit.address, secure=secure, known=known)
        if refusal:
            self._rejected("auth")
            return plain(HTTPStatus.FORBIDDEN, refusal)
        return action(headers)

    def _read_body(self, headers: Mapping[str, str]) -> None:
        """Take a small body off the line: closing before it is read would cut the answer off."""
        length = headers.get("content-length", "0")
        if re.fullmatch(r"[0-9]{1,5}", length):
            self._places.wait_for(self._visit)
            self.rfile.read(int(length))
            self._visit.waiting_since = None

    def _send(self, answer: Answer, *, packed: bool) -> None:
        body, rest, framing = answer.body, None, {}
        if isinstance(body, Drawing) and packed:
            body, framing = body.packed(), {"Content-Encoding": "gzip"}
        elif isinstance(body, Drawing):
            body, rest = _begun(body.pieces())
        if rest is None:
            framing["Content-Length"] = str(len(body))
        elif self.request_version != "HTTP/1.0":  # there the end of the connection is its end
            framing["Transfer-Encoding"] = "chunked"
        self.send_response(answer.status)
        own = {"Content-Type": answer.type, **framing, "Connection": "close"}
        headers = {**HEADERS, **self._access.headers, **dict(answer.headers), **own}
        for name, value in headers.items():
            self.send_header(name, value)
        self._places.wait_for(self._visit)
        self.end_headers()
        if self.command == "HEAD":
            return
        if "Transfer-Encoding" not in framing:
            for piece in chain((body,), rest or ()):
                self.wfile.write(piece)
        else:
            # An empty chunk is the end of the body: there is none before.
            for piece in chain((body,), filter(None, rest or ()), (b"",)):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))

    def send_error(self, code: int, *_: object, **__: object) -> None:
        """Answer a request that could not be read; what it said is not repeated."""
        self.command = getattr(self, "command", None) or "GET"
        status = HTTPStatus(code)
        self._send(plain(status, f"{code} {status.phrase}"), packed=False)


class _Head:
    """The rest of a request's head, which may be HEAD_BYTES long in all; then its body."""

    def __init__(self, stream: BufferedIOBase) -> None:
        self._stream = stream
        self._left = HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        line = self._stream.readline(min(limit, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("head")
        return line

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._stream.close()


def _begun(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes] | None]:
    """The body, or if it is longer than HELD its beginning, and the rest of it."""
    begun = bytearray()
    for piece in pieces:
        begun += piece
        if len(begun) > HELD:
            return bytes(begun), pieces
    return bytes(begun), None


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether the header names gzip, with a weight that is not 0."""
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding in ("gzip", "x-gzip"):
            weights = [p[2:] for p in parameters if p.startswith("q=")]
            return not weights or weights[0].strip("0.") != ""
    return False
