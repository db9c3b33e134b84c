"""Watch: who is probed when, and which results count; in simulated time."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from dnsbalancer_exporter.agenda import BEAT, SPACING
from dnsbalancer_exporter.judge import judged
from dnsbalancer_exporter.model import (
    Health,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
    Target,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.probe.task import InTask
from dnsbalancer_exporter.report import PROBE_BUCKETS, TargetState
from dnsbalancer_exporter.rhythm import next_moment
from dnsbalancer_exporter.roster import Watched
from dnsbalancer_exporter.watch import AT_ONCE, LATE, NEAR, ROLL_CALL, Watch
from tests.simulation import virtual_time

START = 1000.0
TIMING = Timing(interval=180.0, fast_interval=1.0, probe_timeout=2.0, fall=3, rise=2)
A, B, C = "192.0.2.1", "192.0.2.2", "192.0.2.3"
UNKNOWN, UP, DOWN = Health.UNKNOWN, Health.UP, Health.DOWN


class Script:
    """A prober that answers as it is told: a letter per probe, the last one for ever.

    S succeeds, F is refused, E is our own fault, each after 10 ms; T swallows the packet.
    ``probes`` has the seconds since the start and the address of each attempt.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.probes: list[tuple[float, str]] = []
        self.taken = 0.01

    def says(self, address: str, letters: str) -> None:
        self.answers[address] = letters

    def begin(self, spec: ProbeSpec, done: Callable[[ProbeResult], None]) -> InTask[ProbeResult]:
        return InTask(self.probe(spec), lambda task: done(task.result()))

    async def probe(self, spec: ProbeSpec) -> ProbeResult:
        started = virtual_time.loop().time()
        self.probes.append((started - START, spec.address))
        letters = self.answers.get(spec.address, "S")
        self.answers[spec.address] = letters[1:] or letters
        taken = spec.timeout if letters[0] == "T" else self.taken
        await asyncio.sleep(taken)
        outcome, reason = {
            "S": (Outcome.SUCCESS, None),
            "F": (Outcome.FAILURE, ProbeReason.REFUSED),
            "T": (Outcome.FAILURE, ProbeReason.TIMEOUT),
            "E": (Outcome.ERROR, ProbeReason.NO_ROUTE),
        }[letters[0]]
        return ProbeResult(outcome, started, taken, reason)

    def times(self, address: str, since: float = 0.0) -> list[float]:
        return [at for at, probed in self.probes if probed == address and at >= since]

    def count(self, address: str, since: float, until: float) -> int:
        return sum(since <= at < until for at in self.times(address))


class Stage:
    """A watch over scripted targets, and everything that it told."""

    def __init__(self) -> None:
        self.script = Script()
        self.told: list[tuple[TargetKey, TargetState, TargetState]] = []
        self.watch = Watch(
            self.script, virtual_time.loop().time, lambda *told: self.told.append(told)
        )

    def follow(self, *targets: Target | Watched, pool: str = "p", timing: Timing = TIMING) -> None:
        wanted = [
            t if isinstance(t, Watched) else Watched(key(t.address, pool), t) for t in targets
        ]
        self.watch.follow(pool, timing, wanted)

    def state(self, address: str, pool: str = "p") -> TargetState:
        return self.watch.states[key(address, pool)]

    def health(self, address: str) -> Health:
        return self.state(address).health.health

    def transitions(self) -> list[tuple[str, Health]]:
        return [
            (k.address, after.health.health)
            for k, before, after in self.told
            if before.health.health is not after.health.health
        ]


def key(address: str, pool: str = "p") -> TargetKey:
    return TargetKey(pool, address)


def target(address: str, probed: str = "", timeout: float = 2.0) -> Target:
    return Target(address, address, ProbeSpec(Protocol.TCP, probed or address, 80, timeout))


