"""The connection of an http probe: plain or TLS, on the event loop, with one budget for all.

What is charged to the target is the time that we wait for it, and nothing else: not our own work,
not the turn that a handshake waits for, not a loop that is late. So a target is never called down
for what we did, and the latency figure is its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
import time

from dnsbalancer_exporter.model import Outcome, ProbeReason
from dnsbalancer_exporter.probe.finding import Finding, family_of, refused_now, reported_later

RECEIVED_LIMIT = 256 * 1024
"""Bytes that a target may send in one probe, TLS included."""

_AT_ONCE = 16 * 1024
_SLICES = 8


class Settled(Exception):
    """The probe is over: ``finding`` is what it found."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


def failed(reason: ProbeReason, detail: str) -> Settled:
    """The target's fault."""
    return Settled(Finding(Outcome.FAILURE, reason, detail))


class Patience:
    """How long a target may yet keep us waiting, of ``timeout`` seconds in all.

    It is used up in slices, and a slice that ends late counts as one slice: while the loop is busy
    with something else nobody looks, and an answer may have been there for long.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._left = timeout

    @property
    def used(self) -> float:
        """Seconds that the target has taken."""
        return self._timeout - self._left

    async def wait(self, sock: socket.socket, *, writing: bool) -> bool:
        """Return when ``sock`` may be ready, within a slice; False if all is used up."""
        if self._left <= 0:
            return False
        longest = min(self._left, self._timeout / _SLICES)
        begun = time.perf_counter()
        await _ready(sock, longest, writing=writing)
        self._left -= min(time.perf_counter() - begun, longest)
        return True


async def _ready(sock: socket.socket, seconds: float, *, writing: bool) -> None:
    """Return when ``sock`` is ready, or after ``seconds``."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    add, remove = loop.add_reader, loop.remove_reader
    if writing:
        add, remove = loop.add_writer, loop.remove_writer
    timer = loop.call_later(seconds, wake)
    add(sock, wake)
    try:
        await woken
    finally:
        timer.cancel()
        remove(sock)  # before close(): the number is another socket's at once


