"""Who is asked: a person at a terminal. Questions go to standard error, so that output is clean."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import TextIO

from dnsbalancer_exporter.errors import DnsBalancerError

YES = {"y": True, "yes": True, "n": False, "no": False}


class NoMoreAnswers(DnsBalancerError):
    """The terminal was closed, or somebody pressed Ctrl-D."""

    def __init__(self) -> None:
        super().__init__("no more answers")


class Terminal:
    """Asks on ``out`` and reads lines of ``answers``; ``hidden`` reads one that is not shown."""

    def __init__(self, answers: TextIO, out: TextIO, hidden: Callable[[str], str]) -> None:
        self._answers = answers
        self._out = out
        self._hidden = hidden

    def say(self, text: str) -> None:
        """Tell something."""
        print(text, file=self._out, flush=True)

    def ask(self, question: str, proposal: str = "") -> str:
        """An answer, or ``proposal`` if there is none; raises NoMoreAnswers."""
        shown = f" [{proposal}]" if proposal else ""
        print(f"{question}{shown}: ", end="", file=self._out, flush=True)
        line = self._answers.readline()
        if not line.endswith("\n"):
            self.say("")
            raise NoMoreAnswers
        return line.strip() or proposal

    def ask_hidden(self, question: str) -> str:
        """An answer that is not shown; raises NoMoreAnswers."""
        try:
            return self._hidden(f"{question}: ")
        except EOFError:
            self.say("")
            raise NoMoreAnswers from None

    def agree(self, question: str, *, default: bool) -> bool:
        """Yes or no."""
        while True:
            said = self.ask(f"{question} ({'Y/n' if default else 'y/N'})").lower()
            if said in YES or not said:
                return YES.get(said, default)
            self.say("  answer y or n")


def terminal() -> Terminal | None:
    """The terminal that this process has; None if there is nobody to answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return Terminal(sys.stdin, sys.stderr, getpass.getpass)
