"""Addresses as they may be written: alone, or as a mapping with a probe and a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.http_keys import HTTP, Http, merged
from dnsbalancer_exporter.config.sections import (
    Key,
    Place,
    items,
    read_section,
    scalar,
)
from dnsbalancer_exporter.config.yaml_text import Items, Node, Table
from dnsbalancer_exporter.model import DEFAULT_PORTS, Closing, ProbeSpec, Protocol, Target
from dnsbalancer_exporter.names import address_type

protocol = scalar(values.choice({each.value: each for each in Protocol}))


@dataclass(frozen=True, slots=True)
class Probe:
    """What a target's own ``probe`` says; None means: as the pool does."""

    address: str | None = None
    protocol: Protocol | None = None
    port: int | None = None
    http: Http | None = None

    def spec(self, address: str, outer: Template) -> ProbeSpec:
        """What is done for ``address``, as ``outer`` says where this is silent."""
        by = self.protocol or outer.protocol
        inherited = outer.port if by is outer.protocol or by not in DEFAULT_PORTS else None
        port = self.port or inherited or DEFAULT_PORTS.get(by, 0)
        terms = merged(*outer.http, self.http) if by in DEFAULT_PORTS else None
        if terms and not terms.host:
            terms = replace(terms, host=outer.host)
        port = 0 if by is Protocol.ICMP else port
        return ProbeSpec(by, self.address or address, port, outer.timeout, terms, outer.close)


@dataclass(frozen=True, slots=True)
class Template:
    """How a pool probes; ``http`` are its own and those around it, the outer ones first.

    ``host`` is the pool's first record.
    """

    protocol: Protocol
    port: int | None
    timeout: float
    http: tuple[Http, ...]
    host: str
    close: Closing


@dataclass(frozen=True, slots=True)
class Listed:
    """An address as listed, and where."""

    place: Place
    line: int
    address: str
    name: str | None = None
    probe: Probe | None = None
    lines: Mapping[str, int] = field(default_factory=dict)

    def problem(self, name: str, message: str) -> None:
        """Note a problem with one of the mapping's keys."""
        self.place.key(name).problem(self.lines.get(name, self.line), message)

    @property
    def label(self) -> str:
        """The name, by default the address."""
        return self.name or self.address

    def target(self, template: Template) -> Target:
        """The target, probed as ``template`` says where its own probe is silent."""
        spec = (self.probe or Probe()).spec(self.address, template)
        return Target(self.address, self.label, spec)


PROBE_ADDRESS = Key("address", scalar(values.machine), "The address that is probed instead.")
PROBE_PROTOCOL = Key("protocol", protocol, "How this target is probed.")
PROBE_PORT = Key("port", scalar(values.whole(1, 65535)), "The port.")
PROBE_KEYS: tuple[Key[object], ...] = (PROBE_ADDRESS, PROBE_PROTOCOL, PROBE_PORT, HTTP)


def _probe(node: Node, place: Place) -> Probe | None:
    if not isinstance(node, Table):
        address = scalar(values.machine)(node, place)
        return Probe(address) if address else None
    section = read_section(node, place, PROBE_KEYS)
    if section is None:
        return None
    if not node.entries:
        place.problem(node.line, "is empty: give `address`, `protocol`, `port` or `http`")
    return Probe(
        section.find(PROBE_ADDRESS),
        section.find(PROBE_PROTOCOL),
        section.find(PROBE_PORT),
        section.find(HTTP),
    )


ADDRESS = Key("address", scalar(values.machine), "The IP address.", required=True)
NAME = Key("name", scalar(values.label), "The name that people know it by.")
PROBE = Key(
    "probe",
    _probe,
    "How it is probed, if not at its own address as the pool says.",
    kind="address or mapping",
)


def _entry(node: Node, place: Place, keys: tuple[Key[object], ...]) -> Listed | None:
    if not isinstance(node, Table):
        address = scalar(values.machine)(node, place)
        return Listed(place, node.line, address) if address else None
    section = read_section(node, place, keys)
    if section is None:
        return None
    section.require(ADDRESS)
    address = section.find(ADDRESS)
    if address is None:
        return None
    return Listed(place, node.line, address, section.find(NAME), section.find(PROBE), section.lines)


def addresses(*, least: int) -> Callable[[Node, Place], tuple[Listed, ...] | None]:
    """A reader of a list of addresses or ``{address, probe, name}``; none and no name twice."""

    def read(node: Node, place: Place) -> tuple[Listed, ...] | None:
        found = items(node, place, "IP addresses", least=least)
        entries = [_entry(item, at, (ADDRESS, PROBE, NAME)) for item, at in found]
        good = tuple(entry for entry in entries if entry)
        _refuse_repeats(good)
        return good

    return read


def _refuse_repeats(entries: tuple[Listed, ...]) -> None:
    by_address: dict[str, Listed] = {}
    by_label: dict[str, Listed] = {}
    for entry in entries:
        same = by_address.setdefault(entry.address, entry)
        if same is not entry:
            entry.place.problem(
                entry.line,
                f"{entry.address} is listed already {same.place.where(same.line)}: keep one",
            )
            continue
        same = by_label.setdefault(entry.label, entry)
        if same is not entry:
            entry.problem(
                "name", f"is the name of the target {same.place.where(same.line)} too: give another"
            )


def own_addresses(node: Node, place: Place) -> tuple[Listed, ...] | None:
    """An address, ``{address, probe}``, or a list of these with at most one per family."""
    found = [(node, place)]
    if isinstance(node, Items):
        found = list(items(node, place, "IP addresses", least=1))
    entries = [_entry(item, at, (ADDRESS, PROBE)) for item, at in found]
    good = tuple(entry for entry in entries if entry)
    families: dict[object, Listed] = {}
    for entry in good:
        first = families.setdefault(address_type(entry.address), entry)
        if first is not entry:
            entry.place.problem(
                entry.line,
                "is the second of its family: give one IPv4 and one IPv6 address at most",
            )
    return good


def retired_addresses(node: Node, place: Place) -> tuple[Listed, ...] | None:
    """A list of addresses alone."""
    found = items(node, place, "IP addresses")
    read = scalar(values.address)
    entries = [(at, item.line, read(item, at)) for item, at in found]
    good = tuple(Listed(at, line, address) for at, line, address in entries if address)
    _refuse_repeats(good)
    return good
