"""Many pools in one process: what they share, in which order they write, and what is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.lock import LABEL
from dnsbalancer_exporter.model import (
    Create,
    Hold,
    LockTerms,
    Mode,
    Pool,
    Record,
    TargetKey,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.pace import BURST, PATIENCE
from dnsbalancer_exporter.report import PoolReport
from dnsbalancer_exporter.zonelock import ZoneLock
from tests.simulation import virtual_time
from tests.unit.pools import DOWN, UP, A, B, C, D, E, pool, target
from tests.unit.test_cycle import BROKEN, LOST, START, V6, Stage
from tests.unit.test_rounds import Scene

ZONES = ("a.example", "b.example", "c.example")
RATE = 2.0


def name_of(number: int) -> str:
    return f"n{number}.{ZONES[number % len(ZONES)]}"


def fleet(count: int, *listed: str) -> list[Pool]:
    """A witness of so many names in three zones, all with the same targets."""
    made = pool(D, listed=listed or (A, B, C), member=False)
    return [
        replace(made, name=f"p{n}", zone=ZONES[n % 3], records=(name_of(n),)) for n in range(count)
    ]


class Many(Scene):
    """Pools in three zones over a zone in memory; ``health`` is by address, for all of them."""

    def __init__(self, pools: list[Pool], *published: str, lock: bool = True) -> None:
        super().__init__()
        self.store.zones.update({zone: {} for zone in ZONES})
        for each in pools:
            for name in each.records:
                for address in published:
                    kind = "AAAA" if ":" in address else "A"
                    self.store.add(f"{name} {kind} {address}", each.zone)
        self.health = dict.fromkeys((A, B, C, D, V6), UP)
        if lock:
            terms = LockTerms(lease=60.0, margin=20.0)
            records, clock = self.provider, lambda: self.now
            self.cycle.lock = ZoneLock(records, terms, clock, lambda: 0.5, lambda *_: None)
        self.story: list[tuple[float, str, str]] = []
        self.provider.then = self._note
        self._later = START
        self.begin(*pools)

    def _note(self, _: str) -> None:
        operation, what = self.store.calls[-1]
        name = getattr(what, "name", "")
        self.story.append((self.now - START, _word(operation, what), name.partition(".")[2]))

    @property
    def written(self) -> list[tuple[float, str]]:
        """The writes to names: when, and what."""
        return [(when, word) for when, word, _ in self.story if word in ("create", "delete")]

    def run_all(self, *pools: Pool) -> tuple[PoolReport, ...]:
        """Run a cycle in virtual time, a minute after the last one."""
        self.store.calls.clear()
        self._later += 60.0
        return virtual_time.run(self.cycle.run(pools), self._later)

    def counted(self) -> Counter[str]:
        """How often each operation was asked for; the lock's by the name `lock`."""
        return Counter(_word(operation, what) for operation, what in self.store.calls)

    def words(self) -> list[str]:
        return [_word(operation, what) for operation, what in self.store.calls]

    def held(self, address: str) -> int:
        """How many names have the address."""
        return sum(address in self.store.values(n) for p in self.pools for n in p.records)


def _word(operation: str, what: object) -> str:
    if isinstance(what, Create | Record) and what.name.startswith(LABEL):
        return f"{operation} lock"
    return f"{operation} {what.value}" if isinstance(what, RecordType) else operation


# --- reading --------------------------------------------------------------------------------


def test_a_quiet_cycle_of_300_pools_costs_one_list_per_zone_and_type() -> None:
    scene = Many(fleet(300, A, B, V6), A, B, V6)
    scene.run_all(*scene.pools)
    assert scene.counted() == {"list A": 3, "list AAAA": 3}


def test_who_is_woken_is_looked_at_alone() -> None:
    scene = Many(fleet(300), A, B, C)
    scene.play(61.0, (60.0, lambda: scene.rounds.wake("p7")))
    assert Counter(whose for when, whose in scene.turns if when > 1.0) == {"p7": 1}
    assert scene.counted() == {"list A": 4}


def test_a_pool_whose_plan_is_calm_is_neither_planned_nor_followed_anew() -> None:
    scene = Many(fleet(3, A, B), A, B)
    scene.run_all(*scene.pools)
    scene.run_all(*scene.pools)
    pools = scene.cycle.outlook._followed
    followed, pools._follow = pools._follow, _nobody
    first, *_ = scene.run_all(*scene.pools)
    again, *_ = scene.run_all(*scene.pools)
    assert again.plan is first.plan
    assert again.cycles == first.cycles + 1
    assert (again.read_at or 0.0) > (first.read_at or 0.0)
    pools._follow = followed
    scene.store.zones[first.pool.zone].clear()
    assert scene.run_all(*scene.pools)[0].plan is not first.plan


def _nobody(*_: object) -> None:
    raise AssertionError("somebody is followed anew")


