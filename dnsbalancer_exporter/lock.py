"""The lock of law 9 as a state machine, without I/O: what to do next, by what was answered.

    phase     what happens                               next      do
    --------  -----------------------------------------  --------  ---------------------------------
    FREE      a withdrawal is wanted                     ASKED     note the time, CREATE the lock
    ASKED     201: the lock has an id, and it is mine    PLACED    LIST the locks
    ASKED     409: somebody else has it                  REFUSED   LIST the locks
    ASKED     anything else: it is not mine              FREE
    PLACED    LIST: mine, alone                          HELD
    PLACED    LIST: another beside mine, or not mine     FREE      DELETE mine; wait a random time
    PLACED    .. and that one was seen a whole lease     FREE      DELETE both; compete again
    REFUSED   LIST: one seen for a whole lease           FREE      DELETE that one; compete again
    REFUSED   LIST: all of them younger, or none         FREE
    HELD      every DELETE is settled, LIST back done    FREE      DELETE mine
    HELD      something is not settled                   FREE      nothing: the lease frees it

The lock is a TXT record with constant content, so that a second CREATE is refused; its id tells one
holder from the next. It is held by the 201 alone, and valid for `lease - margin` from the moment
*before* the CREATE was sent. It is broken only by who has seen the same id in answers for a whole
`lease`, counted from the first answer. A restarted process holds nothing and counts anew. If a
provider does not keep values unique, the LIST after the 201 finds out, and then decides alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from dnsbalancer_exporter.model import LockTerms, Pool

CONTENT = "dnsbalancer"
LABEL = "_dnsbalancer-lock"


class Phase(Enum):
    """Where the lock of one zone stands, as this process knows it."""

    FREE = auto()
    ASKED = auto()
    PLACED = auto()
    REFUSED = auto()
    HELD = auto()


@dataclass(frozen=True, slots=True)
class LockState:
    """The lock of one zone. ``since`` is when the CREATE was about to be sent.

    ``sightings``: when an answer first showed each id that is not mine. ``clashed``: the last LIST
    showed that values are not unique here. ``stale`` is the id that is to be broken.
    """

    phase: Phase = Phase.FREE
    since: float = 0.0
    id: str = ""
    sightings: Mapping[str, float] = field(default_factory=dict)
    clashed: bool = False
    stale: str = ""


def want(state: LockState, now: float) -> LockState:
    """Begin: the CREATE is to be sent now, and not before this."""
    return replace(state, phase=Phase.ASKED, since=now, id="", clashed=False, stale="")


def created(state: LockState, lock_id: str) -> LockState:
    """The CREATE was answered by 201."""
    return replace(state, phase=Phase.PLACED, id=lock_id)


def refused(state: LockState) -> LockState:
    """The CREATE was answered by 409."""
    return replace(state, phase=Phase.REFUSED)


def failed(state: LockState) -> LockState:
    """The CREATE failed, or nobody knows: not mine."""
    return replace(state, phase=Phase.FREE)


def listed(state: LockState, ids: Collection[str], now: float, terms: LockTerms) -> LockState:
    """A LIST was answered, at ``now``, with the locks ``ids``."""
    others = {i: state.sightings.get(i, now) for i in sorted(ids) if i != state.id}
    seen = replace(state, sightings=others)
    placed = state.phase is Phase.PLACED
    if placed and set(ids) == {state.id}:
        return replace(seen, phase=Phase.HELD)
    old = [i for i, first in others.items() if now - first >= terms.lease]
    return replace(seen, phase=Phase.FREE, clashed=placed, stale=old[0] if old else "")


def ended(state: LockState) -> LockState:
    """The withdrawal is over; whether the lock is deleted is for who knows what is settled."""
    return replace(state, phase=Phase.FREE)


def valid(state: LockState, now: float, terms: LockTerms) -> bool:
    """Say whether a DELETE may still be sent at ``now``."""
    return state.phase is Phase.HELD and now - state.since < terms.lease - terms.margin


class SingleWriter:
    """`lock: off`: the terms of a lock without a lock, for who writes alone.

    A DELETE is sent only while the read that it rests on is young, and after an unsettled one no
    other until the lease has passed: it may still take effect. ``clock`` is in seconds.
    """

    writes = 0

    def __init__(self, terms: LockTerms, clock: Callable[[], float]) -> None:
        self._terms = terms
        self._clock = clock
        self._taken_at: dict[str, float] = {}
        self._closed_until: dict[str, float] = {}

    async def take(self, pool: Pool) -> bool:
        """Say whether a withdrawal may begin: not while an earlier one is unsettled."""
        now = self._clock()
        if now < self._closed_until.get(pool.zone, now):
            return False
        self._taken_at[pool.zone] = now
        return True

    def valid(self, pool: Pool) -> bool:
        """Say whether a DELETE may be sent now."""
        age = self._clock() - self._taken_at[pool.zone]
        return age < self._terms.lease - self._terms.margin

    def retry_at(self, pool: Pool) -> float:
        """When the lease of an unsettled withdrawal is over."""
        return self._closed_until.get(pool.zone, 0.0)

    async def tidy(self, pool: Pool) -> None:
        """Nothing: there is no lock that could be left."""

    async def release(self, pool: Pool, *, settled: bool) -> None:
        """End the withdrawal; an unsettled one closes the way until the lease has passed."""
        if not settled:
            self._closed_until[pool.zone] = self._taken_at[pool.zone] + self._terms.lease
