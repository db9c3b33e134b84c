"""The worlds that have a name: each told to its end in virtual time, every law judged on the way.

What is expected stands in the docstring. That the name was never empty and nothing foreign was
touched is judged after every call (laws.py), and `gaps` says so at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import pytest

from dnsbalancer_exporter.model import Hold, Mode, Pool
from dnsbalancer_exporter.restraint import CONTESTED_CAP
from tests.simulation.laws import NAME
from tests.simulation.stage import LOCK, A, B, C, Stage, probed_at

DEAD = "192.0.2.200"
DAY = 86400.0
LEASE = 60.0


def holds(stage: Stage, place: str) -> set[Hold]:
    daemon = stage.daemon(place)
    return set(daemon.rounds.reports[daemon.pool.name].plan.holds)


# --- apart --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "groups",
    [
        pytest.param(((A,), (B,)), id="1|2"),
        pytest.param(((A,), (B, C)), id="1|2,3"),
        pytest.param(((A,), (B,), (C,)), id="1|2|3"),
    ],
)
def test_partitions(groups: tuple[Iterable[str], ...], seed: int) -> None:
    """Machines that live and cannot see each other withdraw each other, one at a time; each puts
    itself back, and then is contested: in an hour no more than five deletes of each by each side.
    Never a gap. Joined again, all are published and nobody deletes anything.
    """
    machines = [place for group in groups for place in group]

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        assert stage.laws.deletes == {}
        stage.part(*groups)
        await asyncio.sleep(3600.0)
        assert sum(map(stage.deletes, machines)) > 0
        for place in machines:
            others = sum(place not in group for group in groups for _ in group)
            assert stage.deletes(place) <= 5 * others
        stage.join()
        await stage.until(lambda: stage.published == machines, 120.0)
        joined = stage.now
        await asyncio.sleep(900.0)
        assert sum(stage.deletes(place, since=joined) for place in machines) == 0

    assert Stage(*machines, seed=seed).play(story).laws.gaps == 0


def test_two_that_each_probe_the_other_at_a_dead_address() -> None:
    """As 1|2, but for ever and by configuration: whoever is withdrawn puts itself back, both stay
    for longer each time. In a day each is deleted ten times at most; never a gap.
    """
    stage = Stage(A, B, interval=60.0)
    for place, other in ((A, B), (B, A)):
        stage.at[place].pool = _listing(stage, place, other)

    async def story(stage: Stage) -> None:
        await asyncio.sleep(DAY)
        assert stage.published == [A, B]
        for place in (A, B):
            assert 1 <= stage.deletes(place) <= 10

    assert stage.play(story).laws.gaps == 0


def _listing(stage: Stage, place: str, other: str) -> Pool:
    return replace(stage.at[place].pool, listed=(probed_at(other, DEAD),))


def test_a_steady_disagreement_is_bounded_and_then_a_peer_really_dies() -> None:
    """A does not reach B, everybody else does. B is deleted ten times at most on the first day,
    more rarely on the second, and is there for almost all of the time. When B's machine dies it
    goes within the longest contest and stays away, although it was contested.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.cuts.add((A, B))
        start = stage.now
        await asyncio.sleep(2 * DAY)
        first, second = (stage.deletes(B, start + d * DAY, start + (d + 1) * DAY) for d in (0, 1))
        assert 4 <= first <= 10
        assert second < first
        assert stage.deletes(A) == 0
        assert stage.published == [A, B]
        stage.dies(B)
        await stage.until(lambda: stage.published == [A], CONTESTED_CAP + 180.0)
        await asyncio.sleep(3600.0)
        assert stage.published == [A]

    assert Stage(A, B, interval=60.0).play(story).laws.gaps == 0


def test_a_third_that_sees_a_dead_peer_removes_it_while_it_is_contested_elsewhere() -> None:
    """Contests are each writer's own: C never disagreed, and removes B within seconds."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.cuts.add((A, B))
        await asyncio.sleep(3600.0)
        assert stage.deletes(B) >= 2
        stage.dies(B)
        await stage.until(lambda: stage.published == [A, C], 60.0)

    assert Stage(A, B, C).play(story).laws.gaps == 0


# --- machines in trouble ------------------------------------------------------------------


@pytest.mark.parametrize("trouble", ["mute", "deaf"])
def test_one_machine_without_the_api(trouble: str) -> None:
    """A reaches its peers, but its calls do not arrive, or their answers do not. When its
    application dies, its peers remove it; when B dies, C removes it. With the API again, A comes
    back by itself. A deaf one may leave a lock behind: it costs a lease.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        getattr(stage.network, trouble).add(A)
        stage.network.up[A] = False
        await stage.until(lambda: stage.published == [B, C], 60.0)
        stage.dies(B)
        await stage.until(lambda: stage.published == [C], 3 * LEASE)
        stage.network.up[A] = True
        stage.join()
        await stage.until(lambda: stage.published == [A, C], 60.0)
        await stage.until(lambda: stage.locks == [], 3 * LEASE)

    assert Stage(A, B, C).play(story).laws.gaps == 0


