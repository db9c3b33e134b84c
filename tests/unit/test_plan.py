"""The laws of a plan, one by one; tests/property/test_plan_laws.py draws the worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dnsbalancer_exporter import plan
from dnsbalancer_exporter.model import (
    Create,
    Delete,
    Drain,
    Entry,
    Ground,
    HealthState,
    Hold,
    Mode,
    Omitted,
    Plan,
    Pool,
    Record,
    RecordSetKey,
    Unpublished,
    Withheld,
)
from dnsbalancer_exporter.names import RecordType, address_type
from dnsbalancer_exporter.plan import Situation
from dnsbalancer_exporter.vote import Count, Unsettled, Verdict, Words
from tests.unit.pools import (
    DOWN,
    NAME,
    UNKNOWN,
    UP,
    A,
    B,
    C,
    D,
    E,
    pool,
    witness,
)

STRANGER = "203.0.113.9"
V6, W6 = "2001:db8::1", "2001:db8::2"
NOW = 1000.0
SET_A = RecordSetKey(NAME, RecordType.A)

SHAKY = UP._replace(successes=0, failures=1, failing_since=995.0)
UNPROVEN = DOWN._replace(proven=False)


def record(value: str, id: str = "", name: str = NAME, ttl: int = 60) -> Record:
    return Record(id or f"id-{value}", name, address_type(value), value, ttl)


def drains(*addresses: str, forced: bool = False) -> dict[str, Drain]:
    return {address: Drain(900.0, NOW + 60.0, forced) for address in addresses}


def world(
    of: Pool, health: Mapping[str, HealthState], *records: str | Record, **changes: Any
) -> Situation:
    """What is in the zone and how the targets are; all of it can be believed."""
    made = Situation(
        pool=of,
        records=tuple(r if isinstance(r, Record) else record(r) for r in records),
        health=health,
        now=NOW,
        vouched_at=990.0,
    )
    return replace(made, **changes)


def created(made: Plan) -> list[str]:
    return [create.value for create in made.creates]


def deleted(made: Plan) -> list[str]:
    return [delete.record.value for delete in made.deletes]


def withheld(made: Plan) -> list[tuple[str, Hold]]:
    return [(w.record.value, w.hold) for w in made.withheld]


def omitted(made: Plan) -> list[tuple[str, Unpublished]]:
    return [(o.address, o.reason) for o in made.omitted]


# --- nothing to do ------------------------------------------------------------------------


def test_what_is_as_it_should_be_needs_nothing() -> None:
    made = plan.make(world(pool(A), {A: UP, B: UP}, A, B))
    assert made == Plan(desired={SET_A: (A, B)}, foreign={SET_A: 0})


def test_an_empty_world_needs_nothing() -> None:
    made = plan.make(world(pool(A), {A: UNKNOWN}))
    assert (made.creates, made.deletes, made.withheld) == ((), (), ())
    assert made.desired == {SET_A: ()}


# --- law 1: never empty -------------------------------------------------------------------


def test_a_dead_target_is_withdrawn_while_another_is_up() -> None:
    made = plan.make(world(pool(A), {A: UP, B: DOWN}, A, B))
    assert made.deletes == (Delete(record(B), Ground.DOWN),)
    assert made.desired == {SET_A: (A,)}


def test_all_down_leaves_what_is_published() -> None:
    made = plan.make(world(pool(A), {A: DOWN, B: DOWN}, A, B))
    assert withheld(made) == [(A, Hold.FAIL_OPEN), (B, Hold.FAIL_OPEN)]
    assert (made.deletes, made.fail_open, made.desired) == ((), (SET_A,), {SET_A: (A, B)})


@pytest.mark.parametrize(
    ("standing", "hold"),
    [
        pytest.param({A: UP}, None, id="UP beyond doubt"),
        pytest.param({A: SHAKY}, Hold.MIN_RECORDS, id="UP with a failure since"),
        pytest.param({A: UP._replace(errors=1)}, Hold.MIN_RECORDS, id="UP with an error since"),
        pytest.param({A: UNKNOWN}, Hold.MIN_RECORDS, id="UNKNOWN"),
        pytest.param({}, Hold.MIN_RECORDS, id="no target at all"),
    ],
)
def test_what_is_left_must_hold_one_of_ours_that_is_up(
    standing: Mapping[str, HealthState], hold: Hold | None
) -> None:
    # C is up and would fill the gap, but it is not in the set that was read.
    made = plan.make(world(pool(A), {**standing, B: DOWN, C: UP}, A, B))
    assert withheld(made) == ([] if hold is None else [(B, hold)])
    assert deleted(made) == ([B] if hold is None else [])


def test_a_create_of_the_same_plan_does_not_count_as_being_there() -> None:
    made = plan.make(world(pool(A), {A: UP, B: DOWN}, B))
    assert (created(made), deleted(made)) == ([A], [])
    assert withheld(made) == [(B, Hold.MIN_RECORDS)]


def test_a_foreign_address_does_not_stand_in() -> None:
    of = pool(A, listed=(B,))
    made = plan.make(world(of, {A: UP, B: DOWN, STRANGER: UP}, B, STRANGER))
    assert withheld(made) == [(B, Hold.MIN_RECORDS)]


def test_a_retired_address_does_not_stand_in() -> None:
    of = pool(A, retired=(C,))
    made = plan.make(world(of, {A: UP, B: DOWN, C: UP}, B, C))
    assert (deleted(made), withheld(made)) == (
        [],
        [(B, Hold.MIN_RECORDS), (C, Hold.MIN_RECORDS)],
    )


@pytest.mark.parametrize(
    ("min_records", "gone"), [(1, [C, D]), (2, [C, D]), (3, [C]), (4, []), (99, [])]
)
def test_min_records_values_are_left(min_records: int, gone: list[str]) -> None:
    of = pool(A, min_records=min_records, max_withdrawals=9)
    made = plan.make(world(of, {A: UP, B: UP, C: DOWN, D: DOWN}, A, B, C, D))
    assert deleted(made) == gone
    assert withheld(made) == [(v, Hold.MIN_RECORDS) for v in (C, D) if v not in gone]


def test_duplicates_do_not_count_twice_towards_min_records() -> None:
    of = pool(A, min_records=2)
    made = plan.make(world(of, {A: UP, B: DOWN}, record(A, "1"), record(A, "2"), B))
    assert withheld(made) == [(B, Hold.MIN_RECORDS)]
    assert [d.record.id for d in made.deletes] == ["2"]


def test_a_member_that_sees_only_itself_up_acts() -> None:
    made = plan.make(world(pool(A, max_withdrawals=2), {A: UP, B: DOWN, C: DOWN}, A, B, C))
    assert deleted(made) == [B, C]


# --- law 2: never foreign -----------------------------------------------------------------


@pytest.mark.parametrize("state", [UNKNOWN, UP, DOWN], ids=["unknown", "up", "down"])
def test_with_listed_targets_other_addresses_are_counted_and_left_alone(
    state: HealthState,
) -> None:
    of = pool(A, listed=(B,))
    strangers = (record(STRANGER, "1"), record(STRANGER, "2"))
    made = plan.make(world(of, {A: UP, B: UP, STRANGER: state}, A, B, *strangers))
    assert (made.creates, made.deletes, made.withheld) == ((), (), ())
    assert made.foreign == {SET_A: 2}
    assert made.desired == {SET_A: (A, B, STRANGER)}


def test_without_listed_targets_every_address_of_the_set_is_ours() -> None:
    made = plan.make(world(pool(A), {A: UP, STRANGER: DOWN}, A, STRANGER))
    assert (deleted(made), made.foreign) == ([STRANGER], {SET_A: 0})


def test_other_names_and_other_types_are_not_even_counted() -> None:
    others = (
        record(B, "1", name="www.example.com"),
        Record("2", NAME, RecordType.TXT, B, 60),
        record(V6, "3"),
    )
    made = plan.make(world(pool(A), {A: UP, B: DOWN, V6: DOWN}, A, *others))
    assert made == Plan(desired={SET_A: (A,)}, foreign={SET_A: 0})


def test_an_address_that_left_the_list_stays_until_it_is_retired() -> None:
    left = plan.make(world(pool(A, listed=(B,)), {A: UP, B: UP}, A, B, C))
    assert (deleted(left), left.foreign) == ([], {SET_A: 1})
    retired = plan.make(world(pool(A, listed=(B,), retired=(C,)), {A: UP, B: UP}, A, B, C))
    assert retired.deletes == (Delete(record(C), Ground.RETIRED),)
    assert retired.foreign == {SET_A: 0}


# --- law 4: doubt stops withdrawals, never additions --------------------------------------

# C is to be published, B to be withdrawn, and nothing is in the way.
CLEAR = world(witness(A, B, C, D), {A: UP, B: DOWN, C: UP, D: UP}, A, B, D)


def test_without_doubt_there_are_creates_and_deletes() -> None:
    made = plan.make(CLEAR)
    assert (created(made), deleted(made), made.withheld) == ([C], [B], ())


HOLDS: list[tuple[str, Hold, Situation]] = [
    (
        "an observer never writes",
        Hold.OBSERVE_MODE,
        replace(CLEAR, pool=replace(CLEAR.pool, mode=Mode.OBSERVE)),
    ),
    ("the list is in doubt", Hold.STALE_VIEW, replace(CLEAR, doubtful=True)),
    ("the states are an old picture", Hold.OVERLOADED, replace(CLEAR, overloaded=True)),
    (
        "warming, and one is unknown",
        Hold.UNKNOWN_HEALTH,
        replace(CLEAR, warming=True, health={**CLEAR.health, D: UNKNOWN}),
    ),
    (
        "DOWN, but in doubt since we stood still",
        Hold.UNKNOWN_HEALTH,
        replace(CLEAR, health={**CLEAR.health, B: DOWN._replace(failures=0, errors=1)}),
    ),
    (
        "DOWN, but rising",
        Hold.UNKNOWN_HEALTH,
        replace(CLEAR, health={**CLEAR.health, B: DOWN._replace(failures=0, successes=1)}),
    ),
    (
        "DOWN, but the latest probe was an ERROR",
        Hold.UNKNOWN_HEALTH,
        replace(CLEAR, health={**CLEAR.health, B: DOWN._replace(errors=1)}),
    ),
    (
        "nothing of ours is up",
        Hold.FAIL_OPEN,
        replace(CLEAR, health=dict.fromkeys((A, C, D), UNKNOWN) | {B: DOWN}),
    ),
    ("all references fail", Hold.ISOLATED, replace(CLEAR, isolated=True)),
    ("nobody ever vouched", Hold.ISOLATED, replace(CLEAR, vouched_at=None)),
    (
        "nobody vouched since it began to fail",
        Hold.ISOLATED,
        replace(CLEAR, vouched_at=899.0),
    ),
    (
        "our own address never was up from here",
        Hold.OWN_UNPROVEN,
        world(pool(B), {A: UP, B: UNPROVEN}, A, B),
    ),
    ("it is contested", Hold.CONTESTED, replace(CLEAR, contested={B: NOW + 9.0})),
    ("too few would be left", Hold.MIN_RECORDS, world(pool(A), {A: UP, B: DOWN}, B)),
    ("the cycle has withdrawn enough", Hold.MAX_WITHDRAWALS, replace(CLEAR, spent={SET_A: 2})),
]


@pytest.mark.parametrize(
    ("hold", "situation"), [pytest.param(h, s, id=name) for name, h, s in HOLDS]
)
def test_a_withdrawal_is_withheld_because(hold: Hold, situation: Situation) -> None:
    made = plan.make(situation)
    assert made.withheld == (Withheld(record(B), Ground.DOWN, hold),)
    assert made.deletes == ()
    assert B in made.desired[SET_A]


def test_every_hold_that_exists_today_has_its_situation() -> None:
    later = {Hold.NO_QUORUM}
    elsewhere = {Hold.NO_LOCK}
    assert {hold for _, hold, _ in HOLDS} == set(Hold) - later - elsewhere


@pytest.mark.parametrize("ground", [Ground.DOWN, Ground.RETIRED, Ground.DRAINED])
def test_a_contest_holds_whatever_the_ground_is_until_its_time_is_over(ground: Ground) -> None:
    """Else a peer that publishes a retired or drained address would be fought for ever."""
    of = replace(CLEAR.pool, retired=(B,) if ground is Ground.RETIRED else ())
    up = {**CLEAR.health, B: DOWN if ground is Ground.DOWN else UP}
    drained = drains(B) if ground is Ground.DRAINED else {}
    calm = replace(CLEAR, pool=of, health=up, drained=drained)
    contested = plan.make(replace(calm, contested={B: NOW + 9.0}))
    assert (deleted(contested), withheld(contested)) == ([], [(B, Hold.CONTESTED)])
    assert contested.again_at == NOW + 9.0
    over = plan.make(replace(calm, contested={B: NOW}))
    assert [(d.record.value, d.ground) for d in over.deletes] == [(B, ground)]


@pytest.mark.parametrize(
    ("published", "drained", "least", "allowed"),
    [
        pytest.param((A, B, C), (), 1, True, id="two others are left"),
        pytest.param((A, B), (), 1, True, id="one other is left, and up"),
        pytest.param((A, B), (), 2, False, id="fewer than min_records are left"),
        pytest.param((A,), (), 1, False, id="the last one"),
        pytest.param((A, D), (), 1, False, id="what is left is down"),
        pytest.param((A, B), (B,), 1, False, id="the other one is drained already"),
        pytest.param((B, C), (), 2, True, id="it is not in the zone"),
        pytest.param((D,), (), 1, False, id="it is about to be the only one that is up"),
        pytest.param((), (), 1, False, id="it is about to be the only one"),
    ],
)
def test_a_drain_is_admitted_if_the_rest_is_enough(
    published: tuple[str, ...], drained: tuple[str, ...], least: int, allowed: bool
) -> None:
    healths = {A: UP, B: UP, C: UP, D: DOWN}
    of = pool(A, min_records=least)
    situation = world(of, healths, *published, drained=drains(*drained))
    assert plan.drainable(situation, A) is allowed


def test_a_forced_drain_may_fall_below_min_records_but_not_below_one_that_is_up() -> None:
    of = pool(A, min_records=2)
    by_force = drains(A, forced=True)
    made = plan.make(world(of, {A: UP, B: UP}, A, B, drained=by_force))
    assert deleted(made) == [A]
    alone = plan.make(world(of, {A: UP, B: DOWN}, A, B, drained=by_force))
    assert A not in deleted(alone)
    assert deleted(plan.make(world(of, {A: UP, B: UP}, A, B, drained=drains(A)))) == []


def test_an_operators_word_comes_before_the_doubts_about_our_judgement() -> None:
    """A drained address that is down goes as drained: unproven, unconfirmed, below the floor."""
    shaky = UNPROVEN._replace(errors=1)
    for own in (UNPROVEN, shaky):
        made = plan.make(world(pool(A), {A: own, B: UP}, A, B, drained=drains(A)))
        assert [(d.record.value, d.ground) for d in made.deletes] == [(A, Ground.DRAINED)]
    floor = pool(A, min_records=2)
    made = plan.make(world(floor, {A: DOWN, B: UP}, A, B, drained=drains(A, forced=True)))
    assert deleted(made) == [A]


def test_of_drained_ones_that_are_all_that_is_left_the_one_that_is_up_stays() -> None:
    made = plan.make(world(pool(A), {A: UP, B: DOWN}, A, B, drained=drains(A, B)))
    assert (deleted(made), withheld(made)) == ([B], [(A, Hold.MIN_RECORDS)])


def test_a_drained_address_is_not_put_back_while_others_may_turn_out_to_be_up() -> None:
    """After each start our own address is known first: it would be published for a moment."""
    start = world(pool(A), {A: UP, B: UNKNOWN}, B, drained=drains(A))
    for warming, fallback in ((True, []), (False, [A])):
        assert created(plan.make(replace(start, warming=warming))) == fallback
    alone = world(pool(A), {A: UP, B: DOWN}, B, drained=drains(A), warming=True)
    assert created(plan.make(alone)) == [A]
    empty = world(pool(A), {A: UP, B: UNKNOWN}, drained=drains(A), warming=True)
    assert created(plan.make(empty)) == [A]


def test_a_drained_own_address_waits_for_the_end_of_the_drain() -> None:
    made = plan.make(world(pool(A), {A: UP, B: UP}, B, drained=drains(A)))
    assert (created(made), omitted(made)) == ([], [(A, Unpublished.DRAINED)])
    assert made.again_at == NOW + 60.0


def test_without_the_lock_every_withdrawal_waits_and_nothing_else_changes() -> None:
    made = plan.make(replace(CLEAR, restrained={A: NOW + 5.0}))
    waiting = plan.without_lock(made, NOW + 1.0)
    assert waiting == replace(
        made,
        deletes=(),
        withheld=(Withheld(record(B), Ground.DOWN, Hold.NO_LOCK),),
        again_at=NOW + 1.0,
    )


def test_without_the_lock_the_earlier_of_two_looks_stands_and_holds_stay() -> None:
    made = Plan(
        deletes=(Delete(record(B), Ground.DOWN),),
        withheld=(Withheld(record(C), Ground.DOWN, Hold.MAX_WITHDRAWALS),),
        again_at=NOW + 1.0,
    )
    waiting = plan.without_lock(made, NOW + 9.0)
    assert waiting.again_at == NOW + 1.0
    assert waiting.holds == (Hold.MAX_WITHDRAWALS, Hold.NO_LOCK)


@pytest.mark.parametrize(
    "doubt",
    [
        {"doubtful": True},
        {"warming": True},
        {"isolated": True},
        {"vouched_at": None},
        {"contested": {B: NOW + 9.0}},
        {"spent": {SET_A: 99}},
    ],
    ids=lambda doubt: next(iter(doubt)),
)
def test_what_withholds_a_withdrawal_lets_the_creates_through(doubt: dict[str, Any]) -> None:
    situation = replace(CLEAR, health={**CLEAR.health, D: UNKNOWN}, **doubt)
    made = plan.make(situation)
    assert (created(made), deleted(made)) == ([C], [])


def test_of_several_reasons_the_first_one_is_told() -> None:
    """All reasons at once; then one after the other is taken away."""
    own_down = UNPROVEN._replace(failures=0)
    situation = world(
        pool(B, mode=Mode.OBSERVE, max_withdrawals=1),
        {A: UNKNOWN, B: own_down},
        B,
        doubtful=True,
        overloaded=True,
        warming=True,
        isolated=True,
        contested={B: NOW + 9.0},
        spent={SET_A: 1},
    )
    steps: list[tuple[Hold, dict[str, Any]]] = [
        (Hold.OBSERVE_MODE, {"pool": pool(B, max_withdrawals=1)}),
        (Hold.STALE_VIEW, {"doubtful": False}),
        (Hold.OVERLOADED, {"overloaded": False}),
        (Hold.UNKNOWN_HEALTH, {"warming": False, "health": {A: UNKNOWN, B: UNPROVEN}}),
        (Hold.FAIL_OPEN, {"health": {A: SHAKY, B: UNPROVEN}}),
        (Hold.ISOLATED, {"isolated": False}),
        (Hold.OWN_UNPROVEN, {"health": {A: SHAKY, B: DOWN}}),
        (Hold.CONTESTED, {"contested": {}}),
        (Hold.MIN_RECORDS, {"health": {A: UP, B: DOWN}, "records": (record(A), record(B))}),
        (Hold.MAX_WITHDRAWALS, {"spent": {}}),
    ]
    told = []
    for _, without in steps:
        told += [w.hold for w in plan.make(situation).withheld]
        situation = replace(situation, **without)
    assert told == [hold for hold, _ in steps]
    assert deleted(plan.make(situation)) == [B]


def test_holds_are_withheld_one_by_one() -> None:
    """What holds our own address back does not hold back a peer's."""
    of = pool(A, max_withdrawals=9)
    made = plan.make(world(of, {A: UNPROVEN, B: DOWN, C: UP}, A, B, C))
    assert (deleted(made), withheld(made)) == ([B], [(A, Hold.OWN_UNPROVEN)])


