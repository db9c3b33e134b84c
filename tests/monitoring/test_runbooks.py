"""The pages that an alert leads to: all there, and nothing in them that does not exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from dnsbalancer_exporter.cli import parser
from tests.monitoring.test_rules import NAMES, exported, named
from tests.repo.generated import ROOT

FOLDER = ROOT / "docs/runbooks"
RUSSIAN = ROOT / "docs/ru/runbooks"
ENGLISH_PAGES = sorted(FOLDER.glob("DnsBalancer*.md"))
PAGES = [*ENGLISH_PAGES, *sorted(RUSSIAN.glob("DnsBalancer*.md"))]
PARTS = {
    FOLDER: ["Meaning", "Impact", "Look here", "Do this"],
    RUSSIAN: ["Что это значит", "Кто страдает", "Куда смотреть", "Что делать"],
}
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^dnsbalancer .*$|`(dnsbalancer [^`]*)`", re.MULTILINE)


def commands(text: str) -> list[list[str]]:
    """The calls of our command in a page, split into words."""
    return [shlex.split(match[1] or match[0])[1:] for match in COMMAND.finditer(text)]


@pytest.mark.parametrize("folder", PARTS, ids=["en", "ru"])
def test_every_alert_has_a_page_and_every_page_an_alert(folder: Path) -> None:
    pages = [page.stem for page in PAGES if page.parent == folder]
    assert pages == [f"DnsBalancer{name}" for name in NAMES]
    index = (folder / "README.md").read_text()
    assert sorted(re.findall(r"\]\((DnsBalancer\w+)\.md\)", index)) == pages


@pytest.mark.parametrize("page", [*ENGLISH_PAGES, FOLDER / "README.md"], ids=lambda page: page.stem)
def test_both_languages_have_the_same_blocks_tables_and_steps(page: Path) -> None:
    english, russian = page.read_text(), (RUSSIAN / page.name).read_text()
    assert BLOCK.findall(english) == BLOCK.findall(russian)
    for row in (r"^\|", r"^\* ", r"^\d\. "):
        counts = [len(re.findall(row, text, re.MULTILINE)) for text in (english, russian)]
        assert counts[0] == counts[1], row


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.parent.name}-{page.stem}")
def test_a_page_has_its_four_parts(page: Path) -> None:
    parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
    assert parts == PARTS[page.parent]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.parent.name}-{page.stem}")
def test_a_page_names_only_metrics_that_are_exported(page: Path) -> None:
    every = exported()
    unknown = {name for name in named(page.read_text()) if name not in every}
    # A pattern for grep may be the beginning of several names.
    assert {
        n for n in unknown if not any(e.startswith(n) and n.endswith("_") for e in every)
    } == set()


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md"], ids=str)
def test_a_page_names_only_commands_and_flags_that_exist(page: Path) -> None:
    for words in commands(page.read_text()):
        parser().parse_args(words)  # it exits if it knows a word not


@pytest.mark.parametrize("text", ["`dnsbalancer drain A --fro 2h`", "`dnsbalancer rescue`"])
def test_the_check_of_commands_sees_a_wrong_one(text: str) -> None:
    ((verb, *flags),) = commands(text)
    with pytest.raises(SystemExit):
        parser().parse_args([verb, *flags])
