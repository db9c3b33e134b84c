"""Every interleaving of one withdrawal each, by writers that hold each other for dead.

Nothing is drawn here: all orders of all calls, with at most one fault at any of them. How many
states there are is asserted, so that the search cannot become a small one unnoticed.
"""

from __future__ import annotations

import pytest

from dnsbalancer_exporter.lock import SingleWriter
from tests.simulation.interleaving import TERMS, Choice, Emptied, Run, search
from tests.simulation.stage import A, B, C
from tests.simulation.world import NoLock

NO_FAULT: tuple[str, ...] = ()


def test_two_writers_with_one_fault() -> None:
    """Any call fails, is lost, takes effect later, is heard a lease later, or is the last one."""
    found = search(lambda: Run((A, B), ticks=True))
    assert found.states > 5000
    assert found.ends > 1000


def test_two_writers_that_try_twice() -> None:
    """The second attempt comes after whatever the other one has done meanwhile."""
    found = search(lambda: Run((A, B), cycles=(2, 2), faults=NO_FAULT))
    assert found.states > 1000


@pytest.mark.parametrize(
    ("fate", "least"),
    [
        pytest.param(("do", "lose"), 60, id="never hears of it"),
        pytest.param(("do", "do", "die"), 60, id="is dead"),
        pytest.param(("do", "hold"), 1000, id="hears of it a lease later"),
        pytest.param(("do", "do", "do", "hold"), 200, id="has an old list in its hands"),
    ],
)
def test_a_lock_that_is_broken_while_its_holder_stands_still(
    fate: tuple[str, ...], least: int
) -> None:
    """The first writer has created the lock and then stands still. The other one sees it, breaks it
    a lease later and withdraws the first; at any point of this, the first may go on.
    """
    first = tuple(Choice(what, 0) for what in fate)
    found = search(lambda: Run((A, B), cycles=(1, 2), ticks=True, faults=fate[-1:]), first)
    assert found.states > least


def test_three_writers() -> None:
    """All three have read the same list; from there on every order, and a fault at any call."""
    first = tuple(Choice("do", n) for n in range(3))
    found = search(lambda: Run((A, B, C)), first)
    assert found.states > 3000


def test_two_writers_that_compare_and_swap() -> None:
    """Where the provider has it there is no lock: whoever comes second is refused."""
    found = search(lambda: Run((A, B), swaps=True))
    assert found.states > 600
    found = search(lambda: Run((A, B), cycles=(2, 2), swaps=True, faults=NO_FAULT))
    assert found.states > 300


@pytest.mark.parametrize("kind", ["no lock at all", "a writer that thinks it is alone"])
def test_without_the_lock_the_search_finds_how_the_name_is_emptied(kind: str) -> None:
    """Both read, both delete: the trace for which there is a lock. The search can fail."""
    with pytest.raises(Emptied, match=r"-> \[\]"):
        search(
            lambda: Run(
                (A, B),
                faults=NO_FAULT,
                locks=lambda _, clock: SingleWriter(TERMS, clock) if "alone" in kind else NoLock(),
            )
        )
