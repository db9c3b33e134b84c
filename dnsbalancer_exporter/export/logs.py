"""Log lines: logfmt or JSON, one per record, to standard error. No line shows a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable

from dnsbalancer_exporter.model import Secret

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
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


def begin(level: str, style: str, secrets: Iterable[Secret]) -> None:
    """Send all log lines of the process to standard error in this form from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(style, secrets))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # other people's libraries
    logging.getLogger("dnsbalancer").setLevel(LEVELS[level])