# --- law 5: a withdrawal has a ground -----------------------------------------------------


def test_down_retired_drained_and_duplicate_are_grounds() -> None:
    of = pool(A, retired=(C,), max_withdrawals=9)
    made = plan.make(
        world(
            of,
            {A: UP, B: DOWN, D: UP},
            *(A, B, C, D),
            record(A, "zz"),
            drained=drains(D),
        )
    )
    assert [(d.record.value, d.ground) for d in made.deletes] == [
        (B, Ground.DOWN),
        (C, Ground.RETIRED),
        (D, Ground.DRAINED),
        (A, Ground.DUPLICATE),
    ]


@pytest.mark.parametrize("state", [UNKNOWN, UP, SHAKY, UNKNOWN._replace(errors=99)])
def test_what_is_not_down_is_not_withdrawn(state: HealthState) -> None:
    made = plan.make(world(pool(A), {A: UP, B: state}, A, B))
    assert (made.deletes, made.withheld) == ((), ())


def test_an_address_that_is_no_target_is_not_withdrawn() -> None:
    made = plan.make(world(pool(A), {A: UP}, A, B))
    assert (made.deletes, made.withheld) == ((), ())


def test_after_the_warm_up_a_target_that_stays_unknown_blocks_nobody() -> None:
    health = {A: UP, B: DOWN, C: UNKNOWN._replace(errors=9)}
    made = plan.make(world(pool(A), health, A, B, C))
    assert deleted(made) == [B]


