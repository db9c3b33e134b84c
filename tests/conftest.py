"""The servers that take long to start: one of each for all tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.openstack import Designate, designate
from tests.repo.generated import ROOT


@pytest.fixture(scope="session")
def openstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Designate]:
    """Keystone, Designate and BIND. Whoever uses it is in the group `openstack`."""
    with designate(ROOT / ".venv", tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud
