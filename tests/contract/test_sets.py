"""Whole record sets, beyond the contract: what a lost update costs, and what is left alone."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import Driver, Exchanging, RecordSets
from dnsbalancer_exporter.provider.sets import RecordSet, quoted, unquoted
from tests.contract.powerdns import KEY, OverPowerDns, powerdns
from tests.contract.secrecy import assert_secret

ZONE, NAME, LOCK = "example.com", "www.example.com", "_lock.example.com"
A, AAAA, TXT = RecordType.A, RecordType.AAAA, RecordType.TXT
ONE, TWO, THREE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
BUDGET = 30.0


def value(driver: Driver, text: str, kind: RecordType = A) -> Record:
    return next(r for r in driver.list_records(ZONE, kind, BUDGET) if r.value == text)


# --- in memory: every order of what two writers do ------------------------------------------


class Strict:
    """Record sets in memory; one of addresses that is written without a value is a bug.

    ``meanwhile`` is done once, between a read and the write that is planned on it.
    """

    name = "strict"
    clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, *held: RecordSet) -> None:
        self.held = {(there.name, there.type): there for there in held}
        self.history = [self.held]
        self.meanwhile: Callable[[], object] | None = None

    def read(self, zone: str, kind: RecordType, deadline: float) -> tuple[RecordSet, ...]:
        assert zone == ZONE
        return tuple(there for there in self.held.values() if there.type is kind)

    def write(self, zone: str, wanted: RecordSet, what: tuple[str, str], deadline: float) -> None:
        assert what[0] in {"create_record", "delete_record"}
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile:
            meanwhile()
        assert wanted.values or wanted.type is TXT, "an empty set of addresses was written"
        held = {**self.held, (wanted.name, wanted.type): wanted}
        self.held = {key: there for key, there in held.items() if there.values}
        self.history.append(self.held)

    def values(self, kind: RecordType = A) -> set[str]:
        return {v for there in self.held.values() if there.type is kind for v in there.values}


def in_memory(*values: str, kind: RecordType = A) -> tuple[Strict, RecordSets, RecordSets]:
    sets = Strict(RecordSet("", NAME, kind, 60, values))
    one, other = (RecordSets(sets, write_budget=BUDGET) for _ in range(2))
    return sets, one, other


@pytest.mark.parametrize(("kind", "last"), [(A, ONE), (AAAA, "2001:db8::1")])
def test_the_last_address_is_refused_and_nothing_is_written(kind: RecordType, last: str) -> None:
    sets, driver, _ = in_memory(last, kind=kind)
    record = value(driver, last, kind)
    acts: list[Callable[[], None]] = [
        lambda: driver.delete_record(ZONE, record),
        lambda: driver.delete_records(ZONE, (record,), (record,)),
    ]
    for act in acts:
        with pytest.raises(ProviderError, match="it is the last of its name") as caught:
            act()
        assert not isinstance(caught.value, (AnswerLost, Conflict))
    assert sets.history == [sets.held]


def test_the_last_text_goes_and_so_does_its_set() -> None:
    sets, driver, _ = in_memory("lock", kind=TXT)
    driver.delete_record(ZONE, value(driver, "lock", TXT))
    assert sets.held == {}


def test_two_withdrawals_at_once_leave_one_of_the_two() -> None:
    sets, one, other = in_memory(ONE, TWO)
    first, second = value(one, ONE), value(other, TWO)
    sets.meanwhile = lambda: other.delete_record(ZONE, second)
    one.delete_record(ZONE, first)
    assert sets.values() == {TWO}, "the earlier write is lost; the name is not"
    assert all(held for held in sets.history)


def test_a_lost_address_is_put_back_by_whoever_misses_it() -> None:
    sets, one, other = in_memory(ONE)
    sets.meanwhile = lambda: other.create_record(ZONE, Create(NAME, A, TWO, 60))
    one.create_record(ZONE, Create(NAME, A, THREE, 60))
    assert sets.values() == {ONE, THREE}
    assert TWO not in [record.value for record in other.list_records(ZONE, A, BUDGET)]
    other.create_record(ZONE, Create(NAME, A, TWO, 60))
    assert sets.values() == {ONE, TWO, THREE}


def test_an_exchange_is_for_the_set_that_was_seen() -> None:
    sets, one, other = in_memory(ONE, TWO, THREE)
    assert isinstance(one, Exchanging)
    seen = one.list_records(ZONE, A, BUDGET)
    other.delete_record(ZONE, value(other, THREE))
    with pytest.raises(Conflict, match="has been written since it was read"):
        one.delete_records(ZONE, seen, seen[:1])
    assert sets.values() == {ONE, TWO}
    seen = one.list_records(ZONE, A, BUDGET)
    one.delete_records(ZONE, seen, seen[:1])
    assert sets.values() == {TWO}


def test_what_was_put_back_is_another_record() -> None:
    sets, one, other = in_memory(ONE, TWO)
    old = value(one, ONE)
    other.delete_record(ZONE, value(other, ONE))
    assert [r.value for r in one.list_records(ZONE, A, BUDGET)] == [TWO]
    other.create_record(ZONE, Create(NAME, A, ONE, 60))
    assert value(one, ONE).id != old.id
    one.delete_record(ZONE, old)
    assert sets.values() == {ONE, TWO}


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)


@given(TEXTS)
def test_a_text_survives_its_quotation_marks(text: str) -> None:
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('"a" "b"', "ab"),
        ("bare", "bare"),
        (r'"\195\169"', "\u00e9"),
        (r'"a\;b"', "a;b"),
        ('""', ""),
    ],
)
def test_texts_as_zone_files_write_them(content: str, text: str) -> None:
    assert unquoted(content) == text


@pytest.mark.parametrize("content", ['"open', '"a\\'])
def test_what_is_no_text_is_said(content: str) -> None:
    with pytest.raises(ValueError, match="a text"):
        unquoted(content)


# --- PowerDNS itself ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OverPowerDns]:
    folder = tmp_path_factory.mktemp("sets")
    with powerdns(folder) as server, contextlib.closing(OverPowerDns(server)) as stage:
        yield stage


def test_what_is_disabled_stays_disabled(served: OverPowerDns) -> None:
    server, driver = served.server, served.driver()
    server.patch("off.example.com.", "A", 60, ONE, TWO, THREE, disabled=THREE)
    name = "off.example.com"
    found = [r for r in driver.list_records(ZONE, A, BUDGET) if r.name == name]
    assert [r.value for r in found] == [ONE, TWO], "it is not served"
    driver.create_record(ZONE, Create(name, A, "192.0.2.4", 60))
    driver.delete_record(ZONE, found[0])
    assert server.contents(name + ".", "A") == [(TWO, False), (THREE, True), ("192.0.2.4", False)]


def test_the_last_that_is_served_is_the_last(served: OverPowerDns) -> None:
    server, driver = served.server, served.driver()
    server.patch("half.example.com.", "A", 60, "192.0.2.11", "192.0.2.12", disabled="192.0.2.12")
    with pytest.raises(ProviderError, match="the last of its name"):
        driver.delete_record(ZONE, value(driver, "192.0.2.11"))
    assert server.contents("half.example.com.", "A") == [
        ("192.0.2.11", False),
        ("192.0.2.12", True),
    ]


def test_a_comment_stays(served: OverPowerDns) -> None:
    url = f"{served.server.url}api/v1/servers/localhost/zones/example.com."
    comment = {"content": "ask Ann first", "account": "ann", "modified_at": 1}
    change = {
        "name": "noted.example.com.",
        "type": "A",
        "ttl": 60,
        "changetype": "REPLACE",
        "records": [{"content": "192.0.2.21", "disabled": False}],
        "comments": [comment],
    }
    head = {"X-API-Key": KEY}
    answer = requests.patch(url, json={"rrsets": [change]}, headers=head, timeout=10)
    assert answer.status_code == 204, answer.text
    served.driver().create_record(ZONE, Create("noted.example.com", A, "192.0.2.22", 60))
    sets = requests.get(url, headers=head, timeout=10).json()["rrsets"]
    (noted,) = (s for s in sets if s["name"] == "noted.example.com.")
    assert noted["comments"] == [comment]
    assert {r["content"] for r in noted["records"]} == {"192.0.2.21", "192.0.2.22"}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(TEXTS.filter(lambda text: len(text.encode()) <= 255))
def test_a_text_survives_powerdns(served: OverPowerDns, text: str) -> None:
    driver = served.driver()
    made = driver.create_record(ZONE, Create(LOCK, TXT, text, 60))
    assert [r.value for r in driver.list_records(ZONE, TXT, BUDGET)] == [text]
    driver.delete_record(ZONE, made)


def test_a_wrong_key_is_said_and_not_shown(served: OverPowerDns) -> None:
    driver = served.driver("key-of-somebody-else")
    for act in (
        lambda: driver.list_records(ZONE, A, BUDGET),
        lambda: driver.create_record(ZONE, Create(NAME, A, ONE, 60)),
    ):
        with pytest.raises(ProviderError, match="`password`: it is the server's `api-key`") as said:
            act()
        assert said.value.reason is ApiReason.AUTH
        assert not isinstance(said.value, AnswerLost)
        assert_secret(said.value, "key-of-somebody-else")
