"""The daemon: builds everything, owns clock, sleep, signals and reload; it alone knows everybody.

Two activities share one event loop and never wait for each other: the watch probes targets, the
rounds run cycles (rounds.py). Between cycles, and only there, a new configuration takes the place
of the old one.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import TimeoutError as NotYet
from typing import Any

import prometheus_client as client

from dnsbalancer_exporter import health, keeper, state
from dnsbalancer_exporter.boundary import Lock, Provider
from dnsbalancer_exporter.clock import Epoch, clock
from dnsbalancer_exporter.config import Config
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.desk import Desk
from dnsbalancer_exporter.doors import Doors
from dnsbalancer_exporter.errors import ConfigError
from dnsbalancer_exporter.export import logs
from dnsbalancer_exporter.export.discreet import Discreet
from dnsbalancer_exporter.export.exposition import Exposition
from dnsbalancer_exporter.export.failover import Failovers
from dnsbalancer_exporter.export.instruments import Instruments
from dnsbalancer_exporter.export.journal import Journal
from dnsbalancer_exporter.export.site import Site
from dnsbalancer_exporter.export.status import Status
from dnsbalancer_exporter.garbage import Garbage
from dnsbalancer_exporter.guard import Guard, writable
from dnsbalancer_exporter.inventory import Inventories
from dnsbalancer_exporter.lock import SingleWriter
from dnsbalancer_exporter.model import Health, Kept, Pool, RecordSetKey, TargetKey
from dnsbalancer_exporter.nameservers import MISSING, NameServers
from dnsbalancer_exporter.notify import Notifier
from dnsbalancer_exporter.probe import Builders, Engine
from dnsbalancer_exporter.propagation import Propagation
from dnsbalancer_exporter.provider import WRITE_BUDGET, connect
from dnsbalancer_exporter.provider.threaded import Threaded
from dnsbalancer_exporter.pulse import Pulse
from dnsbalancer_exporter.report import ApiCall, PoolReport, Report, TargetState
from dnsbalancer_exporter.roster import Watched
from dnsbalancer_exporter.rounds import Rounds
from dnsbalancer_exporter.threads import Late, NoThread, aside
from dnsbalancer_exporter.watch import Watch
from dnsbalancer_exporter.zonelock import ZoneLock

PARTING_SECONDS = 1.5
"""Seconds that a cycle has to end in order after SIGTERM; then as many to give the lock back."""

RELOAD_SECONDS = 10.0
"""Seconds that reading the configuration again may take."""

UNREAD = f"it could not be read within {RELOAD_SECONDS:.0f} s"


class Daemon:
    """One process. ``load`` reads and parses the configuration: ConfigError, OSError.

    ``probers`` are built in the place of the usual ones.
    """

    def __init__(
        self, config: Config, load: Callable[[], Config], probers: Builders | None = None
    ) -> None:
        self._config = config
        self._load = load
        self._next: Config | None = None
        self._targets: Config | None = None
        self._frozen: Report | None = None
        self._refused: tuple[str, ...] = ()
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self._registry = client.CollectorRegistry(auto_describe=False)
        self._epoch = Epoch()
        self._instruments = Instruments(self._registry)
        self._failovers = Failovers(self._instruments.step_reached)
        client.ProcessCollector(registry=self._registry)
        self._journal = Journal(time.time)
        self._engine = Engine(clock, probers)
        self._watch = Watch(self._engine, clock, self._judged)
        self._garbage = Garbage()
        self._pulse = Pulse(Notifier(), self._watch.late)
        self._guard = self._provider(config)
        self._cycle = self._make_cycle(config)
        self._rounds = Rounds(self._cycle, clock, self._cycled, self._turned)
        self._keeper = keeper.Keeper(self._to_keep, self._kept, state.Claim().write)
        self._cycle.outlook.changed = self._keeper.changed
        asker = NameServers(clock, self._instruments.dns_asked)
        self._propagation = Propagation(
            asker, clock, random.random, self._visible, self._journal.dns
        )
        self._inventories = Inventories(clock, self._retargeted, self._journal.inventory)
        self._doors = self._make_doors()

    def _make_cycle(self, config: Config) -> Cycle:
        cycle = Cycle(
            self._guard,
            self._lock(config, self._guard),
            clock,
            lambda: self._watch.states,
            self._follow,
        )
        cycle.wrote = self._journal.wrote
        cycle.ballot.told = self._voted
        cycle.outlook.overloaded = self._watch.behind
        return cycle

    def _make_doors(self) -> Doors:
        show = Status(self.report, self._epoch, self._journal, self._instruments)
        self._seen_by_all = Discreet(show)
        exposition = Exposition(lambda: (self.report(), self._epoch()), self._registry)
        site = Site(exposition, self.report, self._seen_by_all, self._reload_from_thread)
        desk = Desk(
            self._cycle.outlook,
            self._rounds,
            self._keeper,
            self._journal,
            self.report,
            self._epoch,
            show,
        )
        return Doors(site, desk.verbs, self._journal, self._instruments)

    # --- life ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Run until `stop` is called; SIGTERM and SIGINT call it, SIGHUP calls `reload`."""
        self._loop = loop = asyncio.get_running_loop()
        for number, act in (
            (signal.SIGTERM, self.stop),
            (signal.SIGINT, self.stop),
            (signal.SIGHUP, self.reload),
        ):
            loop.add_signal_handler(number, act)
        self._log_as(self._config)
        self._cycle.pace.rate = self._config.api_rate
        await self._load_kept(self._config)
        await self._begin(self._config)
        self._garbage.begin()
        activities = (
            self._rounds.run(self._pools),
            self._propagation.run(),
            self._doors.keep_open(),
            self._keeper.run(),
            self._inventories.run(),
            self._pulse.feed(),
        )
        tasks = [asyncio.ensure_future(activity) for activity in activities]
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            done, _ = await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                await task  # a bug: let it be seen
        finally:
            await self._end([*tasks, stopped])

    async def _end(self, tasks: list[asyncio.Future[Any]]) -> None:
        """Let the rounds, the first of ``tasks``, end in order if they can, and then the rest."""
        self._pulse.stopping()
        self._rounds.end()
        await asyncio.wait(tasks[:1], timeout=PARTING_SECONDS)
        for task in tasks:
            task.cancel()
        # A moment to give the lock back; what still waits for the API then is left to its end.
        await asyncio.wait(tasks, timeout=PARTING_SECONDS)
        saving = asyncio.ensure_future(self._keeper.save())
        await asyncio.wait({saving}, timeout=PARTING_SECONDS)
        self._watch.close()
        self._engine.close()
        await self._doors.close()
        self._journal.say(logging.INFO, "stop", "stopped; the zone stays as it is")

    def stop(self) -> None:
        """Begin to end: at once if all is well, within three seconds if the API does not answer."""
        self._stop.set()

    def reload(self) -> None:
        """Begin to read the configuration again."""
        self._reloading = asyncio.ensure_future(self._reload())

    async def _reload(self) -> tuple[str, ...]:
        """Read the configuration again; a wrong one changes nothing and is said. Its problems."""
        self._pulse.reloading()
        self._instruments.config_reloaded()
        try:
            config = await aside(self._load, RELOAD_SECONDS)
        except (ConfigError, OSError, Late, NoThread) as error:
            self._instruments.config_refused()
            self._refused = tuple(str(error).splitlines()) or (UNREAD,)
            for problem in self._refused:
                text = f"the old configuration stays in use: {problem}"
                self._journal.say(logging.ERROR, "reload_failed", text)
            self._pulse.reloaded()
            self._pulse.say(self._sentence())
            return self._refused
        self._refused = ()
        self._next = config
        self._rounds.wake()
        return ()

    def _reload_from_thread(self) -> tuple[str, ...]:
        """The same, for a thread of the web server that waits for the answer."""
        problems = asyncio.run_coroutine_threadsafe(self._reload(), self._loop)
        try:
            return problems.result(RELOAD_SECONDS + 1.0)
        except NotYet:
            return ("the daemon is busy: see its log for what became of the reload",)

    # --- configuration ------------------------------------------------------------------

    def _log_as(self, config: Config) -> None:
        logs.begin(config.log_level, config.log_format, [config.api.password])

    async def _begin(self, config: Config) -> None:
        for note in config.notes:
            self._journal.say(logging.WARNING, "config_note", note)
        for pool in config.pools:
            self._instruments.begin_pool(pool)
            self._cycle.outlook.begin(pool)
            self._rounds.begin(pool)
            self._journal.begun(pool)
        self._inventories.begin(config)
        self._seen_by_all.hide({"login": config.api.login, "project_id": config.api.project_id})
        self._frozen = None
        self._pulse.begin(config.lock.margin)
        await self._doors.place(config.listen, config.web_config_file, config.state_dir)
        self._instruments.config_read(config.fingerprint, time.time())

    async def _swap(self, config: Config) -> None:
        """Put a new configuration in the place of the old one; called between cycles only."""
        self._frozen = self.report()  # who looks meanwhile does not see half of it
        old, self._config = self._config, config
        same = {(pool.name, pool.zone, pool.records) for pool in config.pools}
        changed = [p for p in old.pools if (p.name, p.zone, p.records) not in same]
        # What a restart would keep of a pool that has changed, a reload keeps.
        document = self._document(changed)
        for pool in changed:
            self._watch.unfollow(pool.name)
            self._cycle.forget(pool)
            self._propagation.forget(pool.name)
            self._failovers.forget(pool.name)
            self._instruments.end_pool(pool)
            self._rounds.forget(pool)
        self._restore(state.of_document(document, config.pools, self._epoch(), clock()))
        self._guard.places = writable(config.pools)
        if (config.api, config.lock) != (old.api, old.lock):
            self._cycle.provider = self._guard = self._provider(config)
            self._cycle.lock = self._lock(config, self._guard)
        self._log_as(config)
        self._cycle.pace.rate = config.api_rate
        await self._begin(config)
        self._journal.say(logging.INFO, "reload", "the configuration was read again and is in use")
        self._pulse.reloaded()

    def _provider(self, config: Config) -> Guard:
        # A DELETE that was sent must take effect within the lock's margin, or never.
        budget = min(WRITE_BUDGET, 0.75 * config.lock.margin)
        driver = connect(config.api, meter=self._metered, clock=clock, write_budget=budget)
        self._driver = Threaded(driver, config.lock.margin)
        return Guard(self._driver, writable(config.pools))

    def _lock(self, config: Config, provider: Provider) -> Lock:
        if not config.lock.enabled:
            return SingleWriter(config.lock, clock)
        return ZoneLock(provider, config.lock, clock, random.random, self._locked)

    def _locked(self, zone: str, event: str, detail: str) -> None:
        if event == "taken":
            self._failovers.locked(zone, clock())
        self._instruments.lock_event(zone, event)
        self._journal.locked(zone, event, detail)

    def _voted(self, pool: str, event: str, detail: str) -> None:
        self._instruments.vote_event(pool, event)
        self._journal.voted(pool, event, detail)

    def _metered(self, call: ApiCall) -> None:
        self._pulse.sign()
        self._instruments.api_call(call, time.time())

    # --- what is kept -------------------------------------------------------------------

    async def _load_kept(self, config: Config) -> None:
        """Begin with what an earlier process kept."""
        kept, warning = await keeper.load(config.state_dir, config.pools, self._epoch(), clock())
        if warning:
            self._journal.say(logging.WARNING, "state_unusable", warning)
        self._restore(kept)

    def _restore(self, kept: Mapping[str, Kept]) -> None:
        for pool in self._config.pools:
            if pool.name in kept:
                self._cycle.outlook.restore(pool, kept[pool.name])

    def _document(self, pools: Iterable[Pool]) -> state.Document:
        return state.to_document(self._cycle.outlook.kept(pools), self._epoch())

    def _to_keep(self) -> tuple[str, state.Document]:
        return self._config.state_dir, self._document(self._config.pools)

    def _kept(self, error: str) -> None:
        self._instruments.state_saved(not error)
        self._journal.saved(error)

    # --- targets from files ---------------------------------------------------------------

    def _retargeted(self, config: Config) -> None:
        """A file has other targets by now: use them from the next cycle on."""
        if self._next is None:
            self._targets = config
            self._rounds.wake()

    def _retarget(self, config: Config) -> None:
        """Use other targets, in those pools whose targets they are; between cycles only."""
        old, self._config = self._config, config
        self._guard.places = writable(config.pools)
        before = set(old.pools)
        for pool in [pool for pool in config.pools if pool not in before]:
            self._instruments.begin_pool(pool)
            self._cycle.outlook.begin(pool)
            self._rounds.begin(pool)

    # --- the rounds ---------------------------------------------------------------------

    async def _pools(self) -> tuple[Pool, ...]:
        """The pools of the configuration in use: of the next one, if there is one by now."""
        targets, self._targets = self._targets, None
        if self._next:
            config, self._next = self._next, None
            await self._swap(config)
        elif targets:
            self._retarget(targets)
        return self._config.pools

    def _cycled(self, before: PoolReport | None, report: PoolReport) -> None:
        self._journal.cycled(before, report)
        self._instruments.cycle_done(report, time.time())
        self._failovers.cycled(report)
        if not MISSING:
            self._propagation.cycled(report)
        self._pulse.sign()

    def _turned(self, idle: float) -> None:
        self._failovers.turned()
        self._pulse.say(self._sentence())
        self._pulse.ready()
        self._pulse.sign(idle)

    def _judged(self, key: TargetKey, before: TargetState, after: TargetState) -> None:
        self._garbage.judged()
        if health.vouches(before.health) and health.vouches(after.health):
            return  # up, and still up: nobody has to be told, and it is so nearly every time
        if before.health.health is not after.health.health:
            self._keeper.changed()
        self._journal.judged(key, before, after)
        self._failovers.judged(key, before, after)
        self._rounds.judged(key, before, after)

    def _visible(self, pool: str, key: RecordSetKey, seconds: float) -> None:
        self._instruments.dns_visible(pool, seconds)
        self._failovers.visible(pool, key, seconds)

    def _follow(self, pool: Pool, wanted: Iterable[Watched]) -> None:
        self._watch.follow(pool.name, pool.timing, wanted)

    def _sentence(self) -> str:
        up = sum(s.health.health is Health.UP for s in self._watch.states.values())
        text = f"{up} of {len(self._watch.states)} targets up"
        errors = [r.error for r in self._rounds.reports.values() if r.error]
        if self._refused:
            errors.insert(0, "the configuration was refused, the old one is in use: see the log")
        return f"{text}; {errors[0]}" if errors else text

    # --- what others see ----------------------------------------------------------------

    def report(self) -> Report:
        """One frozen picture; safe to be called from any thread."""
        return self._frozen or Report(
            clock(),
            tuple(self._rounds.reports.values()),
            dict(self._watch.states),
            dict(self._rounds.due),
            dict(self._propagation.dns),
            dict(self._propagation.zones.negative_ttls),
            self._watch.lag(),
            self._watch.stood_still,
            self._watch.probe_lag(),
            self._driver.token_expires_at,
            dict(self._inventories.found),
            self._refused,
        )
