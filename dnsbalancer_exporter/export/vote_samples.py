"""The metrics of votes, drawn from the Report: of pools with quorum, and of who is there now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from dnsbalancer_exporter.export.row import Row
from dnsbalancer_exporter.export.votes import against, disagreements
from dnsbalancer_exporter.report import PoolReport
from dnsbalancer_exporter.vote import Count, Standing, Unsettled

OBSERVER = ("pool", "observer")

VERDICTS = ("up", "tied", "down")
"""What the votes can say of a target: the closed set of the label ``verdict``."""

VOTE_ROWS = (
    Row("quorum_settled", "gauge", ("pool",), "0 while votes withdraw nobody: unread, or too new."),
    Row("quorum_electorate", "gauge", ("pool",), "Observers that are counted, ourselves included."),
    Row("quorum_majority", "gauge", ("pool",), "How many of them make a target DOWN."),
    Row("quorum_observers", "gauge", ("pool", "standing"), "Observers, by how they are counted."),
    Row("quorum_targets", "gauge", ("pool", "verdict"), "Targets, by what the votes say of them."),
    Row(
        "quorum_vote_down",
        "gauge",
        (*OBSERVER, "target"),
        "1 for each target that an observer holds DOWN; there is no series for the others.",
    ),
    Row(
        "quorum_vote_moved_timestamp_seconds",
        "gauge",
        OBSERVER,
        "When the number of an observer's vote was last seen to move.",
    ),
    Row(
        "quorum_vote_cut_addresses",
        "gauge",
        OBSERVER,
        "Addresses that found no room in an observer's vote.",
    ),
    Row(
        "quorum_observer_disagreements",
        "gauge",
        OBSERVER,
        "Targets that the majority sees otherwise than an observer that has voted.",
    ),
)

UNREAD = Count((), unsettled=Unsettled.UNREAD)
"""What is known before the first cycle."""

Sample = tuple[str, tuple[str, ...], float]


def samples(report: PoolReport, names: Mapping[str, str], epoch: float) -> Iterator[Sample]:
    """Every sample of VOTE_ROWS for one pool; ``names`` are those of its targets, by address."""
    if report.pool.quorum is None:
        return
    count, pool = report.votes or UNREAD, report.pool.name
    yield "quorum_settled", (pool,), float(count.unsettled is None)
    yield "quorum_electorate", (pool,), count.of
    yield "quorum_majority", (pool,), count.majority
    standings = Counter(voter.standing for voter in count.voters)
    for standing in Standing:
        yield "quorum_observers", (pool, standing.value), standings[standing]
    verdicts = Counter(v.word for address, v in count.verdicts.items() if address in names)
    verdicts["up"] += len(names) - sum(verdicts.values())
    for word in VERDICTS:
        yield "quorum_targets", (pool, word), verdicts[word]
    yield from _of_observers(count, pool, names, epoch)


def _of_observers(
    count: Count, pool: str, names: Mapping[str, str], epoch: float
) -> Iterator[Sample]:
    for voter in count.voters:
        labels = (pool, voter.observer)
        if voter.vote is not None:
            yield "quorum_vote_cut_addresses", labels, voter.vote.cut
        if voter.moved_at is not None:
            yield "quorum_vote_moved_timestamp_seconds", labels, voter.moved_at + epoch
        if voter.standing in (Standing.OWN, Standing.VOTES):
            yield "quorum_observer_disagreements", labels, len(disagreements(count, voter))
        for address in against(count, voter):
            if address in names:
                yield "quorum_vote_down", (*labels, names[address]), 1.0
