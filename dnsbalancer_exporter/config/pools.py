"""Pools from sections: first the checks that relate keys to each other, then the building."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.files import Read
from dnsbalancer_exporter.config.pool_keys import (
    FALL,
    FAST_INTERVAL,
    INTERVAL,
    MAX_WITHDRAWALS,
    MEMBER,
    MIN_RECORDS,
    MODE,
    NAME,
    OWN_IP,
    PROBE_TIMEOUT,
    RECORD,
    REFERENCE,
    REMEMBER,
    RESOLVERS,
    RETIRED,
    RISE,
    TARGETS,
    TTL,
    ZONE,
    NameEntry,
)
from dnsbalancer_exporter.config.probes import check_probes, template
from dnsbalancer_exporter.config.quorum_keys import build_quorum, check_quorum
from dnsbalancer_exporter.config.sections import Section
from dnsbalancer_exporter.config.targets import Probe, Template
from dnsbalancer_exporter.model import Pool, Target, Timing
from dnsbalancer_exporter.names import RecordType, address_type, fqdn


def check_pool(section: Section, read: Read) -> None:
    """Note what does not fit together in one pool; inherited keys are judged as its own."""
    section.require(ZONE, MEMBER)
    _check_timing(section)
    _check_own(section)
    _check_apart(section)
    _check_floor(section)
    names = record_names(section)
    check_probes(section, names, read)
    check_quorum(section, names)


def check_pools_together(sections: tuple[Section, ...]) -> None:
    """Note pools that share a name, or a name in the zone."""
    names: dict[str, Section] = {}
    records: dict[str, Section] = {}
    for section in sections:
        managed = record_names(section)
        for name in managed:
            other = records.setdefault(name, section)
            if other is not section:
                section.problem(RECORD, f"{name} is managed by {other.place.path}: give another")
        label = section.find(NAME) or next(iter(managed), None)
        if label and names.setdefault(label, section) is not section:
            taken = names[label].place.path
            section.problem(NAME, f"is the name of {taken} too: give each pool its own `name`")


def record_names(section: Section) -> tuple[str, ...]:
    """The FQDNs of a pool, those that lie in its zone; the others are noted, and so are repeats."""
    zone = section.find(ZONE)
    names: list[str] = []
    for entry in section.find(RECORD) or ():
        if zone is None:
            break
        name = fqdn(entry.text, zone)
        if _strays(entry, zone) or len(name) > 253:
            entry.place.problem(entry.line, f"must be a name in the zone {zone}")
        elif name in names:
            entry.place.problem(entry.line, f"{name} is listed already: keep one")
        else:
            names.append(name)
    return tuple(names)


def _strays(entry: NameEntry, zone: str) -> bool:
    """A full name of another zone: it ends with a dot, or with the zone's own last label."""
    if entry.text == "@":
        return False
    bare = entry.text.removesuffix(".")
    if bare == zone or bare.endswith("." + zone):
        return False
    return entry.text.endswith(".") or ("." in bare and _last(bare) == _last(zone))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


# --- the checks ---------------------------------------------------------------------------


def _check_timing(section: Section) -> None:
    interval = section.find(INTERVAL)
    fast = section.find(FAST_INTERVAL)
    deadline = section.find(PROBE_TIMEOUT)
    if interval is None:
        return
    text = values.number_text(interval)
    if fast is not None and fast > interval and section.gives(FAST_INTERVAL):
        section.problem(FAST_INTERVAL, f"must be at most the interval, which is {text} s")
    if deadline is not None and deadline > interval:
        section.note(PROBE_TIMEOUT, f"is longer than the interval of {text} s: probes may overlap")


