"""One drawing for all who come while they would have to wait for it anyway.

Two hundred scrapes at once cost little more than two: whoever comes while a drawing is being made
waits for the next one, which is made once and given to all of them. Nobody is given a picture that
is older than his question.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Shared:
    """Calls ``draw`` on behalf of several threads."""

    def __init__(self, draw: Callable[[], bytes]) -> None:
        self._draw = draw
        self._turn = threading.Lock()
        self._begun = 0
        self._drawn, self._number = b"", 0

    def __call__(self) -> bytes:
        """What ``draw`` gave, called after now; raises what it raises."""
        came = self._begun
        with self._turn:
            if self._number <= came:  # the last one that came to an end was begun before us
                self._begun += 1
                self._drawn = self._draw()
                self._number = self._begun
            return self._drawn