def test_while_warming_nothing_is_withheld_if_every_target_is_known() -> None:
    made = plan.make(world(pool(A), {A: UP, B: DOWN}, A, B, warming=True))
    assert deleted(made) == [B]


def test_a_retired_address_that_is_unknown_is_not_waited_for() -> None:
    of = pool(A, retired=(C,))
    made = plan.make(world(of, {A: UP, C: UNKNOWN}, A, C, warming=True))
    assert deleted(made) == [C]


# --- duplicates ---------------------------------------------------------------------------


def test_duplicates_are_reduced_to_the_smallest_id() -> None:
    records = (record(A, "3"), record(A, "1"), record(A, "2"), record(B))
    made = plan.make(world(pool(A), {A: UP, B: UP}, *records))
    assert made.deletes == (
        Delete(record(A, "2"), Ground.DUPLICATE),
        Delete(record(A, "3"), Ground.DUPLICATE),
    )
    assert made.desired == {SET_A: (A, B)}


@pytest.mark.parametrize(
    ("health", "changes"),
    [
        pytest.param({A: DOWN}, {}, id="all down"),
        pytest.param({A: UNKNOWN}, {"warming": True}, id="warming"),
        pytest.param({A: UP}, {"isolated": True, "vouched_at": None}, id="isolated"),
        pytest.param({A: UP}, {"spent": {SET_A: 99}}, id="enough withdrawn"),
    ],
)
def test_a_duplicate_goes_whatever_is_thought_of_targets(
    health: Mapping[str, HealthState], changes: dict[str, Any]
) -> None:
    made = plan.make(world(pool(A), health, record(A, "1"), record(A, "2"), **changes))
    assert made.deletes == (Delete(record(A, "2"), Ground.DUPLICATE),)


