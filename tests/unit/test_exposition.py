"""The document of /metrics: what prometheus-client would write, whatever the targets are like."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as ClientCounter
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from dnsbalancer_exporter.export.answer import Drawing
from dnsbalancer_exporter.export.catalogue import REPORT_ROWS, TARGET_ROWS
from dnsbalancer_exporter.export.exposition import Exposition
from dnsbalancer_exporter.export.target_text import COLUMNS
from dnsbalancer_exporter.model import (
    Delete,
    Drain,
    Ground,
    Health,
    HealthState,
    Hold,
    Outcome,
    Plan,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
    Restraint,
    Target,
    TargetKey,
    Timing,
    Withheld,
)
from dnsbalancer_exporter.recent import Recent
from dnsbalancer_exporter.report import PROBE_BUCKETS, PoolReport, Report, Tally, TargetState
from dnsbalancer_exporter.vote import Count, Verdict
from tests.unit.drawn_by_library import Targets
from tests.unit.pages import pool_of, record, up

EPOCH = 1763911961.25
TEXT = "text/plain; version=0.0.4"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
DOTS = "text/plain; version=1.0.0; escaping=dots"
ACCEPTED = ["", "nonsense", TEXT, OPENMETRICS, PROMETHEUS, DOTS, "text/plain;version=1.0.0"]


def body(exposition: Exposition, accept: str) -> str:
    drawing = exposition(accept).body
    assert isinstance(drawing, Drawing)
    return b"".join(drawing.pieces()).decode()


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    ClientCounter("dnsbalancer_cycles", "Finished cycles.", ["pool"], registry=made).labels("a")
    return made


def exposition(report: Report) -> Exposition:
    return Exposition(lambda: (report, EPOCH), registry())


def parsed(text: str) -> list[Metric]:
    if text.endswith("# EOF\n"):
        return list(openmetrics.text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    return list(text_string_to_metric_families(text))


Series = tuple[str, frozenset[tuple[str, str]], str]


def series(families: Iterable[Metric]) -> Counter[Series]:
    """All samples; the value as text, so that a NaN is itself."""
    return Counter(
        (s.name, frozenset(s.labels.items()), repr(float(s.value)))
        for family in families
        for s in family.samples
    )


names = st.text(st.sampled_from('ab"\\\n{}=,% #\0\tжÿ\U0001f600'), max_size=6)
counts = st.integers(0, 10**12)
seconds = st.floats(0, 1e9) | st.sampled_from([float("inf"), 1e-9, 0.0])
moments = st.floats(-1e9, 1e9) | st.sampled_from([float("inf"), float("nan")])
reasons = st.dictionaries(st.sampled_from(ProbeReason), counts)
transitions = st.dictionaries(st.sampled_from(Health), counts)
tallies = st.builds(
    Tally,
    counts,
    reasons,
    st.tuples(*[st.integers(0, 10**9)] * (len(PROBE_BUCKETS) + 1)),
    seconds,
    transitions,
)
healths = st.builds(
    HealthState,
    st.sampled_from(Health),
    counts,
    counts,
    errors=st.just(0),
    window=st.just(()),
    since=st.none() | moments,
    failing_since=st.none(),
    failed_at=st.none(),
    succeeded_at=st.none(),
    proven=st.booleans(),
)
results = st.none() | st.builds(ProbeResult, st.sampled_from(Outcome), moments, seconds)
specs = st.builds(
    ProbeSpec, st.sampled_from(Protocol), st.just("192.0.2.1"), st.integers(0, 65535), seconds
)
states = st.builds(
    TargetState,
    st.builds(Target, st.just(""), names, specs),
    healths,
    results,
    tallies,
    restraint=st.just(Restraint()),
    timing=st.builds(Timing, seconds),
    next_at=st.just(0.0),
    recent=st.just(Recent()),
    certificate_expires=st.none() | st.integers(0, 2**40).map(float),
)


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Up to three pools with odd names, and targets in any state, references among them."""
    pools: dict[str, PoolReport] = {}
    targets: dict[TargetKey, TargetState] = {}
    for name in draw(st.lists(names, unique=True, max_size=3)):
        report = pool_of(up(0), published=())
        drawn = draw(st.lists(states, max_size=4, unique_by=lambda s: s.target.name))
        mine = [
            state._replace(target=replace(state.target, address=f"192.0.2.{number}"))
            for number, state in enumerate(drawn, 1)
        ]
        for state in mine:
            targets[TargetKey(name, state.target.address, draw(st.booleans()))] = state
        some = st.lists(st.sampled_from(mine), max_size=4) if mine else st.just([])
        held = Hold.CONTESTED, Hold.NO_LOCK
        withheld = tuple(
            Withheld(record(state), Ground.DOWN, draw(st.sampled_from(held)))
            for state in draw(some)
        )
        named = [state.target.address for state in draw(some)]
        pools[name] = replace(
            report,
            pool=replace(report.pool, name=name),
            records=tuple(record(state) for state in draw(some)),
            drains={state.target.address: Drain(0, 1) for state in draw(some)},
            votes=draw(st.none() | st.just(Count((), 3, dict.fromkeys(named, Verdict(2, 3))))),
            plan=Plan(deletes=(Delete(record(up(1)), Ground.DOWN),), withheld=withheld),
        )
    strangers = draw(st.booleans())
    if strangers:  # of a pool that has just gone
        targets[TargetKey("gone", "192.0.2.9")] = up(9)
    return Report(0.0, tuple(pools.values()), targets)


