"""The nouns. Frozen values only; they know nothing of files, sockets, clocks or each other's use.

Words are used as in docs/architecture.md: a *target* is an address that is probed and, while up,
published; a *pool* is the targets behind one name (or several names with one verdict); a *record
set* is all records of one name and type. Names are lower-case FQDNs without a final dot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from dnsbalancer_exporter.names import RecordType, address_type


class Secret:
    """A text that only ``reveal()`` shows: ``repr`` and ``str`` are stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not serialised")

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text


# --- probes and health ------------------------------------------------------------------


class Protocol(Enum):
    """How a target is probed."""

    TCP = "tcp"
    ICMP = "icmp"
    HTTP = "http"
    HTTPS = "https"


DEFAULT_PORTS = {Protocol.HTTP: 80, Protocol.HTTPS: 443}
"""The ports of the protocols that have one of their own."""


@dataclass(frozen=True, slots=True)
class HttpTerms:
    """What an http or https probe asks for, and which answer is a good one.

    ``host`` is the name in the request, in SNI and in the certificate; empty: the address.
    ``statuses`` are the good ones as pairs, both ends included; ``body`` is a text that the answer
    must hold, empty for none. ``ca_file`` None: the system's authorities.
    """

    method: str = "GET"
    path: str = "/"
    host: str = ""
    statuses: tuple[tuple[int, int], ...] = ((200, 399),)
    body: str = ""
    verify: bool = True
    ca_file: str | None = None


class Closing(Enum):
    """How a tcp probe parts from its target: without the application's knowledge, or in order."""

    RESET = "reset"
    FIN = "fin"


@dataclass(frozen=True, slots=True)
class ProbeSpec:
    """What one probe does; ``address`` may differ from the published one; timeout in seconds.

    ``http`` is None for the other protocols.
    """

    protocol: Protocol
    address: str
    port: int
    timeout: float
    http: HttpTerms | None = None
    close: Closing = Closing.RESET

    @property
    def label(self) -> str:
        """What is probed, for people and files: ``tcp 192.0.2.1 80``."""
        parts = (self.protocol.value, self.address, str(self.port or ""), self.request)
        return " ".join(filter(None, parts))

    @property
    def authority(self) -> str:
        """The Host of an http probe: the name, and the port unless it is the protocol's own."""
        host = (self.http.host if self.http else "") or self.address
        shown = f"[{host}]" if ":" in host else host
        return shown if DEFAULT_PORTS.get(self.protocol) == self.port else f"{shown}:{self.port}"

    @property
    def request(self) -> str:
        """What an http probe asks for: ``GET http://www.example.com/``; else nothing."""
        if self.http is None:
            return ""
        return f"{self.http.method} {self.protocol.value}://{self.authority}{self.http.path}"


class Outcome(Enum):
    """SUCCESS; FAILURE, the target's fault; ERROR, ours, which never counts against a target."""

    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


class ProbeReason(Enum):
    """Why a probe did not succeed: the closed set of the label ``reason``."""

    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    RESET = "reset"
    TLS = "tls"
    INVALID_RESPONSE = "invalid_response"
    STATUS = "status"
    BODY = "body"
    NO_ROUTE = "no_route"
    PERMISSION = "permission"
    RESOURCES = "resources"
    LATE = "late"
    INTERNAL = "internal"

    @property
    def ours(self) -> bool:
        """Whether it makes an ERROR, our own fault; the others make a FAILURE, the target's."""
        return self in _OURS


_OURS = frozenset(
    {
        ProbeReason.NO_ROUTE,
        ProbeReason.PERMISSION,
        ProbeReason.RESOURCES,
        ProbeReason.LATE,
        ProbeReason.INTERNAL,
    }
)


class ProbeResult(NamedTuple):
    """What one probe found. ``started`` is on the process's clock; ``duration`` in seconds.

    ``reason`` is None exactly for SUCCESS; ``detail`` is for people (an errno's text, say).
    ``certificate_expires`` is in Unix time, None if no certificate was seen.
    """

    outcome: Outcome
    started: float
    duration: float
    reason: ProbeReason | None = None
    detail: str = ""
    certificate_expires: float | None = None


