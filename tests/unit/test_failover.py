"""Failover durations: which writes are measured, from which moment, and how often."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from dnsbalancer_exporter import judge
from dnsbalancer_exporter.export.failover import FAILOVER, RECOVERY, STEPS, Failovers
from dnsbalancer_exporter.model import (
    Drain,
    Ground,
    Health,
    Outcome,
    Pool,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
    Record,
    RecordSetKey,
    Target,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.report import Change, PoolReport, TargetState

ZONE, NAME, OTHER = "example.com", "example.com", "app.example.com"
A, B = "192.0.2.1", "192.0.2.2"
PROBE = ProbeSpec(Protocol.TCP, "", 80, 2.0)
POOL = Pool("p", ZONE, (NAME,), True, (Target(A, A, PROBE),), PROBE)
KEY = RecordSetKey(NAME, RecordType.A)
TIMING = Timing(interval=180.0, fast_interval=1.0, fall=3, rise=2)


def record(address: str, id_: str = "", name: str = NAME) -> Record:
    return Record(id_ or address, name, RecordType.A, address, 60)


def deleted(address: str, at: float | None, ground: Ground = Ground.DOWN, **more: str) -> Change:
    return Change("delete", record(address, **more), ground, "" if at else "refused", at=at)


def created(address: str, at: float) -> Change:
    return Change("create", record(address), at=at)


class Scene:
    """One pool with the targets A and B; ``seen`` has all steps, as (histogram, step, seconds)."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, float]] = []
        self.pool = POOL
        self.drains: dict[str, Drain] = {}
        self.failovers = Failovers(self._observe)
        self.states = {a: TargetState(Target(a, a, PROBE), timing=TIMING) for a in (A, B)}

    def _observe(self, metric: str, pool: str, step: str, seconds: float) -> None:
        assert pool == "p"
        self.seen.append((metric, step, round(seconds, 3)))

    def probed(self, address: str, letters: str, at: float, *, reference: bool = False) -> None:
        """A probe a second from ``at`` on, each of half a second: S, F or E."""
        for number, letter in enumerate(letters):
            outcome, reason = {
                "S": (Outcome.SUCCESS, None),
                "F": (Outcome.FAILURE, ProbeReason.REFUSED),
                "E": (Outcome.ERROR, ProbeReason.NO_ROUTE),
            }[letter]
            result = ProbeResult(outcome, at + number, 0.5, reason)
            before = self.states[address]
            now = at + number + 0.5
            after = self.states[address] = judge.judged(before, result, now, now + 9)
            self.failovers.judged(TargetKey("p", address, reference), before, after)

    def cycled(
        self,
        *changes: Change,
        holds: Sequence[str] = (),
        targets: Iterable[str] = (A, B),
        error: str = "",
    ) -> None:
        """A cycle ended and found or left ``holds`` in the zone."""
        names = self.pool.records
        records = tuple(record(address, name=name) for address in holds for name in names)
        self.failovers.cycled(
            PoolReport(
                self.pool, tuple(targets), records, 1.0,
                changes=changes, error=error, drains=self.drains,
            )
        )  # fmt: skip
        self.failovers.turned()

    def taken(self) -> list[tuple[str, str, float]]:
        seen, self.seen = self.seen, []
        return seen


@pytest.fixture
def scene() -> Scene:
    """Both targets are UP and published."""
    scene = Scene()
    scene.probed(A, "SS", 10.0)
    scene.probed(B, "SS", 10.0)
    scene.cycled(holds=(A, B))
    assert scene.taken() == []
    return scene


