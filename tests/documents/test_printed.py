"""What is compared of a command's output, and what is not."""

from __future__ import annotations

import pytest

from tests.documents.printed import agrees


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("up   3 s  0.04 ms  yes", "up 17 s   1.2 ms    yes\n"),
        ("until 2026-11-23 17:44:33 UTC", "until 2027-01-02 01:02:03 UTC"),
        ("one\n...\nthree", "one\ntwo\ntwo\nthree"),
        ("one\n...", "one"),
        ("{} => 3 @[1700000000.000]", "{} => 3 @[1763913600.1]"),
    ],
)
def test_times_and_spaces_are_not_compared(shown: str, printed: str) -> None:
    assert agrees(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("2 of 3 up", "3 of 3 up"),
        ("203.0.113.11", "203.0.113.12"),
        ("one\nthree", "one\ntwo\nthree"),
        ("one", "one\ntwo"),
        ("one\ntwo", "one"),
    ],
)
def test_all_else_is(shown: str, printed: str) -> None:
    assert not agrees(shown, printed)
