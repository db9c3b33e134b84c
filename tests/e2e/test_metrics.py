"""The metrics against their catalogue: at the first scrape, after a failover, over a reload."""

from __future__ import annotations

from itertools import product

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.export.catalogue import PROCESS_ROWS, REPORT_ROWS, WEB_REJECTIONS
from dnsbalancer_exporter.export.failover import STEPS
from dnsbalancer_exporter.export.vote_samples import VERDICTS, VOTE_ROWS
from dnsbalancer_exporter.model import Health, Hold, ProbeReason, Unpublished
from dnsbalancer_exporter.report import API_OPERATIONS, LOCK_EVENTS, DnsReason
from dnsbalancer_exporter.vote import VOTE_EVENTS, Standing
from tests.e2e.daemon import Daemon, Metrics
from tests.e2e.stage import ZONE, Stage, until, write

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
POOL = {"pool": ZONE}
SET = {**POOL, "dns_zone": ZONE, "record": ZONE, "record_type": "A"}
ROWS = {row.name: row for row in (*REPORT_ROWS, *PROCESS_ROWS)}

NOT_BEFORE = {
    "probe_success": "a first probe",
    "probe_last_run_timestamp_seconds": "a first probe",
    "probe_last_duration_seconds": "a success",
    "record_ttl_seconds": "a record that was read",
    "dns_in_sync": "an answer of a name server",
    "dns_ttl_seconds": "an answer of a name server",
    "dns_last_check_timestamp_seconds": "a question to a name server",
    "dns_soa_minimum_seconds": "an answer of a name server",
    "api_responses": "an answer of the API: its codes are not known in advance",
    "targets_file_targets": "a file of targets that is configured",
    "targets_file_last_load_successful": "a file of targets that is configured",
    "targets_file_last_load_success_timestamp_seconds": "a file of targets that is configured",
    "reference_up": "a reference that is configured",
    **dict.fromkeys((row.name for row in VOTE_ROWS), "votes, or a majority against somebody"),
    "target_votes_down": "votes that were read",
    "quorum_vote_events": "quorum",
    "web_tls_certificate_expiry_timestamp_seconds": "a certificate that is configured",
    "probe_tls_certificate_expiry_timestamp_seconds": "a certificate that a target has shown",
}
"""Metrics that may have no series in the first scrape, and what they wait for."""


def asked(stage: Stage) -> list[str]:
    return ["{}:{}".format(*stage.emulator.dns_address)]


def rows_of(metrics: Metrics) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """The labels of all series, by row of the catalogue; without `le`."""
    found = {}
    for family in metrics.families:
        labels = [{k: v for k, v in s.labels.items() if k != "le"} for s in family.samples]
        name = family.name.removeprefix("dnsbalancer_")
        found[name] = {tuple(sorted(each.items())) for each in labels}
    return found


