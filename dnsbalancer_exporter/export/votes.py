"""The votes of a pool, for people: who says what, who is in the minority, what is news of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from dnsbalancer_exporter.export.vote_words import UNSETTLED
from dnsbalancer_exporter.names import address_order
from dnsbalancer_exporter.report import PoolReport
from dnsbalancer_exporter.vote import Count, Standing, Unsettled, Verdict, Voter

Document = dict[str, Any]
Line = tuple[int, str, str, dict[str, str]]

VERDICT_EVENTS = {"down": "voted_down", "tied": "votes_tied", "up": "voted_up"}
"""The event of the log for each verdict of the votes."""

VOTE_LEVELS = {
    "failed": logging.WARNING,
    "cut": logging.WARNING,
    "shared": logging.WARNING,
    "tidied": logging.INFO,
}
"""What of VOTE_EVENTS is news."""


def against(count: Count, voter: Voter) -> tuple[str, ...]:
    """Whom an observer is counted to hold DOWN; of ourselves it is our view, and not our vote."""
    if voter.standing is Standing.VOTES and voter.vote:
        return voter.vote.words.down
    if voter.standing is not Standing.OWN:
        return ()
    verdicts = count.verdicts.items()
    return tuple(a for a, said in verdicts if said.down > len(_others_against(count, a)))


def _others_against(count: Count, address: str) -> list[str]:
    others = (v for v in count.voters if v.standing is Standing.VOTES)
    return [v.observer for v in others if v.vote and address in v.vote.words.down]


def holding_down(count: Count, address: str) -> list[str]:
    """The observers, of those that are counted, that hold a target DOWN; ourselves first."""
    return [v.observer for v in count.voters if address in against(count, v)]


def disagreements(count: Count, voter: Voter) -> list[str]:
    """The targets that a majority sees otherwise than an observer that has said so.

    Of what a vote has no room for nothing is known; who has not voted has said nothing.
    """
    if voter.standing not in (Standing.OWN, Standing.VOTES):
        return []
    mine = against(count, voter)
    whole = voter.standing is Standing.OWN or not (voter.vote and voter.vote.cut)
    return [
        address
        for address, verdict in count.verdicts.items()
        if (verdict.word == "up" and address in mine)
        or (verdict.word == "down" and whole and address not in mine)
    ]


# --- the status document --------------------------------------------------------------------


def document(report: PoolReport, epoch: float) -> Document | None:
    """What `/api/v1/status` says of the votes of a pool; None without quorum."""
    count, terms = report.votes, report.pool.quorum
    if count is None or terms is None:
        return None
    return {
        "observer": terms.observer,
        "lease": terms.lease,
        "electorate": count.of,
        "majority": count.majority,
        "unsettled": count.unsettled.value if count.unsettled else None,
        "settled_at": _unix(count.settled_at, epoch),
        "read_at": _unix(count.read_at, epoch),
        "open_since": _unix(count.open_since, epoch),
        "observers": [_voter(count, voter, epoch) for voter in count.voters],
    }


def _voter(count: Count, voter: Voter, epoch: float) -> Document:
    vote = voter.vote
    return {
        "observer": voter.observer,
        "standing": voter.standing.value,
        "number": vote.seq if vote else None,
        "moved_at": _unix(voter.moved_at, epoch),
        "down": list(against(count, voter)),
        "drained": list(vote.words.drained) if vote else [],
        "cut": vote.cut if vote else 0,
        "disagrees": disagreements(count, voter),
    }


def of_target(count: Count | None, address: str) -> Document | None:
    """What the votes say of one target; None without quorum."""
    if count is None:
        return None
    verdict = count.verdict(address)
    return {
        "down": verdict.down,
        "electorate": verdict.of,
        "verdict": None if count.unsettled else verdict.word,
        "observers": holding_down(count, address),
        "drained_by": list(count.drained.get(address, ())),
    }


def _unix(at: float | None, epoch: float) -> float | None:
    return None if at is None else round(at + epoch, 3)


# --- the log ----------------------------------------------------------------------------------


def news(before: PoolReport | None, after: PoolReport) -> Iterator[Line]:
    """A line for each observer, and each verdict, that has changed since the last cycle."""
    now = after.votes
    if now is None:
        return
    then = (before.votes if before else None) or Count(())
    yield from _of_the_count(then, now)
    yield from _of_observers(then, now)
    for address in sorted({*then.verdicts, *now.verdicts}, key=address_order):
        yield from _of_target(address, then.verdict(address), now.verdict(address))


def _of_the_count(then: Count, now: Count) -> Iterator[Line]:
    if now.unsettled and now.unsettled is not then.unsettled:
        level = logging.INFO if now.unsettled is Unsettled.WATCHING else logging.WARNING
        text = f"nothing is withdrawn by votes: {UNSETTLED[now.unsettled.value]}"
        yield level, "votes_unsettled", text, {"reason": now.unsettled.value}
    elif then.unsettled and not now.unsettled:
        yield logging.INFO, "votes_settled", "the votes count from now on", {}


def _of_observers(then: Count, now: Count) -> Iterator[Line]:
    earlier = {voter.observer: voter for voter in then.voters}
    for voter in now.voters:
        old = earlier.get(voter.observer, Voter(voter.observer, Standing.PRESUMED))
        fields = {"observer": voter.observer}
        if voter.standing is Standing.STALE:
            if old.standing is not Standing.STALE:
                text = f"{voter.observer} has not renewed its vote for a lease: it is not counted"
                yield logging.WARNING, "vote_stale", text, fields
            continue
        said, before = against(now, voter), against(then, old)
        if voter.standing is not Standing.OWN and said != before:
            text = f"{voter.observer} holds {', '.join(said) or 'nobody'} down"
            yield logging.INFO, "vote", text, {**fields, "down": ",".join(said)}


def _of_target(address: str, then: Verdict, now: Verdict) -> Iterator[Line]:
    if now.word != then.word:
        level = logging.WARNING if now.word == "down" else logging.INFO
        text = f"{now.down} of {now.of} observers hold {address} down"
        fields = {"address": address, "down": str(now.down), "of": str(now.of)}
        yield level, VERDICT_EVENTS[now.word], text, fields
