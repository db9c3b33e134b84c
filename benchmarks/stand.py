"""The test stand: targets on 127.1.0.0/16, a core for them and one for who probes, processor time.

python -m benchmarks.stand PORT HOLE     a target: takes connections on PORT, swallows on HOLE
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

PORT, HOLE = 9900, 9901
"""Where targets answer, and where they do not."""

_CORES = sorted(os.sched_getaffinity(0))
TARGETS_CORE, PROBERS_CORE = {_CORES[0]}, {_CORES[-1]}


def addresses(count: int) -> list[str]:
    """So many targets."""
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


def start(command: Sequence[str], core: set[int], **changes: str) -> subprocess.Popen[bytes]:
    """Start a process that stays on ``core``; ``changes`` go into its environment."""
    cores = ",".join(map(str, core))
    return subprocess.Popen(
        ["taskset", "-c", cores, *command],
        env={**os.environ, **changes},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def running(command: Sequence[str], core: set[int], **changes: str) -> Iterator[int]:
    """The pid of a process that is ended afterwards."""
    process = start(command, core, **changes)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def targets() -> Iterator[None]:
    """The application of all targets, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.stand", str(PORT), str(HOLE)]
    process = start(command, TARGETS_CORE)
    try:
        assert process.stdout
        process.stdout.readline()  # it listens
        yield
    finally:
        process.terminate()
        process.communicate()


def processor_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    """What a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def main(port: int, hole: int) -> None:
    """Take and close connections; one socket whose queue is full swallows every SYN."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    full = socket.create_server(("0.0.0.0", hole), backlog=0)
    fillers = [socket.socket() for _ in range(3)]
    for filler in fillers:
        filler.settimeout(0)
        filler.connect_ex(("127.0.0.1", hole))
    with full, socket.create_server(("0.0.0.0", port), backlog=65535) as listening:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            listening.accept()[0].close()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
