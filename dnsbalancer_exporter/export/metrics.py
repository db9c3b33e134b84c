"""/metrics: one collector over one frozen Report, and counters of what the process did.

A scrape takes the Report as it is: it never waits, never sees half a cycle, and a target that is
gone from the Report is gone from the next scrape. Series known in advance are there from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from dnsbalancer_exporter.export.catalogue import REPORT_ROWS
from dnsbalancer_exporter.model import (
    Health,
    Hold,
    Mode,
    Outcome,
    ProbeReason,
    RecordSetKey,
    TargetKey,
    Unpublished,
)
from dnsbalancer_exporter.promise import worst
from dnsbalancer_exporter.report import (
    PROBE_BUCKETS,
    PoolReport,
    Report,
    Tally,
    TargetState,
)

Labels = tuple[str, ...]
Sample = tuple[str, Labels, float | Tally]
Source = Callable[[], tuple[Report, float]]
"""Gives the Report and what must be added to its times to make them Unix times."""

FAMILIES = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "histogram": HistogramMetricFamily,
}


class ReportCollector(Collector):
    """Draws every metric of the catalogue from the Report that ``source`` gives."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def describe(self) -> Iterable[Metric]:
        """Say nothing in advance: the names are the catalogue's, and unique there."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield one family per row of the catalogue."""
        report, epoch = self._source()
        families = {
            row.name: FAMILIES[row.kind](f"dnsbalancer_{row.name}", row.help, labels=row.labels)
            for row in REPORT_ROWS
        }
        for name, labels, value in samples(report, epoch):
            family = families[name]
            if isinstance(value, Tally):
                family.add_metric(labels, *_histogram(value))
            else:
                family.add_metric(labels, value)
        yield from families.values()


def _histogram(tally: Tally) -> tuple[list[tuple[str, float]], float]:
    bounds = [*(str(bound) for bound in PROBE_BUCKETS), "+Inf"]
    counts = accumulate(tally.buckets)
    return [(b, float(c)) for b, c in zip(bounds, counts, strict=True)], tally.duration_sum


def samples(report: Report, epoch: float) -> Iterator[Sample]:
    """Every sample of the catalogue; ``epoch`` turns the process's clock into Unix time."""
    for key, state in report.targets.items():
        labels = (key.pool, state.target.name)
        if key.reference:
            yield "reference_up", labels, _one(state.health.health is Health.UP)
        else:
            yield from _probe_samples((*labels, state.target.probe.protocol.value), state, epoch)
            yield from _target_samples(labels, state, epoch)
    for pool in report.pools:
        mine = {k: s for k, s in report.targets.items() if k.pool == pool.pool.name}
        targets = {k: s for k, s in mine.items() if not k.reference}
        yield from chain(_pool_samples(pool, targets, epoch), _record_samples(pool))
        yield from _dns_samples(pool, report, epoch)
    for zone, seconds in report.negative_ttls.items():
        yield "dns_soa_minimum_seconds", (zone,), seconds
    yield "loop_lag_seconds", (), report.lag
    yield "loop_stood_still", (), report.stood_still
    expiry = report.token_expires_at
    yield "auth_token_expiry_timestamp_seconds", (), 0.0 if expiry is None else expiry + epoch


def _probe_samples(labels: Labels, state: TargetState, epoch: float) -> Iterator[Sample]:
    probe, tally, last = state.target.probe, state.tally, state.last
    port = str(probe.port) if probe.port else ""
    yield "target_info", (*labels, state.target.address, port), 1.0
    yield "probes", labels, tally.probes
    for reason in ProbeReason:
        yield "probe_failures", (*labels, reason.value), tally.failures.get(reason, 0)
    yield "probe_duration_seconds", labels, tally
    yield "probe_interval_seconds", labels, state.timing.interval
    yield "probe_timeout_seconds", labels, probe.timeout
    if state.certificate_expires is not None:
        expires = state.certificate_expires
        yield "probe_tls_certificate_expiry_timestamp_seconds", labels, expires
    if last is not None:
        success = last.outcome is Outcome.SUCCESS
        yield "probe_success", labels, _one(success)
        yield "probe_last_run_timestamp_seconds", labels, last.started + epoch
        if success:
            yield "probe_last_duration_seconds", labels, last.duration


