"""The icmp probe: real echoes on loopback, and a channel fed by hand."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeResult, ProbeSpec, Protocol
from dnsbalancer_exporter.probe import Engine, icmp
from dnsbalancer_exporter.probe.finding import Finding
from dnsbalancer_exporter.probe.icmp import IcmpProber
from dnsbalancer_exporter.probe.ping_socket import SO_TIMESTAMPNS, PingSocket
from tests.needed import need_icmp

pytestmark = pytest.mark.xdist_group("icmp")
"""A raw socket hears every echo of the machine: two of these at once disturb each other."""


def spec(address: str, timeout: float = 2.0) -> ProbeSpec:
    return ProbeSpec(Protocol.ICMP, address, 0, timeout)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.real
@pytest.mark.parametrize("address", ["127.0.0.1", "127.3.2.1", "::1"])
def test_loopback_answers(address: str) -> None:
    need_icmp()

    async def run() -> ProbeResult:
        engine = Engine(time.monotonic)
        try:
            return await engine.probe(spec(address))
        finally:
            engine.close()

    result = asyncio.run(run())
    assert (result.outcome, result.reason) == (Outcome.SUCCESS, None), result
    assert 0 < result.duration < 2


@pytest.mark.real
def test_a_thousand_at_once_on_one_socket_and_nothing_left() -> None:
    need_icmp()

    async def run() -> list[ProbeResult]:
        before = descriptors()
        engine = Engine(time.monotonic)
        hosts = [f"127.9.{i // 250}.{i % 250 + 1}" for i in range(1000)]
        results = await asyncio.gather(*(engine.probe(spec(host)) for host in hosts))
        assert descriptors() == before + 1
        engine.close()
        engine.close()
        assert descriptors() == before
        return results

    results = asyncio.run(run())
    assert [r.outcome for r in results] == [Outcome.SUCCESS] * 1000


@pytest.mark.real
def test_read_late_but_arrived_in_time_is_a_success() -> None:
    need_icmp()

    async def run() -> ProbeResult:
        engine = Engine(time.monotonic)
        await engine.probe(spec("127.0.0.1"))
        task = asyncio.ensure_future(engine.probe(spec("127.0.0.1", 0.5)))
        await asyncio.sleep(0)
        time.sleep(0.8)  # noqa: ASYNC251 - the loop is to be blocked
        try:
            return await task
        finally:
            engine.close()

    result = asyncio.run(run())
    assert result.outcome is Outcome.SUCCESS
    assert result.duration < 0.5, "our own delay is not the target's"


@pytest.mark.real
def test_closed_after_its_loop() -> None:
    need_icmp()
    engine = Engine(time.monotonic)
    assert asyncio.run(engine.probe(spec("127.0.0.1"))).outcome is Outcome.SUCCESS
    engine.close()


# --- a socket made of paper ---------------------------------------------------------------------

Message = tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]


class PaperSocket:
    """Answers sendto() with what ``answer`` makes of the request; a pipe stands for readiness."""

    def __init__(self, answer: Callable[[bytes], Message | OSError | None]) -> None:
        self.answer = answer
        self.arrived: list[Message | OSError] = []
        self.ready, self.bell = os.pipe()
        self.refusal: OSError | None = None

    def fileno(self) -> int:
        return self.ready

    def sendto(self, packet: bytes, _to: tuple[str, int]) -> None:
        if self.refusal:
            raise self.refusal
        answer = self.answer(packet)
        if answer is not None:
            self.arrived.append(answer)
            os.write(self.bell, b"!")

    def recvmsg(self, _size: int, _notes: int) -> Message:
        if not self.arrived:
            raise BlockingIOError
        os.read(self.ready, 1)
        first = self.arrived.pop(0)
        if isinstance(first, OSError):
            raise first
        return first

    def close(self) -> None:
        os.close(self.ready)
        os.close(self.bell)


def on_paper(
    patch: pytest.MonkeyPatch,
    answer: Callable[[bytes], Message | OSError | None],
    *,
    refusal: OSError | None = None,
    timeout: float = 0.1,
    meanwhile: Callable[[IcmpProber], Any] = lambda _: None,
) -> Finding:
    def opened(_family: int) -> PingSocket:
        paper: Any = PaperSocket(answer)
        paper.refusal = refusal
        return PingSocket(SimpleNamespace(close=paper.close), paper, raw=False)

    async def run() -> Finding:
        prober = IcmpProber()
        found: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()
        prober.begin(spec("127.0.0.1", timeout), found.set_result)
        meanwhile(prober)
        try:
            return await found
        finally:
            prober.close()

    patch.setattr(icmp, "open_ping", opened)
    return asyncio.run(run())


def echoed(packet: bytes, source: str = "127.0.0.1", delay: float | None = None) -> Message:
    notes = []
    if delay is not None:
        whole, part = divmod(time.time() - delay, 1)
        stamp = struct.pack("@ll", int(whole), int(part * 1e9))
        notes = [(socket.SOL_SOCKET, SO_TIMESTAMPNS, stamp)]
    return b"\0\0" + packet[2:], notes, 0, (source, 0)


def test_the_echo_is_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_paper(monkeypatch, echoed).outcome is Outcome.SUCCESS


def test_silence_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(monkeypatch, lambda _: None)
    assert (found.outcome, found.reason) == (Outcome.FAILURE, ProbeReason.TIMEOUT)


def test_an_echo_from_another_address_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(monkeypatch, lambda packet: echoed(packet, "127.0.0.2"))
    assert found.reason is ProbeReason.TIMEOUT


def test_a_foreign_token_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(monkeypatch, lambda packet: echoed(packet[:8] + bytes(56)))
    assert found.reason is ProbeReason.TIMEOUT


def test_an_error_that_quotes_us_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    header = bytes([0x45]) + bytes(8) + b"\x01" + bytes(10)
    found = on_paper(
        monkeypatch, lambda p: (b"\x03\x01" + bytes(6) + header + p, [], 0, ("127.0.0.9", 0))
    )
    assert (found.outcome, found.reason) == (Outcome.FAILURE, ProbeReason.UNREACHABLE)
    assert found.detail == "destination unreachable (code 1), says 127.0.0.9"


def test_the_kernels_time_of_arrival_is_the_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(
        monkeypatch,
        lambda packet: echoed(packet, delay=0.0),
        meanwhile=lambda _: time.sleep(0.05),
    )
    assert found.duration is not None
    assert found.duration < 0.04


@pytest.mark.parametrize("step", [3600.0, -3600.0])
def test_a_stepped_wall_clock_is_not_believed(monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    found = on_paper(monkeypatch, lambda packet: echoed(packet, delay=step))
    assert found.duration is not None
    assert 0 < found.duration < 0.1


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOBUFS, ProbeReason.RESOURCES),
        (errno.EAGAIN, ProbeReason.RESOURCES),
        (errno.EPERM, ProbeReason.PERMISSION),
        (errno.ENETUNREACH, ProbeReason.NO_ROUTE),
        (errno.EHOSTUNREACH, ProbeReason.NO_ROUTE),
    ],
)
def test_what_sendto_refuses_is_ours(
    monkeypatch: pytest.MonkeyPatch, number: int, reason: ProbeReason
) -> None:
    found = on_paper(monkeypatch, echoed, refusal=OSError(number, os.strerror(number)))
    assert (found.outcome, found.reason) == (Outcome.ERROR, reason)


def test_a_socket_that_fails_is_ours_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(monkeypatch, lambda _: OSError(errno.EIO, "broken"))
    assert (found.outcome, found.reason) == (Outcome.ERROR, ProbeReason.RESOURCES)
    assert found.detail == "receiving failed: broken"


def test_close_ends_what_waits_as_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    found = on_paper(monkeypatch, lambda _: None, timeout=30.0, meanwhile=IcmpProber.close)
    assert (found.outcome, found.reason) == (Outcome.ERROR, ProbeReason.INTERNAL)
