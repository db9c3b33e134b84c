"""Dynamic updates to real name servers: what is beyond the contract that all drivers have."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import Driver, Exchanging
from tests.contract.primaries import (
    BIND,
    KEY,
    KINDS,
    READER,
    SECRET,
    ByUpdates,
    Primary,
    primary,
)
from tests.documents.pages import DOCS, blocks

ZONE = "example.com"
A, TXT = RecordType.A, RecordType.TXT
BUDGET = 3.0
CREATE = Create("www.example.com", A, "192.0.2.9", 60)


@pytest.fixture(params=KINDS)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ByUpdates]:
    with (
        primary(request.param, tmp_path) as server,
        contextlib.closing(ByUpdates(server)) as stage,
    ):
        yield stage


def www(driver: Driver) -> tuple[Record, ...]:
    return tuple(r for r in driver.list_records(ZONE, A, BUDGET) if r.name == CREATE.name)


def exchanging(driver: Driver) -> Exchanging:
    assert isinstance(driver, Exchanging)
    return driver


def published(stage: ByUpdates, *values: str) -> tuple[Driver, tuple[Record, ...]]:
    for value in values:
        stage.add(f"www A {value}")
    driver = stage.driver()
    return driver, www(driver)


def test_records_go_in_one_step_if_the_set_is_as_it_was_read(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    exchanging(driver).delete_records(ZONE, seen, seen[:2])
    assert www(driver) == seen[2:]


@pytest.mark.parametrize("by_whom", ["a value more", "a value less"])
def test_nothing_is_done_if_somebody_has_written_the_set(stage: ByUpdates, by_whom: str) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2", "192.0.2.3")
    other = stage.driver()
    if by_whom == "a value more":
        other.create_record(ZONE, CREATE)
    else:
        other.delete_record(ZONE, www(other)[2])
    there = {r.value for r in www(other)}
    with pytest.raises(Conflict, match="has been written since"):
        exchanging(driver).delete_records(ZONE, seen, seen[:1])
    assert {r.value for r in www(other)} == there


def test_the_last_of_a_set_does_not_go(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2")
    with pytest.raises(ProviderError, match="will not delete all"):
        exchanging(driver).delete_records(ZONE, seen, seen)
    assert www(driver) == seen


def test_two_that_withdraw_each_other_leave_one(stage: ByUpdates) -> None:
    one, seen = published(stage, "192.0.2.1", "192.0.2.2")
    other = stage.driver()
    also = www(other)
    exchanging(one).delete_records(ZONE, seen, seen[:1])
    with pytest.raises(Conflict):
        exchanging(other).delete_records(ZONE, also, also[1:])
    assert [r.value for r in www(one)] == ["192.0.2.2"]


def test_a_lost_exchange_is_settled_by_a_read(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2")
    stage.lose()
    with pytest.raises(AnswerLost):
        exchanging(driver).delete_records(ZONE, seen, seen[:1])
    assert www(driver) == seen[1:]


def test_a_new_value_has_the_ttl_of_its_set(stage: ByUpdates) -> None:
    stage.add("www A 192.0.2.1", ttl=7200)
    driver = stage.driver()
    assert driver.create_record(ZONE, CREATE).ttl == 7200
    assert [r.ttl for r in www(driver)] == [7200, 7200]


def test_who_is_put_back_by_another_is_another_record(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2")
    exchanging(driver).delete_records(ZONE, seen, seen[:1])
    stage.add("www A 192.0.2.1")
    back = www(driver)
    assert [replace(r, id="") for r in back] == [replace(r, id="") for r in seen]
    assert back[0].id != seen[0].id
    driver.delete_record(ZONE, seen[0])
    assert www(driver) == back, "what was read before is another record, and gone already"


def test_a_text_of_several_strings_and_other_types_are_no_harm(stage: ByUpdates) -> None:
    stage.add('long TXT one" "two')
    stage.add("@ TXT caf\\195\\169")
    driver = stage.driver()
    values = [r.value for r in driver.list_records(ZONE, TXT, BUDGET)]
    assert values == ["café", "onetwo"]


@pytest.mark.parametrize(
    ("key", "secret"), [(KEY, "d3Jvbmcgc2VjcmV0LCBidXQgb2YgZ29vZCBsZW5ndGg="), ("nobody", SECRET)]
)
@pytest.mark.parametrize("verb", ["list", "create"])
def test_a_wrong_key_is_said_and_nothing_of_it(
    stage: ByUpdates, key: str, secret: str, verb: str
) -> None:
    driver = stage.driver(key, secret)
    verbs: dict[str, Callable[[], object]] = {
        "list": lambda: driver.list_records(ZONE, A, BUDGET),
        "create": lambda: driver.create_record(ZONE, CREATE),
    }
    with pytest.raises(ProviderError, match="check `login`") as caught:
        verbs[verb]()
    assert caught.value.reason is ApiReason.AUTH
    assert secret not in str(caught.value)
    assert not isinstance(caught.value, AnswerLost)


def test_a_key_that_may_only_read(stage: ByUpdates) -> None:
    driver = stage.driver(READER)
    assert www(driver) == ()
    with pytest.raises(ProviderError, match="may transfer and update") as caught:
        driver.create_record(ZONE, CREATE)
    assert caught.value.reason is ApiReason.AUTH


def test_a_server_that_is_not_there_has_been_sent_nothing(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2")
    stage.server.stop()
    stage.close()
    for verb in (
        lambda: driver.create_record(ZONE, CREATE),
        lambda: exchanging(driver).delete_records(ZONE, seen, seen[:1]),
    ):
        with pytest.raises(ProviderError) as caught:
            verb()
        assert caught.value.reason is ApiReason.CONNECTION
        assert not isinstance(caught.value, AnswerLost)


def test_a_server_that_says_nothing_leaves_a_write_in_doubt(stage: ByUpdates) -> None:
    driver, seen = published(stage, "192.0.2.1", "192.0.2.2")
    with stage.silent(), pytest.raises(AnswerLost) as caught:
        exchanging(driver).delete_records(ZONE, seen, seen[:1])
    assert caught.value.reason is ApiReason.TIMEOUT


def test_a_server_whose_zone_began_anew_is_read_anew(stage: ByUpdates) -> None:
    driver, _ = published(stage, "192.0.2.1")
    stage.server.begin_anew()
    assert www(driver) == ()
    stage.add("www A 192.0.2.7")
    assert [r.value for r in www(driver)] == ["192.0.2.7"]


def test_a_quiet_read_transfers_no_zone(stage: ByUpdates) -> None:
    stage.add(*(f"h{n} A 192.0.2.{n}" for n in range(200)))
    driver = stage.driver()
    driver.list_records(ZONE, A, BUDGET)
    whole = stage.relayed()
    assert len(driver.list_records(ZONE, A, BUDGET)) == 201
    assert stage.relayed() - whole < whole / 4


def test_the_policy_on_the_page_is_enough_and_no_more(tmp_path: Path) -> None:
    (shown,) = (b.text for b in blocks(DOCS / "drivers.md") if "update-policy" in b.text)
    policy = shown.replace("{", "{{").replace("}", "}}").replace('"..."', '"{secret}"')
    policy = policy.replace("/var/lib/bind/example.com", "{folder}/zone")
    options = BIND[BIND.index("options {") : BIND.index('zone "example.com"')]
    server = Primary(KINDS["bind"]._replace(configuration=options + policy), tmp_path / "bind")
    with server, contextlib.closing(ByUpdates(server)) as stage:
        driver = stage.driver()
        two = ("192.0.2.1", "192.0.2.2")
        made = tuple(driver.create_record(ZONE, Create(ZONE, A, value, 60)) for value in two)
        exchanging(driver).delete_records(ZONE, made, made[1:])
        listed = driver.list_records(ZONE, A, BUDGET)
        assert [record.value for record in listed if record.name == ZONE] == ["192.0.2.1"]
        for create in (Create(ZONE, TXT, "v=spf1", 60), CREATE):
            with pytest.raises(ProviderError) as caught:
                driver.create_record(ZONE, create)
            assert not isinstance(caught.value, AnswerLost)
