"""Many probes at once: dispatch by protocol, times, and whose fault the unexpected is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeResult, ProbeSpec, Protocol
from dnsbalancer_exporter.probe.finding import Cancellable, Done, Finding, Prober, Starter
from dnsbalancer_exporter.probe.http import HttpProber
from dnsbalancer_exporter.probe.icmp import IcmpProber
from dnsbalancer_exporter.probe.ping_socket import PingReserve
from dnsbalancer_exporter.probe.task import InTask
from dnsbalancer_exporter.probe.tcp import TcpProber

Builders = Mapping[Protocol, Callable[[], Prober | Starter]]
"""What builds the prober of each protocol."""

PROBERS: Builders = {
    Protocol.TCP: TcpProber,
    Protocol.ICMP: IcmpProber,
    Protocol.HTTP: HttpProber,
    Protocol.HTTPS: HttpProber,
}


def with_reserve() -> Builders:
    """The same, with ping sockets opened now: for a process that gives up the right to open them.

    Those of a family that cannot be opened now are tried again when they are needed.
    """
    return {**PROBERS, Protocol.ICMP: partial(IcmpProber, PingReserve().open)}


class Engine:
    """Runs probes on the running event loop, as many at once as are begun."""

    def __init__(self, clock: Callable[[], float], probers: Builders | None = None) -> None:
        self._clock = clock
        self._starters = {
            protocol: _starter(build()) for protocol, build in (probers or PROBERS).items()
        }

    def begin(self, spec: ProbeSpec, done: Callable[[ProbeResult], None]) -> Cancellable:
        """One attempt, at most ``spec.timeout`` seconds long; ``done`` is told once we returned.

        How late a result is read, is for the caller to judge: ``started`` is on its clock.
        """
        started = self._clock()
        begun = time.perf_counter()

        def found(finding: Finding) -> None:
            duration = finding.duration
            if duration is None:
                duration = time.perf_counter() - begun
            done(
                ProbeResult(
                    finding.outcome,
                    started,
                    duration,
                    finding.reason,
                    finding.detail,
                    finding.certificate_expires,
                )
            )

        try:
            return self._starters[spec.protocol].begin(spec, found)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not the target's fault
            return asyncio.get_running_loop().call_soon(found, _bug(error))

    async def probe(self, spec: ProbeSpec) -> ProbeResult:
        """The same for one who waits; raises only CancelledError."""
        answer: asyncio.Future[ProbeResult] = asyncio.get_running_loop().create_future()
        attempt = self.begin(spec, answer.set_result)
        try:
            return await answer
        finally:
            attempt.cancel()

    def close(self) -> None:
        """Give back the sockets that probes share."""
        for starter in self._starters.values():
            starter.close()


class _Tasks:
    """Makes a Starter of a Prober."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self.close = prober.close

    def begin(self, spec: ProbeSpec, done: Done) -> Cancellable:
        """One attempt, in a task of its own."""
        return InTask(self._prober.probe(spec), lambda task: done(_outcome(task)))


def _starter(prober: Prober | Starter) -> Starter:
    return _Tasks(prober) if isinstance(prober, Prober) else prober


def _outcome(task: asyncio.Task[Finding]) -> Finding:
    """What a probe found, or the bug that ended it; it must not end without a word."""
    if task.cancelled():
        return _bug(asyncio.CancelledError("the probe cancelled itself"))
    error = task.exception()
    return task.result() if error is None else _bug(error)


def _bug(error: BaseException) -> Finding:
    return Finding(Outcome.ERROR, ProbeReason.INTERNAL, f"{type(error).__name__}: {error}")
