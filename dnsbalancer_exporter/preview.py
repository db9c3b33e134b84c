"""The verb `plan`: probe until every target is known, read the zone, say what would be done.

Nothing is written: the guard that the cycle gets here lets nothing pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dnsbalancer_exporter import roster, state
from dnsbalancer_exporter.clock import Epoch, clock, happens
from dnsbalancer_exporter.config import Config
from dnsbalancer_exporter.cycle import Cycle
from dnsbalancer_exporter.guard import Guard
from dnsbalancer_exporter.lock import SingleWriter
from dnsbalancer_exporter.model import Health, Kept, Mode, Plan, Pool, TargetKey
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.provider import connect
from dnsbalancer_exporter.provider.threaded import Threaded
from dnsbalancer_exporter.report import ApiCall, TargetState
from dnsbalancer_exporter.watch import Watch


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done for one pool, and what that rests on."""

    pool: Pool
    plan: Plan
    states: tuple[TargetState, ...]
    published: frozenset[str]


async def preview(config: Config) -> tuple[Preview, ...]:
    """Probe, read and plan for all pools of ``config``; raises ProviderError."""
    driver = connect(config.api, meter=_unmetered, clock=clock)
    engine = Engine(clock)
    changed = asyncio.Event()
    watch = Watch(engine, clock, lambda *_: changed.set())

    def follow(pool: Pool, wanted: Iterable[roster.Watched]) -> None:
        watch.follow(pool.name, pool.timing, wanted)

    cycle = Cycle(
        Guard(Threaded(driver, config.lock.margin), frozenset()),
        SingleWriter(config.lock, clock),
        clock,
        lambda: watch.states,
        follow,
    )
    try:
        # What would be done is asked, so a pool that is only observed is planned for as well.
        pools = [replace(pool, mode=Mode.ENFORCE) for pool in config.pools]
        _restore(cycle, config.state_dir, pools)
        return await _previews(cycle, watch, pools, changed)
    finally:
        watch.close()
        engine.close()


def _restore(cycle: Cycle, state_dir: str, pools: Sequence[Pool]) -> None:
    """Begin with the drains and all else that the daemon keeps, if we may read it."""
    with suppress(state.Unusable, OSError):
        found = state.of_document(state.read(state_dir), pools, Epoch()(), clock())
        for pool in pools:
            cycle.outlook.restore(pool, found.get(pool.name, Kept()))


async def _previews(
    cycle: Cycle, watch: Watch, pools: Sequence[Pool], changed: asyncio.Event
) -> tuple[Preview, ...]:
    for pool in pools:
        await cycle.outlook.look(pool)
    deadline = clock() + max(roster.WarmUp().seconds(pool) for pool in pools)
    while _undecided(watch) and clock() < deadline:
        changed.clear()
        await happens(changed, max(0.0, deadline - clock()))
    cycle.outlook.lists.reread()
    previews = []
    for pool in pools:
        plan = await cycle.outlook.look(pool)
        states = [s for k, s in watch.states.items() if k.pool == pool.name and not k.reference]
        published = frozenset(record.value for record in cycle.outlook.records(pool))
        previews.append(Preview(pool, plan, tuple(states), published))
    return tuple(previews)


def _undecided(watch: Watch) -> list[TargetKey]:
    return [k for k, s in watch.states.items() if s.health.health is Health.UNKNOWN]


def _unmetered(_: ApiCall) -> None:
    """Count nothing: a preview exports no metrics."""