def _target_samples(labels: Labels, state: TargetState, epoch: float) -> Iterator[Sample]:
    now = state.health
    yield "target_up", labels, _one(now.health is Health.UP)
    for health in Health:
        yield "target_state", (*labels, health.value), _one(now.health is health)
    for health in (Health.UP, Health.DOWN):
        count = state.tally.transitions.get(health, 0)
        yield "target_transitions", (*labels, health.value), count
    since = 0.0 if now.since is None else now.since + epoch
    yield "target_last_transition_timestamp_seconds", labels, since
    yield "target_consecutive_failures", labels, now.failures
    yield "target_consecutive_successes", labels, now.successes


def _pool_samples(
    report: PoolReport, targets: dict[TargetKey, TargetState], epoch: float
) -> Iterator[Sample]:
    pool, plan = report.pool, report.plan
    labels = (pool.name,)
    published = {record.value for record in report.records}
    contested = {w.record.value for w in plan.withheld if w.hold is Hold.CONTESTED}
    up = {key.address for key, s in targets.items() if s.health.health is Health.UP}
    for key, state in targets.items():
        name = (pool.name, state.target.name)
        yield "target_published", name, _one(key.address in published)
        yield "target_drained", name, _one(key.address in report.drains)
        yield "target_contested", name, _one(key.address in contested)
    yield "pool_targets", labels, len(targets)
    yield "pool_targets_healthy", labels, len(up)
    yield "pool_min_records", labels, pool.min_records
    yield "pool_fail_open", labels, _one(plan.fail_open)
    yield "pool_available", labels, _one(up & published)
    yield "pool_warming_up", labels, _one(report.warming)
    yield "observe_mode", labels, _one(pool.mode is Mode.OBSERVE)
    yield "cycle_interval_seconds", labels, pool.timing.interval
    read_at = 0.0 if report.read_at is None else report.read_at + epoch
    yield "zone_read_timestamp_seconds", labels, read_at
    for hold in Hold:
        count = sum(w.hold is hold for w in plan.withheld)
        yield "cycle_held", (pool.name, hold.value), count
    for reason in Unpublished:
        count = sum(o.reason is reason for o in plan.omitted)
        yield "cycle_unpublished", (pool.name, reason.value), count


def _record_samples(report: PoolReport) -> Iterator[Sample]:
    pool, plan = report.pool, report.plan
    for name in pool.records:
        for type_ in pool.types:
            key = RecordSetKey(name, type_)
            labels = (pool.name, pool.zone, name, type_.value)
            records = [r for r in report.records if (r.name, r.type) == key]
            yield "record_addresses_published", labels, len({r.value for r in records})
            yield "record_addresses_desired", labels, len(plan.desired.get(key, ()))
            yield "record_foreign", labels, plan.foreign.get(key, 0)
            yield "record_in_sync", labels, _one(report.in_sync(key))
            if records:
                yield "record_ttl_seconds", labels, min(r.ttl for r in records)


def _dns_samples(report: PoolReport, whole: Report, epoch: float) -> Iterator[Sample]:
    pool = report.pool
    mine = {key: found for (name, key), found in whole.dns.items() if name == pool.name}
    ttls = [found.ttl for found in mine.values() if found.ttl is not None]
    ttl = max((*ttls, *(record.ttl for record in report.records)), default=pool.ttl)
    yield "failover_worst_case_seconds", (pool.name,), worst(pool.timing, ttl).total
    for key, found in mine.items():
        labels = (pool.name, pool.zone, key.name, key.type.value)
        for server in found.served:
            in_sync = found.in_sync(server)
            if in_sync is not None:
                yield "dns_in_sync", (*labels, str(server)), _one(in_sync)
        if found.ttl is not None:
            yield "dns_ttl_seconds", labels, found.ttl
        if found.checked_at is not None:
            yield "dns_last_check_timestamp_seconds", labels, found.checked_at + epoch


def _one(condition: object) -> float:
    return 1.0 if condition else 0.0
