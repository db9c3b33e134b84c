"""The places of the web port: how many connections there may be, and who goes when they are taken.

A place is cheap (a thread that sleeps), so there are more of them than idle clients are likely to
be. When all are taken a newcomer gets the place of the one that has kept us waiting longest, of
those whose address holds the most: who opens many connections drives out none but his own, and a
scrape, which asks at once, is never the one that waits.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

PLACES = 256
CONNECTION_SECONDS = 15.0


def fitting(descriptors: int) -> int:
    """The places for a process that may have so many files open: probes and the API come first."""
    return max(4, min(PLACES, descriptors // 4))


@dataclass(eq=False, slots=True)
class Visit:
    """One connection. ``waiting_since``: when we began to wait for the client to send a request or
    to take its answer; None while the answer is being made. ``rejected`` says why it was cut.
    """

    socket: socket.socket
    address: str
    opened: float
    waiting_since: float | None
    rejected: str = ""


class Places:
    """Who is connected. Thread-safe."""

    def __init__(self, places: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._places = places
        self._clock = clock
        self._mutex = threading.Lock()
        self._visits: set[Visit] = set()

    def enter(self, connection: socket.socket, address: str) -> Visit | None:
        """Give a connection a place, if need be another's; None if nobody can be sent away."""
        now = self._clock()
        visit = Visit(connection, address, now, now)
        with self._mutex:
            staying = [v for v in self._visits if not v.rejected]
            if len(staying) >= self._places:
                slowest = _slowest(staying)
                # Who was sent away keeps a thread until he has noticed.
                if slowest is None or len(self._visits) >= 2 * self._places:
                    return None
                _cut(slowest, "limit")
            self._visits.add(visit)
        return visit

    def leave(self, visit: Visit) -> None:
        """Take back the place, before the socket is closed."""
        with self._mutex:
            self._visits.discard(visit)

    def wait_for(self, visit: Visit) -> None:
        """From now on it is the client whom we wait for."""
        visit.waiting_since = self._clock()

    def cut_late(self) -> None:
        """Cut the connections that have lasted longer than CONNECTION_SECONDS."""
        limit = self._clock() - CONNECTION_SECONDS
        with self._mutex:
            for visit in self._visits:
                if visit.opened < limit and not visit.rejected:
                    _cut(visit, "timeout")


def _slowest(visits: list[Visit]) -> Visit | None:
    held = Counter(visit.address for visit in visits)
    slow = [(held[v.address], -v.waiting_since, v) for v in visits if v.waiting_since is not None]
    return max(slow, key=lambda entry: entry[:2])[2] if slow else None


def _cut(visit: Visit, reason: str) -> None:
    """Wake its thread with the end of the stream. Under the mutex, so that it is not closed yet."""
    visit.rejected = reason
    with suppress(OSError):  # it may have ended by itself
        # Not through SSLSocket, whose own shutdown() takes TLS away from under its thread.
        socket.socket.shutdown(visit.socket, socket.SHUT_RDWR)
