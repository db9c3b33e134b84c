"""The web port, as Prometheus, a browser and bad clients meet it."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.openmetrics import parser as openmetrics

from tests.e2e.daemon import Daemon, Metrics
from tests.e2e.stage import ZONE, Stage, free_port, until
from tests.needed import program

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
POOL = {"pool": ZONE}
RECORD_SET = {**POOL, "dns_zone": ZONE, "record": ZONE, "record_type": "A"}


def test_the_names_that_are_fixed_are_there_from_the_first_scrape(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    stage.up(one)
    stage.publish(one, two)
    daemon = stage.member(one, targets=[one, {"address": two, "name": "second"}])
    seen = daemon.until(lambda m: m.labels("target_up", "target"), "known targets")
    for target in (one, "second"):
        for name in (
            "target_up",
            "probes_total",
            "probe_failures_total",
            "probe_duration_seconds_bucket",
            "probe_duration_seconds_count",
        ):
            assert seen.values(name, target=target, **POOL), name
        for reason in ("timeout", "refused", "unreachable", "reset", "no_route", "permission"):
            assert seen.values("probe_failures_total", target=target, reason=reason), reason
        assert seen.value("probe_failures_total", target=target, reason="reset") == 0
    assert seen.values("record_addresses_published", **RECORD_SET)
    assert seen.value("config_last_reload_successful") == 1
    for operation in ("auth_token", "list_zones", "list_records", "create_record", "delete_record"):
        assert seen.values("api_requests_total", operation=operation)
        for reason in ("timeout", "connection", "auth", "conflict", "server_error"):
            labels = {"operation": operation, "reason": reason}
            assert seen.value("api_request_failures_total", **labels) == 0
    assert seen.value("record_changes_total", action="delete", **POOL) == 0
    assert seen.value("lock_events_total", event="failed") == 0
    assert seen.values("cycle_held", reason="no_lock", **POOL) == [0]


def test_both_formats_are_well_formed_and_say_the_same(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.down(three)
    stage.until_published(one, two)
    plain, open_ = daemon.get("/metrics"), daemon.get("/metrics", Accept=OPENMETRICS)
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert open_.headers["content-type"].startswith("application/openmetrics-text; version=")
    assert open_.text.endswith("# EOF\n")
    families = list(openmetrics.text_string_to_metric_families(open_.text))  # type: ignore[no-untyped-call]
    names = {sample.name for family in families for sample in family.samples}
    assert names == {s.name for f in Metrics(plain.text).families for s in f.samples}
    assert not [name for name in names if name.endswith("_created")]
    assert "_created" not in plain.text + open_.text
    assert all(name.startswith(("dnsbalancer_", "process_")) for name in names)


def test_promtool_has_nothing_to_say_about_the_metrics(stage: Stage) -> None:
    promtool = program("promtool")
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    stage.down(three)
    stage.until_published(one, two)
    text = daemon.get("/metrics").body
    command = [promtool, "check", "metrics"]
    ended = subprocess.run(command, input=text, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


def test_the_paths_answer_with_what_they_are_for(stage: Stage) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.steady(one, two)
    page = daemon.get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert one in page.text
    assert two in page.text
    status = daemon.get("/api/v1/status")
    assert (status.status, status.headers["content-type"]) == (200, "application/json")
    (pool,) = daemon.status()["pools"]
    assert (pool["name"], pool["role"], pool["error"]) == (ZONE, "member", None)
    assert {t["address"]: t["health"] for t in pool["targets"]} == {one: "up", two: "up"}
    assert pool["record_sets"][0]["published"] == sorted((one, two))
    assert daemon.get("/-/healthy").status == 200
    assert daemon.get("/-/ready").status == 200
    assert daemon.get("/metrics?name=up").status == 200


def test_anything_else_is_404_and_only_get_and_head_are_served(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    for path in ("/nothing", "/metrics/", "/config", "/../etc/passwd", "/api", "/-/quit", "/debug"):
        assert daemon.get(path).status == 404, path
        assert daemon.get(path, "POST").status == 404, path
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
        for path in ("/", "/metrics", "/api/v1/status", "/-/healthy"):
            told = daemon.get(path, method)
            assert (told.status, told.headers["allow"]) == (405, "GET, HEAD"), method
    assert daemon.get("/metrics", "BREW").status == 501
    for path in ("/", "/metrics", "/api/v1/status", "/-/healthy"):
        head = daemon.get(path, "HEAD")
        assert (head.status, head.body) == (200, b"")
        assert int(head.headers["content-length"]) > 0


def test_gzip_is_given_to_who_asks_for_it(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    packed = daemon.get("/metrics", Accept_Encoding="gzip")
    assert packed.headers["content-encoding"] == "gzip"
    assert Metrics(gzip.decompress(packed.body).decode()).value("cycles_total")
    assert "content-encoding" not in daemon.get("/metrics").headers
    for other in ("identity", "gzip;q=0", "gzip; q=0.0, deflate", "br, zstd", ""):
        told = daemon.get("/metrics", Accept_Encoding=other)
        assert "content-encoding" not in told.headers, other
    for wanted in ("GZIP", "deflate, gzip;q=0.5", "br;q=1.0, gzip;q=0.8, *;q=0.1"):
        assert "content-encoding" in daemon.get("/metrics", Accept_Encoding=wanted).headers, wanted


def test_no_answer_says_more_than_it_has_to(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    for path in ("/", "/metrics", "/api/v1/status", "/-/healthy", "/nothing"):
        headers = daemon.get(path).headers
        assert headers["server"] == "dnsbalancer", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert "access-control-allow-origin" not in headers, path


def test_it_is_ready_when_the_first_cycle_has_ended(stage: Stage) -> None:
    stage.emulator.faults.add("list_records:slow:seconds=6:times=1")
    daemon = stage.member(stage.hosts[0])
    until(lambda: stage.asked("list_records"), "the first read on its way")
    until(lambda: daemon.get("/-/healthy").status == 200, "an open port")
    first = daemon.get("/-/ready")
    assert first.status == 503
    assert daemon.metrics().value("cycles_total") == 0
    until(lambda: daemon.get("/-/ready").status == 200, "ready")


def test_it_is_ready_though_the_api_failed_in_the_first_cycle(stage: Stage) -> None:
    stage.emulator.faults.add("auth_token:status:code=403")
    daemon = stage.member(stage.hosts[0])
    until(lambda: daemon.get("/-/ready").status == 200, "ready")
    assert daemon.metrics().value("cycle_failures_total")


# --- bad clients --------------------------------------------------------------------------


@contextlib.contextmanager
def idle(daemon: Daemon, count: int, said: bytes = b"") -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(daemon.listen, 5))
            with contextlib.suppress(OSError):  # it may have been turned away
                client.sendall(said)
        yield


@pytest.mark.parametrize("said", [b"", b"GET /metr", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_that_says_nothing_more_does_not_block_a_scrape(stage: Stage, said: bytes) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    with idle(daemon, 5, said):
        for _ in range(5):
            assert daemon.get("/metrics").status == 200


@pytest.mark.parametrize("said", [b"", b"GET /metr", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_two_hundred_clients_are_held_and_a_scrape_is_served_beside_them(
    stage: Stage, said: bytes
) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    with idle(daemon, 200, said):
        for _ in range(10):
            seen = daemon.metrics()
        assert seen.value("web_connections_rejected_total", reason="limit") == 0


def test_six_hundred_clients_displace_each_other_and_not_a_scrape(stage: Stage) -> None:
    one, two, three = stage.hosts[:3]
    daemon = stage.steady(one, two, three)
    with idle(daemon, 600):
        seen = daemon.metrics()
        assert (seen.value("web_connections_rejected_total", reason="limit") or 0) >= 300
        stage.down(three)
        stage.until_published(one, two)  # the work goes on
    daemon.until_cycles(1)


def test_who_drips_is_cut_in_the_end(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    with socket.create_connection(daemon.listen, 5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nX-Drip: ")
        client.settimeout(0.2)

        def cut() -> bool:
            try:
                client.sendall(b"a")
                return client.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        until(cut, "the end of the connection", 60)
    until(
        lambda: daemon.metrics().value("web_connections_rejected_total", reason="timeout") == 1,
        "it is counted",
    )


def test_who_only_knocks_is_no_event(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    for _ in range(20):
        socket.create_connection(daemon.listen, 5).close()
    assert daemon.metrics().value("web_connections_rejected_total") == 0


def test_many_scrapes_at_once_are_all_answered(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    with ThreadPoolExecutor(50) as pool:
        scrapes = list(pool.map(lambda _: daemon.metrics(), range(200)))
    assert all(seen.value("cycles_total") for seen in scrapes)
    assert scrapes[-1].value("web_connections_rejected_total") == 0


@pytest.mark.parametrize("listen", ["[::1]", "[::]"])
def test_it_listens_on_ipv6_and_on_both_families(stage: Stage, listen: str) -> None:
    port = free_port("::1")
    daemon = stage.member(stage.hosts[0], listen=f"{listen}:{port}")
    daemon.until_logged("event=listen ")
    for host in ["::1"] if listen == "[::1]" else ["::1", "127.0.0.1"]:
        client = http.client.HTTPConnection(host, port, timeout=5)
        client.request("POST", "/-/reload")  # both are loopback
        assert client.getresponse().status == 200
        client.close()


def test_nonsense_at_the_port_is_refused_and_is_no_event(stage: Stage) -> None:
    daemon = stage.member(stage.hosts[0])
    daemon.until_cycles(1)
    nonsense = (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + (b"X: " + b"y" * 30000 + b"\r\n") * 3 + b"\r\n",
    )
    for said in nonsense:
        with socket.create_connection(daemon.listen, 5) as client, contextlib.suppress(OSError):
            client.settimeout(10)
            client.sendall(said)
            assert b" 200 " not in client.recv(65536)
    assert daemon.get("/metrics").status == 200
    assert "event=web_error" not in daemon.log
