"""The keys of `quorum`: who we are among the observers of a pool, and how long a vote counts."""

from __future__ import annotations

from dataclasses import dataclass

from dnsbalancer_exporter.config import values
from dnsbalancer_exporter.config.pool_keys import (
    FALL,
    FAST_INTERVAL,
    MEMBER,
    OWN_IP,
    PROBE_TIMEOUT,
)
from dnsbalancer_exporter.config.sections import Key, Place, Section, read_section, scalar
from dnsbalancer_exporter.config.top_keys import API_RATE
from dnsbalancer_exporter.config.values import Wrong
from dnsbalancer_exporter.config.yaml_text import Node, Table
from dnsbalancer_exporter.model import Pool, QuorumTerms
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.vote import LABEL, RENEWALS

LEASE = Key(
    "lease",
    scalar(values.duration(10, 3600)),
    "How long a vote counts that is not renewed; it is renewed, and votes are read, three times as "
    "often.",
    default="60",
)
OBSERVER = Key(
    "observer",
    scalar(values.observer),
    "What a witness is called in its votes; a member is called by its `own_ip`.",
    otherwise="`own_ip`; a witness without one must have it",
)
LONGEST_NAME = 230
"""Characters of a pool's first name at most, which gets a label in front of it."""

QUORUM_KEYS: tuple[Key[object], ...] = (LEASE, OBSERVER)


@dataclass(frozen=True, slots=True)
class Quorum:
    """A `quorum` as written; ``section`` None: it is off."""

    section: Section | None


def _off(text: str) -> Quorum:
    if text.strip().lower() != "off":
        raise Wrong("must be a mapping, such as `{lease: 60}`, or `off`")
    return Quorum(None)


def _quorum(node: Node, place: Place) -> Quorum | None:
    if not isinstance(node, Table):
        return scalar(_off)(node, place)
    section = read_section(node, place, QUORUM_KEYS)
    return None if section is None else Quorum(section)


QUORUM = Key(
    "quorum",
    _quorum,
    "`{lease, observer}`: no target is withdrawn, nor published, against the majority of the "
    "observers, who vote in the zone itself; see [quorum.md](quorum.md). Or `off`.",
    kind="word or mapping",
    default="off",
)


def check_quorum(section: Section, names: tuple[str, ...]) -> None:
    """Note what does not fit together with the votes of one pool, which has these names."""
    found = section.find(QUORUM)
    mapping = found.section if found else None
    if mapping is None:
        return
    if section.find(MEMBER) is True and mapping.gives(OBSERVER):
        mapping.problem(OBSERVER, "is for a witness: a member is called by its `own_ip`, remove it")
    elif not section.gives(OWN_IP) and not mapping.gives(OBSERVER):
        mapping.problem(OBSERVER, "is missing: a witness without `own_ip` needs a name in its vote")
    if names and len(names[0]) > LONGEST_NAME:
        section.problem(QUORUM, f"needs a shorter name: votes are at {LABEL}.{names[0][:20]}...")
    _check_lease(section, mapping)


def _check_lease(section: Section, mapping: Section) -> None:
    """Who reads a vote confirms it by probes of its own before it votes; that takes its time."""
    fall, deadline = section.find(FALL), section.find(PROBE_TIMEOUT)
    fast, lease = section.find(FAST_INTERVAL), mapping.find(LEASE)
    if fall is None or deadline is None or fast is None or lease is None:
        return
    confirming = fall * (deadline + fast)
    if confirming > lease / 3:
        mapping.note(
            LEASE,
            f"is short: {fall} failed probes may take {values.number_text(confirming)} s, more "
            "than a third of it, and then a dead target waits for the next votes",
        )


def note_rate(top: Section, pools: tuple[Pool, ...]) -> None:
    """Note votes that would find no place: a witness may have to renew those of all its pools."""
    rate = top.find(API_RATE) or 0.0
    needed = sum(2 * RENEWALS / pool.quorum.lease for pool in pools if pool.quorum)
    if needed > rate / 2:
        top.note(
            API_RATE,
            f"is low: the votes of all pools take {values.number_text(round(needed, 1))} writes "
            "per second while something is down in each of them; give `quorum` a longer lease",
        )


def build_quorum(section: Section) -> QuorumTerms | None:
    """The terms; None if it is off. Raises KeyError unless check_quorum found nothing."""
    mapping = section.need(QUORUM).section
    if mapping is None:
        return None
    own = sorted((entry.address for entry in section.find(OWN_IP) or ()), key=address_order)
    return QuorumTerms(mapping.find(OBSERVER) or own[0], mapping.need(LEASE))
