"""Plan: the changes that a pool needs, what is withheld, and why. Pure; equal inputs, equal plans.

The laws that this module keeps (docs/architecture.md has all ten):

    1  never empty        a withdrawal leaves `min_records` values of the read that it rests on, and
                          one of them is ours and UP beyond doubt
    2  never foreign      with listed `targets`, other addresses are counted and left alone
    3  create first       a Plan's creates are applied before its deletes
    4  doubt              withholds withdrawals, one by one and with a reason; never a create
    5  a ground           DOWN, RETIRED, DRAINED or DUPLICATE; nothing else is ever withdrawn
    6  wanted             UP and neither drained, retired nor held down; if no such target is left
                          (nor may be one that is not known yet), any that is UP and not retired
    7  isolated           nobody has answered since the candidate began to fail: hold
    8  levels             what is, against what should be; when to look again is `again_at`
   10  deterministic      sorted by name, type, address, id

Who may publish what (law 6): an own address by a member, never by a witness; a listed target by
anyone; a learned one that left a name while DOWN or drained (`remembered`) there, by a witness.
Nothing else.

With quorum, the votes of all observers (quorum.py) may only withhold: who is DOWN for us is not
withdrawn unless it is down by the votes, who is UP for us is not published unless it is up by them.
If nobody of a record set is up by them, we publish by our own view, and withdraw nobody.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product

from dnsbalancer_exporter import health
from dnsbalancer_exporter.model import (
    Create,
    Delete,
    Drain,
    Entry,
    Ground,
    Health,
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
from dnsbalancer_exporter.names import address_order, address_type
from dnsbalancer_exporter.vote import Count, Words, in_order

ASKED = Hold.UNKNOWN_HEALTH
"""The doubt that a probe will settle."""

NOBODY = HealthState()
"""The health of an address that is no target."""


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan rests on. Times are on the process's clock.

    ``health`` has every target of the pool. ``vouched_at`` is when the latest probe started that
    succeeded on a target of any pool that is UP beyond doubt; ``isolated`` says that all references
    fail, ``overloaded`` that the healths are an old picture. ``restrained`` and ``refused`` say
    until when a publication waits, ``refused`` why, and ``contested`` until when a withdrawal does.
    ``drained`` holds the drains in force. ``returned`` are the addresses that were put back and
    have not been probed since; ``regained_at`` is when the zone answered after trouble.
    ``spent`` counts the values that this cycle has withdrawn already. ``votes`` is None without
    quorum.
    """

    pool: Pool
    records: tuple[Record, ...]
    health: Mapping[str, HealthState]
    now: float
    vouched_at: float | None = None
    isolated: bool = False
    doubtful: bool = False
    overloaded: bool = False
    warming: bool = False
    remembered: frozenset[Entry] = frozenset()
    drained: Mapping[str, Drain] = field(default_factory=dict)
    restrained: Mapping[str, float] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], tuple[Unpublished, float]] = field(default_factory=dict)
    contested: Mapping[str, float] = field(default_factory=dict)
    returned: frozenset[str] = frozenset()
    regained_at: float | None = None
    spent: Mapping[RecordSetKey, int] = field(default_factory=dict)
    votes: Count | None = None

    def state(self, address: str) -> HealthState:
        """The health of an address; UNKNOWN if it is not a target."""
        return self.health.get(address, NOBODY)


def record_sets(pool: Pool) -> tuple[RecordSetKey, ...]:
    """The record sets that a pool reads and manages, in order."""
    return tuple(RecordSetKey(name, t) for name, t in product(sorted(pool.records), pool.types))


def make(situation: Situation) -> Plan:
    """Return the plan for all record sets of the pool."""
    plans = [_plan_set(situation, key) for key in record_sets(situation.pool)]
    again = [p.again_at for p in plans if p.again_at is not None]
    return Plan(
        creates=tuple(c for p in plans for c in p.creates),
        deletes=tuple(d for p in plans for d in p.deletes),
        withheld=tuple(w for p in plans for w in p.withheld),
        omitted=tuple(o for p in plans for o in p.omitted),
        desired={key: value for p in plans for key, value in p.desired.items()},
        fail_open=tuple(key for p in plans for key in p.fail_open),
        foreign={key: value for p in plans for key, value in p.foreign.items()},
        again_at=min(again, default=None),
    )