def test_the_first_scrape_has_every_series_that_is_known_in_advance(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.emulator.faults.add("*:slow:seconds=30")
    keys = {"targets": [one, two], "resolvers": asked(stage), "quorum": {"lease": 10}}
    daemon = stage.member(one, **keys)
    first = daemon.until(lambda _: True, "a first scrape")
    series = rows_of(first)
    assert {name for name in ROWS if not series.get(name)} <= set(NOT_BEFORE)
    targets = [{**POOL, "target": target} for target in (one, two)]
    probes = [{**target, "probe": "tcp"} for target in targets]
    operations = [{"operation": operation} for operation in API_OPERATIONS]
    (resolver,) = asked(stage)
    known = {
        "target_state": with_each(targets, "state", [h.value for h in Health]),
        "target_transitions": with_each(targets, "to", ["up", "down"]),
        "probe_failures": with_each(probes, "reason", [r.value for r in ProbeReason]),
        "cycle_held": with_each([POOL], "reason", [h.value for h in Hold]),
        "cycle_unpublished": with_each([POOL], "reason", [u.value for u in Unpublished]),
        "api_request_failures": with_each(operations, "reason", [r.value for r in ApiReason]),
        "api_request_duration_seconds": operations,
        "lock_events": with_each([{}], "event", LOCK_EVENTS),
        "lock_held": [{"dns_zone": ZONE}],
        "web_connections_rejected": with_each([{}], "reason", WEB_REJECTIONS),
        "record_changes": with_each([{**POOL, "dns_zone": ZONE}], "action", ["create", "delete"]),
        "quorum_settled": [POOL],
        "quorum_observers": with_each([POOL], "standing", [s.value for s in Standing]),
        "quorum_targets": with_each([POOL], "verdict", VERDICTS),
        "quorum_vote_events": with_each([POOL], "event", VOTE_EVENTS),
        "record_gaps": [SET],
        "record_gap_refills": [SET],
        "dns_query_failures": with_each(
            [{"resolver": resolver}], "reason", [r.value for r in DnsReason]
        ),
        **{name: with_each([POOL], "step", steps) for name, steps in STEPS.items()},
    }
    for name, labels in known.items():
        assert series[name] == {tuple(sorted(each.items())) for each in labels}, name
    begun = {"probes", "probe_failures", "target_transitions", "api_requests"}
    for row in (*PROCESS_ROWS, *REPORT_ROWS):
        if row.kind == "counter" and row.name not in begun | set(NOT_BEFORE):
            assert set(first.values(f"{row.name}_total")) == {0}, row.name
        if row.kind == "histogram" and not row.name.startswith("probe_"):
            assert set(first.values(f"{row.name}_count")) == {0}, row.name
    for name in ("cycle_last_success_timestamp_seconds", "auth_token_expiry_timestamp_seconds"):
        assert first.values(name) == [0], name


def with_each(
    labels: list[dict[str, str]], label: str, values: list[str] | tuple[str, ...]
) -> list[dict[str, str]]:
    return [{**each, label: value} for each, value in product(labels, values)]


def test_the_catalogue_is_what_a_scrape_gives_after_a_failover_and_back(stage: Stage) -> None:
    one, two, three, beside = stage.hosts[:4]
    stage.up(beside)
    keys = {"targets": [one, two, three], "resolvers": asked(stage), "reference": [beside]}
    daemon = stage.steady(one, two, three, **keys)
    stage.down(three)
    failed = daemon.until_value(1, "failover_duration_seconds_count", step="visible")
    assert steps(failed, "failover_duration_seconds") == [1, 1, 1, 1]
    assert steps(failed, "recovery_duration_seconds") == [0, 0, 0]
    stage.up(three)
    seen = daemon.until_value(1, "recovery_duration_seconds_count", step="visible")
    assert steps(seen, "failover_duration_seconds") == [1, 1, 1, 1]
    assert steps(seen, "recovery_duration_seconds") == [1, 1, 1]
    for name, names in STEPS.items():
        sums = [seen.value(f"{name}_sum", **POOL, step=step) or 0.0 for step in names]
        assert sums[0] > 0
        assert sums == sorted(sums), "no step comes before the one ahead of it"
    assert (seen.value("auth_token_expiry_timestamp_seconds") or 0) > 1.7e9
    assert seen.value("loop_stood_still_total") == 0
    assert seen.values("loop_lag_seconds")
    compare(daemon)


def steps(metrics: Metrics, name: str) -> list[float | None]:
    return [metrics.value(f"{name}_count", **POOL, step=step) for step in STEPS[name]]


def compare(daemon: Daemon) -> None:
    """Names, kinds, labels and help of both formats are those of the catalogue; without TLS."""
    plain, open_ = daemon.get("/metrics"), daemon.get("/metrics", Accept=OPENMETRICS)
    parsed = openmetrics.text_string_to_metric_families(open_.text)  # type: ignore[no-untyped-call]
    for families in (Metrics(plain.text).families, list(parsed)):
        drawn = [f.name.removeprefix("dnsbalancer_") for f in families][: len(REPORT_ROWS)]
        assert drawn == [row.name for row in REPORT_ROWS], "the picture comes before the counters"
        ours = {f.name.removeprefix("dnsbalancer_"): f for f in families if "process" not in f.name}
        assert sorted(ours) == sorted(set(ROWS) - {"web_tls_certificate_expiry_timestamp_seconds"})
        for name, family in ours.items():
            row = ROWS[name]
            assert (family.type, family.documentation) == (row.kind, row.help), name
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            assert labels == set(row.labels) or name in NOT_BEFORE, name


def test_without_a_lock_its_step_stays_at_0(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three, lock="off")
    stage.down(three)
    seen = daemon.until_value(1, "failover_duration_seconds_count", step="accepted")
    assert steps(seen, "failover_duration_seconds") == [1, 0, 1, 0]
    assert seen.values("lock_held", dns_zone=ZONE) == [0]


def test_the_lock_is_shown_while_it_is_held(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.emulator.faults.add("delete_record:slow:seconds=1.5:type=A")
    stage.down(three)
    daemon.until_value(1, "lock_held", dns_zone=ZONE)
    stage.until_published(one, two)
    daemon.until_value(0, "lock_held", dns_zone=ZONE)


@pytest.mark.parametrize("operation", ["list_records", "auth_token"])
def test_a_scrape_neither_waits_for_a_cycle_that_hangs_nor_sees_half_of_it(
    stage: Stage, operation: str
) -> None:
    one, two, three = stage.hosts[:3]
    skip = 2 if operation == "list_records" else 0
    stage.up(one, two, three)
    stage.publish(one, two, three)
    stage.emulator.faults.add(f"{operation}:slow:seconds=120:skip={skip}")
    daemon = stage.member(one, targets=[one, two, three])
    until(lambda: stage.asked(operation) > skip, "a request that hangs")
    before = daemon.metrics()
    stage.down(three)
    seen = daemon.until_down(three)
    assert seen.value("cycles_total") == before.value("cycles_total") == skip
    for name in ("target_published", "record_addresses_published", "zone_read_timestamp_seconds"):
        assert seen.values(name) == before.values(name), name
    assert daemon.get("/metrics").status == 200


def test_a_reload_keeps_failovers_and_takes_a_pools_series_along(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    stage.managed = {(ZONE, "a"), (f"app.{ZONE}", "a")}
    stage.up(one, two, three)
    for name in ("@", "app"):
        stage.publish(one, two, three, name=name)
    pools = [{"record": "@", "name": ZONE}, {"record": "app", "name": "app"}]
    daemon = stage.run(stage.config(one, pools=pools))
    for pool in pools:
        daemon.until_value(3, "pool_targets_healthy", pool=pool["name"])
    stage.down(three)
    for pool in pools:
        daemon.until_value(1, "failover_duration_seconds_count", pool=pool["name"], step="accepted")
    write(daemon.config, {**daemon.keys(), "pools": pools[:1], "ttl": 90})
    daemon.reload()
    seen = daemon.until_value(1, "config_reloads_total")
    seen = daemon.until(lambda m: m.labels("cycles_total", "pool") == {ZONE}, "it is gone")
    left = [s for f in seen.families for s in f.samples if s.labels.get("pool") == "app"]
    assert left == []
    assert steps(seen, "failover_duration_seconds")[:3] == [1, 1, 1]
    assert seen.values("lock_held", dns_zone=ZONE) == [0]
    assert (seen.value("cycles_total") or 0) > 2
