"""Started by root, and somebody else from then on: what FreeBSD needs to ping."""

from __future__ import annotations

import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.daemon import HANG_SECONDS
from tests.e2e.stage import LOGIN, PASSWORD, PROJECT, ZONE, until, write
from tests.needed import need_root, program

TARGET = "127.0.0.21"
NAME = "nobody"
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or "python3"
ALONE = 'ip link set lo up; echo "1 0" > /proc/sys/net/ipv4/ping_group_range; exec "$@"'
"""A network where only root may ping."""

KEYS = {
    "url": "http://127.0.0.1:9/",
    "auth_url": "http://127.0.0.1:9/",
    "login": LOGIN,
    "password": PASSWORD,
    "project_id": PROJECT,
    "zone": ZONE,
    "targets": [TARGET],
    "is_self_maintenance": False,
    "driver": "vkcloudns",
    "protocol": "icmp",
    "interval": "500ms",
    "fast_interval": "100ms",
    "probe_timeout": "500ms",
}

pytestmark = pytest.mark.real


@pytest.fixture
def place(file: Path) -> Iterator[Path]:
    """A folder that anybody may read, with the file and a configuration of the user."""
    need_root()
    for name in ("ip", "setpriv"):
        program(name)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        shutil.copy(file, place / "dnsbalancer")
        (place / "state").mkdir()
        write(place / "config.yaml", {**KEYS, "state_dir": str(place / "state")})
        for path in (place / "config.yaml", place / "state"):
            shutil.chown(path, NAME)
        yield place


def started(place: Path, before: list[str], after: list[str]) -> subprocess.Popen[bytes]:
    """The daemon in a network of its own."""
    alone = ["unshare", "--net", "sh", "-ec", ALONE, "sh"]
    daemon = [PYTHON, str(place / "dnsbalancer"), "run", "--config", str(place / "config.yaml")]
    with (place / "log").open("wb") as log:
        return subprocess.Popen(
            [*alone, *before, *daemon, *after],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def end(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(HANG_SECONDS)
    finally:
        process.kill()


def test_it_pings_as_a_user_who_may_not(place: Path) -> None:
    process = started(place, [], ["--user", NAME])
    try:
        until(lambda: "event=target_up" in (place / "log").read_text(), "the target is up")
        status = Path(f"/proc/{process.pid}/status").read_text()
        uid = pwd.getpwnam(NAME).pw_uid
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status
        assert "CapEff:\t0000000000000000" in status
    finally:
        assert end(process) == 0, (place / "log").read_text()


def test_without_the_sockets_that_root_opened_it_could_not(place: Path) -> None:
    other = ["setpriv", f"--reuid={NAME}", "--regid=nogroup", "--clear-groups"]
    process = started(place, other, [])
    try:
        until(lambda: "event=probe_error" in (place / "log").read_text(), "it cannot probe")
        assert "event=target_up" not in (place / "log").read_text()
    finally:
        assert end(process) == 0, (place / "log").read_text()