@pytest.mark.parametrize(
    ("changes", "hold"),
    [
        ({"doubtful": True}, Hold.STALE_VIEW),
        ({"pool": pool(A, mode=Mode.OBSERVE)}, Hold.OBSERVE_MODE),
    ],
)
def test_a_duplicate_stays_while_the_list_is_in_doubt_or_nothing_is_written(
    changes: dict[str, Any], hold: Hold
) -> None:
    situation = world(pool(A), {A: UP}, record(A, "1"), record(A, "2"))
    made = plan.make(replace(situation, **changes))
    assert made.withheld == (Withheld(record(A, "2"), Ground.DUPLICATE, hold),)


def test_a_dead_value_goes_with_all_its_duplicates() -> None:
    made = plan.make(world(pool(A), {A: UP, B: DOWN}, A, record(B, "2"), record(B, "1")))
    assert made.deletes == (
        Delete(record(B, "1"), Ground.DOWN),
        Delete(record(B, "2"), Ground.DOWN),
    )


# --- law 6: a wanted target is published --------------------------------------------------


@pytest.mark.parametrize(
    ("of", "address", "remembered", "published"),
    [
        pytest.param(pool(B), B, (), True, id="own, by a member"),
        pytest.param(witness(B), B, (), True, id="listed, by a witness"),
        pytest.param(pool(A, listed=(B,)), B, (), True, id="listed, by a member"),
        pytest.param(witness(), B, (B,), True, id="remembered, by a witness"),
        pytest.param(pool(A), B, (B,), False, id="remembered, not by another member"),
        pytest.param(witness(), B, (), False, id="learned and not remembered, by nobody"),
        pytest.param(witness(), E, (), False, id="own, not by a witness"),
        pytest.param(witness(A, E), E, (), False, id="own, not by a witness though listed"),
        pytest.param(witness(), E, (E,), False, id="own, not by a witness though remembered"),
        pytest.param(pool(A, listed=(C,)), B, (), False, id="a stranger, by nobody"),
    ],
)
def test_who_publishes_what(
    of: Pool, address: str, remembered: tuple[str, ...], published: bool
) -> None:
    known = [Entry(NAME, each) for each in remembered]
    made = plan.make(world(of, {A: UP, address: UP}, A, remembered=frozenset(known)))
    expected = (Create(NAME, RecordType.A, address, 60),) if published else ()
    assert made.creates == expected
    assert made.omitted == ()


