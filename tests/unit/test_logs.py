"""Lines for systemd's journal begin with their priority; others do not."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dnsbalancer_exporter.export.logs import JournalFormatter

SCRIPT = """
import logging, os, sys
from dnsbalancer_exporter.export import logs
if sys.argv[1] == "journal":
    found = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
logs.begin("debug", "logfmt", [])
for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
    logging.getLogger("dnsbalancer").log(level, "text")
logs.refuse("one\\ntwo")
"""


def lines(kind: str, tmp_path: Path, **environ: str) -> list[str]:
    """What a process writes to a file as its standard error."""
    with (tmp_path / "stderr").open("w") as stderr:
        command = [sys.executable, "-c", SCRIPT, kind]
        subprocess.run(command, check=True, stderr=stderr, env={**os.environ, **environ})
    return (tmp_path / "stderr").read_text().splitlines()


def test_for_the_journal_every_line_has_its_priority(tmp_path: Path) -> None:
    written = lines("journal", tmp_path)
    assert [line[:3] for line in written] == ["<7>", "<6>", "<4>", "<3>", "<3>", "<3>"]
    assert written[-2:] == ["<3>one", "<3>two"]


def test_elsewhere_there_is_none(tmp_path: Path) -> None:
    for written in (lines("file", tmp_path), lines("file", tmp_path, JOURNAL_STREAM="8:12345")):
        assert [line[:5] for line in written[:4]] == ["time="] * 4
        assert written[-2:] == ["one", "two"]


@pytest.mark.parametrize("level", [5, 25])
def test_a_level_in_between_is_information(level: int) -> None:
    record = logging.LogRecord("other", level, "", 0, "text", None, None)
    assert JournalFormatter("logfmt", []).format(record).startswith("<6>")
