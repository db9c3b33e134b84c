"""A cloud: three zones behind one router, and the provider's API and name servers beside it.

The router is the network namespace that this process has for itself (__main__.py), so that all of
it is gone with the process. Each zone is a bridge with a subnet of its own.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from dnsbalancer_exporter.emulator import Emulator, StoredRecord
from tests.e2e.lab import command
from tests.e2e.stage import FOREIGN, ZONE
from tests.packaging.machine import Machine

PROVIDER = "100.64.0.53"
PORTS = {"api": 8080, "dns": 53}
PASSWORD = "p4ss$(word)`of`!the;article"
"""As a shell would hate it, and as YAML takes it in double quotes."""


class Cloud:
    """The emulated provider with an empty name in a zone, and the network."""

    def __init__(self) -> None:
        self.provider = Emulator(
            listen=(PROVIDER, PORTS["api"]),
            dns=(PROVIDER, PORTS["dns"]),
            zones=[ZONE],
            records=FOREIGN,
            password=PASSWORD,
        )
        self._foreign = self._records()

    def open(self, *gateways: str) -> None:
        """Build the network, a zone with each ``gateway``, and start the provider."""
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        command("ip", "link", "set", "lo", "up")
        command("ip", "address", "add", f"{PROVIDER}/32", "dev", "lo")
        command("nft", "add", "table", "inet", "cloud")
        for hook in ("prerouting", "postrouting"):
            chain = f"{{ type filter hook {hook} priority 0 ; }}"
            command("nft", "add", "chain", "inet", "cloud", hook, chain)
        for gateway in gateways:
            bridge = _bridge(gateway)
            command("ip", "link", "add", bridge, "type", "bridge")
            command("ip", "address", "add", f"{gateway}/24", "dev", bridge)
            command("ip", "link", "set", bridge, "up")
        self.provider.start()

    def plug_in(self, machine: Machine, address: str, gateway: str) -> None:
        """Give a machine its network: ``address`` in the zone of ``gateway``."""
        cable = ["type", "veth", "peer", "name", "eth0", "netns", str(machine.init)]
        port = f"p-{address}"
        command("ip", "link", "add", port, *cable)
        command("ip", "link", "set", port, "master", _bridge(gateway), "up")
        inside = ["nsenter", "-t", str(machine.init), "-n", "ip"]
        command(*inside, "address", "add", f"{address}/24", "dev", "eth0")
        command(*inside, "link", "set", "eth0", "up")
        command(*inside, "route", "add", "default", "via", gateway)

    def cut_off(self, gateway: str) -> None:
        """Nothing gets out of a zone any more, nor into it."""
        for hook, side in (("prerouting", "iifname"), ("postrouting", "oifname")):
            command("nft", "add", "rule", "inet", "cloud", hook, side, _bridge(gateway), "drop")

    def heal(self) -> None:
        """Everything gets through again."""
        command("nft", "flush", "table", "inet", "cloud")

    # --- what has happened at the provider -------------------------------------------------

    def _records(self) -> list[StoredRecord]:
        return [record for _, records in self.provider.zones.snapshot() for record in records]

    def foreign_stands(self) -> bool:
        """Whether all that was there before is there, under the same ids, as it was."""
        standing = self._records()
        return all(record in standing for record in self._foreign)

    def states(self) -> list[tuple[str, ...]]:
        """What the name has had, in order, from its first value on."""
        history = self.provider.zones.history(ZONE, "A")
        return list(itertools.dropwhile(lambda values: not values, history))

    def moves(self) -> list[str]:
        """What came to the name and what went, in order."""
        moves: list[str] = []
        for before, after in itertools.pairwise(((), *self.states())):
            moves += [f"+{value}" for value in after if value not in before]
            moves += [f"-{value}" for value in before if value not in after]
        return moves

    def written(self) -> dict[str, int]:
        """How many requests there were that change something, by record type."""
        entries = self.provider.journal.entries()
        writes = [e for e in entries if e.operation in {"create_record", "delete_record"}]
        return {kind: sum(f"/{kind}/" in f"{e.path}/" for e in writes) for kind in ("a", "txt")}


def _bridge(gateway: str) -> str:
    return f"z-{gateway}"
