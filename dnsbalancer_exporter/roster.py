"""Roster: who the targets of a pool are, and which lists can be believed.

the pool has   its targets are
-------------  -----------------------------------------------------------------------------
`targets`      those, and a member's own addresses
no `targets`   every value of its record sets, a member's own addresses, and what left the
               sets while it was DOWN or drained, for `remember` seconds (what left while it was
               UP or UNKNOWN was taken out by somebody, and is forgotten at once)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.model import (
    Contest,
    Drain,
    Entry,
    Health,
    HealthState,
    Pool,
    Record,
    RecordSetKey,
    Restraint,
    Target,
    TargetKey,
    Unpublished,
)

SLOW_SECONDS = 2.0
"""Seconds after which a read is held to have been in trouble: TCP has sent it again by then."""


def targets(pool: Pool, known: frozenset[str]) -> tuple[Target, ...]:
    """The targets of a pool whose record sets hold, or are remembered to have held, ``known``."""
    named = {target.address: target for target in pool.listed}
    if pool.member:
        named |= {own.address: own for own in pool.own}
    if not pool.listed:
        own = {own.address: own for own in pool.own}
        learned = known - set(named) - set(pool.retired)
        named |= {a: own.get(a) or _learned(pool, a) for a in sorted(learned)}
    return tuple(named.values())


def _learned(pool: Pool, address: str) -> Target:
    return Target(address, address, replace(pool.probe, address=address))


def remember(
    pool: Pool,
    remembered: Mapping[Entry, float],
    before: frozenset[Entry],
    now_in_zone: frozenset[Entry],
    health: Mapping[str, HealthState],
    drains: Mapping[str, Drain],
    now: float,
) -> dict[Entry, float]:
    """Which addresses that have left a name stay targets, to be put back there, and until when.

    ``before`` and ``now_in_zone`` are what the pool's record sets held by the last two reads.
    One that is drained stays a target beyond its drain: somebody must put it back.
    """
    if pool.listed:
        return {}
    kept = {e: t for e, t in remembered.items() if e not in now_in_zone and now < t}
    down = {a for a, state in health.items() if state.health is Health.DOWN}
    for entry in before - now_in_zone:
        if entry.address in down or entry.address in drains:
            kept[entry] = now + pool.remember
    ends = {a: drain.until + pool.remember for a, drain in drains.items()}
    return {e: max(until, ends.get(e.address, until)) for e, until in kept.items()}


@dataclass(frozen=True, slots=True)
class Belief:
    """How long a list was when it was last believed, and how long the shorter one in doubt was."""

    length: int
    doubted: int | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """How a zone answers: if its last read failed or was slow, and when it last answered after
    trouble.
    """

    failing: bool = False
    slow: bool = False
    regained_at: float | None = None


def answered(contact: Contact, began: float, now: float) -> Contact:
    """Law 4: who could not read the zone may have been cut off, and from its targets as well.

    So after a read that failed, or one that took long because it was sent again, nobody is
    withdrawn who was not probed since. An API that is always slow would make that last for ever:
    of slow reads in a row only the first counts.
    """
    slow = now - began > SLOW_SECONDS
    trouble = contact.failing or (slow and not contact.slow)
    return Contact(slow=slow, regained_at=now if trouble else contact.regained_at)


def ask(
    health: Mapping[str, HealthState], left: frozenset[str], now: float, regained_at: float | None
) -> dict[str, float]:
    """Whose verdict is to be confirmed by a probe, and since when it counts.

    All that are DOWN, when the zone answers after trouble; and who is UP for us and has ``left``
    the zone: a peer may have seen it die. It is put back at once all the same (law 4), but if it
    is dead that lasts for seconds, and not until its next probe is due.
    """
    down = {a: regained_at or 0.0 for a, s in health.items() if s.health is Health.DOWN}
    up = {a: now for a in left & health.keys() if health[a].health is Health.UP}
    return (down if regained_at else {}) | up


def contests(
    before: Mapping[str, Contest],
    old: tuple[Record, ...],
    new: tuple[Record, ...],
    unwanted: Mapping[str, float],
    agreed: frozenset[str],
    now: float,
) -> dict[str, Contest]:
    """What becomes of each contest by a new list: who was put back although it is ``unwanted``.

    ``unwanted`` says when it was last confirmed that each is; ``agreed`` are the addresses that we,
    too, would have in the zone.
    """
    known = {record.id for record in old}
    back = unwanted.keys() & {r.value for r in new if r.id not in known}
    there, after = values(new), {}
    for address in sorted({*before, *back}):
        met = restraint.contest(
            before.get(address, Contest()),
            now,
            came_back=address in back,
            up=address in agreed,
            confirmed_at=unwanted.get(address),
        )
        if address not in there:
            met = replace(met, returned_at=None)
        known_to_us = address in unwanted or address in agreed or now < met.until
        if known_to_us and (met.returns or met.returned_at is not None):
            after[address] = met
    return after


def believe(belief: Belief | None, length: int) -> Belief:
    """Law 5: a list less than half as long as the last one is in doubt until a second one agrees.

    The result is in doubt exactly if its ``doubted`` is not None.
    """
    if belief is None or length * 2 >= belief.length:
        return Belief(length)
    doubted = belief.doubted
    agrees = doubted is not None and length * 2 >= doubted and doubted * 2 >= length
    return Belief(length) if agrees else Belief(belief.length, length)


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Law 5: no withdrawal until every target is known, or the time that it takes is over."""

    since: float | None = None
    over: bool = False

    def seconds(self, pool: Pool) -> float:
        """The time that `fall` probes take when each of them waits for its deadline, and a half."""
        timing = pool.timing
        return 1.5 * timing.fall * (timing.probe_timeout + timing.fast_interval) + 1.0

    def step(self, pool: Pool, health: Mapping[str, HealthState], now: float) -> WarmUp:
        """Return the warm-up after a look at ``health``, which has every target of the pool."""
        if self.over:
            return self
        since = now if self.since is None else self.since
        known = bool(health) and all(s.health is not Health.UNKNOWN for s in health.values())
        return WarmUp(since, over=known or now >= since + self.seconds(pool))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A create that was refused: until when it is not tried again, and how often it was."""

    reason: Unpublished
    until: float
    step: int


def backoff(step: int, first: float, asked: float | None = None) -> float:
    """Seconds to wait after ``step`` failures: doubling, at most 300, but at least ``asked``."""
    return max(min(300.0, first * 2.0 ** min(step - 1, 20)), asked or 0.0)


NO_RESTRAINT = Restraint()


@dataclass(frozen=True, slots=True)
class Watched:
    """What the watch is told of one target; with what it starts from, if it is new.

    It is to be probed at once if it has not been since ``ask_after``.
    """

    key: TargetKey
    target: Target
    restraint: Restraint = Restraint()
    proven: bool = False
    ask_after: float | None = None


def watched(
    pool: Pool,
    memory: Memory,
    seen: frozenset[str] = frozenset(),
    doubted: Mapping[str, float] | None = None,
) -> tuple[Watched, ...]:
    """All that is probed for a pool: its targets, also those just ``seen``, and its references.

    ``doubted`` says of some since when they have to be probed once.
    """
    asked = dict(doubted or {})
    for address, contest in memory.contests.items():
        if contest.returned_at is not None:
            asked[address] = max(contest.returned_at, asked.get(address, 0.0))
    mine = [
        Watched(
            TargetKey(pool.name, target.address),
            target,
            memory.restraints.get(target.address, NO_RESTRAINT),
            bool(memory.proven) and target.probe.label in memory.proven,
            asked.get(target.address),
        )
        for target in targets(pool, memory.known | seen)
    ]
    others = [Watched(TargetKey(pool.name, t.address, True), t) for t in pool.reference]  # noqa: FBT003
    return (*mine, *others)


def values(records: tuple[Record, ...]) -> frozenset[str]:
    """The distinct values of some records."""
    return frozenset(record.value for record in records)


def entries(records: tuple[Record, ...]) -> frozenset[Entry]:
    """Which name has which address, by some records."""
    return frozenset(Entry(record.name, record.value) for record in records)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of a pool from one cycle to the next; without it nothing is lost but time.

    ``restraints`` and ``proven`` are from an earlier process, for targets that are followed anew.
    ``gaps`` are the record sets that were found empty and were not so before.
    """

    records: tuple[Record, ...] = ()
    read_at: float | None = None
    drains: Mapping[str, Drain] = field(default_factory=dict)
    remembered: Mapping[Entry, float] = field(default_factory=dict)
    restraints: Mapping[str, Restraint] = field(default_factory=dict)
    proven: frozenset[str] = frozenset()
    gaps: frozenset[RecordSetKey] = frozenset()
    refusals: Mapping[tuple[str, str], Refusal] = field(default_factory=dict)
    contests: Mapping[str, Contest] = field(default_factory=dict)
    warm_up: WarmUp = WarmUp()
    errors: int = 0
    refused_until: float = 0.0
    refusals_of_deletes: int = 0

    @property
    def known(self) -> frozenset[str]:
        """The addresses that were last seen in the zone, or are remembered."""
        return values(self.records) | {entry.address for entry in self.remembered}


def with_drains(memory: Memory, drains: Mapping[str, Drain]) -> Memory:
    """Return the memory with other drains; whose drain is over is not contested any more."""
    over = memory.drains.keys() - drains.keys()
    contests = {a: c for a, c in memory.contests.items() if a not in over}
    return replace(memory, drains=drains, contests=contests)
