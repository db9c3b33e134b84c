"""docs/troubleshooting.md quotes what the code can say: each message is found in its source.

The parser joins adjacent texts and knows where a value is filled in, so that a quotation is
compared with the whole sentence: `…` stands for what is filled in, and at the end for the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo.generated import ROOT

PAGES = ["docs/troubleshooting.md", "docs/ru/troubleshooting.md"]
SOURCES = [*(ROOT / "dnsbalancer_exporter").rglob("*.py"), ROOT / "packaging/entry.py"]


def sentences(path: Path) -> Iterator[str]:
    """The texts of a module; `…` stands where a value is filled in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield re.sub(r"%[sd](\.%d)?", "…", node.value)
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
            )


SAID = frozenset(sentence for path in SOURCES for sentence in sentences(path))


def quoted(page: str) -> list[str]:
    """The first cell of every row, without the backticks around it."""
    rows = re.findall(r"^\| (`+) ?(.+?) ?\1 \| ", (ROOT / page).read_text(), re.MULTILINE)
    assert len(rows) > 45
    return [message for _, message in rows]


PUT_TOGETHER = {
    "target … is down: refused": ("… … is ……", "refused"),
    "target … is down: timeout": ("… … is ……", "timeout"),
    "target … is down: unreachable": ("… … is ……", "unreachable"),
    "keystone: cannot log in as '…': HTTP 401 …": ("…: cannot …: …", "log in as …"),
    "could not create …": ("could not … …: …", "create"),
    "could not delete …": ("could not … …: …", "delete"),
    "is … s ahead of the cloud's": ("is … s … the cloud's", "ahead of"),
}
"""Messages that are made of several texts of the source, and which."""


def _is_said(message: str) -> bool:
    pieces = PUT_TOGETHER.get(message)
    if pieces:
        return all(piece in SAID for piece in pieces)
    bare = message.removesuffix("…").rstrip()
    return any(bare in sentence for sentence in SAID)


@pytest.mark.parametrize("page", PAGES)
def test_every_message_is_one_that_the_code_says(page: str) -> None:
    assert [message for message in quoted(page) if not _is_said(message)] == []


def test_both_languages_quote_the_same_messages() -> None:
    english, russian = map(quoted, PAGES)
    assert english == russian
