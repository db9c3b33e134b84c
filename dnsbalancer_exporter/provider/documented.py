"""Reading JSON that has to be the documented one: everything else is a ValueError, never a guess.

An answer that is half understood is dangerous here: a list that looks shorter than it is makes a
daemon create, and withdraw, what it should not. Unknown extra fields are no harm.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

JsonObject = Mapping[str, object]


def json_object(body: bytes) -> JsonObject:
    """The JSON object in ``body``."""
    return _object(json.loads(body))


def json_objects(body: bytes) -> list[JsonObject]:
    """The JSON array of objects in ``body``."""
    return _objects(json.loads(body))


def inner_objects(holder: JsonObject, key: str) -> list[JsonObject]:
    """The list of objects under ``key``."""
    return _objects(holder.get(key))


def inner(holder: JsonObject, key: str) -> JsonObject:
    """The object under ``key``."""
    return _object(holder.get(key))


def text(holder: JsonObject, key: str) -> str:
    """The text under ``key``."""
    value = holder.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key!r} is {_kind(value)}, not a text")  # noqa: TRY004
    value.encode()  # half a surrogate pair is no text, and breaks whoever prints it
    return value


def texts(holder: JsonObject, key: str) -> list[str]:
    """The list of texts under ``key``."""
    value = holder.get(key)
    if not isinstance(value, list):
        raise ValueError(f"{key!r} is {_kind(value)}, not a list")  # noqa: TRY004
    return [text({"item": item}, "item") for item in value]


def integer(holder: JsonObject, key: str, low: int, high: int) -> int:
    """The whole number under ``key``, from ``low`` to ``high``."""
    value = holder.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key!r} is {_kind(value)}, not a whole number")  # noqa: TRY004
    if not low <= value <= high:
        raise ValueError(f"{key!r} is not from {low} to {high}")
    return value


def _objects(value: object) -> list[JsonObject]:
    if not isinstance(value, list):
        raise ValueError(f"{_kind(value)} where a list should be")  # noqa: TRY004
    return [_object(item) for item in value]


def _object(value: object) -> JsonObject:
    if not isinstance(value, dict):
        raise ValueError(f"{_kind(value)} where an object should be")  # noqa: TRY004
    return value


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a JSON {type(value).__name__}"
