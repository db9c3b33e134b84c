"""`/api/v1/status` and docs/status-api.md say the same, to the field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e.stage import Stage, until

DOCUMENT = Path(__file__).parents[2] / "docs" / "status-api.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([a-z ]+) \| ([A-Za-z ]*?) ?\| (.+) \|$", re.MULTILINE)
CHECKS = {
    "text": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, float | int) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
PLURALS = {"objects": "object", "numbers": "number", "integers": "integer"}


def documented() -> dict[str, str]:
    rows = ROW.findall(DOCUMENT.read_text())
    fields = {path: type_ for path, type_, _, _ in rows}
    assert len(fields) == len(rows) == DOCUMENT.read_text().count("\n| `")
    return fields


def fields_of(value: object, types: dict[str, str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an answer, with its value; a reference has the fields of a target."""
    path = path.replace("references[]", "targets[]")
    if path:
        yield path, value
    if isinstance(value, dict) and not types.get(path, "").startswith("object of"):
        for key, inner in value.items():
            yield from fields_of(inner, types, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list) and types.get(path) == "list of objects":
        for inner in value:
            for field, found in fields_of(inner, types, f"{path}[]"):
                if not field.endswith("[]"):
                    yield field, found


def fits(value: object, type_: str) -> bool:
    """Whether a value is of a documented type, as `list of numbers or null`."""
    kind, _, inner = type_.partition(" of ")
    if inner:
        container = {"list": list, "object": dict}[kind]
        if not isinstance(value, container):
            return False
        values = value.values() if isinstance(value, dict) else value
        return all(fits(entry, inner) for entry in values)
    return any(CHECKS[PLURALS.get(word, word)](value) for word in type_.split(" or "))


def test_every_field_is_documented_and_every_documented_field_is_there(stage: Stage) -> None:
    types = documented()
    one, two, three = stage.hosts[:3]
    stage.up(stage.hosts[3])
    asked = "{}:{}".format(*stage.emulator.dns_address)
    file = stage.folder / "targets.json"
    file.write_text(json.dumps([one, two, three]))
    more = {
        "reference": [stage.hosts[3]],
        "resolvers": [asked],
        "targets_file": str(file),
        "quorum": {"lease": 10},
    }
    daemon = stage.steady(one, two, three, **more)
    stage.down(two, three)  # nobody else votes: the daemon is its own majority after a lease
    seen: set[str] = set()
    wrong: set[str] = set()

    def all_seen() -> bool:
        """What the last cycle wrote is there until the next one: so several answers are taken."""
        for path, value in fields_of(daemon.status(), types):
            seen.add(path)
            if path not in types or not fits(value, types[path]):
                wrong.add(f"{path} is {value!r}, not {types.get(path, 'documented')}")
        return seen >= set(types)

    try:
        until(all_seen, "an answer with every documented field", 60)
    except AssertionError as error:
        raise AssertionError(f"{error}; without {sorted(set(types) - seen)}") from None
    assert wrong == set()


def test_what_the_types_mean() -> None:
    assert fits([0.5, None], "list of numbers or null")
    assert not fits(["x"], "list of numbers or null")
    assert not fits(None, "list of numbers or null")
    assert fits({"timeout": 1}, "object of integers")
    assert not fits({"timeout": "1"}, "object of integers")
    assert fits(None, "text or null")
    assert not fits(True, "integer")
