"""JSON as text: the same tree as of YAML, in a small part of its time, and without lines.

Nothing is guessed here either: a number stays the text that it is in the file.
"""

from __future__ import annotations

import json

from dnsbalancer_exporter.config.yaml_text import (
    MAX_BYTES,
    MAX_DEPTH,
    Empty,
    Entry,
    Items,
    Node,
    Table,
    Text,
    Unreadable,
    decode,
)


def read_json(data: bytes) -> Node:
    """The one value in ``data``. Raises Unreadable: too long, not text, or not JSON."""
    if len(data) > MAX_BYTES:
        raise Unreadable(0, f"is larger than {MAX_BYTES // 1024 // 1024} MiB: no list of targets")
    deep = f"is nested more than {MAX_DEPTH} deep: no target needs that"
    try:
        return _node(_DECODER.decode(decode(data)), 0)
    except json.JSONDecodeError as error:
        # The library's words repeat nothing of the file.
        problem = Unreadable(error.lineno, f"column {error.colno}: not valid JSON: {error.msg}")
    except RecursionError:
        problem = Unreadable(0, deep)
    raise problem


class _Pairs(list[tuple[str, object]]):
    """The keys and values of an object, those that are given twice as well."""


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=str
)


def _node(value: object, depth: int) -> Node:
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
            raise Unreadable(0, "an escape gives half a character: write the character itself")
        return Text(0, value)
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, _Pairs):
        return Table(0, tuple(Entry(0, key, _node(each, depth + 1)) for key, each in value))
    if isinstance(value, list):
        return Items(0, tuple(_node(each, depth + 1) for each in value))
    return Empty(0) if value is None else Text(0, str(value).lower())
