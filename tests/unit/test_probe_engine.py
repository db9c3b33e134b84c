"""The engine: times, and whose fault the unexpected is."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import pytest

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeSpec, Protocol
from dnsbalancer_exporter.probe import PROBERS, Engine, engine
from dnsbalancer_exporter.probe.finding import Finding

SPEC = ProbeSpec(Protocol.TCP, "127.0.0.1", 80, 1.0)


class Puppet:
    """A prober that does as it is told."""

    def __init__(self, act: Any) -> None:
        self.act = act
        self.closed = 0

    async def probe(self, spec: ProbeSpec) -> Finding:
        await asyncio.sleep(0)
        if isinstance(self.act, BaseException):
            raise self.act
        found: Finding = self.act
        return found

    def close(self) -> None:
        self.closed += 1


def run_by(patch: pytest.MonkeyPatch, act: Any) -> tuple[Engine, Puppet]:
    puppet = Puppet(act)
    patch.setattr(engine, "PROBERS", {Protocol.TCP: lambda: puppet})
    return Engine(itertools.count(100.0).__next__), puppet


def test_every_protocol_has_a_prober() -> None:
    assert set(PROBERS) == set(Protocol)


def test_started_is_the_callers_clock_and_duration_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, _ = run_by(monkeypatch, Finding(Outcome.FAILURE, ProbeReason.REFUSED, "no"))
    result = asyncio.run(subject.probe(SPEC))
    assert (result.outcome, result.reason, result.detail) == (
        Outcome.FAILURE,
        ProbeReason.REFUSED,
        "no",
    )
    assert result.started == 100.0
    assert 0 < result.duration < 1


def test_a_probers_own_duration_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, _ = run_by(monkeypatch, Finding(Outcome.SUCCESS, duration=0.125))
    assert asyncio.run(subject.probe(SPEC)).duration == 0.125


@pytest.mark.parametrize("bug", [ZeroDivisionError("oops"), OSError("oops"), TimeoutError("oops")])
def test_a_bug_is_never_the_targets_fault(monkeypatch: pytest.MonkeyPatch, bug: Exception) -> None:
    subject, _ = run_by(monkeypatch, bug)
    result = asyncio.run(subject.probe(SPEC))
    assert (result.outcome, result.reason) == (Outcome.ERROR, ProbeReason.INTERNAL)
    assert result.detail == f"{type(bug).__name__}: oops"


@pytest.mark.parametrize(
    "spec",
    [
        ProbeSpec(Protocol.TCP, "localhost", 80, 1.0),
        ProbeSpec(Protocol.ICMP, "localhost", 0, 1.0),
        ProbeSpec(Protocol.TCP, "127.0.0.1", 65536, 1.0),
        ProbeSpec(Protocol.TCP, "", 80, 1.0),
    ],
)
def test_nonsense_is_an_error_and_nothing_is_looked_up(spec: ProbeSpec) -> None:
    result = asyncio.run(Engine(lambda: 0.0).probe(spec))
    assert (result.outcome, result.reason) == (Outcome.ERROR, ProbeReason.INTERNAL)


def test_who_waits_may_be_cancelled_and_so_is_the_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[str] = []

    class Slow(Puppet):
        async def probe(self, spec: ProbeSpec) -> Finding:
            try:
                await asyncio.sleep(3600)
            finally:
                ends.append("cancelled")
            return await super().probe(spec)

    async def run() -> None:
        subject = Engine(time.monotonic, {Protocol.TCP: lambda: Slow(None)})
        waiting = asyncio.ensure_future(subject.probe(SPEC))
        await asyncio.sleep(0.01)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(run())
    assert ends == ["cancelled"]


def test_a_prober_that_cancels_itself_is_a_bug_and_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subject, _ = run_by(monkeypatch, asyncio.CancelledError())
    result = asyncio.run(subject.probe(SPEC))
    assert (result.outcome, result.reason) == (Outcome.ERROR, ProbeReason.INTERNAL)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])  # it ends in the second, is told in the third
def test_nothing_is_told_of_what_was_cancelled(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    told: list[object] = []

    async def run() -> None:
        subject, _ = run_by(monkeypatch, Finding(Outcome.SUCCESS))
        attempt = subject.begin(SPEC, told.append)
        for _ in range(turns):
            await asyncio.sleep(0)
        before = list(told)
        attempt.cancel()
        attempt.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        assert told == before
        seen.append(len(told))

    seen: list[int] = []
    asyncio.run(run())
    assert seen == [0 if turns < 3 else 1]


def test_close_closes_every_prober(monkeypatch: pytest.MonkeyPatch) -> None:
    subject, puppet = run_by(monkeypatch, None)
    subject.close()
    assert puppet.closed == 1
