"""/metrics as prometheus-client draws it, an object for each sample: what our own text is held to.

Of the series of targets; the test compares both, and benchmarks/scrape.py what they cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dnsbalancer_exporter.export.catalogue import TARGET_ROWS
from dnsbalancer_exporter.export.row import FAMILIES
from dnsbalancer_exporter.model import Health, Hold, Outcome, ProbeReason
from dnsbalancer_exporter.report import PROBE_BUCKETS, PoolReport, Report, Tally, TargetState

Labels = tuple[str, ...]
Sample = tuple[str, Labels, float | Tally]


class Targets(Collector):
    """Families of TARGET_ROWS, drawn from one Report."""

    def __init__(self, report: Report, epoch: float) -> None:
        self._report = report
        self._epoch = epoch

    def collect(self) -> Iterable[Metric]:
        made = {
            row.name: FAMILIES[row.kind](f"dnsbalancer_{row.name}", row.help, labels=row.labels)
            for row in TARGET_ROWS
        }
        for name, labels, value in samples(self._report, self._epoch):
            if isinstance(value, Tally):
                counts = accumulate(map(float, value.buckets))
                bounds = [*map(str, PROBE_BUCKETS), "+Inf"]
                buckets = list(zip(bounds, counts, strict=True))
                made[name].add_metric(labels, buckets, round(value.duration_sum, 6))
            else:
                made[name].add_metric(labels, value)
        return made.values()


def samples(report: Report, epoch: float) -> Iterator[Sample]:
    """Every sample, target by target."""
    pools = {pool.pool.name: pool for pool in report.pools}
    published = {name: {r.value for r in pool.records} for name, pool in pools.items()}
    contested = {name: set(_contested(pool)) for name, pool in pools.items()}
    for key, state in report.targets.items():
        if not key.reference and key.pool in pools:
            labels = (key.pool, state.target.name)
            yield from _probe((*labels, state.target.probe.protocol.value), state, epoch)
            yield from _target(labels, state, epoch)
            yield "target_published", labels, key.address in published[key.pool]
            yield "target_drained", labels, key.address in pools[key.pool].drains
            votes = pools[key.pool].votes
            if votes is not None:
                yield "target_votes_down", labels, votes.verdict(key.address).down
            yield "target_contested", labels, key.address in contested[key.pool]


def _contested(pool: PoolReport) -> Iterator[str]:
    return (w.record.value for w in pool.plan.withheld if w.hold is Hold.CONTESTED)


def _probe(labels: Labels, state: TargetState, epoch: float) -> Iterator[Sample]:
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
        yield "probe_tls_certificate_expiry_timestamp_seconds", labels, state.certificate_expires
    if last is not None:
        success = last.outcome is Outcome.SUCCESS
        yield "probe_success", labels, success
        yield "probe_last_run_timestamp_seconds", labels, round(last.started + epoch, 3)
        if success:
            yield "probe_last_duration_seconds", labels, round(last.duration, 6)


def _target(labels: Labels, state: TargetState, epoch: float) -> Iterator[Sample]:
    now = state.health
    yield "target_up", labels, now.health is Health.UP
    for health in Health:
        yield "target_state", (*labels, health.value), now.health is health
    for health in (Health.UP, Health.DOWN):
        count = state.tally.transitions.get(health, 0)
        yield "target_transitions", (*labels, health.value), count
    since = 0.0 if now.since is None else round(now.since + epoch, 3)
    yield "target_last_transition_timestamp_seconds", labels, since
    yield "target_consecutive_failures", labels, now.failures
    yield "target_consecutive_successes", labels, now.successes
