"""Targets from a file of their own: a list as under `targets`, in YAML or JSON, for generators.

What a pool's section has under `targets` afterwards is what the file has, so that every rule for
the one holds for the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from dnsbalancer_exporter.config.files import why_unread
from dnsbalancer_exporter.config.json_text import read_json
from dnsbalancer_exporter.config.pool_keys import TARGETS, TARGETS_FILE
from dnsbalancer_exporter.config.sections import Ledger, Place, Section
from dnsbalancer_exporter.config.targets import Listed, addresses
from dnsbalancer_exporter.config.yaml_text import Node, Unreadable, read_yaml

AT_ONCE = 5
"""How many problems of one file are told; a generator that errs does so ten thousand times."""

Read = Callable[[str], bytes]
"""Gives the bytes of a file; OSError."""

_read_list = addresses(least=1)


class TargetsFile(NamedTuple):
    """What a file had in it: its bytes, and the number of its targets."""

    data: bytes
    length: int


class Inventories:
    """The files that pools take their targets from, each read once: `files`, by path.

    Relative paths begin in ``folder``.
    """

    def __init__(self, folder: str, read: Read) -> None:
        self.folder = folder
        self.files: dict[str, TargetsFile] = {}
        self._read = read
        self._ledgers: dict[str, Ledger] = {}
        self._lists: dict[str, tuple[Listed, ...]] = {}

    def path(self, section: Section) -> str | None:
        """Where a pool's targets are; None if they are written in the configuration, or nowhere."""
        source = _source(section)
        given = source.find(TARGETS_FILE) if source else None
        return None if given is None else str(PurePosixPath(self.folder) / given)

    def fill(self, section: Section) -> Section:
        """The section with the targets of its file, if it has one; what is wrong is noted."""
        path, source = self.path(section), _source(section)
        if path is None or source is None:
            return section
        found = self._listed(path)
        line = source.lines[TARGETS_FILE.name]
        return replace(
            section,
            values={**section.values, TARGETS.name: found},
            lines={**section.lines, TARGETS.name: line},
        )

    def tell(self, section: Section) -> None:
        """Note at the key what was found wrong in its file, by then also with other keys."""
        path = self.path(section)
        problems = sorted(self._ledgers[path].problems) if path else []
        for problem in problems[:AT_ONCE]:
            section.problem(TARGETS_FILE, f"{path}: {problem}")
        if problems[AT_ONCE:]:
            more = f"{path}: and {len(problems) - AT_ONCE} more problems"
            section.problem(TARGETS_FILE, more)

    def _listed(self, path: str) -> tuple[Listed, ...]:
        if path not in self._lists:
            place = Place("", self._ledgers.setdefault(path, Ledger()))
            self._lists[path] = self._parse(path, place) or ()
        return self._lists[path]

    def _parse(self, path: str, place: Place) -> tuple[Listed, ...] | None:
        try:
            data = self._read(path)
            listed = _read_list(_tree(path, data), place)
        except OSError as error:
            place.problem(0, why_unread(error))
        except Unreadable as error:
            place.ledger.problems.add(error.problem)
        else:
            self.files[path] = TargetsFile(data, len(listed or ()))
            return listed
        return None


def _source(section: Section) -> Section | None:
    """The nearest section that says who the targets are, if it says so by a file."""
    place: Section | None = section
    while place and not {TARGETS.name, TARGETS_FILE.name} & place.lines.keys():
        place = place.outer
    return place if place and TARGETS_FILE.name in place.lines else None


def _tree(path: str, data: bytes) -> Node:
    """By the ending of its name; a file without one is JSON if it begins like a list of JSON.

    An empty one is left to YAML, which says so.
    """
    ending, begins = PurePosixPath(path).suffix.lower(), data.lstrip()[:1]
    looks_so = begins in (b"[", b"{") and ending not in (".yaml", ".yml")
    is_json = looks_so or (ending == ".json" and begins != b"")
    return read_json(data) if is_json else read_yaml(data, must_hold="a list of targets")
