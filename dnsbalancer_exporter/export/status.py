"""The Report as plain data: `/api/v1/status`, and what the page and the verbs are drawn from.

Times are Unix times in seconds, absent things are null. Fields are only ever added.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.model import Contest, RecordSetKey, TargetKey
from dnsbalancer_exporter.names import address_order, canonical_address
from dnsbalancer_exporter.report import Change, PoolReport, Report, TargetState

Document = dict[str, Any]


def document(report: Report, epoch: float) -> Document:
    """The whole Report; ``epoch`` turns the process's clock into Unix time."""
    return {
        "version": __version__,
        "at": round(report.at + epoch, 3),
        "pools": [_pool(pool, report, epoch) for pool in report.pools],
    }


def _pool(report: PoolReport, whole: Report, epoch: float) -> Document:
    pool, plan = report.pool, report.plan
    mine = {k: s for k, s in whole.targets.items() if k.pool == pool.name}
    order = sorted(mine, key=lambda key: address_order(key.address))
    return {
        "name": pool.name,
        "zone": pool.zone,
        "records": list(pool.records),
        "role": "member" if pool.member else "witness",
        "own": [own.address for own in pool.own],
        "mode": pool.mode.value,
        "warming_up": report.warming,
        "error": report.error or None,
        "read_at": _unix(report.read_at, epoch),
        "next_look_at": _unix(report.again_at, epoch),
        "fail_open": bool(plan.fail_open),
        "holds": sorted({w.hold.value for w in plan.withheld}),
        "targets": [_target(k, mine[k], report, whole.at, epoch) for k in order if not k.reference],
        "references": [_target(k, mine[k], report, whole.at, epoch) for k in order if k.reference],
        "record_sets": [
            _record_set(report, RecordSetKey(name, type_))
            for name in pool.records
            for type_ in pool.types
        ],
        "planned": [f"create {c.name} {c.type.value} {c.value}" for c in plan.creates]
        + [
            f"delete {d.record.name} {d.record.type.value} {d.record.value} ({d.ground.value})"
            for d in plan.deletes
        ],
        "last_changes": [_change(change) for change in report.changes],
    }


def _target(
    key: TargetKey, state: TargetState, report: PoolReport, now_at: float, epoch: float
) -> Document:
    now, last = state.health, state.last
    address = key.address
    withheld = {w.hold.value for w in report.plan.withheld if w.record.value == address}
    drain, contest = report.drains.get(address), report.contests.get(address, Contest())
    contested_until = contest.until if now_at < contest.until else None
    omitted = {o.reason.value for o in report.plan.omitted if o.address == address}
    return {
        "name": state.target.name,
        "address": address,
        "own": any(own.address == address for own in report.pool.own),
        "health": now.health.value,
        "since": _unix(now.since, epoch),
        "consecutive_failures": now.failures,
        "consecutive_successes": now.successes,
        "published": any(r.value == address for r in report.records),
        "not_withdrawn": sorted(withheld),
        "not_published": sorted(omitted),
        "remembered": address in report.remembered,
        "drained_until": _unix(drain.until if drain else None, epoch),
        "contested_until": _unix(contested_until, epoch),
        "returns": contest.returns,
        "probe": {
            "protocol": state.target.probe.protocol.value,
            "address": state.target.probe.address,
            "port": state.target.probe.port or None,
        },
        "last_probe": last
        and {
            "outcome": last.outcome.value,
            "reason": last.reason.value if last.reason else None,
            "detail": last.detail or None,
            "seconds": round(last.duration, 6),
            "at": _unix(last.started, epoch),
        },
        "next_probe_at": _unix(state.next_at, epoch),
        "probes": state.tally.probes,
        "failures": sum(state.tally.failures.values()),
    }


def _record_set(report: PoolReport, key: RecordSetKey) -> Document:
    records = [r for r in report.records if (r.name, r.type) == key]
    values = sorted({r.value for r in records}, key=address_order)
    return {
        "name": key.name,
        "type": key.type.value,
        "published": values,
        "desired": list(report.plan.desired.get(key, ())),
        "foreign": report.plan.foreign.get(key, 0),
        "in_sync": report.in_sync(key),
        "ttl": min((r.ttl for r in records), default=None),
    }


def _change(change: Change) -> Document:
    record = change.record
    return {
        "action": change.action,
        "record": f"{record.name} {record.type.value} {record.value}",
        "ground": change.ground.value if change.ground else None,
        "error": change.error or None,
    }


def _unix(at: float | None, epoch: float) -> float | None:
    return None if at is None else round(at + epoch, 3)


def explain(status: Document, wanted: str) -> list[Document]:
    """What is known of the target with this address or name, one entry per pool that has it."""
    with suppress(ValueError):  # then it is a name
        wanted = canonical_address(wanted)
    return [
        {"pool": pool["name"], "zone_error": pool["error"], "warming_up": pool["warming_up"], **t}
        for pool in status["pools"]
        for t in pool["targets"]
        if wanted in (t["address"], t["name"])
    ]