OMITTED: list[tuple[str, Unpublished, Situation]] = [
    (
        "an observer never writes",
        Unpublished.OBSERVE_MODE,
        replace(CLEAR, pool=replace(CLEAR.pool, mode=Mode.OBSERVE)),
    ),
    (
        "nobody knows how it is",
        Unpublished.UNKNOWN_HEALTH,
        replace(CLEAR, health={**CLEAR.health, C: UNKNOWN}),
    ),
    ("it is drained", Unpublished.DRAINED, replace(CLEAR, drained=drains(C))),
    (
        "it is retired",
        Unpublished.RETIRED,
        replace(CLEAR, pool=replace(CLEAR.pool, retired=(C,))),
    ),
    ("it comes back too often", Unpublished.HOLD_DOWN, replace(CLEAR, restrained={C: NOW + 9.0})),
    (
        "there was a conflict",
        Unpublished.CONFLICT,
        replace(CLEAR, refused={(NAME, C): (Unpublished.CONFLICT, NOW + 9.0)}),
    ),
    (
        "the API refused it",
        Unpublished.API_ERROR,
        replace(CLEAR, refused={(NAME, C): (Unpublished.API_ERROR, NOW + 9.0)}),
    ),
]


@pytest.mark.parametrize(
    ("reason", "situation"), [pytest.param(r, s, id=name) for name, r, s in OMITTED]
)
def test_an_address_is_not_published_because(reason: Unpublished, situation: Situation) -> None:
    made = plan.make(situation)
    assert made.omitted == (Omitted(NAME, C, reason),)
    assert made.creates == ()
    assert C not in made.desired[SET_A]


def test_every_unpublished_that_exists_today_has_its_situation() -> None:
    assert {reason for _, reason, _ in OMITTED} == set(Unpublished) - {Unpublished.VOTED_DOWN}


def test_a_target_that_is_down_is_not_published_and_needs_no_reason() -> None:
    made = plan.make(replace(CLEAR, health={**CLEAR.health, C: DOWN}))
    assert (made.creates, made.omitted) == ((), ())


def test_of_several_reasons_not_to_publish_the_first_one_is_told() -> None:
    situation = replace(
        CLEAR,
        pool=replace(CLEAR.pool, retired=(C,)),
        drained=drains(C),
        restrained={C: NOW + 9.0},
        refused={(NAME, C): (Unpublished.CONFLICT, NOW + 9.0)},
    )
    steps: list[tuple[Unpublished, dict[str, Any]]] = [
        (Unpublished.RETIRED, {"pool": CLEAR.pool}),
        (Unpublished.DRAINED, {"drained": {}}),
        (Unpublished.HOLD_DOWN, {"restrained": {}}),
        (Unpublished.CONFLICT, {"refused": {}}),
    ]
    told = []
    for _, without in steps:
        told += [o.reason for o in plan.make(situation).omitted]
        situation = replace(situation, **without)
    assert told == [reason for reason, _ in steps]
    assert created(plan.make(situation)) == [C]


