"""What a failover takes, what a quiet cycle asks of the API, what a member weighs.

One daemon against the emulator on loopback. Times are given beside what the arithmetic of
docs/runbook.md promises for them; nothing here fails on a slow machine, it only shows it.
"""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from dnsbalancer_exporter.emulator import Emulator, SampleApp

ROUNDS = 10
INTERVAL, FAST, TIMEOUT, FALL = 1.0, 0.2, 0.5, 3
OWN, OTHER = "127.0.0.21", "127.0.0.22"


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def _daemon(emulator: Emulator, port: int, listen: int) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.touch(mode=0o600)
        config.write_text(
            f"""config:
    url: {emulator.url}
    auth_url: {emulator.auth_url}
    login: {emulator.login}
    password: {emulator.password}
    project_id: {emulator.project_id}
    zone: example.com
    own_ip: {OWN}
    is_self_maintenance: true
    driver: vkcloudns
    protocol: tcp
    port: {port}
    interval: {INTERVAL}
    fast_interval: {FAST}
    probe_timeout: {TIMEOUT}
    fall: {FALL}
    listen: 127.0.0.1:{listen}
    state_dir: {folder}
"""
        )
        command = [sys.executable, "-m", "dnsbalancer_exporter", "--config", str(config)]
        daemon = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            yield daemon
        finally:
            daemon.terminate()
            daemon.wait()


def _scrape(listen: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{listen}/metrics", timeout=5) as answer:
        text: str = answer.read().decode()
    return text


def _values(emulator: Emulator) -> set[str]:
    return set(emulator.zones.values("example.com", "A"))


def _wait(what: str, condition: object) -> float:
    began = time.monotonic()
    while not condition():  # type: ignore[operator]
        if time.monotonic() - began > 30:
            raise SystemExit(f"{what} did not happen within 30 s")
        time.sleep(0.002)
    return time.monotonic() - began


def _healthy(listen: int) -> bool:
    with contextlib.suppress(OSError):
        return 'pool_targets_healthy{pool="example.com"} 2.0' in _scrape(listen)
    return False


def main() -> None:
    """Print the figures."""
    port, listen = _port(), _port()
    records = [f"@ A {OWN} 60", f"@ A {OTHER} 60"]
    apps = [SampleApp(OWN, port), SampleApp(OTHER, port)]
    for app in apps:
        app.start()
    with Emulator(records=records) as emulator, _daemon(emulator, port, listen) as daemon:
        _wait("two targets up", lambda: _healthy(listen))
        gone = []
        for number in range(ROUNDS):
            time.sleep(INTERVAL * number / ROUNDS)  # another moment of the interval each time
            apps[1].stop()
            gone.append(_wait("the withdrawal", lambda: _values(emulator) == {OWN}))
            apps[1].start()
            emulator.zones.add(f"@ A {OTHER} 60")  # its own daemon would do this
            _wait("its return", lambda: _healthy(listen))
        time.sleep(2 * INTERVAL)
        before, began = len(emulator.journal.entries()), time.monotonic()
        time.sleep(10 * INTERVAL)
        quiet = emulator.journal.entries()[before:]
        cycles = (time.monotonic() - began) / INTERVAL
        status = Path(f"/proc/{daemon.pid}/status").read_text()
    for app in apps:
        app.stop()
    resident = int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024
    promised = INTERVAL + (FALL - 1) * FAST
    print(f"death of a TCP target to its record gone, {ROUNDS} rounds, interval {INTERVAL:g} s")
    print(f"  median {statistics.median(gone):.2f} s, worst {max(gone):.2f} s;", end=" ")
    print(f"interval + (fall - 1) x fast_interval is {promised:.2f} s")
    kinds = sorted({entry.operation for entry in quiet})
    print(f"requests per quiet cycle: {len(quiet) / cycles:.2f} ({', '.join(kinds)})")
    print(f"resident memory of a member: {resident:.1f} MB")


if __name__ == "__main__":
    main()
