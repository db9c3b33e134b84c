"""Whole record sets on the wire: what is asked, what is never sent, and what a refusal says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, ProviderError
from dnsbalancer_exporter.model import Create, Secret
from dnsbalancer_exporter.names import RecordType
from dnsbalancer_exporter.provider import (
    Designate,
    Driver,
    Keystone,
    PowerDns,
    RecordSets,
    RecordSetsWithLogin,
    Wire,
)
from dnsbalancer_exporter.provider.sets import quoted
from tests.contract.powerdns import KEY
from tests.contract.scripted import PASSWORD, Clock, Reply, Scripted, scripted
from tests.contract.secrecy import assert_secret

ZONE, NAME = "example.com", "www.example.com"
A, TXT = RecordType.A, RecordType.TXT
ONE, TWO = "192.0.2.1", "192.0.2.2"
BUDGET = 30.0
ZONES = {"zones": [{"id": "z-1", "name": "example.com.", "ttl": 300}], "links": {}}


def designates(kind: RecordType, *values: str, **more: object) -> dict[str, object]:
    """A list of Designate's with one set."""
    item = {"id": "s-1", "name": NAME + ".", "type": kind.value, "ttl": None, "action": "NONE"}
    return {"recordsets": [{**item, "records": list(values), **more}], "links": {}}


def powerdnses(kind: RecordType, *values: str) -> dict[str, object]:
    records = [{"content": v, "disabled": False} for v in values]
    item = {"name": NAME + ".", "type": kind.value, "ttl": 60, "records": records}
    return {"rrsets": [item]}


@pytest.fixture
def script() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


def driver_of(kind: str, script: Scripted) -> Driver:
    clock = Clock()
    wire = Wire(meter=lambda _: None, clock=clock, verify="/none", connect=2.0, read=5.0)
    where = f"http://127.0.0.1:{script.port}/"
    if kind == "powerdns":
        sets = PowerDns(url=where, key=Secret(KEY), wire=wire)
        return RecordSets(sets, write_budget=20.0, sleep=clock.sleep)
    identity = Keystone(
        auth_url=script.auth_url,
        login="example@test",
        password=Secret(PASSWORD),
        project_id="777e19938fe947666d5d3be5c00053d7",
        user_domain="users",
        wire=wire,
    )
    cloud = Designate(url=f"{where}v2/", keystone=identity, wire=wire)
    return RecordSetsWithLogin(cloud, write_budget=20.0, sleep=clock.sleep)


def asked(script: Scripted) -> list[tuple[str, str]]:
    return [(r.method, r.path) for r in script.requests if not r.is_login]


REFUSALS = [
    # driver, status, reason, may it have been executed, what is to be done
    ("powerdns", 401, ApiReason.AUTH, False, "it is the server's `api-key`"),
    ("powerdns", 403, ApiReason.CLIENT_ERROR, False, "`webserver-allow-from`"),
    ("powerdns", 404, ApiReason.NOT_FOUND, False, "check `zone`"),
    ("powerdns", 422, ApiReason.CLIENT_ERROR, False, "because"),
    ("powerdns", 500, ApiReason.SERVER_ERROR, True, "the next read of the zone will tell"),
    ("designate", 403, ApiReason.CLIENT_ERROR, False, "check the account's role in the project"),
    ("designate", 404, ApiReason.NOT_FOUND, False, "check `url` and `zone`"),
    ("designate", 413, ApiReason.CLIENT_ERROR, False, "quota"),
    ("designate", 409, ApiReason.CONFLICT, False, "because"),
    ("designate", 503, ApiReason.SERVER_ERROR, True, "the next read of the zone will tell"),
]


@pytest.mark.parametrize(("kind", "status", "reason", "lost", "hint"), REFUSALS)
def test_what_a_refused_write_says(
    script: Scripted, kind: str, status: int, reason: ApiReason, lost: bool, hint: str
) -> None:
    lists = {
        "powerdns": [Reply(200, powerdnses(A, ONE))],
        "designate": [Reply(200, ZONES), Reply(200, designates(A, ONE))],
    }
    script.says(*lists[kind], Reply(status, {"message": "because", "error": "because"}))
    with pytest.raises(ProviderError) as caught:
        driver_of(kind, script).create_record(ZONE, Create(NAME, A, TWO, 60))
    assert caught.value.reason is reason
    assert isinstance(caught.value, AnswerLost) is lost
    assert hint in str(caught.value)
    assert f"cannot create {NAME} A '{TWO}'" in str(caught.value)
    assert_secret(caught.value, KEY, PASSWORD)


