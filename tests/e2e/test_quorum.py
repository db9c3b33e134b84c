"""Partitions and deaths in fleets that vote. What the zone is to have stands in docs/quorum.md.

`Voters.judge` sees to it that the name was never empty, and that votes were written no more often
than the page says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.ballot import LEASE, Voters, taken_out
from tests.e2e.lab import need_network_namespaces
from tests.repo.quorum_page import told_of

Make = Callable[[int], Voters]


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes so many machines for the scenario; after the test all that has happened is judged."""
    need_network_namespaces()
    made: list[Voters] = []
    with ExitStack() as stack:

        def machines(count: int) -> Voters:
            made.append(
                stack.enter_context(Voters(tmp_path, told_of(request.node.originalname), count))
            )
            return made[0]

        yield machines
    for lab in made:
        lab.judge()


# --- two machines -------------------------------------------------------------------------------


def test_two_that_vote_do_not_see_each_other(make: Make) -> None:
    """1|2: one vote of two is no majority."""
    lab = make(2)
    one, two = lab.hosts
    daemons = lab.members(2)
    lab.part([one], [two])
    lab.until_renewed(one, two)
    for daemon in daemons:
        daemon.until_value(2, "quorum_targets", verdict="tied")
        daemon.until_value(1, "cycle_held", reason="no_quorum")
    lab.meanwhile()
    lab.heal()
    lab.over()
    assert list(taken_out(lab)) == []


def test_of_two_that_vote_one_machine_dies(make: Make) -> None:
    """It counts as one that holds nobody DOWN until it has been silent for a lease."""
    lab = make(2)
    one, two = lab.hosts
    daemons = lab.members(2)
    lab.die(daemons[1])
    daemons[0].until_value(1, "cycle_held", reason="no_quorum")
    lab.meanwhile()
    assert lab.written()[one] >= 3, "it has waited for about a lease, renewing its vote"
    lab.rise(daemons[1])
    lab.over()
    assert list(taken_out(lab)) == [two]


def test_of_two_that_vote_one_dies_with_its_vote_in_the_zone(make: Make) -> None:
    """It was cut off, has voted, and dies then: its vote counts until it has expired."""
    lab = make(2)
    one, two = lab.hosts
    daemons = lab.members(2)
    lab.part([one], [two])
    lab.until_renewed(one, two, times=2)
    lab.die(daemons[1])
    lab.meanwhile()
    assert "down" in lab.votes()[two], "it is left over"
    daemons[0].until_value(1, "quorum_observers", standing="stale")
    lab.heal()
    lab.rise(daemons[1])
    lab.over()
    assert list(taken_out(lab)) == [two]


def test_of_two_that_vote_one_application_dies(make: Make) -> None:
    """Its own daemon says so, too."""
    lab = make(2)
    two = lab.hosts[1]
    for daemon in lab.members(2):
        daemon.until_value(1, "quorum_settled")
    lab.down(two)
    lab.meanwhile()
    assert max(lab.written().values()) <= 3, "nobody has waited for a lease"
    lab.up(two)
    lab.over()


def test_of_two_that_vote_both_applications_die(make: Make) -> None:
    """Who sees nobody accuses nobody."""
    lab = make(2)
    daemons = lab.members(2)
    lab.down(*lab.hosts)
    for daemon in daemons:
        daemon.until_value(1, "pool_fail_open")
        daemon.until_cycles(4)
    lab.meanwhile()
    lab.up(*lab.hosts)
    lab.over()


# --- two machines and a witness -------------------------------------------------------------------


def beside(lab: Voters) -> None:
    """A witness on the third machine."""
    lab.witness(quorum={"lease": LEASE}).until_healthy(2)


def test_a_witness_that_votes_sees_both(make: Make) -> None:
    """1|2, and the third sees both: each has one vote of three against it."""
    lab = make(3)
    one, two, witness = lab.hosts
    lab.members(2)
    beside(lab)
    lab.part([one], [two])
    lab.until_renewed(one, two, witness)
    lab.meanwhile()
    lab.heal()
    lab.over()
    assert list(taken_out(lab)) == []


def test_a_witness_that_votes_and_one_machine_do_not_see_the_other(make: Make) -> None:
    lab = make(3)
    one, two, witness = lab.hosts
    lab.members(2)
    beside(lab)
    lab.part([one], [two, witness])
    lab.meanwhile()
    lab.until_renewed(one, two, witness)
    lab.meanwhile()
    lab.heal()
    lab.over()
    assert list(taken_out(lab)) == [one]


# --- three machines -----------------------------------------------------------------------------


def test_of_three_that_vote_one_is_cut_off(make: Make) -> None:
    """1|2,3: only its record goes, it stays away, and returns after healing."""
    lab = make(3)
    one, *others = lab.hosts
    daemons = lab.members()
    lab.part([one], others)
    lab.meanwhile()
    daemons[0].until_value(1, "cycle_unpublished", reason="voted_down")
    daemons[0].until_down(*others)
    lab.until_renewed(*lab.hosts)
    lab.meanwhile()
    assert list(taken_out(lab)) == [one]
    lab.heal()
    lab.over()
    assert lab.moves()[3:] == [f"-{one}", f"+{one}"]


def test_all_three_that_vote_are_apart(make: Make) -> None:
    """1|2|3: each is voted down by the two others, so the own view publishes."""
    lab = make(3)
    daemons = lab.members()
    lab.part(*([host] for host in lab.hosts))
    lab.until_renewed(*lab.hosts)
    daemons[0].until_value(3, "quorum_targets", verdict="down")
    lab.meanwhile()
    before = lab.writes()
    lab.until_renewed(*lab.hosts)
    assert lab.writes() == before, "it has come to rest"
    lab.heal()
    lab.over()


def test_two_of_three_that_vote_die(make: Make) -> None:
    lab = make(3)
    _, two, three = lab.hosts
    daemons = lab.members()
    for daemon in daemons[1:]:
        lab.die(daemon)
    lab.meanwhile()
    for daemon in daemons[1:]:
        lab.rise(daemon)
    lab.over()
    assert set(taken_out(lab)) == {two, three}


def test_two_of_three_that_vote_have_no_api(make: Make) -> None:
    """The third alone is no majority: the first, which it sees alive, says nothing."""
    lab = make(3)
    one, two, three = lab.hosts
    daemons = lab.members()
    lab.cut_from_api(one)
    lab.cut_from_api(two)
    lab.down(two)
    daemons[2].until_down(two)
    daemons[0].until_value(0, "quorum_settled")
    lab.until_renewed(three)
    daemons[2].until_value(1, "cycle_held", reason="no_quorum")
    lab.meanwhile()
    lab.heal()
    lab.cut_from_api(two)
    lab.until_published(one, three)
    lab.heal()
    lab.up(two)
    lab.over()
    assert list(taken_out(lab)) == [two]
