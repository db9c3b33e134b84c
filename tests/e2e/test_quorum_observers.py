"""Observers in trouble, observers that lie, fleets of which not everybody votes, drains.

What the zone is to have stands in docs/quorum.md.
"""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator

from tests.e2e.ballot import Voters, taken_out
from tests.e2e.daemon import environment
from tests.e2e.stage import BALLOT, LOGIN, PASSWORD, PROJECT, ZONE, until, verb
from tests.e2e.test_quorum import Make, make

__all__ = ["make"]

STRANGER = "203.0.113.99"
"""An observer that is no target, and no daemon."""


# --- observers in trouble -----------------------------------------------------------------------


def test_a_reader_that_has_just_started_withdraws_nobody(make: Make) -> None:
    """Votes of long ago say that C is down, as it is; B says nothing, for its daemon is away.

    For a lease they count as fresh, and would be a majority. Then they are stale.
    """
    lab = make(3)
    one, two, three = lab.hosts
    lab.up(one, two)
    lab.publish(*lab.hosts)
    votes = [f"v=1 observer={observer} seq=17 down={three}" for observer in (two, STRANGER)]
    for vote in votes:
        lab.emulator.zones.add(f"_dnsbalancer TXT '{vote}'")
    reader = lab.voter(one)
    reader.until_down(three)
    seen = reader.until_value(1, "quorum_targets", verdict="down")
    assert seen.value("quorum_settled") == 0
    assert reader.until_value(1, "cycle_held", reason="no_quorum")
    reader.until_value(1, "quorum_settled")
    reader.until_value(1, "quorum_observers", standing="stale")
    reader.until_value(1, "quorum_targets", verdict="tied")
    lab.meanwhile()
    lab.voter(two)
    lab.until_published(one, two)
    lab.emulator.zones.remove(*BALLOT, votes[1])
    lab.up(three)
    lab.voter(three)
    lab.over()
    assert list(taken_out(lab)) == [three]


def test_an_observer_that_cannot_write_its_vote(make: Make) -> None:
    """Everybody counts it as one that holds nobody DOWN, itself, too."""
    lab = make(3)
    one, two, three = lab.hosts
    daemons = lab.members()
    lab.emulator.faults.add(f"create_record:status:code=403:match=observer={two}")
    lab.die(daemons[2])
    daemons[1].until_more("quorum_vote_events_total", event="failed")
    lab.until_renewed(one)
    for daemon in daemons[:2]:
        daemon.until_value(1, "quorum_targets", verdict="tied")
    lab.meanwhile()
    assert two not in lab.votes()
    lab.emulator.faults.clear()
    lab.until_published(one, two)
    lab.rise(daemons[2])
    lab.over()
    assert list(taken_out(lab)) == [three]


@contextlib.contextmanager
def liar(lab: Voters, down: str) -> Iterator[None]:
    """Somebody renews a vote with numbers that go up, down and nowhere."""
    ended = threading.Event()

    def renew() -> None:
        for seq in itertools.cycle((5, 900, 3, 900, 900, 1, 999999999999999)):
            vote = f"v=1 observer={STRANGER} seq={seq} down={down}"
            lab.emulator.zones.add(f"_dnsbalancer TXT '{vote}'")
            is_over = ended.wait(1.0)
            lab.emulator.zones.remove(*BALLOT, vote)
            if is_over:
                return

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_an_observer_whose_numbers_lie(make: Make) -> None:
    """One vote is one vote, however often it is renewed."""
    lab = make(3)
    one, two, three = lab.hosts
    daemons = lab.members()
    with liar(lab, f"{one},{two}"):
        lab.until_renewed(*lab.hosts)
        daemons[0].until_value(2, "quorum_observer_disagreements", observer=STRANGER)
        lab.meanwhile()
        lab.down(three)
        lab.until_published(one, two)
    lab.up(three)
    lab.over()
    assert set(taken_out(lab)) == {three}


# --- fleets of which not everybody votes --------------------------------------------------------


def test_of_three_one_does_not_vote_and_another_dies(make: Make) -> None:
    """Who does not vote withdraws as ever; those who do put nobody back against the votes."""
    lab = make(3)
    one, *_ = lab.hosts
    lab.members(2)
    lab.up(lab.hosts[2])
    lab.publish(lab.hosts[2])
    lab.member(lab.hosts[2]).until_healthy(3)
    lab.down(one)
    lab.meanwhile()
    lab.until_renewed(lab.hosts[1])
    lab.meanwhile()
    lab.up(one)
    lab.over()
    assert set(taken_out(lab)) == {one}


def test_of_three_one_does_not_vote_and_is_cut_off(make: Make) -> None:
    """It withdraws and is withdrawn, as without votes; never empty, and bounded."""
    lab = make(3)
    one, two, three = lab.hosts
    lab.members(2)
    lab.up(three)
    lab.publish(three)
    lab.member(three).until_healthy(3)
    before = lab.writes()
    lab.part([one, two], [three])
    lab.until_renewed(one, two)
    assert lab.writes() - before <= 10
    lab.heal()
    lab.over()


@contextlib.contextmanager
def published_tool(lab: Voters, own: str) -> Iterator[None]:
    """The published tool runs on the machine ``own``."""
    api = (lab.emulator.url, lab.emulator.auth_url, LOGIN, PASSWORD, PROJECT)
    words = [sys.executable, "-m", "tests.e2e.published_tool", *api, ZONE, own, str(lab.port)]
    tool = subprocess.Popen([*lab.inside(own), *words], env=environment({}))
    try:
        yield
        assert tool.poll() is None, "the tool has ended"
    finally:
        tool.kill()
        tool.wait()


def test_the_published_tool_beside_two_that_vote(make: Make) -> None:
    """A's application dies, and is back; then the tool does not see B, which comes and goes."""
    lab = make(3)
    one, two, three = lab.hosts
    lab.members(2)
    lab.up(three)
    with published_tool(lab, three):
        lab.until_published(*lab.hosts)
        lab.down(one)
        lab.meanwhile()
        lab.until_renewed(two)
        lab.meanwhile()
        lab.up(one)
        lab.until_published(*lab.hosts)
        lab.cut(three, two)
        until(lambda: lab.moves().count(f"+{two}") >= 3, "B is put back each time", 60)
        lab.heal()
        lab.over()
    assert set(taken_out(lab)) == {one, two}


# --- drains -------------------------------------------------------------------------------------


def test_a_drain_is_carried_by_the_vote(make: Make) -> None:
    """With `targets` everybody would put it back; only the first daemon was told."""
    lab = make(3)
    _, two, _ = lab.hosts
    daemons = lab.members(targets=list(lab.hosts))
    config = str(daemons[0].config)
    done = verb("drain", "--config", config, two, "--wait", "25s")
    assert done.returncode == 0, done.stdout + done.stderr
    lab.until_renewed(lab.hosts[0], times=2)
    lab.meanwhile()
    daemons[2].until_value(1, "cycle_unpublished", reason="drained")
    done = verb("explain", "--config", str(daemons[2].config), two)
    assert lab.hosts[0] in done.stdout
    assert verb("undrain", "--config", config, two).returncode == 0
    lab.over()
    assert list(taken_out(lab)) == [two]