def play(scene: Callable[[Stage], Awaitable[None]]) -> Stage:
    """Play a scene to its end, then close the watch."""

    async def main() -> Stage:
        stage = Stage()
        try:
            await scene(stage)
        finally:
            stage.watch.close()
        return stage

    return virtual_time.run(main(), START)


def gaps(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


def approx(times: list[float]) -> object:
    return pytest.approx(times, abs=1e-6)


# --- when a target is probed --------------------------------------------------------------


def test_a_new_target_is_probed_at_once_and_fast_until_it_is_settled() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(1.5)

    stage = play(scene)
    assert stage.script.times(A) == approx([0.0, 1.0])
    assert stage.transitions() == [(A, UP)]


def test_a_settled_target_is_probed_once_per_interval() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(2000.0)

    times = play(scene).script.times(A)
    steady = gaps(times[2:])
    assert steady == approx([180.0] * len(steady))
    assert len(steady) >= 9


def test_the_first_settled_wait_spreads_the_targets_over_the_interval() -> None:
    addresses = [f"198.51.100.{n}" for n in range(100)]

    async def scene(stage: Stage) -> None:
        stage.follow(*map(target, addresses))
        await asyncio.sleep(400.0)

    stage = play(scene)
    third = {a: stage.script.times(a)[2] - 1.02 for a in addresses}
    assert all(0 < at <= 181.8 for at in third.values())
    by_quarter = [
        sum(q * 45 < at <= (q + 1) * 45 + 0.01 for at in third.values()) for q in range(4)
    ]
    assert min(by_quarter) >= 12
    again = play(scene)
    assert {a: again.script.times(a)[2] - 1.02 for a in addresses} == third


def test_a_result_that_disagrees_is_confirmed_fast() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(400.0)
        stage.script.says(A, "FFFFS")
        await asyncio.sleep(400.0)

    stage = play(scene)
    first = stage.script.times(A, since=400.0)[0]
    offsets = [at - first for at in stage.script.times(A, since=400.0)]
    # Three failures make it fall; then it is settled, and its next probe is where it always is.
    assert offsets[:4] == approx([0.0, 1.0, 2.0, 180.0])
    assert stage.transitions() == [(A, UP), (A, DOWN)]


def test_a_single_failure_is_confirmed_as_none_and_changes_nothing() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(400.0)
        stage.script.says(A, "FS")
        await asyncio.sleep(400.0)

    stage = play(scene)
    first = stage.script.times(A, since=400.0)[0]
    offsets = [at - first for at in stage.script.times(A, since=400.0)]
    assert offsets[:4] == approx([0.0, 1.0, 2.0, 180.0])
    assert stage.transitions() == [(A, UP)]


def test_a_target_that_swallows_packets_delays_nobody() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(B, "T")
        stage.follow(target(A), target(B), target(C))
        await asyncio.sleep(1.5)
        assert (stage.health(A), stage.health(C)) == (UP, UP)
        await asyncio.sleep(7.0)
        assert stage.health(B) is DOWN

    stage = play(scene)
    assert stage.script.times(B)[:3] == approx([0.0, 3.0, 6.0])
    assert stage.script.times(A)[:2] == approx([0.0, 1.0])


def test_an_error_is_asked_again_ever_more_slowly() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(300.0)
        stage.script.says(A, "E")
        await asyncio.sleep(1000.0)

    stage = play(scene)
    waits = gaps(stage.script.times(A, since=300.0))
    assert waits[:9] == approx([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 180.0])
    assert stage.transitions() == [(A, UP)]


def test_those_in_no_hurry_begin_together_and_a_confirmation_does_not_wait_for_them() -> None:
    hasty = replace(TIMING, interval=1.0, fast_interval=0.2)

    async def scene(stage: Stage) -> None:
        stage.follow(*(target(f"198.51.100.{n}") for n in range(200)), timing=hasty)
        await asyncio.sleep(20.0)
        stage.script.says("198.51.100.7", "FF" + "S")
        await asyncio.sleep(3.0)

    stage = play(scene)
    moments = {at for at, _ in stage.script.probes if 10.0 <= at < 20.0}
    assert len(moments) <= 10 / BEAT + 1
    assert [at for at in moments if not (at / BEAT).is_integer()] == []
    waits = gaps(stage.script.times("198.51.100.7", since=20.0))
    assert waits[:3] == pytest.approx([0.21, 0.21, 0.21], abs=NEAR)
    assert sum(waits[:4]) == pytest.approx(1.0, abs=BEAT)  # and then it has its old place


def test_there_is_one_attempt_at_a_time_for_each_target() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(A, "T")
        stage.follow(target(A))
        await asyncio.sleep(0.5)
        for interval in (100.0, 90.0, 80.0):
            stage.follow(target(A), timing=replace(TIMING, interval=interval))
            await asyncio.sleep(0.1)
        await asyncio.sleep(1.0)

    assert play(scene).script.times(A) == [0.0]


# --- the roll call ------------------------------------------------------------------------


def test_when_a_target_begins_to_fail_the_others_of_its_pool_are_asked_at_once() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A), target(B))
        stage.follow(target(C), pool="other")
        await asyncio.sleep(500.0)
        stage.script.says(A, "F")
        await asyncio.sleep(250.0)
        # Somebody has answered since A began to fail, which is what a withdrawal needs.
        failing_since = stage.state(A).health.failing_since
        succeeded_at = stage.state(B).health.succeeded_at
        assert failing_since is not None
        assert succeeded_at is not None
        assert succeeded_at >= failing_since

    stage = play(scene)
    assert stage.transitions()[-1] == (A, DOWN)
    fell = next(at for at in stage.script.times(A) if at >= 500.0)
    assert stage.script.count(B, fell, fell + 2.1) == 3
    assert stage.script.count(C, fell, fell + 2.1) <= 1


