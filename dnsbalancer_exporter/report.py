"""What happened: one frozen picture; metrics, the page, the log and the verbs are drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from dnsbalancer_exporter.errors import ApiReason
from dnsbalancer_exporter.model import (
    Contest,
    Drain,
    Ground,
    Health,
    HealthState,
    NameServer,
    Plan,
    Pool,
    ProbeReason,
    ProbeResult,
    Record,
    RecordSetKey,
    Restraint,
    Target,
    TargetKey,
    Timing,
)
from dnsbalancer_exporter.recent import Recent
from dnsbalancer_exporter.vote import Count

PROBE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds, in seconds, of the latency histogram: in-cloud probes take 0.2 to 20 ms."""


class Tally(NamedTuple):
    """The counters of one target since it was first probed; they survive a reload.

    ``buckets`` counts successes per PROBE_BUCKETS interval (not cumulative), the last one beyond.
    """

    probes: int = 0
    failures: Mapping[ProbeReason, int] = MappingProxyType({})
    buckets: tuple[int, ...] = (0,) * (len(PROBE_BUCKETS) + 1)
    duration_sum: float = 0.0
    transitions: Mapping[Health, int] = MappingProxyType({})


LAG_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds, in seconds, of the histogram of how late probes begin."""


class Lag(NamedTuple):
    """How late probes began: how many per LAG_BUCKETS interval (the last one beyond), and the sum
    in seconds.
    """

    buckets: tuple[int, ...] = (0,) * (len(LAG_BUCKETS) + 1)
    seconds: float = 0.0


class TargetState(NamedTuple):
    """All that is known of one target at one moment. ``next_at``: the next probe is due.

    ``certificate_expires``, in Unix time, is that of the last certificate that was seen.
    """

    target: Target
    health: HealthState = HealthState()
    last: ProbeResult | None = None
    tally: Tally = Tally()
    restraint: Restraint = Restraint()
    timing: Timing = Timing()
    next_at: float = 0.0
    recent: Recent = Recent()
    certificate_expires: float | None = None


class ApiCall(NamedTuple):
    """One HTTP attempt at the provider, retries included; ``reason`` is None for a success.

    ``operation`` is one of API_OPERATIONS, ``status`` the HTTP status, 0 without an answer.
    """

    operation: str
    duration: float
    status: int
    reason: ApiReason | None


API_OPERATIONS = ("auth_token", "list_zones", "list_records", "create_record", "delete_record")

LOCK_EVENTS = ("taken", "released", "refused", "failed", "broken", "not_unique", "left")
"""What can become of the lock of withdrawals: the closed set of the label ``event``."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write that a cycle made or tried: ``error`` is empty when the zone now shows it.

    ``refills`` says that the record set was empty before and should not have been. ``at`` is when
    the API acknowledged it, on the process's clock; None if it failed.
    """

    action: str
    record: Record
    ground: Ground | None = None
    error: str = ""
    refills: bool = False
    at: float | None = None


def withdrawn(records: Iterable[Record], changes: Sequence[Change]) -> dict[RecordSetKey, int]:
    """How many values ``changes`` have taken out of each record set to the last of ``records``."""
    left = {(RecordSetKey(r.name, r.type), r.value) for r in records}
    values = {
        (RecordSetKey(c.record.name, c.record.type), c.record.value)
        for c in changes
        if c.action == "delete" and not c.error and c.ground is not Ground.DUPLICATE
    } - left
    return {key: sum(k == key for k, _ in values) for key, _ in values}


@dataclass(frozen=True, slots=True)
class PoolReport:
    """What the last cycle saw and did for one pool.

    ``records`` are the pool's record sets as last read without error (``read_at``, on the process's
    clock; None: never); ``error`` says why the last read or write failed. ``gaps`` are the record
    sets that this cycle found empty and that were not so before. ``votes`` is None without quorum.
    """

    pool: Pool
    targets: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    read_at: float | None = None
    plan: Plan = Plan()
    changes: tuple[Change, ...] = ()
    warming: bool = True
    error: str = ""
    again_at: float | None = None
    duration: float = 0.0
    cycles: int = 0
    remembered: tuple[str, ...] = ()
    drains: Mapping[str, Drain] = field(default_factory=dict)
    contests: Mapping[str, Contest] = field(default_factory=dict)
    gaps: tuple[RecordSetKey, ...] = ()
    votes: Count | None = None

    @property
    def writes_left(self) -> int:
        """How many writes the plan wants that were not made: they wait for a place (pace.py)."""
        return len(self.plan.creates) + len(self.plan.deletes)

    def in_sync(self, key: RecordSetKey) -> bool:
        """Whether the last read was good and found the record set as it should be."""
        plan = self.plan
        unwanted = [delete.record for delete in plan.deletes] + [w.record for w in plan.withheld]
        pending = [(c.name, c.type) for c in plan.creates] + [(r.name, r.type) for r in unwanted]
        return self.read_at is not None and not self.error and key not in pending


class DnsReason(Enum):
    """Why a question to a name server came to nothing: the closed set of the label ``reason``.

    LAME: it answers, but neither for this zone nor for others on its behalf.
    """

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    SERVER_FAILURE = "server_failure"
    LAME = "lame"
    INVALID = "invalid_response"


@dataclass(frozen=True, slots=True)
class Served:
    """What one name server said of one record set, ``at`` on the process's clock.

    ``addresses`` are canonical and sorted, None if there was no answer (``reason`` says why);
    ``ttl`` is what it gave, in seconds; what comes from a cache is not ``authoritative``.
    """

    at: float
    addresses: tuple[str, ...] | None
    ttl: int | None = None
    authoritative: bool = True
    reason: DnsReason | None = None


@dataclass(frozen=True, slots=True)
class InDns:
    """A record set as the API said it last (``wanted``), and what each name server says of it."""

    wanted: tuple[str, ...]
    served: Mapping[NameServer, Served] = field(default_factory=dict)

    def in_sync(self, server: NameServer) -> bool | None:
        """Whether its last answer is what the API says; None if it did not answer."""
        addresses = self.served[server].addresses
        return None if addresses is None else addresses == self.wanted

    @property
    def ttl(self) -> int | None:
        """The highest TTL that is served: what a cache has left of it can only be less."""
        return max((s.ttl for s in self.served.values() if s.ttl is not None), default=None)

    @property
    def checked_at(self) -> float | None:
        """When a name server was last asked."""
        return max((s.at for s in self.served.values()), default=None)


@dataclass(frozen=True, slots=True)
class Inventory:
    """A file that targets are taken from: how many, and since when, on the process's clock.

    ``problem`` says why what is in it by now is not used, "" if it is.
    """

    path: str
    targets: int
    since: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One frozen picture of the process; metrics, page, log and verbs are drawn from it.

    ``due`` says when the next cycle of each pool is due, unless something happens before.
    ``dns`` is by pool and record set, and empty if no name server is asked; ``negative_ttls`` are
    the seconds, by zone, for which "no such record" may be cached. ``lag`` is by how many seconds
    the event loop is, or was last, late, ``stood_still`` how often the whole process was, and
    ``probe_lag`` by how much probes began late; ``token_expires_at`` is on the process's clock,
    None without a login. ``inventories`` are by path. ``refused`` says what was wrong with the
    configuration when it was last read again: the one in use is the old one, unless it is empty.
    """

    at: float
    pools: tuple[PoolReport, ...] = ()
    targets: Mapping[TargetKey, TargetState] = field(default_factory=dict)
    due: Mapping[str, float] = field(default_factory=dict)
    dns: Mapping[tuple[str, RecordSetKey], InDns] = field(default_factory=dict)
    negative_ttls: Mapping[str, int] = field(default_factory=dict)
    lag: float = 0.0
    stood_still: int = 0
    probe_lag: Lag = Lag()
    token_expires_at: float | None = None
    inventories: Mapping[str, Inventory] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
