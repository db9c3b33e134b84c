"""Documents that name a test as their evidence: it exists, and it is where they say that it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.generated import ROOT

FOLDERS = {"s": "simulation", "e": "e2e"}


def played_in(folder: Path) -> set[str]:
    """The names of all test functions in a folder."""
    source = "\n".join(path.read_text() for path in folder.rglob("test_*.py"))
    return set(re.findall(r"^(?:async )?def (test_\w+)\(", source, re.MULTILINE))


@pytest.mark.parametrize("page", ["docs/survives.md", "docs/ru/survives.md"])
def test_every_row_of_what_it_survives_is_played_where_it_says(page: str) -> None:
    rows = [line for line in (ROOT / page).read_text().splitlines() if line.startswith("| ")]
    bodies = [row for row in rows if not row.startswith(("| ---", "| what", "| что"))]
    assert len(bodies) > 25
    for row in bodies:
        evidence = re.findall(r"\b([se]): `(test_\w+)`", row.split(" | ")[-1])
        assert evidence, row
        for where, name in evidence:
            assert name in played_in(ROOT / "tests" / FOLDERS[where]), name


@pytest.mark.parametrize("page", ["docs/laws.md", "docs/ru/laws.md"])
def test_each_of_the_ten_laws_has_a_test_that_exists(page: str) -> None:
    rows = re.findall(r"^\| (\d+) \| .* \| ([^|]+) \|$", (ROOT / page).read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    there = played_in(ROOT / "tests")
    for _, cell in rows:
        named = re.findall(r"`(test_\w+)`", cell)
        assert named
        assert [name for name in named if name not in there] == []