class Health(Enum):
    """What we hold a target for. It starts UNKNOWN."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


class HealthState(NamedTuple):
    """What health.step keeps of a target between two probes.

    ``failures`` and ``successes`` are the current run, one of them 0; ``window`` the last ten
    outcomes since the transition, True for a success; ``proven`` says that it has been UP once.
    ``failing_since`` is when the first probe of the current run of failures started, ``failed_at``
    when the latest one that failed did, ``succeeded_at`` the latest that succeeded; ``since`` is
    the last transition. All on the process's clock. ``errors`` counts ERRORs in a row, which change
    nothing else.
    """

    health: Health = Health.UNKNOWN
    failures: int = 0
    successes: int = 0
    errors: int = 0
    window: tuple[bool, ...] = ()
    since: float | None = None
    failing_since: float | None = None
    failed_at: float | None = None
    succeeded_at: float | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Restraint:
    """Events that came too often, and until when what they ask for is delayed; see restraint.py."""

    events: tuple[float, ...] = ()
    step: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Contest:
    """How often a record that we would have gone was put back, and until when we leave it alone.

    ``agreed_since`` is since when we hold it UP, None while we do not. ``returned_at`` is when it
    was last put back, until a probe that started later has told whether we still disagree.
    """

    returns: int = 0
    until: float = 0.0
    agreed_since: float | None = None
    returned_at: float | None = None


LONGEST_DRAIN = 30 * 86400.0
"""Seconds that a drain may last."""


@dataclass(frozen=True, slots=True)
class Drain:
    """An operator's word that an address be out of the zone from ``since`` until ``until``.

    ``forced`` lets it fall below `min_records`, but never below one target that is UP.
    """

    since: float
    until: float
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Timing:
    """When a pool's targets are probed and what changes our mind; seconds and numbers of probes."""

    interval: float = 180.0
    fast_interval: float = 1.0
    probe_timeout: float = 2.0
    fall: int = 3
    rise: int = 2


@dataclass(frozen=True, slots=True)
class Target:
    """An address that is probed and, while up, published. ``name`` is its label."""

    address: str
    name: str
    probe: ProbeSpec


class TargetKey(NamedTuple):
    """A target's identity in the process: an address may be a target of several pools.

    A reference is probed like a target, but for what it says about us; it is never published.
    """

    pool: str
    address: str
    reference: bool = False


# --- pools ------------------------------------------------------------------------------


