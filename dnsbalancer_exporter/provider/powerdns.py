"""PowerDNS Authoritative: the driver ``powerdns``, by its HTTP API, whose unit is a record set.

Source: doc.powerdns.com, Authoritative Server, HTTP API. A REPLACE has no condition, so that of two
writes at once one is lost: see sets.py for what that costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.documented import (
    JsonObject,
    inner_objects,
    integer,
    json_object,
    text,
)
from dnsbalancer_exporter.provider.sets import RecordSet, as_meant, as_written
from dnsbalancer_exporter.provider.wire import Answer, Call, Service, Wire

T = TypeVar("T")

_SERVICE = Service(
    "powerdns",
    {
        401: "check `password`: it is the server's `api-key`",
        403: "the server's `webserver-allow-from` does not have this machine",
        404: "check `zone`, and that `url` is the web server's",
    },
)
MAX_TTL = 2**31 - 1


class PowerDns:
    """The record sets at ``url``, which ends in ``/api/v1/servers/<id>/``; ``key`` is the API's."""

    name = _SERVICE.name

    def __init__(self, *, url: str, key: Secret, wire: Wire) -> None:
        self.clock: Callable[[], float] = wire.clock
        self._url = url
        self._key = key
        self._wire = wire

    def read(self, zone: str, kind: RecordType, deadline: float) -> tuple[RecordSet, ...]:
        """All record sets of a type in a zone."""
        call = self._call("list_records", f"list the {kind.value} records of {zone}", "GET", zone)
        return self._wire.exchange(call, lambda answer: _sets(answer, kind), deadline)

    def write(self, zone: str, wanted: RecordSet, what: tuple[str, str], deadline: float) -> None:
        """Replace the whole set; one that has no value left is deleted."""
        contents = [(as_written(wanted.type, value), False) for value in wanted.values]
        contents += [(content, True) for content in wanted.hidden]
        change = {
            "name": wanted.name + ".",
            "type": wanted.type.value,
            "ttl": wanted.ttl,
            "changetype": "REPLACE" if contents else "DELETE",
            "records": [{"content": content, "disabled": off} for content, off in contents],
        }
        call = self._call(*what, "PATCH", zone, {"rrsets": [change]})
        self._wire.exchange(call, lambda _: None, deadline)

    def _call(
        self,
        operation: str,
        subject: str,
        method: str,
        zone: str,
        body: Mapping[str, object] | None = None,
    ) -> Call:
        return Call(
            service=_SERVICE,
            operation=operation,
            subject=f"{subject} in {zone}" if body else subject,
            method=method,
            url=f"{self._url}zones/{zone}.",
            success=frozenset((200, 204)),
            write=body is not None,
            body=body,
            token=self._key,
            login_header="X-API-Key",
            secrets=(self._key,),
        )


def _sets(answer: Answer, kind: RecordType) -> tuple[RecordSet, ...]:
    listed = inner_objects(json_object(answer.body), "rrsets")
    return tuple(_set(item, kind) for item in listed if text(item, "type") == kind.value)


def _set(item: JsonObject, kind: RecordType) -> RecordSet:
    served: list[str] = []
    hidden: list[str] = []
    for record in inner_objects(item, "records"):
        content = text(record, "content")
        if record.get("disabled") is True:
            hidden.append(content)
        else:
            served.append(as_meant(kind, content))
    name = text(item, "name").rstrip(".").lower()
    return RecordSet("", name, kind, integer(item, "ttl", 0, MAX_TTL), tuple(served), tuple(hidden))
