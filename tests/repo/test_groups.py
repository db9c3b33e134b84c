"""Tests that share a port or a machine run one after the other: pytest-xdist's groups do work."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("together")
def test_groups_are_honoured(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" in os.environ:
        assert request.node.nodeid.endswith("@together")