def test_a_target_that_is_down_already_calls_nobody() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(A, "F")
        stage.follow(target(A), target(B))
        await asyncio.sleep(1000.0)

    stage = play(scene)
    failures = stage.script.times(A, since=200.0)
    assert len(failures) >= 4
    assert [stage.script.count(B, at, at + 1.0) for at in failures] == [0] * len(failures)


def test_references_are_called_too() -> None:
    reference = Watched(TargetKey("p", B, reference=True), target(B))

    async def scene(stage: Stage) -> None:
        stage.follow(target(A), reference)
        await asyncio.sleep(500.0)
        stage.script.says(A, "F")
        await asyncio.sleep(250.0)

    stage = play(scene)
    fell = next(at for at in stage.script.times(A) if at >= 500.0)
    assert stage.script.count(B, fell, fell + 2.1) == 3


def test_no_more_than_ten_are_called_at_a_time() -> None:
    others = [f"198.51.100.{n}" for n in range(50)]
    slow = replace(TIMING, interval=36000.0)

    async def scene(stage: Stage) -> None:
        stage.follow(target(A), *map(target, others), timing=slow)
        await asyncio.sleep(36010.0)
        stage.script.says(A, "F")
        await asyncio.sleep(36010.0)

    stage = play(scene)
    fell = next(at for at in stage.script.times(A) if at >= 36010.0)
    called = [probed for at, probed in stage.script.probes if fell < at < fell + 0.5]
    assert sorted(called) == sorted(set(called))
    assert len(called) == ROLL_CALL


# --- many ---------------------------------------------------------------------------------


def crowd(count: int) -> list[Target]:
    return [target(f"10.0.{n // 250}.{n % 250}") for n in range(count)]


def most_within(stage: Stage, seconds: float, since: float = 0.0) -> int:
    """The largest number of probes that began within so short a time."""
    times = sorted(at for at, _ in stage.script.probes if at >= since)
    return max(bisect_right(times, at + seconds) - n for n, at in enumerate(times))