def test_a_machine_that_was_cut_off_withdraws_nobody_when_it_is_back() -> None:
    """A is cut off from its peers and from the API, and holds everybody for dead. With its network
    again it publishes itself before it has probed them: what it believed is of before.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.part((A,), (B, C))
        stage.network.mute.add(A)
        await stage.until(lambda: stage.published == [B, C], 60.0)
        await asyncio.sleep(120.0)
        stage.join()
        await stage.until(lambda: stage.published == [A, B, C], 600.0)
        await asyncio.sleep(120.0)
        assert stage.times(A, "delete", B) == stage.times(A, "delete", C) == []

    assert Stage(A, B, C).play(story).laws.gaps == 0


@pytest.mark.parametrize(
    "moment",
    [(A, "create", LOCK), (A, "list", "TXT")],
    ids=["with the lock's answer under way", "with the list under the lock under way"],
)
def test_a_suspended_daemon(moment: tuple[str, str, str]) -> None:
    """A and B are apart. A stands still in the middle of its withdrawal of B; B breaks A's lock
    after a lease and withdraws A. Hours later A goes on: it has an old list and an old lock, and
    deletes nothing: B is never gone.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.when(moment, stage.at[A].pause)
        stage.network.cuts.add((A, B))
        await stage.until(lambda: not stage.at[A].lives, 60.0)
        stage.part((A,), (B,))
        await stage.until(lambda: stage.published == [B], 3 * LEASE)
        assert stage.times(B, "delete", LOCK) != []
        await asyncio.sleep(7200.0)
        stage.at[A].wake()
        woken = stage.now
        await stage.until(lambda: stage.published == [A, B], 60.0)
        assert stage.times(A, "create", A)[0] > woken
        assert stage.times(A, "delete", B) == []

    assert Stage(A, B).play(story).laws.gaps == 0


def test_a_lock_left_over_by_a_crash_is_broken_after_the_lease() -> None:
    """A dies of kill -9 with the lock in its hand. B wants C withdrawn: it waits for a whole lease
    from when it first saw that lock, breaks it, and goes on; not sooner, and not much later.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.when((A, "create", LOCK), stage.at[A].kill)
        stage.at[B].pause()
        stage.at[C].kill()
        stage.network.up[C] = False
        await stage.until(lambda: stage.at[A].daemon is None, 60.0)
        await asyncio.sleep(60.0)
        assert stage.locks == [LOCK]
        assert stage.published == [A, B, C]
        stage.at[B].wake()
        await stage.until(lambda: bool(stage.times(B, "list", "TXT")), 60.0)
        seen = stage.times(B, "list", "TXT")[0]
        await stage.until(lambda: stage.published == [A, B], 2 * LEASE)
        broken = stage.times(B, "delete", LOCK)[0]
        assert LEASE <= broken - seen <= LEASE + 10.0
        await stage.until(lambda: stage.locks == [], 10.0)

    assert Stage(A, B, C).play(story).laws.gaps == 0


# --- the beginning, and noise -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_three_starting_at_once_on_an_empty_name(seed: int) -> None:
    """Each publishes itself once; nobody deletes, nobody asks for the lock."""

    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.published == [A, B, C], 30.0)
        await asyncio.sleep(600.0)
        assert [moment for _, moment in stage.done if moment[1] == "delete"] == []
        assert [len(stage.times(p, "create", p)) for p in (A, B, C)] == [1, 1, 1]
        assert [stage.times(p, "create", LOCK) for p in (A, B, C)] == [[], [], []]

    Stage(A, B, C, records=(), seed=seed).play(story)


@pytest.mark.parametrize(
    ("loss", "falls"), [(0.02, False), (0.4, True)], ids=["one in fifty", "two in five"]
)
def test_packet_loss(loss: float, falls: bool) -> None:
    """One probe in fifty lost: nobody is withdrawn in an hour. Two in five: whoever falls is
    withdrawn by who saw it, and never all; when the loss is over all are there again.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.loss = loss
        await asyncio.sleep(3600.0)
        assert bool(sum(map(stage.deletes, (A, B, C)))) is falls
        stage.join()
        await stage.until(lambda: stage.published == [A, B, C], 600.0)

    assert Stage(A, B, C).play(story).laws.gaps == 0


