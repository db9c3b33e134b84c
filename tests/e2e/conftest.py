from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An empty stage; after the test its daemons are ended and what happened is judged."""
    with Stage(tmp_path) as stage:
        yield stage
    stage.judge()
