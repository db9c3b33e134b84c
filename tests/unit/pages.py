"""Status documents for tests, made by the code that makes them from a Report of any size."""

from __future__ import annotations

from dataclasses import replace

import prometheus_client

from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.export.status import Document, Status
from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Outcome,
    Plan,
    Pool,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
    Record,
    Target,
    TargetKey,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.recent import Recent
from dnsbalancer_exporter.report import PoolReport, Report, TargetState

ZONE, NOW = "example.com", 5000.0
SUCCESS = ProbeResult(Outcome.SUCCESS, NOW - 1, 0.0012)
REFUSED = ProbeResult(Outcome.FAILURE, NOW - 1, 0.0003, ProbeReason.REFUSED, "Connection refused")


def up(number: int, name: str = "") -> TargetState:
    """A target that has been up for an hour."""
    health = HealthState(Health.UP, successes=9, since=NOW - 3600, proven=True)
    return _state(number, name, health, SUCCESS)


def down(number: int, name: str = "") -> TargetState:
    """A target that has been down for forty seconds."""
    return _state(number, name, HealthState(Health.DOWN, failures=9, since=NOW - 40), REFUSED)


def unknown(number: int, name: str = "") -> TargetState:
    """A target that was not probed yet."""
    return _state(number, name, HealthState(), None)


def _state(number: int, name: str, health: HealthState, last: ProbeResult | None) -> TargetState:
    address = f"192.0.{number // 250}.{1 + number % 250}"
    target = Target(address, name or address, ProbeSpec(Protocol.TCP, address, 80, 2.0))
    recent = Recent()
    for _ in range(60 if last else 0):
        recent = recent.plus(last or SUCCESS)
    return TargetState(target, health, last, recent=recent, next_at=NOW + 3)


def record(state: TargetState) -> Record:
    """The record that publishes a target."""
    address = state.target.address
    return Record(f"id-{address}", ZONE, RecordType.A, address, 60)


def pool_of(
    *states: TargetState, published: tuple[TargetState, ...], **given: object
) -> PoolReport:
    """What the last cycle saw of a pool; ``given`` are fields of PoolReport."""
    targets = tuple(state.target for state in states)
    pool = Pool(
        ZONE, ZONE, (ZONE,), member=True, own=targets[:1], probe=targets[0].probe, listed=targets
    )
    report = PoolReport(
        pool,
        records=tuple(record(state) for state in published),
        read_at=NOW - 2,
        plan=Plan(),
        warming=False,
        cycles=7,
    )
    return replace(report, **given)  # type: ignore[arg-type]


def document_of(
    *states: TargetState,
    report: PoolReport,
    journal: Journal | None = None,
    refused: tuple[str, ...] = (),
) -> Document:
    """The whole status document of one pool."""
    seen = {TargetKey(ZONE, s.target.address): s for s in states}
    picture = Report(NOW, (report,), seen, {ZONE: NOW + 30}, refused=refused)
    instruments = Instruments(prometheus_client.CollectorRegistry())
    journal = journal or Journal(lambda: NOW - 7200)
    return Status(lambda: picture, lambda: 0.0, journal, instruments)()
