"""Real faults and the alerts that they raise: real daemons, the shipped rules, a real Prometheus.

Both files are loaded: each fault raises the alert about the daemon and that about the fleet.
Only their `for` is cut short, and for one the age from which on a cycle is old.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.e2e.daemon import Daemon
from tests.e2e.site import Site
from tests.e2e.stage import Stage, until, write
from tests.monitoring.scene import die, fleet
from tests.monitoring.stack import ALERTS, Prometheus, impatient
from tests.monitoring.test_rules import NAMES

FAULTS: dict[str, Callable[[Stage, Prometheus], None]] = {}


def raises(name: str) -> Callable[[Callable[[Stage, Prometheus], None]], None]:
    """Register a fault by the alert that it raises."""

    def register(play: Callable[[Stage, Prometheus], None]) -> None:
        FAULTS[name] = play

    return register


@raises("Unreachable")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    prometheus.scrape(daemon)
    daemon.terminate()
    daemon.wait()


@raises("Restarting")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    prometheus.scrape(daemon)
    for number in range(1, 5):
        daemon.terminate()
        daemon.wait()
        daemon = stage.run(daemon.config)
        daemon.until_healthy(2)
        changes = "sum(changes(process_start_time_seconds[30m]))"
        prometheus.until(f"{changes} >= {number}", f"start {number} was scraped")


@raises("FailOpen")
def _(stage: Stage, prometheus: Prometheus) -> None:
    daemons = fleet(stage, 2)
    prometheus.scrape(*daemons)
    stage.down(*stage.hosts[:2])


@raises("DeadTargetPublished")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    prometheus.scrape(daemon)
    stage.emulator.faults.add("delete_record:status:code=403:type=A")
    stage.down(two)


@raises("HealthyTargetMissing")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    stage.emulator.faults.add("create_record:status:code=403:type=A")
    stage.up(one, two)
    stage.publish(two)
    prometheus.scrape(stage.member(one))


@raises("Contested")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    prometheus.scrape(daemon)
    stage.down(two)
    stage.until_published(one, three)
    stage.publish(two)
    daemon.until_value(1, "target_contested", target=two)


@raises("LockTrouble")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    prometheus.scrape(daemon)
    stage.emulator.faults.add("writes:status:code=403:type=TXT")
    stage.down(two)


@raises("TargetDown")
def _(stage: Stage, prometheus: Prometheus) -> None:
    daemons = fleet(stage, 3)
    prometheus.scrape(*daemons)
    die(stage, daemons, stage.hosts[1])


@raises("NoRedundancy")
def _(stage: Stage, prometheus: Prometheus) -> None:
    daemons = fleet(stage, 2)
    prometheus.scrape(*daemons)
    die(stage, daemons, stage.hosts[1])


@raises("TargetFlapping")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two, mode="observe")
    prometheus.scrape(daemon)
    time.sleep(2)  # a scrape before the first change: increase() needs one
    for _ in range(4):
        stage.down(two)
        daemon.until_down(two)
        stage.up(two)
        daemon.until_value(1, "target_up", target=two)


@raises("ObserverBlind")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two, reference = stage.hosts[:3]
    stage.up(reference)
    daemon = stage.steady(one, two, reference=[reference])
    prometheus.scrape(daemon)
    stage.down(reference)


@raises("LoginRefused")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    prometheus.scrape(daemon)
    stage.emulator.faults.add("*:status:code=401")


@raises("ApiFailing")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    prometheus.scrape(daemon)
    stage.emulator.faults.add("reads:status:code=503:probability=0.8")


@raises("ConfigDiffers")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    daemons = (stage.member(one), stage.member(two, min_records=2))
    for daemon in daemons:
        daemon.until_healthy(2)
    prometheus.scrape(*daemons)


@raises("ObserveMode")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    prometheus.scrape(stage.steady(one, two, mode="observe"))


@raises("QuorumLost")
def _(stage: Stage, prometheus: Prometheus) -> None:
    """One holds the other down, which holds nobody down."""
    one, two = stage.hosts[:2]
    stage.up(one, two)
    stage.publish(one, two)
    wrong = [{"address": two, "probe": stage.hosts[5]}]
    daemons = (voter(stage, one, targets=wrong), voter(stage, two))
    daemons[0].until_down(two)
    prometheus.scrape(*daemons)


@raises("ObserverDisagrees")
def _(stage: Stage, prometheus: Prometheus) -> None:
    """One of three probes another at an address where nobody is."""
    one, two, three = stage.hosts[:3]
    stage.up(one, two, three)
    stage.publish(one, two, three)
    wrong = [{"address": one, "probe": stage.hosts[5]}, two]
    daemons = (voter(stage, one), voter(stage, two), voter(stage, three, targets=wrong))
    daemons[2].until_down(one)
    prometheus.scrape(*daemons)


def voter(stage: Stage, own: str, **keys: object) -> Daemon:
    """A member that votes."""
    return stage.member(own, quorum={"lease": 10}, **keys)


@raises("ReloadFailed")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    write(daemon.config, {**daemon.keys(), "port": "eighty"})
    daemon.reload()
    daemon.until_value(0, "config_last_reload_successful")
    prometheus.scrape(daemon)


@raises("StateNotSaved")
def _(stage: Stage, prometheus: Prometheus) -> None:
    one, two = stage.hosts[:2]
    blocked = stage.folder / "blocked"
    blocked.write_text("a file where a folder is to be")
    prometheus.scrape(stage.steady(one, two, state_dir=str(blocked / "state")))


RULES = [
    impatient((ALERTS / file).read_text())
    for file in ("dnsbalancer.alerts.yml", "dnsbalancer.fleet.alerts.yml")
]
WITHOUT_INSTANCE = {"ConfigDiffers"}
"""Alerts that compare daemons in either file."""


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    with Prometheus(tmp_path, RULES) as prometheus:
        yield prometheus


def until_fired(prometheus: Prometheus, name: str) -> None:
    """Wait until both files raise it, with a description that has all its values."""
    wanted = {False} if name in WITHOUT_INSTANCE else {False, True}
    until(
        lambda: {"instance" in a["labels"] for a in prometheus.firing(name)} >= wanted,
        f"DnsBalancer{name} fires",
        60,
    )
    for alert in prometheus.firing(name):
        description = alert["annotations"]["description"]
        assert "<no value>" not in description
        assert "<error" not in description


@pytest.mark.parametrize("name", FAULTS)
def test_a_real_fault_raises_its_alert(stage: Stage, prometheus: Prometheus, name: str) -> None:
    FAULTS[name](stage, prometheus)
    until_fired(prometheus, name)


def test_a_name_that_somebody_empties_raises_its_alert(
    tmp_path: Path, prometheus: Prometheus
) -> None:
    with Stage(tmp_path) as stage:  # not judged: it is the test that empties the name
        hosts = stage.hosts[:2]
        prometheus.scrape(stage.steady(*hosts))
        prometheus.until("sum(dnsbalancer_record_addresses_published) == 2", "both are there")
        for host in hosts:
            stage.emulator.zones.remove("example.com", "A", host)
        until_fired(prometheus, "RecordSetEmpty")


def test_an_api_that_stays_away_raises_its_alert(stage: Stage, tmp_path: Path) -> None:
    rules = [text.replace(", 300)", ", 5)") for text in RULES]
    assert rules != RULES
    with Prometheus(tmp_path, rules) as prometheus:
        prometheus.scrape(stage.steady(*stage.hosts[:2]))
        stage.emulator.faults.add("*:status:code=500")
        until_fired(prometheus, "Stalled")


def test_a_certificate_that_expires_raises_its_alert(stage: Stage, tmp_path: Path) -> None:
    soon = datetime.now(timezone.utc) + timedelta(days=5)
    Authority().issue(tmp_path / "crt", tmp_path / "key", "localhost", not_after=soon)
    web = tmp_path / "web.yml"
    web.write_text("tls_server_config: {cert_file: crt, key_file: key}")
    with Prometheus(tmp_path, RULES, scheme="https") as prometheus:
        prometheus.scrape(stage.member(stage.hosts[0], web_config_file=str(web)))
        until_fired(prometheus, "CertificateExpiring")


def test_a_target_whose_certificate_expires_raises_its_alert(
    stage: Stage, prometheus: Prometheus
) -> None:
    soon = datetime.now(timezone.utc) + timedelta(days=5)
    one = stage.hosts[0]
    with closing(Site((one, stage.port), Authority().server("a.example", not_after=soon))):
        prometheus.scrape(stage.member(one, protocol="https", http={"verify": False}))
        until_fired(prometheus, "CertificateExpiring")


def test_every_alert_has_been_raised_by_a_real_fault() -> None:
    by_hand = {"RecordSetEmpty", "Stalled", "CertificateExpiring"}
    assert {*FAULTS, *by_hand} == set(NAMES)


def test_a_healthy_fleet_raises_none(stage: Stage, prometheus: Prometheus) -> None:
    daemons = fleet(stage, 3)
    prometheus.scrape(*daemons)
    prometheus.until("sum(dnsbalancer_target_up) == 9", "all are up")
    prometheus.until("min(sum_over_time(up[10s])) >= 5", "it was looked at for a while")
    assert prometheus.query('ALERTS{alertname=~"DnsBalancer.+"}') == []