@settings(deadline=None, max_examples=100)
@given(reports(), st.sampled_from(ACCEPTED))
def test_the_targets_series_are_those_that_the_library_would_draw(
    report: Report, accept: str
) -> None:
    encoder, _ = choose_encoder(accept)
    library = parsed(encoder(Targets(report, EPOCH)).decode())
    ours = parsed(body(exposition(report), accept))
    assert [(f.name, f.type, f.documentation) for f in ours[: len(library)]] == [
        (f.name, f.type, f.documentation) for f in library
    ]
    assert series(ours[: len(library)]) == series(library)


@pytest.mark.parametrize("accept", [accept for accept in ACCEPTED if accept != DOTS])
def test_a_document_has_each_family_once_and_one_end(accept: str) -> None:
    targets = {TargetKey("a", f"192.0.2.{n}"): up(n) for n in range(3)}
    pool = pool_of(up(0), published=(up(0),))
    pool = replace(pool, pool=replace(pool.pool, name="a"))
    text = body(exposition(Report(0.0, (pool,), targets)), accept)
    heads = Counter(line for line in text.splitlines() if line.startswith("#"))
    assert set(heads.values()) == {1}
    names = [line.split()[2].removesuffix("_total") for line in heads if line.startswith("# TYPE")]
    wanted = [f"dnsbalancer_{row.name}" for row in REPORT_ROWS] + ["dnsbalancer_cycles"]
    assert [name for name in names if not name.endswith("created")] == wanted
    assert text.endswith("# EOF\n") == ("openmetrics" in accept)


def test_each_row_of_targets_is_drawn() -> None:
    assert set(COLUMNS) == {row.name for row in TARGET_ROWS}


def test_who_is_drawn_is_of_the_same_picture_as_the_pools() -> None:
    pool = pool_of(up(0), published=())
    pictures = iter(
        Report(
            0.0, (pool,), {TargetKey("example.com", f"192.0.2.{n}"): up(n) for n in range(count)}
        )
        for count in (3, 5)
    )
    scraped = Exposition(lambda: (next(pictures), EPOCH), registry())
    for count in (3, 5):
        found = series(parsed(body(scraped, "")))
        assert sum(n == "dnsbalancer_target_up" for n, _, _ in found) == count
        total = ("dnsbalancer_pool_targets", frozenset({("pool", "example.com")}), f"{count:.1f}")
        assert total in found


def test_ten_thousand_targets_are_all_there_and_packed_to_a_twentieth() -> None:
    count = 10_000
    states = {f"10.0.{n // 256}.{n % 256}": up(n) for n in range(count)}
    targets = {
        TargetKey("example.com", a): s._replace(target=replace(s.target, address=a, name=f"vm-{a}"))
        for a, s in states.items()
    }
    drawing = exposition(Report(0.0, (pool_of(up(0), published=()),), targets))(OPENMETRICS).body
    assert isinstance(drawing, Drawing)
    text = b"".join(drawing.pieces())
    lines = Counter(line.partition(b"{")[0] for line in text.splitlines() if b"target=" in line)
    assert lines.pop(b"dnsbalancer_probe_duration_seconds_bucket") == count * 14
    assert lines.pop(b"dnsbalancer_probe_failures_total") == count * len(ProbeReason)
    assert lines.pop(b"dnsbalancer_target_state") == count * len(Health)
    assert lines.pop(b"dnsbalancer_target_transitions_total") == count * 2
    assert set(lines.values()) == {count}
    assert len(lines) == 16
    packed = drawing.packed()
    assert gzip.decompress(packed) == text
    assert len(packed) < len(text) / 20
