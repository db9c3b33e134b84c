"""Every block of every page is good in its language, and its marks are used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.checkers import CHECKERS
from tests.documents.commands import known, ours
from tests.documents.pages import DOCS, MARKS, RUSSIAN, Block, blocks, documents, prose
from tests.repo.generated import ROOT

BLOCKS = [block for page in documents() for block in blocks(page)]
UNRUN = {
    "elsewhere": "it belongs to a machine that no test has: FreeBSD, RED OS, a Grafana",
    "by hand": "an editor, a question, a browser: a person answers",
    "in parts": "a name in capitals stands for the reader's own",
    "tested": "another test does the same; its name is said beside it",
}
"""Why commands are not run, or an output is not compared."""
OLD = ("docs/runbook", "docs/ru/runbook", "docs/architecture.md", "README", "dashboards", "alerts")
"""Pages from before the marks: their blocks are checked, and run by the tests beside them."""


def _is_old(block: Block) -> bool:
    return str(block.page.relative_to(ROOT)).startswith(OLD)


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_good_in_its_language(block: Block) -> None:
    if RUSSIAN in block.page.parents:
        return  # the same as the English one, or test_pages says so
    assert block.language in CHECKERS, "a fence needs one of these languages"
    assert CHECKERS[block.language](block.text) == ""


@pytest.mark.parametrize("block", [b for b in BLOCKS if not _is_old(b)], ids=str)
def test_a_block_says_whether_it_is_run(block: Block) -> None:
    assert set(block.marks) <= set(MARKS)
    reasons = {
        block.marks[name].partition(",")[0] for name in ("not run", "shown") if name in block.marks
    }
    assert reasons <= set(UNRUN)
    if block.language == "sh":
        assert {"run", "not run"} & set(block.marks), "mark it with `run` or `not run`"


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_only_commands_and_flags_that_exist(page: Path) -> None:
    found = re.findall(r"`(dnsbalancer [^`]+)`", prose(page.read_text()))
    assert [text for text in found for words in ours(text) if not known(words)] == []


def test_most_commands_are_run() -> None:
    commands = [b for b in BLOCKS if b.language == "sh" and not _is_old(b)]
    unrun = [b for b in commands if "not run" in b.marks]
    assert len(unrun) * 4 < len(commands), [str(block) for block in unrun]


@pytest.mark.parametrize("kind", ["ansible", "cloud-init"])
def test_what_a_page_shows_is_what_is_in_packaging(kind: str) -> None:
    files = [path.read_text() for path in (ROOT / "packaging" / kind).glob("*.yaml")]
    shown = [b.text for b in BLOCKS if b.page == DOCS / f"{kind}.md" and "file" in b.marks]
    assert sorted(shown) == sorted(files)
