"""The targets: every one probed once from here, and our own address in particular."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from dnsbalancer_exporter import roster
from dnsbalancer_exporter.audit.scene import Finding, Findings, NotKnown, Scene, note, ok, problem
from dnsbalancer_exporter.model import (
    Outcome,
    Pool,
    ProbeReason,
    ProbeResult,
    Protocol,
    Target,
)

PING = (
    'allow this user to ping: `sysctl -w net.ipv4.ping_group_range="0 2147483647"`, or '
    "AmbientCapabilities=CAP_NET_RAW in the unit"
)
OWN = (
    "is the application up? Some clouds do not route a machine to its own public address: then "
    "give it a probe that works, `own_ip: {address: A, probe: 127.0.0.1}`"
)


class Tried(NamedTuple):
    """One target and what one probe of it found."""

    pool: Pool
    target: Target
    reference: bool
    result: ProbeResult


async def targets(scene: Scene) -> Findings:
    """Probe every target once, references included."""
    asked = [(pool, *each) for pool in scene.config.pools for each in _watched(scene, pool)]
    results = await asyncio.gather(*(scene.engine.probe(t.probe) for _, t, _ in asked))
    tried = [Tried(*each, result) for each, result in zip(asked, results, strict=True)]
    return [*_permission(tried), *map(_judged, tried)]


def _watched(scene: Scene, pool: Pool) -> Iterator[tuple[Target, bool]]:
    """Who is a target, with what the record set holds if it could be read."""
    try:
        held = {r.value for several in scene.record_sets(pool).values() for r in several}
    except NotKnown:
        held = set()
    for watched in roster.watched(pool, roster.Memory(), frozenset(held)):
        yield watched.target, watched.key.reference


def _permission(tried: list[Tried]) -> Findings:
    """What one kind of probe needs of this machine is said once, and not per target."""
    pings = [t.result for t in tried if t.target.probe.protocol is Protocol.ICMP]
    refused = [result for result in pings if result.reason is ProbeReason.PERMISSION]
    if refused:
        return [problem("ping", f"this user may not: {refused[0].detail}", PING)]
    return [ok("ping", "this user may")] if pings else []


def _judged(tried: Tried) -> Finding:
    target, result = tried.target, tried.result
    pool = tried.pool
    own = pool.member and any(own.address == target.address for own in pool.own)
    kind = "reference" if tried.reference else "own address" if own else "target"
    port = f" port {target.probe.port}" if target.probe.port else ""
    where = target.name if target.name == target.address else f"{target.name} {target.address}"
    what = f"{kind}, {target.probe.protocol.value} {target.probe.address}{port}"
    if result.outcome is Outcome.SUCCESS:
        return ok(where, f"{what}: answers in {result.duration * 1000:.2f} ms")
    reason = result.reason.value if result.reason else "error"
    detail = f" ({result.detail})" if result.detail else ""
    text = f"{what}: {reason}{detail}"
    if own:
        return problem(where, text, OWN)
    if result.outcome is Outcome.ERROR:
        return problem(where, text, "the fault is on this machine, and counts for nothing")
    verdict = note if tried.reference else problem
    return verdict(where, text, "does it listen, and does a firewall let this machine through?")
