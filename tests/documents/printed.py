"""Whether a command prints what a page says that it prints: times and spaces are not compared."""

from __future__ import annotations

import re

VARIES = (
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?", "TIME"),
    (r"\b\d\d:\d\d(:\d\d)?(\.\d+)?\b", "TIME"),
    (r"(?<![\w.])\d+(\.\d+)? ?(ms|us|s|m|min|h|d)\b", "LONG"),
    (r"\bin +\d+(\.\d+)?\b", "in LONG"),
    (r"@\[[\d.]+\]", "@[TIME]"),
    (r"[ \t]+", " "),
)


def plain(text: str) -> str:
    """The text without what is different each time."""
    for pattern, word in VARIES:
        text = re.sub(pattern, word, text)
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


def agrees(shown: str, printed: str) -> bool:
    """Whether ``printed`` is what is ``shown``; a line of three points stands for any lines."""
    lines = plain(shown).splitlines()
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in lines)
    return re.fullmatch(pattern, plain(printed)) is not None
