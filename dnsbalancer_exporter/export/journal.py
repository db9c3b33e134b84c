"""The journal: one line per transition, write, hold begun or ended, error begun or ended.

Nothing is said of a healthy probe. Events are drawn from what changed between two states or two
reports, logged once and kept for the page; failures outlive successes there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dnsbalancer_exporter.export import votes
from dnsbalancer_exporter.export.votes import Line
from dnsbalancer_exporter.model import Health, Outcome, Pool, TargetKey
from dnsbalancer_exporter.report import Change, PoolReport, TargetState

LOG = logging.getLogger("dnsbalancer")
KEPT = 50
"""How many events are remembered, and how many failures beyond them."""
PASSING_HOLDS = {"unknown_health", "no_quorum", "max_withdrawals", "no_lock"}
"""Holds that are part of an orderly failover; if one lasts, a metric shows it."""

LOCK_LEVELS = {
    "failed": logging.WARNING,
    "not_unique": logging.WARNING,
    "broken": logging.WARNING,
    "left": logging.WARNING,
}


DNS_TROUBLE = {"dns_behind_begin", "dns_find_failed"}
"""What is told of DNS as a warning."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth a line: a constant ``name``, a sentence, and the fields for machines."""

    at: float
    level: int
    name: str
    text: str
    fields: Mapping[str, str]

    @property
    def severity(self) -> str:
        """The level as a word: debug, info, warning or error."""
        return logging.getLevelName(self.level).lower()


class LockNews(NamedTuple):
    """What last became of a zone's lock: one of LOCK_EVENTS, when (Unix time), and a detail."""

    event: str
    at: float
    detail: str


