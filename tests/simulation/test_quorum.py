"""Quorum, told: what is expected stands in the docstrings; every law is judged after every call.

In all of them the lease is 60 s, so votes are read and renewed every 20 s, and every 5 s while they
change. With probes of 2 s and `fall: 3`, a silent target is DOWN within 15 s.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from dnsbalancer_exporter.model import Hold, Mode, QuorumTerms, Unpublished
from dnsbalancer_exporter.report import PoolReport
from dnsbalancer_exporter.vote import Standing, Unsettled, Vote, Words, text
from tests.simulation.laws import BALLOT, NAME
from tests.simulation.stage import LOCK, A, B, C, Stage
from tests.simulation.world import target

D = "192.0.2.4"
LEASE = 60.0
QUIET = 150.0
"""Seconds after which everybody has watched for a lease."""
NOTICED = 25.0
"""Seconds until a death is held DOWN, and voted."""


def report(stage: Stage, place: str) -> PoolReport:
    daemon = stage.daemon(place)
    return daemon.rounds.reports[daemon.pool.name]


def holds(stage: Stage, place: str) -> set[Hold]:
    return set(report(stage, place).plan.holds)


def omitted(stage: Stage, place: str) -> dict[str, Unpublished]:
    return {o.address: o.reason for o in report(stage, place).plan.omitted}


def standings(stage: Stage, place: str) -> dict[str, Standing]:
    votes = report(stage, place).votes
    assert votes
    return {voter.observer: voter.standing for voter in votes.voters}


def by_hand(stage: Stage, observer: str, seq: int, *down: str) -> None:
    """Somebody writes a vote, instead of the one that is there."""
    zone = stage.store.zones[NAME]
    prefix = f"v=1 observer={observer} "
    for old in [r for r in zone.values() if r.name == BALLOT and r.value.startswith(prefix)]:
        del zone[old.id]
    stage.store.add(f"_dnsbalancer TXT {text(Vote(observer, seq, Words(down)))}")


def with_a_witness(place: str, *, seed: int = 1) -> Stage:
    """Two members, and a witness whose address is not published."""
    stage = Stage(A, B, place, records=(A, B), seed=seed, lease=LEASE)
    stage.network.up[place] = False
    stage.at[place].pool = replace(stage.at[place].pool, member=False)
    return stage


# --- apart --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_of_three_only_the_isolated_machine_loses_its_record(seed: int) -> None:
    """1|2,3: A's record goes within a minute and stays away for an hour, although A lives and can
    write; B's and C's are never touched. When A is joined again it is back within a minute, and
    soon after there are no votes.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B, C))
        await stage.until(lambda: stage.published == [B, C], 60.0)
        gone = stage.now
        await asyncio.sleep(3600.0)
        assert stage.published == [B, C]
        assert stage.deletes(A) == 1
        assert stage.deletes(B) == stage.deletes(C) == 0
        assert stage.times(A, "create", A) == []
        assert omitted(stage, A) == {A: Unpublished.VOTED_DOWN}
        assert stage.ballots(since=gone) <= 3 * 2 * 3 * 3600 / LEASE
        stage.join()
        await stage.until(lambda: stage.published == [A, B, C], 60.0)
        await stage.until(lambda: stage.votes == {}, LEASE)

    assert Stage(A, B, C, seed=seed, lease=LEASE).play(story).laws.gaps == 0


@pytest.mark.parametrize("seed", range(5))
def test_of_two_that_are_apart_neither_is_withdrawn(seed: int) -> None:
    """1|2: each votes the other down, which is a tie: in an hour nobody is withdrawn."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B,))
        await asyncio.sleep(3600.0)
        assert {o: v.words.down for o, v in stage.votes.items()} == {A: (B,), B: (A,)}
        # After a slow read each asks again before it holds anything.
        await stage.until(lambda: holds(stage, A) == holds(stage, B) == {Hold.NO_QUORUM}, 60.0)
        stage.join()
        await stage.until(lambda: stage.votes == {}, 60.0)

    assert Stage(A, B, seed=seed, lease=LEASE).play(story).laws.deletes == {}


@pytest.mark.parametrize("seed", range(5))
def test_of_three_that_are_all_apart_none_is_withdrawn(seed: int) -> None:
    """1|2|3: everybody is voted down by two of three. While not all have noticed, a majority may be
    against one of them; then nobody is up by the votes, so all are published and in an hour nobody
    is withdrawn. One that is taken out by hand comes back. The name is never empty.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B,), (C,))
        await asyncio.sleep(LEASE)
        before = stage.now
        await asyncio.sleep(600.0)
        assert stage.published == [A, B, C]
        stage.store.zones[NAME] = {
            i: r for i, r in stage.store.zones[NAME].items() if (r.name, r.value) != (NAME, A)
        }
        stage.laws.by_hand("takes out A")
        await stage.until(lambda: stage.published == [A, B, C], 60.0)
        await asyncio.sleep(3000.0)
        assert stage.published == [A, B, C]
        assert sum(stage.deletes(place, since=before) for place in (A, B, C)) == 0

    assert Stage(A, B, C, seed=seed, lease=LEASE).play(story).laws.gaps == 0


