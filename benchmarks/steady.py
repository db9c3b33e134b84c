"""A whole daemon in the steady state: what a check costs, everything included.

    python -m benchmarks.steady

Timers, judging, counters, cycles and plans, one scrape in fifteen seconds: one process against the
emulator, targets on loopback once a second. Lag is its own metric `probe_lag_seconds`: how much
later than due probes begin.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import results, stand
from dnsbalancer_exporter.emulator import Emulator

LISTEN = "127.0.0.1:9853"
SECONDS = 30.0
POOL_OF = 500
SCENES = (  # targets, protocol, every so-manieth a black hole
    (1_000, "tcp", 0),
    (1_000, "icmp", 0),
    (10_000, "tcp", 0),
    (10_000, "icmp", 0),
    (10_000, "tcp", 5),
)
CONFIG = """\
config:
    url: {emulator.url}
    auth_url: {emulator.auth_url}
    login: {emulator.login}
    password: {emulator.password}
    project_id: {emulator.project_id}
    zone: example.com
    is_self_maintenance: false
    driver: vkcloudns
    protocol: {protocol}
    port: {port}
    interval: 1
    probe_timeout: 1
    mode: observe
    listen: {listen}
    state_dir: {folder}
    pools:
"""


def configuration(count: int, holes: int) -> str:
    """Pools of POOL_OF targets each."""
    lines = []
    for number, address in enumerate(stand.addresses(count)):
        if number % POOL_OF == 0:
            lines += [f"    - record: w{number // POOL_OF}", "      targets:"]
        dead = holes and number % holes == 0
        probe = f", probe: {{port: {stand.HOLE}}}" if dead else ""
        lines.append(f"      - {{address: {address}{probe}}}")
    return "\n".join(lines)


@contextlib.contextmanager
def daemon(count: int, protocol: str, holes: int) -> Iterator[int]:
    """The pid of a daemon that has come to know all of its targets."""
    records = [
        f"w{number // POOL_OF} A {address} 60"
        for number, address in enumerate(stand.addresses(count))
        if number % POOL_OF == 1  # the emulator is not made for thousands; nothing is written
    ]
    with Emulator(records=records) as emulator, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.touch(mode=0o600)
        head = CONFIG.format(
            emulator=emulator, protocol=protocol, port=stand.PORT, listen=LISTEN, folder=folder
        )
        config.write_text(head + configuration(count, holes if protocol == "tcp" else 0))
        command = [sys.executable, "-m", "dnsbalancer_exporter", "--config", str(config)]
        with stand.running(command, stand.PROBERS_CORE) as pid:
            deadline = time.monotonic() + 180
            while known(scrape()) < count:
                if time.monotonic() > deadline:
                    raise SystemExit(f"{count} targets were not known within 180 s")
                time.sleep(1)
            time.sleep(5)
            yield pid


def scrape() -> str:
    """/metrics, or nothing while it cannot be had."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://{LISTEN}/metrics", timeout=30) as answer,
    ):
        text: str = answer.read().decode()
        return text
    return ""


def total(text: str, name: str, having: str = "") -> float:
    """The sum of a metric's series."""
    found = re.findall(rf"(?m)^dnsbalancer_{name}(?:\{{(.*)\}})? (\S+)$", text)
    return sum(float(value) for labels, value in found if having in labels)


def known(text: str) -> float:
    """How many targets are held UP or DOWN."""
    return total(text, "target_state") - total(text, "target_state", 'state="unknown"')


def lag(before: str, after: str, part: float) -> str:
    """The bucket, in ms, that holds this part of what began between two scrapes."""
    name = re.compile(r'(?m)^dnsbalancer_probe_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$')
    old = dict(name.findall(before))
    new = {bound: float(value) - float(old[bound]) for bound, value in name.findall(after)}
    bound = next(b for b, value in new.items() if value >= part * new["+Inf"])
    return f"<= {float(bound) * 1e3:g}" if bound != "+Inf" else "> 5000"


def measure(count: int, protocol: str, holes: int) -> list[str]:
    """One row of the table."""
    os.sched_setaffinity(0, stand.TARGETS_CORE)  # the API and the scraper take no time from it
    with daemon(count, protocol, holes) as pid:
        before = scrape()
        used, at = stand.processor_seconds(pid), time.monotonic()
        probes = total(before, "probes_total")
        for _ in range(2):
            time.sleep(SECONDS / 2)
            scrape()
        after = scrape()
        used, seconds = stand.processor_seconds(pid) - used, time.monotonic() - at
        resident = stand.megabytes(pid)
    each = (total(after, "probes_total") - probes) / seconds
    downs = total(after, "target_transitions_total", 'to="down"')
    wrong = downs - (len(range(0, count, holes)) if holes and protocol == "tcp" else 0)
    name = f"{count:,} x 1 s, {protocol}" + (", 20 % black holes" if holes else "")
    return [
        name,
        f"{used / seconds / each * 1e6:.0f}",
        f"{each:,.0f}",
        lag(before, after, 0.5),
        lag(before, after, 0.99),
        f"{resident:.0f}",
        f"{wrong:.0f}",
    ]


def growth(rows: list[list[str]]) -> str:
    """What a check costs with 10,000 targets, in percent of what it costs with 1,000."""
    cost = {row[0]: float(row[1]) for row in rows}
    parts = [
        (kind, 100 * cost[f"10,000 x 1 s, {kind}"] / cost[f"1,000 x 1 s, {kind}"] - 100)
        for kind in ("tcp", "icmp")
    ]
    return ", ".join(f"{kind} {percent:+.0f} %" for kind, percent in parts)


def main() -> None:
    head = ("daemon", "CPU us/check", "checks/s", "lag p50 ms", "lag p99 ms", "RSS MB")
    with stand.targets():
        rows = [measure(*scene) for scene in SCENES]
    text = results.table((*head, "called down wrongly"), rows)
    text += f"\n\nA check with 10,000 targets costs, against one with 1,000: {growth(rows)}."
    note = (
        f"Pools of {POOL_OF} targets in observe mode, all with `interval: 1`, so that every zone "
        "is read and every pool is planned once a second, too. A row holds three or four scrapes. "
        "The API and the scraper share the other core with the targets."
    )
    results.put("Steady state: what a check costs, everything included", f"{text}\n\n{note}")
    print(results.RESULTS.read_text())


if __name__ == "__main__":
    main()
