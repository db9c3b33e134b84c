"""Lists: what a zone held, read once per type and turn, however many pools it has.

A pool that has written needs a list that is younger than that; what the other pools of its zone
have written is none of its business, and costs no read. An error is shared in the same way: a zone
that cannot be read is not asked hundreds of times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from dnsbalancer_exporter import roster
from dnsbalancer_exporter.errors import ProviderError
from dnsbalancer_exporter.model import Pool, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.roster import Belief, Contact

Read = Callable[[str, RecordType], Awaitable[tuple[Record, ...]]]
"""Lists all records of one type in a zone; raises ProviderError."""


class Answer(NamedTuple):
    """What was said to a read ``at`` a time, and the how-manieth it was; records as ``listed``, and
    by their names.
    """

    number: int
    at: float
    listed: tuple[Record, ...]
    records: Mapping[str, list[Record]]
    error: ProviderError | None = None


class Lists:
    """Of all zones. ``read`` asks the provider, ``clock`` is the process's, in seconds."""

    def __init__(self, read: Read, clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._reads = 0
        self._answers: dict[tuple[str, RecordType], Answer] = {}
        self._good: dict[tuple[str, RecordType], Answer] = {}
        self._too_old: dict[tuple[str, RecordType], int] = {}
        self._beliefs: dict[tuple[str, RecordType], Belief] = {}
        self._contacts: dict[str, Contact] = {}

    def reread(self) -> None:
        """Have everybody's next look read anew."""
        self._answers.clear()
        self._too_old.clear()

    def unread(self, pool: Pool, types: Iterable[RecordType]) -> None:
        """Have the pool's next look at these types find a list that is read after this moment."""
        for type_ in types:
            self._too_old[pool.name, type_] = self._reads

    async def listed(self, pool: Pool, type_: RecordType) -> tuple[tuple[Record, ...], bool]:
        """The pool's records of one type, and whether the list is in doubt; ProviderError."""
        answer = await self._answer(pool, type_)
        mine = (answer.records.get(name, ()) for name in pool.records)
        doubtful = self._beliefs[pool.zone, type_].doubted is not None
        return tuple(chain.from_iterable(mine)), doubtful

    async def texts(self, pool: Pool, name: str) -> tuple[tuple[Record, ...], float]:
        """The TXT records of one name in the pool's zone, and when they were read; ProviderError.

        A list of them may well be half as long as the last: locks and votes come and go.
        """
        answer = await self._answer(pool, RecordType.TXT)
        return tuple(answer.records.get(name, ())), answer.at

    async def _answer(self, pool: Pool, type_: RecordType) -> Answer:
        key = (pool.zone, type_)
        answer = self._answers.get(key)
        if answer is None or answer.number <= self._too_old.get((pool.name, type_), 0):
            answer = self._answers[key] = await self._ask(key)
        if answer.error:
            raise answer.error.with_traceback(None)
        return answer

    def regained_at(self, zone: str) -> float | None:
        """When the zone could be read again after reads that failed; None if none did."""
        return self._contact(zone).regained_at

    def _contact(self, zone: str) -> Contact:
        return self._contacts.get(zone, Contact())

    async def _ask(self, key: tuple[str, RecordType]) -> Answer:
        self._reads += 1
        number = self._reads  # of its beginning: what is written meanwhile may not be in it
        zone, began = key[0], self._clock()
        try:
            listed = await self._read(*key)
        except ProviderError as error:
            self._contacts[zone] = replace(self._contact(zone), failing=True)
            return Answer(number, began, (), {}, error)
        now = self._clock()
        self._contacts[zone] = roster.answered(self._contact(zone), began, now)
        self._beliefs[key] = roster.believe(self._beliefs.get(key), len(listed))
        self._good[key] = answer = _answer(number, now, listed, self._good.get(key))
        return answer


def _answer(number: int, at: float, listed: tuple[Record, ...], before: Answer | None) -> Answer:
    """The answer; with the very records of the last one if they are equal, as they mostly are:
    it is then seen at a glance that nothing has changed.
    """
    if before and before.listed == listed:
        return before._replace(number=number, at=at)
    records: dict[str, list[Record]] = {}
    for record in listed:
        records.setdefault(record.name, []).append(record)
    return Answer(number, at, listed, records)