# --- dead ---------------------------------------------------------------------------------


def test_of_two_a_dead_peer_goes_when_it_has_been_silent_for_a_lease() -> None:
    """B's machine dies. It might live and be cut off, and then it would vote: so its record stays
    for a lease after A holds it DOWN, and goes soon after. The one that is left votes alone.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.dies(B)
        seconds = await stage.until(lambda: stage.published == [A], 3 * LEASE)
        assert LEASE < seconds < LEASE + NOTICED + 20.0
        await asyncio.sleep(3600.0)
        assert list(stage.votes) == [A]
        assert holds(stage, A) == set()

    assert Stage(A, B, lease=LEASE).play(story).laws.gaps == 0


@pytest.mark.parametrize("interval", [5.0, 180.0])
def test_of_three_a_dead_one_goes_as_soon_as_two_say_so(interval: float) -> None:
    """C's machine dies: whoever notices first votes, the other reads the vote, probes C at once,
    whatever its interval, and votes too. No waiting for a lease; and C returns as fast.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET + interval)
        stage.dies(C)
        await stage.until(lambda: C in stage.daemon(A).seen and bool(stage.votes), interval + 20)
        await stage.until(lambda: stage.published == [A, B], LEASE - 5.0)
        await asyncio.sleep(600.0)
        stage.network.up[C] = True
        stage.start(C)
        await stage.until(lambda: stage.published == [A, B, C], LEASE)
        await stage.until(lambda: stage.votes == {}, 11 * LEASE)

    assert Stage(A, B, C, interval=interval, lease=LEASE).play(story).laws.gaps == 0


def test_an_application_that_never_came_up_beside_its_own_daemon_goes() -> None:
    """A's machine starts anew, its application does not: A has never seen its own address UP, and
    does not name it by itself. B does, and then A, which votes, does not stand against that: the
    record goes without a tie, and comes back with the application.
    """
    stage = Stage(A, B, lease=LEASE)
    stage.network.up[A] = False

    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.published == [B], 3 * LEASE)
        assert {o: v.words.down for o, v in stage.votes.items()} == {A: (A,), B: (A,)}
        stage.network.up[A] = True
        await stage.until(lambda: stage.published == [A, B], LEASE)
        await stage.until(lambda: stage.votes == {}, LEASE)

    assert stage.play(story).laws.gaps == 0


def test_who_does_not_reach_its_own_address_writes_no_votes_about_it() -> None:
    """Where a provider does not route a machine to its own public address, that is no vote."""
    stage = Stage(A, B, lease=LEASE)
    stage.network.cuts |= {(A, A), (B, B)}

    async def story(stage: Stage) -> None:
        await asyncio.sleep(600.0)
        assert stage.ballots() == 0
        assert stage.published == [A, B]

    stage.play(story)


