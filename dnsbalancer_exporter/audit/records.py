"""The records as the API has them, and what they promise: duplicates, strangers, TTLs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dnsbalancer_exporter.audit.scene import (
    Finding,
    Findings,
    Scene,
    by_pool,
    note,
    ok,
    title,
)
from dnsbalancer_exporter.model import Pool, Protocol, Record, RecordSetKey
from dnsbalancer_exporter.names import address_order, address_type
from dnsbalancer_exporter.promise import LONG_TTL, worst


@by_pool
async def records(scene: Scene, pool: Pool) -> Findings:
    """What each record set holds."""
    found: list[Finding] = []
    for key, held in scene.record_sets(pool).items():
        found += [_values(key, held), *_strange(pool, key, held), *_ttls(pool, key, held)]
        found += _own(pool, key, held)
    return found


def _values(key: RecordSetKey, held: Sequence[Record]) -> Finding:
    where = title(key)
    if not held:
        advice = "the daemon publishes what is up; until then the name has no address"
        return note(where, "holds no address", advice)
    values = sorted({record.value for record in held}, key=address_order)
    return ok(where, f"holds {', '.join(values)}")


def _strange(pool: Pool, key: RecordSetKey, held: Sequence[Record]) -> Findings:
    where = title(key)
    for value, count in Counter(record.value for record in held).items():
        if count > 1:
            text = f"holds {value} {count} times"
            yield note(where, text, "the daemon keeps one of them; find out who else writes here")
    ours = {target.address for target in (*pool.listed, *pool.own)} | set(pool.retired)
    for value in sorted({record.value for record in held}, key=address_order):
        if pool.listed and value not in ours:
            advice = "it is left alone: put it into `targets`, or into `retired` to have it go"
            yield note(where, f"{value} is foreign: not one of `targets`", advice)


def _ttls(pool: Pool, key: RecordSetKey, held: Sequence[Record]) -> Findings:
    ttls = sorted({record.ttl for record in held})
    if len(ttls) > 1:
        text = f"has records with different TTLs: {', '.join(map(str, ttls))} s"
        yield note(title(key), text, "give all of them the same in the provider's console")
    if ttls and ttls[-1] > LONG_TTL:
        advice = f"set it to {pool.ttl} s in the console: new records take over their siblings' TTL"
        text = f"has a TTL of {ttls[-1]} s: for so long clients keep an address that is gone"
        yield note(title(key), text, advice)


def _own(pool: Pool, key: RecordSetKey, held: Sequence[Record]) -> Findings:
    for own in pool.own:
        if not pool.member or address_type(own.address) is not key.type:
            continue
        if own.address in {record.value for record in held}:
            yield ok(title(key), f"has our own address {own.address}")
        else:
            advice = "the daemon publishes it when it is up"
            yield note(title(key), f"has not our own address {own.address}", advice)


@by_pool
async def promise(scene: Scene, pool: Pool) -> Findings:
    """How long a dead address may be given to clients, by the arithmetic of promise.py."""
    held = [r for several in scene.record_sets(pool).values() for r in several]
    ttl = max((record.ttl for record in held), default=pool.ttl)
    silent, refused = worst(pool.timing, ttl), worst(pool.timing, ttl, silent=False)
    noticed = f"a death is noticed within {silent.noticed:.0f} s"
    if pool.probe.protocol is not Protocol.ICMP:
        noticed += f" ({refused.noticed:.0f} s if connections are refused)"
    text = (
        f"{noticed} and forgotten by caches within {ttl} s more: "
        f"{silent.total:.0f} s in all, beside the API's own time"
    )
    if silent.cached > max(LONG_TTL, silent.noticed):
        return [note(pool.name, text, "the TTL decides: no probe can make it quicker")]
    return [ok(pool.name, text)]
