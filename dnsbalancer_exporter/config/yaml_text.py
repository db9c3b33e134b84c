"""YAML as text: a tree of values that know their line. Nothing is guessed, nothing is expanded.

Every scalar stays the text that it is in the file. Aliases, tags and deep nesting are refused while
the file is being read, so that no file can cost more than its own length. The nodes do not show
what they hold: one of them is the password.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from dnsbalancer_exporter.errors import Problem

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 16
MAX_NODES = 100_000

Node: TypeAlias = "Empty | Text | Items | Table"


@dataclass(frozen=True, slots=True)
class Empty:
    """A key without a value, ``~`` or ``null``."""

    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """One value, as it is written."""

    line: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    items: tuple[Node, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, its line, and its value."""

    line: int
    key: str = field(repr=False)
    node: Node = field(repr=False)


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping. A key that is given twice is there twice: who reads it says so, with its path."""

    line: int
    entries: tuple[Entry, ...] = field(repr=False)


class Unreadable(Exception):
    """The bytes are no YAML document of ours; ``problem`` is the one thing to be said."""

    def __init__(self, line: int, message: str) -> None:
        self.problem = Problem(line, "", message)
        super().__init__(message)


_ALIAS = "aliases are not allowed: write the value out, or, if it begins with `*`, put it in quotes"

# What PyYAML says (in its problem or its context) and what we say instead: its own words repeat
# parts of the file, which may be parts of the password.
_INDENT = "the line is indented differently from its neighbours"
_SYNTAX = (
    ("character '\\t'", "a tab cannot stand here: indent with spaces"),
    ("cannot start any token", "a value that begins with `@`, `%` or a backtick must be in quotes"),
    ("scanning an alias", _ALIAS),
    (
        "mapping values are not",
        f"a value that holds `: ` must be in quotes; if none does, {_INDENT}",
    ),
    ("could not find expected ':'", "a key must be followed by a colon and a blank"),
    ("escape character", "a backslash in double quotes begins an escape: use single quotes"),
    ("escape sequence", "a backslash in double quotes begins an escape: use single quotes"),
    ("unexpected end of stream", "this quote is never closed: close it"),
    ("expected ',' or", "a bracket is not closed, or a comma is missing"),
    ("expected <block end>", f"{_INDENT}, or something follows a closing quote"),
    ("expected '<document start>'", "something follows the end of the document: remove it"),
)
# PyYAML notices these late; where the thing begins is the place to look at.
_BEGINS_BEFORE = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")


def read_yaml(data: bytes, must_hold: str = "the key `config`") -> Node:
    """The one document in ``data``. Raises Unreadable: too long, not text, not YAML, or several.

    ``must_hold`` is what an empty one is told that it lacks.
    """
    if len(data) > MAX_BYTES:
        raise Unreadable(0, f"is larger than {MAX_BYTES // 1024 // 1024} MiB: not a configuration")
    return _Reader(decode(data)).document(must_hold)


def decode(data: bytes) -> str:
    """The text; raises Unreadable if it is none."""
    if b"\0" in data:
        raise Unreadable(0, "is not a text file: it must be YAML in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    raise Unreadable(line, "is not UTF-8: save the file in that encoding")


class _Reader:
    """Events to nodes. The parser reads on when asked: nothing after a refused event is read."""

    def __init__(self, text: str) -> None:
        self._nodes = 0
        try:
            self._loader = yaml.BaseLoader(text)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
        else:
            return
        raise Unreadable(line, "holds a control character: remove it")

    def document(self, must_hold: str) -> Node:
        self._next()
        if isinstance(self._next(), StreamEndEvent):
            raise Unreadable(0, f"is empty: it must hold {must_hold}")
        node = self._node(self._next(), depth=0)
        self._next()
        event = self._next()
        if not isinstance(event, StreamEndEvent):
            self._refuse(event, "a second document begins here: keep one, without `---`")
        return node

    def _next(self) -> Event:
        try:
            event: Event = self._loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            line, column, message = _syntax(error)
        except (yaml.YAMLError, ValueError, OverflowError):
            # An escape such as "\U99999999" is no character, and PyYAML does not look.
            mark = self._loader.get_mark()
            line, column, message = mark.line + 1, mark.column + 1, "not valid YAML"
        else:
            return event
        raise Unreadable(line, f"column {column}: {message}")

    def _node(self, event: Event, depth: int) -> Node:
        if isinstance(event, AliasEvent):
            self._refuse(event, _ALIAS)
        if getattr(event, "tag", None) not in (None, "!", "tag:yaml.org,2002:str"):
            self._refuse(event, "tags (`!...`) are not allowed: put the value in quotes")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._refuse(event, f"holds more than {MAX_NODES} values: not a configuration")
        if depth > MAX_DEPTH:
            self._refuse(event, f"is nested more than {MAX_DEPTH} deep: no setting needs that")
        if isinstance(event, MappingStartEvent):
            return self._table(event, depth)
        if isinstance(event, SequenceStartEvent):
            return self._items(event, depth)
        if not isinstance(event, ScalarEvent):
            raise TypeError("the parser gives scalars, lists and mappings")
        return self._scalar(event)

    def _table(self, start: Event, depth: int) -> Table:
        entries = []
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Text) or not key.text:
                self._refuse(
                    event, "a key must be one word; a value that begins with `{` must be in quotes"
                )
            if key.text == "<<":
                self._refuse(event, "merge keys (`<<`) are not allowed: write the keys out")
            entries.append(Entry(key.line, key.text, self._node(self._next(), depth + 1)))
        return Table(_line(start), tuple(entries))

    def _items(self, start: Event, depth: int) -> Items:
        items = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Items(_line(start), tuple(items))

    def _scalar(self, event: ScalarEvent) -> Empty | Text:
        text: str = event.value
        if event.style is None and text in ("", "~", "null", "Null", "NULL"):
            return Empty(_line(event))
        if any("\ud800" <= character <= "\udfff" for character in text):
            self._refuse(event, "an escape gives half a character: write the character itself")
        return Text(_line(event), text)

    def _refuse(self, event: Event, message: str) -> NoReturn:
        line, column = _position(event)
        raise Unreadable(line, f"column {column}: {message}")


def _position(event: Event) -> tuple[int, int]:
    """Line and column, from 1; the stubs allow events without a mark, the parser makes none."""
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _line(event: Event) -> int:
    return _position(event)[0]


def _syntax(error: yaml.MarkedYAMLError) -> tuple[int, int, str]:
    """Line, column and our own sentence for what PyYAML found wrong."""
    said = f"{error.context or ''} {error.problem or ''}"
    message = next((ours for theirs, ours in _SYNTAX if theirs in said), "not valid YAML")
    begins_before = any(words in said for words in _BEGINS_BEFORE)
    mark = (error.context_mark if begins_before else error.problem_mark) or error.context_mark
    return (mark.line + 1, mark.column + 1, message) if mark else (0, 0, message)
