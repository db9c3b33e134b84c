"""Many probes at once: dispatch by protocol, times, and whose fault the unexpected is."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from dnsbalancer_exporter.model import Outcome, ProbeReason, ProbeResult, ProbeSpec, Protocol
from dnsbalancer_exporter.probe.finding import Finding, Prober
from dnsbalancer_exporter.probe.http import HttpProber
from dnsbalancer_exporter.probe.icmp import IcmpProber
from dnsbalancer_exporter.probe.ping_socket import PingReserve
from dnsbalancer_exporter.probe.tcp import TcpProber

Builders = Mapping[Protocol, Callable[[], Prober]]
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
    """Runs probes on the running event loop, as many at once as there are callers."""

    def __init__(self, clock: Callable[[], float], probers: Builders | None = None) -> None:
        self._clock = clock
        self._probers = {protocol: build() for protocol, build in (probers or PROBERS).items()}

    async def probe(self, spec: ProbeSpec) -> ProbeResult:
        """One attempt, at most ``spec.timeout`` seconds long. Raises only CancelledError.

        How late a result is read, is for the caller to judge: ``started`` is on its clock.
        """
        started = self._clock()
        begun = time.perf_counter()
        try:
            finding = await self._probers[spec.protocol].probe(spec)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not the target's fault
            detail = f"{type(error).__name__}: {error}"
            finding = Finding(Outcome.ERROR, ProbeReason.INTERNAL, detail)
        elapsed = time.perf_counter() - begun
        duration = elapsed if finding.duration is None else finding.duration
        return ProbeResult(
            finding.outcome,
            started,
            duration,
            finding.reason,
            finding.detail,
            finding.certificate_expires,
        )

    def close(self) -> None:
        """Give back the sockets that probes share."""
        for prober in self._probers.values():
            prober.close()
