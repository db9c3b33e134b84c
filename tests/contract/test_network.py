"""What the network may do to a request, and the patience that reads have."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import certifi
import pytest

from dnsbalancer_exporter.errors import AnswerLost, ApiReason
from dnsbalancer_exporter.model import Secret
from dnsbalancer_exporter.provider import wire
from dnsbalancer_exporter.report import ApiCall
from tests.contract.scripted import (
    A_RECORD,
    TOKEN,
    ZONE_ID,
    Client,
    Reply,
    Scripted,
    client,
    scripted,
)
from tests.contract.verbs import NEW, NEW_JSON, OLD, A, failure, settled
from tests.needed import program


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as script:
        yield script


@pytest.fixture
def here(server: Scripted) -> Client:
    return settled(server)


# --- the network ------------------------------------------------------------------------

FAULTS = {
    "silence": (Reply(then="hang"), ApiReason.TIMEOUT),
    "reset": (Reply(then="reset"), ApiReason.CONNECTION),
    "closed": (Reply(then="close"), ApiReason.CONNECTION),
    "cut": (Reply(201, NEW_JSON, then="cut"), ApiReason.CONNECTION),
}


@pytest.mark.parametrize("verb", ["create", "delete"])
@pytest.mark.parametrize(("reply", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_write_without_an_answer_is_in_doubt_and_not_repeated(
    server: Scripted, here: Client, reply: Reply, reason: ApiReason, verb: str
) -> None:
    server.says(reply)
    error = failure(here, verb)
    assert isinstance(error, AnswerLost)
    assert error.reason is reason
    assert len(server.requests) == 1
    assert [(c.status, c.reason) for c in here.calls] == [(0, reason)]


@pytest.mark.parametrize(("reply", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_read_without_an_answer_is_repeated(
    server: Scripted, here: Client, reply: Reply, reason: ApiReason
) -> None:
    server.says(reply, Reply(500), Reply(200, [A_RECORD]))
    assert here.driver.list_records("example.com", A, 30) == (OLD,)
    assert [c.reason for c in here.calls] == [reason, ApiReason.SERVER_ERROR, None]
    assert len(here.clock.slept) == 2


def unreachable(port: int) -> Client:
    here = client(f"https://localhost:{port}/v2/dns/", f"http://127.0.0.1:{port}/v3/", read=0.3)
    here.wire._verify = certifi.where()
    here.driver._zones["example.com"] = ZONE_ID
    here.keystone._token = Secret(TOKEN)
    here.keystone._renew_at = here.clock() + 1000
    return here


def _no_such_name(*args: object, **options: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize("verb", ["create", "delete"])
def test_a_write_that_was_never_sent_is_in_no_doubt(
    server: Scripted, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        refused = failure(unreachable(closed.getsockname()[1]), verb)
    plain_http = failure(unreachable(server.port), verb)
    monkeypatch.setattr(socket, "getaddrinfo", _no_such_name)
    unknown = failure(unreachable(1), verb)
    assert (refused.reason, plain_http.reason) == (ApiReason.CONNECTION, ApiReason.TLS)
    assert unknown.reason is ApiReason.CONNECTION
    assert "Connection refused" in str(refused)
    assert "localhost" in str(refused)
    assert "Name or service not known" in str(unknown)
    assert not [e for e in (refused, plain_http, unknown) if isinstance(e, AnswerLost)]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for localhost that it signed itself."""
    path = tmp_path / "localhost.pem"
    command = f"{program('openssl')} req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(path), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([*command.split(), *names, *files], check=True, capture_output=True)
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path


@pytest.mark.real
def test_a_certificate_is_verified_before_anything_is_sent(certificate: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with scripted(tls) as server:
        here = unreachable(server.port)
        error = failure(here, "create")
        assert error.reason is ApiReason.TLS
        assert not isinstance(error, AnswerLost)
        assert "self-signed certificate" in str(error)
        assert server.requests == []
        here.wire._verify = str(certificate)
        server.says(Reply(201, NEW_JSON), Reply(then="close"))
        assert here.driver.create_record("example.com", NEW).id == "a-7"
        assert isinstance(failure(here, "create"), AnswerLost)


@pytest.mark.parametrize("bundle", ["/no/such/bundle.pem", __file__])
def test_a_ca_bundle_that_is_none_is_said(server: Scripted, bundle: str) -> None:
    here = unreachable(server.port)
    here.wire._verify = bundle
    error = failure(here, "create")
    assert error.reason is ApiReason.TLS
    assert not isinstance(error, AnswerLost)
    assert bundle in str(error)


def test_a_meter_that_fails_harms_nobody(server: Scripted, here: Client) -> None:
    def broken(call: ApiCall) -> None:
        raise RuntimeError

    here.wire._meter = broken
    server.says(Reply(200, []))
    assert here.driver.list_records("example.com", A, 30) == ()


# --- patience ---------------------------------------------------------------------------


def test_reads_are_repeated_within_their_budget_only(server: Scripted, here: Client) -> None:
    server.says(*[Reply(503)] * 50)
    start = here.clock()
    assert failure(here, "list", budget=20).reason is ApiReason.SERVER_ERROR
    assert here.clock() - start <= 20
    assert len(server.requests) > 3
    assert here.clock.slept[0] < here.clock.slept[3], "the pauses grow"


def test_a_retry_after_is_honoured(server: Scripted, here: Client) -> None:
    server.says(Reply(429, headers={"Retry-After": "7"}), Reply(200, []))
    here.driver.list_records("example.com", A, 30)
    assert here.clock.slept == [7]


@pytest.mark.parametrize("verb", ["list", "create", "delete"])
def test_a_retry_after_beyond_the_budget_is_handed_on(
    server: Scripted, here: Client, verb: str
) -> None:
    server.says(Reply(429, headers={"Retry-After": "31"}))
    error = failure(here, verb)
    assert (error.reason, error.retry_after) == (ApiReason.RATE_LIMITED, 31)
    assert (len(server.requests), here.clock.slept) == (1, [])


NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": " 0 "}, 0),
        ({"Retry-After": "9" * 5000}, 3600),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True)}, 90),
        ({"Retry-After": formatdate(NOW - 90, usegmt=True)}, 0),
        ({"Retry-After": formatdate(NOW + 1e6, usegmt=True)}, 3600),
        (
            {
                "Retry-After": formatdate(NOW - 900, usegmt=True),
                "Date": formatdate(NOW - 910, usegmt=True),
            },
            10,
        ),
        ({"Retry-After": formatdate(NOW + 90, usegmt=True), "Date": "today"}, 90),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert wire.retry_after(headers, NOW) == seconds
