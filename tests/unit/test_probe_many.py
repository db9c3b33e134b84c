"""Thousands of probes at once, against real sockets on loopback: what is left of them, and who
waits for whom.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dnsbalancer_exporter.model import (
    Closing,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
)
from dnsbalancer_exporter.probe import PROBERS, Engine, ping_socket
from dnsbalancer_exporter.probe.readiness import LoopWriters, NestedEpoll, Readiness, Ready
from dnsbalancer_exporter.probe.tcp import TcpProber
from tests.needed import need_icmp
from tests.unit.test_probe_tcp import black_hole, closed_port, descriptors, listener

pytestmark = pytest.mark.xdist_group("icmp")
"""A raw socket hears every echo of the machine."""

BOTH = pytest.mark.parametrize("told_by", [NestedEpoll, LoopWriters])
RESET, FIN = Closing.RESET, Closing.FIN
TIME_WAIT = "06"


def spec(port: int, close: Closing = FIN, timeout: float = 30.0, n: int = 0) -> ProbeSpec:
    """With FIN nobody is read before the event loop turns, as it is with targets elsewhere."""
    return ProbeSpec(Protocol.TCP, f"127.2.{n // 250}.{n % 250 + 1}", port, timeout, close=close)


def swallowed(port: int) -> ProbeSpec:
    """A probe of a black hole."""
    return ProbeSpec(Protocol.TCP, "127.0.0.1", port, 30.0, close=FIN)


@contextlib.contextmanager
def everywhere(backlog: int = 4096) -> Iterator[socket.socket]:
    with listener("0.0.0.0", backlog=backlog) as sock:
        yield sock


@contextlib.contextmanager
def engine(told_by: Callable[[Ready], Readiness] = NestedEpoll) -> Iterator[Engine]:
    running = Engine(time.monotonic, {**PROBERS, Protocol.TCP: lambda: TcpProber(told_by)})
    try:
        yield running
    finally:
        running.close()


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def many_descriptors() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))


def sockets(port: int, state: str) -> int:
    """How many IPv4 sockets have this port at the other end, and are in this state."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(f[2].endswith(f":{port:04X}") and f[3] == state for f in fields)


@BOTH
def test_black_holes_delay_nobody_and_leave_no_descriptor(
    told_by: Callable[[Ready], Readiness],
) -> None:
    many_descriptors()
    found: Counter[str] = Counter()

    async def run(hole: int, good: int, closed: int) -> None:
        before = descriptors()
        with engine(told_by) as running:
            told: list[ProbeResult] = []
            waiting = [running.begin(swallowed(hole), told.append) for _ in range(1500)]
            assert descriptors() >= before + 1500
            for n in range(1500):
                port = closed if n % 5 == 0 else good
                running.begin(spec(port, n=n), told.append)
            await until(lambda: len(told) == 1500)
            found.update(f"{r.outcome.value} {r.reason and r.reason.value}" for r in told)
            for attempt in waiting:
                attempt.cancel()
            await asyncio.sleep(0.05)
            assert len(told) == 1500
        assert descriptors() == before

    with black_hole() as (hole, _), everywhere() as sock:
        asyncio.run(run(hole, sock.getsockname()[1], closed_port()))
    assert found == {"success None": 1200, "failure refused": 300}


@BOTH
def test_closing_ends_what_connects_as_our_error(told_by: Callable[[Ready], Readiness]) -> None:
    async def run(hole: int) -> list[ProbeResult]:
        before, told = descriptors(), list[ProbeResult]()
        with engine(told_by) as running:
            for _ in range(50):
                running.begin(swallowed(hole), told.append)
        assert descriptors() == before
        return told

    with black_hole() as (hole, _):
        told = asyncio.run(run(hole))
    assert [(r.outcome, r.reason) for r in told] == [(Outcome.ERROR, ProbeReason.INTERNAL)] * 50


def test_nothing_is_told_before_begin_has_returned() -> None:
    told: list[str] = []

    async def run(good: int, closed: int) -> None:
        with engine() as running:
            bad = ProbeSpec(Protocol.TCP, "localhost", 1, 1.0)
            for what in (spec(good, RESET), spec(good), spec(closed), spec(closed, RESET), bad):
                running.begin(what, lambda _: told.append("told"))
                told.append("returned")
                await until(lambda: told[-1] == "told")

    with everywhere() as sock:
        asyncio.run(run(sock.getsockname()[1], closed_port()))
    assert told == ["returned", "told"] * 5


@pytest.mark.parametrize(("close", "left"), [(RESET, False), (FIN, True)])
def test_what_is_left_of_two_thousand_probes(close: Closing, left: bool) -> None:
    """RESET: no TIME_WAIT, and the application has never heard of any of them."""
    accepted = 0

    async def run(sock: socket.socket) -> None:
        port = sock.getsockname()[1]
        with engine() as running:
            for _ in range(20):
                told: list[ProbeResult] = []
                for n in range(100):
                    running.begin(spec(port, close, n=n), told.append)
                await until(lambda told=told: len(told) == 100)  # type: ignore[misc]
                assert {r.outcome for r in told} == {Outcome.SUCCESS}
                take(sock)

    def take(sock: socket.socket) -> None:
        nonlocal accepted
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = sock.accept()
                with connection:
                    assert connection.recv(1) == b""  # in order, and not by a reset
                accepted += 1

    with everywhere() as sock:
        sock.setblocking(False)
        asyncio.run(run(sock))
        take(sock)
        assert (sockets(sock.getsockname()[1], TIME_WAIT) > 1000) is left
    assert accepted == (2000 if left else 0)


def test_a_target_that_closes_at_once_is_up() -> None:
    """Its FIN is there before we come to look: the connection was opened all the same."""

    async def run(sock: socket.socket) -> ProbeResult:
        told: list[ProbeResult] = []
        with engine() as running:
            running.begin(spec(sock.getsockname()[1]), told.append)
            sock.accept()[0].close()
            await until(lambda: bool(told))
        return told[0]

    with everywhere() as sock:
        assert asyncio.run(run(sock)).outcome is Outcome.SUCCESS


def test_an_answer_after_the_deadline_is_none_even_if_we_come_later_still() -> None:
    """The kernel says how long the handshake took, however late we ask."""

    async def run(port: int) -> ProbeResult:
        told: list[ProbeResult] = []
        with engine() as running:
            running.begin(spec(port, timeout=1e-7), told.append)
            await until(lambda: bool(told))
        return told[0]

    with everywhere() as sock:
        result = asyncio.run(run(sock.getsockname()[1]))
    assert (result.outcome, result.reason) == (Outcome.FAILURE, ProbeReason.TIMEOUT)


@pytest.mark.real
def test_a_burst_of_pings_loses_nothing_with_the_smallest_buffer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Debian's default buffer holds 256 replies: the rest of a burst would look like loss."""
    need_icmp()
    monkeypatch.setattr(ping_socket, "_BUFFER", 106_496)

    async def run() -> list[ProbeResult]:
        told: list[ProbeResult] = []
        with engine() as running:
            for n in range(3000):
                address = f"127.9.{n // 250}.{n % 250 + 1}"
                running.begin(ProbeSpec(Protocol.ICMP, address, 0, 5.0), told.append)
            await until(lambda: len(told) == 3000)
        return told

    assert Counter(r.outcome for r in asyncio.run(run())) == {Outcome.SUCCESS: 3000}
