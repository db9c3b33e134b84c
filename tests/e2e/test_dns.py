"""Is it true in DNS? The daemon asks the name servers, and nothing waits for their answers."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

import pytest

from dnsbalancer_exporter.emulator import Emulator
from tests.e2e.daemon import Daemon
from tests.e2e.stage import ZONE, Stage, verb

WITHOUT = {"PYTHONPATH": str(Path(__file__).parent / "without_dnspython")}
SET = {"pool": ZONE, "dns_zone": ZONE, "record": ZONE, "record_type": "A"}


def resolver(stage: Stage) -> str:
    return "{}:{}".format(*stage.emulator.dns_address)


def steady(stage: Stage, *resolvers: str, **keys: object) -> Daemon:
    """Three hosts up and published, and a member that asks the emulator, or these resolvers."""
    asked = list(resolvers) or [resolver(stage)]
    return stage.steady(*stage.hosts[:3], **{"resolvers": asked, **keys})


def test_what_is_served_is_exported(stage: Stage) -> None:
    daemon = steady(stage)
    daemon.until_value(1, "dns_in_sync", **SET, resolver=resolver(stage))
    daemon.until_value(86400, "dns_soa_minimum_seconds", dns_zone=ZONE)
    metrics = daemon.metrics()
    assert metrics.value("dns_ttl_seconds", **SET) == 60
    assert (metrics.value("dns_last_check_timestamp_seconds", **SET) or 0) > 1.7e9
    assert (metrics.value("dns_queries_total", resolver=resolver(stage)) or 0) >= 2
    assert metrics.labels("dns_query_failures_total", "reason") == {
        *("timeout", "unreachable", "refused", "server_failure", "lame", "invalid_response"),
    }
    assert metrics.value("dns_query_failures_total") == 0
    assert metrics.value("dns_visible_seconds_count", pool=ZONE) == 0
    # 0.5 s, 3 probes of 0.5 s, 2 pauses of 0.1 s, 60 s of TTL
    assert metrics.value("failover_worst_case_seconds", pool=ZONE) == pytest.approx(62.2)


def test_a_change_is_out_of_sync_until_dns_serves_it_and_that_time_is_measured(
    stage: Stage,
) -> None:
    daemon = steady(stage)
    daemon.until_value(1, "dns_in_sync", **SET)
    stage.emulator.switches.set(publication_delay=3)
    dead = stage.hosts[2]
    stage.down(dead)
    daemon.until_value(0, "dns_in_sync", **SET)
    assert dead not in stage.values()
    metrics = daemon.until_value(1, "dns_visible_seconds_count", pool=ZONE)
    assert metrics.value("dns_in_sync", **SET) == 1
    assert (metrics.value("dns_visible_seconds_sum", pool=ZONE) or 0) > 1


def test_the_status_has_what_each_name_server_serves(stage: Stage) -> None:
    daemon = steady(stage)
    daemon.until_value(1, "dns_in_sync", **SET)
    (record_set,) = daemon.status()["pools"][0]["record_sets"]
    (said,) = record_set["dns"]
    assert said.pop("at") > 1.7e9
    assert said == {
        "resolver": resolver(stage),
        "in_sync": True,
        "served": sorted(stage.hosts[:3]),
        "ttl": 60,
        "reason": None,
    }


def test_name_servers_that_lie_or_are_silent_change_nothing_else(stage: Stage) -> None:
    with (
        Emulator(records=["@ A 192.0.2.99 60"]) as liar,
        closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent,
    ):
        silent.bind(("127.0.0.1", 0))
        asked = ["{}:{}".format(*address) for address in (liar.dns_address, silent.getsockname())]
        daemon = steady(stage, *asked)
        daemon.until_value(0, "dns_in_sync", **SET, resolver=asked[0])
        stage.down(stage.hosts[2])
        stage.until_published(*stage.hosts[:2])
        stage.up(stage.hosts[2])
        daemon.until_healthy(3)
        metrics = daemon.until_more("dns_query_failures_total", resolver=asked[1], reason="timeout")
        assert metrics.value("dns_in_sync", resolver=asked[1]) is None
        assert metrics.value("dns_in_sync", resolver=asked[0]) == 0
        assert metrics.value("dns_visible_seconds_count", pool=ZONE) == 0
        daemon.terminate()
        assert daemon.wait() == 0


def test_other_resolvers_come_with_a_reload(stage: Stage) -> None:
    daemon = steady(stage)
    daemon.until_value(1, "dns_in_sync", **SET)
    with Emulator(records=["@ A 192.0.2.99 60"]) as liar:
        there = "{}:{}".format(*liar.dns_address)
        text = daemon.config.read_text()
        assert resolver(stage) in text
        daemon.config.write_text(text.replace(resolver(stage), there))
        daemon.reload()
        daemon.until_value(0, "dns_in_sync", **SET)
        assert daemon.metrics().labels("dns_in_sync", "resolver") == {there}


def test_with_resolvers_off_nobody_is_asked(stage: Stage) -> None:
    daemon = steady(stage, resolvers="off")
    metrics = daemon.until_cycles(3)
    assert metrics.values("dns_in_sync") == []
    assert metrics.values("dns_queries_total") == []


def test_without_dnspython_the_daemon_works_and_says_what_to_install(stage: Stage) -> None:
    stage.up(*stage.hosts[:3])
    stage.publish(*stage.hosts[:3])
    config = stage.config(stage.hosts[0], resolvers=[resolver(stage)])
    daemon = stage.run(config, WITHOUT)
    daemon.until_healthy(3)
    stage.down(stage.hosts[2])
    stage.until_published(*stage.hosts[:2])
    assert daemon.metrics().values("dns_in_sync") == []
    (line,) = [line for line in daemon.log.splitlines() if "dnspython" in line]
    assert "event=config_note" in line
    assert "pip install 'dnsbalancer-exporter[dns]'" in line
    done = verb("check", str(config), environ=WITHOUT)
    assert done.returncode == 0
    assert "resolvers: nobody is asked in DNS: dnspython is not installed" in done.stdout


def test_without_dnspython_and_without_resolvers_nothing_is_said(stage: Stage) -> None:
    config = stage.config(stage.hosts[0], resolvers=None)
    assert "is not installed" not in verb("check", str(config), environ=WITHOUT).stdout
