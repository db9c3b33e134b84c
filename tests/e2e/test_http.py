"""A pool that is probed by https: a 503 is a failover, and its end the way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.e2e.site import Site
from tests.e2e.stage import ZONE, Stage, verb

EXPIRES = (datetime.now(timezone.utc) + timedelta(days=10)).replace(microsecond=0)


@pytest.fixture
def sites(stage: Stage, tmp_path: Path) -> Iterator[list[Site]]:
    """Two of them, on the first hosts, published; their certificates end in ten days."""
    authority = Authority()
    authority.write(tmp_path / "ca.pem")
    hosts = stage.hosts[:2]
    stage.publish(*hosts)
    sites = [Site((host, stage.port), authority.server(ZONE, not_after=EXPIRES)) for host in hosts]
    yield sites
    for site in sites:
        site.close()


def keys(tmp_path: Path) -> dict[str, object]:
    http = {"path": "/healthz?full=1", "body": "is fine", "ca_file": str(tmp_path / "ca.pem")}
    return {"protocol": "https", "http": http}


def test_a_503_is_a_failover_and_its_end_the_way_back(
    stage: Stage, sites: list[Site], tmp_path: Path
) -> None:
    one, two = stage.hosts[:2]
    daemon = stage.witness(targets=[one, two], **keys(tmp_path))
    daemon.until_healthy(2)
    sites[1].status = 503
    stage.until_published(one)
    labels = {"target": two, "probe": "https"}
    metrics = daemon.metrics()
    assert metrics.value("probe_failures_total", reason="status", **labels)
    expiry = metrics.value("probe_tls_certificate_expiry_timestamp_seconds", **labels)
    assert expiry == EXPIRES.timestamp()
    told = verb("explain", two, "--state-dir", str(daemon.keys()["state_dir"])).stdout
    assert "(status: 503, expected 200-399)" in told
    assert f"asked for:     GET https://{ZONE}:{stage.port}/healthz?full=1" in told
    assert "certificate:   expires in 9 d, " in told
    assert f"GET https://{ZONE}:{stage.port}/healthz?full=1, certificate expires in 9 d" in (
        daemon.get("/").text
    )
    sites[1].status = 200
    stage.until_published(one, two)
    assert sites[0].asked == sites[1].asked == {f"GET {ZONE}:{stage.port}/healthz?full=1"}


def test_check_online_tells_of_the_certificate(
    stage: Stage, sites: list[Site], tmp_path: Path
) -> None:
    one, two = stage.hosts[:2]
    sites[1].status = 404
    config = stage.config(
        stage.hosts[-1], is_self_maintenance=False, targets=[one, two], **keys(tmp_path)
    )
    done = verb("check", "--online", str(config))
    lines = done.stdout.replace("\n         -> ", " -> ").splitlines()
    (first,) = [line for line in lines if f" {one}: target, https " in line]
    (second,) = [line for line in lines if f" {two}: target, https " in line]
    assert first.startswith("note ")
    assert "its certificate is good for 10 d -> renew it" in first
    assert second.startswith("problem ")
    assert "status (404, expected 200-399) -> is the application well?" in second
    assert done.returncode == 1
