"""The acceptance test's story (tests/acceptance), with all its promises kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("machine")]


def test_the_article_on_three_machines_one_cut_off_one_without_power(
    file: Path, base: Path
) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "tests.acceptance", file, base],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    print(told.stdout)
    assert told.returncode == 0
    assert told.stdout.endswith("ACCEPTED\n")
    assert told.stdout.count("  kept  ") == 9
