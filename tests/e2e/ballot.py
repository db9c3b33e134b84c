"""A fleet that votes, in a lab of machines: what is in the ballot, and what was written there.

What the zone is to have comes from the row of docs/quorum.md that names the test.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from dnsbalancer_exporter.quorum import LOOKS
from dnsbalancer_exporter.vote import RENEWALS
from tests.e2e.daemon import Daemon
from tests.e2e.lab import Lab
from tests.e2e.stage import BALLOT, until
from tests.repo.quorum_page import Machines, Scenario

LEASE = 10.0
"""Seconds: the shortest that a configuration may have."""

CHANGES = 10
"""How often an observer may change its vote in a scenario, beside renewing it; no scenario has so
many changes of mind."""


class Voters(Lab):
    """Machines whose daemons vote. ``told`` is what the zone is to have."""

    def __init__(self, folder: Path, told: Scenario, machines: int = 3) -> None:
        super().__init__(folder, machines)
        self._told = told
        self._began = time.monotonic()

    # --- the scenario -----------------------------------------------------------------------

    def members(self, count: int = 3, **keys: object) -> list[Daemon]:
        """The first machines up and published, each with a member that votes; nobody has yet."""
        hosts = self.hosts[:count]
        self.up(*hosts)
        self.publish(*hosts)
        daemons = [self.voter(host, **keys) for host in hosts]
        for daemon in daemons:
            daemon.until_healthy(count)
        assert self.emulator.zones.history(*BALLOT) == (), "a quiet fleet writes nothing"
        return daemons

    def voter(self, host: str, **keys: object) -> Daemon:
        """A member that votes."""
        return self.member(host, **{"quorum": {"lease": LEASE}, **keys})

    def meanwhile(self) -> None:
        """Wait until the zone has what the page says that it has meanwhile."""
        self.until_published(*self._hosts(self._told.meanwhile))

    def over(self) -> None:
        """Wait until the zone has what it is to have in the end, and every vote is taken back."""
        self.until_published(*self._hosts(self._told.over))
        until(lambda: not self.votes(), "all votes are taken back", 60)

    def _hosts(self, machines: Machines | None) -> tuple[str, ...]:
        assert machines is not None, "the page does not say"
        return tuple(self.hosts[i] for i in machines)

    def die(self, daemon: Daemon) -> str:
        """A machine loses its power: its address."""
        host = str(daemon.keys()["own_ip"])
        daemon.may_end_with = {-9}
        daemon.kill()
        self.down(host)
        return host

    def rise(self, daemon: Daemon) -> Daemon:
        """It is started again."""
        self.up(str(daemon.keys()["own_ip"]))
        return self.run(daemon.config)

    # --- the votes --------------------------------------------------------------------------

    def votes(self) -> dict[str, dict[str, str]]:
        """The ballot now, by observer: what each vote says, by word."""
        values = self.emulator.zones.values(*BALLOT)
        parsed = (dict(word.split("=", 1) for word in value.split()) for value in values)
        return {vote["observer"]: vote for vote in parsed}

    def written(self, *, refused: bool = False) -> Counter[str]:
        """How often each observer has written a vote, by what was asked of the API; or ``refused``
        ones only.
        """
        asked = self.requests("create_record", "txt")
        bodies = (str(entry.body) for entry in asked if entry.status == 403 or not refused)
        found = (re.search(r"observer=([\w.:-]+)", body) for body in bodies)
        return Counter(match[1] for match in found if match)

    def until_renewed(self, *hosts: str, times: int = 4) -> None:
        """Wait until these have renewed their votes: four times is more than a lease."""
        before = self.written()
        until(
            lambda: all(self.written()[host] - before[host] >= times for host in hosts),
            f"{', '.join(hosts)} have renewed their votes {times} times",
            120,
        )

    def judge(self) -> None:
        """Beside what every test is judged by: nobody writes votes more often than is said."""
        super().judge()
        leases = (time.monotonic() - self._began) / LEASE
        refused = self.written(refused=True)
        for observer, times in self.written().items():
            assert times - refused[observer] <= RENEWALS * leases + CHANGES, observer
            assert times <= LOOKS * leases + CHANGES, observer


def taken_out(lab: Lab) -> Iterator[str]:
    """The addresses that were withdrawn, in order."""
    return (move[1:] for move in lab.moves() if move.startswith("-"))
