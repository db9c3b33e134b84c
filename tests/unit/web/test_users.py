"""Passwords: right and wrong ones, what a check costs and who pays it."""

from __future__ import annotations

import base64
import threading

import bcrypt
import pytest

from dnsbalancer_exporter.export.users import WAITING, Busy, Users, bcrypt_check
from dnsbalancer_exporter.model import Secret

PASSWORD = "p4ss:wörd"


def hashed(password: str, cost: int = 4) -> Secret:
    return Secret(bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode())


def basic(name: str, password: str, scheme: str = "Basic") -> str:
    return f"{scheme} {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


class Counted:
    """Bcrypt's check, and what it was asked."""

    def __init__(self) -> None:
        self._check = bcrypt_check()
        self.asked: list[bytes] = []

    def __call__(self, password: bytes, hashed: bytes) -> bool:
        self.asked.append(hashed)
        return self._check(password, hashed)


def test_only_the_right_password_of_a_known_user_is_right() -> None:
    users = Users({"one": hashed(PASSWORD), "two": hashed("other")}, bcrypt_check())
    assert users.knows(basic("one", PASSWORD))
    assert users.knows(basic("two", "other", scheme="basic"))
    assert not users.knows(basic("one", "other"))
    assert not users.knows(basic("one", ""))
    assert not users.knows(basic("One", PASSWORD))
    assert not users.knows(basic("three", PASSWORD))


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !", "Basic b25l", "Bearer b25lOng=", "Basic /////w==", "Basic ü"]
)
def test_a_header_that_says_nothing_is_wrong_and_costs_nothing(header: str) -> None:
    check = Counted()
    assert not Users({"one": hashed(PASSWORD)}, check).knows(header)
    assert check.asked == []


def test_the_hashes_of_htpasswd_are_understood() -> None:
    as_htpasswd = Secret(hashed(PASSWORD).reveal().replace("$2b$", "$2y$"))
    assert Users({"one": as_htpasswd}, bcrypt_check()).knows(basic("one", PASSWORD))


def test_a_right_password_is_checked_once_and_a_wrong_one_each_time() -> None:
    check = Counted()
    users = Users({"one": hashed(PASSWORD)}, check)
    assert all(users.knows(basic("one", PASSWORD)) for _ in range(3))
    assert len(check.asked) == 1
    assert not any(users.knows(basic("one", "wrong")) for _ in range(3))
    assert len(check.asked) == 4
    assert users.knows(basic("one", PASSWORD))
    assert len(check.asked) == 4


def test_an_unknown_user_costs_what_a_known_one_costs() -> None:
    check = Counted()
    users = Users({"cheap": hashed("a"), "dear": hashed("b", cost=5)}, check)
    assert not users.knows(basic("dear", "wrong"))
    assert not users.knows(basic("nobody", "wrong"))
    known, unknown = check.asked
    assert known[:7] == unknown[:7] == b"$2b$05$"


def test_no_other_split_of_name_and_password_is_taken_for_a_right_one() -> None:
    users = Users({"ab": hashed("c"), "a": hashed("x")}, bcrypt_check())
    assert users.knows(basic("ab", "c"))
    assert not users.knows(basic("a", "bc"))
    assert not users.knows(basic("a", "b:c"))


def test_long_passwords_and_zero_bytes_are_no_failure() -> None:
    long = "x" * 100
    users = Users({"one": hashed(long[:72])}, bcrypt_check())
    assert users.knows(basic("one", long))
    assert not users.knows(basic("one", "x\0y"))


def test_a_flood_of_wrong_passwords_is_bounded_and_does_not_delay_a_known_one() -> None:
    arrived, go = threading.Semaphore(0), threading.Event()
    real = bcrypt_check()

    def slow(password: bytes, hashed: bytes) -> bool:
        if password == b"wrong":
            arrived.release()
            assert go.wait(30)
        return real(password, hashed)

    users = Users({"one": hashed(PASSWORD)}, slow)
    assert users.knows(basic("one", PASSWORD))
    told: list[object] = []

    def guess() -> None:
        try:
            told.append(users.knows(basic("one", "wrong")))
        except Busy:
            told.append("busy")

    crowd = [threading.Thread(target=guess) for _ in range(30)]
    for thread in crowd:
        thread.start()
    assert arrived.acquire(timeout=30)
    assert users.knows(basic("one", PASSWORD))  # while the check of another is going on
    for thread in crowd:
        if told.count("busy") == len(crowd) - WAITING - 1:
            go.set()
        thread.join(0.2)
    go.set()
    for thread in crowd:
        thread.join(30)
    assert told.count("busy") == len(crowd) - WAITING - 1
    assert told.count(False) == WAITING + 1
