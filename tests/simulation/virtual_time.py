"""An event loop whose clock is simulated: it jumps to the next timer instead of waiting for it.

Timers, tasks, ``asyncio.sleep`` and ``asyncio.wait_for`` work as ever, hours take milliseconds,
and equal programs do equal things at equal times. Sockets and threads have no place in it: nothing
outside the loop can wake it, so waiting for ever is a Deadlock and is raised.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(Exception):
    """Everybody waits, and no timer is set."""


class _Jumper(selectors.SelectSelector):
    """Waits for nothing: the time that a real selector would sleep is skipped."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock(f"at {self.now} s everybody waits for something that no timer brings")
        if timeout > 0:
            self.now += timeout
        return []


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop. Its ``time`` starts at ``start`` and moves only when there is nothing to do."""

    def __init__(self, start: float = 1000.0) -> None:
        self._jumper = _Jumper()
        self._jumper.now = start
        self.failures: list[BaseException] = []
        super().__init__(self._jumper)
        self.set_exception_handler(self._failed)

    def time(self) -> float:
        """Simulated seconds."""
        return self._jumper.now

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which the process does not run: a suspend, a frozen host."""
        self._jumper.now += seconds

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(error or RuntimeError(str(context["message"])))


def run(main: Coroutine[Any, Any, T], start: float = 1000.0) -> T:
    """As asyncio.run, in simulated time; what fails in a callback or a forgotten task is raised."""
    loop = VirtualTimeLoop(start)
    try:
        result = loop.run_until_complete(main)
    finally:
        loop.run_until_complete(_cancel_the_rest())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
    if loop.failures:
        raise loop.failures[0]
    return result


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def loop() -> VirtualTimeLoop:
    """The virtual loop that runs now."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualTimeLoop)
    return running