def test_a_start_with_many_targets_is_no_burst() -> None:
    async def scene(stage: Stage) -> None:
        for pool in range(20):  # however they are divided
            stage.follow(*crowd(1000)[pool * 50 : pool * 50 + 50], pool=str(pool))
        await asyncio.sleep(0.9)

    stage = play(scene)
    assert len(stage.script.probes) == 1000
    assert most_within(stage, 0.01) <= 50 + 100 + 50  # at once, in turn, and near


def test_a_roll_call_of_many_is_no_burst_and_nobody_waits_for_it() -> None:
    async def scene(stage: Stage) -> None:
        targets = crowd(1000)
        stage.follow(*targets)
        await asyncio.sleep(1000.0)
        for one in targets[:500]:
            stage.script.says(one.address, "F")
        stage.script.probes.clear()
        await asyncio.sleep(200.0)
        assert len([t for t in targets if stage.health(t.address) is DOWN]) == 500

    assert most_within(play(scene), 0.01) <= 50 + 100 + 50


def test_after_standing_still_probes_are_spread_again() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(*crowd(2000))
        await asyncio.sleep(1000.0)
        await stand_still(60.0)
        await asyncio.sleep(400.0)

    stage = play(scene)
    steady = [at for at, _ in stage.script.probes if 1080.0 <= at < 1260.0]
    by_quarter = [sum(1080 + q * 45 <= at < 1125 + q * 45 for at in steady) for q in range(4)]
    assert min(by_quarter) >= 400
    # Those that were asked in turn meet in a beat when they are asked again.
    assert most_within(stage, 0.01, since=1000.0) <= AT_ONCE + 50 + BEAT / SPACING + 50


def test_those_that_were_late_together_do_not_stay_together() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(*crowd(320), timing=replace(TIMING, interval=10.0))
        await asyncio.sleep(100.0)
        for _ in range(10):
            virtual_time.loop().stand_still(0.9)
            await asyncio.sleep(1.0)
        await asyncio.sleep(81.0)

    stage = play(scene)
    assert stage.watch.stood_still == 0
    times = [stage.script.times(t.address) for t in crowd(320)]
    moments = [
        [at for at in each if begin <= at < begin + 10] for begin in (50.0, 180.0) for each in times
    ]
    before, after = moments[:320], moments[320:]
    assert [[at + 130 for at in each] for each in before] == [approx(each) for each in after]
    most = max(sum(b <= at < b + 1 for [at] in after) for b in range(180, 190))
    assert most < 64  # of 32 on average


def test_who_is_asked_in_between_is_probed_at_its_own_moment_then() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A), target(B))
        await asyncio.sleep(1000.0)
        stage.script.says(B, "FS")  # the roll call asks A
        await asyncio.sleep(1000.0)

    stage = play(scene)
    times = stage.script.times(A)
    asked = [at for at in times[3:] if abs((at - times[3]) % 180.0 - 90.0) < 89.0]
    assert len(asked) == 1
    assert gaps([at for at in times[3:] if at not in asked]) == approx([180.0] * (len(times) - 5))


def test_after_a_reload_to_another_interval_each_is_probed_at_its_own_moment() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(*crowd(3000), timing=replace(TIMING, interval=1.0))
        await asyncio.sleep(8.0)
        stage.follow(*crowd(3000), timing=replace(TIMING, interval=10.0))
        await asyncio.sleep(30.0)
        for key, state in stage.watch.states.items():
            assert state.next_at == pytest.approx(next_moment(key, 10.0, state.next_at - 1.0))

    play(scene)


def test_who_is_asked_while_it_is_probed_is_probed_again() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(A, "T")
        stage.follow(target(A))
        await asyncio.sleep(1000.0)
        begun = stage.script.times(A)[-1]
        await asyncio.sleep(begun + 180.0 - 1000.0 + 1.0)  # the next one is on its way
        stage.follow(Watched(key(A), target(A), ask_after=virtual_time.loop().time()))
        await asyncio.sleep(2.0)
        assert stage.script.times(A, begun + 1.0) == approx([begun + 180.0, begun + 182.0])

    play(scene)


