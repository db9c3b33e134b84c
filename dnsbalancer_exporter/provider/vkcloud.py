"""VK Cloud's Public DNS, version 2: the driver ``vkcloudns``.

One JSON object per record value, lists without paging, no transaction. Collections are addressed
with a final slash, items without. Source: the vendor's OpenAPI file and the clients that exist
(docs/ has the wire contract, each fact graded); nothing that is not documented is taken for data.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dnsbalancer_exporter import names
from dnsbalancer_exporter.errors import ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.documented import (
    JsonObject,
    integer,
    json_object,
    json_objects,
    text,
)
from dnsbalancer_exporter.provider.keystone import Keystone, Login
from dnsbalancer_exporter.provider.patience import patient
from dnsbalancer_exporter.provider.wire import Answer, Call, Service, Wire

MIN_TTL = 60
"""Seconds: the API refuses less."""

MAX_TTL = 2**31
"""Seconds: the documented maximum, one above a signed 32-bit integer."""

WRITE_BUDGET = 15.0
"""Seconds for a write with all that it needs (login, zone, a second try after a 401).

Less than the lock's margin (20 s), which is the time that a DELETE may take at most.
"""

_VALUES = {RecordType.A: "ipv4", RecordType.AAAA: "ipv6", RecordType.TXT: "content"}
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_SERVICE = Service(
    "vkcloudns",
    {
        401: "the token is new, so check that the account may use DNS in the project `project_id`",
        403: "check the account's role in the project: network administrator, project "
        "administrator and owner may write, a viewer may not",
        404: "check `url` and `zone`",
    },
)


class VkCloud:
    """The driver; see provider.Driver for what its methods promise. Safe to share by threads.

    ``url`` ends in ``/v2/dns/``; ``write_budget`` is in seconds; ``sleep`` waits between reads.
    """

    def __init__(
        self,
        *,
        url: str,
        keystone: Keystone,
        wire: Wire,
        sleep: Callable[[float], None] = time.sleep,
        write_budget: float = WRITE_BUDGET,
    ) -> None:
        self._url = url
        self._keystone = keystone
        self._wire = wire
        self._sleep = sleep
        self._write_budget = write_budget
        self._zones: dict[str, str] = {}  # canonical name -> id

    def list_records(
        self,
        zone: str,
        type: RecordType,
        budget: float,
    ) -> tuple[Record, ...]:
        """All records of ``type`` in ``zone``, sorted; repeats what may pass within ``budget``."""
        deadline = self._wire.clock() + budget
        again = patient(deadline, self._wire.clock, self._sleep)
        return again(self._list, names.fqdn("@", zone), type, deadline)

    def create_record(self, zone: str, create: Create) -> Record:
        """Create a record in one attempt; a TTL below the API's minimum is raised to it."""
        zone = names.fqdn("@", zone)
        deadline = self._wire.clock() + self._write_budget
        call = Call(
            service=_SERVICE,
            operation="create_record",
            subject=f"create {create.name} {create.type.value} {create.value!r}",
            method="POST",
            url=f"{self._url}{self._zone_id(zone, deadline)}/{create.type.value.lower()}/",
            success=frozenset((200, 201, 202)),
            write=True,
            body={
                "name": names.relative(create.name, zone),
                _VALUES[create.type]: create.value,
                "ttl": max(create.ttl, MIN_TTL),
            },
        )
        try:
            return self._keystone.exchange(
                call, lambda answer: _created(answer, zone, create), deadline
            )
        except ProviderError as failure:
            error = failure
        if error.reason is ApiReason.NOT_FOUND:
            self._zones.pop(zone, None)
        raise Conflict(str(error)) if error.reason is ApiReason.CONFLICT else error

    def delete_record(self, zone: str, record: Record) -> None:
        """Delete ``record`` by its id in one attempt; one that is not there is done."""
        zone = names.fqdn("@", zone)
        deadline = self._wire.clock() + self._write_budget
        collection = f"{self._url}{self._zone_id(zone, deadline)}/{record.type.value.lower()}/"
        call = Call(
            service=_SERVICE,
            operation="delete_record",
            subject=f"delete {record.name} {record.type.value} {record.value!r} ({record.id!r})",
            method="DELETE",
            url=collection + record.id,
            success=frozenset((200, 202, 204, 404)),
            write=True,
        )
        if not _ID.fullmatch(record.id):
            raise call.error(ApiReason.CLIENT_ERROR, "the API gives no such ids; not sent")
        self._keystone.exchange(call, lambda _: None, deadline)

    def log_in(self, budget: float) -> Login | None:
        """Log in, if that is not done yet, within ``budget`` seconds."""
        return self._keystone.log_in(self._wire.clock() + budget)

    def zones(self, budget: float) -> tuple[str, ...]:
        """The names of the project's zones, sorted; repeats what may pass within ``budget``."""
        deadline = self._wire.clock() + budget
        call = _read("list_zones", "list the zones", self._url)
        again = patient(deadline, self._wire.clock, self._sleep)
        return tuple(sorted(again(self._keystone.exchange, call, _zones, deadline)))

    @property
    def token_expires_at(self) -> float | None:
        """When the login in use expires; None without one."""
        return self._keystone.expires_at

    def _list(self, zone: str, kind: RecordType, deadline: float) -> tuple[Record, ...]:
        known = zone in self._zones
        try:
            return self._records(zone, kind, deadline)
        except ProviderError as failure:
            if failure.reason is not ApiReason.NOT_FOUND or not known:
                raise
        self._zones.pop(zone, None)  # the zone was deleted and made again, under another id
        return self._records(zone, kind, deadline)

    def _records(self, zone: str, kind: RecordType, deadline: float) -> tuple[Record, ...]:
        url = f"{self._url}{self._zone_id(zone, deadline)}/{kind.value.lower()}/"
        call = _read("list_records", f"list the {kind.value} records of {zone}", url)
        return self._keystone.exchange(call, lambda answer: _listed(answer, zone, kind), deadline)

    def _zone_id(self, zone: str, deadline: float) -> str:
        held = self._zones.get(zone)
        if held is None:
            call = _read("list_zones", f"look up the zone {zone}", self._url)
            zones = self._keystone.exchange(call, _zones, deadline)
            if zone not in zones:
                said = (
                    f"the project {self._keystone.project_id} has {len(zones)} zones and this is "
                    "none of them; check `zone` and `project_id`"
                )
                raise call.error(ApiReason.NOT_FOUND, said)
            held = self._zones[zone] = zones[zone]
        return held


