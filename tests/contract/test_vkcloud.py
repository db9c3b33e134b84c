"""VkCloud against every setting of the emulator that could matter to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.model import Create
from dnsbalancer_exporter.names import RecordType
from tests.contract.scripted import PASSWORD, Client
from tests.contract.secrecy import assert_secret
from tests.contract.stages import OverHttp, over_http

ZONE = "example.com"
A, AAAA = RecordType.A, RecordType.AAAA
CREATE = Create("www.example.com", A, "192.0.2.1", 60)


@pytest.fixture
def stage() -> Iterator[OverHttp]:
    with over_http() as stage:
        yield stage


def values(here: Client, kind: RecordType = A) -> list[tuple[str, str]]:
    return [(r.name, r.value) for r in here.driver.list_records(ZONE, kind, 30)]


def test_all_spellings_of_a_name_are_one_name(stage: OverHttp) -> None:
    for n, name in enumerate(["@", "", "example.com", "Example.COM"], start=1):
        stage.add(f"{name} A 192.0.2.{n}")
    for n, name in enumerate(["www", "www.example.com", "WWW", "www."], start=11):
        stage.add(f"{name} A 192.0.2.{n}")
    names = [name for name, _ in values(stage.client())]
    assert names == ["example.com"] * 4 + ["www.example.com"] * 4


def test_all_spellings_of_an_address_are_one_address(stage: OverHttp) -> None:
    stage.add("@ AAAA 2001:0DB8:AA10:0001:0000:0000:0000:00FB")
    here = stage.client()
    assert values(here, AAAA) == [("example.com", "2001:db8:aa10:1::fb")]
    with pytest.raises(Conflict):
        here.driver.create_record(ZONE, Create("example.com", AAAA, "2001:db8:aa10:1::fb", 60))


SWITCHES: list[dict[str, object]] = [
    {"delete_code": 202},
    {"error_style": "html"},
    {"error_style": "empty"},
    {"slash": "lenient"},
    {"unknown_keys": "ignore"},
    {"name_case": "fold"},
    {"zone_trailing_dot": "strip"},
    {"txt_charset": "any"},
    {"rrset_ttl": "equal"},
    {"status_flow": "no_mcs_ns"},
]


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_the_life_of_a_record_under_every_switch(switches: dict[str, object]) -> None:
    with over_http(**switches) as stage:
        here = stage.client()
        made = here.driver.create_record(ZONE, CREATE)
        with pytest.raises(Conflict):
            here.driver.create_record(ZONE, CREATE)
        assert here.driver.list_records(ZONE, A, 30) == (made,)
        here.driver.delete_record(ZONE, made)
        here.driver.delete_record(ZONE, made)
        assert values(here) == []


def test_where_names_are_not_unique_two_records_are_two(stage: OverHttp) -> None:
    stage.emulator.switches.set(uniqueness="off")
    here = stage.client()
    ids = {here.driver.create_record(ZONE, CREATE).id for _ in range(2)}
    assert {record.id for record in here.driver.list_records(ZONE, A, 30)} == ids


@pytest.mark.parametrize(("code", "reason"), [(403, ApiReason.CLIENT_ERROR), (401, ApiReason.AUTH)])
def test_a_viewer_may_read_only(code: int, reason: ApiReason) -> None:
    with over_http(role="viewer", viewer_code=code) as stage:
        here = stage.client()
        assert values(here) == []
        with pytest.raises(ProviderError, match="account") as caught:
            here.driver.create_record(ZONE, CREATE)
        assert caught.value.reason is reason
        assert not isinstance(caught.value, AnswerLost)


@pytest.mark.parametrize("code", [409, 403, 400])
def test_a_full_quota_is_a_refusal(code: int) -> None:
    with over_http(quota_a=0, quota_code=code) as stage:
        with pytest.raises(ProviderError) as caught:
            stage.client().driver.create_record(ZONE, CREATE)
        assert isinstance(caught.value, Conflict) is (code == 409)
        assert not isinstance(caught.value, AnswerLost)


def test_a_wrong_password_is_said_and_tried_once(stage: OverHttp) -> None:
    here = stage.client("wrong-secret")
    for _ in range(3):
        with pytest.raises(ProviderError, match="next login is tried in 60 s") as caught:
            here.driver.list_records(ZONE, A, 30)
        assert caught.value.reason is ApiReason.AUTH
        assert_secret(caught.value, "wrong-secret", PASSWORD)
    assert stage.asked("auth_token") == 1
    assert stage.asked("list_zones") == 0


@pytest.mark.parametrize("code", [401, 403, 404])
def test_another_project_is_a_refused_login(code: int) -> None:
    with over_http(scope_code=code) as stage:
        here = stage.client()
        here.keystone.project_id = "0" * 32
        with pytest.raises(ProviderError, match="project_id") as caught:
            here.driver.list_records(ZONE, A, 30)
        assert caught.value.reason is ApiReason.AUTH


def test_throttled_reads_wait_and_throttled_writes_say_so(stage: OverHttp) -> None:
    here = stage.client()
    stage.emulator.faults.add("*:status:code=429:retry_after=7:times=1:skip=1")
    assert values(here) == []
    assert here.clock.slept == [7]
    stage.emulator.faults.add("writes:status:code=429:retry_after=7:times=1")
    with pytest.raises(ProviderError) as caught:
        here.driver.create_record(ZONE, CREATE)
    assert (caught.value.reason, caught.value.retry_after) == (ApiReason.RATE_LIMITED, 7)
    assert not isinstance(caught.value, AnswerLost)
    assert here.clock.slept == [7]


@pytest.mark.parametrize("verb", ["list", "create", "delete"])
def test_a_token_that_expires_on_the_way_is_replaced(stage: OverHttp, verb: str) -> None:
    here = stage.client()
    made = here.driver.create_record(ZONE, CREATE)
    logins = stage.asked("auth_token")
    verbs: dict[str, Callable[[], object]] = {
        "list": lambda: here.driver.list_records(ZONE, A, 30),
        "create": lambda: here.driver.create_record(ZONE, Create(ZONE, A, "192.0.2.2", 60)),
        "delete": lambda: here.driver.delete_record(ZONE, made),
    }
    stage.emulator.faults.add("*:expire_tokens:times=1")
    verbs[verb]()
    assert stage.asked("auth_token") == logins + 1


def test_a_short_lived_token_is_renewed_in_time() -> None:
    with over_http(token_ttl=20) as stage:
        here = stage.client()
        for _ in range(5):
            assert values(here) == []
            here.clock.now += 9
        assert stage.asked("auth_token") == 3
        assert all(entry.status != 401 for entry in stage.emulator.journal.entries())


READ_FAULTS = {
    "status:code=500": ApiReason.SERVER_ERROR,
    "status:code=429": ApiReason.RATE_LIMITED,
    "reset": ApiReason.CONNECTION,
    "lost": ApiReason.CONNECTION,
    "cut": ApiReason.CONNECTION,
    "garbage:shape=html": ApiReason.INVALID_RESPONSE,
    "garbage:shape=object": ApiReason.INVALID_RESPONSE,
    "garbage:shape=null": ApiReason.INVALID_RESPONSE,
    "garbage:shape=text": ApiReason.INVALID_RESPONSE,
}


@pytest.mark.parametrize("fault", READ_FAULTS)
def test_a_read_outlives_one_fault_and_names_many(stage: OverHttp, fault: str) -> None:
    stage.add("www A 192.0.2.1")
    here = stage.client()
    stage.emulator.faults.replace(f"list_records:{fault}:times=1")
    assert values(here) == [("www.example.com", "192.0.2.1")]
    stage.emulator.faults.replace(f"list_records:{fault}")
    with pytest.raises(ProviderError) as caught:
        here.driver.list_records(ZONE, A, 10)
    assert caught.value.reason is READ_FAULTS[fault]


WRITE_FAULTS = ("lost", "lost_error", "cut", "garbage:shape=text", "delayed:answer=no:seconds=0")


@pytest.mark.parametrize("fault", [*WRITE_FAULTS, "reset", "status:code=502"])
def test_a_write_in_doubt_is_not_repeated(stage: OverHttp, fault: str) -> None:
    here = stage.client()
    stage.emulator.faults.add(f"writes:{fault}")
    with pytest.raises(AnswerLost):
        here.driver.create_record(ZONE, CREATE)
    assert stage.asked("create_record") == 1
    assert len(values(here)) == (1 if fault in WRITE_FAULTS else 0)


def test_a_zone_that_is_made_again_is_found_again(stage: OverHttp) -> None:
    here = stage.client()
    assert values(here) == []
    here.driver._zones[ZONE] = "00000000-0000-4000-8000-00000000dead"
    assert values(here) == []
    assert stage.asked("list_zones") == 2
