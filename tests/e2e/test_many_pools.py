"""Hundreds of names, one daemon: what it costs when nothing happens, and when much does."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.e2e.daemon import Daemon
from tests.e2e.stage import ZONE, Stage, kinds_of, until

ZONES = (ZONE, "two.example", "three.example")
COUNT = 300
PATIENCE = 120.0
"""Seconds that a busy machine may take for all of them."""


def name_of(number: int) -> str:
    return f"n{number}.{ZONES[number % 3]}"


def fleet(stage: Stage, *hosts: str, **keys: object) -> Daemon:
    """A witness of 300 names in three zones; all of them have the same machines."""
    stage.add_zones(*ZONES[1:])
    names = [name_of(number) for number in range(COUNT)]
    stage.managed = {(name, "a") for name in names}
    stage.up(*hosts)
    for name in names:
        for host in hosts:
            stage.emulator.zones.add(f"{name} A {host} 60")
    pools = [
        {"zone": ZONES[n % 3], "record": name.partition(".")[0]} for n, name in enumerate(names)
    ]
    daemon = stage.witness(targets=list(hosts), own_ip=None, pools=pools, **keys)
    until(
        lambda: daemon.log.count("event=target_up") == COUNT * len(hosts),
        "all targets are up",
        PATIENCE,
    )
    return daemon


def held(stage: Stage, host: str) -> int:
    return sum(host in stage.values(name=name_of(number)) for number in range(COUNT))


def test_300_pools_in_three_zones_cost_three_gets_per_cycle(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = fleet(stage, one, two, interval=10, fast_interval=1, probe_timeout=5)
    before = stage.asked("list_records")
    until(lambda: stage.asked("list_records") >= before + 9, "three turns and more", PATIENCE)
    assert stage.writes() == 0
    told: list[dict[str, Any]] = []

    def tells() -> bool:
        told.extend(daemon.status()["pools"])
        return True

    until(tells, "its status", PATIENCE)
    cycles = Counter({pool["name"]: pool["cycles"] for pool in told})
    asked = Counter(entry.path for entry in stage.requests("list_records"))
    assert len(asked) == len(ZONES)
    # Each of 100 cycles of a zone rests on the same list; one may have begun since.
    assert max(asked.values()) <= max(cycles.values()) + 1
    assert sum(asked.values()) <= sum(cycles.values()) / 100 + len(ZONES)


def test_a_machine_of_300_names_dies_and_leaves_all_of_them(stage: Stage) -> None:
    """All of them share the lists and the locks of their zones."""
    one, two = stage.hosts[:2]
    slow = {"interval": 10, "fast_interval": 1, "probe_timeout": 5}
    daemon = fleet(stage, one, two, **slow, api_rate=100, lock={"lease": 60, "margin": 20})
    stage.emulator.journal.clear()
    stage.down(two)
    until(lambda: held(stage, two) == 0, "it is out of all names", PATIENCE)
    assert held(stage, one) == COUNT
    deletes = [entry for entry in stage.requests("delete_record") if "a" in kinds_of(entry)]
    assert len(deletes) == COUNT
    assert stage.asked("list_records", "a") < COUNT / 2
    assert stage.asked("create_record", "txt") < COUNT / 4
    until(lambda: daemon.log.count("event=record_delete ") == COUNT, "it is said", PATIENCE)
