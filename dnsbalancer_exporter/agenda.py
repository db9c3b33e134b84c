"""The agenda: who is due when, thousands of them behind one timer of the event loop.

Also how many may be due *now*: whoever is asked at once, all targets after a start say, gets turns
that are spaced, so that nobody sends a burst that the network or its own buffers lose.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, TypeVar

from dnsbalancer_exporter.report import LAG_BUCKETS, Lag

K = TypeVar("K")

BURST = 50
"""How many turns there are at once; so many packets fit into any buffer."""

SPACING = 0.0001
"""Seconds between two turns after that."""

BEAT = 1 / 8
"""Seconds between two moments at which those who are not in a hurry are due together: to wake up
costs more than a probe, and a thousand a second would have nearly one wake-up each.
"""

_NEVER = float("inf")


class Agenda(Generic[K]):
    """When each key is due, at most one time for each. Times are whatever the caller counts in.

    Who is in a hurry is in a heap. The others, nearly all, are in a list for each beat: to keep ten
    thousand of them in order costs more than to judge their probes.
    """

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        self._hurried: list[tuple[float, int, K]] = []
        self._beats: dict[float, list[K]] = {}
        self._order: list[float] = []  # a heap of the beats that there is a list for
        self._begun = _NEVER  # the beat whose list is in order
        self._puts = 0
        self._size = 0  # of the heap and the lists, with what does not count any more
        self._last_turn = float("-inf")

    def put(self, key: K, at: float, *, hurry: bool = True) -> float:
        """Have it due at ``at``, and no other time; return when it can be taken.

        That is the beat before ``at``, with others, if it is in no ``hurry``.
        """
        self._at[key] = at
        taken = at if hurry else at - at % BEAT
        if hurry:
            self._puts += 1
            heapq.heappush(self._hurried, (at, self._puts, key))
        elif taken in self._beats:
            self._beats[taken].append(key)
        else:
            self._beats[taken] = [key]
            heapq.heappush(self._order, taken)
        self._size += 1
        if self._size > 2 * len(self._at) + BURST:  # mostly times that do not count any more
            self._tidy()
        return taken

    def at(self, key: K) -> float | None:
        """When it is due, None if it is not."""
        return self._at.get(key)

    def drop(self, key: K) -> None:
        """Have it not due any more."""
        self._at.pop(key, None)

    def first(self) -> float | None:
        """When the first one can be taken."""
        first = min(self._first_hurried(), self._first_beat())
        return None if first == _NEVER else first

    def take(self, until: float, most: int) -> list[tuple[K, float]]:
        """Take out those that can be by ``until``, ``most`` at most, and when each is due."""
        found: list[tuple[K, float]] = []
        while len(found) < most:
            hurried, beat = self._first_hurried(), self._first_beat()
            if min(hurried, beat) > until:
                break
            if hurried < beat:
                at, _, key = heapq.heappop(self._hurried)
                self._size -= 1
                del self._at[key]
                found.append((key, at))
            else:
                found += self._taken_of(beat, most - len(found))
        return found

    def turn(self, now: float) -> float:
        """Take the next turn of those who are to be asked at once, and when that is."""
        self._last_turn = max(self._last_turn, now - BURST * SPACING) + SPACING
        return max(now, self._last_turn)

    def _taken_of(self, beat: float, most: int) -> Iterator[tuple[K, float]]:
        keys = self._beats[beat]
        if beat != self._begun:  # who is due first comes first, and nobody is late for the others
            keys.sort(key=lambda key: self._at.get(key, 0.0))
            self._begun = beat
        some = keys[:most]
        del keys[:most]
        self._size -= len(some)
        for key in some:
            at = self._at.get(key)
            if at is not None and at - at % BEAT == beat:
                del self._at[key]
                yield key, at

    def _first_hurried(self) -> float:
        while self._hurried:
            at, _, key = self._hurried[0]
            if self._at.get(key) == at:
                return at
            heapq.heappop(self._hurried)
            self._size -= 1
        return _NEVER

    def _first_beat(self) -> float:
        while self._order:
            beat = self._order[0]
            keys = self._beats[beat]
            while keys and not self._counts(keys[0], beat):
                del keys[0]
                self._size -= 1
            if keys:
                return beat
            del self._beats[heapq.heappop(self._order)]
        return _NEVER

    def _counts(self, key: K, beat: float) -> bool:
        at = self._at.get(key)
        return at is not None and at - at % BEAT == beat

    def _tidy(self) -> None:
        counting = {key: (at, n, key) for at, n, key in self._hurried if self._at.get(key) == at}
        self._hurried = list(counting.values())
        heapq.heapify(self._hurried)
        lists = {
            beat: [*dict.fromkeys(key for key in keys if self._counts(key, beat))]
            for beat, keys in self._beats.items()
        }
        self._beats = {beat: keys for beat, keys in lists.items() if keys}
        self._order = sorted(self._beats)  # which is a heap
        self._size = len(self._hurried) + sum(map(len, self._beats.values()))


class Lateness:
    """How late everybody was. ``worst`` is the most, in seconds, since the beat before the last."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LAG_BUCKETS) + 1)
        self._sum = 0.0
        self._before = 0.0
        self._since = 0.0

    def note(self, seconds: float) -> None:
        """Somebody was late; or early, if it is negative."""
        if seconds <= 0.0:  # nearly everybody
            self._counts[0] += 1
            return
        self._counts[bisect_left(LAG_BUCKETS, seconds)] += 1
        self._sum += seconds
        self._since = max(self._since, seconds)

    def beat(self) -> None:
        """Some time has passed."""
        self._before, self._since = self._since, 0.0

    @property
    def worst(self) -> float:
        """The most, in seconds, since the beat before the last."""
        return max(self._before, self._since)

    def counted(self) -> Lag:
        """All since the start; from any thread."""
        return Lag(tuple(self._counts), self._sum)
