"""What a start costs: the single file, against an installed copy, with the Pythons found here.

    python -m benchmarks.start [dist/dnsbalancer]

The two are started in turns, `--version` each time, and the medians compared; 1.3 is too slow.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROUNDS = 25

Command = list[str]


def seconds(command: Command) -> float:
    """One start, in seconds."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={"HOME": "/nonexistent"})
    return time.perf_counter() - began


def installed(python: str, folder: Path) -> Command:
    """An installed copy with the same libraries, compiled; its command."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    lock = ROOT / "packaging/embedded.lock"
    names = [line.split()[0] for line in lock.read_text().splitlines() if line[:1].isalnum()]
    pip = [str(folder / "bin/pip"), "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, *names, str(ROOT)], check=True)
    return [str(folder / "bin/dnsbalancer"), "--version"]


def compare(python: str, file: str) -> tuple[float, float]:
    """The median start of an installed copy and of the single file."""
    with tempfile.TemporaryDirectory() as folder:
        both = (installed(python, Path(folder)), [python, file, "--version"])
        runs = [[seconds(command) for command in both] for _ in range(ROUNDS)]
    copy, single = (statistics.median(column) for column in zip(*runs, strict=True))
    return copy, single


def main(file: str) -> None:
    """Compare with every Python that the file has byte code for."""
    build = [sys.executable, str(ROOT / "packaging/build.py"), "--pythons"]
    pythons = subprocess.run(build, check=True, capture_output=True, text=True).stdout.split()
    print(f"{'python':<40} {'installed':>10} {'one file':>10} {'ratio':>6}")
    for python in pythons:
        copy, single = compare(python, file)
        print(f"{python:<40} {copy * 1e3:8.0f} ms {single * 1e3:7.0f} ms {single / copy:6.2f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "dist/dnsbalancer"))
