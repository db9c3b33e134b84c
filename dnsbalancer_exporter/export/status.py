"""The Report as plain data: `/api/v1/status`, and what the page and the verbs are drawn from.

Times are Unix times in seconds, absent things are null. Fields are only ever added;
docs/status-api.md has them all, and a test compares it with a live answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.export import votes
from dnsbalancer_exporter.export.instruments import ApiCounts, Instruments
from dnsbalancer_exporter.export.journal import Event, Journal, LockNews
from dnsbalancer_exporter.export.sentences import verdict
from dnsbalancer_exporter.model import Contest, Drain, ProbeResult, Record, RecordSetKey, TargetKey
from dnsbalancer_exporter.names import address_order, canonical_address
from dnsbalancer_exporter.report import Change, InDns, Inventory, PoolReport, Report, TargetState
from dnsbalancer_exporter.threads import gently
from dnsbalancer_exporter.vote import Count

Document = dict[str, Any]


class Status:
    """Gives the status document of this moment; called from any thread but the event loop's."""

    def __init__(
        self,
        report: Callable[[], Report],
        epoch: Callable[[], float],
        journal: Journal,
        instruments: Instruments,
    ) -> None:
        self._report = report
        self._epoch = epoch
        self._journal = journal
        self._instruments = instruments

    def __call__(self) -> Document:
        """The document: what is seen, and what the process did."""
        made = document(self._report(), self._epoch())
        for pool in made["pools"]:
            pool["lock"] = _lock(self._journal.lock(pool["zone"]))
        return {
            **made,
            "started_at": round(self._journal.began_at, 3),
            "api": _api(self._instruments.api()),
            "events": [_event(event) for event in self._journal.events()],
        }


def document(report: Report, epoch: float) -> Document:
    """What the Report says; ``epoch`` turns the process's clock into Unix time."""
    mine: dict[str, list[TargetKey]] = {pool.pool.name: [] for pool in report.pools}
    for key in report.targets:
        mine.setdefault(key.pool, []).append(key)
    at = round(report.at + epoch, 3)
    pools = [_pool(pool, report, mine[pool.pool.name], epoch) for pool in report.pools]
    for pool in pools:
        pool["verdict"] = verdict(pool, at)._asdict()
    head = {"version": __version__, "at": at, "config_problems": list(report.refused)}
    return {**head, "pools": pools}


def _pool(report: PoolReport, whole: Report, keys: list[TargetKey], epoch: float) -> Document:
    pool, plan = report.pool, report.plan
    keys.sort(key=lambda key: address_order(key.address))
    seen = _Seen.of(report, whole.at, epoch)
    made = gently((key, seen.target(key, whole.targets[key])) for key in keys)
    targets = dict(chain.from_iterable(made))
    return {
        "name": pool.name,
        "zone": pool.zone,
        "records": list(pool.records),
        "role": "member" if pool.member else "witness",
        "own": [own.address for own in pool.own],
        "mode": pool.mode.value,
        "targets_file": _inventory(whole.inventories.get(pool.targets_file), epoch),
        "min_records": pool.min_records,
        "timing": asdict(pool.timing),
        "warming_up": report.warming,
        "cycles": report.cycles,
        "error": report.error or None,
        "read_at": _unix(report.read_at, epoch),
        "next_look_at": _unix(report.again_at, epoch),
        "next_cycle_at": _unix(whole.due.get(pool.name), epoch),
        "fail_open": bool(plan.fail_open),
        "holds": sorted({w.hold.value for w in plan.withheld}),
        "quorum": votes.document(report, epoch),
        "targets": [target for key, target in targets.items() if not key.reference],
        "references": [target for key, target in targets.items() if key.reference],
        "record_sets": [
            _record_set(report, RecordSetKey(name, type_), whole, epoch)
            for name in pool.records
            for type_ in pool.types
        ],
        "planned": [f"create {c.name} {c.type.value} {c.value}" for c in plan.creates]
        + [f"delete {_written(d.record)} ({d.ground.value})" for d in plan.deletes],
        "last_changes": [_change(change) for change in report.changes],
    }