def without_lock(plan: Plan, again_at: float) -> Plan:
    """Return the plan as it is when the lock cannot be had: withdrawals wait (law 9)."""
    waiting = tuple(Withheld(d.record, d.ground, Hold.NO_LOCK) for d in plan.deletes)
    again = again_at if plan.again_at is None else min(again_at, plan.again_at)
    return replace(plan, deletes=(), withheld=plan.withheld + waiting, again_at=again)


def _plan_set(situation: Situation, key: RecordSetKey) -> Plan:
    """The plan for one record set."""
    pool = situation.pool
    present: dict[str, list[Record]] = {}
    foreign = 0
    for record in sorted(situation.records, key=_record_order):
        if (record.name, record.type) == key:
            present.setdefault(record.value, []).append(record)
            foreign += not is_ours(pool, record.value)
    addresses = sorted(
        {a for a in (*situation.health, *present) if address_type(a) is key.type}, key=address_order
    )
    votes = _deciding(situation, key)
    wanted, reasons = _wanted(situation, key, votes, addresses, present)
    # With nobody wanted, any that is UP and not retired is (law 6): so who is drained stays.
    keep_drained = not wanted
    if not wanted and not _awaited(situation, present):
        wanted = _last_resort(situation, votes, reasons)
    reasons = {a: None if a in wanted else reason for a, reason in reasons.items()}
    creates, omitted, waits = _publications(situation, key, reasons, present, wanted)
    deletes, withheld = _withdrawals(situation, key, votes, present, keep_drained=keep_drained)
    soon = {Hold.MAX_WITHDRAWALS, Hold.STALE_VIEW, Hold.OVERLOADED}
    if any(w.hold in soon for w in withheld):
        waits.append(situation.now + pool.timing.fast_interval)
    waits += [situation.contested[w.record.value] for w in withheld if w.hold is Hold.CONTESTED]
    gone = {d.record.id for d in deletes}
    kept = {v for v, records in present.items() if any(r.id not in gone for r in records)}
    desired = kept | {c.value for c in creates}
    fails_open = any(w.hold is Hold.FAIL_OPEN for w in withheld)
    return Plan(
        creates=tuple(creates),
        deletes=tuple(deletes),
        withheld=tuple(withheld),
        omitted=tuple(omitted),
        desired={key: tuple(sorted(desired, key=address_order))},
        fail_open=(key,) if fails_open else (),
        foreign={key: foreign},
        again_at=min(waits, default=None),
    )


def is_ours(pool: Pool, address: str) -> bool:
    """Law 2: without a list, every address of the set is ours; with one, only what it names."""
    if not pool.listed or address in pool.listed_addresses:
        return True
    own = pool.own if pool.member else ()
    return address in (*(t.address for t in own), *pool.retired)


def may_publish(situation: Situation, name: str, address: str) -> bool:
    """Law 6: whether this instance may create a record with this address under ``name``."""
    pool = situation.pool
    if any(own.address == address for own in pool.own):
        return pool.member
    if address in pool.listed_addresses:
        return True
    return Entry(name, address) in situation.remembered and not pool.member


def unwanted(
    pool: Pool, states: Mapping[str, HealthState], drained: Mapping[str, Drain]
) -> dict[str, float]:
    """Every address that has a ground to go, wherever it is: who puts it back contests it.

    With when that was last confirmed: by a probe, or for ever by an operator's word.
    """
    down = {
        a: -math.inf if s.failed_at is None else s.failed_at
        for a, s in states.items()
        if s.health is Health.DOWN and s.failures
    }
    return down | dict.fromkeys((*drained, *pool.retired), math.inf)


def drainable(situation: Situation, address: str) -> bool:
    """Law 1 for a drain: whether the rest of each set that has the address would be enough.

    So must it be of a set that is about to have it.
    """
    up = situation.state(address).health is Health.UP
    for key in record_sets(situation.pool):
        values = {r.value for r in situation.records if (r.name, r.type) == key}
        values |= {address} if up and key.type is address_type(address) else set()
        rest = values - {address} - set(situation.drained)
        floor = situation.pool.min_records
        if address in values and _floor(situation, rest, floor, address):
            return False
    return True


