"""What is kept between two runs: drains, learned targets that were withdrawn, restraints.

One small file in `state_dir`, written anew as a whole (a temporary file, fsync, rename) when
something in it has changed. Its times are Unix times; a wall clock that was set meanwhile can make
no delay longer than its rule allows. A file that cannot be used, whatever the reason, is set aside
under another name: it is never a reason not to start, and neither is a full disk.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import reprlib
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dnsbalancer_exporter import restraint
from dnsbalancer_exporter.model import LONGEST_DRAIN, Contest, Drain, Kept, Pool, Restraint
from dnsbalancer_exporter.names import canonical_address

NAME = "state.json"
TEMPORARY = f".{NAME}-"
VERSION = 1
LARGEST = 16 * 1024 * 1024
FARTHEST = 1e12
"""No time is farther from 1970 than so many seconds."""

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
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable("it is no regular file")
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is a descriptor
        data = stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Unusable(f"it is larger than {LARGEST} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"it is no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise Unusable(f"it is not of version {VERSION}")
    return document


def write(folder: str, document: Document) -> None:
    """Put ``document`` in the place of the file, or leave the file as it is: OSError."""
    data = json.dumps(document, indent=1, sort_keys=True, allow_nan=False).encode()
    descriptor, name = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
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
    _sync(folder)


def _sync(folder: str) -> None:
    """Have the new name outlive a loss of power, where the file system can promise it."""
    descriptor = os.open(folder, os.O_RDONLY)
    with contextlib.suppress(OSError):
        os.fsync(descriptor)
    os.close(descriptor)


class Claim:
    """The right to write in a folder: one process has it, until it ends.

    Of two daemons on one folder the later save would undo the drains of the other.
    """

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def take(self, folder: str) -> None:
        """Make ``folder`` and have it, and no other; OSError if that cannot be."""
        Path(folder).mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if self._has(descriptor):
                os.close(descriptor)
                return
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise OSError("another daemon keeps its state there") from None
        except OSError:
            pass  # a file system without locks: who shares it cannot be told
        self.release()
        self._descriptor = descriptor
        for left in Path(folder).glob(f"{TEMPORARY}*"):
            with contextlib.suppress(OSError):
                left.unlink()  # of a process that was killed while it wrote

    def write(self, folder: str, document: Document) -> None:
        """As `write`, if we may; raises OSError."""
        self.take(folder)
        write(folder, document)

    def release(self) -> None:
        """Let another process have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _has(self, descriptor: int) -> bool:
        return self._descriptor is not None and os.path.samestat(
            os.fstat(self._descriptor), os.fstat(descriptor)
        )


def load(
    folder: str, pools: Iterable[Pool], epoch: float, now: float
) -> tuple[Mapping[str, Kept], str]:
    """What was kept of ``pools``, by name, and a warning; "" if all is well.

    ``now`` is the process's clock, ``epoch`` makes it Unix time. What cannot be used, or not even
    be read, is set aside: the next save would take its place.
    """
    try:
        return of_document(read(folder), pools, epoch, now), ""
    except (Unusable, OSError) as error:
        fate = _set_aside(folder, now + epoch)
        return {}, f"{Path(folder) / NAME} cannot be used ({error}); {fate}"


def _set_aside(folder: str, unix: float) -> str:
    path = Path(folder) / NAME
    aside_name = f"{NAME}.unusable-{int(unix)}"
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
    made["remembered"] = {a: _to_time(until, epoch) for a, until in kept.remembered.items()}
    made["proven"] = sorted(kept.proven)
    return made


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
    remembered = _by_address(entry.get("remembered", {}))
    ends = {address: _of_time(until, epoch) for address, until in remembered.items()}
    proven = frozenset(str(label) for label in _a(list, entry.get("proven", [])))
    return Kept(remembered=ends, proven=proven, **tables)


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
        a: min(until, now + pool.remember + lasts.get(a, 0.0))
        for a, until in kept.remembered.items()
    }
    return Kept(
        drains={a: d for a, d in drains.items() if now < d.until},
        remembered={a: until for a, until in remembered.items() if now < until},
        contests=contests,
        restraints=restraints,
        proven=kept.proven,
    )
