"""The https probe against real TLS servers on loopback: whom it trusts, and what it says if not."""

from __future__ import annotations

import asyncio
import calendar
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from dnsbalancer_exporter.model import (
    HttpTerms,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
)
from dnsbalancer_exporter.probe import Engine
from tests.certificates import Authority
from tests.needed import program
from tests.speakers import Script, asked, mute, reset, saying, speaker

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
HOST = "www.example.com"
WAITS = 20.0
"""A deadline that no test waits for."""

IN_90_DAYS = (datetime.now(timezone.utc) + timedelta(days=90)).replace(microsecond=0)
YESTERDAY = IN_90_DAYS - timedelta(days=91)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trusting(authority: Authority, tmp_path: Path) -> HttpTerms:
    return HttpTerms(host=HOST, ca_file=str(authority.write(tmp_path / "ca.pem")))


def spec(port: int, terms: HttpTerms, timeout: float = WAITS) -> ProbeSpec:
    return ProbeSpec(Protocol.HTTPS, "127.0.0.1", port, timeout, terms)


def probe(
    tls: ssl.SSLContext | None, terms: HttpTerms, script: Script | None = None
) -> ProbeResult:
    with speaker(script or saying(OK), tls) as port:
        return asyncio.run(Engine(time.monotonic).probe(spec(port, terms)))


def verdict(result: ProbeResult) -> tuple[ProbeReason | None, str]:
    assert (result.outcome is Outcome.SUCCESS) == (result.reason is None)
    assert result.outcome is not Outcome.ERROR, result
    return result.reason, result.detail


# --- who is trusted ---------------------------------------------------------------------


def test_a_good_certificate(authority: Authority, trusting: HttpTerms) -> None:
    result = probe(authority.server(HOST, not_after=IN_90_DAYS), trusting)
    assert verdict(result) == (None, "")
    assert result.certificate_expires == IN_90_DAYS.timestamp()
    assert 0 < result.duration < WAITS


def test_an_address_can_be_the_name(authority: Authority, trusting: HttpTerms) -> None:
    nameless = replace(trusting, host="")
    assert verdict(probe(authority.server("127.0.0.1"), nameless)) == (None, "")
    detail = "the certificate is not for 127.0.0.1"
    assert verdict(probe(authority.server("127.0.0.2"), nameless)) == (ProbeReason.TLS, detail)


