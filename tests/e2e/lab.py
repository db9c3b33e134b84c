"""A lab of machines: network namespaces on one bridge, and the provider at the bridge itself.

What crosses the bridge can be cut, one way or both, and lost; so can the way to the provider. It
needs root, iproute2 and nftables: under CI=true being without is a failure, elsewhere a named skip.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from tests.e2e.daemon import Daemon, environment
from tests.e2e.stage import App, Stage, until
from tests.needed import PATH, need_root, program

PORT = 8080
_APP = """
import signal
from dnsbalancer_exporter.emulator.apps import SampleApp
SampleApp({address!r}, {port}).start()
signal.pause()
"""
_numbers = itertools.count(os.getpid() * 7)


def command(*words: str) -> None:
    """Run a command that has to succeed."""
    environ = {**os.environ, "PATH": PATH}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"


def need_network_namespaces() -> None:
    """A network can be built here."""
    need_root()
    for name in ("ip", "nft"):
        program(name)


class Inside:
    """An application in a machine's own network."""

    def __init__(self, where: Sequence[str], address: str) -> None:
        self._where = where
        self.address = (address, PORT)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is None:
            code = _APP.format(address=self.address[0], port=PORT)
            self._process = subprocess.Popen(
                [*self._where, sys.executable, "-c", code], env=environment({})
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Lab(Stage):
    """Machines of their own instead of addresses of one; ``hosts`` are their addresses.

    ``hub`` is the address at the bridge, where the provider and the test itself are.
    """

    def __init__(self, folder: Path, machines: int = 3) -> None:
        number = next(_numbers)
        self._id = f"dnsb{number % 4096:03x}"
        net = f"10.{64 + number // 250 % 128}.{number % 250}"
        self.hub = f"{net}.254"
        self._names = {f"{net}.{i}": f"{self._id}-{i}" for i in range(1, machines + 1)}
        self._build()
        super().__init__(folder, self.hub)
        self.hosts = tuple(self._names)
        self.port = PORT
        self.apps: dict[str, App] = {host: Inside(self.inside(host), host) for host in self.hosts}

    def __exit__(self, *_: object) -> None:
        self.thaw(*self.daemons)
        super().__exit__()
        with contextlib.suppress(AssertionError):
            command("nft", "delete", "table", "bridge", self._id)
        for name in self._names.values():
            command("ip", "netns", "del", name)
        command("ip", "link", "del", self._id)

    def _build(self) -> None:
        command("ip", "link", "add", self._id, "type", "bridge")
        command("ip", "address", "add", f"{self.hub}/24", "dev", self._id)
        command("ip", "link", "set", self._id, "up")
        for address, name in self._names.items():
            command("ip", "netns", "add", name)
            peer = ("type", "veth", "peer", "name", "eth0", "netns", name)
            command("ip", "link", "add", name, *peer)
            command("ip", "link", "set", name, "master", self._id, "up")
            command("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            for device in ("eth0", "lo"):
                command("ip", "-n", name, "link", "set", device, "up")
        command("nft", "add", "table", "bridge", self._id)
        for hook in ("forward", "input"):
            chain = f"{{ type filter hook {hook} priority 0 ; }}"
            command("nft", "add", "chain", "bridge", self._id, hook, chain)

    def inside(self, host: str) -> Sequence[str]:
        """The command that runs another one on a machine."""
        return ("ip", "netns", "exec", self._names[host])

    def web_port(self, host: str) -> int:
        return 9853

    def where(self, config: Path) -> Sequence[str]:
        return self.inside(config.parent.name.split("-", 1)[1])

    # --- what happens to the network ------------------------------------------------------

    def _rule(self, hook: str, *words: str) -> None:
        command("nft", "add", "rule", "bridge", self._id, hook, *words)

    def cut(self, one: str, other: str, *, both: bool = True) -> None:
        """Nothing gets from ``one`` to ``other`` any more, and back."""
        for source, target in [(one, other), (other, one)][: 2 if both else 1]:
            self._rule("forward", "ip", "saddr", source, "ip", "daddr", target, "drop")

    def part(self, *groups: Iterable[str]) -> None:
        """Nothing crosses from one group of machines to another."""
        for left, right in itertools.combinations(groups, 2):
            for one, other in itertools.product(left, right):
                self.cut(one, other)

    def isolate(self, host: str) -> None:
        """Nothing that a machine sends arrives any more, nothing from the others reaches it."""
        for end in ("saddr", "daddr"):
            self._rule("forward", "ip", end, host, "drop")
        self._rule("input", "ip", "saddr", host, "drop")

    def cut_from_api(self, host: str) -> None:
        """A machine cannot reach the provider any more."""
        port = str(urlsplit(self.emulator.url).port)
        self._rule("input", "ip", "saddr", host, "tcp", "dport", port, "drop")

    def lose(self, percent: int) -> None:
        """This share of all packets between machines is lost."""
        self._rule("forward", "numgen", "random", "mod", "100", "<", str(percent), "drop")

    def heal(self) -> None:
        """Everything gets through again."""
        for hook in ("forward", "input"):
            command("nft", "flush", "chain", "bridge", self._id, hook)

    # --- the machines ---------------------------------------------------------------------

    def up(self, *hosts: str) -> None:
        super().up(*hosts)
        until(lambda: all(map(_answers, hosts)), "the applications answer")

    def fleet(self, **keys: object) -> list[Daemon]:
        """Every machine up and published, with a member that sees all of them."""
        self.up(*self.hosts)
        self.publish(*self.hosts)
        daemons = [self.member(host, **keys) for host in self.hosts]
        for daemon in daemons:
            daemon.until_healthy(len(self.hosts))
        return daemons

    def freeze(self, daemon: Daemon) -> None:
        """Suspend it."""
        daemon.process.send_signal(signal.SIGSTOP)

    def thaw(self, *daemons: Daemon) -> None:
        """Let them go on."""
        for daemon in daemons:
            if daemon.returncode is None:
                daemon.process.send_signal(signal.SIGCONT)


def _answers(host: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((host, PORT)) == 0
