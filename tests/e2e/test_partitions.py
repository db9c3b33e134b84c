"""Real daemons in networks of their own, cut from each other: never empty, never foreign.

`Stage.judge` looks at every state that the name was ever in.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.lab import Lab, need_network_namespaces
from tests.e2e.stage import until

SETTLE = 6.0
"""Seconds of an experiment in which something wrong could happen; no measure of speed."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Three machines and a provider; after the test all that has happened is judged."""
    need_network_namespaces()
    with Lab(tmp_path) as made:
        yield made
    made.judge()


def test_one_against_one_while_the_third_is_dead(lab: Lab) -> None:
    """1|2: each would withdraw the other; one of them at least is always there."""
    one, two, three = lab.hosts
    lab.fleet()
    lab.down(three)
    lab.until_published(one, two)
    lab.part([one], [two])
    time.sleep(SETTLE)
    lab.heal()
    lab.until_published(one, two)


def test_one_against_two(lab: Lab) -> None:
    """1|2,3: writes are bounded, and all three are there again after healing."""
    one, *others = lab.hosts
    lab.fleet()
    before = lab.writes()
    lab.part([one], others)
    time.sleep(SETTLE)
    assert lab.writes() - before <= 10
    lab.heal()
    lab.until_published(*lab.hosts)


def test_three_apart(lab: Lab) -> None:
    """1|2|3: everybody sees only itself."""
    daemons = lab.fleet()
    before = lab.writes()
    lab.part(*([host] for host in lab.hosts))
    for daemon, host in zip(daemons, lab.hosts, strict=True):
        daemon.until_down(*(other for other in lab.hosts if other != host))
    time.sleep(SETTLE)
    assert lab.writes() - before <= 10
    lab.heal()
    lab.until_published(*lab.hosts)


def test_cut_one_way(lab: Lab) -> None:
    """What one machine sends reaches nobody; what the others send still reaches it."""
    one, two, three = lab.hosts
    lab.fleet()
    lab.cut(one, two, both=False)
    lab.cut(one, three, both=False)
    time.sleep(SETTLE)
    lab.heal()
    lab.until_published(*lab.hosts)


def test_one_machine_without_the_api_does_no_harm_and_the_others_go_on(lab: Lab) -> None:
    one, two, three = lab.hosts
    daemons = lab.fleet()
    lab.cut_from_api(one)
    lab.down(two)
    lab.until_published(one, three)
    daemons[0].until_down(two)
    lab.up(two)
    lab.until_published(*lab.hosts)


def test_a_suspended_daemon_believes_nothing_that_it_knew(lab: Lab) -> None:
    """It wakes in a network that is cut, with verdicts of long ago."""
    one, *others = lab.hosts
    daemons = lab.fleet()
    lab.freeze(daemons[0])
    lab.part([one], others)
    time.sleep(SETTLE)
    lab.thaw(daemons[0])
    time.sleep(SETTLE / 2)
    lab.heal()
    lab.until_published(*lab.hosts)


def test_three_that_start_at_once_on_an_empty_name(lab: Lab) -> None:
    lab.up(*lab.hosts)
    for host in lab.hosts:
        lab.member(host)
    lab.until_published(*lab.hosts)


def test_a_third_of_all_packets_lost(lab: Lab) -> None:
    lab.fleet()
    lab.lose(33)
    time.sleep(SETTLE)
    lab.heal()
    lab.until_published(*lab.hosts)


def test_two_that_probe_each_other_at_a_dead_address(lab: Lab) -> None:
    """A steady disagreement: the writes come to rest."""
    one, two, _ = lab.hosts
    lab.up(one, two)
    lab.publish(one, two)
    nobody = one.rsplit(".", 1)[0] + ".250"
    daemons = [
        lab.member(own, targets=[{"address": other, "probe": nobody}])
        for own, other in ((one, two), (two, one))
    ]
    for daemon, other in zip(daemons, (two, one), strict=True):
        daemon.until_down(other)
    until(lambda: all("contested" in d.log for d in daemons), "both know that it is contested")
    writes = lab.writes()
    time.sleep(SETTLE)
    assert lab.writes() == writes <= 10