def test_when_there_is_too_much_to_do_it_is_told_and_nobody_fails() -> None:
    """A turn of the loop takes longer than the time in which the next ones are due."""

    async def scene(stage: Stage) -> None:
        timing = replace(TIMING, interval=1.0)
        stage.follow(*crowd(200), timing=timing)
        await asyncio.sleep(10.0)
        assert not stage.watch.behind()
        quiet = stage.watch.probe_lag()
        assert sum(quiet.buckets[2:]) == 0  # none was late by more than 2.5 ms
        for _ in range(10):
            virtual_time.loop().stand_still(3.0)
            await asyncio.sleep(0.001)
            assert stage.watch.behind()
            await asyncio.sleep(0.2)
        assert sum(stage.watch.probe_lag().buckets[10:]) > 500  # by more than a second
        await asyncio.sleep(5.0)
        assert not stage.watch.behind()
        assert {stage.health(t.address) for t in crowd(200)} == {UP}

    stage = play(scene)
    assert stage.watch.stood_still == 0
    assert len(stage.transitions()) == 200


# --- reload -------------------------------------------------------------------------------


def test_a_reload_without_a_change_keeps_everything() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(10.0)
        before = stage.state(A)
        stage.follow(target(A))
        assert stage.state(A) == before
        await asyncio.sleep(1.0)
        assert len(stage.script.times(A)) == 2

    play(scene)


def test_new_timing_keeps_state_and_counters_and_probes_at_once() -> None:
    faster = replace(TIMING, interval=5.0)

    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(10.0)
        before = stage.state(A)
        stage.follow(target(A), timing=faster)
        after = stage.state(A)
        assert (after.health, after.tally, after.timing) == (before.health, before.tally, faster)
        await asyncio.sleep(12.0)

    stage = play(scene)
    first, *others = stage.script.times(A, since=9.0)
    assert first == pytest.approx(10.0)
    assert 10.0 < others[0] <= 15.05
    assert gaps(others) == pytest.approx([5.0] * (len(others) - 1), abs=BEAT)
    assert len(others) >= 2
    assert stage.transitions() == [(A, UP)]


def test_a_changed_probe_starts_unknown_and_keeps_its_counters() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(10.0)
        tally = stage.state(A).tally
        stage.follow(target(A, probed=B))
        assert stage.health(A) is UNKNOWN
        assert (stage.state(A).tally, tally.probes) == (tally, 2)
        await asyncio.sleep(0.5)
        assert stage.script.times(B) == approx([10.0])
        assert stage.state(A).tally.probes == 3

    play(scene)


def test_those_whose_probe_is_changed_are_not_held_to_be_late() -> None:
    async def scene(stage: Stage) -> None:
        many = [target(t.address, probed=B) for t in crowd(3000)]
        stage.follow(*crowd(3000), timing=replace(TIMING, interval=1.0))
        await asyncio.sleep(8.0)
        stage.follow(*many, timing=replace(TIMING, interval=1.0))
        assert stage.watch.late() == 0.0

    play(scene)


def test_the_late_result_of_a_changed_probe_is_ignored() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(A, "T")
        stage.follow(target(A))
        await asyncio.sleep(1.0)
        stage.follow(target(A, probed=B))
        await asyncio.sleep(5.0)

    stage = play(scene)
    assert stage.script.times(B) == approx([1.0, 2.0])
    assert [after.health.failures for _, _, after in stage.told] == [0, 0]


def test_a_new_name_for_the_same_probe_changes_nothing_else() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(10.0)
        before = stage.state(A)
        renamed = replace(target(A), name="first")
        stage.follow(renamed)
        assert stage.state(A) == before._replace(target=renamed)

    play(scene)