def _check_own(section: Section) -> None:
    """A family is managed only if ``own_ip`` or ``targets`` has it: one of them must say so."""
    member = section.find(MEMBER)
    if member is True:
        section.require(OWN_IP)
    elif member is False and not section.gives(OWN_IP) and not section.gives(TARGETS):
        section.problem(OWN_IP, "is missing: a witness needs `own_ip` or `targets`")
    listed = {entry.address: entry for entry in section.find(TARGETS) or ()}
    for own in section.find(OWN_IP) or ():
        twin = listed.get(own.address)
        if twin and twin.probe and own.probe and twin.probe != own.probe:
            own.problem("probe", f"differs from the one in `targets`, line {twin.line}: keep one")
        if not ipaddress.ip_address(own.address).is_global:
            own.place.note(
                own.line, f"{own.address} is not a public address: clients outside cannot reach it"
            )


def _check_apart(section: Section) -> None:
    """No address is both ours and gone, or both inside and outside of the pool."""
    retired = section.find(RETIRED) or ()
    taken = {entry.address: "retired" for entry in retired}
    taken |= {entry.address: "targets" for entry in section.find(TARGETS) or ()}
    taken |= {entry.address: "own_ip" for entry in section.find(OWN_IP) or ()}
    for entry in retired:
        where = taken[entry.address]
        if where != "retired":
            entry.place.problem(entry.line, f"{entry.address} is in `{where}` too: keep one")
    for entry in section.find(REFERENCE) or ():
        if entry.address in taken:
            where = taken[entry.address]
            entry.place.problem(
                entry.line,
                f"{entry.address} is in `{where}` too: a reference must lie outside of the pool",
            )


def _check_floor(section: Section) -> None:
    floor, listed = section.find(MIN_RECORDS), section.find(TARGETS)
    if floor is None or not listed:
        return
    own = (section.find(OWN_IP) or ()) if section.find(MEMBER) else ()
    ours = {entry.address for entry in (*listed, *own)}
    for kind in (RecordType.A, RecordType.AAAA):
        count = sum(address_type(address) is kind for address in ours)
        if 0 < count <= floor:
            section.note(
                MIN_RECORDS,
                f"nothing is ever withdrawn from its {kind.value} records: the floor is {floor}, "
                f"targets are {count}",
            )


# --- the building -------------------------------------------------------------------------


def build_pool(section: Section) -> Pool:
    """The pool. Raises KeyError unless check_pool found nothing."""
    records = record_names(section)
    probe = template(section, records[0])
    listed = tuple(entry.target(probe) for entry in section.find(TARGETS) or ())
    return Pool(
        name=section.find(NAME) or records[0],
        zone=section.need(ZONE),
        records=records,
        member=section.need(MEMBER),
        own=_own_targets(section, probe),
        probe=Probe().spec("", probe),
        timing=_timing(section),
        listed=listed,
        retired=tuple(entry.address for entry in section.find(RETIRED) or ()),
        reference=tuple(entry.target(probe) for entry in section.find(REFERENCE) or ()),
        ttl=section.need(TTL),
        min_records=section.need(MIN_RECORDS),
        max_withdrawals=section.find(MAX_WITHDRAWALS),
        remember=section.need(REMEMBER),
        mode=section.need(MODE),
        resolvers=section.find(RESOLVERS),
        quorum=build_quorum(section),
    )


def _own_targets(section: Section, probe: Template) -> tuple[Target, ...]:
    """The machine's own addresses; one that is listed too has that entry's name and probe."""
    listed = {entry.address: entry for entry in section.find(TARGETS) or ()}
    own = (
        replace(own, name=twin.name, probe=twin.probe or own.probe) if twin else own
        for own, twin in ((own, listed.get(own.address)) for own in section.find(OWN_IP) or ())
    )
    return tuple(entry.target(probe) for entry in own)


def _timing(section: Section) -> Timing:
    interval = section.need(INTERVAL)
    # Only a default is capped in silence: check_pool has refused a longer one that was written.
    return Timing(
        interval=interval,
        fast_interval=min(section.need(FAST_INTERVAL), interval),
        probe_timeout=section.need(PROBE_TIMEOUT),
        fall=section.need(FALL),
        rise=section.need(RISE),
    )