def test_a_pool_asks_for_no_state_but_those_of_its_own_targets() -> None:
    class Counting(dict[TargetKey, object]):
        asked = 0

        def __getitem__(self, key: TargetKey) -> object:
            Counting.asked += 1
            return super().__getitem__(key)

        def get(self, key: TargetKey) -> object:  # type: ignore[override]
            Counting.asked += 1
            return super().get(key)

        def values(self) -> object:  # type: ignore[override]
            raise AssertionError("all states of the process are looked through")

        items = __iter__ = values  # type: ignore[assignment]

    scene = Many(fleet(100), A, B, C)
    scene.run_all(*scene.pools)
    scene.cycle.outlook._followed._states = lambda: Counting(scene.states)  # type: ignore[assignment,return-value]
    scene.cycle.outlook._followed._follow = lambda *_: None
    scene.run_all(*scene.pools[:1])
    assert 0 < Counting.asked < 50


def test_a_zone_that_cannot_be_read_does_not_delay_another() -> None:
    scene = Many(fleet(3), A, B)
    scene.provider.faults["list"].append(BROKEN)
    assert [report.error for report in scene.run_all(*scene.pools)] == ["500", "", ""]
    assert scene.held(C) == 2


# --- falling at once ----------------------------------------------------------------------


def falling(count: int) -> Many:
    """B has died, everywhere."""
    scene = Many(fleet(count, A, B), A, B)
    scene.health[B] = DOWN
    return scene


def test_many_that_fall_at_once_share_the_reads_and_the_lock_of_their_zone() -> None:
    scene = falling(300)
    scene.run_all(*scene.pools)
    assert scene.held(B) == 0
    assert scene.counted() == {
        "list A": 9,  # the first look, the one under the lock, and the list back
        "create lock": 3,
        "list TXT": 3,
        "delete": 300,
        "delete lock": 3,
    }


def test_many_that_return_at_once_share_the_read_after_their_creates() -> None:
    scene = Many(fleet(300), A)
    scene.health[C] = DOWN
    scene.run_all(*scene.pools)
    assert scene.counted() == {"list A": 6, "create": 300}


def test_writes_are_paced_and_nothing_is_forgotten() -> None:
    scene = falling(60)
    scene.cycle.pace.rate = RATE
    scene.play(120.0)
    assert (scene.held(A), scene.held(B)) == (60, 0)
    times = [when for when, word in scene.written if word == "delete"]
    assert len(times) == 60
    for begin in times:
        assert sum(begin <= when < begin + 10.0 for when in times) <= BURST + 10 * RATE


def test_what_waits_for_a_place_is_in_the_report_and_has_its_turn_when_there_is_one() -> None:
    scene = falling(60)
    scene.cycle.pace.rate = 0.1
    reports = scene.run_all(*scene.pools)
    left = [report for report in reports if report.writes_left]
    assert sum(report.writes_left for report in reports) == scene.held(B) == len(left) > 50
    assert {report.again_at for report in left} == {scene.cycle.pace.free_at}


@pytest.mark.parametrize("dying", [0, 1, 2, 59])
def test_the_dead_go_first_within_a_zone_and_across_zones(dying: int) -> None:
    """One name has a dead address, 59 have somebody to put back, and the API takes few writes."""
    scene = Many(fleet(60), A)
    scene.cycle.pace.rate = RATE
    fallen = scene.pools[dying]
    scene.store.add(f"{fallen.records[0]} A {B}", fallen.zone)
    scene.health |= {B: DOWN}
    scene.run_all(*scene.pools)
    words = [word for _, word in scene.written]
    assert B not in scene.store.values(fallen.records[0])
    # Its own zone's creates wait for it; those of other zones may have had the burst.
    assert words.index("delete") <= BURST + 1


def test_a_death_elsewhere_ends_the_wait_of_those_who_only_return() -> None:
    pools = fleet(60)
    pools[0] = replace(pools[0], listed=(*pools[0].listed, target(E)))
    scene = Many(pools, A, B)
    scene.store.add(f"{name_of(0)} A {E}", ZONES[0])
    scene.health[E] = UP
    scene.cycle.pace.rate = RATE

    def dies() -> None:
        scene.health[E] = DOWN
        scene.rounds.wake("p0")

    scene.play(30.0, (3.0, dies))
    gone = next(when for when, word in scene.written if word == "delete")
    assert 3.0 <= gone <= 4.5


def test_under_the_lock_nobody_waits_for_longer_than_a_turn() -> None:
    scene = falling(90)
    scene.cycle.pace.rate = RATE
    held: dict[str, float] = {}
    longest = 0.0
    scene.play(300.0)
    for when, word, zone in scene.story:
        if word == "create lock":
            held[zone] = when
        elif word == "delete lock":
            longest = max(longest, when - held.pop(zone))
    assert not held
    assert PATIENCE / 2 < longest <= PATIENCE + 0.5