# --- publications -------------------------------------------------------------------------


def _wanted(
    situation: Situation,
    key: RecordSetKey,
    votes: Count | None,
    addresses: list[str],
    present: Mapping[str, list[Record]],
) -> tuple[set[str], dict[str, Unpublished | None]]:
    """Law 6: who is to be in the zone, and for each address why it is not."""
    up = [a for a in addresses if situation.state(a).health is Health.UP]
    reasons = {a: _unpublished(situation, votes, a, len(up)) for a in addresses}
    # These delay a publication; who is in the zone already stays wanted.
    stays = (None, Unpublished.HOLD_DOWN, Unpublished.VOTED_DOWN)
    wanted = {a for a in up if a in present and reasons[a] in stays}
    wanted |= {a for a in up if reasons[a] is None and may_publish(situation, key.name, a)}
    return wanted, reasons


def _awaited(situation: Situation, present: Mapping[str, list[Record]]) -> bool:
    """Whether one who is in the zone may turn out to be UP any moment, as after each start."""
    unknown = any(situation.state(a).health is Health.UNKNOWN for a in present)
    return situation.warming and unknown


def _publications(
    situation: Situation,
    key: RecordSetKey,
    reasons: Mapping[str, Unpublished | None],
    present: Mapping[str, list[Record]],
    wanted: set[str],
) -> tuple[list[Create], list[Omitted], list[float]]:
    """What is to be published, what is not and why, and when to ask again."""
    siblings = [r.ttl for records in present.values() for r in records]
    ttl = min(siblings, default=situation.pool.ttl)
    creates, omitted, waits = [], [], []
    for address, why_not in reasons.items():
        reason = why_not
        if address in present or not may_publish(situation, key.name, address):
            continue
        if reason is Unpublished.HOLD_DOWN:
            waits.append(situation.restrained[address])
        if reason is Unpublished.DRAINED and address in situation.drained:
            waits.append(situation.drained[address].until)
        if reason is None and address in wanted:
            refused, until = situation.refused.get((key.name, address), (None, 0.0))
            if situation.pool.mode is Mode.OBSERVE:
                reason = Unpublished.OBSERVE_MODE
            elif refused and situation.now < until:
                reason = refused
                waits.append(until)
            else:
                creates.append(Create(key.name, key.type, address, ttl))
        if reason is not None:
            omitted.append(Omitted(key.name, address, reason))
    return creates, omitted, waits


def _deciding(situation: Situation, key: RecordSetKey) -> Count | None:
    """The votes; None without quorum, or if nobody of a record set is up by them."""
    votes = situation.votes
    mine = (a for a in situation.health if address_type(a) is key.type)
    return votes if any(_up_by(votes, address) for address in mine) else None


def _last_resort(
    situation: Situation, votes: Count | None, reasons: Mapping[str, Unpublished | None]
) -> set[str]:
    """Law 6, if nobody is wanted: any that is UP and not retired. The votes may know better."""
    kept_out = (Unpublished.DRAINED, Unpublished.RETIRED)
    standing = {a for a in reasons if _up_by(votes, a)}
    if votes is not None and any(reasons[a] not in kept_out for a in standing):
        return set()
    up = {a for a in standing if situation.state(a).health is Health.UP}
    return up - set(situation.pool.retired)


def _up_by(votes: Count | None, address: str) -> bool:
    """Whether the votes, if they decide, let an address be published."""
    return votes is None or votes.verdict(address).word == "up"