def test_all_dead_leaves_what_is_published() -> None:
    """Fail open: in an hour without a single answer nothing is deleted."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.up.update({A: False, B: False, C: False})
        await asyncio.sleep(3600.0)
        assert stage.published == [A, B, C]
        assert holds(stage, A) == {Hold.FAIL_OPEN}

    assert Stage(A, B, C).play(story).laws.deletes == {}


# --- what operators do --------------------------------------------------------------------


def test_own_unproven() -> None:
    """A's application has never answered A itself (it listens elsewhere), others it does: A leaves
    its record alone. Once it has answered A and then dies, A withdraws it by itself.
    """
    stage = Stage(A, B)

    async def story(stage: Stage) -> None:
        await asyncio.sleep(600.0)
        assert stage.published == [A, B]
        assert holds(stage, A) == {Hold.OWN_UNPROVEN}
        stage.join()
        await asyncio.sleep(60.0)
        stage.network.cuts.add((A, A))
        await stage.until(lambda: stage.published == [B], 60.0)
        assert len(stage.times(A, "delete", A)) == 1

    stage.network.cuts.add((A, A))
    stage.play(story)


@pytest.mark.parametrize("seed", range(10))
def test_draining_two_members_at_once(seed: int) -> None:
    """Both operators say drain at one moment, each on its own machine, each admitted. One record
    goes, the other stays until the first is back. No gap, and after the drains both are there.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        for place in (A, B):
            stage.drain(place, 300.0)
        await stage.until(lambda: len(stage.published) == 1, 60.0)
        await asyncio.sleep(120.0)
        (stays,) = stage.published
        assert stage.deletes(stays) == 0
        assert holds(stage, stays) == {Hold.MIN_RECORDS}
        await stage.until(lambda: stage.published == [A, B], 300.0)
        assert sum(map(stage.deletes, (A, B))) == 1

    assert Stage(A, B, seed=seed).play(story).laws.gaps == 0


def test_a_reload_to_observe_in_the_middle_of_a_withdrawal() -> None:
    """The withdrawal that has begun ends in order, and its lock; after it nothing is written."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.at[B].kill()
        stage.when((A, "create", LOCK), lambda: stage.reload(A, mode=Mode.OBSERVE))
        stage.network.up[C] = False
        stage.at[C].kill()
        await stage.until(lambda: stage.published == [A, B], 60.0)
        await stage.until(lambda: stage.locks == [], 30.0)
        await stage.until(lambda: stage.daemon(A).pool.mode is Mode.OBSERVE, 30.0)
        stage.network.up[B] = False
        await asyncio.sleep(600.0)
        assert stage.published == [A, B]
        assert holds(stage, A) == {Hold.OBSERVE_MODE}

    Stage(A, B, C).play(story)


# --- outside the assumptions --------------------------------------------------------------


def test_a_writer_whose_own_address_is_missing_after_reading_back_puts_it_there() -> None:
    """A withdraws B, which is dead, and somebody who knows no lock takes out A at that moment: the
    name is empty. A finds it so when it reads back, creates its record before it gives the lock
    back, and counts the gap.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.when((A, "delete", B), lambda: take_out(stage, A))
        stage.dies(B)
        await stage.until(lambda: stage.published == [], 60.0)
        await stage.until(lambda: stage.published == [A], 10.0)
        await stage.until(lambda: stage.locks == [], 10.0)
        writes = [moment[1:] for _, moment in stage.done if moment[1] != "list"]
        assert writes == [("create", LOCK), ("delete", B), ("create", A), ("delete", LOCK)]
        await stage.until(lambda: stage.daemon(A).gaps == 1, 10.0)

    Stage(A, B, strict=False).play(story)


def take_out(stage: Stage, address: str) -> None:
    zone = stage.store.zones[NAME]
    for record in [r for r in zone.values() if r.value == address]:
        del zone[record.id]
    stage.laws.by_hand(f"takes out {address}")
