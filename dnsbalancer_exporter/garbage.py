"""Garbage: what refers to itself is looked for often and in little, so that no probe waits for it.

Python's collector counts what was made less what has gone. The states of ten thousand targets are
made anew each second, and as many go: it counts next to nothing, and when it looks at last, it
looks at all of them (30 ms), and now and then at all that there is (100 ms). So we have it look at
what is new after every EVERY results (half a millisecond), and seldom at the rest.
"""

from __future__ import annotations

import gc

EVERY = 256
"""Results of probes between two looks at what is new."""

NEW, MIDDLE, OLD = 700, 10, 500
"""When Python looks by itself: after so many more objects; at those that are left of so many looks;
and at all, after so many of these.
"""


class Garbage:
    """Has the collector look when enough has been judged."""

    def __init__(self) -> None:
        self._judged = 0

    def begin(self) -> None:
        """The process has what it needs: none of that is garbage, nor is looked at again."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(NEW, MIDDLE, OLD)

    def judged(self) -> None:
        """One more result has been judged."""
        self._judged += 1
        if self._judged == EVERY:
            self._judged = 0
            gc.collect(0)
