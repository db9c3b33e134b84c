"""What a probe costs: the engine alone, beside the probers that Debian has.

    python -m benchmarks.probes            as root: all of it, in a network namespace of its own

Every contender has a core for itself and probes 1,000 targets on loopback, 64 at a time; rounds are
interleaved. Processor time is that of the prober's process only.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import results, stand
from dnsbalancer_exporter.clock import clock
from dnsbalancer_exporter.model import Closing, Outcome, ProbeResult, ProbeSpec, Protocol
from dnsbalancer_exporter.probe import Engine

ROUNDS, TARGETS, AT_ONCE = 5, 1000, 64
PROBES = {"tcp": 20_000, "icmp": 40_000}
PACED_RATE, PACED_SECONDS = 10_000, 60
PEERS = {
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "prometheus-smokeping-prober": "prometheus-smokeping-prober",
    "fping": "fping",
}
"""Programs and their Debian packages."""

BLACKBOX_PORT, BLACKBOX_CLIENTS, BLACKBOX_REQUESTS = 9115, 8, 6_000
SMOKEPING_PORT, SMOKEPING_SECONDS = 9374, 8.0
BLACKBOX_CONFIG = """\
modules:
  tcp: {prober: tcp, timeout: 2s}
  icmp: {prober: icmp, timeout: 2s, icmp: {preferred_ip_protocol: ip4}}
"""

Measured = dict[str, float]
"""``cpu``: processor seconds per 10,000 probes; ``rate``: probes per second."""


def spec(protocol: str, address: str, close: str, port: int = stand.PORT) -> ProbeSpec:
    kind = Protocol(protocol)
    return ProbeSpec(kind, address, port if kind is Protocol.TCP else 0, 2.0, close=Closing(close))


# --- ourselves: each of these is a process of its own ---------------------------------------


async def closed_loop(protocol: str, close: str) -> Measured:
    """As fast as it goes, AT_ONCE at a time."""
    engine, ended = Engine(clock), asyncio.get_running_loop().create_future()
    specs = [spec(protocol, address, close) for address in stand.addresses(TARGETS)]
    total, begun, down, left = PROBES[protocol], 0, 0, PROBES[protocol]

    def begin() -> None:
        nonlocal begun
        engine.begin(specs[begun % TARGETS], done)
        begun += 1

    def done(result: ProbeResult) -> None:
        nonlocal down, left
        down += result.outcome is not Outcome.SUCCESS
        left -= 1
        if begun < total:
            begin()
        elif not left:
            ended.set_result(None)

    before, at = _used(), time.perf_counter()
    for _ in range(AT_ONCE):
        begin()
    await ended
    seconds = time.perf_counter() - at
    return {"cpu": (_used() - before) / total * 1e4, "rate": total / seconds, "down": down}


async def paced(protocol: str, rate: float, seconds: float, holes: int) -> Measured:
    """At a rate, every ``holes``-th target a black hole: who is called down, what is reported."""
    engine, results_of, ended = Engine(clock), [], asyncio.Event()
    specs = [
        spec(protocol, a, "reset", stand.HOLE if holes and n % holes == 0 else stand.PORT)
        for n, a in enumerate(stand.addresses(TARGETS))
    ]
    total, began = int(rate * seconds), time.perf_counter()

    def done(healthy: bool, result: ProbeResult) -> None:  # noqa: FBT001
        results_of.append((healthy, result.outcome is Outcome.SUCCESS, result.duration))
        if len(results_of) == total:
            ended.set()

    number = 0
    while number < total:
        while number < min(total, (time.perf_counter() - began) * rate):
            what = specs[number % TARGETS]
            healthy = what.port != stand.HOLE
            engine.begin(what, lambda result, healthy=healthy: done(healthy, result))  # type: ignore[misc]
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.001)
    await ended.wait()
    durations = sorted(duration for _, up, duration in results_of if up)
    return {
        "healthy": sum(healthy for healthy, _, _ in results_of),
        "down": sum(healthy and not up for healthy, up, _ in results_of),
        "p99": durations[int(len(durations) * 0.99)] * 1e3,
    }


def _used() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def ours(*arguments: object) -> Measured:
    """Run one of the two above in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.probes", *map(str, arguments)]
    process = stand.start(command, stand.PROBERS_CORE)
    output, _ = process.communicate()
    found: Measured = json.loads(output)
    return found


