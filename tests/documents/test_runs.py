"""The pages, followed: what is marked is done in order, and prints what the page says."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest

from dnsbalancer_exporter import __version__
from tests.documents.before import bare, clouded, played, published, running, watched
from tests.documents.fleet import Fleet
from tests.documents.pages import DOCS, Block, blocks
from tests.documents.printed import agrees
from tests.e2e.lab import need_network_namespaces
from tests.needed import unavailable
from tests.packaging import machine
from tests.packaging.conftest import file, packages

__all__ = ["file", "packages"]
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("machine")]

TOOLS = "bind9-dnsutils,cloud-init,curl,openssh-server,python3-apt"
"""What a page uses on a machine."""

PAGES: Mapping[str, tuple[int, Callable[[Fleet], None]]] = {
    "quick-start.md": (3, bare),
    "article.md": (1, bare),
    "migration.md": (3, published),
    "operations.md": (3, running),
    "monitoring.md": (3, watched),
    "ansible.md": (3, played),
    "cloud-init.md": (3, clouded),
}
"""Which pages are followed, on how many machines, and what their reader has before."""

PATIENCE = 300.0
"""Seconds after which a command will not print what the page says; no measure of speed."""

Make = Callable[[int], Fleet]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Debian with what the pages use; $DNSBALANCER_ROOT has one that is laid out already."""
    if "DNSBALANCER_ROOT" in os.environ:
        return Path(os.environ["DNSBALANCER_ROOT"])
    why = machine.why_not()
    if why:
        unavailable(why)
    made = tmp_path_factory.mktemp("documents") / "root"
    machine.lay_out(made, more=TOOLS)
    return made


@pytest.fixture
def fleet(root: Path, file: Path, packages: Path, tmp_path: Path) -> Iterator[Make]:
    """Makes the machines of a page; after it all that has happened to the zone is judged."""
    need_network_namespaces()
    files = tmp_path / "files"
    files.mkdir()
    for path in (file, packages / f"dnsbalancer_{__version__}_all.deb"):
        shutil.copy(path, files)
    made: list[Fleet] = []
    with ExitStack() as stack:

        def make(count: int) -> Fleet:
            made.append(stack.enter_context(Fleet(tmp_path, root, files, count)))
            return made[0]

        yield make
    for one in made:
        one.judge()


def _follow(fleet: Fleet, block: Block, after: Block | None) -> None:
    """Do what a block's mark says; ``after`` is what it prints, if the page says so."""
    if "file" in block.marks:
        where, _, path = block.marks["file"].rpartition(" ")
        for number in fleet.numbers(where):
            fleet.write(number, path, block.text)
        return
    where, _, how = block.marks["run"].partition(", ")
    for number in fleet.numbers(where):
        script = block.text
        if how == "background":
            fleet.begin(number, script)
            script = "cat /run/background.out"
        _repeat(fleet, number, block, script, after, 0.0 if how == "once" else PATIENCE)


def _repeat(
    fleet: Fleet, number: int, block: Block, script: str, after: Block | None, seconds: float
) -> None:
    end = time.monotonic() + seconds
    while True:
        done = fleet.do(number, script)
        printed = fleet.out_of(done.stdout)
        if after is None:
            assert done.returncode == 0, f"{block} on {number}: {printed}"
            return
        if agrees(after.text, printed):
            return
        assert time.monotonic() < end, f"{after} on {number}:\n{after.text}\nbut it is\n{printed}"
        time.sleep(0.5)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_true(name: str, fleet: Make) -> None:
    count, prepare = PAGES[name]
    followed = fleet(count)
    prepare(followed)
    every = list(blocks(DOCS / name))
    for block, after in zip(every, [*every[1:], None], strict=True):
        if {"run", "file"} & set(block.marks):
            is_output = after is not None and after.language == "text" and not after.marks
            _follow(followed, block, after if is_output else None)
        if after is None or after.section != block.section:
            followed.end()


def test_every_page_with_something_to_run_is_followed() -> None:
    marked = {
        p.name for p in DOCS.glob("*.md") for b in blocks(p) if {"run", "file"} & set(b.marks)
    }
    assert marked == set(PAGES)
