"""What blocks, in a daemon thread of its own: it delays neither a probe nor a shutdown."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Late(Exception):
    """The work has not ended in time; it is left to its end, and nobody hears of it."""


class NoThread(Exception):
    """No thread was to be had: the work has not begun."""


async def aside(work: Callable[[], T], seconds: float) -> T:
    """Do ``work`` and wait for it no longer than ``seconds``; raises Late, NoThread, its errors."""
    future = begin(work)
    if await ended(future, seconds):
        return future.result()
    raise Late


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
        try:
            loop.call_soon_threadsafe(settle, value, failure)
        except RuntimeError:
            return  # the loop has closed: nobody waits any more

    try:
        threading.Thread(target=run, name="aside", daemon=True).start()
    except RuntimeError as error:
        raise NoThread(str(error)) from None
    return future