def test_a_refusal_is_over_when_its_time_is() -> None:
    made = plan.make(replace(CLEAR, refused={(NAME, C): (Unpublished.CONFLICT, NOW)}))
    assert created(made) == [C]


def test_a_refusal_under_one_name_does_not_count_under_another() -> None:
    of = replace(CLEAR.pool, records=(NAME, "www.example.com"))
    refused = {(NAME, C): (Unpublished.CONFLICT, NOW + 9.0)}
    made = plan.make(replace(CLEAR, pool=of, refused=refused))
    assert [c.name for c in made.creates if c.value == C] == ["www.example.com"]


@pytest.mark.parametrize(
    ("others", "held_down"),
    [
        ({A: UP, D: UP}, True),
        ({A: UP, D: SHAKY}, True),
        ({A: UP, D: DOWN}, False),
        ({A: UP}, False),
        ({}, False),
    ],
)
def test_hold_down_needs_two_others_that_are_up(
    others: Mapping[str, HealthState], held_down: bool
) -> None:
    of = witness(A, C, D)
    made = plan.make(world(of, {**others, C: UP}, *others, restrained={C: NOW + 9.0}))
    assert (C in created(made)) is not held_down
    assert omitted(made) == ([(C, Unpublished.HOLD_DOWN)] if held_down else [])


def test_hold_down_withdraws_nothing() -> None:
    made = plan.make(replace(CLEAR, restrained={A: NOW + 9.0}))
    assert A in made.desired[SET_A]


@pytest.mark.parametrize(
    ("changes", "published"),
    [
        pytest.param({"drained": drains(A, B)}, [A, B], id="all drained"),
        pytest.param(
            {"drained": drains(A, B), "pool": witness(A, B, C, retired=(A,))},
            [B],
            id="but never a retired one",
        ),
        pytest.param({"pool": witness(A, B, C, retired=(A, B))}, [], id="all retired"),
    ],
)
def test_if_no_wanted_target_is_up_any_that_is_up_is_published(
    changes: dict[str, Any], published: list[str]
) -> None:
    situation = world(witness(A, B, C), {A: UP, B: UP, C: DOWN}, C)
    assert created(plan.make(replace(situation, **changes))) == published


def test_if_all_that_are_up_come_back_too_often_they_are_published() -> None:
    until = dict.fromkeys((A, B, C), NOW + 9.0)
    made = plan.make(world(witness(A, B, C), {A: UP, B: UP, C: UP}, restrained=until))
    assert (created(made), made.omitted) == ([A, B, C], ())


def test_a_wanted_target_that_somebody_else_must_publish_does_not_silence_the_rest() -> None:
    """B is up, but only its own instance may publish it: the drained A is better than nothing."""
    made = plan.make(world(pool(A), {A: UP, B: UP}, drained=drains(A)))
    assert created(made) == [A]


@pytest.mark.parametrize(
    ("siblings", "ttl"),
    [((), 77), ((300,), 300), ((600, 120), 120)],
    ids=["none", "one", "two that differ"],
)
def test_the_ttl_is_the_smallest_of_the_siblings_else_the_pools(
    siblings: tuple[int, ...], ttl: int
) -> None:
    others = [record(v, ttl=t) for v, t in zip((A, B), siblings, strict=False)]
    made = plan.make(world(witness(A, B, C, ttl=77), {C: UP}, *others))
    assert made.creates == (Create(NAME, RecordType.A, C, ttl),)


# --- law 7: isolated observers do not judge ------------------------------------------------


@pytest.mark.parametrize(
    ("vouched_at", "failing_since", "goes"),
    [
        (901.0, 900.0, True),
        (900.0, 900.0, True),
        (899.9, 900.0, False),
        (0.0, 900.0, False),
        (None, 900.0, False),
        (0.0, None, True),
    ],
)
def test_somebody_must_have_answered_since_the_target_began_to_fail(
    vouched_at: float | None, failing_since: float | None, goes: bool
) -> None:
    health = {A: UP, B: DOWN._replace(failing_since=failing_since)}
    made = plan.make(world(pool(A), health, A, B, vouched_at=vouched_at))
    assert (deleted(made) == [B]) is goes


def test_our_own_address_is_withdrawn_once_it_was_up_from_here() -> None:
    made = plan.make(world(pool(A), {A: DOWN, B: UP}, A, B))
    assert deleted(made) == [A]


def test_a_peer_need_not_have_been_up_from_here() -> None:
    made = plan.make(world(pool(A), {A: UP, B: UNPROVEN}, A, B))
    assert deleted(made) == [B]


def test_retiring_our_own_address_needs_no_proof() -> None:
    made = plan.make(world(pool(A, retired=(A,)), {A: UNKNOWN, B: UP}, A, B))
    assert made.deletes == (Delete(record(A), Ground.RETIRED),)


# --- max_withdrawals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "limit", "gone"),
    [
        (2, None, 1),
        (3, None, 1),
        (4, None, 2),
        (5, None, 2),
        (5, 1, 1),
        (5, 3, 3),
        (5, 9, 4),
    ],
)
def test_half_of_the_set_may_go_in_one_cycle_or_what_the_pool_says(
    size: int, limit: int | None, gone: int
) -> None:
    values = [A, B, C, D, E][:size]
    health = {v: UP if v == A else DOWN for v in values}
    made = plan.make(world(pool(A, max_withdrawals=limit), health, *values))
    assert deleted(made) == values[1 : gone + 1]
    assert withheld(made) == [(v, Hold.MAX_WITHDRAWALS) for v in values[gone + 1 :]]


@pytest.mark.parametrize(("spent", "gone"), [(0, [C, D]), (1, [C]), (2, []), (3, [])])
def test_what_the_cycle_has_withdrawn_already_counts(spent: int, gone: list[str]) -> None:
    health = {A: UP, B: UP, C: DOWN, D: DOWN}
    of = pool(A, max_withdrawals=2)
    made = plan.make(world(of, health, A, B, C, D, spent={SET_A: spent}))
    assert deleted(made) == gone


