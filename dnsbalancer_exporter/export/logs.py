"""Log lines: logfmt or JSON, one per record, to standard error. No line shows a secret.

Where standard error is systemd's journal, a line begins with its priority.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping

from dnsbalancer_exporter.model import Secret

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    logging.WARNING: 4,
    logging.ERROR: 3,
    logging.CRITICAL: 2,
}
"""The journal's priority of a level, sd-daemon(3)."""

_PLAIN = re.compile(r"[\w.:/@%+,*-]+", re.ASCII)


class LineFormatter(logging.Formatter):
    """Turns a record into one line; ``style`` is `logfmt` or `json`.

    Whatever the record holds, a traceback included, the texts of ``secrets`` come out as stars.
    """

    def __init__(self, style: str, secrets: Iterable[Secret]) -> None:
        super().__init__()
        self._draw = json.dumps if style == "json" else _logfmt
        self._secrets = sorted((s.reveal() for s in secrets if s.reveal()), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        fields = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "event": getattr(record, "event", "log"),
            **getattr(record, "fields", {}),
            "msg": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self._draw({key: self._hide(str(value)) for key, value in fields.items()})

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _logfmt(fields: dict[str, str]) -> str:
    pairs = ((k, v if _PLAIN.fullmatch(v) else json.dumps(v)) for k, v in fields.items())
    return " ".join(f"{key}={value}" for key, value in pairs)


class JournalFormatter(LineFormatter):
    """The same line behind its priority, `<4>`, as systemd's journal wants it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        return f"<{PRIORITIES.get(record.levelno, 6)}>{super().format(record)}"


def to_journal(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether standard error is systemd's journal, and not a file or terminal put in its place."""
    try:
        stderr = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def refuse(text: str) -> None:
    """Say on standard error why the process ends; every line of it as an error."""
    priority = f"<{PRIORITIES[logging.ERROR]}>" if to_journal() else ""
    for line in text.splitlines():
        print(f"{priority}{line}", file=sys.stderr)


def begin(level: str, style: str, secrets: Iterable[Secret]) -> None:
    """Send all log lines of the process to standard error in this form from now on."""
    handler = logging.StreamHandler(sys.stderr)
    kind = JournalFormatter if to_journal() else LineFormatter
    handler.setFormatter(kind(style, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # other people's libraries
    logging.getLogger("dnsbalancer").setLevel(LEVELS[level])
