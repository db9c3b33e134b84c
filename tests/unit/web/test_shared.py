"""A drawing is shared by those who come while they would have to wait, and is never old."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dnsbalancer_exporter.export.shared import Shared
from tests.e2e.stage import until


def test_one_after_the_other_each_gets_a_new_one() -> None:
    numbers = iter(range(10))
    shared = Shared(lambda: b"%d" % next(numbers))
    assert [shared(), shared(), shared()] == [b"0", b"1", b"2"]


def waiting() -> int:
    """How many threads wait for a drawing of another one."""
    code = Shared.__call__.__code__
    return sum(frame.f_code is code for frame in sys._current_frames().values())


def test_who_comes_while_one_is_drawn_waits_for_the_next_and_all_share_it() -> None:
    began, go = threading.Event(), threading.Event()
    numbers = iter(range(30))

    def draw() -> bytes:
        began.set()
        assert go.wait(30)
        return b"%d" % next(numbers)

    shared = Shared(draw)
    with ThreadPoolExecutor(21) as pool:
        first = pool.submit(shared)
        assert began.wait(30)
        rest = [pool.submit(shared) for _ in range(20)]
        until(lambda: waiting() == 20, "all of them wait")
        go.set()
        assert first.result(30) == b"0"
        assert {future.result(30) for future in rest} == {b"1"}


def test_a_drawing_that_fails_gives_nobody_an_old_one() -> None:
    numbers = iter(range(10))

    def draw() -> bytes:
        number = next(numbers)
        if number == 1:
            raise ValueError(number)
        return b"%d" % number

    shared = Shared(draw)
    assert shared() == b"0"
    with pytest.raises(ValueError, match="1"):
        shared()
    assert shared() == b"2"