# --- the peers ------------------------------------------------------------------------------


def blackbox(module: str) -> Measured:
    """blackbox_exporter, asked over kept connections, as Prometheus would for each target."""
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
        config.write(BLACKBOX_CONFIG)
        config.flush()
        listen = f"127.0.0.1:{BLACKBOX_PORT}"
        command = ["prometheus-blackbox-exporter", f"--config.file={config.name}"]
        command += [f"--web.listen-address={listen}", "--log.level=error"]
        with stand.running(command, stand.PROBERS_CORE, GOMAXPROCS="1") as pid:
            _wait_for(BLACKBOX_PORT)
            before, at = stand.processor_seconds(pid), time.perf_counter()
            each = BLACKBOX_REQUESTS // BLACKBOX_CLIENTS
            asking = [
                threading.Thread(target=_ask_blackbox, args=(module, first, each))
                for first in range(BLACKBOX_CLIENTS)
            ]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
            seconds = time.perf_counter() - at
            used = stand.processor_seconds(pid) - before
    return {"cpu": used / BLACKBOX_REQUESTS * 1e4, "rate": BLACKBOX_REQUESTS / seconds}


def _ask_blackbox(module: str, first: int, count: int) -> None:
    port = f":{stand.PORT}" if module == "tcp" else ""
    names = stand.addresses(TARGETS)
    with socket.create_connection(("127.0.0.1", BLACKBOX_PORT)) as connection:
        for number in range(count):
            target = names[(first + number * BLACKBOX_CLIENTS) % TARGETS]
            path = f"/probe?module={module}&target={target}{port}"
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = b""
            while not answer.endswith((b"0\r\n\r\n", b"\nprobe_success 1\n")):
                answer += connection.recv(65536)
            if b"probe_success 1" not in answer:
                raise SystemExit(f"blackbox_exporter calls {target} down: the stand is broken")


def fping(_: str) -> Measured:
    """fping, a thousand hosts in turn, with no pause between them."""
    count = PROBES["icmp"] // TARGETS
    command = ["fping", "-q", "-i", "0.001", "-p", "20", "-c", str(count)]
    before, at = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    stand.start([*command, *stand.addresses(TARGETS)], stand.PROBERS_CORE).communicate()
    seconds, after = time.perf_counter() - at, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": used / (count * TARGETS) * 1e4, "rate": count * TARGETS / seconds}


def smokeping(_: str) -> Measured:
    """smokeping_prober, without privileges (with them its work is quadratic), once a second."""
    command = ["prometheus-smokeping-prober", "--no-privileged", "--ping.interval=1s"]
    command += [f"--web.listen-address=127.0.0.1:{SMOKEPING_PORT}", *stand.addresses(TARGETS)]
    with stand.running(command, stand.PROBERS_CORE, GOMAXPROCS="1") as pid:
        _wait_for(SMOKEPING_PORT)
        time.sleep(3)
        before, at = stand.processor_seconds(pid), time.perf_counter()
        time.sleep(SMOKEPING_SECONDS)
        used, seconds = stand.processor_seconds(pid) - before, time.perf_counter() - at
    return {"cpu": used / (TARGETS * seconds) * 1e4, "rate": float(TARGETS)}


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as asking:
            if not asking.connect_ex(("127.0.0.1", port)):
                return
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on port {port}")
        time.sleep(0.05)


# --- all of it ------------------------------------------------------------------------------

