"""An event loop whose clock is simulated: it jumps to the next timer instead of waiting for it.

Timers, tasks, ``asyncio.sleep`` and ``asyncio.wait`` work as ever, hours take milliseconds, and
equal programs do equal things at equal times. Sockets and threads have no place in it: nothing
outside the loop can wake it, so waiting for ever is a Deadlock and is raised.

What belongs to one simulated process runs in its context (`Process.run`): it can be frozen, as by a
suspend, and left for dead, as by kill -9, without a single ``finally`` of it being run.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

T = TypeVar("T")


class Deadlock(Exception):
    """Everybody waits, and no timer is set."""


class Process:
    """Whatever is started by `run` belongs to it; while ``frozen`` none of it goes on."""

    def __init__(self) -> None:
        self.frozen = False
        self.backlog: list[Handle] = []
        self._context = copy_context()
        self._context.run(_PROCESS.set, self)

    def run(self, start: Callable[..., T], *arguments: Any) -> T:
        """Call ``start``; the tasks and timers that it begins are this process's."""
        return self._context.run(start, *arguments)

    def thaw(self) -> None:
        """Go on, with all that has come due meanwhile."""
        self.frozen = False
        backlog, self.backlog = self.backlog, []
        loop().again(backlog)


_PROCESS: ContextVar[Process | None] = ContextVar("_PROCESS", default=None)
OUTSIDE = Context()
"""The context of what belongs to no process, such as what is under way in the network."""


class Handle:
    """A callback that is to be called."""

    __slots__ = ("_gone", "_when", "arguments", "callback", "context")

    def __init__(
        self, callback: Callable[..., object], arguments: Any, context: Context, when: float
    ) -> None:
        self.callback = callback
        self.arguments = arguments
        self.context = context
        self._when = when
        self._gone = False

    def cancel(self) -> None:
        """Do not call it."""
        self._gone = True

    def cancelled(self) -> bool:
        """Whether it will not be called."""
        return self._gone

    def when(self) -> float:
        """At which time it is to be called."""
        return self._when


class VirtualTimeLoop(asyncio.AbstractEventLoop):
    """The loop. Its ``time`` starts at ``start`` and moves only when there is nothing to do.

    What fails in a callback ends the play, unless ``stops`` is False.
    """

    def __init__(self, start: float = 1000.0) -> None:
        self.failures: list[BaseException] = []
        self.stops = True
        self._now = start
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._count = 0
        self._tasks: set[asyncio.Future[Any]] = set()

    def time(self) -> float:
        """Simulated seconds."""
        return self._now

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which nothing runs: a suspend, a frozen host."""
        self._now += seconds

    def again(self, handles: list[Handle]) -> None:
        """Call these next, after what is ready."""
        self._ready.extend(handles)

    # --- what asyncio asks of a loop ------------------------------------------------------

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, copy_context() if context is None else context, self._now)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        when = self._now + delay
        handle = Handle(callback, args, copy_context() if context is None else context, when)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Handle:
        return self.call_later(when - self._now, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], **_: Any
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard, context=OUTSIDE)
        return task

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.failures.append(error or RuntimeError(str(context["message"])))

    # --- running --------------------------------------------------------------------------

    def play(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` to its end, then cancel whatever is left."""
        try:
            return self.step(main)
        finally:
            self.close()

    def step(self, main: Coroutine[Any, Any, T]) -> T:
        """Run ``main`` to its end; whatever else has begun waits for the next step."""
        with self._running():
            task = self.create_task(main)
            self._until(task)
            return task.result()

    def settle(self) -> None:
        """Run whatever can run now, until everybody waits; no time passes."""
        with self._running():
            while self._ready:
                self._turn()

    def close(self) -> None:
        """Cancel whatever is left."""
        with self._running():
            self._end()

    @contextlib.contextmanager
    def _running(self) -> Iterator[None]:
        asyncio._set_running_loop(self)
        try:
            yield
        finally:
            asyncio._set_running_loop(None)

    def _until(self, task: asyncio.Future[Any]) -> None:
        while not task.done():
            self._come_due()
            self._turn()

    def _turn(self) -> None:
        """Call what is ready, once."""
        if self.failures and self.stops:
            raise self.failures[0]
        ready = self._ready
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._gone:
                continue
            process = handle.context.get(_PROCESS)
            if process is not None and process.frozen:
                process.backlog.append(handle)
                continue
            try:
                handle.context.run(handle.callback, *handle.arguments)
            except Exception as error:  # noqa: BLE001
                self.failures.append(error)

    def _come_due(self) -> None:
        """Make ready what is due by now; if nothing is ready, jump to the next timer first."""
        ready, timers = self._ready, self._timers
        while timers and (timers[0][2]._gone or timers[0][0] <= self._now or not ready):
            when, _, handle = heapq.heappop(timers)
            if not handle._gone:
                self._now = max(self._now, when)
                ready.append(handle)
        if not ready:
            text = f"at {self._now} s everybody waits for something that no timer brings"
            raise Deadlock(text)

    def _end(self) -> None:
        self.stops = False
        rest = list(self._tasks)
        for left in rest:
            left.cancel()
        gathered = asyncio.gather(*rest, return_exceptions=True) if rest else None
        if gathered is not None:
            self._until(gathered)


def run(main: Coroutine[Any, Any, T], start: float = 1000.0) -> T:
    """As asyncio.run, in simulated time; what fails in a callback or a forgotten task is raised."""
    made = VirtualTimeLoop(start)  # type: ignore[abstract]
    try:
        result = made.play(main)
    except BaseException:
        if made.failures:  # it came first
            raise made.failures[0] from None
        raise
    if made.failures:
        raise made.failures[0]
    return result


def loop() -> VirtualTimeLoop:
    """The virtual loop that runs now."""
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualTimeLoop)
    return running