def test_it_is_asked_by_name(authority: Authority, trusting: HttpTerms) -> None:
    """By SNI the server chooses; without it this one would show a certificate of another name."""
    names: list[str | None] = []
    tls, right = authority.server("other.example.com"), authority.server(HOST)

    def choose(sock: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        names.append(name)
        sock.context = right

    tls.sni_callback = choose
    assert verdict(probe(tls, trusting)) == (None, "")
    assert names == [HOST]


def test_an_expired_certificate_says_since_when(authority: Authority, trusting: HttpTerms) -> None:
    result = probe(authority.server(HOST, not_after=YESTERDAY), trusting)
    assert verdict(result) == (ProbeReason.TLS, "the certificate has expired")
    assert result.certificate_expires == YESTERDAY.timestamp()


def test_a_certificate_for_another_name(authority: Authority, trusting: HttpTerms) -> None:
    result = probe(authority.server("example.org", not_after=IN_90_DAYS), trusting)
    assert verdict(result) == (ProbeReason.TLS, f"the certificate is not for {HOST}")
    assert result.certificate_expires == IN_90_DAYS.timestamp()


def test_an_issuer_that_is_not_trusted(authority: Authority, trusting: HttpTerms) -> None:
    reason, detail = verdict(probe(Authority().server(HOST), trusting))
    assert reason is ProbeReason.TLS
    assert detail.startswith("the certificate's issuer is not trusted here")
    everybodys = verdict(probe(authority.server(HOST), HttpTerms(host=HOST)))
    assert everybodys == (reason, detail), "the system does not know our authority"


def made(folder: Path, *arguments: str) -> ssl.SSLContext:
    """A server with a certificate that openssl makes."""
    openssl = program("openssl")
    key, cert = folder / "made.key", folder / "made.crt"
    call = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key)]
    call += ["-out", str(cert), "-subj", f"/CN={HOST}", *arguments]
    subprocess.run(call, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


@pytest.mark.parametrize(
    "days", [30, 365 * 60], ids=["UTCTime", "GeneralizedTime, since it is after 2049"]
)
def test_a_self_signed_certificate_made_by_openssl(
    days: int, trusting: HttpTerms, tmp_path: Path
) -> None:
    result = probe(made(tmp_path, "-days", str(days)), trusting)
    assert verdict(result) == (ProbeReason.TLS, "the certificate is self-signed")
    shown = subprocess.run(
        [program("openssl"), "x509", "-in", str(tmp_path / "made.crt"), "-noout", "-enddate"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    expires = time.strptime(shown, "notAfter=%b %d %H:%M:%S %Y GMT")
    assert result.certificate_expires == calendar.timegm(expires)


def test_who_verifies_nothing_is_told_the_expiry_all_the_same(authority: Authority) -> None:
    careless = HttpTerms(host=HOST, verify=False)
    result = probe(authority.server("example.org", not_after=YESTERDAY), careless)
    assert verdict(result) == (None, "")
    assert result.certificate_expires == YESTERDAY.timestamp()


def test_authorities_that_are_replaced_are_trusted_at_once(
    authority: Authority, trusting: HttpTerms
) -> None:
    file, late = Path(trusting.ca_file or ""), Authority()

    engine = Engine(time.monotonic)
    with speaker(saying(OK), late.server(HOST)) as port:

        def result() -> ProbeResult:
            return asyncio.run(engine.probe(spec(port, trusting)))

        before = result()
        late.write(file.with_name("new")).rename(file)
        after = result()
        file.write_text("nonsense")
        broken = result()
        file.unlink()
        gone = result()
    assert before.reason is ProbeReason.TLS
    assert after.outcome is Outcome.SUCCESS
    for ours in (broken, gone):
        assert (ours.outcome, ours.reason) == (Outcome.ERROR, ProbeReason.INTERNAL)
        assert str(file) in ours.detail, "the fault is ours, and says where"


# --- what is no TLS ---------------------------------------------------------------------


def closing(sock: socket.socket) -> None:
    """Take the first message and hang up."""
    sock.recv(65536)


def resetting(sock: socket.socket) -> None:
    sock.recv(65536)
    reset(sock)


def in_plain(sock: socket.socket) -> None:
    sock.recv(65536)
    sock.sendall(OK)


@pytest.mark.parametrize(
    ("script", "reason", "detail"),
    [
        (resetting, ProbeReason.RESET, "Connection reset by peer"),
        (closing, ProbeReason.TLS, "it ended the connection in the TLS handshake"),
        (in_plain, ProbeReason.TLS, "what answers does not speak TLS: is it `http`?"),
    ],
)
def test_a_handshake_that_fails(
    script: Script, reason: ProbeReason, detail: str, trusting: HttpTerms
) -> None:
    found = probe(None, trusting, script)
    assert verdict(found) == (reason, detail)
    assert found.certificate_expires is None


def test_plain_http_on_a_port_with_tls(authority: Authority) -> None:
    with speaker(saying(OK), authority.server(HOST)) as port:
        plain = replace(spec(port, HttpTerms()), protocol=Protocol.HTTP)
        result = asyncio.run(Engine(time.monotonic).probe(plain))
    assert verdict(result)[0] is not None


def test_a_server_that_wants_a_certificate_of_ours(
    authority: Authority, trusting: HttpTerms
) -> None:
    tls = authority.server(HOST)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(trusting.ca_file)
    assert verdict(probe(tls, trusting)) == (
        ProbeReason.TLS,
        "it wants a certificate of ours, and we have none",
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_and_a_long_answer(
    version: ssl.TLSVersion, authority: Authority, trusting: HttpTerms
) -> None:
    tls = authority.server(HOST)
    tls.maximum_version = version
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50000 + b"fine"
    terms = replace(trusting, body="fine")
    assert verdict(probe(tls, terms, saying(answer))) == (None, "")
    terms = replace(trusting, body="bad")
    assert verdict(probe(tls, terms, saying(answer)))[0] is ProbeReason.BODY


def test_the_handshake_is_within_the_deadline(trusting: HttpTerms) -> None:
    with speaker(mute) as port:
        result = asyncio.run(Engine(time.monotonic).probe(spec(port, trusting, 0.4)))
    assert verdict(result) == (ProbeReason.TIMEOUT, "connected, no TLS handshake")
    assert 0.39 < result.duration < 0.5


def test_the_goodbye_is_said(authority: Authority, trusting: HttpTerms) -> None:
    """Without close_notify some servers log an error for each probe."""
    ends: list[bytes] = []

    def script(sock: socket.socket) -> None:
        asked(sock)
        sock.sendall(OK)
        ends.append(sock.recv(1))

    tls = authority.server(HOST)
    with speaker(script, tls) as port:
        result = asyncio.run(Engine(time.monotonic).probe(spec(port, trusting)))
        end = time.monotonic() + 20
        while not ends and time.monotonic() < end:
            time.sleep(0.01)
    assert verdict(result) == (None, "")
    assert ends == [b""]


# --- many -------------------------------------------------------------------------------


@pytest.fixture
def many(authority: Authority) -> Iterator[int]:
    with speaker(saying(OK), authority.server(HOST)) as port:
        yield port


def test_handshakes_leave_the_loop_to_others(many: int, trusting: HttpTerms) -> None:
    """However many are ready at once, one step is made between two rounds of the loop."""

    async def run() -> tuple[list[ProbeResult], int, int]:
        engine = Engine(time.monotonic)
        await engine.probe(spec(many, trusting))  # loads the authorities
        steps = 0
        shake = ssl.SSLObject.do_handshake

        def counted(self: ssl.SSLObject) -> None:
            nonlocal steps
            steps += 1
            shake(self)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ssl.SSLObject, "do_handshake", counted)
            tasks = [engine.probe(spec(many, trusting, 5.0)) for _ in range(60)]
            gathered = asyncio.gather(*tasks)
            most = 0
            while not gathered.done():
                before = steps
                await asyncio.sleep(0)
                most = max(most, steps - before)
            return await gathered, most, steps

    results, most, steps = asyncio.run(run())
    assert {result.outcome for result in results} == {Outcome.SUCCESS}
    assert steps >= 120
    assert most == 1


def test_tarpits_do_not_take_the_place_of_others(many: int, trusting: HttpTerms) -> None:
    async def run(tarpit: int) -> list[ProbeResult]:
        engine = Engine(time.monotonic)
        ports = [tarpit] * 100 + [many] * 20
        return await asyncio.gather(*(engine.probe(spec(port, trusting, 3.0)) for port in ports))

    with speaker(mute) as tarpit:
        results = asyncio.run(run(tarpit))
    assert {result.reason for result in results[:100]} == {ProbeReason.TIMEOUT}
    assert {result.outcome for result in results[100:]} == {Outcome.SUCCESS}
