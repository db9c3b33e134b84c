"""A real server as a process of its own, from its start until it answers to its end."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.stage import until

if TYPE_CHECKING:
    from typing_extensions import Self

SECONDS = 90.0
"""The deadline of a start, against hanging; no measure of speed."""


class Running:
    """Runs ``command``; what it says is in ``log``. ``answers`` is true once it can be asked.

    It is ended by the signal ``end``.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        answers: Callable[[], object],
        end: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._log = log
        self._answers = answers
        self._end = end
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environ)
        until(self._answers, f"an answer of {self._command[0]}, see {self._log}", SECONDS)

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(self._end)
            self._process.wait(30)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()