class Line:
    """One connection. Its coroutines raise Settled; ``close`` it in any case."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._sock: socket.socket | None = None
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._received = 0
        self._stage = "no connection"

    async def connect(self, address: str, port: int) -> None:
        """Open it, to an address: no name is ever looked up."""
        family = family_of(address)
        try:
            self._sock = sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise Settled(refused_now(error, family)) from None
        sock.settimeout(0)
        # Else the request waits for the acknowledgement of our end of the handshake: 40 ms.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sock.connect_ex((address, port))
        if number not in (0, errno.EINPROGRESS):
            raise Settled(refused_now(OSError(number, os.strerror(number)), family))
        while not _is_connected(sock):
            await self._wait(sock, writing=True)
        self._stage = "connected, no complete answer"

    async def secure(self, context: ssl.SSLContext, host: str, turn: asyncio.Lock) -> None:
        """Shake hands for ``host``. Raises also SSLCertVerificationError.

        Each step costs up to a millisecond or two of processor: in ``turn``, one step is done
        between two rounds of the event loop, however many targets answer at once.
        """
        self._stage = "connected, no TLS handshake"
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=host)
        done = False
        while not done:
            async with turn:
                done = self._shake(self._tls)
                await asyncio.sleep(0)
            await self._push(self._out.read())
            if not done:
                self._feed(await self._pull())
        self._stage = "connected, no complete answer"

    def certificate(self) -> bytes | None:
        """The certificate that was shown, as DER; None without TLS."""
        return self._tls.getpeercert(binary_form=True) if self._tls else None

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        if self._tls:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise failed(ProbeReason.TLS, complaint(error)) from None
            data = self._out.read()
        await self._push(data)

    async def receive(self) -> bytes:
        """Return the next bytes of the answer, none when it has ended."""
        if self._tls is None:
            return await self._pull()
        while (data := _decrypted(self._tls)) is None:
            self._feed(await self._pull())
        return data

    def close(self) -> None:
        """Close it. Over TLS with a goodbye, else some servers log an error for each probe."""
        if self._sock is None:
            return
        with self._sock, contextlib.suppress(OSError, ValueError):
            if self._tls:
                try:
                    self._tls.unwrap()
                finally:
                    self._sock.send(self._out.read())

    # --- steps --------------------------------------------------------------------------

    def _shake(self, tls: ssl.SSLObject) -> bool:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLCertVerificationError:
            raise
        except ssl.SSLError as error:
            raise failed(ProbeReason.TLS, complaint(error)) from None
        return True

    def _feed(self, data: bytes) -> None:
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    async def _push(self, data: bytes) -> None:
        sock = self._open()
        rest = memoryview(data)
        while rest:
            sent = _sent(sock, rest)
            rest = rest[sent:]
            if not sent:
                await self._wait(sock, writing=True)

    async def _pull(self) -> bytes:
        """What has come over the wire; it always waits, so that nobody can flood the loop."""
        sock = self._open()
        data = None
        while data is None:
            await self._wait(sock, writing=False)
            data = _arrived(sock)
        self._received += len(data)
        if self._received > RECEIVED_LIMIT:
            raise failed(ProbeReason.INVALID_RESPONSE, "it sends without end")
        return data

    async def _wait(self, sock: socket.socket, *, writing: bool) -> None:
        if not await self._patience.wait(sock, writing=writing):
            raise failed(ProbeReason.TIMEOUT, self._stage)

    def _open(self) -> socket.socket:
        if self._sock is None:
            raise RuntimeError("it was not connected")
        return self._sock


def _sent(sock: socket.socket, data: memoryview) -> int:
    """How many bytes the kernel has taken; 0 if none yet.

    To one that has closed already, all: what it said before can still be read, and tells more.
    """
    try:
        return sock.send(data)
    except BlockingIOError:
        return 0
    except ConnectionError:
        return len(data)
    except OSError as error:
        raise Settled(reported_later(error.errno or 0)) from None


def _arrived(sock: socket.socket) -> bytes | None:
    """The bytes that are there; None if there are none yet."""
    try:
        return sock.recv(_AT_ONCE)
    except BlockingIOError:
        return None
    except OSError as error:
        raise Settled(reported_later(error.errno or 0)) from None


def _decrypted(tls: ssl.SSLObject) -> bytes | None:
    """The bytes that TLS has; None if it needs more from the wire."""
    try:
        return tls.read(_AT_ONCE)
    except ssl.SSLWantReadError:
        return None
    except ssl.SSLEOFError:
        return b""  # without the goodbye of TLS, as many do
    except ssl.SSLError as error:
        raise failed(ProbeReason.TLS, complaint(error)) from None


def _is_connected(sock: socket.socket) -> bool:
    """What the socket says now; raises Settled if it failed.

    getpeername() before SO_ERROR: the other way round, a reset between the two looks like silence.
    """
    try:
        peer = sock.getpeername()
    except OSError:
        peer = None
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        raise Settled(reported_later(number))
    if peer is not None and peer == sock.getsockname():  # see tcp.py
        text = "connected to itself: nothing listens there"
        raise failed(ProbeReason.REFUSED, text)
    return peer is not None


_COMPLAINTS = {
    "WRONG_VERSION_NUMBER": "what answers does not speak TLS: is it `http`?",
    "HTTP_REQUEST": "what answers does not speak TLS: is it `http`?",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of ours, and we have none",
    "UNEXPECTED_EOF_WHILE_READING": "it ended the connection in the TLS handshake",
}


def complaint(error: ssl.SSLError) -> str:
    """What OpenSSL has to say, as a sentence."""
    reason = error.reason or ""
    if isinstance(error, ssl.SSLEOFError):
        reason = "UNEXPECTED_EOF_WHILE_READING"
    return _COMPLAINTS.get(reason) or reason.replace("_", " ").lower() or "TLS failed"
