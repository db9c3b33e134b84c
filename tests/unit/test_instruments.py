"""The process's counters: which series a pool has, and whose are gone when it is."""

from __future__ import annotations

from dataclasses import replace

import prometheus_client as client
import pytest

from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.model import NameServer, Pool, ProbeSpec, Protocol, Target
from dnsbalancer_exporter.report import ApiCall

PROBE = ProbeSpec(Protocol.TCP, "", 80, 2.0)
OWN = tuple(Target(address, address, PROBE) for address in ("192.0.2.1", "2001:db8::1"))
POOL = Pool("p", "example.com", ("example.com",), True, OWN, PROBE, resolvers=())
OTHER = replace(POOL, name="other", records=("app.example.com",))


class Registry:
    def __init__(self) -> None:
        self.registry = client.CollectorRegistry()
        self.instruments = Instruments(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"dnsbalancer_{name}", labels)

    def series(self, **labels: str) -> set[str]:
        """The names of the metrics that have series with these labels."""
        return {
            family.name.removeprefix("dnsbalancer_")
            for family in self.registry.collect()
            if any(labels.items() <= sample.labels.items() for sample in family.samples)
        }


@pytest.fixture
def there() -> Registry:
    return Registry()


def test_all_steps_are_there_at_0_before_the_first_failover(there: Registry) -> None:
    there.instruments.begin_pool(POOL)
    for step in ("detected", "locked", "accepted", "visible"):
        assert there.value("failover_duration_seconds_count", pool="p", step=step) == 0
    for step in ("detected", "accepted", "visible"):
        assert there.value("recovery_duration_seconds_count", pool="p", step=step) == 0
    assert there.value("recovery_duration_seconds_count", pool="p", step="locked") is None
    there.instruments.step_reached("failover_duration_seconds", "p", "locked", 3.0)
    labels = {"pool": "p", "step": "locked"}
    assert there.value("failover_duration_seconds_bucket", **labels, le="2.5") == 0
    assert there.value("failover_duration_seconds_bucket", **labels, le="5.0") == 1


def test_a_zone_that_another_pool_shares_keeps_its_lock(there: Registry) -> None:
    there.instruments.begin_pool(POOL)
    there.instruments.begin_pool(OTHER)
    assert there.value("lock_held", dns_zone="example.com") == 0
    there.instruments.lock_event("example.com", "taken")
    there.instruments.end_pool(POOL)
    assert there.series(pool="p") == set()
    assert there.value("lock_held", dns_zone="example.com") == 1
    there.instruments.end_pool(OTHER)
    assert there.series(dns_zone="example.com") == set()


@pytest.mark.parametrize("event", ["released", "left"])
def test_the_lock_is_held_until_it_is_released_or_left(there: Registry, event: str) -> None:
    there.instruments.begin_pool(POOL)
    there.instruments.lock_event("example.com", "taken")
    there.instruments.lock_event("example.com", "failed")
    assert there.value("lock_held", dns_zone="example.com") == 1
    there.instruments.lock_event("example.com", event)
    assert there.value("lock_held", dns_zone="example.com") == 0


def test_a_reload_keeps_what_did_not_change_and_drops_what_is_gone(there: Registry) -> None:
    there.instruments.begin_pool(POOL)
    there.instruments.step_reached("failover_duration_seconds", "p", "detected", 3.0)
    assert there.series(record_type="AAAA") == {"record_gaps", "record_gap_refills"}
    there.instruments.begin_pool(replace(POOL, own=OWN[:1]))
    assert there.series(record_type="AAAA") == set()
    assert there.value("failover_duration_seconds_count", pool="p", step="detected") == 1


def test_resolvers_that_are_configured_are_known_in_advance(there: Registry) -> None:
    there.instruments.begin_pool(replace(POOL, resolvers=(NameServer("192.0.2.53", 53),)))
    name = "192.0.2.53:53"
    assert there.value("dns_queries_total", resolver=name) == 0
    assert there.value("dns_query_failures_total", resolver=name, reason="lame") == 0
    there.instruments.begin_pool(POOL)
    assert there.series(resolver=name) == set()


def test_only_successes_are_timed(there: Registry) -> None:
    there.instruments.api_call(ApiCall("list_records", 30.0, 0, ApiReason.TIMEOUT), 1.0)
    there.instruments.api_call(ApiCall("list_records", 0.2, 200, None), 2.0)
    assert there.value("api_requests_total", operation="list_records") == 2
    assert there.value("api_request_duration_seconds_count", operation="list_records") == 1
    assert there.value("api_request_duration_seconds_sum", operation="list_records") == 0.2
