"""What a test needs of the machine: without it, it is skipped by name, and fails under CI=true."""

from __future__ import annotations

import os
import shutil
import socket
from typing import NoReturn

import pytest

from dnsbalancer_exporter.probe.ping_socket import open_ping

PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
"""Where programs are looked for: an ordinary user's PATH may lack those of root."""


def unavailable(why: str) -> NoReturn:
    """End the test: what it needs is not here."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def program(name: str) -> str:
    """The path of a program that tests/tools.sh installs."""
    found = shutil.which(name, path=PATH)
    return found or unavailable(f"{name} is missing: tests/tools.sh installs it as root")


def need_root() -> None:
    """The test may do what only root may."""
    if os.geteuid() != 0:
        unavailable("only root can do this")


def need_icmp() -> None:
    """The test may ping."""
    try:
        open_ping(socket.AF_INET).owner.close()
    except PermissionError as error:
        unavailable(f"no ICMP socket here: {error.strerror}")
