"""Rhythm: the moments at which a target is probed, one in each interval, and not all the same.

Each target has its own place in the interval, the same in every process. It is probed there
whatever happened in between: without that, those that were asked at once, or were late together
when the process was busy, would stay together, and their probes become a burst.
"""

from __future__ import annotations

import math
import zlib

from dnsbalancer_exporter.model import TargetKey

TOO_SOON = 0.01
"""Part of the interval: a moment that is less than that ahead is left out."""


def next_moment(key: TargetKey, interval: float, now: float) -> float:
    """The first moment of a target after ``now``; all in seconds, on the process's clock."""
    first = _place(key) * interval
    return first + interval * math.floor((now - first) / interval + 1 + TOO_SOON)


def _place(key: TargetKey) -> float:
    """Where in the interval, as a part of it."""
    return zlib.crc32(f"{key.pool}/{key.address}".encode()) / 2**32
