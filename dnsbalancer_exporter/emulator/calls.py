"""A request to one of the two APIs and its answer, without the connection between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from dnsbalancer_exporter.emulator.rules import Refused

OPERATIONS = {
    "auth_token": "write",
    "list_zones": "read",
    "create_zone": "write",
    "get_zone": "read",
    "update_zone": "write",
    "delete_zone": "write",
    "list_records": "read",
    "create_record": "write",
    "get_record": "read",
    "update_record": "write",
    "delete_record": "write",
    "unknown": "read",
}
"""What can be asked for, and whether it changes anything; ``unknown`` is what no API knows."""


class Fate(Enum):
    """What becomes of an answer."""

    ANSWERED = "answered"
    DROPPED = "dropped"
    RESET = "reset"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Route:
    """What a method and a path ask for; ``refusal`` says why there is no such thing."""

    operation: str = "unknown"
    zone_id: str = ""
    kind: str = ""
    record_id: str = ""
    refusal: Refused | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request; ``headers`` have lower-case names.

    ``defer`` and ``age`` are set by faults: the seconds until a write takes effect, the age of
    what a list shows.
    """

    route: Route
    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    defer: float = 0.0
    age: float = 0.0

    @property
    def operation(self) -> str:
        """One of OPERATIONS."""
        return self.route.operation


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client is to get; a 204 has neither body nor content type."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    fate: Fate = Fate.ANSWERED


def shown(value: object, status: int = 200, **headers: str) -> Answer:
    """A success: JSON with spaces after commas and colons, as the provider writes it."""
    pairs = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Answer(status, json.dumps(value).encode(), headers=pairs)


def ra_error(kind: str, message: str) -> bytes:
    """An error body of the provider's framework: JSON without spaces, keys in this order."""
    value = {"type": kind, "code": 10000001, "message": message}
    return json.dumps(value, separators=(",", ":")).encode()
