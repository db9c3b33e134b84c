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


def told(daemon: Daemon) -> list[dict[str, Any]]:
    """The pools of its status; a busy machine may need a while."""
    answers: list[list[dict[str, Any]]] = []

    def tells() -> bool:
        answers.append(daemon.status()["pools"])
        return True

    until(tells, "its status", PATIENCE)
    return answers[0]


def held(stage: Stage, host: str) -> int:
    return sum(host in stage.values(name=name_of(number)) for number in range(COUNT))


def test_300_pools_in_three_zones_cost_three_gets_per_cycle(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = fleet(stage, one, two, interval=10, fast_interval=1, probe_timeout=5)

    def turns() -> int:
        return stage.asked("list_records") // len(ZONES)

    def cycles() -> dict[str, int]:
        return {pool["name"]: pool["cycles"] for pool in told(daemon)}

    # Each target that came up has started a cycle of its own: from here on nothing happens.
    began = turns()
    until(lambda: turns() >= began + 2, "the turns after the last that came up", PATIENCE)
    before, listed = cycles(), turns()
    until(lambda: turns() >= listed + 4, "four turns and more", PATIENCE)
    asked = Counter(entry.path for entry in stage.requests("list_records"))
    assert len(asked) == len(ZONES)
    made, ended = turns() - listed, cycles()
    assert stage.writes() == 0
    # The 100 cycles of a zone rest on the same list; one turn may be under way at either end.
    assert all(abs(ended[name] - before[name] - made) <= 2 for name in ended)


def test_a_machine_of_300_names_dies_and_leaves_all_of_them(stage: Stage) -> None:
    """All of them share the lists and the locks of their zones."""
    one, two = stage.hosts[:2]
    slow = {"interval": 10, "fast_interval": 1, "probe_timeout": 5}
    daemon = fleet(stage, one, two, **slow, api_rate=100, lock={"lease": 60, "margin": 20})
    # They fall over some ten seconds. A lock takes its time, as it does at a real provider: these
    # seconds say how many turns there are, and not how fast the machine is.
    stage.emulator.faults.add("create_record:slow:seconds=0.5:type=TXT")
    stage.emulator.journal.clear()
    stage.down(two)
    until(lambda: held(stage, two) == 0, "it is out of all names", PATIENCE)
    assert held(stage, one) == COUNT
    deletes = [entry for entry in stage.requests("delete_record") if "a" in kinds_of(entry)]
    assert len(deletes) == COUNT
    # Each on its own would read before, under and after its lock; a turn takes those that have
    # fallen by then.
    assert stage.asked("list_records", "a") < 3 * COUNT / 2
    assert stage.asked("create_record", "txt") < COUNT / 2
    until(lambda: daemon.log.count("event=record_delete ") == COUNT, "it is said", PATIENCE)