Contender = tuple[str, Callable[[str], Measured]]
CONTENDERS: dict[str, tuple[Contender, ...]] = {
    "tcp": (
        ("blackbox_exporter", blackbox),
        ("dnsbalancer, `tcp_close: reset`", lambda p: ours("loop", p, "reset")),
        ("dnsbalancer, `tcp_close: fin`", lambda p: ours("loop", p, "fin")),
    ),
    "icmp": (
        ("blackbox_exporter", blackbox),
        ("smokeping_prober, unprivileged, 1 s", smokeping),
        ("fping", fping),
        ("dnsbalancer", lambda p: ours("loop", p, "reset")),
    ),
}
UNFAIR = """\
Not fair: blackbox_exporter is asked over HTTP and makes a page of metrics for each probe, which is
how Prometheus uses it; smokeping_prober is paced, so idle wake-ups are in its figure and its rate
is none; our figure is the engine without judging and counting (see *Steady state* for all of it).
On loopback the answer is there when connect() or sendto() returns, and the kernel's own echo reply
is paid by who pings: the same for all. With `reset` the handshake is never completed, so the
target's half of a connection is not made in our time, as it is for the others.
"""


def compare(protocol: str) -> str:
    """Interleaved rounds of all contenders; a table of medians."""
    runs: dict[str, list[Measured]] = {name: [] for name, _ in CONTENDERS[protocol]}
    for _ in range(ROUNDS):
        for name, measure in CONTENDERS[protocol]:
            runs[name].append(measure(protocol))
    first = statistics.median(run["cpu"] for run in runs[CONTENDERS[protocol][0][0]])
    rows = []
    for name, found in runs.items():
        cpu = statistics.median(run["cpu"] for run in found)
        rate = statistics.median(run["rate"] for run in found)
        rows.append((name, f"{cpu:.3f}", f"{first / cpu:.1f} x", f"{rate:,.0f}"))
    head = (protocol, "CPU-s per 10,000", "blackbox / it", "probes/s, one core")
    return results.table(head, rows)


def pressed() -> str:
    """Who is called down under pressure, and what is reported as the latency."""
    rows = []
    for protocol, rate, seconds, holes in (
        ("tcp", PACED_RATE, PACED_SECONDS, 0),
        ("tcp", PACED_RATE, PACED_SECONDS, 5),
        ("icmp", PACED_RATE, PACED_SECONDS, 0),
        ("tcp", PACED_RATE // 2, 10, 0),
        ("icmp", PACED_RATE // 2, 10, 0),
    ):
        found = ours("paced", protocol, rate, seconds, holes)
        name = f"{protocol}, {rate:,}/s for {seconds} s" + (", 20 % black holes" if holes else "")
        rows.append(
            (name, f"{found['healthy']:,.0f}", f"{found['down']:.0f}", f"{found['p99']:.3f}")
        )
    head = ("pressure", "healthy probed", "of them called down", "latency reported, p99 ms")
    return results.table(head, rows)


def main() -> None:
    missing = [package for program, package in PEERS.items() if not shutil.which(program)]
    if missing:
        raise SystemExit(f"missing: apt-get install --no-install-recommends {' '.join(missing)}")
    with stand.targets():
        parts = [compare("tcp"), compare("icmp"), UNFAIR, pressed()]
    results.put("Probes: what one costs", "\n\n".join(parts))
    print(Path(results.RESULTS).read_text())


def isolated() -> None:
    """Do it in a network namespace: no TIME_WAIT is left with the machine, and ping is allowed."""
    if os.geteuid():
        raise SystemExit("benchmarks.probes needs root, for a network namespace of its own")
    setup = 'ip link set lo up; sysctl -qw net.ipv4.ping_group_range="0 2147483647"; exec "$@"'
    here = [sys.executable, "-m", "benchmarks.probes", "inside"]
    subprocess.run(["unshare", "--net", "sh", "-ec", setup, "sh", *here], check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["loop"]:
        print(json.dumps(asyncio.run(closed_loop(sys.argv[2], sys.argv[3]))))
    elif sys.argv[1:2] == ["paced"]:
        kind, *numbers = sys.argv[2:]
        given = [float(number) for number in numbers]
        print(json.dumps(asyncio.run(paced(kind, given[0], given[1], int(given[2])))))
    elif sys.argv[1:2] == ["inside"]:
        main()
    else:
        isolated()
