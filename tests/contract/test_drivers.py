"""What the cycle relies on, whichever driver it has: the same for all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create, Record
from dnsbalancer_exporter.names import RecordType, relative
from dnsbalancer_exporter.provider import Driver
from tests.contract.openstack import Designate, OverDesignate
from tests.contract.powerdns import OverPowerDns, powerdns
from tests.contract.primaries import ByUpdates, primary
from tests.contract.stages import InMemory, Stage, over_http
from tests.contract.toy import over_toy

ZONE = "example.com"
A, AAAA, TXT = RecordType.A, RecordType.AAAA, RecordType.TXT
BUDGET = 30.0


@contextlib.contextmanager
def by_updates(kind: str, folder: Path) -> Iterator[Stage]:
    with primary(kind, folder) as server, contextlib.closing(ByUpdates(server)) as stage:
        yield stage


@contextlib.contextmanager
def over_powerdns(folder: Path) -> Iterator[Stage]:
    with powerdns(folder) as server, contextlib.closing(OverPowerDns(server)) as stage:
        yield stage


@pytest.fixture
def over_designate(openstack: Designate) -> Iterator[Stage]:
    stage = OverDesignate(openstack)
    yield stage
    stage.clean()


STAGES: dict[str, Callable[[Path], AbstractContextManager[Stage]]] = {
    "memory": lambda _: contextlib.nullcontext(InMemory()),
    "vkcloud": lambda _: over_http(),
    "bind": partial(by_updates, "bind"),
    "knot": partial(by_updates, "knot"),
    "powerdns": over_powerdns,
    "page": over_toy,
}
CLOUD = pytest.param("over_designate", marks=pytest.mark.xdist_group("openstack"), id="designate")


@pytest.fixture(params=[*STAGES, CLOUD])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    if request.param in STAGES:
        with STAGES[request.param](tmp_path) as stage:
            yield stage
    else:
        yield request.getfixturevalue(request.param)


@pytest.fixture
def driver(stage: Stage) -> Driver:
    return stage.driver()


NAME_SERVER = "ns1.example.com"
"""A name server's zone cannot be without; it is no test's business."""


def records(driver: Driver, kind: RecordType = A) -> tuple[Record, ...]:
    found = driver.list_records(ZONE, kind, BUDGET)
    return tuple(record for record in found if record.name != NAME_SERVER)


def listed(driver: Driver, kind: RecordType = A) -> list[tuple[str, str, int]]:
    return [(r.name, r.value, r.ttl) for r in records(driver, kind)]


def test_an_empty_list_is_empty(driver: Driver) -> None:
    assert [listed(driver, kind) for kind in RecordType] == [[], [], []]


def test_types_are_apart_and_lists_are_sorted(stage: Stage, driver: Driver) -> None:
    for text in ("www A 192.0.2.3", "@ A 192.0.2.2", "@ A 192.0.2.1", "@ AAAA 2001:db8::1"):
        stage.add(text)
    stage.add("@ TXT hello, world", ttl=300)
    assert listed(driver) == [
        ("example.com", "192.0.2.1", 60),
        ("example.com", "192.0.2.2", 60),
        ("www.example.com", "192.0.2.3", 60),
    ]
    assert listed(driver, AAAA) == [("example.com", "2001:db8::1", 60)]
    assert listed(driver, TXT) == [("example.com", "hello, world", 300)]


CREATES = [
    Create("example.com", A, "192.0.2.1", 60),
    Create("www.example.com", A, "192.0.2.1", 3600),
    Create("a.b.c.example.com", AAAA, "2001:db8::fb", 60),
    Create("example.com", AAAA, "2001:db8:0:1:1:1:1:1", 60),
    Create("_dnsbalancer-lock.example.com", TXT, "held", 60),
    Create("_dnsbalancer.www.example.com", TXT, 'v=1 "down"=192.0.2.1;seq:7 \\ ~', 60),
]


COMPANIONS = {A: "192.0.2.99", AAAA: "2001:db8::99"}
"""Another value of the set: the last address of a name need not go, whatever a caller says."""


def accompany(stage: Stage, create: Create) -> None:
    if create.type in COMPANIONS:
        stage.add(f"{relative(create.name, ZONE)} {create.type.value} {COMPANIONS[create.type]}")


def mine(driver: Driver, create: Create) -> tuple[Record, ...]:
    return tuple(r for r in records(driver, create.type) if r.value == create.value)


@pytest.mark.parametrize("create", CREATES, ids=lambda create: f"{create.name}-{create.type.name}")
def test_the_life_of_a_record(stage: Stage, driver: Driver, create: Create) -> None:
    accompany(stage, create)
    made = driver.create_record(ZONE, create)
    ttl = made.ttl if create.type in COMPANIONS else create.ttl
    assert made == Record(made.id, create.name, create.type, create.value, ttl)
    assert mine(driver, create) == (made,)
    with pytest.raises(Conflict) as caught:
        driver.create_record(ZONE, create)
    assert caught.value.reason is ApiReason.CONFLICT
    assert mine(driver, create) == (made,)
    driver.delete_record(ZONE, made)
    assert mine(driver, create) == ()
    driver.delete_record(ZONE, made)
    again = driver.create_record(ZONE, create)
    assert again.id != made.id, "an id is a version"
    driver.delete_record(ZONE, made)
    assert mine(driver, create) == (again,), "what has gone is gone, this is another one"


@pytest.mark.parametrize("create", CREATES, ids=lambda create: f"{create.name}-{create.type.name}")
def test_a_new_set_has_the_ttl_that_is_asked_for(driver: Driver, create: Create) -> None:
    assert driver.create_record(ZONE, create).ttl == create.ttl
    assert [r.ttl for r in mine(driver, create)] == [create.ttl]


def test_one_name_has_many_values_and_one_value_many_names(driver: Driver) -> None:
    for name in ("example.com", "www.example.com"):
        for value in ("192.0.2.1", "192.0.2.2"):
            driver.create_record(ZONE, Create(name, A, value, 60))
    assert len(listed(driver)) == 4


def test_what_is_not_asked_for_is_not_touched(stage: Stage, driver: Driver) -> None:
    for text in ("mail A 192.0.2.9", "@ TXT v=spf1 -all", "@ AAAA 2001:db8::9", "@ A 192.0.2.8"):
        stage.add(text, ttl=7200)
    before = {kind: records(driver, kind) for kind in RecordType}
    made = driver.create_record(ZONE, Create("example.com", A, "192.0.2.1", 60))
    assert listed(driver)[1] == ("example.com", "192.0.2.8", 7200), "its TTL is its own"
    driver.delete_record(ZONE, made)
    assert {kind: records(driver, kind) for kind in RecordType} == before


def test_two_writers_see_each_other(stage: Stage) -> None:
    one, other = stage.driver(), stage.driver()
    create = Create("_dnsbalancer-lock.example.com", TXT, "lock", 60)
    made = one.create_record(ZONE, create)
    (seen,) = records(other, TXT)
    assert replace(seen, id="") == replace(made, id="")
    assert seen.id == made.id or not stage.ids_are_shared
    with pytest.raises(Conflict):
        other.create_record(ZONE, create)
    other.delete_record(ZONE, seen)
    one.delete_record(ZONE, made)
    assert other.create_record(ZONE, create).id != made.id


def test_a_lost_answer_is_settled_by_a_read(stage: Stage, driver: Driver) -> None:
    create = Create("example.com", A, "192.0.2.1", 60)
    accompany(stage, create)
    stage.lose()
    with pytest.raises(AnswerLost):
        driver.create_record(ZONE, create)
    (made,) = mine(driver, create)
    assert made.name == create.name
    stage.lose()
    with pytest.raises(AnswerLost):
        driver.delete_record(ZONE, made)
    assert mine(driver, create) == ()


def test_five_hundred_records(stage: Stage, driver: Driver) -> None:
    stage.add(*(f"h{n % 25} A 192.0.{2 + n // 250}.{n % 250}" for n in range(500)))
    found = records(driver)
    assert len(found) == len({record.id for record in found}) == 500
    assert list(found) == sorted(found, key=lambda r: (r.name, r.value, r.id))


@pytest.mark.parametrize("verb", ["list", "create", "delete"])
def test_a_zone_that_is_not_there(driver: Driver, verb: str) -> None:
    zone = "example.org"
    create = Create("www.example.org", A, "192.0.2.1", 60)
    record = Record("0-0", create.name, A, create.value, 60)
    verbs: dict[str, Callable[[], object]] = {
        "list": lambda: driver.list_records(zone, A, BUDGET),
        "create": lambda: driver.create_record(zone, create),
        "delete": lambda: driver.delete_record(zone, record),
    }
    with pytest.raises(ProviderError, match=r"example\.org") as caught:
        verbs[verb]()
    assert caught.value.reason is ApiReason.NOT_FOUND
    assert not isinstance(caught.value, (AnswerLost, Conflict))
