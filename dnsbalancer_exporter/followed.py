"""Followed: whom each pool has probed, and what the watch knows of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from dnsbalancer_exporter import health
from dnsbalancer_exporter.model import Health, HealthState, Pool, TargetKey
from dnsbalancer_exporter.report import TargetState
from dnsbalancer_exporter.roster import Watched

_HELD_FOR = attrgetter("health.health")


class Followed:
    """Of all pools of one process. ``states`` gives the watch's states, ``follow`` tells it whom
    to probe.
    """

    def __init__(
        self,
        states: Callable[[], Mapping[TargetKey, TargetState]],
        follow: Callable[[Pool, Iterable[Watched]], None],
    ) -> None:
        self._states = states
        self._follow = follow
        self._keys: dict[str, tuple[TargetKey, ...]] = {}

    def watch(self, pool: Pool, wanted: tuple[Watched, ...]) -> None:
        """Have just these probed for the pool."""
        keys = tuple(entry.key for entry in wanted)
        if keys != self._keys.get(pool.name):  # else they stay the very ones that the watch has
            self._keys[pool.name] = keys
        self._follow(pool, wanted)

    def forget(self, pool: Pool) -> None:
        """Drop what is kept of a pool that is no longer configured."""
        self._keys.pop(pool.name, None)

    def targets(self, pool: Pool) -> dict[str, TargetState]:
        """The states of the pool's targets, by address: of no other pool."""
        return self._own(pool, references=False)

    def references(self, pool: Pool) -> dict[str, TargetState]:
        """The states of the pool's references, by address."""
        return self._own(pool, references=True)

    def _own(self, pool: Pool, *, references: bool) -> dict[str, TargetState]:
        states, keys = self._states(), self._keys.get(pool.name, ())
        mine = (key for key in keys if key.reference is references and key in states)
        return {key.address: states[key] for key in mine}

    def healths(self, pool: Pool) -> dict[str, HealthState]:
        """The health of each target of the pool, by address."""
        return {address: state.health for address, state in self.targets(pool).items()}

    def held_for(self, pool: Pool) -> list[Health]:
        """What each target and reference of a pool is held for, in their order."""
        states = map(self._states().get, self._keys.get(pool.name, ()))
        return [*map(_HELD_FOR, filter(None, states))]

    def vouched_at(self, pool: Pool) -> float | None:
        """When the latest probe started that tells that we are not alone (law 7).

        Other pools are asked only if nobody of this one has answered since one began to fail.
        """
        mine = tuple(self.targets(pool).values())
        failing = [s.health.failing_since for s in mine]
        since = max((at for at in failing if at is not None), default=-math.inf)
        answered = _last_answer(mine)
        if answered is not None and answered >= since:
            return answered
        return _last_answer(self._states().values())


def _last_answer(states: Iterable[TargetState]) -> float | None:
    """When the latest probe started that succeeded on a target that is UP beyond doubt."""
    answers = [s.health.succeeded_at for s in states if health.vouches(s.health)]
    return max((at for at in answers if at is not None), default=None)
