"""What a scrape costs, and whom it keeps waiting: our own text against prometheus-client's objects.

    python -m benchmarks.scrape

Both draw the same Report: 44 series a target. The library is given them as it documents for
exporters, by a custom collector. How late an event loop is during scrapes is measured by timers of
1 ms on it, while another process scrapes the port as fast as it is answered.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import statistics
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from benchmarks import results
from dnsbalancer_exporter.export.access import OPEN
from dnsbalancer_exporter.export.answer import Answer, Drawing
from dnsbalancer_exporter.export.exposition import Exposition
from dnsbalancer_exporter.export.site import Site
from dnsbalancer_exporter.export.web import WebServer
from dnsbalancer_exporter.model import Health, Outcome, ProbeResult, Target, TargetKey
from dnsbalancer_exporter.report import PROBE_BUCKETS, Report, Tally, TargetState
from tests.unit.drawn_by_library import Targets
from tests.unit.pages import NOW, ZONE, pool_of, record, up

ROUNDS = 7
SECONDS = 6.0
EPOCH = 1.7e9
SERIES = 44
Draw = Callable[[], object]


def picture(count: int) -> Report:
    """A Report of so many targets in one pool, as probing for an hour leaves them."""
    chance = random.Random(1)
    states = [_target(number, chance) for number in range(count)]
    keys = [TargetKey(ZONE, state.target.address) for state in states]
    pool = pool_of(up(0), published=())
    pool = replace(pool, records=tuple(record(state) for state in states))
    return Report(NOW, (pool,), dict(zip(keys, states, strict=True)))


def _target(number: int, chance: random.Random) -> TargetState:
    buckets = [0] * (len(PROBE_BUCKETS) + 1)
    for _ in range(100):
        buckets[max(0, min(13, round(chance.gauss(3, 1))))] += chance.randrange(100)
    probes = sum(buckets)
    tally = Tally(probes, {}, tuple(buckets), chance.random() * probes / 100, {Health.UP: 1})
    last = ProbeResult(Outcome.SUCCESS, NOW - chance.random(), chance.random() / 100)
    state = up(number)
    address = f"10.0.{number // 256}.{number % 256}"
    target = Target(address, f"vm-{number:05}", replace(state.target.probe, address=address))
    health = state.health._replace(successes=probes, since=NOW - 3600 * chance.random())
    return state._replace(target=target, tally=tally, last=last, health=health)


def library(report: Report) -> bytes:
    """The targets' series by prometheus-client."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Targets(report, EPOCH))
    return generate_latest(registry)


def ours(report: Report) -> Drawing:
    """/metrics of a daemon that does nothing else."""
    body = Exposition(lambda: (report, EPOCH), CollectorRegistry())("").body
    assert isinstance(body, Drawing)
    return body


def _seconds(draw: Draw) -> float:
    began = time.process_time()
    draw()
    return time.process_time() - began


def costs(count: int) -> list[str]:
    """A row of the first table: processor time of the library, of ours, and what packing adds."""
    report = picture(count)
    drawing = ours(report)
    draws: tuple[Draw, ...] = (
        lambda: library(report),
        lambda: [len(piece) for piece in drawing.pieces()],
        drawing.packed,
    )
    runs = [[_seconds(draw) for draw in draws] for _ in range(ROUNDS)]
    client, text, packed = (statistics.median(column) for column in zip(*runs, strict=True))
    ratio = statistics.median(run[0] / run[1] for run in runs)
    size = sum(len(piece) for piece in drawing.pieces())
    return [
        f"{count:,} ({count * SERIES:,} series, {size / 1e6:.1f} MB)",
        f"{client * 1e3:.0f} ms",
        f"{text * 1e3:.1f} ms",
        f"{ratio:.0f} x",
        f"{text / count / SERIES * 1e6:.2f} us",
        f"{packed * 1e3:.0f} ms, {len(drawing.packed()) / 1e6:.2f} MB",
    ]


# --- who waits ------------------------------------------------------------------------------


def _scrape(port: int, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    while True:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            while answer.read(1 << 20):
                pass


async def _lateness() -> list[float]:
    """By how many milliseconds each of the timers was late."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    due = loop.time()
    end = due + SECONDS
    while due < end:
        due = max(due, loop.time() - 0.0005) + 0.001
        await asyncio.sleep(max(0.0, due - loop.time()))
        late.append((loop.time() - due) * 1e3)
    return late


def delays(body: Drawing | None, encoding: str = "identity") -> list[str]:
    """How late timers are while somebody scrapes: median, p99, worst."""

    def metrics(_: str) -> Answer:
        assert body
        return Answer(HTTPStatus.OK, CONTENT_TYPE_PLAIN_0_0_4, body)

    site = Site(metrics, lambda: Report(0), dict, tuple)
    server = WebServer(("127.0.0.1", 0), site, lambda: OPEN, lambda _: None)
    server.start()
    port = server.server_address[1]
    scraper = multiprocessing.get_context("spawn").Process(target=_scrape, args=(port, encoding))
    if body:
        scraper.start()
        time.sleep(2)
    late = asyncio.run(_lateness())
    if body:
        scraper.kill()
        scraper.join()
    server.stop()
    cuts = statistics.quantiles(late, n=100)
    return [f"{cuts[49]:.2f} ms", f"{cuts[98]:.2f} ms", f"{max(late):.1f} ms"]


def main() -> None:
    """Measure, print, and write the section."""
    speed = results.table(
        ["targets", "prometheus-client", "ours", "ratio", "ours, a series", "ours with gzip"],
        [costs(count) for count in (1000, 10000)],
    )
    report = picture(10000)
    drawing = ours(report)

    def whole() -> Iterator[bytes]:
        yield library(report)

    waits = results.table(
        ["timers of 1 ms, 10,000 targets scraped without a pause", "median", "p99", "worst"],
        [
            ["nobody scrapes", *delays(None)],
            ["ours", *delays(drawing)],
            ["ours with gzip", *delays(drawing, "gzip")],
            ["prometheus-client", *delays(Drawing(whole))],
        ],
    )
    text = f"Processor time of one scrape:\n\n{speed}\n\nHow late the event loop is:\n\n{waits}"
    print(text)
    results.put("A scrape", text)


if __name__ == "__main__":
    main()
