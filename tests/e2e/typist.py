"""A person at a terminal: a real pseudo-terminal, whose echo and Ctrl-C are the kernel's."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.daemon import Environ, environment
from tests.needed import program

HANG_SECONDS = 25.0
CTRL_C, CTRL_D = "\x03", "\x04"


class Typist:
    """Types into a command; ``screen`` is all that was to be seen, ``printed`` its output."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, output: Path) -> None:
        self._process = process
        self._master = master
        self._output = output
        self._read = 0
        self.screen = ""

    def sees(self, text: str) -> None:
        """Wait until ``text`` appears behind what was seen before."""
        end = time.monotonic() + HANG_SECONDS
        while (at := self.screen.find(text, self._read)) < 0:
            assert time.monotonic() < end, f"not seen: {text!r}\n{self.screen}"
            assert self._more(), f"it ended without {text!r}\n{self.screen}\n{self.printed}"
        self._read = at + len(text)

    def types(self, *keys: str) -> None:
        """Press keys; a text ends with Enter, control characters do not."""
        for key in keys:
            os.write(self._master, (key if key in (CTRL_C, CTRL_D) else f"{key}\n").encode())

    def answers(self, **dialogue: str) -> None:
        """Answer one question after the other, each found by its first words."""
        for question, answer in dialogue.items():
            self.sees(question.replace("_", " "))
            self.sees(": ")
            self.types(answer)

    def ends(self) -> int:
        """Wait for its end; the exit status."""
        while self._more():
            pass
        return self._process.wait(HANG_SECONDS)

    @property
    def printed(self) -> str:
        return self._output.read_text()

    def _more(self) -> bool:
        """Read what there is; False when nobody has the terminal any more."""
        ready, _, _ = select.select([self._master], [], [], HANG_SECONDS)
        assert ready, f"it hangs\n{self.screen}"
        with contextlib.suppress(OSError):  # EIO: the last one has closed it
            data = os.read(self._master, 65536)
            self.screen += data.decode().replace("\r\n", "\n")
            return bool(data)
        return False


@contextlib.contextmanager
def typing(folder: Path, *arguments: str, environ: Environ | None = None) -> Iterator[Typist]:
    """Start the command at a terminal of its own; its standard output is a file."""
    master, slave = os.openpty()
    output = folder / "printed"
    command = [program("setsid"), "--ctty", sys.executable, "-m", "dnsbalancer_exporter"]
    with output.open("wb") as printed:
        process = subprocess.Popen(
            [*command, *arguments],
            env=environment(environ or {}),
            stdin=slave,
            stdout=printed,
            stderr=slave,
        )
    os.close(slave)
    try:
        yield Typist(process, master, output)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
