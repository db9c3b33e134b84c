"""What the process itself did: API requests, cycles, writes, reloads, the lock.

prometheus-client's own objects on a registry of ours, made from the catalogue's PROCESS_ROWS and
told by callbacks. Every child of a closed set exists from the start, at 0.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import NamedTuple

import prometheus_client as client

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.export.catalogue import (
    BUCKETS,
    CHANGE,
    POOL,
    PROCESS_ROWS,
    RECORD_SET,
    RESOLVER,
    RESOLVER_REASON,
    STEP,
    VOTE_EVENT,
    WEB_REJECTIONS,
    ZONE,
)
from dnsbalancer_exporter.export.failover import STEPS
from dnsbalancer_exporter.export.row import Row
from dnsbalancer_exporter.model import NameServer, Pool
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import (
    API_OPERATIONS,
    LOCK_EVENTS,
    ApiCall,
    DnsReason,
    PoolReport,
)
from dnsbalancer_exporter.vote import VOTE_EVENTS

Labels = tuple[str, ...]

ACTIONS = ("create", "delete")
EXPIRY = "web_tls_certificate_expiry_timestamp_seconds"


class ApiCounts(NamedTuple):
    """HTTP attempts at the provider, those that failed by reason, the last success (Unix time)."""

    requests: int
    failures: Mapping[str, int]
    last_success_at: float | None


def _record_set(pool: Pool, name: str, type_: RecordType) -> Labels:
    return pool.name, pool.zone, name, type_.value


def _resolvers(pool: Pool) -> list[str]:
    return [str(server) for server in pool.resolvers or ()]


SERIES: Mapping[Labels, Callable[[Row, Pool], Iterable[Labels]]] = {
    POOL: lambda _, pool: [(pool.name,)],
    STEP: lambda row, pool: product([pool.name], STEPS[row.name]),
    CHANGE: lambda _, pool: product([pool.name], [pool.zone], ACTIONS),
    RECORD_SET: lambda _, pool: [_record_set(pool, *k) for k in product(pool.records, pool.types)],
    ZONE: lambda _, pool: [(pool.zone,)],
    RESOLVER: lambda _, pool: product(_resolvers(pool)),
    VOTE_EVENT: lambda _, pool: product([pool.name], VOTE_EVENTS if pool.quorum else ()),
    RESOLVER_REASON: lambda _, pool: product(_resolvers(pool), [r.value for r in DnsReason]),
}
"""The series that a row with these labels has for a pool, as far as they are known in advance."""


def _series(pool: Pool) -> set[tuple[str, Labels]]:
    """All series of a pool that are known in advance: names of rows, and labels."""
    rows = [row for row in PROCESS_ROWS if row.labels in SERIES]
    return {(row.name, labels) for row in rows for labels in SERIES[row.labels](row, pool)}


class Instruments:
    """All counters of the process, on ``registry``. Thread-safe, as prometheus-client is."""

    def __init__(self, registry: client.CollectorRegistry) -> None:
        self._registry = registry
        self._tells_expiry = True
        self._pools: dict[str, Pool] = {}
        client.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._counters: dict[str, client.Counter] = {}
        self._gauges: dict[str, client.Gauge] = {}
        self._histograms: dict[str, client.Histogram] = {}
        for row in PROCESS_ROWS:
            name = f"dnsbalancer_{row.name}"
            if row.kind == "counter":
                made = client.Counter(name, row.help, row.labels, registry=registry)
                self._counters[row.name] = made
            elif row.kind == "gauge":
                self._gauges[row.name] = client.Gauge(name, row.help, row.labels, registry=registry)
            else:
                self._histograms[row.name] = client.Histogram(
                    name, row.help, row.labels, buckets=BUCKETS[row.name], registry=registry
                )
        self._begin()

    def _begin(self) -> None:
        self._gauges["build_info"].labels(__version__, platform.python_version()).set(1)
        for operation in API_OPERATIONS:
            self._counters["api_requests"].labels(operation)
            self._histograms["api_request_duration_seconds"].labels(operation)
            for reason in ApiReason:
                self._counters["api_request_failures"].labels(operation, reason.value)
        for event in LOCK_EVENTS:
            self._counters["lock_events"].labels(event)
        for rejection in WEB_REJECTIONS:
            self._counters["web_connections_rejected"].labels(rejection)
        self.web_config_read(None)

    def begin_pool(self, pool: Pool) -> None:
        """Have all series of a pool at 0 before its first cycle; those that it had stay."""
        earlier, self._pools[pool.name] = self._pools.get(pool.name), pool
        for name, labels in _series(pool):
            self._metric(name).labels(*labels)
        if earlier and earlier != pool:
            self._remove(earlier)

    def end_pool(self, pool: Pool) -> None:
        """Remove the series of a pool that is no longer configured."""
        self._pools.pop(pool.name, None)
        self._remove(pool)

    def _remove(self, pool: Pool) -> None:
        """Remove the series of a pool as it was, but for those that a pool has now."""
        for name, labels in _series(pool).difference(*map(_series, self._pools.values())):
            self._metric(name).remove(*labels)

    def _metric(self, name: str) -> client.Counter | client.Gauge | client.Histogram:
        for metrics in (self._counters, self._gauges, self._histograms):
            if name in metrics:
                return metrics[name]
        raise KeyError(name)

    def config_read(self, fingerprint: str, unix_now: float) -> None:
        """A configuration is in use from now on."""
        self._gauges["config_last_reload_successful"].set(1)
        self._gauges["config_last_reload_success_timestamp_seconds"].set(unix_now)
        self._gauges["config_hash"].set(int(fingerprint[:12], 16))

    def config_reloaded(self) -> None:
        """A reload was asked for."""
        self._counters["config_reloads"].inc()

    def config_refused(self) -> None:
        """A reload was refused; the old configuration stays."""
        self._counters["config_reload_failures"].inc()
        self._gauges["config_last_reload_successful"].set(0)

    def listening(self, well: bool) -> None:  # noqa: FBT001 - the gauge's value
        """Tell whether the metrics port is open."""
        self._gauges["web_listening"].set(well)

    def state_saved(self, well: bool) -> None:  # noqa: FBT001 - the gauge's value
        """Tell whether what is kept between runs could be saved."""
        self._gauges["state_last_save_successful"].set(well)

    def web_config_read(self, expiry: float | None) -> None:
        """The port's access is as its file says; ``expiry`` of its certificate, None without."""
        self._gauges["web_config_last_reload_successful"].set(1)
        if expiry is not None:
            self._gauges[EXPIRY].set(expiry)
        if (expiry is not None) != self._tells_expiry:
            self._tells_expiry = not self._tells_expiry
            act = self._registry.register if self._tells_expiry else self._registry.unregister
            act(self._gauges[EXPIRY])

    def web_config_refused(self) -> None:
        """The port's file, or what it names, is broken."""
        self._gauges["web_config_last_reload_successful"].set(0)

    def web_rejected(self, reason: str) -> None:
        """A connection was turned away for one of WEB_REJECTIONS."""
        self._counters["web_connections_rejected"].labels(reason).inc()

    def lock_event(self, zone: str, event: str) -> None:
        """One of LOCK_EVENTS happened."""
        self._counters["lock_events"].labels(event).inc()
        if event in {"taken", "released", "left"}:
            self._gauges["lock_held"].labels(zone).set(event == "taken")

    def vote_event(self, pool: str, event: str) -> None:
        """One of VOTE_EVENTS happened to a vote of ours."""
        self._counters["quorum_vote_events"].labels(pool, event).inc()

    def step_reached(self, metric: str, pool: str, step: str, seconds: float) -> None:
        """A failover or a recovery got so far: one of failover.STEPS."""
        self._histograms[metric].labels(pool, step).observe(seconds)

    def dns_asked(self, server: NameServer, reason: DnsReason | None) -> None:
        """Count one question to a name server; ``reason`` says why it came to nothing."""
        self._counters["dns_queries"].labels(str(server)).inc()
        for each in DnsReason:
            failures = self._counters["dns_query_failures"].labels(str(server), each.value)
            failures.inc(each is reason)

    def dns_visible(self, pool: str, seconds: float) -> None:
        """A write is served by every name server that answers."""
        self._histograms["dns_visible_seconds"].labels(pool).observe(seconds)

    def api_call(self, call: ApiCall, unix_now: float) -> None:
        """Count one HTTP attempt."""
        self._counters["api_requests"].labels(call.operation).inc()
        if call.status:
            self._counters["api_responses"].labels(call.operation, str(call.status)).inc()
        self._gauges["api_up"].set(call.reason is None)
        if call.reason is None:
            durations = self._histograms["api_request_duration_seconds"]
            durations.labels(call.operation).observe(call.duration)
            self._gauges["api_last_success_timestamp_seconds"].set(unix_now)
        else:
            failures = self._counters["api_request_failures"]
            failures.labels(call.operation, call.reason.value).inc()

    def api(self) -> ApiCounts:
        """What was asked of the provider so far."""
        requests = _totals(self._counters["api_requests"], "operation")
        failures = _totals(self._counters["api_request_failures"], "reason")
        last = next(iter(self._gauges["api_last_success_timestamp_seconds"].collect())).samples
        return ApiCounts(sum(requests.values()), failures, last[0].value or None)

    def cycle_done(self, report: PoolReport, unix_now: float) -> None:
        """Count one cycle of one pool and what it wrote."""
        pool = report.pool
        self._counters["cycles"].labels(pool.name).inc()
        self._histograms["cycle_duration_seconds"].labels(pool.name).observe(report.duration)
        self._gauges["cycle_last_run_timestamp_seconds"].labels(pool.name).set(unix_now)
        if report.error:
            self._counters["cycle_failures"].labels(pool.name).inc()
        else:
            succeeded = self._gauges["cycle_last_success_timestamp_seconds"]
            succeeded.labels(pool.name).set(unix_now)
        if not report.error and not report.changes:
            self._counters["cycle_noops"].labels(pool.name).inc()
        for gap in report.gaps:
            self._counters["record_gaps"].labels(*_record_set(pool, gap.name, gap.type)).inc()
        for change in report.changes:
            if change.refills and not change.error:
                labels = _record_set(pool, change.record.name, change.record.type)
                self._counters["record_gap_refills"].labels(*labels).inc()
            name = "record_change_failures" if change.error else "record_changes"
            self._counters[name].labels(pool.name, pool.zone, change.action).inc()


def _totals(counter: client.Counter, label: str) -> dict[str, int]:
    """The sums of a counter by one of its labels, without those that are 0."""
    totals: dict[str, int] = {}
    for sample in next(iter(counter.collect())).samples:
        if sample.value:
            key = sample.labels[label]
            totals[key] = totals.get(key, 0) + int(sample.value)
    return totals
