"""The last probe results of a target, packed: what the latency curve is drawn from.

They are a value and a part of TargetState, so that a Report holds the curve of its moment and no
thread waits for another. A new result makes new bytes (four per result): 60 of them weigh 313 bytes
and take a microsecond to add to, where a tuple of floats would weigh 2 kB.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from dnsbalancer_exporter.model import ProbeReason, ProbeResult

KEPT = 60
"""How many results of a target are remembered."""

_RESULT = struct.Struct("<i")
_LONGEST = 2**31 - 1
_REASONS = tuple(ProbeReason)
_CODES = {reason: -1 - number for number, reason in enumerate(_REASONS)}


class Recent(NamedTuple):
    """Up to KEPT results, oldest first. ``packed``: microseconds of a success, or minus a code."""

    packed: bytes = b""

    def plus(self, result: ProbeResult) -> Recent:
        """Return these and one more, without the oldest if there are too many."""
        if result.reason is None:
            value = min(round(result.duration * 1e6), _LONGEST)
        else:
            value = _CODES[result.reason]
        return Recent((self.packed + _RESULT.pack(value))[-KEPT * _RESULT.size :])

    def seconds(self) -> list[float | None]:
        """How long each success took; None for what was none."""
        return [value / 1e6 if value >= 0 else None for value in self._values()]

    def reasons(self) -> list[ProbeReason]:
        """Why the others were none, in their order."""
        return [_REASONS[-1 - value] for value in self._values() if value < 0]

    def _values(self) -> tuple[int, ...]:
        return struct.unpack(f"<{len(self.packed) // _RESULT.size}i", self.packed)
