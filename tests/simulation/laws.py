"""The laws as a judge outside sees them: over the store after each effect, and over what was sent.

Nothing here asks the code under test what it thinks; it looks at the zone, and at what the writer's
own probes had brought home when it sent the call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dnsbalancer_exporter import vote
from dnsbalancer_exporter.lock import LABEL
from dnsbalancer_exporter.model import Create, Drain, Mode, Record
from dnsbalancer_exporter.names import RecordType, fqdn
from tests.contract.memory import Store
from tests.simulation import virtual_time
from tests.simulation.api import WITHOUT_LOCK, Api, Kind
from tests.simulation.instance import Daemon

NAME = "example.com"
LOCK = fqdn(LABEL, NAME)
BALLOT = fqdn(vote.LABEL, NAME)
TAIL = 40
READS_IN_A_GAP = 2


def _is_vote(record: Record) -> bool:
    place = (record.name, record.type) == (BALLOT, RecordType.TXT)
    return place and vote.parsed(record.value) is not None


class LawBroken(AssertionError):
    """The zone is in a state that it must never be in, or somebody did what nobody may."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a writer had when it sent a write: who had just answered it, its floor, and why it may
    not withdraw the last record of this value.
    """

    answering: frozenset[str]
    floor: int
    no_ground: str


class Laws:
    """Judges one world. With ``strict``, the assumptions hold and so does every law; without, a
    gap is allowed, and must be refilled and counted. ``names`` are those of the pool, which has one
    verdict for all of them; the first one is NAME.
    """

    def __init__(
        self, store: Store, *, strict: bool, locked: bool = True, names: tuple[str, ...] = (NAME,)
    ) -> None:
        self.store = store
        self.names = names
        self.locked = locked
        self.strict = strict
        self.log: list[str] = []
        self.deletes: dict[str, list[float]] = {}
        self.creates = 0
        self.gaps = 0
        self.api: Api | None = None
        self.ballots: dict[Daemon, list[float]] = {}
        self.majority: Callable[[Daemon, str], str] = lambda _who, _value: ""
        self.daemons: list[Daemon] = []
        self._foreign = self._others()
        self._reads_in_gap: dict[Daemon, int] = {}
        self._seen_empty: dict[Daemon, int] = {}
        self._had: dict[Daemon, bool] = {}

    @property
    def published(self) -> list[str]:
        return self.store.values(NAME)

    def broken(self, text: str) -> LawBroken:
        return LawBroken("\n".join([f"{text}:", *self.log[-TAIL:]]))

    def say(self, text: str) -> None:
        self.log.append(f"{virtual_time.loop().time():9.2f} {text} -> {self.published}")

    def begins(self, daemon: Daemon) -> None:
        """A run of an instance is judged from now on."""
        self.daemons.append(daemon)
        self.say(f"{daemon.place} starts")

    # --- what the wire tells ------------------------------------------------------------

    def sent(self, who: Daemon, operation: str, what: Create | Record) -> Evidence:
        """Judge a write when it is sent, by what the sender knows."""
        self._observe_mode(who, operation, what)
        evidence = self._evidence(who, what.value)
        if what.type is RecordType.A and what.name in self.names:
            if operation == "create":
                self._reads_in_gap.pop(who, None)
                self._may_create(who, what.value)
            else:
                self.say(f"{who.place} sends delete {what.value}")
                self._holds_the_lock(who)
        if what.name == BALLOT and operation == "create":
            self.ballots.setdefault(who, []).append(virtual_time.loop().time())
        return evidence

    def effect(self, who: Daemon, operation: str, what: Create | Record, evidence: object) -> None:
        """Judge the zone after a write has taken effect."""
        assert isinstance(evidence, Evidence)
        where = "" if what.name in (NAME, LOCK, BALLOT) else f" of {what.name}"
        self.say(f"{who.place} {operation} {what.type.value} {what.value}{where}")
        if self._others() != self._foreign:
            raise self.broken("law 2: a foreign record was touched")
        if what.type is not RecordType.A:
            return
        values = set(self.store.values(what.name))
        if operation == "create":
            self.creates += 1
            self._reads_in_gap.clear()
            return
        self.deletes.setdefault(what.value, []).append(virtual_time.loop().time())
        if not values:
            self.gaps += 1
            self._reads_in_gap.clear()
        if what.value in values:
            return
        without_ground = evidence.no_ground or self.majority(who, what.value)
        if without_ground:
            raise self.broken(without_ground)
        if not self.strict:
            return
        if len(values) < evidence.floor:
            raise self.broken(f"law 1: fewer than {evidence.floor} are left")
        if not values & evidence.answering:
            raise self.broken("law 1: none is left that had answered the writer")

    def listed(self, who: Daemon, type_: RecordType, found: tuple[Record, ...]) -> None:
        """Note what a writer has read: who has seen a gap must count it."""
        if type_ is not RecordType.A:
            return
        self._count_read(who)
        has = any(record.name == NAME for record in found)
        if self._had.get(who) and not has:
            self._seen_empty[who] = self._seen_empty.get(who, 0) + 1
        self._had[who] = has

    def by_hand(self, text: str) -> None:
        """A person has written the zone."""
        self.say(f"person {text}")
        self._foreign = self._others()
        self._reads_in_gap.clear()

    def end(self) -> None:
        """Every gap that somebody has read was counted."""
        for daemon in self.daemons:
            seen, counted = self._seen_empty.get(daemon, 0), daemon.gaps
            if counted > seen or (counted < seen - 1):  # the last cycle may not have ended
                raise self.broken(f"{daemon.place} has read {seen} gaps and counted {counted}")

    # --- the rules ----------------------------------------------------------------------

    def _others(self) -> list[Record]:
        ours = {(LOCK, RecordType.TXT), *((name, RecordType.A) for name in self.names)}
        there = self.store.zones[NAME].values()
        return [r for r in there if (r.name, r.type) not in ours and not _is_vote(r)]

    def _evidence(self, who: Daemon, value: str) -> Evidence:
        answering = {address for address, seen in who.seen.items() if seen.answers}
        drain = who.cycle.outlook.memory(who.pool).drains.get(value, Drain(0.0, 0.0))
        floor = 1 if drain.forced else who.pool.min_records
        known = [record.value for record in who.cycle.outlook.records(who.pool)]
        # Outside the assumptions: a person takes out the other one of two that the writer has read.
        repeated = known.count(value) > 1 and not self.strict
        no_ground = "" if repeated else self._no_ground(who, value)
        return Evidence(frozenset(answering), floor, no_ground)

    def _observe_mode(self, who: Daemon, operation: str, what: Create | Record) -> None:
        if who.pool.mode is Mode.OBSERVE:
            raise self.broken(f"{who.place} observes and would {operation} {what}")

    def _may_create(self, who: Daemon, value: str) -> None:
        pool = who.pool
        own = {t.address for t in pool.own}
        allowed = {t.address for t in pool.listed} | (own if pool.member else set())
        if not pool.member:
            allowed |= {e.address for e in who.cycle.outlook.memory(pool).remembered} - own
        if value not in allowed or value in pool.retired:
            raise self.broken(f"law 6: {who.place} would publish {value}")
        seen = who.seen.get(value)
        if seen is None or not seen.up:
            raise self.broken(f"law 6: {who.place} would publish {value}, which is not up")

    def _holds_the_lock(self, who: Daemon) -> None:
        kind = self.api.kind if self.api else Kind.UNIQUE
        if not (self.strict and self.locked) or kind in WITHOUT_LOCK:
            return
        holders = [d.place for d in self.daemons if d.lock.valid(d.pool)]
        if holders != [who.place]:
            raise self.broken(f"law 9: {who.place} withdraws, and {holders} hold the lock")

    def _no_ground(self, who: Daemon, value: str) -> str:
        """Why the writer may not withdraw the last record with this value; "" if it may."""
        pool, memory = who.pool, who.cycle.outlook.memory(who.pool)
        own = {t.address for t in pool.own} if pool.member else set()
        named = {t.address for t in pool.listed} | own | set(pool.retired)
        if pool.listed and value not in named:
            return f"law 2: {value} is foreign to {who.place}"
        if value in pool.retired or value in memory.drains:
            return ""
        seen = who.seen.get(value)
        if seen is None or not seen.fails:
            return f"law 5: {who.place} has no ground to withdraw {value}"
        others = [s.succeeded_at for a, s in who.seen.items() if a != value]
        if not any(at is not None and at >= seen.run_since for at in others):
            return f"law 7: nobody has answered {who.place} since {value} fails"
        return ""

    def _count_read(self, who: Daemon) -> None:
        """A gap lasts for three calls of a living writer: a read, perhaps one more, a create.

        One more read is due to each other name whose own create went well.
        """
        if self.published or not who.would_publish():
            return
        reads = self._reads_in_gap.get(who, 0) + 1
        if reads > READS_IN_A_GAP + len(who.pool.records) - 1:
            raise self.broken(f"{who.place} has read the gap {reads} times and sends no create")
        self._reads_in_gap[who] = reads
