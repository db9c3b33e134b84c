"""The tcp probe: can a connection be opened? Nothing is sent over it.

Non-blocking connects, thousands at once: no task, no stream, no timer for any of them
(asyncio.open_connection makes all three, collapses under load and then calls healthy targets down).

    step       by                                           why
    ---------  -------------------------------------------  ---------------------------------------
    connect    the kernel; the answer makes the socket      an epoll tells of many in one go
               writable                                     (readiness.py)
    read       TCP_INFO: state and round trip in one call   our own delay is not in the figure
    close      RESET: no final ACK, a RST in its place      no TIME_WAIT with us, and the
                                                            application never hears of the probe
               FIN: the handshake is completed and the      some firewalls take the other for a
               connection closed in order                   port scan; leaves a TIME_WAIT with us
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable

from dnsbalancer_exporter.model import Closing, Outcome, ProbeReason, ProbeSpec
from dnsbalancer_exporter.probe import readiness
from dnsbalancer_exporter.probe.deadlines import Deadlines
from dnsbalancer_exporter.probe.finding import (
    CLOSED,
    TIMED_OUT,
    Done,
    Finding,
    family_of,
    refused_now,
    reported_later,
)

# struct tcp_info (linux/tcp.h): tcpi_state at offset 0; tcpi_rtt, in microseconds, at 68;
# tcpi_total_retrans at 100. The states are those of net/tcp_states.h.
_TCP_INFO = struct.Struct("=B67xI28xI")
_ESTABLISHED = 1

_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK
_NO_LINGER = struct.pack("@ii", 1, 0)
_LINUX = sys.platform == "linux"
_ITSELF = Finding(
    Outcome.FAILURE, ProbeReason.REFUSED, "connected to itself: nothing listens there"
)


class TcpProber:
    """Probes by connect(). ``told_by`` is how it learns which of them have ended."""

    def __init__(
        self, told_by: Callable[[readiness.Ready], readiness.Readiness] = readiness.BEST
    ) -> None:
        self._told_by = told_by
        self._readiness: readiness.Readiness | None = None
        self._deadlines: Deadlines[_Attempt] = Deadlines(self._overdue)
        self._connecting: dict[int, _Attempt] = {}
        self._answered: list[tuple[_Attempt, Finding]] = []

    def begin(self, spec: ProbeSpec, done: Done) -> _Attempt:
        """SUCCESS if the handshake was completed in time, whenever we come to read that."""
        family = family_of(spec.address)
        attempt = _Attempt(self, spec, done)
        try:
            # the C class: the Python one around it doubles the price of a socket
            attempt.sock = sock = socket.SocketType(family, _STREAM)
            finding = self._connect(attempt, sock)
        except OSError as error:
            finding = refused_now(error, family)
        except Exception:
            attempt.cancel()  # a port that is none: the socket is there
            raise
        if finding is None:
            self._wait(attempt, sock)
        else:
            self._tell_soon(attempt, finding)
        return attempt

    def _connect(self, attempt: _Attempt, sock: socket.SocketType) -> Finding | None:
        """Send the SYN; what is known at once, None if it must be waited for."""
        spec = attempt.spec
        if spec.close is Closing.RESET:
            _part_by_reset(sock)
        number = sock.connect_ex((spec.address, spec.port))
        if number not in (0, errno.EINPROGRESS):
            raise OSError(number, os.strerror(number))
        # A target on this machine, such as a member's own address, has answered by now. With FIN
        # we come later, to see one that takes a connection and drops it at once.
        return _read(attempt, sock) if spec.close is Closing.RESET else None

    def close(self) -> None:
        """Close all sockets; what still connects ends as an ERROR."""
        for attempt in self._deadlines.clear():
            self._end(attempt, CLOSED)
        if self._readiness:
            self._readiness.close()
            self._readiness = None

    def let_go(self, attempt: _Attempt) -> None:
        """Close the socket of an attempt that has ended, or is to end without a word."""
        sock, attempt.sock = attempt.sock, None
        if sock is None:
            return
        if attempt.waits:
            descriptor = sock.fileno()
            del self._connecting[descriptor]
            self._deadlines.drop(attempt, attempt.spec.timeout)
            if self._readiness:
                self._readiness.forget(descriptor)
        sock.close()

    def _wait(self, attempt: _Attempt, sock: socket.SocketType) -> None:
        if self._readiness is None:
            self._readiness = self._told_by(self._ready)
        descriptor = sock.fileno()
        attempt.waits = True
        self._readiness.watch(descriptor)
        self._connecting[descriptor] = attempt
        self._deadlines.add(attempt, attempt.spec.timeout)

    def _ready(self, descriptors: Iterable[int]) -> None:
        for descriptor in descriptors:
            attempt = self._connecting.get(descriptor)
            sock = attempt.sock if attempt else None
            finding = _read(attempt, sock) if attempt and sock else None
            if attempt and finding:
                self._end(attempt, finding)

    def _overdue(self, attempts: list[_Attempt]) -> None:
        """The deadline: what the socket says now, whoever woke us; an answer in time counts."""
        for attempt in attempts:
            self._end(attempt, (attempt.sock and _read(attempt, attempt.sock)) or TIMED_OUT)

    def _tell_soon(self, attempt: _Attempt, finding: Finding) -> None:
        self.let_go(attempt)
        if not self._answered:
            asyncio.get_running_loop().call_soon(self._tell)
        self._answered.append((attempt, finding))

    def _tell(self) -> None:
        answered, self._answered = self._answered, []
        for attempt, finding in answered:
            self._end(attempt, finding)

    def _end(self, attempt: _Attempt, finding: Finding) -> None:
        self.let_go(attempt)
        done, attempt.done = attempt.done, None
        if done:
            done(finding)


class _Attempt:
    """A connect on its way; ``waits`` for its answer, unless that was there at once.

    ``done`` is None once it has been told, or is not to be told.
    """

    __slots__ = ("begun", "done", "prober", "sock", "spec", "waits")

    def __init__(self, prober: TcpProber, spec: ProbeSpec, done: Done) -> None:
        self.prober = prober
        self.spec = spec
        self.done: Done | None = done
        self.sock: socket.SocketType | None = None
        self.waits = False
        self.begun = time.perf_counter()

    def cancel(self) -> None:
        """See Cancellable."""
        self.done = None
        self.prober.let_go(self)


def _part_by_reset(sock: socket.SocketType) -> None:
    """Have close() send a RST; on Linux it comes in place of the ACK that ends the handshake.

    So the target's kernel forgets the connection before its application could accept it. The ACK
    is only delayed, for up to 200 ms, until there is something to send with it.
    """
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    if _LINUX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)


def _read(attempt: _Attempt, sock: socket.SocketType) -> Finding | None:
    """What the socket says now; None if it has not been answered yet."""
    elapsed = time.perf_counter() - attempt.begun
    state, microseconds, lost = _kernel_view(sock)
    if state != _ESTABLISHED:
        number, connected = _asked_portably(sock)
        if number or not connected:
            return reported_later(number) if number else None
    if sock.getsockname()[1] == attempt.spec.port and sock.getsockname() == sock.getpeername():
        # A closed local port in the ephemeral range may be given to the connecting socket itself,
        # and TCP's simultaneous open (RFC 9293, 3.5) then joins it with itself.
        return _ITSELF
    if not microseconds or lost:
        # The kernel times the SYN that was answered; who connects waits for the lost ones, too.
        return Finding(Outcome.SUCCESS, duration=elapsed)
    seconds = microseconds / 1e6
    if seconds > attempt.spec.timeout:
        return TIMED_OUT  # came too late, and was read later still
    return Finding(Outcome.SUCCESS, duration=min(seconds, elapsed))


def _kernel_view(sock: socket.SocketType) -> tuple[int, int, int]:
    """The state, the handshake's round trip in microseconds, the SYNs that were lost; or zeros."""
    if not _LINUX:
        return 0, 0, 0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        state, microseconds, lost = _TCP_INFO.unpack(info)
    except (OSError, struct.error):
        return 0, 0, 0
    return state, microseconds, lost


def _asked_portably(sock: socket.SocketType) -> tuple[int, bool]:
    """The errno that the connect came to, and whether it is connected.

    getpeername() before SO_ERROR: the other way round, a reset between the two looks like silence.
    """
    try:
        sock.getpeername()
        connected = True
    except OSError:
        connected = False
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), connected
