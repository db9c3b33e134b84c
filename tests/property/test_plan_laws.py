"""The laws of a plan, over any world; each law is written anew here and not read off the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter import plan, roster
from dnsbalancer_exporter.model import (
    Create,
    Drain,
    Entry,
    Ground,
    Health,
    HealthState,
    Hold,
    Mode,
    Plan,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    RecordSetKey,
    Target,
    Timing,
    Unpublished,
)
from dnsbalancer_exporter.names import RecordType, address_type
from dnsbalancer_exporter.plan import Situation

laws = settings(deadline=None, max_examples=250)

NOW = 1000.0
NAMES = ("example.com", "www.example.com")
ELSEWHERE = "mail.example.com"
IPV4 = [f"192.0.2.{n}" for n in (1, 2, 3, 10)]
IPV6 = ["2001:db8::1", "2001:db8::a"]
ADDRESSES = [*IPV4, *IPV6]
OWN = [[IPV4[0]], [IPV4[0]], [IPV4[0], IPV6[0]]]


# --- worlds -------------------------------------------------------------------------------
# Few draws and mostly calm weather, so that a few hundred worlds meet every law many times.


def target(address: str) -> Target:
    return Target(address, address, ProbeSpec(Protocol.TCP, address, 80, 2.0))


def drains(*addresses: str) -> dict[str, Drain]:
    return {address: Drain(900.0, NOW + 60.0) for address in addresses}


UP = HealthState(Health.UP, successes=2, succeeded_at=990.0, proven=True)
DOWN = HealthState(Health.DOWN, failures=3, failing_since=900.0, proven=True)
STATES = [
    *[UP] * 6,
    *[DOWN] * 5,
    *[DOWN._replace(proven=False, failing_since=800.0)] * 3,
    DOWN._replace(failures=0, successes=1, failing_since=None),
    DOWN._replace(failures=0, failing_since=None, errors=1),
    DOWN._replace(errors=1),
    UP._replace(successes=0, failures=1, failing_since=985.0),
    UP._replace(errors=1),
    HealthState(),
    HealthState(failures=2, failing_since=900.0),
]
KEYS = [RecordSetKey(n, t) for n in NAMES for t in (RecordType.A, RecordType.AAAA)]
SUBSETS = [[a for i, a in enumerate(ADDRESSES) if mask >> i & 1] for mask in range(64)]
STRAY = [
    *[(NAMES[0], address, 120) for address in ADDRESSES],
    (NAMES[1], IPV4[1], 60),
    (ELSEWHERE, IPV4[1], 60),
    (ELSEWHERE, IPV6[1], 60),
]
LATER = {address: NOW + 5.0 * n for n, address in enumerate(ADDRESSES)}  # the first one is over
POOLS: list[dict[str, Any]] = [
    *[{}] * 8,
    {"mode": Mode.OBSERVE},
    {"min_records": 2},
    {"min_records": 3},
    {"max_withdrawals": 1},
    {"max_withdrawals": 2},
    {"max_withdrawals": 9},
    {"min_records": 2, "max_withdrawals": 9},
    {"retired": (IPV4[1],)},
    {"retired": (IPV4[3], IPV6[0])},
]
WEATHER: list[dict[str, Any]] = [
    *[{}] * 8,
    {"isolated": True},
    {"doubtful": True},
    {"overloaded": True},
    {"warming": True},
    {"warming": True},
    {"vouched_at": None},
    {"vouched_at": 850.0},
    {"drained": drains(*IPV4[:2])},
    {"drained": drains(IPV4[2], IPV6[1])},
    {"contested": LATER},
    *[{"restrained": LATER}] * 3,
    {"refused": {(n, a): (Unpublished.CONFLICT, at) for n in NAMES for a, at in LATER.items()}},
    {"refused": {(NAMES[0], a): (Unpublished.API_ERROR, NOW + 9.0) for a in ADDRESSES}},
    {"spent": dict.fromkeys(KEYS, 1)},
    {"spent": dict.fromkeys(KEYS, 2)},
]
FACTORS = [1, 5, 16]
"""What makes other orders of the numbers below seventeen, the ids."""

pools = st.builds(
    lambda own, member, listed, names, changes: replace(
        Pool("p", "example.com", names, member, own, own[0].probe),
        listed=listed,
        timing=Timing(fast_interval=1.0),
        **changes,
    ),
    st.sampled_from([tuple(map(target, own)) for own in OWN]),
    st.booleans(),
    st.sampled_from(
        [tuple(map(target, listed)) for listed in ([], [], IPV4[1:], ADDRESSES, [IPV4[1], IPV6[0]])]
    ),
    st.sampled_from([NAMES[:1], NAMES[:1], NAMES]),
    st.sampled_from(POOLS),
)


@st.composite
def worlds(draw: st.DrawFn) -> Situation:
    pool = draw(pools)
    rows = [(name, a, 60) for name in pool.records for a in draw(st.sampled_from(SUBSETS))]
    rows += draw(st.just([]) | st.lists(st.sampled_from(STRAY), max_size=3))
    factor = draw(st.sampled_from(FACTORS))
    records = tuple(
        Record(f"id-{n * factor % 17:02}", name, address_type(value), value, ttl)
        for n, (name, value, ttl) in enumerate(rows, 1)
    )
    in_sets = {r.value for r in records if r.name in pool.records and r.type in pool.types}
    there = {(r.name, r.value) for r in records}
    gone = [Entry(name, a) for name in pool.records for a in (IPV4[1], IPV4[3], IPV6[1])]
    remembered = frozenset(e for e in gone if not pool.listed and e not in there)
    known = frozenset(in_sets) | {e.address for e in remembered}
    targets = [t.address for t in roster.targets(pool, known)]
    health = {address: draw(st.sampled_from(STATES)) for address in targets}
    made = Situation(pool, records, health, NOW, vouched_at=990.0, remembered=remembered)
    return replace(made, **draw(st.sampled_from(WEATHER)))


def world_without_trouble(situation: Situation) -> Situation:
    """The same records and targets, and nothing that would withhold anything."""
    return replace(
        situation,
        pool=replace(situation.pool, mode=Mode.ENFORCE),
        isolated=False,
        doubtful=False,
        overloaded=False,
        warming=False,
        vouched_at=990.0,
        contested={},
        refused={},
        spent={},
    )


# --- the laws in other words --------------------------------------------------------------


def is_named(situation: Situation, address: str) -> bool:
    """Ours, by law 2."""
    pool = situation.pool
    own = pool.own if pool.member else ()
    mine = {t.address for t in (*pool.listed, *own)} | set(pool.retired)
    return not pool.listed or address in mine


def is_up(situation: Situation, address: str) -> bool:
    state = situation.health.get(address)
    return state is not None and state.health is Health.UP


def stands(situation: Situation, address: str) -> bool:
    """Ours and UP beyond doubt, and not about to go for good."""
    state = situation.health.get(address, HealthState())
    sure = state.health is Health.UP and state.failures == 0 and state.errors == 0
    return sure and is_named(situation, address) and address not in situation.pool.retired


def published_by_us(situation: Situation, name: str, address: str) -> bool:
    """Who publishes what, by law 6."""
    pool = situation.pool
    own = address in {t.address for t in pool.own}
    listed = address in {t.address for t in pool.listed}
    remembered = Entry(name, address) in situation.remembered and not pool.member
    return pool.member if own else listed or remembered


def has_ground(situation: Situation, record: Record, ground: Ground) -> bool:
    if ground is Ground.DUPLICATE:
        twins = (r for r in of_set(situation, RecordSetKey(record.name, record.type)))
        return any(t.value == record.value and t.id < record.id for t in twins)
    if ground is Ground.DOWN:
        return situation.health[record.value].health is Health.DOWN
    group = situation.pool.retired if ground is Ground.RETIRED else situation.drained
    return record.value in group


def of_set(situation: Situation, key: RecordSetKey) -> list[Record]:
    return [r for r in situation.records if (r.name, r.type) == key]


def apply(situation: Situation, made: Plan) -> Situation:
    """The world after a plan was carried out; the next cycle may spend anew."""
    gone = {d.record.id for d in made.deletes}
    used = {r.id for r in situation.records}
    fresh = [
        Record(f"new-{len(used) + n:03}", c.name, c.type, c.value, c.ttl)
        for n, c in enumerate(made.creates)
    ]
    kept = tuple(r for r in situation.records if r.id not in gone)
    return replace(situation, records=(*kept, *fresh), spent={})


# --- law 1 ---------------------------------------------------------------------------------


@laws
@given(worlds(), st.randoms(use_true_random=False))
def test_after_every_single_delete_enough_is_left_and_one_of_ours_is_up(
    situation: Situation, random: Any
) -> None:
    """In any order, and whether the creates before them succeed or not."""
    left = {r.id: r for r in situation.records}
    deletes = list(plan.make(situation).deletes)
    random.shuffle(deletes)
    for delete in deletes:
        key = (delete.record.name, delete.record.type)
        before = {r.value for r in left.values() if (r.name, r.type) == key}
        del left[delete.record.id]
        values = {r.value for r in left.values() if (r.name, r.type) == key}
        if values != before:
            assert len(values) >= situation.pool.min_records
            assert any(stands(situation, value) for value in values)
        assert values


@laws
@given(worlds())
def test_if_nothing_of_ours_is_up_nothing_but_duplicates_goes(situation: Situation) -> None:
    dead = {a: s._replace(health=Health.DOWN) for a, s in situation.health.items()}
    made = plan.make(replace(situation, health=dead))
    assert {d.ground for d in made.deletes} <= {Ground.DUPLICATE}
    assert made.creates == ()


# --- law 2 ---------------------------------------------------------------------------------


@laws
@given(worlds())
def test_foreign_records_are_counted_and_never_touched(situation: Situation) -> None:
    made = plan.make(situation)
    touched = [d.record for d in made.deletes] + [w.record for w in made.withheld]
    for record in touched:
        assert record in situation.records
        assert record.name in situation.pool.records
        assert record.type in situation.pool.types
        assert is_named(situation, record.value)
    assert made.foreign == {
        key: sum(not is_named(situation, r.value) for r in of_set(situation, key))
        for key in plan.record_sets(situation.pool)
    }


# --- laws 3 and 4 ----------------------------------------------------------------------------


SPENT = {RecordSetKey(n, t): 99 for n in NAMES for t in (RecordType.A, RecordType.AAAA)}

DOUBTS: list[tuple[dict[str, Any], set[Ground]]] = [
    ({"doubtful": True}, set()),
    ({"overloaded": True}, {Ground.DUPLICATE}),
    ({"isolated": True}, {Ground.DUPLICATE}),
    ({"vouched_at": None}, {Ground.DUPLICATE}),
    ({"spent": SPENT}, {Ground.DUPLICATE}),
    ({"contested": dict.fromkeys(ADDRESSES, NOW + 90.0)}, set(Ground) - {Ground.DOWN}),
    ({"warming": True}, set(Ground)),
]


@laws
@given(worlds(), st.sampled_from(DOUBTS))
def test_doubt_withholds_deletes_and_never_changes_creates(
    situation: Situation, doubt: tuple[dict[str, Any], set[Ground]]
) -> None:
    changes, grounds = doubt
    # But law 6 has all that are drained wait for whom a start does not know yet.
    unknown = any(state.health is Health.UNKNOWN for state in situation.health.values())
    assume("warming" not in changes or not unknown)
    sure, unsure = plan.make(situation), plan.make(replace(situation, **changes))
    assert (unsure.creates, unsure.omitted) == (sure.creates, sure.omitted)
    assert {d.ground for d in unsure.deletes} <= grounds


@laws
@given(worlds())
def test_no_delete_counts_on_a_create_of_the_same_plan(situation: Situation) -> None:
    """With every create refused, the deletes are the same."""
    made = plan.make(situation)
    refused = {(c.name, c.value): (Unpublished.API_ERROR, NOW + 9.0) for c in made.creates}
    without = plan.make(replace(situation, refused={**situation.refused, **refused}))
    assert (without.creates, without.deletes, without.withheld) == (
        (),
        made.deletes,
        made.withheld,
    )


# --- law 5 ---------------------------------------------------------------------------------


@laws
@given(worlds())
def test_every_withdrawal_has_a_ground(situation: Situation) -> None:
    made = plan.make(situation)
    for delete in made.deletes:
        assert has_ground(situation, delete.record, delete.ground)
    for withheld in made.withheld:
        assert has_ground(situation, withheld.record, withheld.ground)


@laws
@given(worlds())
def test_whatever_has_a_ground_is_deleted_or_withheld_and_never_both(
    situation: Situation,
) -> None:
    made = plan.make(situation)
    deleted = [d.record.id for d in made.deletes]
    withheld = [w.record.id for w in made.withheld]
    assert len(set(deleted) | set(withheld)) == len(deleted) + len(withheld)
    decided = {*deleted, *withheld}
    for key in plan.record_sets(situation.pool):
        for record in of_set(situation, key):
            others = (Ground.RETIRED, Ground.DRAINED)
            state = situation.health.get(record.value, HealthState())
            judged = state.health is Health.DOWN or any(
                has_ground(situation, record, ground) for ground in others
            )
            twin = has_ground(situation, record, Ground.DUPLICATE)
            ours = is_named(situation, record.value)
            assert (record.id in decided) is (ours and (judged or twin))


@laws
@given(worlds())
def test_a_target_that_is_down_goes_only_if_failures_confirm_it_and_somebody_answered_since(
    situation: Situation,
) -> None:
    for delete in plan.make(situation).deletes:
        if delete.ground is not Ground.DOWN:
            continue
        state = situation.health[delete.record.value]
        assert state.failures > 0
        assert state.errors == 0
        assert situation.vouched_at is not None
        assert state.failing_since is not None
        assert situation.vouched_at >= state.failing_since
        assert not situation.isolated
        assert situation.contested.get(delete.record.value, 0.0) <= NOW
        own = {t.address for t in situation.pool.own}
        assert state.proven or delete.record.value not in own


@laws
@given(worlds())
def test_while_warming_no_judgement_is_acted_on_before_all_are_known(situation: Situation) -> None:
    for delete in plan.make(replace(situation, warming=True)).deletes:
        family = delete.record.type
        unknown = [
            address
            for address, state in situation.health.items()
            if address_type(address) is family
            and state.health is Health.UNKNOWN
            and address not in situation.pool.retired
        ]
        assert delete.ground is Ground.DUPLICATE or not unknown


@laws
@given(worlds())
def test_no_more_values_go_than_the_cycle_may_still_withdraw(situation: Situation) -> None:
    made = plan.make(situation)
    for key in plan.record_sets(situation.pool):
        values = {r.value for r in of_set(situation, key)}
        gone = {
            d.record.value
            for d in made.deletes
            if (d.record.name, d.record.type) == key and d.ground is not Ground.DUPLICATE
        }
        spent = situation.spent.get(key, 0)
        half = max(1, (len(values) + spent) // 2)
        assert len(gone) <= max(0, (situation.pool.max_withdrawals or half) - spent)


@laws
@given(worlds())
def test_of_duplicates_the_smallest_id_stays(situation: Situation) -> None:
    made = plan.make(situation)
    gone = {d.record.id for d in made.deletes}
    for delete in made.deletes:
        if delete.ground is Ground.DUPLICATE:
            key = RecordSetKey(delete.record.name, delete.record.type)
            twins = [r.id for r in of_set(situation, key) if r.value == delete.record.value]
            assert min(twins) not in gone


# --- law 6 ---------------------------------------------------------------------------------


@laws
@given(worlds())
def test_nothing_is_created_but_what_is_up_missing_and_ours_to_publish(
    situation: Situation,
) -> None:
    made = plan.make(situation)
    for create in made.creates:
        key = RecordSetKey(create.name, create.type)
        assert key in plan.record_sets(situation.pool)
        assert create.type is address_type(create.value)
        assert create.value not in {r.value for r in of_set(situation, key)}
        assert is_up(situation, create.value)
        assert published_by_us(situation, create.name, create.value)
        assert create.value not in situation.pool.retired
    assert len(set(made.creates)) == len(made.creates)


@laws
@given(worlds())
def test_what_is_up_missing_and_ours_to_publish_is_created_or_omitted_with_a_reason(
    situation: Situation,
) -> None:
    made = plan.make(situation)
    omitted = {(o.name, o.address): o.reason for o in made.omitted}
    created = {(c.name, c.value) for c in made.creates}
    assert not created & set(omitted)
    for key in plan.record_sets(situation.pool):
        present = {r.value for r in of_set(situation, key)}
        for address in situation.health:
            if address_type(address) is not key.type or address in present:
                continue
            if is_up(situation, address) and published_by_us(situation, key.name, address):
                assert ((key.name, address) in created) is not ((key.name, address) in omitted)
    for (name, address), reason in omitted.items():
        assert reason_applies(situation, name, address, reason)


def reason_applies(situation: Situation, name: str, address: str, reason: Unpublished) -> bool:
    state = situation.health.get(address, HealthState())
    others_up = [a for a in situation.health if a != address and is_up(situation, a)]
    return {
        Unpublished.OBSERVE_MODE: situation.pool.mode is Mode.OBSERVE,
        Unpublished.UNKNOWN_HEALTH: state.health is Health.UNKNOWN,
        Unpublished.DRAINED: address in situation.drained,
        Unpublished.RETIRED: address in situation.pool.retired,
        Unpublished.HOLD_DOWN: situation.restrained.get(address, 0.0) > NOW and len(others_up) > 1,
        Unpublished.CONFLICT: situation.refused.get((name, address), (None, 0.0))[1] > NOW,
        Unpublished.API_ERROR: situation.refused.get((name, address), (None, 0.0))[1] > NOW,
    }[reason]


WAITING: list[dict[str, Any]] = [
    {"drained": drains(address), "restrained": {}} for address in IPV4
] + [{"drained": {}, "restrained": {address: NOW + 9.0}} for address in IPV4]


@laws
@given(worlds(), st.sampled_from(WAITING))
def test_whoever_is_drained_or_held_down_is_published_only_if_nobody_better_is_up(
    world: Situation, waiting_for: dict[str, Any]
) -> None:
    situation = replace(world_without_trouble(world), **waiting_for)
    for create in plan.make(situation).creates:
        key = RecordSetKey(create.name, create.type)
        up = [a for a in situation.health if address_type(a) is key.type and is_up(situation, a)]
        waiting = {a for a in up if situation.restrained.get(a, 0.0) > NOW and len(up) > 2}
        present = {r.value for r in of_set(situation, key)}
        better = [
            a
            for a in up
            if a not in {*waiting, *situation.drained, *situation.pool.retired}
            and (a in present or published_by_us(situation, key.name, a))
        ]
        assert create.value in better or not better


@laws
@given(worlds())
def test_if_we_may_publish_something_that_is_up_the_name_is_not_left_without(
    situation: Situation,
) -> None:
    """The fallback of law 6: drained or held down is better than nothing that is up."""
    calm = world_without_trouble(situation)
    made = plan.make(calm)
    for key in plan.record_sets(calm.pool):
        ours = [a for a in calm.health if address_type(a) is key.type and is_up(calm, a)]
        able = [
            a for a in ours if published_by_us(calm, key.name, a) and a not in calm.pool.retired
        ]
        if able:
            assert any(is_up(calm, value) for value in made.desired[key])


# --- holds ---------------------------------------------------------------------------------


def hold_applies(situation: Situation, record: Record, ground: Ground, hold: Hold) -> bool:
    key = RecordSetKey(record.name, record.type)
    state = situation.health.get(record.value, HealthState())
    family = {
        a: s
        for a, s in situation.health.items()
        if address_type(a) is record.type and a not in situation.pool.retired
    }
    values = {r.value for r in of_set(situation, key)}
    rest = values - {record.value}
    since = state.failing_since or 0.0
    unconfirmed = ground is Ground.DOWN and (not state.failures or state.errors > 0)
    unknown = any(s.health is Health.UNKNOWN for s in family.values())
    vouched_at = situation.vouched_at
    standing = [v for v in rest if stands(situation, v)]
    going = {
        r.value
        for r in of_set(situation, key)
        if any(has_ground(situation, r, g) for g in (Ground.RETIRED, Ground.DRAINED))
        or situation.health.get(r.value, HealthState()).health is Health.DOWN
    }
    spent = situation.spent.get(key, 0)
    limit = situation.pool.max_withdrawals or max(1, (len(values) + spent) // 2)
    idle = set(situation.drained) | set(situation.pool.retired)
    beside = any(is_up(situation, v) and v not in idle for v in rest)
    few = len(rest - (going - {record.value})) < situation.pool.min_records
    return {
        Hold.OBSERVE_MODE: situation.pool.mode is Mode.OBSERVE,
        Hold.STALE_VIEW: situation.doubtful,
        Hold.OVERLOADED: situation.overloaded,
        Hold.UNKNOWN_HEALTH: unconfirmed or (situation.warming and unknown),
        Hold.FAIL_OPEN: not any(s.health is Health.UP for s in family.values()),
        Hold.ISOLATED: situation.isolated or vouched_at is None or vouched_at < since,
        Hold.OWN_UNPROVEN: not state.proven
        and record.value in {t.address for t in situation.pool.own},
        Hold.CONTESTED: situation.contested.get(record.value, 0.0) > NOW,
        Hold.MIN_RECORDS: few
        or not standing
        or any(v in going for v in standing)
        or (ground is Ground.DRAINED and not beside),
        Hold.MAX_WITHDRAWALS: spent + len(going) > limit,
    }[hold]


@laws
@given(worlds())
def test_every_withheld_delete_has_a_reason_that_is_true(situation: Situation) -> None:
    for withheld in plan.make(situation).withheld:
        assert hold_applies(situation, withheld.record, withheld.ground, withheld.hold)


@laws
@given(worlds())
def test_fail_open_names_exactly_the_sets_that_have_it(situation: Situation) -> None:
    made = plan.make(situation)
    holding = {
        RecordSetKey(w.record.name, w.record.type)
        for w in made.withheld
        if w.hold is Hold.FAIL_OPEN
    }
    assert set(made.fail_open) == holding
    assert len(made.fail_open) == len(holding)


@laws
@given(worlds())
def test_an_observer_changes_nothing_and_says_what_it_would_not_do(situation: Situation) -> None:
    made = plan.make(replace(situation, pool=replace(situation.pool, mode=Mode.OBSERVE)))
    assert (made.creates, made.deletes) == ((), ())
    assert {w.hold for w in made.withheld} <= {Hold.OBSERVE_MODE}
    assert {o.reason for o in made.omitted} <= {
        Unpublished.OBSERVE_MODE,
        Unpublished.RETIRED,
        Unpublished.DRAINED,
        Unpublished.UNKNOWN_HEALTH,
        Unpublished.HOLD_DOWN,
    }


@laws
@given(worlds())
def test_without_the_lock_every_delete_is_withheld_and_no_create_is(situation: Situation) -> None:
    made = plan.make(situation)
    waiting = plan.without_lock(made, NOW + 1.0)
    assert (waiting.creates, waiting.omitted, waiting.deletes) == (made.creates, made.omitted, ())
    assert [w.record for w in waiting.withheld] == [
        *(w.record for w in made.withheld),
        *(d.record for d in made.deletes),
    ]


# --- law 8 ---------------------------------------------------------------------------------


@laws
@given(worlds())
def test_desired_is_what_the_plan_leaves(situation: Situation) -> None:
    made = plan.make(situation)
    after = apply(situation, made)
    for key, values in made.desired.items():
        assert sorted(values) == sorted({r.value for r in of_set(after, key)})


@laws
@given(worlds())
def test_after_a_plan_there_is_nothing_left_to_create(situation: Situation) -> None:
    assert plan.make(apply(situation, plan.make(situation))).creates == ()


@laws
@given(worlds())
def test_plans_come_to_rest(situation: Situation) -> None:
    """Each cycle that changes something takes records away, or adds some once."""
    world = situation
    for _ in range(len(situation.records) + 3):
        made = plan.make(world)
        if not made.creates and not made.deletes:
            break
        world = apply(world, made)
    made = plan.make(world)
    assert (made.creates, made.deletes) == ((), ())


@laws
@given(worlds())
def test_a_plan_looks_again_only_later_and_whenever_time_alone_may_help(
    situation: Situation,
) -> None:
    made = plan.make(situation)
    timed = {Hold.MAX_WITHDRAWALS, Hold.STALE_VIEW, Hold.OVERLOADED, Hold.CONTESTED}
    waits = {
        Unpublished.CONFLICT,
        Unpublished.API_ERROR,
        Unpublished.HOLD_DOWN,
        Unpublished.DRAINED,
    }
    expected = bool(timed & set(made.holds)) or bool(waits & {o.reason for o in made.omitted})
    assert (made.again_at is not None) is expected
    assert made.again_at is None or made.again_at > NOW


# --- law 10 --------------------------------------------------------------------------------


@laws
@given(worlds(), st.data())
def test_equal_worlds_give_equal_plans_byte_for_byte(
    situation: Situation, data: st.DataObject
) -> None:
    pool = situation.pool
    other = replace(
        situation,
        records=tuple(data.draw(st.permutations(situation.records))),
        health=data.draw(shuffles(situation.health)),
        restrained=data.draw(shuffles(situation.restrained)),
        contested=data.draw(shuffles(situation.contested)),
        refused=data.draw(shuffles(situation.refused)),
        spent=data.draw(shuffles(situation.spent)),
        pool=replace(
            pool,
            records=tuple(data.draw(st.permutations(pool.records))),
            listed=tuple(data.draw(st.permutations(pool.listed))),
            own=tuple(data.draw(st.permutations(pool.own))),
            retired=tuple(data.draw(st.permutations(pool.retired))),
        ),
    )
    assert repr(plan.make(other)) == repr(plan.make(situation))


def shuffles(values: Mapping[Any, Any]) -> st.SearchStrategy[dict[Any, Any]]:
    return st.permutations(list(values.items())).map(dict)


@laws
@given(worlds())
def test_changes_are_ordered(situation: Situation) -> None:
    def order(change: Create | Record) -> tuple[str, bool]:
        return change.name, change.type is RecordType.AAAA

    made = plan.make(situation)
    for changes in (
        made.creates,
        [d.record for d in made.deletes],
        [w.record for w in made.withheld],
    ):
        assert list(map(order, changes)) == sorted(map(order, changes))