def _unpublished(
    situation: Situation, votes: Count | None, address: str, up: int
) -> Unpublished | None:
    """Why an address is not wanted; None also for a DOWN one, which needs no further reason.

    Hold-down never applies when fewer than two others are UP. ``votes`` None: they do not count.
    """
    state = situation.state(address)
    others_up = up - (state.health is Health.UP)
    held_down = situation.now < situation.restrained.get(address, 0.0)
    table = (
        (Unpublished.RETIRED, address in situation.pool.retired),
        (Unpublished.DRAINED, address in situation.drained),
        (Unpublished.DRAINED, _drained_elsewhere(situation, address)),
        (Unpublished.UNKNOWN_HEALTH, state.health is Health.UNKNOWN),
        (Unpublished.VOTED_DOWN, not _up_by(votes, address)),
        (Unpublished.HOLD_DOWN, held_down and others_up >= 2 and state.health is Health.UP),
    )
    return next((reason for reason, applies in table if applies), None)


def _drained_elsewhere(situation: Situation, address: str) -> bool:
    return situation.votes is not None and address in situation.votes.drained


# --- withdrawals --------------------------------------------------------------------------


def _withdrawals(
    situation: Situation,
    key: RecordSetKey,
    votes: Count | None,
    present: Mapping[str, list[Record]],
    *,
    keep_drained: bool,
) -> tuple[list[Delete], list[Withheld]]:
    """What may be withdrawn now, dead targets first, and what is withheld and why."""
    deletes: list[Delete] = []
    withheld: list[Withheld] = []
    left = set(present)
    spent = situation.spent.get(key, 0)
    before = len(present) + spent
    limit = situation.pool.max_withdrawals or max(1, before // 2)
    healths = _healths(situation, key)
    for value, ground in _candidates(situation, present):
        forced = ground is Ground.DRAINED and situation.drained[value].forced
        floor = 1 if forced else situation.pool.min_records
        doubt = _hold(situation, votes, healths, value, ground)
        hold = doubt or _floor(situation, left, floor, value)
        up = situation.state(value).health is Health.UP
        if hold is None and keep_drained and ground is Ground.DRAINED and up:
            hold = Hold.MIN_RECORDS
        if hold is None and spent >= limit:
            hold = Hold.MAX_WITHDRAWALS
        if hold is None:
            left.discard(value)
            spent += 1
            deletes += [Delete(record, ground) for record in present[value]]
        else:
            withheld.append(Withheld(present[value][0], ground, hold))
    repeated = [Delete(r, Ground.DUPLICATE) for r in _repeated(situation, present, left)]
    # The value stays: no judgement is needed, only a list that can be believed.
    doubt = _first(_doubts_of_the_view(situation))
    if doubt is None:
        return deletes + repeated, withheld
    return deletes, withheld + [Withheld(d.record, d.ground, doubt) for d in repeated]


def _repeated(
    situation: Situation, present: Mapping[str, list[Record]], left: set[str]
) -> list[Record]:
    """All but the first record of each value of ours that is left (law 9)."""
    ours = sorted((a for a in left if is_ours(situation.pool, a)), key=address_order)
    return [record for value in ours for record in present[value][1:]]


def _candidates(
    situation: Situation, present: Mapping[str, list[Record]]
) -> Iterator[tuple[str, Ground]]:
    """Values of ours that have a ground to go, by ground and then by address."""
    grounds = {v: _ground(situation, v) for v in sorted(present, key=address_order)}
    for ground in Ground:
        yield from ((v, ground) for v, g in grounds.items() if g is ground)


def _ground(situation: Situation, value: str) -> Ground | None:
    """Law 5. An operator's word comes before our judgement, whose doubts are not about it."""
    if not is_ours(situation.pool, value):
        return None
    table = (
        (Ground.RETIRED, value in situation.pool.retired),
        (Ground.DRAINED, value in situation.drained),
        (Ground.DOWN, situation.state(value).health is Health.DOWN),
    )
    return next((ground for ground, applies in table if applies), None)


def _doubts_of_the_view(situation: Situation) -> tuple[tuple[Hold, bool], ...]:
    return (
        (Hold.OBSERVE_MODE, situation.pool.mode is Mode.OBSERVE),
        (Hold.STALE_VIEW, situation.doubtful),
    )


def _healths(situation: Situation, key: RecordSetKey) -> set[Health]:
    """What the targets are whose addresses belong into a record set."""
    retired = situation.pool.retired
    known = situation.health.items()
    return {s.health for a, s in known if address_type(a) is key.type and a not in retired}


def _hold(
    situation: Situation, votes: Count | None, healths: set[Health], value: str, ground: Ground
) -> Hold | None:
    """The first reason to withhold the withdrawal of ``value``, whatever else is withdrawn.

    ``votes`` are those that decide about its record set, ``healths`` are those of its targets.
    """
    return _first(
        (
            *_doubts_of_the_view(situation),
            *_doubts_of_the_judgement(situation, healths, value, ground),
            (Hold.CONTESTED, situation.now < situation.contested.get(value, 0.0)),
            (Hold.NO_QUORUM, ground is Ground.DOWN and not _agreed(situation, votes, value)),
        )
    )


def _doubts_of_the_judgement(
    situation: Situation, healths: set[Health], value: str, ground: Ground
) -> tuple[tuple[Hold, bool], ...]:
    unknown = situation.warming and Health.UNKNOWN in healths
    own = any(own.address == value for own in situation.pool.own)
    state = situation.state(value)
    down = ground is Ground.DOWN
    asked_again = value in situation.returned or _is_of_before(situation.regained_at, state)
    unconfirmed = state.failures == 0 or state.errors > 0 or asked_again
    return (
        (Hold.OVERLOADED, situation.overloaded),
        (Hold.UNKNOWN_HEALTH, unknown or (down and unconfirmed)),
        (Hold.FAIL_OPEN, Health.UP not in healths),
        (Hold.ISOLATED, situation.isolated or _unvouched(situation, state)),
        (Hold.OWN_UNPROVEN, own and down and not state.proven),
    )


def words(
    situation: Situation,
    before: Words = Words(),  # noqa: B008 - it is frozen
    named: frozenset[str] = frozenset(),
) -> Words:
    """What our vote says: whom we hold DOWN without a doubt of our own, and who is drained.

    Who holds everybody DOWN, or is isolated by law 7, names nobody. Who was named ``before`` and is
    still DOWN stays so while we ask again. Others have ``named`` some: our own address is then
    DOWN, too, though it has never been UP from here. First those who are published: they find room.
    """
    healths = {state.health for state in situation.health.values()}
    down = []
    for address, state in situation.health.items():
        if state.health is Health.DOWN:
            doubts = _doubts_of_the_judgement(situation, healths, address, Ground.DOWN)
            settled = {ASKED: address in before.down, Hold.OWN_UNPROVEN: address in named}
            if not any(applies and not settled.get(hold) for hold, applies in doubts):
                down.append(address)
    published = {record.value for record in situation.records}
    first = sorted(in_order(down), key=lambda address: address not in published)
    return Words(tuple(first), in_order(situation.drained))


def _agreed(situation: Situation, votes: Count | None, value: str) -> bool:
    """Whether the votes, if there are any, say of a target that it is DOWN."""
    if situation.votes is None:
        return True
    return votes is not None and not votes.unsettled and votes.verdict(value).word == "down"


def _is_of_before(regained_at: float | None, state: HealthState) -> bool:
    """Law 4: it last failed when we could not read the zone either, and may have been cut off."""
    return regained_at is not None and (state.failed_at is None or state.failed_at < regained_at)


def _unvouched(situation: Situation, state: HealthState) -> bool:
    """Law 7: nobody has answered us since this target began to fail."""
    if situation.vouched_at is None:
        return True
    return state.failing_since is not None and situation.vouched_at < state.failing_since


def _floor(situation: Situation, left: set[str], least: int, going: str) -> Hold | None:
    """Law 1: what must be left of the values that were read, without the one that is ``going``."""
    stands = any(
        a != going
        and is_ours(situation.pool, a)
        and a not in situation.pool.retired
        and health.vouches(situation.state(a))
        for a in left
    )
    enough = len(left) - (going in left) >= least
    return None if enough and stands else Hold.MIN_RECORDS


def _first(table: tuple[tuple[Hold, bool], ...]) -> Hold | None:
    return next((hold for hold, applies in table if applies), None)


def _record_order(record: Record) -> tuple[tuple[int, int], str]:
    return address_order(record.value), record.id
