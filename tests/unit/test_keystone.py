"""Keystone: when it logs in, when it does not, and that it keeps what it is told to itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from dnsbalancer_exporter.errors import ApiReason, ProviderError
from dnsbalancer_exporter.model import Secret
from tests.contract.scripted import (
    PASSWORD,
    TOKEN,
    Client,
    Reply,
    Scripted,
    client,
    login,
    scripted,
)
from tests.contract.secrecy import assert_secret

REFUSAL = {"error": {"code": 401, "message": "The request requires authentication."}}


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def here(server: Scripted) -> Client:
    return client(server.url, server.auth_url)


def token(here: Client) -> str:
    return here.keystone.token(here.clock() + 30).reveal()


def refusal(here: Client) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        token(here)
    assert_secret(caught.value, PASSWORD, TOKEN)
    assert str(caught.value).startswith("keystone: ")
    return caught.value


def test_the_login_is_the_documented_one(server: Scripted, here: Client) -> None:
    assert token(here) == TOKEN
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v3/auth/tokens")
    assert "X-Auth-Token" not in request.headers
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("dnsbalancer/")
    assert b'"domain": {"name": "users"}' in request.body
    assert b'"scope": {"project": {"id": "777e19938fe947666d5d3be5c00053d7"}}' in request.body
    assert [(c.operation, c.status, c.reason) for c in here.calls] == [("auth_token", 201, None)]


@pytest.mark.parametrize(
    ("life", "kept", "renewed"),
    [(3600, 3299, 3301), (20, 17.9, 18.1), (600, 539, 541), (86400, 86099, 86101)],
)
def test_a_token_is_renewed_shortly_before_it_expires(
    server: Scripted, here: Client, life: int, kept: float, renewed: float
) -> None:
    server.logins.extend([login("first", life), login("next")])
    start = here.clock()
    assert token(here) == "first"
    here.clock.now = start + kept
    assert token(here) == "first"
    here.clock.now = start + renewed
    assert token(here) == "next"


def test_the_life_of_a_token_is_counted_on_our_clock(server: Scripted, here: Client) -> None:
    body = {"issued_at": "1999-01-01T00:00:00Z", "expires_at": "1999-01-01T01:00:00Z"}
    server.logins.append(Reply(201, {"token": body}, {"X-Subject-Token": "old clock"[:3]}))
    assert token(here) == token(here) == "old"
    assert server.login_count == 1


def test_invalidate_forgets_this_token_only(server: Scripted, here: Client) -> None:
    server.logins.extend([login("first"), login("second")])
    first = here.keystone.token(here.clock() + 30)
    here.keystone.invalidate(Secret("another"))
    assert token(here) == "first"
    here.keystone.invalidate(first)
    here.keystone.invalidate(first)
    assert token(here) == "second"
    here.keystone.invalidate(first)
    assert token(here) == "second"


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refused_login_backs_off(server: Scripted, here: Client, status: int) -> None:
    for attempt, pause in enumerate([60, 120, 240, 480, 900, 900], start=1):
        server.logins.append(Reply(status, REFUSAL))
        error = refusal(here)
        assert error.reason is ApiReason.AUTH
        assert f"HTTP {status}" in str(error)
        assert "The request requires authentication." in str(error)
        assert f"the next login is tried in {pause} s" in str(error)
        here.clock.now += pause - 1
        assert "the next login is tried in 1 s" in str(refusal(here))
        assert server.login_count == attempt
        here.clock.now += 1


def test_a_granted_login_ends_the_back_off(server: Scripted, here: Client) -> None:
    server.logins.extend([Reply(401), login("first", life=20), Reply(401), login("second")])
    assert "in 60 s" in str(refusal(here))
    here.clock.now += 60
    assert token(here) == "first"
    here.clock.now += 20
    assert "in 60 s" in str(refusal(here))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(503), ApiReason.SERVER_ERROR),
        (Reply(429, headers={"Retry-After": "7"}), ApiReason.RATE_LIMITED),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), ApiReason.INVALID_RESPONSE),
        (Reply(then="reset"), ApiReason.CONNECTION),
        (Reply(then="close"), ApiReason.CONNECTION),
        (Reply(201, b"{}", then="cut"), ApiReason.CONNECTION),
    ],
)
def test_a_failed_login_is_no_refused_one(
    server: Scripted, here: Client, reply: Reply, reason: ApiReason
) -> None:
    server.logins.append(reply)
    error = refusal(here)
    assert error.reason is reason
    assert error.retry_after == (7 if reply.status == 429 else None)
    assert token(here) == TOKEN


def test_a_server_that_is_not_there_is_no_refusal(here: Client) -> None:
    nowhere = client("http://127.0.0.1:1/v2/dns/", "http://127.0.0.1:1/v3/")
    assert refusal(nowhere).reason is ApiReason.CONNECTION
    assert refusal(nowhere).reason is ApiReason.CONNECTION


def test_a_valid_token_outlives_a_failed_renewal(server: Scripted, here: Client) -> None:
    server.logins.extend([login("first"), Reply(500), Reply(500), Reply(500), login("second")])
    assert token(here) == "first"
    here.clock.now += 3400
    assert [token(here), token(here)] == ["first", "first"]
    assert server.login_count == 2, "the renewal is not tried on every call"
    here.clock.now += 31
    assert token(here) == "first"
    here.clock.now += 200
    assert refusal(here).reason is ApiReason.SERVER_ERROR
    assert token(here) == "second"


BAD = {
    "no header": Reply(201, login().body),
    "a header with a space": Reply(201, login().body, {"X-Subject-Token": "two words"}),
    "not JSON": Reply(201, b"<html>", {"X-Subject-Token": TOKEN}),
    "no object": Reply(201, [], {"X-Subject-Token": TOKEN}),
    "no token": Reply(201, {}, {"X-Subject-Token": TOKEN}),
    "no expires_at": login(expires_at=None),
    "a number": login(expires_at=3600),
    "no time": login(issued_at="soon"),
    "no life": login(life=0),
}


@pytest.mark.parametrize("reply", BAD.values(), ids=BAD)
def test_an_undocumented_answer_is_an_error(server: Scripted, here: Client, reply: Reply) -> None:
    server.logins.append(reply)
    assert refusal(here).reason is ApiReason.INVALID_RESPONSE
    assert token(here) == TOKEN, "and no refusal"


def test_a_server_that_repeats_the_password_is_blotted_out(server: Scripted, here: Client) -> None:
    server.logins.append(Reply(400, {"error": {"message": f"password {PASSWORD!r} is short"}}))
    assert "password '***' is short" in str(refusal(here))
    assert_secret(here.keystone, PASSWORD)


def test_many_threads_log_in_once(server: Scripted, here: Client) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(token(here))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [TOKEN] * 8
    assert server.login_count == 1


def test_no_login_is_sent_when_no_time_is_left(server: Scripted, here: Client) -> None:
    with pytest.raises(ProviderError, match="no time was left") as caught:
        here.keystone.token(here.clock())
    assert caught.value.reason is ApiReason.TIMEOUT
    assert server.requests == []


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ([{"id": "1", "name": "viewer"}, {"name": "mcs_owner"}], ("viewer", "mcs_owner")),
        ([{"id": "1"}, "owner", {"name": 7}, {"name": "two\nlines"}], ()),
        ({"name": "owner"}, ()),
        (None, ()),
    ],
)
def test_a_login_can_be_looked_at(
    server: Scripted, here: Client, roles: object, names: tuple[str, ...]
) -> None:
    server.logins.append(login(life=120, roles=roles))
    made = here.keystone.log_in(here.clock() + 30)
    assert made is not None
    assert (made.life, made.roles) == (120, names)
    assert made.issued_at == 1767225600.0  # the first second of 2026
    assert here.keystone.log_in(here.clock() + 30) == made
    assert token(here) == TOKEN
    assert server.login_count == 1


def test_it_is_told_when_the_token_in_use_expires(server: Scripted, here: Client) -> None:
    assert here.keystone.expires_at is None
    server.logins.append(login(life=120))
    before = here.clock()
    given = here.keystone.token(before + 30)
    expiry = here.keystone.expires_at
    assert expiry is not None
    assert before + 120 <= expiry <= here.clock() + 120
    here.keystone.invalidate(given)
    assert here.keystone.expires_at is None
