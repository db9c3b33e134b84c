"""Mappings read by a table of keys: unknown, repeated, missing and wrong keys each get a sentence.

A problem is noted and reading goes on, so that an operator is told everything at once. Checks that
relate keys to each other use ``find``, which gives None for a value that is wrong; ``need`` is for
building, when it is known that nothing is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Generic, TypeVar, cast

from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.config.yaml_text import Empty, Entry, Items, Node, Table, Text
from dnsbalancer_exporter.errors import Problem

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

EMPTY = "is empty: give a value, or remove the key"


@dataclass(slots=True)
class Ledger:
    """What is found while a file is read. The same sentence about the same key is said once."""

    problems: set[Problem] = field(default_factory=set)
    notes: set[Problem] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: its dotted key, and the ledger for what is to be said about it."""

    path: str
    ledger: Ledger

    def where(self, line: int) -> str:
        """Where this is, for a sentence: by its line, or by its path if there are none (JSON)."""
        return f"on line {line}" if line else f"at {self.path}"

    def key(self, name: str) -> Place:
        """The place of a key of this mapping; the root of a file has no name."""
        return Place(f"{self.path}.{name}" if self.path else name, self.ledger)

    def item(self, index: int) -> Place:
        """The place of an item of this list."""
        return Place(f"{self.path}[{index}]", self.ledger)

    def problem(self, line: int, message: str) -> None:
        """Note what is wrong here, and what would be right."""
        self.ledger.problems.add(Problem(line, self.path, message))

    def note(self, line: int, message: str) -> None:
        """Note what is legal here and may not be meant."""
        self.ledger.notes.add(Problem(line, self.path, message))


