"""Every status, for every verb, and what the server says with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason, Conflict, ProviderError
from dnsbalancer_exporter.provider import wire
from tests.contract.scripted import (
    A_RECORD,
    TOKEN,
    ZONE_ID,
    Client,
    Reply,
    Scripted,
    client,
    login,
    scripted,
)
from tests.contract.verbs import NEW, NEW_JSON, OLD, ZONE_LIST, A, act, failure, settled


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def here(server: Scripted) -> Client:
    return settled(server)


# --- statuses ---------------------------------------------------------------------------

STATUSES = [
    # status, verb, reason, may it have been executed
    (400, "list", ApiReason.CLIENT_ERROR, False),
    (400, "create", ApiReason.CLIENT_ERROR, False),
    (400, "delete", ApiReason.CLIENT_ERROR, False),
    (403, "list", ApiReason.CLIENT_ERROR, False),
    (403, "create", ApiReason.CLIENT_ERROR, False),
    (404, "create", ApiReason.NOT_FOUND, False),
    (405, "delete", ApiReason.CLIENT_ERROR, False),
    (409, "create", ApiReason.CONFLICT, False),
    (409, "delete", ApiReason.CONFLICT, False),
    (429, "create", ApiReason.RATE_LIMITED, False),
    (429, "delete", ApiReason.RATE_LIMITED, False),
    (302, "create", ApiReason.INVALID_RESPONSE, True),
    (307, "delete", ApiReason.INVALID_RESPONSE, True),
    (206, "create", ApiReason.INVALID_RESPONSE, True),
    (500, "create", ApiReason.SERVER_ERROR, True),
    (502, "delete", ApiReason.SERVER_ERROR, True),
    (504, "delete", ApiReason.SERVER_ERROR, True),
    (200, "create", ApiReason.INVALID_RESPONSE, True),
]


@pytest.mark.parametrize(("status", "verb", "reason", "lost"), STATUSES)
def test_statuses(
    server: Scripted, here: Client, status: int, verb: str, reason: ApiReason, lost: bool
) -> None:
    server.says(Reply(status, {"message": "because"}, {"Location": server.url}))
    error = failure(here, verb)
    assert error.reason is reason
    assert isinstance(error, AnswerLost) is lost
    assert isinstance(error, Conflict) is (status == 409 and verb == "create")
    assert len(server.requests) == 1, "refusals and writes are not repeated, redirects not followed"
    assert [(c.status, c.reason) for c in here.calls] == [(status, reason)]
    if status >= 300:
        assert f"HTTP {status} 'because'" in str(error)


@pytest.mark.parametrize("status", [200, 202, 204, 404])
def test_a_delete_is_done(server: Scripted, here: Client, status: int) -> None:
    server.says(Reply(status, b"<html>whatever</html>" if status != 204 else b""))
    here.driver.delete_record("example.com", OLD)
    assert here.calls[0].reason is None


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_create_is_done(server: Scripted, here: Client, status: int) -> None:
    server.says(Reply(status, NEW_JSON))
    assert here.driver.create_record("example.com", NEW).id == "a-7"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"message": "no\x00 such\r\nthing"}, "HTTP 400 'no such thing'"),
        ({"error": {"message": "inner"}}, "HTTP 400 'inner'"),
        ({"message": "x" * 500}, "HTTP 400 '" + "x" * 197 + "...'"),
        ({"message": 7, "error": "text"}, "HTTP 400"),
        ({"message": f"token {TOKEN} is odd"}, "HTTP 400 'token *** is odd'"),
        (b"<html>secret page</html>", "HTTP 400"),
        (b"[" * 200_000, "HTTP 400"),
    ],
)
def test_what_the_server_says_is_shown_fit_for_a_log(
    server: Scripted, here: Client, body: object, shown: str
) -> None:
    server.says(Reply(400, body))
    assert str(failure(here, "list")) == (
        f"vkcloudns: cannot list the A records of example.com: {shown}"
    )


def test_a_403_hints_at_the_role(server: Scripted, here: Client) -> None:
    server.says(Reply(403))
    assert "role" in str(failure(here, "create"))


# --- tokens and zones -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "success"),
    [("list", Reply(200, [])), ("create", Reply(201, NEW_JSON)), ("delete", Reply(204))],
)
def test_a_401_is_followed_by_one_login_and_one_repetition(
    server: Scripted, here: Client, verb: str, success: Reply
) -> None:
    server.logins.extend([login("second"), login("third")])
    server.says(Reply(401, b"expired"), success)
    act(here, verb)
    tokens = [r.headers["X-Auth-Token"] for r in server.requests if not r.is_login]
    assert tokens == [TOKEN, "second"]
    server.says(Reply(401), Reply(401), success)
    error = failure(here, verb)
    assert error.reason is ApiReason.AUTH
    assert not isinstance(error, AnswerLost)
    assert "project_id" in str(error)
    assert server.login_count == 2


def test_a_write_has_one_budget_for_all_it_needs(server: Scripted, here: Client) -> None:
    server.says(Reply(401), Reply(204))
    here.keystone._wire = _SlowWire(here)
    with pytest.raises(ProviderError, match="no time was left to send") as caught:
        here.driver.delete_record("example.com", OLD)
    assert not isinstance(caught.value, AnswerLost)
    assert server.seen() == [f"DELETE {ZONE_ID}/a/a-1"]


class _SlowWire(wire.Wire):
    """A login over it takes twenty seconds."""

    def __init__(self, here: Client) -> None:
        super().__init__(meter=lambda _: here.clock.sleep(20), clock=here.clock, verify="/none")


def test_a_zone_that_is_not_there_is_said_with_what_to_check(server: Scripted) -> None:
    here = client(server.url, server.auth_url)
    server.says(Reply(200, [{"uuid": "z-1", "zone": "sub.example.com"}]))
    error = failure(here, "list")
    assert error.reason is ApiReason.NOT_FOUND
    for part in ("example.com", "777e19938fe947666d5d3be5c00053d7", "check `zone`"):
        assert part in str(error)
    assert server.seen() == ["GET "]


def test_a_zone_that_was_made_again_is_looked_up_again(server: Scripted, here: Client) -> None:
    again = [{"uuid": "new-id", "zone": "example.com."}]
    server.says(Reply(404), Reply(200, again), Reply(200, [A_RECORD]))
    assert here.driver.list_records("example.com", A, 30) == (OLD,)
    assert server.seen() == [f"GET {ZONE_ID}/a/", "GET ", "GET new-id/a/"]
    server.says(Reply(404), Reply(200, again), Reply(404))
    assert failure(here, "list").reason is ApiReason.NOT_FOUND


def test_a_create_in_a_zone_that_is_gone_looks_it_up_next_time(
    server: Scripted, here: Client
) -> None:
    server.says(Reply(404), ZONE_LIST, Reply(201, NEW_JSON))
    assert failure(here, "create").reason is ApiReason.NOT_FOUND
    here.driver.create_record("example.com", NEW)
    assert server.seen()[1:] == ["GET ", f"POST {ZONE_ID}/a/"]
