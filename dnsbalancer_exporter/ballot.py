"""The ballot: votes as TXT records of the zone: those of others, read and counted, and our own.

    our vote is                                                    so
    -------------------------------------------------------------  ---------------------------------
    not to be there: nobody names anybody                          delete it
    not there, or says another thing, or is a third of a lease old CREATE the next, DELETE the old
    there with a number that we did not write                      go on from that number
    there several times                                            keep the newest
    another's, and the same record for ten leases                  delete it: nobody renews it

A vote is written at most LOOKS times in a lease, whatever happens; after a write that failed, too.
A write whose answer was lost is settled by the next read, like all else: what is there is compared
with what should be. Nothing that goes wrong here ends the cycle of a pool.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from dnsbalancer_exporter import quorum, vote
from dnsbalancer_exporter.boundary import Records
from dnsbalancer_exporter.errors import ProviderError
from dnsbalancer_exporter.lists import Lists
from dnsbalancer_exporter.model import Create, Pool, QuorumTerms, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.quorum import LOOKS, Poll
from dnsbalancer_exporter.vote import RENEWALS, Vote, Words

TTL = 60
"""Seconds; nobody reads votes through a cache."""

TWINS = 3
"""Every so many numbers under our name that we did not write are told: one is our own restart."""

GONE = 10
"""Leases after which a vote that is still the same record is deleted by anybody."""


class Slip(NamedTuple):
    """A vote as it is in the zone, and for how many seconds we have seen this record there."""

    record: Record
    vote: Vote
    seconds: float = 0.0


def slips(records: Iterable[Record], since: dict[str, float], at: float) -> tuple[Slip, ...]:
    """The votes among the TXT records of a ballot, read ``at``; whatever else is there is foreign.

    ``since`` says when each record was first seen, by id; it is brought up to date.
    """
    found = {record: parsed for record in records if (parsed := vote.parsed(record.value))}
    known = {record.id: since.get(record.id, at) for record in found}
    since.clear()
    since.update(known)
    return tuple(Slip(record, v, at - known[record.id]) for record, v in found.items())


@dataclass(frozen=True, slots=True)
class Written:
    """Our vote of one pool: its last number, when it was last written or tried, and what was found
    under our name that was not ours.
    """

    seq: int = 0
    at: float = -math.inf
    twins: int = 0
    cut: int = 0


class Polls:
    """What is known of the votes of all pools of one process."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._polls: dict[str, Poll] = {}
        self._slips: dict[str, tuple[Slip, ...]] = {}
        self._since: dict[str, dict[str, float]] = {}

    def forget(self, pool: Pool) -> None:
        """Drop what is known of a pool that is no longer configured."""
        self._polls.pop(pool.name, None)
        self._since.pop(pool.name, None)
        self._slips.pop(pool.name, None)

    def poll(self, pool: Pool) -> Poll:
        """What is known of a pool's votes."""
        return self._polls.get(pool.name, Poll())

    def slips(self, pool: Pool) -> tuple[Slip, ...]:
        """The votes as they were last read."""
        return self._slips.get(pool.name, ())

    async def read(self, pool: Pool, terms: QuorumTerms) -> None:
        """Read the votes; if that fails, those of before become older, and nobody is withdrawn."""
        poll = self.poll(pool)
        try:
            records, at = await self._lists.texts(pool, vote.ballot_name(pool))
        except ProviderError as error:
            self._polls[pool.name] = replace(poll, problem=str(error))
            return
        there = slips(records, self._since.setdefault(pool.name, {}), at)
        self._slips[pool.name] = there
        self._polls[pool.name] = quorum.read(poll, [s.vote for s in there], at, terms.lease)


