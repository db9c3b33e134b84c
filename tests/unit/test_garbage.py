"""Garbage: how often what is new is looked at, and that nothing old is."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from dnsbalancer_exporter.garbage import EVERY, Garbage


@pytest.fixture
def collector() -> Iterator[None]:
    """Python's own, as it is for everybody else afterwards."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def looks(generation: int) -> int:
    count: int = gc.get_stats()[generation]["collections"]
    return count


@pytest.mark.usefixtures("collector")
def test_what_is_new_is_looked_at_after_so_many_results_and_nothing_else_is() -> None:
    garbage = Garbage()
    garbage.begin()
    gc.set_threshold(0)  # what Python does by itself
    before = [looks(generation) for generation in range(3)]
    for _ in range(3 * EVERY - 1):
        garbage.judged()
    assert [looks(g) - before[g] for g in range(3)] == [2, 0, 0]
    garbage.judged()
    assert [looks(g) - before[g] for g in range(3)] == [3, 0, 0]


@pytest.mark.usefixtures("collector")
def test_what_there_is_at_the_start_is_not_looked_at_again() -> None:
    there = [[]]  # type: ignore[var-annotated]
    assert any(each is there for each in gc.get_objects())
    Garbage().begin()
    assert gc.get_freeze_count() > 1000
    assert not any(each is there for each in gc.get_objects())
