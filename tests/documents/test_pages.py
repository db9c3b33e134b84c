"""The guide is the same in both languages, is listed in order, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.pages import DOCS, RUSSIAN, anchors, blocks, documents, guide, prose
from tests.repo.generated import ROOT

ENGLISH_ONLY = {
    "architecture.md": "for those who change the code",
    "metrics.md": "made from the code; the help texts of the metrics are English",
    "status-api.md": "for those who write programs",
}
"""Pages without a Russian twin, and why."""
BOTH = [name for name in guide(DOCS) if name not in ENGLISH_ONLY]
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")


def test_every_page_has_its_twin() -> None:
    assert guide(RUSSIAN) == BOTH


@pytest.mark.parametrize("name", [*BOTH, "README.md"])
def test_both_have_the_same_blocks_and_marks(name: str) -> None:
    one, other = (
        [(b.language, b.marks, b.code) for b in blocks(folder / name)] for folder in (DOCS, RUSSIAN)
    )
    assert one == other


@pytest.mark.parametrize("name", [*BOTH, "README.md"])
def test_both_have_the_same_sections(name: str) -> None:
    one, other = (
        re.findall(r"(?m)^(#+) ", prose((folder / name).read_text())) for folder in (DOCS, RUSSIAN)
    )
    assert one == other


@pytest.mark.parametrize("name", BOTH)
def test_both_have_tables_of_the_same_length(name: str) -> None:
    one, other = (
        re.findall(r"(?m)^(\|)", prose((folder / name).read_text())) for folder in (DOCS, RUSSIAN)
    )
    assert one == other


def test_the_index_lists_every_page_in_both_languages_in_one_order() -> None:
    listed = [
        re.findall(r"(?m)^(?:\d+\.|\*) \[.+?\]\(([\w-]+\.md)\)", (folder / "README.md").read_text())
        for folder in (DOCS, RUSSIAN)
    ]
    english, russian = listed
    assert sorted(english) == guide(DOCS)
    assert [name for name in english if name in BOTH] == russian


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    broken = []
    for target, anchor in LINK.findall(prose(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target).resolve() if target else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


def test_russian_pages_lead_to_russian_pages() -> None:
    away = [
        (page.name, target)
        for page in RUSSIAN.glob("*.md")
        for target, _ in LINK.findall(page.read_text())
        if Path(target).parent == Path("..") and Path(target).name in BOTH
    ]
    assert away == []


def test_every_reason_for_english_alone_is_needed() -> None:
    assert [name for name in ENGLISH_ONLY if not (DOCS / name).exists()] == []
