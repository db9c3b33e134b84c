"""From the death of an application to its record gone: ours, with the API's writes and the lock,
and PowerDNS `ifportup`, all of them watching the same application at the same time.

    python -m benchmarks.kill

Each contender is there twice: alone, and with one unrelated target that swallows packets.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import dns.message
import dns.query

from benchmarks import results, stand
from benchmarks.loop_servers import LUA, PDNS
from dnsbalancer_exporter.emulator import Emulator, SampleApp
from tests.contract.powerdns import SCHEMA
from tests.e2e.stage import free_port
from tests.needed import program

ROUNDS, LONGEST = 20, 30.0
DYING, OTHER, HOLE = "127.2.0.1", "127.2.0.2", "127.2.0.3"
ZONE, APPLICATION = "example.com", 9902
OURS = """\
config:
    url: {emulator.url}
    auth_url: {emulator.auth_url}
    login: {emulator.login}
    password: {emulator.password}
    project_id: {emulator.project_id}
    zone: {zone}
    is_self_maintenance: false
    driver: vkcloudns
    protocol: tcp
    port: {port}
    interval: 1
    {timing}
    listen: 127.0.0.1:{listen}
    state_dir: {folder}
    resolvers: "off"
    pools:
      - {{record: "@", targets: [{dying}, {other}]}}
"""
SWALLOWS = """\
      - record: other
        targets: [{other}, {{address: {hole}, probe: {{port: {port}}}}}]
"""
Published = Callable[[], bool]


class Contender(NamedTuple):
    """Whether the dying target is published, and what it took each time until it was not."""

    published: Published
    took: list[float]


@contextlib.contextmanager
def ours(timing: str, *, swallows: bool) -> Iterator[Published]:
    """A daemon against an emulator of its own, which has no latency."""
    records = [f"@ A {DYING} 60", f"@ A {OTHER} 60", f"other A {OTHER} 60", f"other A {HOLE} 60"]
    with Emulator(records=records) as emulator, tempfile.TemporaryDirectory() as folder:
        config, listen = Path(folder) / "config.yaml", free_port("127.0.0.1")
        words = {"emulator": emulator, "zone": ZONE, "timing": timing, "folder": folder}
        words |= {"dying": DYING, "other": OTHER, "listen": listen, "port": APPLICATION}
        text = OURS.format(**words)
        if swallows:
            text += SWALLOWS.format(other=OTHER, hole=HOLE, port=stand.HOLE)
        config.touch(mode=0o600)
        config.write_text(text)
        command = [sys.executable, "-m", "dnsbalancer_exporter", "--config", str(config)]
        with stand.running(command, stand.PROBERS_CORE):
            _until("two targets are up", lambda: _healthy(listen))
            yield lambda: DYING in emulator.zones.values(ZONE, "A")


@contextlib.contextmanager
def powerdns(*, swallows: bool) -> Iterator[Published]:
    """PowerDNS with a Lua record; the one that swallows is given 5 s, as a slow one would be."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port("127.0.0.1")
        text = PDNS.format(folder=folder, address="127.0.0.1", port=port, interval=1)
        Path(folder, "pdns.conf").write_text(text)
        database = [program("sqlite3"), f"{folder}/zones.db"]
        subprocess.run(database, input=SCHEMA.read_bytes(), check=True)
        records = {"@": LUA.format(port=APPLICATION, targets=f"'{DYING}','{OTHER}'", timeout=2)}
        if swallows:
            records["other"] = LUA.format(port=stand.HOLE, targets=f"'{HOLE}'", timeout=5)
        lines: list[tuple[str, ...]] = [("create-zone", ZONE, f"ns1.{ZONE}")]
        lines += [("add-record", ZONE, name, "LUA", "1", text) for name, text in records.items()]
        for words in lines:
            command = [program("pdnsutil"), f"--config-dir={folder}", *words]
            subprocess.run(command, check=True, capture_output=True)
        command = [program("pdns_server"), f"--config-dir={folder}", "--guardian=no"]
        with stand.running([*command, "--daemon=no"], stand.PROBERS_CORE):
            for name in records:  # it checks what it has been asked for
                _until("PowerDNS answers", lambda name=name: bool(_asked(name, port)))  # type: ignore[misc]
            yield lambda: DYING in _asked("@", port)


