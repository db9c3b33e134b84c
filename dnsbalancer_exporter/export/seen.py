"""The targets as a scrape sees them: their labels, and no more of them than is written.

Ten thousand targets are made anew while a scrape is drawn; what it keeps of the old ones is memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from dnsbalancer_exporter.model import HealthState, Hold, ProbeResult, Target, Timing
from dnsbalancer_exporter.report import PoolReport, Report, Tally, TargetState
from dnsbalancer_exporter.vote import Count

TOGETHER = 250
"""Targets that are drawn in one go: a millisecond at most."""


class Seen(NamedTuple):
    """A target as a scrape sees it: its labels, without and with the protocol, and what is known.

    ``epoch`` turns the process's clock into Unix time; ``votes`` is None without quorum.
    """

    target: str
    probe: str
    what: Target
    timing: Timing
    health: HealthState
    last: ProbeResult | None
    tally: Tally
    certificate_expires: float | None
    epoch: float
    published: bool
    drained: bool
    contested: bool
    votes: int | None


Group = list[Seen]
"""TOGETHER of them, or the last ones."""


def groups(report: Report, epoch: float) -> Iterator[Group]:
    """The targets of all pools, TOGETHER at a time; references are none."""
    pools = {pool.pool.name: _Pool.of(pool) for pool in report.pools}
    targets = (
        _seen(pools[key.pool], key.address, state, epoch)
        for key, state in report.targets.items()
        if not key.reference and key.pool in pools
    )
    while group := list(islice(targets, TOGETHER)):
        yield group


class _Pool(NamedTuple):
    """What a cycle says of the addresses of a pool; its label."""

    label: str
    published: frozenset[str]
    drained: frozenset[str]
    contested: frozenset[str]
    votes: Count | None

    @classmethod
    def of(cls, report: PoolReport) -> _Pool:
        """Draw it from the report of a pool."""
        contested = (w.record.value for w in report.plan.withheld if w.hold is Hold.CONTESTED)
        return cls(
            f'pool="{_escaped(report.pool.name)}"',
            frozenset(record.value for record in report.records),
            frozenset(report.drains),
            frozenset(contested),
            report.votes,
        )


def _seen(pool: _Pool, address: str, state: TargetState, epoch: float) -> Seen:
    label = f'{pool.label},target="{_escaped(state.target.name)}"'
    return Seen(
        label,
        f'{label},probe="{state.target.probe.protocol.value}"',
        state.target,
        state.timing,
        state.health,
        state.last,
        state.tally,
        state.certificate_expires,
        epoch,
        address in pool.published,
        address in pool.drained,
        address in pool.contested,
        pool.votes.verdict(address).down if pool.votes else None,
    )


def _escaped(value: str) -> str:
    """A label's value, as both formats write it."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
