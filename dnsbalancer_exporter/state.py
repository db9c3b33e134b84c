"""What is kept between two runs: drains, learned targets that were withdrawn, restraints.

One small file in `state_dir`, written anew as a whole (a temporary file, fsync, rename) when
something in it has changed. Its times are Unix times; a wall clock that was set meanwhile can make
no delay longer than its rule allows. A file that is damaged or not ours is set aside under another
name: it is never a reason not to start, and neither is a full disk.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.model import Contest, Drain, Kept, Pool, Restraint
from dnsbalancer_exporter.names import canonical_address

NAME = "state.json"
VERSION = 1
LARGEST = 16 * 1024 * 1024

Document = dict[str, Any]


class Unusable(ValueError):
    """What was found is no state file of ours; the text says why."""


# --- the file -----------------------------------------------------------------------------


def read(folder: str) -> Document:
    """The document in the file, {} if there is none. Raises Unusable, OSError."""
    try:
        # Without O_NONBLOCK a named pipe of this name would be waited for.
        descriptor = os.open(Path(folder) / NAME, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return {}
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is a descriptor
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unusable("it is no regular file")
        data = stream.read(LARGEST + 1)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise Unusable(f"it is not of version {VERSION}")
    return document


def write(folder: str, document: Document) -> None:
    """Put ``document`` in the place of the file, or leave the file as it is: OSError."""
    Path(folder).mkdir(mode=0o755, parents=True, exist_ok=True)
    data = json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
    descriptor, name = tempfile.mkstemp(prefix=f".{NAME}-", dir=folder)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123 - it is a descriptor
            stream.write(data)
            stream.flush()
            os.fsync(descriptor)
        Path(name).replace(Path(folder) / NAME)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def load(
    folder: str, pools: Iterable[Pool], epoch: float, now: float
) -> tuple[Mapping[str, Kept], str]:
    """What was kept of ``pools``, by name, and a warning; "" if all is well.

    ``now`` is the process's clock, ``epoch`` makes it Unix time. What cannot be used is set aside.
    """
    try:
        return of_document(read(folder), pools, epoch, now), ""
    except Unusable as error:
        fate = _set_aside(folder, now + epoch)
        return {}, f"{Path(folder) / NAME} cannot be used ({error}); {fate}"
    except OSError as error:
        return {}, f"{Path(folder) / NAME} cannot be read: {error}"


def _set_aside(folder: str, unix: float) -> str:
    path = Path(folder) / NAME
    aside_name = f"{NAME}.damaged-{int(unix)}"
    try:
        path.rename(path.with_name(aside_name))
    except OSError as error:
        return f"nor could it be set aside: {error}"
    return f"it was set aside as {aside_name}, and what it kept (drains!) is not in force"


# --- the document -------------------------------------------------------------------------


class Kind(NamedTuple):
    """How one kind of value stands in the file: to it and from it, by the epoch."""

    to_file: Callable[[Any, float], Any]
    of_file: Callable[[Any, float], Any]


def _to_time(at: float, epoch: float) -> float:
    return round(at + epoch, 1)


def _of_time(value: Any, epoch: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unusable(f"{value!r} is no time")
    return float(value) - epoch


def _of_count(value: Any, _: float) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**6:
        raise Unusable(f"{value!r} is no number of events")
    return value


def _of_flag(value: Any, _: float) -> bool:
    if not isinstance(value, bool):
        raise Unusable(f"{value!r} is neither true nor false")
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
        raise Unusable(f"{value!r} is no {kind.__name__}")
    return value


def _by_address(found: Any) -> dict[str, Any]:
    for address in _a(dict, found):
        try:
            canonical = canonical_address(address)
        except ValueError:
            canonical = ""
        if canonical != address:
            raise Unusable(f"{address!r} is no address")
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
    made["remembered"] = {a: _to_time(until, epoch) for a, until in kept.remembered.items()}
    made["proven"] = sorted(kept.proven)
    return made


def of_document(
    document: Document, pools: Iterable[Pool], epoch: float, now: float
) -> dict[str, Kept]:
    """What the document keeps of ``pools``, by name; raises Unusable. ``now`` is the clock's time.

    What is kept of a pool that has another zone or other records by now is not its own.
    """
    found = _a(dict, document.get("pools", {}))
    return {
        pool.name: _fit(_to_kept(entry, epoch), pool, now)
        for pool in pools
        if (entry := found.get(pool.name))
        and (_a(dict, entry).get("zone"), entry.get("records")) == (pool.zone, list(pool.records))
    }


def _to_kept(entry: Document, epoch: float) -> Kept:
    try:
        tables = {
            name: {
                address: made(
                    **{k: kind.of_file(_a(dict, values)[k], epoch) for k, kind in f.items()}
                )
                for address, values in _by_address(entry[name]).items()
            }
            for name, (made, f) in TABLE.items()
        }
        remembered = _by_address(entry["remembered"])
        proven = frozenset(str(label) for label in _a(list, entry["proven"]))
    except KeyError as error:
        raise Unusable(f"{error} is missing") from None
    ends = {address: _of_time(until, epoch) for address, until in remembered.items()}
    return Kept(remembered=ends, proven=proven, **tables)


def _fit(kept: Kept, pool: Pool, now: float) -> Kept:
    """Drop what is over; let nothing last longer than its rule allows, whatever the clocks did."""
    drains = {
        address: replace(d, until=min(d.until, now + max(0.0, d.until - d.since)))
        for address, d in kept.drains.items()
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
    remembered = {a: min(until, now + pool.remember) for a, until in kept.remembered.items()}
    return Kept(
        drains={a: d for a, d in drains.items() if now < d.until},
        remembered={a: until for a, until in remembered.items() if now < until},
        contests=contests,
        restraints=restraints,
        proven=kept.proven,
    )