def _asked(name: str, port: int) -> list[str]:
    query = dns.message.make_query(ZONE if name == "@" else f"{name}.{ZONE}", "A")
    with contextlib.suppress(OSError, dns.exception.DNSException):
        found = dns.query.udp(query, "127.0.0.1", 1.0, port).answer
        return [str(data) for records in found for data in records]
    return []


def _healthy(listen: int) -> bool:
    page = f"http://127.0.0.1:{listen}/metrics"
    with contextlib.suppress(OSError), urllib.request.urlopen(page, timeout=5) as answer:
        return f'pool_targets_healthy{{pool="{ZONE}"}} 2.0' in answer.read().decode()
    return False


def _until(what: str, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: not within {LONGEST:.0f} s")
        time.sleep(0.005)


ONE, THREE = "fall: 1", "fall: 3\n    fast_interval: 0.05\n    probe_timeout: 0.5"
NAMES = (
    ("dnsbalancer, `fall: 1`", lambda *, swallows: ours(ONE, swallows=swallows)),
    (
        "dnsbalancer, `fall: 3`, `fast_interval: 0.05`",
        lambda *, swallows: ours(THREE, swallows=swallows),
    ),
    ("PowerDNS `ifportup`", powerdns),
)


def play(contenders: dict[str, Contender], app: SampleApp, part: float) -> None:
    """One death, at this ``part`` of a second, and return; each contender is told of neither."""
    every = [contender.published for contender in contenders.values()]
    _until("all publish it", lambda: all(published() for published in every))
    time.sleep(2.0)  # settled
    time.sleep((part - time.monotonic()) % 1.0)
    app.stop()
    began, left = time.monotonic(), dict(contenders)
    while left:
        for name in [name for name, one in left.items() if not one.published()]:
            left.pop(name).took.append(time.monotonic() - began)
        if time.monotonic() - began > LONGEST:
            raise SystemExit(f"it is still published by {', '.join(left)}")
        time.sleep(0.002)
    app.start()


def main() -> None:
    """Measure and write the section."""
    apps = [SampleApp(address, APPLICATION) for address in (DYING, OTHER)]
    with contextlib.ExitStack() as stack:
        stack.enter_context(stand.targets())
        for app in apps:
            app.start()
            stack.callback(app.stop)
        contenders = {
            name + (" (swallows)" if swallows else ""): Contender(
                stack.enter_context(begin(swallows=swallows)), []
            )
            for name, begin in NAMES
            for swallows in (False, True)
        }
        parts = [(number + 0.5) / ROUNDS for number in range(ROUNDS)]
        for part in random.sample(parts, ROUNDS):
            play(contenders, apps[0], part)
    rows = []
    for name, _ in NAMES:
        pair = [contenders[name].took, contenders[f"{name} (swallows)"].took]
        rows.append([name, *(f(took) for took in pair for f in (_median, _worst))])
    head = ("interval 1 s", "median", "worst", "with one that swallows: median", "worst")
    results.put("From a kill to the record gone", results.table(head, rows) + NOTE)
    print(results.RESULTS.read_text())


def _median(took: list[float]) -> str:
    return f"{statistics.median(took):.2f} s"


def _worst(took: list[float]) -> str:
    return f"{max(took):.2f} s"


NOTE = f"""

{ROUNDS} deaths of one application that all six watch at once, spread evenly over the second between
two looks: half of it is what it takes on average until the next look of any of them. Ours
has the lock's two writes and the DELETE in it, at an API without latency; PowerDNS answers by
itself. For PowerDNS one failure is always enough. The target that swallows is unrelated: of another
name, and with PowerDNS given 5 s.
"""

if __name__ == "__main__":
    main()
