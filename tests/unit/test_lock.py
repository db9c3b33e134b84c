"""Law 9: the lock's table row by row, and the terms of writing alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dnsbalancer_exporter import lock
from dnsbalancer_exporter.lock import LockState, Phase, SingleWriter
from dnsbalancer_exporter.model import LockTerms, Pool, ProbeSpec, Protocol

TERMS = LockTerms(lease=60.0, margin=20.0)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def pool(zone: str) -> Pool:
    spec = ProbeSpec(Protocol.TCP, "192.0.2.1", 80, 2.0)
    return Pool(f"pool of {zone}", zone, (zone,), member=True, own=(), probe=spec)


A, B = pool("example.com"), pool("example.net")


def take(writer: SingleWriter, pool: Pool = A) -> bool:
    return asyncio.run(writer.take(pool))


def release(writer: SingleWriter, settled: bool) -> None:
    asyncio.run(writer.release(A, settled=settled))


ASKED = lock.want(LockState(), 1000.0)
PLACED = lock.created(ASKED, "mine")
REFUSED = lock.refused(ASKED)
HELD = lock.listed(PLACED, ["mine"], 1002.0, TERMS)


# --- the table in the module's docstring --------------------------------------------------


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        pytest.param(LockState(), Phase.FREE, id="a process starts with nothing"),
        pytest.param(ASKED, Phase.ASKED, id="it asks"),
        pytest.param(PLACED, Phase.PLACED, id="201"),
        pytest.param(REFUSED, Phase.REFUSED, id="409"),
        pytest.param(lock.failed(ASKED), Phase.FREE, id="anything else"),
        pytest.param(HELD, Phase.HELD, id="mine alone"),
        pytest.param(lock.ended(HELD), Phase.FREE, id="the withdrawal is over"),
    ],
)
def test_the_lock_goes_through_its_phases(state: LockState, phase: Phase) -> None:
    assert state.phase is phase
    assert lock.valid(state, 1002.0, TERMS) is (phase is Phase.HELD)


@pytest.mark.parametrize("ids", [["mine", "other"], ["other"], []])
def test_a_lock_that_is_not_alone_is_not_held(ids: list[str]) -> None:
    after = lock.listed(PLACED, ids, 1001.0, TERMS)
    assert (after.phase, after.clashed) == (Phase.FREE, True)


def test_a_clash_is_forgotten_with_the_next_attempt() -> None:
    clashed = lock.listed(PLACED, ["mine", "other"], 1001.0, TERMS)
    assert not lock.want(clashed, 1010.0).clashed


@pytest.mark.parametrize(
    ("seconds", "stale"), [(0.0, ""), (59.9, ""), (60.0, "old"), (9999.0, "old")]
)
def test_a_lock_is_broken_that_was_seen_for_a_whole_lease(seconds: float, stale: str) -> None:
    seen = lock.listed(REFUSED, ["old"], 1005.0, TERMS)
    assert (seen.phase, seen.stale) == (Phase.FREE, "")
    again = lock.listed(lock.refused(lock.want(seen, 1006.0)), ["old"], 1005.0 + seconds, TERMS)
    assert (again.phase, again.stale) == (Phase.FREE, stale)


def test_a_lock_under_another_id_is_another_lock() -> None:
    seen = lock.listed(REFUSED, ["old"], 1000.0, TERMS)
    assert lock.listed(lock.refused(seen), ["new"], 1100.0, TERMS).stale == ""


def test_a_lock_that_was_gone_for_one_answer_counts_anew() -> None:
    state = lock.listed(REFUSED, ["old"], 1000.0, TERMS)
    state = lock.listed(lock.refused(state), [], 1050.0, TERMS)
    state = lock.listed(lock.refused(state), ["old"], 1099.0, TERMS)
    assert state.stale == ""
    assert state.sightings == {"old": 1099.0}


def test_a_restarted_process_counts_anew() -> None:
    assert lock.listed(lock.refused(LockState()), ["old"], 1e9, TERMS).stale == ""


def test_a_lock_of_ours_is_never_held_for_stale() -> None:
    assert lock.listed(PLACED, ["mine"], 1e9, TERMS).sightings == {}


def test_asking_again_forgets_the_id_but_not_what_was_seen() -> None:
    seen = lock.listed(REFUSED, ["old"], 1000.0, TERMS)
    asked = lock.want(replace(seen, id="mine", stale="old"), 1010.0)
    assert asked == LockState(Phase.ASKED, 1010.0, "", {"old": 1000.0})


@pytest.mark.parametrize(("age", "valid"), [(2.0, True), (39.9, True), (40.0, False)])
def test_a_held_lock_is_valid_from_before_its_create_was_sent(age: float, valid: bool) -> None:
    assert lock.valid(HELD, 1000.0 + age, TERMS) is valid


# --- writing alone ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "valid"), [(0.0, True), (39.9, True), (40.0, False), (59.0, False), (600.0, False)]
)
def test_a_delete_may_be_sent_for_the_lease_less_the_margin(age: float, valid: bool) -> None:
    clock = Clock()
    writer = SingleWriter(TERMS, clock)
    assert take(writer)
    clock.now += age
    assert writer.valid(A) is valid


def test_after_a_settled_withdrawal_the_next_one_may_begin_at_once() -> None:
    writer = SingleWriter(TERMS, Clock())
    assert take(writer)
    release(writer, settled=True)
    assert take(writer)


@pytest.mark.parametrize(("age", "open_again"), [(0.0, False), (59.9, False), (60.0, True)])
def test_an_unsettled_delete_closes_the_way_until_the_lease_has_passed(
    age: float, open_again: bool
) -> None:
    clock = Clock()
    writer = SingleWriter(TERMS, clock)
    assert take(writer)
    taken_at = clock.now
    clock.now += 15.0
    release(writer, settled=False)
    clock.now = max(clock.now, taken_at + age)
    assert take(writer) is open_again


def test_one_zone_does_not_close_the_way_of_another() -> None:
    writer = SingleWriter(TERMS, Clock())
    assert take(writer, A)
    release(writer, settled=False)
    assert not take(writer, A)
    assert take(writer, B)


def test_an_attempt_that_was_refused_makes_no_lock_valid_again() -> None:
    clock = Clock()
    writer = SingleWriter(TERMS, clock)
    assert take(writer)
    clock.now += 50.0
    release(writer, settled=False)
    assert not take(writer)
    assert not writer.valid(A)
