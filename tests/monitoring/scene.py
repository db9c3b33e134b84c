"""A real failover that Prometheus has watched: three daemons, one application dies and returns."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.daemon import Daemon
from tests.e2e.stage import LOCK, Stage
from tests.monitoring.stack import Prometheus


@dataclass(frozen=True)
class Scene:
    """What has happened: ``fallen`` died and came back, seen by ``daemons``.

    Times are Unix times; ``fell`` is what the first daemon says of when it was held DOWN.
    """

    prometheus: Prometheus
    daemons: tuple[Daemon, ...]
    fallen: str
    fell: float
    returned: float
    start: float
    end: float


def _since(daemon: Daemon, target: str) -> float:
    (pool,) = daemon.status()["pools"]
    (found,) = [t for t in pool["targets"] if t["name"] == target]
    return float(found["since"])


def fleet(stage: Stage, count: int, **keys: object) -> tuple[Daemon, ...]:
    """So many hosts, up and published, each with a member that sees all of them."""
    hosts = stage.hosts[:count]
    stage.up(*hosts)
    stage.publish(*hosts)
    keys = {"lock": {"lease": 60, "margin": 20}, **keys}
    daemons = tuple(stage.member(host, **keys) for host in hosts)
    for daemon in daemons:
        daemon.until_healthy(count)
    return daemons


def die(stage: Stage, daemons: Iterable[Daemon], host: str) -> None:
    """The application of ``host`` dies, and its record goes when every daemon knows it.

    Who withdraws first would else win a race: the others may not know yet, and put it back or
    forget the target. The test has the lock of withdrawals until they do.
    """
    stage.emulator.zones.add("_dnsbalancer-lock TXT dnsbalancer 60")
    stage.down(host)
    for daemon in daemons:
        daemon.until_down(host)
    stage.emulator.zones.remove(*LOCK)


@contextmanager
def failover(folder: Path) -> Iterator[Scene]:
    """Play it; everything still runs while the scene is looked at."""
    with Stage(folder) as stage, Prometheus(folder) as prometheus:
        start = time.time()
        asked = ["{}:{}".format(*stage.emulator.dns_address)]
        daemons = fleet(stage, 3, resolvers=asked, quorum={"lease": 10})
        hosts = stage.hosts[:3]
        fallen = hosts[1]
        prometheus.scrape(*daemons)
        prometheus.until("sum(dnsbalancer_target_up) == 9", "all are up in Prometheus")
        die(stage, daemons, fallen)
        stage.until_published(hosts[0], hosts[2])
        for name in ("up", "published"):
            lasting = f'max_over_time(dnsbalancer_target_{name}{{target="{fallen}"}}[2s])'
            prometheus.until(f"max({lasting}) == 0", f"it has not been {name} for a while")
        fell = _since(daemons[0], fallen)
        daemons[0].reload()
        daemons[0].until_value(1, "config_reloads_total")
        stage.up(fallen)
        stage.until_published(*hosts)
        daemons[0].until_value(1, "target_up", target=fallen)
        returned = _since(daemons[0], fallen)
        prometheus.until("sum(dnsbalancer_target_published) == 9", "the record is back")
        prometheus.until("sum(dnsbalancer_target_up) == 9", "all are up again")
        prometheus.until("sum(dnsbalancer_config_reloads_total) == 1", "the reload is seen")
        for action in ("delete", "create"):
            changes = f'dnsbalancer_record_changes_total{{action="{action}"}}'
            prometheus.until(f"sum(increase({changes}[10s])) > 0", f"a {action} is seen")
        end = time.time() + 1  # so that the last step of a history is not before the last scrape
        yield Scene(prometheus, daemons, fallen, fell, returned, start, end)
    stage.judge()
