"""RESULTS.md: each benchmark writes its own section, and leaves those of the others as they are."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
HEAD = """\
# Results

Written by `make bench`, a section for each benchmark. All of a section was measured in one run, in
interleaved rounds, on the machine that it names; figures are medians. Read the ratios: the absolute
ones are this machine's.
"""


def put(heading: str, text: str, file: Path = RESULTS) -> None:
    """Replace the section ``heading``, or add it at the end; the machine is named below it."""
    before = file.read_text() if file.exists() else HEAD
    head, *sections = re.split(r"(?m)^(?=## )", before)
    fresh = f"## {heading}\n\n*{machine()}*\n\n{text.strip()}\n"
    names = [section.partition("\n")[0].removeprefix("## ") for section in sections]
    if heading in names:
        sections[names.index(heading)] = fresh
    else:
        sections.append(fresh)
    file.write_text("\n".join(part.strip() + "\n" for part in (head, *sections)))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def machine() -> str:
    """What was measured on: processor and number of them, kernel, Python."""
    found = re.search(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text())
    count = len(re.findall(r"(?m)^processor\s*:", Path("/proc/cpuinfo").read_text()))
    model = found.group(1) if found else platform.machine()
    system = f"{platform.system()} {platform.release()}"
    return f"{count} x {model}, {system}, Python {platform.python_version()}"