def _read(operation: str, subject: str, url: str) -> Call:
    success = frozenset((200,))
    return Call(_SERVICE, operation, subject, method="GET", url=url, success=success)


# --- the documented answers -------------------------------------------------------------


def _zones(answer: Answer) -> dict[str, str]:
    """Ids by canonical name."""
    zones = [(names.fqdn("@", text(item, "zone")), _id(item)) for item in json_objects(answer.body)]
    if len(dict(zones)) != len(zones):
        raise ValueError("a zone that is listed twice")
    return dict(zones)


def _listed(answer: Answer, zone: str, kind: RecordType) -> tuple[Record, ...]:
    records = [_record(item, zone, kind) for item in json_objects(answer.body)]
    if len({record.id for record in records}) != len(records):
        raise ValueError("a record id that is listed twice")
    return tuple(sorted(records, key=lambda record: (record.name, record.value, record.id)))


def _created(answer: Answer, zone: str, create: Create) -> Record:
    record = _record(json_object(answer.body), zone, create.type)
    if (record.name, record.value) != (create.name, create.value):
        raise ValueError(f"it created {record.name} {record.value!r}")
    return record


def _record(item: JsonObject, zone: str, kind: RecordType) -> Record:
    value = text(item, _VALUES[kind])
    if kind is not RecordType.TXT:
        value = names.canonical_address(value)
        if names.address_type(value) is not kind:
            raise ValueError(f"{value!r} in an {kind.value} record")
    name = names.fqdn(text(item, "name"), zone)
    return Record(_id(item), name, kind, value, integer(item, "ttl", 0, MAX_TTL))


def _id(item: JsonObject) -> str:
    value = text(item, "uuid")
    if not _ID.fullmatch(value):  # it becomes part of a path
        raise ValueError(f"the id {value!r}")
    return value
