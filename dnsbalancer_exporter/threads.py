"""What blocks, in a daemon thread of its own: it delays neither a probe nor a shutdown.

What computes at length there does it gently, since only one thread of a process computes at a time.
"""

from __future__ import annotations

import asyncio
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


SLICE = 0.001
"""Seconds for which `gently` computes before it lets the others have their turn."""

PAUSE = 0.003
"""Seconds that it then waits. What computes so takes a quarter of a core at most, which ten
thousand probes a second leave free; with half of one they would be late while a scrape is drawn.
"""

_turn = threading.Lock()


class Late(Exception):
    """The work has not ended in time; it is left to its end, and nobody hears of it."""


class NoThread(Exception):
    """No thread was to be had: the work has not begun."""


async def aside(work: Callable[[], T], seconds: float) -> T:
    """Do ``work`` and wait for it no longer than ``seconds``; raises Late, NoThread, its errors."""
    future = begin(work)
    future.add_done_callback(_heard)
    if await ended(future, seconds):
        return future.result()
    raise Late


def _heard(future: asyncio.Future[T]) -> None:
    """Have nobody told of an error that comes when nobody waits any more, as after a stop."""
    if not future.cancelled():
        future.exception()


async def ended(future: asyncio.Future[T], seconds: float) -> bool:
    """Wait for the end of what was begun, no longer than ``seconds``; whether it has ended."""
    # Not wait_for: before Python 3.12 it can lose a cancellation, and SIGTERM with it.
    await asyncio.wait({future}, timeout=max(0.0, seconds))
    return future.done()


def begin(work: Callable[[], T]) -> asyncio.Future[T]:
    """Begin ``work``; the future is its end, for whoever waits. Raises NoThread."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: T | None = None
        failure: BaseException | None = None
        try:
            value = work()
        except BaseException as error:  # noqa: BLE001 - it is raised again in the loop
            failure = error
            # The error, this frame and the future refer to each other: until they are looked for as
            # garbage, what the frames of the work hold, the body of an answer say, is let go.
            traceback.clear_frames(error.__traceback__)
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            return  # the loop has closed: nobody waits any more

    try:
        threading.Thread(target=run, name="aside", daemon=True).start()
    except RuntimeError as error:
        raise NoThread(str(error)) from None
    return future


def gently(items: Iterable[T]) -> Iterator[list[T]]:
    """Give ``items`` in lists that take a millisecond to make, and let the others run in between.

    A thread that does not wait for anything is asked to give way after 5 ms only, by which each
    probe would be late meanwhile. One thread at a time computes like this, so that they do not add
    up: ``items`` must not do it again, and the event loop's thread never.
    """
    source, more = iter(items), True
    while more:
        made, more = [], False
        with _turn:
            end = time.perf_counter() + SLICE
            for item in source:
                made.append(item)
                if time.perf_counter() >= end:
                    more = True
                    break
        yield made
        time.sleep(PAUSE)
