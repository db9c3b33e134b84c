"""How an answer travels that may be long: whole, in pieces, packed, to old clients, broken off."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
from collections.abc import Iterator
from http import HTTPStatus

import pytest

from dnsbalancer_exporter.export.access import OPEN
from dnsbalancer_exporter.export.answer import Answer, Drawing
from dnsbalancer_exporter.export.handler import HELD
from dnsbalancer_exporter.export.site import Site
from dnsbalancer_exporter.export.web import WebServer
from dnsbalancer_exporter.json_text import json_pieces
from dnsbalancer_exporter.report import Report
from dnsbalancer_exporter.threads import gently

PIECE = b"0123456789abcdef\n" * 4096
LONG = 3 * HELD // len(PIECE)
SIZES = pytest.mark.parametrize("count", [1, LONG])


@contextlib.contextmanager
def serving(count: int, *, broken: bool = False) -> Iterator[tuple[str, int]]:
    """A port whose /metrics has so many pieces, and is ``broken`` after them."""

    def pieces() -> Iterator[bytes]:
        for _ in range(count):
            yield PIECE
            yield b""  # a family that no target has a sample of
        if broken:
            raise RuntimeError("on purpose")

    answer = Answer(HTTPStatus.OK, "text/plain", Drawing(pieces))
    site = Site(lambda _: answer, lambda: Report(0.0), dict, tuple)
    server = WebServer(("127.0.0.1", 0), site, lambda: OPEN, lambda _: None)
    server.start()
    try:
        yield ("127.0.0.1", server.server_address[1])
    finally:
        server.stop()


def asked(
    address: tuple[str, int], method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    with contextlib.closing(http.client.HTTPConnection(*address, timeout=30)) as web:
        web.request(
            method, "/metrics", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        answer = web.getresponse()
        return answer, answer.read()


@SIZES
def test_a_long_answer_comes_in_pieces_and_a_short_one_tells_its_length(count: int) -> None:
    with serving(count) as address:
        answer, body = asked(address)
    assert body == PIECE * count
    chunked = answer.getheader("transfer-encoding") == "chunked"
    assert (chunked, answer.getheader("content-length")) == (
        (True, None) if count == LONG else (False, str(len(PIECE)))
    )


@SIZES
def test_packed_it_always_tells_its_length(count: int) -> None:
    with serving(count) as address:
        answer, body = asked(address, Accept_Encoding="gzip")
    assert gzip.decompress(body) == PIECE * count
    assert answer.getheader("content-encoding") == "gzip"
    assert answer.getheader("content-length") == str(len(body))


@SIZES
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_has_the_same_headers_and_no_body(count: int, encoding: str) -> None:
    with serving(count) as address:
        head, nothing = asked(address, "HEAD", Accept_Encoding=encoding)
        get, _ = asked(address, Accept_Encoding=encoding)
    assert nothing == b""
    assert [h for h in head.getheaders() if h[0] != "Date"] == [
        h for h in get.getheaders() if h[0] != "Date"
    ]


@SIZES
def test_an_old_client_gets_it_up_to_the_end_of_the_connection(count: int) -> None:
    with serving(count) as address, socket.create_connection(address, 30) as client:
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        said = b"".join(iter(lambda: client.recv(1 << 16), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert body == PIECE * count


def test_who_is_given_half_of_it_can_tell() -> None:
    with serving(LONG, broken=True) as address, pytest.raises(http.client.IncompleteRead):
        asked(address)


def test_what_is_made_gently_is_all_there_and_leaves_room_in_between() -> None:
    seen = []
    for some in gently(iter(range(50000))):
        seen += some
        assert [n for part in gently("ab") for n in part] == ["a", "b"]  # nobody is kept out
    assert seen == list(range(50000))
    assert list(gently(())) == [[]]


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        None,
        {"pools": [{"targets": [{"name": 'a"ж\n', "recent": [0.1, None]}], "none": []}], "at": 1.5},
        [[[[[[[1, {"a": {}}]]]]]]],
    ],
)
def test_json_in_pieces_is_json(value: object) -> None:
    assert "".join(json_pieces(value)) == json.dumps(value, separators=(",", ":"))