@pytest.mark.parametrize("seed", range(3))
def test_of_three_two_die_and_the_third_remains(seed: int) -> None:
    """B dies, then C: both records go, A's stays. Both at once: the same, after a lease."""

    async def one_by_one(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.dies(B)
        await stage.until(lambda: stage.published == [A, C], LEASE)
        await asyncio.sleep(300.0)
        stage.dies(C)
        await stage.until(lambda: stage.published == [A], 3 * LEASE)

    async def at_once(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.dies(B)
        stage.dies(C)
        seconds = await stage.until(lambda: stage.published == [A], 3 * LEASE)
        assert seconds > LEASE

    for story in (one_by_one, at_once):
        assert Stage(A, B, C, seed=seed, lease=LEASE).play(story).laws.gaps == 0


def test_a_tie_changes_nothing_in_either_direction() -> None:
    """A and B do not reach D, C and D itself do: two of four. D's record stays in the zone; taken
    out by a hand, it stays out, until one more reaches it.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts |= {(A, D), (B, D)}
        await asyncio.sleep(600.0)
        assert stage.published == [A, B, C, D]
        zone = stage.store.zones[NAME]
        for record in [r for r in zone.values() if r.value == D]:
            del zone[record.id]
        stage.laws.by_hand("takes out D")
        await asyncio.sleep(600.0)
        assert stage.published == [A, B, C]
        assert omitted(stage, D) == {D: Unpublished.VOTED_DOWN}
        stage.network.cuts.remove((B, D))
        await stage.until(lambda: stage.published == [A, B, C, D], 60.0)

    assert Stage(A, B, C, D, lease=LEASE).play(story).laws.deletes == {}


# --- observers in trouble -----------------------------------------------------------------


def test_a_reader_that_has_just_started_withdraws_nobody_for_a_lease() -> None:
    """A's daemon begins alone, beside machines that are dead: it counts itself only, and withdraws
    them no sooner than a lease after its first read.
    """
    stage = Stage(A, B, C, lease=LEASE)
    stage.network.up.update({B: False, C: False})

    async def story(stage: Stage) -> None:
        stage.start(A)
        began = stage.now
        await asyncio.sleep(LEASE / 2)
        votes = report(stage, A).votes
        assert votes
        assert votes.unsettled is Unsettled.WATCHING
        assert holds(stage, A) == {Hold.NO_QUORUM}
        await stage.until(lambda: stage.published == [A], 3 * LEASE)
        assert stage.times(A, "delete", B)[0] - began > LEASE

    stage.play(story, start=False)


def test_a_vote_that_a_starting_reader_finds_counts_as_fresh() -> None:
    """A is voted down by B and C and restarts: it does not put itself back."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B, C))
        await stage.until(lambda: stage.published == [B, C], 60.0)
        stage.at[A].kill()
        stage.start(A, remembers=False)
        await asyncio.sleep(600.0)
        assert stage.published == [B, C]
        assert stage.times(A, "create", A) == []

    assert Stage(A, B, C, lease=LEASE).play(story).laws.gaps == 0


def test_an_observer_that_cannot_write_withdraws_nobody() -> None:
    """All writes of A are refused. Alone against a dead B it withdraws nobody and says why; B and C
    decide about it as ever, and it counts for them as long as it answers.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.api.readers.add(A)
        stage.network.cuts |= {(A, B), (A, C)}
        await asyncio.sleep(600.0)
        assert stage.published == [A, B, C]
        assert stage.votes == {}
        assert holds(stage, A) == {Hold.NO_QUORUM}
        stage.network.up[A] = False
        await stage.until(lambda: stage.published == [B, C], LEASE)

    assert Stage(A, B, C, lease=LEASE).play(story).laws.gaps == 0


def test_three_observers_of_whom_two_are_cut_from_the_api() -> None:
    """B and C cannot reach the API. C's application dies: A alone holds it DOWN, B may hold it UP
    for all that A knows: C stays. With B at the API again, C goes. B and C are dead for A, too,
    and cut from the API: who cannot vote does not, and A withdraws them after a lease.
    """

    async def one_dies(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.mute |= {B, C}
        stage.network.up[C] = False
        await asyncio.sleep(600.0)
        assert stage.published == [A, B, C]
        assert standings(stage, A)[B] is Standing.PRESUMED
        stage.network.mute.remove(B)
        await stage.until(lambda: stage.published == [A, B], 3 * LEASE)

    async def both_apart(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.mute |= {B, C}
        stage.part((A,), (B, C))
        seconds = await stage.until(lambda: stage.published == [A], 3 * LEASE)
        assert seconds > LEASE
        stage.join()
        await stage.until(lambda: stage.published == [A, B, C], 3 * LEASE)

    for story in (one_dies, both_apart):
        assert Stage(A, B, C, lease=LEASE).play(story).laws.gaps == 0


@pytest.mark.parametrize("lie", ["stands still", "goes back", "says another thing"])
def test_a_vote_whose_number_does_not_rise_is_not_counted(lie: str) -> None:
    """Somebody votes as a witness would, B down, and its number stays as it is, or falls, while its
    words may change. For a lease it counts, then never again: A, which does not reach B, is alone
    against B and C, and B stays.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        by_hand(stage, "liar", 1000, B)
        await asyncio.sleep(2 * LEASE)
        stage.network.cuts.add((A, B))
        for number in range(150):
            if lie == "goes back":
                by_hand(stage, "liar", 999 - number, B)
            elif lie == "says another thing":
                by_hand(stage, "liar", 1000, *((B,) if number % 2 else (B, C)))
            await asyncio.sleep(10.0)
        assert standings(stage, A).get("liar") in (Standing.STALE, None)
        assert stage.published == [A, B]

    stage = Stage(A, B, lease=LEASE).play(story)
    assert stage.laws.deletes == {}


def test_who_changes_its_mind_before_the_lock_is_taken_is_heard() -> None:
    """A and a witness are two of three against B. The witness takes B out of its vote while A takes
    the lock: A reads the votes again under it, and B stays.
    """
    changes: list[float] = []

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts.add((A, B))

        def takes_it_back() -> None:
            changes.append(stage.now)
            by_hand(stage, "w", 1000)

        stage.when((A, "create", LOCK), takes_it_back)
        for number in range(1, 60):
            if not changes:
                by_hand(stage, "w", number, B)
            await asyncio.sleep(2.0)
        assert changes
        assert stage.published == [A, B]

    assert Stage(A, B, lease=LEASE).play(story).laws.deletes == {}


def test_two_machines_with_one_name_are_one_observer_and_write_no_more_than_two() -> None:
    """B and C both vote as B. They are told, count once, and do not write in turns without end."""
    said: list[str] = []
    stage = Stage(A, B, C, lease=LEASE)
    stage.at[C].pool = replace(stage.at[C].pool, quorum=QuorumTerms(B, LEASE))

    async def story(stage: Stage) -> None:
        stage.daemon(C).cycle.ballot.told = lambda _pool, event, _: said.append(event)
        await asyncio.sleep(QUIET)
        stage.part((A,), (B, C))
        began = stage.now
        await asyncio.sleep(1800.0)
        assert "shared" in said
        assert stage.ballots(since=began) <= 3 * 2 * 4 * 1800 / LEASE
        assert set(stage.votes) == {A, B}

    assert stage.play(story).laws.gaps == 0


def test_an_observer_that_dies_between_writing_and_deleting_has_two_votes_for_a_while() -> None:
    """B is killed when its second vote is there and its first still is. The newest counts until it
    is stale; B, started again, goes on from its number and keeps one.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.up[C] = False
        second = text(Vote(B, 2, Words((C,))))
        stage.when((B, "create", second), stage.at[B].kill)
        await stage.until(lambda: stage.at[B].daemon is None, 3 * LEASE)
        await asyncio.sleep(10.0)
        stage.start(B)
        await stage.until(lambda: stage.votes.get(B, Vote(B, 1)).seq >= 3, 2 * LEASE)
        await asyncio.sleep(30.0)
        mine = [t for t in stage.store.values(BALLOT, stage.txt) if f"observer={B} " in t]
        assert len(mine) == 1

    Stage(A, B, C, lease=LEASE).play(story)


# --- witnesses, and mixed fleets ----------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_a_witness_is_the_third_observer_of_two_machines(seed: int) -> None:
    """A and B do not see each other, the witness sees both and votes for nobody: nobody is
    withdrawn. B dies: A and the witness are two of three, it goes without waiting for a lease.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts |= {(A, B), (B, A)}
        await asyncio.sleep(1800.0)
        assert stage.votes[C].words == Words()
        stage.join()
        await stage.until(lambda: stage.votes == {}, LEASE)
        assert stage.laws.deletes == {}
        stage.dies(B)
        await stage.until(lambda: stage.published == [A], LEASE - 5.0)

    assert with_a_witness(C, seed=seed).play(story).laws.gaps == 0


def test_a_witness_alone_waits_for_a_lease_before_it_counts_as_alone() -> None:
    """The members have no daemons. The witness withdraws a dead target a lease after its own vote,
    and puts it back.
    """
    stage = with_a_witness(C)

    async def story(stage: Stage) -> None:
        stage.start(C)
        await asyncio.sleep(QUIET)
        stage.network.up[B] = False
        seconds = await stage.until(lambda: stage.published == [A], 3 * LEASE)
        assert LEASE < seconds < LEASE + NOTICED + 20.0
        stage.network.up[B] = True
        await stage.until(lambda: stage.published == [A, B], LEASE)
        await stage.until(lambda: stage.votes == {}, LEASE)

    stage.play(story, start=False)


def test_a_witness_does_not_outvote_members_that_are_slow_to_vote() -> None:
    """The witness and A do not reach B, and are the first to vote. C, D and B itself do: B is never
    withdrawn, although the first two votes are all there are for a while.
    """
    witness = "192.0.2.5"
    stage = Stage(A, B, C, D, witness, records=(A, B, C, D), lease=LEASE)
    stage.network.up[witness] = False
    stage.at[witness].pool = replace(stage.at[witness].pool, member=False)

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts |= {(A, B), (witness, B)}
        await asyncio.sleep(1800.0)
        assert set(stage.votes) == {A, B, C, D, witness}

    assert stage.play(story).laws.deletes == {}


def test_a_member_without_quorum_beside_two_with_it() -> None:
    """C has no quorum: it withdraws by itself whom it does not see, as ever. A and B count it as
    holding nobody DOWN, never withdraw it against its answers, and are not withdrawn by each other.
    """
    stage = Stage(A, B, C, lease=LEASE)
    stage.at[C].pool = replace(stage.at[C].pool, quorum=None)

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts |= {(A, B), (B, A)}
        await asyncio.sleep(1800.0)
        assert stage.laws.deletes == {}
        stage.join()
        await asyncio.sleep(LEASE)
        stage.dies(B)
        await stage.until(lambda: stage.published == [A, C], LEASE)
        assert C not in stage.votes

    assert stage.play(story).laws.gaps == 0


def test_beside_the_published_tool_who_is_taken_out_comes_back() -> None:
    """C runs the published tool: it takes A out after one failure, without a vote. A is up by the
    votes and puts itself back; A and B take out nobody.
    """
    stage = Stage(A, B, C, strict=False, lease=LEASE)

    async def story(stage: Stage) -> None:
        for place in (A, B):
            stage.start(place)
        await asyncio.sleep(QUIET)
        for _ in range(5):
            zone = stage.store.zones[NAME]
            for record in [r for r in zone.values() if r.value == A]:
                del zone[record.id]
            stage.laws.by_hand("runs the published tool")
            await stage.until(lambda: stage.published == [A, B, C], 60.0)
            await asyncio.sleep(120.0)

    assert stage.play(story, start=False).laws.deletes == {}


# --- what it costs, and what operators do -------------------------------------------------


def test_a_quiet_fleet_writes_nothing_and_reads_three_times_in_a_lease() -> None:
    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        began = stage.now
        await asyncio.sleep(3600.0)
        assert [moment for at, moment in stage.done if moment[1] != "list"] == []
        reads = [at for at in stage.times(A, "list", "TXT") if at >= began]
        assert 160 <= len(reads) <= 181

    Stage(A, B, C, interval=180.0, lease=LEASE).play(story)


def test_while_somebody_is_down_votes_are_renewed_and_nothing_else_is_written() -> None:
    """C is dead for an hour: A and B renew their votes three times in a lease, two writes each."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.dies(C)
        await stage.until(lambda: stage.published == [A, B], LEASE)
        await asyncio.sleep(LEASE)
        began = stage.now
        await asyncio.sleep(3600.0)
        assert 200 <= stage.ballots(since=began) <= 2 * 2 * 3 * 3600 / LEASE
        writes = [m for at, m in stage.done if at >= began and m[1] != "list"]
        assert len(writes) == stage.ballots(since=began)

    Stage(A, B, C, lease=LEASE).play(story)


def test_the_vote_of_an_observer_that_is_gone_is_deleted_by_the_others() -> None:
    """A votes B down and dies. Its vote expires at once for the count, and is deleted ten leases
    later by who is left, no sooner.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.network.cuts.add((A, B))
        await stage.until(lambda: A in stage.votes and B in stage.votes, LEASE)
        stage.network.cuts.clear()
        stage.dies(A)
        await stage.until(lambda: stage.published == [B, C], 3 * LEASE)
        stage.network.up[A] = True  # its application, not its daemon
        await asyncio.sleep(8 * LEASE)
        assert A in stage.votes
        await stage.until(lambda: stage.votes == {}, 4 * LEASE)

    Stage(A, B, C, lease=LEASE).play(story)


def test_what_is_no_vote_is_left_where_it_is() -> None:
    """A record at the ballot that somebody else wrote is foreign, whatever it looks like."""

    async def story(stage: Stage) -> None:
        stage.store.add("_dnsbalancer TXT v=2 observer=x seq=1")
        stage.store.add("_dnsbalancer TXT v=1 observer=x seq=one down=192.0.2.1")
        stage.laws.by_hand("writes what is no vote")
        await asyncio.sleep(12 * LEASE)
        stage.dies(C)
        await stage.until(lambda: stage.published == [A, B], LEASE)
        await asyncio.sleep(12 * LEASE)
        assert stage.store.values(BALLOT, stage.txt)[-2:] == [
            "v=1 observer=x seq=one down=192.0.2.1",
            "v=2 observer=x seq=1",
        ]

    Stage(A, B, C, lease=LEASE).play(story)


def test_who_only_observes_reads_votes_and_writes_none() -> None:
    """C observes: A and B decide; C sees their votes, and withholds by its mode."""

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.reload(C, mode=Mode.OBSERVE)
        stage.network.cuts |= {(C, A), (C, B)}
        await asyncio.sleep(600.0)
        assert stage.votes == {}
        assert holds(stage, C) == {Hold.OBSERVE_MODE}
        stage.network.up[C] = False
        await stage.until(lambda: stage.published == [A, B], LEASE)
        await stage.until(lambda: standings(stage, C)[A] is Standing.VOTES, LEASE)

    Stage(A, B, C, lease=LEASE).play(story)


@pytest.mark.parametrize("seed", range(3))
def test_a_drain_is_carried_by_the_vote(seed: int) -> None:
    """All know `targets`, so each publishes whoever is up and missing: but not A, whose operator
    drained it on A. When the drain is over, it comes back.
    """
    listed = tuple(map(target, (A, B, C)))

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.drain(A, 600.0)
        await stage.until(lambda: stage.published == [B, C], 60.0)
        await asyncio.sleep(300.0)
        assert stage.published == [B, C]
        assert stage.deletes(A) == 1
        assert omitted(stage, B) == {A: Unpublished.DRAINED}
        await stage.until(lambda: stage.published == [A, B, C], 400.0)
        await stage.until(lambda: stage.votes == {}, LEASE)

    assert Stage(A, B, C, seed=seed, lease=LEASE, listed=listed).play(story).laws.gaps == 0


def test_an_observer_that_is_isolated_by_its_references_names_nobody() -> None:
    """A sees neither B and C nor the reference: it votes for nobody, as law 7 has it. B and C vote
    it down, and it goes.
    """
    outside = "192.0.2.99"
    stage = Stage(A, B, C, lease=LEASE, reference=(target(outside),))
    stage.network.up[outside] = True

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B, C))
        stage.network.cuts.add((A, outside))
        await stage.until(lambda: stage.published == [B, C], LEASE)
        await asyncio.sleep(300.0)
        assert stage.votes[A].words == Words()
        assert stage.published == [B, C]

    assert stage.play(story).laws.gaps == 0


def test_who_could_not_read_for_a_lease_begins_to_watch_again() -> None:
    """A cannot reach the API for some minutes, and B cannot either, a little longer. They do not
    see each other. Back at the API, A does not take B's silence of that time for its absence.
    """

    async def story(stage: Stage) -> None:
        await asyncio.sleep(QUIET)
        stage.part((A,), (B,))
        await asyncio.sleep(300.0)
        stage.network.mute |= {A, B}
        await asyncio.sleep(900.0)
        stage.network.mute.remove(A)
        await asyncio.sleep(LEASE / 2)
        assert report(stage, A).votes is not None
        assert holds(stage, A) == {Hold.NO_QUORUM}
        stage.network.mute.remove(B)
        await asyncio.sleep(1800.0)

    assert Stage(A, B, lease=LEASE).play(story).laws.deletes == {}