def test_a_lock_that_somebody_else_has_takes_no_places() -> None:
    scene = falling(3)
    scene.cycle.pace.rate = RATE
    for zone in ZONES:
        scene.store.add(f"{LABEL} TXT dnsbalancer", zone)
    reports = scene.run_all(*scene.pools)
    assert {hold for report in reports for hold in report.plan.holds} == {Hold.NO_LOCK}
    free = scene.cycle.pace.free_at
    scene._later -= 59.9
    scene.run_all(*scene.pools)
    assert scene.cycle.pace.free_at == free


def test_an_unsettled_delete_ends_the_withdrawals_of_its_zone_and_of_no_other() -> None:
    scene = falling(9)
    scene.provider.faults["delete"].append(LOST)
    scene.run_all(*scene.pools)
    assert scene.held(B) == 3
    assert scene.counted()["delete lock"] == 2


def test_an_observed_pool_beside_enforced_ones_is_left_alone() -> None:
    scene = falling(9)
    observed = replace(scene.pools[0], mode=Mode.OBSERVE)
    reports = scene.run_all(observed, *scene.pools[1:])
    assert scene.held(B) == 1
    assert reports[0].plan.holds == (Hold.OBSERVE_MODE,)


def test_a_pool_that_fails_under_the_lock_does_not_keep_the_lock() -> None:
    scene = falling(9)
    error = ProviderError(ApiReason.SERVER_ERROR, "503")
    scene.provider.faults["list"] += [None, None, None, None, error]
    reports = scene.run_all(*scene.pools)
    assert Counter(bool(report.error) for report in reports) == {True: 3, False: 6}
    assert scene.counted()["create lock"] == scene.counted()["delete lock"] == 3


# --- several names, one verdict -----------------------------------------------------------


def named(*names: str, listed: tuple[str, ...] = (), min_records: int = 1) -> Pool:
    """A witness of several names."""
    made = pool(D, listed=listed, member=False, min_records=min_records)
    return replace(made, records=tuple(f"{name}.example.com" for name in names))


def test_a_dead_target_leaves_every_name_in_one_cycle() -> None:
    scene = Stage(*(f"{n} A {a}" for n in "xyz" for a in (A, B, C)))
    scene.health = {A: UP, B: DOWN, C: UP}
    report = scene.run_twice(named(*"xyz"))
    assert [scene.store.values(f"{n}.example.com") for n in "xyz"] == [[A, C]] * 3
    assert report.plan.deletes == ()


def test_the_floor_holds_for_each_name() -> None:
    """x has others that are up, y has only the dead one beside one that is up, z nobody else."""
    records = [f"x A {a}" for a in (A, B, C)] + [f"y A {a}" for a in (A, B)] + [f"z A {B}"]
    scene = Stage(*records)
    scene.health = {A: UP, B: DOWN, C: UP}
    report = scene.run_twice(named(*"xyz", min_records=2))
    held = {n: scene.store.values(f"{n}.example.com") for n in "xyz"}
    assert held == {"x": [A, C], "y": [A, B], "z": [B]}
    assert report.plan.holds == (Hold.MIN_RECORDS,)


def test_an_api_that_fails_between_the_names_leaves_the_rest_to_the_next_cycle() -> None:
    scene = Stage(*(f"{n} A {a}" for n in "xyz" for a in (A, B, C)))
    scene.health = {A: UP, B: DOWN, C: UP}
    of = named(*"xyz")
    scene.provider.faults["delete"] += [None, BROKEN]
    scene.run(of)
    assert [B in scene.store.values(f"{n}.example.com") for n in "xyz"] == [False, True, False]
    scene.now += 400.0
    scene.run(of)
    assert [B in scene.store.values(f"{n}.example.com") for n in "xyz"] == [False, False, False]


@pytest.mark.parametrize("listed", [(), (A, B, C)])
def test_one_that_left_some_of_the_names_is_put_back_there_and_nowhere_else(
    listed: tuple[str, ...],
) -> None:
    """The delete at y was refused, and by the next cycle it is up again. It never was at z."""
    scene = Stage(*(f"{n} A {a}" for n in "xy" for a in (A, B, C)), f"z A {A}", f"z A {C}")
    scene.health = {A: UP, B: DOWN, C: UP}
    of = named(*"xyz", listed=listed)
    scene.provider.faults["delete"] += [None, BROKEN]
    scene.run(of)
    assert [B in scene.store.values(f"{n}.example.com") for n in "xy"] == [False, True]
    scene.health[B] = UP
    scene.run_twice(of)
    there = [B in scene.store.values(f"{n}.example.com") for n in "xyz"]
    assert there == [True, True, bool(listed)]


def test_a_create_that_fails_under_one_name_waits_there_alone() -> None:
    scene = Stage(*(f"{n} A {a}" for n in "xy" for a in (A, C)))
    scene.health = {A: UP, B: UP, C: UP}
    scene.provider.faults["create"].append(BROKEN)
    report: PoolReport = scene.run(named(*"xy", listed=(A, B, C)))
    assert [B in scene.store.values(f"{n}.example.com") for n in "xy"] == [False, True]
    assert [(o.name, o.address) for o in report.plan.omitted] == [("x.example.com", B)]
