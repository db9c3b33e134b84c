"""When each pool's next cycle is: the real cycle over a zone in memory, in simulated time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.model import (
    Drain,
    Ground,
    HealthState,
    Hold,
    Plan,
    Pool,
    TargetKey,
    Withheld,
)
from dnsbalancer_exporter.report import PoolReport, TargetState
from dnsbalancer_exporter.rounds import Rounds
from tests.simulation import virtual_time
from tests.unit.pools import DOWN, UNKNOWN, UP, A, B, pool
from tests.unit.test_cycle import START, Stage, at

BROKEN = ProviderError(ApiReason.SERVER_ERROR, "500")
ASKED = ProviderError(ApiReason.RATE_LIMITED, "429", retry_after=900.0)
WWW = ("www.example.com",)


class Scene(Stage):
    """A stage whose clock is the loop's; ``turns`` is what cycles there were: (when, whose)."""

    def __init__(self, *records: str, **health: HealthState) -> None:
        super().__init__(*records)
        self.health = {A: UP, B: UP} | {{"A": A, "B": B}[k]: v for k, v in health.items()}
        self.turns: list[tuple[float, str]] = []
        self.pools: tuple[Pool, ...] = ()
        self.rounds = Rounds(self.cycle, lambda: self.now, self._done)

    @property
    def now(self) -> float:
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return START

    @now.setter
    def now(self, _: float) -> None:
        pass

    def _done(self, before: PoolReport | None, after: PoolReport) -> None:
        self.turns.append((self.now - START, after.pool.name))

    async def _pools(self) -> tuple[Pool, ...]:
        return self.pools

    def begin(self, *pools: Pool) -> None:
        for each in pools:
            self.cycle.outlook.begin(each)
            self.rounds.begin(each)
        self.pools += pools

    def play(self, seconds: float, *acts: tuple[float, Callable[[], None]]) -> None:
        """Turn for so many seconds; each of ``acts`` is done at its time."""

        async def story() -> None:
            loop = asyncio.get_running_loop()
            for when, act in acts:
                loop.call_at(START + when, act)
            turning = asyncio.ensure_future(self.rounds.run(self._pools))
            await asyncio.sleep(seconds)
            turning.cancel()
            await asyncio.wait({turning})
            if not turning.cancelled():
                turning.result()

        virtual_time.run(story(), START)

    def times(self, name: str = "p") -> list[float]:
        return [when for when, whose in self.turns if whose == name]


def scene(*pools: Pool, **health: HealthState) -> Scene:
    made = Scene(*at(A, B), "www A 192.0.2.1", **health)
    made.begin(*pools or (pool(A),))
    return made


def test_at_its_end_no_turn_begins() -> None:
    played = scene()
    played.play(400.0, (200.0, played.rounds.end))
    assert played.times() == [0.0, 180.0]


# --- when it is due -----------------------------------------------------------------------


def test_a_pool_begins_at_once_and_goes_on_every_interval() -> None:
    played = scene()
    played.play(400.0)
    assert played.times() == [0.0, 180.0, 360.0]


def test_a_plan_that_asks_for_another_look_has_it() -> None:
    """The end of a drain is such a moment."""
    played = scene()
    played.cycle.outlook.drain(played.pools[0], A, Drain(START, START + 50.0))
    seen: list[list[str]] = []
    played.play(100.0, (49.0, lambda: seen.append(played.published)))
    assert played.times() == [0.0, 50.0]
    assert (seen, played.published) == ([[B]], [A, B])
    assert played.rounds.reports["p"].drains == {}


def test_after_an_error_it_is_tried_again_and_then_every_interval() -> None:
    played = scene()
    played.provider.faults["list"].extend([BROKEN, BROKEN])
    played.play(200.0)
    assert played.times() == [0.0, 5.0, 15.0, 195.0]


def test_an_api_that_asks_for_more_than_the_interval_has_it() -> None:
    played = scene()
    played.provider.faults["list"].append(ASKED)
    played.play(1000.0)
    assert played.times() == [0.0, 900.0]


# --- woken --------------------------------------------------------------------------------


def test_who_is_woken_turns_at_once_and_then_an_interval_later() -> None:
    played = scene()
    played.play(300.0, (100.0, lambda: played.rounds.wake("p")))
    assert played.times() == [0.0, 100.0, 280.0]