def test_half_is_half_of_what_was_there_before_the_cycle_began_to_withdraw() -> None:
    """Four of which two may go: after the first one, the second one still may."""
    made = plan.make(world(pool(A), {A: UP, C: DOWN, D: DOWN}, A, C, D, spent={SET_A: 1}))
    assert (deleted(made), withheld(made)) == ([C], [(D, Hold.MAX_WITHDRAWALS)])


def test_the_limit_is_one_for_each_record_set() -> None:
    of = pool(A, records=(NAME, "www.example.com"))
    others = [record(v, f"www-{v}", "www.example.com") for v in (A, B)]
    spent = {SET_A: 1}
    made = plan.make(world(of, {A: UP, B: DOWN}, A, B, *others, spent=spent))
    assert [d.record.name for d in made.deletes] == ["www.example.com"]


def test_dead_targets_go_before_retired_and_drained_ones() -> None:
    of = pool(A, retired=(A,), max_withdrawals=1)
    made = plan.make(
        world(of, {B: UP, C: DOWN, D: UP}, A, B, C, D, drained=drains(B)),
    )
    assert (deleted(made), withheld(made)) == (
        [C],
        [(A, Hold.MAX_WITHDRAWALS), (B, Hold.MAX_WITHDRAWALS)],
    )


# --- record sets ---------------------------------------------------------------------------


def test_the_families_are_separate_sets() -> None:
    """All IPv6 targets are down: they fail open, whatever IPv4 does."""
    of = pool(A, V6)
    health = {A: UP, B: DOWN, V6: DOWN, W6: DOWN}
    made = plan.make(world(of, health, A, B, V6, W6))
    set_6 = RecordSetKey(NAME, RecordType.AAAA)
    assert deleted(made) == [B]
    assert withheld(made) == [(V6, Hold.FAIL_OPEN), (W6, Hold.FAIL_OPEN)]
    assert made.desired == {SET_A: (A,), set_6: (V6, W6)}
    assert made.fail_open == (set_6,)


def test_an_unknown_target_of_one_family_does_not_hold_back_the_other() -> None:
    health = {A: UP, B: DOWN, V6: UNKNOWN}
    made = plan.make(world(pool(A, V6), health, A, B, V6, warming=True))
    assert deleted(made) == [B]


def test_a_family_that_is_not_managed_is_foreign() -> None:
    made = plan.make(world(pool(A), {A: UP}, A, V6, W6))
    assert list(made.desired) == [SET_A]


def test_several_names_have_one_verdict_and_each_its_own_floor() -> None:
    www = "www.example.com"
    of = pool(A, records=(www, NAME))
    made = plan.make(
        world(of, {A: UP, B: DOWN}, record(B), record(A, "1", www), record(B, "2", www))
    )
    assert made.creates == (Create(NAME, RecordType.A, A, 60),)
    assert made.deletes == (Delete(record(B, "2", www), Ground.DOWN),)
    assert made.withheld == (Withheld(record(B), Ground.DOWN, Hold.MIN_RECORDS),)


def test_record_sets_are_names_times_managed_types_in_order() -> None:
    of = pool(A, V6, records=("www.example.com", NAME))
    assert plan.record_sets(of) == (
        (NAME, RecordType.A),
        (NAME, RecordType.AAAA),
        ("www.example.com", RecordType.A),
        ("www.example.com", RecordType.AAAA),
    )


# --- when to look again, and determinism ----------------------------------------------------


@pytest.mark.parametrize(
    ("situation", "again_at"),
    [
        pytest.param(CLEAR, None, id="nothing waits"),
        pytest.param(replace(CLEAR, doubtful=True), NOW + 1.0, id="a second read may agree"),
        pytest.param(replace(CLEAR, overloaded=True), NOW + 1.0, id="it may be over"),
        pytest.param(replace(CLEAR, spent={SET_A: 9}), NOW + 1.0, id="the next cycle has room"),
        pytest.param(replace(CLEAR, restrained={C: NOW + 7.0}), NOW + 7.0, id="hold-down ends"),
        pytest.param(
            replace(CLEAR, refused={(NAME, C): (Unpublished.CONFLICT, NOW + 4.0)}),
            NOW + 4.0,
            id="a refusal ends",
        ),
        pytest.param(
            replace(CLEAR, restrained={C: NOW + 7.0}, doubtful=True),
            NOW + 1.0,
            id="the first of several",
        ),
        pytest.param(replace(CLEAR, contested={B: NOW + 8.0}), NOW + 8.0, id="a contest ends"),
        pytest.param(replace(CLEAR, contested={C: NOW + 8.0}), None, id="nothing is contested"),
        pytest.param(replace(CLEAR, restrained={A: NOW + 7.0}), None, id="published already"),
        pytest.param(
            replace(CLEAR, isolated=True), None, id="only a transition or the interval helps"
        ),
    ],
)
def test_a_plan_says_when_to_look_again(situation: Situation, again_at: float | None) -> None:
    assert plan.make(situation).again_at == again_at


def test_of_several_record_sets_the_earliest_look_counts() -> None:
    of = replace(CLEAR.pool, records=(NAME, "www.example.com"))
    refused = {
        (NAME, C): (Unpublished.CONFLICT, NOW + 4.0),
        ("www.example.com", C): (Unpublished.CONFLICT, NOW + 3.0),
    }
    assert plan.make(replace(CLEAR, pool=of, refused=refused)).again_at == NOW + 3.0


