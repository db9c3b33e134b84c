"""Discreet: the status document without what only people on the machine need to know.

An error of the provider names the login and the project, for who has to mend it: the log and the
control socket show that. At the port, which may be open to all, their values are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from dnsbalancer_exporter.export.status import Document

PLAIN = frozenset(("targets", "references", "record_sets"))
"""What no text of the provider gets into, and of which there may be ten thousand."""


class Discreet:
    """Gives the document of ``status``; ``private`` says which values to leave out, by key."""

    def __init__(self, status: Callable[[], Document]) -> None:
        self._status = status
        self._words: dict[str, str] = {}

    def hide(self, private: Mapping[str, str]) -> None:
        """Leave these values out from now on; those of before a reload stay hidden."""
        self._words |= {value: f"({key})" for key, value in private.items() if value}

    def __call__(self) -> Document:
        """The document of this moment."""
        words = dict(self._words)
        said = {form: key for word, key in words.items() for form in (word, repr(word)[1:-1])}
        if not said:
            return self._status()
        longest_first = sorted(map(re.escape, said), key=len, reverse=True)
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(longest_first)})(?!\w)")
        made: Document = _without(self._status(), pattern, said)
        return made


def _without(value: Any, pattern: re.Pattern[str], words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: words[found[0]], value)
    if isinstance(value, list):
        return [_without(item, pattern, words) for item in value]
    if isinstance(value, dict):
        return {k: v if k in PLAIN else _without(v, pattern, words) for k, v in value.items()}
    return value
