"""What docs/survives.md says of two machines and a witness, where no scenario has played it yet."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.simulation.stage import A, B, C, Stage
from tests.simulation.world import target

W = C
"""The witness's machine: it has no application, and its address is not published."""


def with_a_witness(*, seed: int = 1, listed: bool = False) -> Stage:
    """Two members and a witness; ``listed``: all three name both targets."""
    stage = Stage(A, B, W, records=(A, B), seed=seed)
    stage.network.up[W] = False
    both = (target(A), target(B))
    for place in (A, B, W):
        pool = stage.at[place].pool
        stage.at[place].pool = replace(pool, member=place != W, listed=both if listed else ())
    return stage


@pytest.mark.parametrize("seed", range(3))
def test_a_machine_that_is_cut_from_everything_is_withdrawn_by_its_peer(seed: int) -> None:
    """A reaches neither B nor the API: B withdraws it, A can do nothing. Joined again, A comes back
    by itself.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.part((A,), (B,))
        stage.network.mute.add(A)
        await stage.until(lambda: stage.published == [B], 60.0)
        await asyncio.sleep(3600.0)
        assert stage.published == [B]
        assert stage.deletes(B) == 0
        stage.join()
        await stage.until(lambda: stage.published == [A, B], 60.0)

    assert Stage(A, B, seed=seed).play(story).laws.gaps == 0


def test_of_two_one_has_no_api_and_the_other_dies() -> None:
    """A cannot write and B is dead, with its daemon: its record stays until A has the API again."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.mute.add(A)
        stage.dies(B)
        await asyncio.sleep(3600.0)
        assert stage.published == [A, B]
        stage.join()
        await stage.until(lambda: stage.published == [A], 400.0)

    assert Stage(A, B).play(story).laws.gaps == 0


def test_a_witness_does_it_where_the_other_member_has_no_api() -> None:
    """The same with a witness: it withdraws B."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.mute.add(A)
        stage.dies(B)
        await stage.until(lambda: stage.published == [A], 60.0)

    assert with_a_witness().play(story).laws.gaps == 0


def test_a_daemon_that_is_dead_leaves_its_address_where_it_is() -> None:
    """A's daemon is gone, its application lives: nothing changes. The application dies: B withdraws
    it. It comes back without a daemon: nobody publishes it.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.at[A].kill()
        await asyncio.sleep(3600.0)
        assert stage.laws.deletes == {}
        stage.network.up[A] = False
        await stage.until(lambda: stage.published == [B], 60.0)
        stage.network.up[A] = True
        await asyncio.sleep(3600.0)
        assert stage.published == [B]

    assert Stage(A, B).play(story).laws.gaps == 0


@pytest.mark.parametrize("listed", [False, True], ids=["learned", "listed"])
def test_a_witness_puts_back_a_machine_whose_daemon_is_dead(listed: bool) -> None:
    """As above, but with a witness: it publishes A when its application is back."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.at[A].kill()
        stage.network.up[A] = False
        await stage.until(lambda: stage.published == [B], 60.0)
        stage.network.up[A] = True
        await stage.until(lambda: stage.published == [A, B], 60.0)

    assert with_a_witness(listed=listed).play(story).laws.gaps == 0


@pytest.mark.parametrize("seed", range(3))
def test_two_that_do_not_see_each_other_beside_a_witness_that_sees_both(seed: int) -> None:
    """As 1|2: the witness does not prevent the withdrawals (there is no vote). They are bounded, it
    takes part in none, and never a gap.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.cuts |= {(A, B), (B, A)}
        await asyncio.sleep(3600.0)
        assert stage.deletes(A) + stage.deletes(B) >= 1
        assert max(stage.deletes(A), stage.deletes(B)) <= 5
        assert stage.times(W, "delete", A) + stage.times(W, "delete", B) == []
        stage.join()
        await stage.until(lambda: stage.published == [A, B], 120.0)

    assert with_a_witness(seed=seed).play(story).laws.gaps == 0


def test_a_machine_that_was_withdrawn_by_mistake_is_back_by_its_own_next_read() -> None:
    """B does not reach A, A is well: each time it is out, it is so for one of its intervals at most
    and the time of the calls.
    """
    interval = 60.0

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.cuts.add((B, A))
        for _ in range(2):
            await stage.until(lambda: stage.published == [B], 7200.0)
            await stage.until(lambda: stage.published == [A, B], interval + 20.0)

    assert Stage(A, B, interval=interval).play(story).laws.gaps == 0


def test_a_second_program_that_puts_a_dead_address_back() -> None:
    """Somebody who knows no lock puts B's record back, which is dead, again and again: it goes each
    time, after ten minutes at first, and then after twice the time. Never a gap.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.dies(B)
        waits = []
        for _ in range(4):
            await stage.until(lambda: stage.published == [A], 7200.0)
            stage.store.add(f"@ A {B}")
            stage.laws.by_hand(f"puts back {B}")
            waits.append(await stage.until(lambda: stage.published == [A], 7200.0))
            await asyncio.sleep(900.0)
        assert 600.0 <= waits[0] <= 700.0
        assert 1200.0 <= waits[1] <= 1300.0
        assert 2400.0 <= waits[2] <= 2500.0

    assert Stage(A, B).play(story).laws.gaps == 0


def test_a_machine_that_was_drained_by_itself_is_forgotten_by_the_others() -> None:
    """A drains itself, and is ended when it is out. The others have seen it leave while it was up:
    the witness does not publish it, although it still answers.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.drain(A, 86400.0)
        await stage.until(lambda: stage.published == [B], 60.0)
        await asyncio.sleep(60.0)
        stage.at[A].kill()
        await asyncio.sleep(7200.0)
        assert stage.published == [B]

    assert with_a_witness().play(story).laws.gaps == 0


@pytest.mark.parametrize("seed", range(3))
def test_with_references_who_is_cut_off_judges_nobody(seed: int) -> None:
    """A and B do not see each other, and A does not see the reference either, but the API it does:
    A withdraws nobody. B withdraws A, which puts itself back and then is contested, as in 1|2.
    """
    outside = "192.0.2.99"
    stage = Stage(A, B, seed=seed)
    stage.network.up[outside] = True
    for place in (A, B):
        stage.at[place].pool = replace(stage.at[place].pool, reference=(target(outside),))

    async def story(stage: Stage) -> None:
        await asyncio.sleep(60.0)
        stage.network.cuts |= {(A, B), (B, A), (A, outside)}
        await asyncio.sleep(3600.0)
        assert stage.deletes(B) == 0
        assert 1 <= stage.deletes(A) <= 5
        stage.join()
        await stage.until(lambda: stage.published == [A, B], 120.0)

    assert stage.play(story).laws.gaps == 0
