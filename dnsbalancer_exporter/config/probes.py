"""How a pool probes: protocol, port and `http`, which depend on each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.files import Read
from dnsbalancer_exporter.config.http_keys import HTTP, Http, check_http, merged
from dnsbalancer_exporter.config.pool_keys import (
    OWN_IP,
    PORT,
    PROBE_TIMEOUT,
    PROTOCOL,
    REFERENCE,
    TARGETS,
    TCP_CLOSE,
)
from dnsbalancer_exporter.config.sections import Ledger, Place, Section, scalar
from dnsbalancer_exporter.config.targets import Listed, Probe, Template
from dnsbalancer_exporter.model import DEFAULT_PORTS, HttpTerms, Protocol

_read_port = scalar(values.whole(1, 65535))


def template(section: Section, host: str) -> Template:
    """How the pool probes. Raises KeyError unless check_probes found nothing."""
    return Template(
        section.need(PROTOCOL),
        _port(section),
        section.need(PROBE_TIMEOUT),
        _layers(section),
        host,
        section.need(TCP_CLOSE),
    )


def check_probes(section: Section, records: tuple[str, ...], read: Read) -> None:
    """Note what does not fit together; the first of ``records`` is the host, if none is given."""
    section.require(PROTOCOL)
    _check_port(section)
    by, layers = section.find(PROTOCOL), _layers(section)
    own = [(entry, entry.probe) for entry in _entries(section) if entry.probe]
    for layer in (*layers, *(probe.http for _, probe in own if probe.http)):
        check_http(layer, read)
    if by in DEFAULT_PORTS:
        _check_terms(merged(*layers), records, partial(section.problem, HTTP))
        _note_references(section)
    for entry, probe in own:
        if (probe.protocol or by) in DEFAULT_PORTS and (probe.protocol or probe.http):
            terms = merged(*layers, probe.http)
            _check_terms(terms, records, partial(entry.problem, "probe"))
    users = {by, *(probe.protocol for _, probe in own)}
    if HTTP.name in section.lines and not users & DEFAULT_PORTS.keys():
        section.note(HTTP, "is ignored: nothing here is probed by `http` or `https`")


def _layers(section: Section) -> tuple[Http, ...]:
    """The `http` of the section and of those around it, the outer ones first."""
    outer = _layers(section.outer) if section.outer else ()
    here = section.values.get(HTTP.name)
    return (*outer, here) if isinstance(here, Http) else outer


def _port(section: Section) -> int | None:
    """The port, None if there is none or it is bad."""
    node = section.find(PORT)
    return None if node is None else _read_port(node, Place("", Ledger()))


def _check_port(section: Section) -> None:
    """A port that nobody probes is nobody's business; else it must be good, and tcp needs one."""
    by = section.find(PROTOCOL)
    if by is Protocol.TCP:
        section.require(PORT)
    node = section.find(PORT)
    if node is not None and by is not None and by is not Protocol.ICMP:
        _read_port(node, section.place_of(PORT))
    if by is not Protocol.TCP and _port(section) is None:
        for entry in _entries(section):
            probe = entry.probe or Probe()
            if probe.protocol is Protocol.TCP and probe.port is None:
                entry.problem("probe", "is by tcp and has no port: give `port` beside it")


def _entries(section: Section) -> list[Listed]:
    """All addresses that may have a probe of their own."""
    return [e for key in (OWN_IP, TARGETS, REFERENCE) for e in section.find(key) or ()]


def _check_terms(
    terms: HttpTerms, records: tuple[str, ...], problem: Callable[[str], None]
) -> None:
    if terms.body and terms.method == "HEAD":
        problem("looks for a `body`, which the answer to HEAD has not: use GET")
    if not terms.host and records and records[0].startswith("*"):
        problem(f"has no `host`, and {records[0]} is no name to ask for: give one")


def _note_references(section: Section) -> None:
    """A reference is outside of the pool: it hardly answers for the pool's name."""
    for entry in section.find(REFERENCE) or ():
        probe = entry.probe or Probe()
        if probe.protocol is None and not (probe.http and probe.http.given.get("host")):
            entry.place.note(
                entry.line,
                "is asked for the pool's own site: give it a probe of its own, such as "
                "`probe: {protocol: icmp}`",
            )
