"""Calm: which plans are given again, and what ends that."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dnsbalancer_exporter.calm import Basis, Calm
from dnsbalancer_exporter.model import (
    Contest,
    Create,
    Delete,
    Drain,
    Entry,
    Ground,
    Health,
    Hold,
    Omitted,
    Plan,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    Unpublished,
    Withheld,
)
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.roster import Memory, WarmUp

A, NAME = "192.0.2.1", "www.example.com"
RECORD = Record("1", NAME, RecordType.A, A, 60)
POOL = Pool("p", "example.com", (NAME,), False, (), ProbeSpec(Protocol.TCP, A, 80, 1.0))
MEMORY = Memory(records=(RECORD,), warm_up=WarmUp(0.0, over=True))
BASIS = Basis(POOL, (RECORD,), MEMORY, [Health.UP], None)
QUIET = Plan(omitted=(Omitted(NAME, A, Unpublished.OBSERVE_MODE),))


def test_a_calm_plan_is_given_again_as_it_is() -> None:
    calm = Calm()
    calm.note(BASIS, QUIET)
    assert calm.still(BASIS._replace(records=(replace(RECORD),))) is QUIET
    calm.forget(POOL)
    assert calm.still(BASIS) is None


@pytest.mark.parametrize(
    "made",
    [
        Plan(creates=(Create(NAME, RecordType.A, A, 60),)),
        Plan(deletes=(Delete(RECORD, Ground.DOWN),)),
        Plan(withheld=(Withheld(RECORD, Ground.DOWN, Hold.MIN_RECORDS),)),
        Plan(again_at=7.0),
    ],
)
def test_a_plan_that_acts_or_waits_is_made_anew(made: Plan) -> None:
    calm = Calm()
    calm.note(BASIS, QUIET)
    calm.note(BASIS, made)
    assert calm.still(BASIS) is None


@pytest.mark.parametrize(
    "memory",
    [
        replace(MEMORY, drains={A: Drain(0.0, 9.0)}),
        replace(MEMORY, remembered={Entry(NAME, A): 9.0}),
        replace(MEMORY, contests={A: Contest(returned_at=1.0)}),
        replace(MEMORY, warm_up=WarmUp(0.0)),
    ],
)
def test_nor_is_one_of_a_memory_that_time_changes(memory: Memory) -> None:
    calm = Calm()
    calm.note(BASIS._replace(memory=memory), QUIET)
    assert calm.still(BASIS._replace(memory=memory)) is None


@pytest.mark.parametrize(
    "other",
    [
        BASIS._replace(pool=replace(POOL, ttl=61)),
        BASIS._replace(records=(replace(RECORD, ttl=61),)),
        BASIS._replace(memory=replace(MEMORY, errors=1)),
        BASIS._replace(held_for=[Health.DOWN]),
        BASIS._replace(regained_at=7.0),
    ],
)
def test_whatever_changes_ends_it(other: Basis) -> None:
    calm = Calm()
    calm.note(BASIS, QUIET)
    assert calm.still(other) is None
    assert calm.still(BASIS) is QUIET
