"""Propagation: does DNS serve what the API says, and how soon after a change?

Each record set has a follower, beside the watch and the zone loop; neither ever waits for it. It is
told after each cycle what the API said, asks every name server, and compares sets of addresses.

    the servers that answer            asked again                        said
    ---------------------------------  ---------------------------------  ---------------------
    all serve what the API says        after SLOW seconds                 visible, once a change
    one serves something else, or      after 1 s, then after a tenth of
    none answers, not for long         the time that has passed           -
    the same, for longer than          after SLOW seconds                 behind, once
    `patience`

A server that does not answer delays nobody: clients go on to the next one. What a resolver has in
its cache may be right and old, so with `resolvers:` *behind* is normal until the TTL has passed. A
difference may also be ours: a peer has changed the zone since our last read. Patience outlasts
both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from dnsbalancer_exporter.clock import happens
from dnsbalancer_exporter.model import NameServer, Pool, RecordSetKey
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.propagation.zones import FIND_RETRY, Asker, Tell, Zones
from dnsbalancer_exporter.report import InDns, PoolReport

__all__ = ["Asker", "Propagation", "Tell", "Visible", "patience", "pause"]

FIRST = 1.0
"""Seconds between two questions just after a change."""

SLOW = 300.0
"""Seconds between two rounds when there is no news. Every pause is shortened by up to a tenth."""

Key = tuple[str, RecordSetKey]
"""A pool's name and a record set."""

Visible = Callable[[str, RecordSetKey, float], None]
"""Told a pool, a record set, and how many seconds after the API had acknowledged our last write
every name server that answers served it."""


def patience(pool: Pool, ttl: int | None) -> float:
    """Seconds for which DNS may differ from the API before that is said: caches, and our reads."""
    return max(SLOW, pool.timing.interval, float(ttl or 0)) + 60.0


def pause(elapsed: float) -> float:
    """Seconds to the next question, ``elapsed`` seconds after a change: exact to a tenth."""
    return max(FIRST, elapsed / 10)


