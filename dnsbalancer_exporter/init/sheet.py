"""The answers so far, as the commented configuration that they make.

The text is that of the packages' configuration, with the answers in their places; whether one is
right is for `config.parse` alone to say.
"""

from __future__ import annotations

import math
import pkgutil
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from dnsbalancer_exporter.config import Config, parse
from dnsbalancer_exporter.errors import ConfigError, Problem
from dnsbalancer_exporter.startup import CREDENTIALS

Value = str | tuple[str, ...] | None
"""What stands behind a key; a list of texts; None leaves the key commented out."""

CREDENTIAL = f"{CREDENTIALS['CREDENTIALS_DIRECTORY']}/password"
"""The file that needs no key: the unit hands it to the service, and root's verbs look there."""

STAND_INS: dict[str, Value] = {
    "login": "not-known-yet",
    "project_id": "0" * 32,
    "zone": "example.com",
    "own_ip": "8.8.8.8",
}
"""For what is not answered yet while something else is judged."""

IN_PLACE_OF = {"password_file": "password"}
"""Keys that the template has no line for, and whose line they take."""

_LINE = re.compile(r"(?m)^( +)(#?)([a-z_]+): (.*)$")


def embedded(name: str) -> str:
    """The text of a file of packaging/ that travels with this package."""
    data = pkgutil.get_data(__package__, name)
    if data is None:
        raise FileNotFoundError(name)
    return data.decode()


def preset(key: str) -> str:
    """What the template has for a key, commented out or not."""
    shown = {match[3]: match[4] for match in _LINE.finditer(embedded("config.yaml"))}
    return shown[key].strip('"')


@dataclass(slots=True)
class Sheet:
    """What is answered, by key, and the password with the file that it is kept in.

    ``password_file`` is empty if the password stands in the configuration itself.
    """

    file: str
    answers: dict[str, Value] = field(default_factory=dict)
    password: str | None = field(default=None, repr=False)
    password_file: str = ""

    def text(self) -> str:
        """The configuration as it would be written, the password included if it stands there."""
        return _filled(self._keys())

    def shown(self) -> str:
        """The same for people: the password is stars."""
        keys = self._keys()
        return _filled({**keys, "password": "***"} if keys.get("password") else keys)

    def config(self) -> Config:
        """The configuration; raises ConfigError with all that is wrong or missing."""
        return self._parse(self._keys())

    def so_far(self) -> Config:
        """The same, with stand-ins for what is not answered yet."""
        keys = {**STAND_INS, **self._keys()}
        if self.password is None and not self.password_file:
            keys["password"] = "bm90IGtub3duIHlldA=="  # noqa: S105 - every driver could use it
        return self._parse(keys)

    def faults(self, key: str) -> tuple[str, ...]:
        """What is wrong with one answer, in sentences."""
        try:
            self.so_far()
        except ConfigError as error:
            return tuple(p.message for p in error.problems if not p.key or _is_of(p, key))
        return ()

    def notes(self, key: str) -> tuple[str, ...]:
        """What is legal in one answer and may not be meant; raises ConfigError if any is wrong."""
        lines = (note.partition(": config.")[2] for note in self.so_far().notes)
        return tuple(line.partition(": ")[2] for line in lines if re.match(rf"{key}\b", line))

    def _parse(self, keys: dict[str, Value]) -> Config:
        environ: dict[str, str] = {}
        if self.password_file == CREDENTIAL:
            known = {"DNSBALANCER_PASSWORD": self.password or ""}
            environ = CREDENTIALS if self.password is None else known
        return parse(_filled(keys).encode(), self.file, environ, self._read)

    def _keys(self) -> dict[str, Value]:
        """All keys that the file gets."""
        if self.password_file:
            apart = (
                {} if self.password_file == CREDENTIAL else {"password_file": self.password_file}
            )
            return {**self.answers, **apart}
        return {**self.answers, "password": self.password or ""}

    def _read(self, path: str) -> bytes:
        if self.password is not None and path == self.password_file:
            return self.password.encode(errors="surrogateescape")
        return Path(path).read_bytes()


def _is_of(problem: Problem, key: str) -> bool:
    return re.match(rf"config\.{key}\b", problem.key) is not None


def _filled(keys: dict[str, Value]) -> str:
    """The template with ``keys`` in their places; raises KeyError for one that has none."""
    answers = {IN_PLACE_OF.get(key, key): (key, value) for key, value in keys.items()}

    def line(match: re.Match[str]) -> str:
        indent, commented, key, shown = match.groups()
        key, value = answers.pop(key, (key, ""))
        if value == "":
            return match[0]
        if value is None:
            return f"{indent}#{key}: {shown}"
        written = _scalar(value, quoted=shown.startswith(('"', "[")))
        return match[0] if commented and written == shown else f"{indent}{key}: {written}"

    text = _LINE.sub(line, embedded("config.yaml"))
    if answers:
        raise KeyError(*answers)
    return text


def _scalar(value: Value, *, quoted: bool) -> str:
    """A value as YAML that reads as the same text."""
    if isinstance(value, str) and not quoted and re.fullmatch(r"[a-z0-9]+", value):
        return value
    given = list(value) if isinstance(value, tuple) else value
    text: str = yaml.safe_dump(
        given, default_style='"', default_flow_style=True, allow_unicode=True, width=math.inf
    )
    return text.strip()
