"""The document that is kept between two runs, and what of it holds by now.

Its times are Unix times; a wall clock that was set meanwhile can make no delay longer than its rule
allows. Whatever is not as it should be makes the whole document Unusable: half of it is worse than
none, since none is said.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.model import LONGEST_DRAIN, Contest, Drain, Entry, Kept, Pool, Restraint
from dnsbalancer_exporter.names import canonical_address

VERSION = 1
FARTHEST = 1e12
"""No time is farther from 1970 than so many seconds."""

Document = dict[str, Any]


class Unusable(ValueError):
    """What was found is no state file of ours; the text says why."""


class Kind(NamedTuple):
    """How one kind of value stands in the file: to it and from it, by the epoch."""

    to_file: Callable[[Any, float], Any]
    of_file: Callable[[Any, float], Any]


def _to_time(at: float, epoch: float) -> float:
    return round(at + epoch, 1)


def _of_time(value: Any, epoch: float) -> float:
    a_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (a_number and abs(value) < FARTHEST):
        raise Unusable(f"{reprlib.repr(value)} is no time")
    return float(value) - epoch


def _of_count(value: Any, _: float) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**6:
        raise Unusable(f"{reprlib.repr(value)} is no number of events")
    return value


def _of_flag(value: Any, _: float) -> bool:
    if not isinstance(value, bool):
        raise Unusable(f"{reprlib.repr(value)} is neither true nor false")
    return value


def _as_it_is(value: Any, _: float) -> Any:
    return value


TIME = Kind(_to_time, _of_time)
COUNT = Kind(_as_it_is, _of_count)
FLAG = Kind(_as_it_is, _of_flag)
TIMES = Kind(
    lambda times, epoch: [_to_time(at, epoch) for at in times],
    lambda times, epoch: tuple(_of_time(at, epoch) for at in _a(list, times)),
)
PERHAPS_TIME = Kind(
    lambda at, epoch: None if at is None else _to_time(at, epoch),
    lambda at, epoch: None if at is None else _of_time(at, epoch),
)

TABLE: Mapping[str, tuple[type, Mapping[str, Kind]]] = {
    "drains": (Drain, {"since": TIME, "until": TIME, "forced": FLAG}),
    "contests": (
        Contest,
        {
            "returns": COUNT,
            "until": TIME,
            "agreed_since": PERHAPS_TIME,
            "returned_at": PERHAPS_TIME,
        },
    ),
    "restraints": (Restraint, {"events": TIMES, "step": COUNT, "until": TIME}),
}
"""What is kept by address, and of what kind its fields are."""


def _a(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise Unusable(f"{reprlib.repr(value)} is no {kind.__name__}")
    return value


def _by_address(found: Any) -> dict[str, Any]:
    for address in _a(dict, found):
        try:
            canonical = canonical_address(address)
        except ValueError:
            canonical = ""
        if canonical != address:
            raise Unusable(f"{reprlib.repr(address)} is no address")
    return dict(found)


def to_document(kept: Iterable[tuple[Pool, Kept]], epoch: float) -> Document:
    """The document of what is kept; ``epoch`` turns the process's clock into Unix time."""
    return {
        "version": VERSION,
        "pools": {pool.name: _of_kept(pool, some, epoch) for pool, some in kept},
    }


def _of_kept(pool: Pool, kept: Kept, epoch: float) -> Document:
    made: Document = {"zone": pool.zone, "records": list(pool.records)}
    for name, (_, fields) in TABLE.items():
        made[name] = {
            address: {key: kind.to_file(getattr(entry, key), epoch) for key, kind in fields.items()}
            for address, entry in getattr(kept, name).items()
        }
    made["remembered"] = _of_remembered(pool, kept, epoch)
    made["proven"] = sorted(kept.proven)
    return made


def _of_remembered(pool: Pool, kept: Kept, epoch: float) -> Document:
    """By address, until when it is one to put back: for each name, or once for a pool of one."""
    made: Document = {}
    for (name, address), until in kept.remembered.items():
        if len(pool.records) == 1:
            made[address] = _to_time(until, epoch)
        else:
            made.setdefault(address, {})[name] = _to_time(until, epoch)
    return made


def _to_remembered(entry: Document, epoch: float) -> dict[Entry, float]:
    names = [str(name) for name in _a(list, entry.get("records", []))]
    return {
        Entry(str(name), address): _of_time(until, epoch)
        for address, ends in _by_address(entry.get("remembered", {})).items()
        for name, until in (ends if isinstance(ends, dict) else dict.fromkeys(names, ends)).items()
    }


def of_document(
    document: Document, pools: Iterable[Pool], epoch: float, now: float
) -> dict[str, Kept]:
    """What the document keeps of ``pools``, by name; raises Unusable. ``now`` is the clock's time.

    What is kept of a pool of another zone is not its own. If it has other records by now, what was
    learned from the old ones is forgotten; an operator's word is about the address, and stays.
    """
    found = _a(dict, document.get("pools", {}))
    after = {}
    for pool in pools:
        entry = _a(dict, found.get(pool.name, {}))
        if entry.get("zone") == pool.zone:
            kept = _to_kept(entry, epoch)
            if set(map(str, _a(list, entry.get("records")))) != set(pool.records):
                kept = replace(kept, remembered={}, contests={})
            after[pool.name] = _fit(kept, pool, now)
    return after


def _to_kept(entry: Document, epoch: float) -> Kept:
    """Fields are only ever added: one that is not there has its default."""
    tables = {
        name: {
            address: _made(made, fields, _a(dict, values), epoch)
            for address, values in _by_address(entry.get(name, {})).items()
        }
        for name, (made, fields) in TABLE.items()
    }
    proven = frozenset(str(label) for label in _a(list, entry.get("proven", [])))
    return Kept(remembered=_to_remembered(entry, epoch), proven=proven, **tables)


def _made(kind: type, fields: Mapping[str, Kind], values: Document, epoch: float) -> Any:
    there = {key: k.of_file(values[key], epoch) for key, k in fields.items() if key in values}
    try:
        return kind(**there)
    except TypeError as error:
        raise Unusable(str(error)) from None


def _fit(kept: Kept, pool: Pool, now: float) -> Kept:
    """Drop what is over; let nothing last longer than its rule allows, whatever the clocks did."""
    lasts = {a: min(LONGEST_DRAIN, max(0.0, d.until - d.since)) for a, d in kept.drains.items()}
    drains = {
        a: replace(d, since=min(d.since, now), until=min(d.until, now + lasts[a]))
        for a, d in kept.drains.items()
    }
    contests = {
        address: replace(
            c,
            until=min(c.until, now + restraint.CONTESTED_CAP),
            agreed_since=None if c.agreed_since is None else min(c.agreed_since, now),
            returned_at=None if c.returned_at is None else min(c.returned_at, now),
        )
        for address, c in kept.contests.items()
    }
    restraints = {
        address: replace(
            r,
            events=tuple(min(at, now) for at in r.events),
            until=min(r.until, now + restraint.HOLD_DOWN_CAP),
        )
        for address, r in kept.restraints.items()
    }
    remembered = {
        e: min(until, now + pool.remember + lasts.get(e.address, 0.0))
        for e, until in kept.remembered.items()
    }
    return Kept(
        drains={a: d for a, d in drains.items() if now < d.until},
        remembered={e: until for e, until in remembered.items() if now < until},
        contests=contests,
        restraints=restraints,
        proven=kept.proven,
    )
