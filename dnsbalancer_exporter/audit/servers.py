"""The name servers: do they serve what the API says, and what does an empty name cost?"""

from __future__ import annotations

import asyncio

from dnsbalancer_exporter.audit.scene import (
    Finding,
    Findings,
    Scene,
    by_pool,
    note,
    ok,
    problem,
    title,
)
from dnsbalancer_exporter.model import NameServer, Pool, RecordSetKey
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.nameservers import MISSING, NameServersUnknown
from dnsbalancer_exporter.promise import LONG_NEGATIVE_TTL
from dnsbalancer_exporter.report import DnsReason, Served

SKIPPED = "DNS was not asked: "

NO_ANSWER = {
    DnsReason.TIMEOUT: "did not answer: is UDP and TCP port 53 open to it from here?",
    DnsReason.UNREACHABLE: "cannot be reached: there is no route to it from here",
    DnsReason.REFUSED: "refuses to answer for this name: is it the right server?",
    DnsReason.SERVER_FAILURE: "says that it failed (SERVFAIL): look at its zone",
    DnsReason.LAME: "does not serve this zone (lame): correct the delegation, or `resolvers`",
    DnsReason.INVALID: "gave an answer that is not understood",
}
"""Why there was no answer, as sentences."""


@by_pool
async def name_servers(scene: Scene, pool: Pool) -> Findings:
    """Every name server, asked for every record set."""
    if MISSING or pool.resolvers == ():
        return [note(pool.name, SKIPPED + (MISSING or "`resolvers` is off"))]
    try:
        servers = pool.resolvers or await scene.name_servers.find(pool.zone)
    except NameServersUnknown as error:
        return [problem(pool.zone, str(error))]
    scene.found[pool.zone] = servers
    sets = scene.record_sets(pool)
    wanted = {key: {record.value for record in held} for key, held in sets.items()}
    questions = [(server, key) for server in servers for key in wanted]
    answers = await asyncio.gather(*(_ask(scene, pool, *asked) for asked in questions))
    return [
        _compared(server, key, said, wanted[key])
        for (server, key), said in zip(questions, answers, strict=True)
    ]


async def negative_ttl(scene: Scene) -> Findings:
    """For how long a name that was empty for a moment stays away, per zone that was asked about."""
    pools = {pool.zone: pool for pool in scene.config.pools if pool.zone in scene.found}
    return [await _negative_ttl(scene, pool) for pool in pools.values()]


async def _negative_ttl(scene: Scene, pool: Pool) -> Finding:
    recursive = pool.resolvers is not None
    for server in scene.found[pool.zone]:
        asking = scene.name_servers
        seconds = await asking.negative_ttl(server, pool.zone, recursive=recursive)
        if seconds is None:
            continue
        text = f"caches keep `no such record` for {seconds} s (SOA minimum)"
        if seconds <= LONG_NEGATIVE_TTL:
            return ok(pool.zone, text)
        advice = (
            "a name that is empty for a moment is gone for so long; the daemon never empties one, "
            f"a hand in the console can: set the SOA minimum to at most {LONG_NEGATIVE_TTL} s"
        )
        return note(pool.zone, text, advice)
    return note(pool.zone, "no name server tells the SOA minimum")


async def _ask(scene: Scene, pool: Pool, server: NameServer, key: RecordSetKey) -> Served:
    recursive = pool.resolvers is not None
    return await scene.name_servers.served(server, key, recursive=recursive)


def _compared(server: NameServer, key: RecordSetKey, said: Served, wanted: set[str]) -> Finding:
    where = f"{server} {title(key)}"
    if said.addresses is None:
        return problem(where, NO_ANSWER[said.reason or DnsReason.INVALID])
    if set(said.addresses) == wanted:
        return ok(where, "serves what the API says" if wanted else "serves nothing, as the API has")
    served = ", ".join(said.addresses) or "nothing"
    text = f"serves {served}; the API says {', '.join(sorted(wanted, key=address_order)) or 'none'}"
    if said.authoritative:
        advice = "wait a minute and ask again; if it lasts, tell the provider"
        return problem(where, text, advice)
    return note(where, text, "it may be the resolver's cache: right once the TTL has passed")
