"""The last probe results of a target, packed: what the latency curve is drawn from.

They are a value and a part of TargetState, so that a Report holds the curve of its moment and no
thread waits for another. A new result makes new bytes (two per result): 60 of them weigh 193 bytes
and take a microsecond to add to, where a tuple of floats would weigh 2 kB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

from dnsbalancer_exporter.model import ProbeReason, ProbeResult

KEPT = 60
"""How many results of a target are remembered."""

_RESULT = struct.Struct("<e")
_LONGEST = 65504.0  # the largest that half a float holds
_REASONS = tuple(ProbeReason)
_CODES = {reason: -1.0 - number for number, reason in enumerate(_REASONS)}


class Recent(NamedTuple):
    """Up to KEPT results, oldest first.

    ``packed`` holds a half-precision float for each: milliseconds of a success, to a two-thousandth
    part and 65.504 s at most; or minus a code.
    """

    packed: bytes = b""

    def plus(self, result: ProbeResult) -> Recent:
        """Return these and one more, without the oldest if there are too many."""
        if result.reason is None:
            value = min(max(0.0, result.duration * 1e3), _LONGEST)
        else:
            value = _CODES[result.reason]
        return Recent((self.packed + _RESULT.pack(value))[-KEPT * _RESULT.size :])

    def seconds(self) -> Seconds:
        """How long each success took; None for what was none."""
        return Seconds(self.packed)

    def reasons(self) -> list[ProbeReason]:
        """Why the others were none, in their order."""
        return [_REASONS[round(-1 - value)] for value in _values(self.packed) if value < 0]


class Seconds(Sequence["float | None"]):
    """What is unpacked as it is read: as lists, those of ten thousand targets would weigh 20 MB."""

    __slots__ = ("_packed",)

    def __init__(self, packed: bytes) -> None:
        self._packed = packed

    def __len__(self) -> int:
        return len(self._packed) // _RESULT.size

    def __iter__(self) -> Iterator[float | None]:
        return iter([None if v < 0 else round(v / 1e3, 6) for v in _values(self._packed)])

    @overload
    def __getitem__(self, place: int) -> float | None: ...

    @overload
    def __getitem__(self, place: slice) -> list[float | None]: ...

    def __getitem__(self, place: int | slice) -> float | list[float | None] | None:
        return list(self)[place]


def _values(packed: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(packed) // _RESULT.size}e", packed)
