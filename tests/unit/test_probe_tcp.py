"""The tcp probe against real sockets on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import time
from collections.abc import Iterator
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
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.probe.finding import BLAME, refused_now, reported_later

FAMILIES = [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]


@contextlib.contextmanager
def listener(
    address: str = "127.0.0.1",
    family: socket.AddressFamily = socket.AF_INET,
    backlog: int = 1024,
) -> Iterator[socket.socket]:
    with socket.socket(family) as sock:
        sock.bind((address, 0))
        sock.listen(backlog)
        yield sock


@contextlib.contextmanager
def black_hole() -> Iterator[tuple[int, socket.socket]]:
    """A port whose SYNs are dropped: the queue of completed connections is full."""
    with listener(backlog=0) as sock, contextlib.ExitStack() as stack:
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(sock.getsockname())
        yield sock.getsockname()[1], sock


def closed_port() -> int:
    with listener() as sock:
        return int(sock.getsockname()[1])


def spec(
    port: int, timeout: float = 2.0, address: str = "127.0.0.1", close: Closing = Closing.RESET
) -> ProbeSpec:
    return ProbeSpec(Protocol.TCP, address, port, timeout, close=close)


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    running = Engine(time.monotonic)
    try:
        yield running
    finally:
        running.close()


def probe(what: ProbeSpec) -> ProbeResult:
    async def run() -> ProbeResult:
        with engine() as running:
            return await running.probe(what)

    return asyncio.run(run())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("address", "family"), FAMILIES)
def test_a_listening_port_is_a_success(address: str, family: socket.AddressFamily) -> None:
    before = time.monotonic()
    with listener(address, family) as sock:
        result = probe(spec(sock.getsockname()[1], address=address))
    assert (result.outcome, result.reason, result.detail) == (Outcome.SUCCESS, None, "")
    assert before <= result.started <= time.monotonic()
    assert 0 < result.duration < 2


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_closed_port_is_refused(address: str) -> None:
    result = probe(spec(closed_port(), address=address))
    assert (result.outcome, result.reason) == (Outcome.FAILURE, ProbeReason.REFUSED)
    assert result.detail == os.strerror(errno.ECONNREFUSED)


def test_a_black_hole_is_a_timeout_and_takes_that_long() -> None:
    with black_hole() as (port, _):
        result = probe(spec(port, timeout=0.2))
    assert (result.outcome, result.reason) == (Outcome.FAILURE, ProbeReason.TIMEOUT)
    assert result.duration >= 0.2


def test_a_black_hole_delays_nobody() -> None:
    finished: list[str] = []

    async def one(running: Engine, name: str, what: ProbeSpec) -> None:
        result = await running.probe(what)
        finished.append(f"{name} {result.outcome.value}")

    async def run(hole: int, port: int) -> None:
        with engine() as running:
            await asyncio.gather(
                one(running, "hole", spec(hole, timeout=1.0)),
                *(one(running, "good", spec(port)) for _ in range(20)),
            )

    with black_hole() as (hole, _), listener() as sock:
        asyncio.run(run(hole, sock.getsockname()[1]))
    assert finished == ["good success"] * 20 + ["hole failure"]


def test_a_lost_syn_is_part_of_the_duration() -> None:
    """The kernel's own round trip leaves out what was lost: it would hide a second here."""

    async def run(port: int, sock: socket.socket) -> ProbeResult:
        def let_one_in() -> None:
            sock.accept()[0].close()

        loop = asyncio.get_running_loop()
        loop.call_later(0.3, loop.add_reader, sock, let_one_in)
        with engine() as running:
            result = await running.probe(spec(port, timeout=10.0))
        loop.remove_reader(sock)
        return result

    with black_hole() as (port, sock):
        result = asyncio.run(run(port, sock))
    assert result.outcome is Outcome.SUCCESS
    assert result.duration > 0.7  # the first retransmission comes after 1 s


