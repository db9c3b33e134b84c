"""Roster: who the targets of a pool are, which lists are believed, what is remembered."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from dnsbalancer_exporter import roster
from dnsbalancer_exporter.model import (
    Contest,
    Drain,
    Entry,
    Health,
    HealthState,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    Target,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.roster import Belief, Contact, Memory, WarmUp

A, B, C, V6 = "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"
NOW = 10_000.0
TEMPLATE = ProbeSpec(Protocol.TCP, "", 443, 1.5)
UNKNOWN, UP, DOWN = (HealthState(health=h) for h in (Health.UNKNOWN, Health.UP, Health.DOWN))


def target(address: str, name: str = "", probed: str = "") -> Target:
    spec = ProbeSpec(Protocol.TCP, probed or address, 443, 1.5)
    return Target(address, name or address, spec)


def pool(
    own: tuple[Target, ...] = (),
    listed: tuple[Target, ...] = (),
    member: bool = True,
    retired: tuple[str, ...] = (),
    reference: tuple[Target, ...] = (),
) -> Pool:
    return Pool(
        "p",
        "example.com",
        ("example.com",),
        member,
        own,
        TEMPLATE,
        listed=listed,
        retired=retired,
        reference=reference,
        remember=100.0,
        timing=Timing(fall=3, probe_timeout=2.0, fast_interval=1.0),
    )


def at_apex(*addresses: str) -> frozenset[Entry]:
    return frozenset(Entry("example.com", address) for address in addresses)


def until(**ends: float) -> dict[Entry, float]:
    """By the letter of an address, until when it is remembered."""
    return {Entry("example.com", {"A": A, "B": B, "C": C}[k]): end for k, end in ends.items()}


def addresses(pool: Pool, *known: str) -> list[str]:
    return sorted(t.address for t in roster.targets(pool, frozenset(known)))


# --- who the targets are ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "known", "expected"),
    [
        pytest.param(pool((target(A),)), (), [A], id="a member's own, before any read"),
        pytest.param(pool((target(A),)), (B, C), [A, B, C], id="a member learns the others"),
        pytest.param(pool((target(A),), member=False), (), [], id="a witness has none of its own"),
        pytest.param(
            pool((target(A),), member=False), (A, B), [A, B], id="its own in the set is like any"
        ),
        pytest.param(pool((target(A),), (target(B),)), (C,), [A, B], id="listed, and own"),
        pytest.param(pool((target(A),), (target(B),), member=False), (A, C), [B], id="only listed"),
        pytest.param(pool((target(A),), retired=(B,)), (B, C), [A, C], id="retired is not learned"),
        pytest.param(
            pool((target(A), target(V6))), (), [A, V6], id="one own address for each family"
        ),
    ],
)
def test_the_targets_of_a_pool_are(of: Pool, known: tuple[str, ...], expected: list[str]) -> None:
    assert addresses(of, *known) == expected


def test_a_learned_target_is_probed_by_the_template() -> None:
    (learned,) = roster.targets(pool(member=False), frozenset({B}))
    assert learned == Target(B, B, ProbeSpec(Protocol.TCP, B, 443, 1.5))


@pytest.mark.parametrize("member", [True, False])
def test_an_own_address_is_probed_as_it_says(member: bool) -> None:
    own = target(A, "here", probed="10.0.0.1")
    assert roster.targets(pool((own,), member=member), frozenset({A})) == (own,)


def test_a_listed_target_keeps_its_name_and_probe() -> None:
    listed = target(B, "b", probed="10.0.0.2")
    assert roster.targets(pool(listed=(listed,)), frozenset({B})) == (listed,)


def test_targets_do_not_depend_on_the_order_of_what_is_known() -> None:
    one = roster.targets(pool((target(A),)), frozenset([C, B, V6]))
    other = roster.targets(pool((target(A),)), frozenset([V6, B, C]))
    assert one == other


def test_references_are_watched_beside_the_targets_and_are_no_targets() -> None:
    of = pool((target(A),), reference=(target(C),))
    assert [w.key for w in roster.watched(of, Memory(), frozenset({B}))] == [
        TargetKey("p", A),
        TargetKey("p", B),
        TargetKey("p", C, reference=True),
    ]


# --- what is remembered -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("health", "remembered"),
    [
        pytest.param({B: DOWN}, until(B=1100.0), id="what left while DOWN"),
        pytest.param({B: UP}, {}, id="not what left while UP"),
        pytest.param({B: UNKNOWN}, {}, id="not what left while UNKNOWN"),
        pytest.param({}, {}, id="not what was no target"),
    ],
)
def test_remembered_is(health: Mapping[str, HealthState], remembered: dict[Entry, float]) -> None:
    before, now_in_zone = at_apex(A, B), at_apex(A)
    assert roster.remember(pool(), {}, before, now_in_zone, health, {}, 1000.0) == remembered


@pytest.mark.parametrize(
    ("in_zone", "now", "kept"),
    [
        pytest.param((), 1099.9, until(B=1100.0), id="until the time is over"),
        pytest.param((), 1100.0, {}, id="and not longer"),
        pytest.param((B,), 1000.0, {}, id="nor once it is back in the zone"),
    ],
)
def test_a_memory_is_kept(in_zone: tuple[str, ...], now: float, kept: dict[Entry, float]) -> None:
    seen = at_apex(*in_zone)
    assert roster.remember(pool(), until(B=1100.0), seen, seen, {B: DOWN}, {}, now) == kept


def test_who_has_left_one_of_two_names_is_remembered_for_that_one() -> None:
    www = Entry("www.example.com", B)
    before, there = at_apex(A, B) | {www}, at_apex(A, B)
    kept = roster.remember(pool(), {}, before, there, {B: DOWN}, {}, 1000.0)
    assert kept == {www: 1100.0}
    assert roster.remember(pool(), kept, there, there, {B: UP}, {}, 1001.0) == kept


def test_with_listed_targets_nothing_is_remembered() -> None:
    of = pool(listed=(target(A),))
    gone = roster.remember(of, until(C=9999.0), at_apex(B), frozenset(), {B: DOWN}, {}, 0.0)
    assert gone == {}


def test_who_leaves_while_drained_stays_a_target_beyond_the_drain() -> None:
    """Else nobody could undrain it, and nobody would put it back."""
    drains = {B: Drain(0.0, 5000.0)}
    before, now_in_zone = at_apex(B, C), at_apex(C)
    kept = roster.remember(pool(), {}, before, now_in_zone, {B: UP}, drains, 1000.0)
    assert kept == until(B=5000.0 + pool().remember)
    again = roster.remember(pool(), kept, now_in_zone, now_in_zone, {B: UP}, drains, 4999.0)
    assert again == kept
    after = roster.remember(pool(), kept, now_in_zone, now_in_zone, {B: UP}, {}, 5001.0)
    assert after == kept


def test_who_is_drained_while_remembered_is_remembered_for_longer() -> None:
    drains = {B: Drain(0.0, 90_000.0)}
    kept = roster.remember(pool(), until(B=1001.0), frozenset(), frozenset(), {}, drains, 1000.0)
    assert kept == until(B=90_000.0 + pool().remember)


def test_the_end_of_a_drain_ends_its_contest_and_no_other() -> None:
    contest, drain = Contest(1, 600.0), Drain(0.0, 100.0)
    memory = Memory(drains={A: drain, B: drain}, contests={A: contest, B: contest, C: contest})
    after = roster.with_drains(memory, {B: drain})
    assert (after.drains, set(after.contests)) == ({B: drain}, {B, C})


def test_known_is_what_is_in_the_zone_and_what_is_remembered() -> None:
    record = Record("1", "example.com", RecordType.A, A, 60)
    assert Memory(records=(record,), remembered=until(B=1.0)).known == {A, B}


# --- who was put back ---------------------------------------------------------------------


def rows(*texts: str) -> tuple[Record, ...]:
    """Records from texts like ``id address``."""
    pairs = [text.split() for text in texts]
    return tuple(Record(i, "example.com", RecordType.A, value, 60) for i, value in pairs)


@pytest.mark.parametrize(
    ("state", "old", "new", "returns"),
    [
        pytest.param(DOWN, (), (f"2 {B}",), 1, id="under a new id, after it was gone"),
        pytest.param(DOWN, (f"1 {B}",), (f"2 {B}",), 1, id="under a new id, between two reads"),
        pytest.param(DOWN, (f"1 {B}",), (f"1 {B}",), 0, id="not under the id that it had"),
        pytest.param(DOWN, (f"1 {B}",), (), 0, id="not when it left"),
        pytest.param(UP, (), (f"2 {B}",), 0, id="not while it is UP"),
        pytest.param(UNKNOWN, (), (f"2 {B}",), 0, id="not while it is UNKNOWN"),
        pytest.param(DOWN, (), (f"2 {C}",), 0, id="not another one"),
    ],
)
def test_a_target_was_put_back_against_us(
    state: HealthState, old: tuple[str, ...], new: tuple[str, ...], returns: int
) -> None:
    down = {B: 999.0} if state.health is Health.DOWN else {}
    met = roster.contests({}, rows(*old), rows(*new), down, frozenset(), 1000.0)
    assert met == ({B: Contest(returned_at=1000.0)} if returns else {})


def test_a_return_that_is_gone_again_is_no_disagreement() -> None:
    back = {B: Contest(returned_at=1000.0)}
    assert roster.contests(back, rows(f"2 {B}"), (), {B: 1001.0}, frozenset(), 1002.0) == {
        B: Contest(1, 1602.0)
    }
    assert roster.contests(back, rows(f"2 {B}"), (), {B: 999.0}, frozenset(), 1002.0) == {}


def test_contests_of_what_is_no_target_any_more_are_dropped_when_they_are_over() -> None:
    up = frozenset({A})
    assert roster.contests({B: Contest(5, 9.0)}, (), (), {}, up, 1000.0) == {}
    kept = {B: Contest(5, 1001.0)}
    assert roster.contests(kept, (), (), {}, up, 1000.0) == kept


# --- which lists are believed -------------------------------------------------------------


@pytest.mark.parametrize(
    ("lengths", "doubted"),
    [
        pytest.param([0], [False], id="the first list, even an empty one"),
        pytest.param([4, 2], [False, False], id="half as long"),
        pytest.param([4, 1], [False, True], id="less than half is in doubt"),
        pytest.param([4, 1, 1], [False, True, False], id="a second one agrees"),
        pytest.param([4, 0, 0], [False, True, False], id="both empty agree"),
        pytest.param([9, 4, 2], [False, True, False], id="half of the shorter one agrees"),
        pytest.param([9, 4, 1, 1], [False, True, True, False], id="a still shorter one does not"),
        pytest.param([100, 0, 40, 40], [False, True, True, False], id="nor one much longer"),
        pytest.param([4, 1, 4, 1], [False, True, False, True], id="a long one clears the doubt"),
        pytest.param([1, 0], [False, True], id="one record that vanishes"),
        pytest.param([0, 5, 100], [False, False, False], id="longer lists always"),
    ],
)
def test_lists_are_believed_or_in_doubt(lengths: list[int], doubted: list[bool]) -> None:
    belief: Belief | None = None
    trail = []
    for length in lengths:
        belief = roster.believe(belief, length)
        trail.append(belief.doubted is not None)
    assert trail == doubted


# --- the warm-up --------------------------------------------------------------------------


def test_the_warm_up_is_over_when_every_target_is_known() -> None:
    start = WarmUp().step(pool(), {A: UP, B: UNKNOWN}, 1000.0)
    assert start == WarmUp(1000.0, over=False)
    assert start.step(pool(), {A: UP, B: DOWN}, 1001.0).over


def test_a_pool_without_targets_is_not_known() -> None:
    assert not WarmUp().step(pool(), {}, 1000.0).over


def test_the_warm_up_is_over_after_the_time_that_it_takes_whatever_is_unknown() -> None:
    seconds = WarmUp().seconds(pool())
    assert seconds >= 3 * (2.0 + 1.0)
    start = WarmUp().step(pool(), {A: UNKNOWN}, 1000.0)
    assert not start.step(pool(), {A: UNKNOWN}, 1000.0 + seconds - 0.1).over
    assert start.step(pool(), {A: UNKNOWN}, 1000.0 + seconds).over


def test_a_warm_up_that_is_over_stays_over() -> None:
    over = WarmUp(1000.0, over=True)
    assert over.step(pool(), {A: UP, B: UNKNOWN}, 1001.0) == over


# --- trouble with reading -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "slow", "since"),
    [
        (Contact(), False, None),
        (Contact(), True, NOW),
        (Contact(failing=True), False, NOW),
        (Contact(failing=True, slow=True), True, NOW),
        (Contact(failing=True, regained_at=NOW - 1.0), False, NOW),
        (Contact(regained_at=1.0), False, 1.0),
        (Contact(slow=True, regained_at=1.0), True, 1.0),
        (Contact(regained_at=NOW - 9.0), True, NOW),
    ],
    ids=[
        "quick",
        "slow",
        "after a failure",
        "slow after a failure",
        "a second failure at once",
        "quick again",
        "always slow",
        "a second slow one at once",
    ],
)
def test_a_zone_is_regained_when_it_answers_after_trouble(
    before: Contact, slow: bool, since: float | None
) -> None:
    took = roster.SLOW_SECONDS + 0.1 if slow else 0.1
    after = roster.answered(before, NOW - took, NOW)
    assert after == Contact(slow=slow, regained_at=since)


@pytest.mark.parametrize(
    ("left", "regained_at", "asked"),
    [
        ((), None, {}),
        ((), 7.0, {B: 7.0}),
        ((A,), None, {A: NOW}),
        ((A, B, C, V6), 7.0, {A: NOW, B: 7.0}),
    ],
    ids=["nothing new", "regained", "left while up", "both, and one nobody knows"],
)
def test_who_is_asked_for_one_more_probe(
    left: tuple[str, ...], regained_at: float | None, asked: dict[str, float]
) -> None:
    health = {A: UP, B: DOWN, C: UNKNOWN}
    assert roster.ask(health, frozenset(left), NOW, regained_at) == asked


# --- backoff ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "first", "asked", "seconds"),
    [
        (1, 5.0, None, 5.0),
        (2, 5.0, None, 10.0),
        (3, 5.0, None, 20.0),
        (9, 5.0, None, 300.0),
        (10**6, 5.0, None, 300.0),
        (1, 5.0, 2.0, 5.0),
        (1, 5.0, 900.0, 900.0),
    ],
)
def test_backoff_doubles_up_to_five_minutes_and_is_no_less_than_asked(
    step: int, first: float, asked: float | None, seconds: float
) -> None:
    assert roster.backoff(step, first, asked) == seconds
