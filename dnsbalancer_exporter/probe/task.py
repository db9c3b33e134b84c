"""A probe of several steps as a task of its own, where one callback is not enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class InTask(Generic[T]):
    """Runs ``probe`` and tells ``ended``, unless it was cancelled by `cancel` before."""

    def __init__(
        self, probe: Coroutine[Any, Any, T], ended: Callable[[asyncio.Task[T]], None]
    ) -> None:
        self._ended: Callable[[asyncio.Task[T]], None] | None = ended
        self._task = asyncio.ensure_future(probe)
        self._task.add_done_callback(self._tell)

    def cancel(self) -> None:
        """End it now; nothing is told any more, even if it is over and about to be told."""
        self._ended = None
        self._task.cancel()

    def _tell(self, task: asyncio.Task[T]) -> None:
        if self._ended:
            self._ended(task)
        elif not task.cancelled():
            task.exception()  # nobody wants to know
