"""OpenStack Designate: the driver ``designate``, DNS API v2, with a Keystone login.

The unit is a record set, and a PUT replaces it without a condition: see sets.py for what that
costs. Designate takes an empty set and answers 200, and the name is gone: none is ever sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

from dnsbalancer_exporter import names
from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider.documented import (
    JsonObject,
    inner,
    inner_objects,
    integer,
    json_object,
    text,
    texts,
)
from dnsbalancer_exporter.provider.keystone import Keystone, Login
from dnsbalancer_exporter.provider.sets import RecordSet, as_meant, as_written
from dnsbalancer_exporter.provider.wire import Answer, Call, Service, Wire

T = TypeVar("T")

MAX_TTL = 2**31 - 1
MOST_PAGES = 1000
"""Of a list: more is no list, but a circle of links."""

_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_SERVICE = Service(
    "designate",
    {
        401: "the token is new, so check that the account may use DNS in the project `project_id`",
        403: "check the account's role in the project",
        404: "check `url` and `zone`",
        413: "the project's quota of records is used up",
    },
)


class _Zone(NamedTuple):
    """A zone's id and its TTL in seconds, which sets have that have none of their own."""

    id: str
    ttl: int


class Designate:
    """The record sets at ``url``, which ends in ``/v2/``."""

    name = _SERVICE.name

    def __init__(self, *, url: str, keystone: Keystone, wire: Wire) -> None:
        self.clock: Callable[[], float] = wire.clock
        self._url = url
        self._keystone = keystone
        self._zones: dict[str, _Zone] = {}  # by canonical name

    def log_in(self, budget: float) -> Login | None:
        """Log in, if that is not done yet, within ``budget`` seconds."""
        return self._keystone.log_in(self.clock() + budget)

    @property
    def token_expires_at(self) -> float | None:
        """When the login in use expires; None without one."""
        return self._keystone.expires_at

    def read(self, zone: str, kind: RecordType, deadline: float) -> tuple[RecordSet, ...]:
        """All record sets of a type in a zone, page by page."""
        known = zone in self._zones
        try:
            return self._sets(zone, kind, deadline)
        except ProviderError as failure:
            if failure.reason is not ApiReason.NOT_FOUND or not known:
                raise
        self._zones.pop(zone, None)  # the zone was deleted and made again, under another id
        return self._sets(zone, kind, deadline)

    def write(self, zone: str, wanted: RecordSet, what: tuple[str, str], deadline: float) -> None:
        """Create, replace or delete the whole set; Conflict if one that was not there is there."""
        method = "DELETE" if not wanted.values else "PUT" if wanted.id else "POST"
        body: dict[str, object] = {"records": [as_written(wanted.type, v) for v in wanted.values]}
        if method == "POST":
            body |= {"name": wanted.name + ".", "type": wanted.type.value, "ttl": wanted.ttl}
        path = f"zones/{self._zone(zone, deadline).id}/recordsets"
        call = Call(
            service=_SERVICE,
            operation=what[0],
            subject=what[1],
            method=method,
            url=f"{self._url}{path}/{wanted.id}" if wanted.id else f"{self._url}{path}",
            success=frozenset((200, 201, 202, 204)),
            write=True,
            body=None if method == "DELETE" else body,
        )
        try:
            self._keystone.exchange(call, lambda _: None, deadline)
        except ProviderError as failure:
            error = failure
        else:
            return
        if error.reason is ApiReason.CONFLICT:
            raise Conflict(str(error))
        if error.reason is ApiReason.NOT_FOUND and "record_not_found" in str(error):
            # Two writers at once: not the set is gone, but a value of it was while it was replaced.
            said = f"{error}; another write was under way, the next read of the zone will tell"
            raise AnswerLost(ApiReason.SERVER_ERROR, said)
        raise error

    def _sets(self, zone: str, kind: RecordType, deadline: float) -> tuple[RecordSet, ...]:
        query = urlencode({"type": kind.value, "limit": 1000})
        found = self._zone(zone, deadline)
        ttl, url = found.ttl, f"{self._url}zones/{found.id}/recordsets?{query}"
        subject = f"list the {kind.value} records of {zone}"
        items = self._pages("list_records", subject, url, "recordsets", deadline)
        return self._understood(subject, lambda: _without_dying(items, kind, ttl))

    def _zone(self, zone: str, deadline: float) -> _Zone:
        if zone not in self._zones:
            subject = f"look up the zone {zone}"
            url = f"{self._url}zones?{urlencode({'name': zone + '.'})}"
            items = self._pages("list_zones", subject, url, "zones", deadline)
            found = self._understood(subject, lambda: _zones(items))
            if zone not in found:
                said = f"the project {self._keystone.project_id} has no such zone; check `zone`"
                raise _read("list_zones", subject, url).error(ApiReason.NOT_FOUND, said)
            self._zones[zone] = found[zone]
        return self._zones[zone]

    def _pages(
        self, operation: str, subject: str, url: str, key: str, deadline: float
    ) -> list[JsonObject]:
        """All items of a list; a link leads only to where the list itself is."""
        items: list[JsonObject] = []
        for _ in range(MOST_PAGES):
            call = _read(operation, subject, url)
            page = self._keystone.exchange(call, lambda answer: _page(answer, key), deadline)
            items += page[0]
            if page[1] is None:
                return items
            url = urlsplit(url)._replace(query=urlsplit(urljoin(url, page[1])).query).geturl()
        raise call.error(ApiReason.INVALID_RESPONSE, "its pages have no end")

    def _understood(self, subject: str, understand: Callable[[], T]) -> T:
        try:
            return understand()
        except ValueError as error:
            said = f"designate: cannot {subject}: an answer that is not the documented one: {error}"
        raise ProviderError(ApiReason.INVALID_RESPONSE, said)


def _read(operation: str, subject: str, url: str) -> Call:
    return Call(_SERVICE, operation, subject, method="GET", url=url, success=frozenset((200,)))


def _page(answer: Answer, key: str) -> tuple[list[JsonObject], str | None]:
    content = json_object(answer.body)
    links: Mapping[str, object] = inner(content, "links")
    return inner_objects(content, key), text(links, "next") if links.get("next") else None


def _zones(items: list[JsonObject]) -> dict[str, _Zone]:
    return {
        names.fqdn("@", text(item, "name")): _Zone(_id(item), integer(item, "ttl", 0, MAX_TTL))
        for item in items
    }


def _without_dying(items: list[JsonObject], kind: RecordType, ttl: int) -> tuple[RecordSet, ...]:
    """The sets; one that is being deleted is not served for long, and cannot be written."""
    return tuple(_set(item, kind, ttl) for item in items if item.get("action") != "DELETE")


def _set(item: JsonObject, kind: RecordType, ttl: int) -> RecordSet:
    if text(item, "type") != kind.value:
        raise ValueError(f"a {text(item, 'type')} record set among {kind.value} records")
    values = tuple(as_meant(kind, content) for content in texts(item, "records"))
    if item.get("ttl") is not None:  # or it is the zone's
        ttl = integer(item, "ttl", 0, MAX_TTL)
    return RecordSet(_id(item), text(item, "name").rstrip(".").lower(), kind, ttl, values)


def _id(item: JsonObject) -> str:
    value = text(item, "id")
    if not _ID.fullmatch(value):  # it becomes part of a path
        raise ValueError(f"the id {value!r}")
    return value
