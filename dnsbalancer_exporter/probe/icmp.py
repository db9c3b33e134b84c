"""The icmp probe: does an echo request come back? One socket per family serves all targets.

Never a raw socket per target: each sees every ICMP packet of the machine, and the work grows with
the square of the targets. Nor a task, a future or a timer per request: replies are read many at a
time, and deadlines have one timer for all.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeSpec
from dnsbalancer_exporter.probe import echo
from dnsbalancer_exporter.probe.deadlines import Deadlines
from dnsbalancer_exporter.probe.finding import (
    CLOSED,
    TIMED_OUT,
    Cancellable,
    Done,
    Finding,
    family_of,
    refused_now,
)
from dnsbalancer_exporter.probe.ping_socket import (
    SO_TIMESTAMPNS,
    OpenPing,
    PingSocket,
    open_ping,
)

DRAIN_EVERY = 64
"""Requests between two looks at the receive buffer, however many probes start in one go: the
smallest buffer that we may have been given holds 256 replies."""

_AT_ONCE = 512
"""Packets per wake-up: the loop has other work, and comes back at once for the rest."""

_ALL = 65536
"""More than the largest buffer holds: at a deadline, all that has arrived is read."""

_TOKENS = 512
"""Tokens that are drawn at a time: a system call for each would be a tenth of the whole work."""

_LONGEST = 256
"""Bytes of a packet that are read: an error with the longest IP headers has our token in 148."""

_TIMESPEC = struct.Struct("@ll")
_SOL_SOCKET = socket.SOL_SOCKET
_NOTES = socket.CMSG_SPACE(_TIMESPEC.size)


class IcmpProber:
    """Probes by echo. A socket is opened at its first use; a refusal is asked again each time."""

    def __init__(self, open_socket: OpenPing | None = None) -> None:
        self._open_socket = open_socket or open_ping
        self._channels: dict[int, _Channel] = {}

    def begin(self, spec: ProbeSpec, done: Done) -> Cancellable:
        """SUCCESS if the target's echo reply arrived in time; ``spec.port`` is not used."""
        family = family_of(spec.address)
        channel = self._channels.get(family)
        if channel is None or channel.closed:
            try:
                channel = self._channels[family] = _Channel(family, self._open_socket(family))
            except OSError as error:
                return asyncio.get_running_loop().call_soon(done, refused_now(error, family))
        return channel.ping(spec, done)

    def close(self) -> None:
        """Close the sockets; pings that wait end as ERROR."""
        for channel in self._channels.values():
            channel.close(CLOSED)


class _Request:
    """A request on its way. ``sent`` by perf_counter; ``done`` is None if nobody wants to know."""

    __slots__ = ("done", "sent", "spec", "token")

    def __init__(self, spec: ProbeSpec, done: Done, token: bytes) -> None:
        self.spec = spec
        self.done: Done | None = done
        self.token = token
        self.sent = time.perf_counter()

    def cancel(self) -> None:
        """See Cancellable; what is kept of it goes with its reply or deadline."""
        self.done = None


class _Channel:
    """One family's socket and the requests that wait for their answer, by token."""

    def __init__(self, family: int, opened: PingSocket) -> None:
        self._family = family
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._opened.sock, self._receive)
        self._waiting: dict[bytes, _Request] = {}
        self._deadlines: Deadlines[_Request] = Deadlines(self._overdue)
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = 0
        self._sums = opened.raw and family == socket.AF_INET
        self._tokens: list[bytes] = []
        self._unread = 0
        self.closed = False

    def close(self, why: Finding) -> None:
        """Stop listening; whoever waits is told ``why``."""
        if self.closed:
            return
        self.closed = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._opened.sock)
        self._opened.owner.close()
        for request in self._deadlines.clear():
            self._settle(request, why)

    def ping(self, spec: ProbeSpec, done: Done) -> Cancellable:
        if self._unread >= DRAIN_EVERY:
            self._receive()
        if not self._tokens:
            drawn, size = os.urandom(_TOKENS * echo.TOKEN_SIZE), echo.TOKEN_SIZE
            self._tokens = [drawn[at : at + size] for at in range(0, len(drawn), size)]
        token = self._tokens.pop()
        self._sequence = sequence = (self._sequence + 1) & 0xFFFF
        packet = echo.request(self._family, token, self._identifier, sequence, checksum=self._sums)
        request = _Request(spec, done, token)
        try:
            self._opened.sock.sendto(packet, (spec.address, 0))
        except OSError as error:
            return self._loop.call_soon(done, refused_now(error, self._family))
        self._unread += 1
        self._waiting[token] = request
        self._deadlines.add(request, spec.timeout)
        return request

    def _settle(self, request: _Request, finding: Finding) -> None:
        del self._waiting[request.token]
        self._deadlines.drop(request, request.spec.timeout)
        if request.done:
            request.done(finding)

    def _overdue(self, requests: list[_Request]) -> None:
        """Their deadline: what has arrived is read before any is called silent."""
        self._receive(_ALL)
        for request in requests:
            if request.token in self._waiting:
                self._settle(request, TIMED_OUT)

    def _receive(self, most: int = _AT_ONCE) -> None:
        self._unread = 0
        receive, take = self._opened.sock.recvmsg, self._take
        for _ in range(most):
            if self.closed:
                return  # by one who was told
            try:
                packet, notes, _, source = receive(_LONGEST, _NOTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # The socket itself is ill: the next probe opens another. Nobody's fault but ours.
                detail = f"receiving failed: {error.strerror}"
                self.close(Finding(Outcome.ERROR, ProbeReason.RESOURCES, detail))
                return
            take(packet, notes, source[0])

    def _take(self, packet: bytes, notes: list[tuple[int, int, bytes]], source: str) -> None:
        raw, error = self._opened.raw, ""
        request = self._waiting.get(echo.likely_token(packet, self._family, raw=raw))
        if request is None:
            heard = echo.parse_reply(packet, self._family, raw=raw)
            request = self._waiting.get(heard.token) if heard else None
            if heard is None or request is None:
                return  # another process's, or one whose deadline has passed
            error = heard.error
        delay = _delay(notes)  # first: what passes between the two clocks is not the kernel's
        elapsed = time.perf_counter() - request.sent
        # a delay longer than the whole wait is no delay: the wall clock was stepped in between
        duration = elapsed - delay if delay < elapsed else elapsed
        if duration > request.spec.timeout:
            return  # came too late, and was read later still
        if error:
            detail = f"{error}, says {source}"
            finding = Finding(Outcome.FAILURE, ProbeReason.UNREACHABLE, detail, duration)
            self._settle(request, finding)
        elif source == request.spec.address or self._same(source, request.spec.address):
            # from the address that was asked (RFC 1122, 3.2.2.6), not from whoever has our token
            self._settle(request, Finding(Outcome.SUCCESS, duration=duration))

    def _same(self, source: str, address: str) -> bool:
        """Whether two texts are one address: the kernel's adds a scope, ours may be long."""
        packed = [socket.inet_pton(self._family, a.partition("%")[0]) for a in (source, address)]
        return packed[0] == packed[1]


def _delay(notes: list[tuple[int, int, bytes]]) -> float:
    """Seconds since the kernel received the packet; 0 if it does not tell. Wall clock."""
    for level, kind, data in notes:
        if kind == SO_TIMESTAMPNS and level == _SOL_SOCKET and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            arrived = float(seconds) + float(nanoseconds) / 1e9
            return max(0.0, time.time() - arrived)
    return 0.0
