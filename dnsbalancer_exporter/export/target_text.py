"""The series of each target, as text: what grows with the targets is not drawn by objects.

For each format prometheus-client writes one sample of each row, with a mark in the place of what is
a target's own (a `Form`); a scrape only fills these in. So names, suffixes, escaping and the order
of a family's lines are the library's, and a target costs microseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dnsbalancer_exporter.export.catalogue import TARGET_ROWS
from dnsbalancer_exporter.export.row import FAMILIES, Row
from dnsbalancer_exporter.export.seen import Group, Seen
from dnsbalancer_exporter.model import Health, Outcome, ProbeReason
from dnsbalancer_exporter.report import PROBE_BUCKETS

Encoder = Callable[[Collector], bytes]
"""Writes what a collector gives in one of the formats, as prometheus-client's do."""

MARK = "\0"
"""Stands in a form in the place of a target's labels."""

UNKNOWN, UP, DOWN = Health.UNKNOWN, Health.UP, Health.DOWN
REASONS = tuple(ProbeReason)
NO_FAILURES = (0,) * len(REASONS)


class Column(NamedTuple):
    """What fills the slots of a row: a value, a tuple of them, or None if there is no sample.

    ``slot`` is how numbers are written; ``few`` says that most targets have the same values.
    """

    value: Callable[[Seen], object]
    slot: str = "%d"
    few: bool = False


class Form(NamedTuple):
    """HELP and TYPE of a row, and all samples of one target: MARK for labels, slots for numbers."""

    head: str
    lines: str


def _info(seen: Seen) -> object:
    target = seen.what
    return target.address, target.probe.port or "", 1


def _failures(seen: Seen) -> object:
    failures = seen.tally.failures
    return tuple(failures.get(r, 0) for r in REASONS) if failures else NO_FAILURES


def _succeeded(seen: Seen) -> object:
    last = seen.last
    return last and last.outcome is Outcome.SUCCESS


def _histogram(seen: Seen) -> object:
    tally = seen.tally
    counts = (*accumulate(tally.buckets),)
    return (*counts, counts[-1], tally.duration_sum)


def _last_duration(seen: Seen) -> object:
    last = seen.last
    return last.duration if last and last.outcome is Outcome.SUCCESS else None


def _last_run(seen: Seen) -> object:
    last = seen.last
    return last and last.started + seen.epoch


def _up(seen: Seen) -> object:
    return seen.health.health is UP


def _state(seen: Seen) -> object:
    health = seen.health.health
    return health is UNKNOWN, health is UP, health is DOWN


def _transitions(seen: Seen) -> object:
    up = down = 0
    for health, count in seen.tally.transitions.items():  # to hash an Enum costs more
        if health is UP:
            up = count
        elif health is DOWN:
            down = count
    return up, down


def _since(seen: Seen) -> object:
    since = seen.health.since
    return 0 if since is None else since + seen.epoch


SECONDS, MOMENT = "%.6f", "%.3f"
COLUMNS: Mapping[str, Column] = {
    "target_info": Column(_info),
    "probes": Column(attrgetter("tally.probes")),
    "probe_failures": Column(_failures, few=True),
    "probe_success": Column(_succeeded, few=True),
    "probe_duration_seconds": Column(_histogram),
    "probe_last_duration_seconds": Column(_last_duration, SECONDS),
    "probe_last_run_timestamp_seconds": Column(_last_run, MOMENT),
    "probe_interval_seconds": Column(attrgetter("timing.interval"), "%s", few=True),
    "probe_timeout_seconds": Column(attrgetter("what.probe.timeout"), "%s", few=True),
    "probe_tls_certificate_expiry_timestamp_seconds": Column(
        attrgetter("certificate_expires"), few=True
    ),
    "target_up": Column(_up, few=True),
    "target_state": Column(_state, few=True),
    "target_transitions": Column(_transitions, few=True),
    "target_last_transition_timestamp_seconds": Column(_since, MOMENT),
    "target_consecutive_failures": Column(attrgetter("health.failures"), few=True),
    "target_consecutive_successes": Column(attrgetter("health.successes")),
    "target_published": Column(attrgetter("published"), few=True),
    "target_drained": Column(attrgetter("drained"), few=True),
    "target_votes_down": Column(attrgetter("votes"), few=True),
    "target_contested": Column(attrgetter("contested"), few=True),
}
"""Of TARGET_ROWS. Times are written to the millisecond, durations to the microsecond."""

EXTRA: Mapping[str, list[tuple[str, ...]]] = {
    "target_info": [("%s", "%s")],
    "probe_failures": [(reason.value,) for reason in REASONS],
    "target_state": [(health.value,) for health in (UNKNOWN, UP, DOWN)],
    "target_transitions": [(health.value,) for health in (UP, DOWN)],
}
"""The values of the labels that a row has beyond those of its target."""


class Writer:
    """Writes one family at a time in the format of ``encoder``; ``end`` closes the document."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.end = encoder(_Registry())

    def __call__(self, family: Metric) -> bytes:
        """The family as prometheus-client writes it."""
        return self._encoder(_Registry(family)).removesuffix(self.end)


class _Registry(Collector):
    """A registry of these families."""

    def __init__(self, *families: Metric) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def forms(write: Writer) -> list[Form]:
    """The form of each of TARGET_ROWS."""
    return [_form(row, write) for row in TARGET_ROWS]


def _form(row: Row, write: Writer) -> Form:
    of_target = 3 if "probe" in row.labels else 2
    family = FAMILIES[row.kind](
        f"dnsbalancer_{row.name}", row.help, labels=("pool", *row.labels[of_target:])
    )
    for extra in EXTRA.get(row.name, [()]):
        if row.kind == "histogram":
            family.add_metric((MARK, *extra), [(str(b), 0.0) for b in (*PROBE_BUCKETS, "+Inf")], 0)
        else:
            family.add_metric((MARK, *extra), 0)
    lines = write(family).decode().splitlines(keepends=True)
    head = "".join(line for line in lines if line.startswith("#"))
    samples = [_slotted(row, line) for line in lines if not line.startswith("#")]
    # Samples of one name stay in their order; of a histogram, _bucket comes before _count and _sum.
    samples.sort(key=lambda line: line.partition("{")[0])
    return Form(head, "".join(samples))


def _slotted(row: Row, line: str) -> str:
    series, _, _ = line.rpartition(" ")
    slot = SECONDS if series.partition("{")[0].endswith("_sum") else COLUMNS[row.name].slot
    return f"{series} {slot}\n".replace(f'pool="{MARK}"', MARK)


def pieces(drawn: list[Form], groups: Sequence[Group]) -> Iterator[Iterable[str]]:
    """The text of all targets, family by family, in pieces that take a millisecond at most."""
    for row, form in zip(TARGET_ROWS, drawn, strict=True):
        yield (form.head,)
        label, column = (
            attrgetter("probe" if "probe" in row.labels else "target"),
            COLUMNS[row.name],
        )
        for group in groups:
            yield _samples(form.lines, column, map(label, group), group)


def _samples(lines: str, column: Column, labels: Iterable[str], group: Group) -> Iterable[str]:
    values = map(column.value, group)
    if not column.few:
        return [
            (lines % value).replace(MARK, label)
            for label, value in zip(labels, values, strict=True)
            if value is not None
        ]
    made: dict[object, list[str]] = {}
    found = []
    for label, value in zip(labels, values, strict=True):
        parts = made.get(value)
        if parts is None:
            parts = made[value] = [] if value is None else (lines % value).split(MARK)
        found.append(label.join(parts))
    return found
