"""The loop closed: what a client behind a resolver sees of a failover, beside gdnsd and PowerDNS.

    python -m benchmarks.loop            as root: writes benchmarks/failover.md
    python -m benchmarks.loop try        a round of each, on the terminal

Three machines are network namespaces, each with an application and a member of ours, whose provider
is BIND. gdnsd and PowerDNS answer for a name of their own and probe the same applications, so that
one death is every contender's. A client asks one unbound for the three names, ten times a second.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import loop_page
from benchmarks.loop_servers import Server, Setting, gdnsd, powerdns, values
from dnsbalancer_exporter.model import Timing
from dnsbalancer_exporter.promise import Promise
from tests.contract.primaries import Primary, primary
from tests.e2e.lab import PORT, Lab
from tests.e2e.loop import SERVED, Client, Resolver
from tests.e2e.stage import ZONE, until
from tests.needed import PATH

PROGRAMS = ("ip", "nft", "named", "unbound", "gdnsd", "pdns_server", "pdnsutil", "sqlite3")
OURS = "dnsbalancer, three members"
SETTINGS = (
    Setting(
        name="Every ten seconds",
        ttl=10,
        ours=Timing(interval=10.0, fast_interval=1.0, probe_timeout=2.0, fall=3, rise=2),
        gdnsd={
            "interval": 10,
            "timeout": 2,
            "down_thresh": 3,
            "ok_thresh": 1,
            "up_thresh": 2,
        },
        pdns_interval=10,
        pdns_timeout=2,
    ),
    Setting(
        name="As fast as each goes",
        ttl=2,
        ours=Timing(interval=1.0, fast_interval=0.1, probe_timeout=0.5, fall=3, rise=2),
        gdnsd={
            "interval": 2,
            "timeout": 1,
            "down_thresh": 1,
            "ok_thresh": 1,
            "up_thresh": 1,
        },
        pdns_interval=1,
        pdns_timeout=1,
    ),
)
ROUNDS = (6, 12)
"""Of each setting and each way to die; more would be a flapping target, which is held down."""

PATIENCE = 180.0
MARGIN = 1.0
"""Seconds: until a step of the experiment is held to hang; until the last requests have ended."""


@dataclass(frozen=True, slots=True)
class Death:
    """A way to die; ``silent`` if connections to who died are not even refused."""

    name: str
    silent: bool
    strike: Callable[[Lab, str], None]
    revive: Callable[[Lab, str], None]


DEATHS = (
    Death(name="application killed", silent=False, strike=Lab.down, revive=Lab.up),
    Death(
        name="machine cut off",
        silent=True,
        strike=Lab.isolate,
        revive=lambda lab, _: lab.heal(),
    ),
)


@dataclass(slots=True)
class Seen:
    """What the client saw of one contender, a value for each round. Seconds, and requests."""

    failed: list[float] = field(default_factory=list)
    lasted: list[float] = field(default_factory=list)
    gone: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    failed_by_return: int = 0
    put_back: int = 0


class Experiment:
    """A lab that has settled, and what is to be seen there."""

    def __init__(self, lab: Lab, server: Primary, others: list[Server], client: Client) -> None:
        self._lab, self._client = lab, client
        at = {other.zone: other.where for other in others}
        self._at = {ZONE: (server.address, server.port), **at}
        names = (OURS, "gdnsd, multifo", "PowerDNS, ifportup")
        self._zones = dict(zip(names, self._at, strict=True))
        self.seen = {name: Seen() for name in names}

    def round(self, death: Death, host: str, setting: Setting) -> None:
        """Let one die and come back."""
        self._settle()
        time.sleep(random.uniform(0.0, setting.ours.interval))
        died = time.monotonic()
        death.strike(self._lab, host)
        self._await_end(host, died, loop_page.promised(setting, silent=death.silent))
        returned = time.monotonic()
        death.revive(self._lab, host)
        _until(lambda: self._serve(host, returned), "it serves again")
        self._settle()
        for name, zone in self._zones.items():
            self._note(self.seen[name], zone, host, (died, returned))

    def _await_end(self, host: str, died: float, promised: Promise) -> None:
        """Wait until everybody has withdrawn it and the cache has forgotten it, but not for less
        than was promised; note when each last had it."""
        had = dict.fromkeys(self._zones, died)
        over = died + promised.total
        while time.monotonic() < over:
            for (name, at), answer in zip(had.items(), self._answers(), strict=True):
                had[name] = time.monotonic() if host in answer else at
            over = max(over, max(had.values()) + promised.cached + MARGIN)
            if time.monotonic() > died + PATIENCE:
                raise SystemExit(f"not withdrawn within {PATIENCE:g} s: {had}")
            time.sleep(0.05)
        for name, at in had.items():
            self.seen[name].gone.append(at - died)

    def settle_at_first(self) -> None:
        """Wait until every contender knows all machines, and the client has been everywhere."""
        self._settle()
        _until(lambda: all(self._serve(h, 0.0) for h in self._lab.hosts), "all serve")

    def end(self, rounds: int) -> None:
        """Count the records that members put back besides the one of each return."""
        asked = [daemon.metrics() for daemon in self._lab.daemons]
        created = [m.value("record_changes_total", action="create") or 0 for m in asked]
        self.seen[OURS].put_back = int(sum(created)) - rounds

    def _settle(self) -> None:
        everybody = sorted(self._lab.hosts)
        _until(lambda: all(a == everybody for a in self._answers()), "all are published")
        for daemon in self._lab.daemons:
            _until(
                lambda d=daemon: d.metrics().value("pool_targets_healthy") == len(everybody),  # type: ignore[misc]
                "the members see all",
            )

    def _answers(self) -> list[list[str]]:
        return [values(zone, where) for zone, where in self._at.items()]

    def _serve(self, host: str, since: float) -> bool:
        return all(self._first(zone, host, since) is not None for zone in self._at)

    def _first(self, zone: str, host: str, since: float) -> float | None:
        ends = (
            r.at
            for r in self._client.since(since, zone)
            if (r.address, r.outcome) == (host, SERVED)
        )
        return next(ends, None)

    def _note(self, seen: Seen, zone: str, host: str, at: tuple[float, float]) -> None:
        died, returned = at
        failed = self._client.failed(died, zone)
        times = [r.at - died for r in failed if r.at < returned]
        seen.failed.append(len(times))
        seen.lasted.append(times[-1] - times[0] if times else 0.0)
        seen.last.append(times[-1] if times else 0.0)
        seen.failed_by_return += len(failed) - len(times)
        seen.back.append((self._first(zone, host, returned) or returned) - returned)


def _until(condition: Callable[[], object], what: str) -> None:
    until(condition, what, PATIENCE)


@contextlib.contextmanager
def experiment(folder: Path, setting: Setting) -> Iterator[tuple[Experiment, Lab]]:
    """A lab with all contenders, and the client at work."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))  # the members' logs, at the end
        lab = stack.enter_context(Lab(folder))
        lab.up(*lab.hosts)  # gdnsd takes a target for down until it has seen it up
        server = stack.enter_context(primary("bind", folder, lab.hub))
        others = [
            stack.enter_context(start(folder / start.__name__, lab.hub, lab.hosts, setting))
            for start in (gdnsd, powerdns)
        ]
        zones = {ZONE: (server.address, server.port), **{o.zone: o.where for o in others}}
        resolver = stack.enter_context(Resolver(folder / "unbound", zones))
        server.publish(setting.ttl, *lab.hosts)
        for host in lab.hosts:
            lab.member(host, **server.keys(), **setting.keys())
            time.sleep(setting.ours.interval / len(lab.hosts))  # machines do not boot in step
        client = stack.enter_context(Client(resolver, PORT, zones))
        made = Experiment(lab, server, others, client)
        made.settle_at_first()
        yield made, lab


def measure(setting: Setting, death: Death, rounds: int) -> dict[str, Seen]:
    """So many rounds of one way to die."""
    with (
        tempfile.TemporaryDirectory() as folder,
        experiment(Path(folder), setting) as (made, lab),
    ):
        for number in range(rounds):
            host = lab.hosts[number % len(lab.hosts)]
            made.round(death, host, setting)
            print(f"{setting.name}, {death.name}: {number + 1} of {rounds}", file=sys.stderr)
        made.end(rounds)
        return made.seen


def main() -> None:
    missing = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if missing:
        raise SystemExit(f"{', '.join(missing)}: run benchmarks/peers.sh as root")
    trying = sys.argv[1:] == ["try"]
    parts = [
        loop_page.part(setting, death.name, measure(setting, death, rounds), silent=death.silent)
        for setting, rounds in zip(SETTINGS, [1] * len(SETTINGS) if trying else ROUNDS, strict=True)
        for death in DEATHS
    ]
    text = loop_page.page(SETTINGS, parts)
    if not trying:
        loop_page.PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
