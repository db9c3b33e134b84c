"""The stage of the end-to-end tests: the emulator here, applications here, daemons as processes.

Every test has addresses of its own below 127.0.0.0/8 and free ports, so tests may run side by side.
Whatever a test is about, `Stage.judge` sees to the promises that hold at every moment: the managed
names were never empty, what is foreign was never touched, every daemon ended well and with a log
that shows no bug.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import yaml

from dnsbalancer_exporter.emulator import Emulator, Entry, SampleApp, StoredRecord
from dnsbalancer_exporter.emulator.lookup import lookup
from tests.e2e.daemon import Daemon, Environ, environment

if TYPE_CHECKING:
    from typing_extensions import Self

ZONE = "example.com"
LOGIN = "example@test"
PASSWORD = "p4ss-of-the-stage"
PROJECT = "777e19938fe947666d5d3be5c00053d7"
LOCK = (f"_dnsbalancer-lock.{ZONE}", "txt")
BALLOT = (f"_dnsbalancer.{ZONE}", "txt")

FOREIGN = (
    "www A 192.0.2.80 300",
    "@ TXT 'v=spf1 -all' 300",
    "@ MX 10 mail.example.com 300",
    "alias CNAME www.example.com 300",
    "sub NS ns.example.net 300",
)
"""Other people's records, in every test's zone."""

_numbers = itertools.count(os.getpid())


def until(condition: Callable[[], object], what: str, seconds: float = 25.0) -> None:
    """Wait for ``condition``; the deadline is there against hanging, and no measure of speed."""
    end = time.monotonic() + seconds
    while not _holds(condition):
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)


def _holds(condition: Callable[[], object]) -> bool:
    with contextlib.suppress(OSError):  # who is asked may not listen yet
        return bool(condition())
    return False


def kinds_of(entry: Entry) -> set[str]:
    """The record type that a request is about, if any."""
    return set(entry.path.split("/")) & {"a", "aaaa", "txt"}


def fresh_addresses(count: int) -> tuple[str, ...]:
    """Loopback addresses that no other test and no other worker uses."""
    number = next(_numbers)
    net = f"127.{1 + os.getpid() % 250}.{number % 250}"
    return tuple(f"{net}.{i + 1}" for i in range(count))


def free_port(*addresses: str) -> int:
    """A port that is free on all ``addresses`` and that no outgoing connection is given."""
    for port in random.sample(range(20000, 32000), 200):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for address in addresses:
                family = socket.AF_INET6 if ":" in address else socket.AF_INET
                stack.enter_context(socket.socket(family)).bind((address, port))
            return port
    raise AssertionError(f"no free port on {addresses}")


@contextlib.contextmanager
def black_hole(address: str, port: int) -> Iterator[None]:
    """A port whose SYNs are dropped: the queue of completed connections is full."""
    with contextlib.ExitStack() as stack:
        hole = stack.enter_context(socket.socket())
        hole.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        hole.bind((address, port))
        hole.listen(0)
        for _ in range(3):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((address, port))
        yield


class App(Protocol):
    """An application that can be started and killed."""

    @property
    def address(self) -> tuple[str, int]: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Stage:
    """The emulated provider with one zone, hosts with applications, and the daemons of a test.

    ``hosts`` are addresses; the application of each listens on ``port`` while it is up. ``managed``
    are the record sets that the daemons may write; the emulator listens at ``address``.
    """

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        self.folder = folder
        self.hosts = fresh_addresses(6)
        self.port = free_port(*self.hosts)
        self.apps: dict[str, App] = {host: SampleApp(host, self.port) for host in self.hosts}
        self.daemons: list[Daemon] = []
        self.managed = {(ZONE, "a")}
        self.locks = {LOCK, BALLOT}
        self.emulator = Emulator(
            listen=(address, 0),
            dns=(address, 0),
            zones=[ZONE],
            login=LOGIN,
            password=PASSWORD,
            project_id=PROJECT,
            records=FOREIGN,
        )
        self._foreign = [record for _, records in self._snapshot() for record in records]
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._resources.callback(self.emulator.stop)
        self.emulator.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._resources:
            for app in self.apps.values():
                self._resources.callback(app.stop)
            for daemon in self.daemons:
                self._resources.callback(daemon.kill)
                daemon.terminate()
            for daemon in self.daemons:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    daemon.wait()
        for daemon in self.daemons:
            print(f"--- {daemon.name}, status {daemon.returncode}\n{daemon.log}")

    def judge(self) -> None:
        """The promises that hold in every test, over all that has happened."""
        for key in self.managed:
            assert () not in self.emulator.zones.history(*key), f"{key} was empty"
        standing = {r.uuid: r for _, records in self._snapshot() for r in records}
        for record in self._foreign:
            assert standing.pop(record.uuid, None) == record, f"{record.key} was touched"
            history = self.emulator.zones.history(*record.key)
            begun = next(i for i, values in enumerate(history) if record.value in values)
            assert all(record.value in values for values in history[begun:]), record
        assert {record.key for record in standing.values()} <= {*self.managed, *self.locks}
        for daemon in self.daemons:
            assert daemon.returncode in daemon.may_end_with, daemon.name
            assert "Traceback" not in daemon.log, daemon.name
            assert "event=log" not in daemon.log, daemon.name

    def _snapshot(self) -> tuple[tuple[object, tuple[StoredRecord, ...]], ...]:
        return self.emulator.zones.snapshot()

    # --- the zone -----------------------------------------------------------------------

    def publish(self, *values: str, name: str = "@", ttl: int = 60) -> None:
        """Put addresses into the zone by hand."""
        for value in values:
            kind = "AAAA" if ":" in value else "A"
            self.emulator.zones.add(f"{name} {kind} {value} {ttl}")

    def add_foreign(self, *lines: str) -> None:
        """Put records into the zone that nobody may touch."""
        self._foreign += [self.emulator.zones.add(line) for line in lines]

    def add_zones(self, *zones: str) -> None:
        """More zones, without records but what the provider itself puts into them."""
        for zone in zones:
            self.emulator.zones.create_zone({"zone": zone})
            self.locks.add((f"_dnsbalancer-lock.{zone}", "txt"))
        self._foreign = [record for _, records in self._snapshot() for record in records]

    def values(self, kind: str = "A", name: str = ZONE) -> list[str]:
        """What the name has now, by the API's store, sorted."""
        return sorted(self.emulator.zones.values(name, kind))

    def until_published(self, *values: str, kind: str = "A", name: str = ZONE) -> None:
        """Wait until the store and DNS show exactly ``values``."""
        wanted = sorted(values)
        text = ", ".join(wanted)

        def shown() -> bool:
            dns = lookup(self.emulator.dns_address, name, kind)
            return self.values(kind, name) == wanted == sorted(dns)

        try:
            until(shown, f"{name} {kind} is {text}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.values(kind, name)}") from None

    def moves(self, kind: str = "A", name: str = ZONE) -> list[str]:
        """What came and went at a name, in order, from its first record on."""
        history = self.emulator.zones.history(name, kind)
        moves: list[str] = []
        for before, after in itertools.pairwise(((), *history)):
            moves += [f"+{value}" for value in after if value not in before]
            moves += [f"-{value}" for value in before if value not in after]
        return moves

    def requests(self, operation: str, *kinds: str) -> list[Entry]:
        """What was asked, in order; with ``kinds`` only for records of these types."""
        entries = self.emulator.journal.entries(operation)
        return [e for e in entries if not kinds or kinds_of(e) & set(kinds)]

    def asked(self, operation: str, *kinds: str) -> int:
        """How many such requests there were."""
        return len(self.requests(operation, *kinds))

    def operations(self) -> list[str]:
        """All that was asked of the APIs, in order, less what the lock needs."""
        return [e.operation for e in self.emulator.journal.entries() if "txt" not in kinds_of(e)]

    def writes(self) -> int:
        """How many requests there were that would change the zone, less those for the lock."""
        return sum(o in {"create_record", "delete_record"} for o in self.operations())

    # --- the applications -----------------------------------------------------------------

    def up(self, *hosts: str) -> None:
        """Start the applications of ``hosts``."""
        for host in hosts:
            self.apps[host].start()

    def down(self, *hosts: str) -> None:
        """Kill the applications of ``hosts``."""
        for host in hosts:
            self.apps[host].stop()

    def open(self, host: str, port: int) -> SampleApp:
        """Start an application elsewhere than on ``hosts``."""
        app = SampleApp(host, port)
        self._resources.callback(app.stop)
        app.start()
        return app

    # --- the daemons ----------------------------------------------------------------------

    def keys(self, own: str, **keys: object) -> dict[str, object]:
        """A configuration for the machine ``own``; a key that is None is left out."""
        return {
            key: value
            for key, value in {
                "url": self.emulator.url,
                "auth_url": self.emulator.auth_url,
                "login": LOGIN,
                "password": PASSWORD,
                "project_id": PROJECT,
                "zone": ZONE,
                "own_ip": own,
                "is_self_maintenance": True,
                "driver": "vkcloudns",
                "protocol": "tcp",
                "port": self.port,
                "interval": "500ms",
                "fast_interval": "100ms",
                "probe_timeout": "500ms",
                "lock": {"lease": 5, "margin": 2},
                "resolvers": "off",
                **keys,
            }.items()
            if value is not None
        }

    def config(self, own: str, **keys: object) -> Path:
        """Write such a configuration, with a port and a folder of its own, and give its path."""
        listen = own if own in self.hosts else self.hosts[0]
        folder = self.folder / f"{len(self.daemons)}-{own.replace(':', '_')}"
        keys = {
            "listen": f"{listen}:{self.web_port(listen)}",
            "state_dir": str(folder / "state"),
            **keys,
        }
        folder.mkdir(exist_ok=True)
        return write(folder / "config.yaml", self.keys(own, **keys))

    def web_port(self, host: str) -> int:
        """A free port for a daemon's own web server."""
        return free_port(host)

    def where(self, config: Path) -> Sequence[str]:
        """The command that runs a daemon where it belongs."""
        return ()

    def run(self, config: Path, environ: Environ | None = None, *arguments: str) -> Daemon:
        """Start a daemon on a configuration; nothing is waited for."""
        arguments = arguments or ("run", "--config", str(config))
        daemon = Daemon(config, arguments, environ or {}, self.where(config))
        self.daemons.append(daemon)
        return daemon

    def member(self, own: str, **keys: object) -> Daemon:
        """Start a member for ``own``."""
        return self.run(self.config(own, **keys))

    def witness(self, **keys: object) -> Daemon:
        """Start a witness on a host of its own."""
        return self.run(self.config(self.hosts[-1], is_self_maintenance=False, **keys))

    def steady(self, *hosts: str, **keys: object) -> Daemon:
        """``hosts`` up and published, and a member for the first of them that sees all of it."""
        self.up(*hosts)
        self.publish(*hosts)
        daemon = self.member(hosts[0], **keys)
        daemon.until_healthy(len(hosts))
        return daemon


def write(path: Path, keys: Mapping[str, object]) -> Path:
    """Write a configuration that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({"config": dict(keys)}, sort_keys=False))
    return path


def verb(*arguments: str, environ: Environ | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of the command's other verbs to its end."""
    command: Sequence[str] = [sys.executable, "-m", "dnsbalancer_exporter", *arguments]
    return subprocess.run(
        command,
        env=environment(environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
