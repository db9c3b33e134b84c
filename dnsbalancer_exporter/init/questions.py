"""What may be answered: one row per key, with its flag and, if it is asked, its question."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnsbalancer_exporter.config import KEYS
from dnsbalancer_exporter.config.drivers import PUBLISHED, Terms, terms_of
from dnsbalancer_exporter.errors import ConfigError, Problem
from dnsbalancer_exporter.init.sheet import Sheet, Value

DOCS = {key.name: key.doc for key in KEYS}


@dataclass(frozen=True, slots=True)
class Question:
    """A key of the configuration.

    ``text`` is empty if the key has only a flag; ``many``: several answers are a list; ``listed``:
    so is one. ``optional``: no answer is one.
    """

    key: str
    flag: str
    metavar: str
    text: str = ""
    many: bool = False
    listed: bool = False
    optional: bool = False

    @property
    def name(self) -> str:
        """The flag's name in what argparse gives."""
        return self.flag[2:].replace("-", "_")

    def value(self, given: Sequence[str]) -> Value:
        """The answer as the sheet has it."""
        if not given:
            return None if self.optional else ""
        alone = len(given) == 1 and (not self.listed or given[0].lower() == "off")
        return given[0] if alone else tuple(given)

    def answer(self, text: str) -> Value:
        """The same from what was typed: several are separated by commas or blanks."""
        words = re.split(r"[,\s]+", text) if self.many else [text]
        return self.value([word for word in words if word])


AUTH_URL = Question("auth_url", "--auth-url", "URL", "URL of Keystone")
URL = Question("url", "--url", "URL", "URL of the DNS API")
LOGIN = Question("login", "--login", "NAME", "Login")
PROJECT = Question("project_id", "--project-id", "ID", "Project id")
ZONE = Question("zone", "--zone", "ZONE", "Zone")
RECORD = Question(
    "record", "--record", "NAME", 'Name in the zone ("@": the zone itself)', many=True
)
OWN_IP = Question("own_ip", "--own-ip", "ADDRESS", "Public address of this machine", many=True)
TARGETS = Question(
    "targets",
    "--target",
    "ADDRESS",
    "Addresses of all machines behind the name (none: what it holds)",
    many=True,
    listed=True,
    optional=True,
)
PROTOCOL = Question("protocol", "--protocol", "WORD", "Probe them by tcp, icmp, http or https")
PORT = Question("port", "--port", "PORT", "Port")
INTERVAL = Question("interval", "--interval", "TIME", "Time between checks while all is well")

QUESTIONS = (
    *(AUTH_URL, URL, LOGIN, PROJECT, ZONE, RECORD, OWN_IP, TARGETS, PROTOCOL, PORT, INTERVAL),
    Question("driver", "--driver", "NAME"),
    Question("tsig_algorithm", "--tsig-algorithm", "NAME"),
    Question("user_domain", "--user-domain", "NAME"),
    Question("ca_file", "--ca-file", "FILE"),
    Question("resolvers", "--resolver", "ADDRESS", many=True, listed=True),
    Question("mode", "--mode", "WORD"),
    Question("listen", "--listen", "ADDRESS:PORT"),
)

MEMBER = "is_self_maintenance"
WHERE_ELSE = {
    "password": "--password-file FILE or $DNSBALANCER_PASSWORD",
    MEMBER: "--witness",
    **{question.key: f"{question.flag} {question.metavar}" for question in QUESTIONS},
}
"""Where an answer is given without a terminal, by key."""


class WrongFlags(ConfigError):
    """What is wrong with flags, each by its name."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("dnsbalancer init", tuple(problems))


def add_flags(parser: argparse.ArgumentParser) -> None:
    """One flag for each answer, told in the words of the schema."""
    for question in QUESTIONS:
        action, more = ("append", " Repeat for more.") if question.many else ("store", "")
        line = DOCS[question.key] + more
        parser.add_argument(question.flag, metavar=question.metavar, action=action, help=line)
    parser.add_argument(
        "--password-file", metavar="FILE", help="a file with the password, that stays where it is"
    )
    parser.add_argument(
        "--password-apart", action="store_true", help="write the password to a file of its own"
    )
    parser.add_argument(
        "--witness", action="store_true", help="this machine only watches: it is not one of them"
    )


def is_elsewhere(sheet: Sheet) -> bool:
    """The driver is for another provider than the one whose URLs the template has."""
    return _terms(sheet) is not PUBLISHED


def _terms(sheet: Sheet) -> Terms:
    return terms_of(str(sheet.answers.get("driver")))


def sheet_of(options: argparse.Namespace, file: str, environ: dict[str, str]) -> Sheet:
    """What the flags and the environment answer."""
    sheet = Sheet(file)
    for question in QUESTIONS:
        given = getattr(options, question.name)
        if given is not None:
            sheet.answers[question.key] = question.value(given if question.many else [given])
    for key in _terms(sheet).ignores:
        sheet.answers.setdefault(key.name, None)
    if options.witness:
        sheet.answers[MEMBER] = "false"
    if options.password_file is not None:
        sheet.password_file = str(Path(options.password_file).absolute())
    elif "DNSBALANCER_PASSWORD" in environ:
        sheet.password = environ["DNSBALANCER_PASSWORD"]
    return sheet