class Journal:
    """Logs events and keeps the last of them; ``unix_now`` gives their time."""

    def __init__(self, unix_now: Callable[[], float]) -> None:
        self.began_at = unix_now()
        self._unix_now = unix_now
        self._kept: tuple[Event, ...] = ()
        self._lock_trouble: dict[str, str] = {}
        self._vote_trouble: dict[str, str] = {}
        self._state_error = ""
        self._lock_news: dict[str, LockNews] = {}

    def events(self) -> tuple[Event, ...]:
        """The last KEPT events, newest first, and after them the last KEPT older failures."""
        return self._kept

    def lock(self, zone: str) -> LockNews | None:
        """What last became of the lock of a zone; None if it was not used yet."""
        return self._lock_news.get(zone)

    def say(self, level: int, name: str, text: str, **fields: str) -> None:
        """Log and keep one event."""
        event = Event(self._unix_now(), level, name, text, fields)
        kept = (event, *self._kept)  # a new tuple each time: other threads read it as it is
        older = [e for e in kept[KEPT:] if e.level >= logging.WARNING]
        self._kept = (*kept[:KEPT], *older[:KEPT])
        LOG.log(level, text, extra={"event": name, "fields": fields})

    def begun(self, pool: Pool) -> None:
        """Tell of a pool that is looked after from now on, or in another way."""
        role, names = "member" if pool.member else "witness", ", ".join(pool.records)
        text = f"{role} of {names} in zone {pool.zone}, {pool.mode.value} mode"
        self.say(logging.INFO, "begin", text, pool=pool.name)

    def judged(self, key: TargetKey, before: TargetState, after: TargetState) -> None:
        """Tell of a transition, and of the begin and end of a run of ERRORs."""
        fields = {"pool": key.pool, "target": after.target.name, "address": key.address}
        what = "reference" if key.reference else "target"
        last = after.last
        if before.health.health is not after.health.health:
            down = after.health.health is Health.DOWN
            why = f": {last.reason.value}" if last and last.reason else ""
            self.say(
                logging.WARNING if down else logging.INFO,
                f"{what}_{after.health.health.value}",
                f"{what} {after.target.name} is {after.health.health.value}{why}",
                was=before.health.health.value,
                **fields,
            )
        if after.health.errors and not before.health.errors and last:
            reason = last.reason.value if last.reason else "internal"
            text = f"cannot probe {after.target.name}: {last.detail or reason}"
            self.say(logging.WARNING, "probe_error", text, reason=reason, **fields)
        elif before.health.errors and last and last.outcome is not Outcome.ERROR:
            self.say(logging.INFO, "probe_works", f"can probe {after.target.name} again", **fields)

    def locked(self, zone: str, event: str, detail: str) -> None:
        """Tell of the lock of withdrawals; taking and releasing it is no news."""
        self._lock_news[zone] = LockNews(event, self._unix_now(), detail)
        again = self._lock_trouble.get(zone) == event
        level = logging.DEBUG if again else LOCK_LEVELS.get(event, logging.DEBUG)
        if event in LOCK_LEVELS or event == "taken":
            self._lock_trouble[zone] = event
        text = detail or f"the lock was {event}"
        if level == logging.DEBUG:
            LOG.debug(text, extra={"event": f"lock_{event}", "fields": {"zone": zone}})
        else:
            self.say(level, f"lock_{event}", text, zone=zone)

    def voted(self, pool: str, event: str, detail: str) -> None:
        """Tell of a vote of ours: one of VOTE_EVENTS; what goes as it should is no news."""
        again = self._vote_trouble.get(pool) == event
        level = logging.DEBUG if again else votes.VOTE_LEVELS.get(event, logging.DEBUG)
        if event in votes.VOTE_LEVELS or event == "cast":
            self._vote_trouble[pool] = event
        text = detail or f"our vote was {event.replace('_', ' ')}"
        if level == logging.DEBUG:
            LOG.debug(text, extra={"event": f"vote_{event}", "fields": {"pool": pool}})
        else:
            self.say(level, f"vote_{event}", text, pool=pool)

    def saved(self, error: str) -> None:
        """Tell that what is kept cannot be saved, once, and that it can be again."""
        if error and error != self._state_error:
            text = f"what is kept between runs (drains ..) cannot be saved: {error}"
            self.say(logging.WARNING, "state_failed", text)
        elif self._state_error and not error:
            self.say(logging.INFO, "state_saved", "what is kept between runs is saved again")
        self._state_error = error

    def inventory(self, path: str, problem: str, targets: int) -> None:
        """Tell of the file that targets are taken from: a new list, or why it is not used."""
        if problem:
            text = f"the old list of {targets} targets stays in use: {path}: {problem}"
            self.say(logging.ERROR, "targets_file_refused", text, file=path)
        else:
            text = f"{targets} targets of {path} are in use"
            self.say(logging.INFO, "targets_file_read", text, file=path)

    def dns(self, event: str, text: str, zone: str) -> None:
        """Tell that DNS began, or ceased, to differ from the API, or cannot be asked."""
        level = logging.WARNING if event in DNS_TROUBLE else logging.INFO
        self.say(level, event, text, zone=zone)

    def wrote(self, pool: Pool, change: Change) -> None:
        """Tell of a write, or of an attempt at one."""
        record = change.record
        what = f"{record.name} {record.type.value} {record.value}"
        fields = {"record": record.name, "type": record.type.value, "address": record.value}
        if change.ground:
            fields["ground"] = change.ground.value
        level, name = logging.INFO, f"record_{change.action}"
        if change.error:
            level, name = logging.WARNING, f"{name}_failed"
            text = f"could not {change.action} {what}: {change.error}"
        else:
            why = f" ({change.ground.value})" if change.ground else ""
            text = f"{change.action}d {what}{why}"
        self.say(level, name, text, pool=pool.name, **fields)

    def cycled(self, before: PoolReport | None, after: PoolReport) -> None:
        """Tell of holds and of errors that began or ended with this cycle."""
        for level, name, text, fields in _differences(before, after):
            self.say(level, name, text, pool=after.pool.name, **fields)


def _differences(before: PoolReport | None, after: PoolReport) -> Iterator[Line]:
    for gap in after.gaps:
        text = f"{gap.name} {gap.type.value} was found empty, and was not so before"
        yield logging.ERROR, "record_gap", text, {"record": gap.name, "type": gap.type.value}
    held_before, held = _held(before), _held(after)
    for address, reason in sorted(held - held_before):
        text = f"withdrawal of {address} is withheld: {reason}"
        level = logging.INFO if reason in PASSING_HOLDS else logging.WARNING
        yield level, "hold_begin", text, {"address": address, "reason": reason}
    for address, reason in sorted(held_before - held):
        text = f"withdrawal of {address} is no longer withheld: {reason}"
        yield logging.INFO, "hold_end", text, {"address": address, "reason": reason}
    yield from votes.news(before, after)
    error_before = before.error if before else ""
    if after.error and not error_before:
        text = f"the zone stays as it is: {after.error}"
        yield logging.WARNING, "zone_error", text, {"zone": after.pool.zone}
    elif error_before and not after.error:
        yield logging.INFO, "zone_works", "the zone can be read again", {"zone": after.pool.zone}


def _held(report: PoolReport | None) -> set[tuple[str, str]]:
    withheld = report.plan.withheld if report else ()
    return {(w.record.value, w.hold.value) for w in withheld}
