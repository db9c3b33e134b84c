"""The calls of our command in shell text, so that the real parser can judge them."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator

from dnsbalancer_exporter.cli import parser

BEFORE = re.compile(r"sudo|!|if|then|while|until|do|else|time|[A-Za-z_]+=.*")
"""What may stand before a command."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each simple command, without redirections; also of a script among the words."""
    text = re.sub(r"\\\n|(^|[ \t])#.*$|\d?>&\d", " ", text, flags=re.MULTILINE)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    words: list[str] = []
    skip = False
    for word in lexer:
        if set(word) <= set("();|&\n"):
            yield words
            words = []
        elif set(word) <= set("<>&"):
            skip = True
        elif skip:
            skip = False
        else:
            words.append(word)
            if "\n" in word:
                yield from commands(word)
    yield words


def ours(text: str) -> Iterator[list[str]]:
    """The arguments of each call of ``dnsbalancer``."""
    for all_words in commands(text):
        words = list(itertools.dropwhile(BEFORE.fullmatch, all_words))
        if words and words[0].rsplit("/", 1)[-1] == "dnsbalancer":
            yield words[1:]


def known(arguments: list[str]) -> bool:
    """Whether the command understands these arguments."""
    try:
        parser().parse_args(arguments)
    except SystemExit as ended:
        return ended.code == 0
    return True