def test_a_withdrawal_is_measured_from_the_first_failed_probe_on(scene: Scene) -> None:
    scene.probed(A, "SFFF", 100.0)  # the first failure begins at 101, the third ends at 103.5
    scene.failovers.locked(ZONE, 104.0)
    scene.cycled(deleted(A, 105.0), holds=(B,))
    assert scene.taken() == [
        (FAILOVER, "detected", 2.5),
        (FAILOVER, "locked", 3.0),
        (FAILOVER, "accepted", 4.0),
    ]
    scene.cycled(holds=(B,))
    scene.failovers.visible("p", KEY, 20.0)
    assert scene.taken() == [(FAILOVER, "visible", 24.0)]
    scene.failovers.visible("p", KEY, 30.0)
    scene.cycled(holds=(B,))
    assert scene.taken() == []


def test_without_a_lock_that_step_is_absent_and_a_lock_of_earlier_does_not_count(
    scene: Scene,
) -> None:
    scene.failovers.locked(ZONE, 50.0)
    scene.cycled(holds=(A, B))
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0), holds=(B,))
    assert scene.taken() == [(FAILOVER, "detected", 2.5), (FAILOVER, "accepted", 5.0)]


def test_no_step_comes_before_the_one_ahead_of_it(scene: Scene) -> None:
    scene.failovers.locked(ZONE, 99.0)  # for somebody else, by the same cycle
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 102.4), holds=(B,))
    assert [seconds for *_, seconds in scene.taken()] == [2.5, 2.5, 2.5]


@pytest.mark.parametrize("ground", sorted(set(Ground) - {Ground.DOWN}, key=str))
def test_other_grounds_are_no_failover(scene: Scene, ground: Ground) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0, ground), holds=(B,))
    assert scene.taken() == []


def test_a_delete_that_failed_is_measured_when_it_succeeds(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, None), holds=(A, B))
    assert scene.taken() == []
    scene.cycled(deleted(A, 130.0), holds=(B,))
    assert scene.taken()[-1] == (FAILOVER, "accepted", 30.0)


def test_a_delete_counts_though_the_cycle_ends_with_an_error(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0), holds=(A, B), error="the read back failed")
    assert scene.taken()[-1] == (FAILOVER, "accepted", 5.0)
    scene.cycled(holds=(B,))
    assert scene.taken() == []


def test_a_cycle_that_could_not_read_settles_nothing(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(error="the API is away since the start")
    scene.cycled(deleted(A, 130.0), holds=(B,))
    assert scene.taken()[-1] == (FAILOVER, "accepted", 30.0)


def test_a_record_that_comes_back_and_goes_again_is_no_second_failover(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0), holds=(B,))
    scene.taken()
    scene.cycled(holds=(A, B))
    scene.cycled(deleted(A, 900.0), holds=(B,))
    assert scene.taken() == []


def test_what_a_peer_withdrew_is_not_ours_to_measure(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(holds=(B,))
    scene.cycled(holds=(A, B))
    scene.cycled(deleted(A, 900.0), holds=(B,))
    assert scene.taken() == []


def test_of_duplicates_the_last_to_go_counts_once(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0, id_="1"), deleted(A, 107.0, id_="2"), holds=(B,))
    assert scene.taken() == [(FAILOVER, "detected", 2.5), (FAILOVER, "accepted", 7.0)]
    scene.failovers.visible("p", KEY, 1.0)
    assert scene.taken() == [(FAILOVER, "visible", 8.0)]


def test_each_record_set_counts(scene: Scene) -> None:
    scene.pool = replace(POOL, records=(NAME, OTHER))
    scene.cycled(holds=(A, B))
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 105.0), deleted(A, 106.0, name=OTHER), holds=(B,))
    accepted = sorted(s for _, step, s in scene.taken() if step == "accepted")
    assert accepted == [5.0, 6.0]
    scene.failovers.visible("p", RecordSetKey(OTHER, RecordType.A), 1.0)
    scene.failovers.visible("p", KEY, 1.0)
    assert scene.taken() == [(FAILOVER, "visible", 7.0), (FAILOVER, "visible", 6.0)]


