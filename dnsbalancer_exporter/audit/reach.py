"""The targets: every one probed once from here, and our own address in particular."""

from __future__ import annotations

import asyncio
import time
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


ELSE = "does it listen, and does a firewall let this machine through?"
ADVICE = {
    ProbeReason.STATUS: "is the application well? `http: {path, host, status}` say what is asked",
    ProbeReason.BODY: "is the application well? `http: {body}` says which text is wanted",
    ProbeReason.TLS: "mend its certificate; `http: {host, ca_file}` say what it is judged by",
    ProbeReason.INVALID_RESPONSE: "are `protocol` and `port` those of the application?",
}
SOON = 14
"""Days before its end when a certificate is worth a note: as its alert has it."""


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
    now = time.time()
    return [*_permission(tried), *(_judged(each, now) for each in tried)]


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


def _answers(where: str, text: str, result: ProbeResult, now: float) -> Finding:
    """It is well; a certificate that ends soon is worth a word."""
    if result.certificate_expires is None:
        return ok(where, text)
    days = (result.certificate_expires - now) / 86400
    text += f", its certificate is good for {days:.0f} d"
    return ok(where, text) if days >= SOON else note(where, text, "renew it")


def _judged(tried: Tried, now: float) -> Finding:
    target, result = tried.target, tried.result
    pool = tried.pool
    own = pool.member and any(own.address == target.address for own in pool.own)
    kind = "reference" if tried.reference else "own address" if own else "target"
    spec = target.probe
    port = f" port {spec.port}" if spec.port else ""
    asked = f", {spec.request}" if spec.request else ""
    where = target.name if target.name == target.address else f"{target.name} {target.address}"
    what = f"{kind}, {spec.protocol.value} {spec.address}{port}{asked}"
    if result.outcome is Outcome.SUCCESS:
        return _answers(where, f"{what}: answers in {result.duration * 1000:.2f} ms", result, now)
    reason = result.reason.value if result.reason else "error"
    detail = f" ({result.detail})" if result.detail else ""
    text = f"{what}: {reason}{detail}"
    if own:
        return problem(where, text, OWN)
    if result.outcome is Outcome.ERROR:
        return problem(where, text, "the fault is on this machine, and counts for nothing")
    verdict = note if tried.reference else problem
    advice = ADVICE.get(result.reason, ELSE) if result.reason else ELSE
    return verdict(where, text, advice)
