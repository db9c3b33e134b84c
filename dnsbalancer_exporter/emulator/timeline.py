"""Values that come and go, and what there was at an earlier moment.

A Timeline forgets what ended more than MEMORY seconds ago.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

MEMORY = 3600.0


@dataclass(frozen=True, slots=True)
class _Span(Generic[T]):
    """A value and the half-open time in which it stood; ``order`` is its key's place in lists."""

    value: T
    order: int
    born: float
    died: float = math.inf


class Timeline(Generic[T]):
    """A dictionary in order of insertion that knows what it held before. Not locked."""

    def __init__(self) -> None:
        self._live: dict[str, _Span[T]] = {}
        self._ended: deque[_Span[T]] = deque()
        self._next = 0

    def put(self, key: str, value: T, at: float) -> None:
        """Set a value, in the place that the key has or at the end."""
        order = self._end(key, at)
        if order is None:
            order = self._next
            self._next += 1
        self._live[key] = _Span(value, order, at)

    def remove(self, key: str, at: float) -> None:
        """End a value, if it stands."""
        self._end(key, at)

    def get(self, key: str) -> T | None:
        """The value that stands now."""
        span = self._live.get(key)
        return None if span is None else span.value

    def now(self) -> tuple[T, ...]:
        """All values that stand now, in order."""
        return self._ordered(list(self._live.values()))

    def as_of(self, at: float) -> tuple[T, ...]:
        """All values that stood at a moment, in order."""
        spans = (*self._live.values(), *self._ended)
        return self._ordered([span for span in spans if span.born <= at < span.died])

    def _end(self, key: str, at: float) -> int | None:
        span = self._live.pop(key, None)
        if span is None:
            return None
        self._ended.append(_Span(span.value, span.order, span.born, at))
        while self._ended and self._ended[0].died < at - MEMORY:
            self._ended.popleft()
        return span.order

    @staticmethod
    def _ordered(spans: list[_Span[T]]) -> tuple[T, ...]:
        return tuple(span.value for span in sorted(spans, key=lambda span: span.order))
