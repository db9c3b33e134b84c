"""The table of quorum.py, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dnsbalancer_exporter import quorum
from dnsbalancer_exporter.model import (
    Health,
    HealthState,
    Pool,
    ProbeSpec,
    Protocol,
    QuorumTerms,
    Target,
)
from dnsbalancer_exporter.quorum import Poll
from dnsbalancer_exporter.vote import Count, Standing, Unsettled, Vote, Words

A, B, C, D = (f"192.0.2.{n}" for n in range(1, 5))
LEASE = 60.0
SPEC = ProbeSpec(Protocol.TCP, A, 80, 2.0)
NAME = "example.com"
POOL = Pool(NAME, NAME, (NAME,), True, (Target(A, A, SPEC),), SPEC)
WITNESS = replace(POOL, member=False)
TERMS = QuorumTerms(A, LEASE)
UP = HealthState(Health.UP, successes=2, succeeded_at=1.0, proven=True)
START = 1000.0


def down(since: float) -> HealthState:
    return HealthState(Health.DOWN, failures=3, since=since, failing_since=since - 9.0)


def says(observer: str, seq: int, *down: str, drained: tuple[str, ...] = ()) -> Vote:
    return Vote(observer, seq, Words(down, drained))


def watched(*rounds: tuple[Vote, ...], every: float = LEASE / 3, begin: float = START) -> Poll:
    """What a reader knows that read these votes, one round after the other."""
    poll = Poll()
    for number, votes in enumerate(rounds):
        poll = quorum.read(poll, votes, begin + number * every, LEASE)
    return poll


def renewed(rounds: int, **votes: tuple[str, ...]) -> Poll:
    """A ballot whose votes were renewed in each of so many rounds of a third of a lease."""
    names = {"a": A, "b": B, "c": C, "d": D, "w": "w"}
    made = [
        tuple(says(names[o], 1 + number, *named) for o, named in votes.items())
        for number in range(rounds)
    ]
    return watched(*made)


def counted(poll: Poll, *own: str, of: Pool = POOL, late: float = 0.0, **healths: Any) -> Count:
    """The count at the last read or later; a target is UP unless it is told otherwise."""
    names = {"a": A, "b": B, "c": C, "d": D}
    states = {names[n]: state for n, state in healths.items()}
    now = (poll.read_at or START) + late
    return quorum.count(of, TERMS, poll, Words(own), states, now)


def standings(count: Count) -> dict[str, Standing]:
    return {voter.observer: voter.standing for voter in count.voters}


# --- who is counted -----------------------------------------------------------------------


def test_we_count_as_saying_down_what_our_vote_says_and_we_still_hold() -> None:
    poll = renewed(5, a=(B, C), b=())
    assert counted(poll, B, b=UP, c=UP).verdicts[B] == (1, 3)
    assert C not in counted(poll, B, b=UP, c=UP).verdicts
    assert counted(renewed(5, b=()), B, b=UP, c=UP).verdict(B) == (0, 3)


def test_a_vote_counts_until_its_number_has_not_risen_for_a_lease() -> None:
    rounds = [(says(B, 1, C),)] * 3
    assert standings(counted(watched(*rounds), c=UP))[B] is Standing.VOTES
    assert standings(counted(watched(*rounds, rounds[0]), c=UP))[B] is Standing.STALE


@pytest.mark.parametrize("lie", [says(B, 5, D), says(B, 4, D)], ids=["the same", "a lower"])
def test_a_vote_that_changes_without_a_higher_number_is_not_believed(lie: Vote) -> None:
    poll = watched((says(B, 5, C),), (lie,), (lie,))
    assert set(counted(poll, c=UP, d=UP).verdicts) == {C}
    assert standings(counted(quorum.read(poll, [lie], START + LEASE, LEASE)))[B] is Standing.STALE


def test_of_two_votes_of_one_observer_the_newest_counts() -> None:
    poll = watched((says(B, 2, D), says(B, 1, C)))
    assert set(counted(poll, c=UP, d=UP).verdicts) == {D}


def test_who_took_its_vote_back_is_counted_for_the_rest_of_its_lease_and_names_nobody() -> None:
    poll = watched((says("w", 1, C),), ())
    assert counted(poll, c=UP) == replace(counted(poll, c=UP), of=3, verdicts={})
    assert standings(counted(watched((says("w", 1, C),), (), (), ()), c=UP)) == {
        A: Standing.OWN,
        C: Standing.PRESUMED,
    }


def test_a_member_presumes_that_a_target_without_a_vote_holds_nobody_down() -> None:
    count = counted(renewed(5, a=(C,)), C, b=UP, c=UP)
    assert count.verdicts[C] == (1, 3)
    assert standings(count) == {A: Standing.OWN, B: Standing.PRESUMED, C: Standing.PRESUMED}


@pytest.mark.parametrize(
    ("rounds", "since", "of"),
    [
        pytest.param(4, START, 1, id="down for a lease, asked for a lease"),
        pytest.param(4, START + 1.0, 2, id="down for less"),
        pytest.param(3, START - LEASE, 2, id="asked for less"),
    ],
)
def test_a_peer_that_is_silent_to_probes_and_to_a_vote_for_a_lease_does_not_vote(
    rounds: int, since: float, of: int
) -> None:
    count = counted(renewed(rounds, a=(B,)), B, b=down(since))
    assert count.verdicts[B] == (1, of)


def test_a_peer_that_cannot_be_probed_is_not_silent() -> None:
    assert counted(renewed(9, a=(C,)), C, b=HealthState(errors=9), c=UP).of == 3


def test_who_was_never_asked_is_not_silent() -> None:
    """Nobody names anybody: a quiet peer has no reason to vote."""
    assert counted(renewed(9), b=down(0.0)).of == 2


def test_a_witness_counts_only_who_votes_when_a_lease_is_over() -> None:
    assert counted(renewed(3, a=(B,)), B, of=WITNESS, b=UP, c=UP).verdicts[B] == (1, 3)
    assert counted(renewed(4, a=(B,)), B, of=WITNESS, b=UP, c=UP).verdicts[B] == (1, 1)
    assert counted(renewed(4, a=(B,), c=()), B, of=WITNESS, b=UP, c=UP).verdicts[B] == (1, 2)


def test_the_two_addresses_of_a_machine_are_one_observer() -> None:
    six = Target("2001:db8::1", "six", SPEC)
    pool = replace(POOL, own=(*POOL.own, six))
    healths = {A: UP, B: UP, "2001:db8::1": UP, "2001:db8::2": UP}
    count = quorum.count(pool, TERMS, renewed(5), Words(), healths, START + 80.0)
    assert count.of == 2


def test_addresses_that_are_no_targets_of_ours_are_ignored() -> None:
    poll = watched((Vote(B, 1, Words((C, D), ("192.0.2.9", C))),))
    count = counted(poll, c=UP)
    assert (set(count.verdicts), count.drained) == ({C}, {C: (B,)})


# --- what it means ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saying", "word"), [(0, "up"), (1, "up"), (2, "tied"), (3, "down"), (4, "down")]
)
def test_more_than_half_is_a_majority_and_half_is_a_tie(saying: int, word: str) -> None:
    votes = dict.fromkeys("abcd"[:saying], (D,)) | dict.fromkeys("abcd"[saying:], ())
    own = (D,) if saying else ()
    assert counted(renewed(5, **votes), *own, b=UP, c=UP, d=UP).verdict(D).word == word


def test_nothing_is_settled_before_a_lease_has_been_watched() -> None:
    assert counted(renewed(3)).unsettled is Unsettled.WATCHING
    assert counted(renewed(4)).unsettled is None


def test_nothing_is_settled_by_votes_that_were_read_a_third_of_a_lease_ago() -> None:
    poll = renewed(5, b=(C,))
    assert counted(poll, late=19.0, c=UP).unsettled is None
    count = counted(poll, late=20.0, c=UP)
    assert (count.unsettled, count.verdict(C).down) == (Unsettled.UNREAD, 1)


def test_after_a_lease_without_a_read_nobody_has_voted() -> None:
    assert counted(renewed(5, b=(C,)), late=59.0, c=UP).verdict(C).down == 1
    assert counted(renewed(5, b=(C,)), late=60.0, c=UP).verdict(C).down == 0


def test_who_has_not_read_for_a_lease_begins_anew() -> None:
    """A stale vote counts as fresh then, and nothing is settled."""
    poll = quorum.read(renewed(9, b=(C,)), [says(B, 9, C)], START + 300.0, LEASE)
    count = counted(poll, c=UP)
    assert (count.unsettled, count.verdict(C).down) == (Unsettled.WATCHING, 1)
    assert count.settled_at == START + 300.0 + LEASE


def test_the_clock_of_who_has_voted_does_not_matter_nor_where_ours_began() -> None:
    votes = [(says(B, n, C),) for n in range(1, 6)]
    early, late = (counted(watched(*votes, begin=b), c=UP) for b in (0.0, 1e9))
    assert (early.of, early.verdicts) == (late.of, late.verdicts)


# --- voting -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "others", "said"),
    [
        pytest.param(Words(), (), None, id="nobody names anybody"),
        pytest.param(Words((B,)), (), Words((B,)), id="we do"),
        pytest.param(Words((), (A,)), (), Words((), (A,)), id="we drain"),
        pytest.param(Words(), (says(B, 1, C),), Words(), id="another does: to be counted"),
        pytest.param(Words(), (says(B, 1, drained=(B,)),), Words(), id="another drains"),
        pytest.param(Words(), (says(B, 1),), None, id="another is only there to be counted"),
        pytest.param(Words(), (says(A, 1, C),), None, id="what we said before does not count"),
    ],
)
def test_a_vote_is_there_while_anybody_is_named(
    own: Words, others: tuple[Vote, ...], said: Words | None
) -> None:
    assert quorum.says(watched(others), TERMS, own) == said


def test_a_stale_vote_keeps_nobody_voting() -> None:
    assert quorum.says(watched(*[(says(B, 1, C),)] * 4), TERMS, Words()) is None


def test_whoever_a_vote_and_we_see_differently_is_probed_at_once() -> None:
    poll = watched((says(B, 1, C),), (says(B, 2, C, D),))
    healths = {B: UP, C: UP, D: down(0.0), A: HealthState()}
    assert quorum.disputed(poll, TERMS, healths) == {C: START + 20.0}
    returned = watched((says(B, 1),))
    assert quorum.disputed(returned, TERMS, {B: down(0.0)}) == {B: START}
    assert quorum.disputed(watched((says(A, 1, C),)), TERMS, {C: UP}) == {}


def test_votes_are_read_often_while_they_change_and_three_times_in_a_lease_else() -> None:
    quiet = renewed(3)
    assert quorum.look_again(quiet, TERMS, Words(), 0.0) == 20.0
    assert quorum.look_again(quiet, TERMS, Words((B,)), 0.0) == 5.0
    old = renewed(5, a=(B,))
    assert quorum.look_again(old, TERMS, Words((B,)), START + 30.0) == START + 35.0
    assert quorum.look_again(old, TERMS, Words((B,)), START + 80.0) == START + 100.0
