"""The demo and `emulate`, as commands."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request

import pytest

from dnsbalancer_exporter.emulator.lookup import lookup
from tests.e2e.daemon import environment
from tests.e2e.stage import verb


@pytest.mark.xdist_group("demo")  # its applications have fixed addresses
def test_the_demo_tells_its_story_to_the_end() -> None:
    done = verb("demo", "--script", "--dns-port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    story = [line.partition("] ")[2] for line in done.stdout.splitlines()]
    told = (
        "three records",
        "its record is gone",
        "its record is back",
        "the name points at the third",
        "every daemon has seen it",
        "nothing is up, so the zone stays as it was",
        "three records again",
    )
    for text in told:
        assert [line for line in story if line.startswith(f"  {text}")], text
    assert story[-1] == "that was the story"


def test_the_emulator_serves_until_it_is_told_to_end() -> None:
    command = [
        *(sys.executable, "-m", "dnsbalancer_exporter", "emulate"),
        *("--listen", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--record", "@ A 127.0.0.9"),
    ]
    with subprocess.Popen(
        command, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout
            said = dict(process.stdout.readline().strip().split(": ", 1) for _ in range(6))
            host, _, port = said["dns"].split()[0].rpartition(":")
            assert lookup((host, int(port)), "example.com") == {"127.0.0.9"}
            with urllib.request.urlopen(said["control"], timeout=5) as answer:
                assert answer.status == 200
            process.send_signal(signal.SIGTERM)
            assert process.wait(15) == 0
        finally:
            process.kill()
