"""What the zone store keeps: zones and records as the API shows them, and a record in one line."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from dnsbalancer_exporter.emulator.rules import KINDS, Value


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone: its id, its project and its SOA; ``fields`` are in wire order, the name last."""

    uuid: str
    tenant: str
    fields: Mapping[str, Value]

    @property
    def name(self) -> str:
        """The zone's name in lower case."""
        return str(self.fields["zone"]).lower()

    def shown(self, status: str) -> dict[str, Value]:
        """The JSON object."""
        return {"uuid": self.uuid, "tenant": self.tenant, **self.fields, "status": status}


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One value of one name. ``fqdn`` is canonical; ``fields`` has the name as it is kept."""

    uuid: str
    kind: str
    zone: str
    fqdn: str
    fields: Mapping[str, Value]

    @property
    def ttl(self) -> int:
        """Seconds."""
        return int(self.fields["ttl"])

    @property
    def value(self) -> str:
        """The fields of the type, with spaces between them."""
        return " ".join(str(self.fields[field]) for field in KINDS[self.kind])

    @property
    def key(self) -> tuple[str, str]:
        """The record set that it belongs to: FQDN and kind."""
        return self.fqdn, self.kind

    def shown(self) -> dict[str, Value]:
        """The JSON object."""
        return {
            "uuid": self.uuid,
            "name": self.fields["name"],
            "dns": f"/v2/dns/{self.zone}",
            **{field: self.fields[field] for field in (*KINDS[self.kind], "ttl")},
        }


@dataclass(frozen=True, slots=True)
class Moment:
    """The values that a record set had from ``time`` on."""

    time: float
    fqdn: str
    kind: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordLine:
    """A record as an operator writes it; ``fields`` is the body of a create."""

    name: str
    kind: str
    fields: Mapping[str, Value]


def parse_record(text: str) -> RecordLine:
    """Read ``NAME TYPE VALUE [TTL]``: ``@ A 127.0.0.11 60``, ``www TXT "some text"``.

    An MX has two words for a value, an SRV four. ValueError says what is wrong; whether the
    provider would take the values is for the store to decide.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ValueError(f"record {text!r}: {error}") from None
    if len(words) < 3:
        raise ValueError(f"record {text!r}: expected NAME TYPE VALUE [TTL]")
    name, kind, *values = words
    kind = kind.lower()
    if kind not in KINDS:
        raise ValueError(f"record {text!r}: the type is none of {', '.join(KINDS).upper()}")
    keys = (*KINDS[kind], "ttl")
    if not len(keys) - 1 <= len(values) <= len(keys):
        shape = " ".join(KINDS[kind]).upper()
        raise ValueError(f"record {text!r}: expected NAME {kind.upper()} {shape} [TTL]")
    numbers = {"priority", "weight", "port", "ttl"}
    fields: dict[str, Value] = {"name": name}
    for key, value in zip(keys, values, strict=False):
        if key in numbers and not value.isdecimal():
            raise ValueError(f"record {text!r}: {key} is not a whole number")
        fields[key] = int(value) if key in numbers else value
    return RecordLine(name, kind, fields)