def test_changes_are_in_the_order_of_names_types_and_numbers() -> None:
    of = witness("192.0.2.10", "192.0.2.9", W6, V6, records=("www.example.com", NAME))
    health = dict.fromkeys(("192.0.2.10", W6, "192.0.2.9", V6), UP)
    made = plan.make(world(of, health))
    assert [(c.name, c.value) for c in made.creates] == [
        (name, value)
        for name in (NAME, "www.example.com")
        for value in ("192.0.2.9", "192.0.2.10", V6, W6)
    ]


# --- quorum -------------------------------------------------------------------------------


def votes(of: int, **changes: Any) -> Count:
    """A count; by keyword how many of ``of`` say of a target that it is DOWN."""
    said = {name: changes.pop(name) for name in "abcd" if name in changes}
    verdicts = {{"a": A, "b": B, "c": C, "d": D}[name]: Verdict(n, of) for name, n in said.items()}
    return Count((), of, verdicts, **changes)


@pytest.mark.parametrize(("said", "goes"), [(0, False), (1, False), (2, False), (3, True)], ids=str)
def test_who_is_down_for_us_goes_only_by_a_strict_majority(said: int, goes: bool) -> None:
    made = plan.make(world(pool(), {A: UP, B: DOWN}, A, B, votes=votes(4, b=said)))
    assert deleted(made) == ([B] if goes else [])
    assert withheld(made) == ([] if goes else [(B, Hold.NO_QUORUM)])


@pytest.mark.parametrize("reason", list(Unsettled))
def test_what_is_not_settled_withdraws_nobody(reason: Unsettled) -> None:
    made = plan.make(world(pool(), {A: UP, B: DOWN}, A, B, votes=votes(3, b=3, unsettled=reason)))
    assert withheld(made) == [(B, Hold.NO_QUORUM)]


def test_who_is_down_by_the_votes_and_up_for_us_is_left_to_those_who_see_it() -> None:
    made = plan.make(world(pool(), {A: UP, B: UP}, A, B, votes=votes(3, b=2)))
    assert (deleted(made), withheld(made)) == ([], [])


@pytest.mark.parametrize("said", [2, 3])
def test_nobody_publishes_who_is_not_up_by_the_votes(said: int) -> None:
    """Their own address included; a tie leaves things as they are."""
    made = plan.make(world(pool(), {A: UP, B: UP}, B, votes=votes(4, a=said)))
    assert made.creates == ()
    assert made.omitted == (Omitted(NAME, A, Unpublished.VOTED_DOWN),)


def test_alone_in_its_own_eyes_and_voted_down_it_does_not_publish_itself() -> None:
    """1|2,3: that nobody else is UP for it is no ground, since somebody is by the votes."""
    made = plan.make(world(pool(), {A: UP, B: DOWN, C: DOWN}, B, C, votes=votes(3, a=2, b=1, c=1)))
    assert (created(made), deleted(made)) == ([], [])


@pytest.mark.parametrize(("said", "back"), [(1, False), (3, True)], ids=["up", "down"])
def test_who_is_drained_stays_out_while_another_is_up_by_the_votes(said: int, back: bool) -> None:
    """B is DOWN for us alone, or for all: only then is A, drained, better than nobody."""
    health = {A: UP, B: DOWN}
    made = plan.make(world(pool(), health, B, drained=drains(A), votes=votes(3, b=said)))
    assert created(made) == ([A] if back else [])


def test_the_last_resort_is_not_who_is_down_by_the_votes() -> None:
    """Only B, which is drained, is up by them: better B than A, and better than nobody."""
    drained = drains(B)
    of = pool(listed=(A, B))
    made = plan.make(world(of, {A: UP, B: UP}, drained=drained, votes=votes(3, a=2)))
    assert created(made) == [B]


def test_if_nobody_is_up_by_the_votes_the_own_view_publishes_and_nothing_is_withdrawn() -> None:
    made = plan.make(world(pool(), {A: UP, B: UP, C: DOWN}, B, C, votes=votes(3, a=2, b=2, c=2)))
    assert created(made) == [A]
    assert withheld(made) == [(C, Hold.NO_QUORUM)]


def test_who_is_drained_elsewhere_is_not_published() -> None:
    drained = votes(3, drained={B: (B,)})
    made = plan.make(world(pool(listed=(A, B)), {A: UP, B: UP}, A, votes=drained))
    assert made.omitted == (Omitted(NAME, B, Unpublished.DRAINED),)


@pytest.mark.parametrize("ground", ["drained", "retired", "duplicate"])
def test_an_operators_word_and_a_duplicate_need_no_majority(ground: str) -> None:
    of = pool(listed=(A, B), retired=(C,) if ground == "retired" else ())
    twice = (record(B, "second"),) if ground == "duplicate" else ()
    word = drains(B) if ground == "drained" else {}
    health = {A: UP, B: UP}
    made = plan.make(world(of, health, A, B, C, *twice, drained=word, votes=votes(3)))
    assert [delete.ground.value for delete in made.deletes] == [ground]


def test_our_vote_names_whom_we_hold_down_without_a_doubt() -> None:
    def named(health: Mapping[str, HealthState], *records: str, **changes: Any) -> Words:
        return plan.words(world(pool(), health, *records, **changes))

    states = {A: UP, B: DOWN, C: DOWN}
    assert named(states, A, C, drained=drains(A)) == Words((C, B), (A,))
    assert named(states, isolated=True) == Words()
    assert named(states, vouched_at=800.0) == Words()
    assert named(states, overloaded=True) == Words()
    assert named({A: DOWN, B: DOWN}) == Words()
    assert named({A: UNPROVEN, B: UP}) == Words()
    seconded = plan.words(world(pool(), {A: UNPROVEN, B: UP}), named=frozenset({A}))
    assert seconded == Words((A,))
    doubted = world(pool(), states, returned=frozenset({B}))
    assert plan.words(doubted) == Words((C,))
    assert plan.words(doubted, Words((B,))) == Words((B, C))
