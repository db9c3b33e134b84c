"""What the verbs print: the status, an explanation, a plan, as plain text for a terminal."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

from dnsbalancer_exporter.model import Plan, Pool
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.report import TargetState

NOT_WITHDRAWN = {
    "observe_mode": "mode is observe: nothing is ever written",
    "stale_view": "the list of records was suspiciously short, and is read once more",
    "unknown_health": "not every target is known yet, or its last probe does not confirm it",
    "fail_open": "nothing in the pool is up, so what is published stays",
    "isolated": "nobody has answered us since it began to fail: we may be the ones cut off",
    "own_unproven": "our own address was never up from here: give it a `probe` that works",
    "contested": "its owner keeps putting it back",
    "no_quorum": "the votes do not agree",
    "min_records": "too little would be left (min_records, one of it up)",
    "max_withdrawals": "enough was withdrawn in this cycle",
    "no_lock": "the lock cannot be had, or an earlier delete is unsettled or was refused",
}
"""The closed set of reasons not to withdraw, as sentences."""

NOT_PUBLISHED = {
    "observe_mode": "mode is observe: nothing is ever written",
    "unknown_health": "it is not known yet whether it is up",
    "drained": "an operator has drained it",
    "retired": "the configuration has retired it",
    "hold_down": "it came back too often: its return is delayed",
    "voted_down": "the votes say that it is down",
    "conflict": "the provider says that it is there, and it is not",
    "api_error": "the provider refused to create it",
}
"""The closed set of reasons not to publish, as sentences."""


ALSO = {
    "nobody": "no other instance publishes it: this is enough",
    "everybody": "`targets` lets every instance publish it: run this on each of them, its own too",
    "its_own": "the daemon on that machine publishes it again: run this there",
    "observed": "this daemon only observes: nothing is written",
}
"""Who else would put a drained address back, as advice to who drains it."""


def of_drains(entries: Iterable[Mapping[str, Any]]) -> str:
    """What has become of the drains that were asked for."""
    return "\n".join(line for entry in entries for line in _drain_lines(entry))


def _drain_lines(entry: Mapping[str, Any]) -> Iterator[str]:
    where = f"{entry['address']} in pool {entry['pool']}"
    if entry["until"] is None:
        yield f"{where}: no longer drained; it is published again as soon as it is up"
    else:
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(entry["until"]))
        yield f"{where}: drained until {until}; {ALSO[entry['also']]}"
    if entry["unsaved"]:
        yield f"  ! not saved, so a restart forgets it: {entry['unsaved']}"


def targets(
    status: Mapping[str, Any], wanted: Container[tuple[str, str]]
) -> list[Mapping[str, Any]]:
    """The targets of a status document whose pool and address are ``wanted``."""
    every = ((pool["name"], target) for pool in status["pools"] for target in pool["targets"])
    return [target for pool, target in every if (pool, target["address"]) in wanted]


def why_published(target: Mapping[str, Any]) -> str:
    """Why a target that has a ground to go is still there."""
    reasons = target["not_withdrawn"]
    return "; ".join(f"{r}: {NOT_WITHDRAWN[r]}" for r in reasons) or "the next cycle is on its way"


def of_status(status: Mapping[str, Any]) -> str:
    """The status document as a table per pool."""
    return "\n".join(line for pool in status["pools"] for line in _pool_lines(pool))


def _pool_lines(pool: Mapping[str, Any]) -> Iterator[str]:
    yield f"{pool['name']}: {pool['role']} in zone {pool['zone']}, {pool['mode']} mode"
    if pool["error"]:
        yield f"  ! the zone stays as it is: {pool['error']}"
    if pool["warming_up"]:
        yield "  ! warming up: nothing is withdrawn before every target is known"
    rows = [("TARGET", "HEALTH", "PUBLISHED", "LATENCY", "NOTE")]
    for target in pool["targets"]:
        last = target["last_probe"]
        good = last and last["outcome"] == "success"
        latency = f"{last['seconds'] * 1000:.1f} ms" if good else (last["reason"] if last else "-")
        notes = target["not_withdrawn"] + target["not_published"]
        if target["drained_until"] and "drained" not in notes:
            notes = ["drained", *notes]
        label = target["name"] + (" (own)" if target["own"] else "")
        published = "yes" if target["published"] else "no"
        rows.append((label, target["health"], published, latency, ", ".join(notes)))
    yield from _table(rows)
    for change in pool["planned"]:
        yield f"  next: {change}"


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield ("  " + "  ".join(cells)).rstrip()


def of_explanation(found: Iterable[Mapping[str, Any]]) -> str:
    """Why a target is where it is: health, what it rests on, published or not, and the reason."""
    return "\n".join(line for target in found for line in _explanation(target))


def _explanation(target: Mapping[str, Any]) -> Iterator[str]:
    name = target["name"]
    if name != target["address"]:
        name += f" ({target['address']})"
    yield f"{name} in pool {target['pool']}"
    successes, failures = target["consecutive_successes"], target["consecutive_failures"]
    run = f"{failures} failures" if failures else f"{successes} successes"
    yield f"  health: {target['health']}, {run} in a row, {target['probes']} probes in all"
    probe, last = target["probe"], target["last_probe"]
    port = f" port {probe['port']}" if probe["port"] else ""
    yield f"  probed: {probe['protocol']} {probe['address']}{port}"
    if last:
        why = f" ({last['reason']}: {last['detail'] or 'no detail'})" if last["reason"] else ""
        yield f"  last probe: {last['outcome']}{why}, {last['seconds'] * 1000:.1f} ms"
    yield f"  published: {'yes' if target['published'] else 'no'}"
    for reason in target["not_withdrawn"]:
        yield f"  not withdrawn: {reason}: {NOT_WITHDRAWN[reason]}"
    for reason in target["not_published"]:
        yield f"  not published: {reason}: {NOT_PUBLISHED[reason]}"
    if not target["published"] and target["health"] == "down":
        yield "  not published: it is down"
    if target["drained_until"]:
        until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(target["drained_until"]))
        yield f"  drained until {until}"
    if target["contested_until"]:
        yield f"  contested: put back {target['returns']} times while we would have it gone"
    if target["warming_up"]:
        yield "  warming up: nothing is withdrawn before every target of the pool is known"
    if target["zone_error"]:
        yield f"  the zone stays as it is: {target['zone_error']}"


def of_plan(
    pool: Pool, plan: Plan, states: Iterable[TargetState], published: frozenset[str]
) -> str:
    """What would be done for one pool, and why not more."""
    role = "member" if pool.member else "witness"
    lines = [f"{pool.name}: {role} in zone {pool.zone}"]
    for state in sorted(states, key=lambda s: address_order(s.target.address)):
        where = "published" if state.target.address in published else "not published"
        why = f", {state.last.reason.value}" if state.last and state.last.reason else ""
        health = state.health.health.value
        lines.append(f"  {state.target.name}: {health}{why}; {where}")
    lines += [f"  + create {c.name} {c.type.value} {c.value} {c.ttl}" for c in plan.creates]
    for delete in plan.deletes:
        record = delete.record
        ground = delete.ground.value
        lines.append(f"  - delete {record.name} {record.type.value} {record.value} ({ground})")
    for withheld in plan.withheld:
        text = f"{withheld.record.name} {withheld.record.value} ({withheld.ground.value})"
        hold = withheld.hold.value
        lines.append(f"  = keep {text}: {hold}: {NOT_WITHDRAWN[hold]}")
    for omitted in plan.omitted:
        reason = omitted.reason.value
        text = f"{omitted.name} {omitted.address}"
        lines.append(f"  = do not publish {text}: {reason}: {NOT_PUBLISHED[reason]}")
    if not (plan.creates or plan.deletes or plan.withheld or plan.omitted):
        lines.append("  nothing to do")
    return "\n".join(lines)
