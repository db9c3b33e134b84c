"""The nouns: what a Secret keeps to itself, what a pool manages, what a plan holds."""

from __future__ import annotations

import copy
import pickle
import pprint
from dataclasses import FrozenInstanceError, dataclass

import pytest

from dnsbalancer_exporter.model import (
    Ground,
    Hold,
    Plan,
    Pool,
    ProbeSpec,
    Protocol,
    Record,
    Secret,
    Target,
    Withheld,
)
from dnsbalancer_exporter.names import RecordType

TEXT = "correct-horse"
SPEC = ProbeSpec(Protocol.TCP, "192.0.2.1", 80, 2.0)


def target(address: str) -> Target:
    return Target(address, address, SPEC)


def pool(own: tuple[str, ...] = (), listed: tuple[str, ...] = ()) -> Pool:
    return Pool(
        "p",
        "example.com",
        ("example.com",),
        member=True,
        own=tuple(map(target, own)),
        probe=SPEC,
        listed=tuple(map(target, listed)),
    )


@dataclass(frozen=True)
class Login:
    name: str
    password: Secret


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(TEXT)),
        str(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT)!r}",
        f"{Secret(TEXT)!s}",
        f"{Secret(TEXT)!a}",
        "%s %r" % (Secret(TEXT), Secret(TEXT)),  # noqa: UP031 - as logging does it
        repr([Secret(TEXT)]),
        repr(Login("me", Secret(TEXT))),
        pprint.pformat({"password": Secret(TEXT)}),
    ],
)
def test_a_secret_shows_stars_and_nothing_else(shown: str) -> None:
    assert "***" in shown
    assert TEXT not in shown
    assert str(len(TEXT)) not in shown


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_not_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="not serialised") as refusal:
        pickle.dumps(Secret(TEXT), protocol)
    assert TEXT not in str(refusal.value)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_secret_is_not_copied(duplicate: object) -> None:
    with pytest.raises(TypeError, match="not serialised"):
        duplicate(Secret(TEXT))  # type: ignore[operator]


def test_a_secret_has_no_dictionary_to_look_into() -> None:
    assert not hasattr(Secret(TEXT), "__dict__")


def test_secrets_are_compared_by_text_and_with_secrets_only() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert hash(Secret(TEXT)) == hash(Secret(TEXT))
    assert Secret(TEXT) != Secret("other")
    assert Secret(TEXT) != TEXT


def test_a_secret_reveals_its_text_when_asked() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    ("own", "listed", "types"),
    [
        ((), (), ()),
        (("192.0.2.1",), (), (RecordType.A,)),
        ((), ("2001:db8::1",), (RecordType.AAAA,)),
        (("2001:db8::1", "192.0.2.1"), (), (RecordType.A, RecordType.AAAA)),
        (("192.0.2.1",), ("192.0.2.2", "2001:db8::1"), (RecordType.A, RecordType.AAAA)),
    ],
)
def test_a_family_is_managed_only_if_own_or_targets_has_it(
    own: tuple[str, ...], listed: tuple[str, ...], types: tuple[RecordType, ...]
) -> None:
    assert pool(own, listed).types == types


def test_holds_are_told_once_each_and_in_order_of_precedence() -> None:
    record = Record("1", "example.com", RecordType.A, "192.0.2.1", 60)
    holds = (Hold.NO_LOCK, Hold.MIN_RECORDS, Hold.STALE_VIEW, Hold.MIN_RECORDS)
    plan = Plan(withheld=tuple(Withheld(record, Ground.DOWN, hold) for hold in holds))
    assert plan.holds == (Hold.STALE_VIEW, Hold.MIN_RECORDS, Hold.NO_LOCK)


def test_nouns_do_not_change() -> None:
    record = Record("1", "example.com", RecordType.A, "192.0.2.1", 60)
    with pytest.raises(FrozenInstanceError):
        record.value = "192.0.2.2"  # type: ignore[misc]