@dataclass(slots=True)
class _Follower:
    """One record set that is followed. ``since``: asked briskly from then on; None while calm.

    ``acknowledged`` is when the API took our last write that is not visible yet; ``seen`` are the
    servers that have served what is wanted in this round, and when.
    """

    pool: Pool
    wanted: tuple[str, ...] | None = None
    since: float | None = None
    acknowledged: float | None = None
    seen: dict[NameServer, float] = field(default_factory=dict)
    told: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Propagation:
    """Follows the record sets of all pools. All methods belong to the event loop's thread.

    ``dns`` holds frozen values, as in the Report; other threads may copy it. ``spread`` gives a
    random number from 0 to 1.
    """

    def __init__(
        self,
        asker: Asker,
        clock: Callable[[], float],
        spread: Callable[[], float],
        visible: Visible,
        tell: Tell,
    ) -> None:
        self.dns: dict[Key, InDns] = {}
        self.zones = Zones(asker, clock, spread, tell)
        self._asker = asker
        self._clock = clock
        self._spread = spread
        self._visible = visible
        self._tell = tell
        self._followers: dict[Key, _Follower] = {}
        self._changed = asyncio.Event()

    # --- what the cycles say ----------------------------------------------------------------

    def cycled(self, report: PoolReport) -> None:
        """Take in what the API said; a record set that is new or changed is asked for at once."""
        pool = report.pool
        keys = {(pool.name, RecordSetKey(n, t)) for n in pool.records for t in pool.types}
        if pool.resolvers == () or report.read_at is None:
            keys = set()
        for old in [key for key in self._followers if key[0] == pool.name]:
            if old not in keys or self._followers[old].pool.resolvers != pool.resolvers:
                self._forget(old)
        for key in keys:
            if key not in self._followers:
                self._followers[key] = _Follower(pool)
                self._changed.set()
            self._followers[key].pool = pool
            self._compare(key, self._followers[key], report)

    def forget(self, pool: str) -> None:
        """Follow nothing of a pool any more."""
        for key in [key for key in self._followers if key[0] == pool]:
            self._forget(key)

    def _forget(self, key: Key) -> None:
        gone = self._followers.pop(key)
        gone.news.set()
        self.dns.pop(key, None)
        if all(f.pool.zone != gone.pool.zone for f in self._followers.values()):
            self.zones.forget(gone.pool.zone)

    def _compare(self, key: Key, follower: _Follower, report: PoolReport) -> None:
        values = {r.value for r in report.records if (r.name, r.type) == key[1]}
        wanted = tuple(sorted(values, key=address_order))
        if wanted == follower.wanted:
            return
        writes = [
            change.at
            for change in report.changes
            if change.at is not None and (change.record.name, change.record.type) == key[1]
        ]
        follower.wanted, follower.since = wanted, self._clock()
        follower.acknowledged = max(writes, default=None)
        follower.seen.clear()
        self.dns[key] = replace(self.dns.get(key, InDns(wanted)), wanted=wanted)
        follower.news.set()

    # --- the followers ----------------------------------------------------------------------

    async def run(self) -> None:
        """Follow until cancelled; a bug in a follower ends it and is raised."""
        tasks: dict[Key, asyncio.Task[None]] = {}
        try:
            while True:
                self._changed.clear()
                for key in set(self._followers) - set(tasks):
                    tasks[key] = asyncio.ensure_future(self._follow(key))
                news = asyncio.ensure_future(self._changed.wait())
                try:
                    await asyncio.wait({news, *tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    news.cancel()
                for key in [key for key, task in tasks.items() if task.done()]:
                    await tasks.pop(key)
        finally:
            for task in tasks.values():
                task.cancel()

    async def _follow(self, key: Key) -> None:
        while key in self._followers:
            follower = self._followers[key]
            follower.news.clear()
            servers = await self.zones.servers(follower.pool)
            asked = [server for server in servers if server not in follower.seen]
            await asyncio.gather(*(self._ask(key, follower, server) for server in asked))
            if follower.news.is_set():
                continue
            wait = self._judge(key, follower, servers) if servers else FIND_RETRY
            if follower.since is None:
                await self.zones.read_soa(follower.pool)
            await happens(follower.news, wait * (1 - self._spread() / 10))

    async def _ask(self, key: Key, follower: _Follower, server: NameServer) -> None:
        recursive = follower.pool.resolvers is not None
        said = await self._asker.served(server, key[1], recursive=recursive)
        if self._followers.get(key) is not follower:
            return
        found = self.dns[key]
        self.dns[key] = replace(found, served={**found.served, server: said})
        if said.addresses == follower.wanted:
            follower.seen[server] = said.at

    def _judge(self, key: Key, follower: _Follower, servers: Sequence[NameServer]) -> float:
        """Say what is to be said of a round; the seconds to the next one."""
        found = self.dns[key]
        served = {server: said for server, said in found.served.items() if server in servers}
        found = self.dns[key] = replace(found, served=served)
        behind = [server for server in served if found.in_sync(server) is False]
        if follower.seen and not behind:
            self._arrived(key, follower)
            return SLOW
        now = self._clock()
        if follower.since is None:
            follower.since = now
        elapsed = now - follower.since
        if elapsed < patience(follower.pool, found.ttl):
            return pause(elapsed)
        if not follower.told:
            follower.told = True
            self._say(key, follower, "dns_behind_begin", _complaint(found, behind))
        follower.seen.clear()
        return SLOW

    def _arrived(self, key: Key, follower: _Follower) -> None:
        if follower.acknowledged is not None:
            # A name server may be quicker than the API's own answer.
            seconds = max(0.0, max(follower.seen.values()) - follower.acknowledged)
            self._visible(*key, seconds)
        if follower.told:
            self._say(key, follower, "dns_behind_end", "is served as the API says")
        follower.acknowledged = follower.since = None
        follower.told = False
        follower.seen.clear()

    def _say(self, key: Key, follower: _Follower, event: str, text: str) -> None:
        name, type_ = key[1]
        self._tell(event, f"{name} {type_.value} {text}", follower.pool.zone)


def _complaint(found: InDns, behind: Sequence[NameServer]) -> str:
    if not behind:
        return "is not answered for by any name server: is port 53 open to them from here?"
    said = (f"{server} serves {_list(found.served[server].addresses)}" for server in behind)
    return f"is not served as the API says ({_list(found.wanted)}): {'; '.join(said)}"


def _list(addresses: tuple[str, ...] | None) -> str:
    return ", ".join(addresses or ()) or "nothing"
