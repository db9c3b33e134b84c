"""The icmp probe: does an echo request come back? One socket per family serves all targets.

Never a raw socket per target: each sees every ICMP packet of the machine, and the work grows with
the square of the targets.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from dataclasses import dataclass

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeSpec
from dnsbalancer_exporter.probe import echo
from dnsbalancer_exporter.probe.finding import TIMED_OUT, Finding, family_of, refused_now
from dnsbalancer_exporter.probe.ping_socket import (
    SO_TIMESTAMPNS,
    OpenPing,
    PingSocket,
    open_ping,
)

DRAIN_EVERY = 64
"""Requests between two looks at the receive buffer, however many probes start in one go: the
smallest buffer that we may have been given holds 256 replies."""

_AT_ONCE = 4096  # packets per wake-up, more than the buffer holds: a flood cannot keep the loop
_TIMESPEC = struct.Struct("@ll")
_CLOSED = Finding(Outcome.ERROR, ProbeReason.INTERNAL, "the prober was closed")


class IcmpProber:
    """Probes by echo. A socket is opened at its first use; a refusal is asked again each time."""

    def __init__(self, open_socket: OpenPing | None = None) -> None:
        self._open_socket = open_socket or open_ping
        self._channels: dict[int, _Channel] = {}

    async def probe(self, spec: ProbeSpec) -> Finding:
        """SUCCESS if the target's echo reply arrived in time; ``spec.port`` is not used."""
        family = family_of(spec.address)
        channel = self._channels.get(family)
        if channel is None or channel.closed:
            try:
                channel = self._channels[family] = _Channel(family, self._open_socket(family))
            except OSError as error:
                return refused_now(error, family)
        return await channel.ping(spec.address, spec.timeout)

    def close(self) -> None:
        """Close the sockets; pings that wait end as ERROR."""
        for channel in self._channels.values():
            channel.close(_CLOSED)


@dataclass(slots=True)
class _Waiting:
    """A request on its way. ``sent`` by perf_counter, ``timeout`` in seconds."""

    address: bytes
    timeout: float
    answer: asyncio.Future[Finding]
    sent: float = 0.0

    def settle(self, finding: Finding) -> None:
        if not self.answer.done():
            self.answer.set_result(finding)


class _Channel:
    """One family's socket and the requests that wait for their answer, by token."""

    def __init__(self, family: int, opened: PingSocket) -> None:
        self._family = family
        self._opened = opened
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._opened.sock, self._receive)
        self._waiting: dict[bytes, _Waiting] = {}
        self._identifier = int.from_bytes(os.urandom(2), "big")
        self._sequence = 0
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
        for waiting in self._waiting.values():
            waiting.settle(why)

    async def ping(self, address: str, timeout: float) -> Finding:
        token = os.urandom(echo.TOKEN_SIZE)
        packed = socket.inet_pton(self._family, address)
        answer: asyncio.Future[Finding] = self._loop.create_future()
        self._waiting[token] = waiting = _Waiting(packed, timeout, answer)
        deadline = self._loop.call_later(timeout, self._expire, token)
        try:
            refusal = self._send(address, token, waiting)
            return refusal or await answer
        finally:
            deadline.cancel()
            del self._waiting[token]

    def _send(self, address: str, token: bytes, waiting: _Waiting) -> Finding | None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        packet = echo.request(self._family, token, self._identifier, self._sequence)
        waiting.sent = time.perf_counter()
        try:
            self._opened.sock.sendto(packet, (address, 0))
        except OSError as error:
            return refused_now(error, self._family)
        self._unread += 1
        if self._unread >= DRAIN_EVERY:
            self._receive()
        return None

    def _expire(self, token: bytes) -> None:
        """The deadline of one request: what has arrived is read before it is called silence."""
        if not self.closed:
            self._receive()
        self._waiting[token].settle(TIMED_OUT)

    def _receive(self) -> None:
        self._unread = 0
        for _ in range(_AT_ONCE):
            try:
                packet, notes, _, source = self._opened.sock.recvmsg(2048, 64)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # The socket itself is ill: the next probe opens another. Nobody's fault but ours.
                detail = f"receiving failed: {error.strerror}"
                self.close(Finding(Outcome.ERROR, ProbeReason.RESOURCES, detail))
                return
            self._hear(packet, source[0], _delay(notes))

    def _hear(self, packet: bytes, source: str, delay: float) -> None:
        heard = echo.parse_reply(packet, self._family, raw=self._opened.raw)
        waiting = self._waiting.get(heard.token) if heard else None
        if heard is None or waiting is None:
            return  # another process's, or one whose deadline has passed
        elapsed = time.perf_counter() - waiting.sent
        # a delay longer than the whole wait is no delay: the wall clock was stepped in between
        duration = elapsed - delay if delay < elapsed else elapsed
        if duration > waiting.timeout:
            return  # came too late, and was read later still
        if heard.error:
            detail = f"{heard.error}, says {source}"
            finding = Finding(Outcome.FAILURE, ProbeReason.UNREACHABLE, detail, duration)
            waiting.settle(finding)
        elif socket.inet_pton(self._family, source.partition("%")[0]) == waiting.address:
            # from the address that was asked (RFC 1122, 3.2.2.6), not from whoever has our token
            waiting.settle(Finding(Outcome.SUCCESS, duration=duration))


def _delay(notes: list[tuple[int, int, bytes]]) -> float:
    """Seconds since the kernel received the packet; 0 if it does not tell. Wall clock."""
    for level, kind, data in notes:
        if (level, kind, len(data)) == (socket.SOL_SOCKET, SO_TIMESTAMPNS, _TIMESPEC.size):
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            arrived = float(seconds) + float(nanoseconds) / 1e9
            return max(0.0, time.time() - arrived)
    return 0.0