def _inventory(found: Inventory | None, epoch: float) -> Document | None:
    if found is None:
        return None
    return {
        "path": found.path,
        "targets": found.targets,
        "read_at": _unix(found.since, epoch),
        "problem": found.problem or None,
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a cycle says of each address, looked up once for a pool of any size."""

    epoch: float
    own: frozenset[str]
    published: frozenset[str]
    remembered: frozenset[str]
    not_withdrawn: dict[str, set[str]]
    not_published: dict[str, set[str]]
    planned: dict[str, str]
    drains: Mapping[str, Drain]
    contests: Mapping[str, Contest]
    votes: Count | None
    now: float

    @classmethod
    def of(cls, report: PoolReport, now: float, epoch: float) -> _Seen:
        """Draw it from the report of a pool."""
        plan = report.plan
        not_withdrawn: dict[str, set[str]] = {}
        for withheld in plan.withheld:
            not_withdrawn.setdefault(withheld.record.value, set()).add(withheld.hold.value)
        not_published: dict[str, set[str]] = {}
        for omitted in plan.omitted:
            not_published.setdefault(omitted.address, set()).add(omitted.reason.value)
        return cls(
            epoch,
            frozenset(own.address for own in report.pool.own),
            frozenset(record.value for record in report.records),
            frozenset(report.remembered),
            not_withdrawn,
            not_published,
            {d.record.value: "delete" for d in plan.deletes}
            | {c.value: "create" for c in plan.creates},
            report.drains,
            report.contests,
            report.votes,
            now,
        )

    def target(self, key: TargetKey, state: TargetState) -> Document:
        """One target; a reference is shown in the same way and never published."""
        now, address, mine = state.health, key.address, not key.reference
        held = "hold_down" in self.not_published.get(address, ())
        drain, contest = self.drains.get(address), self.contests.get(address, Contest())
        contested = mine and self.now < contest.until
        return {
            "name": state.target.name,
            "address": address,
            "own": mine and address in self.own,
            "health": now.health.value,
            "since": _unix(now.since, self.epoch),
            "consecutive_failures": now.failures,
            "consecutive_successes": now.successes,
            "consecutive_errors": now.errors,
            "published": mine and address in self.published,
            "not_withdrawn": sorted(self.not_withdrawn.get(address, ())),
            "not_published": sorted(self.not_published.get(address, ())),
            "hold_down_until": _unix(state.restraint.until, self.epoch) if held else None,
            "planned": self.planned.get(address) if mine else None,
            "remembered": mine and address in self.remembered,
            "drained_until": _unix(drain.until, self.epoch) if drain and mine else None,
            "contested_until": _unix(contest.until, self.epoch) if contested else None,
            "returns": contest.returns if mine else 0,
            "votes": votes.of_target(self.votes, address) if mine else None,
            "probe": {
                "protocol": state.target.probe.protocol.value,
                "address": state.target.probe.address,
                "port": state.target.probe.port or None,
                "request": state.target.probe.request or None,
            },
            "certificate_expires_at": state.certificate_expires,
            "last_probe": _probe(state.last, self.epoch),
            "next_probe_at": _unix(state.next_at, self.epoch),
            "probes": state.tally.probes,
            "failures": sum(state.tally.failures.values()),
            "failures_by_reason": {r.value: n for r, n in state.tally.failures.items()},
            "recent": state.recent.seconds(),
            "recent_reasons": [reason.value for reason in state.recent.reasons()],
        }


def _probe(last: ProbeResult | None, epoch: float) -> Document | None:
    return last and {
        "outcome": last.outcome.value,
        "reason": last.reason.value if last.reason else None,
        "detail": last.detail or None,
        "seconds": round(last.duration, 6),
        "at": _unix(last.started, epoch),
    }


def _record_set(report: PoolReport, key: RecordSetKey, whole: Report, epoch: float) -> Document:
    records = [r for r in report.records if (r.name, r.type) == key]
    values = sorted({r.value for r in records}, key=address_order)
    return {
        "name": key.name,
        "type": key.type.value,
        "published": values,
        "desired": list(report.plan.desired.get(key, ())),
        "foreign": report.plan.foreign.get(key, 0),
        "fail_open": key in report.plan.fail_open,
        "in_sync": report.in_sync(key),
        "ttl": min((r.ttl for r in records), default=None),
        "dns": _dns(whole.dns.get((report.pool.name, key), InDns(())), epoch),
    }


def _dns(found: InDns, epoch: float) -> list[Document]:
    """What each name server that is asked said last; ``reason``: why it did not answer."""
    return [
        {
            "resolver": str(server),
            "in_sync": found.in_sync(server),
            "served": said.addresses,
            "ttl": said.ttl,
            "reason": said.reason.value if said.reason else None,
            "at": _unix(said.at, epoch),
        }
        for server, said in sorted(found.served.items())
    ]


def _change(change: Change) -> Document:
    return {
        "action": change.action,
        "record": _written(change.record),
        "ground": change.ground.value if change.ground else None,
        "error": change.error or None,
    }


def _written(record: Record) -> str:
    return f"{record.name} {record.type.value} {record.value}"


def _lock(news: LockNews | None) -> Document | None:
    return news and {"event": news.event, "at": round(news.at, 3), "detail": news.detail or None}


def _api(counts: ApiCounts) -> Document:
    return {
        "requests": counts.requests,
        "failures": sum(counts.failures.values()),
        "failures_by_reason": dict(counts.failures),
        "last_success_at": counts.last_success_at and round(counts.last_success_at, 3),
    }


def _event(event: Event) -> Document:
    return {
        "at": round(event.at, 3),
        "level": event.severity,
        "name": event.name,
        "text": event.text,
        "fields": dict(event.fields),
    }


def _unix(at: float | None, epoch: float) -> float | None:
    return None if at is None else round(at + epoch, 3)


def explain(status: Document, wanted: str) -> list[Document]:
    """What is known of the target with this address or name, one entry per pool that has it."""
    with suppress(ValueError):  # then it is a name
        wanted = canonical_address(wanted)
    return [
        {
            "at": status["at"],
            "pool": pool["name"],
            "zone_error": pool["error"],
            "warming_up": pool["warming_up"],
            "timing": pool["timing"],
            **target,
        }
        for pool in status["pools"]
        for target in pool["targets"]
        if wanted in (target["address"], target["name"])
    ]
