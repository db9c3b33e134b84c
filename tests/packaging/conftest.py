from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.needed import unavailable
from tests.packaging import machine
from tests.packaging.machine import Machine
from tests.repo.generated import ROOT

BUILD = ROOT / "packaging/build.py"
PACKAGE = ROOT / "packaging/package.py"


def make(*command: str | Path, **environ: str) -> str:
    """Run one of the packaging tools; what it prints."""
    done = subprocess.run(
        [sys.executable, *command],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The single file, as `make dist` builds it; $DNSBALANCER_DIST has one that is to be tested."""
    given = os.environ.get("DNSBALANCER_DIST")
    if given:
        return Path(given) / "dnsbalancer"
    target = tmp_path_factory.mktemp("dist") / "dnsbalancer"
    make(BUILD, target)
    return target


@pytest.fixture(scope="session")
def packages(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a .deb and a .rpm of this version, and of 9.9.9."""
    folder = tmp_path_factory.mktemp("packages")
    if "DNSBALANCER_DIST" in os.environ:
        for path in (*file.parent.glob("*.deb"), *file.parent.glob("*.rpm")):
            shutil.copy(path, folder)
    else:
        make(PACKAGE, file, folder)
    make(PACKAGE, file, folder, "--version", "9.9.9")
    return folder


@pytest.fixture
def files(file: Path, packages: Path) -> list[Path]:
    """The single file and all packages."""
    return [file, *packages.glob("*.deb"), *packages.glob("*.rpm")]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Debian, for all machines of the session."""
    return laid_out(tmp_path_factory, "bookworm")


@pytest.fixture(scope="session")
def trixie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian after it."""
    return laid_out(tmp_path_factory, "trixie")


def laid_out(folders: pytest.TempPathFactory, suite: str) -> Path:
    why = machine.why_not()
    if why:
        unavailable(why)
    root = folders.mktemp(suite) / "root"
    machine.lay_out(root, suite)
    return root


@pytest.fixture
def boot(base: Path, tmp_path: Path) -> Iterator[Callable[..., Machine]]:
    """Boots a new machine with some files in /opt."""
    with ExitStack() as stack:
        yield lambda *files: stack.enter_context(machine.booted(base, tmp_path / "m", *files))