def test_each_death_counts(scene: Scene) -> None:
    for start in (100.0, 300.0):
        scene.probed(A, "FFF", start)
        scene.cycled(deleted(A, start + 4), holds=(B,))
        assert scene.taken() == [(FAILOVER, "detected", 2.5), (FAILOVER, "accepted", 4.0)]
        scene.probed(A, "SS", start + 100)
        scene.cycled(holds=(A, B))  # put back by its own daemon
        assert scene.taken() == []


def test_a_return_is_measured_from_the_first_successful_probe_on(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    scene.taken()
    scene.probed(A, "SFSES", 200.0)  # an error is nobody's: the run begins at 202
    assert scene.states[A].health.health is Health.UP
    scene.cycled(holds=(B,))
    scene.cycled(created(A, 210.0), holds=(A, B))
    assert scene.taken() == [(RECOVERY, "detected", 2.5), (RECOVERY, "accepted", 8.0)]
    scene.failovers.visible("p", KEY, 1.0)
    assert scene.taken() == [(RECOVERY, "visible", 9.0)]  # and no failover: it never came to it


def test_a_first_publication_is_no_recovery() -> None:
    scene = Scene()
    scene.probed(A, "SS", 10.0)
    scene.cycled(created(A, 20.0), holds=(A,))
    assert scene.taken() == []


def test_a_refill_is_no_recovery(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(holds=(A, B))  # fail open, say: it was never withdrawn
    scene.probed(A, "SS", 200.0)
    scene.cycled(holds=(A, B))
    scene.cycled(created(A, 5000.0), holds=(A, B))
    assert scene.taken() == []


def test_the_time_of_a_drain_does_not_count(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    scene.taken()
    scene.drains[A] = Drain(90.0, 9000.0)
    scene.probed(A, "SS", 200.0)
    scene.cycled(holds=(B,))
    scene.drains.clear()
    scene.cycled(created(A, 5000.0), holds=(A, B))
    assert scene.taken() == []


def test_dns_that_shows_two_failovers_at_once_ends_both(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    scene.probed(B, "FFF", 110.0)
    scene.cycled(deleted(B, 116.0), holds=())
    scene.taken()
    scene.failovers.visible("p", KEY, 1.0)
    assert sorted(scene.taken()) == [(FAILOVER, "visible", 7.0), (FAILOVER, "visible", 17.0)]


def test_when_a_peer_has_written_since_nobody_knows_when_dns_had_ours(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    scene.cycled(holds=(B, "192.0.2.9"))
    scene.taken()
    scene.failovers.visible("p", KEY, 500.0)
    assert scene.taken() == []


def test_references_are_not_ours(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0, reference=True)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    assert scene.taken() == []


@pytest.mark.parametrize("how", ["target", "pool"])
def test_who_is_gone_is_forgotten(scene: Scene, how: str) -> None:
    scene.probed(A, "FFF", 100.0)
    if how == "target":
        scene.cycled(holds=(A, B), targets=[B])
    else:
        scene.failovers.forget("p")
    scene.cycled(deleted(A, 900.0), holds=(B,))
    assert scene.taken() == []


def test_an_unseen_write_of_a_forgotten_pool_is_forgotten(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.cycled(deleted(A, 104.0), holds=(B,))
    scene.taken()
    scene.failovers.forget("p")
    scene.failovers.visible("p", KEY, 1.0)
    assert scene.taken() == []


def test_only_steps_of_the_closed_set_are_told(scene: Scene) -> None:
    scene.probed(A, "FFF", 100.0)
    scene.failovers.locked(ZONE, 104.0)
    scene.cycled(deleted(A, 105.0), holds=(B,))
    scene.probed(A, "SS", 200.0)
    scene.failovers.locked(ZONE, 203.0)
    scene.cycled(created(A, 205.0), holds=(A, B))
    scene.failovers.visible("p", KEY, 1.0)
    told = [(metric, step) for metric, step, _ in scene.taken()]
    assert set(told) <= {(metric, step) for metric, steps in STEPS.items() for step in steps}
    assert len(told) == 3 + 3
