"""The http probe against real sockets on loopback, and whatever may answer there."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from dnsbalancer_exporter.model import (
    HttpTerms,
    Outcome,
    ProbeReason,
    ProbeResult,
    ProbeSpec,
    Protocol,
)
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.probe.http_answer import BODY_LIMIT, HEAD_LIMIT
from tests.speakers import Script, asked, mute, reset, saying, speaker

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"
WAITS = 20.0
"""A deadline that no test waits for."""


ANYTHING = HttpTerms()


def probe(
    script: Script,
    terms: HttpTerms = ANYTHING,
    timeout: float = WAITS,
    address: str = "127.0.0.1",
) -> ProbeResult:
    with speaker(script, address=address) as port:
        spec = ProbeSpec(Protocol.HTTP, address, port, timeout, terms)
        return asyncio.run(Engine(time.monotonic).probe(spec))


def verdict(result: ProbeResult) -> tuple[ProbeReason | None, str]:
    assert (result.outcome is Outcome.SUCCESS) == (result.reason is None)
    assert result.outcome is not Outcome.ERROR
    return result.reason, result.detail


# --- what is asked ----------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_one_request_and_no_more(address: str) -> None:
    seen: list[bytes] = []

    def script(sock: socket.socket) -> None:
        seen.append(asked(sock))
        sock.sendall(OK)

    with speaker(script, address=address) as port:
        terms = HttpTerms("HEAD", "/health?deep=1", "www.example.com")
        spec = ProbeSpec(Protocol.HTTP, address, port, WAITS, terms)
        result = asyncio.run(Engine(time.monotonic).probe(spec))
    assert verdict(result) == (None, "")
    assert 0 < result.duration < WAITS
    assert seen == [
        (
            f"HEAD /health?deep=1 HTTP/1.1\r\nHost: www.example.com:{port}\r\n"
            f"User-Agent: dnsbalancer_exporter/{__version__}\r\n"
            "Accept: */*\r\nConnection: close\r\n\r\n"
        ).encode()
    ]


def test_without_a_host_the_address_is_asked_for() -> None:
    seen: list[bytes] = []

    def script(sock: socket.socket) -> None:
        seen.append(asked(sock))
        sock.sendall(OK)

    assert verdict(probe(script, address="::1")) == (None, "")
    assert b"\r\nHost: [::1]:" in seen[0]


# --- statuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "statuses", "detail"),
    [
        (200, ((200, 399),), None),
        (399, ((200, 399),), None),
        (400, ((200, 399),), "400, expected 200-399"),
        (503, ((200, 399),), "503, expected 200-399"),
        (200, ((204, 204), (301, 308)), "200, expected 204, 301-308"),
        (301, ((204, 204), (301, 308)), None),
        (503, ((503, 503),), None),
        (999, ((200, 399),), "999, expected 200-399"),
        (101, ((200, 399),), "101, expected 200-399"),
    ],
)
def test_the_status_is_as_expected_or_not(
    status: int, statuses: tuple[tuple[int, int], ...], detail: str | None
) -> None:
    answer = f"HTTP/1.1 {status} What\r\nLocation: http://192.0.2.1/\r\n\r\n".encode()
    found = verdict(probe(saying(answer), HttpTerms(statuses=statuses)))
    assert found == ((None, "") if detail is None else (ProbeReason.STATUS, detail))


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 200 OK\r\n\r\nfine",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 OK\n\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: nonsense\r\n\r\n",
    ],
    ids=["1.0", "no reason", "bare LF", "interim", "204", "no body yet", "body is not looked at"],
)
def test_a_good_head_is_a_success(answer: bytes) -> None:
    assert verdict(probe(saying(answer))) == (None, "")


def test_the_head_may_come_in_drops() -> None:
    drops = [bytes([byte]) for byte in OK]
    assert verdict(probe(saying(*drops, pause=0.001), HttpTerms(body="fine"))) == (None, "")


def test_a_status_that_was_sent_before_the_request_counts() -> None:
    def script(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.0 503 Too many\r\n\r\n")

    assert verdict(probe(script)) == (ProbeReason.STATUS, "503, expected 200-399")


# --- no answer --------------------------------------------------------------------------

BAD = ProbeReason.INVALID_RESPONSE
FLOOD = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 90) for n in range(400))


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"", "the connection ended without an answer"),
        (b"HT", "the connection ended in the answer's head"),
        (b"HTTP/1.1 200 OK\r\nServer: x\r\n", "the connection ended within the answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers does not speak HTTP"),
        (b"<html>it works</html>", "what answers does not speak HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it answers in TLS: is it `https`?"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "the answer's first line is no status line of HTTP/1"),
        (b"HTTP/2 200\r\n\r\n", "the answer's first line is no status line of HTTP/1"),
        (b"HTTP/1.1 099 No\r\n\r\n", "the answer's first line is no status line of HTTP/1"),
        (b"HTTP/1.1 200 OK\r\n" + FLOOD, "the answer's head is too long"),
        (b"HTTP/1.1 200 " + b"x" * HEAD_LIMIT, "the answer's head is too long"),
        (b"HTTP/1.1 100 C\r\n\r\n" * 5000, "the answer's head is too long"),
    ],
    ids=range(12),
)
def test_what_is_no_answer(answer: bytes, detail: str) -> None:
    assert verdict(probe(saying(answer))) == (BAD, detail)


def test_a_flood_of_bytes_ends() -> None:
    def script(sock: socket.socket) -> None:
        asked(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            sock.sendall(b"1;" + b"x" * 900 + b"\r\n.\r\n")

    result = probe(script, HttpTerms(body="fine"))
    assert verdict(result) == (BAD, "it sends without end")


def test_a_reset_instead_of_an_answer() -> None:
    def script(sock: socket.socket) -> None:
        asked(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n")
        reset(sock)

    assert verdict(probe(script))[0] is ProbeReason.RESET


def test_nobody_listens() -> None:
    with speaker(mute) as port:
        pass
    spec = ProbeSpec(Protocol.HTTP, "127.0.0.1", port, WAITS)
    result = asyncio.run(Engine(time.monotonic).probe(spec))
    assert verdict(result)[0] is ProbeReason.REFUSED


# --- time -------------------------------------------------------------------------------


def dripping(sock: socket.socket) -> None:
    """One header after another, each in good time."""
    asked(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    quiet = threading.Event()
    while not quiet.wait(0.05):
        sock.sendall(b"X: y\r\n")


@pytest.mark.parametrize("script", [mute, dripping], ids=["tarpit", "drip"])
def test_the_deadline_is_for_the_whole_exchange(script: Script) -> None:
    result = probe(script, timeout=0.4)
    assert verdict(result) == (ProbeReason.TIMEOUT, "connected, no complete answer")
    assert 0.39 < result.duration < 0.5, "what the target took, and nothing of ours"


def test_a_body_that_drips_has_no_longer() -> None:
    def script(sock: socket.socket) -> None:
        asked(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        quiet = threading.Event()
        while not quiet.wait(0.05):
            sock.sendall(b".")

    assert verdict(probe(script, timeout=0.4))[0] is None, "nobody asked for the body"
    result = probe(script, HttpTerms(body="fine"), timeout=0.4)
    assert result.reason is ProbeReason.TIMEOUT


def test_a_loop_that_is_late_is_not_the_targets_fault() -> None:
    """Blocked for longer than the deadline, in the middle of the exchange, twice."""
    blocked = threading.Event()

    def script(sock: socket.socket) -> None:
        asked(sock)
        blocked.wait(30)
        sock.sendall(OK)

    async def run(port: int) -> ProbeResult:
        spec = ProbeSpec(Protocol.HTTP, "127.0.0.1", port, 0.8, HttpTerms(body="fine"))
        task = asyncio.ensure_future(Engine(time.monotonic).probe(spec))
        await asyncio.sleep(0)  # it connects
        time.sleep(1.0)  # noqa: ASYNC251 - the loop is to be blocked
        await asyncio.sleep(0.01)  # it asks
        threading.Timer(0.2, blocked.set).start()
        time.sleep(1.0)  # noqa: ASYNC251
        return await task

    with speaker(script) as port:
        result = asyncio.run(run(port))
    assert verdict(result) == (None, "")
    assert result.duration < 0.8, "our own delay is not the target's"


# --- bodies -----------------------------------------------------------------------------


def chunked(*chunks: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    return head + b"".join(b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def sized(body: bytes, size: int | None = None) -> bytes:
    length = len(body) if size is None else size
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (length, body)


NOT_THERE = (ProbeReason.BODY, "200, and the text is not in the first 64 kB of the body")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (sized(b"all is fine here"), (None, "")),
        (sized(b"all is bad here"), NOT_THERE),
        (sized(b"fin"), NOT_THERE),
        (sized(b"bad", 3) + b"fine", NOT_THERE),
        (b"HTTP/1.0 200 OK\r\n\r\nfine", (None, "")),
        (chunked(b"all is fi", b"ne"), (None, "")),
        (chunked(b"bad", b"") + b"fine", NOT_THERE),
        (sized(b"x" * (BODY_LIMIT - 4) + b"fine"), (None, "")),
        (sized(b"x" * (BODY_LIMIT - 3) + b"fine"), NOT_THERE),
        (sized(b"fine", 10**14), (None, "")),
        (sized(b"", 0), NOT_THERE),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (ProbeReason.BODY, "204" + NOT_THERE[1][3:])),
        (sized(b"bad", 4), (BAD, "the connection ended within the answer's body")),
        (chunked(b"bad"), (BAD, "the connection ended within the answer")),
        (chunked(b"bad") + b"nonsense\r\n", (BAD, "a chunk's head is no number")),
        (chunked() + b"2\r\nfff\r\n", (BAD, "a chunk is longer than it says")),
        (chunked() + b"1;" + b"x" * 2000, (BAD, "a chunk's head is too long")),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nfine",
            (BAD, "the answer's Content-Length is no number"),
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nfine",
            (BAD, "the answer's Content-Length is no number"),
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\nfine",
            (BAD, "the answer has too many headers"),
        ),
    ],
    ids=range(20),
)
def test_the_text_is_in_the_body_or_not(
    answer: bytes, expected: tuple[ProbeReason | None, str]
) -> None:
    assert verdict(probe(saying(answer), HttpTerms(body="fine"))) == expected


def test_the_text_is_a_text_and_no_pattern() -> None:
    assert verdict(probe(saying(OK), HttpTerms(body="f.*e")))[0] is ProbeReason.BODY
    assert verdict(probe(saying(sized("всё f.*e".encode())), HttpTerms(body="ё f.*e"))) == (
        None,
        "",
    )


# --- many -------------------------------------------------------------------------------


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def until_only(count: int) -> None:
    """Wait until no more than ``count`` descriptors are open: the servers here have some, too."""
    end = time.monotonic() + 20
    while descriptors() > count:
        assert time.monotonic() < end, "descriptors are left open"
        time.sleep(0.01)


def test_many_at_once_leave_no_descriptor_and_delay_nobody() -> None:
    order: list[str] = []

    async def one(engine: Engine, name: str, port: int) -> ProbeResult:
        terms = HttpTerms(body="fine")
        spec = ProbeSpec(Protocol.HTTP, "127.0.0.1", port, 2.0, terms)
        result = await engine.probe(spec)
        order.append(name)
        return result

    async def run(good: int, tarpit: int) -> list[ProbeResult]:
        engine = Engine(time.monotonic)
        wanted = [("bad", tarpit)] * 20 + [("good", good)] * 100
        return await asyncio.gather(*(one(engine, *each) for each in wanted))

    with speaker(saying(OK)) as good, speaker(mute) as tarpit:
        before = descriptors()
        results = asyncio.run(run(good, tarpit))
        until_only(before)
    assert [result.outcome for result in results[20:]] == [Outcome.SUCCESS] * 100
    assert {result.reason for result in results[:20]} == {ProbeReason.TIMEOUT}
    assert order == ["good"] * 100 + ["bad"] * 20


def test_a_probe_that_is_cancelled_leaves_no_descriptor() -> None:
    async def run(port: int) -> None:
        spec = ProbeSpec(Protocol.HTTP, "127.0.0.1", port, WAITS)
        task = asyncio.ensure_future(Engine(time.monotonic).probe(spec))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with speaker(mute) as port:
        before = descriptors()
        asyncio.run(run(port))
        until_only(before)