class Level(Enum):
    """Where a key may stand."""

    TOP = "top"
    POOL = "pool"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Key(Generic[T_co]):
    """One row of the schema. ``default`` is written as in a file and read like the rest;
    ``otherwise`` says in words what stands in where there is no such text. ``kind`` says in words
    what is read where ``read`` is no `scalar` of a converter that tells it.
    """

    name: str
    read: Callable[[Node, Place], T_co | None]
    doc: str
    default: str = ""
    otherwise: str = ""
    kind: str = ""
    level: Level = Level.BOTH
    required: bool = False
    synonym_of: str = ""

    def initial(self) -> T_co | None:
        """The default's value, None if there is none."""
        return self.read(Text(0, self.default), Place("", Ledger())) if self.default else None


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping that has been read. What it does not give is looked up in ``outer``.

    ``lines`` has every key that was given, ``values`` those whose value is good.
    """

    place: Place
    line: int
    values: Mapping[str, object] = field(repr=False)
    lines: Mapping[str, int]
    outer: Section | None = None

    def _holder(self, name: str) -> Section | None:
        if name in self.lines:
            return self
        return self.outer._holder(name) if self.outer else None

    def gives(self, key: Key[object]) -> bool:
        """The key is given, here or in ``outer``, well or badly."""
        return self._holder(key.name) is not None

    def find(self, key: Key[T]) -> T | None:
        """The value or the default; None if there is neither, or the value is wrong."""
        holder = self._holder(key.name)
        return cast("T | None", holder.values.get(key.name)) if holder else key.initial()

    def need(self, key: Key[T]) -> T:
        """The value or the default. Raises KeyError: call it only when no problem was noted."""
        value = self.find(key)
        if value is None:
            raise KeyError(key.name)
        return value

    def place_of(self, key: Key[object]) -> Place:
        """The place where the key is given, else where it would be."""
        return self._where(key)[0]

    def problem(self, key: Key[object], message: str) -> None:
        """Note a problem at the place where the key is given, else where it would be."""
        place, line = self._where(key)
        place.problem(line, message)

    def note(self, key: Key[object], message: str) -> None:
        """Note something at the place where the key is given, else where it would be."""
        place, line = self._where(key)
        place.note(line, message)

    def require(self, *keys: Key[object]) -> None:
        """Note each of these keys that is not given."""
        for key in keys:
            if not self.gives(key):
                self.problem(key, f"is missing: {key.doc[0].lower()}{key.doc[1:].rstrip('.')}")

    def _where(self, key: Key[object]) -> tuple[Place, int]:
        holder = self._holder(key.name)
        if holder is None:
            return self.place.key(key.name), self.line
        return holder.place.key(key.name), holder.lines[key.name]


def read_section(
    node: Node,
    place: Place,
    keys: tuple[Key[object], ...],
    *,
    elsewhere: Mapping[str, str] | None = None,
    outer: Section | None = None,
) -> Section | None:
    """The mapping ``node`` by the table ``keys``; None if it is no mapping.

    ``elsewhere`` has a sentence for each known key that may not stand here.
    """
    if not isinstance(node, Table):
        place.problem(
            node.line, EMPTY if isinstance(node, Empty) else "must be a mapping: `key: value` lines"
        )
        return None
    known = {key.name: key for key in keys}
    values: dict[str, object] = {}
    lines: dict[str, int] = {}
    for entry in _known_once(node, place, known, elsewhere or {}):
        key = known[entry.key]
        lines[key.name] = entry.line
        value = key.read(entry.node, place.key(key.name))
        if value is not None:
            values[key.name] = value
    for key in keys:
        if key.synonym_of and key.name in lines:
            _fold(key, values, lines, place)
    return Section(place, node.line, values, lines, outer)


def _known_once(
    table: Table, place: Place, known: Mapping[str, object], elsewhere: Mapping[str, str]
) -> Iterator[Entry]:
    """The entries whose key is known, the first of each; the others are noted."""
    first: dict[str, int] = {}
    for entry in table.entries:
        if entry.key in known and entry.key not in first:
            first[entry.key] = entry.line
            yield entry
        elif entry.key in known:
            place.key(entry.key).problem(
                entry.line, f"is given twice{_first_on(first[entry.key])}: keep one"
            )
        elif entry.key in elsewhere:
            place.key(entry.key).problem(entry.line, elsewhere[entry.key])
        else:
            _unknown(entry, place, known)


def _first_on(line: int) -> str:
    """Where it was given first; JSON does not tell."""
    return f", first on line {line}" if line else ""


def _unknown(entry: Entry, place: Place, known: Mapping[str, object]) -> None:
    """Note an unknown key: by name only if it looks like one, it may be a piece of a password."""
    near = difflib.get_close_matches(entry.key[:40].lower().replace("-", "_"), known, 1, 0.7)
    word = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", entry.key)
    if word and (near or not isinstance(entry.node, Empty)):
        place = place.key(entry.key)
    right = f"did you mean `{near[0]}`?" if near else "remove it"
    place.problem(entry.line, f"unknown key; {right}")


def _fold(key: Key[object], values: dict[str, object], lines: dict[str, int], place: Place) -> None:
    """Move a synonym's value to its proper key; two different values are a problem."""
    name = key.synonym_of
    if name in lines and key.name in values and values.get(name) not in (None, values[key.name]):
        place.key(key.name).problem(
            lines[key.name], f"is a synonym of `{name}`, which has another value: keep one of them"
        )
    lines.setdefault(name, lines[key.name])
    if key.name in values:
        values.setdefault(name, values[key.name])


# --- readers of one value -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scalar(Generic[T]):
    """A reader of one text by ``convert``."""

    convert: Callable[[str], T]

    def __call__(self, node: Node, place: Place) -> T | None:
        """The value; None if it is wrong, which is then noted."""
        if isinstance(node, Empty) or (isinstance(node, Text) and not node.text.strip()):
            place.problem(node.line, EMPTY)
            return None
        if not isinstance(node, Text):
            place.problem(
                node.line, "must be one value; if it begins with `{` or `[`, put it in quotes"
            )
            return None
        try:
            return self.convert(node.text)
        except Wrong as wrong:
            place.problem(node.line, str(wrong))
            return None


def scalar(convert: Callable[[str], T]) -> Scalar[T]:
    """A reader of one text by ``convert``."""
    return Scalar(convert)


def items(node: Node, place: Place, what: str, *, least: int = 0) -> Iterator[tuple[Node, Place]]:
    """The items of a list with their places; a problem if it is none, or is too short."""
    if not isinstance(node, Items):
        is_empty = isinstance(node, Empty)
        place.problem(node.line, EMPTY if is_empty else f"must be a list of {what}")
        return
    if len(node.items) < least:
        place.problem(node.line, f"is an empty list: list {what}, or remove the key")
    for index, item in enumerate(node.items):
        yield item, place.item(index)
