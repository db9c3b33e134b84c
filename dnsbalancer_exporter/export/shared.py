"""One drawing for all who come while they would have to wait for it anyway.

Two hundred scrapes at once cost little more than two: whoever comes while a drawing is being made
waits for the next one, which is made once and given to all of them. Nobody is given a picture that
is older than his question, and none is kept when nobody waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar, cast

T = TypeVar("T")


class Shared(Generic[T]):
    """Calls ``draw`` on behalf of several threads."""

    def __init__(self, draw: Callable[[], T]) -> None:
        self._draw = draw
        self._mutex = threading.Lock()
        self._turn = threading.Lock()
        self._here = 0
        self._begun = 0
        self._drawn: T | None = None
        self._number = 0

    def __call__(self) -> T:
        """What ``draw`` gave, called after now; raises what it raises."""
        with self._mutex:
            self._here += 1
            came = self._begun
        try:
            with self._turn:
                if self._number <= came:  # the last one that came to an end was begun before us
                    self._begun += 1
                    self._drawn = self._draw()
                    self._number = self._begun
                return cast("T", self._drawn)
        finally:
            with self._mutex:
                self._here -= 1
                if not self._here:
                    self._drawn = None
