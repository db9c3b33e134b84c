"""The tcp probe: can a connection be opened? Nothing is sent over it.

An own non-blocking connect() instead of asyncio.open_connection, which makes a protocol and two
streams per probe, collapses under load and then calls healthy targets down.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys
import time

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeSpec
from dnsbalancer_exporter.probe.finding import (
    TIMED_OUT,
    Finding,
    family_of,
    refused_now,
    reported_later,
)

# struct tcp_info (linux/tcp.h): tcpi_rtt, in microseconds, at offset 68, tcpi_total_retrans at 100
_TCP_INFO = struct.Struct("=68xI28xI")


class TcpProber:
    """Probes by connect(); nothing is shared between two probes."""

    async def probe(self, spec: ProbeSpec) -> Finding:
        """SUCCESS if the handshake was completed in time, whenever we come to read that."""
        family = family_of(spec.address)
        begun = time.perf_counter()
        try:
            sock = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            return refused_now(error, family)
        with sock:
            sock.settimeout(0)
            number = sock.connect_ex((spec.address, spec.port))
            if number == errno.EINPROGRESS:
                await _settled(sock, spec.timeout)
            elif number:
                return refused_now(OSError(number, os.strerror(number)), family)
            return _read(sock, time.perf_counter() - begun)

    def close(self) -> None:
        """Nothing to give back: every probe closes its own socket."""


async def _settled(sock: socket.socket, timeout: float) -> None:
    """Return when ``sock`` is connected or has failed, or after ``timeout`` seconds."""
    loop = asyncio.get_running_loop()
    woken: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not woken.done():
            woken.set_result(None)

    deadline = loop.call_later(timeout, wake)
    loop.add_writer(sock, wake)
    try:
        await woken
    finally:
        deadline.cancel()
        loop.remove_writer(sock)  # before close(): the number is another socket's at once


def _read(sock: socket.socket, elapsed: float) -> Finding:
    """What the socket says now, whatever woke us: an answer that came in time counts.

    getpeername() before SO_ERROR: the other way round, a reset between the two looks like silence.
    """
    try:
        peer = sock.getpeername()
    except OSError:
        peer = None
    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if number:
        return reported_later(number)
    if peer is None:
        return TIMED_OUT
    if peer == sock.getsockname():
        # A closed local port in the ephemeral range may be given to the connecting socket itself,
        # and TCP's simultaneous open (RFC 9293, 3.5) then joins it with itself.
        return Finding(
            Outcome.FAILURE, ProbeReason.REFUSED, "connected to itself: nothing listens there"
        )
    return Finding(Outcome.SUCCESS, duration=_handshake(sock, elapsed))


def _handshake(sock: socket.socket, elapsed: float) -> float:
    """Seconds that the handshake took: the kernel's figure, which our own delay is not part of.

    Only without retransmission: the kernel times the SYN that was answered, but who connects
    also waits for those that were lost.
    """
    if sys.platform != "linux":
        return elapsed
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return elapsed
    if len(info) < _TCP_INFO.size:
        return elapsed
    microseconds, retransmissions = _TCP_INFO.unpack(info)
    known = microseconds and not retransmissions
    return min(microseconds / 1e6, elapsed) if known else elapsed
