"""Providers whose smallest unit is a whole record set: a write replaces all of its values.

A value is added or taken out by reading the set and writing it anew. Between the two somebody else
may write: one of the two writes is then lost, and the next cycle of whoever misses something puts
it back. What can't happen is an empty name: a set of addresses is never written without a value,
whatever the caller says. So withdrawals need no lock; one would not keep them from creates, which
take none (docs/adr/0020-whole-record-sets.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from dnsbalancer_exporter import names
from dnsbalancer_exporter.errors import ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.keystone import Login
from dnsbalancer_exporter.provider.patience import patient
from dnsbalancer_exporter.provider.versions import Versions

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RecordSet:
    """A record set as it is stored: canonical ``name`` and ``values``, a TTL in seconds.

    ``id`` is the provider's, or empty; ``hidden`` are contents, as the provider writes them, that
    are stored and not served.
    """

    id: str
    name: str
    type: RecordType
    ttl: int
    values: tuple[str, ...]
    hidden: tuple[str, ...] = ()


class Sets(Protocol):
    """A provider's record sets. Every method raises ProviderError, one that writes AnswerLost."""

    name: str
    clock: Callable[[], float]

    def read(self, zone: str, kind: RecordType, deadline: float) -> tuple[RecordSet, ...]:
        """All record sets of a type in a zone."""
        ...

    def write(self, zone: str, wanted: RecordSet, what: tuple[str, str], deadline: float) -> None:
        """Have ``wanted`` be the whole set, or not be there if it has no value: one attempt.

        ``what`` is the operation, one of API_OPERATIONS, and what completes "cannot ...".
        Raises Conflict if a set that was not there is there now, as far as the provider can tell.
        """
        ...


class LoggedIn(Sets, Protocol):
    """Record sets behind a login."""

    def log_in(self, budget: float) -> Login | None:
        """As LogsIn.log_in."""
        ...

    @property
    def token_expires_at(self) -> float | None:
        """As LogsIn.token_expires_at."""
        ...


class RecordSets:
    """A driver, and Exchanging, over ``sets``. ``write_budget`` is in seconds."""

    def __init__(self, sets: Sets, *, write_budget: float, sleep: Sleep = time.sleep) -> None:
        self._sets = sets
        self._sleep = sleep
        self._write_budget = write_budget
        self._versions: dict[str, Versions] = {}

    def list_records(self, zone: str, type: RecordType, budget: float) -> tuple[Record, ...]:
        """All records of ``type`` in ``zone``, sorted; repeats what may pass within ``budget``."""
        zone, deadline = names.fqdn("@", zone), self._sets.clock() + budget
        again = patient(deadline, self._sets.clock, self._sleep)
        return self._known(zone, type, again(self._sets.read, zone, type, deadline))

    def create_record(self, zone: str, create: Create) -> Record:
        """Add one value to its set; a set that exists keeps its TTL (RFC 2181, 5.2)."""
        zone = names.fqdn("@", zone)
        deadline = self._sets.clock() + self._write_budget
        subject = f"create {create.name} {create.type.value} {create.value!r}"
        new = RecordSet("", create.name, create.type, create.ttl, ())
        there = self._set(zone, create.name, create.type, deadline) or new
        if create.value in there.values:
            raise Conflict(f"{self._sets.name}: cannot {subject}: it is there already")
        wanted = replace(there, values=(*there.values, create.value))
        self._sets.write(zone, wanted, ("create_record", subject), deadline)
        return self._of(zone).made(create, there.ttl)

    def delete_record(self, zone: str, record: Record) -> None:
        """Take one value out of its set, unless it has gone; the last address does not go."""
        zone = names.fqdn("@", zone)
        deadline = self._sets.clock() + self._write_budget
        found = self._sets.read(zone, record.type, deadline)
        if any(there.id == record.id for there in self._known(zone, record.type, found)):
            here = next(s for s in found if s.name == record.name)
            self._without(zone, here, (record,), deadline)

    def delete_records(self, zone: str, seen: tuple[Record, ...], gone: tuple[Record, ...]) -> None:
        """In one write, take ``gone`` out of a set that holds exactly the values of ``seen``.

        Raises Conflict, and has done nothing, if a read just before shows another set.
        """
        zone, (name, kind) = names.fqdn("@", zone), (seen[0].name, seen[0].type)
        deadline = self._sets.clock() + self._write_budget
        there = self._set(zone, name, kind, deadline)
        if there is None or set(there.values) != {record.value for record in seen}:
            said = f"{self._sets.name}: {name} {kind.value} has been written since it was read"
            raise Conflict(said)
        self._without(zone, there, gone, deadline)

    def _without(
        self, zone: str, there: RecordSet, gone: tuple[Record, ...], deadline: float
    ) -> None:
        going = {record.value for record in gone}
        subject = f"delete {there.name} {there.type.value} {', '.join(map(repr, sorted(going)))}"
        left = tuple(value for value in there.values if value not in going)
        if not left and there.type is not RecordType.TXT:
            said = f"{self._sets.name}: will not {subject}: it is the last of its name"
            raise ProviderError(ApiReason.CLIENT_ERROR, said)
        wanted = replace(there, values=left)
        self._sets.write(zone, wanted, ("delete_record", subject), deadline)
        self._of(zone).gone(gone)

    def _set(self, zone: str, name: str, kind: RecordType, deadline: float) -> RecordSet | None:
        found = self._sets.read(zone, kind, deadline)
        return next((there for there in found if there.name == name), None)

    def _known(
        self, zone: str, kind: RecordType, sets: tuple[RecordSet, ...]
    ) -> tuple[Record, ...]:
        ttls = {(s.name, kind, value): s.ttl for s in sets for value in s.values}
        return self._of(zone).listed(kind, ttls)

    def _of(self, zone: str) -> Versions:
        return self._versions.setdefault(zone, Versions())


class RecordSetsWithLogin(RecordSets):
    """The same for a provider that one logs in to: LogsIn."""

    def __init__(self, sets: LoggedIn, *, write_budget: float, sleep: Sleep = time.sleep) -> None:
        super().__init__(sets, write_budget=write_budget, sleep=sleep)
        self._logged_in = sets

    def log_in(self, budget: float) -> Login | None:
        """Log in, if that is not done yet, within ``budget`` seconds."""
        return self._logged_in.log_in(budget)

    @property
    def token_expires_at(self) -> float | None:
        """When the login in use expires; None without one."""
        return self._logged_in.token_expires_at


def as_written(kind: RecordType, value: str) -> str:
    """A value as zone files write it."""
    return quoted(value) if kind is RecordType.TXT else value


def as_meant(kind: RecordType, content: str) -> str:
    """The canonical value of what zone files write; ValueError if it is none."""
    return unquoted(content) if kind is RecordType.TXT else names.canonical_address(content)


def quoted(value: str) -> str:
    """A text as zone files write it (RFC 1035, 5.1)."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(content: str) -> str:
    """The text of a TXT content as zone files write it; several strings are one text.

    Raises ValueError for what is none.
    """
    text, inside, at = bytearray(), False, 0
    while at < len(content):
        character, at = content[at], at + 1
        if character == '"':
            inside = not inside
        elif character == "\\":
            digits = content[at : at + 3]
            if len(digits) == 3 and digits.isdecimal() and int(digits) < 256:
                text.append(int(digits))
                at += 3
            elif at < len(content):
                text += content[at].encode()
                at += 1
            else:
                raise ValueError("a text that ends in a backslash")
        elif inside or not character.isspace():
            text += character.encode()
    if inside:
        raise ValueError("a text without its last quotation mark")
    return text.decode("utf-8", "backslashreplace")