def test_a_value_that_went_while_its_set_was_replaced_is_doubt(script: Scripted) -> None:
    gone = {"code": 404, "type": "record_not_found", "message": "record_not_found"}
    script.says(Reply(200, ZONES), Reply(200, designates(A, ONE)), Reply(404, gone))
    with pytest.raises(AnswerLost, match="another write was under way"):
        driver_of("designate", script).create_record(ZONE, Create(NAME, A, TWO, 60))


@pytest.mark.parametrize("kind", ["powerdns", "designate"])
def test_a_page_for_people_is_no_answer(script: Scripted, kind: str) -> None:
    page = Reply(503, b"<html><h1>Service Unavailable</h1></html>", {"Content-Type": "text/html"})
    script.says(*[page] * 20)
    with pytest.raises(ProviderError) as caught:
        driver_of(kind, script).list_records(ZONE, A, 5.0)
    assert caught.value.reason is ApiReason.SERVER_ERROR
    assert "html" not in str(caught.value)


def test_no_page_is_read_from_anywhere_else(script: Scripted) -> None:
    elsewhere = {"links": {"next": "http://127.0.0.2:1/other/path?marker=s-1&limit=1"}}
    more = designates(A, TWO, id="s-2", name="more.example.com.")
    script.says(
        Reply(200, ZONES), Reply(200, {**designates(A, ONE), **elsewhere}), Reply(200, more)
    )
    found = driver_of("designate", script).list_records(ZONE, A, BUDGET)
    assert sorted(r.value for r in found) == [ONE, TWO]
    assert asked(script)[2] == ("GET", "/v2/zones/z-1/recordsets?marker=s-1&limit=1")


def test_the_ttl_of_a_set_without_one_is_the_zones(script: Scripted) -> None:
    script.says(Reply(200, ZONES), Reply(200, designates(A, ONE)))
    (record,) = driver_of("designate", script).list_records(ZONE, A, BUDGET)
    assert record.ttl == 300


@pytest.mark.parametrize("wrong", [{"id": "../zones"}, {"type": "AAAA"}, {"ttl": -1}, {"name": 7}])
def test_half_a_list_is_an_error(script: Scripted, wrong: dict[str, object]) -> None:
    script.says(Reply(200, ZONES), *[Reply(200, designates(A, ONE, **wrong))] * 2)
    with pytest.raises(ProviderError) as caught:
        driver_of("designate", script).list_records(ZONE, A, BUDGET)
    assert caught.value.reason is ApiReason.INVALID_RESPONSE


@pytest.mark.parametrize("kind", [A, TXT])
@pytest.mark.parametrize("provider", ["powerdns", "designate"])
def test_an_empty_set_is_never_sent(script: Scripted, provider: str, kind: RecordType) -> None:
    last = {A: ONE, TXT: "lock"}[kind]
    content = quoted(last) if kind is TXT else last
    held = {"powerdns": powerdnses, "designate": designates}[provider]
    script.says(*[Reply(200, ZONES)] * (provider == "designate"))
    script.says(*[Reply(200, held(kind, content))] * 2, Reply(204))
    driver = driver_of(provider, script)
    (record,) = driver.list_records(ZONE, kind, BUDGET)
    with contextlib.suppress(ProviderError):
        driver.delete_record(ZONE, record)
    writes = [r for r in script.requests if not r.is_login and r.method != "GET"]
    assert len(writes) == (kind is TXT), "the last address is not even tried"
    for write in writes:
        sent = json.loads(write.body) if write.body else {}
        for change in sent.get("rrsets", [sent] if sent else []):
            assert change["records"] or change["changetype"] == "DELETE"
    assert [r.method for r in writes] == {
        ("powerdns", TXT): ["PATCH"],
        ("designate", TXT): ["DELETE"],
    }.get((provider, kind), [])
