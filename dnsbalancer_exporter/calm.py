"""Calm: plans that stay what they are as long as nothing changes, and so need not be made again.

A plan is calm that writes nothing, withholds nothing and waits for nothing. It rests on no clock,
and of a target only on what it is held for: the rest of what a plan may rest on (who vouches, what
is confirmed, in doubt or overdue) decides about withdrawals, and it has none. Ten thousand healthy
targets cost a comparison then, where a plan costs 20 us for each of them. Pools that vote are never
calm: each look may find other votes.
"""

from __future__ import annotations

from typing import NamedTuple

from dnsbalancer_exporter.model import Health, Plan, Pool, Record
from dnsbalancer_exporter.roster import Memory


class Basis(NamedTuple):
    """What a calm plan rests on, and what is learned from a read: equal bases, equal plans.

    ``held_for`` are the healths of the pool's targets and references, in their order.
    """

    pool: Pool
    records: tuple[Record, ...]
    memory: Memory
    held_for: list[Health]
    regained_at: float | None


class Calm:
    """The calm plans of all pools, by the pool's name."""

    def __init__(self) -> None:
        self._plans: dict[str, tuple[Basis, Plan]] = {}

    def note(self, basis: Basis, made: Plan) -> None:
        """Keep a plan that was made on ``basis``, if it is calm, and forget the one before it."""
        self.forget(basis.pool)
        if _is_calm(made, basis.memory):
            self._plans[basis.pool.name] = basis, made

    def still(self, basis: Basis) -> Plan | None:
        """The very plan that was kept for this pool, if ``basis`` is still the same."""
        kept, made = self._plans.get(basis.pool.name, (None, None))
        return made if kept == basis else None

    def forget(self, pool: Pool) -> None:
        """Have the next plan made."""
        self._plans.pop(pool.name, None)


def _is_calm(made: Plan, memory: Memory) -> bool:
    acts = made.creates or made.deletes or made.withheld or made.again_at is not None
    # What is remembered and ends by itself; a warm-up ends by itself, too.
    passing = memory.drains or memory.remembered or memory.contests or not memory.warm_up.over
    return not (acts or passing)
