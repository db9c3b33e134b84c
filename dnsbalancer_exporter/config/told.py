"""Converters that tell what they take: the reference is written from it, and so cannot be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

T = TypeVar("T")

UNITS = {
    "": Fraction(1),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
}
"""Seconds, by the unit behind a number."""


@dataclass(frozen=True, slots=True)
class Told(Generic[T]):
    """A converter, the kind of value that it takes, and which.

    ``least`` and ``most`` are written as in a file; ``words`` are all that there is to choose from.
    """

    convert: Callable[[str], T]
    kind: str
    least: str = ""
    most: str = ""
    words: tuple[str, ...] = ()

    def __call__(self, text: str) -> T:
        """The value of ``text``; raises Wrong."""
        return self.convert(text)


def duration_text(seconds: float) -> str:
    """A duration as one would write it: ``100ms``, ``2m``, ``1d``, by the largest unit."""
    exact = Fraction(str(seconds))
    if not exact:
        return "0"
    unit = next(u for u in ("d", "h", "m", "s", "ms") if exact % UNITS[u] == 0)
    return f"{exact / UNITS[unit]}{unit}"
