"""The Report as metric families, but for the series of each target: pools, records, DNS, the loop.

A scrape takes the Report as it is: it never waits, never sees half a cycle, and what is gone from
the Report is gone from the next scrape. Series known in advance are there from the start.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, chain

from prometheus_client.core import Metric

from dnsbalancer_exporter.export import vote_samples
from dnsbalancer_exporter.export.catalogue import POOL_ROWS
from dnsbalancer_exporter.export.row import FAMILIES
from dnsbalancer_exporter.model import Health, Hold, Mode, Record, RecordSetKey, Unpublished
from dnsbalancer_exporter.promise import worst
from dnsbalancer_exporter.report import LAG_BUCKETS, Lag, PoolReport, Report

Labels = tuple[str, ...]
Sample = tuple[str, Labels, float | Lag]
Source = Callable[[], tuple[Report, float]]
"""Gives the Report and what must be added to its times to make them Unix times."""


def families(drawn: Iterable[Sample]) -> Iterable[Metric]:
    """One family per row of POOL_ROWS and VOTE_ROWS, with the samples that are its."""
    made = {
        row.name: FAMILIES[row.kind](f"dnsbalancer_{row.name}", row.help, labels=row.labels)
        for row in (*POOL_ROWS, *vote_samples.VOTE_ROWS)
    }
    for name, labels, value in drawn:
        if isinstance(value, Lag):
            made[name].add_metric(labels, *_histogram(value))
        else:
            made[name].add_metric(labels, value)
    return made.values()


def _histogram(lag: Lag) -> tuple[list[tuple[str, float]], float]:
    bounds = [*(str(bound) for bound in LAG_BUCKETS), "+Inf"]
    return [*zip(bounds, accumulate(lag.buckets), strict=True)], lag.seconds


def samples(report: Report, epoch: float) -> Iterator[Sample]:
    """Every sample of both; ``epoch`` turns the process's clock into Unix time."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    up: dict[str, set[str]] = defaultdict(set)
    for key, state in report.targets.items():
        is_up = state.health.health is Health.UP
        if key.reference:
            yield "reference_up", (key.pool, state.target.name), _one(is_up)
            continue
        names[key.pool][key.address] = state.target.name
        if is_up:
            up[key.pool].add(key.address)
    for pool in report.pools:
        name = pool.pool.name
        yield from _pool_samples(pool, len(names[name]), up[name], epoch)
        yield from chain(_record_samples(pool), _dns_samples(pool, report, epoch))
        yield from vote_samples.samples(pool, names[name], epoch)
    for zone, seconds in report.negative_ttls.items():
        yield "dns_soa_minimum_seconds", (zone,), seconds
    yield "api_writes_waiting", (), sum(pool.writes_left for pool in report.pools)
    for path, inventory in report.inventories.items():
        yield "targets_file_last_load_successful", (path,), _one(not inventory.problem)
        since = inventory.since + epoch
        yield "targets_file_last_load_success_timestamp_seconds", (path,), since
        yield "targets_file_targets", (path,), inventory.targets
    yield "loop_lag_seconds", (), report.lag
    yield "loop_stood_still", (), report.stood_still
    yield "probe_lag_seconds", (), report.probe_lag
    expiry = report.token_expires_at
    yield "auth_token_expiry_timestamp_seconds", (), 0.0 if expiry is None else expiry + epoch


def _pool_samples(report: PoolReport, count: int, up: set[str], epoch: float) -> Iterator[Sample]:
    pool, plan = report.pool, report.plan
    labels = (pool.name,)
    served = {r.name for r in report.records if r.value in up}
    names = [name in served for name in pool.records]
    yield "pool_targets", labels, count
    yield "pool_targets_healthy", labels, len(up)
    yield "pool_min_records", labels, pool.min_records
    yield "pool_fail_open", labels, _one(plan.fail_open)
    yield "pool_available", labels, _one(all(names))
    yield "pool_warming_up", labels, _one(report.warming)
    yield "observe_mode", labels, _one(pool.mode is Mode.OBSERVE)
    yield "cycle_interval_seconds", labels, pool.timing.interval
    read_at = 0.0 if report.read_at is None else report.read_at + epoch
    yield "zone_read_timestamp_seconds", labels, read_at
    held = Counter(withheld.hold for withheld in plan.withheld)
    for hold in Hold:
        yield "cycle_held", (pool.name, hold.value), held[hold]
    omitted = Counter(address.reason for address in plan.omitted)
    for reason in Unpublished:
        yield "cycle_unpublished", (pool.name, reason.value), omitted[reason]


def _record_samples(report: PoolReport) -> Iterator[Sample]:
    pool, plan = report.pool, report.plan
    sets: dict[RecordSetKey, list[Record]] = defaultdict(list)
    for record in report.records:
        sets[RecordSetKey(record.name, record.type)].append(record)
    for name in pool.records:
        for type_ in pool.types:
            key = RecordSetKey(name, type_)
            labels, records = (pool.name, pool.zone, name, type_.value), sets[key]
            yield "record_addresses_published", labels, len({r.value for r in records})
            yield "record_addresses_desired", labels, len(plan.desired.get(key, ()))
            yield "record_foreign", labels, plan.foreign.get(key, 0)
            yield "record_in_sync", labels, _one(report.in_sync(key))
            if records:
                yield "record_ttl_seconds", labels, min(r.ttl for r in records)


def _dns_samples(report: PoolReport, whole: Report, epoch: float) -> Iterator[Sample]:
    pool = report.pool
    keys = [RecordSetKey(name, type_) for name in pool.records for type_ in pool.types]
    mine = {key: whole.dns[pool.name, key] for key in keys if (pool.name, key) in whole.dns}
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
