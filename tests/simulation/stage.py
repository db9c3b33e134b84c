"""A world that is told, not drawn: who there is, and what happens when, written down by a test.

The parts are those of world.py, and so is the judge: every law is checked after every call.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

from dnsbalancer_exporter import vote
from dnsbalancer_exporter.lock import CONTENT, LABEL
from dnsbalancer_exporter.model import Create, Drain, Pool, QuorumTerms, Record, Target, Timing
from dnsbalancer_exporter.names import RecordType, fqdn
from tests.contract.memory import Store
from tests.simulation import virtual_time
from tests.simulation.api import Api, Kind
from tests.simulation.instance import Daemon, Instance, Surroundings, end
from tests.simulation.laws import BALLOT, NAME, Laws
from tests.simulation.network import Network
from tests.simulation.world import FOREIGN, SPEC, target

A, B, C = (f"192.0.2.{n}" for n in range(1, 4))
LOCK = CONTENT
"""What a lock's record holds: the word for it in `Stage.when`."""

Moment = tuple[str, str, str]
"""Place, operation, and value, or for a list the type: `(A, "delete", B)`, `(A, "list", "TXT")`."""


class Stage:
    """``machines`` have a daemon each, which is a member with the address of its machine.

    ``records`` are in the zone at first, all machines' if it is None; ``changes`` are of each pool.
    With a ``lease`` they agree by votes. Not ``strict``: outside the assumptions of the lock, where
    a gap is allowed.
    """

    def __init__(
        self,
        *machines: str,
        records: Iterable[str] | None = None,
        interval: float = 5.0,
        strict: bool = True,
        seed: int = 1,
        lease: float | None = None,
        **changes: Any,
    ) -> None:
        draw = random.Random(seed)
        self.machines = machines
        there = machines if records is None else records
        self.store = Store(records=[*(f"@ A {address}" for address in there), *FOREIGN])
        self.network = Network(draw)
        self.network.up = dict.fromkeys(machines, True)
        self.api = Api(draw, self.network, self.store, Kind.UNIQUE)
        self.laws = Laws(self.store, strict=strict)
        self.laws.api = self.api
        self.done: list[tuple[float, Moment]] = []
        self._then: dict[Moment, Callable[[], object]] = {}
        around = Surroundings(self.network, self.api, self, draw)
        timing = Timing(interval=interval, fast_interval=1.0)
        own = Pool("p", NAME, (NAME,), True, (), SPEC, timing)
        self.at = {
            place: Instance(
                around,
                place,
                replace(own, own=(target(place),), quorum=terms(place, lease), **changes),
            )
            for place in machines
        }

    # --- the witness ----------------------------------------------------------------------

    def sent(self, who: Daemon, operation: str, what: Create | Record) -> object:
        return self.laws.sent(who, operation, what)

    def effect(self, who: Daemon, operation: str, what: Create | Record, evidence: object) -> None:
        self.laws.effect(who, operation, what, evidence)
        self._happened((who.place, operation, what.value))

    def listed(self, who: Daemon, type_: RecordType, found: tuple[Record, ...]) -> None:
        self.laws.listed(who, type_, found)
        self._happened((who.place, "list", type_.value))

    def _happened(self, moment: Moment) -> None:
        self.done.append((self.now, moment))
        self._then.pop(moment, lambda: None)()

    def when(self, moment: Moment, act: Callable[[], object]) -> None:
        """Do something at the next such moment."""
        self._then[moment] = act

    # --- playing --------------------------------------------------------------------------

    def play(self, story: Callable[[Stage], Awaitable[None]], *, start: bool = True) -> Stage:
        """Start everybody, tell the story, end everybody."""

        async def told() -> None:
            try:
                for place in self.machines if start else ():
                    self.start(place)
                await story(self)
                self.laws.end()
            finally:
                self.end()

        virtual_time.run(told())
        return self

    def end(self) -> None:
        """Let all that still runs come to its end, the dead as well."""
        end(self.api, self.laws.daemons)

    def start(self, place: str, *, remembers: bool = True) -> None:
        self.at[place].start(remembers=remembers)
        self.laws.begins(self.daemon(place))

    def daemon(self, place: str) -> Daemon:
        daemon = self.at[place].daemon
        assert daemon
        return daemon

    def reload(self, place: str, **changes: Any) -> None:
        daemon = self.daemon(place)
        daemon.process.run(daemon.reload, replace(self.at[place].pool, **changes))

    def drain(self, place: str, seconds: float) -> None:
        """Have a machine's daemon drain its own address, as the verb does once it is admitted."""
        daemon = self.daemon(place)
        now = daemon.clock()
        outlook = daemon.cycle.outlook
        outlook.drain(daemon.pool, place, Drain(now, now + seconds))
        daemon.process.run(daemon.rounds.wake, daemon.pool.name)

    # --- what happens ---------------------------------------------------------------------

    def part(self, *groups: Iterable[str]) -> None:
        """Who is not in one group does not reach each other."""
        self.network.cuts = {
            (one, other)
            for group in groups
            for one in group
            for other in self.machines
            if other not in group
        }
        self.laws.say(f"parted: {self.network.cuts}")

    def join(self) -> None:
        self.network.heal()
        self.laws.say("joined")

    def dies(self, place: str) -> None:
        """The machine is gone, with its application and its daemon."""
        self.network.up[place] = False
        self.at[place].kill()
        self.laws.say(f"{place} dies")

    # --- what is --------------------------------------------------------------------------

    @property
    def now(self) -> float:
        return virtual_time.loop().time()

    @property
    def published(self) -> list[str]:
        return self.laws.published

    @property
    def locks(self) -> list[str]:
        return self.store.values(fqdn(LABEL, NAME), RecordType.TXT)

    txt = RecordType.TXT

    @property
    def votes(self) -> dict[str, vote.Vote]:
        """The newest vote of each observer, in the zone."""
        texts = self.store.values(BALLOT, RecordType.TXT)
        votes = sorted(filter(None, map(vote.parsed, texts)), key=lambda v: v.seq)
        return {found.observer: found for found in votes}

    def ballots(self, since: float = 0.0) -> int:
        """How often a vote was written or deleted, by whomever."""
        writes = [m for at, m in self.done if at >= since and m[1] in ("create", "delete")]
        return sum(vote.parsed(value) is not None for _, _, value in writes)

    def times(self, place: str, operation: str, value: str) -> list[float]:
        """When somebody did this."""
        return [at for at, moment in self.done if moment == (place, operation, value)]

    def deletes(self, value: str, since: float = 0.0, until: float = float("inf")) -> int:
        """How often a record of the name was withdrawn, by whomever."""
        return sum(since <= at < until for at in self.laws.deletes.get(value, ()))

    async def until(self, condition: Callable[[], bool], seconds: float) -> float:
        """Wait for something; the time that it took. The law's error if it does not happen."""
        began = self.now
        while not condition():
            if self.now - began > seconds:
                raise self.laws.broken(f"this did not happen within {seconds} s")
            await asyncio.sleep(0.25)
        return self.now - began


def terms(place: str, lease: float | None) -> QuorumTerms | None:
    """What a machine is called among the observers, if there is a quorum."""
    return QuorumTerms(place, lease) if lease else None


def probed_at(address: str, probe: str) -> Target:
    """A target that is probed at another address than the one that is published."""
    return replace(target(address), probe=replace(SPEC, address=probe))
