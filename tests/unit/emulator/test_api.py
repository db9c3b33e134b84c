"""The Public DNS API over real sockets: its paths and the forms of its answers."""

from __future__ import annotations

import json
import re
import socket
import uuid

import pytest
import requests

from dnsbalancer_exporter.emulator import Emulator
from tests.unit.emulator.account import log_in

NOBODY = "00000000-0000-4000-8000-000000000000"


# --- paths ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "strict", "kind", "lenient"),
    [
        ("GET", "", 404, "UnsupportedMethod", 200),
        ("POST", "", 405, "UnsupportedHttpMethod", 400),
        ("GET", "/", 200, None, 200),
        ("PUT", "/", 405, "UnsupportedHttpMethod", 405),
        ("PATCH", "/", 405, "UnsupportedHttpMethod", 405),
        ("GET", "/{zone}", 200, None, 200),
        ("GET", "/{zone}/", 404, "IncorrectRouteAttribute", 200),
        ("POST", "/{zone}", 405, "UnsupportedHttpMethod", 405),
        ("GET", "/{zone}/a", 400, "ParseError", 200),
        ("POST", "/{zone}/a", 405, "UnsupportedHttpMethod", 400),
        ("GET", "/{zone}/a/", 200, None, 200),
        ("PUT", "/{zone}/a/", 405, "UnsupportedHttpMethod", 405),
        ("GET", "/{zone}/A/", 404, "IncorrectRouteAttribute", 404),
        ("GET", "/{zone}/caa/", 404, "IncorrectRouteAttribute", 404),
        ("GET", "/{zone}/a/{record}", 200, None, 200),
        ("GET", "/{zone}/a/{record}/", 404, "IncorrectRouteAttribute", 200),
        ("PATCH", "/{zone}/a/{record}", 405, "UnsupportedHttpMethod", 405),
        ("GET", "/{zone}/aaaa/{record}", 404, "RecordNotFound", 404),
        ("GET", "/{zone}/a/not-a-uuid", 400, "ParseError", 400),
        ("GET", "/not-a-uuid", 400, "ParseError", 400),
        ("GET", f"/{NOBODY}", 404, "RecordNotFound", 404),
        ("GET", f"/{NOBODY}/a/", 404, "RecordNotFound", 404),
        ("DELETE", f"/{{zone}}/a/{NOBODY}", 404, "RecordNotFound", 404),
        ("GET", "//a/", 404, "IncorrectRouteAttribute", 404),
        ("GET", "/{zone}/a/{record}/x", 404, "IncorrectRouteAttribute", 404),
        ("GET", "x/", 404, "IncorrectRouteAttribute", 404),
    ],
)
def test_paths_and_slashes(
    stage: Emulator,
    http: requests.Session,
    method: str,
    path: str,
    strict: int,
    kind: str | None,
    lenient: int,
) -> None:
    log_in(stage, http)
    (zone,) = stage.zones.list_zones()
    (record,) = stage.zones.list_records(zone.uuid, "a")
    url = stage.url + "v2/dns" + path.format(zone=zone.uuid, record=record.uuid)
    reply = http.request(method, url)
    assert reply.status_code == strict
    if kind is not None:
        assert reply.text.startswith(f'{{"type":"{kind}","code":10000001,"message":"')
        assert reply.json()["message"]
    stage.switches.set(slash="lenient")
    assert http.request(method, url).status_code == lenient


@pytest.mark.parametrize("path", ["", "v2/dns/", f"v2/dns/{NOBODY}/a/", "v2/dns"])
@pytest.mark.parametrize("token", [None, "gAAAAAnonsense"])
def test_every_path_wants_a_token(
    stage: Emulator, http: requests.Session, path: str, token: str | None
) -> None:
    reply = http.get(stage.url + path, headers={"X-Auth-Token": token} if token else {})
    assert reply.status_code == 401


# --- the form of answers -----------------------------------------------------------


def test_a_create_as_it_is_on_the_wire(stage: Emulator, http: requests.Session) -> None:
    log_in(stage, http)
    (zone,) = stage.zones.list_zones()
    reply = http.post(
        f"{stage.url}v2/dns/{zone.uuid}/a/", json={"ttl": 60, "ipv4": "127.0.0.12", "name": "@"}
    )
    made = reply.json()
    assert reply.status_code == 201
    assert reply.text == json.dumps(
        {
            "uuid": str(uuid.UUID(made["uuid"])),
            "name": "@",
            "dns": f"/v2/dns/{zone.uuid}",
            "ipv4": "127.0.0.12",
            "ttl": 60,
        }
    )
    assert reply.headers["Content-Type"] == "application/json"
    host = stage.url.split("/")[2]
    assert reply.headers["Location"] == f"http://{host}/v2/dns/{zone.uuid}/a/{made['uuid']}"


@pytest.mark.parametrize("code", [204, 202])
def test_a_delete_has_no_body(stage: Emulator, http: requests.Session, code: int) -> None:
    stage.switches.set(delete_code=code)
    log_in(stage, http)
    (zone,) = stage.zones.list_zones()
    (record,) = stage.zones.list_records(zone.uuid, "a")
    url = f"{stage.url}v2/dns/{zone.uuid}/a/{record.uuid}"
    reply = http.delete(url)
    assert (reply.status_code, reply.content) == (code, b"")
    assert "Content-Type" not in reply.headers
    assert http.delete(url).status_code == 404


@pytest.mark.parametrize(
    ("style", "body"),
    [("ra", rb'\{"type":"RecordNotFound",.*\}'), ("empty", rb""), ("html", rb"<html>.*</html>")],
)
def test_error_styles(stage: Emulator, http: requests.Session, style: str, body: bytes) -> None:
    stage.switches.set(error_style=style)
    log_in(stage, http)
    reply = http.get(f"{stage.url}v2/dns/{NOBODY}")
    assert reply.status_code == 404
    assert re.fullmatch(body, reply.content)


@pytest.mark.parametrize(
    ("query", "strict", "ignored"),
    [
        ("?zone=example.com", 1, 1),
        ("?zone=example.org", 0, 0),
        ("?zone=example.com&zone=example.org", 1, 1),
        ("?status=pending&soa_ttl=86400", 1, 1),
        ("?limit=1", 400, 1),
    ],
)
def test_zone_filters(
    stage: Emulator, http: requests.Session, query: str, strict: int, ignored: int
) -> None:
    log_in(stage, http)
    for mode, expected in (("reject", strict), ("ignore", ignored)):
        stage.switches.set(unknown_filters=mode)
        reply = http.get(stage.url + "v2/dns/" + query)
        assert (len(reply.json()) if reply.ok else reply.status_code) == expected


@pytest.mark.parametrize("code", [403, 401])
def test_a_viewer_reads_only(stage: Emulator, http: requests.Session, code: int) -> None:
    stage.switches.set(role="viewer", viewer_code=code)
    log_in(stage, http)
    (zone,) = stage.zones.list_zones()
    url = f"{stage.url}v2/dns/{zone.uuid}"
    assert http.get(url).status_code == 200
    assert http.delete(url).status_code == code
    assert stage.zones.list_zones() == (zone,)


@pytest.mark.parametrize(
    "request_text",
    [
        "POST /public-dns/v2/dns/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /public-dns/v2/dns/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /public-dns/v2/dns/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_ends(
    stage: Emulator, request_text: str
) -> None:
    host, port = stage.url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request_text.encode())
        with connection.makefile("rb") as stream:
            assert b" 4" in stream.read().splitlines()[0]
