"""The pace: when the process may send its next write, withdrawals of dead targets first.

    what waits                                     until it may be sent, or
    ---------------------------------------------  ---------------------------------------------
    a withdrawal of a dead target, and the         PATIENCE is over: then the turn ends, and the
    creates that must come before it               next one begins when there is a place
    everything else                                the same; and it gives way to the above, and at
                                                   once when a new turn is asked for (`hurry`)

After `close` nothing may be sent, and who waits is told so at once.

BURST writes may be sent at once after a quiet time, then `rate` in a second. Reads wait for nobody,
nor do the two writes of a lock, which are only counted: a lock is taken after the wait for the
first withdrawal under it, and given back at once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from dnsbalancer_exporter.clock import happens

BURST = 5
"""Writes that may be sent at once after a quiet time: a lock and three names of one target."""

PATIENCE = 10.0
"""Seconds that the writes of one turn wait in all; a new turn sees what has become urgent."""

SHORTEST = 0.001
"""Seconds of the shortest wait."""


class Pace:
    """Gives places for writes: `rate` in a second, which may be changed; by default at once.

    ``clock`` is the process's clock in seconds.
    """

    def __init__(self, clock: Callable[[], float], rate: float = math.inf) -> None:
        self.rate = rate
        self._clock = clock
        self._full_at = -math.inf
        self._until = math.inf
        self._urgent = 0
        self._hurried = asyncio.Event()
        self._closed = asyncio.Event()

    @property
    def free_at(self) -> float:
        """When the next place is free, on the process's clock; it may be long ago."""
        return self._full_at - (BURST - 1) / self.rate

    def begin(self) -> None:
        """A turn begins."""
        self._until = self._clock() + PATIENCE
        self._hurried.clear()

    def hurry(self) -> None:
        """A new turn is asked for: have what is not urgent give way to it."""
        self._hurried.set()

    def close(self) -> None:
        """Give no more places: we are about to end."""
        self._closed.set()
        self._hurried.set()

    async def place(self, *, urgent: bool, writes: int = 1) -> bool:
        """Wait for the place of one write; False if this turn has none left.

        ``writes`` is how many are counted: those that cannot wait when their time has come, too.
        """
        self._urgent += urgent
        try:
            while not self._closed.is_set():
                now = self._clock()
                wait = self.free_at - now
                if self._urgent and not urgent:
                    wait = max(wait, 1 / self.rate)
                if wait <= 0:
                    self._full_at = max(self._full_at, now) + writes / self.rate
                    return True
                if now + wait > self._until or (self._hurried.is_set() and not urgent):
                    return False
                await happens(self._closed if urgent else self._hurried, max(wait, SHORTEST))
            return False
        finally:
            self._urgent -= urgent