def test_a_removed_target_vanishes_and_its_late_result_is_ignored() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(A, "T")
        stage.follow(target(A), target(B))
        await asyncio.sleep(1.0)
        stage.follow(target(B))
        assert list(stage.watch.states) == [key(B)]
        await asyncio.sleep(10.0)

    stage = play(scene)
    assert stage.script.times(A) == [0.0]
    assert {k for k, _, _ in stage.told} == {key(B)}


def test_a_target_that_was_removed_and_comes_back_starts_unknown() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(10.0)
        stage.follow()
        stage.follow(target(A))
        assert stage.state(A).health.health is UNKNOWN
        assert stage.state(A).tally.probes == 0

    play(scene)


def test_one_pool_does_not_disturb_another() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        stage.follow(target(A), target(B), pool="other")
        await asyncio.sleep(10.0)
        before = stage.state(A)
        stage.follow(target(C), pool="other")
        assert list(stage.watch.states) == [key(A), key(C, "other")]
        stage.watch.unfollow("other")
        assert stage.watch.states == {key(A): before}

    play(scene)


def test_after_closing_nothing_is_probed_and_nothing_is_told() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(B, "T")
        stage.follow(target(A), target(B))
        await asyncio.sleep(1.0)
        stage.watch.close()
        told = len(stage.told)
        await asyncio.sleep(1000.0)
        assert len(stage.told) == told
        assert stage.watch.states == {}

    assert play(scene).script.times(A) == [0.0]


# --- standing still -----------------------------------------------------------------------


async def stand_still(seconds: float) -> None:
    """Stand still, and let the heart notice."""
    virtual_time.loop().stand_still(seconds)
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def test_after_standing_still_everything_is_doubted_and_probed_at_once() -> None:
    async def scene(stage: Stage) -> None:
        stage.script.says(B, "F")
        stage.follow(target(A), target(B))
        await asyncio.sleep(50.0)
        stage.script.probes.clear()
        await stand_still(30.0)
        doubted = [stage.state(a).health for a in (A, B)]
        assert [s.health for s in doubted] == [UP, DOWN]
        assert [(s.failures, s.successes, s.failing_since, s.errors) for s in doubted] == [
            (0, 0, None, 1),
            (0, 0, None, 1),
        ]
        await asyncio.sleep(0.005)
        assert sorted(stage.script.probes) == approx_pairs([(80.0, A), (80.0, B)])

    play(scene)


def approx_pairs(pairs: list[tuple[float, str]]) -> list[tuple[object, str]]:
    return [(pytest.approx(at, abs=1e-6), address) for at, address in pairs]


def test_standing_still_is_counted_and_being_late_is_told_while_it_lasts() -> None:
    async def scene(stage: Stage) -> None:
        assert (stage.watch.lag(), stage.watch.stood_still) == (0.0, 0)
        virtual_time.loop().stand_still(30.0)
        stage.follow(target(A))  # a slow start is not standing still
        await asyncio.sleep(20.5)
        assert (stage.watch.lag(), stage.watch.stood_still) == (0.0, 0)
        virtual_time.loop().stand_still(2.5)
        assert stage.watch.lag() == pytest.approx(2.0)  # it was due half a second later
        await stand_still(1.0)
        assert stage.watch.lag() == pytest.approx(3.0)
        assert stage.watch.stood_still == 0
        await asyncio.sleep(1.5)
        assert stage.watch.lag() == pytest.approx(0.0)
        await stand_still(30.0)
        assert stage.watch.stood_still == 1
        assert stage.watch.lag() > 28.0

    play(scene)


def test_a_short_pause_is_no_reason_to_doubt() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(50.0)
        before = stage.state(A).health
        await stand_still(LATE - 1.1)
        await asyncio.sleep(1.0)
        assert stage.state(A).health == before

    play(scene)


def test_a_quiet_watch_does_not_take_its_own_timers_for_standing_still() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(5000.0)

    assert not [after for _, _, after in play(scene).told if after.health.errors]


