"""Which connecting sockets have come to an end: thousands at once, told in one go.

An epoll of our own, whose descriptor the event loop watches like any other, costs a third less than
thousands of writers of the loop: one callback and one system call for all that is ready. Where
there is no epoll (FreeBSD), the loop itself is asked.
"""

from __future__ import annotations

import asyncio
import select
import typing
from collections.abc import Callable, Iterable

_AT_ONCE = 512
"""Sockets per turn: the loop has other work, and comes back at once for the rest."""

Ready = Callable[[Iterable[int]], None]
"""Told which descriptors are ready. One that is told twice, or by mistake, does no harm."""


class Readiness(typing.Protocol):
    """Watches descriptors until they are ready, each time that it is asked to."""

    def watch(self, descriptor: int) -> None:
        """Tell once that it is ready."""
        ...

    def forget(self, descriptor: int) -> None:
        """It is about to be closed."""
        ...

    def close(self) -> None:
        """Tell no more."""
        ...


class NestedEpoll:
    """By an epoll inside the loop's own. Closing a descriptor is all the forgetting it needs."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._epoll = select.epoll()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._epoll.fileno(), self._drain)

    def watch(self, descriptor: int) -> None:
        """See Readiness."""
        # One shot: a descriptor that a forked child still holds cannot be told for ever.
        self._epoll.register(descriptor, select.EPOLLOUT | select.EPOLLONESHOT)

    def forget(self, descriptor: int) -> None:
        """See Readiness."""

    def close(self) -> None:
        """See Readiness."""
        if not self._loop.is_closed():
            self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _drain(self) -> None:
        self._ready([descriptor for descriptor, _ in self._epoll.poll(0, _AT_ONCE)])


class LoopWriters:
    """By the event loop, a writer per descriptor."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready
        self._loop = asyncio.get_running_loop()
        self._watched: set[int] = set()

    def watch(self, descriptor: int) -> None:
        """See Readiness."""
        self._watched.add(descriptor)
        self._loop.add_writer(descriptor, self._tell, descriptor)

    def forget(self, descriptor: int) -> None:
        """See Readiness."""
        if descriptor in self._watched:
            self._watched.remove(descriptor)
            if not self._loop.is_closed():
                self._loop.remove_writer(descriptor)

    def close(self) -> None:
        """See Readiness."""
        for descriptor in list(self._watched):
            self.forget(descriptor)

    def _tell(self, descriptor: int) -> None:
        self.forget(descriptor)
        self._ready((descriptor,))


BEST: Callable[[Ready], Readiness] = NestedEpoll if hasattr(select, "epoll") else LoopWriters