class Ballot:
    """Writes the votes of one process. ``records`` gives the provider, ``place`` a place for one
    write (pace.py), ``clock`` seconds. ``told`` hears the pool's name, one of vote.VOTE_EVENTS, and
    a detail.
    """

    def __init__(
        self,
        records: Callable[[], Records],
        place: Callable[[], Awaitable[bool]],
        clock: Callable[[], float],
    ) -> None:
        self._records = records
        self._place = place
        self._clock = clock
        self._written: dict[str, Written] = {}
        self.told: Callable[[str, str, str], None] = lambda *_: None

    def forget(self, pool: Pool) -> None:
        """Drop what is known of our vote of a pool that is no longer configured."""
        self._written.pop(pool.name, None)

    def due_at(self, pool: Pool, terms: QuorumTerms) -> float:
        """When our vote is to be renewed, on the process's clock."""
        return self._of(pool).at + terms.lease / RENEWALS

    async def agree(
        self,
        pool: Pool,
        terms: QuorumTerms,
        there: Sequence[Slip],
        words: Words | None,
    ) -> bool:
        """Have our vote say ``words`` (None: nothing), and delete what nobody renews.

        ``there`` are the votes of the last read. Says whether anything was written or tried.
        """
        mine = sorted((s for s in there if s.vote.observer == terms.observer), key=_number)
        old = mine if words is None else mine[:-1]
        if mine:
            self._found(pool, mine[-1].vote)
        wrote = False
        if words is not None and self._due(pool, terms, mine, words):
            wrote = True
            old = mine if await self._create(pool, terms, words) else old
        for slip in old:
            event = "taken_back" if words is None else ""
            wrote |= await self._delete(pool, slip, event)
        left = (s for s in there if s.seconds >= GONE * terms.lease and s not in mine)
        for slip in left:
            wrote |= await self._delete(pool, slip, "tidied")
        return wrote

    def _of(self, pool: Pool) -> Written:
        return self._written.get(pool.name, Written())

    def _found(self, pool: Pool, newest: Vote) -> None:
        """Go on from a number that we did not write: our own of before a restart, or a twin's."""
        written = self._of(pool)
        if newest.seq <= written.seq:
            return
        written = replace(written, seq=newest.seq, twins=written.twins + 1)
        self._written[pool.name] = written
        if written.twins % TWINS == 0:
            text = f"another instance votes as {newest.observer}, too: give each its own `own_ip`"
            self.told(pool.name, "shared", text)

    def _due(self, pool: Pool, terms: QuorumTerms, mine: Sequence[Slip], words: Words) -> bool:
        """Whether our vote is to be written now: not too soon after the last time."""
        age = self._clock() - self._of(pool).at
        if age < terms.lease / LOOKS:
            return False
        said = mine[-1].vote if mine else None
        wanted = vote.parsed(vote.text(Vote(terms.observer, self._of(pool).seq + 1, words)))
        same = said and wanted and (said.words, said.cut) == (wanted.words, wanted.cut)
        return not same or age >= terms.lease / RENEWALS

    async def _create(self, pool: Pool, terms: QuorumTerms, words: Words) -> bool:
        if not await self._place():
            return False
        before = self._of(pool)
        cast = Vote(terms.observer, before.seq + 1, words)
        line = vote.text(cast)
        written = vote.parsed(line)
        cut = written.cut if written else 0
        self._written[pool.name] = replace(before, seq=cast.seq, at=self._clock(), cut=cut)
        try:
            await self._records().create_record(pool.zone, _to_create(pool, line))
        except ProviderError as error:
            self.told(pool.name, "failed", f"the vote could not be written: {error}")
            return False
        self.told(pool.name, "cast", line)
        if cut > before.cut:
            self.told(pool.name, "cut", f"{cut} addresses found no room in the vote: {line}")
        return True

    async def _delete(self, pool: Pool, slip: Slip, event: str) -> bool:
        """Delete one vote by its id; what fails is found by the next read. False: no place."""
        if not await self._place():
            return False
        try:
            await self._records().delete_record(pool.zone, slip.record)
        except ProviderError as error:
            text = f"the vote {slip.record.value} could not be deleted: {error}"
            self.told(pool.name, "failed", text)
        else:
            if event:
                self.told(pool.name, event, slip.record.value)
        return True


def _number(slip: Slip) -> int:
    return slip.vote.seq


def _to_create(pool: Pool, line: str) -> Create:
    return Create(vote.ballot_name(pool), RecordType.TXT, line, TTL)
