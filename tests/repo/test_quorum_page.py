"""docs/quorum.md: every row is played, every scenario has its row, the numbers are the code's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dnsbalancer_exporter import ballot, quorum, vote
from dnsbalancer_exporter.config.quorum_keys import LEASE, QUORUM_KEYS
from tests.repo.generated import ROOT, labelled
from tests.repo.quorum_page import PAGE, RUSSIAN_PAGE, scenarios
from tests.repo.test_shown_by import FOLDERS, played_in

BOTH = pytest.mark.parametrize("page", [PAGE, RUSSIAN_PAGE], ids=["en", "ru"])


@BOTH
def test_every_row_is_played_where_it_says(page: Path) -> None:
    rows = [line for line in page.read_text().splitlines() if line.count(" | ") == 4]
    titles = [row for row in rows if "`test_" not in row]
    assert len(scenarios(page)) == len(rows) - len(titles) >= 18
    for row in scenarios(page):
        for where, name in row.shown_by:
            assert name in played_in(ROOT / "tests" / FOLDERS[where]), name


def test_every_scenario_of_real_daemons_has_one_row() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "tests/e2e").glob("test_quorum*.py"))
    played = re.findall(r"^def (test_\w+)\(make: Make\)", source, re.MULTILINE)
    rows = [name for row in scenarios() for where, name in row.shown_by if where == "e"]
    assert sorted(rows) == sorted(played)


def test_both_languages_promise_the_same() -> None:
    assert scenarios(RUSSIAN_PAGE) == scenarios(PAGE)


@pytest.mark.parametrize(
    "words",
    ["", "| C dies | | `A B C` `A` | | e: `test_x` |", "| C dies | gone | `A D` | `A` | none |"],
)
def test_what_is_no_row_is_none(words: str, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(words)
    assert scenarios(page) == []


@BOTH
def test_the_numbers_are_the_codes(page: Path) -> None:
    text = re.sub(r"\s+", " ", page.read_text())
    (least,) = (row.least for row in labelled().values() if row.key is LEASE)
    assert LEASE in QUORUM_KEYS
    assert (least, LEASE.default) == ("10s", "60")
    writes = 3 * 2 * vote.RENEWALS * 60 // int(LEASE.default)
    assert (writes, quorum.LOOKS, ballot.GONE, vote.LONGEST) == (18, 12, 10, 255)
    for number in (" 18 ", " 255 ", " 10 "):
        assert number in text
