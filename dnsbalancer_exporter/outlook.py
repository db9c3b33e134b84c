"""Outlook: what was read of each pool's zone, what is remembered of it, and the plan that follows.

From each read (lists.py) the pool learns who its targets are (roster.py); a plan (plan.py) is made
from the last read and from the states as they are at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dnsbalancer_exporter import health, plan, quorum, restraint, roster
from dnsbalancer_exporter.ballot import Polls
from dnsbalancer_exporter.calm import Basis, Calm
from dnsbalancer_exporter.followed import Followed
from dnsbalancer_exporter.lists import Lists, Read
from dnsbalancer_exporter.model import (
    Drain,
    Health,
    Kept,
    Plan,
    Pool,
    Record,
    RecordSetKey,
    TargetKey,
)
from dnsbalancer_exporter.plan import Situation
from dnsbalancer_exporter.report import Change, TargetState, withdrawn
from dnsbalancer_exporter.roster import Memory
from dnsbalancer_exporter.vote import Count, Words

NOTHING = Memory()
"""What is kept of a pool that was never looked at."""


@dataclass(frozen=True, slots=True)
class View:
    """What a pool's record sets held when they were read; ``doubtful`` after a list too short."""

    records: tuple[Record, ...]
    doubtful: bool


class Outlook:
    """Of all pools of one process. ``states`` gives the watch's states, ``follow`` tells it whom
    to probe; ``clock`` is the process's clock in seconds. ``changed`` is called when something
    may be different from now on that outlives the process; ``overloaded`` says whether the states
    are an old picture.
    """

    def __init__(
        self,
        read: Read,
        clock: Callable[[], float],
        states: Callable[[], Mapping[TargetKey, TargetState]],
        follow: Callable[[Pool, Iterable[roster.Watched]], None],
    ) -> None:
        self.lists = Lists(read, clock)
        self.polls = Polls(self.lists)
        self._clock = clock
        self._followed = Followed(states, follow)
        self.changed: Callable[[], None] = lambda: None
        self.overloaded: Callable[[], bool] = lambda: False
        self._memories: dict[str, Memory] = {}
        self._views: dict[str, View] = {}
        self._new_gaps: dict[str, list[RecordSetKey]] = {}
        self.calm = Calm()

    def begin(self, pool: Pool) -> None:
        """Start to probe what is known of a pool before its zone has been read."""
        self._followed.watch(pool, roster.watched(pool, self.memory(pool)))

    def forget(self, pool: Pool) -> None:
        """Drop what is kept of a pool that is no longer configured."""
        self._memories.pop(pool.name, None)
        self._views.pop(pool.name, None)
        self._followed.forget(pool)
        self._new_gaps.pop(pool.name, None)
        self.polls.forget(pool)
        self.calm.forget(pool)

    def memory(self, pool: Pool) -> Memory:
        """What is kept of a pool from one cycle to the next."""
        return self._memories.get(pool.name, NOTHING)

    def keep(self, pool: Pool, **changes: Any) -> None:
        """Change some fields of what is kept."""
        self._remember(pool, replace(self.memory(pool), **changes))

    def _remember(self, pool: Pool, memory: Memory) -> None:
        self._memories[pool.name] = memory
        self.changed()

    # --- what outlives the process --------------------------------------------------------

    def restore(self, pool: Pool, kept: Kept) -> None:
        """Begin with what an earlier process kept."""
        self.keep(
            pool,
            drains=kept.drains,
            remembered=kept.remembered,
            contests=kept.contests,
            restraints=kept.restraints,
            proven=kept.proven,
        )

    def kept(self, pools: Iterable[Pool]) -> list[tuple[Pool, Kept]]:
        """What a later process is to begin with."""
        return [(pool, self._kept(pool, self._followed.targets(pool).values())) for pool in pools]

    def _kept(self, pool: Pool, states: Iterable[TargetState]) -> Kept:
        memory, now = self.memory(pool), self._clock()
        own = {target.address: target.probe.label for target in pool.own}
        proven = {
            s.target.probe.label for s in states if s.target.address in own and s.health.proven
        }
        # Who is not probed yet (the zone was not read so far) is as the earlier process left it.
        proven |= memory.proven.intersection(own.values())
        held = {**memory.restraints, **{s.target.address: s.restraint for s in states}}
        return Kept(
            self.drains(pool),
            memory.remembered,
            memory.contests,
            dict(sorted((a, r) for a, r in held.items() if restraint.matters(r, now))),
            frozenset(proven),
        )

    def drains(self, pool: Pool) -> dict[str, Drain]:
        """The drains that are in force now."""
        now = self._clock()
        return {a: drain for a, drain in self.memory(pool).drains.items() if now < drain.until}

    def drain(self, pool: Pool, address: str, drain: Drain | None) -> None:
        """Have an address out of the zone for a time; None ends it."""
        drains = {a: d for a, d in self.drains(pool).items() if a != address}
        drains |= {address: drain} if drain else {}
        self._remember(pool, roster.with_drains(self.memory(pool), drains))

    # --- reading ------------------------------------------------------------------------

    def records(self, pool: Pool) -> tuple[Record, ...]:
        """What the pool's record sets held when they were last read."""
        return self._views[pool.name].records

    def gone(self, pool: Pool, record: Record) -> None:
        """A record of the view has been deleted since it was read."""
        view = self._views[pool.name]
        left = tuple(r for r in view.records if r.id != record.id)
        self._views[pool.name] = replace(view, records=left)

    def made(self, pool: Pool, record: Record) -> None:
        """A record has been created by ourselves: nobody else has put it back."""
        self.keep(pool, records=(*self.memory(pool).records, record))

    def presses(self, pool: Pool) -> bool:
        """Whether, by the last look, somebody is published whom we hold DOWN."""
        view, healths = self._views.get(pool.name), self._followed.held_for(pool)
        if view is None or Health.DOWN not in healths:
            return False
        down = {a for a, s in self._followed.healths(pool).items() if s.health is Health.DOWN}
        return not down.isdisjoint(roster.values(view.records))

    async def look(self, pool: Pool, changes: Sequence[Change] = ()) -> Plan:
        """Read the pool's record sets, learn who its targets are, and plan.

        The very plan of the last look is given again if that was calm and nothing has changed.
        """
        records: list[Record] = []
        doubtful = False
        for type_ in pool.types:
            listed, doubted = await self.lists.listed(pool, type_)
            doubtful |= doubted
            records += listed
        if pool.quorum:
            await self.polls.read(pool, pool.quorum)
        view = View(tuple(records), doubtful)
        # Votes may be others than the last time, and nothing is learned from a list in doubt.
        unsure = doubtful or pool.quorum is not None
        calm = None if changes or unsure else self.calm.still(self._basis(pool, view))
        if calm:
            self._memories[pool.name] = replace(self.memory(pool), read_at=self._clock())
            return calm
        self._note_gaps(pool, self._views.get(pool.name, view), view)
        self._views[pool.name] = view
        self._learn(pool, view)
        found = self.plan(pool, changes)
        if unsure:
            self.calm.forget(pool)
        else:
            self.calm.note(self._basis(pool, view), found)
        return found

    def _basis(self, pool: Pool, view: View) -> Basis:
        memory = replace(self.memory(pool), read_at=None)
        regained_at = self.lists.regained_at(pool.zone)
        return Basis(pool, view.records, memory, self._followed.held_for(pool), regained_at)

    def _learn(self, pool: Pool, view: View) -> None:
        now, drains = self._clock(), self.drains(pool)
        memory = roster.with_drains(self.memory(pool), drains)
        seen, states = roster.values(view.records), self._followed.healths(pool)
        left = frozenset() if view.doubtful else roster.values(memory.records) - seen
        ask = roster.ask(states, left, now, self.lists.regained_at(pool.zone))
        if pool.quorum:
            ask = quorum.disputed(self.polls.poll(pool), pool.quorum, states) | ask
        if not view.doubtful:
            before, there = roster.entries(memory.records), roster.entries(view.records)
            known = memory.remembered
            remembered = roster.remember(pool, known, before, there, states, drains, now)
            old = view.records if memory.read_at is None else memory.records
            up = frozenset(a for a, s in states.items() if s.health is Health.UP)
            unwanted = plan.unwanted(pool, states, drains)
            contests = roster.contests(
                memory.contests, old, view.records, unwanted, up - unwanted.keys(), now
            )
            memory = replace(memory, records=view.records, remembered=remembered, contests=contests)
        self._followed.watch(pool, roster.watched(pool, memory, seen, ask))
        warm_up = memory.warm_up.step(pool, self._followed.healths(pool), now)
        self._remember(pool, replace(memory, read_at=now, warm_up=warm_up))

    # --- gaps ---------------------------------------------------------------------------

    def _note_gaps(self, pool: Pool, before: View, now: View) -> None:
        """A set that was not empty and is: no plan of ours does that, whatever the reason is."""
        managed = set(plan.record_sets(pool))  # another family may be, since a reload
        had = managed & {RecordSetKey(r.name, r.type) for r in before.records}
        has = {RecordSetKey(r.name, r.type) for r in now.records}
        self._new_gaps.setdefault(pool.name, []).extend(sorted(had - has, key=str))
        self.keep(pool, gaps=managed & (self.memory(pool).gaps | had) - has)

    def is_gap(self, pool: Pool, key: RecordSetKey) -> bool:
        """Whether a record set was empty when last read, and had not been so before."""
        return key in self.memory(pool).gaps

    def take_gaps(self, pool: Pool) -> tuple[RecordSetKey, ...]:
        """The gaps that were found since this was last asked."""
        return tuple(self._new_gaps.pop(pool.name, ()))

    # --- planning -----------------------------------------------------------------------

    def plan(self, pool: Pool, changes: Sequence[Change] = ()) -> Plan:
        """Plan on the last read, less what ``changes`` took out, and on the states as they are."""
        return plan.make(self.situation(pool, changes))

    def situation(self, pool: Pool, changes: Sequence[Change] = ()) -> Situation:
        """All that a plan rests on, as it is now."""
        alone, poll = self._alone(pool, changes), self.polls.poll(pool)
        if pool.quorum is None:
            return alone
        own = self._words(pool, alone)
        votes = quorum.count(pool, pool.quorum, poll, own, alone.health, alone.now)
        return replace(alone, votes=votes)

    def votes(self, pool: Pool) -> Count | None:
        """The votes about the pool's targets; None without quorum, or before the first read."""
        if pool.quorum is None or self.memory(pool).read_at is None:
            return None
        return self.situation(pool).votes

    def words(self, pool: Pool) -> Words:
        """What we say of the pool's targets to the other observers."""
        return self._words(pool, self._alone(pool, ()))

    def _words(self, pool: Pool, alone: Situation) -> Words:
        poll, terms = self.polls.poll(pool), pool.quorum
        mine = poll.sightings.get(terms.observer) if terms else None
        named = quorum.named(poll, terms) if terms else frozenset()
        return plan.words(alone, mine.vote.words if mine else Words(), named)

    def _alone(self, pool: Pool, changes: Sequence[Change]) -> Situation:
        """The same without the votes."""
        memory, view = self.memory(pool), self._views[pool.name]
        followed = self._followed
        targets, references = followed.targets(pool), followed.references(pool).values()
        return Situation(
            pool=pool,
            records=view.records,
            health={address: s.health for address, s in targets.items()},
            now=self._clock(),
            vouched_at=followed.vouched_at(pool),
            isolated=bool(references) and not any(health.vouches(s.health) for s in references),
            doubtful=view.doubtful,
            overloaded=self.overloaded(),
            warming=not memory.warm_up.over,
            remembered=frozenset(memory.remembered),
            drained=self.drains(pool),
            restrained={address: s.restraint.until for address, s in targets.items()},
            refused={k: (r.reason, r.until) for k, r in memory.refusals.items()},
            contested={address: c.until for address, c in memory.contests.items()},
            returned=frozenset(a for a, c in memory.contests.items() if c.returned_at is not None),
            regained_at=self.lists.regained_at(pool.zone),
            spent=withdrawn(view.records, changes),
        )