def test_of_two_zones_only_the_woken_one_turns() -> None:
    other = pool(A, name="q", zone="example.org", records=("example.org",))
    played = scene(pool(A), other)
    played.store.zones["example.org"] = {}
    played.play(170.0, (100.0, lambda: played.rounds.wake("p")))
    assert (played.times("p"), played.times("q")) == ([0.0, 100.0], [0.0])


@pytest.mark.parametrize(("when", "together"), [(60.0, False), (100.0, True)])
def test_of_one_zone_those_who_soon_are_due_come_along(when: float, together: bool) -> None:
    """So they share a read."""
    played = scene(pool(A), pool(A, name="q", records=WWW))
    played.play(170.0, (when, lambda: played.rounds.wake("p")))
    assert played.times("p") == [0.0, when]
    assert played.times("q") == ([0.0, when] if together else [0.0])


def test_a_wake_during_a_cycle_is_not_lost() -> None:
    """A drain that comes while the API is slow."""
    played = scene()
    woken: list[str] = []

    def drain_once(operation: str) -> None:
        if not woken:
            woken.append(operation)
            played.rounds.wake("p")

    played.provider.then = drain_once
    played.play(100.0)
    assert played.times() == [0.0, 0.0]


def test_who_is_forgotten_turns_no_more_and_waking_it_harms_nobody() -> None:
    played = scene(pool(A), pool(A, name="q", records=WWW))

    def forget() -> None:
        q = played.pools[1]
        played.cycle.forget(q)
        played.rounds.forget(q)
        played.pools = played.pools[:1]
        played.rounds.wake("q")

    played.play(400.0, (10.0, forget))
    assert (played.times("p"), played.times("q")) == ([0.0, 180.0, 360.0], [0.0])
    assert list(played.rounds.reports) == ["p"]


def test_who_is_there_is_asked_before_each_turn() -> None:
    played = scene()

    def reload() -> None:
        played.begin(pool(A, name="q", records=WWW))
        played.rounds.wake()

    played.play(100.0, (10.0, reload))
    assert played.times("q") == [10.0]


# --- judged -------------------------------------------------------------------------------

SHAKY = UP._replace(failures=1, successes=0, failing_since=START)
QUIET: dict[str, tuple[HealthState, HealthState, Hold | None]] = {
    "still up": (UP, UP, None),
    "still down": (DOWN, DOWN, None),
    "one failure": (UP, SHAKY, None),
    "vouches again, and nothing is held": (SHAKY, UP, None),
    "vouches again, and what is held needs no voucher": (SHAKY, UP, Hold.CONTESTED),
    "still vouches": (UP, UP, Hold.ISOLATED),
}
NEWS: dict[str, tuple[HealthState, HealthState, Hold | None]] = {
    "up": (UNKNOWN, UP, None),
    "down": (SHAKY, DOWN, None),
    "vouches again, and somebody waits for it": (SHAKY, UP, Hold.ISOLATED),
    "the floor may hold now": (SHAKY, UP, Hold.MIN_RECORDS),
    "confirmed": (DOWN, DOWN, Hold.UNKNOWN_HEALTH),
}


def turns_after(before: HealthState, after: HealthState, hold: Hold | None) -> int:
    """How many cycles there are, one second after a result, beside the first one."""
    played = scene()
    key = TargetKey("p", B)

    def judged() -> None:
        target = played.states[key].target
        report = played.rounds.reports["p"]
        record = report.records[0]
        held = (Withheld(record, Ground.DOWN, hold),) if hold else ()
        played.rounds.reports["p"] = replace(report, plan=Plan(withheld=held))
        played.rounds.judged(key, TargetState(target, before), TargetState(target, after))

    played.play(11.0, (10.0, judged))
    return played.times().count(10.0)


@pytest.mark.parametrize(("before", "after", "hold"), QUIET.values(), ids=QUIET)
def test_a_result_that_changes_nothing_starts_no_cycle(
    before: HealthState, after: HealthState, hold: Hold | None
) -> None:
    assert turns_after(before, after, hold) == 0


@pytest.mark.parametrize(("before", "after", "hold"), NEWS.values(), ids=NEWS)
def test_a_result_that_may_change_what_is_to_be_done_starts_one_at_once(
    before: HealthState, after: HealthState, hold: Hold | None
) -> None:
    assert turns_after(before, after, hold) == 1