class Mode(Enum):
    """ENFORCE writes the zone; OBSERVE never does."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


@dataclass(frozen=True, slots=True)
class LockTerms:
    """How withdrawals of several writers are kept apart: a lock in the zone, or none (off).

    A lock is valid for ``lease`` seconds less ``margin``, the longest time that a DELETE may take.
    """

    enabled: bool = True
    lease: float = 60.0
    margin: float = 20.0


@dataclass(frozen=True, slots=True)
class QuorumTerms:
    """Agreeing with other observers: what we are called among them, and for how many seconds a
    vote counts whose sequence number does not move.
    """

    observer: str
    lease: float = 60.0


class NameServer(NamedTuple):
    """Who is asked in DNS; as text it is ``address:port``."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Pool:
    """The targets behind one name, or behind several names with one verdict.

    ``listed`` is empty when the record set itself says who the targets are (they are *learned*).
    ``targets_file`` is the path of the file that has them, if it is not the configuration. ``own``
    holds at most one address per family. ``max_withdrawals`` None means half of the set.
    ``reference`` are addresses outside the pool; ``probe`` is the template for learned targets.
    ``resolvers`` are asked what DNS serves; None means the zone's own name servers, () nobody.
    ``quorum`` None: no votes are written or read, and the own view decides.
    ``types`` are the managed ones: a family is managed only if ``own`` or ``listed`` has it.
    """

    name: str
    zone: str
    records: tuple[str, ...]
    member: bool
    own: tuple[Target, ...]
    probe: ProbeSpec
    timing: Timing = Timing()
    listed: tuple[Target, ...] = ()
    retired: tuple[str, ...] = ()
    reference: tuple[Target, ...] = ()
    ttl: int = 60
    min_records: int = 1
    max_withdrawals: int | None = None
    remember: float = 86400.0
    targets_file: str = ""
    mode: Mode = Mode.ENFORCE
    resolvers: tuple[NameServer, ...] | None = None
    quorum: QuorumTerms | None = None
    listed_addresses: frozenset[str] = field(
        init=False, repr=False, compare=False, default=frozenset()
    )
    types: tuple[RecordType, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        # Asked for again and again in each cycle: ten thousand targets are not to be gone through.
        addresses = frozenset(target.address for target in self.listed)
        present = {*map(address_type, addresses), *(address_type(own.address) for own in self.own)}
        types = tuple(t for t in (RecordType.A, RecordType.AAAA) if t in present)
        object.__setattr__(self, "listed_addresses", addresses)
        object.__setattr__(self, "types", types)


# --- the zone ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the provider has it: an object with an id per value. ``name`` is a FQDN."""

    id: str
    name: str
    type: RecordType
    value: str
    ttl: int


class RecordSetKey(NamedTuple):
    """A record set's identity: its FQDN and type."""

    name: str
    type: RecordType


class Entry(NamedTuple):
    """An address under a name, whatever its record is."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a pool outlives the process; by address, times on the process's clock.

    ``remembered`` says until when a learned target that has left a name stays one, and may be put
    back there: of several names, it may have left only some. ``proven`` holds the
    probes (`ProbeSpec.label`) of own addresses that have been UP from here.
    """

    drains: Mapping[str, Drain] = field(default_factory=dict)
    remembered: Mapping[Entry, float] = field(default_factory=dict)
    contests: Mapping[str, Contest] = field(default_factory=dict)
    restraints: Mapping[str, Restraint] = field(default_factory=dict)
    proven: frozenset[str] = frozenset()


# --- plans ------------------------------------------------------------------------------


class Ground(Enum):
    """Why a record may be withdrawn (law 5)."""

    DOWN = "down"
    RETIRED = "retired"
    DRAINED = "drained"
    DUPLICATE = "duplicate"


class Hold(Enum):
    """Why a withdrawal that has a ground is not done: a closed set, in order of precedence."""

    OBSERVE_MODE = "observe_mode"
    STALE_VIEW = "stale_view"
    OVERLOADED = "overloaded"
    UNKNOWN_HEALTH = "unknown_health"
    FAIL_OPEN = "fail_open"
    ISOLATED = "isolated"
    OWN_UNPROVEN = "own_unproven"
    CONTESTED = "contested"
    NO_QUORUM = "no_quorum"
    MIN_RECORDS = "min_records"
    MAX_WITHDRAWALS = "max_withdrawals"
    NO_LOCK = "no_lock"


class Unpublished(Enum):
    """Why an address that might be published is not: a closed set."""

    OBSERVE_MODE = "observe_mode"
    UNKNOWN_HEALTH = "unknown_health"
    DRAINED = "drained"
    RETIRED = "retired"
    HOLD_DOWN = "hold_down"
    VOTED_DOWN = "voted_down"
    CONFLICT = "conflict"
    API_ERROR = "api_error"


@dataclass(frozen=True, slots=True)
class Create:
    """Publish ``value`` under ``name``; ``ttl`` in seconds."""

    name: str
    type: RecordType
    value: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Withdraw one record, by its id."""

    record: Record
    ground: Ground


@dataclass(frozen=True, slots=True)
class Withheld:
    """A delete that has a ground and is not done, and why."""

    record: Record
    ground: Ground
    hold: Hold


@dataclass(frozen=True, slots=True)
class Omitted:
    """An address that is not published under ``name``, and why."""

    name: str
    address: str
    reason: Unpublished


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that a pool needs now, what is withheld, and when to look again.

    Creates come before deletes. ``again_at`` is on the process's clock; None means that nothing
    but an event or the interval calls for another look. ``fail_open`` names the record sets that
    keep what they have because nothing of ours is up; ``foreign`` counts records left alone.
    """

    creates: tuple[Create, ...] = ()
    deletes: tuple[Delete, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    desired: Mapping[RecordSetKey, tuple[str, ...]] = field(default_factory=dict)
    fail_open: tuple[RecordSetKey, ...] = ()
    foreign: Mapping[RecordSetKey, int] = field(default_factory=dict)
    again_at: float | None = None

    @property
    def holds(self) -> tuple[Hold, ...]:
        """The reasons in force, in order of precedence."""
        present = {w.hold for w in self.withheld}
        return tuple(hold for hold in Hold if hold in present)
