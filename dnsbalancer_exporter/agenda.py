"""The agenda: who is due when, thousands of them behind one timer of the event loop.

Also how many may be due *now*: whoever is asked at once, all targets after a start say, gets turns
that are spaced, so that nobody sends a burst that the network or its own buffers lose.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left
from typing import Generic, TypeVar

from dnsbalancer_exporter.report import LAG_BUCKETS, Lag

K = TypeVar("K")

BURST = 50
"""How many turns there are at once; so many packets fit into any buffer."""

SPACING = 0.0001
"""Seconds between two turns after that."""

BEAT = 1 / 32
"""Seconds between two moments at which those who are not in a hurry are due together: to wake up
costs more than a probe, and a thousand a second would have nearly one wake-up each.
"""


class Agenda(Generic[K]):
    """When each key is due, at most one time for each. Times are whatever the caller counts in."""

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        self._heap: list[tuple[float, int, K, float]] = []
        self._count = 0
        self._last_turn = float("-inf")

    def put(self, key: K, at: float, *, hurry: bool = True) -> float:
        """Have it due at ``at``, and no other time; return when it can be taken.

        That is the beat before ``at``, with others, if it is in no ``hurry``.
        """
        self._at[key] = at
        self._count += 1
        taken = at if hurry else at - at % BEAT
        heapq.heappush(self._heap, (taken, self._count, key, at))
        if len(self._heap) > 2 * len(self._at) + BURST:  # mostly times that do not count any more
            self._heap = [entry for entry in self._heap if self._at.get(entry[2]) == entry[3]]
            heapq.heapify(self._heap)
        return taken

    def at(self, key: K) -> float | None:
        """When it is due, None if it is not."""
        return self._at.get(key)

    def drop(self, key: K) -> None:
        """Have it not due any more."""
        self._at.pop(key, None)

    def first(self) -> float | None:
        """When the first one can be taken."""
        while self._heap:
            taken, _, key, at = self._heap[0]
            if self._at.get(key) == at:
                return taken
            heapq.heappop(self._heap)
        return None

    def take(self, until: float) -> tuple[K, float] | None:
        """Take out the first one that can be by ``until``, and when it is due."""
        taken = self.first()
        if taken is None or taken > until:
            return None
        _, _, key, at = heapq.heappop(self._heap)
        del self._at[key]
        return key, at

    def turn(self, now: float) -> float:
        """Take the next turn of those who are to be asked at once, and when that is."""
        self._last_turn = max(self._last_turn, now - BURST * SPACING) + SPACING
        return max(now, self._last_turn)


class Lateness:
    """How late everybody was. ``worst`` is the most, in seconds, since the beat before the last."""

    def __init__(self) -> None:
        self._counts = [0] * (len(LAG_BUCKETS) + 1)
        self._sum = 0.0
        self._before = 0.0
        self._since = 0.0

    def note(self, seconds: float) -> None:
        """Somebody was late; or early, if it is negative."""
        late = max(0.0, seconds)
        self._counts[bisect_left(LAG_BUCKETS, late)] += 1
        self._sum += late
        self._since = max(self._since, late)

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
