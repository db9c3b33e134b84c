"""The pages as people read them: fenced blocks, each with a language and what its marks say.

A mark is an HTML comment right above the fence, such as ``<!-- run: machines -->``; CONTRIBUTING.md
has them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.repo.generated import ROOT

DOCS = ROOT / "docs"
RUSSIAN = DOCS / "ru"
MARKS = ("run", "file", "not run", "shown")
BLOCK = re.compile(
    r"^(?P<marks>(?: *<!-- .+? -->\n)*)"
    r"(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r"<!-- ([a-z ]+): (.+?) -->")


@dataclass(frozen=True)
class Block:
    """One fenced block; ``line`` is that of its fence, ``section`` counts headings."""

    page: Path
    line: int
    language: str
    text: str
    marks: Mapping[str, str]
    section: int

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def code(self) -> str:
        """The text without what a translation may change: comments, and empty lines."""
        if self.language == "text":
            return self.text
        lines = (re.sub(r"(^|\s+)#.*$", "", line) for line in self.text.splitlines())
        return "\n".join(line for line in lines if line.strip())


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.end("marks")) + 1
        marks = dict(MARK.findall(found["marks"]))
        code = textwrap.dedent(found["text"])
        section = text.count("\n## ", 0, found.start())
        yield Block(page, line, found["language"], code, marks, section)


def documents() -> list[Path]:
    """Every page whose blocks are checked: all but what is decided (ADRs) or over (changelog)."""
    pages = [*ROOT.glob("README*.md"), *DOCS.rglob("*.md"), *ROOT.glob("packaging/*/README.md")]
    pages += [ROOT / "alerts/README.md", ROOT / "dashboards/README.md", ROOT / "CONTRIBUTING.md"]
    return sorted(page for page in pages if "adr" not in page.relative_to(ROOT).parts)


def guide(folder: Path) -> list[str]:
    """The names of the pages that lie in a folder itself, less its index."""
    return sorted(page.name for page in folder.glob("*.md") if page.name != "README.md")


def prose(text: str) -> str:
    """A page without its blocks."""
    return BLOCK.sub("", text)


def anchors(page: Path) -> set[str]:
    """What may stand behind # in a link to a page: its headings, as forges write them."""
    headings = re.findall(r"^#+ (.+)$", prose(page.read_text()), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}