@pytest.mark.parametrize("gap", [6.5, 3600.0])
def test_a_result_that_spans_a_gap_is_not_judged(gap: float) -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A), target(B))
        await asyncio.sleep(500.0)
        stage.script.says(A, "T")
        stage.follow(target(A), target(B), timing=replace(TIMING, interval=170.0))
        await asyncio.sleep(0.5)  # the probe of A is on its way
        stage.told.clear()
        await stand_still(gap)
        await asyncio.sleep(0.005)
        assert [after for k, _, after in stage.told if k == key(A)] == []
        assert stage.state(A).health.health is UP
        assert stage.state(A).health.failures == 0

    play(scene)


def test_after_standing_still_a_dead_target_falls_by_fresh_failures_only() -> None:
    async def scene(stage: Stage) -> None:
        stage.follow(target(A))
        await asyncio.sleep(500.0)
        stage.script.says(A, "F")
        stage.follow(target(A), timing=replace(TIMING, interval=170.0))
        await asyncio.sleep(1.5)
        assert stage.state(A).health.failures == 2
        await stand_still(60.0)
        await asyncio.sleep(1.5)
        assert (stage.health(A), stage.state(A).health.failures) == (UP, 2)
        await asyncio.sleep(1.0)
        assert stage.health(A) is DOWN

    play(scene)


# --- what is counted ----------------------------------------------------------------------


def result(
    outcome: Outcome, duration: float = 0.01, reason: ProbeReason | None = None
) -> ProbeResult:
    return ProbeResult(outcome, START, duration, reason)


def test_probes_failures_transitions_and_durations_are_counted() -> None:
    state = TargetState(target(A), timing=replace(TIMING, rise=1, fall=1))
    for one in (
        result(Outcome.SUCCESS, 0.0003),
        result(Outcome.FAILURE, 2.0, ProbeReason.TIMEOUT),
        result(Outcome.ERROR, 0.0, ProbeReason.NO_ROUTE),
        result(Outcome.FAILURE, 2.0, ProbeReason.TIMEOUT),
        result(Outcome.SUCCESS, 0.25),
    ):
        state = judged(state, one, START, START + 9)
    assert state.tally.probes == 5
    assert state.tally.failures == {ProbeReason.TIMEOUT: 2, ProbeReason.NO_ROUTE: 1}
    assert state.tally.transitions == {UP: 2, DOWN: 1}
    assert state.tally.duration_sum == pytest.approx(0.2503)
    assert state.last == result(Outcome.SUCCESS, 0.25)


@pytest.mark.parametrize(
    ("duration", "bucket"),
    [(0.0, 0), (0.0005, 0), (0.0006, 1), (5.0, len(PROBE_BUCKETS) - 1), (5.1, len(PROBE_BUCKETS))],
)
def test_a_success_falls_into_the_bucket_whose_bound_it_does_not_exceed(
    duration: float, bucket: int
) -> None:
    told = result(Outcome.SUCCESS, duration)
    buckets = judged(TargetState(target(A)), told, START, START + 9).tally.buckets
    assert [i for i, n in enumerate(buckets) if n] == [bucket]


def test_a_failure_falls_into_no_bucket() -> None:
    failed = result(Outcome.FAILURE, 2.0, ProbeReason.TIMEOUT)
    assert sum(judged(TargetState(target(A)), failed, START, START + 9).tally.buckets) == 0


def test_only_returns_from_down_to_up_count_towards_hold_down() -> None:
    state = TargetState(target(A), timing=replace(TIMING, rise=1, fall=1))
    failed = result(Outcome.FAILURE, 0.01, ProbeReason.REFUSED)
    trail = []
    for n in range(8):
        # The first one rises from UNKNOWN.
        state = judged(state, result(Outcome.SUCCESS), START + n, START + 9)
        trail.append(state.restraint.step)
        state = judged(state, failed, START + n, START + 9)
    assert trail == [0, 0, 0, 0, 0, 0, 1, 2]
