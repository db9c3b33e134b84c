"""JSON in pieces: a long document as text, without keeping the interpreter for as long as it takes.

`json.dumps` of ten thousand targets is one call, and lets no other thread run until it has ended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

DEPTH = 5
"""Levels that are taken apart: answer, pools, a pool, its targets; a target is one piece."""


def json_pieces(value: Any, depth: int = DEPTH) -> Iterator[str]:
    """The text of ``value``, compact, as json.dumps writes it; dicts have keys of text.

    A sequence that is neither list nor tuple is written as a list.
    """
    if depth and isinstance(value, dict) and value:
        before = "{"
        for key, inner in value.items():
            yield f"{before}{json.dumps(key)}:"
            yield from json_pieces(inner, depth - 1)
            before = ","
        yield "}"
    elif depth and isinstance(value, list | tuple) and value:
        before = "["
        for inner in value:
            yield before
            yield from json_pieces(inner, depth - 1)
            before = ","
        yield "]"
    else:
        yield json.dumps(value, separators=(",", ":"), default=list)
