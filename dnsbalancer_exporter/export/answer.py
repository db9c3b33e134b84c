"""What the web server and the site say to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import NamedTuple


class Answer(NamedTuple):
    """What a path answers with; ``headers`` are those beside the usual ones."""

    status: HTTPStatus
    type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


Route = Callable[[Mapping[str, str]], Answer]
"""Makes an answer from the request's headers (names in lower case)."""


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """An answer of a line of text."""
    return Answer(status, "text/plain; charset=utf-8", f"{text}\n".encode(), headers)