def test_an_answer_in_time_counts_even_when_it_is_read_late() -> None:
    async def run(port: int) -> ProbeResult:
        with engine() as running:
            task = asyncio.ensure_future(running.probe(spec(port, timeout=0.5)))
            await asyncio.sleep(0)  # the probe connects
            time.sleep(0.8)  # noqa: ASYNC251 - the loop is to be blocked
            return await task

    with listener() as sock:
        result = asyncio.run(run(sock.getsockname()[1]))
    assert result.outcome is Outcome.SUCCESS
    assert result.duration < 0.5, "our own delay is not the target's"


def test_accepted_and_reset_is_a_reset() -> None:
    """Seen only by one who completes the handshake, and only if it comes at once."""

    async def run(sock: socket.socket) -> ProbeResult:
        what = spec(sock.getsockname()[1], close=Closing.FIN)
        with engine() as running:
            task = asyncio.ensure_future(running.probe(what))
            await asyncio.sleep(0)
            accepted, _ = sock.accept()
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            accepted.close()
            return await task

    with listener() as sock:
        result = asyncio.run(run(sock))
    assert (result.outcome, result.reason) == (Outcome.FAILURE, ProbeReason.RESET)


def test_500_at_once_leave_no_descriptor() -> None:
    async def run(good: int, bad: int, hole: int) -> list[ProbeResult]:
        running = Engine(time.monotonic)
        before = descriptors()
        ports = [good] * 400 + [bad] * 50 + [hole] * 50
        results = await asyncio.gather(*(running.probe(spec(port, 0.5)) for port in ports))
        assert descriptors() == before + 1  # the epoll
        running.close()
        assert descriptors() == before
        return results

    with listener() as sock, black_hole() as (hole, _):
        results = asyncio.run(run(sock.getsockname()[1], closed_port(), hole))
    assert [r.outcome for r in results] == [Outcome.SUCCESS] * 400 + [Outcome.FAILURE] * 100
    assert {r.reason for r in results[400:450]} == {ProbeReason.REFUSED}
    assert {r.reason for r in results[450:]} == {ProbeReason.TIMEOUT}


def test_cancellation_leaves_no_descriptor_and_no_writer() -> None:
    async def run(hole: int) -> None:
        running = Engine(time.monotonic)
        before = descriptors()
        tasks = [asyncio.ensure_future(running.probe(spec(hole, 30.0))) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert descriptors() == before + 1 + 20  # the epoll, and the sockets
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended)
        assert descriptors() == before + 1
        # the numbers of the closed sockets are free to be watched by others
        with listener() as sock:
            assert (await running.probe(spec(sock.getsockname()[1]))).outcome is Outcome.SUCCESS
        running.close()

    with black_hole() as (hole, _):
        asyncio.run(run(hole))


@pytest.mark.parametrize(
    ("number", "now", "later"),
    [
        (errno.ECONNREFUSED, "failure refused", "failure refused"),
        (errno.EHOSTUNREACH, "error no_route", "failure unreachable"),
        (errno.ENETUNREACH, "error no_route", "failure unreachable"),
        (errno.ETIMEDOUT, "failure timeout", "failure timeout"),
        (errno.EACCES, "error permission", "failure unreachable"),
        (errno.EPERM, "error permission", "error permission"),
        (errno.EMFILE, "error resources", "error resources"),
        (errno.EAFNOSUPPORT, "error no_route", "error no_route"),
        (errno.EDOM, "error internal", "error internal"),
    ],
)
def test_whose_fault_an_errno_is(number: int, now: str, later: str) -> None:
    found = (
        refused_now(OSError(number, os.strerror(number)), socket.AF_INET),
        reported_later(number),
    )
    said = [f"{f.outcome.value} {f.reason.value}" for f in found if f.reason]
    assert said == [now, later]
    assert all(f.detail == os.strerror(number) for f in found)


def test_without_an_address_of_its_own_ipv6_has_no_route_and_ipv4_no_port() -> None:
    error = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    assert refused_now(error, socket.AF_INET6).reason is ProbeReason.NO_ROUTE
    assert refused_now(error, socket.AF_INET).reason is ProbeReason.RESOURCES


def test_no_errno_is_a_success() -> None:
    assert all(v.outcome is not Outcome.SUCCESS for pair in BLAME.values() for v in pair)
