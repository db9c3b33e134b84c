"""docs/quorum.md as the scenarios read it: what the zone has in each of them is told there, once.

A row of its tables is a scenario: what happens, what the zone does without votes, what it has with
them, what it has when that is over, and the tests that play it. The third and the fourth cell begin
with the machines in the zone, as in `A C`; without them nothing is promised by name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.repo.generated import ROOT

PAGE = ROOT / "docs/quorum.md"
RUSSIAN_PAGE = ROOT / "docs/ru/quorum.md"
MACHINES = "ABC"

Machines = tuple[int, ...]
"""Which of the machines A, B and C, by their place."""


class Scenario(NamedTuple):
    """What the zone has ``meanwhile`` and when it is ``over``; None if no machine is named."""

    meanwhile: Machines | None
    over: Machines | None
    shown_by: tuple[tuple[str, str], ...]


def scenarios(page: Path = PAGE) -> list[Scenario]:
    """The scenarios of the page, in its order."""
    rows = [line.split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    return [
        Scenario(_machines(cells[2]), _machines(cells[3]), _evidence(cells[4]))
        for cells in rows
        if len(cells) == 5 and _evidence(cells[4])
    ]


def told_of(test: str) -> Scenario:
    """What the page says of the scenario that an end-to-end test plays."""
    (found,) = [row for row in scenarios() if ("e", test) in row.shown_by]
    return found


def _machines(cell: str) -> Machines | None:
    named = re.match(r"`([ABC](?: [ABC])*)`", cell)
    return tuple(MACHINES.index(letter) for letter in named[1].split()) if named else None


def _evidence(cell: str) -> tuple[tuple[str, str], ...]:
    return tuple(re.findall(r"\b([se]): `(test_\w+)`", cell))
