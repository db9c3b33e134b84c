"""What votes may do to a plan, and whose votes count, over any world and any history."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter import plan, quorum
from dnsbalancer_exporter.model import Ground, Health
from dnsbalancer_exporter.names import address_type
from dnsbalancer_exporter.plan import Situation
from dnsbalancer_exporter.quorum import Poll
from dnsbalancer_exporter.vote import Count, Unsettled, Verdict, Vote, Words
from tests.property.test_plan_laws import ADDRESSES, worlds

laws = settings(deadline=None, max_examples=250)
LEASE = 60.0


@st.composite
def counts(draw: st.DrawFn) -> Count:
    of = draw(st.integers(1, 4))
    said = draw(st.dictionaries(st.sampled_from(ADDRESSES), st.integers(1, of)))
    drained = draw(st.sampled_from([{}, {}, {ADDRESSES[1]: ("w",)}]))
    unsettled = draw(st.sampled_from([None, None, None, *Unsettled]))
    verdicts = {address: Verdict(number, of) for address, number in said.items()}
    return Count((), of, verdicts, drained, unsettled=unsettled)


def words(world: Situation, votes: Count, like: str) -> set[str]:
    """What the votes say of the targets of the family of an address."""
    mine = [a for a in world.health if address_type(a) is address_type(like)]
    return {votes.verdict(address).word for address in mine}


@laws
@given(worlds(), counts())
def test_nobody_who_is_down_goes_without_a_settled_strict_majority(
    world: Situation, votes: Count
) -> None:
    for delete in plan.make(replace(world, votes=votes)).deletes:
        if delete.ground is Ground.DOWN:
            down, of = votes.verdicts[delete.record.value]
            assert down > of / 2
            assert votes.unsettled is None
            assert "up" in words(world, votes, delete.record.value)
            assert world.health[delete.record.value].health is Health.DOWN


@laws
@given(worlds(), counts())
def test_nobody_is_published_against_the_votes_while_somebody_is_up_by_them(
    world: Situation, votes: Count
) -> None:
    for create in plan.make(replace(world, votes=votes)).creates:
        assert world.health[create.value].health is Health.UP
        if "up" in words(world, votes, create.value):
            assert votes.verdict(create.value).down * 2 < votes.of


@laws
@given(worlds())
def test_votes_that_name_nobody_change_nothing_but_withdrawals(world: Situation) -> None:
    alone = plan.make(world)
    agreed = plan.make(replace(world, votes=Count((), 3)))
    assert {d for d in agreed.deletes if d.ground is Ground.DOWN} == set()
    wanted = {(c.name, c.value) for c in agreed.creates}
    assert wanted <= {(c.name, c.value) for c in alone.creates}


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[float, list[Vote]]]:
    """When a ballot was read, and what was on it: any numbers, by two observers."""
    now, history = draw(st.floats(0.0, 1e6)), []
    for _ in range(draw(st.integers(1, 8))):
        now += draw(st.sampled_from([1.0, 20.0, 59.0, 61.0, 200.0]))
        numbers = st.lists(st.integers(1, 4), max_size=2)
        ballot = [Vote(o, n, Words((o,))) for o in ("x", "y") for n in draw(numbers)]
        history.append((now, draw(st.permutations(ballot))))
    return history


def risen_at(history: list[tuple[float, list[Vote]]], observer: str) -> float | None:
    """When the number of an observer was last seen to rise: the rule, written down again."""
    highest, risen, before = 0, None, None
    for now, ballot in history:
        if before is not None and now - before >= LEASE:
            highest, risen = 0, None  # a break: what is found is news
        if (
            risen is not None
            and now - risen >= LEASE
            and not any(v.observer == observer for v in ballot)
        ):
            highest, risen = 0, None  # it has gone, and its lease is over
        number = max((v.seq for v in ballot if v.observer == observer), default=0)
        if number > highest:
            highest, risen = number, now
        before = now
    return risen


@laws
@given(histories())
def test_a_vote_is_fresh_exactly_while_its_number_has_risen_within_the_lease(
    history: list[tuple[float, list[Vote]]],
) -> None:
    poll = Poll()
    for now, ballot in history:
        poll = quorum.read(poll, ballot, now, LEASE)
    last = history[-1][0]
    for observer in ("x", "y"):
        risen = risen_at(history, observer)
        expected = risen is not None and last - risen < LEASE
        assert (observer in poll.fresh(LEASE)) is expected


@laws
@given(histories(), st.floats(-1e5, 1e5))
def test_whose_clock_it_is_and_in_which_order_votes_are_listed_does_not_matter(
    history: list[tuple[float, list[Vote]]], offset: float
) -> None:
    one, other = Poll(), Poll()
    for now, ballot in history:
        one = quorum.read(one, ballot, float(round(now)), LEASE)
        other = quorum.read(other, ballot[::-1], float(round(now) + round(offset)), LEASE)
    assert {o: s.vote for o, s in one.fresh(LEASE).items()} == {
        o: s.vote for o, s in other.fresh(LEASE).items()
    }
