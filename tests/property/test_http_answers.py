"""No sequence of bytes that a target sends raises, or is called our own fault."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsbalancer_exporter.certificate import not_after_der
from dnsbalancer_exporter.model import HttpTerms, Outcome, ProbeResult, ProbeSpec, Protocol
from dnsbalancer_exporter.probe import Engine
from dnsbalancer_exporter.probe.http_answer import Head, Incoming, Invalid
from tests.speakers import Script, saying, speaker

WORDS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.0 503 x\r\n",
        b"Content-Length: ",
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"3\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"fine",
        b"\x16\x03\x03\x00\x05",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b": \xff\x00=?utf-8?q?x?=\r\n",
        b"x" * 40000,
    ]
)
ANSWERS = st.lists(st.one_of(WORDS, st.binary(max_size=30)), max_size=12)


async def judged(pieces: Sequence[bytes]) -> Head | bool | None:
    """What becomes of an answer that comes in these pieces; None if it is none."""
    rest = iter([piece for piece in pieces if piece])

    async def receive() -> bytes:
        return next(rest, b"")

    incoming = Incoming(receive)
    try:
        head = await incoming.head()
        return await incoming.body_holds(head, b"fine")
    except Invalid:
        return None


@settings(max_examples=500, deadline=None)
@given(ANSWERS)
def test_every_answer_is_judged(pieces: list[bytes]) -> None:
    asyncio.run(judged(pieces))


@settings(max_examples=200, deadline=None)
@given(ANSWERS)
def test_where_an_answer_is_cut_changes_nothing(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)[:3000]
    drops = [whole[i : i + 1] for i in range(len(whole))]
    assert asyncio.run(judged([whole])) == asyncio.run(judged(drops))


@settings(max_examples=40, deadline=None)
@given(st.lists(ANSWERS, min_size=1, max_size=6), st.sampled_from([Protocol.HTTP, Protocol.HTTPS]))
def test_whatever_is_sent_the_fault_is_never_ours(
    answers: list[list[bytes]], protocol: Protocol
) -> None:
    async def run(ports: list[int]) -> list[ProbeResult]:
        engine = Engine(time.monotonic)
        terms = HttpTerms(host="www.example.com", body="fine", verify=False)
        specs = [ProbeSpec(protocol, "127.0.0.1", port, 5.0, terms) for port in ports]
        return await asyncio.gather(*map(engine.probe, specs))

    def sending(data: bytes) -> Script:
        return saying(data) if protocol is Protocol.HTTP else lambda sock: sock.sendall(data)

    with contextlib.ExitStack() as stack:
        scripts = [sending(b"".join(pieces)) for pieces in answers]
        ports = [stack.enter_context(speaker(script)) for script in scripts]
        results = asyncio.run(run(ports))
    for result in results:
        assert result.outcome is not Outcome.ERROR, result


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_certificate_breaks_its_reader(der: bytes) -> None:
    try:
        assert isinstance(not_after_der(der), (int, float))
    except ValueError:
        return
