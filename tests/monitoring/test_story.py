"""The whole way, all real: an application dies and somebody is told; it returns, and so on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.stage import Stage, until
from tests.monitoring.scene import die, fleet
from tests.monitoring.stack import (
    ALERTS,
    Alertmanager,
    Prometheus,
    Webhook,
    impatient,
)

pytestmark = pytest.mark.xdist_group("story")


class World(NamedTuple):
    stage: Stage
    prometheus: Prometheus
    alertmanager: Alertmanager
    webhook: Webhook


@pytest.fixture(params=["dnsbalancer.alerts.yml", "dnsbalancer.fleet.alerts.yml"])
def world(stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    rules = [impatient((ALERTS / request.param).read_text())]
    with (
        Webhook() as webhook,
        Alertmanager(tmp_path, webhook) as alertmanager,
        Prometheus(tmp_path, rules, alertmanager) as prometheus,
    ):
        yield World(stage, prometheus, alertmanager, webhook)


def test_from_a_dead_application_to_a_message_and_back(world: World) -> None:
    stage, prometheus, alertmanager, webhook = world
    hosts = stage.hosts[:3]
    dead = hosts[1]
    daemons = fleet(stage, 3)
    prometheus.scrape(*daemons)
    prometheus.until("sum(dnsbalancer_target_up) == 9", "all are up")

    die(stage, daemons, dead)
    stage.until_published(hosts[0], hosts[2])
    prometheus.until(f'max(dnsbalancer_target_up{{target="{dead}"}}) == 0', "target_up is 0")
    until(
        lambda: webhook.told("/tell", "TargetDown", "firing", target=dead, severity="warning"),
        "the failover is told",
        60,
    )
    (alert, *_) = webhook.told("/tell", "TargetDown", "firing", target=dead)
    assert dead in alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"].endswith("/DnsBalancerTargetDown.md")
    assert webhook.told("/wake", "TargetDown", "firing") == []

    stage.up(dead)
    stage.until_published(*hosts)
    until(
        lambda: webhook.told("/tell", "TargetDown", "resolved", target=dead),
        "the return is told",
        60,
    )

    stage.down(*hosts)
    until(lambda: webhook.told("/wake", "FailOpen", "firing"), "somebody is woken", 60)
    assert stage.values() == sorted(hosts)
    for host in hosts:
        until(lambda h=host: alertmanager.muted("TargetDown", target=h), f"{host} is muted", 60)  # type: ignore[misc]

    stage.up(*hosts)
    until(lambda: webhook.told("/wake", "FailOpen", "resolved"), "it is over", 60)
