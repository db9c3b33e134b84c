"""An HTTP/1 answer, read no further than a verdict needs (RFC 9112). It knows no socket.

Whatever is received, reading ends with a Head, a bool or Invalid: who answers is not trusted to
be a web server at all. Every piece has a limit, and so has the whole.
"""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from email.message import Message

HEAD_LIMIT = 32 * 1024
"""Bytes of a head, interim answers (1xx) before it included."""

BODY_LIMIT = 64 * 1024
"""Bytes of a body, from its begin, in which a text is looked for."""

_CHUNK_LINE_LIMIT = 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-9][0-9]{2})(?: .*)?")
_CHUNK_LINE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?")
_LENGTH = re.compile(r"[0-9]{1,15}")
_SWITCHING_PROTOCOLS = 101
_WITHOUT_BODY = (204, 304)

Receive = Callable[[], Awaitable[bytes]]
"""Gives the next bytes, at least one; none when the connection has ended."""


class Invalid(Exception):
    """What was received is no HTTP answer; the text says why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Head:
    """A final status, and the lines of the headers as they came."""

    status: int
    fields: bytes


class Incoming:
    """What has been received and not been used yet."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._head_left = HEAD_LIMIT

    async def head(self) -> Head:
        """The first head that is no interim one. Raises Invalid."""
        while True:
            status = await self._status()
            fields = bytearray()
            while line := await self._head_line():
                fields += line + b"\r\n"
            if status >= 200 or status == _SWITCHING_PROTOCOLS:
                return Head(status, bytes(fields))

    async def body_holds(self, head: Head, text: bytes) -> bool:
        """Whether ``text`` is in the first BODY_LIMIT bytes of the answer to a GET.

        It is read up to where the text is found. Raises Invalid if the body ends before it should.
        """
        seen = bytearray()
        async for piece in self._body(head):
            begin = max(0, len(seen) - len(text) + 1)
            seen += piece[: BODY_LIMIT - len(seen)]
            if seen.find(text, begin) >= 0:
                return True
            if len(seen) >= BODY_LIMIT:
                break
        return False

    # --- heads --------------------------------------------------------------------------

    async def _status(self) -> int:
        """The status of the next head; what does not begin like one is refused at once."""
        while len(self._buffer) < 5:
            if not await self._more():
                text = "the connection ended in the answer's head"
                raise Invalid(text if self._buffer else "the connection ended without an answer")
        if self._buffer[0] in (0x15, 0x16) and self._buffer[1] == 0x03:
            raise Invalid("it answers in TLS: is it `https`?")
        if not self._buffer.startswith(b"HTTP/"):
            raise Invalid("what answers does not speak HTTP")
        match = _STATUS_LINE.fullmatch(await self._head_line())
        if match is None:
            raise Invalid("the answer's first line is no status line of HTTP/1")
        return int(match[1])

    async def _head_line(self) -> bytes:
        line = await self._line(self._head_left, "the answer's head is too long")
        self._head_left -= len(line) + 2
        return line

    async def _line(self, limit: int, too_long: str) -> bytes:
        """The bytes up to the next end of a line, CRLF or LF, without it."""
        begin = 0
        while (end := self._buffer.find(b"\n", begin)) < 0 and len(self._buffer) <= limit:
            begin = len(self._buffer)
            if not await self._more():
                raise Invalid("the connection ended within the answer")
        if not 0 <= end <= limit:
            raise Invalid(too_long)
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    async def _more(self) -> bool:
        data = await self._receive()
        self._buffer += data
        return bool(data)

    # --- bodies -------------------------------------------------------------------------

    async def _body(self, head: Head) -> AsyncIterator[bytes]:
        """The pieces of a body, by RFC 9112, 6.3."""
        if head.status in _WITHOUT_BODY:
            return
        fields = _parsed(head.fields)
        codings = ",".join(fields.get_all("Transfer-Encoding", [])).lower()
        lengths = {length.strip() for length in fields.get_all("Content-Length", [])}
        if codings:
            is_chunked = codings.rpartition(",")[2].strip() == "chunked"
            pieces = self._chunks() if is_chunked else self._up_to(None)
        elif len(lengths) > 1 or not all(map(_LENGTH.fullmatch, lengths)):
            raise Invalid("the answer's Content-Length is no number")
        else:
            pieces = self._up_to(int(lengths.pop()) if lengths else None)
        async for piece in pieces:
            yield piece

    async def _chunks(self) -> AsyncIterator[bytes]:
        """The content of chunks; the trailer is nobody's business."""
        while True:
            line = await self._line(_CHUNK_LINE_LIMIT, "a chunk's head is too long")
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise Invalid("a chunk's head is no number")
            size = int(match[1], 16)
            if size == 0:
                return
            async for piece in self._up_to(size):
                yield piece
            if await self._line(2, "a chunk is longer than it says"):
                raise Invalid("a chunk is longer than it says")

    async def _up_to(self, size: int | None) -> AsyncIterator[bytes]:
        """The next ``size`` bytes as they come; None: all that come until the connection ends."""
        while size is None or size > 0:
            if not self._buffer and not await self._more():
                if size is not None:
                    raise Invalid("the connection ended within the answer's body")
                return
            piece = bytes(self._buffer[:size])
            del self._buffer[: len(piece)]
            size = None if size is None else size - len(piece)
            yield piece


def _parsed(fields: bytes) -> Message:
    try:
        return http.client.parse_headers(io.BytesIO(fields + b"\r\n"))
    except http.client.HTTPException:
        raise Invalid("the answer has too many headers") from None
